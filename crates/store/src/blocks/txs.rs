//! Where transactions are, by hash: the last place where the same bytes succeeded, and the first where they failed.
//!
//! Two rows, and none that the other writes over: a reader sees the place that was told him also while a later one waits to be published.

use super::records::{BlockResults, encode};
use super::rows::Batch;
use super::{BlockStore, Result, TxLocation, index, keys};
use std::collections::BTreeSet;
use strongroom_types::{Hash, Height, RawTx};

impl BlockStore {
    /// Position of the transaction with this SHA-256, up to the height `published`. If the same bytes were included more than once: the last place
    /// where they succeeded, or else the first where they failed.
    ///
    /// # Errors
    /// If the database fails.
    pub fn tx_location(&self, hash: &Hash, published: Height) -> Result<Option<TxLocation>> {
        for key in [keys::tx(hash), keys::tx_failed(hash)] {
            match self.place(&key)? {
                // Then there is none in the other row either.
                None => return Ok(None),
                Some(place) if place.height <= published => return Ok(Some(place)),
                Some(_) => {}
            }
        }
        Ok(None)
    }

    fn place(&self, key: &[u8]) -> Result<Option<TxLocation>> {
        let row: Option<(Height, u32)> = self.read(key, "a transaction's place")?;
        Ok(row.map(|(height, index)| TxLocation { height, index }))
    }

    /// Rows by transaction hash. What the block had no room for has not run: whoever waits for it goes on waiting. The same bytes may be included again
    /// later, but then they fail: that must not hide where they succeeded.
    pub(super) fn tx_rows(
        &self,
        height: Height,
        txs: &[RawTx],
        results: &BlockResults,
        batch: &mut Batch,
    ) -> Result<()> {
        let mut here = BTreeSet::new();
        for (position, tx) in txs.iter().enumerate() {
            let result = results.tx_results.get(position);
            if result.is_some_and(|result| result.is_left()) {
                continue;
            }
            let hash = *tx.hash();
            let place = encode(&(height, u32::try_from(position).unwrap_or(u32::MAX)));
            let new = here.insert(hash);
            if result.is_some_and(|result| result.code != 0) {
                // Looked for only where it decides something: most succeed.
                if !new || self.tx_location(&hash, height.saturating_sub(1))?.is_some() {
                    continue;
                }
                batch.put(keys::tx_failed(&hash), place.clone());
            }
            batch.put(keys::tx(&hash), place);
        }
        Ok(())
    }

    /// What takes back all that the results of the last executed block brought, whose transactions and results these are. Without results, which
    /// could not be read, what they brought is written anew by the same execution: its rows of the index have the same keys.
    pub(super) fn undo_results(
        &self,
        height: Height,
        txs: &[RawTx],
        results: Option<&BlockResults>,
    ) -> Result<Batch> {
        let mut undo = Batch::new();
        // What this block alone put in force.
        for (family, blocks) in [(keys::VALIDATORS, 2), (keys::PARAMS, 1)] {
            undo.remove(keys::from_height(family, height.saturating_add(blocks)));
        }
        if let Some(results) = results {
            for (key, _) in index::rows(height, txs.len(), results) {
                undo.remove(key);
            }
        }
        for tx in txs {
            let hash = tx.hash();
            let before = self.tx_location(hash, height.saturating_sub(1))?;
            let before = before.map(|place| encode(&(place.height, place.index)));
            for (key, row) in [(keys::tx(hash), before), (keys::tx_failed(hash), None)] {
                if self.place(&key)?.is_some_and(|at| at.height == height) {
                    undo.set(key, row);
                }
            }
        }
        Ok(undo)
    }
}
