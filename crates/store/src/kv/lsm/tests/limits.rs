//! What the limits of a database do: how many files it has open, how seldom they are merged, how large their parts are.

use super::*;
use std::sync::atomic::{AtomicBool, AtomicUsize};

/// Descriptors of this process that are of files below `home`.
fn open_below(home: &Path) -> usize {
    let entries = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let targets = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    targets.filter(|target| target.starts_with(home)).count()
}

#[test]
fn a_merge_of_a_table_that_is_scanned_opens_all_its_files_and_no_more_than_a_database_may() {
    let limits = KvLimits {
        open_files: 4,
        scanned: &[A],
        ..LITTLE
    };
    let dir = tempfile::tempdir().unwrap();
    let kv = LsmKv::open(dir.path(), &[A, B], limits).unwrap();
    let (most, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                most.fetch_max(open_below(dir.path()), Ordering::Relaxed);
            }
        });
        let begin = Instant::now();
        for n in 0.. {
            write(&kv, n).unwrap();
            let has_merged = most.load(Ordering::Relaxed) > 64;
            if has_merged || begin.elapsed() > Duration::from_secs(120) {
                break;
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let (most, may) = (most.into_inner(), LsmKv::descriptors_max(&[A, B], &limits));
    assert_eq!(may, 4 + 128 + 16);
    assert!((65..=may).contains(&most), "{most} of {may}");
}

#[test]
fn tables_that_are_kept_or_scanned_are_merged_more_seldom_and_a_database_counts_their_files() {
    let of = |scanned, kept| KvLimits {
        scanned,
        kept,
        ..LITTLE
    };
    for (limits, merged_at_once) in [
        (of(&[], &[]), [16, 16]),
        (of(&[], &[A]), [32, 16]),
        (of(&[B], &[A]), [32, 64]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let kv = LsmKv::open(dir.path(), &[A, B], limits).unwrap();
        let trees = &kv.0.shared.trees;
        let found: Vec<u8> = trees.iter().map(|tree| tree.merged_at_once).collect();
        assert_eq!(found, merged_at_once);
        let most = trees.iter().map(Tree::unmerged_max).max().unwrap();
        let may = LsmKv::descriptors_max(&[A, B], &limits);
        assert_eq!(may, limits.open_files + most + 16);
    }
}

#[test]
fn rows_that_are_alike_are_compressed_together_if_they_lie_in_one_part_of_a_file() {
    // A row is like the fifth one after it, 5 KB further.
    let row = |n: u32| {
        let hashes = (0..32u8).map(|at| strongroom_types::sha256(&[(n % 5) as u8, at]));
        hashes.flatten().collect::<Vec<u8>>()
    };
    let bytes = |part_bytes| {
        let limits = KvLimits {
            memory_bytes: 1 << 20,
            compressed: &[A],
            part_bytes,
            ..LITTLE
        };
        let dir = tempfile::tempdir().unwrap();
        let open = || loop {
            match LsmKv::open(dir.path(), &[A, B], limits) {
                Err(Error::InUse { .. }) => std::thread::yield_now(),
                opened => return opened.unwrap(),
            }
        };
        let mut batch = Batch::new();
        for n in 0..200_u32 {
            batch.put(A, n.to_be_bytes(), row(n));
        }
        open().write(batch).unwrap();
        // The first write after a start has what was there before put into files.
        write(&open(), 0).unwrap();
        let tables = files(&dir.path().join(TABLES).join(A.0));
        tables.values().map(Vec::len).sum::<usize>()
    };
    let (small, large) = (bytes(4 << 10), bytes(32 << 10));
    assert!(small > 200_000 && large < small / 3, "{small}, {large}");
}
