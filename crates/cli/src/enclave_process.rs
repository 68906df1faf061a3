//! The enclave of a node: this executable again, as a process of its own.

use anyhow::Context as _;
use std::fs;
use std::io::ErrorKind;
use std::sync::Arc;
use strongroom_bridge::Transport;
use strongroom_bridge::child::{self, Process};
use strongroom_chain::block::THREADS_MAX;
use strongroom_chain::modules::compute::{EngineKind, EngineSettings};
use strongroom_enclave::MACHINE_BYTES;
use strongroom_enclave::process::{CONTRACT_ENGINE, EXECUTION_THREADS};
use strongroom_node::node::Layout;
use tokio::sync::mpsc;

/// What `--contract-engine` takes.
pub(crate) fn engine(name: &str) -> Result<EngineKind, String> {
    let kind = EngineKind::by_name(name).ok_or("there are interpreter and winch")?;
    if kind.compiles() && !cfg!(feature = "winch") {
        return Err(String::from(
            "this executable was built without it: build with --features winch",
        ));
    }
    Ok(kind)
}

/// What `--execution-threads` takes.
pub(crate) fn threads(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| (1..=THREADS_MAX).contains(n));
    number.ok_or_else(|| format!("a number from 1 to {THREADS_MAX}"))
}

/// Name of the file, below `config`, that names the machine that a simulated enclave stands for.
const MACHINE: &str = "config/simulated_machine";

/// Starts the enclave of a home, with these settings of its engine; `died` hears of its end unless it was stopped.
pub(crate) fn start(
    layout: &Layout,
    settings: EngineSettings,
    died: mpsc::UnboundedSender<String>,
) -> anyhow::Result<(Arc<dyn Transport>, Process)> {
    let executable = std::env::current_exe().context("this executable cannot be found")?;
    let machine = machine(layout)?;
    let threads = settings.threads.map(|threads| threads.to_string());
    let mut arguments = vec!["enclave"];
    arguments.extend(machine.as_deref());
    if settings.kind != EngineKind::Interpreter {
        arguments.extend([CONTRACT_ENGINE, settings.kind.name()]);
    }
    if let Some(threads) = &threads {
        arguments.extend([EXECUTION_THREADS, threads]);
    }
    let (host, process) = child::spawn(&executable, &arguments, move |how| {
        let _ = died.send(how);
    })?;
    Ok((host, process))
}

/// Names a simulated machine: each node of a network is on one of its own.
pub(crate) fn name_machine(layout: &Layout) -> anyhow::Result<()> {
    let mut name = [0; MACHINE_BYTES];
    getrandom::fill(&mut name).map_err(|e| anyhow::anyhow!("no randomness: {e}"))?;
    crate::home::write_file(&layout.0.join(MACHINE), hex::encode(name).as_bytes())
}

fn machine(layout: &Layout) -> anyhow::Result<Option<String>> {
    let path = layout.0.join(MACHINE);
    match fs::read_to_string(&path) {
        Ok(name) => Ok(Some(name.trim().to_owned())),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).with_context(|| path.display().to_string()),
    }
}
