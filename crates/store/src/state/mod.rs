//! `StateStore`: the state of the chain, versioned and provable, on any [`Kv`].
//!
//! Each value lies in the database under the height that wrote it, and stays there. The trees of their hashes live in memory, with these heights:
//! they are built again from a small row for each key, and held against the stored roots, when the store is opened.
//! Spec: docs/spec/state.md 4. Why: docs/adr/0028.
//!
//! Promises: a block is one durable batch, anchor and block position in it; what is acknowledged survives a crash and
//! nothing else does; a view shows its version until it is dropped; what is handed out is what the tree of its version has, under
//! its own key. Past heights that only the history knows have no tree: what stands there still is held against the newest one, of what was
//! replaced since only the key is checked.
//! Refuses: to commit on anything but the newest version, to open a database whose trees do not give the stored roots.

mod check;
mod commit;
mod open;
mod prepare;
mod rows;
mod top;
mod versions;
mod view;

pub use prepare::Prepared;
pub use rows::TABLES;
pub use view::View;

use crate::error::{Error, Result};
use crate::kv::{Kv, KvLimits};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use strongroom_proof::merkle;
use strongroom_types::{Hash, Height, Tree};
use versions::hold;
use view::{At, Held, KeyHash};

/// The least number of provable versions, whatever the settings say.
pub const PROVABLE_MIN: u64 = 3;

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

impl Limits {
    /// Of a node: public queries are answered at every height. Whoever measures what a node does measures with these.
    pub const NODE: Self = Self {
        provable: 100,
        history: History::All,
    };
}

/// How a node opens the database under its state.
#[must_use]
pub fn node_kv_limits() -> KvLimits {
    KvLimits {
        compressed: rows::COMPRESSED,
        part_bytes: rows::PART_BYTES,
        scanned: rows::SCANNED,
        kept: rows::KEPT,
        ..KvLimits::default()
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
    /// Told after each commit; the lock guards nothing.
    committed: (Mutex<()>, Condvar),
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
        Self::open_telling(kv, limits, &|_| ())
    }

    /// As [`StateStore::open`], which reads a row for each key: `tell` hears, from any thread and often, how many entries were read so far.
    ///
    /// # Errors
    /// As [`StateStore::open`].
    pub fn open_telling(
        kv: Arc<dyn Kv>,
        limits: Limits,
        tell: &(dyn Fn(u64) + Sync),
    ) -> Result<Self> {
        Self::open_with(kv, limits, strongroom_proof::tree::key_hash, tell)
    }

    fn open_with(
        kv: Arc<dyn Kv>,
        limits: Limits,
        key_hash: KeyHash,
        tell: &(dyn Fn(u64) + Sync),
    ) -> Result<Self> {
        let limits = Limits {
            provable: limits.provable.max(PROVABLE_MIN),
            ..limits
        };
        let snapshot = kv.snapshot()?;
        let found = open::read(&snapshot, limits.history, tell)?;
        let shared = match found {
            None => Shared {
                first: 0,
                ready: VecDeque::new(),
                rebuilt: VecDeque::new(),
            },
            Some((newest, tops)) => {
                let held = hold(newest.height, tops, snapshot, 0);
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
            committed: (Mutex::default(), Condvar::new()),
        })
    }

    /// Waits until `height` is committed, at most for `patience`; whether it is.
    #[must_use]
    pub fn wait_for(&self, height: Height, patience: Duration) -> bool {
        let reached = || self.read().newest().is_some_and(|v| v.height >= height);
        if reached() {
            return true;
        }
        let (lock, told) = &self.committed;
        let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let _woken = told.wait_timeout_while(guard, patience, |()| !reached());
        reached()
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
    /// history, which costs nothing to open, and cannot be proven (without history it is rebuilt as there). For questions of strangers about the past.
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

    fn read(&self) -> RwLockReadGuard<'_, Shared> {
        self.shared.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shared> {
        self.shared.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
