//! Several private tokens in one contract, fungible ones and ones of a kind (SNIP-1155). Curators make token ids, minters make tokens,
//! owners move them; balances and private metadata only those see whom the owner lets.
//!
//! - [`msg`]: what the contract understands and answers.
//! - [`execute`]: changes; [`query`]: reading; [`instantiate`](fn@instantiate): the beginning.
//! - [`state`]: what is remembered.

pub mod execute;
pub mod msg;
pub mod query;
pub mod state;

use cosmwasm_std::{
    entry_point, Binary, Deps, DepsMut, Env, MessageInfo, Response, StdError, StdResult,
};
use snip::padding::{pad, pad_response};

use crate::msg::{ExecuteMsg, InstantiateMsg, QueryMsg};
use crate::state::{ADMIN, CURATORS, ENTROPY};

/// Called once, when the contract is created.
#[entry_point]
pub fn instantiate(
    mut deps: DepsMut,
    env: Env,
    info: MessageInfo,
    msg: InstantiateMsg,
) -> StdResult<Response> {
    let admin = match (msg.has_admin, &msg.admin) {
        (true, Some(admin)) => Some(deps.api.addr_validate(admin)?),
        (true, None) => Some(info.sender.clone()),
        (false, None) => None,
        (false, Some(_)) => {
            return Err(StdError::generic_err(
                "An admin is named, and there is to be none",
            ));
        }
    };
    ADMIN.save(deps.storage, &admin)?;
    ENTROPY.save(deps.storage, &msg.entropy)?;
    let curators = execute::accounts(deps.api, &msg.curators)?;
    CURATORS.save(deps.storage, &curators)?;
    for token in msg.initial_tokens {
        execute::curate(deps.branch(), &env, &info.sender, token, None)?;
    }
    Ok(pad_response(Response::new()))
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
