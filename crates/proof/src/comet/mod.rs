//! CometBFT v0.38: blocks, headers, commits, validator sets and parameters, their protobuf and their hashes.
//!
//! Circles: trusted, client (and the host through them).
//!
//! Promises: what decodes, encodes to the same bytes (anything else is refused as not canonical), so hashing a decoded
//! value is hashing what was given; every decoder is bounded by the length of its input and the limits named here; the
//! bytes are those of the real engine, held against recorded blocks.
//! Refuses: keys other than Ed25519, hashes of other lengths, times outside the years 1 to 9999.
//!
//! Trees are RFC 6962 with SHA-256 ([`crate::merkle`]). The messages are those of `tendermint-proto`; the types here
//! exist because an *empty but present* message and a missing one hash differently (first height), and because the
//! enclave wants values that were checked once.

pub mod block;
pub mod commit;
pub mod evidence;
pub mod header;
pub mod params;
pub mod validators;
mod wire;

pub use block::{PART_BYTES, block_bytes, data_hash, part_set_header, prove_tx, results_hash};
pub use commit::{Commit, CommitSig, Vote, empty_commit_hash, sign_bytes};
pub use evidence::{Evidence, Misbehavior, MisbehaviorKind};
pub use header::{BlockId, Header, PartSetHeader};
pub use params::consensus_hash;
pub use validators::{Validator, ValidatorSet};

/// The raw protobuf messages (`tendermint.types` and friends, v0.38) behind the types of this module.
pub use tendermint_proto::v0_38 as raw;

/// The block protocol that this module speaks; the only one that CometBFT v0.38 accepts.
pub const BLOCK_PROTOCOL: u64 = 11;

/// An account-like address of consensus: the first 20 bytes of SHA-256(Ed25519 key).
pub type ValidatorAddress = [u8; 20];

/// Why bytes are no value of this module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not protobuf of this message.
    #[error("{what}: not protobuf: {reason}")]
    Protobuf {
        /// The message.
        what: &'static str,
        /// Text of the decoder.
        reason: String,
    },
    /// A field is missing or out of its range.
    #[error("{what}: bad {field}")]
    Field {
        /// The message.
        what: &'static str,
        /// The field.
        field: &'static str,
    },
    /// Protobuf of the message, but not the bytes that CometBFT would write: they would hash differently.
    #[error("{what}: not in canonical encoding")]
    NotCanonical {
        /// The message.
        what: &'static str,
    },
}

impl DecodeError {
    /// A stable name for logs, metrics and the door.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Protobuf { .. } => "comet.protobuf",
            Self::Field { .. } => "comet.field",
            Self::NotCanonical { .. } => "comet.not_canonical",
        }
    }
}

#[cfg(test)]
mod tests;
