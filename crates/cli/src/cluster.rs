//! `strongroom localnet --validators N`: N nodes on this machine, each with a home, ports, an enclave and a simulated machine of its own; and
//! `strongroom network stop|start|kill`, for one of them.
//!
//! The first begins the network. Each other one joins it over the chain, as a node of another operator would, and is then made a
//! validator by the authority, account `a`. Whatever was interrupted, the next start goes on with.

use crate::home::{self, Home, write_file};
use crate::localnet::{FAUCET_ACCOUNT, Start, bootstrap, faucet_account};
use crate::operator::{self, PID};
use crate::rpc::{self, Remote};
use crate::stop::Stop;
use crate::{join, tether};
use anyhow::{Context as _, bail, ensure};
use clap::{Args as ClapArgs, Subcommand};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};
use std::time::{Duration, Instant};
use strongroom_consensus::{NodeKey, privval};
use strongroom_node::node::Layout;
use strongroom_sdk::local;
use strongroom_sdk::tx::TxBuilder;
use strongroom_types::proto::strongroom::poa::v1::MsgSetValidator;

/// The most validators: 52 threads of a node and its enclave each, and CometBFT.
pub(crate) const VALIDATORS_MAX: u16 = 16;
/// Between the ports of one node and those of the next.
const PORT_STEP: u16 = 100;
/// Power of each validator: that of the first, as genesis gives it.
const POWER: u64 = 100_000_000_000;
/// Gas of making a validator.
const SET_GAS: u64 = 200_000;
/// How long a node may take to answer after its start, and to catch up.
const START_WAITS: Duration = Duration::from_secs(120);
/// How long a node may take to end in good order.
const STOP_WAITS: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(100);
/// Arguments that a node was started with, one in a line, beside its network.
const ARGUMENTS: &str = "arguments";
const LOG: &str = "node.log";
/// The mnemonic of the owner, which is public knowledge.
const OWNER: &str = "owner";

/// A node of the network.
struct Member {
    home: PathBuf,
    rpc: SocketAddr,
    arguments: Vec<OsString>,
    process: Option<Child>,
}

/// The nodes of a local network under a directory.
fn member_home(network: &Path, index: u16) -> PathBuf {
    network.join(format!("node{index}"))
}

/// What the first node of a network has.
pub(crate) fn first(network: &Path) -> Layout {
    Layout(member_home(network, 0).join("network"))
}

/// Number of nodes of a network; 0 if it is one of a single process.
pub(crate) fn size(network: &Path) -> u16 {
    let is_there = |index: &u16| member_home(network, *index).exists();
    (0..VALIDATORS_MAX).take_while(is_there).map(|_| 1).sum()
}

/// Makes the homes of all nodes: keys for each, and the genesis that the enclave of the first begins.
pub(crate) fn make(network: &Path, validators: u16, args: &Start) -> anyhow::Result<()> {
    let mut genesis = Vec::new();
    for index in 0..validators {
        let home = Home::create(&member_home(network, index))?;
        let layout = Layout(home.prepare()?);
        operator::keys(&layout)?;
        if index == 0 {
            genesis = bootstrap(&layout, args)?;
        } else {
            write_file(&layout.genesis(), &genesis)?;
        }
        home.install()?;
        let owner = local::account(FAUCET_ACCOUNT).context("there is no such account")?;
        write_file(&home.path().join(OWNER), owner.mnemonic.as_bytes())?;
    }
    Ok(())
}

/// Starts all nodes, lets them join, and makes them validators.
pub(crate) struct Cluster(Vec<Member>);

impl Cluster {
    pub(crate) async fn start(network: &Path, args: &Start) -> anyhow::Result<Self> {
        let there = size(network);
        ensure!(
            args.validators.is_none_or(|wanted| wanted == there),
            "the network there has {there} validators: another number needs --reset, or another --home"
        );
        let mut cluster = Self(Vec::new());
        for index in 0..there {
            cluster.0.push(Member::of(network, index, there, args)?);
        }
        // Those that have the seed, all at once: it may need more than one of them to make a block.
        for member in cluster.0.iter_mut().filter(|m| m.layout().seal().exists()) {
            member.run()?;
        }
        let first = cluster.rpc()?;
        for (index, member) in cluster.0.iter_mut().enumerate() {
            if member.process.is_none() {
                member
                    .join(first)
                    .await
                    .with_context(|| format!("validator {index} cannot join"))?;
                member.run()?;
            }
            member.answers().await?;
            member.vote(index, first).await?;
        }
        Ok(cluster)
    }

