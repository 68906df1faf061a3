//! A tree in memory: what stands at each place, and the hashes above.
//!
//! A bucket is the highest subtree with at most `BUCKET_ENTRIES_MAX` entries; so where the buckets are cut follows from
//! the content alone, not from its history. Nodes are shared: each version of a tree costs only what it changed.

use std::sync::Arc;
use strongroom_proof::tree::{self, EMPTY, Entry, Preimage, Proof};
use strongroom_types::{Hash, Height};

/// Entries of one bucket. More are split by the next bit. Fewer cost less with each change, which hashes and copies its bucket, and more memory.
pub(super) const BUCKET_ENTRIES_MAX: usize = 8;

/// What stands at a place: what the tree sees, and where the value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) entry: Entry,
    /// The height that wrote the value: no part of any hash.
    pub(super) since: Height,
}

impl AsRef<Entry> for Leaf {
    fn as_ref(&self) -> &Entry {
        &self.entry
    }
}

/// A subtree. Its hash stands beside its content and not in it: who walks past it need not look there.
#[derive(Clone, Debug)]
pub(super) enum Top {
    Empty,
    /// A few entries, sorted.
    Bucket {
        hash: Hash,
        entries: Arc<[Leaf]>,
    },
    /// More entries than a bucket holds: what is left and right.
    Inner {
        hash: Hash,
        halves: Arc<[Top; 2]>,
    },
}

/// A changed entry.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) key_hash: Hash,
    /// `None` for a removal.
    pub(super) after: Option<Leaf>,
    /// What was there before: told by [`Top::update`].
    pub(super) before: Option<Leaf>,
}

impl Change {
    pub(super) fn new(key_hash: Hash, value: Option<(Hash, Height)>) -> Self {
        let after = value.map(|(value_hash, since)| Leaf {
            entry: Entry {
                key_hash,
                value_hash,
            },
            since,
        });
        Self {
            key_hash,
            after,
            before: None,
        }
    }
}

impl Top {
    /// The subtree at `depth` of `entries`: sorted, without doubles, equal in the first `depth` bits.
    pub(super) fn of(entries: &[Leaf], depth: usize) -> Self {
        if entries.is_empty() {
            return Self::Empty;
        }
        if entries.len() <= BUCKET_ENTRIES_MAX {
            return Self::Bucket {
                hash: tree::subtree_hash(entries, depth),
                entries: entries.into(),
            };
        }
        let (left, right) = tree::split_at_bit(entries, depth, |leaf| &leaf.entry.key_hash);
        Self::inner(Self::of(left, depth + 1), Self::of(right, depth + 1))
    }

    /// The subtree at `depth` with these two halves: one bucket, if they fit into it.
    pub(super) fn join(left: Self, right: Self, depth: usize) -> Self {
        match (left.entries(), right.entries()) {
            (Some(a), Some(b)) if a.len() + b.len() <= BUCKET_ENTRIES_MAX => {
                Self::of(&[a, b].concat(), depth)
            }
            _ => Self::inner(left, right),
        }
    }

    fn inner(left: Self, right: Self) -> Self {
        Self::Inner {
            hash: tree::inner_hash(left.hash(), right.hash()),
            halves: Arc::new([left, right]),
        }
    }

    pub(super) const fn hash(&self) -> &Hash {
        match self {
            Self::Empty => &EMPTY,
            Self::Bucket { hash, .. } | Self::Inner { hash, .. } => hash,
        }
    }

    /// All entries, if they fit in a bucket.
    fn entries(&self) -> Option<&[Leaf]> {
        match self {
            Self::Empty => Some(&[]),
            Self::Bucket { entries, .. } => Some(entries),
            Self::Inner { .. } => None,
        }
    }

    /// What stands at `key_hash`; `None` if nothing does.
    pub(super) fn leaf(&self, key_hash: &Hash) -> Option<&Leaf> {
        let (mut here, mut depth) = (self, 0);
        while let Self::Inner { halves, .. } = here {
            here = &halves[usize::from(tree::bit(key_hash, depth))];
            depth += 1;
        }
        let leaves = here.entries()?;
        let found = leaves.binary_search_by(|leaf| leaf.entry.key_hash.cmp(key_hash));
        found.ok().map(|at| &leaves[at])
    }

