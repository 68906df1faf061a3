//! `strongroom localnet`: makes a network under a home directory, or goes on with the one that is there.

mod admin;
mod begin;
mod command;
mod greet;
mod one;

pub(crate) use begin::{begin, bootstrap, faucet_account};

use crate::cluster::{self, Cluster, VALIDATORS_MAX};
use crate::faucet::{self, Faucet};
use crate::home::Home;
use crate::network::{Holder, holder};
use crate::node_process::went_on_before;
use crate::output::Output;
use crate::stop::Stop;
use crate::{operator, preflight, tether, verify};
use admin::{Admin, Request};
use anyhow::{Context as _, bail};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args as ClapArgs, ValueEnum};
use greet::Places;
use one::{End, One};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use strongroom_chain::modules::compute::EngineKind;
use strongroom_chain::tx::GasPrice;
use strongroom_consensus::cometbft::binary;
use strongroom_consensus::{
    BlockTiming, Clock as _, GenesisFile, NodeKey, ShiftedClock, Signer, SystemClock, privval,
};
use strongroom_http::{Server, Shares};
use strongroom_node::exceptions::{Exception, Exceptions};
use strongroom_node::node::{Comet, Consensus, Layout};
use tokio::net::TcpListener;

/// Name of a new chain, unless another is given.
pub(crate) const CHAIN_ID: &str = "secretdev-1";
/// The node's name among clients.
const MONIKER: &str = "banana";
/// The account that the faucet pays from.
pub(crate) const FAUCET_ACCOUNT: &str = "a";
/// Threads that serve connections; work that blocks has threads of its own.
const SERVER_THREADS: usize = 2;
/// Threads that step in while starting and stopping block one of those. Requests make none.
const STARTING_THREADS: usize = 2;

#[derive(ClapArgs)]
#[command(after_help = "Example:\n  strongroom localnet --block-time 500ms")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<command::Command>,
    #[command(flatten)]
    pub(crate) start: Start,
}

#[derive(ClapArgs)]
pub(crate) struct Start {
    /// Directory of the network's data.
    #[arg(long, default_value = HOME, global = true)]
    pub(crate) home: PathBuf,
    /// Begin a new network; the one that is there is removed when the new one has its first block.
    #[arg(long)]
    reset: bool,
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
    block_time: BlockTiming,
    /// Name of a new chain [default: secretdev-1]. An existing one keeps its name.
    #[arg(long, value_parser = preflight::chain_id)]
    pub(crate) chain_id: Option<String>,
    /// The least fee for each unit of gas, in uscrt. Wallets pay 0.1 unless they are told otherwise.
    #[arg(long, value_parser = preflight::gas_price, default_value = "0.0125uscrt")]
    pub(crate) min_gas_price: GasPrice,
    /// Another account of a new network, with its coins in uscrt; may be repeated.
    #[arg(long = "account", value_name = "ADDRESS=AMOUNT", value_parser = holder)]
    pub(crate) accounts: Vec<Holder>,
    /// Go on from this file, which `localnet dump` has made; the network that is there is removed when that works.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["reset", "validators", "accounts", "chain_id"])]
    load: Option<PathBuf>,
    /// An origin that browsers may call from, such as http://localhost:3000, or with one `*` inside; may be repeated [default: any].
    #[arg(long = "cors-origin", value_name = "ORIGIN")]
    cors_origins: Vec<String>,
    /// How the start is told: for people, or in one line for programs.
    #[arg(long, value_enum, default_value = "text", global = true)]
    output: Output,
    /// Leave this transaction out of its block: the way past a block that no enclave can execute (docs/spec/door.md).
    /// The home remembers it.
    #[arg(long, value_name = "HEIGHT:HASH")]
    skip_tx: Vec<Exception>,
    /// Address to listen on. Anything but the loopback offers well-known keys to strangers.
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

/// Where a local network lies, unless it is told otherwise.
const HOME: &str = ".strongroom/localnet";
/// How far the clock is ahead of the machine's, in nanoseconds, below `config`.
const CLOCK_AHEAD: &str = "config/clock_ahead";
const CLOCK_AHEAD_BYTES_MAX: usize = 64;
/// The shortest and the longest time between blocks.
const BLOCK_TIMES: [Duration; 2] = [Duration::from_millis(1), Duration::from_secs(86_400)];

/// `instant`, or a number with its unit: `500ms`, `1.5s`, `2m`, `1h`.
pub(crate) fn block_time(text: &str) -> Result<BlockTiming, String> {
    if text == "instant" {
        return Ok(BlockTiming::Instant);
    }
    let [least, most] = BLOCK_TIMES;
    match duration(text) {
        Ok(time) if (least..=most).contains(&time) => Ok(BlockTiming::Every(time)),
        _ => Err("`instant`, or a time of 1ms to 24h such as 500ms, 1.5s, 2m or 1h".to_owned()),
    }
}

/// A number with its unit.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong =
        || "a time is a number with its unit, such as 500ms, 1.5s, 2m, 1h or 30d".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match text.get(digits.len()..) {
        Some("ms") => 1_000_000,
        Some("s") => 1_000_000_000,
        Some("m") => 60_000_000_000,
        Some("h") => 3_600_000_000_000,
        Some("d") => 86_400_000_000_000,
        _ => return Err(wrong()),
    };
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(places) || places.len() > 9 {
        return Err(wrong());
    }
    let whole = whole.parse::<u64>().ok().and_then(|n| n.checked_mul(unit));
    let scale = 10_u64.pow(u32::try_from(places.len()).unwrap_or(0));
    let part = places.parse::<u64>().unwrap_or(0);
    let part = u64::try_from(u128::from(part) * u128::from(unit) / u128::from(scale));
    let nanos = whole.and_then(|whole| whole.checked_add(part.ok()?));
    nanos.map(Duration::from_nanos).ok_or_else(wrong)
}

