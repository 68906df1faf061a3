//! The node as its engine sees it: the enclave executes, the store keeps, and a height is published everywhere at once.
//!
//! Promises: what the enclave gives is kept only if the store reaches the same roots; write set, anchor and block
//! position are one durable batch; a height is published only after the enclave acknowledged that it is committed. The next
//! block may run meanwhile: its root is computed, and so the block after it proposed, only on a state that is durable.
//! Results are durable before the state that they belong to. So a restart stands where the state is and executes nothing that is committed: nothing is
//! repaired. Only where the results of the newest block are gone, that block runs again from the state before it, and must give the same roots.

use crate::chain::BlockInfo;
use crate::enclave::Enclave;
use crate::host::{HostChain, block_info};
use crate::store_records;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use strongroom_bridge::message::BlockResult;
use strongroom_bridge::{DoorError, FailureCode};
use strongroom_comet_rpc::event_bus::EventBus;
use strongroom_comet_rpc::events::block_events;
use strongroom_comet_rpc::mempool::Mempool;
use strongroom_consensus::{
    AppError, Application, ChainState, FinalizeBlock, GenesisFile, Info, InitChain,
};
use strongroom_proof::comet::Header;
use strongroom_store::blocks::{BlockStore, Executed};
use strongroom_store::{ContentStore, ExtraKey, Prepared, StateStore, Version};
use strongroom_types::{DecidedBlock, ExecTxResult, Hash, Height, RawTx, Tree, WriteSet, sha256};
use tokio::sync::watch;

/// Stores that node and enclave protocol share.
pub struct Stores {
    /// Versioned state.
    pub state: Arc<StateStore>,
    /// Contract code by hash.
    pub content: Arc<ContentStore>,
    /// Decided blocks, results, index.
    pub blocks: Arc<BlockStore>,
}

/// See the module.
pub struct App {
    enclave: Enclave,
    stores: Stores,
    chain: Arc<HostChain>,
    clients: Option<Clients>,
    published: watch::Sender<Height>,
    /// Executed and not committed: the block that is being committed is taken out, so at most the one after it is here.
    pending: Mutex<Vec<Pending>>,
    /// What the chain began with, as long as this process lives: an engine that was killed before the first block asks again.
    begun: Mutex<Option<InitChain>>,
}

/// What an engine has beside it that serves no clients itself.
pub struct Clients {
    /// Transactions that wait for a block.
    pub mempool: Arc<Mempool>,
    /// Subscribers.
    pub events: EventBus,
}

/// How long a block that is executed waits for the commit of the one before, before the engine looks whether it is to stop.
const COMMIT_WAITS: Duration = Duration::from_millis(500);

/// A block that is executed and not yet committed.
struct Pending {
    head: BlockInfo,
    block: DecidedBlock,
    result: BlockResult,
    prepared: Option<Prepared>,
}

/// An enclave and a store that do not agree, or a call out of order: the node stops.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Halt {
    /// The enclave and the store reached different roots.
    #[error(
        "height {height}: the enclave gives app hash {enclave}, the store {store}: not going on"
    )]
    Roots {
        /// The height.
        height: Height,
        /// The enclave's, hex.
        enclave: String,
        /// The store's, hex.
        store: String,
    },
    /// The engine commits what was not executed.
    #[error("height {0} is committed without being executed")]
    Order(Height),
    /// The commit of the block before takes long.
    #[error("height {0} is not committed yet")]
    Uncommitted(Height),
    /// A block that was decided and executed is gone from the store.
    #[error("the block at height {0} is no longer in the store")]
    Lost(Height),
}

impl App {
    /// An application over an enclave that stands where `recover` left it.
    pub fn new(
        enclave: Enclave,
        stores: Stores,
        chain: Arc<HostChain>,
        clients: Option<Clients>,
        published: watch::Sender<Height>,
    ) -> Self {
        Self {
            enclave,
            stores,
            chain,
            clients,
            published,
            pending: Mutex::default(),
            begun: Mutex::new(None),
        }
    }

