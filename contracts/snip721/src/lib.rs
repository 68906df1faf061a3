//! Private non-fungible tokens: who owns one, and what is written in its private metadata, only those see whom the owner lets
//! (SNIP-721).
//!
//! - [`msg`], [`answer`]: what the contract understands and answers; [`snip::metadata`]: what a token can say of itself.
//! - [`execute`]: changes; [`query`]: reading; [`instantiate`](fn@instantiate): the beginning.
//! - [`approval`]: who may see or move what, until when.
//! - [`royalty`]: parts of a price. [`mint_run`]: runs of clones. [`state`]: what is remembered.

pub mod answer;
pub mod approval;
pub mod execute;
pub mod instantiate;
pub mod mint_run;
pub mod msg;
pub mod query;
pub mod royalty;
pub mod state;

use cosmwasm_std::{entry_point, Binary, Deps, DepsMut, Env, MessageInfo, Response, StdResult};
use snip::padding::{pad, pad_response};

use crate::msg::{ExecuteMsg, InstantiateMsg, QueryMsg};

/// Called once, when the contract is created.
#[entry_point]
pub fn instantiate(
    deps: DepsMut,
    env: Env,
    info: MessageInfo,
    msg: InstantiateMsg,
) -> StdResult<Response> {
    instantiate::run(deps, env, info, msg).map(pad_response)
}

/// Called for every transaction that is sent to the contract.
pub fn execute(deps: DepsMut, env: Env, info: MessageInfo, msg: ExecuteMsg) -> StdResult<Response> {
    execute::run(deps, env, info, msg).map(pad_response)
}
snip::entry_point!(execute);

/// Called to read from the contract.
#[entry_point]
pub fn query(deps: Deps, env: Env, msg: QueryMsg) -> StdResult<Binary> {
    let answer = query::run(deps, env, msg)?;
    Ok(Binary(pad(answer.0)))
}

#[cfg(test)]
mod tests;
