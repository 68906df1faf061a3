//! Why a validator does not sign, with a stable code each.

use std::path::{Path, PathBuf};
use strongroom_types::Height;

/// Why the validator does not sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        error: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong; never content.
        reason: &'static str,
    },
    /// The key signed another block of this height.
    #[error("another block of height {height} was signed already")]
    Conflict {
        /// The height.
        height: Height,
    },
    /// The key signed a greater height.
    #[error("height {last} was signed already, {height} is below it")]
    Behind {
        /// Position that was to be signed.
        height: Height,
        /// Position that was signed last.
        last: Height,
    },
    /// What the key signed was of another chain.
    #[error(
        "the key signed last for the chain {last}: a validator of {chain} needs a key of its own"
    )]
    OtherChain {
        /// The chain that it signed for.
        last: String,
        /// The chain that it is to sign for.
        chain: String,
    },
    /// Nobody knows any more what the key signed.
    #[error(
        "{path} is missing, and no stored block tells what was signed: put it back, or begin a new network"
    )]
    Lost {
        /// The state file.
        path: PathBuf,
    },
    /// The system has no randomness for a new key.
    #[error("no randomness for a new key: {0}")]
    Random(getrandom::Error),
}

impl SignerError {
    /// A stable name for logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "signer.io",
            Self::File { .. } => "signer.file",
            Self::Conflict { .. } => "signer.conflict",
            Self::Behind { .. } => "signer.behind",
            Self::OtherChain { .. } => "signer.other_chain",
            Self::Lost { .. } => "signer.lost",
            Self::Random(_) => "signer.random",
        }
    }

    /// Whether the same call may succeed later without anybody's help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Io { error, .. } if strongroom_store::is_transient(error))
    }
}

pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> SignerError {
    let path = path.to_owned();
    move |error| SignerError::Io { path, error }
}

pub(super) fn file(path: &Path, reason: &'static str) -> SignerError {
    SignerError::File {
        path: path.to_owned(),
        reason,
    }
}
