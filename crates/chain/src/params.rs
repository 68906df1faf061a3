//! The consensus parameters and the validator set in the state: what a block stands on, and so the core's own. The module
//! `consensus` answers for them.

use crate::collections::Item;
use crate::types::Gas;
use borsh::{BorshDeserialize, BorshSerialize};

/// The most gas that a block may be given in genesis: ten times the local network's. It bounds how long a block runs, and how
/// many bytes one transaction holds in memory before its output is counted.
pub const BLOCK_GAS_MAX: i64 = 1_000_000_000;
/// The most validators of a set.
pub const VALIDATORS_MAX: usize = 1_000;
/// The most voting power of a set: 2^63 / 8, CometBFT's own bound.
pub const POWER_TOTAL_MAX: i64 = i64::MAX / 8;

/// A validator.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Validator {
    /// Ed25519 public key.
    pub pubkey: [u8; 32],
    /// Voting power, more than 0.
    pub power: i64,
}

/// Consensus parameters.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ConsensusParams {
    /// Largest block in bytes.
    pub block_bytes_max: i64,
    /// Gas of a block, 1 to [`BLOCK_GAS_MAX`].
    pub block_gas_max: i64,
    /// Heights for which evidence counts.
    pub evidence_age_blocks_max: i64,
    /// Time for which evidence counts, in nanoseconds.
    pub evidence_age_ns_max: i64,
    /// Largest evidence of a block in bytes.
    pub evidence_bytes_max: i64,
    /// Kinds of validator keys.
    pub pub_key_types: Vec<String>,
    /// `version.app` of headers.
    pub version_app: u64,
    /// From which height on votes have extensions; 0 for never.
    pub vote_extensions_height: i64,
}

impl ConsensusParams {
    /// The gas limit of a block, if there is one.
    #[must_use]
    pub fn block_gas(&self) -> Option<Gas> {
        u64::try_from(self.block_gas_max).ok()
    }
}

/// The validator set, in the order of genesis.
pub const VALIDATORS: Item<Vec<Validator>> = Item::new("consensus/validators");
/// The consensus parameters.
pub const PARAMS: Item<ConsensusParams> = Item::new("consensus/params");
