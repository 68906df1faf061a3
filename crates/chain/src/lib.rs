//! The state machine: everything that a block changes, as a pure function of (decided block, proven state, secrets).
//!
//! Circles: trusted (inside the enclave, with real [`Secrets`]) and host (mempool checks, simulation of public
//! messages and public queries, with [`NoSecrets`]).
//!
//! Promises: the same inputs give the same bytes on every machine; bad input gives a [`types::TxError`] and changes
//! nothing; nothing global is written per transaction (fees are deltas folded at block end).
//! Refuses: to range-scan (keys of the tree are hashed), to read a clock, to see a host's opinion of the state.
//!
//! Order of reading: [`ports`] (what it stands on), [`overlay`] and [`state`] (how it reads and writes),
//! [`collections`], [`gas`], [`ctx`] (what a handler has), [`tx`] (one transaction), [`block`] (one block),
//! [`check`] (mempool and simulation), [`mod@query`], [`genesis`], [`module`] (what a module is) and [`modules`] (the table of them; all
//! of one shape).

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::disallowed_types,
        clippy::disallowed_methods
    )
)]

pub mod block;
pub mod check;
pub mod collections;
pub mod ctx;
pub mod engine;
pub mod error;
pub mod gas;
pub mod genesis;
pub mod module;
pub mod modules;
pub mod overlay;
pub mod params;
pub mod ports;
pub mod query;
mod secrets;
pub mod state;
pub mod tx;

#[cfg(test)]
mod testing;

pub use block::{BlockOutcome, execute_block, execute_watched};
pub use check::{CheckState, simulate, simulate_sealed};
pub use ctx::{BlockInfo, Ctx, ExecutionEnv, Mode, TxInfo};
pub use error::{Fault, Stop};
pub use gas::GasMeter;
pub use genesis::{init_chain, localnet_genesis};
pub use overlay::{Overlay, Slot};
pub use ports::{
    CodeRead, EveryTx, NoSecrets, Secrets, SecretsError, ShareTarget, StateRead, Watch, WatchAhead,
};
pub use query::query;
pub use secrets::{EpochKeys, SimulationKeys};
pub use state::State;

pub(crate) use strongroom_attest as attest;
pub(crate) use strongroom_crypto as crypto;
pub(crate) use strongroom_types as types;

/// Bytes shared by reference: values of the state are read many times and copied rarely.
pub type Bytes = std::sync::Arc<[u8]>;
