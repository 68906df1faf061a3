//! The network: enclave, stores and the node's application, moved on block by block by whoever holds it.

use crate::door::Door;
use crate::genesis::{self, Options, TIME};
use crate::platform::Seeded;
use crate::user::User;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use strongroom_bridge::message::PublicKeys;
use strongroom_chain::BlockInfo;
use strongroom_chain::query::QueryError;
use strongroom_chain::tx::GasPrice;
use strongroom_comet_rpc::event_bus::EventBus;
use strongroom_comet_rpc::mempool::{Limits, Mempool};
use strongroom_consensus::solo::{Content, block_time};
use strongroom_consensus::{
    Application as _, Blocks, ChainState, Clock as _, GenesisFile, InitChain, Proposer, Signer,
    TestClock,
};
use strongroom_node::app::{App, Clients, RecoverError, Stores, recover};
use strongroom_node::enclave::Enclave;
use strongroom_node::host::HostChain;
use strongroom_node::node::{Layout, enclave, open_stores};
use strongroom_proof::ics23::StoreProof;
use strongroom_sdk::tx::TxBuilder;
use strongroom_store::blocks::BlockStore;
use strongroom_types::proto::Message;
use strongroom_types::proto::cosmos::auth::v1beta1::{
    QueryAccountInfoRequest, QueryAccountInfoResponse,
};
use strongroom_types::proto::cosmos::bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse};
use strongroom_types::proto::cosmos::tx::v1beta1::SimulateResponse;
use strongroom_types::{Address, DecidedBlock, ExecTxResult, Hash, Height, RawTx, Timestamp, Tree};
use tokio::sync::watch;

/// The validator's key of every test chain.
pub const VALIDATOR_SEED: [u8; 32] = [5; 32];

/// See the crate. Dropping it ends the enclave and removes what was stored.
pub struct Chain {
    options: Options,
    genesis: GenesisFile,
    init: InitChain,
    seal: Vec<u8>,
    keys: PublicKeys,
    proposer: Proposer,
    clock: TestClock,
    app: App,
    host: Arc<HostChain>,
    door: Arc<Door>,
    stores: Stores,
    /// Transactions signed for the next block, by signer: their sequences follow each other.
    signed: BTreeMap<Address, u64>,
    /// Messages sealed so far: each has a nonce of its own.
    sealed: u64,
    /// Last, so that it is removed when the stores are closed.
    directory: tempfile::TempDir,
}

impl Default for Chain {
    fn default() -> Self {
        Self::new()
    }
}

