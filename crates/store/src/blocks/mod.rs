//! The block store: a database of its own with every decided block, what its execution gave, and the index of transactions and events; long
//! blocks and results lie in files beside it.
//!
//! Circle: host. Nothing here is trusted: the enclave checks a block again before it executes it.
//!
//! Promises: [`BlockStore::save_decided`] is on disk, synced, when it returns, so a block is never executed before it
//! can be replayed; [`BlockStore::save_results`] is one batch, so results and index never disagree; heights have no
//! gaps. Results and index are derivable: where those of the newest block are gone or damaged, the node executes it again and saves them again; where
//! they are there, saving them again writes nothing, also those of a block with later ones behind it.
//! Refuses: another block for a height that has one, heights out of order, to interpret headers or commits.

mod index;
mod keys;
mod large;
mod places;
mod records;
mod rows;
mod search;
mod txs;

pub use index::MAX_INDEXED_BYTES;
pub use records::{BlockMeta, BlockResults, Executed, Validator};
pub use search::{Position, RowBudget, Subject};

use crate::kv::{Kv, KvLimits, LsmKv, Table};
use borsh::BorshDeserialize;
use records::{Stored, encode};
use rows::{Batch, Rows};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use strongroom_types::consensus::ConsensusParams;
use strongroom_types::{DecidedBlock, Hash, Height, RawTx};

/// Memory for hot rows.
const CACHE_BYTES: u64 = 4 << 20;
/// Writes in memory before they go to files.
const MEMORY_BYTES: u64 = 8 << 20;
/// Directory of long rows, in that of the database.
const LARGE: &str = "large";
/// Format of all rows. 1 had no row that says so, a row of the index for each transaction, and one table; 2 had all rows in the database;
/// 3 had one place for a transaction, and no number of the newest file of long rows.
const FORMAT: u32 = 4;

/// Why the block store did not do what was asked. The text begins with the code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlockStoreError {
    /// The database failed; the text is its own.
    #[error("{0}")]
    Database(#[from] crate::Error),
    /// A row cannot be read: the database was damaged or written by a newer version.
    #[error("store.damaged: block database: row of {what} is damaged")]
    Damaged {
        /// Content of the row.
        what: &'static str,
    },
    /// The database has another format.
    #[error("store.format: block database: format {found}, this program reads {FORMAT}")]
    Format {
        /// Its format.
        found: u32,
    },
    /// A height that does not follow the last one.
    #[error("store.out_of_order: height {got} does not follow height {last}")]
    OutOfOrder {
        /// The last height that is stored.
        last: Height,
        /// The height that was given.
        got: Height,
    },
    /// The height has another block already.
    #[error("store.conflict: height {height} has another block already")]
    Conflict {
        /// That height.
        height: Height,
    },
    /// A block that was executed, and later ones after it, is executed again, and gives something else.
    #[error(
        "store.other_results: block {height} was executed before, with other results: the state is not the one that these blocks were executed on"
    )]
    OtherResults {
        /// Its height.
        height: Height,
    },
    /// A search visited more rows than it may.
    #[error(
        "store.too_many_rows: the search visits more than {max} index rows; narrow it by height or by an exact value"
    )]
    TooManyRows {
        /// Rows that it may visit.
        max: usize,
    },
}

impl BlockStoreError {
    /// A stable name for logs and APIs: what the text begins with.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Database(error) => error.code(),
            Self::Damaged { .. } => "store.damaged",
            Self::Format { .. } => "store.format",
            Self::OutOfOrder { .. } => "store.out_of_order",
            Self::Conflict { .. } => "store.conflict",
            Self::OtherResults { .. } => "store.other_results",
            Self::TooManyRows { .. } => "store.too_many_rows",
        }
    }
}

type Result<T> = core::result::Result<T, BlockStoreError>;

/// Position of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TxLocation {
    /// Height of its block.
    pub height: Height,
    /// Its place in the block, from 0.
    pub index: u32,
}

/// See the module. All methods may be called from any thread; reads never wait for writes.
pub struct BlockStore {
    rows: Rows,
    /// The newest decided height when it was opened, less what was forgotten since; 0 without one.
    found: AtomicU64,
    /// Writers go one by one: the order of heights is checked, then written.
    writer: Mutex<()>,
}

