//! Why a conversation through the door ended.

use crate::message::{Failure, VERSION};

/// An error of this end. What the other end reports of itself is [`DoorError::Failed`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DoorError {
    /// The other end is gone: its process died or closed the link.
    #[error("door closed: {0}")]
    Closed(String),
    /// A frame that breaks the format of docs/spec/door.md.
    #[error("bad frame: {0}")]
    Frame(&'static str),
    /// The other end is of another build: its messages have another [`VERSION`].
    #[error(
        "host and enclave are of different builds (messages {} here, {} there): start both from the same release",
        hex(&VERSION), hex(theirs)
    )]
    Version {
        /// The version that the other end speaks.
        theirs: [u8; 4],
    },
    /// A message that breaks the format.
    #[error("bad message: {0}")]
    Message(&'static str),
    /// A message above the byte limit of its kind.
    #[error("{name} of more than {limit} bytes")]
    TooLarge {
        /// Name of the message in docs/spec/door.md.
        name: &'static str,
        /// Its limit in bytes.
        limit: usize,
    },
    /// A well-formed message out of turn.
    #[error("out of turn: {0}")]
    Turn(&'static str),
    /// The other end answered that the request failed.
    #[error("enclave: {0}")]
    Failed(Failure),
    /// There is no room for this call now: ask again.
    #[error("busy: {0}")]
    Busy(&'static str),
    /// The host could not answer what the enclave asked for want of descriptors, space or memory: ask again.
    #[error("the host is short of room: {0}")]
    Short(String),
    /// The child process could not be started.
    #[error("cannot start the enclave process: {0}")]
    Spawn(String),
    /// The system gives no more threads.
    #[error(
        "no thread for the door ({0}): raise the limit of threads and processes (`ulimit -u`), or end others of this user"
    )]
    Threads(String),
}

fn hex(version: &[u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(*version))
}

impl DoorError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Closed(_) => "door.closed",
            Self::Frame(_) => "door.frame",
            Self::Version { .. } => "door.version",
            Self::Message(_) => "door.message",
            Self::TooLarge { .. } => "door.too_large",
            Self::Turn(_) => "door.turn",
            Self::Failed(failure) => failure.code.name(),
            Self::Busy(_) => "door.busy",
            Self::Short(_) => "door.short",
            Self::Spawn(_) => "door.spawn",
            Self::Threads(_) => "door.threads",
        }
    }

    /// Whether the same call may succeed later without anybody's help: nothing has changed, and nothing is wrong.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Short(_))
    }
}
