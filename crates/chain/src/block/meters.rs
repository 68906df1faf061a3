//! What all transactions of a block share: one list, one rule.
//!
//! The rule: *no sender's use fails another's transaction*. What finds no room under one of the meters is taken back whole,
//! with what the ante chain did, and it and all behind it are left for the next block, uncharged. Each transaction fits an empty
//! block: what one may take is bounded below, or at, what a block has, and who passes that fails alone.
//!
//! The bytes of a block and the number of its transactions are bounded where it is proposed, and no block above is executed
//! (`proof::light`): what does not fit waits as well.

use super::output::OUTPUT_BYTES_MAX;
use crate::types::Gas;

/// One of the amounts that a block has for all of its transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meter {
    /// Gas. One transaction: its gas limit, which is at most the block's.
    Gas,
    /// Bytes that leave: [`OUTPUT_BYTES_MAX`]. One transaction: [`super::output::OUTPUT_TX_BYTES_MAX`].
    Output,
    /// Weight of loaded code: [`crate::engine::LOAD_BLOCK_MAX`]. One transaction: half of it.
    Code,
}

impl Meter {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Gas, Self::Output, Self::Code];
}

/// What a transaction adds to each meter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    /// Gas, at most its limit.
    pub(super) gas: Gas,
    /// Bytes of its result and new content, and of all writes of the block with its own.
    pub(super) output: usize,
    /// Whether it asked for code that found no room.
    pub(super) wants_code: bool,
}

/// The meters of the running block.
#[derive(Debug)]
pub(super) struct Meters {
    gas_limit: Option<Gas>,
    gas: Gas,
    /// Output without writes, which the overlay counts.
    output: usize,
    full: Option<Meter>,
}

impl Meters {
    pub(super) const fn new(gas_limit: Option<Gas>) -> Self {
        Self {
            gas_limit,
            gas: 0,
            output: 0,
            full: None,
        }
    }

    /// Whether the block takes no further transaction, with `writes` bytes of writes so far.
    pub(super) fn is_full(&self, writes: usize) -> bool {
        self.full.is_some()
            || self.gas_limit.is_some_and(|limit| self.gas >= limit)
            || self.output.saturating_add(writes) >= OUTPUT_BYTES_MAX
    }

    /// Gas that is left to transactions; none where the block has no limit, or has ended.
    pub(super) fn gas_left(&self) -> Gas {
        let limit = self.gas_limit.filter(|_| self.full.is_none());
        limit.unwrap_or(0).saturating_sub(self.gas)
    }

    /// Whether there is room for a transaction; if not, the block ends with what it has.
    pub(super) fn has_room(&mut self, wanted: &Use) -> bool {
        self.full = Meter::ALL.into_iter().find(|meter| match meter {
            Meter::Gas => {
                let gas = self.gas.saturating_add(wanted.gas);
                self.gas_limit.is_some_and(|limit| gas > limit)
            }
            Meter::Output => self.output.saturating_add(wanted.output) > OUTPUT_BYTES_MAX,
            Meter::Code => wanted.wants_code,
        });
        self.full.is_none()
    }

    /// Counts gas that was used.
    pub(super) const fn consume(&mut self, gas: Gas) {
        self.gas = self.gas.saturating_add(gas);
    }

    /// Counts what leaves beside writes.
    pub(super) const fn add_output(&mut self, bytes: usize) {
        self.output = self.output.saturating_add(bytes);
    }
}
