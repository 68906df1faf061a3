//! Moving and destroying tokens.

use cosmwasm_std::{Addr, Response, StdError, StdResult, WasmMsg};

use super::{movable_token, other_than, padded_json, success, Call};
use crate::answer::Action;
use crate::msg::{Burn, ReceiverMsg, Send, Transfer};
use crate::state::{self, Receiver, CONTRACT, HISTORY, RECEIVERS};

/// Moves a token.
pub fn transfer(
    mut call: Call,
    recipient: &str,
    token_id: String,
    memo: Option<String>,
) -> StdResult<Response> {
    let recipient = call.deps.api.addr_validate(recipient)?;
    move_token(&mut call, &recipient, &token_id, memo)?;
    Ok(success("transfer_nft"))
}

/// Moves several.
pub fn batch_transfer(mut call: Call, transfers: Vec<Transfer>) -> StdResult<Response> {
    for transfer in transfers {
        let recipient = call.deps.api.addr_validate(&transfer.recipient)?;
        for token_id in &transfer.token_ids {
            move_token(&mut call, &recipient, token_id, transfer.memo.clone())?;
        }
    }
    Ok(success("batch_transfer_nft"))
}

/// Moves a token to a contract and tells it.
pub fn send(mut call: Call, send: Send) -> StdResult<Response> {
    let notices = send_tokens(&mut call, send)?;
    Ok(success("send_nft").add_messages(notices))
}

/// Moves several.
pub fn batch_send(mut call: Call, sends: Vec<Send>) -> StdResult<Response> {
    let mut notices = Vec::new();
    for send in sends {
        notices.extend(send_tokens(&mut call, send)?);
    }
    Ok(success("batch_send_nft").add_messages(notices))
}

/// Destroys a token.
pub fn burn(mut call: Call, token_id: &str, memo: Option<String>) -> StdResult<Response> {
    destroy(&mut call, token_id, memo)?;
    Ok(success("burn_nft"))
}

/// Destroys several.
pub fn batch_burn(mut call: Call, burns: Vec<Burn>) -> StdResult<Response> {
    for burn in burns {
        for token_id in &burn.token_ids {
            destroy(&mut call, token_id, burn.memo.clone())?;
        }
    }
    Ok(success("batch_burn_nft"))
}

/// Moves a token and gives who had it.
fn move_token(
    call: &mut Call,
    recipient: &Addr,
    token_id: &str,
    memo: Option<String>,
) -> StdResult<Addr> {
    let token = movable_token(call, token_id)?;
    if !token.transferable {
        let why = format!("Token ID: {token_id} is non-transferable");
        return Err(StdError::generic_err(why));
    }
    let from = token.owner.clone();
    let sender = &call.info.sender;
    let storage = &mut *call.deps.storage;
    state::give_token(storage, token_id, token, recipient.clone())?;
    let action = Action::Transfer {
        from: from.clone(),
        sender: other_than(&from, sender),
        recipient: recipient.clone(),
    };
    let participants = [&from, sender, recipient];
    HISTORY.append(storage, &call.env, &participants, token_id, action, memo)?;
    Ok(from)
}

fn destroy(call: &mut Call, token_id: &str, memo: Option<String>) -> StdResult<()> {
    let token = movable_token(call, token_id)?;
    let storage = &mut *call.deps.storage;
    // What cannot be moved can be destroyed: else nobody is ever rid of it.
    if token.transferable && !CONTRACT.load(storage)?.enable_burn {
        return Err(StdError::generic_err(
            "Burn functionality is not enabled for this token",
        ));
    }
    state::remove_token(storage, token_id, &token)?;
    let sender = &call.info.sender;
    let action = Action::Burn {
        owner: token.owner.clone(),
        burner: other_than(&token.owner, sender),
    };
    let participants = [&token.owner, sender];
    HISTORY.append(storage, &call.env, &participants, token_id, action, memo)
}

/// Moves tokens and gives the messages that tell the recipient, if it is a contract that wants to be told.
fn send_tokens(call: &mut Call, send: Send) -> StdResult<Vec<WasmMsg>> {
    let contract = call.deps.api.addr_validate(&send.contract)?;
    let receiver = match send.receiver_info {
        Some(info) => Some(Receiver {
            code_hash: info.recipient_code_hash,
            also_implements_batch_receive_nft: info
                .also_implements_batch_receive_nft
                .unwrap_or_default(),
        }),
        None => RECEIVERS.get(call.deps.storage, &[contract.as_bytes()])?,
    };
    // By former owner, in the order of the tokens: a message tells of one owner's.
    let mut moved: Vec<(Addr, Vec<String>)> = Vec::new();
    for token_id in send.token_ids {
        let from = move_token(call, &contract, &token_id, send.memo.clone())?;
        match moved.last_mut() {
            Some((owner, token_ids)) if *owner == from => token_ids.push(token_id),
            _ => moved.push((from, vec![token_id])),
        }
    }
    let Some(receiver) = receiver else {
        return Ok(Vec::new());
    };
    let mut told = Vec::new();
    for (from, token_ids) in moved {
        if receiver.also_implements_batch_receive_nft {
            told.push(ReceiverMsg::BatchReceiveNft {
                sender: call.info.sender.clone(),
                from,
                token_ids,
                msg: send.msg.clone(),
            });
            continue;
        }
        told.extend(
            token_ids
                .into_iter()
                .map(|token_id| ReceiverMsg::ReceiveNft {
                    sender: from.clone(),
                    token_id,
                    msg: send.msg.clone(),
                }),
        );
    }
    let notice = |told: &ReceiverMsg| {
        Ok(WasmMsg::Execute {
            contract_addr: contract.to_string(),
            code_hash: receiver.code_hash.clone(),
            msg: padded_json(told)?,
            funds: vec![],
        })
    };
    told.iter().map(notice).collect()
}
