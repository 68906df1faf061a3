//! Own writes: a sorted batch goes down the tree once and every touched inner node is hashed once on the way up.

use super::node::{Clock, Inner, Leaf, Node};
use crate::error::Error;
use crate::tree::{self, Entry};
use std::sync::Arc;
use strongroom_types::{Hash, sha256};

/// A write by key hash: a new value, or `None` for a removal.
pub(crate) struct Write {
    pub(crate) key_hash: Hash,
    pub(crate) value: Option<Arc<[u8]>>,
}

/// Sorts by key hash; of several writes to one key the last counts.
pub(crate) fn in_order(mut writes: Vec<Write>) -> Vec<Write> {
    writes.sort_by_key(|write| write.key_hash);
    writes.dedup_by(|later, earlier| {
        let same = later.key_hash == earlier.key_hash;
        if same {
            core::mem::swap(later, earlier);
        }
        same
    });
    writes
}

fn split(writes: &[Write], depth: usize) -> (&[Write], &[Write]) {
    tree::split_at_bit(writes, depth, |write| &write.key_hash)
}

/// The subtree after `writes`, which are in order and all below `node`.
pub(crate) fn update(
    node: &Node,
    depth: usize,
    writes: &[Write],
    clock: &Clock,
) -> Result<Node, Error> {
    if writes.is_empty() {
        return Ok(node.clone());
    }
    match node {
        Node::Blind { .. } => Err(Error::NotProven),
        Node::Empty => Ok(build(&new_leaves(writes, None, clock), depth, clock)),
        Node::Leaf(leaf) => Ok(build(&new_leaves(writes, Some(leaf), clock), depth, clock)),
        Node::Inner(inner) => {
            let below = depth.saturating_add(1);
            let (left_writes, right_writes) = split(writes, depth);
            let left = update(&inner.left, below, left_writes, clock)?;
            let right = update(&inner.right, below, right_writes, clock)?;
            collapse(inner, left, right, clock)
        }
    }
}

/// The leaves that the writes leave behind, in order, with the leaf that was there unless a write replaces it.
fn new_leaves(writes: &[Write], old: Option<&Arc<Leaf>>, clock: &Clock) -> Vec<Arc<Leaf>> {
    let mut leaves: Vec<Arc<Leaf>> = writes
        .iter()
        .filter_map(|write| {
            let value = write.value.as_ref()?;
            let entry = Entry {
                key_hash: write.key_hash,
                value_hash: sha256(value),
            };
            Some(Arc::new(Leaf::new(
                entry,
                Some(Arc::clone(value)),
                clock.tick(),
            )))
        })
        .collect();
    if let Some(old) = old
        && writes
            .binary_search_by(|write| write.key_hash.cmp(&old.entry.key_hash))
            .is_err()
    {
        let at = leaves.partition_point(|leaf| leaf.entry.key_hash < old.entry.key_hash);
        leaves.insert(at, Arc::clone(old));
    }
    leaves
}

/// The subtree of exactly these leaves.
fn build(leaves: &[Arc<Leaf>], depth: usize, clock: &Clock) -> Node {
    match leaves {
        [] => Node::Empty,
        [one] => Node::Leaf(Arc::clone(one)),
        many => {
            let below = depth.saturating_add(1);
            let (left, right) = tree::split_at_bit(many, depth, |leaf| &leaf.entry.key_hash);
            let (left, right) = (build(left, below, clock), build(right, below, clock));
            Node::Inner(Arc::new(Inner::new(left, right, clock.tick())))
        }
    }
}

