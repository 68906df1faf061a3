//! `PartialForest`: one `PartialTree` per tree of the state, under one app hash. Spec: docs/spec/state.md 3.

use crate::error::Error;
use crate::merkle;
use crate::partial::{Clock, PartialTree, Read, evict};
use crate::tree::{EMPTY, Proof};
use strongroom_types::{Hash, Tree, WriteSet};

/// The whole state as far as it is proven. `Clone` is O(1): the execution lane forks it, a query pins a version with it.
#[derive(Clone, Debug)]
pub struct PartialForest {
    contract: PartialTree,
    ibc: PartialTree,
    native: PartialTree,
}

impl PartialForest {
    /// The state before genesis: all trees empty and known.
    #[must_use]
    pub fn empty() -> Self {
        Self::from_roots([EMPTY; 3])
    }

    /// A state of which the host says the roots: accepted if they give `app_hash`.
    ///
    /// # Errors
    /// [`Error::Malformed`] if not every tree has exactly one root, [`Error::Root`] if they give another app hash.
    pub fn blind(roots: &[(Tree, Hash)], app_hash: &Hash) -> Result<Self, Error> {
        let mut found = [None; 3];
        for (slot, tree) in found.iter_mut().zip(Tree::ALL) {
            let mut of_tree = roots.iter().filter(|(name, _)| *name == tree);
            if let (Some((_, root)), None) = (of_tree.next(), of_tree.next()) {
                *slot = Some(*root);
            }
        }
        let [Some(contract), Some(ibc), Some(native)] = found else {
            return Err(Error::Malformed { what: "roots" });
        };
        let forest = Self::from_roots([contract, ibc, native]);
        if forest.app_hash() == *app_hash {
            Ok(forest)
        } else {
            Err(Error::Root)
        }
    }

    fn from_roots([contract, ibc, native]: [Hash; 3]) -> Self {
        let clock = Clock::default();
        Self {
            contract: PartialTree::blind_with_clock(contract, clock.clone()),
            ibc: PartialTree::blind_with_clock(ibc, clock.clone()),
            native: PartialTree::blind_with_clock(native, clock),
        }
    }

    /// One of the trees.
    #[must_use]
    pub const fn tree(&self, tree: Tree) -> &PartialTree {
        match tree {
            Tree::Contract => &self.contract,
            Tree::Ibc => &self.ibc,
            Tree::Native => &self.native,
        }
    }

    const fn tree_mut(&mut self, tree: Tree) -> &mut PartialTree {
        match tree {
            Tree::Contract => &mut self.contract,
            Tree::Ibc => &mut self.ibc,
            Tree::Native => &mut self.native,
        }
    }

    /// Root of every tree, in order of name.
    #[must_use]
    pub fn roots(&self) -> [(Tree, Hash); 3] {
        Tree::ALL.map(|tree| (tree, self.tree(tree).root()))
    }

    /// The app hash over all trees.
    #[must_use]
    pub fn app_hash(&self) -> Hash {
        merkle::app_hash(&self.roots())
    }

    /// Bytes held by all trees.
    #[must_use]
    pub fn bytes(&self) -> usize {
        Tree::ALL
            .iter()
            .fold(0, |sum, tree| sum.saturating_add(self.tree(*tree).bytes()))
    }

    /// [`PartialTree::read`] in `tree`.
    #[must_use]
    pub fn read(&self, tree: Tree, raw_key: &[u8]) -> Read {
        self.tree(tree).read(raw_key)
    }

    /// [`PartialTree::absorb`] in `tree`.
    ///
    /// # Errors
    /// As [`Proof::verify`]; nothing is changed then.
    pub fn absorb(
        &mut self,
        tree: Tree,
        raw_key: &[u8],
        value: Option<&[u8]>,
        proof: &Proof,
    ) -> Result<(), Error> {
        self.tree_mut(tree).absorb(raw_key, value, proof)
    }

    /// [`PartialTree::absorb_path`] in `tree`.
    ///
    /// # Errors
    /// As [`Proof::verify`]; nothing is changed then.
    pub fn absorb_path(&mut self, tree: Tree, key_hash: &Hash, proof: &Proof) -> Result<(), Error> {
        self.tree_mut(tree).absorb_path(key_hash, proof)
    }

    /// [`PartialTree::missing`] of all trees: ask the host for these paths until nothing is missing, then apply.
    #[must_use]
    pub fn missing(&self, writes: &WriteSet) -> Vec<(Tree, Hash)> {
        Tree::ALL
            .into_iter()
            .flat_map(|tree| {
                let missing = self.tree(tree).missing(writes_of(writes, tree));
                missing.into_iter().map(move |key_hash| (tree, key_hash))
            })
            .collect()
    }

    /// Applies the writes of a block and answers the app hash after it.
    ///
    /// # Errors
    /// [`Error::NotProven`] where a tree is blind; nothing is changed then.
    pub fn apply(&mut self, writes: &WriteSet) -> Result<Hash, Error> {
        let mut after = self.clone();
        for tree in Tree::ALL {
            after.tree_mut(tree).apply(writes_of(writes, tree))?;
        }
        *self = after;
        Ok(self.app_hash())
    }

