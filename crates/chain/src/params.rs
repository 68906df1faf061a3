//! The consensus parameters and the validator set in the state: what a block stands on, and so the core's own. The module
//! `consensus` answers for them.

use crate::collections::Item;
use crate::types::ValidatorUpdate;
use crate::types::consensus::ConsensusParams;

/// The most gas that a block may be given in genesis: ten times the local network's. It bounds how long a block runs, and how
/// many bytes one transaction holds in memory before its output is counted.
pub const BLOCK_GAS_MAX: i64 = 1_000_000_000;
/// The most validators of a set.
pub const VALIDATORS_MAX: usize = 1_000;
/// The most voting power of a set: 2^63 / 8, CometBFT's own bound.
pub const POWER_TOTAL_MAX: i64 = i64::MAX / 8;

/// The validator set, in the order of genesis.
pub const VALIDATORS: Item<Vec<ValidatorUpdate>> = Item::new("consensus/validators");
/// The consensus parameters.
pub const PARAMS: Item<ConsensusParams> = Item::new("consensus/params");