impl BlockStore {
    /// Opens or makes the database in directory `path`.
    ///
    /// # Errors
    /// [`BlockStoreError::Database`] if it cannot be opened, [`BlockStoreError::Format`] if another version made it.
    pub fn open(path: &Path) -> Result<Self> {
        let kv = LsmKv::open(path, &Self::TABLES, Self::kv_limits())?;
        Self::beside(Arc::new(kv), path)
    }

    /// How [`BlockStore::open`] opens its database.
    #[must_use]
    pub fn kv_limits() -> KvLimits {
        KvLimits {
            cache_bytes: CACHE_BYTES,
            memory_bytes: MEMORY_BYTES,
            compressed: &Self::TABLES,
            ..KvLimits::default()
        }
    }

    /// On a database, with long rows in a directory below `path`.
    fn beside(kv: Arc<dyn Kv>, path: &Path) -> Result<Self> {
        let mut store = Self::on(kv)?;
        store.rows.put_long_ones_into(path.join(LARGE))?;
        Ok(store)
    }

    /// The tables that a database must have for [`BlockStore::on`].
    pub const TABLES: [Table; 4] = rows::TABLES;

    /// On a database that is open already, which has all rows.
    ///
    /// # Errors
    /// As [`BlockStore::open`].
    pub fn on(kv: Arc<dyn Kv>) -> Result<Self> {
        let mut store = Self {
            rows: Rows::new(kv),
            found: AtomicU64::new(0),
            writer: Mutex::new(()),
        };
        let format: Option<u32> = store.read(keys::STORE_FORMAT, "the format")?;
        match format {
            Some(FORMAT) => {}
            None if store.rows.is_empty()? => {}
            other => {
                return Err(BlockStoreError::Format {
                    found: other.unwrap_or(1),
                });
            }
        }
        let found = store.decided_height()?.unwrap_or(0);
        store.found = AtomicU64::new(found);
        Ok(store)
    }

    /// Refuses unless so many bytes can be written beside the database, and what it keeps free of the disk stays free.
    ///
    /// # Errors
    /// A transient one for want of room, or if nobody can say what is free.
    pub fn check_room(&self, bytes: u64) -> crate::Result<()> {
        self.rows.check_room(bytes)
    }

    fn read<T: BorshDeserialize>(&self, key: &[u8], what: &'static str) -> Result<Option<T>> {
        self.rows
            .get(key)?
            .map(|bytes| records::decode(&bytes, what))
            .transpose()
    }

    /// The lowest height that is stored, if any is.
    ///
    /// # Errors
    /// If the database fails.
    pub fn base(&self) -> Result<Option<Height>> {
        self.read(keys::BASE, "the lowest height")
    }

    /// The newest decided height that is stored, if any is. It may not be executed yet.
    ///
    /// # Errors
    /// If the database fails.
    pub fn decided_height(&self) -> Result<Option<Height>> {
        self.read(keys::DECIDED, "the decided height")
    }

    /// The newest height that was decided before this process opened the store, and is not forgotten; 0 for none. Nobody has heard of it from this
    /// process before it is executed.
    #[must_use]
    pub fn found_height(&self) -> Height {
        self.found.load(Ordering::SeqCst)
    }

    /// The newest height whose results are stored, if any are.
    ///
    /// # Errors
    /// If the database fails.
    pub fn executed_height(&self) -> Result<Option<Height>> {
        self.read(keys::EXECUTED, "the executed height")
    }

