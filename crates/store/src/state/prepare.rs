//! From a version and a write set to the next version: computed wholly before anything is written.

use super::rows::{self, Changed, Newest, Roots, ValueRow};
use super::top::{Change, Top, Update};
use super::view::{Held, KeyHash};
use crate::error::{Error, Result};
use crate::kv::{Batch, Table};
use std::collections::BTreeMap;
use std::sync::Arc;
use strongroom_proof::merkle;
use strongroom_types::{Hash, Height, Tree, sha256};

/// A block's effect on the state, computed and not yet durable. Dropping it leaves no trace.
pub struct Prepared {
    pub(super) base: Option<Arc<Held>>,
    pub(super) height: Height,
    pub(super) tops: [Top; 3],
    pub(super) batch: Batch,
}

impl Prepared {
    /// The height that this would make.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.height
    }

    /// Root of every tree after the block, in order of name.
    #[must_use]
    pub fn roots(&self) -> [(Tree, Hash); 3] {
        roots_of(&self.tops)
    }

    /// The app hash after the block.
    #[must_use]
    pub fn app_hash(&self) -> Hash {
        merkle::app_hash(&self.roots())
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared")
            .field("height", &self.height)
            .finish_non_exhaustive()
    }
}

pub(super) fn roots_of(tops: &[Top; 3]) -> Roots {
    Tree::ALL.map(|tree| (tree, *tops[tree as usize].hash()))
}

/// Changed entries by tree.
pub(super) type Changes = [Vec<Change>; 3];

/// The trees after some changes, and the bucket rows that change.
pub(super) struct Trees {
    pub(super) tops: [Top; 3],
    pub(super) buckets: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

pub(super) fn update_trees(base: &Held, mut changes: Changes) -> Result<Trees> {
    let mut trees = Trees {
        tops: base.tops.clone(),
        buckets: BTreeMap::new(),
    };
    for tree in Tree::ALL {
        let changes = &mut changes[tree as usize];
        changes.sort_unstable_by_key(|change| change.key_hash);
        let buckets = base.buckets(tree);
        let mut update = Update::new(tree, &buckets);
        trees.tops[tree as usize] = update.run(base.top(tree), changes)?;
        trees.buckets.extend(update.into_rows());
    }
    Ok(trees)
}

/// What belongs to the version that a batch makes, beside values and buckets.
pub(super) struct Frame {
    pub(super) height: Height,
    pub(super) first: Height,
    pub(super) history: bool,
}

impl Frame {
    pub(super) fn newest(&self, tops: &[Top; 3]) -> Newest {
        Newest {
            format: rows::FORMAT,
            height: self.height,
            roots: roots_of(tops),
            history: self.history,
            first: self.first,
        }
    }
}

/// Computes the version after `writes` on `base` and the batch that makes it durable.
pub(super) fn prepare(
    base: &Held,
    frame: &Frame,
    writes: &BTreeMap<(Tree, Vec<u8>), Option<Vec<u8>>>,
    key_hash: KeyHash,
) -> Result<([Top; 3], Batch)> {
    let (mut changes, mut changed) = (Changes::default(), Vec::new());
    let mut placed = Vec::new();
    for ((tree, raw_key), value) in writes {
        let (tree, key_hash) = (*tree, key_hash(raw_key));
        let old = base.row(tree, &key_hash)?;
        let before = old.as_deref().map(ValueRow::decode).transpose()?;
        if before.is_some_and(|before| before.raw_key != raw_key) {
            return Err(Error::damaged("a value lies under another key's hash"));
        }
        if before.map(|before| before.value) == value.as_deref() {
            continue;
        }
        changes[tree as usize].push(Change {
            key_hash,
            value_hash: value.as_deref().map(sha256),
        });
        changed.push(Changed {
            tree,
            key_hash,
            was: old.is_some(),
        });
        if let Some(old) = old {
            let key = rows::history_key(tree, &key_hash, frame.height);
            placed.push((tree, key_hash, rows::HISTORY, key, Some(old)));
        }
        let row = value.as_deref().map(|value| ValueRow {
            since: frame.height,
            raw_key,
            value,
        });
        let row = row.map(|row| row.encode());
        let key = rows::value_key(tree, &key_hash);
        placed.push((tree, key_hash, rows::VALUES, key, row));
    }
    let Trees { tops, buckets } = update_trees(base, changes)?;
    for (key, row) in buckets {
        let place = rows::parse_bucket_key(&key);
        let (tree, bits, path) = place.ok_or_else(|| Error::damaged("key of a bucket"))?;
        let last = rows::last_under(bits, &path);
        placed.push((tree, last, rows::BUCKETS, key, row));
    }
    if frame.height > frame.first {
        place_undo(frame.height, changed, &mut placed);
    }
    // What has a hash in common stands together: a journal that compresses writes it once.
    placed.sort_by_key(|row| (row.0, row.1));
    let mut batch = Batch::new();
    for (_, _, table, key, row) in placed {
        batch.set(table, key, row);
    }
    let newest = frame.newest(&tops);
    batch.put(
        rows::META,
        rows::roots_key(frame.height),
        rows::encode(&newest.roots),
    );
    batch.put(rows::META, rows::NEWEST, rows::encode(&newest));
    Ok((tops, batch))
}

/// A row of a batch, and the place in the trees that it is about.
type Placed = (Tree, Hash, Table, Vec<u8>, Option<Vec<u8>>);

/// The rows that name what a block changed; one without keys if it changed nothing.
fn place_undo(height: Height, mut changed: Vec<Changed>, placed: &mut Vec<Placed>) {
    changed.sort_unstable();
    let parts = changed.chunks(rows::UNDO_KEYS);
    let parts = parts.chain(changed.is_empty().then_some(&[][..]));
    for (part, keys) in (0..).zip(parts) {
        let (tree, last) = keys
            .last()
            .map_or((Tree::Contract, [0; 32]), |key| (key.tree, key.key_hash));
        let row = rows::encode_changed(keys);
        placed.push((
            tree,
            last,
            rows::UNDO,
            rows::undo_key(height, part),
            Some(row),
        ));
    }
}
