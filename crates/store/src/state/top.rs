//! The part of a tree that lives in memory: everything above the buckets.
//!
//! A bucket is the highest subtree with at most `BUCKET_ENTRIES_MAX` entries; so where the buckets are cut follows from
//! the content alone, not from its history. Nodes are shared: each version of a tree costs only what it changed.

use super::rows::{self, BUCKET_ENTRIES_MAX};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::sync::Arc;
use strongroom_proof::tree::{self, EMPTY, Entry, Preimage, Proof};
use strongroom_types::{Hash, Tree};

/// A place above, or at, the buckets.
#[derive(Clone, Debug)]
pub(super) enum Top {
    /// No entries, no row.
    Empty,
    /// One row in the database. There is one of these for a few entries of the state each: no field is larger than it must be.
    Bucket { hash: Hash, count: u8 },
    /// More entries than a bucket holds.
    Inner(Arc<Inner>),
}

#[derive(Debug)]
pub(super) struct Inner {
    hash: Hash,
    left: Top,
    right: Top,
}

impl Top {
    pub(super) fn hash(&self) -> &Hash {
        match self {
            Self::Empty => &EMPTY,
            Self::Bucket { hash, .. } => hash,
            Self::Inner(inner) => &inner.hash,
        }
    }

    fn inner(left: Self, right: Self) -> Self {
        let hash = tree::inner_hash(left.hash(), right.hash());
        Self::Inner(Arc::new(Inner { hash, left, right }))
    }

    /// Entries below, if they fit in a bucket.
    fn small_count(&self) -> Option<usize> {
        match self {
            Self::Empty => Some(0),
            Self::Bucket { count, .. } => Some(usize::from(*count)),
            Self::Inner(_) => None,
        }
    }
}

/// Where the rows of buckets come from: the entries of the bucket that is the first `bits` bits of `path`.
pub(super) trait Buckets {
    fn load(&self, bits: usize, path: &Hash) -> Result<Vec<Entry>>;
}

/// A changed entry: the new value's hash, or `None` for a removal.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) key_hash: Hash,
    pub(super) value_hash: Option<Hash>,
}

/// One update of one tree and the bucket rows that it changes.
pub(super) struct Update<'a> {
    tree: Tree,
    buckets: &'a dyn Buckets,
    /// Row → new entries; empty: the row goes.
    changed: BTreeMap<Vec<u8>, Vec<Entry>>,
}

impl<'a> Update<'a> {
    pub(super) fn new(tree: Tree, buckets: &'a dyn Buckets) -> Self {
        Self {
            tree,
            buckets,
            changed: BTreeMap::new(),
        }
    }

    /// The tree after `changes`, which are sorted by key hash without doubles.
    pub(super) fn run(&mut self, top: &Top, changes: &[Change]) -> Result<Top> {
        self.update(top, 0, changes)
    }

    /// The rows to write: key → entries, or `None` for a row that goes.
    pub(super) fn into_rows(self) -> impl Iterator<Item = (Vec<u8>, Option<Vec<u8>>)> {
        let row =
            |entries: Vec<Entry>| (!entries.is_empty()).then(|| rows::encode_entries(&entries));
        self.changed
            .into_iter()
            .map(move |(key, entries)| (key, row(entries)))
    }

    fn update(&mut self, top: &Top, depth: usize, changes: &[Change]) -> Result<Top> {
        let Some(path) = changes.first().map(|change| change.key_hash) else {
            return Ok(top.clone());
        };
        match top {
            Top::Empty => Ok(self.lay_out(&merge(&[], changes), depth, &path, false)),
            Top::Bucket { .. } => {
                let entries = self.entries(top, depth, &path)?;
                Ok(self.lay_out(&merge(&entries, changes), depth, &path, true))
            }
            Top::Inner(inner) => {
                let (left, right) = tree::split_at_bit(changes, depth, |change| &change.key_hash);
                let left = self.update(&inner.left, depth + 1, left)?;
                let right = self.update(&inner.right, depth + 1, right)?;
                match (left.small_count(), right.small_count()) {
                    (Some(a), Some(b)) if a + b <= BUCKET_ENTRIES_MAX => {
                        self.merge_buckets(&left, &right, depth, &path)
                    }
                    _ => Ok(Top::inner(left, right)),
                }
            }
        }
    }

    /// Cuts `entries`, all under the first `depth` bits of `path`, into buckets. `had_row`: a bucket stood here.
    fn lay_out(&mut self, entries: &[Entry], depth: usize, path: &Hash, had_row: bool) -> Top {
        let count = u8::try_from(entries.len()).ok();
        let count = count.filter(|_| entries.len() <= BUCKET_ENTRIES_MAX);
        let fits = count.is_some();
        if had_row || (fits && !entries.is_empty()) {
            let row = if fits { entries.to_vec() } else { Vec::new() };
            self.changed
                .insert(rows::bucket_key(self.tree, depth, path), row);
        }
        if let Some(count) = count {
            let hash = tree::subtree_hash(entries, depth);
            return if entries.is_empty() {
                Top::Empty
            } else {
                Top::Bucket { hash, count }
            };
        }
        let (left, right) = tree::split_at_bit(entries, depth, |entry| &entry.key_hash);
        let mut half = |entries: &[Entry]| match entries.first().map(|entry| entry.key_hash) {
            None => Top::Empty,
            Some(path) => self.lay_out(entries, depth + 1, &path, false),
        };
        let (left, right) = (half(left), half(right));
        Top::inner(left, right)
    }

