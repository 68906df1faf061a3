//! What other modules do with accounts. Auth has no messages of its own.

use super::state::{ACCOUNTS, ADDRESSES, Account, NEXT_NUMBER, PARAMS, Params};
use crate::Ctx;
use crate::error::{Stop, broken};
use crate::modules::accounts;
use crate::types::Address;

/// The account at `address`, if any.
///
/// # Errors
/// Out of gas or a fault.
pub fn account(ctx: &mut Ctx, address: &Address) -> Result<Option<Account>, Stop> {
    ACCOUNTS.get(ctx, &address)
}

/// Whether there is an account at `address`.
///
/// # Errors
/// Out of gas or a fault.
pub fn has_account(ctx: &mut Ctx, address: &Address) -> Result<bool, Stop> {
    ACCOUNTS.has(ctx, &address)
}

/// Makes an account with the next number, without key, sequence 0, unless there is one. The address of a module becomes
/// that module's account. Tells whether it is new.
///
/// # Errors
/// Out of gas or a fault.
pub fn ensure_account(ctx: &mut Ctx, address: &Address) -> Result<bool, Stop> {
    if has_account(ctx, address)? {
        return Ok(false);
    }
    let number = NEXT_NUMBER.get(ctx)?.unwrap_or(0);
    NEXT_NUMBER.set(
        ctx,
        &number
            .checked_add(1)
            .ok_or_else(|| broken("out of account numbers"))?,
    )?;
    let is_module = accounts::by_address(address).is_some();
    ACCOUNTS.set(
        ctx,
        &address,
        &Account {
            number,
            sequence: 0,
            pubkey: None,
            is_module,
        },
    )?;
    ADDRESSES.set(ctx, &number, address)?;
    Ok(true)
}

/// Parameters of the ante chain.
///
/// # Errors
/// Out of gas or a fault.
pub fn params(ctx: &mut Ctx) -> Result<Params, Stop> {
    Ok(PARAMS.get(ctx)?.unwrap_or_default())
}
