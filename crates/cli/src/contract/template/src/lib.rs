//! A savings jar: who puts coins in gets them back after a time, and nobody else knows what they are saved for.
//!
//! Read [`msg`] first, then [`state`], then this file.

pub mod msg;
pub mod state;

use cosmwasm_std::{
    entry_point, to_binary, BankMsg, Binary, Deps, DepsMut, Env, MessageInfo, Response, StdError,
    StdResult,
};
use snip::padding::{pad, pad_response};
use snip::viewing_key;

use crate::msg::{ExecuteMsg, InstantiateMsg, JarAnswer, QueryMsg};
use crate::state::{Jar, JARS, LOCK_SECONDS};

/// The longest wish, in bytes.
const WISH_BYTES_MAX: usize = 64;

/// Called once, when the contract is made.
#[entry_point]
pub fn instantiate(
    deps: DepsMut,
    _env: Env,
    _info: MessageInfo,
    msg: InstantiateMsg,
) -> StdResult<Response> {
    LOCK_SECONDS.save(deps.storage, &msg.lock_seconds)?;
    Ok(Response::new())
}

/// Called for every transaction that is sent to the contract.
pub fn execute(deps: DepsMut, env: Env, info: MessageInfo, msg: ExecuteMsg) -> StdResult<Response> {
    let done = match msg {
        ExecuteMsg::Put { wish, .. } => put(deps, &env, &info, &wish)?,
        ExecuteMsg::TakeOut {} => take_out(deps, &env, &info)?,
        ExecuteMsg::SetViewingKey { key } => {
            viewing_key::set(deps.storage, &info.sender, &key)?;
            Response::new()
        }
    };
    Ok(pad_response(done))
}
// In place of the attribute `entry_point`: it levels the gas of messages that have a `gas_target`.
snip::entry_point!(execute);

fn put(deps: DepsMut, env: &Env, info: &MessageInfo, wish: &str) -> StdResult<Response> {
    if wish.len() > WISH_BYTES_MAX {
        return Err(StdError::generic_err("a wish has 64 bytes at most"));
    }
    let owner = info.sender.as_bytes();
    let mut jar = JARS.get(deps.storage, &[owner])?.unwrap_or_default();
    for coin in &info.funds {
        match jar.coins.iter_mut().find(|c| c.denom == coin.denom) {
            Some(there) => there.amount = there.amount.checked_add(coin.amount)?,
            None => jar.coins.push(coin.clone()),
        }
    }
    jar.wish = format!("{wish}{}", " ".repeat(WISH_BYTES_MAX - wish.len()));
    let lock = LOCK_SECONDS.load(deps.storage)?;
    jar.opens_at = env.block.time.seconds().saturating_add(lock);
    JARS.set(deps.storage, &[owner], &jar)?;
    // Sealed to the sender: others see that there is an attribute, not what it says.
    Ok(Response::new().add_attribute("wish", &jar.wish))
}

fn take_out(deps: DepsMut, env: &Env, info: &MessageInfo) -> StdResult<Response> {
    let owner = info.sender.as_bytes();
    let jar = JARS.get(deps.storage, &[owner])?;
    let jar = jar.ok_or_else(|| StdError::generic_err("your jar is empty"))?;
    if env.block.time.seconds() < jar.opens_at {
        let why = format!("your jar opens at {}", jar.opens_at);
        return Err(StdError::generic_err(why));
    }
    JARS.remove(deps.storage, &[owner]);
    Ok(Response::new().add_message(BankMsg::Send {
        to_address: info.sender.to_string(),
        amount: jar.coins,
    }))
}

/// Called to read from the contract.
#[entry_point]
pub fn query(deps: Deps, _env: Env, msg: QueryMsg) -> StdResult<Binary> {
    let QueryMsg::Jar { owner, key } = msg;
    let owner = deps.api.addr_validate(&owner)?;
    if !viewing_key::is_right(deps.storage, &owner, &key)? {
        return Err(StdError::generic_err(viewing_key::WRONG));
    }
    let Jar {
        coins,
        wish,
        opens_at,
    } = JARS
        .get(deps.storage, &[owner.as_bytes()])?
        .unwrap_or_default();
    let answer = JarAnswer {
        coins,
        wish: wish.trim_end().to_owned(),
        opens_at,
    };
    Ok(Binary(pad(to_binary(&answer)?.0)))
}
