//! `strongroom node …`: what an operator does with a node of a network.

use crate::home::{Home, write_file};
use crate::node_process::{self, Running, reachable, went_on_before};
use crate::output::say;
use crate::renew::Renewal;
use crate::rpc::{Ca, Client, Remote};
use crate::stop::Stop;
use crate::{enclave_process, given, join, preflight, query, sync, tether};
use anyhow::{Context as _, bail, ensure};
use clap::{Args as ClapArgs, Subcommand};
use serde_json::json;
use std::fs;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use strongroom_chain::modules::compute::{EngineKind, EngineSettings};
use strongroom_chain::tx::GasPrice;
use strongroom_consensus::cometbft::binary;
use strongroom_consensus::{BlockTiming, GenesisFile, NodeKey, Signer, privval};
use strongroom_node::node::{Comet, Config, Consensus, Layout};
use strongroom_sdk::keys::Account;
use strongroom_types::genesis::GENESIS_BYTES_MAX;
use zeroize::Zeroizing;

/// The file, beside the network, that names the process of a running node.
pub(crate) const PID: &str = "pid";
/// The longest file of a mnemonic.
const MNEMONIC_BYTES_MAX: u64 = 4_096;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make the home of a node: its keys, and the genesis of the network that it is to join.
    #[command(after_help = "Example:\n  strongroom node init --genesis genesis.json")]
    Init(Init),
    /// Join the network: attest, register on chain, receive the seed enclave to enclave, confirm.
    #[command(
        after_help = "Example:\n  strongroom node register --node http://203.0.113.1:26657 --mnemonic operator.words"
    )]
    Register(Register),
    /// Run the node until Ctrl-C.
    #[command(
        after_help = "Example:\n  strongroom node start --peers \"$(cat peer)\" --external-address 203.0.113.2:26656"
    )]
    Start(Box<Start>),
    /// What the node is, and what the network says of it.
    #[command(after_help = "Example:\n  strongroom node status")]
    Status(Status),
}

#[derive(ClapArgs)]
pub(crate) struct Init {
    /// Directory of the node.
    #[arg(long, default_value = ".strongroom/node")]
    home: PathBuf,
    /// The genesis file of the network, from somebody you trust: its hash names the network.
    #[arg(long)]
    genesis: PathBuf,
}

/// Pages of 100 validators that are looked through.
const VALIDATOR_PAGES_MAX: usize = 10;

#[derive(ClapArgs)]
pub(crate) struct Register {
    /// Directory of the node. It must not be running.
    #[arg(long, default_value = ".strongroom/node")]
    home: PathBuf,
    /// RPC or REST of a node of the network, which is not trusted.
    #[arg(long, value_name = "URL")]
    node: String,
    #[command(flatten)]
    ca: Ca,
    /// File with the mnemonic of the account that will own the node and pays; `-` is the standard input.
    #[arg(long, value_name = "FILE")]
    mnemonic: PathBuf,
}

