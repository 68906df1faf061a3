//! The contracts of this repository, as `cargo xtask contracts` builds them.

use std::path::PathBuf;

/// The wasm of `contracts/<name>`.
///
/// # Panics
/// If it is not built: says what to run.
#[must_use]
pub fn contract(name: &str) -> Vec<u8> {
    let file = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../contracts/target"
    ))
    .join("wasm32-unknown-unknown/release")
    .join(format!("{name}.wasm"));
    std::fs::read(&file).unwrap_or_else(|error| {
        panic!(
            "the contract {name} is not built ({}: {error}). Run: cargo xtask contracts",
            file.display()
        )
    })
}
