//! The seam to the embedded database: rows in key order, batches, sync.

use super::BlockStoreError;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use std::path::Path;

type Result<T> = core::result::Result<T, BlockStoreError>;

/// The journal is cut at this size, so that opening after a crash stays quick.
const JOURNAL_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Memory for hot rows.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// Rows to write together.
#[derive(Default)]
pub(super) struct Batch(Vec<(Vec<u8>, Vec<u8>)>);

impl Batch {
    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.push((key, value));
    }
}

/// An open database.
pub(super) struct Rows {
    database: Database,
    rows: Keyspace,
}

fn failed(error: impl core::fmt::Display) -> BlockStoreError {
    BlockStoreError::Database(error.to_string())
}

impl Rows {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let database = Database::builder(path)
            .max_journaling_size(JOURNAL_BYTES_MAX)
            .cache_size(CACHE_BYTES)
            .worker_threads(1)
            .open()
            .map_err(failed)?;
        let rows = database
            .keyspace("blocks", KeyspaceCreateOptions::default)
            .map_err(failed)?;
        Ok(Self { database, rows })
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self
            .rows
            .get(key)
            .map_err(failed)?
            .map(|value| value.to_vec()))
    }

    /// Writes all of `batch` or nothing of it; with `sync` it is on disk on return.
    pub(super) fn commit(&self, batch: Batch, sync: bool) -> Result<()> {
        let mode = if sync {
            PersistMode::SyncAll
        } else {
            PersistMode::Buffer
        };
        let mut write = self.database.batch().durability(Some(mode));
        for (key, value) in batch.0 {
            write.insert(&self.rows, key, value);
        }
        write.commit().map_err(failed)
    }

    pub(super) fn sync(&self) -> Result<()> {
        self.database.persist(PersistMode::SyncAll).map_err(failed)
    }

    /// The value at the greatest key of `family` that is at most `key`.
    pub(super) fn last_at_or_below(&self, family: u8, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match self.rows.range::<&[u8], _>(&[family][..]..=key).next_back() {
            Some(row) => Ok(Some(row.value().map_err(failed)?.to_vec())),
            None => Ok(None),
        }
    }

    /// Visits the keys from `from` to `to`, both included, in order, as long as `visit` says true.
    pub(super) fn visit_keys(
        &self,
        from: &[u8],
        to: &[u8],
        visit: &mut dyn FnMut(&[u8]) -> Result<bool>,
    ) -> Result<()> {
        for row in self.rows.range::<&[u8], _>(from..=to) {
            let key = row.key().map_err(failed)?;
            if !visit(&key)? {
                break;
            }
        }
        Ok(())
    }
}
