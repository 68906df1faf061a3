//! `StateStore`: the state of the chain, versioned and provable, on any [`Kv`].
//!
//! Values and the leaves of the trees lie flat in the database, the leaves as *buckets* of neighbours; the levels above
//! live in memory and are built again, and held against the stored roots, when the store is opened.
//! Spec: docs/spec/state.md 4.
//!
//! Promises: a block is one durable batch, anchor and block position in it; what is acknowledged survives a crash and
//! nothing else does; a view shows its version until it is dropped; where buckets are cut follows from the content.
//! Refuses: to commit on anything but the newest version, to open a database whose trees do not give the stored roots.

mod open;
mod prepare;
mod rows;
mod top;
mod view;

pub use prepare::Prepared;
pub use rows::{BUCKET_ENTRIES_MAX, TABLES};
pub use view::View;

use crate::error::{Error, Result};
use crate::kv::{Batch, Kv, Snapshot};
use prepare::{Frame, Trees, Values};
use rows::{Replaced, Roots};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use strongroom_proof::merkle;
use strongroom_types::{Hash, Height, Tree, WriteSet};
use top::Top;
use view::{At, Held, KeyHash, Past};

/// The least number of provable versions, whatever the settings say.
pub const PROVABLE_MIN: u64 = 3;

/// Versions older than the newest that stay ready in memory.
const READY: usize = 3;

/// Older versions, built again from undo rows on request, that stay ready in memory.
const REBUILT: usize = 2;

/// Limits of history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Heights before the newest that can be proven and rolled back to; at least [`PROVABLE_MIN`].
    pub provable: u64,
    /// Values at older heights. Cannot change once the store is made.
    pub history: History,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            provable: 100,
            history: History::None,
        }
    }
}

/// Which values older than the provable heights are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// None.
    None,
    /// All, from the first height on: a row for each key and height at which it changed.
    All,
}

/// The newest version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// The height of the block that made it.
    pub height: Height,
    /// Root of every tree, in order of name.
    pub roots: [(Tree, Hash); 3],
    /// The simple Merkle map over the roots.
    pub app_hash: Hash,
}

/// Name of a small value that is written in the batch of a block and lies outside the trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExtraKey(pub &'static str);

impl ExtraKey {
    /// Position of the node in the chain of blocks.
    pub const POSITION: Self = Self("position");

    /// The enclave's sealed anchor for `height`. Two places by turns, so that the last two are kept.
    #[must_use]
    pub const fn anchor(height: Height) -> Self {
        Self(if height.is_multiple_of(2) {
            "anchor/even"
        } else {
            "anchor/odd"
        })
    }
}

/// The versioned state. All methods can be called from many threads; commits follow each other.
pub struct StateStore {
    kv: Arc<dyn Kv>,
    limits: Limits,
    key_hash: KeyHash,
    commit: Mutex<()>,
    /// Held while a version is rebuilt: whoever wants another waits, whoever wants the same finds it.
    rebuild: Mutex<()>,
    shared: RwLock<Shared>,
}

/// What readers look up: replaced at the end of each commit.
struct Shared {
    first: Height,
    /// Oldest first; the last is the newest version.
    ready: VecDeque<Arc<Held>>,
    rebuilt: VecDeque<Arc<Held>>,
}

impl Shared {
    fn newest(&self) -> Option<&Arc<Held>> {
        self.ready.back()
    }
}

impl StateStore {
    /// Number of versions that it keeps.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// Opens the store that lies in `kv` (which has the tables [`TABLES`]), or an empty one.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the trees do not give the roots of the last commit, [`Error::Format`] if the store was
    /// made by another format or with another setting.
    pub fn open(kv: Arc<dyn Kv>, limits: Limits) -> Result<Self> {
        Self::open_with(kv, limits, strongroom_proof::tree::key_hash)
    }

    fn open_with(kv: Arc<dyn Kv>, limits: Limits, key_hash: KeyHash) -> Result<Self> {
        let limits = Limits {
            provable: limits.provable.max(PROVABLE_MIN),
            ..limits
        };
        let snapshot = kv.snapshot()?;
        let found = open::read(&snapshot, limits.history)?;
        let shared = match found {
            None => Shared {
                first: 0,
                ready: VecDeque::new(),
                rebuilt: VecDeque::new(),
            },
            Some((newest, tops)) => {
                let held = hold(newest.height, tops, snapshot);
                Shared {
                    first: newest.first,
                    ready: VecDeque::from([held]),
                    rebuilt: VecDeque::new(),
                }
            }
        };
        Ok(Self {
            kv,
            limits,
            key_hash,
            commit: Mutex::new(()),
            rebuild: Mutex::new(()),
            shared: RwLock::new(shared),
        })
    }

