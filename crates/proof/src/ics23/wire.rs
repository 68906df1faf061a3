//! The messages of ICS-23 (`cosmos.ics23.v1`), as far as this state needs them.

use prost::{Message, Oneof};

/// `HashOp` and `LengthOp` by number.
pub(super) const NO_HASH: i32 = 0;
pub(super) const SHA256: i32 = 1;
pub(super) const NO_PREFIX: i32 = 0;
pub(super) const VAR_PROTO: i32 = 1;

#[derive(Clone, PartialEq, Message)]
pub(super) struct CommitmentProof {
    #[prost(oneof = "Kind", tags = "1, 2")]
    pub(super) kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Kind {
    #[prost(message, tag = "1")]
    Exist(ExistenceProof),
    #[prost(message, tag = "2")]
    Nonexist(NonExistenceProof),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ExistenceProof {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) value: Vec<u8>,
    #[prost(message, optional, tag = "3")]
    pub(super) leaf: Option<LeafOp>,
    /// From the leaf up.
    #[prost(message, repeated, tag = "4")]
    pub(super) path: Vec<InnerOp>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NonExistenceProof {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) key: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    pub(super) left: Option<ExistenceProof>,
    #[prost(message, optional, tag = "3")]
    pub(super) right: Option<ExistenceProof>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct LeafOp {
    #[prost(int32, tag = "1")]
    pub(super) hash: i32,
    #[prost(int32, tag = "2")]
    pub(super) prehash_key: i32,
    #[prost(int32, tag = "3")]
    pub(super) prehash_value: i32,
    #[prost(int32, tag = "4")]
    pub(super) length: i32,
    #[prost(bytes = "vec", tag = "5")]
    pub(super) prefix: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct InnerOp {
    #[prost(int32, tag = "1")]
    pub(super) hash: i32,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) prefix: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) suffix: Vec<u8>,
}

/// A step up a path: `domain` ‖ left ‖ right, with the own hash on the right or on the left of `sibling`.
pub(super) fn inner(domain: &[u8], sibling: &[u8; 32], right: bool) -> InnerOp {
    let (prefix, suffix) = if right {
        ([domain, sibling].concat(), Vec::new())
    } else {
        (domain.to_vec(), sibling.to_vec())
    };
    InnerOp {
        hash: SHA256,
        prefix,
        suffix,
    }
}

/// The sibling in a step, wherever it stands; what surrounds it is checked by encoding again.
pub(super) fn sibling(domain: &[u8], op: &InnerOp) -> Option<[u8; 32]> {
    let bytes = if op.suffix.is_empty() {
        op.prefix.strip_prefix(domain)?
    } else {
        op.suffix.as_slice()
    };
    bytes.try_into().ok()
}
