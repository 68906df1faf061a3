//! The mempool: transactions that passed CheckTx and wait for a block, in the order in which they came.
//!
//! Promises: bounded by [`Limits`], which count what is let in and not yet checked, too; the same bytes are checked once
//! as long as they are remembered (replay protection; codes 19, 20, 21 of wire.md 1.12.2); after every block what was
//! included is dropped and the rest is checked again in order. While blocks have no room for all, it refuses new transactions that
//! would wait for more than [`Limits::lag_max`], as blocks were filled before: whoever is let in is soon in a block. No block is given what
//! it is too late for.
//! Refuses: priorities, replacement, durability ("acknowledged" means found in a block).

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use strongroom_types::{ExecTxResult, Hash, Height, RawTx};

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
    /// `earliest` if that is later.
    fn check_tx(&self, tx: &[u8], kind: CheckKind, earliest: Height) -> Checked;
}

/// What came of a check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    /// The answer for the client.
    pub answer: ExecTxResult,
    /// The last block that it may be in; 0: any.
    pub timeout_height: Height,
}

impl From<ExecTxResult> for Checked {
    fn from(answer: ExecTxResult) -> Self {
        Self {
            answer,
            timeout_height: 0,
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
    /// How long a new transaction may have to wait while blocks have no room for all, before it is refused.
    pub lag_max: Duration,
}

impl Default for Limits {
    /// A transaction may carry the largest upload (2 MiB of code) and 64 KiB around it; the rest is CometBFT's.
    fn default() -> Self {
        Self {
            tx_bytes_max: 2 * 1024 * 1024 + 64 * 1024,
            txs_max: 5_000,
            total_bytes_max: 64 * 1024 * 1024,
            seen_max: 10_000,
            lag_max: Duration::from_millis(750),
        }
    }
}

/// Why a transaction was not even checked. `Display` is the `data` text of the RPC (wire.md 1.12.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MempoolError {
    /// The same bytes were seen before.
    #[error("tx already exists in cache")]
    Seen,
    /// No room.
    #[error(
        "mempool is full: number of txs {txs} (max: {txs_max}), total txs bytes {bytes} (max: {bytes_max})"
    )]
    Full {
        /// Transactions that wait.
        txs: usize,
        /// The limit.
        txs_max: usize,
        /// Bytes that wait.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// What came before waits too long already.
    #[error("mempool is full: {txs} txs wait, for {ms} ms more, try again later")]
    Behind {
        /// Transactions that wait.
        txs: usize,
        /// How long it takes until they are in blocks, in milliseconds.
        ms: u128,
    },
    /// Too many wait to be checked.
    #[error("mempool is full: {txs} txs wait to be checked, try again")]
    Busy {
        /// Transactions that wait to be checked.
        txs: usize,
    },
    /// The check ended without an answer: a fault of this node.
    #[error("the transaction could not be checked")]
    Unchecked,
    /// Longer than a transaction may be.
    #[error("Tx too large. Max size is {max}, but got {got}")]
    TooLarge {
        /// Bytes that a transaction may have.
        max: usize,
        /// Bytes that it has.
        got: usize,
    },
}

impl MempoolError {
    /// The stable code within codespace `sdk`.
    #[must_use]
    pub fn code(&self) -> u32 {
        match self {
            Self::Seen => 19,
            Self::Full { .. } | Self::Behind { .. } | Self::Busy { .. } | Self::Unchecked => 20,
            Self::TooLarge { .. } => 21,
        }
    }
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
    gas_wanted: i64,
    /// The last block that it may be in; 0: any.
    timeout_height: Height,
    /// It was given to a block that is not committed yet.
    reaped: bool,
}

/// Hashes in the order in which they were last seen; the oldest is forgotten first.
#[derive(Default)]
struct Seen {
    order: VecDeque<(Hash, u64)>,
    stamp: HashMap<Hash, u64>,
    next: u64,
}

impl Seen {
    /// Remembers `hash`; false if it was known.
    fn insert(&mut self, hash: Hash, max: usize) -> bool {
        let stamp = self.next;
        self.next = self.next.wrapping_add(1);
        let new = self.stamp.insert(hash, stamp).is_none();
        self.order.push_back((hash, stamp));
        // Entries whose stamp is out of date were removed or renewed since.
        while self.stamp.len() > max || self.order.len() > max.saturating_mul(2).max(16) {
            let Some((oldest, at)) = self.order.pop_front() else {
                break;
            };
            if self.stamp.get(&oldest) == Some(&at) {
                self.stamp.remove(&oldest);
            }
        }
        new
    }

