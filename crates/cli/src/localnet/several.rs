//! A network of several nodes, each a process of its own on a CometBFT.

use super::admin::{self, Admin};
use super::greet::Places;
use super::{EngineChoice, Start, check_chain, listen_faucet, not_solo, serve_faucet};
use crate::cluster::Cluster;
use crate::home::Home;
use crate::stop::Stop;
use anyhow::bail;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use strongroom_consensus::GenesisFile;
use strongroom_http::Shares;
use strongroom_node::node::Layout;

/// Runs it until it is to stop.
pub(super) async fn several(
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
    places.greet(args.output, false)?;
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
