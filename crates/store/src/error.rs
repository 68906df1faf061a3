//! Why the store refuses or cannot go on.

use strongroom_types::Height;

/// An error of the store. A call that returned one has changed nothing durable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database engine failed: disk, permissions, a damaged file.
    #[error("database: {detail}")]
    Engine {
        /// What the engine said.
        detail: String,
    },
    /// Another process has the database open.
    #[error("{path} is in use by another process: stop it, or choose another directory")]
    InUse {
        /// Directory of the database.
        path: String,
    },
    /// What lies in the database contradicts itself: do not go on, restore or sync anew.
    #[error("the store is damaged: {what}")]
    Damaged {
        /// Which check failed.
        what: String,
    },
    /// The database was made by another format, or with another setting that cannot change later.
    #[error("the store was made differently: {what}")]
    Format {
        /// What differs.
        what: String,
    },
    /// A prepared block does not stand on the newest version (any more), or its height does not follow.
    #[error("the write set for height {height} stands on {base}, the newest version is {latest:?}")]
    Stale {
        /// Version it was prepared on.
        base: Height,
        /// Height it would make.
        height: Height,
        /// Newest version, if any.
        latest: Option<Height>,
    },
    /// This height is not there: above the newest, before the first, or pruned.
    #[error("no version at height {height}")]
    NoVersion {
        /// The height asked for.
        height: Height,
    },
    /// Values of this height are there, proofs no longer.
    #[error("height {height} is too old for proofs")]
    NotProvable {
        /// The height asked for.
        height: Height,
    },
}

impl Error {
    /// A stable name for logs, metrics and APIs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Engine { .. } => "store.engine",
            Self::InUse { .. } => "store.in_use",
            Self::Damaged { .. } => "store.damaged",
            Self::Format { .. } => "store.format",
            Self::Stale { .. } => "store.stale",
            Self::NoVersion { .. } => "store.no_version",
            Self::NotProvable { .. } => "store.not_provable",
        }
    }

    pub(crate) fn engine(detail: impl ToString) -> Self {
        Self::Engine {
            detail: detail.to_string(),
        }
    }

    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}

/// Result of the store.
pub type Result<T> = std::result::Result<T, Error>;
