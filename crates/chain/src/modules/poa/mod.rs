//! Validators by the decision of an authority, an account or a multisig, which a network with permission keeps (proof of
//! authority; docs/spec/registration.md 8).
//!
//! Promises: whoever has power is registered, votes with the key of its registration, and loses the power with it; the set that
//! consensus has ([`crate::params::VALIDATORS`]) is the one that stands here, from the end of the block on; expiry takes at most
//! a third of the power in [`keeper::WINDOW_S`]; who signed two blocks at one height loses its power for good ([`misbehavior`]).
//! Refuses: to remove the last validator; power beyond what consensus takes; more than [`keeper::VALIDATORS_MAX`] validators.

pub mod error;
pub mod event;
pub mod genesis;
pub mod keeper;
mod misbehavior;
mod msg;
mod query;
pub mod state;
#[cfg(test)]
mod tests;

use crate::module::{GenesisPart, Module, MsgHandler};
use crate::queries;
use crate::types::proto::strongroom::poa::v1 as pb;

/// The module.
pub const MODULE: Module = Module {
    errors: error::ALL,
    collections: state::NAMES,
    messages: &[
        MsgHandler::of::<pb::MsgSetValidator>(),
        MsgHandler::of::<pb::MsgRemoveValidator>(),
    ],
    queries: queries!("strongroom.poa.v1.Query" {
        Authority: query::authority,
        Validators: query::validators,
        Validator: query::validator,
    }),
    genesis: &[GenesisPart::of::<genesis::Genesis>("poa")],
    begin_block: Some(misbehavior::begin_block),
    end_block: Some(keeper::end_block),
    ..Module::new("poa")
};
