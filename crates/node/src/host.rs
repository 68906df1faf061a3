//! The chain as the host knows it, without secrets: mempool checks, public queries at any height, estimates of gas.
//!
//! Promises: every answer is of a published height; a contract query goes to the enclave and to the newest height only.

use crate::chain::check::{self, CheckState, Simulated, simulate, with_msg_responses};
use crate::chain::modules::compute::ContractEngine;
use crate::chain::query::{self, GrpcCode, QueryError, QueryStop};
use crate::chain::tx::GasPrice;
use crate::chain::{BlockInfo, Bytes, CodeRead, ExecutionEnv, Fault, NoSecrets, StateRead};
use crate::enclave::Enclave;
use crate::shares::{PENDING_OF_ONE_MAX, Shares};
use prost::Message as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use strongroom_bridge::DoorError;
use strongroom_comet_rpc::mempool::{CheckKind, Checked, Checker, Outline};
use strongroom_consensus::Clock;
use strongroom_http::gate::{Busy, Gate};
use strongroom_http::workers::Progress;
use strongroom_proof::comet::Header;
use strongroom_store::blocks::BlockStore;
use strongroom_store::{ContentStore, StateStore, View};
use strongroom_types::error::sdk;
use strongroom_types::proto::cosmos::tx::v1beta1::SimulateResponse;
use strongroom_types::{ExecTxResult, Hash, Height, RawTx, Tree, WriteSet};

/// Queries of one or a few entries, which are answered at once. Any other may walk a list or give away a whole code, and
/// passes the gate.
pub(crate) const LIGHT: &[&str] = &[
    "/cosmos.auth.v1beta1.Query/Account",
    "/cosmos.auth.v1beta1.Query/AccountInfo",
    "/cosmos.auth.v1beta1.Query/Params",
    "/cosmos.bank.v1beta1.Query/Balance",
    "/cosmos.bank.v1beta1.Query/SpendableBalanceByDenom",
    "/cosmos.bank.v1beta1.Query/SupplyOf",
    "/cosmos.bank.v1beta1.Query/Params",
    "/cosmos.consensus.v1.Query/Params",
    "/secret.registration.v1beta1.Query/TxKey",
    "/secret.registration.v1beta1.Query/RegistrationKey",
    "/secret.compute.v1beta1.Query/ContractInfo",
    "/secret.compute.v1beta1.Query/CodeHashByContractAddress",
    "/secret.compute.v1beta1.Query/CodeHashByCodeId",
    "/secret.compute.v1beta1.Query/LabelByAddress",
    "/secret.compute.v1beta1.Query/AddressByLabel",
    "/secret.compute.v1beta1.Query/Params",
];

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

