//! Two threads beside the writers: one puts what is in memory into files, one merges files. With one alone writes wait for merges.
//! Once one has failed the other changes no list of files any more: a tree whose list was half written would make it again over the one on disk.

use super::Shared;
use super::journal::Journal;
use crate::error::{Error, Result};
use lsm_tree::AbstractTree as _;
use lsm_tree::compaction::Leveled;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Files of a table that wait until they are merged together. Each merge writes again what it meets, so that fewer and larger ones write
/// less; what is read looks into more files, which their filters answer.
const MERGED_AT_ONCE: u8 = 8;

/// From so many unmerged files of a table on, writers wait.
const UNMERGED_MAX: usize = 24;

/// Merges of a table in one go: each may make the next one due.
const MERGES_MAX: usize = 8;

/// What there is to do.
#[derive(Default)]
pub(super) struct Tasks {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// What is in memory goes to files; then the journals before this one go.
    flush: Option<u64>,
    merge: bool,
    /// Merges have fallen behind.
    is_behind: bool,
    stop: bool,
    failed: Option<Error>,
}

impl Tasks {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn wait(&self, until: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        self.changed
            .wait_while(self.lock(), |state| !until(state))
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses if a worker has failed: what it left undone is done when the database is opened again.
    pub(super) fn check(&self) -> Result<()> {
        checked(&self.lock())
    }

    /// Waits until the files of the turn before are written.
    pub(super) fn wait_for_room(&self) -> Result<()> {
        let is_ready = |state: &State| state.flush.is_none() && !state.is_behind;
        checked(&self.wait(|state| is_ready(state) || state.failed.is_some()))
    }

    pub(super) fn flush(&self, journal: u64) {
        self.change(|state| state.flush = Some(journal));
    }
}

fn checked(state: &State) -> Result<()> {
    match &state.failed {
        None => Ok(()),
        Some(Error::Short { detail }) => Err(Error::Short {
            detail: detail.clone(),
        }),
        Some(error) => Err(Error::engine(error.to_string())),
    }
}

/// The threads; dropping them ends them.
pub(super) struct Workers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    pub(super) fn start(shared: &Arc<Shared>) -> Result<Self> {
        let mut workers = Self {
            shared: Arc::clone(shared),
            threads: Vec::new(),
        };
        for (name, work) in [
            ("kv-flush", flush as fn(&Shared) -> Result<bool>),
            ("kv-merge", merge),
        ] {
            let shared = Arc::clone(shared);
            let run = move || loop {
                match work(&shared) {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => {
                        // The first failure is the cause.
                        shared.tasks.change(|state| {
                            state.failed.get_or_insert(error);
                        });
                        return;
                    }
                }
            };
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
            workers.threads.push(thread.map_err(Error::engine)?);
        }
        Ok(workers)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.tasks.change(|state| state.stop = true);
        for thread in self.threads.drain(..) {
            // A panic was told by the hook of the process.
            let _ = thread.join();
        }
    }
}

/// Waits for a turn of the journal and writes the files; `false`: there is nothing to do any more.
fn flush(shared: &Shared) -> Result<bool> {
    let state = shared
        .tasks
        .wait(|state| state.stop || state.flush.is_some());
    // At the end nothing is put into files: the journal has it.
    let (false, Some(journal)) = (state.stop, state.flush) else {
        return Ok(false);
    };
    drop(state);
    for (_, tree) in &shared.tables {
        shared.tasks.check()?;
        let lock = tree.get_flush_lock();
        tree.flush(&lock, shared.snapshots.forgotten())
            .map_err(Error::engine)?;
    }
    Journal::remove_before(&shared.path, journal)?;
    let is_behind = is_behind(shared);
    shared.tasks.change(|state| {
        (state.flush, state.merge, state.is_behind) = (None, true, is_behind);
    });
    // While nobody writes, readers see the new files too, and what was in memory can go. Not waited for: who writes may wait for this thread.
    if let Ok(_nobody_writes) = shared.writer.try_lock() {
        shared.snapshots.publish(shared.numbers.get());
    }
    Ok(true)
}

fn is_behind(shared: &Shared) -> bool {
    let unmerged = |tree: &lsm_tree::AnyTree| tree.l0_run_count() >= UNMERGED_MAX;
    shared.tables.iter().any(|(_, tree)| unmerged(tree))
}

/// Waits for new files and merges what is due.
fn merge(shared: &Shared) -> Result<bool> {
    let mut state = shared.tasks.wait(|state| state.stop || state.merge);
    if state.stop {
        return Ok(false);
    }
    state.merge = false;
    drop(state);
    let strategy = Arc::new(Leveled::default().with_l0_threshold(MERGED_AT_ONCE));
    for (_, tree) in &shared.tables {
        for _ in 0..MERGES_MAX {
            shared.tasks.check()?;
            let before = (tree.l0_run_count(), tree.table_count());
            tree.compact(strategy.clone(), shared.snapshots.forgotten())
                .map_err(Error::engine)?;
            if before == (tree.l0_run_count(), tree.table_count()) || shared.tasks.lock().stop {
                break;
            }
        }
    }
    shared.forget()?;
    let is_behind = is_behind(shared);
    shared.tasks.change(|state| {
        state.is_behind = is_behind;
        // Writers wait for this alone now.
        state.merge |= is_behind;
    });
    Ok(true)
}
