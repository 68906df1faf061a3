//! What consensus hands in: headers, commits, evidence and parameters have one encoding.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    use strongroom_proof::comet::{Commit, ConsensusParamsUpdate, Evidence, Header};
    if let Ok(header) = Header::decode(data) {
        assert_eq!(header.encode(), data);
        let _ = header.hash();
    }
    if let Ok(commit) = Commit::decode(data) {
        assert_eq!(commit.encode(), data);
    }
    let _ = Evidence::decode(data);
    let _ = ConsensusParamsUpdate::decode(data);
});
