//! The `strongroom` binary: a local network in one command; the same executable is its enclave process.

/// A line on standard error, for whoever reads along. That nobody does is no reason to stop half way: `eprintln!` would.
macro_rules! talk {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($words)*);
    }};
}

mod account;
mod attest;
mod cluster;
mod completion;
mod config;
mod contract;
mod doctor;
mod enclave_process;
mod exit;
mod faucet;
mod given;
mod home;
mod join;
mod json;
mod keyring;
mod keys;
mod localnet;
mod network;
mod node_process;
mod online;
mod operator;
mod output;
mod preflight;
mod query;
mod renew;
mod replay;
mod rpc;
mod statement;
mod stop;
mod sync;
mod tether;
mod times;
mod tx;
mod verify;

/// Of the node and of its enclave process, which is the same executable. How it is set is said in `.cargo/config.toml` (ADR 26).
#[cfg(all(feature = "jemalloc", target_os = "linux"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use std::process::ExitCode;
use stop::Stop;
use strongroom_enclave::panics;

/// Secret contracts on a network of trusted execution environments.
#[derive(Parser)]
#[command(name = "strongroom", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a local network: one validator, its enclave process, REST, RPC and a faucet. Ends with Ctrl-C.
    Localnet(localnet::Args),
    /// A node of a network: make it, join, run it.
    #[command(subcommand)]
    Node(operator::Command),
    /// Your keys: make them, bring them back, show, export and remove them.
    Keys(keys::Args),
    /// Make, sign and send transactions.
    Tx(tx::Args),
    /// What the state says, what contracts answer, how a transaction ended.
    Query(query::Args),
    /// Write contracts: begin one, and hear what the chain says of its code.
    #[command(subcommand)]
    Contract(contract::Command),
    /// Networks by name.
    Config(config::Args),
    /// A file with the words of an account, for a node that pays by itself: make one, tell its address.
    #[command(subcommand)]
    Account(account::Command),
    /// Begin a network; decide who votes in it; stop, start, kill one validator of a local one.
    #[command(subcommand)]
    Network(network::Command),
    /// What stands between a node and its work, and what to do about it.
    Doctor(doctor::Args),
    /// Execute all blocks of a stopped network again, from genesis, and compare the state.
    Replay(replay::Args),
    /// Prove a value of the state, from a genesis file or a trusted header, over a node that is not trusted.
    Verify(verify::Args),
    /// Becomes a command that dies with the node. The node starts it; nobody else does.
    #[command(hide = true)]
    Tether(tether::Args),
    /// Check evidence of trusted hardware, offline: who signed it, what it proves, what a policy says of it.
    Attest(attest::Args),
    /// Print what a shell needs to complete these commands.
    Completion(completion::Args),
    /// The enclave process. The node starts it; nobody else does.
    #[command(hide = true)]
    Enclave,
}

fn main() -> ExitCode {
    // Before any thread or host code: from here on this process is the enclave and nothing else.
    if std::env::args_os().nth(1).is_some_and(|a| a == "enclave") {
        return strongroom_enclave::child_main(std::env::args_os().skip(2));
    }
    // A signal may come at any moment from here on. What fails here is tried again where it can be told.
    let is_long = stop::is_long(std::env::args_os());
    let stop = is_long.then(Stop::listen).and_then(Result::ok);
    panics::stop_process(panics::Words::Shown);
    let done = match command().command {
        Command::Localnet(args) => localnet::run(args, stop),
        Command::Node(command) => operator::run(command, stop),
        Command::Account(command) => account::run(&command),
        Command::Network(command) => network::run(command),
        Command::Doctor(args) => doctor::run(&args),
        Command::Keys(args) => keys::run(&args),
        Command::Tx(args) => tx::run(&args),
        Command::Query(args) => query::run(&args),
        Command::Contract(command) => contract::run(&command),
        Command::Config(args) => config::run(args),
        Command::Completion(args) => {
            completion::run(&args);
            Ok(())
        }
        Command::Replay(args) => replay::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Tether(args) => tether::run(&args),
        Command::Attest(args) => attest::run(&args),
        // Taken care of above.
        Command::Enclave => Ok(()),
    };
    stop::unless_ending();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::tell(&error),
    }
}

/// What was asked for; ends the process if that is nothing.
fn command() -> Cli {
    let given = Cli::command().get_matches();
    let checked = match given.subcommand_matches("localnet") {
        Some(given) => localnet::check_options(given),
        None => Ok(()),
    };
    let asked = checked.and_then(|()| Cli::from_arg_matches(&given));
    asked.unwrap_or_else(|error| error.format(&mut Cli::command()).exit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_well_formed() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    #[cfg(feature = "jemalloc")]
    fn the_allocator_is_compiled_with_settings_of_ours() {
        let settings = option_env!("JEMALLOC_SYS_WITH_MALLOC_CONF");
        assert!(
            settings.is_some_and(|settings| settings.contains("narenas:2")),
            "built without .cargo/config.toml"
        );
    }
}
