//! How long a transaction waits, by what the blocks before took.

use super::load::Load;
use std::time::{Duration, Instant};

/// A block with fewer transactions says nothing of what a full one takes: what it costs by itself would count as theirs.
const TXS_FEW: u64 = 8;
/// The most blocks of which there is room for what waits, however little the last ones took: the next may be others.
const BLOCKS_MAX: u32 = 4;
/// What a transaction takes before one was measured.
const EACH: Duration = Duration::from_millis(1);
/// The least that a client is told to wait: what is due, or late, is a few milliseconds away.
const WAIT_MIN: Duration = Duration::from_millis(10);
/// Those who are refused come back one after the other within this time at most after the next block has begun. Whoever comes back sooner than
/// it was told makes others wait, but no longer than this, which is what clients rest that read nothing but `Retry-After`.
const SPREAD_MAX: Duration = Duration::from_secs(1);

/// The block that runs, as it was reaped, and how long a full one takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Running {
    at: Option<Instant>,
    given: Load,
    /// What it used of that, as far as it is known. So nobody makes blocks look fast with gas that is asked for and not used.
    used: Load,
    /// What a block may have.
    block: Load,
    /// How long a full one takes.
    full: Option<Duration>,
    /// How long a transaction of the last one took.
    each: Duration,
    /// How many were refused whose turn to come back is in no block yet.
    refused: u32,
    /// From one block to the next, where that is the same for all.
    interval: Option<Duration>,
}

impl Default for Running {
    fn default() -> Self {
        Self {
            at: None,
            given: Load::default(),
            used: Load::default(),
            block: Load::MAX,
            full: None,
            each: EACH,
            refused: 0,
            interval: None,
        }
    }
}

impl Running {
    /// None runs yet.
    pub(super) fn new(interval: Option<Duration>) -> Self {
        Self {
            full: interval,
            interval,
            ..Self::default()
        }
    }

    /// A block was given its transactions: the one before it has run.
    pub(super) fn reaped(&mut self, now: Instant, block: Load, given: Load) {
        if let Some(at) = self.at.filter(|_| self.given.txs >= TXS_FEW) {
            let took = now.saturating_duration_since(at);
            // Where blocks come at intervals that says when they are made, not how long they run.
            if self.interval.is_none() {
                self.each = took / u32::try_from(self.given.txs).unwrap_or(u32::MAX);
                self.full = Some(self.used.scaled_up(took, self.block));
            }
        }
        // As many came back, or may, as the block that is over left places.
        let came = u32::try_from(self.given.txs).unwrap_or(u32::MAX);
        self.refused = self.refused.saturating_sub(came);
        self.at = Some(now);
        self.block = block;
        self.given = given;
        self.used = given;
    }

    /// The next block may have so much.
    pub(super) const fn expect(&mut self, block: Load) {
        self.block = block;
    }

    /// How long it is until the next block is given its transactions.
    fn remains(&self, now: Instant) -> Duration {
        let (Some(at), Some(full)) = (self.at, self.full) else {
            // Before the first one: at most from one to the next.
            return self.interval.unwrap_or_default();
        };
        let takes = match self.interval {
            Some(interval) => interval,
            None => self.used.scaled_down(full, self.block),
        };
        takes.saturating_sub(now.saturating_duration_since(at))
    }

    /// What the block that was given transactions last used of the gas that they asked for.
    pub(super) fn ran(&mut self, gas_used: u64) {
        self.used = self.given;
        self.used.gas = gas_used.min(self.given.gas);
    }

    /// What a block may have.
    pub(super) const fn block(&self) -> Load {
        self.block
    }

    /// How many blocks are full before the one of what comes behind this.
    pub(super) fn blocks_before(&self, queued: Load) -> u64 {
        queued.fills(self.block)
    }

    /// When to come back for whoever is refused now: once the next block has left places, one after the other, as fast as blocks take them.
    pub(super) fn refuse(&mut self, now: Instant) -> Duration {
        let after = self.each.saturating_mul(self.refused);
        if after < SPREAD_MAX {
            self.refused = self.refused.saturating_add(1);
        }
        let next = self.remains(now).saturating_add(after.min(SPREAD_MAX));
        next.max(WAIT_MIN)
    }

