//! `Kv` on log-structured merge trees (`lsm-tree`), one for each table, with a journal of ours before them: the default.
//!
//! A batch is one record of the journal, synced, then in the memory of its tables. Once [`KvLimits::memory_bytes`] were written, a new journal
//! begins, all tables go from memory to files, and the old journal goes: so a reopen reads little, whatever was written before.
//! What a writer waits for: the files of the turn before, and merges that fell far behind.
//!
//! A write that fails before its record was complete is taken back; where that is not sure, or files cannot be written, the database refuses all
//! further writes until it is opened again. No batch is begun in the last part of the disk; merges may still fill it.

mod journal;
mod snapshots;
mod workers;

use super::{Batch, Kv, KvLimits, Range, Rows, Snapshot, Table};
use crate::error::{Error, Result};
use crate::files::{self, Readers};
use journal::{Journal, Record};
use lsm_tree::config::{
    BlockSizePolicy, BloomConstructionPolicy, CompressionPolicy, FilterPolicy, FilterPolicyEntry,
};
use lsm_tree::{
    AbstractTree as _, AnyTree, Cache, CompressionType, Config, DescriptorTable, Guard as _,
    SequenceNumberCounter,
};
use snapshots::Snapshots;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use workers::{Tasks, Workers};

/// What stays free on the disk: as much as the journal and what the tables hold in memory may still take. A batch that
/// would go below is refused before anything is written, and can be written when there is room again.
const DISK_BYTES_RESERVED: u64 = 64 << 20;

/// Bytes of a part of a file that is compressed as a whole, and read as a whole.
const COMPRESSED_BLOCK_BYTES: u32 = 16 << 10;
const BLOCK_BYTES: u32 = 4 << 10;

/// The file that says whose directory this is. Its name is that of the engine before this one, which refuses what stands in it.
const MARKER: &str = "version";
const FORMAT: &str = "strongroom-kv 1";
const LOCK: &str = "lock";
const TABLES: &str = "tables";

/// A database. Clones share it.
#[derive(Clone)]
pub struct LsmKv(Arc<Open>);

struct Open {
    shared: Arc<Shared>,
    _workers: Workers,
}

/// What writers, readers and workers share.
struct Shared {
    path: PathBuf,
    tables: Vec<(Table, AnyTree)>,
    limits: KvLimits,
    /// The number of the next batch, or of the next change of a tree's files.
    numbers: SequenceNumberCounter,
    snapshots: Snapshots,
    writer: Mutex<Writer>,
    tasks: Tasks,
    /// Held until nobody reads any more.
    _lock: File,
}

struct Writer {
    journal: Journal,
    /// Written since this journal began, before compression.
    bytes: u64,
}

impl LsmKv {
    /// Opens or makes the database in the directory `path` with exactly these tables.
    ///
    /// # Errors
    /// If the directory cannot be used, is damaged, was made otherwise, or is open elsewhere.
    pub fn open(path: impl AsRef<Path>, tables: &[Table], limits: KvLimits) -> Result<Self> {
        let path = path.as_ref();
        if tables.len() > journal::TABLES_MAX {
            return Err(Error::engine("too many tables"));
        }
        fs::create_dir_all(path.join(TABLES)).map_err(Error::engine)?;
        let lock = lock(path)?;
        check_marker(path, tables)?;
        let numbers = SequenceNumberCounter::default();
        let tables = open_tables(path, tables, limits, &numbers)?;
        let stored: Vec<_> = tables
            .iter()
            .map(|(_, tree)| tree.get_highest_persisted_seqno())
            .collect();
        let (mut newest, mut bytes) = (stored.iter().flatten().max().copied(), 0);
        let journal = Journal::recover(path, limits.compress, &mut |change| {
            newest = newest.max(Some(change.batch));
            bytes += (change.key.len() + change.value.map_or(0, <[u8]>::len)) as u64;
            let (_, tree) = tables
                .get(change.table)
                .ok_or_else(|| Error::damaged("the journal names a table that is not there"))?;
            // What went to files already would stand in two of them.
            if stored[change.table].is_none_or(|stored| stored < change.batch) {
                match change.value {
                    Some(value) => tree.insert(change.key, value, change.batch),
                    None => tree.remove(change.key, change.batch),
                };
            }
            Ok(())
        })?;
        let next = newest.map_or(0, |newest| newest + 1);
        numbers.fetch_max(next);
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            tables,
            limits,
            numbers,
            snapshots: Snapshots::new(next),
            writer: Mutex::new(Writer { journal, bytes }),
            tasks: Tasks::default(),
            _lock: lock,
        });
        let workers = Workers::start(&shared)?;
        Ok(Self(Arc::new(Open {
            shared,
            _workers: workers,
        })))
    }
}

