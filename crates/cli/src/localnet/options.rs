//! What a start of a local network is told, and how times are written.

use super::Args;
use crate::cluster::VALIDATORS_MAX;
use crate::network::{Holder, holder};
use crate::output::Output;
use crate::preflight;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args as ClapArgs, ValueEnum};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;
use strongroom_chain::modules::compute::EngineKind;
use strongroom_chain::tx::GasPrice;
use strongroom_consensus::BlockTiming;
use strongroom_node::exceptions::Exception;

/// Where a local network lies, unless it is told otherwise.
pub(super) const HOME: &str = ".strongroom/localnet";
#[derive(ClapArgs)]
pub(crate) struct Start {
    /// Directory of the network's data.
    #[arg(long, default_value = HOME, global = true)]
    pub(crate) home: PathBuf,
    /// Begin a new network; the one that is there is removed when the new one has its first block.
    #[arg(long)]
    pub(super) reset: bool,
    /// So many validators, each a node of its own on a real CometBFT, with ports 100 apart; the first has those below. Without it there
    /// is one, in this process.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(VALIDATORS_MAX)))]
    pub(crate) validators: Option<u16>,
    /// Who decides blocks: `solo`, this process alone, or `cometbft`, a real CometBFT with one validator
    /// (scripts/install-cometbft) [default: solo]. A network keeps the engine that it began with.
    #[arg(long, value_enum)]
    pub(crate) engine: Option<EngineChoice>,
    /// What runs contracts: `interpreter`, or `winch`, which compiles those that are used much (not on SGX; built with the feature `winch`).
    /// Blocks are the same with either.
    #[arg(long, value_name = "NAME", value_parser = crate::enclave_process::engine, default_value = "interpreter")]
    pub(crate) contract_engine: EngineKind,
    /// Threads that run transactions of a block beside each other, at most 8. Blocks are the same with any number
    /// [default: 1, one after the other].
    #[arg(long, value_name = "N", value_parser = crate::enclave_process::threads)]
    pub(crate) execution_threads: Option<usize>,
    /// The `cometbft` to run [default: tools/bin of the project, or the PATH].
    #[arg(long, value_name = "PATH")]
    pub(crate) cometbft: Option<PathBuf>,
    /// Time between blocks; `instant` makes one as soon as a transaction waits, and none without.
    #[arg(long, value_name = "TIME", value_parser = block_time, default_value = "1s")]
    pub(super) block_time: BlockTiming,
    /// Name of a new chain [default: secretdev-1]. An existing one keeps its name.
    #[arg(long, value_parser = preflight::chain_id)]
    pub(crate) chain_id: Option<String>,
    /// The least fee for each unit of gas, in uscrt. Wallets pay 0.1 unless they are told otherwise.
    #[arg(long, value_parser = preflight::gas_price, default_value = "0.0125uscrt")]
    pub(crate) min_gas_price: GasPrice,
    /// Another account of a new network, with its coins in uscrt; may be repeated.
    #[arg(long = "account", value_name = "ADDRESS=AMOUNT", value_parser = holder)]
    pub(crate) accounts: Vec<Holder>,
    /// Go on from this file, which `localnet dump` has made; the network that is there is removed when that works.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["reset", "validators", "accounts", "chain_id"])]
    pub(super) load: Option<PathBuf>,
    /// An origin that browsers may call from, such as http://localhost:3000, or with one `*` inside; may be repeated [default: any].
    #[arg(long = "cors-origin", value_name = "ORIGIN")]
    pub(super) cors_origins: Vec<String>,
    /// How the start is told: for people, or in one line for programs.
    #[arg(long, value_enum, default_value = "text", global = true)]
    pub(super) output: Output,
    /// Leave this transaction out of its block: the way past a block that no enclave can execute (docs/spec/door.md).
    /// The home remembers it.
    #[arg(long, value_name = "HEIGHT:HASH")]
    pub(super) skip_tx: Vec<Exception>,
    /// Address to listen on. Anything but the loopback offers well-known keys to strangers.
    #[arg(long, default_value_t = std::net::IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) listen: std::net::IpAddr,
    /// Port of REST; 0, here and below, has the system choose one, which is told.
    #[arg(long, default_value_t = 1317)]
    pub(crate) rest_port: u16,
    /// Port of CometBFT's RPC and websocket.
    #[arg(long, default_value_t = 26657)]
    pub(crate) rpc_port: u16,
    /// Port on which CometBFT listens for peers.
    #[arg(long, default_value_t = 26656)]
    pub(crate) p2p_port: u16,
    /// Port of the faucet.
    #[arg(long, default_value_t = 5000)]
    pub(crate) faucet_port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineChoice {
    Solo,
    Cometbft,
}

/// The shortest and the longest time between blocks.
const BLOCK_TIMES: [Duration; 2] = [Duration::from_millis(1), Duration::from_secs(86_400)];

/// `instant`, or a number with its unit: `500ms`, `1.5s`, `2m`, `1h`.
pub(crate) fn block_time(text: &str) -> Result<BlockTiming, String> {
    if text == "instant" {
        return Ok(BlockTiming::Instant);
    }
    let [least, most] = BLOCK_TIMES;
    match duration(text) {
        Ok(time) if (least..=most).contains(&time) => Ok(BlockTiming::Every(time)),
        _ => Err("`instant`, or a time of 1ms to 24h such as 500ms, 1.5s, 2m or 1h".to_owned()),
    }
}

/// A number with its unit.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong =
        || "a time is a number with its unit, such as 500ms, 1.5s, 2m, 1h or 30d".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match text.get(digits.len()..) {
        Some("ms") => 1_000_000,
        Some("s") => 1_000_000_000,
        Some("m") => 60_000_000_000,
        Some("h") => 3_600_000_000_000,
        Some("d") => 86_400_000_000_000,
        _ => return Err(wrong()),
    };
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(places) || places.len() > 9 {
        return Err(wrong());
    }
    let whole = whole.parse::<u64>().ok().and_then(|n| n.checked_mul(unit));
    let scale = 10_u64.pow(u32::try_from(places.len()).unwrap_or(0));
    let part = places.parse::<u64>().unwrap_or(0);
    let part = u64::try_from(u128::from(part) * u128::from(unit) / u128::from(scale));
    let nanos = whole.and_then(|whole| whole.checked_add(part.ok()?));
    nanos.map(Duration::from_nanos).ok_or_else(wrong)
}

