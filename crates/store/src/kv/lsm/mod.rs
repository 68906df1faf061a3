//! `Kv` on log-structured merge trees (`lsm-tree`), one for each table, with a journal of ours before them: the default.
//!
//! A batch is one record of the journal, synced, then in the memory of its tables. Once [`KvLimits::memory_bytes`] were written, a new journal
//! begins, all tables go from memory to files, and the old journal goes: so a reopen reads little, whatever was written before.
//! What a writer waits for: the files of the turn before, and merges that fell far behind.
//!
//! A write that fails before its record was complete is taken back; where that is not sure, the database refuses all further writes until it is
//! opened again. Files that cannot be written end the process ([`workers`]).
//!
//! The last part of the disk is kept for what is in memory and has to go to files: no batch is begun in it, and no merge goes on in it. Where
//! files wait for room, so do writers: they are refused ([`Error::Short`]), not kept.
//!
//! Opening changes nothing but leftovers, so it needs no room. The first write begins a new journal and waits until what was read from old
//! ones is in files: a sync may have failed before, and then what was read was the machine's memory and not its disk.

mod disk;
mod journal;
mod lists;
mod snapshots;
mod trees;
mod workers;

use super::{Batch, Change, Kv, KvLimits, Range, Rows, Snapshot, Table};
use crate::error::{Error, Result};
use crate::files::{self, Readers};
use disk::{Disk, Machine, check_room};
use journal::{End, Journal, Journals, Record};
use lsm_tree::{AbstractTree as _, AnyTree, Guard as _, SequenceNumberCounter};
use snapshots::Snapshots;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use trees::Tree;
use workers::{Tasks, Workers};

/// What stays free on the disk: as much as the journal and what the tables hold in memory may still take. A batch that
/// would go below is refused before anything is written, and can be written when there is room again.
const DISK_BYTES_RESERVED: u64 = 64 << 20;

/// The file that says whose directory this is. Its name is that of the engine before this one, which refuses what stands in it.
const MARKER: &str = "version";
const FORMAT: &str = "strongroom-kv 2";
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
    disk: Arc<dyn Disk>,
    trees: Vec<Tree>,
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
    /// None before the first write.
    journal: Option<Journal>,
    /// The number of the journal that comes next.
    next: u64,
    /// Where the one before it ends, to be settled before it comes.
    end: Option<End>,
    /// Written since this journal began, or read from those before, without compression.
    bytes: u64,
}

impl LsmKv {
    /// Opens or makes the database in the directory `path` with exactly these tables.
    ///
    /// # Errors
    /// If the directory cannot be used, is damaged, was made otherwise, or is open elsewhere. Then nothing was changed but leftovers.
    pub fn open(path: impl AsRef<Path>, tables: &[Table], limits: KvLimits) -> Result<Self> {
        Self::open_on(Arc::new(Machine), path.as_ref(), tables, limits)
    }

    /// The most descriptors that a database with these tables takes, so that a process can keep them free.
    #[must_use]
    pub fn descriptors_max(tables: &[Table], limits: &KvLimits) -> usize {
        trees::descriptors_max(tables, limits)
    }

    fn open_on(
        disk: Arc<dyn Disk>,
        path: &Path,
        tables: &[Table],
        limits: KvLimits,
    ) -> Result<Self> {
        if tables.len() > journal::TABLES_MAX {
            return Err(Error::engine("too many tables"));
        }
        let lock = take(path, tables)?;
        let journals = Journals::find(path)?;
        let lists = trees::check(path, tables)?;
        let damaged = |what: &str| Err(Error::damaged(format!("{} {what}", path.display())));
        // The newest journal is never removed, and the first is made after all trees.
        if journals.is_empty() && lists.iter().flatten().any(|changes| *changes > 0) {
            return damaged("has files, and no journal");
        }
        if !journals.is_empty() && lists.iter().any(Option::is_none) {
            return damaged("has a journal, and not all of its tables");
        }
        let (numbers, tasks) = (SequenceNumberCounter::default(), Tasks::default());
        let trees = trees::open(path, tables, limits, &numbers, &lists, (&disk, &tasks.stop))?;
        let stored: Vec<_> = trees
            .iter()
            .map(|tree| tree.tree.get_highest_persisted_seqno())
            .collect();
        let (mut newest, mut bytes) = (stored.iter().flatten().max().copied(), 0);
        let end = journals.read(&mut |change| {
            newest = newest.max(Some(change.batch));
            bytes += (change.key.len() + change.value.map_or(0, <[u8]>::len)) as u64;
            let Tree { tree, .. } = trees
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
        let writer = Writer {
            journal: None,
            next: journals.next(),
            end,
            bytes,
        };
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            disk,
            trees,
            limits,
            numbers,
            snapshots: Snapshots::new(next),
            writer: Mutex::new(writer),
            tasks,
            _lock: lock,
        });
        let workers = Workers::start(&shared)?;
        Ok(Self(Arc::new(Open {
            shared,
            _workers: workers,
        })))
    }
}