    /// Calls `each` with every leaf, in order, until it fails.
    pub(super) fn each<E>(&self, each: &mut impl FnMut(&Leaf) -> Result<(), E>) -> Result<(), E> {
        match self {
            Self::Empty => Ok(()),
            Self::Bucket { entries, .. } => entries.iter().try_for_each(each),
            Self::Inner { halves, .. } => halves.iter().try_for_each(|half| half.each(each)),
        }
    }

    /// The tree after `changes`, which are sorted by key hash without doubles, and are told what was there before.
    pub(super) fn update(&self, changes: &mut [Change]) -> Self {
        let updated = self.update_below(changes, 0, &mut Vec::new());
        updated.unwrap_or_else(|| self.clone())
    }

    /// `None`: as it was.
    fn update_below(
        &self,
        changes: &mut [Change],
        depth: usize,
        merged: &mut Vec<Leaf>,
    ) -> Option<Self> {
        if changes.is_empty() {
            return None;
        }
        let Self::Inner { halves, .. } = self else {
            let is_other = merge(self.entries()?, changes, merged);
            return is_other.then(|| Self::of(merged, depth));
        };
        let right = changes.partition_point(|change| !tree::bit(&change.key_hash, depth));
        let (left, right) = changes.split_at_mut(right);
        let left = halves[0].update_below(left, depth + 1, merged);
        let right = halves[1].update_below(right, depth + 1, merged);
        if left.is_none() && right.is_none() {
            return None;
        }
        let left = left.unwrap_or_else(|| halves[0].clone());
        let right = right.unwrap_or_else(|| halves[1].clone());
        Some(Self::join(left, right, depth))
    }

    /// Proof of what stands at `key_hash`; `for_write` also with what a removal needs.
    pub(super) fn prove(&self, key_hash: &Hash, for_write: bool) -> Proof {
        let mut proof = Proof::default();
        let (mut here, mut depth, mut lowest) = (self, 0, None);
        while let Self::Inner { halves, .. } = here {
            let own = usize::from(tree::bit(key_hash, depth));
            let other = &halves[1 - own];
            depth += 1;
            proof.siblings.push(*other.hash());
            if !matches!(other, Self::Empty) {
                lowest = Some((other, depth));
            }
            here = &halves[own];
        }
        let entries = here.entries().unwrap_or_default();
        tree::subtree_prove(entries, depth, key_hash, for_write, &mut proof);
        if let (true, None, Some((sibling, depth))) = (for_write, proof.lowest, lowest) {
            proof.lowest = sibling.preimage(depth);
        }
        proof
    }

    fn preimage(&self, depth: usize) -> Option<Preimage> {
        match self {
            Self::Empty => None,
            Self::Bucket { entries, .. } => tree::subtree_preimage(entries, depth),
            Self::Inner { halves, .. } => Some(Preimage::Inner {
                left: *halves[0].hash(),
                right: *halves[1].hash(),
            }),
        }
    }
}

/// Puts into `merged` the entries after `changes`, both sorted by key hash, and tells the changes what was there; whether anything is other.
/// Of one value the older version stays: a write of what is there already writes nothing.
fn merge(entries: &[Leaf], changes: &mut [Change], merged: &mut Vec<Leaf>) -> bool {
    merged.clear();
    let (mut old, mut is_other) = (entries.iter().peekable(), false);
    for change in changes {
        while let Some(leaf) = old.next_if(|leaf| leaf.entry.key_hash < change.key_hash) {
            merged.push(*leaf);
        }
        change.before = old
            .next_if(|leaf| leaf.entry.key_hash == change.key_hash)
            .copied();
        let after = match (change.before, change.after) {
            (Some(before), Some(after)) if before.entry == after.entry => Some(Leaf {
                since: before.since.min(after.since),
                ..after
            }),
            (_, after) => after,
        };
        change.after = after;
        is_other |= change.before != after;
        merged.extend(after);
    }
    merged.extend(old);
    is_other
}
