//! The tree format: how keys and values become a root, and proofs of what is, or is not, under a root.
//!
//! A binary sparse Merkle tree over SHA-256(raw key), most significant bit first, in the format of JMT. A leaf stands at
//! its shortest unique prefix; a subtree with one leaf *is* that leaf, a subtree with none is [`EMPTY`].
//! Spec: docs/spec/state.md 1 (format) and 2 (proofs).
//!
//! Promises: everything that computes a root goes through this file: `PartialTree` in the enclave and the store outside.
//! Decoding is bounded. Refuses: proofs that are not the only encoding of themselves.

use crate::error::Error;
use sha2::{Digest as _, Sha256};
use strongroom_types::{Hash, sha256};

/// The hash of a subtree without leaves: not the digest of anything known.
pub const EMPTY: Hash = *b"SPARSE_MERKLE_PLACEHOLDER_HASH__";

/// Levels below the root: the bits of a key hash. Nothing recurses deeper.
pub const DEPTH_MAX: usize = 256;

/// Bytes of the longest encoded proof.
pub const PROOF_BYTES_MAX: usize = 3 + 32 * DEPTH_MAX + 2 * 65;

/// Path of a raw key in the tree.
#[must_use]
pub fn key_hash(raw_key: &[u8]) -> Hash {
    sha256(raw_key)
}

/// Hash of a leaf.
#[must_use]
pub fn leaf_hash(key_hash: &Hash, value_hash: &Hash) -> Hash {
    Sha256::new()
        .chain_update(b"JMT::LeafNode")
        .chain_update(key_hash)
        .chain_update(value_hash)
        .finalize()
        .into()
}

/// Hash of an inner node over the hashes of its children.
#[must_use]
pub fn inner_hash(left: &Hash, right: &Hash) -> Hash {
    #[cfg(test)]
    INNER_HASHES.with(|count| count.set(count.get() + 1));
    Sha256::new()
        .chain_update(b"JMT::IntrnalNode")
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

#[cfg(test)]
thread_local! {
    static INNER_HASHES: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
}

/// How many inner nodes this thread has hashed: tests hold algorithms to their number.
#[cfg(test)]
pub(crate) fn inner_hashes() -> usize {
    INNER_HASHES.with(core::cell::Cell::get)
}

/// The turn that the path to `hash` takes at `depth`: `true` is right. Depths from [`DEPTH_MAX`] on have no turn: left.
#[must_use]
pub fn bit(hash: &Hash, depth: usize) -> bool {
    turn(hash, depth)
}

/// [`bit`] of the beginning of a path; left where it has ended.
pub(crate) fn turn(path: &[u8], depth: usize) -> bool {
    path.get(depth >> 3)
        .is_some_and(|byte| byte & mask(depth) != 0)
}

/// `hash` with the turn at `depth` taken the other way.
#[must_use]
pub fn flip(hash: &Hash, depth: usize) -> Hash {
    let mut other = *hash;
    if let Some(byte) = other.get_mut(depth >> 3) {
        *byte ^= mask(depth);
    }
    other
}

/// The bit of a byte in which the turn at `depth` stands.
const fn mask(depth: usize) -> u8 {
    match depth & 7 {
        0 => 0x80,
        1 => 0x40,
        2 => 0x20,
        3 => 0x10,
        4 => 0x08,
        5 => 0x04,
        6 => 0x02,
        _ => 0x01,
    }
}

/// Number of leading bits that two paths share.
#[must_use]
pub fn common_depth(a: &Hash, b: &Hash) -> usize {
    let bytes = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let bits = match (a.get(bytes), b.get(bytes)) {
        (Some(a), Some(b)) => (a ^ b).leading_zeros() as usize,
        _ => 0,
    };
    bytes.saturating_mul(8).saturating_add(bits)
}

/// A leaf as the tree sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// SHA-256 of the raw key.
    pub key_hash: Hash,
    /// SHA-256 of the value.
    pub value_hash: Hash,
}

