//! Two threads beside the writers: one puts what is in memory into files, one merges files. With one alone writes wait for merges.
//!
//! What fails here ends the process: what was acknowledged is in the journal or in files, and a start goes on from there, while going on
//! without one could destroy it ([`super::lists`]). Where there is no room nothing is begun: it stays due, and who writes is refused.

use super::disk::check_room;
use super::journal::Journals;
use super::lists::{Holder, remove_unfinished};
use super::trees::{self, Tree};
use super::{DISK_BYTES_RESERVED, Shared};
use crate::error::{EXIT_SHORT, Error, Result};
use lsm_tree::AbstractTree as _;
use lsm_tree::compaction::Leveled;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Merges of a table in one go: each may make the next one due.
const MERGES_MAX: usize = 8;

/// Between two looks whether there is room again.
const ROOM_PAUSE: Duration = Duration::from_secs(1);

/// What there is to do.
#[derive(Default)]
pub(super) struct Tasks {
    state: Mutex<State>,
    changed: Condvar,
    /// Merges look at this while they work.
    pub(super) stop: Arc<AtomicBool>,
}

#[derive(Default)]
struct State {
    flush: Option<Flush>,
    merge: bool,
    /// Merges have fallen behind.
    is_behind: bool,
    /// Why what is in memory does not go to files yet.
    flush_waits: Option<String>,
    /// Why merges wait.
    merge_waits: Option<String>,
    stop: bool,
}

/// What is in memory goes to files; then the journals before this one go.
#[derive(Clone, Copy)]
struct Flush {
    journal: u64,
    bytes: u64,
}

impl State {
    const fn is_ready(&self) -> bool {
        self.flush.is_none() && !self.is_behind
    }

    /// What writers cannot wait for: nobody knows how long it takes.
    fn refusal(&self) -> Option<&String> {
        let of_flush = self.flush_waits.as_ref().filter(|_| self.flush.is_some());
        of_flush.or_else(|| self.merge_waits.as_ref().filter(|_| self.is_behind))
    }
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

    /// Waits until there may be room, or the database is closed.
    fn pause(&self) {
        let wait = |state: &mut State| !state.stop;
        // Whatever woke it, room is looked for.
        let _ = self
            .changed
            .wait_timeout_while(self.lock(), ROOM_PAUSE, wait);
    }

    /// Waits until the files of the turn before are written and merges are not behind; refuses if that has to wait for room.
    pub(super) fn wait_for_files(&self) -> Result<()> {
        let state = self.wait(|state| state.is_ready() || state.refusal().is_some());
        match state.refusal().cloned() {
            Some(detail) => Err(Error::Short { detail }),
            None => Ok(()),
        }
    }

    pub(super) fn flush(&self, journal: u64, bytes: u64) {
        self.change(|state| state.flush = Some(Flush { journal, bytes }));
    }
}

/// The threads. Dropping them ends them: a flush under way is waited for (it is as long as what is in memory), a merge gives up at its next row.
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
            let run = move || {
                let _watched = EndsWithPanic;
                while work(&shared).unwrap_or_else(|error| end(name, &shared, &error)) {}
            };
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
            workers.threads.push(thread.map_err(Error::engine)?);
        }
        Ok(workers)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.tasks.stop.store(true, Ordering::Relaxed);
        self.shared.tasks.change(|state| state.stop = true);
        for thread in self.threads.drain(..) {
            // A panic has ended the process.
            let _ = thread.join();
        }
    }
}

/// Ends the process: nobody else touches the tree any more. Nobody may be listening, which is no reason to go on.
fn end(worker: &str, shared: &Shared, error: &Error) -> ! {
    let then = match error.is_transient() {
        true => "make room and start it again",
        false => "if the disk is sound, start it again",
    };
    let _ = writeln!(
        std::io::stderr(),
        "strongroom: {error} ({worker} of {}). This process ends, and nothing that was acknowledged is lost: {then}",
        shared.path.display()
    );
    match error.is_transient() {
        true => std::process::exit(EXIT_SHORT.into()),
        false => std::process::abort(),
    }
}

/// A worker that panicked would leave the writers waiting.
struct EndsWithPanic;