impl Start {
    /// Origins that browsers may call from.
    fn cors_origins(&self) -> Vec<String> {
        match self.cors_origins.as_slice() {
            [] => vec!["*".to_owned()],
            named => named.to_vec(),
        }
    }

    /// The time between blocks, as an option.
    pub(crate) fn block_time_text(&self) -> String {
        match self.block_time {
            BlockTiming::Instant => "instant".to_owned(),
            BlockTiming::Every(time) => format!("{}ms", time.as_millis().max(1)),
        }
    }
}

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

/// Runs until a signal, or until something ends by itself; or tells a network that runs what to do.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    if let Some(command) = &args.command {
        return command::run(command);
    }
    let args = args.start;
    log();
    let shares = preflight::machine()?;
    let runtime = runtime()?;
    runtime.block_on(async {
        let stop = Stop::listen()?;
        // Everything that can be wrong is looked for before anything is changed.
        let home = Home::open(&args.home)?;
        preflight::check(&args)?;
        let home = home.map_or_else(|| Home::create(&args.home), Ok)?;
        let ran = network(args, &home, shares, stop).await;
        if home.has_previous() {
            recover(&home);
        }
        ran
    })
}

/// The network that was put away comes back.
fn recover(home: &Home) {
    match home.recover() {
        Ok(()) => talk!("the new network made no block: the old one is back"),
        // Every start tries it again.
        Err(error) => talk!(
            "the new network made no block: the next start brings the old one back ({})",
            crate::in_one_line(&error)
        ),
    }
}

/// The network of a home, or a new one.
fn settled(args: &Start, home: &Home) -> anyhow::Result<PathBuf> {
    if let Some(file) = &args.load {
        home.prepare_dump(file)?;
        return home.install();
    }
    if let Some(path) = home.network().filter(|_| !args.reset) {
        if !args.accounts.is_empty() {
            bail!("the network there has its accounts: --account needs --reset, or another --home");
        }
        return Ok(path);
    }
    let new = home.prepare()?;
    let layout = Layout(new.clone());
    match (args.validators, args.engine) {
        (Some(validators), _) => cluster::make(&new, validators, args)?,
        (None, Some(EngineChoice::Cometbft)) => operator::keys(&layout)?,
        (None, _) => operator::validator_key(&layout)?,
    }
    if args.validators.is_none() {
        let chain_id = args.chain_id.as_deref().unwrap_or(CHAIN_ID);
        bootstrap(&layout, chain_id, &args.accounts)?;
    }
    home.install()
}

