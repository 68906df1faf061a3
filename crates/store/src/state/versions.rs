//! Where a version comes from: memory, the undo rows between it and the newest, or the history.

use super::prepare::{self, Trees, Values};
use super::rows::{self, Replaced, Roots};
use super::top::Top;
use super::view::{Held, Past};
use super::{History, StateStore};
use crate::error::{Error, Result};
use crate::kv::Snapshot;
use std::sync::{Arc, PoisonError};
use strongroom_types::Height;

/// Older versions, built again from undo rows on request, that stay ready in memory.
const REBUILT: usize = 2;

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
        let held = Arc::new(self.rebuild(&newest, height)?);
        let mut shared = self.write();
        // Not if a rollback came in between: then this version is one of another past.
        if shared.ready.iter().any(|ready| Arc::ptr_eq(ready, &newest)) {
            shared.rebuilt.push_back(Arc::clone(&held));
            if shared.rebuilt.len() > REBUILT {
                shared.rebuilt.pop_front();
            }
        }
        Ok(held)
    }

    /// Builds the version at `height` from `newest` and the undo rows between.
    pub(super) fn rebuild(&self, newest: &Held, height: Height) -> Result<Held> {
        let missing = || Error::NoVersion { height };
        if height > newest.height {
            return Err(missing());
        }
        let roots = newest
            .snapshot
            .get(rows::META, &rows::roots_key(height))?
            .ok_or_else(missing)?;
        let roots: Roots = rows::decode(&roots, "roots of a height")?;
        let mut values = Values::new();
        for undone in ((height + 1)..=newest.height).rev() {
            for Replaced { tree, raw_key, old } in
                read_undo(&*newest.snapshot, undone)?.ok_or_else(missing)?
            {
                values.insert((tree, raw_key), old);
            }
        }
        let Trees { tops, buckets } = prepare::update_trees(newest, &values, self.key_hash)?;
        if prepare::roots_of(&tops) != roots {
            return Err(Error::damaged(format!(
                "undo rows do not lead to the roots of height {height}"
            )));
        }
        let values = values
            .into_iter()
            .map(|((tree, raw_key), old)| {
                let row = old.map(|old| rows::encode_value(&raw_key, &old));
                (rows::value_key(tree, &(self.key_hash)(&raw_key)), row)
            })
            .collect();
        Ok(Held {
            height,
            tops,
            snapshot: Arc::clone(&newest.snapshot),
            values,
            buckets,
        })
    }

    /// The values at `height` from the history.
    pub(super) fn past(&self, height: Height) -> Result<Arc<Past>> {
        let missing = || Error::NoVersion { height };
        if self.limits.history == History::None {
            return Err(missing());
        }
        let snapshot = Arc::clone(&self.read().newest().ok_or_else(missing)?.snapshot);
        let roots = snapshot
            .get(rows::META, &rows::roots_key(height))?
            .ok_or_else(missing)?;
        Ok(Arc::new(Past {
            height,
            roots: rows::decode(&roots, "roots of a height")?,
            snapshot,
        }))
    }
}

pub(super) fn hold(height: Height, tops: [Top; 3], snapshot: Arc<dyn Snapshot>) -> Arc<Held> {
    Arc::new(Held {
        height,
        tops,
        snapshot,
        values: Default::default(),
        buckets: Default::default(),
    })
}

pub(super) fn read_undo(snapshot: &dyn Snapshot, height: Height) -> Result<Option<Vec<Replaced>>> {
    let row = snapshot.get(rows::UNDO, &rows::undo_key(height))?;
    row.map(|row| rows::decode(&row, "an undo row")).transpose()
}
