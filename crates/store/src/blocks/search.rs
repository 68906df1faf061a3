//! Reading the event index. What a query means is the RPC's business (`comet_rpc::indexer`); here are the two ways to walk.

use super::index::{
    TX_HEIGHT, key_prefix, parse_position, parse_tail, value_prefix, with_position,
};
use super::{BlockStore, BlockStoreError, Result};
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

/// How many rows of the index a search may still visit, over all its walks.
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
        let from = with_position(
            prefix.clone(),
            Position {
                height: *heights.start(),
                index: 0,
            },
        );
        let to = with_position(
            prefix.clone(),
            Position {
                height: *heights.end(),
                index: u32::MAX,
            },
        );
        let mut found = Vec::new();
        if heights.is_empty() {
            return Ok(found);
        }
        self.rows.visit_keys(&from, &to, &mut |row| {
            budget.take()?;
            let position = row.get(prefix.len()..).and_then(parse_position);
            found.push(position.ok_or(BlockStoreError::Damaged {
                what: "the event index",
            })?);
            Ok(())
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
        self.rows.visit_keys(&prefix, &to, &mut |row| {
            budget.take()?;
            let tail = row.get(prefix.len()..).and_then(parse_tail);
            let (value, position) = tail.ok_or(BlockStoreError::Damaged {
                what: "the event index",
            })?;
            if heights.contains(&position.height) && keep(&value) {
                found.push(position);
            }
            Ok(())
        })?;
        Ok(found)
    }
}
