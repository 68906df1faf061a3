//! Signed transactions sent to all nodes at once, and when the last of them was in a block.

use super::rpc::Rpc;
use super::until;
use crate::figures::Samples;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::time::{Duration, Instant};

/// What a network did with the same load.
pub(super) struct Loaded {
    /// Transactions of the load.
    pub(super) txs: usize,
    /// From the first broadcast to the block with the last transaction.
    pub(super) took: Duration,
    /// Blocks that it took.
    pub(super) blocks: u64,
    /// One transaction by itself, from its broadcast to the answer that has its block.
    pub(super) alone: Samples,
}

impl Loaded {
    /// Transactions in a second.
    pub(super) fn rate(&self) -> f64 {
        self.txs as f64 / self.took.as_secs_f64()
    }

    pub(super) fn block_seconds(&self) -> f64 {
        self.took.as_secs_f64() / self.blocks.max(1) as f64
    }
}

/// Sends the n-th share of the transactions, in its order, to the n-th node, and waits until blocks have all.
pub(super) fn send(ports: &[u16], shares: &[Vec<Vec<u8>>]) -> (Duration, u64) {
    let mut watched = Rpc::new(ports[0]);
    let first = watched.height().expect("the network answers") + 1;
    let all: usize = shares.iter().map(Vec::len).sum();
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for (port, txs) in ports.iter().zip(shares) {
            scope.spawn(move || {
                let mut rpc = Rpc::new(*port);
                for tx in txs {
                    rpc.call("broadcast_tx_async", &json!({ "tx": STANDARD.encode(tx) }));
                }
            });
        }
        let (mut next, mut seen, mut from) = (first, 0, None);
        let last = until("all transactions in blocks", || {
            while watched.height()? >= next {
                let txs = watched.txs(next);
                if txs > 0 {
                    from.get_or_insert(next);
                }
                seen += txs;
                next += 1;
            }
            (seen >= all).then_some(next - 1)
        });
        let took = begin.elapsed();
        for height in first..=last {
            let failed = watched.failures(height);
            assert!(
                failed.is_empty(),
                "{} failed: {:?}",
                failed.len(),
                failed.first()
            );
        }
        (took, last + 1 - from.unwrap_or(last))
    })
}
