//! Registration of nodes: the network's public keys and the mode of security (wire.md 2.5).
//!
//! What stands is what the first block fixes; the way of a node from pending over registered to revoked comes later.

pub mod error;
pub mod genesis;
mod query;
pub mod state;

use crate::module::{GenesisPart, Module};
use crate::queries;

/// The module. Clients know the network's keys as `app_state.register`.
pub const MODULE: Module = Module {
    errors: error::ALL,
    collections: state::NAMES,
    queries: queries!("secret.registration.v1beta1.Query" {
        TxKey: query::tx_key,
        RegistrationKey: query::registration_key,
        EncryptedSeed: query::encrypted_seed,
    }),
    genesis: &[
        GenesisPart::of::<genesis::Keys>("register"),
        GenesisPart::of::<genesis::Genesis>("registration"),
    ],
    ..Module::new("registration")
};
