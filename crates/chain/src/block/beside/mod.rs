//! Transactions of a block that run beside each other, each on the block as it stands before all of them, and in order on what its own
//! sender's did before it. At its turn each is *taken* as it ran if that is what it would do now, else it runs again (ADR 23).
//!
//! Promises: a block gives the same as if all had run one after the other, to the last byte, on any number of threads. What is taken follows
//! from which slots were read and written, never from values. What runs here asks nobody anything, and whatever it meets (a fault, a panic,
//! what is not here) only makes it run again. A transaction runs at most twice, and beside others only while the gas limits of all of them
//! fit what is left of the block. What takes much memory at once (`TxMsg::ALONE`) runs at its turn only, with all that its first signer sends after it.

#[cfg(test)]
mod tests;

use super::ahead::{Ahead, decode_all};
use super::one::{Ran, Setting};
use crate::Bytes;
use crate::ctx::{BlockInfo, ExecutionEnv, TxInfo};
use crate::engine::{BlockCodeCache, ContractEngine, NewCodes};
use crate::error::Fault;
use crate::overlay::{Overlay, Slot};
use crate::ports::{CodeRead, Secrets, StateRead, WatchAhead};
use crate::state::{Below, State, StrandWrites};
use crate::tx::looked::Looked;
use crate::tx::{AnteConfig, DecodedTx, Msg};
use crate::types::{Address, Gas, Hash, RawTx};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::vec::IntoIter;
use strongroom_vm::guard;

/// Stack of a thread, in bytes: as where transactions run alone (`bridge::lane`), so that none needs more than there is.
const STACK_BYTES: usize = 8 << 20;

/// A transaction of a window.
pub(super) struct Next<'b> {
    /// Its place in the block.
    pub(super) index: u32,
    pub(super) raw: &'b RawTx,
    /// What is known of it; given away when it runs beside others.
    pub(super) ahead: Option<Ahead>,
    /// Whether all was looked at that can be ahead; where it may run beside others it is decoded, and no more.
    pub(super) is_looked_at: bool,
    /// The signature that was verified there.
    pub(super) signed: Option<Looked>,
    /// The strand in which it ran beside others, if it did.
    pub(super) strand: Option<usize>,
    /// The gas that it used there; its limit where it came to no end, since what it had used by then is not known.
    pub(super) tried: Gas,
    /// What it did there, if it came to an end.
    pub(super) did: Option<Did>,
}

impl<'b> Next<'b> {
    pub(super) const fn new(index: u32, raw: &'b RawTx) -> Self {
        Self {
            index,
            raw,
            ahead: None,
            is_looked_at: false,
            signed: None,
            strand: None,
            tried: 0,
            did: None,
        }
    }
}

/// What a transaction did beside others.
pub(super) struct Did {
    ran: Ran,
    /// What it saw as [`TxInfo::counter`].
    counter: u32,
    reads: BTreeSet<Slot>,
    /// Of these, what others of its strand had written, with their places in the window.
    of_strand: BTreeMap<Slot, usize>,
    writes: BTreeMap<Slot, Option<Bytes>>,
    codes: NewCodes,
    /// What it read below the block, which is the same for all of them.
    fetched: Vec<(Slot, Option<Bytes>)>,
}

impl Did {
    pub(super) const fn gas(&self) -> Gas {
        self.ran.gas
    }
}

/// A transaction that runs on some thread.
struct Job<'b> {
    /// Its place in the window.
    place: usize,
    index: u32,
    hash: &'b Hash,
    counter: u32,
    decoded: DecodedTx,
    signed: Option<Looked>,
}

/// Transactions of one sender, in order: each builds on the one before it, and would run again otherwise.
struct Strand<'b> {
    number: usize,
    jobs: Vec<Job<'b>>,
}

/// A transaction that ran in a strand.
struct Tried {
    /// Its place in the window.
    place: usize,
    strand: usize,
    /// The gas that it used, or its limit if it came to no end.
    gas: Gas,
    /// What it did, if it came to an end: the last of a strand may not have.
    did: Option<Did>,
}

/// Content is nowhere: what is not loaded is loaded at the transaction's turn.
struct Nowhere;

impl CodeRead for Nowhere {
    fn code(&self, _: &Hash) -> Result<Bytes, Fault> {
        Err(Fault::Content(String::from("not here")))
    }
}

/// What is below all of them: state, secrets, the block so far and its codes.
type Parts<'p> = (
    &'p (dyn StateRead + Sync),
    &'p (dyn Secrets + Sync),
    &'p Overlay,
    &'p BlockCodeCache<'p>,
);

