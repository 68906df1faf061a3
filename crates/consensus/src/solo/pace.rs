//! How many transactions a block is given, so that it takes no longer than its time.
//!
//! Whoever waits for a block waits for all that is in it, and a restart executes the last one again. So blocks are cut at what was
//! executed in this time before. It is the proposer's own choice: any block that fits is a good one.

use super::BlockTiming;
use std::time::{Duration, Instant};
use strongroom_proof::light::BLOCK_TXS_MAX;

/// How long a block takes at most, as a goal, if blocks are made as soon as transactions wait. Shorter ones would cost more: what many
/// transactions write is sealed and hashed once in a block. Whoever waits does so for whole blocks.
const TARGET: Duration = Duration::from_millis(500);
/// So many are given at least: what a block costs by itself is shared.
const TXS_MIN: usize = 16;

/// See the module.
#[derive(Debug)]
pub(super) struct Pace {
    target: Duration,
    each: Option<Duration>,
}

impl Pace {
    pub(super) const fn new(timing: BlockTiming) -> Self {
        let target = match timing {
            BlockTiming::Instant => TARGET,
            // Shorter blocks would leave the rest of the time unused.
            BlockTiming::Every(interval) => interval,
        };
        Self { target, each: None }
    }

    /// The most transactions for the next block.
    pub(super) fn txs_max(&self) -> usize {
        let Some(each) = self.each else {
            return BLOCK_TXS_MAX;
        };
        let fit = self.target.as_nanos() / each.as_nanos().max(1);
        usize::try_from(fit)
            .unwrap_or(BLOCK_TXS_MAX)
            .clamp(TXS_MIN, BLOCK_TXS_MAX)
    }

    /// A block of so many transactions was executed since `begin`.
    pub(super) fn executed(&mut self, txs: usize, begin: Instant) {
        self.learn(txs, begin.elapsed());
    }

    fn learn(&mut self, txs: usize, took: Duration) {
        // What a small block costs by itself would count as its transactions'.
        let Some(txs) = u32::try_from(txs).ok().filter(|txs| *txs >= TXS_FEW) else {
            return;
        };
        let new = took / txs;
        self.each = Some(match self.each {
            // One block that somebody made slow cuts the next ones less, and they forget it at once: it cost him no more than one.
            Some(old) if old < new => old.saturating_add(new) / 2,
            _ => new,
        });
    }
}

/// Blocks with fewer transactions say nothing of what each costs.
const TXS_FEW: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_cut_at_what_its_time_was_enough_for_and_never_below_a_few() {
        let mut pace = Pace::new(BlockTiming::Instant);
        assert_eq!(pace.txs_max(), BLOCK_TXS_MAX);
        // Two transactions of a second: a block by itself is slow, not they.
        pace.learn(2, Duration::from_secs(2));
        assert_eq!(pace.txs_max(), BLOCK_TXS_MAX);
        pace.learn(1_000, TARGET);
        assert_eq!(pace.txs_max(), 1_000);
        // One block that was slow does not cut the next one to nothing, many do.
        pace.learn(100, TARGET);
        assert!((150..200).contains(&pace.txs_max()), "{}", pace.txs_max());
        for _ in 0..100 {
            pace.learn(8, Duration::from_secs(80));
        }
        assert_eq!(pace.txs_max(), TXS_MIN);
        // However slow blocks were, one that is quick ends it.
        pace.learn(TXS_MIN, Duration::from_micros(16));
        assert_eq!(pace.txs_max(), BLOCK_TXS_MAX);
    }

    #[test]
    fn blocks_of_an_interval_may_take_all_of_it() {
        let mut pace = Pace::new(BlockTiming::Every(Duration::from_secs(6)));
        pace.learn(1_000, Duration::from_secs(1));
        assert_eq!(pace.txs_max(), 6_000);
    }
}