    fn pending(&self) -> MutexGuard<'_, Vec<Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes out what was executed and `is` so.
    fn take(&self, is: impl Fn(&Pending) -> bool) -> Option<Pending> {
        let mut pending = self.pending();
        let at = pending.iter().position(is)?;
        Some(pending.swap_remove(at))
    }
}

impl Application for App {
    fn info(&self) -> Result<Info, AppError> {
        let Some(version) = self.stores.state.latest() else {
            return Ok(Info::default());
        };
        let engine = self
            .stores
            .state
            .extra(ExtraKey::POSITION)
            .map_err(AppError::new)?
            .unwrap_or_default();
        Ok(Info {
            height: version.height,
            app_hash: version.app_hash.to_vec(),
            // `init_chain` sets it, with the parameters of genesis.
            app_version: 0,
            engine,
        })
    }

    fn init_chain(&self, genesis: &GenesisFile) -> Result<InitChain, AppError> {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(begun) = &*begun {
            return Ok(begun.clone());
        }
        let chain = self
            .enclave
            .init_chain(genesis.bytes().to_vec())
            .map_err(of_door)?;
        match self.stores.state.latest() {
            // A crash came between the genesis state and the first block.
            Some(version) => same_roots(
                0,
                chain.app_hash,
                &chain.roots,
                version.app_hash,
                &version.roots,
            )?,
            None => {
                let prepared = self
                    .stores
                    .state
                    .prepare(0, 0, &chain.writes)
                    .map_err(AppError::new)?;
                same_roots(
                    0,
                    chain.app_hash,
                    &chain.roots,
                    prepared.app_hash(),
                    &prepared.roots(),
                )?;
                let extra = [(ExtraKey::anchor(0), chain.anchor)];
                self.stores
                    .state
                    .commit(prepared, &extra)
                    .map_err(AppError::new)?;
            }
        }
        let validators =
            store_records::first_validators(&chain.validators).map_err(AppError::new)?;
        self.stores
            .blocks
            .save_in_force(
                genesis.doc.initial_height,
                &validators,
                &chain.consensus_params,
            )
            .map_err(AppError::new)?;
        let answer = InitChain {
            app_hash: chain.app_hash.to_vec(),
            validators: chain.validators,
            consensus_params: Some(chain.consensus_params.into()),
        };
        *begun = Some(answer.clone());
        Ok(answer)
    }

    fn room(&self, max_txs: usize, max_bytes: u64, max_gas: i64) {
        if let Some(clients) = &self.clients {
            let max_gas = u64::try_from(max_gas).ok();
            let head = self.chain.head().height;
            clients
                .mempool
                .expect(head, max_txs, Some(max_bytes), max_gas);
        }
    }

    fn reap(&self, height: Height, max_txs: usize, max_bytes: u64, max_gas: i64) -> Vec<RawTx> {
        let clients = self.clients.as_ref();
        clients.map_or_else(Vec::new, |clients| {
            let max_gas = u64::try_from(max_gas).ok();
            clients
                .mempool
                .reap(height, max_txs, Some(max_bytes), max_gas)
        })
    }

    fn finalize_block(
        &self,
        header: &Header,
        block: &DecidedBlock,
    ) -> Result<FinalizeBlock, AppError> {
        // After a transient error the engine calls again: what was executed is not executed twice.
        let mut executed = match self.take(|p| p.block == *block) {
            Some(executed) => executed,
            None => Pending {
                head: block_info(header, self.chain.head().genesis_hash),
                block: block.clone(),
                result: self
                    .enclave
                    .execute_block(header.height, block)
                    .map_err(of_door)?,
                prepared: None,
            },
        };
        let prepared = self.put_content(&executed.result);
        let prepared = prepared.and_then(|()| self.prepare(&executed.result));
        let result = &executed.result;
        let outcome = prepared.map(|prepared| {
            executed.prepared = Some(prepared);
            FinalizeBlock {
                tx_results: result.tx_results.clone(),
                events: result.events.clone(),
                validator_updates: result.validator_updates.clone(),
                consensus_param_updates: result.consensus_param_updates.clone(),
                app_hash: result.app_hash.to_vec(),
            }
        });
        if let (Ok(_), Some(clients)) = (&outcome, &self.clients) {
            // What the block had no room for stays where it is, and comes first next time.
            let used = |result: &ExecTxResult| u64::try_from(result.gas_used).unwrap_or_default();
            let gas_used = result
                .tx_results
                .iter()
                .map(used)
                .fold(0, u64::saturating_add);
            clients.mempool.release(executed.left(), gas_used);
        }
        self.pending().push(executed);
        outcome
    }

