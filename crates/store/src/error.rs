//! Why the store refuses or cannot go on.

use std::io;
use strongroom_types::Height;

/// Exit status of a process that ends because the machine has no room for what it has to write: with room it can be started again.
pub const EXIT_SHORT: u8 = 8;

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
        let wrapped = error.downcast_ref::<io::Error>();
        if wrapped.is_some_and(is_transient_io) {
            return true;
        }
        // What an `io::Error` was made from is not among its sources: those begin behind it.
        cause = match wrapped.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
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

/// An error of the store. A call that returned one has changed nothing durable. Its text begins with its code: most who hear of it get the
/// text alone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database engine failed: disk, permissions, a damaged file.
    #[error("store.engine: database: {detail}")]
    Engine {
        /// Text of the storage engine.
        detail: String,
    },
    /// The machine has no room for now: disk, descriptors, memory. The same call may succeed later.
    #[error("store.short: the machine is short of room: {detail}")]
    Short {
        /// Text of the system.
        detail: String,
    },
    /// Another process has the database open.
    #[error(
        "store.in_use: {path} is in use by another process: stop it, or choose another directory"
    )]
    InUse {
        /// Directory of the database.
        path: String,
    },
    /// What lies in the database contradicts itself: do not go on, restore or sync anew.
    #[error("store.damaged: the store is damaged: {what}")]
    Damaged {
        /// Which check failed.
        what: String,
    },
    /// The database was made by another format, or with another setting that cannot change later.
    #[error("store.format: the store was made differently: {what}")]
    Format {
        /// The difference.
        what: String,
    },
    /// A prepared block does not stand on the newest version (any more), or its height does not follow.
    #[error(
        "store.stale: the write set for height {height} stands on {base}, the newest version is {latest:?}"
    )]
    Stale {
        /// Version it was prepared on.
        base: Height,
        /// Height it would make.
        height: Height,
        /// Newest version, if any.
        latest: Option<Height>,
    },
    /// This height is not there: above the newest, before the first, or pruned.
    #[error("store.no_version: no version at height {height}")]
    NoVersion {
        /// The height asked for.
        height: Height,
    },
    /// Values of this height are there, proofs no longer.
    #[error("store.not_provable: height {height} is too old for proofs")]
    NotProvable {
        /// The height asked for.
        height: Height,
    },
}

impl Error {
    /// A stable name for logs, metrics and APIs: what the text begins with.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::BlockStoreError;

    #[test]
    fn the_text_of_an_error_begins_with_its_code() {
        let [path, what, detail] = [(); 3].map(|()| String::from("a"));
        let [height, base] = [7, 5];
        for error in [
            Error::Engine {
                detail: detail.clone(),
            },
            Error::Short { detail },
            Error::InUse { path },
            Error::Damaged { what: what.clone() },
            Error::Format { what },
            Error::Stale {
                base,
                height,
                latest: None,
            },
            Error::NoVersion { height },
            Error::NotProvable { height },
        ] {
            let begin = format!("{}: ", error.code());
            assert!(error.to_string().starts_with(&begin), "{error}");
            let (code, text) = (error.code(), error.to_string());
            let blocks = BlockStoreError::from(error);
            assert_eq!((blocks.code(), blocks.to_string()), (code, text));
        }
        for error in [
            BlockStoreError::Damaged { what: "a block" },
            BlockStoreError::Format { found: 1 },
            BlockStoreError::OutOfOrder { last: 5, got: 7 },
            BlockStoreError::Conflict { height },
            BlockStoreError::OtherResults { height },
            BlockStoreError::TooManyRows { max: 1 },
        ] {
            let begin = format!("{}: ", error.code());
            assert!(error.to_string().starts_with(&begin), "{error}");
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("a step failed")]
    struct Step(#[source] Box<dyn std::error::Error + Send + Sync>);

    /// The error bare, as the cause of another, and inside another `io::Error`.
    fn forms(error: impl Fn() -> io::Error) -> [Box<dyn std::error::Error + Send + Sync>; 4] {
        [
            error().into(),
            Step(error().into()).into(),
            io::Error::other(error()).into(),
            Step(io::Error::other(Step(error().into())).into()).into(),
        ]
    }

    #[test]
    fn want_of_room_is_found_however_deep_and_nothing_else_is_taken_for_it() {
        // ENOSPC, EMFILE, ENFILE, EAGAIN, ENOMEM, EDQUOT; then EIO, EACCES, ENOENT, EROFS.
        for (number, transient) in [28, 24, 23, 11, 12, 122]
            .map(|number| (number, true))
            .into_iter()
            .chain([5, 13, 2, 30].map(|number| (number, false)))
        {
            for error in forms(|| io::Error::from_raw_os_error(number)) {
                assert_eq!(is_transient(&*error), transient, "{number}: {error:?}");
                assert_eq!(Error::engine(error).is_transient(), transient, "{number}");
            }
        }
        let damaged = Step(Error::damaged("a row").into());
        assert!(!is_transient(&damaged));
        let blocks = BlockStoreError::Database(Error::Short {
            detail: String::new(),
        });
        assert!(is_transient(&Step(blocks.into())));
    }
}
