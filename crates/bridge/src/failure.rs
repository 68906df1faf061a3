//! How a request fails: the reply `failed`, with a stable code and a text that names the check.

use crate::types::{Hash, Height};
use borsh::{BorshDeserialize, BorshSerialize};

/// Why a request did not happen: a stable code and a text that names the check.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Failure {
    /// Stable.
    pub code: FailureCode,
    /// For people; never holds a secret.
    pub text: String,
    /// The transaction that was executed when a block failed, where it was one.
    pub tx: Option<TxAt>,
}

/// A transaction of a decided block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TxAt {
    /// Height of the block.
    pub height: Height,
    /// Its place in the block, from 0.
    pub index: u32,
    /// SHA-256 of its bytes.
    pub hash: Hash,
}

impl core::fmt::Display for TxAt {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "height {}, transaction {} ", self.height, self.index)?;
        self.hash.iter().try_for_each(|b| write!(f, "{b:02X}"))
    }
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.text)?;
        self.tx.map_or(Ok(()), |tx| write!(f, " ({tx})"))
    }
}

/// Stable codes of [`Failure`]. Those of [`FailureCode::stops`] end the enclave's work: every later request of any
/// kind but `status` gets the same failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
#[non_exhaustive]
pub enum FailureCode {
    /// The request makes no sense in the state that the enclave is in.
    NotReady = 1,
    /// The reply would be above its byte limit.
    TooLarge = 3,
    /// The host could not answer what the enclave asked.
    Unavailable = 4,
    /// The genesis file does not parse, or names keys that are not ours.
    Genesis = 5,
    /// The seal does not open on this platform.
    Seal = 6,
    /// The platform refused (randomness, evidence).
    Platform = 8,
    /// The policy of genesis refuses the simulation.
    SimulationRefused = 9,
    /// Transactions are left out of this network's blocks by releases of the enclave only; or too many.
    ExceptionRefused = 10,
    /// What was given does not lead from the genesis to a share of this node, or the share is not of its network: another
    /// remote node may be asked.
    Join = 11,
    /// A query or a simulation met a panic, or what must not be. Nothing of it stayed or left, so nothing else is stopped by it.
    QueryFailed = 12,
    /// A genesis file, a seal or an anchor of another network than the one this enclave holds.
    OtherGenesis = 31,
    /// Header, commit, transactions, last commit or evidence are not those of the decided block.
    Block = 32,
    /// A proof does not fit the root.
    Proof = 33,
    /// Content does not have its hash.
    Content = 34,
    /// The anchor and what was executed differ.
    Anchor = 35,
    /// An answer of another kind than what was asked.
    Answer = 36,
    /// An invariant of ours does not hold.
    Broken = 37,
}

impl FailureCode {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::NotReady,
        Self::TooLarge,
        Self::Unavailable,
        Self::Genesis,
        Self::Seal,
        Self::Platform,
        Self::SimulationRefused,
        Self::ExceptionRefused,
        Self::Join,
        Self::QueryFailed,
        Self::OtherGenesis,
        Self::Block,
        Self::Proof,
        Self::Content,
        Self::Anchor,
        Self::Answer,
        Self::Broken,
    ];

    /// The code as text; never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotReady => "enclave.not_ready",
            Self::TooLarge => "enclave.too_large",
            Self::Unavailable => "enclave.unavailable",
            Self::Genesis => "enclave.genesis",
            Self::Seal => "enclave.seal",
            Self::OtherGenesis => "enclave.other_genesis",
            Self::Platform => "enclave.platform",
            Self::SimulationRefused => "enclave.simulation_refused",
            Self::ExceptionRefused => "enclave.exception_refused",
            Self::Join => "enclave.join",
            Self::QueryFailed => "enclave.query_failed",
            Self::Block => "enclave.block",
            Self::Proof => "enclave.proof",
            Self::Content => "enclave.content",
            Self::Anchor => "enclave.anchor",
            Self::Answer => "enclave.answer",
            Self::Broken => "enclave.broken",
        }
    }

    /// Whether the enclave does nothing any more after this failure.
    #[must_use]
    pub const fn stops(self) -> bool {
        matches!(
            self,
            Self::OtherGenesis
                | Self::Block
                | Self::Proof
                | Self::Content
                | Self::Anchor
                | Self::Answer
                | Self::Broken
        )
    }
}
