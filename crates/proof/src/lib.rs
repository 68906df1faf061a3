//! Light client, PartialTree and Merkle proofs: the only maker of `Verified` (trusted, client).
//!
//! Circles: trusted, client (and the host through them). Pure: no clock, no randomness, no I/O.
//!
//! Promises: what is answered here follows from a hash that the caller trusts; hostile input gets an error and changes
//! nothing. Refuses: to know where bytes come from or what they mean.

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

pub mod comet;
pub mod error;
pub mod forest;
pub mod ics23;
pub mod light;
pub mod merkle;
pub mod partial;
pub mod tree;
pub mod verified;

pub use error::Error;
pub use partial::{PartialForest, PartialTree, Read};
pub use verified::Verified;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod oracle;
