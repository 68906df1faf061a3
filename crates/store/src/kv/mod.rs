//! The one thing the store wants from a database engine: ordered tables, snapshots, one durable atomic batch.
//!
//! Promises: after `write` returns, all of the batch survives a crash; before, all or nothing of it. A snapshot shows
//! what was written when it was taken, for as long as it is held. Refuses: partial writes, clearing a table.

mod lsm;
mod redb;

pub use self::lsm::LsmKv;
pub use self::redb::RedbKv;

use crate::error::Result;
use std::ops::Bound;
use std::sync::Arc;

/// A table: an ordered map of its own inside a database, named when the database is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table(pub &'static str);

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// Rows in key order; from the back with `rev` or `next_back`.
pub type Rows<'a> = Box<dyn DoubleEndedIterator<Item = Result<Row>> + 'a>;

/// From where to where, in key order.
pub type Range<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// An embedded database.
pub trait Kv: Send + Sync {
    /// The state of all tables now.
    ///
    /// # Errors
    /// If the engine cannot read.
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>>;

    /// Writes the whole batch and returns when it is on disk.
    ///
    /// # Errors
    /// If the engine cannot write; what was written then is all or nothing.
    fn write(&self, batch: Batch) -> Result<()>;

    /// Refuses unless so many bytes can be written beside the database, and what it keeps free of the disk stays free.
    ///
    /// # Errors
    /// [`Error::Short`](crate::Error::Short), or if nobody can say what is free.
    fn check_room(&self, bytes: u64) -> Result<()> {
        // What keeps nothing free leaves it to the write.
        let _ = bytes;
        Ok(())
    }
}

/// A database as it was at one moment.
pub trait Snapshot: Send + Sync {
    /// The value at `key`.
    ///
    /// # Errors
    /// If the engine cannot read, or the table was not named at open.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// The rows in `range`.
    ///
    /// # Errors
    /// As [`Snapshot::get`]; also each row can fail.
    fn rows(&self, table: Table, range: Range<'_>) -> Result<Rows<'_>>;
}

/// Changes to be written together. Of several to one key the last counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch(Vec<Change>);

/// One change: a new value, or `None` for a removal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub table: Table,
    /// Which row.
    pub key: Vec<u8>,
    /// The new value.
    pub value: Option<Vec<u8>>,
}

impl Batch {
    /// A batch without changes.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.set(table, key, Some(value.into()));
    }

    /// Removes `key`, if it is there.
    pub fn remove(&mut self, table: Table, key: impl Into<Vec<u8>>) {
        self.set(table, key, None);
    }

    /// Sets or removes `key`.
    pub fn set(&mut self, table: Table, key: impl Into<Vec<u8>>, value: Option<Vec<u8>>) {
        self.0.push(Change {
            table,
            key: key.into(),
            value,
        });
    }

    /// Bytes of all keys and values.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let of = |change: &Change| change.key.len() + change.value.as_ref().map_or(0, Vec::len);
        self.0.iter().map(|change| of(change) as u64).sum()
    }

    /// The changes in the order in which they were added.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.0
    }
}

/// All keys that begin with `prefix`, as bounds for [`Snapshot::rows`]: use with [`as_range`].
#[must_use]
pub fn prefix_bounds(prefix: &[u8]) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    // The first key after all that begin with the prefix: the last byte that is not 0xff, plus one, nothing behind it.
    let end = match prefix.iter().rposition(|byte| *byte != 0xff) {
        None => Bound::Unbounded,
        Some(at) => {
            let mut end = prefix[..=at].to_vec();
            end[at] += 1;
            Bound::Excluded(end)
        }
    };
    (Bound::Included(prefix.to_vec()), end)
}

/// Borrows owned bounds.
#[must_use]
pub fn as_range(bounds: &(Bound<Vec<u8>>, Bound<Vec<u8>>)) -> Range<'_> {
    (
        bounds.0.as_ref().map(Vec::as_slice),
        bounds.1.as_ref().map(Vec::as_slice),
    )
}

/// Memory limits of a storage engine.
#[derive(Clone, Copy, Debug)]
pub struct KvLimits {
    /// Blocks of the database kept in memory.
    pub cache_bytes: u64,
    /// Writes kept in memory and in the journal before they go to files ([`LsmKv`] only): what a reopen reads is at most about twice as much.
    pub memory_bytes: u64,
    /// Files kept open ([`LsmKv`] only). Servers count on the rest of the process's descriptors.
    pub open_files: usize,
    /// Tables whose files are compressed ([`LsmKv`] only; the journal always is). Not where values are hashes or ciphertext. Each part of a file says
    /// how it was written, so what is there is read either way.
    pub compressed: &'static [Table],
    /// Bytes of a part of such a file, which is compressed and read as a whole ([`LsmKv`] only): few where single rows are read.
    pub part_bytes: u32,
    /// Tables that are read from one end to the other and never at a key ([`LsmKv`] only): their files have no filters and are merged more seldom.
    pub scanned: &'static [Table],
    /// Tables whose rows are never written over ([`LsmKv`] only): a merge gives nothing back, so they are merged more seldom.
    pub kept: &'static [Table],
}

impl Default for KvLimits {
    fn default() -> Self {
        Self {
            cache_bytes: 8 << 20,
            memory_bytes: 8 << 20,
            open_files: 64,
            compressed: &[],
            part_bytes: 16 << 10,
            scanned: &[],
            kept: &[],
        }
    }
}

#[cfg(test)]
mod tests;
