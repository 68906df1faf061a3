//! How a request fails: what is said, and what ends the enclave's work.

use std::sync::{Mutex, PoisonError};
use strongroom_bridge::{Failure, FailureCode};

/// Characters of a failure's text: some quote what the host sent, and `status` must fit its limit.
const TEXT_CHARS_MAX: usize = 1000;

/// A failure with its code.
pub(crate) fn failure(code: FailureCode, text: impl core::fmt::Display) -> Failure {
    Failure {
        code,
        text: text.to_string().chars().take(TEXT_CHARS_MAX).collect(),
        tx: None,
    }
}

/// The latch: the first failure whose code stops is remembered and answered to everything after it.
#[derive(Debug, Default)]
pub(crate) struct FailureLatch(Mutex<Option<Failure>>);

impl FailureLatch {
    /// The failure that stopped the enclave, if one did.
    pub(crate) fn stopped(&self) -> Option<Failure> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Runs `work` unless stopped; stops if it fails with a code that does.
    pub(crate) fn run<T>(&self, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        if let Some(failure) = self.stopped() {
            return Err(failure);
        }
        let outcome = work();
        // Another lane may have stopped in the meantime: then nothing of this one leaves either.
        let mut stopped = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = &*stopped {
            return Err(failure.clone());
        }
        if let Err(failure) = &outcome
            && failure.code.stops()
        {
            *stopped = Some(failure.clone());
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(
            failure(FailureCode::Genesis, "ß".repeat(5000)).text.len(),
            2 * TEXT_CHARS_MAX
        );
    }

    #[test]
    fn the_first_failed_check_is_answered_to_everything_after_it() {
        let latch = FailureLatch::default();
        assert_eq!(
            latch
                .run(|| Err::<(), _>(failure(FailureCode::Unavailable, "later")))
                .unwrap_err()
                .text,
            "later"
        );
        assert_eq!(latch.run(|| Ok(1)), Ok(1));
        let first = failure(FailureCode::Proof, "first");
        assert_eq!(
            latch.run(|| Err::<(), _>(first.clone())),
            Err(first.clone())
        );
        assert_eq!(latch.run(|| Ok(1)), Err(first.clone()));
        assert_eq!(
            latch.run(|| Err::<(), _>(failure(FailureCode::Content, "second"))),
            Err(first)
        );
    }
}
