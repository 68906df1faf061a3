//! The same blocks on one thread and on several: every result, event, gas, write and access must be equal (ADR 23).
//!
//! A third of them is of the crowd that sends anything, in which all have much in common; a third of a market, from nothing in common to
//! everything; a third are tangles, whose transactions stand on each other. Each also runs where threads know a part of the state only.

use super::market::{Calls, Contention, Market};
use super::tangle::Tangle;
use super::{Run, Where};
use crate::genesis::Options;
use crate::replica::{Replica, Sealed};
use std::collections::BTreeMap;
use strongroom_chain::block::Figures;
use strongroom_chain::modules::compute::ContractEngine;
use strongroom_chain::{BlockInfo, BlockOutcome};
use strongroom_types::{ExecTxResult, RawTx};

/// Threads beside one.
pub const THREADS: [usize; 3] = [2, 4, 8];
/// Threads that know a part of the state only.
const PARTLY_THREADS: usize = 4;
/// Those who send on the market.
const SENDERS: usize = 96;
/// Most transactions of a block of the market.
const MARKET_TXS: usize = 150;
/// Blocks between two lines of progress.
const PROGRESS: u64 = 200;
/// Blocks after which engines begin again, with nothing loaded and nothing learned.
const FORGET: u64 = 50;

/// Result of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Threads {
    /// The seed.
    pub seed: u64,
    /// Blocks, each executed once for one thread and once for each of [`THREADS`].
    pub blocks: u64,
    /// Transactions in them.
    pub txs: u64,
    /// Of these: succeeded.
    pub succeeded: u64,
    /// Contracts that were made.
    pub made: u64,
    /// Contracts that got other code.
    pub migrated: u64,
    /// By threads: what became of what ran beside others.
    pub beside: BTreeMap<usize, Figures>,
    /// The same where threads know a part of the state only.
    pub partly: Figures,
    /// Blocks that ended before their last transaction.
    pub ended_early: u64,
}

/// Engines for one block after the other.
struct Engines {
    alone: ContractEngine,
    beside: Vec<(usize, ContractEngine)>,
    /// On threads that know a part of the state only.
    partly: ContractEngine,
}

impl Engines {
    fn new() -> Self {
        // Those with threads look ahead, too, as a node does.
        let engine = |threads| {
            let engine = ContractEngine::default().with_threads(threads);
            engine.with_cores(threads)
        };
        Self {
            alone: engine(1),
            beside: THREADS.map(|threads| (threads, engine(threads))).into(),
            partly: engine(PARTLY_THREADS),
        }
    }

    /// What the block gives, which must be the same on any of them.
    fn same(&self, replica: &Replica<Sealed>, head: &BlockInfo, txs: &[RawTx]) -> BlockOutcome {
        let alone = replica.execute_on(&self.alone, head, txs);
        let compare = |threads: &str, beside: BlockOutcome| {
            for (n, (a, b)) in alone.tx_results.iter().zip(&beside.tx_results).enumerate() {
                assert_eq!(a, b, "transaction {n} on {threads}");
            }
            assert!(alone == beside, "the block is another on {threads}");
        };
        for (threads, engine) in &self.beside {
            let beside = replica.execute_on(engine, head, txs);
            compare(&format!("{threads} threads"), beside);
        }
        let beside = replica.execute_partly(&self.partly, head, txs);
        compare("threads that know a part only", beside);
        alone
    }

    fn count(&self, into: &mut Threads) {
        for (threads, engine) in &self.beside {
            add(into.beside.entry(*threads).or_default(), engine.beside());
        }
        add(&mut into.partly, self.partly.beside());
    }
}

fn add(sum: &mut Figures, new: Figures) {
    sum.windows += new.windows;
    sum.taken += new.taken;
    sum.again += new.again;
}

/// Runs so many blocks.
///
/// # Panics
/// At the first block that is another on some number of threads; prints seed and block.
#[must_use]
pub fn on_threads(seed: u64, blocks: u64) -> Threads {
    let mut at = Where { seed, block: 0 };
    let mut figures = Threads {
        seed,
        ..Threads::default()
    };
    let (mut crowd, _) = Run::new(&Options {
        seed,
        ..Options::default()
    });
    let mut market = Market::new(seed, SENDERS);
    let mut tangle = Tangle::new(seed);
    let new = || [Engines::new(), Engines::new(), Engines::new()];
    let mut engines = new();
    while at.block < blocks {
        let [of_crowd, of_market, of_tangle] = &engines;
        let outcome = match at.block % 3 {
            0 => crowd.block_on(of_crowd),
            1 => market.block_on(of_market),
            _ => tangle.block_on(of_tangle),
        };
        let events = outcome.tx_results.iter().flat_map(|r| &r.events);
        for event in events {
            figures.made += u64::from(event.kind == "instantiate");
            figures.migrated += u64::from(event.kind == "migrate");
        }
        let last = outcome.tx_results.last();
        figures.ended_early += u64::from(last.is_some_and(ExecTxResult::is_left));
        figures.blocks += 1;
        figures.txs += outcome.tx_results.len() as u64;
        figures.succeeded += outcome.tx_results.iter().filter(|r| r.code == 0).count() as u64;
        at.block += 1;
        if at.block.is_multiple_of(FORGET) || at.block == blocks {
            engines
                .iter()
                .for_each(|engines| engines.count(&mut figures));
            engines = new();
        }
        if at.block.is_multiple_of(PROGRESS) {
            println!("{figures:?}");
        }
    }
    figures
}

impl Run {
    fn block_on(&mut self, engines: &Engines) -> BlockOutcome {
        let (txs, checked) = self.content();
        let (txs, next) = (RawTx::list(txs), self.next_head());
        let before = self.standing();
        let outcome = engines.same(&self.replica, &next, &txs);
        self.after(next, &before, &outcome, checked);
        outcome
    }
}

impl Market {
    fn block_on(&mut self, engines: &Engines) -> BlockOutcome {
        let contention = match self.pick(4) {
            0 => Contention::None,
            1 => Contention::Full,
            _ => Contention::Some(1 + self.pick(32)),
        };
        let calls = [Calls::None, Calls::Some, Calls::All][self.pick(3)];
        let count = 1 + self.pick(if calls == Calls::None { MARKET_TXS } else { 40 });
        let (txs, next) = (self.txs(contention, count, calls), self.next_head());
        let outcome = engines.same(self.replica(), &next, &txs);
        self.keep(next, &outcome);
        outcome
    }
}

impl Tangle {
    fn block_on(&mut self, engines: &Engines) -> BlockOutcome {
        let (txs, next) = (self.txs(), self.next_head());
        let outcome = engines.same(self.replica(), &next, &txs);
        self.keep(next, &outcome);
        outcome
    }
}
