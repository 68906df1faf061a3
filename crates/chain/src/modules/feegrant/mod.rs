//! Fee grants: an account allows another to pay fees out of its balance (wire.md 1.12.2, 1.13.1).
//!
//! Promises: an allowance pays what it says and no more, while it lasts and for the messages that it names; what is expired pays
//! nothing and is removed soon after, [`keeper::PRUNED_BLOCK_MAX`] in a block at most; there is one allowance at most between
//! two accounts.
//! Refuses: allowances within each other deeper than [`allowance::NESTING_MAX`], and more than
//! [`allowance::MESSAGES_MAX`] names of messages.

pub mod allowance;
pub mod error;
pub mod event;
pub mod genesis;
pub mod keeper;
mod msg;
mod query;
pub mod state;
#[cfg(test)]
mod tests;

use crate::module::{GenesisPart, Module, MsgHandler};
use crate::queries;
use crate::types::proto::cosmos::feegrant::v1beta1 as pb;

/// The module.
pub const MODULE: Module = Module {
    errors: error::ALL,
    collections: state::NAMES,
    messages: &[
        MsgHandler::of::<pb::MsgGrantAllowance>(),
        MsgHandler::of::<pb::MsgRevokeAllowance>(),
        MsgHandler::of::<pb::MsgPruneAllowances>(),
    ],
    queries: queries!("cosmos.feegrant.v1beta1.Query" {
        Allowance: query::allowance,
        Allowances: query::allowances,
        AllowancesByGranter: query::allowances_by_granter,
    }),
    genesis: &[GenesisPart::of::<genesis::Genesis>("feegrant")],
    end_block: Some(keeper::end_block),
    ..Module::new("feegrant")
};
