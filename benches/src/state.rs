//! The state store beside the same database engine used plainly: the same keys, values and batches, synced alike, without tree, history and
//! proofs. Both take turns. The state store is opened as a node opens its own, with the history of every value; build with `--features jemalloc` for
//! the node's allocator, which then serves both.

use crate::figures::{Samples, ratio, table, timed, us};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use strongroom_store::kv::{Batch, Kv as _, Table};
use strongroom_store::state::{TABLES, node_kv_limits};
use strongroom_store::{Limits, LsmKv, StateStore};
use strongroom_testkit::watch::processor_time;
use strongroom_types::{Tree, WriteSet, sha256};

const KEYS: u64 = 1_000_000;
/// Bytes of a value, beside keys of 32.
const VALUE_BYTES: usize = 100;
/// Keys of a block while the stores are filled.
const FILLED_AT_ONCE: u64 = 10_000;
/// Keys that a block changes.
const UPDATES: u64 = 1_000;
/// Blocks of each store in a turn: what they leave to the database's workers is a part of what they cost. A plain block is less than half of
/// ours in bytes, so that twice as many of them make the workers do as much.
const BLOCKS: u64 = 50;
const PLAIN_BLOCKS: u64 = 100;
/// More than the hundred heights that can be taken back: from there on each block also removes what is too old.
const BLOCKS_BEFORE: u64 = 110;
/// Reads of each kind in a turn.
const READS: u64 = 5_000;
const TURNS: u64 = 10;
const PLAIN: Table = Table("plain");
/// The workers are done if in this time they took less than a twentieth of it.
const REST: Duration = Duration::from_millis(100);

/// What blocks of one store took.
#[derive(Default)]
struct Commits {
    /// Processor time of a block, in the thread that commits, and with what the database's workers did after it.
    caller: Samples,
    processor: Samples,
    clock: Samples,
    /// Bytes that the system wrote for one block, likewise.
    journal: Vec<f64>,
    written: Vec<f64>,
}

struct Plain(LsmKv);

impl Plain {
    fn write(&self, writes: &WriteSet) {
        let mut batch = Batch::new();
        for ((_, key), value) in &writes.0 {
            batch.set(PLAIN, key.clone(), value.clone());
        }
        self.0.write(batch).expect("it is written");
    }
}

struct Ours {
    store: StateStore,
    height: u64,
}

impl Ours {
    fn write(&mut self, writes: &WriteSet) {
        let base = self.height.max(1) - 1;
        let prepared = self.store.prepare(base, self.height, writes);
        let prepared = prepared.expect("the next version");
        self.store.commit(prepared, &[]).expect("it is written");
        self.height += 1;
    }
}

