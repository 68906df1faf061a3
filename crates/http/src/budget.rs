//! What all connections together may hold in memory, beyond a little that each has for itself.
//!
//! Promises: a connection that stays within [`OWN_BYTES`] never waits for others; nothing that slow or silent peers hold
//! grows beyond the pool. Refuses: an answer for which the pool has no room.

use axum::body::Bytes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a connection may hold in each direction without asking: ordinary transactions, queries and their answers.
pub const OWN_BYTES: usize = 64 * 1024;
/// The pool of received bytes: sixteen of the largest requests.
pub const RECEIVED_BYTES_MAX: usize = 64 << 20;
/// The pool of answers that peers have not read yet: four of the largest.
pub const ANSWERED_BYTES_MAX: usize = 128 << 20;

/// The two pools; clones share them.
#[derive(Clone, Debug)]
pub struct Budget {
    received: Pool,
    answered: Pool,
}

#[derive(Clone, Debug)]
struct Pool {
    free: Arc<Semaphore>,
    total: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(RECEIVED_BYTES_MAX, ANSWERED_BYTES_MAX)
    }
}

impl Budget {
    /// Pools of these sizes in bytes.
    #[must_use]
    pub fn new(received_max: usize, answered_max: usize) -> Self {
        let pool = |total| Pool {
            free: Arc::new(Semaphore::new(total)),
            total,
        };
        Self {
            received: pool(received_max),
            answered: pool(answered_max),
        }
    }

    /// Room for an answer of so many bytes, when there is some; it is free again when dropped. An answer that is larger
    /// than the pool takes all of it.
    pub(crate) async fn room(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let free = Arc::clone(&self.answered.free);
        free.acquire_many_owned(self.beyond(bytes)).await.ok()
    }

    /// The same, if there is room now.
    pub(crate) fn room_now(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let free = Arc::clone(&self.answered.free);
        free.try_acquire_many_owned(self.beyond(bytes)).ok()
    }

    fn beyond(&self, bytes: usize) -> u32 {
        let beyond = bytes.saturating_sub(OWN_BYTES).min(self.answered.total);
        u32::try_from(beyond).unwrap_or(u32::MAX)
    }

    /// These bytes, which hold their room until the last copy of the handle is gone; `None` if there is none now.
    pub(crate) fn hold(&self, bytes: Bytes) -> Option<Bytes> {
        if bytes.len() <= OWN_BYTES {
            return Some(bytes);
        }
        let _room = self.room_now(bytes.len())?;
        Some(Bytes::from_owner(Held { bytes, _room }))
    }
}

struct Held {
    bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Counts what a connection received and has not dealt with yet.
#[derive(Debug)]
pub(crate) struct Meter {
    budget: Budget,
    state: Mutex<Received>,
}

#[derive(Debug, Default)]
struct Received {
    bytes: usize,
    places: Option<OwnedSemaphorePermit>,
}

impl Meter {
    pub(crate) fn new(budget: Budget) -> Self {
        Self {
            budget,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, Received> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was received so far is dealt with: its place is free again.
    pub(crate) fn clear(&self) {
        *self.state() = Received::default();
    }

    pub(crate) fn add(&self, bytes: usize) {
        let mut state = self.state();
        state.bytes = state.bytes.saturating_add(bytes);
    }

    /// What the connection has to wait for before it reads on.
    pub(crate) fn owed(
        &self,
    ) -> Option<impl Future<Output = Option<OwnedSemaphorePermit>> + use<>> {
        let state = self.state();
        let held = state
            .places
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let owed = state.bytes.saturating_sub(OWN_BYTES).saturating_sub(held);
        let Pool { free, total } = &self.budget.received;
        // In steps, so that a long body does not ask for every packet.
        let step = owed.div_ceil(OWN_BYTES).saturating_mul(OWN_BYTES);
        let count = u32::try_from(step.min(total.saturating_sub(held))).ok();
        let count = count.filter(|count| *count > 0)?;
        let free = Arc::clone(free);
        Some(async move { free.acquire_many_owned(count).await.ok() })
    }

    pub(crate) fn put(&self, places: OwnedSemaphorePermit) {
        let mut state = self.state();
        match &mut state.places {
            Some(held) => held.merge(places),
            None => state.places = Some(places),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_beyond_the_pool_are_refused_until_others_are_read_and_small_ones_never() {
        let budget = Budget::new(0, 100_000);
        let large = || Bytes::from(vec![0; OWN_BYTES + 60_000]);
        let first = budget.hold(large()).unwrap();
        let part = first.slice(10..20);
        drop(first);
        assert!(budget.hold(large()).is_none());
        assert!(budget.hold(Bytes::from(vec![0; OWN_BYTES])).is_some());
        drop(part);
        assert!(budget.hold(large()).is_some());
        assert!(budget.hold(Bytes::from(vec![0; 1_000_000])).is_some());
    }

    #[tokio::test]
    async fn what_a_connection_received_holds_its_place_until_it_is_dealt_with() {
        let budget = Budget::new(4 * OWN_BYTES, 0);
        let (one, two) = (Meter::new(budget.clone()), Meter::new(budget));
        one.add(OWN_BYTES);
        assert!(one.owed().is_none(), "its own bytes are free");
        one.add(3 * OWN_BYTES + 1);
        one.put(one.owed().unwrap().await.unwrap());
        assert!(one.owed().is_none());
        two.add(OWN_BYTES + 1);
        let waiting = tokio::spawn(two.owed().unwrap());
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        one.clear();
        two.put(waiting.await.unwrap().unwrap());
        assert!(two.owed().is_none());
    }
}