impl Drop for EndsWithPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

/// Waits for a turn of the journal and writes the files; `false`: there is nothing to do any more.
fn flush(shared: &Shared) -> Result<bool> {
    let state = shared
        .tasks
        .wait(|state| state.stop || state.flush.is_some());
    // At the end nothing is put into files: the journal has it.
    let (false, Some(flush)) = (state.stop, state.flush) else {
        return Ok(false);
    };
    drop(state);
    // Files have indexes and filters beside the rows, and shorter rows have longer heads.
    let wanted = flush.bytes.saturating_mul(2).saturating_add(1 << 20);
    shared.forget()?;
    match check_room(&*shared.disk, &shared.path, wanted) {
        Err(Error::Short { detail }) => {
            shared
                .tasks
                .change(|state| state.flush_waits = Some(detail));
            shared.tasks.pause();
            return Ok(true);
        }
        checked => checked?,
    }
    for Tree { tree, watch, .. } in &shared.trees {
        watch.lists.take(Holder::Flush);
        let lock = tree.get_flush_lock();
        tree.flush(&lock, shared.snapshots.forgotten())
            .map_err(trees::error)?;
        drop(lock);
        watch.lists.give_back(Holder::Flush);
    }
    Journals::remove_before(&shared.path, flush.journal)?;
    let is_behind = is_behind(shared);
    shared.tasks.change(|state| {
        (state.flush, state.flush_waits) = (None, None);
        (state.merge, state.is_behind) = (true, is_behind);
    });
    // While nobody writes, readers see the new files too, and what was in memory can go. Not waited for: who writes may wait for this thread.
    if let Ok(_nobody_writes) = shared.writer.try_lock() {
        shared.snapshots.publish(shared.numbers.get());
    }
    Ok(true)
}

fn is_behind(shared: &Shared) -> bool {
    let is_behind = |tree: &Tree| tree.tree.l0_run_count() >= tree.unmerged_max();
    shared.trees.iter().any(is_behind)
}

/// Waits for new files and merges what is due.
fn merge(shared: &Shared) -> Result<bool> {
    let mut state = shared.tasks.wait(|state| state.stop || state.merge);
    if state.stop {
        return Ok(false);
    }
    state.merge = false;
    drop(state);
    let mut waits = None;
    for tree in &shared.trees {
        if let Some(detail) = merge_tree(shared, tree)? {
            waits = Some(detail);
        }
    }
    shared.forget()?;
    let (is_behind, has_to_wait) = (is_behind(shared), waits.is_some());
    shared.tasks.change(|state| {
        (state.is_behind, state.merge_waits) = (is_behind, waits);
        // If merges are behind writers wait for this alone now.
        state.merge |= is_behind || has_to_wait;
    });
    if has_to_wait {
        shared.tasks.pause();
    }
    Ok(true)
}

/// Merges what is due in one tree; gives what it has to wait for, if there is no room.
fn merge_tree(shared: &Shared, tree: &Tree) -> Result<Option<String>> {
    let strategy = Leveled::default().with_l0_threshold(tree.merged_at_once);
    let (strategy, Tree { tree, watch, .. }) = (Arc::new(strategy), tree);
    for _ in 0..MERGES_MAX {
        if shared.tasks.lock().stop {
            break;
        }
        match watch.check_room(DISK_BYTES_RESERVED.saturating_add(trees::merged_bytes(tree))) {
            Err(Error::Short { detail }) => return Ok(Some(detail)),
            checked => checked?,
        }
        let before = (tree.l0_run_count(), tree.table_count());
        let first = tree.next_table_id();
        watch.lists.take(Holder::Merge);
        match tree.compact(strategy.clone(), shared.snapshots.forgotten()) {
            Ok(()) => watch.lists.give_back(Holder::Merge),
            // It does not hold the list.
            Err(_) if watch.has_given_up() => {
                remove_unfinished(tree, first).map_err(Error::engine)?;
                let path = shared.path.display();
                return Ok(Some(format!("a merge of files of {path} found no room")));
            }
            Err(error) => return Err(trees::error(error)),
        }
        if before == (tree.l0_run_count(), tree.table_count()) {
            break;
        }
    }
    Ok(None)
}
