//! What a block has written so far, with an undo journal: nested calls roll back without copying, and a look-up costs
//! the same at every depth. Records what each transaction read and wrote (for parallel execution and for tests), and
//! counts what the writes will take in the block's result.
//!
//! Contract data is plaintext here: nothing of it is ever printed.

use crate::Bytes;
use crate::types::{Address, size_class};
use std::collections::{BTreeMap, BTreeSet};

/// Overhead of a write in the block's result, in bytes: tags, lengths, the tree.
const WRITE_BYTES: usize = 16;
/// Raw key of contract data, at most: prefix, address, storage key.
const CONTRACT_KEY_BYTES: usize = 65;
/// Overhead of a sealed value above its class, in bytes: header, tag, length.
const SEALED_BYTES: usize = 33;

/// A place in the state, by its logical name. Contract data is plaintext here and is sealed once, at block end. A clone shares the key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// A raw key of the native tree.
    Native(Bytes),
    /// A contract's own key.
    Contract(Address, Bytes),
}

/// A contract's own key is its secret.
impl core::fmt::Debug for Slot {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Native(key) => write!(f, "Native({})", key.escape_ascii()),
            Self::Contract(contract, _) => write!(f, "Contract({contract}, ..)"),
        }
    }
}

/// A point to roll back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[must_use]
pub struct Mark(usize);

/// Keys that one transaction touched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Slots read from below the transaction (not those that it wrote first itself): from the state before the block, or
    /// from what an earlier transaction of the block wrote.
    pub reads: BTreeSet<Slot>,
    /// Slots that it left written.
    pub writes: BTreeSet<Slot>,
}

/// A value that was written, and by which transaction of the block.
#[derive(Clone)]
struct Pending {
    value: Option<Bytes>,
    tx: u32,
}

/// Pending writes over the committed state.
#[derive(Default)]
pub struct Overlay {
    writes: BTreeMap<Slot, Pending>,
    journal: Vec<(Slot, Option<Pending>)>,
    reads: BTreeSet<Slot>,
    cache: BTreeMap<Slot, Option<Bytes>>,
    /// The number of the running transaction.
    tx: u32,
    /// Bytes that `writes` take in the block's result, at most.
    bytes: usize,
    /// The same for those of the running transaction.
    tx_bytes: usize,
}

impl core::fmt::Debug for Overlay {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Overlay({} writes)", self.writes.len())
    }
}

impl Overlay {
    /// The pending value of a slot: `None` = not written here, `Some(None)` = removed here.
    pub fn get(&mut self, slot: &Slot) -> Option<Option<Bytes>> {
        let pending = self.writes.get(slot)?;
        if pending.tx != self.tx {
            self.reads.insert(slot.clone());
        }
        Some(pending.value.clone())
    }

    /// A value that was read from below in this block, already proven and opened.
    pub(crate) fn cached(&mut self, slot: &Slot) -> Option<Option<Bytes>> {
        let hit = self.cache.get(slot).cloned();
        if hit.is_some() {
            self.reads.insert(slot.clone());
        }
        hit
    }

    pub(crate) fn remember(&mut self, slot: Slot, value: Option<Bytes>) {
        self.reads.insert(slot.clone());
        self.cache.insert(slot, value);
    }

    /// The pending value of a slot, for bookkeeping: nothing counts as read.
    pub(crate) fn written(&self, slot: &Slot) -> Option<Bytes> {
        self.writes.get(slot).and_then(|p| p.value.clone())
    }

    /// Forgets what was read at a slot below. Between two checks.
    pub(crate) fn forget_read(&mut self, slot: &Slot) {
        self.cache.remove(slot);
    }

    /// Forgets what is pending at a slot: what is below shows. Between two checks.
    pub(crate) fn forget_written(&mut self, slot: &Slot) {
        let _ = self.replace(slot, None);
    }

    /// Writes (`Some`) or removes (`None`).
    pub fn put(&mut self, slot: Slot, value: Option<Bytes>) {
        let pending = Pending { value, tx: self.tx };
        let before = self.writes.get(&slot);
        // To remove again what is removed changes nothing, and must not make the journal grow.
        if pending.value.is_none()
            && before.is_some_and(|b| b.value.is_none() && b.tx == pending.tx)
        {
            return;
        }
        let before = self.replace(&slot, Some(pending));
        self.journal.push((slot, before));
    }

    /// A point to which [`Overlay::revert`] can go back.
    pub fn mark(&self) -> Mark {
        Mark(self.journal.len())
    }

    /// Undoes every write after `mark`.
    pub fn revert(&mut self, mark: Mark) {
        while self.journal.len() > mark.0 {
            let Some((slot, before)) = self.journal.pop() else {
                return;
            };
            let _ = self.replace(&slot, before);
        }
    }