fn lock(path: &Path) -> Result<File> {
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.join(LOCK))
        .map_err(Error::engine)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::InUse {
            path: path.display().to_string(),
        }),
        Err(TryLockError::Error(error)) => Err(Error::engine(error)),
    }
}

/// The marker names the format and the tables, in the order in which the journal counts them.
fn check_marker(path: &Path, tables: &[Table]) -> Result<()> {
    let mut expected = format!("{FORMAT}\n");
    for table in tables {
        expected.push_str(table.0);
        expected.push('\n');
    }
    let marker = path.join(MARKER);
    match fs::read(&marker) {
        Ok(found) if found == expected.as_bytes() => Ok(()),
        Ok(_) => Err(Error::Format {
            what: format!("{} is of another version", path.display()),
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            files::sync_directory(path).map_err(Error::engine)?;
            files::write(&marker, expected.as_bytes(), Readers::Anyone).map_err(Error::engine)
        }
        Err(error) => Err(Error::engine(error)),
    }
}

fn open_tables(
    path: &Path,
    tables: &[Table],
    limits: KvLimits,
    numbers: &SequenceNumberCounter,
) -> Result<Vec<(Table, AnyTree)>> {
    let cache = Arc::new(Cache::with_capacity_bytes(limits.cache_bytes));
    let files = Arc::new(DescriptorTable::new(limits.open_files));
    // Trees raise this when their files change, also in the middle of a batch: what readers see is told by `Snapshots` alone.
    let seen = SequenceNumberCounter::default();
    let (compression, block_bytes) = match limits.compress {
        true => (CompressionType::Lz4, COMPRESSED_BLOCK_BYTES),
        false => (CompressionType::None, BLOCK_BYTES),
    };
    let filter = |policy| FilterPolicyEntry::Bloom(policy);
    let open = |table: &Table| {
        let directory = path.join(TABLES).join(table.0);
        fs::create_dir_all(&directory).map_err(Error::engine)?;
        check_list(&directory)?;
        let config = Config::new(directory, numbers.clone(), seen.clone())
            .use_cache(Arc::clone(&cache))
            .use_descriptor_table(Some(Arc::clone(&files)))
            .data_block_size_policy(BlockSizePolicy::all(block_bytes))
            .data_block_compression_policy(CompressionPolicy::all(compression))
            .filter_policy(FilterPolicy::new([
                filter(BloomConstructionPolicy::FalsePositiveRate(0.0001)),
                filter(BloomConstructionPolicy::BitsPerKey(10.0)),
            ]));
        Ok((*table, config.open().map_err(Error::engine)?))
    };
    let tables = tables.iter().map(open).collect::<Result<_>>()?;
    files::sync_directory(&path.join(TABLES)).map_err(Error::engine)?;
    Ok(tables)
}

/// A tree that has files but no list of them would open empty, and remove them.
fn check_list(tree: &Path) -> Result<()> {
    let has_list = tree.join("current").try_exists().map_err(Error::engine)?;
    let has_files = match fs::read_dir(tree.join("tables")) {
        Ok(mut files) => files.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => return Err(Error::engine(error)),
    };
    if has_files && !has_list {
        let what = format!("{} has files, and no list of them", tree.display());
        return Err(Error::damaged(what));
    }
    Ok(())
}

impl Shared {
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, table: Table) -> Result<usize> {
        let found = self.tables.iter().position(|(name, _)| *name == table);
        found.ok_or_else(|| Error::engine(format!("no table {}", table.0)))
    }

    fn check_room(&self) -> Result<()> {
        let disk = rustix::fs::statvfs(&*self.path).map_err(std::io::Error::from);
        let disk = disk.map_err(Error::engine)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free < DISK_BYTES_RESERVED {
            return Err(Error::Short {
                detail: format!(
                    "{} has {} MiB free, {} MiB stay free",
                    self.path.display(),
                    free >> 20,
                    DISK_BYTES_RESERVED >> 20
                ),
            });
        }
        Ok(())
    }

    /// Lets go of files and memory that only readers needed who are gone.
    fn forget(&self) -> Result<()> {
        let forgotten = self.snapshots.forgotten();
        for (_, tree) in &self.tables {
            let mut versions = tree.get_version_history_lock();
            let path = &tree.tree_config().path;
            versions
                .maintenance(path, forgotten)
                .map_err(Error::engine)?;
        }
        Ok(())
    }

    /// Begins a new journal, and lets the workers put what is in memory into files.
    fn turn(&self, writer: &mut Writer) -> Result<()> {
        self.tasks.wait_for_room()?;
        let number = writer.journal.number + 1;
        writer.journal = Journal::create(&self.path, number, self.limits.compress)?;
        writer.bytes = 0;
        self.forget()?;
        for (_, tree) in &self.tables {
            tree.rotate_memtable();
        }
        self.tasks.flush(number);
        Ok(())
    }
}

