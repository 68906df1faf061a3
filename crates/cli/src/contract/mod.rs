//! `strongroom contract …`: for who writes contracts. Neither command asks a node.

mod check;
mod new;

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Begin a contract: a small project whose tests run its wasm on the real state machine.
    New(new::Args),
    /// What the chain says of a wasm file when it is stored.
    Check(check::Args),
}

pub(crate) use check::Refused;

pub(crate) fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::New(args) => new::run(args),
        Command::Check(args) => check::run(args),
    }
}
