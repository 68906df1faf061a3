//! The block store's rows: in the tables of one embedded database, long ones in files beside it.

use super::large::{Large, Place};
use super::{BlockStoreError, keys, records};
use crate::kv::{Batch as KvBatch, Kv, Range, Table};
use std::collections::HashSet;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

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
        Some(&(keys::INDEX | keys::BLOCK_HASH | keys::TX | keys::TX_FAILED)) => INDEX,
        _ => ROWS,
    }
}

/// Rows of blocks and results from this length on lie beside the database. Shorter ones would take more there, since each is synced by itself.
const LARGE_BYTES: usize = 32 << 10;
/// The first byte of a row that is a place ([`Place`]). A row itself begins with the number of its version ([`Stored`](super::records::Stored)), which
/// is another.
pub(super) const IS_PLACE: u8 = 1;

/// Rows to write together.
pub(super) struct Batch(Vec<(Vec<u8>, Option<Vec<u8>>)>);

impl Batch {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.set(key, Some(value));
    }

    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.set(key, None);
    }

    /// Puts or removes.
    pub(super) fn set(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.0.push((key, value));
    }

    /// Takes what `other` does to rows that nothing here changes.
    pub(super) fn add_missing(&mut self, other: Self) {
        let known: HashSet<Vec<u8>> = self.0.iter().map(|(key, _)| key.clone()).collect();
        let missing = other.0.into_iter().filter(|(key, _)| !known.contains(key));
        self.0.extend(missing);
    }
}

/// Is shown a key and its row.
type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<()> + 'a;

/// An open database.
pub(super) struct Rows {
    kv: Arc<dyn Kv>,
    /// Where long rows are, if there is a directory.
    large: Option<Files>,
}

struct Files {
    large: Large,
    /// Number of the newest file that a row names, if one does.
    named: Mutex<Option<u64>>,
}

fn may_be_large(table: Table) -> bool {
    matches!(table, DECIDED | RESULTS)
}

fn from_to<'a>(from: &'a [u8], to: &'a [u8]) -> Range<'a> {
    (Bound::Included(from), Bound::Included(to))
}

impl Rows {
    pub(super) const fn new(kv: Arc<dyn Kv>) -> Self {
        Self { kv, large: None }
    }

    /// From here on long rows lie in the files of this directory.
    ///
    /// # Errors
    /// If one of them is gone, or cannot be read.
    pub(super) fn put_long_ones_into(&mut self, directory: PathBuf) -> Result<()> {
        let named = self.get(keys::LARGE)?;
        let named = named.map(|row| records::decode(&row, "the newest file of long rows"));
        let named = named.transpose()?;
        self.large = Some(Files {
            large: Large::open(directory, named)?,
            named: Mutex::new(named),
        });
        Ok(())
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let table = table(key);
        let row = self.kv.snapshot()?.get(table, key)?;
        match row.as_deref() {
            Some([IS_PLACE, place @ ..]) if may_be_large(table) => {
                let place: Place = records::decode(place, "the place of a row")?;
                let files = self.large.as_ref().ok_or(BlockStoreError::Damaged {
                    what: "a place, without files",
                })?;
                Ok(Some(files.large.get(&place)?))
            }
            _ => Ok(row),
        }
    }

    pub(super) fn check_room(&self, bytes: u64) -> crate::Result<()> {
        self.kv.check_room(bytes)
    }

    /// Writes all of `batch` or nothing of it; it is on disk on return.
    pub(super) fn commit(&self, batch: Batch) -> Result<()> {
        let mut all = KvBatch::new();
        let mut newest = None;
        for (key, row) in batch.0 {
            let table = table(&key);
            let row = match (&self.large, row) {
                (Some(files), Some(row)) if row.len() >= LARGE_BYTES && may_be_large(table) => {
                    // Before it is written: a batch that is refused afterwards would leave it there.
                    let place = files.large.append(&row, &|bytes| self.check_room(bytes))?;
                    newest = newest.max(Some(place.file()));
                    Some([&[IS_PLACE], &records::encode(&place)[..]].concat())
                }
                (_, row) => row,
            };
            all.set(table, key, row);
        }
        let named = self.large.as_ref().map(|files| &files.named);
        let mut named = named.map(|named| named.lock().unwrap_or_else(PoisonError::into_inner));
        let named = named.as_deref_mut().filter(|named| **named < newest);
        if let (Some(_), Some(newest)) = (&named, newest) {
            all.put(ROWS, keys::LARGE, records::encode(&newest));
        }
        self.kv.write(all)?;
        if let Some(named) = named {
            *named = newest;
        }
        Ok(())
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