async fn network(
    mut args: Start,
    home: &Home,
    shares: Shares,
    mut stop: Stop,
) -> anyhow::Result<()> {
    let path = settled(&args, home)?;
    if cluster::size(&path) > 0 {
        return several(&args, home, &path, shares, stop).await;
    }
    if let Some(validators) = args.validators {
        bail!(
            "the network there is one process: --validators {validators} needs --reset, or another --home"
        );
    }
    let layout = Layout(path.clone());
    if !args.skip_tx.is_empty() {
        Exceptions::add(&layout.exceptions(), &args.skip_tx)?;
    }
    let mut admin = None;
    // Who waits for the next start, and what there is to tell.
    let mut asked: Option<(Request, anyhow::Result<()>)> = None;
    loop {
        // A network that was made somewhere else, or before, may be there and make no block: that is found out while the other one is there.
        let is_restored = match asked {
            None => args.load.is_some(),
            Some(_) => home.has_previous(),
        };
        let mut one = match start(&args, home, &shares, is_restored).await {
            Ok(one) => one,
            // A network that was put back and does not run: the one before it goes on.
            Err(error) if asked.is_some() && home.has_previous() => {
                recover(home);
                asked = asked.map(|(request, _)| (request, Err(error)));
                continue;
            }
            Err(error) => {
                // Else every start from here on would fail.
                if is_restored && !home.has_previous() {
                    home.discard()?;
                }
                return Err(error);
            }
        };
        home.keep()?;
        let places = one.places(&args)?;
        if admin.is_none() {
            // The system may have chosen the ports: whoever knows them finds the network there again.
            args.rest_port = places.rest.port();
            args.rpc_port = places.rpc.port();
            args.faucet_port = places.faucet.port();
            admin = Some(Admin::listen(home)?);
            places.greet(args.output)?;
        }
        match asked.take() {
            Some((request, Ok(()))) => request.answer(one.status(&places).await),
            Some((request, Err(error))) => request.refuse(&error),
            None => {}
        }
        // From here on there is something to stop in good order.
        stop.in_order();
        let Some(admin) = &mut admin else { continue };
        match one.serve(&mut stop, admin, home, &places).await {
            End::Stop(request) => {
                talk!("stopping");
                let stopped = one.stop().await;
                if let Some(request) = request {
                    let answer = serde_json::json!({ "stopped": true });
                    admin.last(request, answer).await;
                }
                return stopped;
            }
            End::Itself(reason) => return went_on_before(&reason),
            End::Change(change, request) => {
                // Nothing may run while files are copied.
                one.stop().await?;
                let made = tokio::task::block_in_place(|| change.make(home));
                asked = Some((request, made));
            }
        }
    }
}

/// Starts the network of a home, and has it make a block if it was made somewhere else.
async fn start(
    args: &Start,
    home: &Home,
    shares: &Shares,
    is_restored: bool,
) -> anyhow::Result<One> {
    let mut one = One::start(args, home, shares.clone()).await?;
    if is_restored && let Err(error) = one.go_on().await {
        // Nothing may run while directories take each other's places.
        let _ = one.stop().await;
        return Err(error);
    }
    Ok(one)
}

fn not_solo_text() -> String {
    "localnet.not_solo: only a network of one process (--engine solo) can do this".to_owned()
}

fn not_solo() -> anyhow::Error {
    anyhow::anyhow!(not_solo_text())
}

/// A network of several nodes, each a process of its own.
async fn several(
    args: &Start,
    home: &Home,
    path: &Path,
    shares: Shares,
    mut stop: Stop,
) -> anyhow::Result<()> {
    if args.engine == Some(EngineChoice::Solo) {
        bail!("--engine solo is for one validator");
    }
    let genesis_file = Layout(path.join("node0/network")).genesis();
    let genesis = fs::read(&genesis_file)?;
    let chain_id = GenesisFile::parse(genesis)?.doc.chain_id;
    check_chain(args, &chain_id)?;
    // Nothing of what starts is lost when it is interrupted, and nodes end with this process.
    let listening = listen_faucet(args).await?;
    let mut cluster = Cluster::start(path, args).await?;
    home.keep()?;
    let rpc = cluster.rpc()?;
    let faucet = serve_faucet(args, listening, &chain_id, rpc, shares)?;
    let places = Places {
        chain_id,
        home: std::path::absolute(&args.home)?,
        genesis: std::path::absolute(genesis_file)?,
        rest: SocketAddr::new(args.listen, args.rest_port),
        rpc,
        faucet: faucet.address(),
    };
    let mut admin = Admin::listen(home)?;
    places.greet(args.output)?;
    stop.in_order();
    let mut asked = None;
    let ended = loop {
        let mut request = tokio::select! {
            ended = cluster.watch(&mut stop) => break ended,
            request = admin.next() => request,
        };
        match request.take() {
            admin::Do::Status => request.answer(admin::status(&places, None).await),
            admin::Do::Stop => {
                asked = Some(request);
                break Ok(());
            }
            admin::Do::Forward { .. } | admin::Do::To { .. } | admin::Do::Change(_) => {
                request.refuse(&not_solo())
            }
        }
    };
    talk!("stopping");
    faucet.stop().await;
    tokio::task::block_in_place(|| cluster.stop());
    if let Some(request) = asked {
        let answer = serde_json::json!({ "stopped": true });
        admin.last(request, answer).await;
    }
    ended
}

