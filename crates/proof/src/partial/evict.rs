//! Eviction: cold subtrees become blind until the trees together fit.

use super::PartialTree;
use super::node::{Inner, Node};
use std::sync::Arc;

/// Turns the least recently used parts of `trees` blind until they hold at most `bytes_max` together. If they hold more
/// now, a quarter of the room is freed beyond that, so that not every block pays for a walk over everything.
pub(crate) fn evict(trees: &mut [&mut PartialTree], bytes_max: usize) {
    let held = trees
        .iter()
        .fold(0_usize, |sum, tree| sum.saturating_add(tree.bytes()));
    if held <= bytes_max {
        return;
    }
    let room = bytes_max.saturating_sub(bytes_max >> 2);
    let mut uses = Vec::new();
    for tree in trees.iter() {
        collect_uses(&tree.root, &mut uses);
    }
    uses.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
    // The latest uses that fit stay; what was used together stays or goes together.
    let mut kept = 0_usize;
    let mut oldest_kept = u64::MAX;
    for group in uses.chunk_by(|(a, _), (b, _)| a == b) {
        kept = group
            .iter()
            .fold(kept, |sum, (_, bytes)| sum.saturating_add(*bytes));
        if kept > room {
            break;
        }
        oldest_kept = group.first().map_or(oldest_kept, |(tick, _)| *tick);
    }
    for tree in trees.iter_mut() {
        tree.root = cut(&tree.root, oldest_kept);
    }
}

/// Adds (last use at or below, own bytes) of every known node; answers the last use of the whole subtree.
fn collect_uses(node: &Node, uses: &mut Vec<(u64, usize)>) -> Option<u64> {
    match node {
        Node::Empty | Node::Blind { .. } => None,
        Node::Leaf(leaf) => {
            uses.push((leaf.used(), leaf.bytes()));
            Some(leaf.used())
        }
        Node::Inner(inner) => {
            let below = collect_uses(&inner.left, uses).max(collect_uses(&inner.right, uses));
            let last = below.map_or(inner.used(), |below| below.max(inner.used()));
            uses.push((last, Inner::OWN_BYTES));
            Some(last)
        }
    }
}

/// The subtree without what was last used before `oldest_kept`.
fn cut(node: &Node, oldest_kept: u64) -> Node {
    match node {
        Node::Empty | Node::Blind { .. } => node.clone(),
        Node::Leaf(leaf) if leaf.used() >= oldest_kept => node.clone(),
        Node::Leaf(leaf) => Node::Blind {
            hash: leaf.hash,
            inner: false,
        },
        Node::Inner(inner) => {
            let (left, right) = (
                cut(&inner.left, oldest_kept),
                cut(&inner.right, oldest_kept),
            );
            let nothing_below = left.bytes().saturating_add(right.bytes()) == 0;
            if nothing_below && inner.used() < oldest_kept {
                return Node::Blind {
                    hash: inner.hash,
                    inner: true,
                };
            }
            let after = Inner::with_hash(inner.hash, left, right, inner.used());
            // The same bytes: nothing went, so the node stays shared.
            if after.bytes == inner.bytes {
                node.clone()
            } else {
                Node::Inner(Arc::new(after))
            }
        }
    }
}
