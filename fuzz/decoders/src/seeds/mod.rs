//! The seeds of the corpora: small inputs of every shape, out of real recordings and of our own encoders.
//!
//! `cargo run -p strongroom-fuzz-decoders -- seeds` writes them to `fuzz/corpus/TARGET/`; what a run found lies beside them.

mod chain;
mod enclave;
pub mod recorded;
mod rest;

use crate::TARGETS;

/// Inputs of a target; empty for one that has no seeds.
#[must_use]
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "attestation" => enclave::attestation(),
        "block" => blocks()
            .into_iter()
            .flat_map(|b| [b.header, b.commit, b.evidence])
            .collect(),
        "client_proof" => recorded::client_proofs(),
        "client_rest" => rest::transcripts(),
        "contract_result" => chain::contract_results(),
        "door" => enclave::door(),
        "event_query" => chain::lines(include_str!("event_queries.txt")),
        "genesis" => vec![crate::chain::local_genesis(), recorded::genesis("single")],
        "gzip" => chain::gzip(),
        "light_block" => {
            let blocks = recorded::light_blocks().into_iter();
            blocks.step_by(5).map(|b| b.encode()).collect()
        }
        "light_client" => {
            let blocks = blocks().into_iter();
            blocks
                .map(|b| borsh::to_vec(&b).expect("a block encodes"))
                .collect()
        }
        "proof" => recorded::proofs(),
        "query" => chain::queries(),
        "rpc" => recorded::requests(),
        "sealed" => enclave::sealed(),
        "text" => chain::lines(include_str!("texts.txt")),
        "transaction" => chain::transactions(),
        "wasm" => chain::wasm(),
        "websocket" => recorded::frames(),
        _ => Vec::new(),
    }
}

/// The longest seed, bytes: a corpus is for reading and for changing, not for volume.
const SEED_BYTES_MAX: usize = 8_192;

/// Seeds of all targets, each once, the long ones left out.
#[must_use]
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    let mut all = Vec::new();
    for (target, _) in TARGETS {
        let mut seeds = of(target);
        seeds.retain(|seed| seed.len() <= SEED_BYTES_MAX);
        seeds.sort();
        seeds.dedup();
        all.extend(seeds.into_iter().map(|seed| (*target, seed)));
    }
    all
}

/// A few recorded blocks: the first ones, one with transactions, one with evidence, and changes of the validators.
pub(crate) fn blocks() -> Vec<strongroom_types::DecidedBlock> {
    let few = |chain: &(&str, u64)| {
        let blocks = recorded::states(chain).into_iter().map(|(_, block)| block);
        blocks.step_by(3).collect::<Vec<_>>()
    };
    recorded::CHAINS.iter().flat_map(few).collect()
}
