//! Giving, using, revoking and pruning allowances.

use super::allowance::Allowance;
use super::error;
use super::event;
use super::state::{
    BY_GRANTEE, BY_GRANTER, EXPIRIES, EXPIRING, GRANTS, address_of, of_pair, pair, second,
};
use crate::Ctx;
use crate::ctx::Mode;
use crate::error::{Stop, broken};
use crate::modules::{auth, bank};
use crate::tx::Msg;
use crate::types::error::sdk;
use crate::types::{Address, Coins, Timestamp, TxError, ValidatorUpdate};

/// Expired allowances that the end of a block removes at most: it costs nobody gas. What is left waits for the next; it pays
/// nothing meanwhile.
pub const PRUNED_BLOCK_MAX: usize = 200;
/// Those that a message removes at most.
pub const PRUNED_MSG_MAX: usize = 75;
/// Seconds that an allowance must still have where a transaction waits for a block: what the check passes shall pay when it
/// is delivered, and the time of the next block is not known yet. After each block it is checked again.
pub const CHECK_MARGIN_S: i64 = 10;

/// The allowance of `granter` for `grantee`, if there is one.
///
/// # Errors
/// Out of gas or a fault.
pub fn find(
    ctx: &mut Ctx,
    granter: &Address,
    grantee: &Address,
) -> Result<Option<Allowance>, Stop> {
    GRANTS.get(ctx, &(granter, grantee))
}

/// sdk 38 for an allowance that is not there.
pub(super) fn not_found() -> TxError {
    sdk::NOT_FOUND.wrap("fee-grant not found")
}

/// Gives an allowance; makes the grantee's account if there is none.
///
/// # Errors
/// sdk 18 if there is one already or if it is over, 4 for a grantee that may not have an account; out of gas; a fault.
pub fn grant(
    ctx: &mut Ctx,
    granter: &Address,
    grantee: &Address,
    allowance: &Allowance,
) -> Result<(), Stop> {
    if GRANTS.has(ctx, &(granter, grantee))? {
        return Err(sdk::INVALID_REQUEST
            .wrap("fee allowance already exists")
            .into());
    }
    if !auth::keeper::has_account(ctx, grantee)? {
        bank::keeper::check_recipient(grantee)?;
        auth::keeper::ensure_account(ctx, grantee)?;
    }
    let now = ctx.block.time;
    if allowance.expiration().is_some_and(|time| time < now) {
        let text = "expiration is before current block time";
        return Err(sdk::INVALID_REQUEST.wrap(text).into());
    }
    insert(ctx, granter, grantee, allowance)?;
    ctx.emit(event::set(granter, grantee));
    Ok(())
}

/// Writes an allowance into all collections.
pub(super) fn insert(
    ctx: &mut Ctx,
    granter: &Address,
    grantee: &Address,
    allowance: &Allowance,
) -> Result<(), Stop> {
    GRANTS.set(ctx, &(granter, grantee), allowance)?;
    BY_GRANTER.at(&granter).insert(ctx, grantee.as_bytes())?;
    BY_GRANTEE.at(&grantee).insert(ctx, granter.as_bytes())?;
    if let Some(time) = allowance.expiration() {
        let second = second(time);
        EXPIRIES.at(&()).insert(ctx, &second.to_be_bytes())?;
        EXPIRING.at(&second).insert(ctx, &pair(granter, grantee))?;
    }
    Ok(())
}

/// Takes an allowance out of all collections.
fn remove(
    ctx: &mut Ctx,
    granter: &Address,
    grantee: &Address,
    allowance: &Allowance,
) -> Result<(), Stop> {
    GRANTS.remove(ctx, &(granter, grantee))?;
    BY_GRANTER.at(&granter).remove(ctx, grantee.as_bytes())?;
    BY_GRANTEE.at(&grantee).remove(ctx, granter.as_bytes())?;
    if let Some(time) = allowance.expiration() {
        let second = second(time);
        let expiring = EXPIRING.at(&second);
        expiring.remove(ctx, &pair(granter, grantee))?;
        if expiring.is_empty(ctx)? {
            EXPIRIES.at(&()).remove(ctx, &second.to_be_bytes())?;
        }
    }
    Ok(())
}

/// Takes an allowance back.
///
/// # Errors
/// sdk 38 if there is none; out of gas; a fault.
pub fn revoke(ctx: &mut Ctx, granter: &Address, grantee: &Address) -> Result<(), Stop> {
    let allowance = find(ctx, granter, grantee)?.ok_or_else(not_found)?;
    remove(ctx, granter, grantee, &allowance)?;
    ctx.emit(event::revoked(granter, grantee));
    Ok(())
}

