//! Searching transactions and blocks by their events: what a [`Query`] means over the index of the block store.
//!
//! `tx_search`, `block_search` (wire.md 4.3) and the transaction search of REST end here.
//!
//! Promises: nothing above the published height is found; results are in the order of the chain; a search visits at
//! most [`ROWS_MAX`] rows, over all its conditions. Conditions are met by a transaction as a whole, not by one of its events.
//! A number compared with `=` must be the whole value; with `<` or `>` the number at the value's beginning counts.

use crate::query_lang::{Compare, Condition, Query, Test};
use core::ops::RangeInclusive;
use std::collections::BTreeSet;
use strongroom_store::blocks::{BlockStore, BlockStoreError, Position, RowBudget, Subject};
use strongroom_types::Height;

/// The most index rows that one search may visit: about a second of work.
pub const ROWS_MAX: usize = 1_000_000;

/// Why a search gave nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The value of `tx.hash` is no hex.
    #[error("error during searching for a hash in the query: {0}")]
    Hash(hex::FromHexError),
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] BlockStoreError),
}

/// The transactions that match, ascending.
///
/// # Errors
/// [`SearchError`].
pub fn search_txs(
    blocks: &BlockStore,
    query: &Query,
    published: Height,
) -> Result<Vec<Position>, SearchError> {
    let search = Search::new(Subject::Tx, query, published);
    let mut found = None;
    for condition in query.conditions().iter().filter(|c| c.key == "tx.hash") {
        narrow(&mut found, tx_by_hash(blocks, &condition.test, published)?);
    }
    let mut budget = RowBudget::new(ROWS_MAX);
    search.by_events(blocks, &mut found, &mut budget)?;
    match found {
        Some(found) => Ok(search.within_heights(found)),
        None => {
            let all = blocks.txs_within(search.heights.clone(), &mut budget)?;
            Ok(search.within_heights(all))
        }
    }
}

/// The heights of the blocks that match, ascending.
///
/// # Errors
/// [`SearchError`].
pub fn search_blocks(
    blocks: &BlockStore,
    query: &Query,
    published: Height,
) -> Result<Vec<Height>, SearchError> {
    let search = Search::new(Subject::Block, query, published);
    let mut found = None;
    search.by_events(blocks, &mut found, &mut RowBudget::new(ROWS_MAX))?;
    let positions = match found {
        Some(found) => search.within_heights(found),
        None => {
            let lowest = blocks.base()?.unwrap_or(1).max(*search.heights.start());
            let heights = lowest..=*search.heights.end();
            if heights.clone().nth(ROWS_MAX).is_some() {
                return Err(BlockStoreError::TooManyRows { max: ROWS_MAX }.into());
            }
            search.within_heights(heights.map(|height| Position { height, index: 0 }))
        }
    };
    Ok(positions
        .into_iter()
        .map(|position| position.height)
        .collect())
}

/// A query, split into what bounds the heights and what the index answers.
struct Search<'a> {
    subject: Subject,
    query: &'a Query,
    heights: RangeInclusive<Height>,
}

impl<'a> Search<'a> {
    fn new(subject: Subject, query: &'a Query, published: Height) -> Self {
        let mut search = Self {
            subject,
            query,
            heights: 0..=published,
        };
        let (mut low, mut high) = (0, published);
        for condition in query
            .conditions()
            .iter()
            .filter(|c| c.key == search.height_key())
        {
            // Only narrows; whoever is left is tested exactly in the end.
            match &condition.test {
                Test::Number(compare, number) => {
                    let Some(height) = number.as_u64() else {
                        continue;
                    };
                    if matches!(
                        compare,
                        Compare::Equal | Compare::Greater | Compare::GreaterOrEqual
                    ) {
                        low = low.max(height);
                    }
                    if matches!(
                        compare,
                        Compare::Equal | Compare::Less | Compare::LessOrEqual
                    ) {
                        high = high.min(height);
                    }
                }
                Test::Equals(text) => match text.parse() {
                    Ok(height) => (low, high) = (low.max(height), high.min(height)),
                    Err(_) => high = 0,
                },
                Test::Exists | Test::Contains(_) | Test::Time(..) => {}
            }
        }
        search.heights = low..=high;
        search
    }

    fn height_key(&self) -> &'static str {
        match self.subject {
            Subject::Tx => "tx.height",
            Subject::Block => "block.height",
        }
    }

    fn by_events(
        &self,
        blocks: &BlockStore,
        found: &mut Option<BTreeSet<Position>>,
        budget: &mut RowBudget,
    ) -> Result<(), SearchError> {
        let of_index = |c: &&Condition| c.key != self.height_key() && c.key != "tx.hash";
        let (exact, walking): (Vec<_>, Vec<_>) = self
            .query
            .conditions()
            .iter()
            .filter(of_index)
            .partition(|c| exact_value(&c.test).is_some());
        for condition in exact.into_iter().chain(walking) {
            if found.as_ref().is_some_and(BTreeSet::is_empty) {
                return Ok(());
            }
            let heights = self.heights.clone();
            let positions = match exact_value(&condition.test) {
                Some(value) => {
                    blocks.positions_of(self.subject, &condition.key, &value, heights, budget)?
                }
                None => blocks.positions_where(
                    self.subject,
                    &condition.key,
                    heights,
                    budget,
                    &|value| condition.test.passes(value),
                )?,
            };
            narrow(found, positions);
        }
        Ok(())
    }

    fn within_heights(&self, positions: impl IntoIterator<Item = Position>) -> Vec<Position> {
        let tests: Vec<&Test> = self
            .query
            .conditions()
            .iter()
            .filter(|c| c.key == self.height_key())
            .map(|c| &c.test)
            .collect();
        let keep = |position: &Position| {
            let height = position.height.to_string();
            self.heights.contains(&position.height) && tests.iter().all(|test| test.passes(&height))
        };
        positions.into_iter().filter(keep).collect()
    }
}

/// The value that a test asks for exactly.
fn exact_value(test: &Test) -> Option<String> {
    match test {
        Test::Equals(text) => Some(text.clone()),
        Test::Number(Compare::Equal, number) => Some(number.canonical()),
        _ => None,
    }
}

fn narrow(found: &mut Option<BTreeSet<Position>>, positions: impl IntoIterator<Item = Position>) {
    let positions: BTreeSet<Position> = positions.into_iter().collect();
    *found = Some(match found.take() {
        Some(before) => before.intersection(&positions).copied().collect(),
        None => positions,
    });
}

fn tx_by_hash(
    blocks: &BlockStore,
    test: &Test,
    published: Height,
) -> Result<Option<Position>, SearchError> {
    // A hash of digits only parses as a number.
    let text = match exact_value(test) {
        Some(text) => text,
        None => return Ok(None),
    };
    let hash = hex::decode(&text).map_err(SearchError::Hash)?;
    let Ok(hash) = hash.try_into() else {
        return Ok(None);
    };
    let place = blocks.tx_location(&hash, published)?;
    Ok(place.map(|place| Position {
        height: place.height,
        index: place.index,
    }))
}
