//! The seam between an engine and the node: ABCI 2.0's words, as one trait.

use crate::{ChainState, GenesisFile};
use strongroom_proof::comet::Header;
use strongroom_types::consensus::ConsensusParamsUpdate;
use strongroom_types::{DecidedBlock, Event, ExecTxResult, Height, RawTx, ValidatorUpdate};

/// Interface of a node to its engine.
///
/// All calls are synchronous, on the engine's own threads, in the order `info`, (`init_chain`), `room`, then for each height `reap` (only if this
/// node proposes), `finalize_block`, `commit`. They come one at a time, but for one: while `commit` of a height runs, the next block may be
/// reaped and finalized, and no further one; its commit comes after that one has returned.
///
/// An error that is not transient ends the engine: it stands for a broken invariant or a lost enclave, never for a bad
/// transaction. After a transient one ([`AppError::is_transient`]) the engine makes the same call again.
pub trait Application: Send + Sync {
    /// Position of the application.
    ///
    /// # Errors
    /// If the application cannot go on.
    fn info(&self) -> Result<Info, AppError>;

    /// Begins the chain. Called as long as [`Info::height`] is 0, so perhaps again after a crash: must answer the same.
    ///
    /// # Errors
    /// If the application cannot go on, e.g. because it belongs to another genesis.
    fn init_chain(&self, genesis: &GenesisFile) -> Result<InitChain, AppError>;

    /// What the next block may have, in the words of [`Application::reap`]. Said at a start, before there is any block to ask for, and again when what was
    /// decided before is executed: whoever takes in transactions for it knows how many. Without a mempool there is nothing to do.
    fn room(&self, _max_txs: usize, _max_bytes: u64, _max_gas: i64) {}

    /// Transactions for the block at `height`, which is the next one, in order, at most `max_txs` and `max_bytes` of them (each counted
    /// with its protobuf frame: length + 1 + the bytes of the length as varint) and at most `max_gas` of gas wanted (-1: no limit). They stay
    /// waiting until the block is committed, and are not given again before that.
    fn reap(&self, height: Height, max_txs: usize, max_bytes: u64, max_gas: i64) -> Vec<RawTx>;

    /// Executes a decided block, which was checked and is on disk already; `header` is its own, decoded. Nothing of it may become visible before `commit`.
    /// May be called again for the same block after a crash: must answer the same.
    ///
    /// # Errors
    /// If the application cannot go on.
    fn finalize_block(
        &self,
        header: &Header,
        block: &DecidedBlock,
    ) -> Result<FinalizeBlock, AppError>;

    /// Makes the block executed last durable and visible, together with `after`, in one batch: [`Info::engine`] gives
    /// its encoding back after a restart.
    ///
    /// # Errors
    /// If the application cannot go on.
    fn commit(&self, height: Height, after: &ChainState) -> Result<(), AppError>;
}

/// Position of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// Height of the last committed block; 0 if there is none.
    pub height: Height,
    /// App hash after that block. Not read at height 0.
    pub app_hash: Vec<u8>,
    /// Version of the application's rules: the first header's, unless `init_chain` sets parameters.
    pub app_version: u64,
    /// What `commit` was given for that block ([`ChainState::encode`]). Not read at height 0.
    pub engine: Vec<u8>,
}

/// First state of a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitChain {
    /// App hash of the genesis state: the first header carries it.
    pub app_hash: Vec<u8>,
    /// The first validators; empty: those of the document.
    pub validators: Vec<ValidatorUpdate>,
    /// Changes of the document's parameters; also sets the app version of headers.
    pub consensus_params: Option<ConsensusParamsUpdate>,
}

/// Result of a block's execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FinalizeBlock {
    /// One for each transaction.
    pub tx_results: Vec<ExecTxResult>,
    /// The block's own events.
    pub events: Vec<Event>,
    /// Changes of the validator set: in force from height + 2.
    pub validator_updates: Vec<ValidatorUpdate>,
    /// Changes of the parameters: in force from height + 1.
    pub consensus_param_updates: Option<ConsensusParamsUpdate>,
    /// State root after the block: the next header carries it.
    pub app_hash: Vec<u8>,
}

/// Why the application cannot go on, or not now.
#[derive(Debug, thiserror::Error)]
#[error("application: {reason}")]
pub struct AppError {
    #[source]
    reason: Box<dyn std::error::Error + Send + Sync>,
    transient: bool,
}

impl AppError {
    /// Wraps an error or a text. Transient if it, or what caused it, is a want of room in this machine.
    pub fn new(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let reason = reason.into();
        Self {
            transient: strongroom_store::is_transient(&*reason),
            reason,
        }
    }

    /// Wraps what will pass by itself.
    pub fn transient(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            reason: reason.into(),
            transient: true,
        }
    }

    /// Whether the same call, made again, may succeed without anybody's help: nothing has changed, and nothing is
    /// wrong.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        self.transient
    }
}