impl AsRef<Self> for Entry {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Entry {
    /// Hash of this leaf.
    #[must_use]
    pub fn hash(&self) -> Hash {
        leaf_hash(&self.key_hash, &self.value_hash)
    }
}

/// Cuts sorted `items` where the bit of their key hash at `depth` turns from 0 to 1.
pub fn split_at_bit<T>(items: &[T], depth: usize, key_hash: impl Fn(&T) -> &Hash) -> (&[T], &[T]) {
    items.split_at(items.partition_point(|item| !bit(key_hash(item), depth)))
}

fn split_entries<T: AsRef<Entry>>(entries: &[T], depth: usize) -> (&[T], &[T]) {
    split_at_bit(entries, depth, |entry| &entry.as_ref().key_hash)
}

/// Hash of the subtree at `depth` that holds exactly `entries`: sorted, without doubles, equal in the first `depth` bits. They may
/// have more about them than the tree sees.
#[must_use]
pub fn subtree_hash<T: AsRef<Entry>>(entries: &[T], depth: usize) -> Hash {
    match entries {
        [] => EMPTY,
        [one] => one.as_ref().hash(),
        many => {
            let (left, right) = split_entries(many, depth);
            let below = depth.saturating_add(1);
            inner_hash(&subtree_hash(left, below), &subtree_hash(right, below))
        }
    }
}

/// What the root of the subtree of `entries` at `depth` is made of; `None` if it is empty.
#[must_use]
pub fn subtree_preimage<T: AsRef<Entry>>(entries: &[T], depth: usize) -> Option<Preimage> {
    match entries {
        [] => None,
        [one] => Some(Preimage::Leaf(*one.as_ref())),
        many => {
            let (left, right) = split_entries(many, depth);
            let below = depth.saturating_add(1);
            Some(Preimage::Inner {
                left: subtree_hash(left, below),
                right: subtree_hash(right, below),
            })
        }
    }
}

/// Continues a proof from `depth` down through the subtree of `entries`: adds the siblings on the way to `key_hash` and
/// sets the leaf found. With `for_write` also the preimage of the lowest non-empty sibling, if that is in this subtree.
pub fn subtree_prove<T: AsRef<Entry>>(
    entries: &[T],
    depth: usize,
    key_hash: &Hash,
    for_write: bool,
    proof: &mut Proof,
) {
    let (mut here, mut depth) = (entries, depth);
    let mut lowest = None;
    while here.len() > 1 {
        let (left, right) = split_entries(here, depth);
        let (own, other) = if bit(key_hash, depth) {
            (right, left)
        } else {
            (left, right)
        };
        depth = depth.saturating_add(1);
        proof.siblings.push(subtree_hash(other, depth));
        if !other.is_empty() {
            lowest = Some((other, depth));
        }
        here = own;
    }
    proof.leaf = here.first().map(|entry| *entry.as_ref());
    if let (true, Some((other, depth))) = (for_write, lowest) {
        proof.lowest = subtree_preimage(other, depth);
    }
}

/// What a node's hash is made of: tells a leaf, which moves up when its neighbour goes, from an inner node, which stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preimage {
    /// The node is a leaf.
    Leaf(Entry),
    /// The node has children.
    Inner {
        /// Hash of the left child.
        left: Hash,
        /// Hash of the right child.
        right: Hash,
    },
}

impl Preimage {
    /// The hash of the node.
    #[must_use]
    pub fn hash(&self) -> Hash {
        match self {
            Self::Leaf(entry) => entry.hash(),
            Self::Inner { left, right } => inner_hash(left, right),
        }
    }
}

/// Proof of what stands at the end of a key's path: its own leaf (inclusion), another leaf or nothing (absence).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// Hash of the other child at each level, from the root down; at most [`DEPTH_MAX`].
    pub siblings: Vec<Hash>,
    /// The leaf at the end of the path, if one is there.
    pub leaf: Option<Entry>,
    /// Preimage of the lowest sibling that is not empty: what a removal of the key needs (`get_for_write`).
    pub lowest: Option<Preimage>,
}

/// The first byte of an encoded proof.
const ENCODING: u8 = 1;

