//! Why a conversation through the door ended.

use crate::message::Failure;

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
    /// The child process could not be started.
    #[error("cannot start the enclave process: {0}")]
    Spawn(String),
}

impl DoorError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Closed(_) => "door.closed",
            Self::Frame(_) => "door.frame",
            Self::Message(_) => "door.message",
            Self::TooLarge { .. } => "door.too_large",
            Self::Turn(_) => "door.turn",
            Self::Failed(failure) => failure.code.name(),
            Self::Spawn(_) => "door.spawn",
        }
    }
}
