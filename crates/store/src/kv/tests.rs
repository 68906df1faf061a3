//! Both engines against the contract of `Kv`.

use super::*;

const A: Table = Table("a");
const B: Table = Table("b");

fn check(name: &str, test: impl Fn(&dyn Fn() -> Box<dyn Kv>)) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    test(&|| match name {
        "lsm" => Box::new(LsmKv::open(&path, &[A, B], KvLimits::default()).unwrap()),
        _ => Box::new(RedbKv::open(&path, &[A, B], KvLimits::default()).unwrap()),
    });
}

fn on_both(test: impl Fn(&dyn Fn() -> Box<dyn Kv>)) {
    check("lsm", &test);
    check("redb", &test);
}

fn keys(snapshot: &dyn Snapshot, range: Range<'_>) -> Vec<Vec<u8>> {
    snapshot
        .rows(A, range)
        .unwrap()
        .map(|row| row.unwrap().0)
        .collect()
}

#[test]
fn a_snapshot_does_not_move() {
    on_both(|open| {
        let kv = open();
        let mut batch = Batch::new();
        batch.put(A, b"k", b"1");
        batch.put(B, b"k", b"other table");
        kv.write(batch).unwrap();
        let before = kv.snapshot().unwrap();
        let mut batch = Batch::new();
        batch.put(A, b"k", b"2");
        batch.put(A, b"k", b"3");
        batch.remove(B, b"k");
        kv.write(batch).unwrap();
        assert_eq!(before.get(A, b"k").unwrap().unwrap(), b"1");
        assert_eq!(before.get(B, b"k").unwrap().unwrap(), b"other table");
        let after = kv.snapshot().unwrap();
        assert_eq!(after.get(A, b"k").unwrap().unwrap(), b"3");
        assert_eq!(after.get(B, b"k").unwrap(), None);
    });
}

#[test]
fn ranges_are_ordered_and_go_both_ways() {
    on_both(|open| {
        let kv = open();
        let mut batch = Batch::new();
        for key in [
            &[1u8][..],
            &[2],
            &[2, 0],
            &[2, 255],
            &[3],
            &[255, 255],
            &[255, 255, 7],
        ] {
            batch.put(A, key, b"v");
        }
        kv.write(batch).unwrap();
        let now = kv.snapshot().unwrap();
        let of = |prefix: &[u8]| keys(&*now, as_range(&prefix_bounds(prefix)));
        assert_eq!(of(&[2]), [&[2][..], &[2, 0], &[2, 255]]);
        assert_eq!(of(&[255, 255]), [&[255, 255][..], &[255, 255, 7]]);
        assert_eq!(of(&[]).len(), 7);
        let range = (
            Bound::Excluded([1u8].as_slice()),
            Bound::Included([3u8].as_slice()),
        );
        let last = now.rows(A, range).unwrap().next_back().unwrap().unwrap();
        assert_eq!(last.0, [3]);
    });
}

#[test]
fn what_was_written_is_there_after_a_reopen() {
    on_both(|open| {
        let kv = open();
        let mut batch = Batch::new();
        batch.put(A, b"k", vec![7; 100_000]);
        kv.write(batch).unwrap();
        drop(kv);
        assert_eq!(
            open()
                .snapshot()
                .unwrap()
                .get(A, b"k")
                .unwrap()
                .unwrap()
                .len(),
            100_000
        );
    });
}

#[test]
fn a_batch_with_an_unknown_table_writes_nothing() {
    on_both(|open| {
        let kv = open();
        let mut batch = Batch::new();
        batch.put(A, b"k", b"1");
        batch.put(Table("nowhere"), b"k", b"1");
        assert!(kv.write(batch).is_err());
        assert_eq!(kv.snapshot().unwrap().get(A, b"k").unwrap(), None);
    });
}

#[test]
fn a_database_that_is_open_elsewhere_says_so() {
    let home = tempfile::tempdir().unwrap();
    let table = Table("t");
    let _open = LsmKv::open(home.path(), &[table], KvLimits::default()).unwrap();
    let again = LsmKv::open(home.path(), &[table], KvLimits::default());
    assert!(matches!(again, Err(crate::Error::InUse { .. })));
}

