//! `PartialTree`: a root and the proven paths under it. The enclave's only way to read state, its cache, and the place
//! where it computes the root after a block itself.
//!
//! A node is *known* (its children or its leaf are held) or *blind* (only the hash is held). Proofs are verified into
//! the tree and open blind nodes; own writes are applied to it; eviction turns cold parts blind again. Nodes are shared:
//! a clone costs nothing and pins the version it was taken from. The lowest part of what is known lies in pages of a few
//! leaves each. Spec: docs/spec/state.md 2.
//!
//! Promises: `Read::Value` and `Read::Absent` follow from the root alone. A failed call changes nothing. Every inner node
//! is hashed at most once per batch. Refuses: to write where it is blind. Bytes held do not measure what is known: leaves
//! that come to lie in one page take less.

mod apply;
mod evict;
mod node;
mod page;

pub use crate::forest::PartialForest;
pub(crate) use evict::evict;
pub(crate) use node::Clock;

use crate::error::Error;
use crate::tree::{self, EMPTY, Entry, Preimage, Proof};
use apply::Write;
use node::{Inner, Node};
use page::{Found, Page, Slot};
use std::sync::Arc;
use strongroom_types::{Hash, sha256};

/// Knowledge of a key in a partial tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The value under the root.
    Value(Arc<[u8]>),
    /// Nothing is under the root at this key.
    Absent,
    /// Not proven yet: ask the host.
    Unknown,
}

/// A partly known tree. `Clone` is O(1) and shares all nodes.
#[derive(Clone, Debug)]
pub struct PartialTree {
    root: Node,
    clock: Clock,
}

impl Default for PartialTree {
    fn default() -> Self {
        Self::empty()
    }
}

impl PartialTree {
    /// The tree without leaves, wholly known.
    #[must_use]
    pub fn empty() -> Self {
        Self::blind(EMPTY)
    }

    /// A tree of which only the root is known.
    #[must_use]
    pub fn blind(root: Hash) -> Self {
        Self::blind_with_clock(root, Clock::default())
    }

    pub(crate) fn blind_with_clock(root: Hash, clock: Clock) -> Self {
        Self {
            root: Node::from_hash(root),
            clock,
        }
    }

    /// The root that all reads are held against, own writes included.
    #[must_use]
    pub fn root(&self) -> Hash {
        *self.root.hash()
    }