    /// The RPC of the first node.
    pub(crate) fn rpc(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.0.first().context("there is no first node")?.rpc)
    }

    /// Waits until the network is to stop. A node that ends is told, and the others go on; it ends when none is left.
    pub(crate) async fn watch(&mut self, stop: &mut Stop) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                () = stop.asked() => return Ok(()),
                () = tokio::time::sleep(POLL) => {}
            }
            for (index, member) in self.0.iter_mut().enumerate() {
                let ended = member
                    .process
                    .as_mut()
                    .and_then(|p| p.try_wait().ok().flatten());
                if let Some(status) = ended {
                    member.process = None;
                    talk!(
                        "validator {index} ended ({status}): `strongroom network start {index}` brings it back, its words are in {}",
                        member.home.join(LOG).display()
                    );
                }
            }
            if self
                .0
                .iter()
                .all(|m| m.process.is_none() && !home::is_locked(&m.home))
            {
                bail!("all validators have ended. Start again to go on from the last block");
            }
        }
    }

    /// Stops all nodes, also those that `network start` has started.
    pub(crate) fn stop(&mut self) {
        for member in &self.0 {
            signal(&member.home, Signal::TERM);
        }
        let until = Instant::now() + STOP_WAITS;
        for member in &mut self.0 {
            while home::is_locked(&member.home) && Instant::now() < until {
                reap(&mut member.process);
                std::thread::sleep(POLL);
            }
            signal(&member.home, Signal::KILL);
            if let Some(mut process) = member.process.take() {
                let _ = process.kill();
                let _ = process.wait();
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

fn reap(process: &mut Option<Child>) {
    if process
        .as_mut()
        .is_some_and(|p| !matches!(p.try_wait(), Ok(None)))
    {
        *process = None;
    }
}

impl Member {
    /// A node that does not run yet.
    fn of(network: &Path, index: u16, members: u16, args: &Start) -> anyhow::Result<Self> {
        let home = member_home(network, index);
        let port = |base: u16, index: u16| base.saturating_add(PORT_STEP.saturating_mul(index));
        let mut peers = Vec::new();
        for other in (0..members).filter(|other| *other != index) {
            let layout = Layout(member_home(network, other).join("network"));
            let id = NodeKey::open(&layout.node_key())?.id();
            peers.push(format!(
                "{id}@{}",
                SocketAddr::new(args.listen, port(args.p2p_port, other))
            ));
        }
        let rpc = SocketAddr::new(args.listen, port(args.rpc_port, index));
        let mut arguments: Vec<OsString> = ["node", "start", "--private-network", "--home"]
            .map(OsString::from)
            .to_vec();
        arguments.push(std::path::absolute(&home)?.into());
        let listen = args.listen.to_string();
        for (name, value) in [
            ("--rest-port", port(args.rest_port, index).to_string()),
            ("--rpc-port", rpc.port().to_string()),
            ("--p2p-port", port(args.p2p_port, index).to_string()),
            ("--listen", listen.clone()),
            ("--p2p-listen", listen),
            ("--moniker", format!("node{index}")),
            ("--block-time", args.block_time_text()),
            ("--min-gas-price", args.min_gas_price.text()),
            ("--contract-engine", args.contract_engine.name().to_owned()),
            (
                "--execution-threads",
                args.execution_threads
                    .map_or_else(String::new, |n| n.to_string()),
            ),
            ("--peers", peers.join(",")),
            (
                "--renew-with",
                std::path::absolute(home.join(OWNER))?
                    .to_string_lossy()
                    .into_owned(),
            ),
        ] {
            if !value.is_empty() {
                arguments.extend([name.into(), value.into()]);
            }
        }
        for origin in &args.cors_origins {
            arguments.extend(["--cors-origin".into(), origin.into()]);
        }
        if let Some(path) = &args.cometbft {
            arguments.extend(["--cometbft".into(), std::path::absolute(path)?.into()]);
        }
        Ok(Self {
            home,
            rpc,
            arguments,
            process: None,
        })
    }

    fn layout(&self) -> Layout {
        Layout(self.home.join("network"))
    }

    /// Attests and registers, through the first node.
    async fn join(&self, first: SocketAddr) -> anyhow::Result<()> {
        let _lock = Home::open(&self.home)?;
        join::run(&self.layout(), &faucet_account()?, &Remote::own(first)?).await
    }

    /// Starts the process.
    fn run(&mut self) -> anyhow::Result<()> {
        keep(&self.home, &self.arguments)?;
        let process = spawn(&self.home, &self.arguments, &tether::launcher()?)?;
        self.process = Some(process);
        Ok(())
    }

    /// Makes a node that has caught up a validator.
    async fn vote(&self, index: usize, first: SocketAddr) -> anyhow::Result<()> {
        let layout = self.layout();
        let key = privval::pubkey(&layout.validator_key())?;
        let mut client = rpc::own(first).await?;
        if operator::power(&mut client, &key).await? > 0 {
            return Ok(());
        }
        let authority = faucet_account()?;
        let chain_id = client.chain_id().await?;
        let message = MsgSetValidator {
            authority: authority.address().to_string(),
            node_id: NodeKey::open(&layout.node_key())?.id(),
            power: POWER,
            moniker: format!("node{index}"),
        };
        let tx = TxBuilder::new(chain_id).message(&message).gas(SET_GAS);
        client.send(&authority, &tx).await?.succeeded()?;
        Ok(())
    }

    /// Waits until the node serves blocks and has those that the network has.
    async fn answers(&mut self) -> anyhow::Result<()> {
        let until = Instant::now() + START_WAITS;
        loop {
            let ended = self
                .process
                .as_mut()
                .and_then(|p| p.try_wait().ok().flatten());
            if let Some(status) = ended {
                bail!(
                    "a node ended while it started ({status}): {}",
                    last_words(&self.home)
                );
            }
            if is_ready(self.rpc).await.unwrap_or(false) {
                return Ok(());
            }
            ensure!(
                Instant::now() < until,
                "a node does not answer: {}",
                last_words(&self.home)
            );
            tokio::time::sleep(POLL).await;
        }
    }
}

async fn is_ready(rpc: SocketAddr) -> anyhow::Result<bool> {
    let mut client = rpc::own(rpc).await?;
    let status = client.call("status", &serde_json::json!({})).await?;
    let sync = &status["sync_info"];
    Ok(sync["catching_up"] == false && sync["latest_block_height"] != "0")
}

/// The last line of a node's log.
fn last_words(home: &Path) -> String {
    let log = fs::read(home.join(LOG)).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    log.lines().last().unwrap_or("it said nothing").to_owned()
}

fn keep(home: &Path, arguments: &[OsString]) -> anyhow::Result<()> {
    let lines: Vec<_> = arguments.iter().map(|a| a.to_string_lossy()).collect();
    write_file(&home.join(ARGUMENTS), lines.join("\n").as_bytes())
}

fn spawn(home: &Path, arguments: &[OsString], launcher: &[OsString]) -> anyhow::Result<Child> {
    let path = home.join(LOG);
    let mut options = File::options();
    let log = options.create(true).append(true).open(&path);
    let log = log.with_context(|| path.display().to_string())?;
    let executable = std::env::current_exe().context("this executable cannot be found")?;
    let mut words = launcher.to_vec();
    words.push(executable.into());
    words.extend(arguments.iter().cloned());
    let mut words = words.into_iter();
    let first = words.next().unwrap_or_default();
    Process::new(first)
        .args(words)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()
        .context("a node cannot be started")
}

/// Signals the node of a home, if one runs.
fn signal(home: &Path, signal: Signal) -> bool {
    if !home::is_locked(home) {
        return false;
    }
    let id = fs::read_to_string(home.join(PID)).ok();
    let id = id
        .and_then(|text| text.trim().parse().ok())
        .and_then(Pid::from_raw);
    id.is_some_and(|id| kill_process(id, signal).is_ok())
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Stop one validator of a local network in good order.
    #[command(after_help = "Example:\n  strongroom network stop 3")]
    Stop(One),
    /// Start one validator of a local network again.
    #[command(after_help = "Example:\n  strongroom network start 3")]
    Start(One),
    /// Kill one validator of a local network at once.
    #[command(after_help = "Example:\n  strongroom network kill 3")]
    Kill(One),
}

#[derive(ClapArgs)]
pub(crate) struct One {
    /// Which: 0 is the first.
    number: u16,
    /// Directory of the network's data.
    #[arg(long, default_value = ".strongroom/localnet")]
    home: PathBuf,
}

pub(crate) fn run(command: &Command) -> anyhow::Result<()> {
    let (one, wanted) = match command {
        Command::Stop(one) => (one, Some(Signal::TERM)),
        Command::Kill(one) => (one, Some(Signal::KILL)),
        Command::Start(one) => (one, None),
    };
    let home = member_home(&one.home.join("network"), one.number);
    ensure!(
        home.exists(),
        "network.no_validator: {} has no validator {}",
        one.home.display(),
        one.number
    );
    let running = home::is_locked(&home);
    match wanted {
        Some(how) => {
            ensure!(
                running,
                "network.not_running: validator {} does not run",
                one.number
            );
            ensure!(
                signal(&home, how),
                "network.starting: validator {} is starting: try again",
                one.number
            );
            let until = Instant::now() + STOP_WAITS;
            while home::is_locked(&home) {
                ensure!(
                    Instant::now() < until,
                    "validator {} does not end",
                    one.number
                );
                std::thread::sleep(POLL);
            }
            println!("validator {} is stopped", one.number);
        }
        None => {
            ensure!(
                !running,
                "network.running: validator {} runs already",
                one.number
            );
            let path = home.join(ARGUMENTS);
            let lines = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let arguments: Vec<OsString> = lines.lines().map(OsString::from).collect();
            let _ = fs::remove_file(home.join(PID));
            let mut process = spawn(&home, &arguments, &[])?;
            let until = Instant::now() + START_WAITS;
            while !home.join(PID).exists() {
                if let Some(status) = process.try_wait()? {
                    bail!(
                        "validator {} ended ({status}): {}",
                        one.number,
                        last_words(&home)
                    );
                }
                ensure!(
                    Instant::now() < until,
                    "validator {} does not start",
                    one.number
                );
                std::thread::sleep(POLL);
            }
            println!("validator {} runs and catches up", one.number);
        }
    }
    Ok(())
}
