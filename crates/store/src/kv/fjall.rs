//! `Kv` on fjall, a log-structured merge tree: the default.
//!
//! Its traps, and what is done: a reopen replays the whole journal (its size is capped and tables are flushed early);
//! a fault inside the journal is cut like a torn tail (so the state store checks its root at open); tables are never
//! cleared; default buffers grow to hundreds of MB (all are capped); a write that finds the disk full ends the database
//! until it is opened again (so nothing is written into the last part of the disk).

use super::{Batch, Kv, KvLimits, Range, Rows, Snapshot, Table};
use crate::error::{Error, Result};
use fjall::compaction::Leveled;
use fjall::config::{BlockSizePolicy, CompressionPolicy};
use fjall::{
    CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable as _,
};
use std::path::Path;
use std::sync::Arc;

/// The least that fjall accepts.
const JOURNAL_BYTES_MAX: u64 = 64 << 20;

/// What stays free on the disk: as much as the journal and what the tables hold in memory may still take. A batch that
/// would go below is refused before anything is written, and can be written when there is room again.
const DISK_BYTES_RESERVED: u64 = JOURNAL_BYTES_MAX;

/// Threads for flushing and compacting. With one alone writes wait for compactions: measured, two thirds of the transfers in a second.
const WORKERS: usize = 2;

/// Flushed tables of a keyspace that wait until they are merged together. Each merge writes what it meets again, so that fewer and larger
/// ones write less; what is read looks into more files, which their filters answer.
const MERGED_AT_ONCE: u8 = 8;

/// Bytes of a part of a file that is compressed as a whole, and read as a whole.
const COMPRESSED_BLOCK_BYTES: u32 = 16 << 10;
const BLOCK_BYTES: u32 = 4 << 10;

/// A fjall database. Clones share it.
#[derive(Clone)]
pub struct FjallKv {
    database: Database,
    tables: Arc<[(Table, Keyspace)]>,
    path: Arc<Path>,
}

impl FjallKv {
    /// Opens or makes the database in the directory `path` with exactly these tables.
    ///
    /// # Errors
    /// If the directory cannot be used, is damaged, or is open elsewhere.
    pub fn open(path: impl AsRef<Path>, tables: &[Table], limits: KvLimits) -> Result<Self> {
        let path = path.as_ref();
        let compression = match limits.compress {
            true => CompressionType::Lz4,
            false => CompressionType::None,
        };
        let database = Database::builder(path)
            .cache_size(limits.cache_bytes)
            .max_journaling_size(JOURNAL_BYTES_MAX)
            .worker_threads(WORKERS)
            .max_cached_files(Some(limits.open_files))
            .journal_compression(compression)
            .open()
            .map_err(|e| match e {
                fjall::Error::Locked => Error::InUse {
                    path: path.display().to_string(),
                },
                other => Error::engine(other),
            })?;
        let block_bytes = match limits.compress {
            true => COMPRESSED_BLOCK_BYTES,
            false => BLOCK_BYTES,
        };
        let merge = Arc::new(Leveled::default().with_l0_threshold(MERGED_AT_ONCE));
        let options = || {
            KeyspaceCreateOptions::default()
                .max_memtable_size(limits.memtable_bytes)
                .compaction_strategy(merge.clone())
                .data_block_size_policy(BlockSizePolicy::all(block_bytes))
                .data_block_compression_policy(CompressionPolicy::all(compression))
        };
        let tables = tables
            .iter()
            .map(|table| {
                Ok((
                    *table,
                    database.keyspace(table.0, options).map_err(Error::engine)?,
                ))
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            database,
            tables,
            path: path.into(),
        })
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
}

fn keyspace(tables: &[(Table, Keyspace)], table: Table) -> Result<&Keyspace> {
    let found = tables.iter().find(|(name, _)| *name == table);
    found
        .map(|(_, keyspace)| keyspace)
        .ok_or_else(|| Error::engine(format!("no table {}", table.0)))
}

impl Kv for FjallKv {
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>> {
        Ok(Arc::new(FjallSnapshot {
            snapshot: self.database.snapshot(),
            tables: Arc::clone(&self.tables),
        }))
    }

    fn write(&self, batch: Batch) -> Result<()> {
        self.check_room()?;
        let mut out = self
            .database
            .batch()
            .durability(Some(PersistMode::SyncData));
        for change in batch.0 {
            let keyspace = keyspace(&self.tables, change.table)?;
            match change.value {
                Some(value) => out.insert(keyspace, change.key, value),
                None => out.remove(keyspace, change.key),
            }
        }
        out.commit().map_err(Error::engine)
    }
}

struct FjallSnapshot {
    snapshot: fjall::Snapshot,
    tables: Arc<[(Table, Keyspace)]>,
}

impl Snapshot for FjallSnapshot {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = self
            .snapshot
            .get(keyspace(&self.tables, table)?, key)
            .map_err(Error::engine)?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn rows(&self, table: Table, range: Range<'_>) -> Result<Rows<'_>> {
        let rows = self
            .snapshot
            .range::<&[u8], _>(keyspace(&self.tables, table)?, range);
        Ok(Box::new(rows.map(|row| {
            let (key, value) = row.into_inner().map_err(Error::engine)?;
            Ok((key.to_vec(), value.to_vec()))
        })))
    }
}
