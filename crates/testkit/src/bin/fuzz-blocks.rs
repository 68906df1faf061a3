//! Blocks of whatever anyone may send (docs/fuzzing.md), until `--messages N`, `--blocks N` or `--threads N` (blocks) are reached, from `--seed S`
//! on.
//!
//! Messages: twice, each time beside an enclave in a process of its own, which is this executable again; everything must be equal. Blocks:
//! once, in this process, with validators that come and go. Threads: blocks on 1, 2, 4 and 8 threads, in this process.

use std::process::ExitCode;
use strongroom_chain::modules::compute::EngineKind;
use strongroom_testkit::{enclave_process, fuzz};

const HELP: &str = "fuzz-blocks [--messages N | --blocks N | --threads N] [--seed S] [--contract-engine interpreter|winch|winch-at-once]";

fn main() -> ExitCode {
    // Before anything else: the enclave has no other life.
    if let Some(ended) = enclave_process() {
        return ended;
    }
    let mut arguments = std::env::args().skip(1);
    let (mut blocks, mut threads, mut messages, mut seed) = (None, None, 100_000, 1);
    let mut contracts = EngineKind::Interpreter;
    while let Some(name) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        if name == "--contract-engine" {
            let Some(kind) = EngineKind::by_name(&value) else {
                eprintln!("{HELP}");
                return ExitCode::FAILURE;
            };
            contracts = kind;
            continue;
        }
        match (name.as_str(), value.parse::<u64>().ok()) {
            ("--blocks", Some(n)) => blocks = Some(n),
            ("--threads", Some(n)) => threads = Some(n),
            ("--messages", Some(n)) => messages = n,
            ("--seed", Some(n)) => seed = n,
            _ => {
                eprintln!("{HELP}");
                return ExitCode::FAILURE;
            }
        }
    }
    if let Some(blocks) = blocks {
        println!("{:?}", fuzz::run(seed, blocks));
        return ExitCode::SUCCESS;
    }
    if let Some(blocks) = threads {
        println!("{:?}", fuzz::on_threads(seed, blocks));
        return ExitCode::SUCCESS;
    }
    let enclave = std::env::current_exe().expect("this executable");
    let first = fuzz::beside(seed, messages, &enclave, contracts);
    println!("first run: {:?}", first.figures);
    let second = fuzz::beside(seed, messages, &enclave, contracts);
    assert_eq!(first, second, "two runs of one seed differ");
    let hash = |hash: [u8; 32]| hash.map(|byte| format!("{byte:02x}")).concat();
    println!(
        "second run: the same. App hash {}, last header {}",
        hash(first.app_hash),
        hash(first.header_hash)
    );
    ExitCode::SUCCESS
}