/// The parent of two updated children: a single leaf takes its parent's place.
fn collapse(old: &Inner, left: Node, right: Node, clock: &Clock) -> Result<Node, Error> {
    match (&left, &right) {
        (Node::Empty, Node::Empty) => return Ok(Node::Empty),
        (Node::Leaf(leaf), Node::Empty) | (Node::Empty, Node::Leaf(leaf)) => {
            return Ok(Node::Leaf(Arc::clone(leaf)));
        }
        // If the other child was empty before as well, the blind one must be an inner node: a leaf would have moved up.
        (Node::Blind { inner: false, .. }, Node::Empty) if !matches!(old.right, Node::Empty) => {
            return Err(Error::NotProven);
        }
        (Node::Empty, Node::Blind { inner: false, .. }) if !matches!(old.left, Node::Empty) => {
            return Err(Error::NotProven);
        }
        _ => {}
    }
    let unchanged = left.hash() == old.left.hash() && right.hash() == old.right.hash();
    let tick = clock.tick();
    Ok(Node::Inner(Arc::new(if unchanged {
        Inner::with_hash(old.hash, left, right, tick)
    } else {
        Inner::new(left, right, tick)
    })))
}

/// What an update would leave at a place, as far as it is known.
#[derive(PartialEq, Eq)]
enum Shape {
    Empty,
    Leaf,
    Inner,
    Unknown,
}

/// Adds to `missing` the key hashes whose paths must be proven before `update` can do `writes`.
pub(crate) fn collect_missing(node: &Node, writes: &[Write], missing: &mut Vec<Hash>) {
    shape_after(node, 0, writes, missing);
}

fn shape_after(node: &Node, depth: usize, writes: &[Write], missing: &mut Vec<Hash>) -> Shape {
    match node {
        Node::Blind { inner: true, .. } if writes.is_empty() => Shape::Inner,
        Node::Blind { .. } => {
            missing.extend(writes.iter().map(|write| write.key_hash));
            Shape::Unknown
        }
        Node::Empty => shape_of(set_count(writes)),
        Node::Leaf(leaf) => {
            let key_hash = &leaf.entry.key_hash;
            let stays = writes
                .binary_search_by(|write| write.key_hash.cmp(key_hash))
                .is_err();
            shape_of(set_count(writes).saturating_add(usize::from(stays)))
        }
        Node::Inner(_) if writes.is_empty() => Shape::Inner,
        Node::Inner(inner) => {
            let below = depth.saturating_add(1);
            let (left_writes, right_writes) = split(writes, depth);
            let left = shape_after(&inner.left, below, left_writes, missing);
            let right = shape_after(&inner.right, below, right_writes, missing);
            match (left, right) {
                (Shape::Empty, Shape::Empty) => Shape::Empty,
                (Shape::Leaf, Shape::Empty) | (Shape::Empty, Shape::Leaf) => Shape::Leaf,
                (Shape::Unknown, Shape::Empty) => ask_for_neighbour(
                    &inner.left,
                    &inner.right,
                    left_writes,
                    right_writes,
                    depth,
                    missing,
                ),
                (Shape::Empty, Shape::Unknown) => ask_for_neighbour(
                    &inner.right,
                    &inner.left,
                    right_writes,
                    left_writes,
                    depth,
                    missing,
                ),
                _ => Shape::Inner,
            }
        }
    }
}

/// One side was emptied: what is the untouched blind node beside it? Any path through it tells.
fn ask_for_neighbour(
    blind: &Node,
    emptied: &Node,
    blind_writes: &[Write],
    emptied_writes: &[Write],
    depth: usize,
    missing: &mut Vec<Hash>,
) -> Shape {
    if matches!(emptied, Node::Empty) {
        return Shape::Inner;
    }
    if let (Node::Blind { .. }, [], Some(write)) = (blind, blind_writes, emptied_writes.first()) {
        missing.push(tree::flip(&write.key_hash, depth));
    }
    Shape::Unknown
}

fn set_count(writes: &[Write]) -> usize {
    writes.iter().filter(|write| write.value.is_some()).count()
}

const fn shape_of(leaves: usize) -> Shape {
    match leaves {
        0 => Shape::Empty,
        1 => Shape::Leaf,
        _ => Shape::Inner,
    }
}
