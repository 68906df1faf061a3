//! In which order blocks are given what waits.
//!
//! Each sender's first transaction, then each one's second, and so on: who sends one does not wait behind the thousand of another. But whatever would
//! be in a block already, had there been no turns, comes first, as it came: so nothing is held up for longer than one block.
//! Transactions with a party in common stay in the order of their checks, which counted on it.

use super::Waiting;
use std::collections::{HashMap, HashSet};
use strongroom_types::Address;

/// Those that sign or pay. Where nobody says who, all have one in common.
fn names(parties: &[Address]) -> impl Iterator<Item = Option<&Address>> {
    let nobody = parties.is_empty().then_some(None);
    parties.iter().map(Some).chain(nobody)
}

/// The arrivals of what waits, in the order for the next block, before which so many were given transactions. `waiting` is by arrival, and
/// no block was given any of it.
pub(super) fn order<'w>(
    waiting: impl Iterator<Item = (u64, &'w Waiting)>,
    blocks: u64,
) -> Vec<u64> {
    let mut waiting = waiting.peekable();
    let mut order = Vec::new();
    while let Some((arrival, _)) = waiting.next_if(|(_, w)| w.due < blocks) {
        order.push(arrival);
    }
    let mut next: HashMap<Option<&Address>, usize> = HashMap::new();
    let mut turns = Vec::new();
    for (arrival, waiting) in waiting {
        let taken = names(&waiting.parties).filter_map(|name| next.get(&name));
        let turn = taken.copied().max().unwrap_or_default();
        for name in names(&waiting.parties) {
            next.insert(name, turn.saturating_add(1));
        }
        turns.push((turn, arrival));
    }
    turns.sort_unstable();
    order.extend(turns.into_iter().map(|(_, arrival)| arrival));
    order
}

/// Whom a block leaves out with all that comes after it: it may build on that.
#[derive(Default)]
pub(super) struct LeftOut(HashSet<Option<Address>>);

impl LeftOut {
    /// Leaves out what is from these.
    pub(super) fn add(&mut self, parties: &[Address]) {
        self.0
            .extend(names(parties).map(Option::<&Address>::cloned));
    }

    /// Whether one of these is left out.
    pub(super) fn has(&self, parties: &[Address]) -> bool {
        !self.0.is_empty() && names(parties).any(|name| self.0.contains(&name.cloned()))
    }
}
