//! Making and destroying tokens.

use cosmwasm_std::{coin, Addr, Response, StdError, StdResult, Uint128};

use super::{success, Call};
use crate::msg::{Action, BurnFrom, Mint};
use crate::state::{Token, MINTERS, TOKEN};
use crate::{allowance, history, ledger};

/// A minter makes tokens.
pub fn mint(mut call: Call, action: Mint) -> StdResult<Response> {
    let token = check_minter(&call)?;
    make_tokens(&mut call, &token, action)?;
    Ok(success("mint"))
}

/// A minter makes tokens for several.
pub fn batch_mint(mut call: Call, actions: Vec<Mint>) -> StdResult<Response> {
    let token = check_minter(&call)?;
    for action in actions {
        make_tokens(&mut call, &token, action)?;
    }
    Ok(success("batch_mint"))
}

/// Destroys own tokens.
pub fn burn(mut call: Call, amount: Uint128, memo: Option<String>) -> StdResult<Response> {
    let token = check_burning(&call)?;
    let owner = call.info.sender.clone();
    destroy_tokens(&mut call, &token, &owner, amount, memo)?;
    Ok(success("burn"))
}

/// Destroys tokens of somebody who allowed it.
pub fn burn_from(mut call: Call, action: BurnFrom) -> StdResult<Response> {
    let token = check_burning(&call)?;
    spend_and_destroy(&mut call, &token, action)?;
    Ok(success("burn_from"))
}

/// Several at once.
pub fn batch_burn_from(mut call: Call, actions: Vec<BurnFrom>) -> StdResult<Response> {
    let token = check_burning(&call)?;
    for action in actions {
        spend_and_destroy(&mut call, &token, action)?;
    }
    Ok(success("batch_burn_from"))
}

fn check_minter(call: &Call) -> StdResult<Token> {
    let token = TOKEN.load(call.deps.storage)?;
    if !token.mint_enabled {
        return Err(StdError::generic_err(
            "Mint functionality is not enabled for this token.",
        ));
    }
    if !MINTERS.load(call.deps.storage)?.contains(&call.info.sender) {
        return Err(StdError::generic_err(
            "Minting is allowed to minter accounts only",
        ));
    }
    Ok(token)
}

fn check_burning(call: &Call) -> StdResult<Token> {
    let token = TOKEN.load(call.deps.storage)?;
    if !token.burn_enabled {
        return Err(StdError::generic_err(
            "Burn functionality is not enabled for this token.",
        ));
    }
    Ok(token)
}

fn make_tokens(call: &mut Call, token: &Token, action: Mint) -> StdResult<()> {
    let recipient = call.deps.api.addr_validate(&action.recipient)?;
    let amount = action.amount.u128();
    ledger::create(call.deps.storage, &recipient, amount)?;
    let minter = &call.info.sender;
    let record = Action::Mint {
        minter: minter.clone(),
        recipient: recipient.clone(),
    };
    let memo = action.memo.as_deref();
    call.happened.made(minter, &recipient, amount, memo);
    let participants = [minter, &recipient];
    let tokens = coin(amount, &token.symbol);
    let storage = &mut *call.deps.storage;
    history::append(
        storage,
        &call.env,
        &participants,
        record,
        tokens,
        action.memo,
    )
}

fn spend_and_destroy(call: &mut Call, token: &Token, action: BurnFrom) -> StdResult<()> {
    let owner = call.deps.api.addr_validate(&action.owner)?;
    let (spender, amount) = (&call.info.sender, action.amount.u128());
    allowance::spend(call.deps.storage, &call.env, &owner, spender, amount)?;
    destroy_tokens(call, token, &owner, action.amount, action.memo)
}

fn destroy_tokens(
    call: &mut Call,
    token: &Token,
    owner: &Addr,
    amount: Uint128,
    memo: Option<String>,
) -> StdResult<()> {
    let storage = &mut *call.deps.storage;
    ledger::destroy(storage, owner, amount.u128())?;
    let burner = &call.info.sender;
    let record = Action::Burn {
        burner: burner.clone(),
        owner: owner.clone(),
    };
    let tokens = coin(amount.u128(), &token.symbol);
    call.happened
        .destroyed(owner, amount.u128(), memo.as_deref());
    history::append(storage, &call.env, &[burner, owner], record, tokens, memo)
}
