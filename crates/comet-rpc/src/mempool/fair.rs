//! Who has how much waiting, so that no sender keeps another out.
//!
//! The rules:
//! - who has nothing that waits for a block is let in while the first transactions of all fit the next one, however much else waits, and one
//!   more whose does not fit beside them ([`Firsts`]);
//! - all else has seven eighths of the room, which is what can be in blocks in time: while half of it is free, whoever comes; beyond that a sender
//!   has its share (the room by the number of senders and one more), or half of what the others leave, if that is more; who is alone has it all.
//!
//! So whoever floods is stopped while there is room for all others. To keep them out takes the price of a block, for each block, in transactions that
//! are in one: what might be too late for its own is not let in (`late`).

use super::load::Load;
use std::collections::HashMap;
use strongroom_types::Address;

/// The room has so many parts, and the last one is not for who has something waiting.
pub const ROOM_PARTS: u64 = 8;
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

    /// Whether somebody may be let in.
    pub(super) fn any(&self, firsts: &Firsts, room: Load) -> bool {
        firsts.any()
            || self
                .total
                .queued
                .leaves(room.parts(ROOM_PARTS - 1, ROOM_PARTS))
    }

    /// Whether it has something that waits for a block.
    pub(super) fn has(&self, sender: Option<&Address>) -> bool {
        let own = sender.and_then(|sender| self.by_sender.get(sender));
        own.is_some_and(|own| own.queued.txs > 0)
    }

    /// Whether one of `sender` may be let in that takes `load`.
    pub(super) fn one(
        &self,
        sender: Option<&Address>,
        load: Load,
        firsts: &Firsts,
        room: Load,
    ) -> Result<(), NoRoom> {
        if !self.has(sender) && firsts.clone().take(load) {
            return Ok(());
        }
        let own = sender.and_then(|sender| self.by_sender.get(sender));
        let own = own.copied().unwrap_or_default();
        let open = room.parts(ROOM_PARTS - 1, ROOM_PARTS);
        if !self.total.queued.plus(load).fits(open) {
            return Err(NoRoom::All);
        }
        if self
            .total
            .queued
            .plus(load)
            .fits(room.parts(COMMON, ROOM_PARTS))
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

/// The first transaction of each sender in the next block's turns, as far as they fit it together.
#[derive(Clone, Debug)]
pub(super) struct Firsts {
    block: Load,
    fit: Load,
    /// One waits that does not fit beside them.
    more: bool,
}

impl Firsts {
    /// Of a block with so much room.
    pub(super) const fn new(block: Load) -> Self {
        Self {
            block,
            fit: Load::ZERO,
            more: false,
        }
    }

    fn any(&self) -> bool {
        !self.more || self.fit.leaves(self.block)
    }

    /// One more; false if there is no place for it.
    pub(super) fn take(&mut self, load: Load) -> bool {
        let with = self.fit.plus(load);
        if with.fits(self.block) {
            self.fit = with;
            return true;
        }
        !std::mem::replace(&mut self.more, true)
    }
}
