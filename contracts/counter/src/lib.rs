//! A counter: the smallest contract that keeps a secret.
//!
//! Anyone may increment it and read it; only its owner, who instantiated it, may reset it. Nobody but the caller sees
//! what was called: messages and answers are encrypted on the way, and the count is encrypted in the chain's state.
//!
//! Read [`msg`] first (what the contract understands), then [`state`] (what it remembers), then this file.

pub mod msg;
pub mod state;

use cosmwasm_std::{
    entry_point, to_binary, Binary, Deps, DepsMut, Env, MessageInfo, Response, StdError, StdResult,
};

use crate::msg::{CountAnswer, ExecuteMsg, InstantiateMsg, QueryMsg};
use crate::state::{Counter, COUNTER};

/// Called once, when the contract is created. The sender becomes the owner.
#[entry_point]
pub fn instantiate(
    deps: DepsMut,
    _env: Env,
    info: MessageInfo,
    msg: InstantiateMsg,
) -> StdResult<Response> {
    COUNTER.save(
        deps.storage,
        &Counter {
            count: msg.count,
            owner: info.sender,
        },
    )?;
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
    let mut counter = COUNTER.load(deps.storage)?;
    match msg {
        ExecuteMsg::Increment {} => {
            counter.count = counter
                .count
                .checked_add(1)
                .ok_or_else(|| StdError::generic_err("the counter is full"))?;
        }
        ExecuteMsg::Reset { count } => {
            if info.sender != counter.owner {
                return Err(StdError::generic_err(
                    "only the owner may reset the counter",
                ));
            }
            counter.count = count;
        }
    }
    COUNTER.save(deps.storage, &counter)?;
    Ok(Response::new().add_attribute("count", counter.count.to_string()))
}

/// Called to read from the contract. Changes nothing, costs nothing.
#[entry_point]
pub fn query(deps: Deps, _env: Env, msg: QueryMsg) -> StdResult<Binary> {
    match msg {
        QueryMsg::GetCount {} => {
            let count = COUNTER.load(deps.storage)?.count;
            to_binary(&CountAnswer { count })
        }
    }
}

#[cfg(test)]
mod tests {
    use cosmwasm_std::from_binary;
    use cosmwasm_std::testing::{mock_dependencies, mock_env, mock_info};

    use super::*;

    /// A counter at `count` that belongs to `owner`.
    fn counter_of_owner(
        count: i32,
    ) -> cosmwasm_std::OwnedDeps<
        cosmwasm_std::MemoryStorage,
        cosmwasm_std::testing::MockApi,
        cosmwasm_std::testing::MockQuerier,
    > {
        let mut deps = mock_dependencies();
        let msg = InstantiateMsg { count };
        instantiate(deps.as_mut(), mock_env(), mock_info("owner", &[]), msg).unwrap();
        deps
    }

    fn count(deps: Deps) -> i32 {
        let answer = query(deps, mock_env(), QueryMsg::GetCount {}).unwrap();
        from_binary::<CountAnswer>(&answer).unwrap().count
    }

    #[test]
    fn anyone_may_increment() {
        let mut deps = counter_of_owner(7);
        let anyone = mock_info("anyone", &[]);
        let response =
            execute(deps.as_mut(), mock_env(), anyone, ExecuteMsg::Increment {}).unwrap();
        assert_eq!(response.attributes, vec![("count", "8")]);
        assert_eq!(count(deps.as_ref()), 8);
    }

    #[test]
    fn only_the_owner_may_reset() {
        let mut deps = counter_of_owner(7);
        let reset = ExecuteMsg::Reset { count: 1 };
        let refused =
            execute(deps.as_mut(), mock_env(), mock_info("anyone", &[]), reset).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "Generic error: only the owner may reset the counter"
        );
        assert_eq!(count(deps.as_ref()), 7);

        let reset = ExecuteMsg::Reset { count: 1 };
        execute(deps.as_mut(), mock_env(), mock_info("owner", &[]), reset).unwrap();
        assert_eq!(count(deps.as_ref()), 1);
    }

    #[test]
    fn a_full_counter_refuses_to_wrap_around() {
        let mut deps = counter_of_owner(i32::MAX);
        let anyone = mock_info("anyone", &[]);
        let refused =
            execute(deps.as_mut(), mock_env(), anyone, ExecuteMsg::Increment {}).unwrap_err();
        assert_eq!(refused.to_string(), "Generic error: the counter is full");
        assert_eq!(count(deps.as_ref()), i32::MAX);
    }
}
