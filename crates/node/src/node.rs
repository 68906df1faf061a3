//! The running node: stores, enclave, engine and servers, started in order and stopped in the reverse one.
//!
//! Promises: either everything runs or nothing does; whatever ends by itself (engine, enclave, server) ends the node,
//! with a reason.

use crate::abci::app_version;
use crate::app::{App, Clients, RecoverError, Stores, recover};
use crate::chain::BlockInfo;
use crate::chain::tx::GasPrice;
use crate::enclave::Enclave;
use crate::exceptions::Exceptions;
use crate::host::HostChain;
use crate::listen::listen;
use crate::pool::{CometPool, Pool};
use crate::rest;
use crate::services::Services;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use strongroom_bridge::Transport;
use strongroom_comet_rpc::backend::{Backend, NodeInfo};
use strongroom_comet_rpc::check_queue::CheckQueue;
use strongroom_comet_rpc::config::Config as RpcConfig;
use strongroom_comet_rpc::event_bus::EventBus;
use strongroom_comet_rpc::mempool::{Limits as MempoolLimits, Mempool};
use strongroom_consensus::cometbft::{self, Settings};
use strongroom_consensus::solo::{EngineConfig, REPLAY_WAITS};
use strongroom_consensus::{
    BlockTiming, Clock, CometBft, CometError, EngineError, GenesisFile, Signer, Solo,
};
use strongroom_http::{Server, Shares};
use strongroom_store::blocks::BlockStore;
use strongroom_store::state::{TABLES, node_kv_limits};
use strongroom_store::{ContentStore, Limits, LsmKv, StateStore};
use strongroom_types::Height;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout_at;

/// How long transactions wait at a start for what was decided before it; clients wait no longer, and are told to come again.
const CHECK_WAITS: Duration = Duration::from_secs(10);
/// The version of CometBFT whose dialect the RPC speaks.
const COMET_VERSION: &str = "0.38.25";

/// Settings of a node.
pub struct Config {
    /// Directory of everything that it keeps.
    pub home: PathBuf,
    /// Address of REST.
    pub rest: SocketAddr,
    /// Address of CometBFT's RPC.
    pub rpc: SocketAddr,
    /// Settings of both servers.
    pub shares: Shares,
    /// The least that a transaction has to pay to wait for a block here.
    pub min_gas_price: GasPrice,
    /// The operator's name for the node.
    pub moniker: String,
    /// Origins that browsers may call from: `*`, exact, or with one `*` inside. CometBFT's RPC has settings of its own.
    pub cors_origins: Vec<String>,
}

/// Who decides blocks.
pub enum Consensus {
    /// This process alone.
    Solo {
        /// The validator's key.
        signer: Box<Signer>,
        /// When blocks are made.
        timing: BlockTiming,
        /// The time of blocks.
        clock: Arc<dyn Clock>,
    },
    /// A network, through CometBFT.
    Comet(Comet),
}