    fn commit(&self, height: Height, after: &ChainState) -> Result<(), AppError> {
        let Some(mut executed) = self.take(|p| p.result.height == height) else {
            return Err(AppError::new(Halt::Order(height)));
        };
        let done = self.make_durable(&mut executed, after);
        if done.is_err() {
            // After a transient error the engine calls again.
            self.pending().push(executed);
        }
        done
    }
}

impl Pending {
    /// Transactions that the block had no room for.
    fn left(&self) -> impl Iterator<Item = &RawTx> {
        let results = self.result.tx_results.iter();
        let left = self
            .block
            .txs
            .iter()
            .zip(results)
            .filter(|(_, r)| r.is_left());
        left.map(|(tx, _)| tx)
    }
}

/// An error of the door, as the engine hears it.
fn of_door(error: DoorError) -> AppError {
    if error.is_transient() {
        AppError::transient(error)
    } else {
        AppError::new(error)
    }
}

impl App {
    /// Content first: what a committed state names must be there, and what the next block loads, which runs before that state is
    /// committed. The enclave may have forgotten code that it was given a block ago.
    fn put_content(&self, result: &BlockResult) -> Result<(), AppError> {
        for code in &result.new_code {
            // It takes no room that the databases need, where content and blocks are on one file system, as in every home that nobody has split.
            let check_room = |bytes| self.stores.blocks.check_room(bytes);
            let kept = self.stores.content.put(&code.wasm, check_room);
            kept.map_err(AppError::new)?;
        }
        Ok(())
    }

    /// What an executed block makes of the state, which must be what the enclave says.
    fn prepare(&self, result: &BlockResult) -> Result<Prepared, AppError> {
        let height = result.height;
        let base = height.saturating_sub(1);
        let state = &self.stores.state;
        if !state.wait_for(base, COMMIT_WAITS) {
            return Err(AppError::transient(Halt::Uncommitted(base)));
        }
        let prepared = state
            .prepare(base, height, &result.writes)
            .map_err(AppError::new)?;
        same_roots(
            height,
            result.app_hash,
            &result.roots,
            prepared.app_hash(),
            &prepared.roots(),
        )?;
        Ok(prepared)
    }

    /// Every step may be done again.
    fn make_durable(&self, pending: &mut Pending, after: &ChainState) -> Result<(), AppError> {
        let Pending {
            head,
            block,
            result,
            prepared,
        } = pending;
        let height = result.height;
        self.put_content(result)?;
        // Before the state, so that what is committed lacks nothing. Nobody reads above what is published.
        let executed = executed(height, result, after).map_err(AppError::new)?;
        self.stores
            .blocks
            .save_results_of(height, &block.txs, &executed)
            .map_err(AppError::new)?;
        let state = &self.stores.state;
        if state.latest().map(|version| version.height) != Some(height) {
            let prepared = match prepared.take() {
                Some(prepared) => prepared,
                None => state
                    .prepare(height.saturating_sub(1), height, &result.writes)
                    .map_err(AppError::new)?,
            };
            let extra = [
                (ExtraKey::anchor(height), result.anchor.clone()),
                (ExtraKey::POSITION, after.encode()),
            ];
            state.commit(prepared, &extra).map_err(AppError::new)?;
        }
        self.enclave.committed(height).map_err(of_door)?;
        self.publish(head, block, &result.writes, &executed)
    }