pub(crate) fn run() {
    let home = tempfile::tempdir().expect("a directory");
    let (beside, own) = (home.path().join("plain"), home.path().join("ours"));
    let open = |path: &Path, tables: &[Table]| LsmKv::open(path, tables, node_kv_limits());
    let plain = Plain(open(&beside, &[PLAIN]).expect("a database"));
    let kv = Arc::new(open(&own, TABLES).expect("a database"));
    let mut ours = Ours {
        store: StateStore::open(kv, Limits::NODE).expect("a store"),
        height: 0,
    };
    for first in (0..KEYS).step_by(FILLED_AT_ONCE as usize) {
        let writes = block(first..first + FILLED_AT_ONCE, 0);
        plain.write(&writes);
        ours.write(&writes);
    }
    let mut salt = 0;
    let mut next = || {
        salt += 1;
        block((0..UPDATES).map(|n| scattered(salt * UPDATES + n)), salt)
    };
    for _ in 0..BLOCKS_BEFORE {
        let writes = next();
        plain.write(&writes);
        ours.write(&writes);
    }
    settle();
    let (mut beside_commits, mut own_commits) = (Commits::default(), Commits::default());
    let [mut plain_get, mut get, mut prove] = [(); 3].map(|()| Samples::default());
    let [mut past_standing, mut past_changed] = [(); 2].map(|()| Samples::default());
    for turn in 0..TURNS {
        let blocks: Vec<WriteSet> = (0..PLAIN_BLOCKS).map(|_| next()).collect();
        beside_commits.turn(&blocks, |writes| plain.write(writes));
        own_commits.turn(&blocks[..BLOCKS as usize], |writes| ours.write(writes));
        let keys: Vec<Vec<u8>> = (0..READS)
            .map(|n| key(scattered(turn * READS + n) + 1))
            .collect();
        let snapshot = plain.0.snapshot().expect("a snapshot");
        reads(&mut plain_get, &keys, |key| {
            snapshot.get(PLAIN, key).expect("it reads").is_some()
        });
        let latest = ours.store.latest().expect("a version");
        let view = ours.store.view(latest.height).expect("the newest view");
        reads(&mut get, &keys, |key| {
            view.get(Tree::Contract, key).expect("it reads").is_some()
        });
        reads(&mut prove, &keys, |key| {
            let (value, _) = view.prove(Tree::Contract, key).expect("it proves");
            value.is_some()
        });
        // What the blocks of this turn changed stood before them, too. All keys are read for the first time.
        let past = ours.store.values(latest.height - BLOCKS).expect("kept");
        assert!(!past.is_provable(), "no trees are made for it");
        let is_there = |samples: &mut Samples, keys: &[Vec<u8>]| {
            reads(samples, keys, |key| {
                past.get(Tree::Contract, key).expect("it reads").is_some()
            });
        };
        let changed: BTreeSet<&Vec<u8>> = blocks[..BLOCKS as usize]
            .iter()
            .flat_map(|block| block.0.keys().map(|(_, key)| key))
            .collect();
        let others = (0..KEYS).map(|n| key(scattered(turn * READS + n) + 2));
        let others = others.filter(|key| !changed.contains(key));
        let standing: Vec<Vec<u8>> = others.take(READS as usize).collect();
        is_there(&mut past_standing, &standing);
        let some = changed.len() / READS as usize;
        let changed: Vec<Vec<u8>> = changed.into_iter().step_by(some).cloned().collect();
        is_there(&mut past_changed, &changed);
    }
    let time_row = |what: &str, ours: &Samples, plain: &Samples| {
        vec![
            what.to_owned(),
            paired(ours.each().zip(plain.each()).map(|(a, b)| ratio(a, b))),
            us(plain.median()),
            us(ours.median()),
        ]
    };
    // What the workers do comes in lumps: means of all turns.
    let mean_row = |what: &str, ours: &Samples, plain: &Samples| {
        let mean = |of: &Samples| of.each().sum::<Duration>() / TURNS as u32;
        vec![
            what.to_owned(),
            format!("**{:.2}**", ratio(mean(ours), mean(plain))),
            us(mean(plain)),
            us(mean(ours)),
        ]
    };
    let (own_disk, plain_disk) = (size(&own), size(&beside));
    let bytes_row = |what: &str, ours: &[f64], plain: &[f64]| {
        vec![
            what.to_owned(),
            format!("**{:.2}**", mean(ours) / mean(plain)),
            format!("{:.0}", mean(plain) / 1e3),
            format!("{:.0}", mean(ours) / 1e3),
        ]
    };
    let head = ["what", "ratio (quartiles)", "plain", "state store"];
    table(
        &format!(
            "State: {KEYS} keys of 32 bytes, values of {VALUE_BYTES}, blocks of {UPDATES} updates ({}), beside the same database without tree and history",
            TURNS * BLOCKS
        ),
        &head,
        &[
            time_row("get, µs", &get, &plain_get),
            time_row(
                "get and prove, µs (wanted: at most 2.5)",
                &prove,
                &plain_get,
            ),
            time_row(
                "commit in its own thread, µs",
                &own_commits.caller,
                &beside_commits.caller,
            ),
            mean_row(
                "commit with the database's workers, processor time, µs (wanted: at most 6)",
                &own_commits.processor,
                &beside_commits.processor,
            ),
            mean_row(
                "commit by the clock, µs",
                &own_commits.clock,
                &beside_commits.clock,
            ),
            bytes_row(
                "written by the commit itself, the journal, KB",
                &own_commits.journal,
                &beside_commits.journal,
            ),
            bytes_row(
                "written for it in all, KB (wanted: at most 4)",
                &own_commits.written,
                &beside_commits.written,
            ),
            vec![
                "on disk, MB".to_owned(),
                format!("{:.2}", own_disk / plain_disk),
                format!("{:.0}", plain_disk / 1e6),
                format!("{:.0}", own_disk / 1e6),
            ],
        ],
    );
    past_table(&get, &past_standing, &past_changed);
}

