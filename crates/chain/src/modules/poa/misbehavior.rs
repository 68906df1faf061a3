//! What becomes of a validator that signed two blocks at one height, or a forged header, and was found out: consensus verified the
//! evidence and put it into a block (CometBFT's evidence pool).
//!
//! Promises: its key loses its power in that block and never has any again, whatever the authority says. The last validator keeps its
//! power, since without it there is no chain, until there is another one.

use super::state::{BANNED, KEYS, VALIDATORS};
use super::{event, keeper};
use crate::Ctx;
use crate::error::{Stop, broken};
use crate::types::consensus::validator_address;
use std::collections::BTreeMap;

/// Bans everyone whom the block's evidence names.
pub(super) fn begin_block(ctx: &mut Ctx) -> Result<(), Stop> {
    if ctx.block.misbehavior.is_empty() {
        return Ok(());
    }
    let keys = keys(ctx)?;
    for deed in &ctx.block.misbehavior {
        // The same validator may be named by several pieces of evidence, and again in later blocks.
        if !BANNED.at(&()).insert(ctx, &deed.address)? {
            continue;
        }
        let key = keys.get(&deed.address);
        let validator = match key {
            Some(key) => VALIDATORS.get(ctx, &key)?,
            None => None,
        };
        ctx.emit(event::misbehaved(deed, validator.as_ref()));
    }
    remove_banned(ctx)
}

/// Takes the power of whoever is banned and still has it: of all but the last validator, and of that one as soon as there is another.
pub(super) fn remove_banned(ctx: &mut Ctx) -> Result<(), Stop> {
    if BANNED.at(&()).is_empty(ctx)? {
        return Ok(());
    }
    for (address, key) in keys(ctx)? {
        if BANNED.at(&()).contains(ctx, &address)? && !keeper::is_last(ctx)? {
            keeper::remove_key(ctx, &key)?;
        }
    }
    Ok(())
}

/// Keys of all validators, by address.
fn keys(ctx: &mut Ctx) -> Result<BTreeMap<[u8; 20], [u8; 32]>, Stop> {
    let mut keys = BTreeMap::new();
    for key in KEYS.at(&()).all(ctx)? {
        let key: [u8; 32] = key
            .try_into()
            .map_err(|_| broken("a key of other length"))?;
        keys.insert(validator_address(&key), key);
    }
    Ok(keys)
}

/// Whether this key was found out.
pub(super) fn is_banned(ctx: &mut Ctx, key: &[u8; 32]) -> Result<bool, Stop> {
    BANNED.at(&()).contains(ctx, &validator_address(key))
}