/// The height of the state that was asked, and the encoded answer.
pub type Answered = Result<(Height, Vec<u8>), QueryError>;

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

    /// CheckTx for a mempool that is not ours, which shares its room among nobody: no payer has more waiting than its part of it. What cannot be
    /// checked again now goes on waiting, as in ours, with all behind it; nothing new is taken until it can after another block.
    pub fn check_in_share(&self, tx: &[u8], kind: CheckKind) -> ExecTxResult {
        let said = (kind == CheckKind::New)
            .then(|| check::outline(tx))
            .flatten();
        let payer = said.as_ref().and_then(|said| said.parties.first());
        if payer.is_some_and(|payer| self.shares.is_full(payer)) {
            return not_now(&format!(
                "{PENDING_OF_ONE_MAX} txs of this sender wait, try again after the next block"
            ));
        }
        let unchecked = self.unchecked_since.load(Ordering::Relaxed);
        let checked = (!unchecked).then(|| self.check_tx(tx, kind, 0)).flatten();
        let Some(checked) = checked else {
            if kind == CheckKind::Recheck {
                self.unchecked_since.store(true, Ordering::Relaxed);
                return ExecTxResult::default();
            }
            return not_now("the transaction cannot be checked now, try again");
        };
        if let Some(payer) = checked.parties.first() {
            self.shares.add(payer);
        }
        checked.answer
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

    /// Answers a query of the full gRPC method `path` at `height` (0: newest). Gives the height that was read.
    ///
    /// # Errors
    /// [`QueryError`] with both faces.
    pub fn query(
        &self,
        path: &str,
        request: &[u8],
        height: Height,
    ) -> Result<(Height, Vec<u8>), QueryError> {
        let block = self.block_at(height)?;
        if query::is_contract_query(path) {
            return self.contract_query(path, request, height, block.height);
        }
        let _pass = if LIGHT.contains(&path) {
            None
        } else {
            Some(self.gate.enter().map_err(busy)?)
        };
        let view = self.state.values(block.height).map_err(|e| internal(&e))?;
        let content = Content(&self.content);
        let env = ExecutionEnv {
            code: &content,
            engine: &self.engine,
        };
        match query::query(&At(&view), &NoSecrets, env, &block, path, request) {
            Ok(response) => Ok((block.height, response)),
            Err(QueryStop::Error(e)) => Err(e),
            Err(QueryStop::Fault(fault)) => Err(internal(&fault)),
        }
    }

    /// Contracts answer at the newest height only, so that nobody can ask them about the past.
    fn contract_query(
        &self,
        path: &str,
        request: &[u8],
        wanted: Height,
        newest: Height,
    ) -> Result<(Height, Vec<u8>), QueryError> {
        if wanted != 0 && wanted != self.head().height {
            return Err(QueryError::Status {
                code: GrpcCode::FailedPrecondition,
                text: format!("contract queries run at the newest height, {newest}"),
            });
        }
        let (height, outcome) = self
            .enclave
            .query(path, request.to_vec())
            .map_err(not_served)?;
        outcome.map(|response| (height, response))
    }

    /// Estimates the gas of a transaction at the newest height, after what waits in the mempool; of one with messages to contracts, where genesis
    /// lets the enclave run it, on the committed state alone: that is left to be done, and waits for its turn. Gives the height of the state, and an
    /// encoded `SimulateResponse`, or an error as `chain::check::simulate`.
    pub fn simulate(&self, tx: &[u8]) -> Progress<Answered> {
        let done = match self.simulate_here(tx) {
            Ok((height, Some(done))) => answer(height, done.into_response()),
            Ok((_, None)) => return Progress::Simulates(self.simulation(tx.to_vec())),
            Err(e) => Err(e),
        };
        Progress::Done(done)
    }

    fn simulation(&self, tx: Vec<u8>) -> Box<dyn FnOnce() -> Answered + Send> {
        let (enclave, gate) = (self.enclave.clone(), Arc::clone(&self.enclave_gate));
        Box::new(move || {
            // There each pass has a lane. It is no pass of the other gate: gas does not bound the time in which code is loaded.
            let _pass = gate.enter().map_err(busy)?;
            let (height, outcome) = enclave.simulate(tx).map_err(not_served)?;
            let response = SimulateResponse::decode(&*outcome?).map_err(|e| internal(&e))?;
            answer(height, response)
        })
    }

    fn simulate_here(&self, tx: &[u8]) -> Result<(Height, Option<Simulated>), QueryError> {
        let _pass = self.gate.enter().map_err(busy)?;
        // What waits is pending over this block and no other.
        let (block, pending) = {
            let pending = self.pending();
            (self.head(), pending.pending())
        };
        let view = self.state.view(block.height).map_err(|e| internal(&e))?;
        let content = Content(&self.content);
        let env = ExecutionEnv {
            code: &content,
            engine: &self.engine,
        };
        match simulate(&At(&view), pending, env, &block, tx) {
            Ok(done) => Ok((block.height, done)),
            Err(QueryStop::Error(e)) => Err(e),
            Err(QueryStop::Fault(fault)) => Err(internal(&fault)),
        }
    }

    fn check(&self, tx: &[u8], kind: CheckKind, earliest: Height) -> Result<Checked, Fault> {
        let mut probe = CheckState::default();
        let mut pending = self.pending();
        let mut head = self.head();
        let view = self
            .state
            .view(head.height)
            .map_err(|e| Fault::State(e.to_string()))?;
        let content = Content(&self.content);
        let env = ExecutionEnv {
            code: &content,
            engine: &self.engine,
        };
        let state = if kind == CheckKind::Probe {
            &mut probe
        } else {
            &mut *pending
        };
        let recheck = kind == CheckKind::Recheck;
        // The block that runs cannot take in what was not given to it.
        head.height = head.height.max(earliest.saturating_sub(1));
        if let Some(clock) = self.clock.get() {
            head.time = head.time.max(clock.now());
        }
        let checked = state.check(&At(&view), env, &head, &self.min_gas_price, tx, recheck)?;
        Ok(Checked {
            answer: checked.result.into_result(Vec::new(), checked.events),
            timeout_height: checked.timeout_height,
            parties: checked.parties,
        })
    }
}

impl Checker for HostChain {
    fn check_tx(&self, tx: &[u8], kind: CheckKind, earliest: Height) -> Option<Checked> {
        let fault = match self.check(tx, kind, earliest) {
            Ok(checked) => return Some(checked),
            Err(fault) => fault,
        };
        tracing::error!(%fault, "a transaction could not be checked");
        // What cannot be read now may be read later; what breaks an invariant of ours is better in no block.
        if matches!(fault, Fault::State(_) | Fault::Content(_)) {
            return None;
        }
        let refused = ExecTxResult {
            code: 1,
            codespace: "undefined".to_owned(),
            log: fault.to_string(),
            ..ExecTxResult::default()
        };
        Some(refused.into())
    }

    fn outline(&self, tx: &[u8]) -> Option<Outline> {
        let said = check::outline(tx)?;
        Some(Outline {
            parties: said.parties,
            gas_wanted: i64::try_from(said.gas).unwrap_or(i64::MAX),
            timeout_height: said.timeout_height,
        })
    }
}

/// CheckTx of what may pass later.
fn not_now(why: &str) -> ExecTxResult {
    let error = sdk::MEMPOOL_IS_FULL.wrap(why);
    ExecTxResult {
        code: error.code,
        codespace: error.codespace,
        log: error.text,
        ..ExecTxResult::default()
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

fn answer(height: Height, response: SimulateResponse) -> Answered {
    let response = with_msg_responses(response).map_err(|e| internal(&e))?;
    Ok((height, response.encode_to_vec()))
}

pub(crate) fn internal(e: &dyn core::fmt::Display) -> QueryError {
    QueryError::Status {
        code: GrpcCode::Internal,
        text: e.to_string(),
    }
}