    /// Two small neighbours become one bucket, a level higher.
    fn merge_buckets(&mut self, left: &Top, right: &Top, depth: usize, path: &Hash) -> Result<Top> {
        let mut all = Vec::with_capacity(BUCKET_ENTRIES_MAX);
        let other = tree::flip(path, depth);
        let (left_path, right_path) = if tree::bit(path, depth) {
            (&other, path)
        } else {
            (path, &other)
        };
        for (half, path) in [(left, left_path), (right, right_path)] {
            if matches!(half, Top::Bucket { .. }) {
                all.extend(self.entries(half, depth + 1, path)?);
                self.changed
                    .insert(rows::bucket_key(self.tree, depth + 1, path), Vec::new());
            }
        }
        Ok(self.lay_out(&all, depth, path, false))
    }

    /// The entries of a bucket, changed or not, which must give the hash that is held for it.
    fn entries(&self, top: &Top, depth: usize, path: &Hash) -> Result<Vec<Entry>> {
        match self.changed.get(&rows::bucket_key(self.tree, depth, path)) {
            Some(entries) => Ok(entries.clone()),
            None => load_checked(self.buckets, top, depth, path),
        }
    }
}

fn load_checked(buckets: &dyn Buckets, top: &Top, depth: usize, path: &Hash) -> Result<Vec<Entry>> {
    match top {
        Top::Bucket { count, .. } => {
            let entries = buckets.load(depth, path)?;
            if entries.len() == usize::from(*count) {
                Ok(entries)
            } else {
                Err(Error::damaged("entries of a bucket"))
            }
        }
        _ => Ok(Vec::new()),
    }
}

/// Entries after `changes`; both are sorted by key hash.
fn merge(entries: &[Entry], changes: &[Change]) -> Vec<Entry> {
    let mut merged = Vec::with_capacity(entries.len() + changes.len());
    let mut old = entries.iter().peekable();
    for change in changes {
        while let Some(entry) = old.next_if(|entry| entry.key_hash < change.key_hash) {
            merged.push(*entry);
        }
        old.next_if(|entry| entry.key_hash == change.key_hash);
        merged.extend(change.value_hash.map(|value_hash| Entry {
            key_hash: change.key_hash,
            value_hash,
        }));
    }
    merged.extend(old);
    merged
}

/// Proof of what stands at `key_hash`; `for_write` also with what a removal needs.
pub(super) fn prove(
    top: &Top,
    buckets: &dyn Buckets,
    key_hash: &Hash,
    for_write: bool,
) -> Result<Proof> {
    let mut proof = Proof::default();
    let mut here = top;
    let mut lowest = None;
    let mut depth = 0;
    while let Top::Inner(inner) = here {
        let right = tree::bit(key_hash, depth);
        let (own, other) = if right {
            (&inner.right, &inner.left)
        } else {
            (&inner.left, &inner.right)
        };
        proof.siblings.push(*other.hash());
        if !matches!(other, Top::Empty) {
            lowest = Some((other, depth));
        }
        here = own;
        depth += 1;
    }
    tree::subtree_prove(
        &load_checked(buckets, here, depth, key_hash)?,
        depth,
        key_hash,
        for_write,
        &mut proof,
    );
    if let (true, None, Some((sibling, depth))) = (for_write, proof.lowest, lowest) {
        proof.lowest = match sibling {
            Top::Inner(inner) => Some(Preimage::Inner {
                left: *inner.left.hash(),
                right: *inner.right.hash(),
            }),
            _ => {
                let path = tree::flip(key_hash, depth);
                tree::subtree_preimage(
                    &load_checked(buckets, sibling, depth + 1, &path)?,
                    depth + 1,
                )
            }
        };
    }
    Ok(proof)
}

/// A bucket as it is found when the store is opened.
pub(super) struct Found {
    pub(super) prefix: Hash,
    pub(super) bits: usize,
    pub(super) hash: Hash,
    pub(super) count: usize,
}

/// Builds the part above from all buckets of a tree, sorted by prefix. Buckets that overlap, or are cut otherwise than
/// their content asks for, are refused.
pub(super) fn build(found: &[Found], depth: usize) -> Result<Top> {
    match found {
        [] => Ok(Top::Empty),
        [one] if one.bits == depth => Ok(Top::Bucket {
            hash: one.hash,
            count: u8::try_from(one.count).map_err(|_| Error::damaged("entries of a bucket"))?,
        }),
        many => {
            if many.iter().any(|bucket| bucket.bits <= depth) {
                return Err(Error::damaged("buckets overlap"));
            }
            let (left, right) = tree::split_at_bit(many, depth, |bucket| &bucket.prefix);
            let (left, right) = (build(left, depth + 1)?, build(right, depth + 1)?);
            match (left.small_count(), right.small_count()) {
                (Some(a), Some(b)) if a + b <= BUCKET_ENTRIES_MAX => {
                    Err(Error::damaged("buckets are cut too small"))
                }
                _ => Ok(Top::inner(left, right)),
            }
        }
    }
}