/// Takes a pending allowance away that is about to be revoked, if it is there: it pays for nothing behind that.
pub(super) fn set_aside(ctx: &mut Ctx, granter: &Address, grantee: &Address) -> Result<(), Stop> {
    match find(ctx, granter, grantee)? {
        Some(allowance) => remove(ctx, granter, grantee, &allowance),
        None => Ok(()),
    }
}

/// Takes a fee out of what `granter` allows `payer`; an allowance that is used up is gone.
///
/// # Errors
/// `<granter> does not allow to pay fees for <payer>: …`: sdk 38 for no allowance, feegrant 2, 3 and 7 for one that does not
/// cover it; out of gas; a fault.
pub fn use_fee_grant(
    ctx: &mut Ctx,
    granter: &Address,
    payer: &Address,
    fee: &Coins,
    messages: &[Msg],
) -> Result<(), Stop> {
    pay(ctx, granter, payer, fee, messages).map_err(|stop| match stop {
        Stop::Err(e) => {
            let who = format!("{granter} does not allow to pay fees for {payer}");
            Stop::Err(e.wrap(who))
        }
        other => other,
    })
}

fn pay(
    ctx: &mut Ctx,
    granter: &Address,
    payer: &Address,
    fee: &Coins,
    messages: &[Msg],
) -> Result<(), Stop> {
    let mut allowance = find(ctx, granter, payer)?.ok_or_else(not_found)?;
    let now = match ctx.mode {
        Mode::Check | Mode::Recheck => {
            let late = Timestamp {
                seconds: ctx.block.time.seconds.saturating_add(CHECK_MARGIN_S),
                ..ctx.block.time
            };
            // Late enough to be over, but not to have begun another period: the block may be made at once.
            let over = allowance.expiration().is_some_and(|time| time < late);
            if over { late } else { ctx.block.time }
        }
        Mode::Deliver | Mode::Simulate | Mode::Query => ctx.block.time,
    };
    let used_up = allowance.accept(ctx, now, fee, messages)?;
    if matches!(ctx.mode, Mode::Check | Mode::Recheck) {
        allowance.begin_no_period();
    }
    if used_up {
        remove(ctx, granter, payer, &allowance)?;
        ctx.emit(event::revoked(granter, payer));
        ctx.emit(event::used(granter, payer));
    } else {
        GRANTS.set(ctx, &(granter, payer), &allowance)?;
        ctx.emit(event::used(granter, payer));
        ctx.emit(event::updated(granter, payer));
    }
    Ok(())
}

/// Removes up to `most` allowances that are over.
///
/// # Errors
/// Out of gas or a fault.
pub(super) fn prune(ctx: &mut Ctx, most: usize) -> Result<(), Stop> {
    let now = u64::try_from(ctx.block.time.seconds).unwrap_or(0);
    let mut left = most;
    while left > 0 {
        let Some(first) = EXPIRIES.at(&()).range(ctx, None, 1, false)?.pop() else {
            break;
        };
        let first: [u8; 8] = first
            .try_into()
            .map_err(|_| broken("an expiry of other than eight bytes"))?;
        let second = u64::from_be_bytes(first);
        if second > now {
            break;
        }
        let due = EXPIRING.at(&second).range(ctx, None, left, false)?;
        if due.is_empty() {
            return Err(broken("an expiry of nothing").into());
        }
        for key in due {
            let (granter, grantee) = of_pair(&key)?;
            let allowance = find(ctx, &granter, &grantee)?;
            let allowance = allowance.ok_or_else(|| broken("an expiry without allowance"))?;
            remove(ctx, &granter, &grantee, &allowance)?;
            left = left.saturating_sub(1);
        }
    }
    Ok(())
}

/// Removes what is over, up to [`PRUNED_BLOCK_MAX`].
pub(super) fn end_block(ctx: &mut Ctx) -> Result<Vec<ValidatorUpdate>, Stop> {
    prune(ctx, PRUNED_BLOCK_MAX)?;
    Ok(Vec::new())
}

/// All allowances that `granter` has given, with their grantees in order.
pub(super) fn all_of(ctx: &mut Ctx, granter: &Address) -> Result<Vec<(Address, Allowance)>, Stop> {
    let mut found = Vec::new();
    for grantee in BY_GRANTER.at(&granter).all(ctx)? {
        let grantee = address_of(&grantee)?;
        let allowance = find(ctx, granter, &grantee)?;
        let allowance = allowance.ok_or_else(|| broken("a grantee without allowance"))?;
        found.push((grantee, allowance));
    }
    Ok(found)
}

/// feegrant 5 for a message without an allowance.
pub(super) fn no_allowance() -> TxError {
    error::NO_ALLOWANCE.wrap("failed to get allowance")
}
