//! The least that a node takes per unit of gas (wire.md 1.12.2, rows of `ante/validator_tx_fee.go`).

use crate::types::coin::denom_is_valid;
use crate::types::error::sdk;
use crate::types::{Coin, Coins, Gas, TxError};

/// One whole unit in the fixed-point form of prices.
const E18: u128 = 1_000_000_000_000_000_000;

/// The least that a node takes per unit of gas, in 10^-18 of a denomination. It decides entry into the mempool only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GasPrice {
    /// Amount per gas, times 10^18.
    pub amount_e18: u128,
    /// Denomination.
    pub denom: String,
}

impl Default for GasPrice {
    /// 0.0125uscrt.
    fn default() -> Self {
        Self {
            amount_e18: 12_500_000_000_000_000,
            denom: crate::genesis::DENOM.to_owned(),
        }
    }
}

impl GasPrice {
    /// The least fee for `gas`, rounded up.
    #[must_use]
    pub fn fee(&self, gas: Gas) -> Coin {
        let amount = self
            .amount_e18
            .saturating_mul(u128::from(gas))
            .div_ceil(E18);
        Coin::new(amount, self.denom.clone())
    }

    /// Refuses a fee below the minimum.
    ///
    /// # Errors
    /// sdk 13 `insufficient fees; got: <coins> required: <coin>`.
    pub fn check(&self, fee: &Coins, gas: Gas) -> Result<(), TxError> {
        let least = self.fee(gas);
        if fee.amount_of(&least.denom) >= least.amount {
            return Ok(());
        }
        Err(sdk::INSUFFICIENT_FEE.wrap(format!("insufficient fees; got: {fee} required: {least}")))
    }

    /// The text form.
    fn parse(text: &str) -> Option<Self> {
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (amount, denom) = text.split_at_checked(digits)?;
        let (whole, rest) = amount.split_once('.').unwrap_or((amount, "0"));
        let plain = |part: &str| (1..=18).contains(&part.len()) && !part.contains('.');
        if !plain(whole) || !plain(rest) || !denom_is_valid(denom) {
            return None;
        }
        let rest: u128 = format!("{rest:0<18}").parse().ok()?;
        let whole: u128 = whole.parse().ok()?;
        Some(Self {
            amount_e18: whole.checked_mul(E18)?.checked_add(rest)?,
            denom: denom.to_owned(),
        })
    }

    /// The price as text with 18 decimals, e.g. `0.012500000000000000uscrt`.
    #[must_use]
    pub fn text(&self) -> String {
        let (whole, rest) = (self.amount_e18 / E18, self.amount_e18 % E18);
        format!("{whole}.{rest:018}{}", self.denom)
    }
}

/// Why a text is no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a gas price: write an amount with at most 18 decimals and its denomination, e.g. 0.1uscrt"
)]
pub struct NotAGasPrice;

impl core::str::FromStr for GasPrice {
    type Err = NotAGasPrice;

    /// An amount with at most 18 decimals, and a denomination, as Cosmos nodes write it: `0.1uscrt`.
    fn from_str(text: &str) -> Result<Self, NotAGasPrice> {
        Self::parse(text).ok_or(NotAGasPrice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_fee_is_rounded_up() {
        let price = GasPrice::default();
        assert_eq!(price.fee(25_000).to_string(), "313uscrt");
        assert_eq!(price.fee(80).to_string(), "1uscrt");
        assert_eq!(price.text(), "0.012500000000000000uscrt");
    }

    #[test]
    fn a_fee_below_the_minimum_names_both_sides_and_an_empty_one_leaves_a_gap() {
        let price = GasPrice::default();
        let e = price.check(&Coins::empty(), 25_000).unwrap_err();
        assert_eq!((e.codespace.as_str(), e.code), ("sdk", 13));
        assert_eq!(
            e.text,
            "insufficient fees; got:  required: 313uscrt: insufficient fee"
        );
        assert!(price.check(&"313uscrt".parse().unwrap(), 25_000).is_ok());
        assert!(price.check(&"312uscrt".parse().unwrap(), 25_000).is_err());
    }

    #[test]
    fn a_price_is_read_as_it_is_written_and_nothing_else_is() {
        for (text, amount_e18) in [
            ("0.0125uscrt", 12_500_000_000_000_000),
            ("0uscrt", 0),
            ("3uscrt", 3 * E18),
            ("0.000000000000000001uscrt", 1),
        ] {
            let price: GasPrice = text.parse().unwrap();
            assert_eq!(
                (price.amount_e18, price.denom.as_str()),
                (amount_e18, "uscrt")
            );
            assert_eq!(price.text().parse(), Ok(price));
        }
        for text in [
            "",
            "uscrt",
            "1",
            "1.uscrt",
            ".1uscrt",
            "1.2.3uscrt",
            "-1uscrt",
            "1 uscrt",
            "1x",
            "0.0000000000000000001uscrt",
            "1000000000000000000000uscrt",
            "1uscrt,2uatom",
        ] {
            assert_eq!(text.parse::<GasPrice>(), Err(NotAGasPrice), "{text:?}");
        }
    }
}
