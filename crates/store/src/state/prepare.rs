//! From a version and a write set to the next version: computed wholly before anything is written.

use super::rows::{self, Newest, Replaced, Roots};
use super::top::{Change, Top, Update};
use super::view::{Held, KeyHash};
use crate::error::Result;
use crate::kv::Batch;
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

/// New values by tree and raw key.
pub(super) type Values = BTreeMap<(Tree, Vec<u8>), Option<Vec<u8>>>;

/// The trees after `values`, and the bucket rows that change.
pub(super) struct Trees {
    pub(super) tops: [Top; 3],
    pub(super) buckets: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

pub(super) fn update_trees(base: &Held, values: &Values, key_hash: KeyHash) -> Result<Trees> {
    let mut trees = Trees {
        tops: base.tops.clone(),
        buckets: BTreeMap::new(),
    };
    for tree in Tree::ALL {
        let mut changes: Vec<Change> = values
            .range((tree, Vec::new())..)
            .take_while(|((name, _), _)| *name == tree)
            .map(|((_, raw_key), value)| Change {
                key_hash: key_hash(raw_key),
                value_hash: value.as_deref().map(sha256),
            })
            .collect();
        changes.sort_unstable_by_key(|change| change.key_hash);
        let buckets = base.buckets(tree);
        let mut update = Update::new(tree, &buckets);
        trees.tops[tree as usize] = update.run(base.top(tree), &changes)?;
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
    let (mut values, mut replaced) = (Values::new(), Vec::new());
    for ((tree, raw_key), value) in writes {
        let old = base.get(*tree, raw_key, &key_hash(raw_key))?;
        if old != *value {
            values.insert((*tree, raw_key.clone()), value.clone());
            replaced.push(Replaced {
                tree: *tree,
                raw_key: raw_key.clone(),
                old,
            });
        }
    }
    let Trees { tops, buckets } = update_trees(base, &values, key_hash)?;
    let mut batch = Batch::new();
    for (key, row) in buckets {
        batch.set(rows::BUCKETS, key, row);
    }
    for ((tree, raw_key), value) in values {
        let hash = key_hash(&raw_key);
        if frame.history {
            batch.put(
                rows::HISTORY,
                rows::history_key(tree, &hash, frame.height),
                rows::encode(&value),
            );
        }
        let row = value.map(|value| rows::encode_value(&raw_key, &value));
        batch.set(rows::VALUES, rows::value_key(tree, &hash), row);
    }
    if frame.height > frame.first {
        batch.put(
            rows::UNDO,
            rows::undo_key(frame.height),
            rows::encode(&replaced),
        );
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
