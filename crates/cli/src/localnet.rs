//! `strongroom localnet`: makes a network under a home directory, or goes on with the one that is there.

use crate::cluster::{self, Cluster, VALIDATORS_MAX};
use crate::faucet::{self, AMOUNT, DENOM, Faucet};
use crate::home::{Home, write_file};
use crate::node_process::{Running, went_on_before};
use crate::preflight;
use crate::stop::Stop;
use crate::{enclave_process, operator, tether};
use anyhow::{Context as _, bail};
use clap::{Args as ClapArgs, ValueEnum};
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use strongroom_chain::genesis::NetworkKeys;
use strongroom_chain::genesis::{LocalnetParams, localnet_genesis};
use strongroom_chain::tx::GasPrice;
use strongroom_consensus::cometbft::binary;
use strongroom_consensus::{
    BlockTiming, Clock as _, GenesisFile, NodeKey, Signer, SystemClock, privval,
};
use strongroom_http::{Server, Shares};
use strongroom_node::enclave::Enclave;
use strongroom_node::exceptions::{Exception, Exceptions};
use strongroom_node::node::{Comet, Config, Consensus, Layout, enclave, open_stores};
use strongroom_sdk::keys::Account;
use strongroom_sdk::local::{self, ACCOUNTS};
use strongroom_types::Address;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

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
pub(crate) struct Args {
    /// Directory of the network's data.
    #[arg(long, default_value = ".strongroom/localnet")]
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
    /// Leave this transaction out of its block: the way past a block that no enclave can execute (docs/spec/door.md).
    /// The home remembers it.
    #[arg(long, value_name = "HEIGHT:HASH")]
    skip_tx: Vec<Exception>,
    /// Address to listen on. Anything but the loopback offers well-known keys to strangers.
    #[arg(long, default_value_t = std::net::IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) listen: std::net::IpAddr,
    /// Port of REST.
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

/// The shortest and the longest time between blocks.
const BLOCK_TIMES: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(3_600)];

/// `instant`, or a number with its unit: `500ms`, `1s`, `2m`.
pub(crate) fn block_time(text: &str) -> Result<BlockTiming, String> {
    if text == "instant" {
        return Ok(BlockTiming::Instant);
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..) {
        Some("ms") => 1,
        Some("s") => 1_000,
        Some("m") => 60_000,
        _ => 0_u64,
    };
    let number = digits.parse::<u32>().ok().map(u64::from);
    let time = number.map(|number| Duration::from_millis(number.saturating_mul(unit)));
    let [least, most] = BLOCK_TIMES;
    match time {
        Some(time) if (least..=most).contains(&time) => Ok(BlockTiming::Every(time)),
        _ => Err("`instant`, or a time of 10ms to 60m such as 500ms, 1s or 2m".to_owned()),
    }
}

