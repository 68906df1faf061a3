//! Signed transactions sent over several connections, and when each was in a block.

use super::process::Localnet;
use crate::figures::Samples;
use crate::network::rpc::Rpc;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use strongroom_types::{Hash, sha256};

/// Connections of the saturating load.
const CONNECTIONS: usize = 8;
/// Pause of a connection that was told that there is no room.
const FULL: Duration = Duration::from_millis(50);
/// Between two questions for the height, where milliseconds count.
const POLL: Duration = Duration::from_millis(2);
/// The same under a load that they would be a part of.
const POLL_SELDOM: Duration = Duration::from_millis(20);
/// The code of a full mempool.
const CODE_FULL: u64 = 20;

/// What came of a load.
pub(super) struct Sent {
    pub(super) took: Duration,
    pub(super) included: Samples,
    pub(super) refused: u64,
}

/// Sends `txs` in their order of turns and waits until blocks have all; at a pace, or each connection as soon as it has an answer.
pub(super) fn send(network: &Localnet, txs: &[Vec<u8>], senders: usize, pace: Option<u32>) -> Sent {
    let mut rpc = Rpc::new(network.rpc);
    let first = rpc.height().expect("the node answers") + 1;
    let (done, refused) = (AtomicBool::new(false), AtomicU64::new(0));
    let begin = Instant::now();
    let mut sent: HashMap<Hash, Instant> = HashMap::new();
    let mut seen: Vec<(u64, Instant)> = Vec::new();
    std::thread::scope(|scope| {
        let connections: Vec<_> = (0..CONNECTIONS)
            .map(|mine| {
                let refused = &refused;
                scope.spawn(move || {
                    let mut rpc = Rpc::new(network.rpc);
                    let mut sent = Vec::new();
                    for (turn, tx) in txs.iter().enumerate() {
                        // All of a sender go over one connection, in order.
                        if turn % senders % CONNECTIONS != mine {
                            continue;
                        }
                        let due = pace.map_or(begin, |pace| {
                            begin + Duration::from_secs(1) / pace * turn as u32
                        });
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        let (more, at) = broadcast(&mut rpc, tx);
                        refused.fetch_add(more, Ordering::Relaxed);
                        // What was refused began to wait when it was taken.
                        let from = if pace.is_some() { due } else { at };
                        sent.push((sha256(tx), from));
                    }
                    sent
                })
            })
            .collect();
        let watching = scope.spawn(|| {
            watch(
                network.rpc,
                first,
                txs.len(),
                &done,
                pace.map_or(POLL_SELDOM, |_| POLL),
            )
        });
        for connection in connections {
            sent.extend(connection.join().expect("a connection"));
        }
        done.store(true, Ordering::Relaxed);
        seen = watching.join().expect("the watcher");
    });
    let last = seen.last().map_or(begin, |(_, at)| *at);
    let mut included = Samples::default();
    let mut count = 0;
    for (height, at) in &seen {
        let failed = rpc.failures(*height);
        assert!(
            failed.is_empty(),
            "{} failed: {:?}",
            failed.len(),
            failed.first()
        );
        for hash in rpc.hashes(*height) {
            count += 1;
            if let Some(from) = sent.get(&hash) {
                included.push(at.saturating_duration_since(*from));
            }
        }
    }
    assert_eq!(count, txs.len(), "all are in blocks");
    Sent {
        took: last - begin,
        included,
        refused: refused.into_inner(),
    }
}

/// Sends until it is taken; tells how often it was refused for want of room, and when it was sent for the last time.
fn broadcast(rpc: &mut Rpc, tx: &[u8]) -> (u64, Instant) {
    let params = json!({ "tx": STANDARD.encode(tx) });
    let mut refused = 0;
    loop {
        let sent = Instant::now();
        let answer = rpc.try_call("broadcast_tx_sync", &params);
        let code = answer.as_ref().and_then(|a| a["code"].as_u64());
        match code {
            Some(0) => return (refused, sent),
            None | Some(CODE_FULL) => {
                refused += 1;
                assert!(refused < 20_000, "never taken: {answer:?}");
                std::thread::sleep(FULL);
            }
            Some(_) => panic!("refused: {answer:?}"),
        }
    }
}

/// Heights from `first` on, with the moment in which the node told them, until all transactions are in one.
fn watch(
    port: u16,
    first: u64,
    all: usize,
    done: &AtomicBool,
    poll: Duration,
) -> Vec<(u64, Instant)> {
    let mut rpc = Rpc::new(port);
    let (mut next, mut seen, mut txs) = (first, Vec::new(), 0);
    while txs < all {
        std::thread::sleep(poll);
        let Some(height) = rpc.height() else { continue };
        let now = Instant::now();
        while next <= height {
            seen.push((next, now));
            next += 1;
        }
        // Counted only when little is left to do, so that it costs the load nothing.
        if done.load(Ordering::Relaxed) && rpc.waiting() == Some(0) {
            let height = rpc.height().unwrap_or(height);
            if next > height {
                txs = seen.iter().map(|(height, _)| rpc.txs(*height)).sum();
            }
        }
    }
    seen
}
