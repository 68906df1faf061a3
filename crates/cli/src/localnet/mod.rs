//! `strongroom localnet`: makes a network under a home directory, or goes on with the one that is there.

mod admin;
mod begin;
mod command;
mod consensus;
mod greet;
mod one;
mod options;
mod several;

pub(crate) use begin::{begin, bootstrap, faucet_account};
use begin::{check_simulation, say_open};
pub(crate) use options::{EngineChoice, Start, check_options};

use crate::faucet::{self, Faucet};
use crate::home::Home;
use crate::node_process::{log, runtime, went_on_before};
use crate::stop::Stop;
use crate::{cluster, operator, preflight, stop};
use admin::{Admin, Request};
use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;
use consensus::{CLOCK_AHEAD, consensus};
use one::{End, One};
use options::HOME;
use several::several;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use strongroom_http::{Server, Shares};
use strongroom_node::exceptions::Exceptions;
use strongroom_node::node::Layout;
use tokio::net::TcpListener;

/// Name of a new chain, unless another is given.
pub(crate) const CHAIN_ID: &str = "secretdev-1";
/// The node's name among clients.
const MONIKER: &str = "banana";
/// The account that the faucet pays from.
pub(crate) const FAUCET_ACCOUNT: &str = "a";

#[derive(ClapArgs)]
#[command(after_help = "Example:\n  strongroom localnet --block-time 500ms")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<command::Command>,
    #[command(flatten)]
    pub(crate) start: Start,
}

/// Runs until a signal, which is listened to by now, or until something ends by itself; or tells a network that runs what to do.
pub(crate) fn run(args: Args, stop: Option<Stop>) -> anyhow::Result<()> {
    if let Some(command) = &args.command {
        return command::run(command);
    }
    let args = args.start;
    log();
    let shares = preflight::machine()?;
    let stop = stop.map_or_else(Stop::listen, Ok)?;
    let runtime = runtime()?;
    runtime.block_on(async {
        // Everything that can be wrong is looked for before anything is changed.
        let home = Home::open(&args.home)?;
        args.check()?;
        let home = home.map_or_else(|| Home::create(&args.home), Ok)?;
        let ran = network(args, &home, shares, stop).await;
        stop::unless_ending();
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
            crate::output::in_one_line(&error)
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
        if let Some(wanted) = args.simulation {
            check_simulation(&first_node(&path), wanted)?;
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
        bootstrap(&layout, args)?;
    }
    home.install()
}

/// What the first node of a network has.
fn first_node(network: &Path) -> Layout {
    match cluster::size(network) {
        0 => Layout(network.to_owned()),
        _ => cluster::first(network),
    }
}

async fn network(
    mut args: Start,
    home: &Home,
    shares: Shares,
    mut stop: Stop,
) -> anyhow::Result<()> {
    let path = settled(&args, home)?;
    say_open(&first_node(&path), &args)?;
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
        let started = start(&args, home, &shares, is_restored).await;
        stop::unless_ending();
        let mut one = match started {
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
        let is_new = admin.is_none();
        if is_new {
            // The system may have chosen the ports: whoever knows them finds the network there again.
            args.rest_port = places.rest.port();
            args.rpc_port = places.rpc.port();
            args.faucet_port = places.faucet.port();
            admin = Some(Admin::listen(home)?);
        }
        // From here on there is something to stop in good order.
        stop.in_order();
        let catching_up = !one.caught_up(&mut stop).await?;
        if is_new {
            places.greet(args.output, catching_up)?;
        }
        match asked.take() {
            Some((request, Ok(()))) => request.answer(one.status(&places).await),
            Some((request, Err(error))) => request.refuse(&error),
            None => {}
        }
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
                if !stop.begin_anew() {
                    let why = "localnet.stopped: the network was stopped before it ran again";
                    admin
                        .last(request, serde_json::json!({ "error": why }))
                        .await;
                    return made;
                }
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
