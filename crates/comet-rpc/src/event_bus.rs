//! Who is told about published blocks, and how far each may lag behind.
//!
//! Promises: whoever publishes never waits; if nobody listens nothing is made; a listener that lags too far is cut off
//! and told so, and what waited for it is dropped at once.

use crate::events::BlockEvents;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// How many blocks a listener may lag behind before it is cut off.
pub const LAG_BLOCKS_MAX: usize = 128;
/// How many bytes may wait for a listener, as [`BlockEvents::bytes`] counts them. One block may be larger alone.
pub const LAG_BYTES_MAX: usize = 32 << 20;

/// Why a feed ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The listener lags by more than [`LAG_BLOCKS_MAX`] or [`LAG_BYTES_MAX`].
    TooSlow,
    /// Nothing will be published any more.
    Stopped,
}

/// See the module. Clones share the listeners.
#[derive(Clone, Default)]
pub struct EventBus(Arc<Listeners>);

#[derive(Default)]
struct Listeners(Mutex<Vec<Arc<Queue>>>);

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    blocks: VecDeque<Arc<BlockEvents>>,
    bytes: usize,
    ended: Option<Ended>,
}

impl Listeners {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Queue>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        for queue in self.lock().drain(..) {
            queue.end(Ended::Stopped);
        }
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, why: Ended) {
        self.state().ended.get_or_insert(why);
        self.changed.notify_one();
    }

    /// False if the listener is cut off.
    fn push(&self, block: &Arc<BlockEvents>) -> bool {
        let mut state = self.state();
        let bytes = state.bytes.saturating_add(block.bytes());
        let fits = state.blocks.len() < LAG_BLOCKS_MAX && bytes <= LAG_BYTES_MAX;
        let accepted = fits || state.blocks.is_empty();
        if accepted {
            state.blocks.push_back(Arc::clone(block));
            state.bytes = bytes;
        } else {
            state.blocks.clear();
            state.ended = Some(Ended::TooSlow);
        }
        drop(state);
        self.changed.notify_one();
        accepted
    }
}

impl EventBus {
    /// Tells all listeners. Call it once per height, after the height is published; `make` runs only if somebody listens.
    ///
    /// # Errors
    /// Error of `make`.
    pub fn publish<E>(&self, make: impl FnOnce() -> Result<BlockEvents, E>) -> Result<(), E> {
        let mut listeners = self.0.lock();
        listeners.retain(|queue| Arc::strong_count(queue) > 1);
        if listeners.is_empty() {
            return Ok(());
        }
        let block = Arc::new(make()?);
        listeners.retain(|queue| queue.push(&block));
        Ok(())
    }

    /// Everything that is published from now on.
    #[must_use]
    pub fn subscribe(&self) -> Feed {
        let queue = Arc::new(Queue::default());
        self.0.lock().push(Arc::clone(&queue));
        Feed(queue)
    }
}

/// Events that a listener has not seen yet.
pub struct Feed(Arc<Queue>);

impl Feed {
    /// The next block. May be dropped while it waits.
    ///
    /// # Errors
    /// [`Ended`]
    pub async fn next(&mut self) -> Result<Arc<BlockEvents>, Ended> {
        loop {
            {
                let mut state = self.0.state();
                if let Some(block) = state.blocks.pop_front() {
                    state.bytes = state.bytes.saturating_sub(block.bytes());
                    return Ok(block);
                }
                if let Some(why) = state.ended {
                    return Err(why);
                }
            }
            self.0.changed.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::convert::Infallible;
    use core::sync::atomic::{AtomicUsize, Ordering};

    fn publish(bus: &EventBus, block: &BlockEvents) {
        let _ = bus.publish(|| Ok::<_, Infallible>(block.clone()));
    }

    #[tokio::test]
    async fn nothing_is_made_while_nobody_listens() {
        let (bus, made) = (EventBus::default(), AtomicUsize::new(0));
        let publish = || {
            bus.publish(|| {
                made.fetch_add(1, Ordering::Relaxed);
                Ok::<_, Infallible>(BlockEvents::of_bytes(1))
            })
        };
        let _ = publish();
        assert_eq!(made.load(Ordering::Relaxed), 0);
        let (mut one, mut two) = (bus.subscribe(), bus.subscribe());
        let _ = publish();
        assert_eq!(made.load(Ordering::Relaxed), 1);
        assert!(Arc::ptr_eq(
            &one.next().await.unwrap(),
            &two.next().await.unwrap()
        ));
        drop((one, two));
        let _ = publish();
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_listener_that_lags_too_far_is_cut_off_and_holds_nothing_and_the_others_go_on() {
        for (block, fit) in [
            (BlockEvents::of_bytes(1), LAG_BLOCKS_MAX),
            (BlockEvents::of_bytes(LAG_BYTES_MAX / 4), 4),
            (BlockEvents::of_bytes(2 * LAG_BYTES_MAX), 1),
        ] {
            let bus = EventBus::default();
            let (mut slow, mut quick) = (bus.subscribe(), bus.subscribe());
            for _ in 0..fit {
                publish(&bus, &block);
                quick.next().await.unwrap();
            }
            assert_eq!(slow.0.state().blocks.len(), fit);
            publish(&bus, &block);
            assert!(slow.0.state().blocks.is_empty());
            assert_eq!(slow.next().await.err(), Some(Ended::TooSlow));
            quick.next().await.unwrap();
        }
    }

    #[tokio::test]
    async fn listeners_are_told_that_nothing_comes_any_more() {
        let bus = EventBus::default();
        let mut feed = bus.subscribe();
        publish(&bus, &BlockEvents::of_bytes(1));
        drop(bus);
        assert!(feed.next().await.is_ok());
        assert_eq!(feed.next().await.err(), Some(Ended::Stopped));
    }
}