    /// The newest version; `None` before the first commit.
    #[must_use]
    pub fn latest(&self) -> Option<Version> {
        let shared = self.read();
        let held = shared.newest()?;
        let roots = held.roots();
        Some(Version {
            height: held.height,
            roots,
            app_hash: merkle::app_hash(&roots),
        })
    }

    /// The state after the block at `height`, for as long as the view is held.
    ///
    /// # Errors
    /// [`Error::NoVersion`] if neither that version nor (with history) its values are kept.
    pub fn view(&self, height: Height) -> Result<View> {
        let at = match self.held(height) {
            Ok(held) => At::Held(held),
            Err(Error::NoVersion { .. }) => At::Past(self.past(height)?),
            Err(error) => return Err(error),
        };
        Ok(View {
            at,
            key_hash: self.key_hash,
        })
    }

    /// The values after the block at `height`: as [`StateStore::view`], but what is not ready in memory comes from the
    /// history, which costs nothing to open, and cannot be proven. For questions of strangers about the past.
    ///
    /// # Errors
    /// As [`StateStore::view`].
    pub fn values(&self, height: Height) -> Result<View> {
        let at = match self.known(height) {
            Some(held) => At::Held(held),
            None if self.limits.history == History::None => return self.view(height),
            None => At::Past(self.past(height)?),
        };
        Ok(View {
            at,
            key_hash: self.key_hash,
        })
    }

    /// Computes what `writes` make of the version at `base`, for `height` = `base` + 1. Before the first commit `base`
    /// is not looked at, and `height` may be any. Nothing is written.
    ///
    /// # Errors
    /// [`Error::Stale`] if the heights do not follow, [`Error::NoVersion`] if `base` is not provable (any more).
    pub fn prepare(&self, base: Height, height: Height, writes: &WriteSet) -> Result<Prepared> {
        let (newest, first) = {
            let shared = self.read();
            (shared.newest().cloned(), shared.first)
        };
        let history = self.limits.history == History::All;
        let Some(newest) = newest else {
            let nothing = hold(
                height,
                [Top::Empty, Top::Empty, Top::Empty],
                self.kv.snapshot()?,
            );
            let frame = Frame {
                height,
                first: height,
                history,
            };
            let (tops, batch) = prepare::prepare(&nothing, &frame, &writes.0, self.key_hash)?;
            return Ok(Prepared {
                base: None,
                height,
                tops,
                batch,
            });
        };
        if base.checked_add(1) != Some(height) {
            return Err(Error::Stale {
                base,
                height,
                latest: Some(newest.height),
            });
        }
        let held = self.held(base)?;
        let frame = Frame {
            height,
            first,
            history,
        };
        let (tops, batch) = prepare::prepare(&held, &frame, &writes.0, self.key_hash)?;
        Ok(Prepared {
            base: Some(held),
            height,
            tops,
            batch,
        })
    }

    /// Makes `prepared` the newest version: one durable batch with `extra` (anchor, block position) in it.
    ///
    /// # Errors
    /// [`Error::Stale`] if it does not stand on the newest version; an engine error leaves the version before.
    pub fn commit(&self, prepared: Prepared, extra: &[(ExtraKey, Vec<u8>)]) -> Result<()> {
        let _one_at_a_time = self.commit.lock().unwrap_or_else(PoisonError::into_inner);
        let Prepared {
            base,
            height,
            tops,
            mut batch,
        } = prepared;
        let newest = self.read().newest().cloned();
        let stands_on_newest = match (&base, &newest) {
            (None, None) => true,
            (Some(base), Some(newest)) => Arc::ptr_eq(base, newest),
            _ => false,
        };
        if !stands_on_newest {
            let base = base.map_or(0, |base| base.height);
            return Err(Error::Stale {
                base,
                height,
                latest: newest.map(|newest| newest.height),
            });
        }
        self.prune(height, &mut batch);
        put_extra(&mut batch, extra);
        self.kv.write(batch)?;
        let held = hold(height, tops, self.kv.snapshot()?);
        let mut shared = self.write();
        if shared.ready.is_empty() {
            shared.first = height;
        }
        shared.ready.push_back(held);
        if shared.ready.len() > READY + 1 {
            shared.ready.pop_front();
        }
        Ok(())
    }

