//! What owners let others see and move.

use cosmwasm_std::{Addr, BlockInfo, Response, StdError, StdResult, Storage, Uint128};
use snip::expiration::Expiration;

use super::{refused, success, Call};
use crate::msg::Permission;
use crate::state;

/// What an owner says of each right, and until when. What is absent stays as it was.
pub struct Given {
    /// Of seeing the balance.
    pub view_balance: (Option<bool>, Option<Expiration>),
    /// Of seeing private metadata.
    pub view_private_metadata: (Option<bool>, Option<Expiration>),
    /// Of moving tokens.
    pub transfer: (Option<Uint128>, Option<Expiration>),
}

/// Lets an account see or move tokens of the sender.
pub fn give(call: Call, allowed: &str, token_id: &str, given: Given) -> StdResult<Response> {
    let allowed = call.deps.api.addr_validate(allowed)?;
    let storage = call.deps.storage;
    state::token(storage, token_id)?;
    let owner = &call.info.sender;
    let known = state::permission(storage, token_id, owner, &allowed)?;
    let mut permission = known.unwrap_or(Permission {
        view_balance_perm: false,
        view_balance_exp: Expiration::Never,
        view_pr_metadata_perm: false,
        view_pr_metadata_exp: Expiration::Never,
        trfer_allowance_perm: Uint128::zero(),
        trfer_allowance_exp: Expiration::Never,
    });
    say(
        given.view_balance,
        &mut permission.view_balance_perm,
        &mut permission.view_balance_exp,
    );
    say(
        given.view_private_metadata,
        &mut permission.view_pr_metadata_perm,
        &mut permission.view_pr_metadata_exp,
    );
    say(
        given.transfer,
        &mut permission.trfer_allowance_perm,
        &mut permission.trfer_allowance_exp,
    );
    state::save_permission(storage, token_id, owner, &allowed, Some(&permission))?;
    Ok(success("give_permission"))
}

/// A right that is given anew has the end that comes with it, or none.
fn say<T>((given, end): (Option<T>, Option<Expiration>), right: &mut T, until: &mut Expiration) {
    match (given, end) {
        (Some(given), end) => {
            *right = given;
            *until = end.unwrap_or(Expiration::Never);
        }
        (None, Some(end)) => *until = end,
        (None, None) => {}
    }
}

/// Takes everything back.
pub fn revoke(call: Call, token_id: &str, owner: &str, allowed: &str) -> StdResult<Response> {
    let owner = call.deps.api.addr_validate(owner)?;
    let allowed = call.deps.api.addr_validate(allowed)?;
    if call.info.sender != owner && call.info.sender != allowed {
        return Err(refused(
            "A permission is revoked by its owner, or given up by who has it",
        ));
    }
    state::save_permission(call.deps.storage, token_id, &owner, &allowed, None)?;
    Ok(success("revoke_permission"))
}

/// Takes from what an account may move what it is about to move.
pub fn spend(
    storage: &mut dyn Storage,
    block: &BlockInfo,
    token_id: &str,
    owner: &Addr,
    spender: &Addr,
    amount: Uint128,
) -> StdResult<()> {
    let permission = state::permission(storage, token_id, owner, spender)?;
    let live = permission.filter(|p| !p.trfer_allowance_exp.has_come(block));
    let Some(mut permission) = live else {
        return Err(refused(
            "These tokens do not exist or you were not granted transfer permission",
        ));
    };
    let held = permission.trfer_allowance_perm;
    // Who may move nothing moves nothing, not even 0: a receiver would be told that the owner sent it something.
    let left = held.checked_sub(amount).ok().filter(|_| !held.is_zero());
    permission.trfer_allowance_perm = left.ok_or_else(|| {
        StdError::generic_err(format!(
            "Insufficient transfer allowance: {held}, required: {amount}"
        ))
    })?;
    state::save_permission(storage, token_id, owner, spender, Some(&permission))
}