impl Proof {
    /// Bytes: version 1 ‖ number of siblings (2, big endian) ‖ siblings ‖ leaf ‖ lowest, where leaf and lowest are a tag
    /// (0 none, 1 leaf, 2 inner; the leaf is never inner) and 64 bytes if the tag is not 0.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out =
            Vec::with_capacity(self.siblings.len().saturating_mul(32).saturating_add(133));
        out.push(ENCODING);
        // A proof with more siblings than a path has turns is not made here and refused by every check.
        let count = u16::try_from(self.siblings.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&count.to_be_bytes());
        self.siblings
            .iter()
            .for_each(|sibling| out.extend_from_slice(sibling));
        put_preimage(&mut out, self.leaf.map(Preimage::Leaf));
        put_preimage(&mut out, self.lowest);
        out
    }

    /// Reads what [`Proof::encode`] wrote. At most [`PROOF_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// [`Error::Malformed`] for anything else, bytes left over included.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let malformed = |what| Error::Malformed { what };
        if bytes.len() > PROOF_BYTES_MAX {
            return Err(malformed("length"));
        }
        let mut rest = bytes;
        let [version, high, low] = take(&mut rest).ok_or(malformed("head"))?;
        if version != ENCODING {
            return Err(malformed("version"));
        }
        let count = usize::from(u16::from_be_bytes([high, low]));
        if count > DEPTH_MAX {
            return Err(malformed("number of siblings"));
        }
        let mut siblings = Vec::with_capacity(count);
        for _ in 0..count {
            siblings.push(take(&mut rest).ok_or(malformed("siblings"))?);
        }
        let leaf = match take_preimage(&mut rest).ok_or(malformed("leaf"))? {
            None => None,
            Some(Preimage::Leaf(entry)) => Some(entry),
            Some(Preimage::Inner { .. }) => return Err(malformed("leaf")),
        };
        let lowest = take_preimage(&mut rest).ok_or(malformed("lowest sibling"))?;
        if !rest.is_empty() {
            return Err(malformed("bytes left over"));
        }
        Ok(Self {
            siblings,
            leaf,
            lowest,
        })
    }

    /// Checks that under `root` the key has `value`, or is absent for `None`.
    ///
    /// # Errors
    /// As [`Proof::verify_hashed`].
    pub fn verify(&self, root: &Hash, raw_key: &[u8], value: Option<&[u8]>) -> Result<(), Error> {
        self.verify_hashed(root, &key_hash(raw_key), value.map(sha256).as_ref())
    }

    /// The same by hashes of key and value.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Key`], [`Error::Value`] or [`Error::Root`]: what the check names.
    pub fn verify_hashed(
        &self,
        root: &Hash,
        key_hash: &Hash,
        value_hash: Option<&Hash>,
    ) -> Result<(), Error> {
        self.check_end(key_hash)?;
        let found = self
            .leaf
            .filter(|leaf| leaf.key_hash == *key_hash)
            .map(|leaf| leaf.value_hash);
        if found.as_ref() != value_hash {
            return Err(Error::Value);
        }
        if self.hash_from(0, key_hash) == *root {
            Ok(())
        } else {
            Err(Error::Root)
        }
    }

    /// Checks all that does not need the root: lengths, the leaf's place, the lowest sibling's hash and place.
    pub(crate) fn check_end(&self, key_hash: &Hash) -> Result<(), Error> {
        let depth = self.siblings.len();
        if depth > DEPTH_MAX {
            return Err(Error::Malformed {
                what: "number of siblings",
            });
        }
        if let Some(leaf) = &self.leaf
            && common_depth(&leaf.key_hash, key_hash) < depth
        {
            return Err(Error::Key);
        }
        let Some(preimage) = &self.lowest else {
            return Ok(());
        };
        let (at, sibling) = self.lowest_sibling().ok_or(Error::Malformed {
            what: "lowest sibling",
        })?;
        if preimage.hash() != *sibling {
            return Err(Error::Root);
        }
        match preimage {
            Preimage::Leaf(leaf) if common_depth(&leaf.key_hash, key_hash) != at => Err(Error::Key),
            _ => Ok(()),
        }
    }

    /// The lowest sibling that is not empty, with the depth at which its path leaves the key's.
    pub(crate) fn lowest_sibling(&self) -> Option<(usize, &Hash)> {
        self.siblings
            .iter()
            .enumerate()
            .rfind(|(_, sibling)| **sibling != EMPTY)
    }

    /// Hash of the node at `depth` on the key's path that follows from the leaf and the siblings below.
    pub(crate) fn hash_from(&self, depth: usize, key_hash: &Hash) -> Hash {
        let end = self.leaf.as_ref().map_or(EMPTY, Entry::hash);
        let below = self.siblings.iter().enumerate().skip(depth);
        below.rev().fold(end, |hash, (depth, sibling)| {
            join(&hash, sibling, bit(key_hash, depth))
        })
    }
}

/// Hash over a node and its sibling; `right`: the node is the right one.
pub(crate) fn join(node: &Hash, sibling: &Hash, right: bool) -> Hash {
    if right {
        inner_hash(sibling, node)
    } else {
        inner_hash(node, sibling)
    }
}

fn put_preimage(out: &mut Vec<u8>, preimage: Option<Preimage>) {
    let (tag, first, second) = match preimage {
        None => return out.push(0),
        Some(Preimage::Leaf(entry)) => (1, entry.key_hash, entry.value_hash),
        Some(Preimage::Inner { left, right }) => (2, left, right),
    };
    out.push(tag);
    out.extend_from_slice(&first);
    out.extend_from_slice(&second);
}

fn take_preimage(rest: &mut &[u8]) -> Option<Option<Preimage>> {
    let [tag] = take(rest)?;
    Some(match tag {
        0 => None,
        1 => Some(Preimage::Leaf(Entry {
            key_hash: take(rest)?,
            value_hash: take(rest)?,
        })),
        2 => Some(Preimage::Inner {
            left: take(rest)?,
            right: take(rest)?,
        }),
        _ => return None,
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}
