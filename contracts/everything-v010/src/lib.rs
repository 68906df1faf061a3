//! A contract of CosmWasm v0.10 for the end-to-end tests: it does what its message says, so that a test can see what the
//! chain makes of it: messages, errors, and every import of the host. Written with the published library of that version.
//! The page about it is docs/book/everything.md. It imports iteration, so the chain keeps its keys in order.

pub mod contract;
pub mod msg;

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the library's macro exports C functions")]
mod entry_points {
    use super::contract;
    cosmwasm_std::create_entry_points_with_migration!(contract);
}
