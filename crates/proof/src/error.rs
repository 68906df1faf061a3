//! Why a proof, a header or a commit is refused.

/// A refused proof. Nothing was changed by the call that returned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no encoding of a proof, or not the only one of it.
    #[error("malformed proof: {what}")]
    Malformed {
        /// Which part.
        what: &'static str,
    },
    /// The hashes do not lead to the root that is held.
    #[error("the proof does not lead to the root")]
    Root,
    /// The leaf of the proof cannot stand where the key leads.
    #[error("the proof is for another key")]
    Key,
    /// The value is not the proven one, or something is there where absence was claimed (or the reverse).
    #[error("the value is not the proven one")]
    Value,
    /// A write touches a part of the tree of which only the hash is held.
    #[error("a part of the tree that the write touches has not been proven")]
    NotProven,
}

impl Error {
    /// A stable name for logs, metrics and the door.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "proof.malformed",
            Self::Root => "proof.root",
            Self::Key => "proof.key",
            Self::Value => "proof.value",
            Self::NotProven => "proof.not_proven",
        }
    }
}
