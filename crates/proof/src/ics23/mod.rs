//! Proofs for clients: ICS-23, from a value or its absence over the root of its tree up to the app hash.
//!
//! Two steps, as a chain of the Cosmos SDK gives them: the *entry* ([`OP_ENTRY`]) leads to the root of its tree, the *store*
//! ([`OP_STORE`]) from there to the app hash. The published `ics23` crate accepts both, the first with the spec of
//! docs/spec/state.md 2.1, the second with its own `tendermint_spec`; it is the oracle in the tests.
//!
//! Promises: a proof that is accepted here is one that [`crate::tree`] accepts: each turn of its path is the bit of the key's
//! hash, so nothing is taken from the proof but sibling hashes; it has one encoding.
//! Refuses: batches, compressed proofs, other hashes or prefixes, bytes that it would not write itself.

mod neighbours;
mod wire;

#[cfg(test)]
mod tests;

pub use neighbours::{Side, neighbour};

use crate::error::Error;
use crate::tree::{self, DEPTH_MAX, EMPTY, Entry as Leaf};
use crate::{Verified, merkle};
use prost::Message as _;
use strongroom_types::{Hash, Tree, sha256};
use wire::{CommitmentProof, ExistenceProof, Kind, LeafOp, NonExistenceProof};

/// Type of the first proof operation: the entry, under the root of its tree. Its key is the raw key.
pub const OP_ENTRY: &str = "ics23:jmt";
/// Type of the second: the root of the tree, under the app hash. Its key is the name of the tree.
pub const OP_STORE: &str = "ics23:simple";

/// Most bytes of an encoded entry: that of an absent key carries two whole neighbours, of which each may be the longest value that
/// the state machine stores (2 MB), with its key and path.
pub const ENTRY_BYTES_MAX: usize = 8 << 20;
/// Most bytes of an encoded store proof: a name, a root, and two aunts are below 200.
pub const STORE_BYTES_MAX: usize = 1_024;

const LEAF_DOMAIN: &[u8] = b"JMT::LeafNode";
const INNER_DOMAIN: &[u8] = b"JMT::IntrnalNode";
const SIMPLE_LEAF_DOMAIN: &[u8] = &[0];
const SIMPLE_INNER_DOMAIN: &[u8] = &[1];

/// A value in its tree, with the hashes beside its path from the root down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// Raw key.
    pub key: Vec<u8>,
    /// Value.
    pub value: Vec<u8>,
    /// As [`tree::Proof::siblings`].
    pub siblings: Vec<Hash>,
}

/// What stands under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A value.
    Present(Present),
    /// Nothing: the entries before and after it by hash of the key stand side by side. Without either, the tree is empty.
    Absent {
        /// Raw key that is not there.
        key: Vec<u8>,
        /// The entry before.
        left: Option<Present>,
        /// The entry after.
        right: Option<Present>,
    },
}

/// A proof under an app hash, as it travels: both steps encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreProof {
    /// Data of the operation [`OP_ENTRY`].
    pub entry: Vec<u8>,
    /// Data of the operation [`OP_STORE`].
    pub store: Vec<u8>,
}

/// What a proof has shown: which tree, which key, and the value or its absence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Tree.
    pub tree: Tree,
    /// Raw key.
    pub key: Vec<u8>,
    /// The value; `None` = absent.
    pub value: Option<Vec<u8>>,
}

impl StoreProof {
    /// The proof of `entry` in `tree`, one of these roots.
    #[must_use]
    pub fn new(entry: &Entry, tree: Tree, roots: &[(Tree, Hash); 3]) -> Self {
        Self {
            entry: entry.encode(),
            store: encode_store(tree, roots).unwrap_or_default(),
        }
    }

    /// Checks that under `app_hash` the key of `tree` has this value, or none. The value is in the proof; `value` is what
    /// somebody says that it is.
    ///
    /// # Errors
    /// [`Error::Malformed`] for bytes that nobody honest writes, [`Error::Key`] for a proof of another key, [`Error::Value`]
    /// for another value, [`Error::Root`] for another state, or tree.
    pub fn verify(
        &self,
        app_hash: &Hash,
        tree: Tree,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<Verified<Proven>, Error> {
        let entry = Entry::decode(&self.entry)?;
        let root = verify_store(&self.store, app_hash, tree)?;
        entry.verify(&root, key, value)?;
        Ok(Verified::new(Proven {
            tree,
            key: key.to_vec(),
            value: value.map(<[u8]>::to_vec),
        }))
    }
}

impl Present {
    fn key_hash(&self) -> Hash {
        tree::key_hash(&self.key)
    }

