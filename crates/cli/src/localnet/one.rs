//! A network of one node in this process, from a start to the next.

use super::admin::{self, Admin, Change, Request};
use super::greet::Places;
use super::{
    CLOCK_AHEAD, MONIKER, Start, check_chain, consensus, listen_faucet, not_solo, not_solo_text,
    serve_faucet,
};
use crate::home::{Home, write_file};
use crate::node_process::{Running, went_on_before};
use crate::stop::Stop;
use anyhow::Context as _;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use strongroom_consensus::{GenesisFile, ShiftedClock, SystemClock};
use strongroom_http::{Server, Shares};
use strongroom_node::node::{Config, Layout};

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
        if args.load.is_none() {
            check_chain(args, &chain_id)?;
        }
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
        let mut running = Running::start(config, consensus).await?;
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
                    let by = Duration::from_nanos(nanos);
                    let done = self.forward(by, places).await;
                    request.answer(done);
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

    /// Sets the clock of blocks forward, and makes a block.
    async fn forward(&self, by: Duration, places: &Places) -> anyhow::Result<serde_json::Value> {
        let clock = self.clock.as_ref().with_context(not_solo_text)?;
        let before = admin::block_time(places.rpc).await?;
        let target = admin::later(before, by)?;
        clock.advance(by);
        let ahead = clock.ahead().as_nanos().to_string();
        write_file(&self.layout.0.join(CLOCK_AHEAD), ahead.as_bytes())?;
        let node = &self.running.node;
        admin::until(places.rpc, target, || node.want_block()).await?;
        self.status(places).await
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.faucet.stop().await;
        self.running.stop().await
    }
}
