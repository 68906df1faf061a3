//! The mempool: transactions that passed CheckTx and wait for a block.
//!
//! Promises: bounded by [`Limits`], which count what is let in and not yet checked, too; the same bytes are checked once
//! as long as they are remembered (replay protection; codes 19, 20, 21 of wire.md 1.12.2); after every block what was
//! included is dropped and the rest is checked again in order. It refuses new transactions while what waits takes [`Limits::wait_max`], as
//! blocks took before ([`wait`]; the next one is for first transactions): whoever is let in is soon in a block. No
//! sender keeps another out ([`fair`]) or behind its own ([`mod@order`]). No block is given what it is too late for.
//! Refuses: priorities, replacement, durability ("acknowledged" means found in a block).

mod error;
mod fair;
mod load;
mod order;
mod seen;
mod wait;

pub use error::{MempoolError, SOON};
pub use fair::ROOM_PARTS;
use fair::{Firsts, NoRoom, Senders};
use load::Load;
use order::{LeftOut, firsts, order};
use seen::Seen;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use strongroom_types::tx::BROADCAST_LEN_MAX;
use strongroom_types::{Address, ExecTxResult, Hash, Height, RawTx};
use wait::Running;

/// Why and when a transaction is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckKind {
    /// It arrives.
    New,
    /// A block was committed and it still waits.
    Recheck,
    /// Somebody only asks: the answer is given and leaves no trace in the check state.
    Probe,
}

/// Whoever checks transactions; the real one is the chain's check state with its pending overlay.
///
/// The mempool never calls it twice at the same time.
pub trait Checker: Send + Sync {
    /// Checks `tx` against the newest committed state and what was accepted since, for the block after that state, or for the one at
    /// `earliest` if that is later. `None` where it cannot tell now: it leaves no trace then.
    fn check_tx(&self, tx: &[u8], kind: CheckKind, earliest: Height) -> Option<Checked>;

    /// What `tx` says of itself, unchecked. Asked while others wait, so that nobody's check is worked out who has no room.
    fn outline(&self, _tx: &[u8]) -> Option<Outline> {
        None
    }
}

/// What a transaction says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// As [`Checked::parties`].
    pub parties: Vec<Address>,
    /// Its gas limit.
    pub gas_wanted: i64,
    /// As [`Checked::timeout_height`].
    pub timeout_height: Height,
}

/// What came of a check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    /// The answer for the client.
    pub answer: ExecTxResult,
    /// The last block that it may be in; 0: any.
    pub timeout_height: Height,
    /// Who answers for the fee, which is whose share of the room it takes, then who else signs or pays. What has one of them in common stays in order; where
    /// there is none, all does.
    pub parties: Vec<Address>,
}

impl From<ExecTxResult> for Checked {
    fn from(answer: ExecTxResult) -> Self {
        Self {
            answer,
            ..Self::default()
        }
    }
}

/// The limits of a mempool, each reached by a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest transaction, in bytes.
    pub tx_bytes_max: usize,
    /// The most transactions that wait, for a block or for their check.
    pub txs_max: usize,
    /// The most bytes that wait.
    pub total_bytes_max: usize,
    /// The most hashes that are remembered as seen.
    pub seen_max: usize,
    /// How long all that waits for blocks may take, and the block that runs, before new transactions are refused.
    pub wait_max: Duration,
    /// From one block to the next, where that is the same for all; else it is measured how long blocks take.
    pub interval: Option<Duration>,
}

impl Default for Limits {
    /// Number and bytes are CometBFT's.
    fn default() -> Self {
        Self {
            tx_bytes_max: BROADCAST_LEN_MAX,
            txs_max: 5_000,
            total_bytes_max: 64 * 1024 * 1024,
            seen_max: 10_000,
            wait_max: Duration::from_millis(1_250),
            interval: None,
        }
    }
}

/// Whether an answer says that there is no room now, as CheckTx may where the mempool is not ours.
#[must_use]
pub fn is_full(answer: &ExecTxResult) -> bool {
    (answer.code, answer.codespace.as_str()) == (20, "sdk")
}

/// A transaction that was let in but not yet checked. Hand it to [`Mempool::check`]; dropped, it may come again.
#[must_use = "an admitted transaction waits to be checked"]
pub struct Admitted {
    tx: RawTx,
    room: Room,
}

