//! From writes to a new version: prepared, committed, taken back. Each is one durable batch.

use super::prepare::{self, Frame, Prepared};
use super::rows::{self, Head};
use super::top::Top;
use super::versions::{hold, read_undo, undo_rows};
use super::view::Held;
use super::{ExtraKey, History, Shared, StateStore};
use crate::error::{Error, Result};
use crate::kv::Batch;
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use strongroom_types::{Height, WriteSet};

/// Versions older than the newest that stay ready in memory, if blocks are small.
const READY: usize = 3;
/// Of these, the one before the newest, which queries read until the newest is published; others go once the blocks after them wrote more than
/// this many bytes: the database keeps in memory whatever was written while a snapshot is held.
pub(super) const READY_BYTES_MAX: u64 = 8 << 20;

impl StateStore {
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
                0,
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
        if let Some(newest) = newest {
            self.prune(&newest, height, &mut batch)?;
        }
        put_extra(&mut batch, extra);
        let written = batch.bytes();
        self.kv.write(batch)?;
        let held = hold(height, tops, self.kv.snapshot()?, written);
        let mut shared = self.write();
        if shared.ready.is_empty() {
            shared.first = height;
        }
        shared.ready.push_back(held);
        let mut gone = Vec::new();
        while has_too_many(&shared.ready) {
            gone.extend(shared.ready.pop_front());
        }
        // What was rebuilt for a question holds the snapshot of its time, and by it all files since: no longer than the versions here.
        let Shared { ready, rebuilt, .. } = &mut *shared;
        let is_kept = |old: &Arc<Held>| {
            ready
                .iter()
                .any(|held| Arc::ptr_eq(&held.snapshot, &old.snapshot))
        };
        let (kept, old) = std::mem::take(rebuilt).into_iter().partition(is_kept);
        *rebuilt = kept;
        drop(shared);
        // It takes milliseconds to drop what only they had of the trees: no reader waits for it.
        drop::<(_, VecDeque<_>)>((gone, old));
        // Taken so that nobody looks before this commit and falls asleep after it.
        let (lock, told) = &self.committed;
        drop(lock.lock().unwrap_or_else(PoisonError::into_inner));
        told.notify_all();
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
        for (tree, key_hash) in &target.keys {
            let leaf = target.held.top(*tree).leaf(key_hash);
            let head = leaf.map(|leaf| Head::of(leaf).encode());
            batch.set(rows::HEADS, rows::head_key(*tree, key_hash), head);
        }
        for height in (to + 1)..=newest.height {
            for key in read_undo(&*newest.snapshot, height)?.into_iter().flatten() {
                let key = rows::version_key(key.tree, &key.key_hash, height);
                batch.remove(rows::VERSIONS, key);
            }
            remove_undo(&newest, height, &mut batch)?;
            batch.remove(rows::META, rows::roots_key(height));
        }
        let target = target.held;
        let history = self.limits.history == History::All;
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
        let held = hold(to, target.tops, self.kv.snapshot()?, 0);
        let mut shared = self.write();
        shared.ready = VecDeque::from([held]);
        shared.rebuilt.clear();
        Ok(())
    }

    /// Removes what is too old once `height` is committed.
    fn prune(&self, newest: &Held, height: Height, batch: &mut Batch) -> Result<()> {
        let Some(old) = height.checked_sub(self.limits.provable) else {
            return Ok(());
        };
        if self.limits.history == History::None {
            if let Some(before) = old.checked_sub(1) {
                batch.remove(rows::META, rows::roots_key(before));
            }
            remove_replaced(newest, old, batch)?;
        }
        remove_undo(newest, old, batch)
    }
}

/// Whether the oldest of these versions, which are in order, need not stay. Bytes are those of rows; their trees come to it, some 2 KB a changed entry.
fn has_too_many(ready: &VecDeque<Arc<Held>>) -> bool {
    let written: u64 = ready.iter().skip(1).map(|held| held.written).sum();
    ready.len() > READY + 1 || (ready.len() > 2 && written > READY_BYTES_MAX)
}

/// Removes the versions that the block at `height` replaced.
fn remove_replaced(newest: &Held, height: Height, batch: &mut Batch) -> Result<()> {
    for key in read_undo(&*newest.snapshot, height)?.into_iter().flatten() {
        let Some(since) = key.since else { continue };
        let leaf = newest.top(key.tree).leaf(&key.key_hash);
        // No root covers heights: a later one would take from provable heights what they have.
        if since >= height || leaf.is_some_and(|leaf| leaf.since <= since) {
            return Err(Error::damaged("an undo row names what was not replaced"));
        }
        let version = rows::version_key(key.tree, &key.key_hash, since);
        batch.remove(rows::VERSIONS, version);
    }
    Ok(())
}

fn remove_undo(newest: &Held, height: Height, batch: &mut Batch) -> Result<()> {
    for row in undo_rows(&*newest.snapshot, height)? {
        batch.remove(rows::UNDO, row?.0);
    }
    Ok(())
}

fn put_extra(batch: &mut Batch, extra: &[(ExtraKey, Vec<u8>)]) {
    for (key, value) in extra {
        batch.put(rows::META, rows::extra_key(key.0), value.clone());
    }
}
