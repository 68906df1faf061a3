//! When transactions run beside each other, and how many: as long as that pays, which gas tells, since there is no clock here.
//!
//! Nothing of it is ever part of a result: with any pace a block gives the same.

use super::ahead::CHUNK;
use crate::types::Gas;

/// Threads at most: each may hold what one transaction holds.
pub const THREADS_MAX: usize = 8;
/// Fewer transactions are not worth a thread.
const FEW: usize = 4;
/// Transactions that run alone after a window that did not pay; twice as many each further time, up to [`REST_MAX`].
const REST: usize = 16;
const REST_MAX: usize = 256;

/// What became of transactions that ran beside others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Times that some ran beside each other.
    pub windows: u64,
    /// Transactions that were taken as they ran.
    pub taken: u64,
    /// Transactions that ran again at their place.
    pub again: u64,
}

/// What became of one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    taken: (u64, Gas),
    again: (u64, Gas),
}

impl Seen {
    /// A transaction that ran beside others, and its gas.
    pub const fn count(&mut self, taken: bool, gas: Gas) {
        let of = if taken {
            &mut self.taken
        } else {
            &mut self.again
        };
        *of = (of.0.saturating_add(1), of.1.saturating_add(gas));
    }
}

/// What runs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// So many, one after the other.
    Alone(usize),
    /// So many beside each other.
    Beside(usize),
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    threads: usize,
    /// Transactions of the next window.
    window: usize,
    /// Transactions that run alone before it.
    rest: usize,
    /// Those that will after the next window that does not pay.
    next_rest: usize,
    figures: Figures,
}

impl Pace {
    /// For so many threads, at most [`THREADS_MAX`]; with one nothing ever runs beside anything.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        let threads = threads.clamp(1, THREADS_MAX);
        Self {
            threads,
            window: first(threads),
            rest: 0,
            next_rest: REST,
            figures: Figures::default(),
        }
    }

    /// Threads.
    #[must_use]
    pub const fn threads(&self) -> usize {
        self.threads
    }

    /// What it has seen.
    #[must_use]
    pub const fn figures(&self) -> Figures {
        self.figures
    }

    /// What runs next of so many that wait.
    #[must_use]
    pub fn turn(&self, waiting: usize) -> Turn {
        if self.threads < 2 || waiting < FEW {
            return Turn::Alone(waiting);
        }
        match self.rest.min(waiting) {
            0 => Turn::Beside(self.window.min(waiting)),
            rest => Turn::Alone(rest),
        }
    }

    /// So many have run alone.
    pub const fn rested(&mut self, txs: usize) {
        self.rest = self.rest.saturating_sub(txs);
    }

    /// A window has ended.
    pub fn learn(&mut self, seen: &Seen) {
        let Seen { taken, again } = seen;
        self.figures.windows = self.figures.windows.saturating_add(1);
        self.figures.taken = self.figures.taken.saturating_add(taken.0);
        self.figures.again = self.figures.again.saturating_add(again.0);
        // Alone all would have taken as long as `taken + again`. Beside each other it was `(taken + again) / threads`, and `again` after
        // that: on two threads three tenths less where a fifth runs again. Where it is less, signatures looked at ahead are worth as much.
        let others = Gas::try_from(self.threads.saturating_sub(1)).unwrap_or(1);
        let gained = taken.1.saturating_mul(others);
        if gained >= again.1.saturating_mul(4) {
            // More at a time have more in common.
            if gained >= again.1.saturating_mul(8) {
                self.window = self.window.saturating_mul(2).min(CHUNK);
            }
            self.next_rest = REST;
        } else {
            self.window = first(self.threads);
            self.rest = self.next_rest;
            self.next_rest = self.next_rest.saturating_mul(2).min(REST_MAX);
        }
    }
}

/// Transactions of the first window: little is lost if it does not pay.
const fn first(threads: usize) -> usize {
    threads.saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(taken: u64, again: u64) -> Seen {
        Seen {
            taken: (taken, taken * 10),
            again: (again, again * 10),
        }
    }

    #[test]
    fn on_one_thread_and_for_a_few_nothing_runs_beside_anything() {
        assert_eq!(Pace::new(0).turn(500), Turn::Alone(500));
        assert_eq!(Pace::new(1).turn(500), Turn::Alone(500));
        assert_eq!(Pace::new(2).turn(FEW - 1), Turn::Alone(FEW - 1));
        assert_eq!(Pace::new(100).threads(), THREADS_MAX);
    }

    #[test]
    fn windows_grow_while_they_pay_up_to_a_chunk() {
        let mut pace = Pace::new(2);
        for window in [4, 8, 16, 32, 64, 128, CHUNK, CHUNK] {
            assert_eq!(pace.turn(1_000), Turn::Beside(window));
            pace.learn(&seen(8, 1));
        }
        assert_eq!(pace.turn(5), Turn::Beside(5));
        let figures = pace.figures();
        assert_eq!((figures.windows, figures.taken, figures.again), (8, 64, 8));
    }

    #[test]
    fn where_everything_conflicts_almost_all_runs_alone_and_one_good_window_ends_that() {
        for threads in [2, 4, 8] {
            let mut pace = Pace::new(threads);
            let (mut alone, mut beside) = (0, 0);
            while alone + beside < 10_000 {
                match pace.turn(10_000) {
                    Turn::Alone(n) => {
                        pace.rested(n);
                        alone += n;
                    }
                    Turn::Beside(n) => {
                        beside += n;
                        pace.learn(&seen(1, n as u64 - 1));
                    }
                }
            }
            // Of each window two transactions' time is lost on so many threads, and one's is gained.
            let lost = beside / threads;
            assert!(lost * 50 < alone, "{threads}: {lost} of {alone}");
            while let Turn::Alone(n) = pace.turn(10_000) {
                pace.rested(n);
            }
            pace.learn(&seen(8, 0));
            assert_eq!(pace.turn(10_000), Turn::Beside(threads * 4));
        }
    }
}
