//! What the host proves: a proof decodes to one encoding, and garbage proves nothing of an empty tree.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(proof) = strongroom_proof::tree::Proof::decode(data) else { return };
    assert_eq!(proof.encode(), data);
    let mut tree = strongroom_proof::partial::PartialTree::blind([7; 32]);
    assert!(tree.absorb(b"key", Some(b"value"), &proof).is_err());
    assert!(tree.absorb(b"key", None, &proof).is_err());
});