    /// Tells everybody at once.
    fn publish(
        &self,
        head: &BlockInfo,
        block: &DecidedBlock,
        writes: &WriteSet,
        executed: &Executed,
    ) -> Result<(), AppError> {
        let height = head.height;
        let Some(Clients { mempool, events }) = &self.clients else {
            self.chain.publish(head.clone());
            self.published.send_replace(height);
            return Ok(());
        };
        let results = executed.results.tx_results.iter();
        let included = block
            .txs
            .iter()
            .zip(results)
            .filter(|(_, result)| !result.is_left());
        let included = included.map(|(tx, result)| (tx, result.is_ok()));
        mempool.block_committed(height, included, |left| {
            self.chain.publish_writes(head.clone(), writes, left)
        });
        self.published.send_replace(height);
        events.publish(|| {
            let meta = self.stores.blocks.meta(height).map_err(AppError::new)?;
            let meta = meta.ok_or_else(|| AppError::new(Halt::Lost(height)))?;
            block_events(&meta, block, &executed.results).map_err(AppError::new)
        })
    }
}

/// What the block store keeps of an executed block; validators of H + 2 and parameters of H + 1 are known now.
fn executed(
    height: Height,
    result: &BlockResult,
    after: &ChainState,
) -> Result<Executed, store_records::RecordError> {
    let validators = store_records::validators(after.light().next_validators())?;
    Ok(Executed {
        results: store_records::results(result),
        validators: Some((height.saturating_add(2), validators)),
        params: Some((height.saturating_add(1), after.params().clone())),
    })
}

fn same_roots(
    height: Height,
    enclave: Hash,
    enclave_roots: &[(Tree, Hash)],
    store: Hash,
    store_roots: &[(Tree, Hash)],
) -> Result<(), AppError> {
    if enclave == store && enclave_roots == store_roots {
        return Ok(());
    }
    Err(AppError::new(Halt::Roots {
        height,
        enclave: hex::encode(enclave),
        store: hex::encode(store),
    }))
}

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// The enclave refused, or is gone.
    #[error("enclave: {0}")]
    Enclave(#[from] strongroom_bridge::DoorError),
    /// The state store failed.
    #[error("state store: {0}")]
    State(#[from] strongroom_store::Error),
    /// The block store failed.
    #[error("block store: {0}")]
    Blocks(#[from] strongroom_store::blocks::BlockStoreError),
    /// The enclave of another machine wrote the database, or it is damaged: what it keeps of the enclave does not open here.
    #[error(
        "node.other_machine: the enclave of this machine cannot go on with this database ({0}): remove what is in data, but for \
         priv_validator_state.json, and start again: all blocks are fetched and executed anew"
    )]
    OtherMachine(DoorError),
    /// Blocks and state are not of one chain and one moment.
    #[error(
        "node.other_blocks: {0}: put back data/blocks and data/state as they were at one moment; a node whose network has other nodes can also remove \
         what is in data, but for priv_validator_state.json, and start again: all blocks are fetched and executed anew"
    )]
    OtherBlocks(String),
    /// Files on disk do not fit together.
    #[error("{0}")]
    Broken(String),
}