impl Admitted {
    /// SHA-256 of the transaction.
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.room.hash
    }
}

/// Share of the mempool that an admitted transaction takes. Dropped before it is given back, its check had no good end: then it
/// is forgotten, too.
struct Room {
    inner: Arc<Mutex<Inner>>,
    hash: Hash,
    bytes: usize,
    taken: bool,
}

impl Room {
    fn take(pool: &Mempool, inner: &mut Inner, hash: Hash, bytes: usize) -> Self {
        inner.unchecked.txs = inner.unchecked.txs.saturating_add(1);
        inner.unchecked.bytes = inner.unchecked.bytes.saturating_add(bytes);
        Self {
            inner: Arc::clone(&pool.inner),
            hash,
            bytes,
            taken: true,
        }
    }

    fn give_back(&mut self, inner: &mut Inner) {
        inner.unchecked.txs = inner.unchecked.txs.saturating_sub(1);
        inner.unchecked.bytes = inner.unchecked.bytes.saturating_sub(self.bytes);
        self.taken = false;
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.taken {
            let inner = Arc::clone(&self.inner);
            let mut inner = lock(&inner);
            self.give_back(&mut inner);
            inner.seen.forget(&self.hash);
        }
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    // No code under this lock leaves the state half changed, so a panic elsewhere does not spoil it.
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Number and total size of a set of transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Number of transactions.
    pub txs: usize,
    /// Sum of their sizes in bytes.
    pub bytes: usize,
}

struct Waiting {
    tx: RawTx,
    load: Load,
    /// See [`Checked::parties`].
    parties: Vec<Address>,
    /// The last block that it may be in; 0: any.
    timeout_height: Height,
    /// The block, by number of those that were given transactions before it, that would have it if there were no turns.
    due: u64,
    /// It was given to a block that is not committed yet.
    reaped: bool,
}

impl Waiting {
    fn sender(&self) -> Option<&Address> {
        self.parties.first()
    }
}

struct Inner {
    /// By arrival.
    waiting: BTreeMap<u64, Waiting>,
    arrival: HashMap<Hash, u64>,
    bytes: usize,
    /// Admitted transactions that wait to be checked.
    unchecked: Size,
    senders: Senders,
    firsts: Firsts,
    running: Running,
    next_arrival: u64,
    /// How many blocks were given transactions.
    blocks: u64,
    seen: Seen,
    /// The newest block that takes nothing more: it was given its transactions, or is committed.
    closed: Height,
    /// What waits was not all checked again after the newest block, so the checker does not know what to build on.
    unchecked_since: bool,
}

impl Inner {
    /// The earliest block for what was given to none yet.
    fn earliest(&self) -> Height {
        self.closed.saturating_add(1)
    }

    /// The earliest block for a transaction that waits: what was given to one may be in that, which is the next to be committed.
    fn earliest_for(&self, hash: &Hash) -> Height {
        let waiting = self.arrival.get(hash).and_then(|at| self.waiting.get(at));
        match waiting.is_some_and(|w| w.reaped) {
            true => 0,
            false => self.earliest(),
        }
    }

    fn remove(&mut self, hash: &Hash) {
        if let Some(gone) = self
            .arrival
            .remove(hash)
            .and_then(|at| self.waiting.remove(&at))
        {
            self.bytes = self.bytes.saturating_sub(gone.tx.len());
            self.senders.remove(gone.sender(), gone.load, gone.reaped);
        }
    }

    /// What may wait for blocks: what they have in time, and what this mempool holds beside what blocks were given.
    fn room(&self, limits: &Limits) -> Load {
        let total = self.senders.total();
        let holds = Load {
            txs: u64::try_from(limits.txs_max).unwrap_or(u64::MAX),
            gas: u64::MAX,
            bytes: u64::try_from(limits.total_bytes_max).unwrap_or(u64::MAX),
        };
        let given = total.all.minus(total.queued);
        self.running.room(limits.wait_max).min(holds.minus(given))
    }

    /// Whether it may be too late for its own block when its turn comes. It would be dropped then, and had paid nothing for its room. All that waits
    /// may come before it, in blocks that are half full, and as much again by turns.
    fn late(&self, said: &Outline, load: Load) -> bool {
        let with = self.senders.total().queued.plus(load);
        let after = self
            .running
            .blocks_before(with)
            .saturating_mul(3)
            .saturating_add(2);
        if said.timeout_height == 0 || said.timeout_height >= self.earliest().saturating_add(after)
        {
            return false;
        }
        let mut waiting = self.waiting.values().filter(|w| !w.reaped);
        !with.fits(self.running.block())
            || waiting.any(|w| w.parties.iter().any(|p| said.parties.contains(p)))
    }