impl Args {
    /// The time between blocks, as an option.
    pub(crate) fn block_time_text(&self) -> String {
        match self.block_time {
            BlockTiming::Instant => "instant".to_owned(),
            BlockTiming::Every(time) => format!("{}ms", time.as_millis()),
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

/// Runs until a signal, or until something ends by itself.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    log();
    let shares = preflight::machine()?;
    let runtime = runtime()?;
    runtime.block_on(async {
        let stop = Stop::listen()?;
        // Everything that can be wrong is looked for before anything is changed.
        let home = Home::open(&args.home)?;
        preflight::check(&args)?;
        let home = home.map_or_else(|| Home::create(&args.home), Ok)?;
        let ran = network(&args, &home, shares, stop).await;
        if home.has_previous() {
            match home.recover() {
                Ok(()) => talk!("the new network made no block: the old one is back"),
                // Every start tries it again.
                Err(error) => talk!(
                    "the new network made no block: the next start brings the old one back ({})",
                    crate::in_one_line(&error)
                ),
            }
        }
        ran
    })
}

async fn network(args: &Args, home: &Home, shares: Shares, mut stop: Stop) -> anyhow::Result<()> {
    let existing = home.network().filter(|_| !args.reset);
    let path = match existing {
        Some(path) => path,
        None => {
            let new = home.prepare()?;
            let layout = Layout(new.clone());
            match (args.validators, args.engine) {
                (Some(validators), _) => cluster::make(&new, validators, args)?,
                (None, Some(EngineChoice::Cometbft)) => operator::keys(&layout)?,
                (None, _) => operator::validator_key(&layout)?,
            }
            if args.validators.is_none() {
                bootstrap(&layout, args.chain_id.as_deref().unwrap_or(CHAIN_ID))?;
            }
            home.install()?
        }
    };
    if cluster::size(&path) > 0 {
        return several(args, home, &path, shares, stop).await;
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
    let genesis =
        fs::read(layout.genesis()).with_context(|| layout.genesis().display().to_string())?;
    check_chain(args, &GenesisFile::parse(genesis)?.doc.chain_id)?;
    let consensus = consensus(args, &layout)?;
    let config = Config {
        home: path,
        rest: SocketAddr::new(args.listen, args.rest_port),
        rpc: SocketAddr::new(args.listen, args.rpc_port),
        shares: shares.clone(),
        min_gas_price: args.min_gas_price.clone(),
        moniker: MONIKER.to_owned(),
    };
    let listening = listen_faucet(args).await?;
    let mut running = Running::start(config, consensus).await?;
    let rpc = running.node.rpc();
    let chain_id = running.chain_id.clone();
    let faucet = serve_faucet(args, listening, &chain_id, rpc, shares)?;
    if running.node.wait_for(1).await {
        home.keep()?;
        greet(args, running.node.rest(), rpc, faucet.address(), &chain_id)?;
    }
    // From here on there is something to stop in good order.
    stop.in_order();
    let reason = tokio::select! {
        () = stop.asked() => None,
        reason = running.ended() => Some(reason),
    };
    if let Some(reason) = reason {
        return went_on_before(&reason);
    }
    talk!("stopping");
    faucet.stop().await;
    running.stop().await
}

/// A network of several nodes, each a process of its own.
async fn several(
    args: &Args,
    home: &Home,
    path: &Path,
    shares: Shares,
    mut stop: Stop,
) -> anyhow::Result<()> {
    if args.engine == Some(EngineChoice::Solo) {
        bail!("--engine solo is for one validator");
    }
    let genesis = fs::read(Layout(path.join("node0/network")).genesis())?;
    let chain_id = GenesisFile::parse(genesis)?.doc.chain_id;
    check_chain(args, &chain_id)?;
    // Nothing of what starts is lost when it is interrupted, and nodes end with this process.
    let listening = listen_faucet(args).await?;
    let mut cluster = Cluster::start(path, args).await?;
    home.keep()?;
    let rpc = cluster.rpc()?;
    let faucet = serve_faucet(args, listening, &chain_id, rpc, shares)?;
    let rest = SocketAddr::new(args.listen, args.rest_port);
    greet(args, rest, rpc, faucet.address(), &chain_id)?;
    stop.in_order();
    let ended = cluster.watch(&mut stop).await;
    talk!("stopping");
    faucet.stop().await;
    tokio::task::block_in_place(|| cluster.stop());
    ended
}

fn check_chain(args: &Args, chain_id: &str) -> anyhow::Result<()> {
    if let Some(other) = args.chain_id.as_deref().filter(|id| *id != chain_id) {
        bail!(
            "the network there is {chain_id}: --chain-id {other} needs --reset, or another --home"
        );
    }
    Ok(())
}

async fn listen_faucet(args: &Args) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::new(args.listen, args.faucet_port);
    let listening = TcpListener::bind(address).await;
    listening.with_context(|| format!("cannot serve on {address}"))
}

fn serve_faucet(
    args: &Args,
    listening: TcpListener,
    chain_id: &str,
    rpc: SocketAddr,
    shares: Shares,
) -> anyhow::Result<Server> {
    let price = args.min_gas_price.clone();
    let payer = Faucet::new(faucet_account()?, chain_id.to_owned(), price, rpc);
    Ok(faucet::serve(payer, listening, shares.faucet)?)
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

/// The engine that the network began with, as it is to run now.
fn consensus(args: &Args, layout: &Layout) -> anyhow::Result<Consensus> {
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
        (EngineChoice::Solo, timing) => Ok(Consensus::Solo {
            signer: Box::new(Signer::open(
                &layout.validator_key(),
                &layout.validator_state(),
            )?),
            timing,
        }),
        (EngineChoice::Cometbft, BlockTiming::Instant) => {
            bail!("--block-time instant is for --engine solo: a network makes empty blocks")
        }
        (EngineChoice::Cometbft, BlockTiming::Every(block_time)) => Ok(Consensus::Comet(Comet {
            binary: binary::find(args.cometbft.as_deref())?,
            launcher: tether::launcher()?,
            p2p: SocketAddr::new(args.listen, args.p2p_port),
            external_address: String::new(),
            persistent_peers: Vec::new(),
            block_time,
            local: true,
            node_id: NodeKey::open(&layout.node_key())?.id(),
            validator: privval::pubkey(&layout.validator_key())?,
        })),
    }
}

/// Begins a local network. Gives its genesis file.
pub(crate) fn bootstrap(layout: &Layout, chain_id: &str) -> anyhow::Result<Vec<u8>> {
    let authority = faucet_account()?.address();
    begin(layout, chain_id, authority, |_, genesis| Ok(genesis))
}

/// The seed is born in the enclave; the genesis names its keys; the seal names the genesis. The keys of the node are there. `genesis` makes
/// the genesis file out of that of a local network, while the enclave has the seed that is not sealed yet. Gives that file.
pub(crate) fn begin(
    layout: &Layout,
    chain_id: &str,
    authority: Address,
    genesis: impl FnOnce(&Enclave, Vec<u8>) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<Vec<u8>> {
    // An enclave of its own: the one that serves begins with the seal, as at every later start.
    let (died, _dead) = mpsc::unbounded_channel();
    let (transport, process) = enclave_process::start(layout, died)?;
    let enclave = enclave(transport, &open_stores(layout)?);
    let begun = sealed_genesis(layout, &enclave, chain_id, authority, genesis);
    // In this order: an enclave whose door closes while nobody expects it counts as dead.
    process.stop();
    drop(enclave);
    begun
}

fn sealed_genesis(
    layout: &Layout,
    enclave: &Enclave,
    chain_id: &str,
    authority: Address,
    genesis: impl FnOnce(&Enclave, Vec<u8>) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<Vec<u8>> {
    let keys = enclave.bootstrap_begin()?;
    let validator = privval::pubkey(&layout.validator_key())?;
    let node_key = match layout.node_key().exists() {
        true => NodeKey::open(&layout.node_key())?.pubkey(),
        // A node that is alone has no key of its own.
        false => validator,
    };
    let local = localnet_genesis(&LocalnetParams {
        chain_id: chain_id.to_owned(),
        time: SystemClock.now(),
        validator,
        node_key,
        authority,
        keys: NetworkKeys {
            io: keys.io,
            node_exchange: keys.exchange,
        },
    })?;
    let genesis = genesis(enclave, local)?;
    write_file(&layout.seal(), &enclave.bootstrap_seal(genesis.clone())?)?;
    write_file(&layout.genesis(), &genesis)?;
    // What the state machine refuses is refused here, not at the first start.
    enclave.init_chain(genesis.clone())?;
    Ok(genesis)
}

pub(crate) fn faucet_account() -> anyhow::Result<Account> {
    let account = local::account(FAUCET_ACCOUNT).context("the faucet has no account")?;
    Ok(Account::from_mnemonic(account.mnemonic)?)
}

/// What a newcomer wants to know, on standard output.
fn greet(
    args: &Args,
    rest: SocketAddr,
    rpc: SocketAddr,
    faucet: SocketAddr,
    chain_id: &str,
) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "Strongroom local network {chain_id} is running. Data: {}",
        args.home.display()
    )?;
    writeln!(out)?;
    writeln!(out, "  REST     http://{rest}")?;
    writeln!(out, "  RPC      http://{}  (websocket: /websocket)", rpc)?;
    writeln!(
        out,
        "  Faucet   http://{faucet}/faucet?address=secret1…  ({AMOUNT} {DENOM} each)"
    )?;
    writeln!(out)?;
    writeln!(
        out,
        "Accounts (public test keys, 10^18 {DENOM} each; never use them elsewhere):"
    )?;
    for account in &ACCOUNTS {
        writeln!(out, "  {:<9} {}", account.name, account.address)?;
        writeln!(out, "            {}", account.mnemonic)?;
    }
    writeln!(out)?;
    writeln!(
        out,
        "Simulated platform: the code and the checks are those of a real network, secrecy from this machine is not."
    )?;
    writeln!(out)?;
    writeln!(out, "Try next, in another terminal:")?;
    if let Some(b) = local::account("b") {
        writeln!(out, "  curl 'http://{faucet}/faucet?address={}'", b.address)?;
        writeln!(
            out,
            "  curl http://{rest}/cosmos/bank/v1beta1/balances/{}",
            b.address
        )?;
    }
    writeln!(out)?;
    writeln!(
        out,
        "Stop with Ctrl-C. The same command goes on from here; --reset begins anew."
    )?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_between_blocks_has_a_unit_and_bounds() {
        let every = |ms| Ok(BlockTiming::Every(Duration::from_millis(ms)));
        for (text, time) in [
            ("instant", Ok(BlockTiming::Instant)),
            ("10ms", every(10)),
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
            "9ms",
            "61m",
            "-1s",
            "1h",
            "1 s",
            "99999999999s",
            "1.5s",
        ] {
            assert!(block_time(bad).is_err(), "{bad}");
        }
    }
}
