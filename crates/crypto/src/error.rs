//! One error type; it never says more than which check failed.

/// Why a cryptographic operation refused its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A ciphertext was changed, truncated, or belongs to another key or other associated data.
    #[error("does not open")]
    DoesNotOpen,
    /// Shorter than the format's header.
    #[error("too short")]
    TooShort,
    /// Longer than the format's limit.
    #[error("too long")]
    TooLong,
    /// An X25519 public key of low order: the shared secret would be known to all.
    #[error("low-order public key")]
    LowOrder,
    /// No public key of its kind.
    #[error("invalid public key")]
    PublicKey,
    /// No private key of its kind.
    #[error("invalid private key")]
    PrivateKey,
    /// No signature of its kind.
    #[error("invalid signature")]
    Signature,
    /// The plaintext is not what the format says.
    #[error("invalid content")]
    Content,
    /// A format version that this build does not know.
    #[error("unknown format version")]
    Version,
    /// Sealed under another seed epoch than the key at hand.
    #[error("another epoch")]
    OtherEpoch,
    /// Sealed for another chain: the genesis hash differs.
    #[error("another genesis")]
    OtherGenesis,
    /// Sealed under the other security (insecure, attested).
    #[error("another security")]
    OtherSecurity,
    /// Sealed to another node's key.
    #[error("another recipient")]
    OtherRecipient,
    /// Seed epochs out of order, doubled, none or too many.
    #[error("invalid epochs")]
    Epochs,
}

impl Error {
    /// Stable number of the error, for borders.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::DoesNotOpen => 1,
            Self::TooShort => 2,
            Self::TooLong => 3,
            Self::LowOrder => 4,
            Self::PublicKey => 5,
            Self::PrivateKey => 6,
            Self::Signature => 7,
            Self::Content => 8,
            Self::Version => 9,
            Self::OtherEpoch => 10,
            Self::OtherGenesis => 11,
            Self::OtherSecurity => 12,
            Self::OtherRecipient => 13,
            Self::Epochs => 14,
        }
    }
}
