//! When transactions run beside each other, and how many: as long as that pays, which gas tells, since there is no clock here.
//!
//! Promises: whatever anybody sends, what windows are known to lose is at most about an eighth of the gas that runs in all, since as many times what one
//! lost runs alone before the next ([`REST`]). Nothing of it is ever part of a result: with any pace a block gives the same.

use super::ahead::CHUNK;
use crate::types::Gas;
use std::collections::BTreeMap;

/// Threads at most: each may hold what one transaction holds.
pub const THREADS_MAX: usize = 8;
/// Fewer transactions are not worth a thread.
const FEW: usize = 4;
/// Transactions that run alone at a time, as long as they have to.
const ALONE: usize = 32;
/// How many times the gas that a window cost too much runs alone after it; twice as often each further time, up to [`REST_MAX`].
const REST: Gas = 8;
const REST_MAX: Gas = 128;
/// The most gas that runs alone after a window: ten blocks of the local network.
const REST_GAS_MAX: Gas = 1_000_000_000;
/// What a window may cost, and may cost to be followed by a larger one, in tenths of what its transactions cost alone. Where it costs more,
/// signatures looked at ahead are worth as much.
const PAYS_TENTHS: Gas = 7;
const GROWS_TENTHS: Gas = 6;

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    taken: u64,
    again: u64,
    /// Gas of all of them at their places.
    alone: Gas,
    /// Gas at their places of those that ran again.
    again_gas: Gas,
    /// Gas that each strand used beside the others: those of one run one after the other.
    strands: BTreeMap<usize, Gas>,
}

impl Seen {
    /// A transaction that ran beside others, its strand, the gas that it used there (at most, where that is not known) and at its place.
    pub fn count(&mut self, is_taken: bool, strand: usize, tried: Gas, gas: Gas) {
        let of_strand = self.strands.entry(strand).or_default();
        *of_strand = of_strand.saturating_add(tried);
        self.alone = self.alone.saturating_add(gas);
        if is_taken {
            self.taken = self.taken.saturating_add(1);
        } else {
            self.again = self.again.saturating_add(1);
            self.again_gas = self.again_gas.saturating_add(gas);
        }
    }

    /// What they cost on so many threads, as long as gas takes on one: the strands, shared as well as can be, and after them what ran again.
    fn cost(&self, threads: usize) -> Gas {
        let threads = Gas::try_from(threads).unwrap_or(Gas::MAX).max(1);
        let longest = self.strands.values().copied().max().unwrap_or(0);
        let all = self.strands.values();
        let share = all.fold(0, |sum: Gas, gas| sum.saturating_add(*gas));
        let share = share.div_ceil(threads);
        longest.max(share).saturating_add(self.again_gas)
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
    /// Gas that runs alone before it.
    rest: Gas,
    /// How many times what it costs too much runs alone after the next window that does not pay.
    next_rest: Gas,
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
        match self.rest {
            0 => Turn::Beside(self.window.min(waiting)),
            _ => Turn::Alone(ALONE.min(waiting)),
        }
    }

    /// So much gas has run alone.
    pub const fn rested(&mut self, gas: Gas) {
        self.rest = self.rest.saturating_sub(gas);
    }

    /// A window has ended.
    pub fn learn(&mut self, seen: &Seen) {
        self.figures.windows = self.figures.windows.saturating_add(1);
        self.figures.taken = self.figures.taken.saturating_add(seen.taken);
        self.figures.again = self.figures.again.saturating_add(seen.again);
        let (alone, cost) = (seen.alone, seen.cost(self.threads));
        let at_most = |tenths: Gas| tenths_of(alone, tenths);
        if cost <= at_most(PAYS_TENTHS) {
            // More at a time have more in common.
            if cost <= at_most(GROWS_TENTHS) {
                self.window = self.window.saturating_mul(2).min(CHUNK);
            }
            self.next_rest = REST;
        } else {
            let too_much = cost.saturating_sub(at_most(PAYS_TENTHS));
            self.window = first(self.threads);
            self.rest = too_much.saturating_mul(self.next_rest).min(REST_GAS_MAX);
            self.next_rest = self.next_rest.saturating_mul(2).min(REST_MAX);
        }
    }
}

const fn tenths_of(gas: Gas, tenths: Gas) -> Gas {
    gas.saturating_mul(tenths).div_euclid(10)
}