/// What all threads share beside that.
pub(super) struct Beside<'b> {
    pub(super) block: &'b BlockInfo,
    pub(super) config: &'b AnteConfig,
    pub(super) engine: &'b ContractEngine,
    pub(super) watch: &'b dyn WatchAhead,
    pub(super) threads: usize,
    /// Transactions that passed the ante chain before the window.
    pub(super) passed: u32,
    /// What is left of the block's gas.
    pub(super) gas_left: Gas,
}

impl Beside<'_> {
    /// Runs the transactions of a window beside each other, as many of them as may, on all threads, this one among them. `false`: none may,
    /// or the state is for one thread only.
    pub(super) fn run<'n>(&self, state: &mut State<'_>, window: &mut [Next<'n>]) -> bool {
        let shared = state.shared().filter(|_| self.gas_left > 0);
        let Some((base, secrets)) = shared else {
            return false;
        };
        self.decode(window);
        let strands = self.strands(window);
        if strands.is_empty() {
            return false;
        }
        let below = (&*base, secrets, &state.overlay, &state.code_cache);
        let done = on_threads(self.threads, strands, |strand| self.strand(below, strand));
        drop(base);
        for Tried {
            place,
            strand,
            gas,
            did,
        } in done
        {
            let Some(next) = window.get_mut(place) else {
                continue;
            };
            next.strand = Some(strand);
            next.tried = gas;
            let Some(mut did) = did else {
                continue;
            };
            for (slot, value) in did.fetched.drain(..) {
                state.overlay.keep(slot, value);
            }
            next.signed = did.ran.signed.take();
            next.did = Some(did);
        }
        true
    }

    /// Decodes what nobody has decoded yet, on all threads.
    fn decode(&self, window: &mut [Next<'_>]) {
        let mut new: Vec<_> = window.iter_mut().filter(|n| n.ahead.is_none()).collect();
        let asked: Vec<_> = new.iter().map(|next| (next.index, next.raw)).collect();
        let decoded = decode_all(self.threads, &asked, self.watch);
        for (next, decoded) in new.iter_mut().zip(decoded) {
            next.ahead = decoded.map(|decoded| Ahead {
                decoded,
                signed: None,
            });
        }
    }

    /// Those that may run, by their senders: the longest strands are not known to be the slowest, so in order of their first.
    fn strands<'n>(&self, window: &mut [Next<'n>]) -> Vec<Strand<'n>> {
        let mut strands: Vec<Strand<'n>> = Vec::new();
        // No strand for those who sent what runs alone.
        let mut of_sender: BTreeMap<Address, Option<usize>> = BTreeMap::new();
        let mut gas_left = self.gas_left;
        let mut counter = self.passed;
        for (place, next) in window.iter_mut().enumerate() {
            let Some(Ok(decoded)) = next.ahead.as_ref().map(|ahead| &ahead.decoded) else {
                continue;
            };
            let Some(left) = gas_left.checked_sub(decoded.tx.fee().gas_limit) else {
                break;
            };
            gas_left = left;
            let Some(sender) = sender(decoded) else {
                continue;
            };
            let own_counter = counter;
            counter = counter.saturating_add(1);
            if decoded.messages.iter().any(Msg::is_alone) {
                of_sender.insert(sender, None);
                continue;
            }
            let number = *of_sender
                .entry(sender)
                .or_insert_with(|| Some(strands.len()));
            let (
                Some(number),
                Some(Ahead {
                    decoded: Ok(decoded),
                    signed,
                }),
            ) = (number, next.ahead.take_if(|_| number.is_some()))
            else {
                continue;
            };
            let job = Job {
                place,
                index: next.index,
                hash: next.raw.hash(),
                counter: own_counter,
                decoded,
                signed,
            };
            match strands.get_mut(number) {
                Some(strand) => strand.jobs.push(job),
                None => strands.push(Strand {
                    number,
                    jobs: vec![job],
                }),
            }
        }
        strands
    }

    /// Runs a strand up to what does not run to an end here.
    fn strand(&self, (base, secrets, block, codes): Parts<'_>, strand: Strand<'_>) -> Vec<Tried> {
        let env = ExecutionEnv {
            code: &Nowhere,
            engine: self.engine,
        };
        let setting = Setting {
            block: self.block,
            env,
            config: self.config,
        };
        let mut tried = Vec::new();
        let mut written = BTreeMap::new();
        let Strand { number, jobs } = strand;
        let count = jobs.len();
        for job in jobs {
            let place = job.place;
            let limit = job.decoded.tx.fee().gas_limit;
            let is_last = tried.len().saturating_add(1) == count;
            let below = Below {
                strand: core::mem::take(&mut written),
                ..Below::new(block)
            };
            let _ = self.watch.looks(job.index, job.hash);
            let ended = guard::attempt(|| {
                let state = State::beside(base, secrets, below, codes.fork());
                one(&setting, state, job)
            });
            self.watch.looked();
            let (did, strand) = ended.and_then(Result::ok).unzip();
            let mut of = |did: Option<Did>| {
                tried.push(Tried {
                    place,
                    strand: number,
                    gas: did.as_ref().map_or(limit, Did::gas),
                    did,
                });
            };
            let (Some(did), Some(mut strand)) = (did, strand) else {
                of(None);
                break;
            };
            if !is_last {
                let did: &Did = &did;
                let new = did.writes.iter();
                strand.extend(new.map(|(slot, value)| (slot.clone(), (value.clone(), place))));
                written = strand;
            }
            of(Some(did));
        }
        tried
    }
}

