//! Which waiting transactions a block leaves as they were checked, and which have to be checked again.
//!
//! Of each transaction that passed, the slots that its check read and wrote are kept, and the values that it wrote. A block that leaves at
//! those slots what the checks of its transactions foretold has changed nothing for those behind them. All others are checked again,
//! with whatever shares a slot with them.
//!
//! Promises: what is not named was checked as it would be now; where that is not certain, all are named.

use crate::Bytes;
use crate::overlay::{Access, Overlay, Slot};
use crate::types::{Hash, Tree, WriteSet};
use std::collections::{BTreeMap, BTreeSet};

/// Slots of one transaction that are kept. One with more is not followed, and with it none.
const SLOTS_MAX: usize = 64;
/// Transactions that are followed: more than wait in any mempool. Above, all are forgotten and so checked again.
const RECORDS_MAX: usize = 10_000;
/// Walks over all that waits. A chain of transactions that needs more is not followed to its end.
const WALKS_MAX: usize = 4;

/// What the check of one transaction depends on.
#[derive(Debug)]
struct Record {
    /// In which order it passed.
    order: u64,
    reads: Vec<Slot>,
    writes: Vec<(Slot, Option<Bytes>)>,
    /// Height or time may undo it, whatever blocks hold.
    expires: bool,
}

impl Record {
    fn touches(&self, stale: &BTreeSet<Slot>) -> bool {
        self.reads.iter().any(|slot| stale.contains(slot))
            || self.writes.iter().any(|(slot, _)| stale.contains(slot))
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    records: BTreeMap<Hash, Record>,
    /// Number of records that write a slot.
    writers: BTreeMap<Slot, usize>,
    next_order: u64,
    /// Something passed that has no record: the next block leaves nothing as it was.
    unfollowed: bool,
}

impl Waiting {
    /// A transaction passed: it waits from now on.
    pub(super) fn passed(&mut self, hash: Hash, access: Access, overlay: &Overlay, expires: bool) {
        let Access { reads, writes } = access;
        self.remove(&hash);
        let slots = reads.len().saturating_add(writes.len());
        if slots > SLOTS_MAX || self.records.len() >= RECORDS_MAX {
            *self = Self {
                unfollowed: true,
                ..Self::default()
            };
        }
        if self.unfollowed {
            return;
        }
        for slot in &writes {
            let count = self.writers.entry(slot.clone()).or_default();
            *count = count.saturating_add(1);
        }
        let value = |slot: Slot| {
            let value = overlay.written(&slot);
            (slot, value)
        };
        let record = Record {
            order: self.next_order,
            reads: reads.into_iter().collect(),
            writes: writes.into_iter().map(value).collect(),
            expires,
        };
        self.next_order = self.next_order.saturating_add(1);
        self.records.insert(hash, record);
    }

    fn remove(&mut self, hash: &Hash) -> Option<Record> {
        let record = self.records.remove(hash)?;
        for (slot, _) in &record.writes {
            let left = self.writers.get(slot).map_or(0, |n| n.saturating_sub(1));
            match left {
                0 => self.writers.remove(slot),
                left => self.writers.insert(slot.clone(), left),
            };
        }
        Some(record)
    }

    /// A block wrote `writes`; of what waited, `left` still waits, in order. Takes out of the overlay what is no longer so; gives
    /// for each of `left` whether it has to be checked again.
    pub(super) fn committed(
        &mut self,
        overlay: &mut Overlay,
        writes: &WriteSet,
        left: &[Hash],
    ) -> Vec<bool> {
        let all_again = |waiting: &mut Self, overlay: &mut Overlay| {
            *waiting = Self::default();
            *overlay = Overlay::default();
            vec![true; left.len()]
        };
        if self.unfollowed {
            return all_again(self, overlay);
        }
        let here: BTreeSet<&Hash> = left.iter().collect();
        let gone = self.records.keys().filter(|hash| !here.contains(hash));
        let gone: Vec<Hash> = gone.copied().collect();
        let mut gone: Vec<Record> = gone.iter().filter_map(|hash| self.remove(hash)).collect();
        gone.sort_unstable_by_key(|record| record.order);
        let (stale, mut touched) = stale(gone, writes);
        let again = self.followed(left, stale).map(|(again, stale)| {
            for (hash, _) in left.iter().zip(&again).filter(|(_, again)| **again) {
                self.remove(hash);
            }
            touched.extend(stale);
            again
        });
        let Some(again) = again else {
            return all_again(self, overlay);
        };
        for slot in &touched {
            overlay.forget_read(slot);
            // What the last of those that wait foretells still stands.
            if !self.writers.contains_key(slot) {
                overlay.forget_written(slot);
            }
        }
        again
    }

