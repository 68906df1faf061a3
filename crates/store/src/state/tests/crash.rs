//! Sudden ends: between prepare and commit, and a process killed while it commits.

use super::*;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

/// Where the child finds its store; set means: be the child.
const CHILD_DIR: &str = "STRONGROOM_STORE_CRASH_DIR";
const CHILD_ENGINE: &str = "STRONGROOM_STORE_CRASH_ENGINE";

const CHILD_HISTORY: &str = "STRONGROOM_STORE_CRASH_HISTORY";

fn open(engine: Engine, history: History, dir: &Path) -> StateStore {
    StateStore::open(open_kv(engine, dir), limits(3, history)).unwrap()
}

/// What block `height` writes: the same in both processes.
fn block(height: Height) -> WriteSet {
    let key = |n: u64| sha256(&n.to_be_bytes()).to_vec();
    let sets = (0..40).map(|n| {
        (
            (Tree::Contract, key(height * 17 + n)),
            Some(vec![height as u8; 200]),
        )
    });
    let removals = (0..10).map(|n| {
        (
            (Tree::Contract, key(height.saturating_sub(2) * 17 + n)),
            None,
        )
    });
    WriteSet(sets.chain(removals).collect())
}

#[test]
fn what_was_only_prepared_leaves_no_trace() {
    for (engine, history) in ENGINES
        .into_iter()
        .zip(HISTORIES)
        .chain([(Engine::Lsm, History::All)])
    {
        let dir = tempfile::tempdir().unwrap();
        let store = open(engine, history, dir.path());
        for height in 0..3 {
            advance(&store, &block(height));
        }
        let (before, rows) = (store.latest(), everything(&*store.kv));
        let prepared = store.prepare(2, 3, &block(3)).unwrap();
        assert_ne!(prepared.app_hash(), before.unwrap().app_hash);
        drop(store);
        drop(prepared);
        let store = open(engine, history, dir.path());
        assert_eq!((store.latest(), everything(&*store.kv)), (before, rows));
        advance(&store, &block(3));
    }
}

#[test]
fn a_killed_process_leaves_the_last_acknowledged_version_or_the_next() {
    if let (Ok(dir), Ok(engine)) = (std::env::var(CHILD_DIR), std::env::var(CHILD_ENGINE)) {
        let engine = if engine == "redb" {
            Engine::Redb
        } else {
            Engine::Lsm
        };
        let history = HISTORIES[usize::from(std::env::var(CHILD_HISTORY).is_ok())];
        commit_until_killed(engine, history, Path::new(&dir));
    }
    for (name, engine, history) in [
        ("lsm", Engine::Lsm, History::All),
        ("lsm", Engine::Lsm, History::None),
        ("redb", Engine::Redb, History::All),
        ("redb", Engine::Redb, History::None),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut expected = PartialForest::empty();
        let (mut hashes, mut models) = (Vec::new(), vec![BTreeMap::new()]);
        for round in 0..4 {
            let acknowledged = run_and_kill(name, history, dir.path(), 3 + round * 4);
            let store = open(engine, history, dir.path());
            let version = store.latest().unwrap();
            assert!(
                version.height == acknowledged || version.height == acknowledged + 1,
                "lost or invented"
            );
            while hashes.len() as u64 <= version.height {
                let writes = block(hashes.len() as u64);
                hashes.push(expected.apply(&writes).unwrap());
                let mut model = models[models.len() - 1].clone();
                model.extend(writes.0);
                models.push(model);
            }
            assert_eq!(version.app_hash, hashes[version.height as usize]);
            let position = store.extra(ExtraKey::POSITION).unwrap().unwrap();
            assert_eq!(position, version.height.to_be_bytes());
            let before = store.view(version.height - 1).unwrap();
            assert_eq!(before.app_hash(), hashes[version.height as usize - 1]);
            let past = if history == History::All {
                0
            } else {
                version.height
            };
            for height in past..=version.height {
                let view = store.values(height).unwrap();
                for (tree, key) in models[models.len() - 1].keys() {
                    let expected = models[height as usize + 1].get(&(*tree, key.clone()));
                    assert_eq!(view.get(*tree, key).unwrap(), expected.cloned().flatten());
                }
            }
        }
    }
}

/// Starts the child, waits until it has acknowledged `blocks` more heights, kills it; answers the last acknowledged.
fn run_and_kill(engine: &str, history: History, dir: &Path, blocks: usize) -> Height {
    let this_test =
        "state::tests::crash::a_killed_process_leaves_the_last_acknowledged_version_or_the_next";
    let mut child = Command::new(std::env::current_exe().unwrap());
    if history == History::All {
        child.env(CHILD_HISTORY, "all");
    }
    let mut child = child
        .args(["--exact", this_test, "--nocapture", "--test-threads", "1"])
        .env(CHILD_DIR, dir)
        .env(CHILD_ENGINE, engine)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut heights =
        lines.filter_map(|line| line.unwrap().strip_prefix("committed ")?.parse().ok());
    let last = heights.by_ref().take(blocks).last().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    // What it went on to say until then.
    heights.last().unwrap_or(last)
}

fn commit_until_killed(engine: Engine, history: History, dir: &Path) -> ! {
    let store = open(engine, history, dir);
    loop {
        let height = store.latest().map_or(0, |version| version.height + 1);
        let version = advance(&store, &block(height));
        // A line of its own, whatever the test runner printed before.
        println!("\ncommitted {}", version.height);
    }
}