    /// Puts `pending` in the place of a slot's pending write; gives what was there.
    fn replace(&mut self, slot: &Slot, pending: Option<Pending>) -> Option<Pending> {
        let tx = self.tx;
        let own = |p: &Pending| (size(slot, p.value.as_ref()), p.tx == tx);
        let (added, added_own) = pending.as_ref().map_or((0, false), own);
        let before = match pending {
            Some(pending) => self.writes.insert(slot.clone(), pending),
            None => self.writes.remove(slot),
        };
        let (removed, removed_own) = before.as_ref().map_or((0, false), own);
        let moved = |sum: usize, add: bool, sub: bool| {
            let sum = sum.saturating_add(if add { added } else { 0 });
            sum.saturating_sub(if sub { removed } else { 0 })
        };
        self.bytes = moved(self.bytes, true, true);
        self.tx_bytes = moved(self.tx_bytes, added_own, removed_own);
        before
    }

    /// Bytes that the writes so far take in the block's result, at most. A function of the writes alone.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes that the writes of the running transaction take, each slot once, whatever other transactions wrote to it before:
    /// its gas may not depend on its neighbours.
    #[must_use]
    pub(crate) const fn tx_bytes(&self) -> usize {
        self.tx_bytes
    }

    /// Ends a transaction: its writes stay, the journal is cleared, and what it touched is told.
    pub fn end_tx(&mut self) -> Access {
        let writes = self.journal.drain(..).map(|(slot, _)| slot).collect();
        self.tx = self.tx.saturating_add(1);
        self.tx_bytes = 0;
        Access {
            reads: std::mem::take(&mut self.reads),
            writes,
        }
    }

    /// Ends a transaction that was only checked, and tells what it touched; forgets the values read so far if they are more than `max`:
    /// they are only a cache.
    pub(crate) fn end_check(&mut self, max: usize) -> Access {
        let access = self.end_tx();
        if self.cache.len() > max {
            self.cache.clear();
        }
        access
    }

    /// What is known of a slot in this block: what was written, or read from below. Nothing counts as read.
    pub(crate) fn peek(&self, slot: &Slot) -> Option<Option<Bytes>> {
        match self.writes.get(slot) {
            Some(pending) => Some(pending.value.clone()),
            None => self.cache.get(slot).cloned(),
        }
    }

    /// The number of the transaction that runs, or runs next.
    pub(crate) const fn running(&self) -> u32 {
        self.tx
    }

    /// The number of the transaction that wrote last at a slot.
    pub(crate) fn writer(&self, slot: &Slot) -> Option<u32> {
        self.writes.get(slot).map(|pending| pending.tx)
    }

    /// Keeps what was read from below the block. Nothing counts as read.
    pub(crate) fn keep(&mut self, slot: Slot, value: Option<Bytes>) {
        self.cache.insert(slot, value);
    }

    /// What a transaction read and left written that ran alone on this overlay.
    pub(crate) fn into_parts(mut self) -> (BTreeSet<Slot>, BTreeMap<Slot, Option<Bytes>>) {
        let reads = std::mem::take(&mut self.reads);
        (reads, self.into_writes())
    }

    /// Does at once what the running transaction did elsewhere.
    pub(crate) fn take_over(
        &mut self,
        mut reads: BTreeSet<Slot>,
        writes: BTreeMap<Slot, Option<Bytes>>,
    ) {
        self.reads.append(&mut reads);
        for (slot, value) in writes {
            self.put(slot, value);
        }
    }

    /// The same writes, with nothing to take back and nothing read: what a simulation runs on.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            writes: self.writes.clone(),
            tx: self.tx,
            bytes: self.bytes,
            ..Self::default()
        }
    }

    /// Ends the block: all that was written, in order of slot.
    #[must_use]
    pub fn into_writes(self) -> BTreeMap<Slot, Option<Bytes>> {
        let writes = self.writes.into_iter();
        writes.map(|(slot, p)| (slot, p.value)).collect()
    }
}

