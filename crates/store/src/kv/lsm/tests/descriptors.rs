//! How many files a database has open.

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
