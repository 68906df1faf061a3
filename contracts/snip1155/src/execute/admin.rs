//! What the admin may do, and curators for their tokens.

use cosmwasm_std::{Addr, Response, StdResult};

use super::{accounts, refused, success, Call};
use crate::msg::TokenConfig;
use crate::state::{self, Token, ADMIN, CURATORS};

/// Names further curators.
pub fn add_curators(call: Call, curators: &[String]) -> StdResult<Response> {
    check_admin(&call)?;
    let mut known = CURATORS.load(call.deps.storage)?;
    add(&mut known, accounts(call.deps.api, curators)?);
    CURATORS.save(call.deps.storage, &known)?;
    Ok(success("add_curators"))
}

/// Dismisses curators. What they made stays.
pub fn remove_curators(call: Call, curators: &[String]) -> StdResult<Response> {
    check_admin(&call)?;
    let mut known = CURATORS.load(call.deps.storage)?;
    remove(&mut known, &accounts(call.deps.api, curators)?);
    CURATORS.save(call.deps.storage, &known)?;
    Ok(success("remove_curators"))
}

/// Names further minters of a token.
pub fn add_minters(call: Call, token_id: &str, minters: &[String]) -> StdResult<Response> {
    let mut token = own_token(&call, token_id)?;
    let named = accounts(call.deps.api, minters)?;
    add(minters_of(&mut token), named);
    state::save(call.deps.storage, &token)?;
    Ok(success("add_minters"))
}

/// Dismisses minters of a token.
pub fn remove_minters(call: Call, token_id: &str, minters: &[String]) -> StdResult<Response> {
    let mut token = own_token(&call, token_id)?;
    let named = accounts(call.deps.api, minters)?;
    remove(minters_of(&mut token), &named);
    state::save(call.deps.storage, &token)?;
    Ok(success("remove_minters"))
}

/// Hands over.
pub fn change_admin(call: Call, new_admin: &str) -> StdResult<Response> {
    check_admin(&call)?;
    let new_admin = call.deps.api.addr_validate(new_admin)?;
    ADMIN.save(call.deps.storage, &Some(new_admin))?;
    Ok(success("change_admin"))
}

/// Leaves for good.
pub fn remove_admin(call: Call, current: &str, contract: &str) -> StdResult<Response> {
    check_admin(&call)?;
    if call.info.sender != current || call.env.contract.address != contract {
        return Err(refused("The admin and this contract must be named"));
    }
    ADMIN.save(call.deps.storage, &None)?;
    Ok(success("remove_admin"))
}

fn is_admin(call: &Call) -> StdResult<bool> {
    Ok(ADMIN.load(call.deps.storage)?.as_ref() == Some(&call.info.sender))
}

fn check_admin(call: &Call) -> StdResult<()> {
    if is_admin(call)? {
        return Ok(());
    }
    Err(refused(
        "This is an admin command and can only be run from the admin address",
    ))
}

/// The token, if the sender made its id, or administrates.
fn own_token(call: &Call, token_id: &str) -> StdResult<Token> {
    let token = state::token(call.deps.storage, token_id)?;
    if token.curator == call.info.sender || is_admin(call)? {
        return Ok(token);
    }
    Err(refused(
        "Minters are named by the curator of the token_id, and by the admin",
    ))
}

fn minters_of(token: &mut Token) -> &mut Vec<Addr> {
    match &mut token.info.token_config {
        TokenConfig::Fungible { minters, .. } | TokenConfig::Nft { minters, .. } => minters,
    }
}

fn add(known: &mut Vec<Addr>, named: Vec<Addr>) {
    for account in named {
        if !known.contains(&account) {
            known.push(account);
        }
    }
}

fn remove(known: &mut Vec<Addr>, named: &[Addr]) {
    known.retain(|account| !named.contains(account));
}
