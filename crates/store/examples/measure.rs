//! Measures the state store: `cargo run --release -p strongroom-store --example measure -- [keys] [lsm|redb]`.
//!
//! Values of 100 bytes under keys of 32, blocks of 1,000 updates, every commit synced. Linux only (reads /proc/self).

use std::sync::Arc;
use std::time::Instant;
use strongroom_proof::{PartialForest, Read};
use strongroom_store::kv::{Kv, LsmKv, RedbKv};
use strongroom_store::state::{Limits, StateStore, TABLES, node_kv_limits};
use strongroom_types::{Tree, WriteSet, sha256};

const UPDATES: u64 = 1_000;
const BLOCKS: u64 = 50;

fn proc_number(file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap_or_default();
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// Processor time of all threads, ms.
fn cpu_ms() -> u64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |n: usize| {
        fields
            .get(n)
            .and_then(|field| field.parse::<u64>().ok())
            .unwrap_or(0)
    };
    (ticks(11) + ticks(12)) * 10
}

fn key(n: u64) -> Vec<u8> {
    sha256(&n.to_be_bytes()).to_vec()
}

fn block(keys: impl Iterator<Item = u64>, salt: u64) -> WriteSet {
    let value = |n: u64| [[n as u8; 92].as_slice(), &salt.to_be_bytes()].concat();
    WriteSet(
        keys.map(|n| ((Tree::Contract, key(n)), Some(value(n))))
            .collect(),
    )
}

fn main() {
    let mut args = std::env::args().skip(1);
    let keys: u64 = args.next().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let redb = args.next().as_deref() == Some("redb");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let open = || -> Arc<dyn Kv> {
        if redb {
            Arc::new(RedbKv::open(dir.path().join("r"), TABLES, node_kv_limits()).expect("opens"))
        } else {
            Arc::new(LsmKv::open(dir.path().join("f"), TABLES, node_kv_limits()).expect("opens"))
        }
    };
    let store = StateStore::open(open(), Limits::NODE).expect("opens");
    let mut height = 0;
    let mut forest = PartialForest::empty();
    let mut commit = |store: &StateStore, writes: &WriteSet, check: bool| {
        let prepared = store
            .prepare(height.max(1) - 1, height, writes)
            .expect("prepares");
        if check {
            assert_eq!(forest.apply(writes), Ok(prepared.app_hash()));
        }
        store.commit(prepared, &[]).expect("commits");
        height += 1;
    };
    let start = Instant::now();
    for first in (0..keys).step_by(10_000) {
        commit(&store, &block(first..(first + 10_000).min(keys), 0), true);
    }
    println!(
        "{keys} keys filled in {:.1} s (PartialForest beside it)",
        start.elapsed().as_secs_f64()
    );

    let (cpu, wall, io) = (cpu_ms(), Instant::now(), proc_number("io", "write_bytes:"));
    for n in 0..BLOCKS {
        let updates = (0..UPDATES).map(|m| (n * 7_919 + m * 104_729) % keys);
        commit(&store, &block(updates, n + 1), false);
    }
    let per_block = |total: f64| total / BLOCKS as f64;
    println!(
        "commit of {UPDATES} updates: {:.1} ms CPU, {:.1} ms wall, {:.0} KB written",
        per_block((cpu_ms() - cpu) as f64),
        per_block(wall.elapsed().as_secs_f64() * 1e3),
        per_block((proc_number("io", "write_bytes:") - io) as f64 / 1024.0),
    );

    let latest = store.latest().expect("a version");
    let view = store.view(latest.height).expect("the newest view");
    let sample: Vec<Vec<u8>> = (0..10_000).map(|n| key(n * 7_727 % keys)).collect();
    let micros = |start: Instant| start.elapsed().as_secs_f64() * 1e6 / sample.len() as f64;
    let start = Instant::now();
    for key in &sample {
        assert!(view.get(Tree::Contract, key).expect("reads").is_some());
    }
    let get = micros(start);
    let start = Instant::now();
    let proofs: Vec<_> = sample
        .iter()
        .map(|key| view.prove(Tree::Contract, key).expect("proves"))
        .collect();
    let prove = micros(start);
    let root = latest.roots[0].1;
    let start = Instant::now();
    for (key, (value, proof)) in sample.iter().zip(&proofs) {
        proof
            .verify(&root, key, value.as_deref())
            .expect("verifies");
    }
    let verify = micros(start);
    let mut blind = PartialForest::blind(&latest.roots, &latest.app_hash).expect("the roots");
    let start = Instant::now();
    for (key, (value, proof)) in sample.iter().zip(&proofs) {
        if blind.read(Tree::Contract, key) == Read::Unknown {
            blind
                .absorb(Tree::Contract, key, value.as_deref(), proof)
                .expect("absorbs");
        }
    }
    let absorb = micros(start);
    let bytes = proofs
        .iter()
        .map(|(_, proof)| proof.encode().len())
        .sum::<usize>()
        / proofs.len();
    println!(
        "get {get:.1} µs, get + prove {prove:.1} µs, verify {verify:.1} µs, absorb {absorb:.1} µs, proof {bytes} bytes"
    );

    let again = Instant::now();
    for _ in 0..10 {
        let updates = (0..UPDATES).map(|m| m * 104_729 % keys);
        forest
            .apply(&block(updates, again.elapsed().subsec_nanos().into()))
            .expect("known");
    }
    println!(
        "PartialForest: {:.1} ms per {UPDATES} updates, {} bytes per key",
        again.elapsed().as_secs_f64() * 100.0,
        forest.bytes() as u64 / keys,
    );
    drop((forest, blind, view, proofs));
    drop(store);
    let start = Instant::now();
    let store = StateStore::open(open(), Limits::NODE).expect("opens");
    println!(
        "reopen {:.2} s, resident {} KB",
        start.elapsed().as_secs_f64(),
        proc_number("status", "VmRSS:")
    );
    assert_eq!(store.latest(), Some(latest));
}