    fn forget(&mut self, hash: &Hash) {
        self.stamp.remove(hash);
    }
}

/// How far blocks are behind with what waits.
#[derive(Clone, Copy)]
struct Behind {
    /// When the last block was given its transactions, and for how much gas.
    at: Instant,
    given: u128,
    /// How much gas it left.
    left: u128,
    /// How much had arrived then.
    arrived: u128,
    /// What the block before took, and its gas; unknown at first.
    before: Option<(Duration, u128)>,
}

impl Behind {
    /// How long it takes until all are in a block that have arrived.
    ///
    /// Counted by gas, as blocks are filled: one that takes a block by itself does not make a thousand small ones as slow.
    fn lag(&self, arrived: u128) -> Option<Duration> {
        let (took, gas) = self.before?;
        let new = arrived.saturating_sub(self.arrived);
        let waiting = self.left.saturating_add(new);
        let nanos = took.as_nanos().saturating_mul(waiting) / gas.max(1);
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        Some(Duration::from_nanos(nanos))
    }
}

#[derive(Default)]
struct Inner {
    /// By arrival.
    waiting: BTreeMap<u64, Waiting>,
    arrival: HashMap<Hash, u64>,
    bytes: usize,
    /// Admitted transactions that wait to be checked.
    unchecked: Size,
    /// Set while blocks have no room for all.
    behind: Option<Behind>,
    next_arrival: u64,
    /// Gas of all that ever waited.
    arrived: u128,
    seen: Seen,
    /// The newest block that was given transactions.
    given: Height,
}

impl Inner {
    /// The earliest block for what was given to none yet.
    fn earliest(&self) -> Height {
        self.given.saturating_add(1)
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
        Self {
            limits,
            checker,
            turn: Mutex::new(()),
            inner: Arc::default(),
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
        let mut inner = self.inner();
        self.room_for(&inner, tx.len())?;
        if tx.len() > self.limits.tx_bytes_max {
            return Err(MempoolError::TooLarge {
                max: self.limits.tx_bytes_max,
                got: tx.len(),
            });
        }
        let hash = *tx.hash();
        if inner.arrival.contains_key(&hash) || !inner.seen.insert(hash, self.limits.seen_max) {
            return Err(MempoolError::Seen);
        }
        let room = Room::take(self, &mut inner, hash, tx.len());
        Ok(Admitted { tx, room })
    }

    fn room_for(&self, inner: &Inner, len: usize) -> Result<(), MempoolError> {
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
        let lag = inner.behind.and_then(|b| b.lag(inner.arrived));
        match lag.filter(|lag| *lag > self.limits.lag_max) {
            Some(lag) => Err(MempoolError::Behind {
                txs,
                ms: lag.as_millis(),
            }),
            None => Ok(()),
        }
    }

    /// Checks what was let in. A good one waits from now on, in the room that it took; a bad one is forgotten, so that it
    /// may come again.
    #[must_use]
    pub fn check(&self, admitted: Admitted) -> ExecTxResult {
        let Admitted { tx, mut room } = admitted;
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = self.inner().earliest();
        let checked = self.checker.check_tx(&tx, CheckKind::New, earliest);
        let Checked {
            answer,
            timeout_height,
        } = checked;
        if !answer.is_ok() {
            return answer;
        }
        let mut inner = self.inner();
        room.give_back(&mut inner);
        let arrival = inner.next_arrival;
        inner.next_arrival = arrival.wrapping_add(1);
        inner.bytes = inner.bytes.saturating_add(tx.len());
        inner.arrival.insert(room.hash, arrival);
        let gas_wanted = answer.gas_wanted;
        inner.arrived = inner.arrived.saturating_add(weight(gas_wanted));
        let waiting = Waiting {
            tx,
            gas_wanted,
            timeout_height,
            reaped: false,
        };
        inner.waiting.insert(arrival, waiting);
        drop(inner);
        self.tell_waiting();
        answer
    }

    /// [`Mempool::admit`] and [`Mempool::check`] in one.
    ///
    /// # Errors
    /// [`MempoolError`] if the transaction was not checked.
    pub fn submit(&self, tx: impl Into<RawTx>) -> Result<ExecTxResult, MempoolError> {
        Ok(self.check(self.admit(tx)?))
    }

    /// Checks `tx` without keeping it or remembering it (RPC `check_tx`).
    #[must_use]
    pub fn check_only(&self, tx: &[u8]) -> ExecTxResult {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = self.inner().earliest();
        self.checker.check_tx(tx, CheckKind::Probe, earliest).answer
    }

    /// The transactions of the block at `height`: in order of arrival, as long as both sums stay within the limits.
    ///
    /// `bytes_max` counts each transaction with its protobuf framing in the block's data; `gas_max` counts the gas
    /// limits. `None` means no limit. The first one that does not fit ends the list, so that nobody is overtaken; so
    /// does one that the block is too late for, and those behind it may build on it: the next check drops it. What was given
    /// once goes on waiting for the commit of its block, and is not given again before that.
    #[must_use]
    pub fn reap(
        &self,
        height: Height,
        txs_max: usize,
        bytes_max: Option<u64>,
        gas_max: Option<u64>,
    ) -> Vec<RawTx> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let (mut bytes, mut gas) = (0u64, 0u64);
        let (mut txs, mut given) = (Vec::new(), 0u128);
        for waiting in inner.waiting.values_mut().filter(|w| !w.reaped) {
            bytes = bytes.saturating_add(framed_len(waiting.tx.len()));
            gas = gas.saturating_add(u64::try_from(waiting.gas_wanted).unwrap_or(0));
            if txs.len() >= txs_max
                || bytes_max.is_some_and(|max| bytes > max)
                || gas_max.is_some_and(|max| gas > max)
                || (waiting.timeout_height != 0 && waiting.timeout_height < height)
            {
                break;
            }
            waiting.reaped = true;
            given = given.saturating_add(weight(waiting.gas_wanted));
            txs.push(waiting.tx.clone());
        }
        if !txs.is_empty() {
            inner.given = height;
        }
        let left = inner.waiting.values().filter(|w| !w.reaped);
        let left: u128 = left.map(|w| weight(w.gas_wanted)).sum();
        inner.behind = (left > 0).then(|| {
            let at = Instant::now();
            let before = inner.behind.filter(|before| before.given > 0);
            Behind {
                at,
                given,
                left,
                arrived: inner.arrived,
                before: before.map(|before| (at.duration_since(before.at), before.given)),
            }
        });
        txs
    }