/// Bytes that a pending write takes in the block's result, at most.
fn size(slot: &Slot, value: Option<&Bytes>) -> usize {
    let value = value.map_or(0, |v| v.len());
    let (key, value) = match slot {
        Slot::Native(key) => (key.len(), value),
        Slot::Contract(..) => {
            let class = size_class(u64::try_from(value).unwrap_or(u64::MAX));
            let class = usize::try_from(class).unwrap_or(usize::MAX);
            (CONTRACT_KEY_BYTES, class.saturating_add(SEALED_BYTES))
        }
    };
    WRITE_BYTES.saturating_add(key).saturating_add(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(n: u8) -> Slot {
        Slot::Native([n].into())
    }

    fn value(n: u8) -> Option<Bytes> {
        Some(Bytes::from([n].as_slice()))
    }

    #[test]
    fn a_nested_revert_undoes_only_what_came_after_its_mark() {
        let mut overlay = Overlay::default();
        overlay.put(slot(1), value(1));
        let mark = overlay.mark();
        overlay.put(slot(1), value(2));
        overlay.put(slot(2), None);
        let inner = overlay.mark();
        overlay.put(slot(1), value(3));
        overlay.revert(inner);
        assert_eq!(overlay.get(&slot(1)), Some(value(2)));
        overlay.revert(mark);
        assert_eq!(overlay.get(&slot(1)), Some(value(1)));
        assert_eq!(overlay.get(&slot(2)), None);
    }

    #[test]
    fn the_end_of_a_transaction_tells_what_it_read_and_wrote_but_not_what_it_took_back() {
        let mut overlay = Overlay::default();
        overlay.put(slot(1), value(1));
        let mark = overlay.mark();
        overlay.put(slot(2), value(2));
        overlay.revert(mark);
        overlay.remember(slot(3), None);
        let access = overlay.end_tx();
        assert_eq!(access.writes, BTreeSet::from([slot(1)]));
        assert_eq!(access.reads, BTreeSet::from([slot(3)]));
        assert_eq!(overlay.end_tx(), Access::default());
    }

    #[test]
    fn what_an_earlier_transaction_wrote_is_read_from_below_and_what_one_wrote_itself_is_not() {
        let mut overlay = Overlay::default();
        overlay.put(slot(1), value(1));
        assert_eq!(overlay.get(&slot(1)), Some(value(1)));
        assert_eq!(overlay.end_tx().reads, BTreeSet::new());
        // The next transaction reads it, and writes it after that.
        assert_eq!(overlay.get(&slot(1)), Some(value(1)));
        overlay.put(slot(1), value(2));
        assert_eq!(overlay.end_tx().reads, BTreeSet::from([slot(1)]));
        // The one after writes first; what it took back it did not write.
        overlay.put(slot(1), value(3));
        assert_eq!(overlay.get(&slot(1)), Some(value(3)));
        let mark = overlay.mark();
        overlay.put(slot(2), value(3));
        overlay.revert(mark);
        assert_eq!(overlay.end_tx().reads, BTreeSet::new());
        let mark = overlay.mark();
        overlay.put(slot(1), value(4));
        overlay.revert(mark);
        assert_eq!(overlay.get(&slot(1)), Some(value(3)));
        assert_eq!(overlay.end_tx().reads, BTreeSet::from([slot(1)]));
    }

    #[test]
    fn removing_what_is_removed_makes_nothing_grow() {
        let mut overlay = Overlay::default();
        let mark = overlay.mark();
        overlay.put(slot(1), None);
        let (once, bytes) = (overlay.mark(), overlay.bytes());
        for _ in 0..1_000 {
            overlay.put(slot(1), None);
        }
        assert_eq!((overlay.mark(), overlay.bytes()), (once, bytes));
        overlay.revert(mark);
        assert_eq!((overlay.get(&slot(1)), overlay.bytes()), (None, 0));
        overlay.put(slot(1), None);
        assert_eq!(overlay.end_tx().writes, BTreeSet::from([slot(1)]));
        // In another transaction it is a write of that one.
        overlay.put(slot(1), None);
        assert_eq!(overlay.end_tx().writes, BTreeSet::from([slot(1)]));
    }

    #[test]
    fn the_bytes_of_the_writes_follow_every_write_and_every_way_back() {
        let mut overlay = Overlay::default();
        let long = |n: usize| Some(Bytes::from(vec![0; n]));
        overlay.put(slot(1), long(100));
        assert_eq!(overlay.bytes(), 16 + 1 + 100);
        let mark = overlay.mark();
        overlay.put(slot(1), long(7));
        let contract = Address::from_bytes(&[1; 20]).unwrap();
        // However long its own key is, a sealed record has a raw key of fixed length and the length of its class.
        overlay.put(Slot::Contract(contract, vec![0; 500].into()), long(65));
        assert_eq!(overlay.bytes(), (16 + 1 + 7) + (16 + 65 + 72 + 33));
        overlay.revert(mark);
        assert_eq!(overlay.bytes(), 16 + 1 + 100);
        overlay.put(slot(1), None);
        assert_eq!(overlay.bytes(), 16 + 1);
    }

    #[test]
    fn the_bytes_of_a_transaction_do_not_depend_on_what_others_wrote_before() {
        let long = |n: usize| Some(Bytes::from(vec![0; n]));
        let run = |overlay: &mut Overlay| {
            overlay.put(slot(1), long(9));
            overlay.put(slot(1), long(5));
            let mark = overlay.mark();
            overlay.put(slot(1), long(70));
            overlay.put(slot(2), long(70));
            overlay.revert(mark);
            overlay.tx_bytes()
        };
        let mut alone = Overlay::default();
        let mut second = Overlay::default();
        second.put(slot(1), long(1_000));
        assert_eq!(second.tx_bytes(), 16 + 1 + 1_000);
        let _ = second.end_tx();
        assert_eq!((second.tx_bytes(), run(&mut second)), (0, 16 + 1 + 5));
        assert_eq!(run(&mut alone), 16 + 1 + 5);
    }

    #[test]
    fn nothing_of_a_contract_is_printed() {
        let contract = Address::from_bytes(&[1; 20]).unwrap();
        let slot = Slot::Contract(contract.clone(), b"plain key".as_slice().into());
        assert_eq!(format!("{slot:?}"), format!("Contract({contract}, ..)"));
        let mut overlay = Overlay::default();
        overlay.put(slot, Some(Bytes::from(b"plain value".as_slice())));
        assert_eq!(format!("{overlay:?}"), "Overlay(1 writes)");
        assert!(!format!("{:?}", overlay.end_tx()).contains("plain"));
    }
}
