//! Calls of contracts in the open: what a call takes in the state machine on sealed state, without signature, fee and sequence.

use crate::figures::{Samples, timed};
use serde_json::Value;
use strongroom_testkit::replica::{Replica, Sealed};
use strongroom_testkit::watch::Watch;
use strongroom_testkit::{Chain, Contract, User};

/// A call: who, of which contract, with which message.
pub(crate) type Call = (User, Contract, Value);

/// Measures kinds of calls in turns, `rounds` blocks of each; all calls of a block are of one kind. `calls(kind, round)` gives those of a block; the
/// first round, in which modules are loaded and keys of accounts become known, is not counted.
///
/// # Panics
/// If a call fails: what is measured would be something else.
pub(crate) fn measure(
    chain: &mut Chain,
    gas: u64,
    kinds: usize,
    rounds: usize,
    calls: impl Fn(usize, usize) -> Vec<Call>,
) -> Vec<Samples> {
    let block = |chain: &mut Chain, kind: usize, round: usize| -> Vec<Vec<u8>> {
        let sign = |(user, contract, message): Call| {
            let call = chain.message(&user, &contract, &message);
            let tx = chain.tx().gas(gas).message(&call.message);
            chain.sign(&user, &tx)
        };
        calls(kind, round).into_iter().map(sign).collect()
    };
    for kind in 0..kinds {
        let txs = block(chain, kind, 0);
        for result in chain.block(txs) {
            assert_eq!(result.code, 0, "{}", result.log);
        }
    }
    let mut sealed = Replica::<Sealed>::of(chain);
    let mut costs: Vec<Samples> = (0..kinds).map(|_| Samples::default()).collect();
    for round in 1..=rounds {
        for (kind, cost) in costs.iter_mut().enumerate() {
            let txs = block(chain, kind, round);
            let count = u32::try_from(txs.len()).unwrap_or(u32::MAX);
            let proposed = chain.propose(txs);
            let (outcome, took) = timed(|| sealed.execute(&proposed));
            // What is left without signature, fee and sequence is the call.
            let ((), ante) = timed(|| sealed.ante(&proposed, &Watch::default()));
            cost.push(took.saturating_sub(ante) / count);
            let results = chain.decided(&proposed);
            assert_eq!(
                results, outcome.tx_results,
                "the enclave does the same work"
            );
            for result in &results {
                assert_eq!(result.code, 0, "{}", result.log);
            }
            sealed.keep(&outcome);
        }
    }
    costs
}
