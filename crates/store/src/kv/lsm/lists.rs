//! One at a time changes the list of a tree's files, and a merge ends early when it must.
//!
//! A tree writes a new list beside the old one, names it in `current`, and syncs. If that sync fails the tree goes on from the old list in
//! memory, and its next change would write over the list that `current` names. So whoever changes a list holds [`Lists`] until it
//! knows how that went, and ends the process if it went wrong, holding it still.

use super::disk::{Disk, check_room};
use super::{DISK_BYTES_RESERVED, TABLES};
use crate::error::Result;
use lsm_tree::compaction::filter::{CompactionFilter, Context, Factory, ItemAccessor, Verdict};
use lsm_tree::{AbstractTree as _, AnyTree, Table};
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// How much a merge reads between two looks at the room.
const LOOK_BYTES: u64 = 1 << 20;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    Flush,
    Merge,
}

/// Who may change the list of a tree's files.
#[derive(Default)]
pub(super) struct Lists {
    holder: Mutex<Option<Holder>>,
    is_free: Condvar,
}

impl Lists {
    fn lock(&self) -> MutexGuard<'_, Option<Holder>> {
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(&self, holder: Holder) {
        let free = self.is_free.wait_while(self.lock(), |now| now.is_some());
        *free.unwrap_or_else(PoisonError::into_inner) = Some(holder);
    }

    /// Nothing, unless `holder` has it.
    pub(super) fn give_back(&self, holder: Holder) {
        let mut now = self.lock();
        if *now == Some(holder) {
            *now = None;
            self.is_free.notify_all();
        }
    }
}

/// What the merges of a tree look at. They begin with the list held, let go of it while they read and write, and take it again to change it.
pub(super) struct Watch {
    pub(super) lists: Lists,
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// The database is being closed.
    stop: Arc<AtomicBool>,
    has_given_up: AtomicBool,
}

impl Watch {
    pub(super) fn new(disk: Arc<dyn Disk>, path: PathBuf, stop: Arc<AtomicBool>) -> Arc<Self> {
        Arc::new(Self {
            lists: Lists::default(),
            disk,
            path,
            stop,
            has_given_up: AtomicBool::new(false),
        })
    }

    pub(super) fn check_room(&self, wanted: u64) -> Result<()> {
        check_room(&*self.disk, &self.path, wanted)
    }

    /// Whether the merge that failed ended early, before it changed anything; forgets it.
    pub(super) fn has_given_up(&self) -> bool {
        self.has_given_up.swap(false, Ordering::Relaxed)
    }

    fn give_up(&self, kind: ErrorKind) -> lsm_tree::Error {
        self.has_given_up.store(true, Ordering::Relaxed);
        lsm_tree::Error::Io(kind.into())
    }
}

/// Makes the watch of each merge.
pub(super) struct Watches(pub(super) Arc<Watch>);

impl Factory for Watches {
    fn name(&self) -> &str {
        "watch"
    }

    fn make_filter(&self, _: &Context) -> Box<dyn CompactionFilter> {
        self.0.lists.give_back(Holder::Merge);
        Box::new(Merge {
            watch: Arc::clone(&self.0),
            bytes: 0,
        })
    }
}

struct Merge {
    watch: Arc<Watch>,
    /// Read since the last look.
    bytes: u64,
}

impl CompactionFilter for Merge {
    fn filter_item(&mut self, item: ItemAccessor<'_>, _: &Context) -> lsm_tree::Result<Verdict> {
        if self.watch.stop.load(Ordering::Relaxed) {
            return Err(self.watch.give_up(ErrorKind::Interrupted));
        }
        self.bytes += (item.key().len() + item.value()?.len()) as u64;
        if self.bytes >= LOOK_BYTES {
            self.bytes = 0;
            if self.watch.check_room(DISK_BYTES_RESERVED).is_err() {
                return Err(self.watch.give_up(ErrorKind::StorageFull));
            }
        }
        Ok(Verdict::Keep)
    }

    fn finish(self: Box<Self>) {
        self.watch.lists.take(Holder::Merge);
    }
}

/// Removes the files that a merge has left which gave up; `first` was the next number of a file before it.
pub(super) fn remove_unfinished(tree: &AnyTree, first: u64) -> io::Result<()> {
    // Files that are being written are in no list either.
    let _no_flush = tree.get_flush_lock();
    let version = tree.current_version();
    let listed: BTreeSet<_> = version.iter_tables().map(Table::id).collect();
    for number in (first..tree.next_table_id()).filter(|number| !listed.contains(number)) {
        let file = tree
            .tree_config()
            .path
            .join(TABLES)
            .join(number.to_string());
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