impl Kv for LsmKv {
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>> {
        let shared = Arc::clone(&self.0.shared);
        Ok(Arc::new(LsmSnapshot {
            number: shared.snapshots.take(),
            shared,
        }))
    }

    fn write(&self, batch: Batch) -> Result<()> {
        let shared = &self.0.shared;
        shared.check_room()?;
        let mut writer = shared.writer();
        shared.tasks.check()?;
        if writer.bytes >= shared.limits.memory_bytes {
            shared.turn(&mut writer)?;
        }
        let places = batch.0.iter().map(|change| shared.place(change.table));
        let places = places.collect::<Result<Vec<_>>>()?;
        let number = shared.numbers.next();
        let mut record = Record::new(number);
        for (change, place) in batch.0.iter().zip(&places) {
            check_length(&change.key)?;
            record.push(*place, &change.key, change.value.as_deref());
        }
        writer.journal.append(&record)?;
        writer.bytes += record.bytes();
        for (change, place) in batch.0.into_iter().zip(places) {
            let (_, tree) = &shared.tables[place];
            match change.value {
                Some(value) => tree.insert(change.key, value, number),
                None => tree.remove(change.key, number),
            };
        }
        shared.snapshots.publish(number + 1);
        Ok(())
    }
}

/// Trees count the bytes of keys in 16 bits.
fn check_length(key: &[u8]) -> Result<()> {
    match u16::try_from(key.len()) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::engine("a key of more than 65,535 bytes")),
    }
}

struct LsmSnapshot {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for LsmSnapshot {
    fn drop(&mut self) {
        self.shared.snapshots.give_back(self.number);
    }
}

impl LsmSnapshot {
    fn tree(&self, table: Table) -> Result<&AnyTree> {
        Ok(&self.shared.tables[self.shared.place(table)?].1)
    }
}

impl Snapshot for LsmSnapshot {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = self.tree(table)?.get(key, self.number);
        Ok(value.map_err(Error::engine)?.map(|value| value.to_vec()))
    }

    fn rows(&self, table: Table, range: Range<'_>) -> Result<Rows<'_>> {
        let rows = self
            .tree(table)?
            .range::<&[u8], _>(range, self.number, None);
        Ok(Box::new(rows.map(|row| {
            let (key, value) = row.into_inner().map_err(Error::engine)?;
            Ok((key.to_vec(), value.to_vec()))
        })))
    }
}
