//! The guard around everything that works on a contract's bytes: wasm parsers, the engine, the imports' own work. A panic
//! in there is a mistake of theirs that a contract has found, the same on every node: it ends the call, not the process.
//! What verifies evidence and collateral stands behind it too, for the same reason: parsers of others on bytes of anybody.
//! A panic anywhere else, the caller's [`crate::Host`] included, goes on unwinding.
//!
//! This is the only place that catches panics. A process whose panics elsewhere must stop it installs a hook that asks
//! [`inside`] (ADR 10).

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::error::EngineError;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static ATTEMPT: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread runs code whose panic ends a contract's call, or an [`attempt`], and nothing else. For panic hooks.
#[must_use]
pub fn inside() -> bool {
    // A thread that ends has neither value any more, and runs no contract.
    INSIDE.try_with(Cell::get).unwrap_or(false) || ATTEMPT.try_with(Cell::get).unwrap_or(false)
}

/// Runs `work` that nobody needs, because it is done again where it did not succeed, or changes nothing: a panic in it, whoever's, is nothing. All that
/// it touched and others can see must be whole at every moment.
pub fn attempt<T>(work: impl FnOnce() -> T) -> Option<T> {
    let before = (INSIDE.replace(false), ATTEMPT.replace(true));
    // Unwind safe, as what only `work` can see is dropped with it, and what others see is whole.
    let ended = catch_unwind(AssertUnwindSafe(work));
    INSIDE.set(before.0);
    ATTEMPT.set(before.1);
    ended.ok()
}

/// Runs `work`; a panic in it is an [`EngineError::Broken`]. Its message is dropped: it may hold secrets.
///
/// The caller must not use again what `work` has touched.
///
/// # Errors
/// [`EngineError::Broken`] for a panic.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, EngineError> {
    let before = INSIDE.replace(true);
    // Unwind safe, as the caller throws away whatever `work` may have left half done; what it reached through `outside`
    // was not in the middle of anything, or the panic is not ours.
    let ended = catch_unwind(AssertUnwindSafe(work));
    let ours = INSIDE.replace(before);
    match ended {
        Ok(value) => Ok(value),
        Err(_) if ours => Err(EngineError::Broken("a panic".to_owned())),
        Err(payload) => resume_unwind(payload),
    }
}

/// Runs the caller's own code from within [`caught`]: its panics are its own.
pub(crate) fn outside<T>(work: impl FnOnce() -> T) -> T {
    let before = INSIDE.replace(false);
    let value = work();
    // Not put back by a panic: `caught` sees by it whose panic it was.
    INSIDE.set(before);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_inside_is_a_fault_and_the_thread_is_outside_again() {
        assert!(!inside());
        let ended = caught(|| {
            assert!(inside());
            panic!("with a secret: 42")
        });
        let Err(EngineError::Broken(text)) = ended.map(|()| 0) else {
            panic!("not caught")
        };
        assert!(!text.contains("42"));
        assert!(!inside());
    }

    #[test]
    fn a_panic_of_the_host_is_not_the_engines() {
        let host = || {
            let _ = caught(|| {
                outside(|| {
                    assert!(!inside());
                    panic!("the host's")
                })
            });
        };
        let payload = catch_unwind(host).expect_err("must go on");
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"the host's"));
        assert!(!inside());
    }

    #[test]
    fn whatever_panics_in_an_attempt_is_nothing_and_the_thread_is_outside_again() {
        assert_eq!(attempt(|| 7), Some(7));
        let host = || {
            assert!(inside());
            let _ = caught(|| outside(|| panic!("the host's, {}", inside())));
        };
        assert_eq!(attempt(host), None);
        assert!(!inside());
        let ended = attempt(|| caught(|| panic!("the engine's")).map(|()| 0).is_err());
        assert_eq!((ended, inside()), (Some(true), false));
    }

    #[test]
    fn after_the_host_the_engine_is_guarded_again() {
        let ended = caught(|| {
            assert_eq!(outside(|| 7), 7);
            assert!(inside());
            panic!("the engine's")
        });
        assert!(ended.map(|()| 0).is_err());
    }
}