impl Start {
    /// Origins that browsers may call from.
    pub(super) fn cors_origins(&self) -> Vec<String> {
        match self.cors_origins.as_slice() {
            [] => vec!["*".to_owned()],
            named => named.to_vec(),
        }
    }

    /// The time between blocks, as an option.
    pub(crate) fn block_time_text(&self) -> String {
        match self.block_time {
            BlockTiming::Instant => "instant".to_owned(),
            BlockTiming::Every(time) => format!("{}ms", time.as_millis().max(1)),
        }
    }
}

/// Options of [`Start`] that commands have too, so that they may stand before or behind a command's name.
const SHARED: [&str; 2] = ["home", "output"];

/// Refuses options of a start before the name of a command: they would do nothing.
pub(crate) fn check_options(given: &ArgMatches) -> Result<(), clap::Error> {
    let Some(name) = given.subcommand_name() else {
        return Ok(());
    };
    let known = Args::augment_args(clap::Command::new("localnet"));
    let useless = known.get_arguments().find(|argument| {
        let id = argument.get_id().as_str();
        let is_given = given.value_source(id) == Some(ValueSource::CommandLine);
        is_given && !SHARED.contains(&id)
    });
    match useless.and_then(|argument| argument.get_long()) {
        Some(option) => Err(clap::Error::raw(
            ErrorKind::ArgumentConflict,
            format!("--{option} is for the start of a network, and not for `localnet {name}`"),
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_between_blocks_has_a_unit_and_bounds() {
        let every = |ms| Ok(BlockTiming::Every(Duration::from_millis(ms)));
        for (text, time) in [
            ("instant", Ok(BlockTiming::Instant)),
            ("1ms", every(1)),
            ("10ms", every(10)),
            ("1.5s", every(1_500)),
            ("0.25s", every(250)),
            ("1h", every(3_600_000)),
            ("24h", every(86_400_000)),
            ("1d", every(86_400_000)),
            ("500ms", every(500)),
            ("1s", every(1_000)),
            ("6s", every(6_000)),
            ("60m", every(3_600_000)),
        ] {
            assert_eq!(block_time(text), time, "{text}");
        }
        for bad in [
            "",
            "1",
            "s",
            "0.5ms",
            "25h",
            "-1s",
            "1 s",
            "1.s.",
            ".5s",
            "1.0000000001s",
            "99999999999s",
            "18446744073709551616d",
        ] {
            assert!(block_time(bad).is_err(), "{bad}");
        }
    }
}
