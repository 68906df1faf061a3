//! Nodes of a `PartialTree`: shared, never changed once another tree can see them.

use crate::tree::{self, EMPTY, Entry};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use strongroom_types::Hash;

/// What an allocation costs beside its content: reference counts and the allocator's own.
const ALLOCATION_BYTES: usize = 32;

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
    /// A known leaf.
    Leaf(Arc<Leaf>),
    /// A known inner node.
    Inner(Arc<Inner>),
}

/// A known leaf, with its value if that has been read or written.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub(crate) entry: Entry,
    pub(crate) hash: Hash,
    pub(crate) value: Option<Arc<[u8]>>,
    used: AtomicU64,
}

/// A known inner node and the bytes held at and below it.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) hash: Hash,
    pub(crate) left: Node,
    pub(crate) right: Node,
    pub(crate) bytes: usize,
    used: AtomicU64,
}

impl Clone for Inner {
    fn clone(&self) -> Self {
        Self {
            hash: self.hash,
            left: self.left.clone(),
            right: self.right.clone(),
            bytes: self.bytes,
            used: AtomicU64::new(self.used()),
        }
    }
}

impl Leaf {
    pub(crate) fn new(entry: Entry, value: Option<Arc<[u8]>>, used: u64) -> Self {
        Self {
            entry,
            hash: entry.hash(),
            value,
            used: AtomicU64::new(used),
        }
    }

    /// The same leaf holding its value.
    pub(crate) fn with_value(&self, value: Arc<[u8]>, used: u64) -> Self {
        Self {
            entry: self.entry,
            hash: self.hash,
            value: Some(value),
            used: AtomicU64::new(used),
        }
    }

    pub(crate) fn touch(&self, tick: u64) {
        self.used.store(tick, Ordering::Relaxed);
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> usize {
        let value = self
            .value
            .as_ref()
            .map_or(0, |value| value.len().saturating_add(ALLOCATION_BYTES));
        size_of::<Self>()
            .saturating_add(ALLOCATION_BYTES)
            .saturating_add(value)
    }
}

impl Inner {
    /// Bytes of one inner node without what is below it.
    pub(crate) const OWN_BYTES: usize = size_of::<Self>() + ALLOCATION_BYTES;

    pub(crate) fn new(left: Node, right: Node, used: u64) -> Self {
        let hash = tree::inner_hash(left.hash(), right.hash());
        Self::with_hash(hash, left, right, used)
    }

    /// For children that are known to give `hash`.
    pub(crate) fn with_hash(hash: Hash, left: Node, right: Node, used: u64) -> Self {
        let bytes = Self::OWN_BYTES
            .saturating_add(left.bytes())
            .saturating_add(right.bytes());
        Self {
            hash,
            left,
            right,
            bytes,
            used: AtomicU64::new(used),
        }
    }

    pub(crate) fn child(&self, right: bool) -> &Node {
        if right { &self.right } else { &self.left }
    }

    pub(crate) fn child_mut(&mut self, right: bool) -> &mut Node {
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

    pub(crate) fn hash(&self) -> &Hash {
        match self {
            Self::Empty => &EMPTY,
            Self::Blind { hash, .. } => hash,
            Self::Leaf(leaf) => &leaf.hash,
            Self::Inner(inner) => &inner.hash,
        }
    }

    /// Bytes held at and below this place.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Empty | Self::Blind { .. } => 0,
            Self::Leaf(leaf) => leaf.bytes(),
            Self::Inner(inner) => inner.bytes,
        }
    }

    /// Whether it is known what would happen to this node if its neighbour went.
    pub(crate) fn kind_is_known(&self) -> bool {
        !matches!(self, Self::Blind { inner: false, .. })
    }

    /// The node at `depth` on the path to `key_hash`, if all above it is known.
    pub(crate) fn at(&self, key_hash: &Hash, depth: usize) -> Option<&Self> {
        let mut here = self;
        for level in 0..depth {
            let Self::Inner(inner) = here else {
                return None;
            };
            here = inner.child(tree::bit(key_hash, level));
        }
        Some(here)
    }

    /// Puts `new`, which has the same hash, in place of the node at `depth` on the path to `key_hash`. Nodes that other
    /// trees share are copied first. Does nothing where the path is not known.
    pub(crate) fn graft(&mut self, key_hash: &Hash, depth: usize, new: Self) {
        let Some(removed) = self.at(key_hash, depth).map(Self::bytes) else {
            return;
        };
        let added = new.bytes();
        let mut here = self;
        for level in 0..depth {
            let Self::Inner(inner) = here else { return };
            let inner = Arc::make_mut(inner);
            inner.bytes = inner.bytes.saturating_sub(removed).saturating_add(added);
            here = inner.child_mut(tree::bit(key_hash, level));
        }
        *here = new;
    }
}
