//! Signed transactions sent over several connections, and when each was in a block.

use super::process::Localnet;
use crate::figures::Samples;
use crate::network::rpc::Rpc;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use strongroom_sdk::client::no_room;
use strongroom_types::{Hash, sha256};

/// Connections of the saturating load.
const CONNECTIONS: usize = 8;
/// Pause of a sender that was told that there is no room, and not when to try again.
const FULL: Duration = Duration::from_millis(50);
/// Between two questions for the height, where milliseconds count.
const POLL: Duration = Duration::from_millis(2);
/// The same under a load that they would be a part of.
const POLL_SELDOM: Duration = Duration::from_millis(20);
/// The code of a full mempool.
const CODE_FULL: u64 = 20;

/// How long a sender rests that was refused for want of room.
#[derive(Clone, Copy)]
pub(super) enum Patience {
    /// As the error says, to the millisecond.
    AsTold,
    /// As `Retry-After` says.
    WholeSeconds,
}

/// What came of a load.
pub(super) struct Sent {
    pub(super) took: Duration,
    /// From the sending that was taken to the block.
    pub(super) included: Samples,
    /// From the first sending to the block, rests of whoever was refused included.
    pub(super) since_first: Samples,
    pub(super) refused: u64,
}

/// Sends `txs` in turns of their senders and waits until blocks have all; at a pace, or each connection as soon as it has an answer. A
/// sender that is refused for want of room waits as long as it is told, and the others of its connection do not.
pub(super) fn send(
    network: &Localnet,
    txs: &[Vec<u8>],
    senders_of_all: usize,
    pace: Option<u32>,
    patience: Patience,
) -> Sent {
    let mut rpc = Rpc::new(network.rpc);
    let first = rpc.height().expect("the node answers") + 1;
    let (done, refused) = (AtomicBool::new(false), AtomicU64::new(0));
    let begin = Instant::now();
    let mut sent: HashMap<Hash, [Instant; 2]> = HashMap::new();
    let mut seen: Vec<(u64, Instant)> = Vec::new();
    std::thread::scope(|scope| {
        let connections: Vec<_> = (0..CONNECTIONS)
            .map(|mine| {
                let refused = &refused;
                scope.spawn(move || {
                    let mut senders: Vec<Sender<'_>> = Vec::new();
                    for (turn, tx) in txs.iter().enumerate() {
                        // All of a sender go over one connection, in order.
                        if turn % senders_of_all % CONNECTIONS != mine {
                            continue;
                        }
                        let due = pace.map_or(begin, |pace| {
                            begin + Duration::from_secs(1) / pace * turn as u32
                        });
                        let sender = turn % senders_of_all / CONNECTIONS;
                        if senders.len() <= sender {
                            senders.resize_with(sender + 1, Sender::default);
                        }
                        senders[sender].txs.push_back((due, tx));
                    }
                    let mut rpc = Rpc::new(network.rpc);
                    send_all(&mut rpc, &mut senders, pace.is_some(), patience, refused)
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
    let (mut included, mut since_first) = (Samples::default(), Samples::default());
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
            if let Some([first, taken]) = sent.get(&hash) {
                included.push(at.saturating_duration_since(*taken));
                since_first.push(at.saturating_duration_since(*first));
            }
        }
    }
    assert_eq!(count, txs.len(), "all are in blocks");
    Sent {
        took: last - begin,
        included,
        since_first,
        refused: refused.into_inner(),
    }
}

/// What one account still has to send: each with the moment from which on it may be sent.
#[derive(Default)]
struct Sender<'t> {
    txs: VecDeque<(Instant, &'t Vec<u8>)>,
    /// Until when it rests, once refused.
    rests: Option<Instant>,
    refused: u64,
    /// When the one in front was sent first.
    first: Option<Instant>,
}

/// Sends what these have, each in its order; gives when each transaction was sent first and when it was taken, or, at a pace, when it was due.
fn send_all(
    rpc: &mut Rpc,
    senders: &mut [Sender<'_>],
    paced: bool,
    patience: Patience,
    refused: &AtomicU64,
) -> Vec<(Hash, [Instant; 2])> {
    let mut taken = Vec::new();
    loop {
        let mut next: Option<Instant> = None;
        for sender in &mut *senders {
            let Some((due, tx)) = sender.txs.front().copied() else {
                continue;
            };
            let from = sender.rests.map_or(due, |rests| rests.max(due));
            if from > Instant::now() {
                next = Some(next.map_or(from, |next| next.min(from)));
                continue;
            }
            let sent = Instant::now();
            let first = *sender.first.get_or_insert(sent);
            if broadcast(rpc, tx) {
                sender.txs.pop_front();
                sender.refused = 0;
                sender.first = None;
                let times = if paced { [due; 2] } else { [first, sent] };
                taken.push((sha256(tx), times));
            } else {
                refused.fetch_add(1, Ordering::Relaxed);
                sender.refused += 1;
                assert!(sender.refused < 20_000, "never taken");
                let told = rest(rpc.refusal().unwrap_or_default(), patience);
                // As the SDK does, so that not all come at once.
                let jitter = told / 8 * u32::from(tx.last().copied().unwrap_or_default()) / 256;
                sender.rests = Some(Instant::now() + told + jitter);
            }
            next = Some(Instant::now());
        }
        let Some(next) = next else { return taken };
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

/// How long a sender rests that was refused with these words.
fn rest(refusal: &str, patience: Patience) -> Duration {
    let told = no_room(refusal).filter(|_| refusal.contains("try again in "));
    match patience {
        Patience::AsTold => told.unwrap_or(FULL),
        Patience::WholeSeconds => Duration::from_secs(told.unwrap_or(FULL).as_secs() + 1),
    }
}

/// Whether it is taken; it is not where there is no room.
fn broadcast(rpc: &mut Rpc, tx: &[u8]) -> bool {
    let params = json!({ "tx": STANDARD.encode(tx) });
    let answer = rpc.try_call("broadcast_tx_sync", &params);
    match answer.as_ref().and_then(|a| a["code"].as_u64()) {
        Some(0) => true,
        None | Some(CODE_FULL) => false,
        Some(_) => panic!("refused: {answer:?}"),
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
