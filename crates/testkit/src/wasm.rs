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

/// The wasm of `contracts/puppet.wat`, a contract that does what its message says; `more` is put at the end of the module.
pub(crate) fn puppet(more: &str) -> Vec<u8> {
    const PUPPET: &str = include_str!("../../../contracts/puppet.wat");
    let (module, _) = PUPPET.rsplit_once(')').expect("a module");
    wat::parse_str(format!("{module}{more})")).expect("WebAssembly text")
}
