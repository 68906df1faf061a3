//! In which order blocks are given what waits.
//!
//! Each sender's first transaction, then each one's second, and so on: who sends one does not wait behind the thousand of another. But whatever would
//! be in a block already, had there been no turns, comes first, as it came, unless it waits for another of its parties: so turns hold nothing up for long.
//! Transactions with a party in common stay in the order of their checks, which counted on it.

use super::Waiting;
use super::fair::Firsts;
use super::load::Load;
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
    let mut next: HashMap<Option<&Address>, usize> = HashMap::new();
    let mut turns: Vec<_> = waiting
        .map(|(arrival, waiting)| {
            let taken = names(&waiting.parties).filter_map(|name| next.get(&name));
            let turn = match taken.copied().max() {
                Some(turn) => turn,
                None if waiting.due < blocks => return (0, arrival),
                None => 1,
            };
            for name in names(&waiting.parties) {
                next.insert(name, turn.saturating_add(1));
            }
            (turn, arrival)
        })
        .collect();
    turns.sort_unstable();
    turns.into_iter().map(|(_, arrival)| arrival).collect()
}

/// The first transactions of the turns for a block with so much room.
pub(super) fn firsts<'w>(
    waiting: impl Iterator<Item = &'w Waiting>,
    blocks: u64,
    block: Load,
) -> Firsts {
    let (mut firsts, mut senders) = (Firsts::new(block), HashSet::new());
    for waiting in waiting.filter(|w| w.due >= blocks) {
        if senders.insert(waiting.sender()) {
            firsts.take(waiting.load);
        }
    }
    firsts
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
