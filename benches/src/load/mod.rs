//! The load generator: a real `strongroom localnet` with instant blocks, and on it what was signed before the clock runs: token transfers,
//! bank sends, contract queries; as fast as the node takes them, or at a pace.
//!
//! ```text
//! cargo xtask contracts && cargo build --release && cargo build --release -p benches
//! target/release/benches load [[--binary PATH] [--engine NAME] [--execution-threads N] [--as NAME]]… [--rounds N] [--each N] [--pace N] [--seconds N] [--threads] [--keep] [--whole-seconds]
//! ```
//!
//! Senders that are refused for want of room come back when they were told to, to the millisecond, as our SDK does; with `--whole-seconds` as clients do that
//! read nothing but `Retry-After`.
//! With `--keep` homes stay, and where they are is told: what is in them says where bytes went.
//! Several binaries take turns, `rounds` times each, and each figure is the median of its rounds; the first is the baseline of the ratios.
//! `--engine` is what the binary before it runs contracts with (`localnet --contract-engine`), `--execution-threads` how many run its transactions
//! beside each other; one more of the same is the same binary once more. `--as` is what tables call it.
//! Processor time is that of the two processes (the generator's own is not in it), bytes are what the system wrote for the host process.

mod measure;
mod process;
mod send;

use crate::figures::{ms, table};
use crate::start::mib;
use measure::{Load, Measured};
use send::Patience;
use std::path::PathBuf;
use std::time::Duration;

/// A binary, what it runs contracts with and on how many threads, if that is said.
struct Candidate {
    binary: PathBuf,
    engine: Option<String>,
    execution_threads: Option<String>,
    /// What tables call it.
    name: Option<String>,
}

impl Candidate {
    const fn of(binary: PathBuf) -> Self {
        Self {
            binary,
            engine: None,
            execution_threads: None,
            name: None,
        }
    }

    fn name(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let mut name = self.binary.display().to_string();
        if let Some(engine) = &self.engine {
            name = format!("{name}, {engine}");
        }
        if let Some(threads) = &self.execution_threads {
            name = format!("{name}, {threads} threads");
        }
        name
    }
}

/// Sets what is said of the last candidate; if that is said already, of the same binary once more.
fn say(
    candidates: &mut Vec<Candidate>,
    value: &str,
    place: fn(&mut Candidate) -> &mut Option<String>,
) {
    let free = |last: &mut Candidate| place(last).is_none();
    if !candidates.last_mut().is_some_and(free) {
        let last = candidates.last().map(|last| last.binary.clone());
        candidates.push(Candidate::of(last.unwrap_or_else(crate::start::binary)));
    }
    if let Some(last) = candidates.last_mut() {
        *place(last) = Some(value.to_owned());
    }
}

/// What is measured, from the command line.
pub(crate) struct Options {
    /// They take turns.
    candidates: Vec<Candidate>,
    rounds: usize,
    /// Transactions of each kind that each sender has signed for the saturating load.
    each: usize,
    /// Transactions in a second of the paced load.
    pace: u32,
    /// How long the paced load lasts.
    paced: Duration,
    /// Whether the processor time of each thread is told.
    threads: bool,
    /// Whether homes stay.
    keep: bool,
    patience: Patience,
}

fn options(words: &[String]) -> Options {
    let mut options = Options {
        candidates: Vec::new(),
        rounds: 1,
        each: 25,
        pace: 150,
        paced: Duration::from_secs(10),
        threads: false,
        keep: false,
        patience: Patience::AsTold,
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--threads" => options.threads = true,
            "--keep" => options.keep = true,
            "--whole-seconds" => options.patience = Patience::WholeSeconds,
            _ => {}
        }
        if matches!(word.as_str(), "--threads" | "--keep" | "--whole-seconds") {
            continue;
        }
        let value = words
            .next()
            .unwrap_or_else(|| panic!("{word} needs a value"));
        let number = || {
            value
                .parse::<u32>()
                .unwrap_or_else(|_| panic!("{word} needs a number"))
        };
        match word.as_str() {
            "--binary" => options.candidates.push(Candidate::of(PathBuf::from(value))),
            "--engine" => say(&mut options.candidates, value, |c| &mut c.engine),
            "--execution-threads" => {
                say(&mut options.candidates, value, |c| &mut c.execution_threads);
            }
            "--as" => say(&mut options.candidates, value, |c| &mut c.name),
            "--rounds" => options.rounds = number() as usize,
            "--each" => options.each = number() as usize,
            "--pace" => options.pace = number(),
            "--seconds" => options.paced = Duration::from_secs(number().into()),
            _ => panic!("load has no option {word}"),
        }
    }
    if options.candidates.is_empty() {
        options
            .candidates
            .push(Candidate::of(crate::start::binary()));
    }
    options
}

