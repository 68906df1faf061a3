//! What readers see, and what no reader can see any more.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The numbers up to which snapshots see batches.
pub(super) struct Snapshots(Mutex<Held>);

struct Held {
    /// Batches below are whole in memory.
    visible: u64,
    /// How often a number is held.
    held: BTreeMap<u64, usize>,
}

impl Snapshots {
    pub(super) const fn new(visible: u64) -> Self {
        Self(Mutex::new(Held {
            visible,
            held: BTreeMap::new(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A snapshot sees the batches below this number, until it is given back.
    pub(super) fn take(&self) -> u64 {
        let mut held = self.lock();
        let visible = held.visible;
        *held.held.entry(visible).or_default() += 1;
        visible
    }

    pub(super) fn give_back(&self, number: u64) {
        let mut held = self.lock();
        if let Some(count) = held.held.get_mut(&number) {
            *count -= 1;
            if *count == 0 {
                held.held.remove(&number);
            }
        }
    }

    /// From now on snapshots see the batches below `number`.
    pub(super) fn publish(&self, number: u64) {
        let mut held = self.lock();
        held.visible = held.visible.max(number);
    }

    /// Of what was written below this number, nobody needs more than the newest.
    pub(super) fn forgotten(&self) -> u64 {
        let held = self.lock();
        let oldest = held.held.keys().next().copied();
        oldest.unwrap_or(held.visible).saturating_sub(1)
    }
}
