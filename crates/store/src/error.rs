//! Why the store refuses or cannot go on.

use std::io;
use strongroom_types::Height;

/// `EMFILE` and `ENFILE` (the same numbers on every Unix), which have no [`io::ErrorKind`].
const DESCRIPTORS_USED_UP: [i32; 2] = [24, 23];

/// Whether `error`, or what caused it, is a want of room that may pass: disk space, descriptors, memory, `EAGAIN`.
#[must_use]
pub fn is_transient(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<Error>() {
            return error.is_transient();
        }
        if let Some(error) = error.downcast_ref::<io::Error>()
            && is_transient_io(error)
        {
            return true;
        }
        cause = error.source();
    }
    false
}

fn is_transient_io(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock
            | io::ErrorKind::OutOfMemory
            | io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
    ) || error
        .raw_os_error()
        .is_some_and(|number| DESCRIPTORS_USED_UP.contains(&number))
}

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
    /// The machine has no room for now: disk, descriptors, memory. The same call may succeed later.
    #[error("the machine is short of room: {detail}")]
    Short {
        /// What the system said.
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
            Self::Short { .. } => "store.short",
            Self::InUse { .. } => "store.in_use",
            Self::Damaged { .. } => "store.damaged",
            Self::Format { .. } => "store.format",
            Self::Stale { .. } => "store.stale",
            Self::NoVersion { .. } => "store.no_version",
            Self::NotProvable { .. } => "store.not_provable",
        }
    }

    /// Whether the same call may succeed later without anybody's help.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Short { .. })
    }

    /// An error of the database or the file system, with the reason that it has underneath.
    pub(crate) fn engine(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let error = error.into();
        let detail = error.to_string();
        if is_transient(&*error) {
            Self::Short { detail }
        } else {
            Self::Engine { detail }
        }
    }

    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}

/// Result of the store.
pub type Result<T> = std::result::Result<T, Error>;
