//! The block store's rows in the tables of one embedded database.

use super::{BlockStoreError, keys};
use crate::kv::{Batch as KvBatch, Kv, Range, Table};
use std::ops::Bound;
use std::sync::Arc;

type Result<T> = core::result::Result<T, BlockStoreError>;

const ROWS: Table = Table("blocks");
const DECIDED: Table = Table("decided");
const RESULTS: Table = Table("results");
const INDEX: Table = Table("index");

/// What grows with each block, apart: rows that come in the order of heights are never written again by a compaction, and those of the index
/// are merged without them.
pub(super) const TABLES: [Table; 4] = [ROWS, DECIDED, RESULTS, INDEX];

/// The table of a key, which no key is without.
fn table(key: &[u8]) -> Table {
    match key.first() {
        Some(&keys::BLOCK) => DECIDED,
        Some(&keys::RESULTS) => RESULTS,
        Some(&(keys::INDEX | keys::BLOCK_HASH | keys::TX)) => INDEX,
        _ => ROWS,
    }
}

/// Rows to write together.
pub(super) struct Batch(KvBatch);

impl Batch {
    pub(super) const fn new() -> Self {
        Self(KvBatch::new())
    }

    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.put(table(&key), key, value);
    }

    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.0.remove(table(&key), key);
    }
}

/// Is shown a key and its row.
type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<()> + 'a;

/// An open database.
pub(super) struct Rows(Arc<dyn Kv>);

fn from_to<'a>(from: &'a [u8], to: &'a [u8]) -> Range<'a> {
    (Bound::Included(from), Bound::Included(to))
}

impl Rows {
    pub(super) fn new(kv: Arc<dyn Kv>) -> Self {
        Self(kv)
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.0.snapshot()?.get(table(key), key)?)
    }

    /// Writes all of `batch` or nothing of it; it is on disk on return.
    pub(super) fn commit(&self, batch: Batch) -> Result<()> {
        Ok(self.0.write(batch.0)?)
    }

    /// The value at the greatest key of `family` that is at most `key`.
    pub(super) fn last_at_or_below(&self, family: u8, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let snapshot = self.0.snapshot()?;
        let row = snapshot
            .rows(table(key), from_to(&[family], key))?
            .next_back();
        Ok(row.transpose()?.map(|(_, value)| value))
    }

    /// Whether nothing was ever written.
    pub(super) fn is_empty(&self) -> Result<bool> {
        let all = (Bound::Unbounded, Bound::Unbounded);
        let snapshot = self.0.snapshot()?;
        let first = snapshot.rows(ROWS, all)?.next().transpose()?;
        Ok(first.is_none())
    }

    /// Visits the rows of a family from `from` to `to`, both included, in order, until `visit` fails.
    pub(super) fn visit(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<()> {
        let snapshot = self.0.snapshot()?;
        for row in snapshot.rows(table(from), from_to(from, to))? {
            let (key, value) = row?;
            visit(&key, &value)?;
        }
        Ok(())
    }
}
