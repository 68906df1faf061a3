//! What a start of a local network is told.

use super::Args;
use crate::cluster::VALIDATORS_MAX;
use crate::network::{Holder, holder};
use crate::output::Output;
use crate::preflight;
use crate::times::block_time;
use anyhow::{Context as _, bail};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args as ClapArgs, ValueEnum};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use strongroom_chain::modules::SimulationPolicy;
use strongroom_chain::modules::compute::EngineKind;
use strongroom_chain::tx::GasPrice;
use strongroom_consensus::BlockTiming;
use strongroom_node::exceptions::Exception;

/// Where a local network lies, unless it is told otherwise.
pub(super) const HOME: &str = ".strongroom/localnet";

#[derive(ClapArgs)]
pub(crate) struct Start {
    /// Directory of the network's data.
    #[arg(long, default_value = HOME, global = true)]
    pub(crate) home: PathBuf,
    /// Begin a new network; the one that is there is removed when the new one has its first block.
    #[arg(long)]
    pub(super) reset: bool,
    /// So many validators, each a node of its own on a real CometBFT, with ports 100 apart; the first has those below. Without it there
    /// is one, in this process.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(VALIDATORS_MAX)))]
    pub(crate) validators: Option<u16>,
    /// Who decides blocks: `solo`, this process alone, or `cometbft`, a real CometBFT with one validator
    /// (scripts/install-cometbft) [default: solo]. A network keeps the engine that it began with.
    #[arg(long, value_enum)]
    pub(crate) engine: Option<EngineChoice>,
    /// What runs contracts: `interpreter`, or `winch`, which compiles those that are used much (not on SGX; built with the feature `winch`).
    /// Blocks are the same with either.
    #[arg(long, value_name = "NAME", value_parser = crate::enclave_process::engine, default_value = "interpreter")]
    pub(crate) contract_engine: EngineKind,
    /// Threads that run transactions of a block beside each other, at most 8. Blocks are the same with any number
    /// [default: 1, one after the other].
    #[arg(long, value_name = "N", value_parser = crate::enclave_process::threads)]
    pub(crate) execution_threads: Option<usize>,
    /// The `cometbft` to run [default: tools/bin of the project, or the PATH].
    #[arg(long, value_name = "PATH")]
    pub(crate) cometbft: Option<PathBuf>,
    /// Time between blocks; `instant` makes one as soon as a transaction waits, and none without.
    #[arg(long, value_name = "TIME", value_parser = block_time, default_value = "1s")]
    pub(super) block_time: BlockTiming,
    /// Name of a new chain [default: secretdev-1]. An existing one keeps its name.
    #[arg(long, value_parser = preflight::chain_id)]
    pub(crate) chain_id: Option<String>,
    /// Whether a new network runs calls of contracts for whoever asks what gas they need: `open`, or `off`, as networks do that keep secrets. Whoever can ask an
    /// `open` one can have any call run as any sender and read its answer: nothing that a contract keeps is kept from him [default: open, and off where
    /// --listen is no loopback]. An existing one keeps what it began with.
    #[arg(long, value_name = "POLICY", value_parser = simulation)]
    pub(crate) simulation: Option<SimulationPolicy>,
    /// The least fee for each unit of gas, in uscrt. Wallets pay 0.1 unless they are told otherwise.
    #[arg(long, value_parser = preflight::gas_price, default_value = "0.0125uscrt")]
    pub(crate) min_gas_price: GasPrice,
    /// Another account of a new network, with its coins in uscrt; may be repeated.
    #[arg(long = "account", value_name = "ADDRESS=AMOUNT", value_parser = holder)]
    pub(crate) accounts: Vec<Holder>,
    /// Go on from this file, which `localnet dump` has made; the network that is there is removed when that works.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["reset", "validators", "accounts", "chain_id", "simulation"])]
    pub(super) load: Option<PathBuf>,
    /// An origin that browsers may call from, such as http://localhost:3000, or with one `*` inside; may be repeated [default: any].
    #[arg(long = "cors-origin", value_name = "ORIGIN")]
    pub(crate) cors_origins: Vec<String>,
    /// How the start is told: for people, or in one line for programs.
    #[arg(long, value_enum, default_value = "text", global = true)]
    pub(super) output: Output,
    /// Leave this transaction out of its block: the way past a block that no enclave can execute (docs/spec/door.md).
    /// The home remembers it.
    #[arg(long, value_name = "HEIGHT:HASH")]
    pub(super) skip_tx: Vec<Exception>,
    /// Address to listen on. Anything but the loopback offers well-known keys to strangers, and has a new network begin with `--simulation off`.
    #[arg(long, default_value_t = std::net::IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) listen: std::net::IpAddr,
    /// Port of REST; 0, here and below, has the system choose one, which is told.
    #[arg(long, default_value_t = 1317)]
    pub(crate) rest_port: u16,
    /// Port of CometBFT's RPC and websocket.
    #[arg(long, default_value_t = 26657)]
    pub(crate) rpc_port: u16,
    /// Port on which CometBFT listens for peers.
    #[arg(long, default_value_t = 26656)]
    pub(crate) p2p_port: u16,
    /// Port of the faucet.
    #[arg(long, default_value_t = 5000)]
    pub(crate) faucet_port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineChoice {
    Solo,
    Cometbft,
}

fn simulation(text: &str) -> Result<SimulationPolicy, String> {
    match text {
        "off" => Ok(SimulationPolicy::Off),
        "open" => Ok(SimulationPolicy::Open),
        _ => Err("`off` or `open`".to_owned()),
    }
}

impl Start {
    /// Refuses a start that cannot succeed. What another process takes in the moment after is refused later, too.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        self.check_ports()?;
        preflight::free_space(&self.home)?;
        Ok(())
    }

