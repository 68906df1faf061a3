//! The running node: stores, enclave, engine and servers, started in order and stopped in the reverse one.
//!
//! Promises: either everything runs or nothing does; whatever ends by itself (engine, enclave, server) ends the node,
//! with a reason.

use crate::abci;
use crate::app::{App, BootError, Stores, boot};
use crate::chain::BlockInfo;
use crate::enclave::Enclave;
use crate::exceptions::Exceptions;
use crate::faucet::{self, Purse};
use crate::host::HostChain;
use crate::rest;
use crate::services::Services;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use strongroom_bridge::Transport;
use strongroom_comet_rpc::RpcBackend;
use strongroom_comet_rpc::RpcServer;
use strongroom_comet_rpc::backend::{AbciInfo, AbciQueryAnswer, NodeInfo};
use strongroom_comet_rpc::check_queue::CheckQueue;
use strongroom_comet_rpc::config::Config as RpcConfig;
use strongroom_comet_rpc::event_bus::EventBus;
use strongroom_comet_rpc::mempool::{Limits as MempoolLimits, Mempool};
use strongroom_consensus::solo::Parts;
use strongroom_consensus::{EngineError, GenesisDoc, Pace, Signer, Solo, SystemClock};
use strongroom_http::budget::Budget;
use strongroom_http::gate::Gate;
use strongroom_http::server::{Settings, Shares, TooFewDescriptors};
use strongroom_store::blocks::{BlockStore, Validator};
use strongroom_store::state::TABLES;
use strongroom_store::{ContentStore, FjallKv, History, KvLimits, Limits, StateStore};
use strongroom_types::Height;
use tokio::sync::{mpsc, watch};

/// The version of CometBFT whose dialect the RPC speaks.
const COMET_VERSION: &str = "0.38.25";

