//! The consensus parameters and the validator set in the state: what a block stands on, and so the core's own. The module
//! `consensus` answers for them.

use crate::collections::Item;
use crate::types::ValidatorUpdate;
use crate::types::consensus::ConsensusParams;

/// The most gas that a block may be given in genesis: ten times the local network's. It bounds how long a block runs, and how
/// many bytes one transaction holds in memory before its output is counted.
pub const BLOCK_GAS_MAX: i64 = 1_000_000_000;

/// The validator set, in the order of genesis.
pub const VALIDATORS: Item<Vec<ValidatorUpdate>> = Item::new("consensus/validators");
/// The consensus parameters.
pub const PARAMS: Item<ConsensusParams> = Item::new("consensus/params");