impl Chain {
    /// The local network: five accounts, its limits, its first block.
    ///
    /// # Panics
    /// If the house itself is broken, as all methods here.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    /// A network of one's own making.
    ///
    /// # Panics
    /// As [`Chain::new`]; also for options that genesis refuses.
    #[must_use]
    pub fn with(options: Options) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let stores = open_stores(&Layout(directory.path().to_owned())).expect("fresh stores");
        let door = Arc::new(door(&options));
        let way = enclave(door.clone(), &stores);
        let keys = way.bootstrap_begin().expect("a seed");
        let signer = Signer::in_memory(&VALIDATOR_SEED);
        let genesis = genesis::document(&options, signer.pubkey(), &keys);
        let seal = way.bootstrap_seal(genesis.clone()).expect("a seal");
        let genesis = GenesisFile::parse(genesis).expect("a genesis that the engine takes");
        let (app, host) = application(way, &stores, before_first(&genesis));
        let init = app.init_chain(&genesis).expect("the state of genesis");
        let proposer = Proposer::genesis(&genesis, &init, 0, signer).expect("one validator");
        let start = Timestamp {
            seconds: TIME,
            nanos: 1,
        };
        let mut chain = Self {
            clock: TestClock::new(start, Duration::from_secs(options.block_seconds)),
            options,
            genesis,
            init,
            seal,
            keys,
            proposer,
            app,
            host,
            door,
            stores,
            signed: BTreeMap::new(),
            sealed: 0,
            directory,
        };
        chain.block(Vec::new());
        chain
    }

    /// Decides, saves, executes and commits the next block; one result for each transaction.
    ///
    /// # Panics
    /// As [`Chain::new`], also for more bytes than a block may have. Never for a transaction that fails.
    pub fn block(&mut self, txs: Vec<Vec<u8>>) -> Vec<ExecTxResult> {
        let block = self.propose(txs);
        self.decided(&block)
    }

    /// Decides the next block without executing it: [`Chain::decided`] must follow.
    ///
    /// # Panics
    /// As [`Chain::block`].
    pub fn propose(&mut self, txs: Vec<Vec<u8>>) -> DecidedBlock {
        self.signed.clear();
        let time = block_time(self.clock.now(), self.proposer.state().light().time());
        self.proposer
            .propose(
                Content::from(RawTx::list(txs)),
                time,
                block_time(time, time),
            )
            .expect("a block that fits")
    }

    /// Saves, executes and commits the block that was proposed.
    ///
    /// # Panics
    /// As [`Chain::new`]; also for another block than the proposed one.
    pub fn decided(&mut self, block: &DecidedBlock) -> Vec<ExecTxResult> {
        let open = self.proposer.open().expect("a block that was proposed");
        let header = open.header.clone();
        Blocks::save_decided(&*self.stores.blocks, &header, block)
            .expect("a block store that keeps");
        let outcome = self
            .app
            .finalize_block(&header, block)
            .expect("a block that executes");
        let after = self
            .proposer
            .executed(&outcome)
            .expect("an outcome of this block");
        self.app
            .commit(after.height(), after)
            .expect("a block that commits");
        outcome.tx_results
    }

    /// Executes a block, and while it is being committed decides and executes what `second` makes of its results, as Solo does.
    ///
    /// # Errors
    /// What would end the engine while the second block is executed.
    ///
    /// # Panics
    /// As [`Chain::new`].
    pub fn two(
        &mut self,
        first: Vec<Vec<u8>>,
        second: impl FnOnce(&mut Self, &[ExecTxResult]) -> Vec<Vec<u8>>,
    ) -> Result<Vec<ExecTxResult>, strongroom_consensus::AppError> {
        let block = self.propose(first);
        let header = self.proposer.open().expect("proposed").header.clone();
        Blocks::save_decided(&*self.stores.blocks, &header, &block).expect("kept");
        let outcome = self.app.finalize_block(&header, &block).expect("executed");
        let after = self
            .proposer
            .executed(&outcome)
            .expect("an outcome")
            .clone();
        let txs = second(self, &outcome.tx_results);
        let (app, blocks, proposer, clock) = (
            &self.app,
            &self.stores.blocks,
            &mut self.proposer,
            &self.clock,
        );
        std::thread::scope(|scope| {
            scope.spawn(move || app.commit(after.height(), &after).expect("committed"));
            let time = block_time(clock.now(), proposer.state().light().time());
            let content = Content::from(RawTx::list(txs));
            let block = proposer
                .propose(content, time, block_time(time, time))
                .expect("fits");
            let header = proposer.open().expect("proposed").header.clone();
            Blocks::save_decided(&**blocks, &header, &block).expect("kept");
            let outcome = loop {
                match app.finalize_block(&header, &block) {
                    Err(error) if error.is_transient() => {}
                    done => break done?,
                }
            };
            let after = proposer.executed(&outcome).expect("an outcome").clone();
            while app.commit(after.height(), &after).is_err() {}
            Ok(outcome.tx_results)
        })
    }

    /// Ends the enclave and starts another one, which knows nothing but what its host kept: seal, anchors, blocks.
    ///
    /// # Panics
    /// As [`Chain::new`].
    pub fn restart(&mut self) {
        self.try_restart(shared(&self.stores))
            .expect("an enclave that goes on");
    }

    /// As [`Chain::restart`], with the blocks of another directory: one that was damaged, or put there from elsewhere.
    ///
    /// # Errors
    /// Why the node does not start with them; it goes on with its own.
    ///
    /// # Panics
    /// As [`Chain::new`], also if there is no block store that can be opened.
    pub fn restart_on(&mut self, blocks: &Path) -> Result<(), RecoverError> {
        let blocks = BlockStore::open(blocks).expect("a block store");
        self.try_restart(Stores {
            blocks: Arc::new(blocks),
            ..shared(&self.stores)
        })
    }

    /// As [`Chain::restart`], with all stores of another home.
    ///
    /// # Errors
    /// Why the node does not start with them; it goes on with its own.
    ///
    /// # Panics
    /// As [`Chain::new`], also if there are no stores that can be opened.
    pub fn restart_in(&mut self, home: &Path) -> Result<(), RecoverError> {
        self.try_restart(open_stores(&Layout(home.to_owned())).expect("stores"))
    }

    fn try_restart(&mut self, stores: Stores) -> Result<(), RecoverError> {
        let door = Arc::new(door(&self.options));
        let way = enclave(door.clone(), &stores);
        let head = recover(&way, &stores, self.seal.clone(), self.genesis.bytes())?;
        let head = head.unwrap_or_else(|| before_first(&self.genesis));
        (self.app, self.host) = application(way, &stores, head);
        (self.door, self.stores) = (door, stores);
        Ok(())
    }

    /// Where the decided blocks and their results are.
    #[must_use]
    pub const fn blocks(&self) -> &Arc<BlockStore> {
        &self.stores.blocks
    }

    /// The home of the first stores. Their directories, below `data`, are whole at any moment: copy them as they are.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.directory.path()
    }

    /// The directory of the block store.
    #[must_use]
    pub fn blocks_directory(&self) -> PathBuf {
        self.home().join("data/blocks")
    }

    /// A well-known account of the local network ([`User::local`]).
    #[must_use]
    pub fn user(&self, name: &str) -> User {
        User::local(name)
    }

    /// An empty transaction for this chain, to be filled with messages and signed with [`Chain::sign`].
    #[must_use]
    pub fn tx(&self) -> TxBuilder {
        TxBuilder::new(&self.options.chain_id).gas(self.options.gas)
    }

    /// Signs a transaction for the next block. Several of one user follow each other in the order in which they were
    /// signed; all of them must go into the same block.
    ///
    /// # Panics
    /// If the user has no account.
    pub fn sign(&mut self, user: &User, tx: &TxBuilder) -> Vec<u8> {
        let (number, sequence) = self
            .account(user.address())
            .unwrap_or_else(|| panic!("{} has no account", user.address()));
        let before = self.signed.entry(user.address().clone()).or_default();
        let sequence = sequence + *before;
        *before += 1;
        tx.sign(user.account(), number, sequence)
            .expect("a signature")
    }

    /// Number and sequence of an account, if there is one.
    ///
    /// # Panics
    /// As [`Chain::new`].
    #[must_use]
    pub fn account(&self, address: &Address) -> Option<(u64, u64)> {
        let request = QueryAccountInfoRequest {
            address: address.to_string(),
        };
        let response = self.ask("/cosmos.auth.v1beta1.Query/AccountInfo", &request);
        let response: QueryAccountInfoResponse = response.ok()?;
        response
            .info
            .map(|info| (info.account_number, info.sequence))
    }

    /// The coins of one denomination that an account has.
    ///
    /// # Panics
    /// As [`Chain::new`].
    #[must_use]
    pub fn balance(&self, address: &Address, denom: &str) -> u128 {
        let request = QueryBalanceRequest {
            address: address.to_string(),
            denom: denom.to_owned(),
        };
        let response: QueryBalanceResponse = self
            .ask("/cosmos.bank.v1beta1.Query/Balance", &request)
            .expect("everybody has a balance");
        response
            .balance
            .map_or(0, |coin| coin.amount.parse().expect("a number"))
    }

    /// Any query by its gRPC method, at the newest height.
    ///
    /// # Errors
    /// What the chain answers instead.
    ///
    /// # Panics
    /// If the answer is no `R`.
    pub fn ask<R: Message + Default>(
        &self,
        path: &str,
        request: &impl Message,
    ) -> Result<R, QueryError> {
        let (_, response) = self.host.query(path, &request.encode_to_vec(), 0)?;
        Ok(R::decode(response.as_slice()).expect("the response of this method"))
    }

    /// What the node says that a transaction would do.
    ///
    /// # Errors
    /// What it answers instead.
    ///
    /// # Panics
    /// If the answer is no response.
    pub fn simulate(&self, tx: &[u8]) -> Result<SimulateResponse, QueryError> {
        let (height, response) = self.host.simulate(tx).finish()?;
        assert_eq!(height, self.height(), "the newest");
        Ok(SimulateResponse::decode(response.as_slice()).expect("the response of this method"))
    }

    /// What the engine knows of the chain after the newest block: checks decided blocks as the enclave does.
    #[must_use]
    pub const fn state(&self) -> &ChainState {
        self.proposer.state()
    }

    /// The newest height.
    #[must_use]
    pub fn height(&self) -> Height {
        self.proposer.state().height()
    }

    /// The root of the state after the newest block.
    #[must_use]
    pub fn app_hash(&self) -> Vec<u8> {
        self.proposer.state().app_hash().to_vec()
    }

    /// The clock that block times are read from: each reading is [`Options::block_seconds`] later than the one before.
    #[must_use]
    pub const fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// The chain as the host answers for it.
    #[must_use]
    pub const fn host(&self) -> &Arc<HostChain> {
        &self.host
    }

    /// The way to the enclave.
    #[must_use]
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// How the chain was made.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// The public key that messages are sealed for.
    #[must_use]
    pub const fn network_key(&self) -> &[u8; 32] {
        &self.keys.io
    }

    /// The genesis document.
    #[must_use]
    pub const fn genesis(&self) -> &GenesisFile {
        &self.genesis
    }

    /// The network's seed, sealed for the enclave of a node that has nothing else yet.
    #[must_use]
    pub fn sealed_seed(&self) -> &[u8] {
        &self.seal
    }

    /// What the chain began with.
    #[must_use]
    pub const fn init(&self) -> &InitChain {
        &self.init
    }

    /// A decided block.
    ///
    /// # Panics
    /// If there is none at this height.
    #[must_use]
    pub fn decided_block(&self, height: Height) -> DecidedBlock {
        let block = self.stores.blocks.load(height).expect("a readable store");
        block.unwrap_or_else(|| panic!("no block at height {height}"))
    }

    /// The proof for clients of a raw key in the native tree after the newest block; the header of the next one commits to it.
    ///
    /// # Panics
    /// As [`Chain::new`].
    #[must_use]
    pub fn proof(&self, raw_key: &[u8]) -> StoreProof {
        let view = self.stores.state.view(self.height()).expect("the newest");
        let entry = view.prove_to_clients(Tree::Native, raw_key);
        StoreProof::new(&entry.expect("a proof"), Tree::Native, &view.roots())
    }

    /// A nonce that was never used before.
    pub(crate) fn nonce(&mut self) -> Hash {
        self.sealed += 1;
        strongroom_types::sha256(
            format!("nonce {} of seed {}", self.sealed, self.options.seed).as_bytes(),
        )
    }
}