    /// Whether this value stands under `root`.
    fn verify(&self, root: &Hash, key_hash: &Hash) -> Result<(), Error> {
        let value_hash = sha256(&self.value);
        let proof = tree::Proof {
            siblings: self.siblings.clone(),
            leaf: Some(Leaf {
                key_hash: *key_hash,
                value_hash,
            }),
            lowest: None,
        };
        proof.verify_hashed(root, key_hash, Some(&value_hash))
    }

    /// Whether nothing stands on this side of the entry, within the subtree at `depth` that holds it: wherever its path
    /// turns to the other side, this side is empty.
    fn is_last(&self, key_hash: &Hash, side: Side, depth: usize) -> bool {
        let below = self.siblings.iter().enumerate().skip(depth);
        let mut turned_away =
            below.filter(|(depth, _)| tree::bit(key_hash, *depth) != side.is_right());
        turned_away.all(|(_, sibling)| *sibling == EMPTY)
    }

    fn to_raw(&self) -> ExistenceProof {
        let key_hash = self.key_hash();
        let path = self.siblings.iter().enumerate().rev();
        let path = path.map(|(depth, sibling)| {
            wire::inner(INNER_DOMAIN, sibling, tree::bit(&key_hash, depth))
        });
        ExistenceProof {
            key: self.key.clone(),
            value: self.value.clone(),
            leaf: Some(LeafOp {
                hash: wire::SHA256,
                prehash_key: wire::SHA256,
                prehash_value: wire::SHA256,
                length: wire::NO_PREFIX,
                prefix: LEAF_DOMAIN.to_vec(),
            }),
            path: path.collect(),
        }
    }

    fn from_raw(raw: ExistenceProof) -> Result<Self, Error> {
        if raw.path.len() > DEPTH_MAX {
            return Err(malformed("length of the path"));
        }
        let siblings = raw.path.iter().rev();
        let siblings = siblings.map(|op| wire::sibling(INNER_DOMAIN, op));
        let siblings = siblings.collect::<Option<_>>();
        Ok(Self {
            siblings: siblings.ok_or(malformed("path"))?,
            key: raw.key,
            value: raw.value,
        })
    }
}

impl Entry {
    /// The encoded `CommitmentProof`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let kind = match self {
            Self::Present(present) => Kind::Exist(present.to_raw()),
            Self::Absent { key, left, right } => Kind::Nonexist(NonExistenceProof {
                key: key.clone(),
                left: left.as_ref().map(Present::to_raw),
                right: right.as_ref().map(Present::to_raw),
            }),
        };
        CommitmentProof { kind: Some(kind) }.encode_to_vec()
    }

    /// Reads what [`Entry::encode`] wrote.
    ///
    /// # Errors
    /// [`Error::Malformed`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(malformed("length"));
        }
        let raw = CommitmentProof::decode(bytes).map_err(|_| malformed("ICS-23"))?;
        let entry = match raw.kind.ok_or(malformed("kind of proof"))? {
            Kind::Exist(raw) => Self::Present(Present::from_raw(raw)?),
            Kind::Nonexist(raw) => Self::Absent {
                key: raw.key,
                left: raw.left.map(Present::from_raw).transpose()?,
                right: raw.right.map(Present::from_raw).transpose()?,
            },
        };
        // Operations, domains, and on which side a sibling stands: all that was not read is checked here.
        if entry.encode() == bytes {
            Ok(entry)
        } else {
            Err(malformed("operations of the path"))
        }
    }

    /// The key that it is about, and its value.
    #[must_use]
    pub fn claim(&self) -> (&[u8], Option<&[u8]>) {
        match self {
            Self::Present(present) => (&present.key, Some(&present.value)),
            Self::Absent { key, .. } => (key, None),
        }
    }

    /// Checks that under `root` the key has this value, or none.
    ///
    /// # Errors
    /// As [`StoreProof::verify`].
    pub fn verify(&self, root: &Hash, key: &[u8], value: Option<&[u8]>) -> Result<(), Error> {
        let (own_key, own_value) = self.claim();
        if own_key != key {
            return Err(Error::Key);
        }
        if own_value != value {
            return Err(Error::Value);
        }
        let key_hash = tree::key_hash(key);
        match self {
            Self::Present(present) => present.verify(root, &key_hash),
            Self::Absent { left, right, .. } => {
                verify_absence(root, &key_hash, left.as_ref(), right.as_ref())
            }
        }
    }
}

