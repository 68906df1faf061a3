//! Does what its message says: sends messages of every kind that the published library knows, wants to be told of them in
//! every mode, keeps what it was told, does then what it was asked to do when told, and calls every import of the host with what
//! it is given. For tests; the page about it is docs/book/everything.md.
//!
//! It imports iteration, so the chain keeps its keys in order.

pub mod msg;

use cosmwasm_std::{
    entry_point, from_slice, to_binary, to_vec, Binary, Deps, DepsMut, Env, MessageInfo, Reply,
    Response, StdError, StdResult, Storage,
};

use imports::Call;

use crate::msg::{Act, QueryMsg, Told};

const NOTE: &[u8] = b"note";
const TOLD: &[u8] = b"told";

/// Does it.
#[entry_point]
pub fn instantiate(deps: DepsMut, _env: Env, _info: MessageInfo, msg: Act) -> StdResult<Response> {
    act(deps.storage, msg)
}

/// Does it.
#[entry_point]
pub fn execute(deps: DepsMut, _env: Env, _info: MessageInfo, msg: Act) -> StdResult<Response> {
    act(deps.storage, msg)
}

/// Does it, with the state of the code before.
#[entry_point]
pub fn migrate(deps: DepsMut, _env: Env, msg: Act) -> StdResult<Response> {
    act(deps.storage, msg)
}

/// Keeps what it is told, and does what was planned for the message that it is told of.
#[entry_point]
pub fn reply(deps: DepsMut, _env: Env, reply: Reply) -> StdResult<Response> {
    let planned = deps.storage.get(&plan(reply.id));
    let mut told = kept(deps.storage)?;
    told.push(reply);
    deps.storage.set(TOLD, &to_vec(&Told { told })?);
    match planned {
        Some(planned) => act(deps.storage, from_slice(&planned)?),
        None => Ok(Response::new()),
    }
}

/// Tells what it was told, or its note.
#[entry_point]
pub fn query(deps: Deps, _env: Env, msg: QueryMsg) -> StdResult<Binary> {
    match msg {
        QueryMsg::Told {} => to_binary(&Told {
            told: kept(deps.storage)?,
        }),
        QueryMsg::Note {} => {
            let note = deps.storage.get(NOTE).unwrap_or_default();
            to_binary(&String::from_utf8(note)?)
        }
        QueryMsg::Call { calls } => to_binary(&Call::all(calls)),
    }
}

fn act(storage: &mut dyn Storage, act: Act) -> StdResult<Response> {
    if act.forget {
        storage.remove(TOLD);
    }
    if let Some(note) = act.note {
        storage.set(NOTE, note.as_bytes());
    }
    for planned in act.when_told {
        storage.set(&plan(planned.id), &to_vec(&planned.act)?);
    }
    let called = !act.calls.is_empty();
    let answers = Call::all(act.calls);
    if let Some(text) = act.panic {
        panic!("{text}");
    }
    if let Some(text) = act.fail {
        return Err(StdError::generic_err(text));
    }
    let mut done = Response::new().add_submessages(act.messages);
    done.data = act.data;
    if called && done.data.is_none() {
        done.data = Some(to_binary(&answers)?);
    }
    for (key, value) in act.shows {
        done = done.add_attribute_plaintext(key, value);
    }
    for (key, value) in act.says {
        done = done.add_attribute(key, value);
    }
    Ok(done)
}

fn plan(id: u64) -> Vec<u8> {
    format!("plan {id}").into_bytes()
}

fn kept(storage: &dyn Storage) -> StdResult<Vec<Reply>> {
    let told = storage.get(TOLD).map(|told| from_slice::<Told>(&told));
    Ok(told.transpose()?.map_or_else(Vec::new, |told| told.told))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cosmwasm_std::testing::{mock_dependencies, mock_env, mock_info};
    use cosmwasm_std::SubMsgResult;

    #[test]
    fn what_is_planned_is_done_when_it_is_told() {
        let mut deps = mock_dependencies();
        let plan = br#"{"when_told":[{"id":7,"act":{"note":"told","data":"aGk="}}]}"#;
        let anyone = mock_info("anyone", &[]);
        execute(deps.as_mut(), mock_env(), anyone, from_slice(plan).unwrap()).unwrap();
        let told = |id| Reply {
            id,
            result: SubMsgResult::Err("no".into()),
        };
        let other = reply(deps.as_mut(), mock_env(), told(6)).unwrap();
        assert_eq!(other, Response::new());
        let done = reply(deps.as_mut(), mock_env(), told(7)).unwrap();
        assert_eq!(done.data, Some(Binary::from(b"hi")));
        let answer = query(deps.as_ref(), mock_env(), QueryMsg::Note {}).unwrap();
        assert_eq!(answer, Binary::from(b"\"told\""));
        assert_eq!(kept(&deps.storage).unwrap(), [told(6), told(7)]);
    }
}
