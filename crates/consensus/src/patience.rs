//! Waiting that can be ended: the signals of an engine, and calls that are made again while the machine is short of room.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The pause after the first transient error; each further one in a row doubles it, up to [`RETRY_MAX`].
const RETRY_FIRST: Duration = Duration::from_millis(50);
/// The longest pause: so long a chain stands still at most after room was made.
const RETRY_MAX: Duration = Duration::from_secs(2);

/// An error that may pass by itself.
pub(crate) trait Passing: core::fmt::Display + Sized {
    /// What a call gives that was asked to stop while it waited.
    const STOPPED: Self;

    /// Whether the same call may succeed later: the machine is short of room, nothing is broken.
    fn is_transient(&self) -> bool;
}

/// Makes a call until it succeeds or fails for good; each call that is given here may be made again after a transient
/// error. Gives up only when it is asked to stop.
pub(crate) fn patiently<T, E: Passing>(
    signals: &Signals,
    mut call: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    let mut pause = RETRY_FIRST;
    loop {
        match call() {
            Err(error) if error.is_transient() => {
                tracing::warn!(
                    "the chain waits, next try in {} ms: {error}",
                    pause.as_millis()
                );
                if !signals.wait_until(Instant::now() + pause) {
                    return Err(E::STOPPED);
                }
                pause = pause.saturating_mul(2).min(RETRY_MAX);
            }
            done => {
                if pause > RETRY_FIRST && done.is_ok() {
                    tracing::warn!("the chain goes on");
                }
                return done;
            }
        }
    }
}

/// What an engine's thread is told.
#[derive(Default)]
pub(crate) struct Signals {
    state: Mutex<Signal>,
    changed: Condvar,
}

#[derive(Default)]
struct Signal {
    stop: bool,
    pending: bool,
    /// A block is wanted now, whatever waits.
    block: bool,
}

impl Signals {
    /// The engine is to stop.
    pub(crate) fn stop(&self) {
        self.lock().stop = true;
        self.changed.notify_all();
    }

    /// Something waits for the engine: transactions, a commit that is done, or an end.
    pub(crate) fn set_pending(&self) {
        self.lock().pending = true;
        self.changed.notify_all();
    }

    /// A block is wanted now, empty or not.
    pub(crate) fn want_block(&self) {
        self.lock().block = true;
        self.changed.notify_all();
    }

    /// Whether a block is wanted; it is not from here on.
    pub(crate) fn take_wanted(&self) -> bool {
        std::mem::take(&mut self.lock().block)
    }

    pub(crate) fn stopped(&self) -> bool {
        self.lock().stop
    }

    /// Waits until `due`, or until a block is wanted; false: stop.
    pub(crate) fn wait_for_block(&self, due: Instant) -> bool {
        let left = due.saturating_duration_since(Instant::now());
        let (signal, _) = self
            .changed
            .wait_timeout_while(self.lock(), left, |s| !s.stop && !s.block)
            .unwrap_or_else(PoisonError::into_inner);
        !signal.stop
    }

    /// Waits until something waits, or a block is wanted; false: stop.
    pub(crate) fn wait_for_pending(&self) -> bool {
        let mut signal = self
            .changed
            .wait_while(self.lock(), |s| !s.stop && !s.pending && !s.block)
            .unwrap_or_else(PoisonError::into_inner);
        signal.pending = false;
        !signal.stop
    }

    /// Waits until `due`; false: stop.
    pub(crate) fn wait_until(&self, due: Instant) -> bool {
        let left = due.saturating_duration_since(Instant::now());
        let (signal, _) = self
            .changed
            .wait_timeout_while(self.lock(), left, |s| !s.stop)
            .unwrap_or_else(PoisonError::into_inner);
        !signal.stop
    }

    fn lock(&self) -> MutexGuard<'_, Signal> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