fn verify_absence(
    root: &Hash,
    key_hash: &Hash,
    left: Option<&Present>,
    right: Option<&Present>,
) -> Result<(), Error> {
    let hashed = |neighbour: Option<&Present>| neighbour.map(Present::key_hash);
    let (before, after) = (hashed(left), hashed(right));
    for (neighbour, hash) in [(left, &before), (right, &after)] {
        if let (Some(neighbour), Some(hash)) = (neighbour, hash) {
            neighbour.verify(root, hash)?;
        }
    }
    if before.is_some_and(|before| before >= *key_hash)
        || after.is_some_and(|after| after <= *key_hash)
    {
        return Err(Error::Key);
    }
    // From where their paths part, nothing may stand between the two; without one of them, nothing on that side at all.
    let parted = match (&before, &after) {
        (Some(before), Some(after)) => tree::common_depth(before, after).saturating_add(1),
        (None, None) if *root != EMPTY => return Err(Error::Root),
        _ => 0,
    };
    let last = |neighbour: Option<&Present>, hash: &Option<Hash>, side| match (neighbour, hash) {
        (Some(neighbour), Some(hash)) => neighbour.is_last(hash, side, parted),
        _ => true,
    };
    if last(left, &before, Side::Right) && last(right, &after, Side::Left) {
        Ok(())
    } else {
        Err(Error::Key)
    }
}

/// The step from the root of a tree to the app hash; `None` if the tree has no root there.
fn encode_store(tree: Tree, roots: &[(Tree, Hash); 3]) -> Option<Vec<u8>> {
    let at = roots.iter().position(|(name, _)| *name == tree)?;
    let (_, root) = roots.get(at)?;
    let items = roots.map(|(name, root)| merkle::map_item(name.name().as_bytes(), &root));
    let (_, proof) = merkle::prove(&items, at)?;
    Some(store_bytes(tree, root.to_vec(), &proof))
}

fn store_bytes(tree: Tree, root: Vec<u8>, proof: &merkle::Proof) -> Vec<u8> {
    let turns = proof.right_turns().unwrap_or_default();
    let path = proof.aunts.iter().zip(turns);
    let path = path.map(|(aunt, right)| wire::inner(SIMPLE_INNER_DOMAIN, aunt, right));
    let raw = ExistenceProof {
        key: tree.name().as_bytes().to_vec(),
        value: root,
        leaf: Some(LeafOp {
            hash: wire::SHA256,
            prehash_key: wire::NO_HASH,
            prehash_value: wire::SHA256,
            length: wire::VAR_PROTO,
            prefix: SIMPLE_LEAF_DOMAIN.to_vec(),
        }),
        path: path.collect(),
    };
    let kind = Some(Kind::Exist(raw));
    CommitmentProof { kind }.encode_to_vec()
}

/// The root of `tree` that stands under `app_hash`.
fn verify_store(bytes: &[u8], app_hash: &Hash, tree: Tree) -> Result<Hash, Error> {
    if bytes.len() > STORE_BYTES_MAX {
        return Err(malformed("length of the store proof"));
    }
    let raw = CommitmentProof::decode(bytes).map_err(|_| malformed("ICS-23"))?;
    let Some(Kind::Exist(raw)) = raw.kind else {
        return Err(malformed("kind of the store proof"));
    };
    let aunts = raw.path.iter();
    let aunts = aunts.map(|op| wire::sibling(SIMPLE_INNER_DOMAIN, op));
    let aunts: Option<Vec<Hash>> = aunts.collect();
    let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let proof = merkle::Proof {
        total: number(Tree::ALL.len()),
        index: number(tree as usize),
        aunts: aunts.ok_or(malformed("path of the store proof"))?,
    };
    let root = Hash::try_from(raw.value.as_slice()).map_err(|_| malformed("root of the tree"))?;
    if raw.key != tree.name().as_bytes() {
        return Err(Error::Key);
    }
    if store_bytes(tree, raw.value, &proof) != bytes {
        return Err(malformed("operations of the store proof"));
    }
    proof.verify(app_hash, &merkle::map_item(tree.name().as_bytes(), &root))?;
    Ok(root)
}

const fn malformed(what: &'static str) -> Error {
    Error::Malformed { what }
}
