//! The kit itself, on the contracts of this repository. Needs them: `cargo xtask contracts`.

mod auction;
mod checks;
mod leaks;
mod network;
mod panics;
mod speed;

use std::path::PathBuf;

/// The wasm of `contracts/<name>`.
fn contract(name: &str) -> Vec<u8> {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../contracts/target/wasm32-unknown-unknown/release"
    );
    let file = PathBuf::from(folder).join(format!("{name}.wasm"));
    std::fs::read(&file).unwrap_or_else(|error| {
        panic!(
            "the contract {name} is not built ({}: {error}). Run: cargo xtask contracts",
            file.display()
        )
    })
}
