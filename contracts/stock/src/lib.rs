//! A list of notes, as any chain of CosmWasm would have it: it knows nothing of encryption. Notes are counted and walked over, which is
//! what the chain keeps order for. A list makes others at addresses that it knows before, and checks signatures for whoever asks.

// The entry point macro of the library makes functions without documentation.
#![allow(missing_docs)]

mod crypto;

use cosmwasm_std::{
    entry_point, instantiate2_address, to_json_binary, AnyMsg, Binary, CosmosMsg, Deps, DepsMut,
    Empty, Env, GrpcQuery, MessageInfo, MigrateInfo, Order, QueryRequest, Reply, Response,
    StdError, StdResult, SubMsg, WasmMsg,
};
use cw_storage_plus::{Bound, Item, Map};
use serde::{Deserialize, Serialize};

/// Notes by number.
const NOTES: Map<u64, String> = Map::new("notes");

/// Where the list that it makes will be.
const AHEAD: Item<String> = Item::new("ahead");

/// The version of its state.
const VERSION: u64 = 2;

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
    /// Makes another list where it said that it would be, with the coins that came along, and writes a note into it.
    Make { code_id: u64, salt: Binary },
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
    /// Where a list would be that it makes.
    Predict { code_id: u64, salt: Binary },
    /// Whether a signature is right, and what else there is to compute.
    Check(crypto::Check),
}

#[entry_point]
pub fn instantiate(_: DepsMut, _: Env, _: MessageInfo, _: Empty) -> StdResult<Response> {
    Ok(Response::new())
}

#[entry_point]
pub fn execute(deps: DepsMut, env: Env, info: MessageInfo, msg: ExecuteMsg) -> StdResult<Response> {
    if let ExecuteMsg::Make { code_id, salt } = msg {
        return make(deps, &env, info, code_id, salt);
    }
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
        ExecuteMsg::Make { .. } => Err(StdError::msg("made before")),
    }
}

fn predict(deps: Deps, env: &Env, code_id: u64, salt: &[u8]) -> StdResult<String> {
    let code = deps.querier.query_wasm_code_info(code_id)?;
    let creator = deps.api.addr_canonicalize(env.contract.address.as_str())?;
    let address = instantiate2_address(code.checksum.as_slice(), &creator, salt)?;
    Ok(deps.api.addr_humanize(&address)?.into_string())
}

fn make(
    deps: DepsMut,
    env: &Env,
    info: MessageInfo,
    code_id: u64,
    salt: Binary,
) -> StdResult<Response> {
    let address = predict(deps.as_ref(), env, code_id, &salt)?;
    AHEAD.save(deps.storage, &address)?;
    let made = WasmMsg::Instantiate2 {
        admin: None,
        code_id,
        label: format!("list {salt} of block {}", env.block.height),
        msg: to_json_binary(&Empty {})?,
        funds: info.funds,
        salt,
    };
    let note = ExecuteMsg::Fill {
        from: 7,
        to: 8,
        text: "from the list that made you".into(),
    };
    let note = WasmMsg::Execute {
        contract_addr: address,
        msg: to_json_binary(&note)?,
        funds: Vec::new(),
    };
    let made = SubMsg::reply_on_success(made, 1).with_payload(b"made");
    Ok(Response::new().add_submessage(made).add_message(note))
}

#[entry_point]
pub fn reply(deps: DepsMut, _: Env, reply: Reply) -> StdResult<Response> {
    let ahead = AHEAD.load(deps.storage)?;
    let response = reply.result.into_result().map_err(StdError::msg)?;
    let told = response.events.iter().find(|e| e.ty == "instantiate");
    let told = told.and_then(|e| {
        e.attributes
            .iter()
            .find(|a| a.key.ends_with("contract_address"))
    });
    match told {
        Some(told) if told.value == ahead && reply.payload == b"made" => {
            Ok(Response::new().add_attribute("made", ahead))
        }
        _ => Err(StdError::msg("made elsewhere")),
    }
}

#[entry_point]
#[migrate_version(VERSION)]
pub fn migrate(_: DepsMut, _: Env, _: Empty, info: MigrateInfo) -> StdResult<Response> {
    let version = info
        .old_migrate_version
        .map_or("none".into(), |v| v.to_string());
    let response = Response::new().add_attribute("migrated_by", info.sender);
    Ok(response.add_attribute("from_version", version))
}

#[entry_point]
pub fn query(deps: Deps, env: Env, msg: QueryMsg) -> StdResult<Binary> {
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
        QueryMsg::Predict { code_id, salt } => {
            to_json_binary(&predict(deps, &env, code_id, &salt)?)
        }
        QueryMsg::Check(check) => crypto::check(deps.api, check),
        QueryMsg::Ask { path, data } => {
            let request: QueryRequest<Empty> = QueryRequest::Grpc(GrpcQuery { path, data });
            let request = to_json_binary(&request)?;
            let answer = deps.querier.raw_query(&request);
            let answer = answer
                .into_result()
                .map_err(|e| StdError::msg(e.to_string()))?;
            answer.into_result().map_err(StdError::msg)
        }
    }
}
