//! The two engines beside each other: a network on the real CometBFT, and Solo from the same genesis file with the same seed and keys.
//! The same transactions at the same heights and times give the same blocks, results and events, byte for byte.
//!
//! What may differ: the commit with which a block was decided. Both sign the same block, at another time; the commit that the next block
//! carries is the same again. Without CometBFT each test here is skipped by its name and counted as ignored.

mod compare;
mod node;
mod record;
mod replay;
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use strongroom_consensus::cometbft::binary;

fn main() -> ExitCode {
    let filter: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let wanted = |name: &str| filter.is_empty() || filter.iter().any(|part| name.contains(part));
    let (some, others): (Vec<_>, Vec<_>) = tests::ALL.iter().partition(|test| wanted(test.name));
    let (mut passed, mut failed, mut ignored) = (0, 0, 0);
    match binary::find(None) {
        Err(error) => {
            for test in &some {
                println!("test {} ... ignored, {error}", test.name);
            }
            ignored = some.len();
        }
        Ok(cometbft) => {
            // One network for all of them.
            let network = (!some.is_empty()).then(|| catch_unwind(|| record::network(&cometbft)));
            for test in &some {
                let network = network.as_ref().and_then(|made| made.as_ref().ok());
                let run = AssertUnwindSafe(|| (test.run)(network.expect("a network")));
                if catch_unwind(run).is_ok() {
                    println!("test {} ... ok", test.name);
                    passed += 1;
                } else {
                    println!("test {} ... FAILED", test.name);
                    failed += 1;
                }
            }
        }
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {word}. {passed} passed; {failed} failed; {ignored} ignored; 0 measured; {} filtered out\n",
        others.len()
    );
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
