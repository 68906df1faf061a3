//! Where a version comes from: memory, the undo rows between it and the newest, or the history.

use super::prepare::{self, Changes};
use super::rows::{self, Changed, Roots};
use super::top::{Change, Top};
use super::view::{Held, Past, read_checked};
use super::{History, StateStore};
use crate::error::{Error, Result};
use crate::kv::{Rows, Snapshot};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, PoisonError};
use strongroom_types::{Hash, Height, Tree};

/// Older versions, built again from undo rows on request, that stay ready in memory.
const REBUILT: usize = 2;
/// Entries in which they may together differ from the newest; of one alone any number. Each takes some 2 KB of nodes of its own.
const REBUILT_ENTRIES_MAX: usize = if cfg!(test) { 40 } else { 100_000 };

impl StateStore {
    /// A version that is in memory.
    pub(super) fn known(&self, height: Height) -> Option<Arc<Held>> {
        let shared = self.read();
        let mut known = shared.ready.iter().chain(&shared.rebuilt);
        known.find(|held| held.height == height).map(Arc::clone)
    }

    /// A provable version, from memory or from the undo rows. One is rebuilt at a time: many who ask at once cost the
    /// work and the memory of one.
    pub(super) fn held(&self, height: Height) -> Result<Arc<Held>> {
        if let Some(held) = self.known(height) {
            return Ok(held);
        }
        let _one_at_a_time = self.rebuild.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = self.known(height) {
            return Ok(held);
        }
        let newest = self
            .read()
            .newest()
            .cloned()
            .ok_or(Error::NoVersion { height })?;
        let held = Arc::new(self.rebuild(&newest, height)?.held);
        let mut shared = self.write();
        // Not if a rollback came in between: then this version is one of another past.
        if shared.ready.iter().any(|ready| Arc::ptr_eq(ready, &newest)) {
            shared.rebuilt.push_back(Arc::clone(&held));
            let differ = |rebuilt: &VecDeque<Arc<Held>>| -> usize {
                rebuilt.iter().map(|held| held.differs).sum()
            };
            while shared.rebuilt.len() > REBUILT
                || (shared.rebuilt.len() > 1 && differ(&shared.rebuilt) > REBUILT_ENTRIES_MAX)
            {
                shared.rebuilt.pop_front();
            }
        }
        Ok(held)
    }

    /// Builds the version at `height` from `newest` and the undo rows between.
    pub(super) fn rebuild(&self, newest: &Held, height: Height) -> Result<Rebuilt> {
        let missing = || Error::NoVersion { height };
        if height > newest.height {
            return Err(missing());
        }
        let snapshot = &newest.snapshot;
        let roots = snapshot
            .get(rows::META, &rows::roots_key(height))?
            .ok_or_else(missing)?;
        let roots: Roots = rows::decode(&roots, "roots of a height")?;
        let mut versions = BTreeMap::new();
        for undone in ((height + 1)..=newest.height).rev() {
            for key in read_undo(&**snapshot, undone)?.ok_or_else(missing)? {
                versions.insert((key.tree, key.key_hash), key.since);
            }
        }
        let mut changes = Changes::default();
        for ((tree, key_hash), since) in &versions {
            let value = match since {
                None => None,
                // No root covers it, and a rollback would make of it a store that no opening takes.
                Some(since) if *since > height => {
                    return Err(Error::damaged("a replaced value is of a later block"));
                }
                Some(since) => {
                    let belongs = |raw_key: &[u8]| (self.key_hash)(raw_key) == *key_hash;
                    let (_, hash) = read_checked(&**snapshot, *tree, key_hash, *since, belongs)?;
                    Some((hash, *since))
                }
            };
            changes[*tree as usize].push(Change::new(*key_hash, value));
        }
        let tops = prepare::update_trees(newest, &mut changes);
        if prepare::roots_of(&tops) != roots {
            return Err(Error::damaged(format!(
                "undo rows do not lead to the roots of height {height}"
            )));
        }
        Ok(Rebuilt {
            held: Held {
                height,
                tops,
                snapshot: Arc::clone(snapshot),
                written: 0,
                differs: versions.len(),
            },
            keys: versions.into_keys().collect(),
        })
    }

    /// The values at `height` from the history.
    pub(super) fn past(&self, height: Height) -> Result<Arc<Past>> {
        let missing = || Error::NoVersion { height };
        if self.limits.history == History::None {
            return Err(missing());
        }
        let newest = self.read().newest().cloned().ok_or_else(missing)?;
        let roots = newest
            .snapshot
            .get(rows::META, &rows::roots_key(height))?
            .ok_or_else(missing)?;
        Ok(Arc::new(Past {
            height,
            roots: rows::decode(&roots, "roots of a height")?,
            newest,
        }))
    }
}

/// A version that was built again.
pub(super) struct Rebuilt {
    pub(super) held: Held,
    /// What changed since, in order.
    pub(super) keys: Vec<(Tree, Hash)>,
}

pub(super) fn hold(
    height: Height,
    tops: [Top; 3],
    snapshot: Arc<dyn Snapshot>,
    written: u64,
) -> Arc<Held> {
    Arc::new(Held {
        height,
        tops,
        snapshot,
        written,
        differs: 0,
    })
}

/// The keys that the block at `height` changed; `None` if that is not known any more.
pub(super) fn read_undo(snapshot: &dyn Snapshot, height: Height) -> Result<Option<Vec<Changed>>> {
    let mut changed = None;
    for row in undo_rows(snapshot, height)? {
        let keys = rows::decode_changed(&row?.1)?;
        changed.get_or_insert_with(Vec::new).extend(keys);
    }
    Ok(changed)
}

/// The rows of UNDO of one height.
pub(super) fn undo_rows(snapshot: &dyn Snapshot, height: Height) -> Result<Rows<'_>> {
    let (from, to) = (rows::undo_key(height, 0), rows::undo_key(height, u32::MAX));
    let range = (Bound::Included(&from[..]), Bound::Included(&to[..]));
    snapshot.rows(rows::UNDO, range)
}
