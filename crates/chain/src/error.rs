//! The three ways in which execution stops.

use crate::types::TxError;

/// What no transaction may cause: the host did not prove what was asked, or an invariant of ours is broken.
/// A fault aborts the block and stops the node; nothing of the block leaves the enclave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// State could not be read or was not what its proof says; the text names the check that failed.
    #[error("state: {0}")]
    State(String),
    /// Content by hash was missing or did not match its hash.
    #[error("content: {0}")]
    Content(String),
    /// An invariant of ours does not hold.
    #[error("broken invariant: {0}")]
    Broken(String),
}

/// Why a transaction, message or query stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// An error that the client sees.
    Err(TxError),
    /// The gas meter ran empty at this location (wire.md 1.12.2 lists the locations).
    OutOfGas(&'static str),
    /// The block cannot go on.
    Fault(Fault),
}

impl From<TxError> for Stop {
    fn from(e: TxError) -> Self {
        Self::Err(e)
    }
}

impl From<Fault> for Stop {
    fn from(f: Fault) -> Self {
        Self::Fault(f)
    }
}

/// A stored value that does not decode is our own broken invariant: nothing but this crate writes state.
pub(crate) fn broken(what: impl core::fmt::Display) -> Fault {
    Fault::Broken(what.to_string())
}