    /// What may wait for blocks so that all of it has run `within` this time, the block that runs before it included. There is room for the next one
    /// however long it takes, and for so many at most.
    pub(super) fn room(&self, within: Duration) -> Load {
        let Some(full) = self.full else {
            return self.block;
        };
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let left = within.saturating_sub(full).max(full);
        let most = full.saturating_mul(BLOCKS_MAX);
        self.block.parts(nanos(left.min(most)), nanos(full))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: Load = Load {
        txs: 1_000,
        gas: 1_000,
        bytes: 100_000,
    };

    fn given(txs: u64) -> Load {
        Load {
            txs,
            gas: txs,
            bytes: txs,
        }
    }

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn there_is_room_for_what_has_run_in_time_and_for_one_block_however_slow_it_is() {
        let begin = Instant::now();
        let room = |running: &Running, within| running.room(ms(within)).txs;
        let mut running = Running::default();
        assert_eq!(running.room(ms(1_500)), Load::MAX);
        running.reaped(begin, BLOCK, given(500));
        // How long blocks take is not known yet.
        assert_eq!(room(&running, 60_000), BLOCK.txs);
        running.reaped(begin + ms(250), BLOCK, given(1_000));
        // Half a block in a quarter of a second: what runs already takes half a second.
        assert_eq!(running.remains(begin + ms(250)), ms(500));
        assert_eq!(running.remains(begin + ms(1_000)), ms(0));
        for (within, txs) in [(0, 1_000), (900, 1_000), (1_200, 1_400), (1_500, 2_000)] {
            assert_eq!(room(&running, within), txs, "{within}");
        }
        // No room for more than a few blocks, however long all may wait.
        assert_eq!(room(&running, 60_000), 4_000);
        // A block of a few says nothing; an empty one is over at once.
        running.reaped(begin + ms(750), BLOCK, given(TXS_FEW - 1));
        running.reaped(begin + ms(9_000), BLOCK, given(0));
        assert_eq!(room(&running, 1_500), 2_000);
        assert_eq!(running.remains(begin + ms(9_000)), ms(0));
    }

    #[test]
    fn who_is_refused_comes_back_after_the_next_block_has_begun_and_after_those_who_were_refused_before()
     {
        let begin = Instant::now();
        let mut running = Running::default();
        // Nothing is known: soon.
        assert_eq!(running.refuse(begin), WAIT_MIN);
        running.reaped(begin, BLOCK, given(500));
        running.reaped(begin + ms(500), BLOCK, given(1_000));
        // A thousand transactions take a second, one a millisecond.
        for n in 0..3 {
            assert_eq!(running.refuse(begin + ms(700)), ms(800 + n));
        }
        // Whoever asks again and again does not move the others further than this.
        for _ in 0..100_000 {
            running.refuse(begin + ms(700));
        }
        assert_eq!(running.refuse(begin + ms(700)), ms(800) + SPREAD_MAX);
        // It is late: those who come are told apart all the same.
        assert_eq!(running.refuse(begin + ms(5_000)), SPREAD_MAX);
        // A block has taken as many, and it is as if nobody had been refused.
        running.reaped(begin + ms(1_500), BLOCK, given(0));
        assert_eq!(running.refuse(begin + ms(1_500)), WAIT_MIN);
    }

    #[test]
    fn blocks_of_an_interval_take_that_however_little_is_in_them() {
        let (begin, interval) = (Instant::now(), Duration::from_secs(6));
        let mut running = Running::new(Some(interval));
        for given in [given(0), given(1_000)] {
            running.reaped(begin, BLOCK, given);
            assert_eq!(running.remains(begin + interval / 3), interval * 2 / 3);
            assert_eq!(running.room(interval * 3), BLOCK.parts(2, 1));
        }
    }

    #[test]
    fn who_is_refused_between_blocks_of_an_interval_comes_back_with_the_next_one_after_a_start_and_after_blocks_of_few()
     {
        let (begin, interval) = (Instant::now(), Duration::from_secs(6));
        let mut running = Running::new(Some(interval));
        assert_eq!(running.refuse(begin), interval);
        let next = begin + interval;
        running.reaped(begin, BLOCK, given(TXS_FEW));
        running.reaped(next, BLOCK, given(TXS_FEW));
        for n in 0..3 {
            assert_eq!(running.refuse(next), interval + ms(n));
        }
    }
}