fn check_chain(args: &Start, chain_id: &str) -> anyhow::Result<()> {
    if let Some(other) = args.chain_id.as_deref().filter(|id| *id != chain_id) {
        bail!(
            "the network there is {chain_id}: --chain-id {other} needs --reset, or another --home"
        );
    }
    Ok(())
}

async fn listen_faucet(args: &Start) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::new(args.listen, args.faucet_port);
    let listening = TcpListener::bind(address).await;
    listening.with_context(|| format!("cannot serve on {address}"))
}

fn serve_faucet(
    args: &Start,
    listening: TcpListener,
    chain_id: &str,
    rpc: SocketAddr,
    shares: Shares,
) -> anyhow::Result<Server> {
    let price = args.min_gas_price.clone();
    let payer = Faucet::new(faucet_account()?, chain_id.to_owned(), price, rpc);
    let origins = args.cors_origins();
    Ok(faucet::serve(payer, listening, shares.faucet, &origins)?)
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

/// The engine that the network began with, as it is to run now, and the clock of Solo.
fn consensus(
    args: &Start,
    layout: &Layout,
) -> anyhow::Result<(Consensus, Option<Arc<ShiftedClock<SystemClock>>>)> {
    // Only a node with peers has a key for them.
    let engine = match layout.node_key().exists() {
        true => EngineChoice::Cometbft,
        false => EngineChoice::Solo,
    };
    if let Some(other) = args.engine.filter(|wanted| *wanted != engine) {
        bail!(
            "the network there runs on {engine:?}: --engine {other:?} needs --reset, or another --home"
        );
    }
    match (engine, args.block_time) {
        (EngineChoice::Solo, timing) => {
            let clock = Arc::new(ShiftedClock::new(SystemClock, clock_ahead(layout)?));
            admin::check_clock(clock.now()).with_context(|| CLOCK_AHEAD.to_owned())?;
            let consensus = Consensus::Solo {
                signer: Box::new(Signer::open(
                    &layout.validator_key(),
                    &layout.validator_state(),
                )?),
                timing,
                clock: Arc::clone(&clock) as Arc<_>,
            };
            Ok((consensus, Some(clock)))
        }
        (EngineChoice::Cometbft, BlockTiming::Instant) => {
            bail!("--block-time instant is for --engine solo: a network makes empty blocks")
        }
        (EngineChoice::Cometbft, BlockTiming::Every(block_time)) => {
            let comet = Consensus::Comet(Comet {
                binary: binary::find(args.cometbft.as_deref())?,
                launcher: tether::launcher()?,
                p2p: SocketAddr::new(args.listen, args.p2p_port),
                external_address: String::new(),
                persistent_peers: Vec::new(),
                block_time,
                local: true,
                node_id: NodeKey::open(&layout.node_key())?.id(),
                validator: privval::pubkey(&layout.validator_key())?,
            });
            Ok((comet, None))
        }
    }
}

/// How far the clock of blocks is ahead of the machine's.
fn clock_ahead(layout: &Layout) -> anyhow::Result<Duration> {
    let path = layout.0.join(CLOCK_AHEAD);
    if !path.exists() {
        return Ok(Duration::ZERO);
    }
    let bytes = verify::read(&path, CLOCK_AHEAD_BYTES_MAX)?;
    let text = String::from_utf8_lossy(&bytes);
    let nanos = text.trim().parse();
    let nanos = nanos.with_context(|| format!("{}: no number of nanoseconds", path.display()))?;
    Ok(Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_between_blocks_has_a_unit_and_bounds() {
        let every = |ms| Ok(BlockTiming::Every(Duration::from_millis(ms)));
        for (text, time) in [
            ("instant", Ok(BlockTiming::Instant)),
            ("1ms", every(1)),
            ("10ms", every(10)),
            ("1.5s", every(1_500)),
            ("0.25s", every(250)),
            ("1h", every(3_600_000)),
            ("24h", every(86_400_000)),
            ("1d", every(86_400_000)),
            ("500ms", every(500)),
            ("1s", every(1_000)),
            ("6s", every(6_000)),
            ("60m", every(3_600_000)),
        ] {
            assert_eq!(block_time(text), time, "{text}");
        }
        for bad in [
            "",
            "1",
            "s",
            "0.5ms",
            "25h",
            "-1s",
            "1 s",
            "1.s.",
            ".5s",
            "1.0000000001s",
            "99999999999s",
            "18446744073709551616d",
        ] {
            assert!(block_time(bad).is_err(), "{bad}");
        }
    }
}
