//! Setting and removing validators, and what expiry may take.

use super::state::{
    AUTHORITY, CHANGED, EXPIRY_WINDOW, KEYS, TOTAL_POWER, VALIDATORS, Validator, Window,
};
use super::{error, event, misbehavior};
use crate::Ctx;
use crate::error::{Stop, broken};
use crate::modules::registration;
use crate::params;
use crate::types::consensus::TOTAL_POWER_MAX;
use crate::types::error::sdk;
use crate::types::{Address, ValidatorUpdate};
use std::collections::BTreeMap;

/// Validators at most: every commit carries a signature of each, and every enclave verifies it.
pub const VALIDATORS_MAX: u64 = 200;
/// Bytes of a moniker, as in the Cosmos SDK.
pub const MONIKER_BYTES_MAX: usize = 70;
/// Seconds in which expiry takes at most a third of the power: a day, so that operators can look.
pub const WINDOW_S: u64 = 86_400;

/// Who decides on validators and policy.
///
/// # Errors
/// Out of gas or a fault.
pub fn authority(ctx: &mut Ctx) -> Result<Address, Stop> {
    let authority = AUTHORITY.get(ctx)?;
    authority.ok_or_else(|| broken("no authority").into())
}

/// Refuses everyone else.
///
/// # Errors
/// sdk 4; out of gas; a fault.
pub fn require_authority(ctx: &mut Ctx, sender: &Address) -> Result<(), Stop> {
    let authority = authority(ctx)?;
    if authority == *sender {
        return Ok(());
    }
    let why = format!("invalid authority; expected {authority}, got {sender}");
    Err(sdk::UNAUTHORIZED.wrap(why).into())
}

/// Gives a registered node a power.
///
/// # Errors
/// poa 2, 4, 5 and 8; out of gas; a fault.
pub(super) fn set(
    ctx: &mut Ctx,
    node_id: &[u8; 20],
    power: u64,
    moniker: String,
) -> Result<(), Stop> {
    let key = registration::keeper::registered_key(ctx, node_id)?;
    let unknown = || error::NOT_REGISTERED.wrap(hex::encode(node_id));
    let key = key.ok_or_else(unknown)?;
    if misbehavior::is_banned(ctx, &key)? {
        return Err(error::BANNED.bare().into());
    }
    let validator = Validator {
        node_id: *node_id,
        power,
        moniker,
    };
    put(ctx, &key, &validator)?;
    ctx.emit(event::set(&validator));
    Ok(())
}

/// Writes a validator.
pub(super) fn put(ctx: &mut Ctx, key: &[u8; 32], validator: &Validator) -> Result<(), Stop> {
    let before = VALIDATORS.get(ctx, &key)?;
    if before.is_none() && KEYS.at(&()).len(ctx)? >= VALIDATORS_MAX {
        return Err(error::TOO_MANY
            .wrap(format!("{VALIDATORS_MAX} at most"))
            .into());
    }
    add_power(ctx, before.map_or(0, |v| v.power), validator.power)?;
    VALIDATORS.set(ctx, &key, validator)?;
    KEYS.at(&()).insert(ctx, key)?;
    CHANGED.at(&()).insert(ctx, key)?;
    Ok(())
}

fn add_power(ctx: &mut Ctx, before: u64, after: u64) -> Result<(), Stop> {
    let total = TOTAL_POWER.get(ctx)?.unwrap_or(0);
    let total = total
        .checked_sub(before)
        .ok_or_else(|| broken("total power miscounted"))?
        .checked_add(after)
        .filter(|total| *total <= TOTAL_POWER_MAX.unsigned_abs());
    let total = total.ok_or_else(|| {
        let why = format!("all validators have {TOTAL_POWER_MAX} at most together");
        error::POWER.wrap(why)
    })?;
    TOTAL_POWER.set(ctx, &total)
}

/// Takes a validator out, if it is one; tells whether it was.
///
/// # Errors
/// poa 3 for the last one; out of gas; a fault.
pub fn remove_key(ctx: &mut Ctx, key: &[u8; 32]) -> Result<bool, Stop> {
    let Some(before) = VALIDATORS.get(ctx, &key)? else {
        return Ok(false);
    };
    if is_last(ctx)? {
        return Err(error::LAST.bare().into());
    }
    add_power(ctx, before.power, 0)?;
    VALIDATORS.remove(ctx, &key)?;
    KEYS.at(&()).remove(ctx, key)?;
    CHANGED.at(&()).insert(ctx, key)?;
    ctx.emit(event::removed(&before));
    Ok(true)
}

