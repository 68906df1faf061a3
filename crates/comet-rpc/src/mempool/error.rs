//! Why the mempool does not take a transaction, and when it may come again.

use std::time::Duration;
use strongroom_http::retry::millis;

/// When to come back where nobody knows.
pub const SOON: Duration = Duration::from_secs(1);

/// Why a transaction was not even checked. `Display` is the `data` text of the RPC (wire.md 1.12.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MempoolError {
    /// The same bytes were seen before.
    #[error("tx already exists in cache")]
    Seen,
    /// No room.
    #[error(
        "mempool is full: number of txs {txs} (max: {txs_max}), total txs bytes {bytes} (max: {bytes_max})"
    )]
    Full {
        /// Transactions that wait.
        txs: usize,
        /// The limit.
        txs_max: usize,
        /// Bytes that wait.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// What came before takes all that blocks have in time.
    #[error("mempool is full: {txs} txs wait for blocks, try again in {} ms", millis(*.next))]
    Behind {
        /// Transactions that wait for a block.
        txs: u64,
        /// When to come back.
        next: Duration,
    },
    /// Others wait, and the sender has its share.
    #[error("mempool is full: {txs} txs of this sender wait for blocks, as many as others leave it, try again in {} ms", millis(*.next))]
    Share {
        /// Transactions of the sender that wait for a block.
        txs: u64,
        /// When to come back.
        next: Duration,
    },
    /// Too many wait to be checked.
    #[error("mempool is full: {txs} txs wait to be checked, try again")]
    Busy {
        /// Transactions that wait to be checked.
        txs: usize,
    },
    /// Blocks that were decided before this start change the state that it would be checked on.
    #[error(
        "mempool is full: blocks that were decided before this start are executed first, try again in 1000 ms"
    )]
    NotReady,
    /// The check ended without an answer: what it depends on cannot be read now, or a fault of this node.
    #[error("mempool is full: the transaction cannot be checked now, try again in 1000 ms")]
    Unchecked,
    /// Longer than a transaction may be.
    #[error("Tx too large. Max size is {max}, but got {got}")]
    TooLarge {
        /// Bytes that a transaction may have.
        max: usize,
        /// Bytes that it has.
        got: usize,
    },
}

impl MempoolError {
    /// The stable code within codespace `sdk`.
    #[must_use]
    pub fn code(&self) -> u32 {
        match self {
            Self::Seen => 19,
            Self::Full { .. }
            | Self::Behind { .. }
            | Self::Share { .. }
            | Self::Busy { .. }
            | Self::NotReady
            | Self::Unchecked => 20,
            Self::TooLarge { .. } => 21,
        }
    }

    /// After what time the same transaction may be taken; `None` where it will not.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Behind { next, .. } | Self::Share { next, .. } => Some(*next),
            Self::Full { .. } | Self::Busy { .. } | Self::NotReady | Self::Unchecked => Some(SOON),
            Self::Seen | Self::TooLarge { .. } => None,
        }
    }
}
