//! Solo against the recorded chain, and as an engine that is stopped, killed and lied to.

mod engine;
mod golden;

use super::*;
use crate::GenesisDoc;
use strongroom_types::Timestamp;

#[test]
fn block_times_grow_and_have_nine_digits() {
    let at = |seconds, nanos| Timestamp { seconds, nanos };
    assert_eq!(block_time(at(10, 123), at(9, 0)), at(10, 123));
    assert_eq!(block_time(at(10, 120), at(9, 0)), at(10, 121));
    assert_eq!(block_time(at(10, 0), at(9, 0)), at(10, 1));
    // The clock stands still, or went back.
    assert_eq!(block_time(at(10, 5), at(10, 5)), at(10, 1_000_005));
    assert_eq!(block_time(at(1, 0), at(10, 999_999_991)), at(11, 999_991));
}

#[test]
fn only_transactions_that_fit_are_taken() {
    let txs = vec![vec![0; 10], vec![0; 10], vec![0; 200], vec![]];
    assert_eq!(propose::fitting(txs.clone(), 23).len(), 1);
    assert_eq!(propose::fitting(txs.clone(), 24).len(), 2);
    assert_eq!(propose::fitting(txs.clone(), 24 + 203).len(), 3);
    assert_eq!(propose::fitting(txs.clone(), 24 + 203 + 2).len(), 4);
    assert_eq!(propose::fitting(txs, 0).len(), 0);
    let most = strongroom_proof::light::BLOCK_TXS_MAX;
    assert_eq!(
        propose::fitting(vec![vec![]; most + 1], u64::MAX).len(),
        most
    );
}

/// A genesis with one validator that may run Solo.
fn genesis(pubkey: [u8; 32]) -> GenesisDoc {
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
    GenesisDoc::parse(json.to_string().into_bytes()).unwrap()
}