fn with_little_memory(path: &std::path::Path) -> LsmKv {
    let limits = KvLimits {
        memory_bytes: 3_000,
        ..KvLimits::default()
    };
    LsmKv::open(path, &[A, B], limits).unwrap()
}

#[test]
fn every_snapshot_stays_what_it_was_over_many_turns_of_the_journal_merges_and_reopens() {
    let dir = tempfile::tempdir().unwrap();
    let mut kv = with_little_memory(dir.path());
    let mut model: std::collections::BTreeMap<Vec<u8>, Vec<u8>> = Default::default();
    let all = (Bound::Unbounded, Bound::Unbounded);
    let rows = |snapshot: &dyn Snapshot| -> Vec<Row> {
        let rows = snapshot.rows(A, all).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let mut held = Vec::new();
    for round in 0..600_u32 {
        let mut batch = Batch::new();
        for n in 0..6 {
            let key = ((round * 7 + n * 13) % 90).to_be_bytes().to_vec();
            if (round + n) % 5 == 0 {
                model.remove(&key);
                batch.remove(A, key);
            } else {
                let value = vec![round as u8; 30 + n as usize];
                model.insert(key.clone(), value.clone());
                batch.put(A, key, value);
            }
        }
        batch.put(B, b"round", round.to_be_bytes());
        kv.write(batch).unwrap();
        let expected: Vec<Row> = model.clone().into_iter().collect();
        held.push((round, kv.snapshot().unwrap(), expected));
        if held.len() > 40 {
            held.remove(0);
        }
        if round % 37 == 0 {
            for (round, snapshot, expected) in &held {
                assert_eq!(&rows(&**snapshot), expected);
                let found = snapshot.get(B, b"round").unwrap().unwrap();
                assert_eq!(found, round.to_be_bytes());
            }
        }
        if round % 150 == 149 {
            held.clear();
            drop(kv);
            kv = with_little_memory(dir.path());
            let expected: Vec<Row> = model.clone().into_iter().collect();
            assert_eq!(rows(&*kv.snapshot().unwrap()), expected);
        }
    }
    let journals = std::fs::read_dir(dir.path()).unwrap();
    let bytes: u64 = journals
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(bytes < 20_000, "{bytes} bytes of journals stay");
}

#[test]
fn a_directory_of_another_engine_or_with_other_tables_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(with_little_memory(dir.path()));
    let other = LsmKv::open(dir.path(), &[B, A], KvLimits::default());
    assert_eq!(other.err().unwrap().code(), "store.format");
    std::fs::write(dir.path().join("version"), [70, 74, 76, 3]).unwrap();
    let other = LsmKv::open(dir.path(), &[A, B], KvLimits::default());
    assert_eq!(other.err().unwrap().code(), "store.format");
}

#[test]
fn a_tree_that_lost_the_list_of_its_files_is_damaged_and_not_empty() {
    let dir = tempfile::tempdir().unwrap();
    let kv = with_little_memory(dir.path());
    for round in 0..60_u32 {
        let mut batch = Batch::new();
        batch.put(A, round.to_be_bytes(), vec![7; 300]);
        kv.write(batch).unwrap();
    }
    drop(kv);
    let tree = dir.path().join("tables").join(A.0);
    let files = || std::fs::read_dir(tree.join("tables")).unwrap().count();
    let before = files();
    assert!(before > 0);
    std::fs::remove_file(tree.join("current")).unwrap();
    let opened = LsmKv::open(dir.path(), &[A, B], KvLimits::default());
    assert_eq!(opened.err().unwrap().code(), "store.damaged");
    assert_eq!(files(), before);
}

#[test]
fn a_key_that_is_too_long_is_refused_and_nothing_of_its_batch_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let kv = with_little_memory(dir.path());
    let mut batch = Batch::new();
    batch.put(A, b"k", b"1");
    batch.put(A, vec![1; 70_000], b"1");
    assert!(kv.write(batch).is_err());
    drop(kv);
    let kv = with_little_memory(dir.path());
    assert_eq!(kv.snapshot().unwrap().get(A, b"k").unwrap(), None);
}
