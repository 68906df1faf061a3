//! Reading the event index. What a query means is the RPC's business (`comet_rpc::indexer`); here are the two ways to walk.

use super::index::{TX_HEIGHT, key_prefix, parse_height, parse_tail, value_prefix, with_height};
use super::{BlockStore, BlockStoreError, Result, places};
use core::ops::RangeInclusive;
use strongroom_types::Height;

/// Whose events a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Subject {
    /// Of a transaction.
    Tx = b't',
    /// Of a block itself.
    Block = b'b',
}

/// A transaction, or a block (index 0). Order is the order of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The block.
    pub height: Height,
    /// The place in the block, from 0.
    pub index: u32,
}

/// How many entries of the index (of one attribute of one transaction or block) a search may still visit, over all its walks.
#[derive(Debug)]
pub struct RowBudget {
    max: usize,
    left: usize,
}

impl RowBudget {
    /// A budget of `max` rows.
    #[must_use]
    pub const fn new(max: usize) -> Self {
        Self { max, left: max }
    }

    fn take(&mut self) -> Result<()> {
        let too_many = BlockStoreError::TooManyRows { max: self.max };
        self.left = self.left.checked_sub(1).ok_or(too_many)?;
        Ok(())
    }
}

const fn damaged() -> BlockStoreError {
    BlockStoreError::Damaged {
        what: "the event index",
    }
}

impl BlockStore {
    /// Where `key` has exactly `value`, within `heights`, in the order of the chain.
    ///
    /// # Errors
    /// [`BlockStoreError::TooManyRows`] once `budget` is used up, or if the database fails.
    pub fn positions_of(
        &self,
        subject: Subject,
        key: &str,
        value: &str,
        heights: RangeInclusive<Height>,
        budget: &mut RowBudget,
    ) -> Result<Vec<Position>> {
        let prefix = value_prefix(subject, key, value);
        let from = with_height(prefix.clone(), *heights.start());
        let to = with_height(prefix.clone(), *heights.end());
        let mut found = Vec::new();
        if heights.is_empty() {
            return Ok(found);
        }
        self.rows.visit(&from, &to, &mut |key, row| {
            let height = key.get(prefix.len()..).and_then(parse_height);
            let height = height.ok_or_else(damaged)?;
            let mut each = |index| {
                budget.take()?;
                found.push(Position { height, index });
                Ok(())
            };
            places::visit(row, &mut each).unwrap_or_else(|| Err(damaged()))
        })?;
        Ok(found)
    }

    /// All transactions within `heights`, in order.
    ///
    /// # Errors
    /// As [`Self::positions_of`].
    pub fn txs_within(
        &self,
        heights: RangeInclusive<Height>,
        budget: &mut RowBudget,
    ) -> Result<Vec<Position>> {
        self.positions_of(Subject::Tx, TX_HEIGHT, "", heights, budget)
    }

    /// Where `key` has a value that `keep` likes, within `heights`; in no order, and a position may come twice.
    ///
    /// # Errors
    /// As [`Self::positions_of`]; every row of `key` counts.
    pub fn positions_where(
        &self,
        subject: Subject,
        key: &str,
        heights: RangeInclusive<Height>,
        budget: &mut RowBudget,
        keep: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<Position>> {
        let prefix = key_prefix(subject, key);
        // No text begins with 0xFF, so this is above all rows of the key.
        let mut to = prefix.clone();
        to.push(0xff);
        let mut found = Vec::new();
        self.rows.visit(&prefix, &to, &mut |key, row| {
            let tail = key.get(prefix.len()..).and_then(parse_tail);
            let (value, height) = tail.ok_or_else(damaged)?;
            let wanted = heights.contains(&height) && keep(&value);
            let mut each = |index| {
                budget.take()?;
                if wanted {
                    found.push(Position { height, index });
                }
                Ok(())
            };
            places::visit(row, &mut each).unwrap_or_else(|| Err(damaged()))
        })?;
        Ok(found)
    }
}