    /// Saves a decided block and syncs the disk. Call it before the block is executed. The same block again is fine.
    ///
    /// # Errors
    /// [`BlockStoreError::OutOfOrder`], [`BlockStoreError::Conflict`], or if the database fails.
    pub fn save_decided(&self, meta: &BlockMeta, block: &DecidedBlock) -> Result<()> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = Batch::new();
        match self.decided_height()? {
            None => {
                batch.put(keys::BASE.to_vec(), encode(&meta.height));
                batch.put(keys::STORE_FORMAT.to_vec(), encode(&FORMAT));
            }
            Some(last) if meta.height == last => {
                let known = self.meta(last)?;
                if known.as_ref() != Some(meta) {
                    return Err(BlockStoreError::Conflict { height: last });
                }
                return Ok(());
            }
            Some(last) if Some(meta.height) != last.checked_add(1) => {
                return Err(BlockStoreError::OutOfOrder {
                    last,
                    got: meta.height,
                });
            }
            Some(_) => {}
        }
        batch.put(keys::meta(meta.height), Stored::V1(meta).encode());
        batch.put(keys::block(meta.height), Stored::V1(block).encode());
        batch.put(keys::block_hash(&meta.hash), encode(&meta.height));
        batch.put(keys::DECIDED.to_vec(), encode(&meta.height));
        self.rows.commit(batch)
    }

    /// Forgets the decided blocks from `height` on, which proved to be of another chain, and with them what the first of them gave if it was
    /// executed: its state was never made durable.
    ///
    /// # Errors
    /// [`BlockStoreError::OutOfOrder`] if a later one was executed, so that the state is that of `height` at least, or if the database fails.
    pub fn discard_decided(&self, height: Height) -> Result<()> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = self.decided_height()?.filter(|last| *last >= height) else {
            return Ok(());
        };
        let executed = self.executed_height()?.unwrap_or(0);
        if height < executed {
            return Err(BlockStoreError::OutOfOrder {
                last: executed,
                got: height,
            });
        }
        let mut batch = Batch::new();
        for at in height..=last {
            if let Some(meta) = self.meta(at)? {
                batch.remove(keys::block_hash(&meta.hash));
            }
            batch.remove(keys::meta(at));
            batch.remove(keys::block(at));
        }
        let below = self.base()?.filter(|base| *base < height);
        let below = below.map(|_| encode(&height.saturating_sub(1)));
        if height == executed {
            let block = self.block(height)?.unwrap_or_default();
            let results = self.results(height)?;
            batch.add_missing(self.undo_results(height, &block.txs, results.as_ref())?);
            batch.remove(keys::results(height));
            batch.set(keys::EXECUTED.to_vec(), below.clone());
        }
        if below.is_none() {
            batch.remove(keys::BASE.to_vec());
        }
        batch.set(keys::DECIDED.to_vec(), below);
        self.rows.commit(batch)?;
        self.found
            .fetch_min(height.saturating_sub(1), Ordering::SeqCst);
        Ok(())
    }

    /// Saves what the execution of height `height` gave, with the index rows of its events, in one batch.
    ///
    /// A height may be saved again, if the state is of an older moment than the blocks: nothing is written where the same is there. Where the last
    /// executed block was executed otherwise the first time, nothing of that stays. Results that cannot be read any more are written anew.
    ///
    /// # Errors
    /// [`BlockStoreError::OutOfOrder`] if it is beyond the height that follows the last executed one, or was never decided,
    /// [`BlockStoreError::OtherResults`] if others are there and a later block was executed, or if the database fails.
    pub fn save_results(&self, height: Height, executed: &Executed) -> Result<()> {
        let block = self.block(height)?.unwrap_or_default();
        self.save_results_of(height, &block.txs, executed)
    }

    /// As [`BlockStore::save_results`], for whoever has the transactions of the block at hand.
    ///
    /// # Errors
    /// The same.
    pub fn save_results_of(
        &self,
        height: Height,
        txs: &[RawTx],
        executed: &Executed,
    ) -> Result<()> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let last = self.executed_height()?;
        let follows = match last {
            Some(last) => height <= last || Some(height) == last.checked_add(1),
            None => self.base()? == Some(height),
        };
        let decided = self.base()?.is_some_and(|base| base <= height)
            && self.decided_height()?.is_some_and(|at| at >= height);
        if !(follows && decided) {
            return Err(BlockStoreError::OutOfOrder {
                last: last.unwrap_or(0),
                got: height,
            });
        }
        let results = Stored::V1(&executed.results).encode();
        let known = match last {
            Some(last) if height <= last => self.known_results(height)?,
            _ => None,
        };
        if known.as_ref() == Some(&results) {
            return Ok(());
        }
        let mut batch = Batch::new();
        if last > Some(height) {
            if known.is_some() {
                return Err(BlockStoreError::OtherResults { height });
            }
            batch.put(keys::results(height), results);
            return self.rows.commit(batch);
        }
        self.tx_rows(height, txs, &executed.results, &mut batch)?;
        for (key, row) in index::rows(height, txs.len(), &executed.results) {
            batch.put(key, row);
        }
        batch.put(keys::results(height), results);
        if last == Some(height) {
            let known = known.and_then(|row| records::decode_stored(&row, "results").ok());
            batch.add_missing(self.undo_results(height, txs, known.as_ref())?);
        }
        if let Some((from, validators)) = &executed.validators {
            self.put_if_changed(&mut batch, keys::VALIDATORS, *from, validators)?;
        }
        if let Some((from, params)) = &executed.params {
            self.put_if_changed(&mut batch, keys::PARAMS, *from, params)?;
        }
        batch.put(keys::EXECUTED.to_vec(), encode(&height));
        self.rows.commit(batch)
    }

    /// The row of results that is there. None where it cannot be read any more: what can be derived needs no repair.
    fn known_results(&self, height: Height) -> Result<Option<Vec<u8>>> {
        match self.rows.get(&keys::results(height)) {
            Err(BlockStoreError::Database(crate::Error::Damaged { .. })) => Ok(None),
            read => read,
        }
    }

    /// Saves the validators and parameters that are in force from `height` on: those of genesis, before the first
    /// block. Synced.
    ///
    /// # Errors
    /// If the database fails.
    pub fn save_in_force(
        &self,
        height: Height,
        validators: &[Validator],
        params: &ConsensusParams,
    ) -> Result<()> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = Batch::new();
        batch.put(keys::STORE_FORMAT.to_vec(), encode(&FORMAT));
        batch.put(
            keys::from_height(keys::VALIDATORS, height),
            Stored::V1(validators.to_vec()).encode(),
        );
        batch.put(
            keys::from_height(keys::PARAMS, height),
            Stored::V1(params.clone()).encode(),
        );
        self.rows.commit(batch)
    }

    /// A row is written only when it differs from the one in force, so that quiet chains stay small.
    fn put_if_changed<T>(
        &self,
        batch: &mut Batch,
        family: u8,
        from: Height,
        value: &T,
    ) -> Result<()>
    where
        T: borsh::BorshSerialize + Clone,
    {
        let bytes = Stored::V1(value.clone()).encode();
        let in_force = self
            .rows
            .last_at_or_below(family, &keys::from_height(family, from))?;
        if in_force.as_deref() != Some(bytes.as_slice()) {
            batch.put(keys::from_height(family, from), bytes);
        }
        Ok(())
    }

    fn in_force<T: BorshDeserialize>(
        &self,
        family: u8,
        height: Height,
        what: &'static str,
    ) -> Result<Option<T>> {
        let row = self
            .rows
            .last_at_or_below(family, &keys::from_height(family, height))?;
        row.map(|bytes| records::decode_stored(&bytes, what))
            .transpose()
    }

    /// Description of the block at `height`.
    ///
    /// # Errors
    /// If the database fails.
    pub fn meta(&self, height: Height) -> Result<Option<BlockMeta>> {
        let row = self.rows.get(&keys::meta(height))?;
        row.map(|bytes| records::decode_stored(&bytes, "a block's description"))
            .transpose()
    }

    /// The whole block at `height`.
    ///
    /// # Errors
    /// If the database fails.
    pub fn block(&self, height: Height) -> Result<Option<DecidedBlock>> {
        let row = self.rows.get(&keys::block(height))?;
        row.map(|bytes| records::decode_stored(&bytes, "a block"))
            .transpose()
    }

    /// The height of the block whose header has this hash.
    ///
    /// # Errors
    /// If the database fails.
    pub fn height_of(&self, hash: &Hash) -> Result<Option<Height>> {
        self.read(&keys::block_hash(hash), "a height by hash")
    }

    /// Results of the block at `height`.
    ///
    /// # Errors
    /// If the database fails.
    pub fn results(&self, height: Height) -> Result<Option<BlockResults>> {
        let row = self.rows.get(&keys::results(height))?;
        row.map(|bytes| records::decode_stored(&bytes, "results"))
            .transpose()
    }

    /// The validators in force at `height`, in the order of the set. Heights beyond the newest answer as if nothing
    /// changed until then; it is for the caller to refuse them.
    ///
    /// # Errors
    /// If the database fails.
    pub fn validators(&self, height: Height) -> Result<Option<Vec<Validator>>> {
        self.in_force(keys::VALIDATORS, height, "validators")
    }

    /// The consensus parameters in force at `height`; beyond the newest as for [`Self::validators`].
    ///
    /// # Errors
    /// If the database fails.
    pub fn consensus_params(&self, height: Height) -> Result<Option<ConsensusParams>> {
        self.in_force(keys::PARAMS, height, "consensus parameters")
    }
}

#[cfg(test)]
mod tests;
