//! Accounts: numbers, sequences, public keys, and the parameters of the ante chain (wire.md 1.6, 1.13.4, 3.3).

pub mod event;
pub mod genesis;
pub mod handler;
pub mod query;
pub mod state;
