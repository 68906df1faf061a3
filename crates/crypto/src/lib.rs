//! Key schedule, KDF contexts, AEAD and signatures over zeroizing secrets.
//!
//! Circles: trusted, client. Pure: randomness enters as bytes that the caller passes; no clock, no I/O.
//!
//! Promises: secrets zeroize on drop, compare in constant time and never print; every key is derived under a named
//! context of [`context`], with an `-insecure` twin; every decoder is bounded. Refuses: low-order keys of users,
//! high-S signatures, seals and shares of another genesis.
//!
//! Spec: encryption.md 1, 4, 5 (the wire, as clients know it); the rest is ours and stated in the modules.

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

pub mod aead;
pub mod bound;
pub mod context;
pub mod ed25519;
pub mod error;
pub mod exchanges;
pub mod imports;
pub mod io;
pub mod kdf;
mod keccak;
pub mod random;
pub mod schedule;
pub mod seal;
pub mod secp256k1;
mod secp256r1;
pub mod secret;
pub mod seed;
pub mod share;
pub mod state;
pub mod x25519;

pub use context::Security;
pub use error::Error;
pub use io::TxKey;
pub use keccak::keccak256;
pub use schedule::KeySchedule;
pub use secret::Secret;
pub use seed::{Epoch, MasterSeed, SeedRing};
pub use share::ShareTarget;
pub use state::StateKeys;
pub use strongroom_types::sha256;
pub use zeroize::Zeroizing;
