//! Moving tokens, one's own or those that one was let.

use cosmwasm_std::{Addr, Response, StdResult, WasmMsg};

use super::permission::spend;
use super::{other_than, padded_json, success, Call};
use crate::msg::{Action, ReceiverMsg, Send, Transfer};
use crate::state::{self, HISTORY, RECEIVERS};

/// Moves tokens.
pub fn transfer(mut call: Call, action: Transfer) -> StdResult<Response> {
    move_tokens(&mut call, action)?;
    Ok(success("transfer"))
}

/// Several at once.
pub fn batch_transfer(mut call: Call, actions: Vec<Transfer>) -> StdResult<Response> {
    for action in actions {
        move_tokens(&mut call, action)?;
    }
    Ok(success("batch_transfer"))
}

/// Moves tokens and tells the receiver.
pub fn send(mut call: Call, action: Send) -> StdResult<Response> {
    let notice = send_tokens(&mut call, action)?;
    Ok(success("send").add_messages(notice))
}

/// Several at once.
pub fn batch_send(mut call: Call, actions: Vec<Send>) -> StdResult<Response> {
    let mut notices = Vec::new();
    for action in actions {
        notices.extend(send_tokens(&mut call, action)?);
    }
    Ok(success("batch_send").add_messages(notices))
}

/// Moves tokens and gives who had and who has them.
fn move_tokens(call: &mut Call, action: Transfer) -> StdResult<(Addr, Addr)> {
    let from = call.deps.api.addr_validate(&action.from)?;
    let recipient = call.deps.api.addr_validate(&action.recipient)?;
    let sender = &call.info.sender;
    let storage = &mut *call.deps.storage;
    let (id, amount) = (&action.token_id, action.amount);
    let mut token = state::token(storage, id)?;
    if *sender != from {
        spend(storage, &call.env.block, id, &from, sender, amount)?;
    }
    state::move_tokens(storage, id, &from, &recipient, amount.u128())?;
    // Nothing moves with an amount of 0: so nobody takes a token of a kind without having it.
    if token.owner.is_some() && !amount.is_zero() {
        token.owner = Some(recipient.clone());
        token.moves = token.moves.saturating_add(1);
        state::save(storage, &token)?;
    }
    let participants = [&from, sender, &recipient];
    let moved = Action::Transfer {
        from: from.clone(),
        sender: other_than(&from, sender),
        recipient: recipient.clone(),
        amount,
    };
    HISTORY.append(storage, &call.env, &participants, id, moved, action.memo)?;
    Ok((from, recipient))
}

/// Moves tokens and gives the message that tells the recipient, if it is a contract that wants to be told.
fn send_tokens(call: &mut Call, action: Send) -> StdResult<Option<WasmMsg>> {
    let transfer = Transfer {
        token_id: action.token_id.clone(),
        from: action.from,
        recipient: action.recipient,
        amount: action.amount,
        memo: action.memo.clone(),
    };
    let (from, recipient) = move_tokens(call, transfer)?;
    let code_hash = match action.recipient_code_hash {
        Some(given) => Some(given),
        None => RECEIVERS.get(call.deps.storage, &[recipient.as_bytes()])?,
    };
    let Some(code_hash) = code_hash else {
        return Ok(None);
    };
    let notice = ReceiverMsg::Snip1155Receive {
        sender: call.info.sender.clone(),
        token_id: action.token_id,
        from,
        amount: action.amount,
        memo: action.memo,
        msg: action.msg,
    };
    Ok(Some(WasmMsg::Execute {
        msg: padded_json(&notice)?,
        contract_addr: recipient.into_string(),
        code_hash,
        funds: vec![],
    }))
}
