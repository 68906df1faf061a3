//! Solo against the recorded chain, and as an engine that is stopped, killed and lied to.

mod engine;
mod golden;
pub(crate) mod home;

use super::*;
use crate::{GenesisFile, InitChain, Signer};
use strongroom_types::{RawTx, Timestamp};

#[test]
fn block_times_are_the_clocks_and_grow_also_where_it_does_not() {
    let at = |seconds, nanos| Timestamp { seconds, nanos };
    assert_eq!(block_time(at(10, 123), at(9, 0)), at(10, 123));
    assert_eq!(block_time(at(10, 120), at(9, 0)), at(10, 120));
    assert_eq!(block_time(at(10, 1_000_000), at(10, 0)), at(10, 1_000_000));
    assert_eq!(block_time(at(10, 999_999), at(10, 0)), at(10, 1_000_001));
    // The clock stands still, or went back.
    assert_eq!(block_time(at(10, 5), at(10, 5)), at(10, 1_000_005));
    assert_eq!(block_time(at(1, 0), at(10, 999_999_991)), at(11, 999_991));
}

#[test]
fn only_transactions_that_fit_are_taken() {
    let txs = RawTx::list([vec![0; 10], vec![0; 10], vec![0; 200], vec![]]);
    assert_eq!(propose::fitting(txs.clone(), 23).len(), 1);
    assert_eq!(propose::fitting(txs.clone(), 24).len(), 2);
    assert_eq!(propose::fitting(txs.clone(), 24 + 203).len(), 3);
    assert_eq!(propose::fitting(txs.clone(), 24 + 203 + 2).len(), 4);
    assert_eq!(propose::fitting(txs, 0).len(), 0);
    let most = strongroom_proof::light::BLOCK_TXS_MAX;
    assert_eq!(
        propose::fitting(vec![RawTx::from(vec![]); most + 1], u64::MAX).len(),
        most
    );
}

#[test]
fn a_proposal_that_is_too_much_is_refused_before_anything_is_signed() {
    use strongroom_proof::light::{BLOCK_BYTES_MAX, BLOCK_TXS_MAX, EVIDENCE_BYTES_MAX};
    let signer = Signer::in_memory(&[3; 32]);
    let doc = genesis(signer.pubkey());
    let init = InitChain {
        app_hash: vec![1; 32],
        ..InitChain::default()
    };
    let mut proposer = Proposer::genesis(&doc, &init, 0, signer).unwrap();
    let time = doc.doc.genesis_time;
    let evidence = Content {
        evidence: vec![0; EVIDENCE_BYTES_MAX + 1],
        ..Content::default()
    };
    for content in [
        vec![RawTx::from(vec![]); BLOCK_TXS_MAX + 1].into(),
        RawTx::list([vec![0; BLOCK_BYTES_MAX], vec![0]]).into(),
        evidence,
    ] {
        let refused = proposer.propose(content, time, time).unwrap_err();
        assert_eq!(refused.code(), "engine.too_much");
        assert_eq!(proposer.signer().last_height(), None);
    }
    proposer.propose(Content::default(), time, time).unwrap();
}

/// A genesis with one validator that may run Solo.
fn genesis(pubkey: [u8; 32]) -> GenesisFile {
    use base64::Engine as _;
    let json = serde_json::json!({
        "genesis_time": "2026-01-02T03:04:05.678901234Z",
        "chain_id": "solo-test-1",
        "initial_height": "1",
        "validators": [{
            "pub_key": {
                "type": "tendermint/PubKeyEd25519",
                "value": base64::engine::general_purpose::STANDARD.encode(pubkey),
            },
            "power": "10",
        }],
        "app_state": {"registration": {"security": "insecure"}},
    });
    GenesisFile::parse(json.to_string().into_bytes()).unwrap()
}
