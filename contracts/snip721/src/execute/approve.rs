//! What owners let others see and do.

use cosmwasm_std::{Addr, Response, StdError, StdResult};

use super::{not_authorized, own_token, success, Call};
use crate::approval::{granted, Lent, Right, Word};
use crate::msg::AccessLevel;
use crate::state;
use snip::expiration::Expiration;

/// Lets somebody move a token: by its owner, or by who may move all of that owner's.
pub fn approve(
    call: Call,
    spender: &str,
    token_id: &str,
    expires: Option<Expiration>,
) -> StdResult<Response> {
    let until = Some(expires.unwrap_or(Expiration::Never));
    say_of_transfer(call, spender, token_id, until)?;
    Ok(success("approve"))
}

/// Takes it back.
pub fn revoke(call: Call, spender: &str, token_id: &str) -> StdResult<Response> {
    say_of_transfer(call, spender, token_id, None)?;
    Ok(success("revoke"))
}

/// Lets somebody move all tokens of the sender.
pub fn approve_all(call: Call, operator: &str, expires: Option<Expiration>) -> StdResult<Response> {
    let levels = [(Right::Transfer, Some(AccessLevel::All))];
    let operator = call.deps.api.addr_validate(operator)?;
    set(call, Some(operator), None, &levels, expires)?;
    Ok(success("approve_all"))
}

/// Takes it back.
pub fn revoke_all(call: Call, operator: &str) -> StdResult<Response> {
    let levels = [(Right::Transfer, Some(AccessLevel::None))];
    let operator = call.deps.api.addr_validate(operator)?;
    set(call, Some(operator), None, &levels, None)?;
    Ok(success("revoke_all"))
}

/// Says what everybody may see.
pub fn set_global(
    call: Call,
    token_id: Option<String>,
    levels: &[(Right, Option<AccessLevel>)],
    expires: Option<Expiration>,
) -> StdResult<Response> {
    set(call, None, token_id, levels, expires)?;
    Ok(success("set_global_approval"))
}

/// Says what somebody may see and do.
pub fn set_whitelisted(
    call: Call,
    address: &str,
    token_id: Option<String>,
    levels: &[(Right, Option<AccessLevel>)],
    expires: Option<Expiration>,
) -> StdResult<Response> {
    let address = call.deps.api.addr_validate(address)?;
    set(call, Some(address), token_id, levels, expires)?;
    Ok(success("set_whitelisted_approval"))
}

/// Makes private what the sender owns, where owners are public.
pub fn make_ownership_private(call: Call) -> StdResult<Response> {
    let owner = &call.info.sender;
    let mut inventory = state::inventory(call.deps.storage, owner)?;
    inventory.is_private = true;
    state::save_inventory(call.deps.storage, owner, &inventory)?;
    Ok(success("make_ownership_private"))
}

fn say_of_transfer(
    call: Call,
    spender: &str,
    token_id: &str,
    until: Option<Expiration>,
) -> StdResult<()> {
    let spender = call.deps.api.addr_validate(spender)?;
    let storage = call.deps.storage;
    let sender = &call.info.sender;
    let block = &call.env.block;
    let token = state::token(storage, token_id)?;
    let mut token = token.ok_or_else(|| not_authorized(token_id))?;
    // Not one who may move this token only: who was lent it does not lend it on.
    let all = state::inventory(storage, &token.owner)?.approvals;
    let (none, right) = (Default::default(), Right::Transfer);
    let (until, lent) = if token.owner == *sender {
        (until, None)
    } else {
        let operator = granted(&none, &all, Some(sender), right, block);
        // Nor one who may move all others, but was denied this one.
        let may_move = granted(&token.approvals, &all, Some(sender), right, block).is_some();
        let end = operator.filter(|_| may_move);
        let end = end.ok_or_else(|| not_authorized(token_id))?;
        // Nor for longer than it was lent, not even to itself.
        let shortened = |until: Expiration| {
            let refused =
                || StdError::generic_err("An operator names an end of the kind of its own");
            until.at_most(end).ok_or_else(refused)
        };
        // What it denies stays denied.
        let by = all.of(Some(sender), right).filter(|_| until.is_some());
        let by = by.map(|word| Lent {
            by: sender.clone(),
            word: word.number,
        });
        (until.map(shortened).transpose()?, by)
    };
    let number = state::next_word(storage)?;
    token.approvals.forget_what_is_over(Some(&all), block);
    let word = Word {
        until,
        number,
        lent,
    };
    token.approvals.say(Some(spender), right, word)?;
    state::save_token(storage, token_id, &token)
}

fn set(
    call: Call,
    who: Option<Addr>,
    token_id: Option<String>,
    levels: &[(Right, Option<AccessLevel>)],
    expires: Option<Expiration>,
) -> StdResult<()> {
    let owner = call.info.sender.clone();
    let block = &call.env.block;
    let granted = Some(expires.unwrap_or(Expiration::Never));
    let mut named = match &token_id {
        Some(id) => Some((id, own_token(&call, id)?)),
        None => None,
    };
    let storage = call.deps.storage;
    let mut inventory = state::inventory(storage, &owner)?;
    inventory.approvals.forget_what_is_over(None, block);
    if let Some((_, token)) = &mut named {
        let all = &inventory.approvals;
        token.approvals.forget_what_is_over(Some(all), block);
    }
    for (right, level) in levels {
        let Some(level) = level else { continue };
        let number = state::next_word(storage)?;
        let until = match level {
            AccessLevel::ApproveToken | AccessLevel::All => granted,
            AccessLevel::RevokeToken | AccessLevel::None => None,
        };
        let word = Word {
            until,
            number,
            lent: None,
        };
        match (level, &who) {
            (AccessLevel::None, Some(account)) => {
                inventory.approvals.take_back(account, *right);
                state::deny(storage, &owner, account, *right, number)?;
            }
            (AccessLevel::All | AccessLevel::None, _) => {
                inventory.approvals.say(who.clone(), *right, word)?;
            }
            (AccessLevel::ApproveToken | AccessLevel::RevokeToken, _) => {
                let Some((_, token)) = &mut named else {
                    return Err(StdError::generic_err(
                        "Attempted to grant/revoke permission for a token, but did not specify a token ID",
                    ));
                };
                token.approvals.say(who.clone(), *right, word)?;
            }
        }
    }
    if let Some((id, token)) = &named {
        state::save_token(storage, id, token)?;
    }
    state::save_inventory(storage, &owner, &inventory)
}
