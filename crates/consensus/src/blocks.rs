//! Where decided blocks lie: the seam to the block store, and one in memory for tests and benches.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use strongroom_proof::comet::{self, Commit, DecodeError, Header};
use strongroom_store::blocks::{BlockMeta, BlockStore};
use strongroom_types::{DecidedBlock, Height};

/// Why decided blocks cannot be kept or read, or not now.
#[derive(Debug, thiserror::Error)]
#[error("block store: {0}")]
pub struct BlocksError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl BlocksError {
    /// Wraps an error or a text.
    pub fn new(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }

    /// Whether the same call may succeed later without anybody's help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        strongroom_store::is_transient(&*self.0)
    }
}

/// A place for decided blocks, heights without gaps.
pub trait Blocks: Send + Sync {
    /// The newest height, if there is a block.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn newest(&self) -> Result<Option<Height>, BlocksError>;

    /// The block at `height`, if it is there.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn load(&self, height: Height) -> Result<Option<DecidedBlock>, BlocksError>;

    /// Keeps a block whose header this is; on disk and synced when it returns.
    ///
    /// # Errors
    /// If the store cannot be written, or has another block at this height.
    fn save_decided(&self, header: &Header, block: &DecidedBlock) -> Result<(), BlocksError>;

    /// Forgets the blocks from `height` on, none of which is in the state of the application. What the first of them gave when it was executed, and
    /// which was never made durable, goes with it.
    ///
    /// # Errors
    /// If a later one was executed, or the store cannot be written.
    fn discard_from(&self, height: Height) -> Result<(), BlocksError>;
}

/// The description of a decided block, of which this is the header, that the block store keeps beside it.
///
/// # Errors
/// [`DecodeError`] if its parts are no canonical protobuf.
pub fn block_meta(header: &Header, block: &DecidedBlock) -> Result<BlockMeta, DecodeError> {
    let bytes = comet::block_bytes(header, block)?;
    let parts = Commit::decode(&block.commit)?.block_id.parts;
    Ok(BlockMeta {
        height: header.height,
        hash: header.hash(),
        parts_total: parts.total,
        parts_hash: parts.hash,
        size: bytes.len() as u64,
        txs: u32::try_from(block.txs.len()).unwrap_or(u32::MAX),
        header: block.header.clone(),
    })
}

impl Blocks for BlockStore {
    fn newest(&self) -> Result<Option<Height>, BlocksError> {
        self.decided_height().map_err(BlocksError::new)
    }

    fn load(&self, height: Height) -> Result<Option<DecidedBlock>, BlocksError> {
        self.block(height).map_err(BlocksError::new)
    }

    fn save_decided(&self, header: &Header, block: &DecidedBlock) -> Result<(), BlocksError> {
        let meta = block_meta(header, block).map_err(BlocksError::new)?;
        Self::save_decided(self, &meta, block).map_err(BlocksError::new)
    }

    fn discard_from(&self, height: Height) -> Result<(), BlocksError> {
        self.discard_decided(height).map_err(BlocksError::new)
    }
}

/// Blocks in memory: for tests, benches and contract authors' chains that nobody wants to keep.
#[derive(Debug, Default)]
pub struct MemoryBlocks(Mutex<BTreeMap<Height, DecidedBlock>>);

impl Blocks for MemoryBlocks {
    fn newest(&self) -> Result<Option<Height>, BlocksError> {
        Ok(self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .last_key_value()
            .map(|(height, _)| *height))
    }

    fn load(&self, height: Height) -> Result<Option<DecidedBlock>, BlocksError> {
        Ok(self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&height)
            .cloned())
    }

    fn save_decided(&self, header: &Header, block: &DecidedBlock) -> Result<(), BlocksError> {
        let height = header.height;
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match blocks.last_key_value() {
            Some((last, known)) if *last == height && known.header == block.header => return Ok(()),
            Some((last, _)) if last.checked_add(1) != Some(height) => {
                return Err(BlocksError::new(format!(
                    "height {height} does not follow height {last}"
                )));
            }
            _ => {}
        }
        blocks.insert(height, block.clone());
        Ok(())
    }

    fn discard_from(&self, height: Height) -> Result<(), BlocksError> {
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        blocks.retain(|at, _| *at < height);
        Ok(())
    }
}