/// An enclave that knows nothing yet.
fn door(options: &Options) -> Door {
    match &options.enclave {
        Some(executable) => Door::spawn(executable, options.seed, options.contracts),
        None => Door::open_with(Seeded(options.seed), options.contracts),
    }
}

/// The same stores.
fn shared(stores: &Stores) -> Stores {
    Stores {
        state: Arc::clone(&stores.state),
        content: Arc::clone(&stores.content),
        blocks: Arc::clone(&stores.blocks),
    }
}

/// The node's application over an enclave that stands at `head`.
fn application(way: Enclave, stores: &Stores, head: BlockInfo) -> (App, Arc<HostChain>) {
    let (published, _) = watch::channel(head.height);
    let host = Arc::new(HostChain::new(
        Arc::clone(&stores.state),
        Arc::clone(&stores.content),
        Arc::clone(&stores.blocks),
        way.clone(),
        GasPrice::default(),
        head,
    ));
    let mempool = Mempool::new(Limits::default(), host.clone());
    let app = App::new(
        way,
        shared(stores),
        Arc::clone(&host),
        Some(Clients {
            mempool: Arc::new(mempool),
            events: EventBus::default(),
        }),
        published,
    );
    (app, host)
}

/// Block information before the first block.
fn before_first(genesis: &GenesisFile) -> BlockInfo {
    BlockInfo {
        chain_id: genesis.doc.chain_id.clone(),
        genesis_hash: genesis.hash(),
        height: 0,
        time: genesis.doc.genesis_time,
        header_hash: [0; 32],
        version_app: 0,
        misbehavior: Vec::new(),
    }
}
