//! Coins and lists of coins, with checked arithmetic only. Amounts are u128: the supply is far below.

use borsh::{BorshDeserialize, BorshSerialize};

/// An amount of one denomination.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Coin {
    /// Denomination, `[a-zA-Z][a-zA-Z0-9/:._-]{2,127}`.
    pub denom: String,
    /// Amount in the smallest unit.
    pub amount: u128,
}

impl core::fmt::Display for Coin {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}{}", self.amount, self.denom)
    }
}

/// A *valid* list of coins: sorted by denomination, no duplicates, no zero amounts, well-formed denominations.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize)]
pub struct Coins(Vec<Coin>);