/// How CometBFT is run. Its keys lie in the home of the node.
pub struct Comet {
    /// The executable.
    pub binary: PathBuf,
    /// Program and arguments in front of its command.
    pub launcher: Vec<OsString>,
    /// Address on which peers are listened for.
    pub p2p: SocketAddr,
    /// How others reach this node, `host:port`; empty: the address that is listened on.
    pub external_address: String,
    /// Nodes to keep connections to, `id@host:port`.
    pub persistent_peers: Vec<String>,
    /// Time between the commit of a block and the next proposal.
    pub block_time: Duration,
    /// Whether nodes may be at private addresses, several at one.
    pub local: bool,
    /// The CometBFT id of this node.
    pub node_id: String,
    /// The Ed25519 key with which this node votes.
    pub validator: [u8; 32],
}

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// Enclave or stores do not fit together.
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// The state store.
    #[error("state store: {0}")]
    State(#[from] strongroom_store::Error),
    /// The block store.
    #[error("block store: {0}")]
    Blocks(#[from] strongroom_store::blocks::BlockStoreError),
    /// The engine Solo.
    #[error("engine: {0}")]
    Engine(#[from] EngineError),
    /// The engine CometBFT.
    #[error("engine: {0}")]
    Comet(#[from] CometError),
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

/// Layout of a node's home.
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

    /// The node's key among peers.
    #[must_use]
    pub fn node_key(&self) -> PathBuf {
        self.0.join("config/node_key.json")
    }

    /// Last signature of the validator.
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

/// Says now and then that a long opening goes on.
struct Told {
    begun: Instant,
    times: AtomicU64,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            times: AtomicU64::new(0),
        }
    }
}

impl Told {
    const EVERY: Duration = Duration::from_secs(5);

    fn tell(&self, entries: u64) {
        let times = self.begun.elapsed().as_secs() / Self::EVERY.as_secs();
        // Of many threads the first that comes in each five seconds.
        if self.times.fetch_max(times, Ordering::Relaxed) < times {
            tracing::info!(
                entries,
                "the state is read and checked before anything else"
            );
        }
    }
}

/// Opens the stores under `layout`.
///
/// # Errors
/// [`NodeError`] if one is damaged or in use.
pub fn open_stores(layout: &Layout) -> Result<Stores, NodeError> {
    // Beside each other: both read what they wrote last, and look at every row or file.
    std::thread::scope(|scope| {
        let path = layout.blocks();
        let opening = std::thread::Builder::new().name("open-blocks".to_owned());
        let opening = opening.spawn_scoped(scope, move || BlockStore::open(&path));
        let opening = opening.map_err(NodeError::Threads)?;
        let state = Arc::new(open_state(layout)?);
        let content = Arc::new(ContentStore::open(&layout.content())?);
        let blocks = opening.join();
        let blocks = blocks.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(Stores {
            state,
            content,
            blocks: Arc::new(blocks),
        })
    })
}

fn open_state(layout: &Layout) -> Result<StateStore, strongroom_store::Error> {
    let kv = LsmKv::open(layout.state(), TABLES, node_kv_limits())?;
    let told = Told::default();
    StateStore::open_telling(Arc::new(kv), Limits::NODE, &|read| told.tell(read))
}

/// Reads every value of the state under `layout`, which no start does ([`StateStore::check_values`]). Gives how many stand; 0 where there is no
/// state yet.
///
/// # Errors
/// [`NodeError::State`] if something is damaged or in use.
pub fn check_state(layout: &Layout) -> Result<u64, NodeError> {
    if !layout.state().exists() {
        return Ok(0);
    }
    Ok(open_state(layout)?.check_values()?)
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
        .map_err(|e| RecoverError::Broken(format!("the list of exceptions: {e}")))?;
    Ok(enclave.with_operator(exceptions, layout.reports()))
}

/// A running node.
pub struct Node {
    engine: Engine,
    enclave: Enclave,
    services: Services,
    rpc_at: SocketAddr,
    rest: Server,
    ended: mpsc::UnboundedReceiver<String>,
    published: watch::Receiver<Height>,
}

/// The engine, and what belongs to it.
enum Engine {
    /// Solo serves no clients: we do.
    Solo(Solo, Server),
    /// CometBFT serves its RPC itself.
    Comet(CometBft),
}

/// What both engines are started with.
struct Parts {
    config: Config,
    genesis: Arc<GenesisFile>,
    stores: Stores,
    enclave: Enclave,
    chain: Arc<HostChain>,
    published: watch::Sender<Height>,
    end: mpsc::UnboundedSender<String>,
}

impl Node {
    /// Starts a node whose home has a genesis, a seal and a validator key.
    ///
    /// # Errors
    /// [`NodeError`]; nothing runs then.
    pub async fn start(
        config: Config,
        transport: Arc<dyn Transport>,
        genesis: GenesisFile,
        seal: Vec<u8>,
        consensus: Consensus,
    ) -> Result<Self, NodeError> {
        // Bound before a block is made: a port that is taken ends the start.
        let (rpc, rest) = (listen(config.rpc).await?, listen(config.rest).await?);
        let rest_shares = config.shares.rest.clone();
        let origins = config.cors_origins.clone();
        let layout = Layout(config.home.clone());
        let stores = open_stores(&layout)?;
        let enclave = with_operator(enclave(transport, &stores), &layout)?;
        let head = recover(&enclave, &stores, seal, genesis.bytes())?;
        let genesis = Arc::new(genesis);
        let head = head.unwrap_or_else(|| before_first(&genesis));
        let (published, watched) = watch::channel(head.height);
        let chain = Arc::new(HostChain::new(
            Arc::clone(&stores.state),
            Arc::clone(&stores.content),
            Arc::clone(&stores.blocks),
            enclave.clone(),
            config.min_gas_price.clone(),
            head,
        ));
        let (end, ended) = mpsc::unbounded_channel();
        let kept = enclave.clone();
        let parts = Parts {
            config,
            genesis,
            stores,
            enclave,
            chain,
            published,
            end,
        };
        let (engine, rpc_at, services) = match consensus {
            Consensus::Solo {
                signer,
                timing,
                clock,
            } => parts.solo(*signer, (timing, clock), rpc, &watched)?,
            Consensus::Comet(comet) => parts.comet(comet, rpc)?,
        };
        Ok(Self {
            engine,
            enclave: kept,
            services: services.clone(),
            rpc_at,
            rest: rest::serve(services, rest, rest_shares, &origins).map_err(NodeError::Threads)?,
            ended,
            published: watched,
        })
    }

    /// What the node answers, for its own operator: no port and no place among connections stands between.
    #[must_use]
    pub fn services(&self) -> Services {
        self.services.clone()
    }

    /// The enclave behind its door.
    #[must_use]
    pub fn enclave(&self) -> Enclave {
        self.enclave.clone()
    }

    /// Address of REST.
    #[must_use]
    pub const fn rest(&self) -> SocketAddr {
        self.rest.address()
    }

    /// Address of the RPC.
    #[must_use]
    pub const fn rpc(&self) -> SocketAddr {
        self.rpc_at
    }

    /// Has the engine make a block now, empty or not; false: a network decides.
    #[must_use]
    pub fn want_block(&self) -> bool {
        match &self.engine {
            Engine::Solo(solo, _) => {
                solo.notifier().want_block();
                true
            }
            Engine::Comet(_) => false,
        }
    }

    /// The newest height that is published.
    #[must_use]
    pub fn height(&self) -> Height {
        *self.published.borrow()
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
    /// Error that ended the engine before it was asked to stop.
    pub async fn stop(self) -> Result<(), NodeError> {
        match self.engine {
            Engine::Solo(solo, rpc) => {
                tokio::join!(rpc.stop(), self.rest.stop());
                Ok(tokio::task::block_in_place(|| solo.stop())?)
            }
            Engine::Comet(comet) => {
                self.rest.stop().await;
                Ok(tokio::task::block_in_place(|| comet.stop())?)
            }
        }
    }
}

/// Whether a height is published; waits for that, at most so long from now in all. Before, a transaction would be checked on a state that decided blocks have
/// changed already: one that would pass there may be good in no block any more.
fn is_told(
    height: Height,
    published: watch::Receiver<Height>,
    waits: Duration,
) -> impl Fn() -> bool {
    let (until, runtime) = (Instant::now() + waits, Handle::current());
    move || {
        let mut published = published.clone();
        if *published.borrow() >= height {
            return true;
        }
        runtime.block_on(async {
            let told = timeout_at(until.into(), published.wait_for(|at| *at >= height));
            // An error in time means that the engine is gone.
            matches!(told.await, Ok(Ok(_)))
        })
    }
}

impl Parts {
    /// Our own engine, with mempool and RPC.
    fn solo(
        self,
        signer: Signer,
        (timing, clock): (BlockTiming, Arc<dyn Clock>),
        rpc: TcpListener,
        watched: &watch::Receiver<Height>,
    ) -> Result<(Engine, SocketAddr, Services), NodeError> {
        let mempool = Arc::new(Mempool::new(limits(timing), self.chain.clone()));
        let events = EventBus::default();
        let blocks = Arc::clone(&self.stores.blocks);
        let app = App::new(
            self.enclave,
            self.stores,
            Arc::clone(&self.chain),
            Some(Clients {
                mempool: Arc::clone(&mempool),
                events: events.clone(),
            }),
            self.published,
        );
        self.chain.tell_time(Arc::clone(&clock));
        let validator = signer.pubkey();
        let parts = EngineConfig {
            genesis: Arc::clone(&self.genesis),
            app: Arc::new(app),
            blocks: Arc::clone(&blocks) as Arc<dyn strongroom_consensus::Blocks>,
            signer,
            clock,
            timing,
            replay_waits: REPLAY_WAITS,
        };
        let end = self.end;
        let engine = tokio::task::block_in_place(|| {
            Solo::start(parts, move |result| {
                if let Err(error) = result {
                    let _ = end.send(format!("the engine ended: {error}"));
                }
            })
        })?;
        let notifier = engine.notifier();
        mempool.on_waiting(move || notifier.wake());
        let Config {
            shares,
            moniker,
            rpc: rpc_wanted,
            cors_origins,
            ..
        } = self.config;
        let chain_id = &self.genesis.doc.chain_id;
        let info = NodeInfo {
            rpc_address: format!("tcp://{}", rpc.local_addr().unwrap_or(rpc_wanted)),
            app_version: app_version(&blocks, *watched.borrow())?,
            ..node_info(chain_id, moniker, validator)
        };
        let gate = Arc::clone(self.chain.gate());
        let checks = CheckQueue::new(mempool).map_err(NodeError::Threads)?;
        checks.only_when(is_told(blocks.found_height(), watched.clone(), CHECK_WAITS));
        let services = Services {
            chain: self.chain,
            blocks: Arc::clone(&blocks),
            pool: Pool::Own(checks.clone()),
            info: Arc::new(info.clone()),
        };
        let backend = Backend {
            app: Arc::new(services.clone()),
            blocks,
            published: watched.clone(),
            checks,
            events,
            gate,
            node: info,
            genesis: String::from_utf8_lossy(self.genesis.bytes()).into_owned(),
        };
        let rpc_config = RpcConfig {
            // Half of its connections are left for plain requests.
            websockets_max: shares.rpc.connections_max / 2,
            listen: shares.rpc,
            cors_allowed_origins: cors_origins,
            refuse_other_origins: true,
            ..RpcConfig::default()
        };
        let server =
            strongroom_comet_rpc::serve(backend, rpc_config, rpc).map_err(NodeError::Threads)?;
        let address = server.address();
        Ok((Engine::Solo(engine, server), address, services))
    }

    /// CometBFT, with mempool and RPC of its own.
    fn comet(
        self,
        comet: Comet,
        rpc: TcpListener,
    ) -> Result<(Engine, SocketAddr, Services), NodeError> {
        let Config {
            home,
            rpc: rpc_wanted,
            shares,
            moniker,
            cors_origins,
            ..
        } = self.config;
        let address = rpc.local_addr().unwrap_or(rpc_wanted);
        // CometBFT binds it itself.
        drop(rpc);
        let limits = MempoolLimits::default();
        let connections = shares.rpc.connections_max;
        let settings = Settings {
            moniker: moniker.clone(),
            rpc: address,
            p2p: comet.p2p,
            external_address: comet.external_address,
            persistent_peers: comet.persistent_peers,
            block_time: comet.block_time,
            tx_bytes_max: limits.tx_bytes_max,
            mempool: (limits.txs_max, limits.total_bytes_max),
            connections: (connections, connections / 2),
            cors_origins,
            local: comet.local,
        };
        let info = NodeInfo {
            id: comet.node_id,
            listen_addr: format!("tcp://{}", comet.p2p),
            rpc_address: format!("tcp://{address}"),
            ..node_info(&self.genesis.doc.chain_id, moniker, comet.validator)
        };
        let blocks = Arc::clone(&self.stores.blocks);
        let pool = CometPool::new(CometBft::rpc_of(&home)).map_err(NodeError::Threads)?;
        let services = Services {
            chain: Arc::clone(&self.chain),
            blocks: Arc::clone(&blocks),
            pool: Pool::Comet(pool),
            info: Arc::new(info),
        };
        let app = App::new(self.enclave, self.stores, self.chain, None, self.published);
        let config = cometbft::Config {
            genesis: self.genesis,
            app: Arc::new(app),
            queries: Arc::new(services.clone()),
            blocks,
            home,
            binary: comet.binary,
            launcher: comet.launcher,
            settings,
        };
        let end = self.end;
        let engine = CometBft::start(config, move |result| {
            if let Err(error) = result {
                let _ = end.send(format!("the engine ended: {error}"));
            }
        })?;
        Ok((Engine::Comet(engine), address, services))
    }
}

/// Limits of a mempool for blocks of this timing. Where blocks have an interval, two may be full of what waits.
fn limits(timing: BlockTiming) -> MempoolLimits {
    let limits = MempoolLimits::default();
    match timing {
        BlockTiming::Instant => limits,
        BlockTiming::Every(interval) => MempoolLimits {
            wait_max: interval.saturating_mul(3),
            interval: Some(interval),
            ..limits
        },
    }
}

/// Identity of a node without peers.
fn node_info(chain_id: &str, moniker: String, validator: [u8; 32]) -> NodeInfo {
    NodeInfo {
        id: hex::encode(strongroom_proof::comet::validators::address(&validator)),
        // Solo has no peers; clients want the field to say something.
        listen_addr: "tcp://127.0.0.1:0".to_owned(),
        network: chain_id.to_owned(),
        version: COMET_VERSION.to_owned(),
        moniker,
        app_version: 0,
        rpc_address: String::new(),
        validator,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_is_ready_before_what_was_decided_is_told_and_nobody_waits_for_that_for_ever() {
        let (tell, published) = watch::channel(4);
        let asked = |waits| {
            let is_told = is_told(5, published.clone(), Duration::from_millis(waits));
            tokio::task::spawn_blocking(move || (is_told(), is_told))
        };
        let waiting = asked(60_000);
        let begun = Instant::now();
        let (said, later) = asked(50).await.unwrap();
        assert!(!said && begun.elapsed() >= Duration::from_millis(50));
        tell.send_replace(5);
        assert!(waiting.await.unwrap().0);
        assert!(tokio::task::spawn_blocking(later).await.unwrap());
        // An engine that is gone tells nothing more.
        let (gone, published) = watch::channel(4);
        drop(gone);
        let is_told = is_told(5, published, Duration::from_secs(60));
        assert!(!tokio::task::spawn_blocking(is_told).await.unwrap());
    }
}
