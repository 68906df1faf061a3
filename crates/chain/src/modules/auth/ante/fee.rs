//! The fee of a transaction (wire.md 1.12.2, rows of `ante/fee.go`).

use super::super::event;
use super::super::keeper::has_account;
use crate::Ctx;
use crate::error::Stop;
use crate::modules::{self, bank};
use crate::tx::Msg;
use crate::types::error::sdk;
use crate::types::proto::cosmos::base::v1beta1::Coin as PbCoin;
use crate::types::{Address, Coins, TxError};

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

/// Takes the fee from its payer, or from who grants it to him; events as if the collector had it at once.
///
/// # Errors
/// sdk 9 for a payer without account, 38 and those of the allowance for a granter, 5 for a balance too small.
pub(super) fn deduct(
    ctx: &mut Ctx,
    fee: &Coins,
    payer: &Address,
    granter: Option<&Address>,
    messages: &[Msg],
) -> Result<(), Stop> {
    let payer = match granter {
        Some(granter) if granter != payer => {
            modules::use_fee_grant(ctx, granter, payer, fee, messages)?;
            granter
        }
        _ => payer,
    };
    if !has_account(ctx, payer)? {
        return Err(sdk::UNKNOWN_ADDRESS
            .wrap(format!("fee payer address: {payer} does not exist"))
            .into());
    }
    if !fee.is_empty() {
        bank::keeper::take_fee(ctx, payer, fee).map_err(|stop| match stop {
            Stop::Err(e) if e.is(&sdk::INSUFFICIENT_FUNDS) => {
                Stop::Err(sdk::INSUFFICIENT_FUNDS.wrap(e.text))
            }
            other => other,
        })?;
    }
    ctx.emit(event::fee(fee, payer));
    Ok(())
}
