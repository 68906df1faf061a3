//! A private token (SNIP-20) as contracts of CosmWasm v0.10 were written: with the published libraries of that version.
//! `token` is the one to read; this one shows that its elders run.

pub mod contract;
pub mod ledger;
pub mod msg;
pub mod viewing_key;

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the library's macro exports C functions")]
mod entry_points {
    use super::contract;
    cosmwasm_std::create_entry_points!(contract);
}
