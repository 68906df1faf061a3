//! A node of a network, run by this process: `strongroom node start`, and what `strongroom localnet` does for its one node.

use crate::enclave_process;
use anyhow::{Context as _, bail};
use std::fs;
use std::net::SocketAddr;
use strongroom_bridge::child::Process;
use strongroom_chain::modules::compute::EngineSettings;
use strongroom_consensus::GenesisFile;
use strongroom_node::node::{Config, Consensus, Layout, Node};
use tokio::sync::mpsc;

/// Threads that serve connections; work that blocks has threads of its own.
const SERVER_THREADS: usize = 2;
/// Threads that step in while starting and stopping block one of those. Requests make none.
const STARTING_THREADS: usize = 2;

/// What happens is told on standard error; `STRONGROOM_LOG` says how much of it.
pub(crate) fn log() {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("STRONGROOM_LOG")
                .unwrap_or_else(|_| "warn".into()),
        )
        .with_writer(std::io::stderr)
        .init();
}

/// The threads of a command that serves or asks.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(SERVER_THREADS)
        .max_blocking_threads(STARTING_THREADS)
        .enable_all()
        .build()
        .context("no threads for the servers")
}

/// A node and its enclave.
pub(crate) struct Running {
    pub(crate) node: Node,
    pub(crate) chain_id: String,
    process: Process,
    dead: mpsc::UnboundedReceiver<String>,
}

impl Running {
    /// Starts the node of a home that has a genesis, a seal and keys.
    pub(crate) async fn start(
        config: Config,
        settings: EngineSettings,
        consensus: Consensus,
    ) -> anyhow::Result<Self> {
        let layout = Layout(config.home.clone());
        let genesis =
            fs::read(layout.genesis()).with_context(|| layout.genesis().display().to_string())?;
        let genesis = GenesisFile::parse(genesis)?;
        let chain_id = genesis.doc.chain_id.clone();
        let seal = fs::read(layout.seal()).with_context(|| layout.seal().display().to_string())?;
        let (died, dead) = mpsc::unbounded_channel();
        let (transport, process) = enclave_process::start(&layout, settings, died)?;
        let node = Node::start(config, transport, genesis, seal, consensus).await?;
        Ok(Self {
            node,
            chain_id,
            process,
            dead,
        })
    }

    /// Waits until node or enclave end by themselves; tells what did.
    pub(crate) async fn ended(&mut self) -> String {
        tokio::select! {
            reason = self.node.ended() => reason,
            Some(reason) = self.dead.recv() => reason,
        }
    }

    /// Stops the node, then its enclave.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.node.stop().await?;
        self.process.stop();
        Ok(())
    }
}

/// What to do about an error of a store that is damaged.
pub(crate) fn after_damage(error: &str) -> Option<&'static str> {
    error.contains("store.damaged: ").then_some(
        "look at disk and memory; then put back a copy of data, or, if the network has other nodes, remove what is in data, but for \
         priv_validator_state.json, and start again: all blocks are fetched and executed anew",
    )
}

/// What a node ends with that ended by itself: nothing is lost, what was decided is on disk.
pub(crate) fn went_on_before(reason: &str) -> anyhow::Result<()> {
    match after_damage(reason) {
        Some(then) => bail!("{reason}. Another start ends in the same way: {then}"),
        None => bail!("{reason}. Start again to go on from the last block"),
    }
}

/// `host:port` of a node's own servers, as a client on this machine reaches it.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip().is_unspecified() {
        true => SocketAddr::new(std::net::Ipv4Addr::LOCALHOST.into(), address.port()),
        false => address,
    }
}
