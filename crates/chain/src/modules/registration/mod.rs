//! Registration of nodes: who may have the seed, by what evidence, and until when (docs/spec/registration.md; wire.md 2.5).
//!
//! Promises: a share is made by the very execution that verified the evidence it is for, and for nobody else; a node belongs to
//! one operator, and a platform to one live node; whoever does not renew or does not confirm ends by itself, and never takes
//! more than a third of the voting power along; collateral and policy are state, the same for every enclave.
//! Refuses: evidence that does not bind this chain, genesis, owner and these keys; one-time keys that were used before; keys
//! whose owner has not signed; more than [`keeper::PENDING_MAX`] nodes that have not confirmed.

mod certificate;
pub mod error;
pub mod event;
mod evidence;
pub mod genesis;
mod join;
pub mod keeper;
mod msg;
mod query;
mod returning;
mod review;
pub mod state;
#[cfg(test)]
pub(crate) mod tests;

use crate::module::{GenesisPart, Module, MsgHandler};
use crate::queries;
use crate::types::proto::secret::registration::v1beta1 as legacy;
use crate::types::proto::strongroom::registration::v1 as pb;

/// The module. Clients know the network's keys as `app_state.register`.
pub const MODULE: Module = Module {
    errors: error::ALL,
    collections: state::NAMES,
    messages: &[
        MsgHandler::of::<pb::MsgRegisterNode>(),
        MsgHandler::of::<pb::MsgConfirmNode>(),
        MsgHandler::of::<pb::MsgRenewNode>(),
        MsgHandler::of::<pb::MsgRevokeNode>(),
        MsgHandler::of::<pb::MsgSubmitCollateral>(),
        MsgHandler::of::<pb::MsgUpdatePolicy>(),
        MsgHandler::of::<legacy::RaAuthenticate>(),
    ],
    queries: queries!(
        "strongroom.registration.v1.Query" {
            Nodes: query::nodes,
            Node: query::node,
            Share: query::share,
            Policy: query::policy,
            Collaterals: query::collaterals,
        },
        "secret.registration.v1beta1.Query" {
            TxKey: query::tx_key,
            RegistrationKey: query::registration_key,
            EncryptedSeed: query::encrypted_seed,
        },
    ),
    genesis: &[
        GenesisPart::of::<genesis::Keys>("register"),
        GenesisPart::of::<genesis::Genesis>("registration"),
    ],
    end_block: Some(keeper::end_block),
    ..Module::new("registration")
};