    /// Counts anew whose is first in the next block.
    fn count_firsts(&mut self) {
        let waiting = self.waiting.values().filter(|w| !w.reaped);
        self.firsts = firsts(waiting, self.blocks, self.running.block());
    }

    fn no_room(&mut self, why: NoRoom) -> MempoolError {
        let next = self.running.refuse(Instant::now());
        match why {
            NoRoom::All => MempoolError::Behind {
                txs: self.senders.total().queued.txs,
                next,
            },
            NoRoom::Share(txs) => MempoolError::Share { txs, next },
        }
    }
}

/// See the module.
pub struct Mempool {
    limits: Limits,
    checker: Arc<dyn Checker>,
    /// Held while the checker works and while a block is taken in, so that its overlay sees one order of things.
    turn: Mutex<()>,
    inner: Arc<Mutex<Inner>>,
    waiting: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Mempool {
    /// An empty mempool.
    #[must_use]
    pub fn new(limits: Limits, checker: Arc<dyn Checker>) -> Self {
        let running = Running::new(limits.interval);
        let inner = Inner {
            waiting: BTreeMap::new(),
            arrival: HashMap::new(),
            bytes: 0,
            unchecked: Size::default(),
            senders: Senders::default(),
            firsts: Firsts::new(running.block()),
            running,
            next_arrival: 0,
            blocks: 0,
            seen: Seen::default(),
            closed: 0,
            unchecked_since: false,
        };
        Self {
            limits,
            checker,
            turn: Mutex::new(()),
            inner: Arc::new(Mutex::new(inner)),
            waiting: OnceLock::new(),
        }
    }

    /// Calls `tell` from now on whenever a transaction begins to wait, and when some still wait after a block. Once.
    pub fn on_waiting(&self, tell: impl Fn() + Send + Sync + 'static) {
        let _ = self.waiting.set(Box::new(tell));
    }

    fn tell_waiting(&self) {
        if let Some(tell) = self.waiting.get() {
            tell();
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }

    /// Lets `tx` in without checking it: size, room, seen before.
    ///
    /// # Errors
    /// [`MempoolError`]; nothing changed then.
    pub fn admit(&self, tx: impl Into<RawTx>) -> Result<Admitted, MempoolError> {
        let tx = tx.into();
        let got = tx.len();
        // Longer than a block it would wait for ever, with all behind it.
        let of_block = self.inner().running.block().tx_bytes_max(got);
        let max = of_block.min(self.limits.tx_bytes_max);
        if got > max {
            return Err(MempoolError::TooLarge { max, got });
        }
        let hash = *tx.hash();
        let mut inner = self.inner();
        // What will never be taken is not told to come again.
        if inner.arrival.contains_key(&hash) || inner.seen.renew(hash, self.limits.seen_max) {
            return Err(MempoolError::Seen);
        }
        self.room_for(&mut inner, tx.len())?;
        inner.seen.insert(hash, self.limits.seen_max);
        let room = Room::take(self, &mut inner, hash, tx.len());
        Ok(Admitted { tx, room })
    }

    fn room_for(&self, inner: &mut Inner, len: usize) -> Result<(), MempoolError> {
        let txs = inner.waiting.len().saturating_add(inner.unchecked.txs);
        let bytes = inner.bytes.saturating_add(inner.unchecked.bytes);
        if txs >= self.limits.txs_max || bytes.saturating_add(len) > self.limits.total_bytes_max {
            return Err(MempoolError::Full {
                txs,
                txs_max: self.limits.txs_max,
                bytes,
                bytes_max: self.limits.total_bytes_max,
            });
        }
        match inner.senders.any(&inner.firsts, inner.room(&self.limits)) {
            true => Ok(()),
            false => Err(inner.no_room(NoRoom::All)),
        }
    }

    /// Whether there is room for `tx` in its sender's share.
    fn room_in_share(&self, tx: &RawTx) -> Result<(), MempoolError> {
        if self.inner().senders.total().queued.txs == 0 {
            return Ok(());
        }
        let said = self.checker.outline(tx).unwrap_or_default();
        let load = Load::of(said.gas_wanted, tx.len());
        let mut inner = self.inner();
        if inner.late(&said, load) {
            return Err(inner.no_room(NoRoom::All));
        }
        let room = inner.room(&self.limits);
        let one = inner
            .senders
            .one(said.parties.first(), load, &inner.firsts, room);
        one.map_err(|why| inner.no_room(why))
    }

    /// Checks what was let in. A good one waits from now on, in the room that it took; a bad one is forgotten, so that it
    /// may come again, and so is one for which its sender has no room.
    ///
    /// # Errors
    /// [`MempoolError`] if the transaction was not checked.
    pub fn check(&self, admitted: Admitted) -> Result<ExecTxResult, MempoolError> {
        let Admitted { tx, mut room } = admitted;
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.room_in_share(&tx)?;
        let Checked {
            answer,
            timeout_height,
            parties,
        } = self.check_now(&tx, CheckKind::New)?;
        if !answer.is_ok() {
            return Ok(answer);
        }
        let mut inner = self.inner();
        room.give_back(&mut inner);
        let arrival = inner.next_arrival;
        inner.next_arrival = arrival.wrapping_add(1);
        inner.bytes = inner.bytes.saturating_add(tx.len());
        inner.arrival.insert(room.hash, arrival);
        let load = Load::of(answer.gas_wanted, tx.len());
        let before = inner.running.blocks_before(inner.senders.total().queued);
        let due = inner.blocks.saturating_add(before);
        if !inner.senders.has(parties.first()) {
            inner.firsts.take(load);
        }
        inner.senders.add(parties.first(), load);
        let waiting = Waiting {
            tx,
            load,
            parties,
            timeout_height,
            due,
            reaped: false,
        };
        inner.waiting.insert(arrival, waiting);
        drop(inner);
        self.tell_waiting();
        Ok(answer)
    }

    /// [`Mempool::admit`] and [`Mempool::check`] in one.
    ///
    /// # Errors
    /// [`MempoolError`] if the transaction was not checked.
    pub fn submit(&self, tx: impl Into<RawTx>) -> Result<ExecTxResult, MempoolError> {
        self.check(self.admit(tx)?)
    }

    /// Checks `tx` without keeping it or remembering it (RPC `check_tx`).
    ///
    /// # Errors
    /// [`MempoolError::Unchecked`].
    pub fn check_only(&self, tx: &[u8]) -> Result<ExecTxResult, MempoolError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(self.check_now(tx, CheckKind::Probe)?.answer)
    }

    fn check_now(&self, tx: &[u8], kind: CheckKind) -> Result<Checked, MempoolError> {
        let (earliest, unchecked) = {
            let inner = self.inner();
            (inner.earliest(), inner.unchecked_since)
        };
        let checked = (!unchecked).then(|| self.checker.check_tx(tx, kind, earliest));
        checked.flatten().ok_or(MempoolError::Unchecked)
    }

    /// The block after the newest committed one, `head`, may have so much, as [`Mempool::reap`] has it. Before the first one that is all that is
    /// known of blocks.
    pub fn expect(
        &self,
        head: Height,
        txs_max: usize,
        bytes_max: Option<u64>,
        gas_max: Option<u64>,
    ) {
        let mut inner = self.inner();
        inner.closed = inner.closed.max(head);
        inner
            .running
            .expect(Load::limits(txs_max, bytes_max, gas_max));
        inner.count_firsts();
    }

    /// The transactions of the block at `height`: in turns of their senders ([`mod@order`]), as long as both sums stay within the limits.
    ///
    /// `bytes_max` counts each transaction with its protobuf framing in the block's data; `gas_max` counts the gas
    /// limits. `None` means no limit. One that does not fit waits, is soon due before others, and makes room for those behind it. So is one left out that the
    /// block is too late for; the next check drops it. With either is left out what may build on it. What was given
    /// once goes on waiting for the commit of its block, and is not given again before that.
    #[must_use]
    pub fn reap(
        &self,
        height: Height,
        txs_max: usize,
        bytes_max: Option<u64>,
        gas_max: Option<u64>,
    ) -> Vec<RawTx> {
        let block = Load::limits(txs_max, bytes_max, gas_max);
        let mut guard = self.inner();
        let inner = &mut *guard;
        let (mut txs, mut given, mut left_out) = (Vec::new(), Load::default(), LeftOut::default());
        let waiting = inner.waiting.iter().filter(|(_, w)| !w.reaped);
        for arrival in order(waiting.map(|(at, w)| (*at, w)), inner.blocks) {
            let Some(waiting) = inner.waiting.get_mut(&arrival) else {
                continue;
            };
            let late = waiting.timeout_height != 0 && waiting.timeout_height < height;
            if late || left_out.has(&waiting.parties) {
                left_out.add(&waiting.parties);
                continue;
            }
            let with = given.plus(waiting.load);
            if !with.fits(block) {
                left_out.add(&waiting.parties);
                continue;
            }
            given = with;
            waiting.reaped = true;
            inner.senders.give(waiting.sender(), waiting.load);
            txs.push(waiting.tx.clone());
        }
        inner.blocks = inner.blocks.saturating_add(u64::from(!txs.is_empty()));
        // Without an interval a block that was given nothing is not made.
        if !txs.is_empty() || self.limits.interval.is_some() {
            inner.closed = inner.closed.max(height);
        }
        inner.running.reaped(Instant::now(), block, given);
        inner.count_firsts();
        txs
    }

    /// The block that was given transactions last has run, and used so much gas. Takes back those that it had no room for: they come first next time.
    pub fn release<'a>(&self, left: impl IntoIterator<Item = &'a RawTx>, gas_used: u64) {
        let mut inner = self.inner();
        inner.running.ran(gas_used);
        let inner = &mut *inner;
        for tx in left {
            let arrival = inner.arrival.get(tx.hash());
            let waiting = arrival.and_then(|at| inner.waiting.get_mut(at));
            if let Some(waiting) = waiting.filter(|w| w.reaped) {
                waiting.reaped = false;
                waiting.due = 0;
                inner.senders.take_back(waiting.sender(), waiting.load);
            }
        }
        inner.count_firsts();
    }

