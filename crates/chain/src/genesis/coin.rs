//! Coins as the genesis document writes them.

use crate::types::coin::CoinsError;
use crate::types::{Coin, Coins};
use serde::{Deserialize, Serialize};

/// A coin: the amount is decimal text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisCoin {
    /// Denomination.
    pub denom: String,
    /// Amount.
    pub amount: String,
}

impl From<&Coin> for GenesisCoin {
    fn from(coin: &Coin) -> Self {
        Self {
            denom: coin.denom.clone(),
            amount: coin.amount.to_string(),
        }
    }
}

impl GenesisCoin {
    /// A list of coins.
    #[must_use]
    pub fn list(coins: &Coins) -> Vec<Self> {
        coins.iter().map(Self::from).collect()
    }

    /// Reads a list.
    ///
    /// # Errors
    /// Why it is none: an amount that is no number, coins that are not valid as they stand.
    pub fn read(list: &[Self]) -> Result<Coins, String> {
        let coin = |c: &Self| {
            let amount = c.amount.parse();
            let amount = amount.map_err(|_| format!("'{}' is no amount", c.amount))?;
            Ok(Coin::new(amount, c.denom.clone()))
        };
        let coins = list.iter().map(coin).collect::<Result<_, String>>()?;
        Coins::new(coins).map_err(|e: CoinsError| e.to_string())
    }
}
