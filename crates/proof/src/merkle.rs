//! CometBFT's simple Merkle tree (RFC 6962 with SHA-256), its inclusion proofs, and the simple map over it.
//!
//! leaf = SHA-256(0x00 ‖ item), inner = SHA-256(0x01 ‖ left ‖ right), no items = SHA-256(""). The left side takes the
//! greatest power of two below the number of items. Spec: docs/spec/state.md 3 (app hash).
//!
//! Promises: decides nothing about the meaning of items; a proof binds item, index and total to the root.
//! Refuses: proofs with another number of aunts than index and total ask for.

use crate::error::Error;
use sha2::{Digest as _, Sha256};
use strongroom_types::{Hash, Tree, sha256};

/// Aunts of a proof: 64 levels hold any number of items that `u64` can count.
pub const AUNTS_MAX: usize = 64;

/// Hash of one item.
#[must_use]
pub fn leaf_hash(item: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([0])
        .chain_update(item)
        .finalize()
        .into()
}

/// Hash over two neighbours.
#[must_use]
pub fn inner_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update([1])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// Root over `items` in their order.
#[must_use]
pub fn root<T: AsRef<[u8]>>(items: &[T]) -> Hash {
    let hashes: Vec<Hash> = items.iter().map(|item| leaf_hash(item.as_ref())).collect();
    root_of_hashes(&hashes)
}

fn root_of_hashes(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => sha256(&[]),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(split_point(many.len()));
            inner_hash(&root_of_hashes(left), &root_of_hashes(right))
        }
    }
}

/// The greatest power of two below `n`, for `n` ≥ 2.
fn split_point(n: usize) -> usize {
    n.div_ceil(2).next_power_of_two()
}

/// The same for the 64-bit numbers of a proof.
fn split_point_u64(n: u64) -> u64 {
    n.div_ceil(2).next_power_of_two()
}

/// Proof that an item stands at `index` of `total` items: CometBFT's `crypto.Proof`, without the leaf hash, which the
/// verifier computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Number of items under the root.
    pub total: u64,
    /// Position of the item, from 0.
    pub index: u64,
    /// Hashes of the neighbours, from the leaf up.
    pub aunts: Vec<Hash>,
}

impl Proof {
    /// Checks that `item` is under `root` at the place the proof names.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a place that cannot be or a wrong number of aunts, [`Error::Root`] for another root.
    pub fn verify(&self, root: &Hash, item: &[u8]) -> Result<(), Error> {
        if self.compute_root(leaf_hash(item))? == *root {
            Ok(())
        } else {
            Err(Error::Root)
        }
    }

    /// The root that follows from `leaf` at the place of this proof.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a place that cannot be or a wrong number of aunts.
    pub fn compute_root(&self, leaf: Hash) -> Result<Hash, Error> {
        let turns = self.right_turns()?;
        Ok(self
            .aunts
            .iter()
            .zip(turns)
            .fold(leaf, |hash, (aunt, right)| {
                if right {
                    inner_hash(aunt, &hash)
                } else {
                    inner_hash(&hash, aunt)
                }
            }))
    }

    /// From the leaf up: whether the item stands on the right of each aunt.
    pub(crate) fn right_turns(&self) -> Result<Vec<bool>, Error> {
        if self.index >= self.total || self.aunts.len() > AUNTS_MAX {
            return Err(Error::Malformed {
                what: "index or number of aunts",
            });
        }
        // Down from the root: on which side does the item stand at each level.
        let (mut total, mut index) = (self.total, self.index);
        let mut turns = Vec::with_capacity(self.aunts.len());
        while total > 1 {
            let split = split_point_u64(total);
            let right = index >= split;
            (total, index) = if right {
                (total.saturating_sub(split), index.saturating_sub(split))
            } else {
                (split, index)
            };
            turns.push(right);
        }
        if turns.len() != self.aunts.len() {
            return Err(Error::Malformed {
                what: "number of aunts",
            });
        }
        turns.reverse();
        Ok(turns)
    }
}

/// Root over `items` and the proof that one of them stands at `index`; `None` if there are fewer.
#[must_use]
pub fn prove<T: AsRef<[u8]>>(items: &[T], index: usize) -> Option<(Hash, Proof)> {
    let mut rest: &[Hash] = &items
        .iter()
        .map(|item| leaf_hash(item.as_ref()))
        .collect::<Vec<_>>();
    let mut hash = *rest.get(index)?;
    // Down to the item: at each level the other half is its aunt, and on this side of it or on that.
    let (mut at, mut aunts) = (index, Vec::new());
    while rest.len() > 1 {
        let middle = split_point(rest.len());
        let (left, right) = rest.split_at(middle);
        let is_right = at >= middle;
        aunts.push((
            is_right,
            root_of_hashes(if is_right { left } else { right }),
        ));
        (rest, at) = if is_right {
            (right, at.saturating_sub(middle))
        } else {
            (left, at)
        };
    }
    aunts.reverse();
    for (is_right, aunt) in &aunts {
        hash = if *is_right {
            inner_hash(aunt, &hash)
        } else {
            inner_hash(&hash, aunt)
        };
    }
    let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let proof = Proof {
        total: number(items.len()),
        index: number(index),
        aunts: aunts.into_iter().map(|(_, aunt)| aunt).collect(),
    };
    Some((hash, proof))
}

