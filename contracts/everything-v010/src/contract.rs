//! The entry points.

use cosmwasm_std::{
    debug_print, to_binary, to_vec, Api, Binary, Empty, Env, Extern, HandleResponse, HandleResult,
    InitResponse, InitResult, MigrateResponse, MigrateResult, Querier, QueryRequest, QueryResult,
    StdError, StdResult, Storage,
};

use imports::Call;

use crate::msg::{Asked, HandleMsg, InitMsg, MigrateMsg, QueryMsg, ReadAnswer};

/// Creates the contract.
///
/// # Errors
/// None.
pub fn init<S: Storage, A: Api, Q: Querier>(
    deps: &mut Extern<S, A, Q>,
    env: Env,
    msg: InitMsg,
) -> InitResult {
    deps.storage
        .set(b"creator", env.message.sender.as_str().as_bytes());
    Ok(InitResponse {
        messages: msg.messages,
        log: msg.log,
    })
}

/// Does one thing.
///
/// # Errors
/// The one that the message asks for.
pub fn handle<S: Storage, A: Api, Q: Querier>(
    deps: &mut Extern<S, A, Q>,
    env: Env,
    msg: HandleMsg,
) -> HandleResult {
    debug_print("does nothing");
    let data = |data: Binary| HandleResponse {
        data: Some(data),
        ..HandleResponse::default()
    };
    let mut set = |key: &str, value: &str| deps.storage.set(key.as_bytes(), value.as_bytes());
    match msg {
        HandleMsg::Nothing {} => {}
        HandleMsg::Respond {
            messages,
            log,
            data,
        } => {
            return Ok(HandleResponse {
                messages,
                log,
                data,
            })
        }
        HandleMsg::Fail { error } => return Err(error),
        HandleMsg::Panic { message } => panic!("{message}"),
        HandleMsg::Look {} => return Ok(data(to_binary(&env)?)),
        HandleMsg::Write { key, value } => set(&key, &value),
        HandleMsg::WriteAndFail { key, value } => {
            set(&key, &value);
            return Err(StdError::generic_err("written, then failed"));
        }
        HandleMsg::Remove { key } => deps.storage.remove(key.as_bytes()),
        HandleMsg::Ask { request } => return Ok(data(to_binary(&ask(&deps.querier, &request)?)?)),
        HandleMsg::Call { calls } => return Ok(data(to_binary(&Call::all(calls))?)),
        HandleMsg::Receive { amount, .. } => set("received", &amount.to_string()),
    }
    Ok(HandleResponse::default())
}

/// Replaces the code.
///
/// # Errors
/// None.
pub fn migrate<S: Storage, A: Api, Q: Querier>(
    deps: &mut Extern<S, A, Q>,
    env: Env,
    _msg: MigrateMsg,
) -> MigrateResult {
    deps.storage
        .set(b"migrated_by", env.message.sender.as_str().as_bytes());
    Ok(MigrateResponse::default())
}

/// Tells one thing.
///
/// # Errors
/// The one that the message asks for.
pub fn query<S: Storage, A: Api, Q: Querier>(deps: &Extern<S, A, Q>, msg: QueryMsg) -> QueryResult {
    match msg {
        QueryMsg::Read { key } => {
            let value = deps.storage.get(key.as_bytes()).map(String::from_utf8);
            let value = value.transpose().map_err(StdError::invalid_utf8)?;
            to_binary(&ReadAnswer { value })
        }
        QueryMsg::Fail { error } => Err(error),
        QueryMsg::Panic { message } => panic!("{message}"),
        QueryMsg::Ask { request } => to_binary(&ask(&deps.querier, &request)?),
        QueryMsg::Canonicalize { human } => to_binary(&deps.api.canonical_address(&human)?.0),
        QueryMsg::Humanize { canonical } => {
            let canonical = cosmwasm_std::CanonicalAddr(canonical);
            to_binary(&deps.api.human_address(&canonical)?)
        }
        QueryMsg::Write { key } => on_the_chain::write(key.as_bytes()),
        QueryMsg::Call { calls } => to_binary(&Call::all(calls)),
    }
}

/// Asks without reading the answer.
fn ask<Q: Querier>(querier: &Q, request: &QueryRequest<Empty>) -> StdResult<Asked> {
    Ok(match querier.raw_query(&to_vec(request)?) {
        Ok(Ok(answer)) => Asked::Answer(answer),
        Ok(Err(error)) => Asked::Error(error),
        Err(error) => Asked::System(error.to_string()),
    })
}

#[cfg(target_arch = "wasm32")]
mod on_the_chain {
    use cosmwasm_std::{Binary, QueryResult, Storage};

    /// A query is handed state to read only; the library's own handle to the host goes around that.
    pub(super) fn write(key: &[u8]) -> QueryResult {
        cosmwasm_std::ExternalStorage::new().set(key, b"written");
        Ok(Binary::default())
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod on_the_chain {
    use cosmwasm_std::{QueryResult, StdError};

    pub(super) fn write(_: &[u8]) -> QueryResult {
        Err(StdError::generic_err("only on the chain"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cosmwasm_std::from_binary;
    use cosmwasm_std::testing::{mock_dependencies, mock_env};

    #[test]
    fn a_written_value_is_read_until_it_is_removed() {
        let mut deps = mock_dependencies(20, &[]);
        let key = || "k".to_owned();
        let write = HandleMsg::Write {
            key: key(),
            value: "v".into(),
        };
        handle(&mut deps, mock_env("anyone", &[]), write).unwrap();
        let answer = query(&deps, QueryMsg::Read { key: key() }).unwrap();
        let answer: ReadAnswer = from_binary(&answer).unwrap();
        assert_eq!(answer.value.as_deref(), Some("v"));
        let remove = HandleMsg::Remove { key: key() };
        handle(&mut deps, mock_env("anyone", &[]), remove).unwrap();
        let answer = query(&deps, QueryMsg::Read { key: key() }).unwrap();
        assert_eq!(from_binary::<ReadAnswer>(&answer).unwrap().value, None);
    }

    #[test]
    fn the_error_asked_for_comes_back() {
        let mut deps = mock_dependencies(20, &[]);
        let fail = HandleMsg::Fail {
            error: StdError::not_found("user"),
        };
        let error = handle(&mut deps, mock_env("anyone", &[]), fail).unwrap_err();
        assert_eq!(error, StdError::not_found("user"));
    }
}
