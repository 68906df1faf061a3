//! Nodes of a `PartialTree`: shared, never changed once another tree can see them.

use super::page::{self, Page};
use crate::tree::{self, EMPTY};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use strongroom_types::Hash;

/// What an allocation costs beside its content: reference counts and the allocator's own.
pub(crate) const ALLOCATION_BYTES: usize = 24;

/// A logical clock, shared by all forks of a tree: every use of a node gets the next tick.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    pub(crate) fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// A place in the tree.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// No leaves.
    Empty,
    /// Only the hash is held; `inner`: known to be an inner node, which stays where it is when its neighbour goes.
    Blind { hash: Hash, inner: bool },
    /// All leaves of a small subtree are known.
    Page(Page),
    /// A known inner node.
    Inner { hash: Hash, below: Arc<Inner> },
}

/// What is below a known inner node, and the bytes held at and below it.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) left: Node,
    pub(crate) right: Node,
    pub(crate) bytes: usize,
    /// The last use of this node, or of a page or nothing right below it: of nodes that became a page, too.
    used: AtomicU64,
}

impl Clone for Inner {
    fn clone(&self) -> Self {
        Self {
            left: self.left.clone(),
            right: self.right.clone(),
            bytes: self.bytes,
            used: AtomicU64::new(self.used()),
        }
    }
}

impl Inner {
    /// Bytes of one inner node without what is below it.
    pub(crate) const OWN_BYTES: usize = size_of::<Self>() + ALLOCATION_BYTES;

    fn count_bytes(&self) -> usize {
        Self::OWN_BYTES
            .saturating_add(self.left.bytes())
            .saturating_add(self.right.bytes())
    }

    pub(crate) fn child(&self, right: bool) -> &Node {
        if right { &self.right } else { &self.left }
    }

    fn child_mut(&mut self, right: bool) -> &mut Node {
        if right {
            &mut self.right
        } else {
            &mut self.left
        }
    }

    pub(crate) fn touch(&self, tick: u64) {
        self.used.store(tick, Ordering::Relaxed);
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

impl Node {
    /// A node of which nothing but the hash is known.
    pub(crate) fn from_hash(hash: Hash) -> Self {
        if hash == EMPTY {
            Self::Empty
        } else {
            Self::Blind { hash, inner: false }
        }
    }

    /// An inner node over two others.
    pub(crate) fn over(left: Self, right: Self, used: u64) -> Self {
        let hash = tree::inner_hash(left.hash(), right.hash());
        Self::with_hash(hash, left, right, used)
    }

    /// For children that are known to give `hash`.
    pub(crate) fn with_hash(hash: Hash, left: Self, right: Self, used: u64) -> Self {
        let mut below = Inner {
            left,
            right,
            bytes: 0,
            used: AtomicU64::new(used),
        };
        below.bytes = below.count_bytes();
        Self::Inner {
            hash,
            below: Arc::new(below),
        }
    }

    /// The page in place of an inner node with `hash` over two others, if their leaves fit one.
    pub(crate) fn merged(hash: &Hash, left: &Self, right: &Self) -> Option<Self> {
        let sides = [left.few_leaves()?, right.few_leaves()?];
        let leaves = sides.iter().flatten().map(|page| page.len()).sum();
        let in_use = (sides.iter().flatten()).any(|page| page.held().next().is_some());
        // One leaf beside nothing would stand higher and have another hash.
        if leaves < 2 || !page::fit(leaves, in_use) {
            return None;
        }
        let mut slots = Vec::with_capacity(leaves);
        for page in sides.into_iter().flatten() {
            slots.extend(page.to_vec());
        }
        Page::with_hash(*hash, slots).map(Self::Page)
    }

    /// The page of all leaves below, if they are known and few; `Some(None)`: there are none.
    const fn few_leaves(&self) -> Option<Option<&Page>> {
        match self {
            Self::Empty => Some(None),
            Self::Page(page) => Some(Some(page)),
            Self::Blind { .. } | Self::Inner { .. } => None,
        }
    }

    pub(crate) fn hash(&self) -> &Hash {
        match self {
            Self::Empty => &EMPTY,
            Self::Blind { hash, .. } | Self::Inner { hash, .. } => hash,
            Self::Page(page) => &page.hash,
        }
    }

    /// Bytes held at and below this place.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Empty | Self::Blind { .. } => 0,
            Self::Page(page) => page.bytes(),
            Self::Inner { below, .. } => below.bytes,
        }
    }

    /// Whether it is known what would happen to this node if its neighbour went.
    pub(crate) fn kind_is_known(&self) -> bool {
        !matches!(self, Self::Blind { inner: false, .. })
    }

    /// The node at `depth` on the path to `key_hash`, if it has a place of its own and all above it is known.
    pub(crate) fn at(&self, key_hash: &Hash, depth: usize) -> Option<&Self> {
        let mut here = self;
        for level in 0..depth {
            let Self::Inner { below, .. } = here else {
                return None;
            };
            here = below.child(tree::bit(key_hash, level));
        }
        Some(here)
    }

    /// Puts `new`, which has the same hash, in place of the node at `depth` on the path to `key_hash`. Nodes that other
    /// trees share are copied first; what fits a page now becomes one. Does nothing where the path is not known.
    pub(crate) fn graft(&mut self, key_hash: &Hash, depth: usize, new: Self, tick: u64) {
        if self.at(key_hash, depth).is_some() {
            self.graft_below(key_hash, 0, depth, new, tick);
        }
    }

    fn graft_below(&mut self, key_hash: &Hash, level: usize, depth: usize, new: Self, tick: u64) {
        let Self::Inner { hash, below } = self else {
            *self = new;
            return;
        };
        if level == depth {
            *self = new;
            return;
        }
        let inner = Arc::make_mut(below);
        let child = inner.child_mut(tree::bit(key_hash, level));
        child.graft_below(key_hash, level.saturating_add(1), depth, new, tick);
        inner.bytes = inner.count_bytes();
        inner.touch(tick);
        if let Some(page) = Self::merged(hash, &inner.left, &inner.right) {
            *self = page;
        }
    }
}
