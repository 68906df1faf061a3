//! Addresses, coins, gas, heights, transactions and the protobuf of the public protocol.
//!
//! Circles: trusted, client (and the host through them). Pure: no clock, no randomness, no I/O.
//!
//! Promises: every decoder is bounded and returns an error on hostile input; every text form is canonical.
//! Refuses: to know anything of keys, state or consensus rules.

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

pub mod abci;
pub mod address;
pub mod amino;
mod bech32_text;
pub mod block;
pub mod coin;
pub mod consensus;
pub mod error;
pub mod genesis;
pub mod multisig;
pub mod proto;
pub mod public_key;
mod raw_tx;
pub mod schema;
pub mod signers;
pub mod size;
pub mod state;
mod strict;
pub mod time;
pub mod tx;
pub mod untrusted;
mod wire;

pub use abci::{Attribute, Event, ExecTxResult, ValidatorUpdate};
pub use address::Address;
pub use block::DecidedBlock;
pub use coin::{Coin, Coins};
pub use error::{Codespace, TxError};
pub use genesis::{GenesisDoc, GenesisError, GenesisValidator};
pub use public_key::PublicKey;
pub use raw_tx::RawTx;
pub use size::size_class;
pub use state::{Tree, WriteSet};
pub use time::Timestamp;
pub use untrusted::Untrusted;

/// A SHA-256 digest, 32 bytes.
pub type Hash = [u8; 32];

/// A block height; the first block of a chain has height 1.
pub type Height = u64;

/// SDK gas, the unit users pay for; 1 SDK gas = 1,000 wasm gas.
pub type Gas = u64;

/// SHA-256 of `bytes` (FIPS 180-4), 32 bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Hash {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}
