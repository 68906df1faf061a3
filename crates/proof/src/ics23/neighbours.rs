//! Whose entries stand beside a place of a tree, found by asking for the proofs of paths only.

use crate::tree::{self, DEPTH_MAX, EMPTY, Proof};
use strongroom_types::Hash;

/// A side of a place in the order of key hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Smaller hashes.
    Left,
    /// Greater hashes.
    Right,
}

impl Side {
    /// Whether it is the right one: the bit of a turn to it.
    #[must_use]
    pub const fn is_right(self) -> bool {
        matches!(self, Self::Right)
    }
}

/// The entry next to `key_hash` on one side, by hash, with the proof of its path; `None` if there is none.
///
/// Each question goes down another subtree, at a place that is not empty, towards `key_hash`: one or two are usual, and no
/// tree has more levels than [`DEPTH_MAX`].
///
/// # Errors
/// Those of `prove`.
pub fn neighbour<E>(
    key_hash: &Hash,
    side: Side,
    mut prove: impl FnMut(&Hash) -> Result<Proof, E>,
) -> Result<Option<(Hash, Proof)>, E> {
    let mut place = *key_hash;
    for _ in 0..=DEPTH_MAX {
        let proof = prove(&place)?;
        let beside = |found: &Hash| match side {
            Side::Left => found < key_hash,
            Side::Right => found > key_hash,
        };
        if let Some(leaf) = proof.leaf.filter(|leaf| beside(&leaf.key_hash)) {
            return Ok(Some((leaf.key_hash, proof)));
        }
        let mut siblings = proof.siblings.iter().enumerate();
        let lowest = siblings.rfind(|(depth, sibling)| {
            **sibling != EMPTY && tree::bit(&place, *depth) != side.is_right()
        });
        let Some((depth, _)) = lowest else {
            return Ok(None);
        };
        place = nearest_in(&tree::flip(&place, depth), depth.saturating_add(1), side);
    }
    Ok(None)
}

/// Of the places that share the first `depth` bits of `prefix`, the one nearest to what lies on the other side.
fn nearest_in(prefix: &Hash, depth: usize, side: Side) -> Hash {
    let mut place = *prefix;
    for depth in depth..DEPTH_MAX {
        if tree::bit(&place, depth) == side.is_right() {
            place = tree::flip(&place, depth);
        }
    }
    place
}