    /// Bytes held: nodes and values. Nodes shared with clones count in each.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.root.bytes()
    }

    /// Knowledge of `raw_key`.
    #[must_use]
    pub fn read(&self, raw_key: &[u8]) -> Read {
        self.read_hashed(&tree::key_hash(raw_key))
    }

    /// [`PartialTree::read`] by key hash.
    #[must_use]
    pub fn read_hashed(&self, key_hash: &Hash) -> Read {
        let end = self.walk(key_hash);
        let tick = self.clock.tick();
        if let Some(parent) = end.parent {
            parent.touch(tick);
        }
        match end.node {
            Node::Page(page) => match page.find(key_hash) {
                Found::Absent => Read::Absent,
                Found::Unsure => Read::Unknown,
                Found::Leaf(leaf) => {
                    leaf.touch(tick);
                    let value = leaf.value.as_ref();
                    value.map_or(Read::Unknown, |value| Read::Value(Arc::clone(value)))
                }
            },
            Node::Empty => Read::Absent,
            Node::Blind { .. } | Node::Inner { .. } => Read::Unknown,
        }
    }

    /// Whether any write to `raw_key`, a removal included, can be applied; `false`: a proof of `get_for_write` first.
    #[must_use]
    pub fn ready_for_write(&self, raw_key: &[u8]) -> bool {
        self.ready_for_write_hashed(&tree::key_hash(raw_key))
    }

    /// [`PartialTree::ready_for_write`] by key hash.
    #[must_use]
    pub fn ready_for_write_hashed(&self, key_hash: &Hash) -> bool {
        let end = self.walk(key_hash);
        match end.node {
            Node::Page(page) => match page.find(key_hash) {
                Found::Absent => true,
                Found::Unsure => false,
                Found::Leaf(_) => page.len() > 1 || end.sibling.is_none_or(Node::kind_is_known),
            },
            Node::Empty => true,
            Node::Blind { .. } | Node::Inner { .. } => false,
        }
    }

    /// Key hashes whose paths must be proven ([`PartialTree::absorb_path`]) before `writes` can be applied. Several removals
    /// side by side need more than each key's own proof, and an answer may raise the next question: ask until it is empty.
    /// Sorted, without doubles.
    #[must_use]
    pub fn missing<'a>(
        &self,
        writes: impl IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) -> Vec<Hash> {
        let nothing: Arc<[u8]> = Arc::from([]);
        self.missing_hashed(
            writes.into_iter().map(|(raw_key, value)| {
                (tree::key_hash(raw_key), value.map(|_| Arc::clone(&nothing)))
            }),
        )
    }

    /// [`PartialTree::missing`] by key hash.
    #[must_use]
    pub fn missing_hashed(
        &self,
        writes: impl IntoIterator<Item = (Hash, Option<Arc<[u8]>>)>,
    ) -> Vec<Hash> {
        let writes = writes
            .into_iter()
            .map(|(key_hash, value)| Write { key_hash, value })
            .collect();
        let mut missing = Vec::new();
        apply::collect_missing(&self.root, &apply::in_order(writes), &mut missing);
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// Verifies that `raw_key` has `value` (`None`: is absent) under the root, and holds it and its path from now on.
    ///
    /// # Errors
    /// As [`Proof::verify`]; the tree is unchanged then.
    pub fn absorb(
        &mut self,
        raw_key: &[u8],
        value: Option<&[u8]>,
        proof: &Proof,
    ) -> Result<(), Error> {
        self.absorb_hashed(&tree::key_hash(raw_key), value, proof)
    }

    /// [`PartialTree::absorb`] by key hash.
    ///
    /// # Errors
    /// As [`Proof::verify`]; the tree is unchanged then.
    pub fn absorb_hashed(
        &mut self,
        key_hash: &Hash,
        value: Option<&[u8]>,
        proof: &Proof,
    ) -> Result<(), Error> {
        let found = proof
            .leaf
            .filter(|leaf| leaf.key_hash == *key_hash)
            .map(|leaf| leaf.value_hash);
        if found != value.map(sha256) {
            return Err(Error::Value);
        }
        self.open(key_hash, value.map(Arc::from), proof)
    }

    /// Verifies the path to `key_hash` whatever stands at its end, without a value: for writes to keys that were not read.
    ///
    /// # Errors
    /// As [`Proof::verify`]; the tree is unchanged then.
    pub fn absorb_path(&mut self, key_hash: &Hash, proof: &Proof) -> Result<(), Error> {
        self.open(key_hash, None, proof)
    }

    /// Applies the writes of a block at once (`None` removes) and answers the new root.
    ///
    /// # Errors
    /// [`Error::NotProven`] where the tree is blind; the tree is unchanged then.
    pub fn apply<'a>(
        &mut self,
        writes: impl IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) -> Result<Hash, Error> {
        self.apply_hashed(
            writes
                .into_iter()
                .map(|(raw_key, value)| (tree::key_hash(raw_key), value.map(Arc::from))),
        )
    }

    /// [`PartialTree::apply`] by key hash.
    ///
    /// # Errors
    /// [`Error::NotProven`] where the tree is blind; the tree is unchanged then.
    pub fn apply_hashed(
        &mut self,
        writes: impl IntoIterator<Item = (Hash, Option<Arc<[u8]>>)>,
    ) -> Result<Hash, Error> {
        let writes = writes
            .into_iter()
            .map(|(key_hash, value)| Write { key_hash, value })
            .collect();
        self.root = apply::update(&self.root, 0, &apply::in_order(writes), &self.clock)?;
        Ok(self.root())
    }

    /// Turns the least recently used parts blind until at most `bytes_max` are held. Never call it within a block: what
    /// was read would have to be asked for again.
    pub fn evict(&mut self, bytes_max: usize) {
        evict(&mut [self], bytes_max);
    }

    /// Follows the path to `key_hash` as far as it is known.
    fn walk(&self, key_hash: &Hash) -> End<'_> {
        let mut end = End {
            depth: 0,
            node: &self.root,
            sibling: None,
            parent: None,
        };
        while let Node::Inner { below: inner, .. } = end.node {
            let right = tree::bit(key_hash, end.depth);
            end = End {
                depth: end.depth.saturating_add(1),
                node: inner.child(right),
                sibling: Some(inner.child(!right)),
                parent: Some(inner),
            };
        }
        end
    }

    /// Verifies `proof` and puts what it shows under the root; `value` has been held against the proof's leaf.
    fn open(
        &mut self,
        key_hash: &Hash,
        value: Option<Arc<[u8]>>,
        proof: &Proof,
    ) -> Result<(), Error> {
        proof.check_end(key_hash)?;
        let depth = self.check_known_part(key_hash, proof)?;
        let tick = self.clock.tick();
        let here = self.root.at(key_hash, depth);
        let opened = match here {
            Some(Node::Blind { hash, .. }) => {
                let end = proof.leaf.and_then(|leaf| {
                    Page::of_one(slot_of(&leaf, leaf.hash(), key_hash, value, tick))
                });
                let end = end.map_or(Node::Empty, Node::Page);
                let opened = build_below(key_hash, end, depth, proof, tick);
                if opened.hash() != hash {
                    return Err(Error::Root);
                }
                Some(opened)
            }
            Some(Node::Page(page)) => {
                if proof.hash_from(depth, key_hash) != page.hash {
                    return Err(Error::Root);
                }
                learn(page, key_hash, value, proof, tick)?.map(Node::Page)
            }
            _ => {
                if proof.siblings.len() != depth || proof.leaf.is_some() {
                    return Err(Error::Root);
                }
                None
            }
        };
        if let Some(opened) = opened {
            self.root.graft(key_hash, depth, opened, tick);
        }
        self.open_lowest_sibling(key_hash, proof, tick);
        Ok(())
    }

    /// Holds the upper siblings of the proof against the known nodes; answers the depth at which these end.
    fn check_known_part(&self, key_hash: &Hash, proof: &Proof) -> Result<usize, Error> {
        let mut here = &self.root;
        let mut depth = 0_usize;
        while let Node::Inner { below: inner, .. } = here {
            let right = tree::bit(key_hash, depth);
            if proof.siblings.get(depth) != Some(inner.child(!right).hash()) {
                return Err(Error::Root);
            }
            here = inner.child(right);
            depth = depth.saturating_add(1);
        }
        Ok(depth)
    }

    /// After the proof was accepted: remembers what the lowest sibling is.
    fn open_lowest_sibling(&mut self, key_hash: &Hash, proof: &Proof, tick: u64) {
        let (Some(preimage), Some((at, hash))) = (proof.lowest, proof.lowest_sibling()) else {
            return;
        };
        let sibling = tree::flip(key_hash, at);
        let depth = at.saturating_add(1);
        if self
            .root
            .at(&sibling, depth)
            .is_none_or(Node::kind_is_known)
        {
            return;
        }
        let node = match preimage {
            Preimage::Leaf(entry) => Page::of_one(Slot::bare(&entry.key_hash, *hash)),
            Preimage::Inner { .. } => None,
        };
        let node = node.map_or(
            Node::Blind {
                hash: *hash,
                inner: true,
            },
            Node::Page,
        );
        self.root.graft(&sibling, depth, node, tick);
    }
}

