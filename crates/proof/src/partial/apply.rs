//! Own writes: a sorted batch goes down the tree once and every touched inner node is hashed once on the way up.

use super::node::{Clock, Inner, Node};
use super::page::{self, Page, Slot, start_of};
use crate::error::Error;
use crate::tree;
use core::cmp::Ordering;
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
        Node::Empty => build(after(&[], writes, clock)?, depth, clock),
        Node::Page(page) => build(after(&page.to_vec(), writes, clock)?, depth, clock),
        Node::Inner { hash, below: inner } => {
            let below = depth.saturating_add(1);
            let (left_writes, right_writes) = split(writes, depth);
            let left = update(&inner.left, below, left_writes, clock)?;
            let right = update(&inner.right, below, right_writes, clock)?;
            collapse(hash, inner, left, right, clock)
        }
    }
}

/// The leaves that the writes leave behind where `slots` were, in order.
fn after(slots: &[Slot], writes: &[Write], clock: &Clock) -> Result<Vec<Slot>, Error> {
    let mut left = Vec::with_capacity(slots.len().saturating_add(writes.len()));
    let mut old = slots.iter().peekable();
    for write in writes {
        while let Some(slot) = old.peek() {
            match slot.order(&write.key_hash).ok_or(Error::NotProven)? {
                Ordering::Less => left.extend(old.next().cloned()),
                Ordering::Equal => {
                    old.next();
                    break;
                }
                Ordering::Greater => break,
            }
        }
        left.extend(write.value.as_ref().map(|value| {
            let hash = tree::leaf_hash(&write.key_hash, &sha256(value));
            Slot::held(write.key_hash, hash, Some(Arc::clone(value)), clock.tick())
        }));
    }
    left.extend(old.cloned());
    Ok(left)
}

/// The subtree of exactly these leaves, which are in order and apart.
fn build(mut slots: Vec<Slot>, depth: usize, clock: &Clock) -> Result<Node, Error> {
    if slots.is_empty() {
        return Ok(Node::Empty);
    }
    let in_use = slots.iter().any(|slot| slot.leaf.is_some());
    if page::fit(slots.len(), in_use) {
        let page = Page::at(depth, slots).ok_or(Error::NotProven)?;
        return Ok(Node::Page(page));
    }
    let right = slots.split_off(page::turning_left(&slots, depth));
    let below = depth.saturating_add(1);
    let (left, right) = (build(slots, below, clock)?, build(right, below, clock)?);
    Ok(Node::over(left, right, clock.tick()))
}

/// The parent of two updated children: a single leaf takes its parent's place.
fn collapse(
    hash: &Hash,
    old: &Inner,
    left: Node,
    right: Node,
    clock: &Clock,
) -> Result<Node, Error> {
    match (&left, &right) {
        (Node::Empty, Node::Empty) => return Ok(Node::Empty),
        (Node::Page(page), Node::Empty) | (Node::Empty, Node::Page(page)) if page.len() == 1 => {
            return Ok(Node::Page(page.clone()));
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
    let hash = if unchanged {
        *hash
    } else {
        tree::inner_hash(left.hash(), right.hash())
    };
    Ok(Node::merged(&hash, &left, &right)
        .unwrap_or_else(|| Node::with_hash(hash, left, right, clock.tick())))
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
        Node::Page(page) if writes.is_empty() => shape_of(page.len()),
        Node::Page(page) => {
            let unsure = missing.len();
            let mut leaves = set_count(writes);
            for slot in page.to_vec() {
                let (stays, ask) = fate(&slot, writes);
                missing.extend(ask.iter().map(|write| write.key_hash));
                leaves = leaves.saturating_add(usize::from(stays));
            }
            if missing.len() > unsure {
                return Shape::Unknown;
            }
            shape_of(leaves)
        }
        Node::Inner { .. } if writes.is_empty() => Shape::Inner,
        Node::Inner { below: inner, .. } => {
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

/// Whether the writes, which are in order, leave a leaf where it is, and those of which too little of it is held to say.
fn fate<'a>(slot: &Slot, writes: &'a [Write]) -> (bool, &'a [Write]) {
    if let Some(leaf) = &slot.leaf {
        let own = writes.binary_search_by(|write| write.key_hash.cmp(&leaf.key_hash));
        return (own.is_err(), &[]);
    }
    let from = writes.partition_point(|write| start_of(&write.key_hash) < slot.place.start);
    let alike = writes.get(from..).unwrap_or_default();
    let count = alike.partition_point(|write| start_of(&write.key_hash) == slot.place.start);
    (true, alike.get(..count).unwrap_or_default())
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