/// Makes the directory ours: until the lock is dropped nobody else opens it.
fn take(path: &Path, tables: &[Table]) -> Result<File> {
    // The marker names the format and the tables, in the order in which the journal counts them.
    let mut marker = format!("{FORMAT}\n");
    for table in tables {
        marker.push_str(table.0);
        marker.push('\n');
    }
    // Before anything is changed, and once more when nobody else can.
    check_marker(path, &marker)?;
    files::make_directory(path).map_err(Error::engine)?;
    let lock = lock(path)?;
    if !check_marker(path, &marker)? {
        // Whoever made the directory may not have synced its name.
        files::sync_directory(files::directory_of(path))
            .and_then(|()| files::write(&path.join(MARKER), marker.as_bytes(), Readers::Anyone))
            .map_err(Error::engine)?;
    }
    Ok(lock)
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

/// Whether there is a marker; refuses one that is another, and tables without one.
fn check_marker(path: &Path, marker: &str) -> Result<bool> {
    match fs::read(path.join(MARKER)) {
        Ok(found) if found == marker.as_bytes() => Ok(true),
        Ok(_) => Err(Error::Format {
            what: format!("{} is of another version", path.display()),
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            match trees::has_files(&path.join(TABLES))? {
                true => Err(Error::damaged(format!(
                    "{} has tables, and nothing says of what version",
                    path.display()
                ))),
                false => Ok(false),
            }
        }
        Err(error) => Err(Error::engine(error)),
    }
}

impl Shared {
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, table: Table) -> Result<usize> {
        let found = self.trees.iter().position(|tree| tree.name == table);
        found.ok_or_else(|| Error::engine(format!("no table {}", table.0)))
    }

    /// Lets go of files and memory that only readers needed who are gone.
    fn forget(&self) -> Result<()> {
        let forgotten = self.snapshots.forgotten();
        for Tree { tree, .. } in &self.trees {
            let mut versions = tree.get_version_history_lock();
            let path = &tree.tree_config().path;
            versions
                .maintenance(path, forgotten)
                .map_err(trees::error)?;
        }
        Ok(())
    }

    /// Begins a new journal, and lets the workers put what is in memory into files.
    fn turn(&self, writer: &mut Writer) -> Result<()> {
        self.tasks.wait_for_files()?;
        if let Some(end) = &writer.end {
            end.settle()?;
            writer.end = None;
        }
        let number = writer.next;
        let journal = Journal::create(&*self.disk, &self.path, number, true)?;
        for Tree { tree, .. } in &self.trees {
            tree.rotate_memtable();
        }
        self.tasks.flush(number, writer.bytes);
        if writer.journal.is_none() {
            // What was read goes to files before anything follows it. If that has to wait, the journal is made again.
            self.tasks.wait_for_files()?;
        }
        writer.journal = Some(journal);
        (writer.next, writer.bytes) = (number + 1, 0);
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
        let place = |change: &Change| {
            check_length(&change.key)?;
            shared.place(change.table)
        };
        let places: Vec<_> = batch.0.iter().map(place).collect::<Result<_>>()?;
        check_room(&*shared.disk, &shared.path, DISK_BYTES_RESERVED)?;
        let mut writer = shared.writer();
        if writer.journal.is_none() || writer.bytes >= shared.limits.memory_bytes {
            shared.turn(&mut writer)?;
        }
        let Some(journal) = &mut writer.journal else {
            return Err(Error::engine("no journal"));
        };
        let number = shared.numbers.next();
        // Beside keys and values each change has a few bytes.
        let about = batch.bytes() + 8 * (batch.0.len() as u64 + 1);
        let mut record = Record::new(number, usize::try_from(about).unwrap_or_default());
        for (change, place) in batch.0.iter().zip(&places) {
            record.push(*place, &change.key, change.value.as_deref());
        }
        let bytes = record.bytes();
        journal.append(record)?;
        writer.bytes += bytes;
        for (change, place) in batch.0.into_iter().zip(places) {
            let Tree { tree, .. } = &shared.trees[place];
            match change.value {
                Some(value) => tree.insert(change.key, value, number),
                None => tree.remove(change.key, number),
            };
        }
        shared.snapshots.publish(number + 1);
        Ok(())
    }

    fn check_room(&self, bytes: u64) -> Result<()> {
        let shared = &self.0.shared;
        let wanted = DISK_BYTES_RESERVED.saturating_add(bytes);
        check_room(&*shared.disk, &shared.path, wanted)
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
        Ok(&self.shared.trees[self.shared.place(table)?].tree)
    }
}

impl Snapshot for LsmSnapshot {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = self.tree(table)?.get(key, self.number);
        Ok(value.map_err(trees::error)?.map(|value| value.to_vec()))
    }

    fn rows(&self, table: Table, range: Range<'_>) -> Result<Rows<'_>> {
        let rows = self
            .tree(table)?
            .range::<&[u8], _>(range, self.number, None);
        Ok(Box::new(rows.map(|row| {
            let (key, value) = row.into_inner().map_err(trees::error)?;
            Ok((key.to_vec(), value.to_vec()))
        })))
    }
}

#[cfg(test)]
mod tests;
