//! What a block has written so far, with an undo journal: nested calls roll back without copying, and a look-up costs
//! the same at every depth. Records what each transaction read and wrote (for parallel execution and for tests).

use crate::Bytes;
use crate::types::Address;
use std::collections::{BTreeMap, BTreeSet};

/// A place in the state, by its logical name. Contract data is plaintext here and is sealed once, at block end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// A raw key of the native tree.
    Native(Vec<u8>),
    /// A contract's own key.
    Contract(Address, Vec<u8>),
}

/// A point to roll back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[must_use]
pub struct Mark(usize);

/// What one transaction touched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Slots read from below the transaction (not those that it wrote first itself).
    pub reads: BTreeSet<Slot>,
    /// Slots that it left written.
    pub writes: BTreeSet<Slot>,
}

/// Pending writes over the committed state.
#[derive(Debug, Default)]
pub struct Overlay {
    writes: BTreeMap<Slot, Option<Bytes>>,
    journal: Vec<(Slot, Option<Option<Bytes>>)>,
    reads: BTreeSet<Slot>,
    cache: BTreeMap<Slot, Option<Bytes>>,
}

impl Overlay {
    /// The pending value of a slot: `None` = not written here, `Some(None)` = removed here.
    #[must_use]
    pub fn get(&self, slot: &Slot) -> Option<Option<Bytes>> {
        self.writes.get(slot).cloned()
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

    /// Writes (`Some`) or removes (`None`).
    pub fn put(&mut self, slot: Slot, value: Option<Bytes>) {
        let before = self.writes.insert(slot.clone(), value);
        self.journal.push((slot, before));
    }

    /// A point to which [`Overlay::revert`] can go back.
    pub fn mark(&self) -> Mark {
        Mark(self.journal.len())
    }

    /// Undoes every write after `mark`.
    pub fn revert(&mut self, mark: Mark) {
        while self.journal.len() > mark.0 {
            match self.journal.pop() {
                Some((slot, Some(before))) => {
                    self.writes.insert(slot, before);
                }
                Some((slot, None)) => {
                    self.writes.remove(&slot);
                }
                None => return,
            }
        }
    }

    /// Ends a transaction: its writes stay, the journal is cleared, and what it touched is told.
    pub fn end_tx(&mut self) -> Access {
        let writes = self.journal.drain(..).map(|(slot, _)| slot).collect();
        Access {
            reads: std::mem::take(&mut self.reads),
            writes,
        }
    }

    /// Forgets the values read so far if they are more than `max`: they are only a cache.
    pub(crate) fn forget_reads(&mut self, max: usize) {
        self.reads.clear();
        self.journal.clear();
        if self.cache.len() > max {
            self.cache.clear();
        }
    }

    /// Ends the block: all that was written, in order of slot.
    #[must_use]
    pub fn into_writes(self) -> BTreeMap<Slot, Option<Bytes>> {
        self.writes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(n: u8) -> Slot {
        Slot::Native(vec![n])
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
}