/// How a node is set.
pub struct Config {
    /// Directory of everything that it keeps.
    pub home: PathBuf,
    /// Where REST listens.
    pub rest: SocketAddr,
    /// Where CometBFT's RPC listens.
    pub rpc: SocketAddr,
    /// Where the faucet listens, and who pays; `None`: no faucet.
    pub faucet: Option<(SocketAddr, Purse)>,
    /// When blocks are made.
    pub pace: Pace,
    /// The operator's name for the node.
    pub moniker: String,
}

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// Enclave or stores do not fit together.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The state store.
    #[error("state store: {0}")]
    State(#[from] strongroom_store::Error),
    /// The block store.
    #[error("block store: {0}")]
    Blocks(#[from] strongroom_store::blocks::BlockStoreError),
    /// The engine.
    #[error("engine: {0}")]
    Engine(#[from] EngineError),
    /// The system gives too few descriptors.
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
    /// The system gives no more threads.
    #[error("no thread for the servers: {0}. Raise the limit of processes (`ulimit -u`)")]
    Threads(io::Error),
    /// A port is taken or not allowed.
    #[error("cannot serve on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
}

/// Where things lie under a node's home.
#[derive(Clone, Debug)]
pub struct Layout(pub PathBuf);

impl Layout {
    /// The genesis document.
    #[must_use]
    pub fn genesis(&self) -> PathBuf {
        self.0.join("config/genesis.json")
    }

    /// The sealed seed.
    #[must_use]
    pub fn seal(&self) -> PathBuf {
        self.0.join("config/seed.sealed")
    }

    /// The validator's key.
    #[must_use]
    pub fn validator_key(&self) -> PathBuf {
        self.0.join("config/priv_validator_key.json")
    }

    /// What the validator signed last.
    #[must_use]
    pub fn validator_state(&self) -> PathBuf {
        self.0.join("data/priv_validator_state.json")
    }

    /// The transactions that the operator leaves out of their blocks.
    #[must_use]
    pub fn exceptions(&self) -> PathBuf {
        self.0.join("config/exceptions")
    }

    /// Reports of blocks that could not be executed.
    #[must_use]
    pub fn reports(&self) -> PathBuf {
        self.0.join("reports")
    }

    fn state(&self) -> PathBuf {
        self.0.join("data/state")
    }

    fn blocks(&self) -> PathBuf {
        self.0.join("data/blocks")
    }

    fn content(&self) -> PathBuf {
        self.0.join("data/content")
    }
}

/// Opens the stores under `layout`.
///
/// # Errors
/// [`NodeError`] if one is damaged or in use.
pub fn open_stores(layout: &Layout) -> Result<Stores, NodeError> {
    let kv = FjallKv::open(layout.state(), TABLES, KvLimits::default())?;
    // A local network answers public queries at every height.
    let limits = Limits {
        history: History::All,
        ..Limits::default()
    };
    Ok(Stores {
        state: Arc::new(StateStore::open(Arc::new(kv), limits)?),
        content: Arc::new(ContentStore::open(&layout.content())?),
        blocks: Arc::new(BlockStore::open(&layout.blocks())?),
    })
}

/// The enclave as the stores serve it.
#[must_use]
pub fn enclave(transport: Arc<dyn Transport>, stores: &Stores) -> Enclave {
    Enclave::new(
        transport,
        Arc::clone(&stores.state),
        Arc::clone(&stores.content),
    )
}

/// The enclave as the operator of a home wants it served.
pub(crate) fn with_operator(enclave: Enclave, layout: &Layout) -> Result<Enclave, NodeError> {
    let exceptions = Exceptions::load(&layout.exceptions())
        .map_err(|e| BootError::Broken(format!("the list of exceptions: {e}")))?;
    Ok(enclave.with_operator(exceptions, layout.reports()))
}

/// A running node.
pub struct Node {
    engine: Option<Solo>,
    rpc: Option<RpcServer>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    stop: watch::Sender<bool>,
    ended: mpsc::UnboundedReceiver<String>,
    published: watch::Receiver<Height>,
    /// Where REST listens.
    pub rest: SocketAddr,
    /// Where the RPC listens.
    pub rpc_address: SocketAddr,
    /// Where the faucet listens.
    pub faucet: Option<SocketAddr>,
}

impl Node {
    /// Starts a node whose home has a genesis, a seal and a validator key.
    ///
    /// # Errors
    /// [`NodeError`]; nothing runs then.
    pub async fn start(
        config: Config,
        transport: Arc<dyn Transport>,
        genesis: GenesisDoc,
        seal: Vec<u8>,
        signer: Signer,
    ) -> Result<Self, NodeError> {
        let shares = Shares::of_process()?;
        let budget = Budget::default();
        let settings = |connections_max| Settings {
            connections_max,
            budget: budget.clone(),
            ..Settings::default()
        };
        let layout = Layout(config.home.clone());
        let stores = open_stores(&layout)?;
        let enclave = with_operator(enclave(transport, &stores), &layout)?;
        let head = boot(&enclave, &stores, seal, genesis.bytes())?;
        let genesis = Arc::new(genesis);
        let head = head.unwrap_or_else(|| before_first(&genesis));
        let (published, watched) = watch::channel(head.height);

        let chain = Arc::new(HostChain::new(
            Arc::clone(&stores.state),
            Arc::clone(&stores.content),
            Arc::clone(&stores.blocks),
            enclave.clone(),
            head,
        ));
        let mempool = Arc::new(Mempool::new(MempoolLimits::default(), chain.clone()));
        let events = EventBus::default();
        let blocks = Arc::clone(&stores.blocks);
        let app = App::new(
            enclave,
            stores,
            Arc::clone(&chain),
            Arc::clone(&mempool),
            events.clone(),
            published,
        );

        let (end, ended) = mpsc::unbounded_channel();
        let validator = signer.pubkey();
        let parts = Parts {
            genesis: Arc::clone(&genesis),
            app: Arc::new(app),
            blocks: Arc::clone(&blocks) as Arc<dyn strongroom_consensus::Blocks>,
            signer,
            clock: Arc::new(SystemClock),
            pace: config.pace,
        };
        let engine = tokio::task::block_in_place(|| {
            Solo::start(parts, move |result| {
                if let Err(error) = result {
                    let _ = end.send(format!("the engine ended: {error}"));
                }
            })
        })?;
        let waker = engine.waker();
        mempool.on_waiting(move || waker.wake());

        let info = NodeInfo {
            id: hex::encode(strongroom_proof::comet::validators::address(&validator)),
            // Solo has no peers; clients want the field to say something.
            listen_addr: "tcp://127.0.0.1:0".to_owned(),
            network: genesis.chain_id.clone(),
            version: COMET_VERSION.to_owned(),
            moniker: config.moniker,
            app_version: chain.head().version_app,
            rpc_address: format!("tcp://{}", config.rpc),
        };
        let services = Services {
            chain: Arc::clone(&chain),
            blocks: Arc::clone(&blocks),
            checks: CheckQueue::new(Arc::clone(&mempool)).map_err(NodeError::Threads)?,
            mempool: Arc::clone(&mempool),
            info: Arc::new(info),
        };
        let (stop, stopping) = watch::channel(false);
        // Binding never asks to come again: that is what a system says that gives no more threads.
        let listen = |address| {
            move |error: io::Error| match error.kind() {
                io::ErrorKind::WouldBlock => NodeError::Threads(error),
                _ => NodeError::Listen { address, error },
            }
        };
        let backend = Backend {
            services: services.clone(),
            events,
            published: watched.clone(),
            validator,
            genesis: String::from_utf8_lossy(genesis.bytes()).into_owned(),
        };
        let rpc_config = RpcConfig {
            listen: settings(shares.rpc),
            // Half of its connections are left for plain requests.
            websockets_max: shares.rpc / 2,
            ..RpcConfig::default()
        };
        let rpc = RpcServer::start(Arc::new(backend), rpc_config, config.rpc)
            .await
            .map_err(listen(config.rpc))?;
        let (rest, rest_task) = rest::serve(
            services.clone(),
            config.rest,
            settings(shares.rest),
            stopping.clone(),
        )
        .await
        .map_err(listen(config.rest))?;
        let mut tasks = vec![rest_task];
        let mut faucet_address = None;
        if let Some((address, purse)) = config.faucet {
            let chain_id = genesis.chain_id.clone();
            let (bound, task) = faucet::serve(
                services,
                chain_id,
                purse,
                address,
                settings(shares.faucet),
                stopping,
            )
            .await
            .map_err(listen(address))?;
            faucet_address = Some(bound);
            tasks.push(task);
        }
        Ok(Self {
            engine: Some(engine),
            rpc_address: rpc.address(),
            rpc: Some(rpc),
            tasks,
            stop,
            ended,
            published: watched,
            rest,
            faucet: faucet_address,
        })
    }

    /// Waits until a height is published; false: the engine ended before.
    pub async fn wait_for(&mut self, height: Height) -> bool {
        // The sender lives as long as the engine.
        self.published.wait_for(|at| *at >= height).await.is_ok()
    }

    /// Waits until something ends by itself, and tells what.
    pub async fn ended(&mut self) -> String {
        self.ended
            .recv()
            .await
            .unwrap_or_else(|| "the engine is gone".to_owned())
    }

    /// Stops: servers first, then the engine, after the block that it makes.
    ///
    /// # Errors
    /// What ended the engine before it was asked to stop.
    pub async fn stop(mut self) -> Result<(), NodeError> {
        self.stop.send_replace(true);
        if let Some(rpc) = self.rpc.take() {
            rpc.stop().await;
        }
        let ended = tokio::task::block_in_place(|| self.engine.take().map_or(Ok(()), Solo::stop));
        for task in self.tasks.drain(..) {
            // Connections that clients keep open do not hold the node.
            task.abort();
        }
        Ok(ended?)
    }
}

/// What is known before the first block.
fn before_first(genesis: &GenesisDoc) -> BlockInfo {
    BlockInfo {
        chain_id: genesis.chain_id.clone(),
        height: 0,
        time: genesis.time,
        header_hash: [0; 32],
        version_app: 0,
    }
}

struct Backend {
    services: Services,
    events: EventBus,
    published: watch::Receiver<Height>,
    validator: [u8; 32],
    genesis: String,
}

impl RpcBackend for Backend {
    fn blocks(&self) -> &BlockStore {
        &self.services.blocks
    }

    fn published_height(&self) -> Height {
        *self.published.borrow()
    }

    fn mempool(&self) -> &Mempool {
        &self.services.mempool
    }

    fn checks(&self) -> &CheckQueue {
        &self.services.checks
    }

    fn gate(&self) -> &Gate {
        self.services.chain.gate()
    }

    fn events(&self) -> &EventBus {
        &self.events
    }

    fn node_info(&self) -> NodeInfo {
        NodeInfo::clone(&self.services.info)
    }

    fn validator(&self) -> Validator {
        let address = strongroom_proof::comet::validators::address(&self.validator);
        let next = self.published_height().saturating_add(1);
        let set = self
            .services
            .blocks
            .validators(next)
            .ok()
            .flatten()
            .unwrap_or_default();
        let known = set.into_iter().find(|v| v.address == address);
        known.unwrap_or(Validator {
            address,
            pubkey: self.validator,
            power: 0,
            proposer_priority: 0,
        })
    }

    fn catching_up(&self) -> bool {
        false
    }

    fn genesis(&self) -> &str {
        &self.genesis
    }

    fn abci_info(&self) -> AbciInfo {
        let height = self.published_height();
        let results = self.services.blocks.results(height).ok().flatten();
        AbciInfo {
            data: "strongroom".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            app_version: self.services.chain.head().version_app,
            last_block_height: height,
            last_block_app_hash: results.map(|r| r.app_hash).unwrap_or_default(),
        }
    }

    fn abci_query(&self, path: &str, data: &[u8], height: i64, _prove: bool) -> AbciQueryAnswer {
        abci::query(&self.services, path, data, height)
    }
}
