//! The block store's rows in one table of the embedded database.

use super::BlockStoreError;
use crate::kv::{Batch as KvBatch, Kv, Range, Table};
use std::ops::Bound;
use std::sync::Arc;

type Result<T> = core::result::Result<T, BlockStoreError>;

/// The only table.
pub(super) const ROWS: Table = Table("blocks");

/// Rows to write together.
pub(super) struct Batch(KvBatch);

impl Batch {
    pub(super) const fn new() -> Self {
        Self(KvBatch::new())
    }

    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.put(ROWS, key, value);
    }

    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.0.remove(ROWS, key);
    }
}

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
        Ok(self.0.snapshot()?.get(ROWS, key)?)
    }

    /// Writes all of `batch` or nothing of it; it is on disk on return.
    pub(super) fn commit(&self, batch: Batch) -> Result<()> {
        Ok(self.0.write(batch.0)?)
    }

    /// The value at the greatest key of `family` that is at most `key`.
    pub(super) fn last_at_or_below(&self, family: u8, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let snapshot = self.0.snapshot()?;
        let row = snapshot.rows(ROWS, from_to(&[family], key))?.next_back();
        Ok(row.transpose()?.map(|(_, value)| value))
    }

    /// Visits the keys from `from` to `to`, both included, in order, until `visit` fails.
    pub(super) fn visit_keys(
        &self,
        from: &[u8],
        to: &[u8],
        visit: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let snapshot = self.0.snapshot()?;
        for row in snapshot.rows(ROWS, from_to(from, to))? {
            visit(&row?.0)?;
        }
        Ok(())
    }
}