/// What is held of a proven leaf at the end of the path to `key_hash`: of another's no more than its place.
fn slot_of(leaf: &Entry, hash: Hash, key_hash: &Hash, value: Option<Arc<[u8]>>, tick: u64) -> Slot {
    if page::start_of(&leaf.key_hash) == page::start_of(key_hash) {
        Slot::held(leaf.key_hash, hash, value, tick)
    } else {
        Slot::bare(&leaf.key_hash, hash)
    }
}

/// The page with what a proof that gives its hash tells beyond it; `None`: nothing.
fn learn(
    page: &Page,
    key_hash: &Hash,
    value: Option<Arc<[u8]>>,
    proof: &Proof,
    tick: u64,
) -> Result<Option<Page>, Error> {
    let known = match page.find(key_hash) {
        Found::Absent => true,
        Found::Unsure => false,
        Found::Leaf(leaf) => {
            leaf.touch(tick);
            leaf.value.is_some() || value.is_none()
        }
    };
    let Some(leaf) = proof.leaf.filter(|_| !known) else {
        return Ok(None);
    };
    let slot = slot_of(&leaf, leaf.hash(), key_hash, value, tick);
    page.with(slot).map(Some).ok_or(Error::Root)
}

/// End of the known part of a path.
struct End<'a> {
    depth: usize,
    node: &'a Node,
    sibling: Option<&'a Node>,
    parent: Option<&'a Inner>,
}

/// The nodes that the proof shows from `depth` down to `end`.
fn build_below(key_hash: &Hash, end: Node, depth: usize, proof: &Proof, tick: u64) -> Node {
    let below = proof.siblings.iter().enumerate().skip(depth);
    below.rev().fold(end, |node, (level, sibling)| {
        let sibling = match Node::from_hash(*sibling) {
            // Beside nothing stands an inner node: a leaf would have moved up.
            Node::Blind { hash, .. } => Node::Blind {
                hash,
                inner: matches!(node, Node::Empty),
            },
            other => other,
        };
        let (left, right) = if tree::bit(key_hash, level) {
            (sibling, node)
        } else {
            (node, sibling)
        };
        Node::over(left, right, tick)
    })
}

#[cfg(test)]
mod tests;
