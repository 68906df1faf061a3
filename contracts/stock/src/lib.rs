//! A list of notes, as any chain of CosmWasm would have it: it knows nothing of encryption. Notes are counted and walked over, which is
//! what the chain keeps order for.

// The entry point macro of the library makes functions without documentation.
#![allow(missing_docs)]

use cosmwasm_std::{
    AnyMsg, Binary, CosmosMsg, Deps, DepsMut, Empty, Env, GrpcQuery, MessageInfo, Order,
    QueryRequest, Response, StdError, StdResult, entry_point, to_json_binary,
};
use cw_storage_plus::{Bound, Map};
use serde::{Deserialize, Serialize};

/// Notes by number.
const NOTES: Map<u64, String> = Map::new("notes");

/// What it does.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecuteMsg {
    /// Writes the same text under the numbers `from..to`.
    Fill { from: u64, to: u64, text: String },
    /// Removes one.
    Remove { number: u64 },
    /// Reads the first `count`, one after the other, by their numbers.
    Read { count: u64 },
    /// Reads the first `count` with an iterator.
    Walk { count: u64 },
    /// Sends a message of another module.
    Send { type_url: String, value: Binary },
}

/// What it answers.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryMsg {
    /// The numbers behind `after`, at most `limit`.
    Numbers {
        after: Option<u64>,
        limit: u32,
        descending: bool,
    },
    /// The texts of the same.
    Texts { limit: u32, descending: bool },
    /// What another module answers.
    Ask { path: String, data: Binary },
}

#[entry_point]
pub fn instantiate(_: DepsMut, _: Env, _: MessageInfo, _: Empty) -> StdResult<Response> {
    Ok(Response::new())
}

#[entry_point]
pub fn execute(deps: DepsMut, _: Env, _: MessageInfo, msg: ExecuteMsg) -> StdResult<Response> {
    let storage = deps.storage;
    let counted = |read: u64| Ok(Response::new().add_attribute("read", read.to_string()));
    match msg {
        ExecuteMsg::Fill { from, to, text } => {
            for number in from..to {
                NOTES.save(storage, number, &text)?;
            }
            Ok(Response::new())
        }
        ExecuteMsg::Remove { number } => {
            NOTES.remove(storage, number);
            Ok(Response::new())
        }
        ExecuteMsg::Read { count } => {
            let mut read = 0;
            for number in 0..count {
                read += u64::from(NOTES.may_load(storage, number)?.is_some());
            }
            counted(read)
        }
        ExecuteMsg::Walk { count } => {
            let mut read = 0;
            let notes = NOTES.range(storage, None, None, Order::Ascending);
            for note in notes.take(usize::try_from(count).unwrap_or(usize::MAX)) {
                note?;
                read += 1;
            }
            counted(read)
        }
        ExecuteMsg::Send { type_url, value } => {
            Ok(Response::new().add_message(CosmosMsg::Any(AnyMsg { type_url, value })))
        }
    }
}

#[entry_point]
pub fn query(deps: Deps, _: Env, msg: QueryMsg) -> StdResult<Binary> {
    let order = |descending| {
        if descending {
            Order::Descending
        } else {
            Order::Ascending
        }
    };
    let limited = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
    match msg {
        QueryMsg::Numbers {
            after,
            limit,
            descending,
        } => {
            let bound = after.map(Bound::exclusive);
            let (from, to) = if descending {
                (None, bound)
            } else {
                (bound, None)
            };
            let keys = NOTES.keys(deps.storage, from, to, order(descending));
            let numbers: Vec<u64> = keys.take(limited(limit)).collect::<StdResult<_>>()?;
            to_json_binary(&numbers)
        }
        QueryMsg::Texts { limit, descending } => {
            let texts = NOTES.range(deps.storage, None, None, order(descending));
            let texts: Vec<String> = texts
                .take(limited(limit))
                .map(|note| note.map(|(_, text)| text))
                .collect::<StdResult<_>>()?;
            to_json_binary(&texts)
        }
        QueryMsg::Ask { path, data } => {
            let request: QueryRequest<Empty> = QueryRequest::Grpc(GrpcQuery { path, data });
            let request = to_json_binary(&request)?;
            let answer = deps.querier.raw_query(&request);
            let answer = answer.into_result().map_err(|e| StdError::msg(e.to_string()))?;
            answer.into_result().map_err(StdError::msg)
        }
    }
}
