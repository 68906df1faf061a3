//! The gate before work that is heavy and paid by nobody: simulations, searches, walks over lists.
//!
//! Promises: at most [`RUNNING_MAX`] such pieces run at one time, on as many threads, and at most [`WAITING_MAX`] wait,
//! none longer than [`WAIT_MAX`]; whoever is above is told to come again. So they leave the threads of all other
//! requests, of the engine and of CheckTx alone, whoever asks and however often.
//! Each piece is bounded by itself, by gas or by rows (docs/spec/limits.md).

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Pieces of heavy work at one time: leaves cores to the engine.
pub const RUNNING_MAX: usize = 2;
/// Those that may wait for their turn. Each holds a thread of its server, which gives such work half of its threads.
pub const WAITING_MAX: usize = 24;
/// How long one waits: shorter than the patience of common clients.
pub const WAIT_MAX: Duration = Duration::from_secs(5);
/// When whoever was refused may come again: a piece of work takes about as long.
pub const AGAIN: Duration = Duration::from_secs(1);

/// Why a piece of work was not begun. The same request may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node is busy with other simulations and searches: try again in a moment")]
pub struct Busy;

#[derive(Debug, Default)]
struct Queue {
    running: usize,
    waiting: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Gate {
    queue: Mutex<Queue>,
    freed: Condvar,
}

/// The right to work; given back when dropped.
#[derive(Debug)]
pub struct Pass<'g>(&'g Gate);

impl Gate {
    /// Waits for a turn.
    ///
    /// # Errors
    /// [`Busy`] at once if too many wait, or after [`WAIT_MAX`].
    pub fn enter(&self) -> Result<Pass<'_>, Busy> {
        self.enter_within(WAIT_MAX)
    }

    fn enter_within(&self, wait_max: Duration) -> Result<Pass<'_>, Busy> {
        let until = Instant::now() + wait_max;
        let mut queue = self.queue();
        if queue.running < RUNNING_MAX {
            queue.running += 1;
            return Ok(Pass(self));
        }
        if queue.waiting >= WAITING_MAX {
            return Err(Busy);
        }
        queue.waiting += 1;
        while queue.running >= RUNNING_MAX {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                queue.waiting -= 1;
                return Err(Busy);
            }
            (queue, _) = self
                .freed
                .wait_timeout(queue, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
        queue.waiting -= 1;
        queue.running += 1;
        Ok(Pass(self))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.queue().running -= 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_limit_run_or_wait_and_a_freed_place_is_taken() {
        let gate = Gate::default();
        let mut passes: Vec<_> = (0..RUNNING_MAX).map(|_| gate.enter().unwrap()).collect();
        // Nobody leaves: whoever waits gives up in the end.
        assert_eq!(
            gate.enter_within(Duration::from_millis(1)).unwrap_err(),
            Busy
        );
        assert_eq!(gate.queue().waiting, 0);
        std::thread::scope(|threads| {
            let waiting: Vec<_> = (0..WAITING_MAX)
                .map(|_| threads.spawn(|| gate.enter_within(Duration::from_secs(600)).map(drop)))
                .collect();
            while gate.queue().waiting < WAITING_MAX {
                std::thread::yield_now();
            }
            // One more is refused at once.
            assert_eq!(
                gate.enter_within(Duration::from_secs(600)).unwrap_err(),
                Busy
            );
            passes.pop();
            for thread in waiting {
                assert_eq!(thread.join().unwrap(), Ok(()));
            }
        });
        assert_eq!(gate.queue().running, RUNNING_MAX - 1);
    }

    #[test]
    fn work_that_panics_gives_its_place_back() {
        let gate = Gate::default();
        for _ in 0..=RUNNING_MAX {
            let failed = std::thread::scope(|threads| {
                let work = threads.spawn(|| {
                    let _pass = gate.enter().unwrap();
                    panic!("on purpose");
                });
                work.join()
            });
            assert!(failed.is_err());
        }
        assert_eq!(gate.queue().running, 0);
    }
}