    /// Takes back what was given to a block that had no room for it: it comes first next time.
    pub fn release<'a>(&self, left: impl IntoIterator<Item = &'a RawTx>) {
        let mut inner = self.inner();
        let inner = &mut *inner;
        for tx in left {
            let arrival = inner.arrival.get(tx.hash());
            if let Some(waiting) = arrival.and_then(|at| inner.waiting.get_mut(at)) {
                waiting.reaped = false;
            }
        }
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

    /// Takes in a committed block: drops what it included, and checks again, in order, those of the rest that need it.
    ///
    /// `included` are the block's transactions and whether each succeeded: a good one stays remembered (the same
    /// bytes can never succeed again), a failed one may come again. `publish` sets the checker's state to the committed
    /// one, and tells for each transaction that is left whether it must be checked again; it runs before the first recheck while
    /// nothing else is checked.
    pub fn block_committed<'a>(
        &self,
        included: impl IntoIterator<Item = (&'a RawTx, bool)>,
        publish: impl FnOnce(&[RawTx]) -> Vec<bool>,
    ) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let left: Vec<RawTx> = {
            let mut inner = self.inner();
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
        let again = left.iter().zip(again).filter(|(_, again)| *again);
        for (tx, _) in again {
            let earliest = self.inner().earliest_for(tx.hash());
            let checked = self.checker.check_tx(tx, CheckKind::Recheck, earliest);
            if !checked.answer.is_ok() {
                let mut inner = self.inner();
                inner.remove(tx.hash());
                inner.seen.forget(tx.hash());
            }
        }
        if self.size().txs > 0 {
            self.tell_waiting();
        }
    }
}

/// What counts for the time that a transaction takes.
fn weight(gas_wanted: i64) -> u128 {
    u128::try_from(gas_wanted).unwrap_or_default().max(1)
}

/// Bytes that a transaction of `len` bytes takes in the protobuf `Data` of a block: tag, length, content.
fn framed_len(len: usize) -> u64 {
    let mut length_bytes = 1u64;
    let mut rest = len >> 7;
    while rest > 0 {
        length_bytes += 1;
        rest >>= 7;
    }
    (len as u64).saturating_add(1).saturating_add(length_bytes)
}

#[cfg(test)]
mod tests;
