//! Versions and views: the state as it was after one block.

use super::rows::{self, Roots, Value};
use super::top::{Leaf, Top};
use crate::error::{Error, Result};
use crate::kv::Snapshot;
use std::ops::Bound;
use std::sync::Arc;
use strongroom_proof::ics23;
use strongroom_proof::tree::{Entry, Proof};
use strongroom_types::{Hash, Height, Tree, sha256};

/// How raw keys become places in a tree. Another function than SHA-256 only in tests, which need keys side by side.
pub(super) type KeyHash = fn(&[u8]) -> Hash;

/// A version that can be proven: its trees, and a snapshot of the database that has all of its values.
pub(super) struct Held {
    pub(super) height: Height,
    pub(super) tops: [Top; 3],
    pub(super) snapshot: Arc<dyn Snapshot>,
    /// Bytes that its block wrote; 0 where that is not known.
    pub(super) written: u64,
    /// Entries that are otherwise than in the version of the snapshot (only for versions older than it).
    pub(super) differs: usize,
}

impl Held {
    pub(super) fn roots(&self) -> Roots {
        Tree::ALL.map(|tree| (tree, *self.top(tree).hash()))
    }

    pub(super) fn top(&self, tree: Tree) -> &Top {
        &self.tops[tree as usize]
    }

    /// The value at a raw key with this hash.
    pub(super) fn get(
        &self,
        tree: Tree,
        raw_key: &[u8],
        key_hash: &Hash,
    ) -> Result<Option<Vec<u8>>> {
        let Some(leaf) = self.top(tree).leaf(key_hash) else {
            return Ok(None);
        };
        let mut row = self.checked_row(tree, |key| key == raw_key, leaf)?;
        let value = Value::decode(&row)?.value.len();
        row.drain(..row.len() - value);
        Ok(Some(row))
    }

    /// The row of VERSIONS of a leaf. It is refused unless it is of the key that belongs there and of the value that the tree has.
    pub(super) fn checked_row(
        &self,
        tree: Tree,
        belongs: impl Fn(&[u8]) -> bool,
        leaf: &Leaf,
    ) -> Result<Vec<u8>> {
        let Entry {
            key_hash,
            value_hash,
        } = &leaf.entry;
        let (row, hash) = read_checked(&*self.snapshot, tree, key_hash, leaf.since, belongs)?;
        if hash != *value_hash {
            let what = "a value is not the one in the tree";
            return Err(damaged_at(what, tree, key_hash));
        }
        Ok(row)
    }
}

/// Damage at a place. The raw key is not told: it may be gone, or another's.
pub(super) fn damaged_at(what: &str, tree: Tree, key_hash: &Hash) -> Error {
    let name: String = key_hash.iter().map(|byte| format!("{byte:02x}")).collect();
    Error::damaged(format!("{what} (tree {}, key hash {name})", tree.name()))
}

/// The row of VERSIONS that a block wrote, and the hash of its value. It is refused unless it is of the key that belongs there.
pub(super) fn read_checked(
    snapshot: &dyn Snapshot,
    tree: Tree,
    key_hash: &Hash,
    since: Height,
    belongs: impl Fn(&[u8]) -> bool,
) -> Result<(Vec<u8>, Hash)> {
    let row = snapshot.get(rows::VERSIONS, &rows::version_key(tree, key_hash, since))?;
    let row = row.ok_or_else(|| damaged_at("a value is missing", tree, key_hash))?;
    let hash = sha256(decode_checked(&row, tree, key_hash, belongs)?.value);
    Ok((row, hash))
}

/// What a row of VERSIONS says that is not empty. It is refused unless it is of the key that belongs there.
pub(super) fn decode_checked<'r>(
    row: &'r [u8],
    tree: Tree,
    key_hash: &Hash,
    belongs: impl Fn(&[u8]) -> bool,
) -> Result<Value<'r>> {
    let damaged = |what| damaged_at(what, tree, key_hash);
    let found = Value::decode(row).map_err(|_broken| damaged("a value without its key"))?;
    match belongs(found.raw_key) {
        true => Ok(found),
        false => Err(damaged("a value lies under another key's hash")),
    }
}

/// A version known by its values alone: what was last written at its height or before.
pub(super) struct Past {
    pub(super) height: Height,
    pub(super) roots: Roots,
    /// A later version: what stands there since this height or before stood here too.
    pub(super) newest: Arc<Held>,
}

impl Past {
    /// Of what was replaced or removed later, which no tree has, a row is of the right key, and that is all that is checked.
    fn get(&self, tree: Tree, raw_key: &[u8], key_hash: &Hash) -> Result<Option<Vec<u8>>> {
        let leaf = self.newest.top(tree).leaf(key_hash);
        if leaf.is_some_and(|leaf| leaf.since <= self.height) {
            return self.newest.get(tree, raw_key, key_hash);
        }
        let [from, to] = [0, self.height].map(|height| rows::version_key(tree, key_hash, height));
        let range = (Bound::Included(&from[..]), Bound::Included(&to[..]));
        let Some(last) = self
            .newest
            .snapshot
            .rows(rows::VERSIONS, range)?
            .next_back()
        else {
            return Ok(None);
        };
        let (_, row) = last?;
        if row.is_empty() {
            return Ok(None);
        }
        let row = decode_checked(&row, tree, key_hash, |key| key == raw_key)?;
        Ok(Some(row.value.to_vec()))
    }
}