pub(super) fn is_last(ctx: &mut Ctx) -> Result<bool, Stop> {
    Ok(KEYS.at(&()).len(ctx)? <= 1)
}

/// Takes as much power from a validator whose evidence expired as the network can lose now. `None` if it has none any more;
/// else the second at which to come again.
///
/// # Errors
/// Out of gas or a fault.
pub fn expire(ctx: &mut Ctx, key: &[u8; 32]) -> Result<Option<u64>, Stop> {
    let Some(before) = VALIDATORS.get(ctx, &key)? else {
        return Ok(None);
    };
    let mut window = window(ctx)?;
    let again = Some(window.from.saturating_add(WINDOW_S));
    if is_last(ctx)? {
        return Ok(again);
    }
    // A third of what there is without what expiry itself took: what left in other ways counts, too.
    let total = TOTAL_POWER.get(ctx)?.unwrap_or(0);
    let total = window.total.min(total.saturating_add(window.lost));
    let may = (total / 3)
        .saturating_sub(window.lost)
        .saturating_sub(window.before);
    let taken = before.power.min(may);
    window.lost = window.lost.saturating_add(taken);
    EXPIRY_WINDOW.set(ctx, &window)?;
    if taken == before.power {
        remove_key(ctx, key)?;
        return Ok(None);
    }
    if taken > 0 {
        let after = Validator {
            power: before.power.saturating_sub(taken),
            ..before
        };
        put(ctx, key, &after)?;
        ctx.emit(event::expired(&after));
    }
    Ok(again)
}

/// The window of this second. What the window before took counts as well, so that no day has more than a third, wherever it begins.
fn window(ctx: &mut Ctx) -> Result<Window, Stop> {
    let now = u64::try_from(ctx.block.time.seconds).unwrap_or(0);
    let total = TOTAL_POWER.get(ctx)?.unwrap_or(0);
    let fresh = |from, before| Window {
        from,
        total,
        lost: 0,
        before,
    };
    let Some(last) = EXPIRY_WINDOW.get(ctx)? else {
        return Ok(fresh(now, 0));
    };
    let end = last.from.saturating_add(WINDOW_S);
    if now < end {
        Ok(last)
    } else if now < end.saturating_add(WINDOW_S) {
        Ok(fresh(end, last.lost))
    } else {
        Ok(fresh(now, 0))
    }
}

/// Brings the set that consensus has to the one that stands here, and tells what changed.
pub(super) fn end_block(ctx: &mut Ctx) -> Result<Vec<ValidatorUpdate>, Stop> {
    if CHANGED.at(&()).is_empty(ctx)? {
        return Ok(Vec::new());
    }
    misbehavior::remove_banned(ctx)?;
    let changed = CHANGED.at(&()).all(ctx)?;
    let mut set = params::VALIDATORS.get(ctx)?.unwrap_or_default();
    let known: BTreeMap<[u8; 32], i64> = set.iter().map(|v| (v.pubkey, v.power)).collect();
    let mut updates = BTreeMap::new();
    for entry in changed {
        CHANGED.at(&()).remove(ctx, &entry)?;
        let key: [u8; 32] = entry
            .try_into()
            .map_err(|_| broken("a key of other length"))?;
        let power = VALIDATORS.get(ctx, &&key)?.map_or(0, |v| v.power);
        let power = i64::try_from(power).map_err(broken)?;
        if known.get(&key).copied().unwrap_or(0) != power {
            updates.insert(key, power);
        }
    }
    for validator in &mut set {
        if let Some(power) = updates.get(&validator.pubkey) {
            validator.power = *power;
        }
    }
    set.retain(|validator| validator.power > 0);
    let updates: Vec<ValidatorUpdate> = updates
        .into_iter()
        .map(|(pubkey, power)| ValidatorUpdate { pubkey, power })
        .collect();
    let new = updates
        .iter()
        .filter(|u| u.power > 0 && !known.contains_key(&u.pubkey));
    set.extend(new.cloned());
    params::VALIDATORS.set(ctx, &set)?;
    Ok(updates)
}
