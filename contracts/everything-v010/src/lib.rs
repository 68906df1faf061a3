//! A contract of CosmWasm v0.10 for the end-to-end tests: it does what its message says, so that a test can see what the
//! chain makes of it. Written with the published library of that version.

pub mod contract;
pub mod msg;
#[cfg(target_arch = "wasm32")]
mod signing;

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the library's macro exports C functions")]
mod entry_points {
    use super::contract;
    cosmwasm_std::create_entry_points_with_migration!(contract);
}
