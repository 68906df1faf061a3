//! Time as a seam: the system's in a node, a scripted one in tests.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use strongroom_types::Timestamp;

/// Source of block times.
pub trait Clock: Send + Sync {
    /// The time now. May jump, also backwards: who needs growing times takes care of it.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine. Its readings have nine digits that count: clients read times as text, and a 0 at the end would be cut off.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 is a broken clock; block times then grow from the genesis time on.
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        with_nine_digits(plus(Timestamp::default(), since))
    }
}

/// A clock that is set forward, and never back.
pub struct ShiftedClock<C> {
    clock: C,
    ahead: AtomicU64,
}

impl<C: Clock> ShiftedClock<C> {
    /// This far ahead of another clock.
    pub fn new(clock: C, ahead: Duration) -> Self {
        let ahead = AtomicU64::new(nanos(ahead));
        Self { clock, ahead }
    }

    /// How far it is ahead.
    pub fn ahead(&self) -> Duration {
        Duration::from_nanos(self.ahead.load(Ordering::SeqCst))
    }

    /// Sets it forward; saturates.
    pub fn advance(&self, by: Duration) {
        let add = |ahead: u64| Some(ahead.saturating_add(nanos(by)));
        let _ = self
            .ahead
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, add);
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl<C: Clock> Clock for ShiftedClock<C> {
    fn now(&self) -> Timestamp {
        with_nine_digits(plus(self.clock.now(), self.ahead()))
    }
}

/// A deterministic clock: every reading is one step later than the one before.
#[derive(Debug)]
pub struct TestClock {
    next: Mutex<Timestamp>,
    step: Duration,
}

impl TestClock {
    /// Starts at `start` and goes on by `step` with every reading; a step of zero stands still until [`Self::set`].
    #[must_use]
    pub fn new(start: Timestamp, step: Duration) -> Self {
        Self {
            next: Mutex::new(start),
            step,
        }
    }

    /// Sets the next reading.
    pub fn set(&self, time: Timestamp) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let now = *next;
        *next = plus(now, self.step);
        now
    }
}

/// `time`, or the nanosecond after it if it ends in 0.
pub(crate) fn with_nine_digits(time: Timestamp) -> Timestamp {
    if time.nanos.is_multiple_of(10) {
        plus(time, Duration::from_nanos(1))
    } else {
        time
    }
}

/// `time` moved on by `by`; saturates at the end of `i64` seconds.
pub(crate) fn plus(time: Timestamp, by: Duration) -> Timestamp {
    let nanos = u64::from(time.nanos) + u64::from(by.subsec_nanos());
    let seconds = i64::try_from(by.as_secs()).unwrap_or(i64::MAX);
    let carry = i64::from(nanos >= 1_000_000_000);
    Timestamp {
        seconds: time.seconds.saturating_add(seconds).saturating_add(carry),
        nanos: u32::try_from(nanos % 1_000_000_000).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_clock_steps_with_every_reading() {
        let clock = TestClock::new(
            Timestamp {
                seconds: 5,
                nanos: 999_999_999,
            },
            Duration::from_nanos(2),
        );
        assert_eq!(
            clock.now(),
            Timestamp {
                seconds: 5,
                nanos: 999_999_999
            }
        );
        assert_eq!(
            clock.now(),
            Timestamp {
                seconds: 6,
                nanos: 1
            }
        );
        clock.set(Timestamp {
            seconds: 1,
            nanos: 0,
        });
        assert_eq!(
            clock.now(),
            Timestamp {
                seconds: 1,
                nanos: 0
            }
        );
    }

    #[test]
    fn a_shifted_clock_goes_on_ahead_of_the_other() {
        let start = Timestamp {
            seconds: 5,
            nanos: 7,
        };
        let clock = TestClock::new(start, Duration::from_nanos(1));
        let shifted = ShiftedClock::new(clock, Duration::from_secs(10));
        assert_eq!(shifted.now().seconds, 15);
        shifted.advance(Duration::from_secs(3_600));
        assert_eq!(shifted.now().seconds, 3_615);
        assert_eq!(shifted.ahead(), Duration::from_secs(3_610));
        shifted.advance(Duration::MAX);
        assert_eq!(shifted.ahead(), Duration::from_nanos(u64::MAX));
        assert!(shifted.now().seconds > 3_615);
    }

    #[test]
    fn the_system_clock_is_after_2020_and_has_nine_digits() {
        for _ in 0..100 {
            let now = SystemClock.now();
            assert!(
                now.seconds > 1_577_836_800 && !now.nanos.is_multiple_of(10),
                "{now}"
            );
        }
        let at = |nanos| Timestamp { seconds: 10, nanos };
        assert_eq!(with_nine_digits(at(120)), at(121));
        assert_eq!(with_nine_digits(at(0)), at(1));
        assert_eq!(with_nine_digits(at(121)), at(121));
    }
}
