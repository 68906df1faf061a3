//! Four validators on this machine, each with an enclave and a real CometBFT, beside the same CometBFT with its own application that does
//! nothing: what confidential transfers cost a network, and how long an operator waits.
//!
//! ```text
//! scripts/install-cometbft
//! cargo run --release -p benches -- network
//! ```
//!
//! Clock time, not processor time: all processes share the machine with what sends to them.

mod load;
mod plain;
pub(crate) mod rpc;
pub(crate) mod strongroom;

use crate::figures::{Samples, ratio, table};
use load::Loaded;
use rpc::Rpc;
use std::time::{Duration, Instant};

/// Validators of both networks.
const VALIDATORS: u16 = 4;
/// Senders: each signs its transfers one after the other, and keeps to one node.
pub(crate) const SENDERS: usize = 400;
/// Transfers of each sender in one measurement.
const TRANSFERS: usize = 5;
/// Transactions that are sent alone, to see how long one takes.
const ALONE: usize = 15;
/// Time between a block and the next proposal, in both networks.
const BLOCK_TIME: &str = "1s";
/// Nothing that is waited for takes longer.
const WAIT_MAX: Duration = Duration::from_secs(180);

pub(crate) fn run() {
    let ours = strongroom::measure();
    let noop = plain::measure(&ours);
    let row = |what: &str, loaded: &Loaded| {
        let (low, high) = loaded.alone.quartiles();
        vec![
            what.to_owned(),
            format!("{:.2}", loaded.rate() / noop.rate()),
            format!("{:.0}", loaded.rate()),
            format!("{:.2}", loaded.block_seconds()),
            format!("{:.2}", ratio(loaded.alone.median(), noop.alone.median())),
            format!(
                "{} ({}–{})",
                seconds(loaded.alone.median()),
                seconds(low),
                seconds(high)
            ),
        ]
    };
    let bytes = ours.txs.first().map_or(0, Vec::len);
    table(
        &format!(
            "{VALIDATORS} validators, {} transactions of {bytes} bytes, {BLOCK_TIME} between blocks",
            SENDERS * TRANSFERS
        ),
        &[
            "network",
            "rate: ratio",
            "transactions per second",
            "seconds per block under load",
            "one alone, sent to seen: ratio",
            "s (quartiles)",
        ],
        &[
            row("baseline: CometBFT with its no-op application", &noop),
            row("Strongroom, private token transfers", &ours.loaded),
        ],
    );
    let waits = &ours.waits;
    table(
        "What an operator waits for",
        &["what", "s"],
        &[
            vec![
                format!("from the command to {VALIDATORS} validators (first node, three joins)"),
                seconds(waits.network),
            ],
            vec![
                "`node register`: attest, register, share, confirm".to_owned(),
                seconds(waits.register),
            ],
            vec![
                format!(
                    "a new node executes the {} blocks that are there",
                    waits.synced
                ),
                format!(
                    "{} ({:.0} blocks and {:.0} transactions per second)",
                    seconds(waits.sync),
                    waits.synced as f64 / waits.sync.as_secs_f64(),
                    waits.synced_txs as f64 / waits.sync.as_secs_f64()
                ),
            ],
            vec![
                "a validator after kill -9: from the command to the newest block".to_owned(),
                seconds(waits.restart),
            ],
        ],
    );
}

fn seconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64())
}

/// Waits until `done` gives something.
pub(crate) fn until<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(value) = done() {
            return value;
        }
        assert!(
            begin.elapsed() < WAIT_MAX,
            "{what}: not within {WAIT_MAX:?}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sends each transaction alone and waits until the node tells the block that has it.
fn one_by_one(rpc: &mut Rpc, txs: &[Vec<u8>]) -> Samples {
    let mut samples = Samples::default();
    for tx in txs {
        let begin = Instant::now();
        let hash = rpc.broadcast(tx);
        until("a transaction in a block", || {
            rpc.has_tx(&hash).then_some(())
        });
        samples.push(begin.elapsed());
    }
    samples
}