/// Whose strand a transaction belongs to: the first signer of its first message.
fn sender(decoded: &DecodedTx) -> Option<Address> {
    let first = decoded.messages.first()?;
    first.signers().ok()?.first().cloned()
}

/// Runs one transaction; gives what it did, and what was written in its strand before.
fn one(
    setting: &Setting<'_>,
    mut state: State<'_>,
    job: Job<'_>,
) -> Result<(Did, StrandWrites), Fault> {
    let tx = TxInfo {
        index: Some(job.index),
        counter: Some(job.counter),
        hash: *job.hash,
        signed: job.signed,
    };
    let ran = setting.run(&mut state, tx, job.decoded)?;
    let below = state.take_below().ok_or_else(nothing_below)?;
    let (reads, writes) = state.overlay.into_parts();
    let did = Did {
        ran,
        counter: job.counter,
        reads,
        of_strand: below.of_strand,
        writes,
        codes: state.code_cache.into_new(),
        fetched: below.fetched,
    };
    Ok((did, below.strand))
}

fn nothing_below() -> Fault {
    crate::error::broken("a transaction beside others without what is below")
}

/// `run` on each of `work`, whoever of so many threads is free, this one among them; the results in any order.
fn on_threads<T: Send, R: Send>(
    threads: usize,
    work: Vec<T>,
    run: impl Fn(T) -> Vec<R> + Sync,
) -> Vec<R> {
    let others = threads.min(work.len()).saturating_sub(1);
    let queue: Mutex<IntoIter<T>> = Mutex::new(work.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let all = || {
        let mut done = Vec::new();
        while let Some(item) = next() {
            done.append(&mut run(item));
        }
        done
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (0..others)
            .map(|_| {
                let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
                thread.spawn_scoped(scope, all)
            })
            .collect();
        let mut done = all();
        for other in others {
            // No thread was to be had, or it panicked where that does not end the process: then some run at their turn only.
            let other = other.ok().and_then(|thread| thread.join().ok());
            done.extend(other.unwrap_or_default());
        }
        done
    })
}

/// The turns of a window, in order.
pub(super) struct Turns {
    /// The number of its first transaction in the overlay.
    first: u32,
    /// Of those that had their turn: whether it was taken as it ran.
    taken: Vec<bool>,
}

impl Turns {
    /// The next transaction that `overlay` gets is the first.
    pub(super) const fn new(overlay: &Overlay) -> Self {
        Self {
            first: overlay.running(),
            taken: Vec::new(),
        }
    }

    /// The next turn: takes over what the transaction did beside the others, if it would do the same now, after so many that passed the ante
    /// chain. Else nothing is changed.
    pub(super) fn take(
        &mut self,
        state: &mut State<'_>,
        did: Option<Did>,
        passed: u32,
    ) -> Option<Ran> {
        let did = did.filter(|did| self.stands(did, &state.overlay, passed));
        let did = did.and_then(|did| {
            let Did {
                ran,
                reads,
                writes,
                codes,
                ..
            } = did;
            state
                .code_cache
                .adopt(codes)
                .then_some((ran, reads, writes))
        });
        self.taken.push(did.is_some());
        let (ran, reads, writes) = did?;
        state.overlay.take_over(reads, writes);
        Some(ran)
    }

    /// Whether all that it saw is as it was.
    fn stands(&self, did: &Did, overlay: &Overlay, passed: u32) -> bool {
        let called = did.ran.passed.as_ref().is_some_and(|passed| passed.called);
        let slot_stands = |slot: &Slot| {
            let writer = overlay.writer(slot);
            match did.of_strand.get(slot) {
                Some(place) => {
                    let number = u32::try_from(*place)
                        .ok()
                        .and_then(|n| self.first.checked_add(n));
                    self.taken.get(*place) == Some(&true) && writer == number
                }
                None => writer.is_none_or(|writer| writer < self.first),
            }
        };
        (!called || did.counter == passed) && did.reads.iter().all(slot_stands)
    }
}
