//! Answers for the consensus parameters. They and the validator set belong to the core ([`crate::params`]): the genesis document
//! has members of its own for them.

mod query;

use crate::module::Module;
use crate::params::{PARAMS, VALIDATORS};
use crate::queries;

/// The module.
pub const MODULE: Module = Module {
    collections: &[VALIDATORS.name(), PARAMS.name()],
    queries: queries!("cosmos.consensus.v1.Query" { Params: query::params }),
    ..Module::new("consensus")
};