    fn check_ports(&self) -> anyhow::Result<()> {
        let ports = [
            ("--rest-port", self.rest_port),
            ("--rpc-port", self.rpc_port),
            ("--faucet-port", self.faucet_port),
        ];
        let mut ports = ports.to_vec();
        if self.engine == Some(EngineChoice::Cometbft) {
            ports.push(("--p2p-port", self.p2p_port));
        }
        // Held until all are known, so that one port for two servers is found, too.
        let mut held = Vec::new();
        for (name, port) in ports {
            // 0 lets the system choose.
            if let Some((other, _)) = held.iter().find(|(_, (at, _))| *at == port && port != 0) {
                bail!("{other} and {name} are both {port}: name two ports");
            }
            let address = SocketAddr::new(self.listen, port);
            let listener = TcpListener::bind(address).with_context(|| {
                format!(
                    "cannot listen on {address}: name another {name}, or stop who listens there"
                )
            })?;
            held.push((name, (port, listener)));
        }
        Ok(())
    }

    /// Origins that browsers may call from.
    pub(super) fn cors_origins(&self) -> Vec<String> {
        preflight::origins(&self.cors_origins)
    }

    /// The time between blocks, as an option.
    pub(crate) fn block_time_text(&self) -> String {
        match self.block_time {
            BlockTiming::Instant => "instant".to_owned(),
            BlockTiming::Every(time) => format!("{}ms", time.as_millis().max(1)),
        }
    }
}

/// Options of [`Start`] that commands have too, so that they may stand before or behind a command's name.
const SHARED: [&str; 2] = ["home", "output"];

/// Refuses options of a start before the name of a command: they would do nothing.
pub(crate) fn check_options(given: &ArgMatches) -> Result<(), clap::Error> {
    let Some(name) = given.subcommand_name() else {
        return Ok(());
    };
    let known = Args::augment_args(clap::Command::new("localnet"));
    let useless = known.get_arguments().find(|argument| {
        let id = argument.get_id().as_str();
        let is_given = given.value_source(id) == Some(ValueSource::CommandLine);
        is_given && !SHARED.contains(&id)
    });
    match useless.and_then(|argument| argument.get_long()) {
        Some(option) => Err(clap::Error::raw(
            ErrorKind::ArgumentConflict,
            format!("--{option} is for the start of a network, and not for `localnet {name}`"),
        )),
        None => Ok(()),
    }
}
