//! Both engines against the contract of `Kv`.

use super::*;

const A: Table = Table("a");
const B: Table = Table("b");

fn check(name: &str, test: impl Fn(&dyn Fn() -> Box<dyn Kv>)) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    test(&|| match name {
        "fjall" => Box::new(FjallKv::open(&path, &[A, B], KvLimits::default()).unwrap()),
        _ => Box::new(RedbKv::open(&path, &[A, B], KvLimits::default()).unwrap()),
    });
}

fn on_both(test: impl Fn(&dyn Fn() -> Box<dyn Kv>)) {
    check("fjall", &test);
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
    let _open = FjallKv::open(home.path(), &[table], KvLimits::default()).unwrap();
    let again = FjallKv::open(home.path(), &[table], KvLimits::default());
    assert!(matches!(again, Err(crate::Error::InUse { .. })));
}
