//! `strongroom tether PARENT COMMAND…`: becomes COMMAND, which the system kills when the process that started it ends,
//! however that ends. CometBFT would outlive a node that was killed, and hold its stores and ports.

use anyhow::{Context as _, bail};
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// The name of the subcommand.
pub(crate) const NAME: &str = "tether";

/// What to put in front of a command so that it dies with this process; nothing where the system has no such thing.
pub(crate) fn launcher() -> anyhow::Result<Vec<OsString>> {
    if !cfg!(target_os = "linux") {
        return Ok(Vec::new());
    }
    let executable = std::env::current_exe().context("this executable cannot be found")?;
    let parent = std::process::id().to_string();
    Ok(vec![executable.into(), NAME.into(), parent.into()])
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The process that must live.
    parent: u32,
    /// What to become.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<OsString>,
}

/// Gives back only an error: else this process is the command.
#[cfg(target_os = "linux")]
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have ended before that.
    let parent = getppid().map(|pid| pid.as_raw_nonzero().get());
    if parent.and_then(|pid| u32::try_from(pid).ok()) != Some(args.parent) {
        bail!("the process {} is gone", args.parent);
    }
    become_command(args)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    become_command(args)
}

fn become_command(args: &Args) -> anyhow::Result<()> {
    let Some((program, arguments)) = args.command.split_first() else {
        bail!("no command");
    };
    let error = Command::new(program).args(arguments).exec();
    Err(error).with_context(|| format!("{} cannot be run", program.display()))
}
