//! Moving tokens, one's own or, after [`super::spend`] has taken from the allowance, somebody else's.

use cosmwasm_std::{coin, Addr, Binary, Response, StdResult, Uint128, WasmMsg};
use serde::Serialize;

use super::{padded_json, success, Call};
use crate::msg::{Action, Send, Transfer};
use crate::state::{RECEIVERS, TOKEN};
use crate::{history, ledger};

/// The only message that receivers understand.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ReceiverMsg<'a> {
    Receive {
        sender: &'a Addr,
        from: &'a Addr,
        amount: Uint128,
        #[serde(skip_serializing_if = "Option::is_none")]
        memo: Option<String>,
        msg: Option<Binary>,
    },
}

/// Moves own tokens.
pub fn transfer(mut call: Call, action: Transfer) -> StdResult<Response> {
    let owner = call.info.sender.clone();
    move_tokens(&mut call, &owner, action)?;
    Ok(success("transfer"))
}

/// Moves own tokens and tells the receiver.
pub fn send(mut call: Call, action: Send) -> StdResult<Response> {
    let owner = call.info.sender.clone();
    let notice = send_tokens(&mut call, &owner, action)?;
    Ok(success("send").add_messages(notice))
}

/// Several transfers.
pub fn batch_transfer(mut call: Call, actions: Vec<Transfer>) -> StdResult<Response> {
    let owner = call.info.sender.clone();
    for action in actions {
        move_tokens(&mut call, &owner, action)?;
    }
    Ok(success("batch_transfer"))
}

/// Several sends.
pub fn batch_send(mut call: Call, actions: Vec<Send>) -> StdResult<Response> {
    let owner = call.info.sender.clone();
    let mut notices = Vec::new();
    for action in actions {
        notices.extend(send_tokens(&mut call, &owner, action)?);
    }
    Ok(success("batch_send").add_messages(notices))
}

/// Moves tokens of `owner`, in the name of the caller, who may spend them.
pub fn move_tokens(call: &mut Call, owner: &Addr, action: Transfer) -> StdResult<Addr> {
    let recipient = call.deps.api.addr_validate(&action.recipient)?;
    let storage = &mut *call.deps.storage;
    let amount = action.amount.u128();
    ledger::move_tokens(storage, owner, &recipient, amount)?;

    let symbol = TOKEN.load(storage)?.symbol;
    let sender = &call.info.sender;
    let record = Action::Transfer {
        from: owner.clone(),
        sender: sender.clone(),
        recipient: recipient.clone(),
    };
    let memo = action.memo.as_deref();
    call.happened.moved(owner, &recipient, amount, memo);
    let participants = [owner, sender, &recipient];
    let tokens = coin(amount, symbol);
    history::append(
        storage,
        &call.env,
        &participants,
        record,
        tokens,
        action.memo,
    )?;
    Ok(recipient)
}

/// Moves tokens of `owner` and gives the message that tells the recipient, if it is a contract that wants to be told.
pub fn send_tokens(call: &mut Call, owner: &Addr, action: Send) -> StdResult<Option<WasmMsg>> {
    let transfer = Transfer {
        recipient: action.recipient,
        amount: action.amount,
        memo: action.memo.clone(),
    };
    let recipient = move_tokens(call, owner, transfer)?;
    let code_hash = match action.recipient_code_hash {
        Some(given) => Some(given),
        None => RECEIVERS.get(call.deps.storage, &[recipient.as_bytes()])?,
    };
    let Some(code_hash) = code_hash else {
        return Ok(None);
    };
    let notice = ReceiverMsg::Receive {
        sender: &call.info.sender,
        from: owner,
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
