//! `strongroom replay`: proves that a stopped network's state is what its blocks give.

use crate::enclave_process;
use crate::home::Home;
use crate::preflight;
use anyhow::{Context as _, ensure};
use clap::Args as ClapArgs;
use std::fs;
use std::path::PathBuf;
use strongroom_chain::modules::compute::EngineSettings;
use strongroom_node::node::Layout;
use strongroom_node::replay::replay;
use tokio::sync::mpsc;

#[derive(ClapArgs)]
#[command(after_help = "Example:\n  strongroom replay")]
pub(crate) struct Args {
    /// Directory of the network's data. Its node must be stopped.
    #[arg(long, default_value = ".strongroom/localnet")]
    home: PathBuf,
}

/// Executes every stored block again, from genesis, into a fresh store, and compares the state.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    preflight::machine()?;
    let nothing = || format!("{} has no network", args.home.display());
    // Held until the end: its node cannot start meanwhile.
    let home = Home::open(&args.home)?.with_context(nothing)?;
    let layout = Layout(home.network().with_context(nothing)?);
    let genesis =
        fs::read(layout.genesis()).with_context(|| layout.genesis().display().to_string())?;
    let seal = fs::read(layout.seal()).with_context(|| layout.seal().display().to_string())?;
    // Beside the network; what an interrupted replay leaves there, the next command removes.
    let fresh = home.prepare()?;
    let (died, _dead) = mpsc::unbounded_channel();
    let (transport, process) = enclave_process::start(&layout, EngineSettings::default(), died)?;
    let replayed = replay(&layout, &fresh, transport.clone(), &genesis, seal);
    process.stop();
    drop(transport);
    let _ = fs::remove_dir_all(&fresh);
    let replayed = replayed?;
    let (ours, stored) = (
        hex::encode_upper(replayed.app_hash),
        hex::encode_upper(replayed.stored),
    );
    ensure!(
        ours == stored,
        "height {}: replayed {ours}, stored {stored}",
        replayed.height
    );
    println!(
        "height {} app_hash {ours}: the replay from genesis equals the stored state",
        replayed.height
    );
    Ok(())
}
