//! How long what is written to a peer may wait for it.
//!
//! Promises: a peer that takes [`Rate::bytes_per_second`] on the whole is never cut off, however long the answer; one that
//! takes less, or nothing, is, at the latest [`Rate::waits`] after it took something.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// What a peer has to take. Every byte buys time, and no more than `waits` of it is ever in stock: so a whole answer
/// has `waits` and the time that its bytes take at this rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) waits: Duration,
    pub(crate) bytes_per_second: u64,
}

impl Rate {
    fn time_of(self, bytes: usize) -> Duration {
        let micros = (bytes as u64).saturating_mul(1_000_000);
        Duration::from_micros(micros.checked_div(self.bytes_per_second).unwrap_or(0))
    }
}

/// Runs from the first write that did not go through until everything is written.
pub(crate) struct Unread {
    rate: Rate,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Unread {
    pub(crate) const fn new(rate: Rate) -> Self {
        Self {
            rate,
            deadline: None,
        }
    }

    /// Everything is written.
    pub(crate) fn clear(&mut self) {
        self.deadline = None;
    }

    /// The peer took so many bytes, or none now.
    pub(crate) fn took(&mut self, bytes: Option<usize>, now: Instant) {
        let most = now + self.rate.waits;
        match (&mut self.deadline, bytes) {
            (Some(sleep), Some(bytes)) => {
                let deadline = sleep.deadline() + self.rate.time_of(bytes);
                sleep.as_mut().reset(deadline.min(most));
            }
            (None, None) => self.deadline = Some(Box::pin(sleep_until(most))),
            (Some(_), None) | (None, Some(_)) => {}
        }
    }

    /// Ready when the peer has had its time.
    pub(crate) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.deadline {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{ANSWER_BYTES_PER_SECOND_MIN, ANSWER_WAITS};

    const SECOND: Duration = Duration::from_secs(1);

    fn unread(now: Instant) -> Unread {
        let mut unread = Unread::new(Rate {
            waits: ANSWER_WAITS,
            bytes_per_second: ANSWER_BYTES_PER_SECOND_MIN,
        });
        unread.took(None, now);
        unread
    }

    fn is_over(unread: &Unread, now: Instant) -> bool {
        let deadline = unread.deadline.as_ref();
        deadline.is_some_and(|sleep| sleep.deadline() <= now)
    }

    /// Whether a peer that takes `bytes` every `rests` is still waited for after `lasts`.
    fn is_waited_for(bytes: usize, rests: Duration, lasts: Duration) -> bool {
        let mut now = Instant::now();
        let end = now + lasts;
        let mut unread = unread(now);
        while now < end {
            now += rests;
            if is_over(&unread, now) {
                return false;
            }
            unread.took(Some(bytes), now);
            unread.took(None, now);
        }
        true
    }

    #[tokio::test]
    async fn whoever_takes_the_rate_is_waited_for_in_pieces_of_any_size() {
        for (bytes, millis) in [
            (ANSWER_BYTES_PER_SECOND_MIN as usize, 1_000),
            (256 << 10, 1_000),
            (1_024, 7),
            // Twice the rate, when the kernel passes it on in large pieces only.
            (4 << 20, 16_000),
        ] {
            let rests = Duration::from_millis(millis);
            assert!(is_waited_for(bytes, rests, SECOND * 3_600), "{bytes}");
        }
    }

    #[tokio::test]
    async fn whoever_takes_less_is_not_whatever_it_took_before() {
        for bytes in [0, 1, 1_024, 100_000] {
            assert!(!is_waited_for(bytes, SECOND, ANSWER_WAITS * 5), "{bytes}");
        }
        let now = Instant::now();
        let mut unread = unread(now);
        unread.took(Some(1 << 30), now);
        assert!(!is_over(&unread, now + ANSWER_WAITS - SECOND));
        assert!(is_over(&unread, now + ANSWER_WAITS), "nothing is saved up");
    }

    #[tokio::test]
    async fn time_runs_only_while_something_waits() {
        let now = Instant::now();
        let mut unread = unread(now);
        unread.clear();
        unread.took(Some(1), now);
        assert!(!is_over(&unread, now + ANSWER_WAITS * 2));
    }
}