    /// The first `limit` transactions that wait.
    #[must_use]
    pub fn peek(&self, limit: usize) -> Vec<RawTx> {
        self.inner()
            .waiting
            .values()
            .take(limit)
            .map(|w| w.tx.clone())
            .collect()
    }

    /// Number and bytes of waiting transactions.
    #[must_use]
    pub fn size(&self) -> Size {
        let inner = self.inner();
        Size {
            txs: inner.waiting.len(),
            bytes: inner.bytes,
        }
    }

    /// Takes in the block that is committed at `height`: drops what it included, and checks again, in order, those of the rest that need it.
    ///
    /// `included` are the block's transactions and whether each succeeded: a good one stays remembered (the same
    /// bytes can never succeed again), a failed one may come again. `publish` sets the checker's state to the committed
    /// one, and tells for each transaction that is left whether it must be checked again; it runs before the first recheck while
    /// nothing else is checked. One of which nothing can be told now goes on waiting, with all behind it, and until it can after another block
    /// nothing new is let in.
    pub fn block_committed<'a>(
        &self,
        height: Height,
        included: impl IntoIterator<Item = (&'a RawTx, bool)>,
        publish: impl FnOnce(&[RawTx]) -> Vec<bool>,
    ) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let left: Vec<RawTx> = {
            let mut inner = self.inner();
            inner.closed = inner.closed.max(height);
            for (tx, succeeded) in included {
                inner.remove(tx.hash());
                if succeeded {
                    inner.seen.insert(*tx.hash(), self.limits.seen_max);
                } else {
                    inner.seen.forget(tx.hash());
                }
            }
            inner.waiting.values().map(|w| w.tx.clone()).collect()
        };
        let again = publish(&left);
        let mut again = left.iter().zip(again).filter(|(_, again)| *again);
        let all_known = again.all(|(tx, _)| {
            let earliest = self.inner().earliest_for(tx.hash());
            let checked = self.checker.check_tx(tx, CheckKind::Recheck, earliest);
            if checked.as_ref().is_some_and(|c| !c.answer.is_ok()) {
                let mut inner = self.inner();
                inner.remove(tx.hash());
                inner.seen.forget(tx.hash());
            }
            checked.is_some()
        });
        let mut inner = self.inner();
        inner.unchecked_since = !all_known;
        inner.count_firsts();
        drop(inner);
        if self.size().txs > 0 {
            self.tell_waiting();
        }
    }
}

#[cfg(test)]
mod tests;
