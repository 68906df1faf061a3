//! Eviction: what is least in use goes until the trees together fit.
//!
//! First values go, and with them the whole key hashes: what says which other keys are absent stays longer, since a new key may lie
//! anywhere and each place that is blind is one more question to the host. But places never take all of the room from values: a state that
//! is far too large for it is read at its hot keys, not at its new ones.

use super::PartialTree;
use super::node::{Inner, Node};
use super::page::{Leaf, Page};

/// Last uses and bytes of what is held.
#[derive(Default)]
struct Uses {
    leaves: Vec<(u64, usize)>,
    places: Vec<(u64, usize)>,
}

/// What was used last before this goes.
#[derive(Clone, Copy)]
pub(super) struct Oldest {
    pub(super) leaf: u64,
    pub(super) place: u64,
}

/// Turns the least recently used parts of `trees` blind until they hold at most `bytes_max` together. If they hold more
/// now, an eighth of the room is freed beyond that, mostly a quarter, so that not every block pays for a walk over everything.
pub(crate) fn evict(trees: &mut [&mut PartialTree], bytes_max: usize) {
    if held(trees) <= bytes_max {
        return;
    }
    let eighth = bytes_max >> 3;
    let room = bytes_max.saturating_sub(eighth);
    let few = room.saturating_sub(eighth);
    let uses = collect(trees);
    let for_leaves = few.saturating_sub(sum(&uses.places)).max(room >> 2);
    let leaf = oldest_kept(uses.leaves, for_leaves);
    if leaf > 0 {
        cut_all(trees, Oldest { leaf, place: 0 });
    }
    // Places lie closer without what was held of their leaves: only now it shows whether they fit.
    if held(trees) > room {
        let uses = collect(trees);
        let place = oldest_kept(uses.places, few.saturating_sub(sum(&uses.leaves)));
        cut_all(trees, Oldest { leaf, place });
    }
}

fn held(trees: &[&mut PartialTree]) -> usize {
    trees
        .iter()
        .fold(0, |sum, tree| sum.saturating_add(tree.bytes()))
}

fn collect(trees: &[&mut PartialTree]) -> Uses {
    let mut uses = Uses::default();
    for tree in trees {
        // A page that is the whole tree has nothing above it that says when it was used.
        collect_page(&tree.root, 0, &mut uses);
        collect_uses(&tree.root, &mut uses);
    }
    uses
}

fn cut_all(trees: &mut [&mut PartialTree], oldest: Oldest) {
    for tree in trees {
        if let Some(left) = cut(&tree.root, 0, oldest) {
            tree.root = left.node;
        }
    }
}

fn sum(uses: &[(u64, usize)]) -> usize {
    uses.iter()
        .fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes))
}

/// The latest uses that fit `room` stay; what was used together stays or goes together. Answers the oldest of those that stay.
fn oldest_kept(mut uses: Vec<(u64, usize)>, room: usize) -> u64 {
    if sum(&uses) <= room {
        return 0;
    }
    uses.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
    let (mut oldest, mut kept) = (u64::MAX, 0_usize);
    for group in uses.chunk_by(|(a, _), (b, _)| a == b) {
        let with = kept.saturating_add(sum(group));
        if with > room {
            break;
        }
        kept = with;
        oldest = group.first().map_or(oldest, |(tick, _)| *tick);
    }
    oldest
}

/// Adds a page and what it holds; `used`: the last use of what is above. Key hashes that tell two leaves apart go with the page.
fn collect_page(node: &Node, used: u64, uses: &mut Uses) {
    let Node::Page(page) = node else { return };
    let mut own = page.own_bytes();
    for (leaf, needed) in page.held_or_needed() {
        let stays = if needed { Leaf::OWN_BYTES } else { 0 };
        own = own.saturating_add(stays);
        uses.leaves
            .push((leaf.used(), leaf.bytes().saturating_sub(stays)));
    }
    uses.places.push((used, own));
}

/// Adds all that is held below an inner node, with its last use; answers the last use of the whole subtree.
fn collect_uses(node: &Node, uses: &mut Uses) -> Option<u64> {
    let Node::Inner { below, .. } = node else {
        return None;
    };
    let mut last = below.used();
    for child in [&below.left, &below.right] {
        collect_page(child, below.used(), uses);
        last = collect_uses(child, uses).map_or(last, |used| used.max(last));
    }
    uses.places.push((last, Inner::OWN_BYTES));
    Some(last)
}

/// What is left of a subtree.
pub(super) struct Left {
    pub(super) node: Node,
    /// The last use of inner nodes that became one page with what was below: from now on what is above it says so. 0: there were none.
    used: u64,
}

impl Left {
    const fn of(node: Node) -> Self {
        Self { node, used: 0 }
    }
}

/// The subtree without what is too old; `used`: the last use of what is above. `None`: nothing goes.
pub(super) fn cut(node: &Node, used: u64, oldest: Oldest) -> Option<Left> {
    match node {
        Node::Empty | Node::Blind { .. } => None,
        Node::Page(page) => cut_page(page, used, oldest).map(Left::of),
        Node::Inner { hash, below } => {
            let used = below.used();
            let (left, right) = (
                cut(&below.left, used, oldest),
                cut(&below.right, used, oldest),
            );
            if left.is_none() && right.is_none() && used >= oldest.place {
                return None;
            }
            let stays =
                |new: Option<Left>, old: &Node| new.unwrap_or_else(|| Left::of(old.clone()));
            let (left, right) = (stays(left, &below.left), stays(right, &below.right));
            let nothing_below = left.node.bytes().saturating_add(right.node.bytes()) == 0;
            if nothing_below && used < oldest.place {
                return Some(Left::of(Node::Blind {
                    hash: *hash,
                    inner: true,
                }));
            }
            let used = used.max(left.used).max(right.used);
            let merged = Node::merged(hash, &left.node, &right.node);
            Some(match merged {
                Some(node) => Left { node, used },
                None => Left::of(Node::with_hash(*hash, left.node, right.node, used)),
            })
        }
    }
}

fn cut_page(page: &Page, used: u64, oldest: Oldest) -> Option<Node> {
    if used < oldest.place {
        return Some(Node::Blind {
            hash: page.hash,
            inner: page.len() > 1,
        });
    }
    page.without(|leaf| leaf.used() >= oldest.leaf)
        .map(Node::Page)
}