    /// Takes back the blocks above `to`: the version at `to` becomes the newest. One durable batch with `extra` in it.
    ///
    /// # Errors
    /// [`Error::NoVersion`] if `to` is not provable (any more).
    pub fn rollback(&self, to: Height, extra: &[(ExtraKey, Vec<u8>)]) -> Result<()> {
        let _one_at_a_time = self.commit.lock().unwrap_or_else(PoisonError::into_inner);
        let (newest, first) = {
            let shared = self.read();
            (
                shared
                    .newest()
                    .cloned()
                    .ok_or(Error::NoVersion { height: to })?,
                shared.first,
            )
        };
        // Always from the rows, so that the difference to what lies in the database is known.
        let target = self.rebuild(&newest, to)?;
        let mut batch = Batch::new();
        for (key, row) in &target.values {
            batch.set(rows::VALUES, key.clone(), row.clone());
        }
        for (key, row) in &target.buckets {
            batch.set(rows::BUCKETS, key.clone(), row.clone());
        }
        let history = self.limits.history == History::All;
        for height in (to + 1)..=newest.height {
            for Replaced { tree, raw_key, .. } in
                read_undo(&*newest.snapshot, height)?.into_iter().flatten()
            {
                if history {
                    batch.remove(
                        rows::HISTORY,
                        rows::history_key(tree, &(self.key_hash)(&raw_key), height),
                    );
                }
            }
            batch.remove(rows::UNDO, rows::undo_key(height));
            batch.remove(rows::META, rows::roots_key(height));
        }
        let frame = Frame {
            height: to,
            first,
            history,
        };
        batch.put(
            rows::META,
            rows::NEWEST,
            rows::encode(&frame.newest(&target.tops)),
        );
        put_extra(&mut batch, extra);
        self.kv.write(batch)?;
        let held = hold(to, target.tops.clone(), self.kv.snapshot()?);
        let mut shared = self.write();
        shared.ready = VecDeque::from([held]);
        shared.rebuilt.clear();
        Ok(())
    }

    /// The small value at `key` as the newest commit left it.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn extra(&self, key: ExtraKey) -> Result<Option<Vec<u8>>> {
        let newest = self.read().newest().cloned();
        match newest {
            Some(held) => held.snapshot.get(rows::META, &rows::extra_key(key.0)),
            None => Ok(None),
        }
    }

    /// A version that is in memory.
    fn known(&self, height: Height) -> Option<Arc<Held>> {
        let shared = self.read();
        let mut known = shared.ready.iter().chain(&shared.rebuilt);
        known.find(|held| held.height == height).map(Arc::clone)
    }

    /// A provable version, from memory or from the undo rows. One is rebuilt at a time: many who ask at once cost the
    /// work and the memory of one.
    fn held(&self, height: Height) -> Result<Arc<Held>> {
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
    fn rebuild(&self, newest: &Held, height: Height) -> Result<Held> {
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
            .map(|((tree, raw_key), old)| (rows::value_key(tree, &raw_key), old))
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
    fn past(&self, height: Height) -> Result<Arc<Past>> {
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

    /// Removes what is too old once `height` is committed.
    fn prune(&self, height: Height, batch: &mut Batch) {
        let Some(old) = height.checked_sub(self.limits.provable) else {
            return;
        };
        batch.remove(rows::UNDO, rows::undo_key(old));
        if let (History::None, Some(before)) = (self.limits.history, old.checked_sub(1)) {
            batch.remove(rows::META, rows::roots_key(before));
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Shared> {
        self.shared.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shared> {
        self.shared.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hold(height: Height, tops: [Top; 3], snapshot: Arc<dyn Snapshot>) -> Arc<Held> {
    Arc::new(Held {
        height,
        tops,
        snapshot,
        values: Default::default(),
        buckets: Default::default(),
    })
}

fn put_extra(batch: &mut Batch, extra: &[(ExtraKey, Vec<u8>)]) {
    for (key, value) in extra {
        batch.put(rows::META, rows::extra_key(key.0), value.clone());
    }
}

fn read_undo(snapshot: &dyn Snapshot, height: Height) -> Result<Option<Vec<Replaced>>> {
    let row = snapshot.get(rows::UNDO, &rows::undo_key(height))?;
    row.map(|row| rows::decode(&row, "an undo row")).transpose()
}

#[cfg(test)]
mod tests;
