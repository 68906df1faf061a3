//! Evidence that real hardware made, recorded by others: each case gives the verdict that is known for it, and what is changed
//! in it is refused or proves the same.
//!
//! The recordings lie beside the repository (`../shared/evidence`, or where `STRONGROOM_EVIDENCE` says); without them each
//! test here is skipped by its name and counted as ignored. `STRONGROOM_FLIPS=all` (or what the names of cases begin with, like
//! `snp/`) flips every bit instead of one in 16 bytes: half an hour for all, built for release.

mod cases;
mod tests;

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let root = std::env::var_os("STRONGROOM_EVIDENCE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/evidence"),
        PathBuf::from,
    );
    let filter: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let (mut passed, mut failed, mut ignored, mut filtered) = (0, 0, 0, 0);
    for tests::Test { name, run } in tests::ALL {
        if !filter.is_empty() && !filter.iter().any(|part| name.contains(part.as_str())) {
            filtered += 1;
        } else if !root.join("manifest.json").is_file() {
            println!(
                "test {name} ... ignored, no recorded evidence at {}",
                root.display()
            );
            ignored += 1;
        } else if catch_unwind(|| run(&cases::Recordings::read(&root))).is_ok() {
            println!("test {name} ... ok");
            passed += 1;
        } else {
            println!("test {name} ... FAILED");
            failed += 1;
        }
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {word}. {passed} passed; {failed} failed; {ignored} ignored; 0 measured; {filtered} filtered out\n"
    );
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