pub(crate) fn run(words: &[String]) {
    let options = options(words);
    let mut all: Vec<Vec<Measured>> = options.candidates.iter().map(|_| Vec::new()).collect();
    for round in 0..options.rounds {
        for (of, candidate) in all.iter_mut().zip(&options.candidates) {
            let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
            eprintln!("round {round}, {}: load {}", candidate.name(), load.trim());
            of.push(measure::measure(candidate, &options));
        }
    }
    for (what, pick) in [
        (
            "Token transfers, saturating",
            (|m| &m.transfers) as fn(&Measured) -> &Load,
        ),
        ("Bank sends, saturating", |m| &m.sends),
        ("Token transfers, paced", |m| &m.paced),
    ] {
        let rows = rows(&options, &all, pick);
        table(
            what,
            &[
                "binary",
                "rate: ratio",
                "per second",
                "CPU per transaction, host: ratio",
                "host, ms",
                "enclave, ms",
                "included p50, ms",
                "p99, ms",
                "p99 from the first attempt, ms",
                "written, KB each",
                "on disk, KB each",
                "refused for now",
            ],
            &rows,
        );
    }
    let rows: Vec<_> = options
        .candidates
        .iter()
        .zip(&all)
        .map(|(candidate, of)| {
            let of_all = |quarter| of.iter().map(move |m| at(&m.transfers.resident, quarter));
            let of = |pick: fn(&Measured) -> f64| median(of.iter().map(pick));
            vec![
                candidate.name(),
                format!("{:.2}", of(|m| m.stop.as_secs_f64())),
                format!("{:.2}", of(|m| m.restart.as_secs_f64())),
                QUARTERS
                    .map(|quarter| mib(median(of_all(quarter)) as u64))
                    .join(", "),
                mib(of(|m| m.host_kib as f64) as u64),
                mib(of(|m| m.enclave_kib as f64) as u64),
                format!(
                    "{:.1}",
                    of(|m| m.query_idle.at(99, 100).as_secs_f64() * 1e3)
                ),
                format!(
                    "{:.1}",
                    of(|m| m.query_loaded.at(99, 100).as_secs_f64() * 1e3)
                ),
            ]
        })
        .collect();
    table(
        "After the load",
        &[
            "binary",
            "stop, s",
            "restart, s",
            "host after each quarter of the transfers, MiB",
            "host, MiB",
            "enclave, MiB",
            "query p99 idle, ms",
            "query p99 under transfers, ms",
        ],
        &rows,
    );
}

fn rows(
    options: &Options,
    all: &[Vec<Measured>],
    pick: fn(&Measured) -> &Load,
) -> Vec<Vec<String>> {
    let of = |of: &[Measured], figure: fn(&Load) -> f64| median(of.iter().map(|m| figure(pick(m))));
    let first = all.first().expect("a binary");
    let (rate, host) = (of(first, Load::rate), of(first, |l| l.host));
    let line = |(candidate, m): (&Candidate, &Vec<Measured>)| {
        vec![
            candidate.name(),
            format!("{:.2}", of(m, Load::rate) / rate),
            format!("{:.0}", of(m, Load::rate)),
            format!("{:.2}", of(m, |l| l.host) / host),
            format!("{:.3}", of(m, |l| l.host * 1e3)),
            format!("{:.3}", of(m, |l| l.enclave * 1e3)),
            ms(Duration::from_secs_f64(of(m, |l| {
                l.included.median().as_secs_f64()
            }))),
            ms(Duration::from_secs_f64(of(m, |l| {
                l.included.at(99, 100).as_secs_f64()
            }))),
            ms(Duration::from_secs_f64(of(m, |l| {
                l.since_first.at(99, 100).as_secs_f64()
            }))),
            format!("{:.1}", of(m, |l| l.written / 1e3)),
            format!("{:.1}", of(m, |l| l.disk / 1e3)),
            format!("{:.0}", of(m, |l| l.refused as f64)),
        ]
    };
    options.candidates.iter().zip(all).map(line).collect()
}

const QUARTERS: [usize; 4] = [1, 2, 3, 4];

/// What was seen at the end of a quarter.
fn at(seen: &[u64], quarter: usize) -> f64 {
    let place = (seen.len() * quarter / QUARTERS.len()).saturating_sub(1);
    seen.get(place).copied().unwrap_or_default() as f64
}

fn median(of: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = of.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
