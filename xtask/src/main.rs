//! What a laptop and CI run: `cargo xtask test` is every check and every test; each step can be run alone.
//!
//! Installs what it needs where that is possible without asking, prints what it skips and why, and closes with one line
//! that counts everything.

mod bench;
mod command;
mod golden;
mod jumps;
mod report;
mod steps;
mod tidy;

use std::process::ExitCode;

use report::Report;

const HELP: &str = "\
cargo xtask <step>

  test        every step below, then one line with the sum
  fmt         formatting of every workspace
  tidy        the import rule, lock files, lints of trusted crates, documents and what they cite
  clippy      lints of the crates and of the contracts; warnings are errors
  deny        licences, banned crates and sources of dependencies
  sgx         the trusted crates check for SGX (needs a nightly toolchain with rust-src)
  contracts   builds the contracts, one at a time
  doc         documentation of all crates; warnings are errors
  wasm32      the libraries that a client in a browser uses build for it
  unit        unit, property and integration tests of the crates and of the contracts; the corpora of the fuzzers and 3,000 random contracts
              are among them
  build       the release binary
  jumps       the interpreter's instructions in the release binary leave nothing on the stack (needs objdump)
  e2e [FILE…] unmodified clients against the release binary; all files, or those named

Not part of `test`:

  fuzz [OPTION…] random contracts through prepare, load and call, beside V8; the options are those of fuzz/modules
  fuzz-blocks [--messages N | --blocks N | --threads N] [--seed S]
              blocks of whatever anyone may send, twice beside an enclave in a process of its own (docs/fuzzing.md); needs the contracts
  faults [--minutes N] [--seed S] [--only SCENARIO[,SCENARIO...]]
              a network in network namespaces under load, with kills, partitions, delay and loss (docs/reliability.md; needs root and the
              release binary)
  bench [--before PATH] [--rounds N] [NAME…]
              the benches, and their tables in docs/benchmarks.md (names: xtask/src/bench.rs); PATH is a release binary that the load begins
              with, N how often each of the load has its turn [2]; network needs scripts/install-cometbft
  coverage    which lines the tests reach, with cargo-llvm-cov
  golden [--check | --write] [CHAIN…]
              records what real CometBFT says into target/golden (needs Go, takes minutes), and compares the recording
              with testdata/cometbft-v0.38, or puts it there
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let step = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let mut report = Report::default();
    match step.as_str() {
        "test" => steps::all(&mut report),
        "fmt" => steps::fmt(&mut report),
        "tidy" => tidy::run(&mut report),
        "clippy" => steps::clippy(&mut report),
        "deny" => steps::deny(&mut report),
        "sgx" => steps::sgx(&mut report),
        "contracts" => steps::contracts(&mut report),
        "unit" => steps::unit(&mut report),
        "doc" => steps::doc(&mut report),
        "wasm32" => steps::wasm32(&mut report),
        "coverage" => steps::coverage(&mut report),
        "fuzz" => steps::fuzz(&mut report, &rest),
        "fuzz-blocks" => steps::fuzz_blocks(&mut report, &rest),
        "faults" => steps::faults(&mut report, &rest),
        "build" => steps::build(&mut report),
        "jumps" => steps::jumps(&mut report),
        "e2e" => steps::e2e(&mut report, &rest),
        "bench" => bench::bench(&mut report, &rest),
        "golden" => golden::golden(&mut report, &rest),
        _ => {
            print!("{HELP}");
            return if step.is_empty() || step == "help" {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            };
        }
    }
    report.close()
}
