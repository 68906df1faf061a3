//! Who decides the blocks of a network of one process, and by which clock.

use super::admin;
use super::{EngineChoice, Start};
use crate::{given, tether};
use anyhow::{Context as _, bail};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use strongroom_consensus::cometbft::binary;
use strongroom_consensus::{
    BlockTiming, Clock as _, NodeKey, ShiftedClock, Signer, SystemClock, privval,
};
use strongroom_node::node::{Comet, Consensus, Layout};

/// How far the clock is ahead of the machine's, in nanoseconds, below `config`.
pub(super) const CLOCK_AHEAD: &str = "config/clock_ahead";
const CLOCK_AHEAD_BYTES_MAX: usize = 64;

/// The engine that the network began with, as it is to run now, and the clock of Solo.
pub(super) fn consensus(
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
    let bytes = given::read(&path, CLOCK_AHEAD_BYTES_MAX)?;
    let text = String::from_utf8_lossy(&bytes);
    let nanos = text.trim().parse();
    let nanos = nanos.with_context(|| format!("{}: no number of nanoseconds", path.display()))?;
    Ok(Duration::from_nanos(nanos))
}
