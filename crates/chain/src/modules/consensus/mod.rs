//! Validator set and consensus parameters in the state: what the light client and the limits of a block rest on.

pub mod genesis;
pub mod query;
pub mod state;
