//! Benchmarks: measurements as tables, ratios against a named baseline of the same run first.
//!
//! ```text
//! cargo xtask contracts
//! cargo build --release
//! cargo run --release -p benches            all of them
//! cargo run --release -p benches -- load     the load generator (see its module)
//! cargo run --release -p benches -- NAME…   transfer, empty, replies, iteration, tokens, blocks, holders, beside, start, state, proofs, evidence, network
//! ```
//!
//! With `--features jemalloc` they have the node's allocator (`state` is to be measured so).
//!
//! Nothing here passes or fails: noisy machines would make it lie. Each number is a median, with its spread beside it.
//! What was measured when is in docs/benchmarks.md.

mod beside;
mod blocks;
mod calls;
mod empty;
mod evidence;
mod figures;
mod holders;
mod iteration;
mod load;
mod network;
mod proofs;
mod replies;
mod scene;
mod start;
mod state;
mod tokens;
mod transfer;
mod vm_only;

/// As the node has it (ADR 26).
#[cfg(all(feature = "jemalloc", target_os = "linux"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

use std::process::ExitCode;

/// A measurement, by name.
type Bench = (&'static str, fn());

const ALL: [Bench; 13] = [
    ("transfer", transfer::run),
    ("empty", empty::run),
    ("replies", replies::run),
    ("iteration", iteration::run),
    ("tokens", tokens::run),
    ("blocks", blocks::run),
    ("holders", holders::run),
    ("beside", beside::run),
    ("start", start::run),
    ("state", state::run),
    ("proofs", proofs::run),
    ("evidence", evidence::run),
    ("network", network::run),
];

fn main() -> ExitCode {
    let named: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("load", options)) = named.split_first().map(|(n, o)| (n.as_str(), o)) {
        load::run(options);
        return ExitCode::SUCCESS;
    }
    if let Some(unknown) = named
        .iter()
        .find(|n| !ALL.iter().any(|(name, _)| name == n))
    {
        eprintln!(
            "no bench {unknown}: transfer, empty, replies, iteration, tokens, blocks, holders, beside, start, state, proofs, evidence, network"
        );
        return ExitCode::FAILURE;
    }
    for (name, run) in ALL {
        if named.is_empty() || named.iter().any(|n| n == name) {
            run();
        }
    }
    ExitCode::SUCCESS
}
