//! The block store's rows: in the tables of one embedded database, long ones in files beside it.

use super::large::{Large, Place};
use super::{BlockStoreError, keys, records};
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

/// Rows of blocks and results from this length on lie beside the database. Shorter ones would take more there, since each is synced by itself.
const LARGE_BYTES: usize = 32 << 10;
/// The first byte of a row that is a place ([`Place`]); 0 is that of a row itself ([`Stored`](super::records::Stored)).
const IS_PLACE: u8 = 1;

/// Rows to write together.
pub(super) struct Batch(Vec<(Vec<u8>, Option<Vec<u8>>)>);

impl Batch {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.push((key, Some(value)));
    }

    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.0.push((key, None));
    }
}

/// Is shown a key and its row.
type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<()> + 'a;

/// An open database.
pub(super) struct Rows {
    kv: Arc<dyn Kv>,
    /// Where long rows are, if there is a directory.
    large: Option<Large>,
}

fn may_be_large(table: Table) -> bool {
    matches!(table, DECIDED | RESULTS)
}

fn from_to<'a>(from: &'a [u8], to: &'a [u8]) -> Range<'a> {
    (Bound::Included(from), Bound::Included(to))
}

impl Rows {
    pub(super) const fn new(kv: Arc<dyn Kv>, large: Option<Large>) -> Self {
        Self { kv, large }
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let table = table(key);
        let row = self.kv.snapshot()?.get(table, key)?;
        match row.as_deref() {
            Some([IS_PLACE, place @ ..]) if may_be_large(table) => {
                let place: Place = records::decode(place, "the place of a row")?;
                let large = self.large.as_ref().ok_or(BlockStoreError::Damaged {
                    what: "a place, without files",
                })?;
                Ok(Some(large.get(&place)?))
            }
            _ => Ok(row),
        }
    }

    /// Writes all of `batch` or nothing of it; it is on disk on return.
    pub(super) fn commit(&self, batch: Batch) -> Result<()> {
        let mut all = KvBatch::new();
        for (key, row) in batch.0 {
            let table = table(&key);
            let row = match (&self.large, row) {
                (Some(large), Some(row)) if row.len() >= LARGE_BYTES && may_be_large(table) => {
                    let place = records::encode(&large.append(&row)?);
                    Some([&[IS_PLACE], &place[..]].concat())
                }
                (_, row) => row,
            };
            all.set(table, key, row);
        }
        Ok(self.kv.write(all)?)
    }

    /// The value at the greatest key of `family` that is at most `key`.
    pub(super) fn last_at_or_below(&self, family: u8, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let snapshot = self.kv.snapshot()?;
        let row = snapshot
            .rows(table(key), from_to(&[family], key))?
            .next_back();
        Ok(row.transpose()?.map(|(_, value)| value))
    }

    /// Whether nothing was ever written.
    pub(super) fn is_empty(&self) -> Result<bool> {
        let all = (Bound::Unbounded, Bound::Unbounded);
        let snapshot = self.kv.snapshot()?;
        let first = snapshot.rows(ROWS, all)?.next().transpose()?;
        Ok(first.is_none())
    }

    /// Visits the rows of a family from `from` to `to`, both included, in order, until `visit` fails.
    pub(super) fn visit(&self, from: &[u8], to: &[u8], visit: &mut Visit<'_>) -> Result<()> {
        let snapshot = self.kv.snapshot()?;
        for row in snapshot.rows(table(from), from_to(from, to))? {
            let (key, value) = row?;
            visit(&key, &value)?;
        }
        Ok(())
    }
}