/// Brings the enclave to where the store is: opens the seal, and the anchor of the newest block. Gives that block; before the first there is
/// none. If its results are not in the block store, it is executed again from the state before it, held against the store's roots, and its
/// results are saved.
///
/// Refuses blocks of another copy of the chain, which have another block where the state is, before the enclave is asked anything and before
/// anything is executed. Blocks that lead the state are executed again, and held against the results that are there.
///
/// # Errors
/// [`RecoverError`]; nothing was changed that a second try would not change again.
pub fn recover(
    enclave: &Enclave,
    stores: &Stores,
    seal: Vec<u8>,
    genesis: &[u8],
) -> Result<Option<BlockInfo>, RecoverError> {
    let Some(version) = stores.state.latest().filter(|v| v.height > 0) else {
        enclave.unseal(seal, genesis.to_vec(), Vec::new())?;
        return Ok(None);
    };
    let height = version.height;
    let (header, after) = newest_of_one_chain(stores, &version)?;
    let has_results = stores
        .blocks
        .executed_height()?
        .is_some_and(|at| at >= height);
    let base = if has_results {
        height
    } else {
        height.saturating_sub(1)
    };
    let mut anchors = Vec::new();
    for at in base..=height {
        let anchor = stores.state.extra(ExtraKey::anchor(at))?;
        anchors.push(anchor.ok_or_else(|| {
            RecoverError::Broken(format!("the anchor of height {at} is missing"))
        })?);
    }
    let status = enclave
        .unseal(seal, genesis.to_vec(), anchors)
        .map_err(|error| match &error {
            DoorError::Failed(failure) if failure.code == FailureCode::Anchor => {
                RecoverError::OtherMachine(error)
            }
            _ => error.into(),
        })?;
    if status.executed != Some(base) {
        let text = format!("the anchor of height {base} is of another height");
        return Err(RecoverError::Broken(text));
    }
    if !has_results {
        execute_again(enclave, stores, &version, &after)?;
    }
    // Queries read it from now on.
    enclave.committed(height)?;
    Ok(Some(block_info(&header, sha256(genesis))))
}

/// The header of the newest block of the state, which is that of the block store as well, and the chain after it.
fn newest_of_one_chain(
    stores: &Stores,
    version: &Version,
) -> Result<(Header, ChainState), RecoverError> {
    let height = version.height;
    let position = stores.state.extra(ExtraKey::POSITION)?.unwrap_or_default();
    let after = ChainState::decode(&position).map_err(|e| broken(&e))?;
    if after.height() != height || after.app_hash() != version.app_hash {
        let text = format!(
            "data/state is damaged: its position in the chain is not that of height {height}, its newest"
        );
        return Err(RecoverError::Broken(text));
    }
    let meta = stores.blocks.meta(height)?;
    let meta = meta.ok_or_else(|| missing(height))?;
    let header = Header::decode(&meta.header).map_err(|e| broken(&e))?;
    if after.light().header_hash() != Some(header.hash()) || meta.hash != header.hash() {
        return Err(RecoverError::OtherBlocks(format!(
            "the blocks and the state are of different copies: block {height} has hash {}, the state of that height is of another block",
            hex::encode_upper(meta.hash)
        )));
    }
    Ok((header, after))
}

fn missing(height: Height) -> RecoverError {
    RecoverError::OtherBlocks(format!("the block at height {height} is missing"))
}

fn broken(error: &dyn core::fmt::Display) -> RecoverError {
    RecoverError::Broken(error.to_string())
}

/// Executes the newest block of the state again, for its results.
fn execute_again(
    enclave: &Enclave,
    stores: &Stores,
    version: &Version,
    after: &ChainState,
) -> Result<(), RecoverError> {
    let height = version.height;
    let block = stores
        .blocks
        .block(height)?
        .ok_or_else(|| missing(height))?;
    let result = enclave.execute_block(height, &block)?;
    same_roots(
        height,
        result.app_hash,
        &result.roots,
        version.app_hash,
        &version.roots,
    )
    .map_err(|e| broken(&e))?;
    let executed = executed(height, &result, after).map_err(|e| broken(&e))?;
    stores.blocks.save_results(height, &executed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use strongroom_bridge::FailureCode;
    use strongroom_bridge::message::Failure;

    #[test]
    fn the_engine_waits_for_a_busy_enclave_and_a_short_host_and_ends_for_all_else() {
        for (error, transient) in [
            (DoorError::Busy("all lanes are taken"), true),
            (DoorError::Short("no descriptors".into()), true),
            (DoorError::Closed("the process died".into()), false),
            (DoorError::Turn("a reply too many"), false),
            (DoorError::Spawn("no process".into()), false),
        ] {
            assert_eq!(of_door(error.clone()).is_transient(), transient, "{error}");
        }
        for code in FailureCode::ALL {
            let failed = DoorError::Failed(Failure {
                code,
                text: String::new(),
                tx: None,
            });
            assert!(!of_door(failed).is_transient(), "{code:?}");
        }
    }
}
