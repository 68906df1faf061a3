//! A network of one node in this process, from a start to the next.

use super::admin::{self, Admin, BLOCK_WAITS, Change, Request};
use super::greet::Places;
use super::{
    CLOCK_AHEAD, MONIKER, Start, check_chain, consensus, listen_faucet, not_solo, not_solo_text,
    serve_faucet,
};
use crate::home::{Home, write_file};
use crate::node_process::{Running, went_on_before};
use crate::stop::Stop;
use anyhow::{Context as _, bail};
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use strongroom_chain::modules::compute::EngineSettings;
use strongroom_consensus::{Clock as _, GenesisFile, ShiftedClock, SystemClock};
use strongroom_http::{Server, Shares};
use strongroom_node::node::{Config, Layout};
use strongroom_types::Timestamp;
use tokio::time::timeout;

/// How long it is waited for that what was decided before is executed.
const CATCH_UP_WAITS: Duration = Duration::from_secs(5);

/// A network in this process, and its faucet.
pub(super) struct One {
    running: Running,
    faucet: Server,
    clock: Option<Arc<ShiftedClock<SystemClock>>>,
    layout: Layout,
}

/// Why a network stops.
pub(super) enum End {
    /// It was asked to.
    Stop(Option<Request>),
    Itself(String),
    /// Its files are to be changed or copied.
    Change(Change, Request),
}

impl One {
    pub(super) async fn start(args: &Start, home: &Home, shares: Shares) -> anyhow::Result<Self> {
        let path = home.network().context("there is no network")?;
        let layout = Layout(path.clone());
        let genesis =
            fs::read(layout.genesis()).with_context(|| layout.genesis().display().to_string())?;
        let chain_id = GenesisFile::parse(genesis)?.doc.chain_id;
        check_chain(args, &chain_id)?;
        let (consensus, clock) = consensus(args, &layout)?;
        let config = Config {
            home: path,
            rest: SocketAddr::new(args.listen, args.rest_port),
            rpc: SocketAddr::new(args.listen, args.rpc_port),
            shares: shares.clone(),
            min_gas_price: args.min_gas_price.clone(),
            moniker: MONIKER.to_owned(),
            cors_origins: args.cors_origins(),
        };
        let listening = listen_faucet(args).await?;
        let settings = EngineSettings {
            kind: args.contract_engine,
            threads: args.execution_threads,
        };
        let mut running = Running::start(config, settings, consensus).await?;
        let rpc = running.node.rpc();
        let faucet = serve_faucet(args, listening, &running.chain_id, rpc, shares)?;
        if !running.node.wait_for(1).await {
            let reason = running.ended().await;
            went_on_before(&reason)?;
        }
        Ok(Self {
            running,
            faucet,
            clock,
            layout,
        })
    }

    pub(super) fn places(&self, args: &Start) -> anyhow::Result<Places> {
        let node = &self.running.node;
        Ok(Places {
            chain_id: self.running.chain_id.clone(),
            home: std::path::absolute(&args.home)?,
            genesis: std::path::absolute(self.layout.genesis())?,
            rest: node.rest(),
            rpc: node.rpc(),
            faucet: self.faucet.address(),
        })
    }

    /// Waits until it stands where clients left it, and tells whether it does: before, one would sign with a sequence that a decided block has
    /// used. What was decided may wait for room, so nobody waits for it longer than [`CATCH_UP_WAITS`], nor once it is to stop.
    pub(super) async fn caught_up(&mut self, stop: &mut Stop) -> anyhow::Result<bool> {
        let node = &mut self.running.node;
        let found = node.services().blocks.found_height();
        let waited = tokio::select! {
            () = stop.asked() => None,
            waited = timeout(CATCH_UP_WAITS, node.wait_for(found)) => waited.ok(),
        };
        if waited == Some(false) {
            went_on_before(&self.running.ended().await)?;
        }
        Ok(self.running.node.height() >= found)
    }

    /// Where it is reached and where it stands.
    pub(super) async fn status(&self, places: &Places) -> anyhow::Result<serde_json::Value> {
        let ahead = self.clock.as_ref().map(|clock| clock.ahead());
        admin::status(places, ahead).await
    }

    /// Does what it is asked to, until it is to stop.
    pub(super) async fn serve(
        &mut self,
        stop: &mut Stop,
        admin: &mut Admin,
        home: &Home,
        places: &Places,
    ) -> End {
        loop {
            let mut request = tokio::select! {
                () = stop.asked() => return End::Stop(None),
                reason = self.running.ended() => return End::Itself(reason),
                request = admin.next() => request,
            };
            match request.take() {
                admin::Do::Status => request.answer(self.status(places).await),
                admin::Do::Stop => return End::Stop(Some(request)),
                admin::Do::Forward { nanos } => {
                    let to = |now: Timestamp| now.nanos_total()?.checked_add(nanos);
                    request.answer(self.forward(to, places).await);
                }
                admin::Do::To { nanos } => {
                    request.answer(self.forward(|_| Some(nanos), places).await);
                }
                admin::Do::Change(change) => match &self.clock {
                    Some(_) => match tokio::task::block_in_place(|| change.prepare(home)) {
                        Ok(()) => return End::Change(change, request),
                        Err(error) => request.refuse(&error),
                    },
                    None => request.refuse(&not_solo()),
                },
            }
        }
    }

    /// Makes a block, beyond those that it has: what takes the place of another network must go on, not only be there.
    pub(super) async fn go_on(&mut self) -> anyhow::Result<()> {
        let node = &mut self.running.node;
        let found = node.services().blocks.found_height();
        let next = node.height().max(found).saturating_add(1);
        // A network makes blocks by itself.
        let _ = node.want_block();
        match timeout(BLOCK_WAITS, node.wait_for(next)).await {
            Ok(true) => Ok(()),
            Ok(false) => went_on_before(&self.running.ended().await),
            Err(_) => bail!("localnet.no_block: the network starts, but makes no block"),
        }
    }

    /// Sets the clock of blocks, which stands at a time, to another one, and makes a block.
    async fn forward(
        &self,
        to: impl FnOnce(Timestamp) -> Option<u64>,
        places: &Places,
    ) -> anyhow::Result<serde_json::Value> {
        let clock = self.clock.as_ref().with_context(not_solo_text)?;
        let now = clock.now();
        let (by, target) = admin::shift(now, to(now))?;
        let ahead = clock.ahead().saturating_add(by).as_nanos().to_string();
        // First what is there after a kill: a clock that goes back would stop the network.
        write_file(&self.layout.0.join(CLOCK_AHEAD), ahead.as_bytes())?;
        clock.advance(by);
        let node = &self.running.node;
        admin::until(places.rpc, target, || node.want_block()).await?;
        self.status(places).await
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.faucet.stop().await;
        self.running.stop().await
    }
}
