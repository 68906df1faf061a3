//! The chain as the host knows it, without secrets: mempool checks, public queries at any height, estimates of gas.
//!
//! Promises: every answer is of a published height; a contract query goes to the enclave and to the newest height only.

mod checks;
mod queries;
mod simulation;

pub(crate) use queries::LIGHT;

use crate::chain::check::CheckState;
use crate::chain::modules::compute::ContractEngine;
use crate::chain::query::{GrpcCode, QueryError};
use crate::chain::tx::GasPrice;
use crate::chain::{BlockInfo, Bytes, CodeRead, Fault, StateRead};
use crate::enclave::Enclave;
use crate::shares::Shares;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use strongroom_bridge::DoorError;
use strongroom_consensus::Clock;
use strongroom_http::gate::{Busy, Gate};
use strongroom_proof::comet::Header;
use strongroom_store::blocks::BlockStore;
use strongroom_store::{ContentStore, StateStore, View};
use strongroom_types::{Hash, Height, RawTx, Tree, WriteSet};

/// A version of the store, as the state machine reads it.
struct At<'v>(&'v View);

impl StateRead for At<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        let value = self
            .0
            .get(tree, key)
            .map_err(|e| Fault::State(e.to_string()))?;
        Ok(value.map(Bytes::from))
    }
}

/// Content, as the state machine reads it.
struct Content<'c>(&'c ContentStore);

impl CodeRead for Content<'_> {
    fn code(&self, hash: &Hash) -> Result<Bytes, Fault> {
        match self.0.get(hash) {
            Ok(Some(wasm)) => Ok(Bytes::from(wasm)),
            Ok(None) => Err(Fault::Content("no such content".into())),
            Err(e) => Err(Fault::Content(e.to_string())),
        }
    }
}

/// See the module.
pub struct HostChain {
    state: Arc<StateStore>,
    content: Arc<ContentStore>,
    blocks: Arc<BlockStore>,
    enclave: Enclave,
    engine: ContractEngine,
    min_gas_price: GasPrice,
    /// The newest published block. Its state is the store's at that height.
    head: RwLock<BlockInfo>,
    pending: Mutex<CheckState>,
    shares: Shares,
    /// Of what waits in a mempool that is not ours not all could be checked again after the newest block.
    unchecked_since: AtomicBool,
    /// What the next block has its time from, if that is this node alone.
    clock: OnceLock<Arc<dyn Clock>>,
    gate: Arc<Gate>,
    /// The one before simulations in the enclave, which may take longer than anybody waits at the other.
    enclave_gate: Arc<Gate>,
}

impl HostChain {
    /// A chain whose newest published block is `head`. Transactions that pay less than `min_gas_price` do not pass
    /// CheckTx.
    pub fn new(
        state: Arc<StateStore>,
        content: Arc<ContentStore>,
        blocks: Arc<BlockStore>,
        enclave: Enclave,
        min_gas_price: GasPrice,
        head: BlockInfo,
    ) -> Self {
        Self {
            state,
            content,
            blocks,
            enclave,
            engine: ContractEngine::default(),
            min_gas_price,
            head: RwLock::new(head),
            pending: Mutex::default(),
            shares: Shares::default(),
            unchecked_since: AtomicBool::new(false),
            clock: OnceLock::new(),
            gate: Arc::default(),
            enclave_gate: Arc::default(),
        }
    }

    /// The newest published block.
    #[must_use]
    pub fn head(&self) -> BlockInfo {
        self.head
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Tells what the next block will have its time from: it may be long after the newest. Once.
    pub fn tell_time(&self, clock: Arc<dyn Clock>) {
        let _ = self.clock.set(clock);
    }

    /// The least that a transaction has to pay to wait for a block here.
    #[must_use]
    pub const fn min_gas_price(&self) -> &GasPrice {
        &self.min_gas_price
    }

    /// Number of versions that this node keeps.
    #[must_use]
    pub fn kept(&self) -> strongroom_store::Limits {
        self.state.limits()
    }

    /// The state, of which no more may be told than what is published.
    pub(crate) fn state(&self) -> &StateStore {
        &self.state
    }

    /// The gate before heavy work, one for all servers of this node.
    #[must_use]
    pub const fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Publishes a block: its height is committed in the store and acknowledged by the enclave. Forgets what was pending over the block
    /// before it, for a mempool that checks all again that waits.
    pub fn publish(&self, head: BlockInfo) {
        let mut pending = self.pending();
        *self.head.write().unwrap_or_else(PoisonError::into_inner) = head;
        pending.reset();
        self.shares.clear();
        self.unchecked_since.store(false, Ordering::Relaxed);
    }

    /// As [`HostChain::publish`], of a block that wrote `writes`. Tells for each of the transactions that still wait whether it must be
    /// checked again; what was checked of the others stays pending.
    pub fn publish_writes(&self, head: BlockInfo, writes: &WriteSet, left: &[RawTx]) -> Vec<bool> {
        // Nobody checks against the one and pends over the other.
        let mut pending = self.pending();
        *self.head.write().unwrap_or_else(PoisonError::into_inner) = head;
        let left: Vec<Hash> = left.iter().map(|tx| *tx.hash()).collect();
        pending.committed(writes, &left)
    }

    fn pending(&self) -> MutexGuard<'_, CheckState> {
        // A check that failed leaves an empty check state, never half of one.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The block whose state a query reads; 0 is the newest.
    pub(crate) fn block_at(&self, height: Height) -> Result<BlockInfo, QueryError> {
        let head = self.head();
        if height == 0 || height == head.height {
            return Ok(head);
        }
        let missing = || QueryError::Status {
            code: GrpcCode::FailedPrecondition,
            text: format!(
                "height {height} is not available, the newest is {}",
                head.height
            ),
        };
        if height > head.height {
            return Err(missing());
        }
        let meta = self
            .blocks
            .meta(height)
            .map_err(|e| internal(&e))?
            .ok_or_else(missing)?;
        let header = Header::decode(&meta.header).map_err(|e| internal(&e))?;
        Ok(block_info(&header, head.genesis_hash))
    }
}

/// What execution depends on in a header of the chain with this genesis.
#[must_use]
pub fn block_info(header: &Header, genesis_hash: Hash) -> BlockInfo {
    BlockInfo {
        chain_id: header.chain_id.clone(),
        genesis_hash,
        height: header.height,
        time: header.time,
        header_hash: header.hash(),
        version_app: header.version_app,
        misbehavior: Vec::new(),
    }
}

/// What the enclave did not answer: where too many are served at this moment, the client may ask again.
fn not_served(e: DoorError) -> QueryError {
    match e {
        e if e.is_transient() => QueryError::Status {
            code: GrpcCode::ResourceExhausted,
            text: format!("{e}; try again"),
        },
        DoorError::Failed(failure) => internal(&failure),
        e => internal(&e),
    }
}

pub(crate) fn busy(e: Busy) -> QueryError {
    QueryError::Status {
        code: GrpcCode::Unavailable,
        text: e.to_string(),
    }
}

pub(crate) fn internal(e: &dyn core::fmt::Display) -> QueryError {
    QueryError::Status {
        code: GrpcCode::Internal,
        text: e.to_string(),
    }
}