    /// Which of `left` depend on what is stale, or on each other through that, and all that is stale then.
    fn followed(
        &self,
        left: &[Hash],
        mut stale: BTreeSet<Slot>,
    ) -> Option<(Vec<bool>, BTreeSet<Slot>)> {
        let records: Option<Vec<&Record>> = left.iter().map(|h| self.records.get(h)).collect();
        let records = records?;
        let mut again: Vec<bool> = records.iter().map(|record| record.expires).collect();
        let expiring = records.iter().filter(|record| record.expires);
        let slots = expiring.flat_map(|r| r.writes.iter().map(|(slot, _)| slot.clone()));
        stale.extend(slots.collect::<Vec<_>>());
        for _ in 0..WALKS_MAX {
            let mut more = false;
            for (record, again) in records.iter().zip(&mut again) {
                if !*again && record.touches(&stale) {
                    *again = true;
                    more = true;
                    stale.extend(record.writes.iter().map(|(slot, _)| slot.clone()));
                }
            }
            if !more {
                return Some((again, stale));
            }
        }
        None
    }
}

/// What is otherwise than the checks of the transactions foretold that are gone, in their order; and all slots that are touched.
fn stale(gone: Vec<Record>, writes: &WriteSet) -> (BTreeSet<Slot>, BTreeSet<Slot>) {
    let mut foretold = BTreeMap::new();
    for record in gone {
        foretold.extend(record.writes);
    }
    let (mut stale, mut touched) = (BTreeSet::new(), BTreeSet::new());
    for ((tree, key), value) in &writes.0 {
        if *tree != Tree::Native {
            continue;
        }
        let slot = Slot::Native(key.as_slice().into());
        let expected: Option<Option<Bytes>> = foretold.remove(&slot);
        if expected.is_none_or(|expected| expected.as_deref() != value.as_deref()) {
            stale.insert(slot.clone());
        }
        touched.insert(slot);
    }
    // Foretold, and not so.
    touched.extend(foretold.keys().cloned());
    stale.extend(foretold.into_keys());
    (stale, touched)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(n: usize) -> Slot {
        Slot::Native(n.to_be_bytes().as_slice().into())
    }

    /// A transaction passes that writes these slots.
    fn pass(
        waiting: &mut Waiting,
        overlay: &mut Overlay,
        n: u8,
        slots: core::ops::Range<usize>,
    ) -> Hash {
        for at in slots {
            overlay.put(slot(at), Some(Bytes::from([n].as_slice())));
        }
        let access = overlay.end_check(0);
        waiting.passed([n; 32], access, overlay, false);
        [n; 32]
    }

    #[test]
    fn what_touches_too_much_to_be_followed_leaves_nothing_behind_once_a_block_is_there() {
        for (slots, kept) in [(SLOTS_MAX, true), (SLOTS_MAX + 1, false)] {
            let (mut waiting, mut overlay) = Default::default();
            let small = pass(&mut waiting, &mut overlay, 1, 1_000..1_002);
            // It never is in a block, as one that is dropped.
            let _large = pass(&mut waiting, &mut overlay, 2, 0..slots);
            let later = pass(&mut waiting, &mut overlay, 3, 2_000..2_001);
            let again = waiting.committed(&mut overlay, &WriteSet::default(), &[small, later]);
            assert_eq!(again, [!kept; 2]);
            // Nothing of the large one is pending any more.
            let left = overlay.fork().into_writes().len();
            assert_eq!(left, if kept { 3 } else { 0 });
            // After that others are followed as before.
            overlay = Overlay::default();
            waiting = Waiting {
                unfollowed: waiting.unfollowed,
                ..Waiting::default()
            };
            let next = pass(&mut waiting, &mut overlay, 4, 0..1);
            let again = waiting.committed(&mut overlay, &WriteSet::default(), &[next]);
            assert_eq!(again, [false]);
        }
    }

    #[test]
    fn more_than_any_mempool_holds_is_not_kept() {
        let (mut waiting, mut overlay) = <(Waiting, Overlay)>::default();
        for n in 0..=RECORDS_MAX {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&n.to_be_bytes());
            overlay.put(slot(n), None);
            let access = overlay.end_check(0);
            waiting.passed(hash, access, &overlay, false);
            assert!(waiting.records.len() <= RECORDS_MAX);
        }
        assert!(waiting.records.is_empty() && waiting.writers.is_empty());
        let again = waiting.committed(&mut overlay, &WriteSet::default(), &[[9; 32]]);
        assert_eq!(again, [true]);
    }
}
