//! Long rows lie in files beside the database.

use super::*;

#[test]
fn a_long_block_and_its_results_lie_beside_the_database_and_are_read_as_short_ones() {
    let (directory, store) = store();
    let long = noise(224_000);
    let results = executed(vec![long_event("v")], vec![]);
    store.save_decided(&meta(1), &block(&long)).unwrap();
    store.save_results(1, &results).unwrap();
    store.save_decided(&meta(2), &block(b"short")).unwrap();
    let check = |store: &BlockStore| {
        assert_eq!(store.block(1).unwrap().unwrap(), block(&long));
        assert_eq!(store.results(1).unwrap().unwrap(), results.results);
        assert_eq!(store.block(2).unwrap().unwrap(), block(b"short"));
    };
    check(&store);
    let files = large_files(directory.path());
    assert!(files.len() == 1 && files[0].1 > 200_000, "{files:?}");
    drop(store);
    check(&BlockStore::open(directory.path()).unwrap());
}

#[test]
fn a_file_of_long_rows_that_is_gone_is_told_with_its_name_when_the_store_is_opened() {
    let (directory, mut store) = store();
    for height in 1..=3 {
        store
            .save_decided(&meta(height), &block(&noise(40_000)))
            .unwrap();
        drop(store);
        store = BlockStore::open(directory.path()).unwrap();
    }
    // What is newer than the newest file is short.
    store.save_decided(&meta(4), &block(b"short")).unwrap();
    drop(store);
    let files = large_files(directory.path());
    assert_eq!(files.len(), 3);
    let large = directory.path().join(LARGE);
    let aside = directory.path().join("aside");
    for (name, _) in &files {
        std::fs::rename(large.join(name), &aside).unwrap();
        let refused = BlockStore::open(directory.path()).err().unwrap();
        let damaged =
            matches!(&refused, BlockStoreError::Database(e) if e.code() == "store.damaged");
        assert!(damaged && refused.to_string().contains(name), "{refused}");
        std::fs::rename(&aside, large.join(name)).unwrap();
    }
    // Copies by hand are not counted for what is missing.
    for (from, to) in [(0, "0.rows"), (1, "+1.rows"), (1, "1.rows.old")] {
        std::fs::copy(large.join(&files[from].0), large.join(to)).unwrap();
        drop(BlockStore::open(directory.path()).unwrap());
        std::fs::remove_file(large.join(to)).unwrap();
    }
    // All of them.
    std::fs::rename(&large, &aside).unwrap();
    let refused = BlockStore::open(directory.path()).err().unwrap();
    assert!(refused.to_string().contains(&files[0].0), "{refused}");
    assert!(!large.exists(), "nothing was changed");
    std::fs::rename(&aside, &large).unwrap();
    let store = BlockStore::open(directory.path()).unwrap();
    assert_eq!(store.block(2).unwrap().unwrap(), block(&noise(40_000)));
    // While it is open: by name as well.
    std::fs::remove_file(large.join(&files[1].0)).unwrap();
    let gone = store.block(2).unwrap_err();
    assert!(gone.to_string().contains(&files[1].0), "{gone}");
}

#[test]
fn results_that_are_there_are_not_written_again_by_the_next_process() {
    let (directory, mut store) = store();
    let results = executed(vec![long_event("v")], vec![]);
    store
        .save_decided(&meta(1), &block(&noise(40_000)))
        .unwrap();
    store.save_results(1, &results).unwrap();
    let before = large_files(directory.path());
    for _ in 0..5 {
        drop(store);
        store = BlockStore::open(directory.path()).unwrap();
        store
            .save_decided(&meta(1), &block(&noise(40_000)))
            .unwrap();
        store.save_results(1, &results).unwrap();
    }
    assert_eq!(large_files(directory.path()), before);
}

/// A database on a disk with so many bytes beside what it keeps free.
struct Short(LsmKv, AtomicU64);

impl Kv for Short {
    fn snapshot(&self) -> crate::Result<Arc<dyn crate::kv::Snapshot>> {
        self.0.snapshot()
    }

    fn write(&self, batch: crate::kv::Batch) -> crate::Result<()> {
        self.0.write(batch)
    }

    fn check_room(&self, bytes: u64) -> crate::Result<()> {
        let detail = String::from("the test has no more");
        let fits = bytes <= self.1.load(Ordering::Relaxed);
        fits.then_some(()).ok_or(crate::Error::Short { detail })
    }
}

#[test]
fn no_long_row_is_written_where_there_is_no_room_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let kv = LsmKv::open(directory.path(), &BlockStore::TABLES, KvLimits::default());
    let disk = Arc::new(Short(kv.unwrap(), AtomicU64::new(39_999)));
    let store = BlockStore::beside(disk.clone(), directory.path()).unwrap();
    let long = block(&noise(40_000));
    for _ in 0..3 {
        let refused = store.save_decided(&meta(1), &long).unwrap_err();
        assert!(crate::is_transient(&refused), "{refused}");
        assert_eq!(large_files(directory.path()), []);
    }
    disk.1.store(41_000, Ordering::Relaxed);
    store.save_decided(&meta(1), &long).unwrap();
    disk.1.store(0, Ordering::Relaxed);
    let before = large_files(directory.path());
    let results = executed(vec![long_event("long")], vec![]);
    let refused = store.save_results(1, &results).unwrap_err();
    assert!(crate::is_transient(&refused), "{refused}");
    assert_eq!(large_files(directory.path()), before);
    // A short row asks for nothing beside the database.
    store.save_results(1, &executed(vec![], vec![])).unwrap();
}
