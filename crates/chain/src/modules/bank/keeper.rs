//! Moving coins.

use super::error;
use super::event;
use super::state::{PARAMS, SEND_ENABLED, set_balance};
pub use super::state::{balance, balances, supply};
use crate::Ctx;
use crate::error::{Stop, broken};
use crate::modules::{self, accounts, auth};
use crate::types::error::sdk;
use crate::types::{Address, Coin, Coins, TxError, ValidatorUpdate};

/// Moves coins from account to account, with the events `coin_spent`, `coin_received`, `transfer`; makes the
/// recipient's account if there is none. Neither switches nor blocked recipients are checked here.
///
/// # Errors
/// sdk 5 if `from` has less; out of gas; a fault.
pub fn transfer(ctx: &mut Ctx, from: &Address, to: &Address, amount: &Coins) -> Result<(), Stop> {
    debit(ctx, from, amount)?;
    auth::keeper::ensure_account(ctx, to)?;
    credit(ctx, to, amount)?;
    ctx.emit(event::coin_spent(from, amount));
    ctx.emit(event::coin_received(to, amount));
    ctx.emit(event::transfer(to, from, amount));
    Ok(())
}

/// As [`transfer`], with the event that tells who sent.
///
/// # Errors
/// As [`transfer`].
pub fn send(ctx: &mut Ctx, from: &Address, to: &Address, amount: &Coins) -> Result<(), Stop> {
    transfer(ctx, from, to, amount)?;
    ctx.emit(event::message(from));
    Ok(())
}

/// Takes a fee from `payer`: debited now, credited to the fee collector once at block end. The events tell what
/// clients expect of an immediate transfer.
///
/// # Errors
/// sdk 5 if `payer` has less; out of gas; a fault.
pub fn take_fee(ctx: &mut Ctx, payer: &Address, fee: &Coins) -> Result<(), Stop> {
    debit(ctx, payer, fee)?;
    let collector = Address::of_module(accounts::FEE_COLLECTOR);
    ctx.fees = ctx
        .fees
        .checked_add(fee)
        .ok_or_else(|| broken("fees overflow"))?;
    ctx.emit(event::coin_spent(payer, fee));
    ctx.emit(event::coin_received(&collector, fee));
    ctx.emit(event::transfer(&collector, payer, fee));
    ctx.emit(event::message(payer));
    Ok(())
}

/// Credits the fees of the block to the fee collector, once.
pub(super) fn end_block(ctx: &mut Ctx) -> Result<Vec<ValidatorUpdate>, Stop> {
    let fees = core::mem::take(&mut ctx.fees);
    if !fees.is_empty() {
        let collector = Address::of_module(accounts::FEE_COLLECTOR);
        auth::keeper::ensure_account(ctx, &collector)?;
        credit(ctx, &collector, &fees)?;
    }
    Ok(Vec::new())
}

/// Refuses blocked module accounts as recipients.
///
/// # Errors
/// sdk 4.
pub fn check_recipient(to: &Address) -> Result<(), TxError> {
    if accounts::is_blocked(to) {
        return Err(sdk::UNAUTHORIZED.wrap(format!("{to} is not allowed to receive funds")));
    }
    Ok(())
}

/// Refuses denominations that are switched off.
///
/// # Errors
/// bank 5; out of gas; a fault.
pub fn check_send_enabled(ctx: &mut Ctx, amount: &Coins) -> Result<(), Stop> {
    let default = PARAMS.get(ctx)?.is_none_or(|p| p.default_send_enabled);
    for coin in amount.iter() {
        if !SEND_ENABLED
            .get(ctx, &coin.denom.as_str())?
            .unwrap_or(default)
        {
            let text = format!("{} transfers are currently disabled", coin.denom);
            return Err(error::SEND_DISABLED.wrap(text).into());
        }
    }
    Ok(())
}

/// Takes coins from an account.
pub(super) fn debit(ctx: &mut Ctx, holder: &Address, amount: &Coins) -> Result<(), Stop> {
    for coin in amount.iter() {
        let before = balance(ctx, holder, &coin.denom)?;
        let spendable = modules::spendable(ctx, holder, &coin.denom, before)?;
        if spendable < coin.amount {
            let has = Coin::new(spendable, coin.denom.clone());
            let text = format!("spendable balance {has} is smaller than {coin}");
            return Err(sdk::INSUFFICIENT_FUNDS.wrap(text).into());
        }
        let after = before.saturating_sub(coin.amount);
        set_balance(ctx, holder, &coin.denom, before, after)?;
    }
    Ok(())
}

/// Takes from a pending balance what may be gone soon, as far as it is there (`check`).
///
/// # Errors
/// A fault.
pub(crate) fn set_aside(ctx: &mut Ctx, holder: &Address, amount: &Coins) -> Result<(), Stop> {
    for coin in amount.iter() {
        let before = balance(ctx, holder, &coin.denom)?;
        if before > 0 {
            let after = before.saturating_sub(coin.amount);
            set_balance(ctx, holder, &coin.denom, before, after)?;
        }
    }
    Ok(())
}

/// Gives coins to an account. The supply bounds every balance, so overflow is a broken invariant.
pub(super) fn credit(ctx: &mut Ctx, holder: &Address, amount: &Coins) -> Result<(), Stop> {
    for coin in amount.iter() {
        let before = balance(ctx, holder, &coin.denom)?;
        let after = before
            .checked_add(coin.amount)
            .ok_or_else(|| broken("balance overflows"))?;
        set_balance(ctx, holder, &coin.denom, before, after)?;
    }
    Ok(())
}
