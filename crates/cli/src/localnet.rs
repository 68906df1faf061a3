//! `strongroom localnet`: makes a network under a home directory, or goes on with the one that is there.

use crate::faucet::{self, AMOUNT, DENOM, Faucet};
use crate::home::{Home, write_file};
use crate::preflight;
use crate::stop::Stop;
use crate::tether;
use anyhow::{Context as _, bail};
use clap::{Args as ClapArgs, ValueEnum};
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use strongroom_bridge::Transport;
use strongroom_bridge::child::{self, Process};
use strongroom_chain::genesis::NetworkKeys;
use strongroom_chain::genesis::{LocalnetParams, localnet_genesis};
use strongroom_chain::tx::GasPrice;
use strongroom_consensus::cometbft::binary;
use strongroom_consensus::{
    BlockTiming, Clock as _, GenesisFile, NodeKey, Signer, SystemClock, privval,
};
use strongroom_http::Shares;
use strongroom_node::exceptions::{Exception, Exceptions};
use strongroom_node::node::{Comet, Config, Consensus, Layout, Node, enclave, open_stores};
use strongroom_sdk::keys::Account;
use strongroom_sdk::local::{self, ACCOUNTS};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Name of a new chain, unless another is given.
const CHAIN_ID: &str = "secretdev-1";
/// The node's name among clients.
const MONIKER: &str = "banana";
/// The account that the faucet pays from.
const FAUCET_ACCOUNT: &str = "a";
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
    /// Who decides blocks: `solo`, this process alone, or `cometbft`, a real CometBFT with one validator
    /// (scripts/install-cometbft) [default: solo]. A network keeps the engine that it began with.
    #[arg(long, value_enum)]
    pub(crate) engine: Option<EngineChoice>,
    /// The `cometbft` to run [default: tools/bin of the project, or the PATH].
    #[arg(long, value_name = "PATH")]
    cometbft: Option<PathBuf>,
    /// Time between blocks; `instant` makes one as soon as a transaction waits, and none without.
    #[arg(long, value_name = "TIME", value_parser = block_time, default_value = "1s")]
    block_time: BlockTiming,
    /// Name of a new chain [default: secretdev-1]. An existing one keeps its name.
    #[arg(long, value_parser = preflight::chain_id)]
    chain_id: Option<String>,
    /// The least fee for each unit of gas, in uscrt. Wallets pay 0.1 unless they are told otherwise.
    #[arg(long, value_parser = preflight::gas_price, default_value = "0.0125uscrt")]
    min_gas_price: GasPrice,
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
fn block_time(text: &str) -> Result<BlockTiming, String> {
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

/// Runs until a signal, or until something ends by itself.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("STRONGROOM_LOG")
                .unwrap_or_else(|_| "warn".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let shares = preflight::machine()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(SERVER_THREADS)
        .max_blocking_threads(STARTING_THREADS)
        .enable_all()
        .build()
        .context("no threads for the servers")?;
    runtime.block_on(async {
        let stop = Stop::listen()?;
        // Everything that can be wrong is looked for before anything is changed.
        let home = Home::open(&args.home)?;
        preflight::check(&args)?;
        let home = home.map_or_else(|| Home::create(&args.home), Ok)?;
        let ran = network(&args, &home, shares, stop).await;
        if home.has_previous() {
            match home.recover() {
                Ok(()) => eprintln!("the new network made no block: the old one is back"),
                // Every start tries it again.
                Err(error) => eprintln!(
                    "the new network made no block: the next start brings the old one back ({})",
                    crate::in_one_line(&error)
                ),
            }
        }
        ran
    })
}

async fn network(args: &Args, home: &Home, shares: Shares, mut stop: Stop) -> anyhow::Result<()> {
    let (died, mut dead) = mpsc::unbounded_channel();
    let existing = home.network().filter(|_| !args.reset);
    let path = match existing {
        Some(path) => path,
        None => {
            // An enclave of its own: the one that serves begins with the seal, as at every later start.
            let (transport, process) = start_enclave(died.clone())?;
            let chain_id = args.chain_id.as_deref().unwrap_or(CHAIN_ID);
            let engine = args.engine.unwrap_or(EngineChoice::Solo);
            let layout = Layout(home.prepare()?);
            bootstrap(&layout, Arc::clone(&transport), chain_id, engine)?;
            // In this order: an enclave whose door closes while nobody expects it counts as dead.
            process.stop();
            drop(transport);
            home.install()?
        }
    };
    let layout = Layout(path.clone());
    let genesis =
        fs::read(layout.genesis()).with_context(|| layout.genesis().display().to_string())?;
    let genesis = GenesisFile::parse(genesis)?;
    let chain_id = genesis.doc.chain_id.clone();
    if let Some(other) = args.chain_id.as_deref().filter(|id| *id != chain_id) {
        bail!(
            "the network there is {chain_id}: --chain-id {other} needs --reset, or another --home"
        );
    }
    let (transport, process) = start_enclave(died)?;
    if !args.skip_tx.is_empty() {
        Exceptions::add(&layout.exceptions(), &args.skip_tx)?;
    }
    let seal = fs::read(layout.seal()).with_context(|| layout.seal().display().to_string())?;
    let consensus = consensus(args, &layout)?;

    let config = Config {
        home: path,
        rest: SocketAddr::new(args.listen, args.rest_port),
        rpc: SocketAddr::new(args.listen, args.rpc_port),
        shares: shares.clone(),
        min_gas_price: args.min_gas_price.clone(),
        moniker: MONIKER.to_owned(),
    };
    let faucet_at = SocketAddr::new(args.listen, args.faucet_port);
    let listening = TcpListener::bind(faucet_at).await;
    let listening = listening.with_context(|| format!("cannot serve on {faucet_at}"))?;
    let mut node = Node::start(config, transport, genesis, seal, consensus).await?;
    let payer = Faucet::new(
        faucet_account()?,
        chain_id.clone(),
        args.min_gas_price.clone(),
        node.rpc(),
    );
    let faucet = faucet::serve(payer, listening, shares.faucet)?;
    if node.wait_for(1).await {
        home.keep()?;
        greet(&node, faucet.address(), &chain_id, &args.home)?;
    }
    // From here on there is something to stop in good order.
    stop.in_order();
    let reason = tokio::select! {
        () = stop.asked() => None,
        reason = node.ended() => Some(reason),
        Some(reason) = dead.recv() => Some(reason),
    };
    if let Some(reason) = reason {
        // Nothing is lost: what was decided is on disk, and the next start goes on from there.
        bail!("{reason}. Start again to go on from the last block");
    }
    eprintln!("stopping");
    faucet.stop().await;
    node.stop().await?;
    process.stop();
    Ok(())
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

/// This executable again, as the enclave.
pub(crate) fn start_enclave(
    died: mpsc::UnboundedSender<String>,
) -> anyhow::Result<(Arc<dyn Transport>, Process)> {
    let executable = std::env::current_exe().context("this executable cannot be found")?;
    let (host, process) = child::spawn(&executable, &["enclave"], move |how| {
        let _ = died.send(how);
    })?;
    Ok((host, process))
}

/// The seed is born in the enclave; the genesis names its keys; the seal names the genesis.
fn bootstrap(
    layout: &Layout,
    transport: Arc<dyn Transport>,
    chain_id: &str,
    engine: EngineChoice,
) -> anyhow::Result<()> {
    for directory in ["config", "data"] {
        let directory = layout.0.join(directory);
        fs::create_dir(&directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
    }
    let stores = open_stores(layout)?;
    let enclave = enclave(transport, &stores);
    let keys = enclave.bootstrap_begin()?;
    let signer = Signer::create(&layout.validator_key(), &layout.validator_state())?;
    if engine == EngineChoice::Cometbft {
        NodeKey::create(&layout.node_key())?;
    }
    let genesis = localnet_genesis(&LocalnetParams {
        chain_id: chain_id.to_owned(),
        time: SystemClock.now(),
        validator: signer.pubkey(),
        // The node is alone: it has no key of its own.
        node_key: signer.pubkey(),
        authority: faucet_account()?.address(),
        keys: NetworkKeys {
            io: keys.io,
            node_exchange: keys.exchange,
        },
    })?;
    write_file(&layout.seal(), &enclave.bootstrap_seal(genesis.clone())?)?;
    write_file(&layout.genesis(), &genesis)
}

fn faucet_account() -> anyhow::Result<Account> {
    let account = local::account(FAUCET_ACCOUNT).context("the faucet has no account")?;
    Ok(Account::from_mnemonic(account.mnemonic)?)
}

/// What a newcomer wants to know, on standard output.
fn greet(node: &Node, faucet: SocketAddr, chain_id: &str, home: &Path) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let rest = node.rest();
    writeln!(
        out,
        "Strongroom local network {chain_id} is running. Data: {}",
        home.display()
    )?;
    writeln!(out)?;
    writeln!(out, "  REST     http://{rest}")?;
    writeln!(
        out,
        "  RPC      http://{}  (websocket: /websocket)",
        node.rpc()
    )?;
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
