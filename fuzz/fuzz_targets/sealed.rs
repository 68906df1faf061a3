//! What lies on disk or on chain: seals, anchors, shares, evidence, and messages to contracts.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    use strongroom_crypto::{io, seal, secret::Secret, x25519::KeyPair};
    let _ = seal::decode::<seal::SealedSeeds>(data);
    let _ = seal::decode::<seal::SealedAnchor>(data);
    let _ = seal::decode::<seal::Share>(data);
    let _ = borsh::from_slice::<strongroom_attest::Evidence>(data);
    let network = KeyPair::from_secret(&Secret::new([5; 32]));
    assert!(io::open_input([&network], data).is_err(), "nobody sealed this");
});
