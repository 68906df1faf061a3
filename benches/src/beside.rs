//! Blocks on one thread and on two, with nothing in common and with everything; and what more threads would give, by the recorded schedule:
//! the time of each transaction alone, what it read and wrote, and the rules of `chain::block` for which run beside each other.

use crate::figures::{Samples, ratio, table, us};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use strongroom_chain::block::{CHUNK, Figures, Pace, Seen, Turn};
use strongroom_chain::modules::compute::ContractEngine;
use strongroom_chain::tx::decode;
use strongroom_chain::{BlockOutcome, Slot};
use strongroom_testkit::fuzz::{Calls, Contention, Market};
use strongroom_types::{Address, Gas, RawTx};

/// Transactions of a block.
const TXS: usize = 256;
/// Blocks of each load.
const ROUNDS: usize = 15;
/// Threads that are simulated.
const SIMULATED: [usize; 3] = [2, 4, 8];

const LOADS: [(&str, Contention, Calls); 5] = [
    (
        "bank sends, nothing in common",
        Contention::None,
        Calls::None,
    ),
    ("bank sends to one account", Contention::Full, Calls::None),
    (
        "contract calls, nothing in common",
        Contention::None,
        Calls::All,
    ),
    ("transfers of one token", Contention::Full, Calls::All),
    ("both, among 32", Contention::Some(32), Calls::Some),
];

/// One load's samples, per transaction.
#[derive(Default)]
struct Cost {
    /// By cores for what is looked at ahead, and threads.
    clock: BTreeMap<(usize, usize), Samples>,
    simulated: BTreeMap<usize, Samples>,
}

pub(crate) fn run() {
    let mut rows = Vec::new();
    for (name, contention, calls) in LOADS {
        let mut market = Market::new(1, TXS);
        let ways = [(1, 1), (2, 1), (2, 2)];
        let engines = ways.map(|(cores, threads)| {
            let engine = ContractEngine::default();
            (
                cores,
                threads,
                engine.with_cores(cores).with_threads(threads),
            )
        });
        let mut paces: BTreeMap<usize, Pace> = SIMULATED.map(|n| (n, Pace::new(n))).into();
        let mut cost = Cost::default();
        for round in 0..=ROUNDS {
            let (txs, head) = (market.txs(contention, TXS, calls), market.next_head());
            let mut outcome = None;
            for (cores, threads, engine) in &engines {
                let begin = Instant::now();
                let given = market.replica().execute_on(engine, &head, &txs);
                let took = begin.elapsed() / TXS as u32;
                // The first block finds nothing loaded.
                if round > 0 {
                    let samples = cost.clock.entry((*cores, *threads)).or_default();
                    samples.push(took);
                }
                assert!(outcome.as_ref().is_none_or(|outcome| *outcome == given));
                outcome = Some(given);
            }
            let begin = Instant::now();
            let (outcome, times) = market.replica().times(&engines[0].2, &head, &txs);
            let rest = begin.elapsed().saturating_sub(times.iter().sum());
            for (threads, pace) in &mut paces {
                let took = schedule(pace, &txs, &outcome, &times) + rest;
                if round > 0 {
                    let samples = cost.simulated.entry(*threads).or_default();
                    samples.push(took / TXS as u32);
                }
            }
            market.keep(head, &outcome);
        }
        rows.push(cost.row(name, engines[2].2.beside()));
    }
    table(
        &format!(
            "Blocks of {TXS} transactions in the state machine, {ROUNDS} blocks of each load, by the clock"
        ),
        &[
            "load",
            "one thread, µs per transaction",
            "signatures ahead on two cores",
            "two threads: ratio to that",
            "µs",
            "gain to one thread",
            "taken, again",
            "simulated: 2",
            "4",
            "8 threads",
        ],
        &rows,
    );
}

impl Cost {
    fn row(&self, name: &str, figures: Figures) -> Vec<String> {
        let median = |way: (usize, usize)| self.clock[&way].median();
        let [one, ahead, two] = [median((1, 1)), median((2, 1)), median((2, 2))];
        let mut row = vec![
            name.to_owned(),
            us(one),
            us(ahead),
            format!("{:.2}", ratio(two, ahead)),
            us(two),
            format!("{:.2}x", ratio(one, two)),
            format!("{}, {}", figures.taken, figures.again),
        ];
        let simulated = self.simulated.values();
        row.extend(simulated.map(|s| format!("{:.2}x", ratio(one, s.median()))));
        row
    }
}

/// How long a block takes whose transactions run by these rules, if each takes as long as alone.
fn schedule(
    pace: &mut Pace,
    txs: &[RawTx],
    outcome: &BlockOutcome,
    times: &[Duration],
) -> Duration {
    let mut clock = Duration::ZERO;
    let senders: Vec<Option<Address>> = txs.iter().map(sender).collect();
    for chunk in 0..txs.len().div_ceil(CHUNK) {
        let end = txs.len().min((chunk + 1) * CHUNK);
        let mut at = chunk * CHUNK;
        while at < end {
            let turn = pace.turn(end - at);
            let (Turn::Alone(size) | Turn::Beside(size)) = turn;
            let window = at..at + size;
            at += size;
            if matches!(turn, Turn::Alone(_)) {
                clock += times[window.clone()].iter().sum::<Duration>();
                pace.rested(window.map(|n| gas(outcome, n)).sum());
                continue;
            }
            let mut strands: BTreeMap<&Option<Address>, Vec<usize>> = BTreeMap::new();
            window
                .clone()
                .for_each(|n| strands.entry(&senders[n]).or_default().push(n));
            let mut strands: Vec<Vec<usize>> = strands.into_values().collect();
            strands.sort();
            let mut threads = vec![Duration::ZERO; pace.threads()];
            for strand in &strands {
                let free = threads.iter_mut().min().expect("a thread");
                *free += strand.iter().map(|n| times[*n]).sum::<Duration>();
            }
            clock += threads.into_iter().max().unwrap_or_default();
            let (mut writers, mut taken, mut seen) =
                (BTreeMap::<&Slot, usize>::new(), vec![], Seen::default());
            for n in window.clone() {
                let stands = outcome.access[n]
                    .reads
                    .iter()
                    .all(|slot| match writers.get(slot) {
                        None => true,
                        Some(writer) => {
                            senders[*writer] == senders[n] && taken[writer - window.start]
                        }
                    });
                if !stands {
                    clock += times[n];
                }
                let strand = strands.iter().position(|strand| strand.contains(&n));
                seen.count(
                    stands,
                    strand.expect("a strand"),
                    gas(outcome, n),
                    gas(outcome, n),
                );
                taken.push(stands);
                writers.extend(outcome.access[n].writes.iter().map(|slot| (slot, n)));
            }
            pace.learn(&seen);
        }
    }
    clock
}

fn gas(outcome: &BlockOutcome, n: usize) -> Gas {
    Gas::try_from(outcome.tx_results[n].gas_used).unwrap_or(0)
}

fn sender(tx: &RawTx) -> Option<Address> {
    let decoded = decode(tx).ok()?;
    decoded.messages.first()?.signers().ok()?.first().cloned()
}