/// A read at a past height beside one at the newest.
fn past_table(newest: &Samples, standing: &Samples, changed: &Samples) {
    let row = |what: &str, past: &Samples| {
        vec![
            what.to_owned(),
            paired(past.each().zip(newest.each()).map(|(a, b)| ratio(a, b))),
            us(newest.median()),
            us(past.median()),
        ]
    };
    table(
        &format!("State at a past height: the same store, {BLOCKS} blocks back, beside the newest"),
        &["get, µs", "ratio (quartiles)", "newest", "past"],
        &[
            row("of what still stands", standing),
            row("of what was replaced since", changed),
        ],
    );
}

impl Commits {
    fn turn(&mut self, blocks: &[WriteSet], mut write: impl FnMut(&WriteSet)) {
        let count = blocks.len() as u32;
        let (begin, before) = (processor_time(), written("/proc/self/io"));
        let (own, journal) = (thread_time(), written("/proc/thread-self/io"));
        let clock = Instant::now();
        for block in blocks {
            write(block);
        }
        self.clock.push(clock.elapsed() / count);
        self.caller.push(thread_time().saturating_sub(own) / count);
        let bytes = written("/proc/thread-self/io").saturating_sub(journal);
        self.journal.push(bytes as f64 / f64::from(count));
        settle();
        self.processor
            .push(processor_time().saturating_sub(begin) / count);
        let bytes = written("/proc/self/io").saturating_sub(before);
        self.written.push(bytes as f64 / f64::from(count));
    }
}

/// Waits until the workers of the databases rest.
fn settle() {
    loop {
        let begin = processor_time();
        std::thread::sleep(REST);
        if processor_time().saturating_sub(begin) < REST / 20 {
            return;
        }
    }
}

fn reads(samples: &mut Samples, keys: &[Vec<u8>], mut read: impl FnMut(&[u8]) -> bool) {
    let (all, took) = timed(|| keys.iter().all(|key| read(key)));
    assert!(all, "every key is there");
    samples.push(took / keys.len() as u32);
}

fn key(n: u64) -> Vec<u8> {
    sha256(&(n % KEYS).to_be_bytes()).to_vec()
}

/// Keys all over: `KEYS` has no factor of this.
const fn scattered(n: u64) -> u64 {
    n.wrapping_mul(104_729) % KEYS
}

fn block(keys: impl Iterator<Item = u64>, salt: u64) -> WriteSet {
    let value = |n: u64| {
        let random = [sha256(&[n.to_be_bytes(), salt.to_be_bytes()].concat()); 4].concat();
        random[..VALUE_BYTES].to_vec()
    };
    WriteSet(
        keys.map(|n| ((Tree::Contract, key(n)), Some(value(n))))
            .collect(),
    )
}

/// Bytes that the system wrote to storage for a process or a thread, by its file of `/proc`.
fn written(file: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|number| number.parse().ok())
        .unwrap_or_default()
}

/// Processor time of this thread.
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let (seconds, nanos) = (time.tv_sec.try_into(), time.tv_nsec.try_into());
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}

/// Bytes of the files under a directory.
fn size(path: &Path) -> f64 {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => size(&entry.path()),
            Ok(data) => data.len() as f64,
            Err(_) => 0.0,
        })
        .sum()
}

fn mean(of: &[f64]) -> f64 {
    of.iter().sum::<f64>() / of.len() as f64
}

/// Median and quartiles of ratios of neighbours.
fn paired(ratios: impl Iterator<Item = f64>) -> String {
    let mut sorted: Vec<f64> = ratios.collect();
    sorted.sort_by(f64::total_cmp);
    let at = |part: usize| sorted[(sorted.len() - 1) * part / 4];
    format!("**{:.2}** ({:.2}–{:.2})", at(2), at(1), at(3))
}
