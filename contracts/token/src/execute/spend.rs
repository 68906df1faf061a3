//! Allowances, and moving tokens by allowance.

use cosmwasm_std::{Response, StdResult};

use super::transfer::{move_tokens, send_tokens};
use super::{answer, success, Call};
use crate::allowance;
use crate::msg::{
    AllowanceNow, ChangeAllowance, ExecuteAnswer, Send, SendFrom, Transfer, TransferFrom,
};

/// Lets a spender spend more, up to all that can be counted.
pub fn increase_allowance(call: Call, change: ChangeAllowance) -> StdResult<Response> {
    let by = change.amount.u128();
    let now = change_allowance(call, change, |held| held.saturating_add(by))?;
    answer(&ExecuteAnswer::IncreaseAllowance(now))
}

/// Lets a spender spend less, down to nothing.
pub fn decrease_allowance(call: Call, change: ChangeAllowance) -> StdResult<Response> {
    let by = change.amount.u128();
    let now = change_allowance(call, change, |held| held.saturating_sub(by))?;
    answer(&ExecuteAnswer::DecreaseAllowance(now))
}

/// Moves tokens of somebody who allowed it.
pub fn transfer_from(mut call: Call, action: TransferFrom) -> StdResult<Response> {
    spend_and_move(&mut call, action)?;
    Ok(success("transfer_from"))
}

/// Sends tokens of somebody who allowed it.
pub fn send_from(mut call: Call, action: SendFrom) -> StdResult<Response> {
    let notice = spend_and_send(&mut call, action)?;
    Ok(success("send_from").add_messages(notice))
}

/// Several at once.
pub fn batch_transfer_from(mut call: Call, actions: Vec<TransferFrom>) -> StdResult<Response> {
    for action in actions {
        spend_and_move(&mut call, action)?;
    }
    Ok(success("batch_transfer_from"))
}

/// Several at once.
pub fn batch_send_from(mut call: Call, actions: Vec<SendFrom>) -> StdResult<Response> {
    let mut notices = Vec::new();
    for action in actions {
        notices.extend(spend_and_send(&mut call, action)?);
    }
    Ok(success("batch_send_from").add_messages(notices))
}

fn change_allowance(
    call: Call,
    change: ChangeAllowance,
    amount: impl FnOnce(u128) -> u128,
) -> StdResult<AllowanceNow> {
    let owner = call.info.sender;
    let spender = call.deps.api.addr_validate(&change.spender)?;
    let storage = call.deps.storage;
    let end = change.expiration;
    let now = allowance::change(storage, &call.env, &owner, &spender, end, amount)?;
    let amount = now.amount.u128();
    call.happened
        .allowed(&owner, &spender, amount, now.expiration);
    Ok(AllowanceNow {
        spender,
        owner,
        allowance: now.amount,
    })
}

fn spend_and_move(call: &mut Call, action: TransferFrom) -> StdResult<()> {
    let owner = call.deps.api.addr_validate(&action.owner)?;
    let (spender, amount) = (&call.info.sender, action.amount.u128());
    allowance::spend(call.deps.storage, &call.env, &owner, spender, amount)?;
    let transfer = Transfer {
        recipient: action.recipient,
        amount: action.amount,
        memo: action.memo,
    };
    move_tokens(call, &owner, transfer)?;
    Ok(())
}

fn spend_and_send(call: &mut Call, action: SendFrom) -> StdResult<Option<cosmwasm_std::WasmMsg>> {
    let owner = call.deps.api.addr_validate(&action.owner)?;
    let (spender, amount) = (&call.info.sender, action.amount.u128());
    allowance::spend(call.deps.storage, &call.env, &owner, spender, amount)?;
    let send = Send {
        recipient: action.recipient,
        recipient_code_hash: action.recipient_code_hash,
        amount: action.amount,
        msg: action.msg,
        memo: action.memo,
    };
    send_tokens(call, &owner, send)
}
