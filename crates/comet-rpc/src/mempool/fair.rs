//! Who has how much waiting, so that no sender keeps another out.
//!
//! The rules, in a room for what can be in blocks in time:
//! - who has nothing that waits for a block is let in as long as there is room, and the last eighth of it is for those;
//! - who is alone may fill the rest;
//! - while half of it is free, nobody is asked for a share: blocks take turns of senders anyway ([`super::order`]);
//! - beyond that, while others wait, a sender has its share (the room by the number of senders and one more), or half of what the others leave, if
//!   that is more.
//!
//! So whoever floods is stopped while there is room for all others, and no number of accounts helps further than the fees that each pays.

use super::load::Load;
use std::collections::HashMap;
use strongroom_types::Address;

/// The room has so many parts, and the last one is for whoever has nothing waiting.
const RESERVED: u64 = 8;
/// So many of them are for whoever comes.
const COMMON: u64 = 4;

/// What a sender has waiting.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Own {
    /// For a block.
    pub(super) queued: Load,
    /// For a block, or for its end.
    pub(super) all: Load,
}

/// Why a sender has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// What waits of all takes it.
    All,
    /// It has its share: so many transactions.
    Share(u64),
}

/// What waits of each sender. What nobody says the sender of is in the sum only.
#[derive(Debug, Default)]
pub(super) struct Senders {
    by_sender: HashMap<Address, Own>,
    total: Own,
}

impl Senders {
    fn change(&mut self, sender: Option<&Address>, f: impl Fn(&mut Own)) {
        f(&mut self.total);
        let Some(sender) = sender else { return };
        let own = self.by_sender.entry(sender.clone()).or_default();
        f(own);
        if own.all.txs == 0 {
            self.by_sender.remove(sender);
        }
    }

    /// A transaction waits for a block.
    pub(super) fn add(&mut self, sender: Option<&Address>, load: Load) {
        self.change(sender, |own| {
            own.queued = own.queued.plus(load);
            own.all = own.all.plus(load);
        });
    }

    /// A block was given one.
    pub(super) fn give(&mut self, sender: Option<&Address>, load: Load) {
        self.change(sender, |own| own.queued = own.queued.minus(load));
    }

    /// It gave it back.
    pub(super) fn take_back(&mut self, sender: Option<&Address>, load: Load) {
        self.change(sender, |own| own.queued = own.queued.plus(load));
    }

    /// One waits no more.
    pub(super) fn remove(&mut self, sender: Option<&Address>, load: Load, given: bool) {
        self.change(sender, |own| {
            own.all = own.all.minus(load);
            if !given {
                own.queued = own.queued.minus(load);
            }
        });
    }

    /// What waits of all.
    pub(super) const fn total(&self) -> Own {
        self.total
    }

    /// Whether anybody may be let in.
    pub(super) fn any(&self, room: Load) -> bool {
        self.total.queued.leaves(room)
    }

    /// Whether one of `sender` may be let in that takes `load`.
    pub(super) fn one(
        &self,
        sender: Option<&Address>,
        load: Load,
        room: Load,
    ) -> Result<(), NoRoom> {
        if !self.any(room) {
            return Err(NoRoom::All);
        }
        let own = sender.and_then(|sender| self.by_sender.get(sender));
        let Some(own) = own.filter(|own| own.queued.txs > 0) else {
            return Ok(());
        };
        let open = room.parts(RESERVED - 1, RESERVED);
        if !self.total.queued.plus(load).fits(open) {
            return Err(NoRoom::All);
        }
        if self
            .total
            .queued
            .plus(load)
            .fits(room.parts(COMMON, RESERVED))
        {
            return Ok(());
        }
        let others = self.total.all.minus(own.all);
        let senders = u64::try_from(self.by_sender.len()).unwrap_or(u64::MAX);
        let share = match others.txs {
            0 => open,
            _ => room
                .parts(1, senders.saturating_add(1))
                .max(room.minus(others).parts(1, 2)),
        };
        match own.queued.plus(load).fits(share) {
            true => Ok(()),
            false => Err(NoRoom::Share(own.queued.txs)),
        }
    }
}
