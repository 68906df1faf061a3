//! From a version and a write set to the next version: computed wholly before anything is written.

use super::rows::{self, Changed, Head, Newest, Roots, Value};
use super::top::{Change, Top};
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

/// Changed entries by tree, each sorted by key hash.
pub(super) type Changes = [Vec<Change>; 3];

/// The trees after `changes`, which are told what was there before.
pub(super) fn update_trees(base: &Held, changes: &mut Changes) -> [Top; 3] {
    Tree::ALL.map(|tree| base.top(tree).update(&mut changes[tree as usize]))
}

/// What belongs to the version that a batch makes, beside its values.
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

/// Computes the version after `writes` on `base` and the batch that makes it durable. Nothing is read: what is replaced stays where it is.
pub(super) fn prepare(
    base: &Held,
    frame: &Frame,
    writes: &BTreeMap<(Tree, Vec<u8>), Option<Vec<u8>>>,
    key_hash: KeyHash,
) -> Result<([Top; 3], Batch)> {
    // In the order of the trees: what has a hash in common stands together, and a journal that compresses writes it once.
    let mut placed: Vec<_> = writes
        .iter()
        .map(|((tree, raw_key), value)| (*tree, key_hash(raw_key), raw_key, value.as_deref()))
        .collect();
    placed.sort_unstable_by_key(|(tree, key_hash, ..)| (*tree, *key_hash));
    let mut changes = Changes::default();
    for (tree, key_hash, _, value) in &placed {
        let value = value.map(|value| (sha256(value), frame.height));
        changes[*tree as usize].push(Change::new(*key_hash, value));
    }
    let tops = update_trees(base, &mut changes);
    let mut batch = Batch::new();
    let mut undo = Undo {
        height: (frame.height > frame.first).then_some(frame.height),
        part: 0,
        changed: Vec::new(),
    };
    let changes = changes.into_iter().flatten();
    for ((tree, key_hash, raw_key, value), change) in placed.into_iter().zip(changes) {
        if change.before == change.after {
            continue;
        }
        // What is not there any more has a row for those who ask about the past.
        let row = value.map(|value| Value { raw_key, value }.encode());
        if let Some(row) = row.or_else(|| frame.history.then(Vec::new)) {
            let key = rows::version_key(tree, &key_hash, frame.height);
            batch.put(rows::VERSIONS, key, row);
        }
        let head = change.after.map(|leaf| Head::of(&leaf).encode());
        batch.set(rows::HEADS, rows::head_key(tree, &key_hash), head);
        let changed = Changed {
            tree,
            key_hash,
            since: change.before.map(|leaf| leaf.since),
        };
        undo.push(changed, &mut batch);
    }
    undo.end(&mut batch);
    let newest = frame.newest(&tops);
    batch.put(
        rows::META,
        rows::roots_key(frame.height),
        rows::encode(&newest.roots),
    );
    batch.put(rows::META, rows::NEWEST, rows::encode(&newest));
    Ok((tops, batch))
}

/// Writes the rows that say what a block changed; one without keys if it changed nothing.
struct Undo {
    /// None for the first block, which nobody takes back.
    height: Option<Height>,
    part: u32,
    changed: Vec<Changed>,
}

impl Undo {
    fn push(&mut self, changed: Changed, batch: &mut Batch) {
        self.changed.push(changed);
        if self.changed.len() == rows::UNDO_KEYS {
            self.put(batch);
        }
    }

    fn end(mut self, batch: &mut Batch) {
        if self.part == 0 || !self.changed.is_empty() {
            self.put(batch);
        }
    }

    fn put(&mut self, batch: &mut Batch) {
        let row = rows::encode_changed(&self.changed);
        self.changed.clear();
        if let Some(height) = self.height {
            batch.put(rows::UNDO, rows::undo_key(height, self.part), row);
        }
        self.part += 1;
    }
}