/// Transactions of the first window: little is lost if it does not pay.
const fn first(threads: usize) -> usize {
    threads.saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each in a strand of its own.
    fn seen(taken: usize, again: usize) -> Seen {
        let mut seen = Seen::default();
        (0..taken + again).for_each(|n| seen.count(n < taken, n, 10, 10));
        seen
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
            pace.learn(&seen(19, 1));
        }
        assert_eq!(pace.turn(5), Turn::Beside(5));
        let figures = pace.figures();
        assert_eq!((figures.windows, figures.taken, figures.again), (8, 152, 8));
        // It pays as long as a fifth runs again, and then no larger one does.
        pace.learn(&seen(8, 2));
        assert_eq!(pace.turn(1_000), Turn::Beside(CHUNK));
        pace.learn(&seen(7, 3));
        assert_eq!(pace.turn(1_000), Turn::Alone(ALONE));
    }

    #[test]
    fn where_everything_conflicts_almost_all_runs_alone_and_one_good_window_ends_that() {
        for threads in [2, 4, 8] {
            let mut pace = Pace::new(threads);
            let (mut alone, mut beside) = (0, 0);
            while alone + beside < 10_000 {
                match pace.turn(10_000) {
                    Turn::Alone(n) => {
                        pace.rested(n as Gas * 10);
                        alone += n;
                    }
                    Turn::Beside(n) => {
                        beside += n;
                        pace.learn(&seen(1, n - 1));
                    }
                }
            }
            // Of each window two transactions' time is lost on so many threads, and one's is gained.
            let lost = beside / threads;
            assert!(lost * 50 < alone, "{threads}: {lost} of {alone}");
            while let Turn::Alone(n) = pace.turn(10_000) {
                pace.rested(n as Gas * 10);
            }
            pace.learn(&seen(8, 0));
            assert_eq!(pace.turn(10_000), Turn::Beside(threads * 4));
        }
    }

    #[test]
    fn one_strand_gains_nothing_however_much_of_it_is_taken() {
        let mut pace = Pace::new(8);
        let mut seen = Seen::default();
        (0..16).for_each(|_| seen.count(true, 0, 10, 10));
        assert_eq!((seen.alone, seen.cost(8)), (160, 160));
        pace.learn(&seen);
        assert_eq!(pace.turn(1_000), Turn::Alone(ALONE));
    }

    /// They burn all that they may beside others and give up, and cost nearly nothing at their places: a contract that returns at once if another
    /// transaction of the window has set its flag.
    #[test]
    fn a_window_of_cheap_ones_in_which_two_burned_their_limits_does_not_pay() {
        let mut pace = Pace::new(8);
        let mut window = seen(8, 0);
        (8..10).for_each(|n| window.count(false, n, 1_000, 10));
        assert_eq!((window.alone, window.cost(8)), (100, 1_000 + 20));
        pace.learn(&window);
        assert_eq!(pace.turn(1_000), Turn::Alone(ALONE));
    }

    /// Cheap ones that pay until windows are large, then one as dear as a block that runs again as a whole, in one strand: for ever.
    #[test]
    fn whoever_makes_windows_large_to_waste_one_wastes_an_eighth_of_all_at_most() {
        const CHEAP: Gas = 20_000;
        const DEAR: Gas = 400_000;
        for threads in [2, 4, 8] {
            let mut pace = Pace::new(threads);
            let (mut alone, mut cost) = (0, 0);
            for _ in 0..20_000 {
                let (size, is_beside) = match pace.turn(CHUNK) {
                    Turn::Alone(size) => (size, false),
                    Turn::Beside(size) => (size, true),
                };
                let is_bad = is_beside && size == CHUNK;
                let mut seen = Seen::default();
                for n in 0..size {
                    match is_bad {
                        true => seen.count(n == 0, 0, DEAR, DEAR),
                        false => seen.count(true, n, CHEAP, CHEAP),
                    }
                }
                alone += seen.alone;
                if is_beside {
                    cost += seen.cost(threads);
                    pace.learn(&seen);
                } else {
                    cost += seen.alone;
                    pace.rested(seen.alone);
                }
            }
            assert!(pace.figures().again > 0);
            assert!(cost <= alone / 8 * 9, "{threads}: {cost} for {alone}");
        }
    }
}
