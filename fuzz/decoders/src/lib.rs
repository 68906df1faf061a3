//! What every decoder that faces the outside is fed: one function for each, the same under libFuzzer (`fuzz_targets`)
//! and in the replay of the corpora (`tests/corpora.rs`).
//!
//! Promises: a target panics only where a promise of the decoder breaks. Its answer says whether the input was accepted, so
//! that a corpus which reaches nothing any more is noticed.

pub mod chain;
pub mod client;
pub mod consensus;
pub mod enclave;
pub mod rpc;
pub mod seeds;

/// Feeds one input; whether it was accepted.
pub type Target = fn(&[u8]) -> bool;

/// Every target by the name of its corpus and of its libFuzzer binary.
pub const TARGETS: &[(&str, Target)] = &[
    ("attestation", enclave::attestation),
    ("block", consensus::block),
    ("client_proof", consensus::client_proof),
    ("client_rest", client::client_rest),
    ("contract_result", chain::contract_result),
    ("door", enclave::door),
    ("event_query", rpc::event_query),
    ("genesis", chain::genesis),
    ("gzip", chain::gzip),
    ("light_block", consensus::light_block),
    ("light_client", consensus::light_client),
    ("proof", consensus::proof),
    ("query", chain::query),
    ("rpc", rpc::rpc),
    ("sealed", enclave::sealed),
    ("text", chain::text),
    ("transaction", chain::transaction),
    ("wasm", chain::wasm),
    ("websocket", rpc::websocket),
];