/// The state after one block, pinned until it is dropped.
#[derive(Clone)]
pub struct View {
    pub(super) at: At,
    pub(super) key_hash: KeyHash,
}

#[derive(Clone)]
pub(super) enum At {
    Held(Arc<Held>),
    Past(Arc<Past>),
}

impl View {
    /// The height of the block that made this state.
    #[must_use]
    pub fn height(&self) -> Height {
        match &self.at {
            At::Held(held) => held.height,
            At::Past(past) => past.height,
        }
    }

    /// Root of every tree, in order of name.
    #[must_use]
    pub fn roots(&self) -> [(Tree, Hash); 3] {
        match &self.at {
            At::Held(held) => held.roots(),
            At::Past(past) => past.roots,
        }
    }

    /// The app hash of this state.
    #[must_use]
    pub fn app_hash(&self) -> Hash {
        strongroom_proof::merkle::app_hash(&self.roots())
    }

    /// Whether this view can prove what it says; old heights of the history cannot.
    #[must_use]
    pub const fn is_provable(&self) -> bool {
        matches!(self.at, At::Held(_))
    }

    /// The value at `raw_key`.
    ///
    /// # Errors
    /// If the database cannot be read; [`Error::Damaged`] if value and tree differ; of what was replaced after an old height, which has no tree, if key and row do.
    pub fn get(&self, tree: Tree, raw_key: &[u8]) -> Result<Option<Vec<u8>>> {
        match &self.at {
            At::Held(held) => held.get(tree, raw_key, &(self.key_hash)(raw_key)),
            At::Past(past) => past.get(tree, raw_key, &(self.key_hash)(raw_key)),
        }
    }

    /// What stands at `raw_key`, and its proof for clients.
    ///
    /// # Errors
    /// As [`View::prove`].
    pub fn prove_to_clients(&self, tree: Tree, raw_key: &[u8]) -> Result<ics23::Entry> {
        let (value, proof) = self.prove(tree, raw_key)?;
        if let Some(value) = value {
            return Ok(ics23::Entry::Present(ics23::Present {
                key: raw_key.to_vec(),
                value,
                siblings: proof.siblings,
            }));
        }
        let key_hash = (self.key_hash)(raw_key);
        Ok(ics23::Entry::Absent {
            key: raw_key.to_vec(),
            left: self.neighbour(tree, &key_hash, ics23::Side::Left)?,
            right: self.neighbour(tree, &key_hash, ics23::Side::Right)?,
        })
    }

    fn neighbour(
        &self,
        tree: Tree,
        key_hash: &Hash,
        side: ics23::Side,
    ) -> Result<Option<ics23::Present>> {
        let path = |place: &Hash| self.proof(tree, place, false);
        let Some((key_hash, proof)) = ics23::neighbour(key_hash, side, path)? else {
            return Ok(None);
        };
        let held = self.held()?;
        let leaf = held.top(tree).leaf(&key_hash);
        let leaf = leaf.ok_or_else(|| Error::damaged("a leaf that the tree lacks"))?;
        let belongs = |raw_key: &[u8]| (self.key_hash)(raw_key) == key_hash;
        let row = held.checked_row(tree, belongs, leaf)?;
        let row = Value::decode(&row)?;
        Ok(Some(ics23::Present {
            key: row.raw_key.to_vec(),
            value: row.value.to_vec(),
            siblings: proof.siblings,
        }))
    }

    /// The value at `raw_key` with its proof.
    ///
    /// # Errors
    /// [`Error::NotProvable`] at old heights; [`Error::Damaged`] if value and tree differ.
    pub fn prove(&self, tree: Tree, raw_key: &[u8]) -> Result<(Option<Vec<u8>>, Proof)> {
        self.value_and_proof(tree, raw_key, false)
    }

    /// [`View::prove`] with what a later removal of the key needs.
    ///
    /// # Errors
    /// As [`View::prove`].
    pub fn prove_for_write(&self, tree: Tree, raw_key: &[u8]) -> Result<(Option<Vec<u8>>, Proof)> {
        self.value_and_proof(tree, raw_key, true)
    }

    /// Proof of the path to `key_hash`, whatever stands at its end: what `PartialForest::missing` asks for.
    ///
    /// # Errors
    /// As [`View::prove`].
    pub fn prove_path(&self, tree: Tree, key_hash: &Hash) -> Result<Proof> {
        self.proof(tree, key_hash, true)
    }

    fn value_and_proof(
        &self,
        tree: Tree,
        raw_key: &[u8],
        for_write: bool,
    ) -> Result<(Option<Vec<u8>>, Proof)> {
        let key_hash = (self.key_hash)(raw_key);
        let held = self.held()?;
        let proof = held.top(tree).prove(&key_hash, for_write);
        Ok((held.get(tree, raw_key, &key_hash)?, proof))
    }

    fn proof(&self, tree: Tree, key_hash: &Hash, for_write: bool) -> Result<Proof> {
        Ok(self.held()?.top(tree).prove(key_hash, for_write))
    }

    fn held(&self) -> Result<&Held> {
        match &self.at {
            At::Held(held) => Ok(held),
            At::Past(past) => Err(Error::NotProvable {
                height: past.height,
            }),
        }
    }
}