#[derive(ClapArgs)]
pub(crate) struct Start {
    /// Directory of the node.
    #[arg(long, default_value = ".strongroom/node")]
    home: PathBuf,
    /// Nodes to stay connected to, `id@host:port` each, with commas between.
    #[arg(long, value_delimiter = ',')]
    peers: Vec<String>,
    /// How others reach this node, `host:port`.
    #[arg(long, default_value = "")]
    external_address: String,
    /// The node's name among clients and peers.
    #[arg(long, default_value = "node")]
    moniker: String,
    /// Address of REST and RPC. Anything but the loopback is open to strangers.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// Address on which peers are listened for.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::UNSPECIFIED))]
    p2p_listen: IpAddr,
    /// Port of REST.
    #[arg(long, default_value_t = 1317)]
    rest_port: u16,
    /// Port of CometBFT's RPC and websocket.
    #[arg(long, default_value_t = 26657)]
    rpc_port: u16,
    /// Port on which peers are listened for.
    #[arg(long, default_value_t = 26656)]
    p2p_port: u16,
    /// An origin that browsers may call from, such as `https://app.example.com`, or with one `*` inside; may be repeated [default: any].
    #[arg(long = "cors-origin", value_name = "ORIGIN")]
    cors_origins: Vec<String>,
    /// Time between the commit of a block and the next proposal.
    #[arg(long, value_name = "TIME", value_parser = crate::times::block_time, default_value = "1s")]
    block_time: BlockTiming,
    /// The least fee for each unit of gas, in uscrt.
    #[arg(long, value_parser = preflight::gas_price, default_value = "0.0125uscrt")]
    min_gas_price: GasPrice,
    /// File with the mnemonic of the node's owner: the node renews its registration by itself before its evidence ends.
    #[arg(long, value_name = "FILE")]
    renew_with: Option<PathBuf>,
    /// Allow peers at private addresses, and several at one: for networks on one machine or in one building.
    #[arg(long)]
    private_network: bool,
    /// What runs contracts: `interpreter`, or `winch`, which compiles those that are used much (not on SGX; built with the feature `winch`).
    /// Blocks are the same with either.
    #[arg(long, value_name = "NAME", value_parser = enclave_process::engine, default_value = "interpreter")]
    contract_engine: EngineKind,
    /// Threads that run transactions of a block beside each other, at most 8. Blocks are the same with any number
    /// [default: 1, one after the other].
    #[arg(long, value_name = "N", value_parser = crate::enclave_process::threads)]
    execution_threads: Option<usize>,
    /// The `cometbft` to run [default: tools/bin of the project, or the PATH].
    #[arg(long, value_name = "PATH")]
    cometbft: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub(crate) struct Status {
    /// Directory of the node.
    #[arg(long, default_value = ".strongroom/node")]
    home: PathBuf,
    /// RPC or REST of the node, or of another one of the network.
    #[arg(long, default_value = "http://127.0.0.1:26657")]
    node: String,
    #[command(flatten)]
    ca: Ca,
}

/// What is started listens to signals by now.
pub(crate) fn run(command: Command, stop: Option<Stop>) -> anyhow::Result<()> {
    match command {
        Command::Init(args) => init(&args),
        Command::Register(args) => register(&args),
        Command::Start(args) => start(&args, stop),
        Command::Status(args) => status(&args),
    }
}

fn init(args: &Init) -> anyhow::Result<()> {
    let genesis = given::read(&args.genesis, GENESIS_BYTES_MAX)?;
    let file = GenesisFile::parse(genesis.clone())?;
    let home = empty_home(&args.home)?;
    let layout = Layout(home.prepare()?);
    keys(&layout)?;
    write_file(&layout.genesis(), &genesis)?;
    let layout = Layout(home.install()?);
    home.keep()?;
    say(format_args!(
        "node      {}",
        NodeKey::open(&layout.node_key())?.id()
    ));
    say(format_args!("network   {}", file.doc.chain_id));
    say(format_args!(
        "genesis   {} (SHA-256: compare it)",
        hex::encode(file.hash())
    ));
    say(format_args!("home      {}", args.home.display()));
    say("");
    say(format_args!(
        "Next: strongroom node register --home {} --node URL --mnemonic FILE",
        args.home.display()
    ));
    Ok(())
}

/// A home without a node.
pub(crate) fn empty_home(path: &Path) -> anyhow::Result<Home> {
    let home = Home::open(path)?.map_or_else(|| Home::create(path), Ok)?;
    ensure!(
        home.network().is_none(),
        "node.exists: {} has a node already: name another --home",
        path.display()
    );
    Ok(home)
}

/// Directories and the key of a validator: all that one that is alone needs.
pub(crate) fn validator_key(layout: &Layout) -> anyhow::Result<()> {
    for directory in ["config", "data"] {
        let directory = layout.0.join(directory);
        fs::create_dir(&directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
    }
    Signer::create(&layout.validator_key(), &layout.validator_state())?;
    Ok(())
}

/// Directories and keys of a new node.
pub(crate) fn keys(layout: &Layout) -> anyhow::Result<()> {
    validator_key(layout)?;
    NodeKey::create(&layout.node_key())?;
    enclave_process::name_machine(layout)
}

/// The home of a node, locked.
fn open(path: &Path) -> anyhow::Result<(Home, Layout)> {
    let nothing = || {
        format!(
            "node.missing: {} has no node: strongroom node init makes one",
            path.display()
        )
    };
    let home = Home::open(path)?.with_context(nothing)?;
    let layout = Layout(home.network().with_context(nothing)?);
    // Of a process that was killed: the lock is ours now.
    let _ = fs::remove_file(home.path().join(PID));
    Ok((home, layout))
}

fn register(args: &Register) -> anyhow::Result<()> {
    preflight::machine()?;
    let account = account(&args.mnemonic)?;
    let remote = Remote::new(&args.node, args.ca.ca_file.as_deref())?;
    let (_home, layout) = open(&args.home)?;
    node_process::runtime()?.block_on(join::run(&layout, &account, &remote))?;
    say(format_args!(
        "node {} is registered, owned by {}",
        NodeKey::open(&layout.node_key())?.id(),
        account.address()
    ));
    say(format_args!(
        "Next: strongroom node start --home {} --peers ID@HOST:26656",
        args.home.display()
    ));
    Ok(())
}

/// The account of a file with a mnemonic.
pub(crate) fn account(path: &Path) -> anyhow::Result<Account> {
    let mut words = Zeroizing::new(String::new());
    if path == Path::new("-") {
        std::io::stdin()
            .take(MNEMONIC_BYTES_MAX)
            .read_to_string(&mut words)?;
    } else {
        let file = fs::File::open(path).with_context(|| path.display().to_string())?;
        file.take(MNEMONIC_BYTES_MAX)
            .read_to_string(&mut words)
            .with_context(|| path.display().to_string())?;
    }
    Account::from_mnemonic(&one_line(&words)).with_context(|| path.display().to_string())
}

/// Words as people write them, in several lines and with blanks around, as the mnemonic that they are.
pub(crate) fn one_line(words: &str) -> Zeroizing<String> {
    let mut line = Zeroizing::new(String::with_capacity(words.len()));
    for word in words.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

fn start(args: &Start, stop: Option<Stop>) -> anyhow::Result<()> {
    node_process::log();
    let shares = preflight::machine()?;
    let (home, layout) = open(&args.home)?;
    ensure!(
        layout.seal().exists(),
        "node.no_seal: this node has no seed yet: strongroom node register --home {}",
        args.home.display()
    );
    let BlockTiming::Every(block_time) = args.block_time else {
        bail!("--block-time instant is for one validator: a network makes empty blocks");
    };
    let comet = comet(args, &layout, block_time)?;
    let node_id = comet.node_id.clone();
    let owner = args.renew_with.as_deref().map(account).transpose()?;
    let config = Config {
        home: layout.0.clone(),
        rest: SocketAddr::new(args.listen, args.rest_port),
        rpc: SocketAddr::new(args.listen, args.rpc_port),
        shares,
        min_gas_price: args.min_gas_price.clone(),
        moniker: args.moniker.clone(),
        cors_origins: preflight::origins(&args.cors_origins),
    };
    let mut stop = stop.map_or_else(Stop::listen, Ok)?;
    node_process::runtime()?.block_on(async {
        let settings = EngineSettings {
            kind: args.contract_engine,
            threads: args.execution_threads,
        };
        let mut running = Running::start(config, settings, Consensus::Comet(comet)).await?;
        write_file(
            &home.path().join(PID),
            std::process::id().to_string().as_bytes(),
        )?;
        println!(
            "node of {}: REST http://{}  RPC http://{}",
            running.chain_id,
            reachable(running.node.rest()),
            reachable(running.node.rpc())
        );
        tokio::spawn(sync::tell(reachable(running.node.rpc())));
        if let Some(owner) = owner {
            let renewal = Renewal {
                owner,
                node_id,
                chain_id: running.chain_id.clone(),
                services: running.node.services(),
                price: args.min_gas_price.clone(),
                enclave: running.node.enclave(),
            };
            tokio::spawn(renewal.run());
        }
        stop.in_order();
        let reason = tokio::select! {
            () = stop.asked() => None,
            reason = running.ended() => Some(reason),
        };
        let _ = fs::remove_file(home.path().join(PID));
        match reason {
            Some(reason) => went_on_before(&reason),
            None => {
                talk!("stopping");
                running.stop().await
            }
        }
    })
}

fn comet(args: &Start, layout: &Layout, block_time: Duration) -> anyhow::Result<Comet> {
    Ok(Comet {
        binary: binary::find(args.cometbft.as_deref())?,
        launcher: tether::launcher()?,
        p2p: SocketAddr::new(args.p2p_listen, args.p2p_port),
        external_address: args.external_address.clone(),
        persistent_peers: args.peers.clone(),
        block_time,
        local: args.private_network,
        node_id: NodeKey::open(&layout.node_key())?.id(),
        validator: privval::pubkey(&layout.validator_key())?,
    })
}

fn status(args: &Status) -> anyhow::Result<()> {
    let nothing = || format!("node.missing: {} has no node", args.home.display());
    let path = Home::peek(&args.home).with_context(nothing)?;
    let layout = Layout(path);
    let id = NodeKey::open(&layout.node_key())?.id();
    let key = privval::pubkey(&layout.validator_key())?;
    let seal = if layout.seal().exists() {
        "here"
    } else {
        "none yet"
    };
    say(format_args!("node          {id}"));
    say(format_args!("seed          {seal}"));
    let remote = Remote::new(&args.node, args.ca.ca_file.as_deref())?;
    node_process::runtime()?.block_on(async {
        let mut client = remote.client().await?;
        let status = client.call("status", &json!({})).await?;
        let sync = &status["sync_info"];
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("?").to_owned();
        say(format_args!(
            "asked         {} ({})",
            args.node,
            text(&status["node_info"]["moniker"])
        ));
        say(format_args!(
            "height        {} of {}{}",
            text(&sync["latest_block_height"]),
            text(&status["node_info"]["network"]),
            if sync["catching_up"] == true {
                ", catching up"
            } else {
                ""
            }
        ));
        match join::find(&mut client, &id).await? {
            None => say(format_args!("registration  none: strongroom node register")),
            Some(node) => {
                say(format_args!("registration  {}", query::state(&node)));
                say(format_args!("owner         {}", node.operator));
                if let Some(platform) = &node.platform {
                    say(format_args!(
                        "{}",
                        format!(
                            "platform      {} {} {}",
                            platform.kind,
                            platform.tcb_status,
                            platform.advisories.join(" ")
                        )
                        .trim_end()
                    ));
                }
                say(format_args!("expires       {}", query::expires(&node)));
            }
        }
        let power = power(&mut client, &key).await?;
        match power {
            0 => say(format_args!("votes         no")),
            power => say(format_args!("votes         with power {power}")),
        }
        Ok(())
    })
}

/// Voting power of a key in the newest set.
pub(crate) async fn power(client: &mut Client, key: &[u8; 32]) -> anyhow::Result<u64> {
    use base64::Engine as _;
    let key = base64::engine::general_purpose::STANDARD.encode(key);
    // Two pages are all that a chain of ours has; what a node says of more is not followed for ever.
    for page in 1..=VALIDATOR_PAGES_MAX {
        let asked = json!({ "page": page.to_string(), "per_page": "100" });
        let set = client.call("validators", &asked).await?;
        let all = set["validators"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        if let Some(ours) = all.iter().find(|v| v["pub_key"]["value"] == key) {
            let power = ours["voting_power"].as_str().map(str::parse);
            return Ok(power.and_then(Result::ok).unwrap_or(0));
        }
        let total: usize = set["total"].as_str().unwrap_or("0").parse().unwrap_or(0);
        if total <= page.saturating_mul(100) {
            break;
        }
    }
    Ok(0)
}