    /// [`PartialTree::evict`] over all trees together: what was used least recently goes, wherever it is.
    pub fn evict(&mut self, bytes_max: usize) {
        evict(
            &mut [&mut self.contract, &mut self.ibc, &mut self.native],
            bytes_max,
        );
    }
}

/// The part of a write set that goes to `tree`.
fn writes_of(writes: &WriteSet, tree: Tree) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    let from = (tree, Vec::new());
    let of_tree = writes
        .0
        .range(from..)
        .take_while(move |((name, _), _)| *name == tree);
    of_tree.map(|((_, raw_key), value)| (raw_key.as_slice(), value.as_deref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Write<'a> = (Tree, &'a [u8], Option<&'a [u8]>);

    fn write_set(writes: &[Write<'_>]) -> WriteSet {
        let row =
            |(tree, key, value): &Write<'_>| ((*tree, key.to_vec()), value.map(<[u8]>::to_vec));
        WriteSet(writes.iter().map(row).collect())
    }

    #[test]
    fn each_tree_gets_its_own_writes() {
        let mut forest = PartialForest::empty();
        let writes = write_set(&[
            (Tree::Contract, b"k", Some(b"contract")),
            (Tree::Ibc, b"k", None),
            (Tree::Native, b"k", Some(b"native")),
        ]);
        let app_hash = forest.apply(&writes).unwrap();
        assert_eq!(app_hash, forest.app_hash());
        assert_eq!(app_hash, merkle::app_hash(&forest.roots()));
        assert_eq!(
            forest.read(Tree::Contract, b"k"),
            Read::Value(b"contract".as_slice().into())
        );
        assert_eq!(
            forest.read(Tree::Native, b"k"),
            Read::Value(b"native".as_slice().into())
        );
        assert_eq!(forest.read(Tree::Ibc, b"k"), Read::Absent);
        assert_eq!(forest.tree(Tree::Ibc).root(), EMPTY);
    }

    #[test]
    fn roots_are_taken_only_under_their_app_hash() {
        let mut forest = PartialForest::empty();
        forest
            .apply(&write_set(&[(Tree::Native, b"k", Some(b"v"))]))
            .unwrap();
        let (roots, app_hash) = (forest.roots(), forest.app_hash());
        let blind = PartialForest::blind(&roots, &app_hash).unwrap();
        assert_eq!(blind.app_hash(), app_hash);
        assert_eq!(blind.read(Tree::Native, b"k"), Read::Unknown);
        assert_eq!(blind.read(Tree::Ibc, b"k"), Read::Absent);
        assert_eq!(
            PartialForest::blind(&roots, &[0; 32]).err(),
            Some(Error::Root)
        );
        let [contract, ibc, native] = roots;
        for bad in [
            vec![contract, ibc],
            vec![contract, ibc, ibc, native],
            vec![],
        ] {
            assert!(matches!(
                PartialForest::blind(&bad, &app_hash),
                Err(Error::Malformed { .. })
            ));
        }
    }

    #[test]
    fn a_write_set_that_is_not_wholly_proven_changes_no_tree() {
        let mut forest = PartialForest::empty();
        forest
            .apply(&write_set(&[(Tree::Native, b"k", Some(b"v"))]))
            .unwrap();
        let mut blind = PartialForest::blind(&forest.roots(), &forest.app_hash()).unwrap();
        let writes = write_set(&[
            (Tree::Contract, b"new", Some(b"1")),
            (Tree::Native, b"k", Some(b"2")),
        ]);
        assert_eq!(
            blind.missing(&writes),
            [(Tree::Native, crate::tree::key_hash(b"k"))]
        );
        assert_eq!(blind.apply(&writes), Err(Error::NotProven));
        assert_eq!(blind.app_hash(), forest.app_hash());
        let mut proof = Proof::default();
        let entry = crate::tree::Entry {
            key_hash: crate::tree::key_hash(b"k"),
            value_hash: strongroom_types::sha256(b"v"),
        };
        crate::tree::subtree_prove(&[entry], 0, &entry.key_hash, true, &mut proof);
        blind
            .absorb(Tree::Native, b"k", Some(b"v"), &proof)
            .unwrap();
        assert_eq!(blind.missing(&writes), []);
        assert_eq!(blind.apply(&writes), forest.apply(&writes));
    }

    #[test]
    fn the_coldest_goes_first_whatever_its_tree() {
        let mut forest = PartialForest::empty();
        let key = |n: u32| n.to_be_bytes().to_vec();
        let rows = |tree| (0..200u32).map(move |n| ((tree, key(n)), Some(vec![1; 50])));
        forest
            .apply(&WriteSet(Tree::ALL.into_iter().flat_map(rows).collect()))
            .unwrap();
        for n in 0..50 {
            assert_ne!(forest.read(Tree::Contract, &key(n)), Read::Unknown);
        }
        forest.evict(forest.bytes() / 2);
        assert!((0..50).all(|n| matches!(forest.read(Tree::Contract, &key(n)), Read::Value(_))));
        for (tree, from) in [(Tree::Contract, 50), (Tree::Ibc, 0), (Tree::Native, 0)] {
            let held = (from..200).filter(|n| forest.read(tree, &key(*n)) != Read::Unknown);
            assert!(held.count() < 100, "{tree:?}");
        }
    }
}
