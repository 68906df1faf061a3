//! The fee of a transaction (wire.md 1.12.2, rows of `ante/fee.go` and `ante/validator_tx_fee.go`).

use crate::Ctx;
use crate::error::Stop;
use crate::modules::{auth, bank};
use crate::types::error::sdk;
use crate::types::proto::cosmos::base::v1beta1::Coin as PbCoin;
use crate::types::{Address, Coin, Coins, Gas, TxError};

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

    /// The price as text with 18 decimals, e.g. `0.012500000000000000uscrt`.
    #[must_use]
    pub fn text(&self) -> String {
        let (whole, rest) = (self.amount_e18 / E18, self.amount_e18 % E18);
        format!("{whole}.{rest:018}{}", self.denom)
    }
}

/// Coins as text, as they came.
fn show(coins: &[PbCoin]) -> String {
    coins
        .iter()
        .map(|c| format!("{}{}", c.amount, c.denom))
        .collect::<Vec<_>>()
        .join(",")
}

/// The stateless part: no negative amounts.
///
/// # Errors
/// sdk 13.
pub(super) fn check_not_negative(coins: &[PbCoin]) -> Result<(), TxError> {
    if coins.iter().any(|c| c.amount.starts_with('-')) {
        return Err(sdk::INSUFFICIENT_FEE.wrap(format!("invalid fee provided: {}", show(coins))));
    }
    Ok(())
}

/// The fee as valid coins. A list of zeros is no fee, as wallets with gas price 0 send it.
///
/// # Errors
/// sdk 13 for unsorted, duplicate or malformed coins.
pub(super) fn coins(coins: &[PbCoin]) -> Result<Coins, TxError> {
    let is_zero = |c: &PbCoin| !c.amount.is_empty() && c.amount.bytes().all(|b| b == b'0');
    if coins.iter().all(is_zero) {
        return Ok(Coins::empty());
    }
    Coins::from_proto_list(coins)
        .map_err(|_| sdk::INSUFFICIENT_FEE.wrap(format!("invalid fee amount: {}", show(coins))))
}

/// Takes the fee from its payer; events as if the collector had it at once.
///
/// # Errors
/// sdk 9 for a payer without account, 38 for a granter (there are no allowances yet), 5 for a balance too small.
pub(super) fn deduct(
    ctx: &mut Ctx,
    fee: &Coins,
    payer: &Address,
    granter: Option<&Address>,
) -> Result<(), Stop> {
    if let Some(granter) = granter.filter(|g| *g != payer) {
        let text = format!("{granter} does not allow to pay fees for {payer}: fee-grant not found");
        return Err(sdk::NOT_FOUND.wrap(text).into());
    }
    if !auth::handler::has_account(ctx, payer)? {
        return Err(sdk::UNKNOWN_ADDRESS
            .wrap(format!("fee payer address: {payer} does not exist"))
            .into());
    }
    if !fee.is_empty() {
        bank::handler::take_fee(ctx, payer, fee).map_err(|stop| match stop {
            Stop::Err(e) if e.is(&sdk::INSUFFICIENT_FUNDS) => {
                Stop::Err(sdk::INSUFFICIENT_FUNDS.wrap(e.text))
            }
            other => other,
        })?;
    }
    ctx.emit(auth::event::fee(fee, payer));
    Ok(())
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
}
