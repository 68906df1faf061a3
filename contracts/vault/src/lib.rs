//! A vault: keeps texts that only who put them there can read.
//!
//! It shows two things. *Bound messages* ([`bound`]): without them a stranger copies the ciphertext of a `put`, sends it in its own
//! name, and reads the text as its own; the vault takes no others, if it was made so. *Permits* ([`permit`]): a signature opens a
//! query, and its signer can take it back.
//!
//! Read [`msg`] first, then this file. The page about it is docs/book/vault.md.

pub mod msg;

use bound::message_is_bound;
use cosmwasm_std::{
    entry_point, to_binary, Binary, Deps, DepsMut, Env, MessageInfo, Response, StdError, StdResult,
};
use storage::{Item, Map};

use crate::msg::{ExecuteMsg, InstantiateMsg, Permission, PermittedQuery, QueryMsg, Text};

/// Whether only bound messages are taken.
static ONLY_BOUND: Item<bool> = Item::new("only_bound");
/// Texts by owner and name.
static TEXTS: Map<String> = Map::new("texts");
/// A text with its name is no longer than this, in bytes.
const BYTES_MAX: usize = 1_024;

/// Called once, when the contract is created.
#[entry_point]
pub fn instantiate(
    deps: DepsMut,
    _env: Env,
    _info: MessageInfo,
    msg: InstantiateMsg,
) -> StdResult<Response> {
    ONLY_BOUND.save(deps.storage, &msg.only_bound)?;
    Ok(Response::new())
}

/// Called for every transaction that is sent to the contract.
#[entry_point]
pub fn execute(
    deps: DepsMut,
    _env: Env,
    info: MessageInfo,
    msg: ExecuteMsg,
) -> StdResult<Response> {
    if ONLY_BOUND.load(deps.storage)? && !message_is_bound() {
        return Err(StdError::generic_err(
            "Bind this message to your account and to this contract: anyone could copy it",
        ));
    }
    match msg {
        ExecuteMsg::Put { name, text } => {
            if name.len() + text.len() > BYTES_MAX {
                let why = format!("Name and text have {BYTES_MAX} bytes at most");
                return Err(StdError::generic_err(why));
            }
            let place = [info.sender.as_bytes(), name.as_bytes()];
            TEXTS.set(deps.storage, &place, &text)?;
        }
        ExecuteMsg::RevokePermit { permit_name } => {
            permit::revoke(deps.storage, &info.sender, &permit_name)?;
        }
    }
    Ok(Response::new())
}

/// Called to read from the contract.
#[entry_point]
pub fn query(deps: Deps, env: Env, msg: QueryMsg) -> StdResult<Binary> {
    let QueryMsg::WithPermit { permit, query } = msg;
    let permit = permit::verify(deps, &env, permit)?;
    let owner = permit.account_for(Permission::Texts)?;
    let PermittedQuery::Get { name } = query;
    let text = TEXTS.get(deps.storage, &[owner.as_bytes(), name.as_bytes()])?;
    to_binary(&Text { text })
}