/// The item of the simple map: length ‖ key ‖ length ‖ SHA-256(value), lengths as unsigned varints.
#[must_use]
pub fn map_item(key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut item = Vec::with_capacity(key.len().saturating_add(43));
    put_uvarint(&mut item, key.len());
    item.extend_from_slice(key);
    put_uvarint(&mut item, 32);
    item.extend_from_slice(&sha256(value));
    item
}

fn put_uvarint(out: &mut Vec<u8>, mut n: usize) {
    loop {
        let [low, ..] = n.to_le_bytes();
        n >>= 7;
        if n == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// Root of the simple map: items sorted by key, as the multistore of the SDK does. `pairs` need not be sorted.
#[must_use]
pub fn map_root(pairs: &[(&[u8], &[u8])]) -> Hash {
    let mut sorted = pairs.to_vec();
    sorted.sort_unstable();
    let items: Vec<Vec<u8>> = sorted
        .iter()
        .map(|(key, value)| map_item(key, value))
        .collect();
    root(&items)
}

/// The app hash: simple map of tree name → tree root, over exactly the given trees.
#[must_use]
pub fn app_hash(roots: &[(Tree, Hash)]) -> Hash {
    let pairs: Vec<(&[u8], &[u8])> = roots
        .iter()
        .map(|(tree, root)| (tree.name().as_bytes(), root.as_slice()))
        .collect();
    map_root(&pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex_of(hash: Hash) -> String {
        hex::encode(hash)
    }

    #[test]
    fn the_published_vectors_of_certificate_transparency_hold() {
        // RFC 6962's reference data: the inputs of the log of seven (eight) entries.
        let items: [&[u8]; 8] = [
            b"",
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[
                0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d,
                0x6e, 0x6f,
            ],
        ];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        for (n, expected) in roots.iter().enumerate() {
            assert_eq!(&hex_of(root(&items[..n])), expected, "{n} items");
        }
    }

    #[test]
    fn the_app_hash_does_not_depend_on_the_order_of_the_trees() {
        let roots = [
            (Tree::Contract, [1; 32]),
            (Tree::Ibc, [2; 32]),
            (Tree::Native, [3; 32]),
        ];
        let mut turned = roots;
        turned.reverse();
        assert_eq!(app_hash(&roots), app_hash(&turned));
        let by_hand = root(&[
            [b"\x08contract\x20".as_slice(), &sha256(&[1; 32])].concat(),
            [b"\x03ibc\x20".as_slice(), &sha256(&[2; 32])].concat(),
            [b"\x06native\x20".as_slice(), &sha256(&[3; 32])].concat(),
        ]);
        assert_eq!(app_hash(&roots), by_hand);
    }

    #[test]
    fn long_keys_of_the_map_carry_a_varint() {
        let item = map_item(&[7; 300], b"");
        assert_eq!(item[..2], [0xac, 0x02]);
        assert_eq!(item.len(), 2 + 300 + 1 + 32);
    }

    proptest! {
        #[test]
        fn every_item_is_proven_at_its_place_and_at_no_other(
            items in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..70),
            at in any::<prop::sample::Index>(),
            flip in any::<prop::sample::Index>(),
        ) {
            // Equal items could rightly be proven at each other's place.
            let items: Vec<Vec<u8>> = items
                .into_iter()
                .enumerate()
                .map(|(n, mut item)| {
                    item.extend_from_slice(&n.to_be_bytes());
                    item
                })
                .collect();
            let at = at.index(items.len());
            let (root_hash, proof) = prove(&items, at).unwrap();
            prop_assert_eq!(root_hash, root(&items));
            prop_assert_eq!(prove(&items, items.len()), None);
            prop_assert_eq!(proof.verify(&root_hash, &items[at]), Ok(()));
            let mut other = items[at].clone();
            other.push(0);
            prop_assert_eq!(proof.verify(&root_hash, &other), Err(Error::Root));
            let moved = Proof { index: (proof.index + 1) % proof.total, ..proof.clone() };
            prop_assert!(proof.total == 1 || moved.verify(&root_hash, &items[at]).is_err());
            if !proof.aunts.is_empty() {
                let mut bent = proof.clone();
                let at_aunt = flip.index(bent.aunts.len());
                bent.aunts[at_aunt][3] ^= 4;
                prop_assert_eq!(bent.verify(&root_hash, &items[at]), Err(Error::Root));
                bent.aunts.pop();
                prop_assert!(bent.verify(&root_hash, &items[at]).is_err());
            }
        }

        #[test]
        fn hostile_places_are_refused_without_work(total in any::<u64>(), index in any::<u64>(), aunts in 0usize..70) {
            let proof = Proof { total, index, aunts: vec![[0; 32]; aunts] };
            prop_assert!(proof.verify(&[0; 32], b"x").is_err());
        }
    }
}
