//! Who has how much waiting in a mempool that is not ours: CometBFT's counts transactions, and not whose they are.
//!
//! Promises: of one payer at most [`PENDING_OF_ONE_MAX`] that passed CheckTx since the last block.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use strongroom_types::Address;

/// The most transactions of one payer that wait for a block: a fifth of what CometBFT's mempool holds.
pub(crate) const PENDING_OF_ONE_MAX: usize = 1_000;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Shares(Mutex<HashMap<Address, usize>>);

impl Shares {
    fn counts(&self) -> MutexGuard<'_, HashMap<Address, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it has as many waiting as it may.
    pub(crate) fn is_full(&self, payer: &Address) -> bool {
        let counts = self.counts();
        counts.get(payer).is_some_and(|n| *n >= PENDING_OF_ONE_MAX)
    }

    /// One more passed.
    pub(crate) fn add(&self, payer: &Address) {
        let mut counts = self.counts();
        let count = counts.entry(payer.clone()).or_default();
        *count = count.saturating_add(1);
    }

    /// A block is there: all that waits is checked again.
    pub(crate) fn clear(&self) {
        self.counts().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_payer_has_no_more_than_its_share_between_two_blocks_and_another_has_all_of_its_own() {
        let shares = Shares::default();
        let [one, other] = [1, 2].map(|n| Address::from_bytes(&[n; 20]).unwrap());
        for _ in 0..PENDING_OF_ONE_MAX {
            assert!(!shares.is_full(&one));
            shares.add(&one);
        }
        assert!(shares.is_full(&one) && !shares.is_full(&other));
        shares.clear();
        assert!(!shares.is_full(&one));
    }
}
