//! A private token: balances, allowances and histories that only their owners can read (SNIP-20).
//!
//! - [`msg`]: what the contract understands and answers.
//! - [`execute`]: changes; [`query`]: reading; [`instantiate`](fn@instantiate): the beginning.
//! - Who may read: permits in the library [`permit`], viewing keys in [`snip`].
//! - [`ledger`], [`allowance`], [`history`], [`state`]: what is remembered.
//!
//! Accounts are notified of what happens to them ([`notify`], [`channels`]).
//! Lengths of answers tell nothing ([`snip::padding`]), and neither does the gas of a call, if it is asked for ([`snip::evaporation`]).
//!
//! The chain knows nothing of all this: messages and answers are ordinary encrypted contract calls.

pub mod allowance;
pub mod channels;
pub mod execute;
pub mod history;
pub mod instantiate;
pub mod ledger;
pub mod msg;
pub mod notify;
pub mod query;
pub mod state;

use cosmwasm_std::{
    entry_point, Binary, Deps, DepsMut, Empty, Env, MessageInfo, Response, StdResult,
};

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

/// Called when the contract's admin gives it this code. What is remembered stays as it is.
#[entry_point]
pub fn migrate(_deps: DepsMut, _env: Env, _msg: Empty) -> StdResult<Response> {
    Ok(Response::new())
}

/// Called to read from the contract.
#[entry_point]
pub fn query(deps: Deps, env: Env, msg: QueryMsg) -> StdResult<Binary> {
    let answer = query::run(deps, env, msg)?;
    Ok(Binary(pad(answer.0)))
}

#[cfg(test)]
mod tests;
