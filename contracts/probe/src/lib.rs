//! A probe for the end-to-end tests: it does one odd thing per message, on request, so that a test can see what the
//! chain makes of it. No example to follow; see `counter` for that.

pub mod msg;

use cosmwasm_std::{
    entry_point, to_binary, to_vec, wasm_execute, Attribute, BankMsg, Binary, ContractResult, Deps,
    DepsMut, Empty, Env, Event, MessageInfo, QuerierWrapper, QueryRequest, Response, StdError,
    StdResult, SystemResult, WasmMsg, WasmQuery,
};

use crate::msg::{
    AddressAnswer, Callee, CryptoAnswer, EmittedAttribute, ExecuteMsg, InstantiateMsg, MigrateMsg,
    NestedAnswer, QueryMsg, ReadAnswer, Seen,
};

/// Creates the probe, or fails with the text that the message asks for.
#[entry_point]
pub fn instantiate(
    _deps: DepsMut,
    _env: Env,
    _info: MessageInfo,
    msg: InstantiateMsg,
) -> StdResult<Response> {
    match msg.fail {
        Some(message) => Err(StdError::generic_err(message)),
        None => Ok(Response::new().add_attribute("probe", "ready")),
    }
}

/// Takes over a contract of any code: its state stays. The note is written before it fails, if it is to fail.
#[entry_point]
pub fn migrate(deps: DepsMut, _env: Env, msg: MigrateMsg) -> StdResult<Response> {
    deps.storage.set(b"migrated", msg.note.as_bytes());
    match msg.fail {
        Some(message) => Err(StdError::generic_err(message)),
        None => Ok(Response::new()
            .add_attribute("migrated", &msg.note)
            .set_data(msg.note.as_bytes())),
    }
}

/// Does one odd thing.
#[entry_point]
pub fn execute(deps: DepsMut, env: Env, info: MessageInfo, msg: ExecuteMsg) -> StdResult<Response> {
    let done = Response::new();
    match msg {
        ExecuteMsg::Nothing {} => Ok(done),
        ExecuteMsg::Fail { message } => Err(StdError::generic_err(message)),
        ExecuteMsg::WriteAndFail { key, value } => {
            deps.storage.set(key.as_bytes(), value.as_bytes());
            Err(StdError::generic_err("written, then failed"))
        }
        ExecuteMsg::Emit { attributes } => {
            Ok(done.add_attributes(attributes.into_iter().map(attribute)))
        }
        ExecuteMsg::EmitEvent { name, attributes } => {
            Ok(done
                .add_event(Event::new(name).add_attributes(attributes.into_iter().map(attribute))))
        }
        ExecuteMsg::SetData { data } => Ok(done.set_data(data)),
        ExecuteMsg::Look {} => Ok(done.set_data(to_binary(&look(env, Some(info)))?)),
        ExecuteMsg::Write { key, value } => {
            deps.storage.set(key.as_bytes(), value.as_bytes());
            Ok(done)
        }
        ExecuteMsg::Remove { key } => {
            deps.storage.remove(key.as_bytes());
            Ok(done)
        }
        ExecuteMsg::Spin { rounds } => Ok(done.set_data(to_binary(&spin(rounds).to_string())?)),
        ExecuteMsg::Panic { message } => panic!("{message}"),
        ExecuteMsg::Recurse { depth } => Ok(done.set_data(to_binary(&recurse(depth).to_string())?)),
        ExecuteMsg::WriteLong { bytes } => {
            deps.storage.set(b"long", &vec![b'x'; bytes as usize]);
            Ok(done)
        }
        ExecuteMsg::EmitMany { events } => {
            Ok(done.add_events((0..events).map(|_| Event::new("many"))))
        }
        ExecuteMsg::SayMuch { bytes } => Ok(done.set_data(vec![b'x'; bytes as usize])),
        ExecuteMsg::Grow { kib } => Ok(done.set_data(to_binary(&grow(kib).to_string())?)),
        ExecuteMsg::Evaporate { gas } => {
            deps.api.gas_evaporate(gas)?;
            Ok(done.set_data(to_binary(&deps.api.check_gas()?.to_string())?))
        }
        ExecuteMsg::Call { callee, msg, funds } => Ok(done.add_message(WasmMsg::Execute {
            contract_addr: callee.address,
            code_hash: callee.code_hash,
            msg,
            funds,
        })),
        ExecuteMsg::CallSelf { levels } => {
            let done = done.add_attribute("level", levels.to_string());
            let Some(levels) = levels.checked_sub(1) else {
                return Ok(done);
            };
            Ok(done.add_message(wasm_execute(
                env.contract.address,
                env.contract.code_hash,
                &ExecuteMsg::CallSelf { levels },
                vec![],
            )?))
        }
        ExecuteMsg::Ask { callee, msg } => Ok(done.set_data(ask(&deps.querier, callee, msg)?)),
        ExecuteMsg::Migrate {
            callee,
            code_id,
            msg,
        } => Ok(done.add_message(WasmMsg::Migrate {
            contract_addr: callee.address,
            code_hash: callee.code_hash,
            code_id,
            msg,
        })),
        ExecuteMsg::SetAdmin { contract, admin } => Ok(done.add_message(match admin {
            Some(admin) => WasmMsg::UpdateAdmin {
                contract_addr: contract,
                admin,
            },
            None => WasmMsg::ClearAdmin {
                contract_addr: contract,
            },
        })),
        ExecuteMsg::Send { to_address, amount } => {
            Ok(done.add_message(BankMsg::Send { to_address, amount }))
        }
    }
}

/// Does one odd thing that needs no transaction.
#[entry_point]
pub fn query(deps: Deps, env: Env, msg: QueryMsg) -> StdResult<Binary> {
    match msg {
        QueryMsg::Read { key } => {
            let value = deps.storage.get(key.as_bytes());
            let value = value.map(String::from_utf8).transpose()?;
            to_binary(&ReadAnswer { value })
        }
        QueryMsg::Look {} => to_binary(&look(env, None)),
        QueryMsg::Fail { message } => Err(StdError::generic_err(message)),
        QueryMsg::Panic { message } => panic!("{message}"),
        QueryMsg::Spin { rounds } => to_binary(&spin(rounds).to_string()),
        QueryMsg::Write { key, value } => write_in_query(&key, &value),
        QueryMsg::Ask { callee, msg } => ask(&deps.querier, callee, msg),
        QueryMsg::SayMuch { bytes } => Ok(vec![b'x'; bytes as usize].into()),
        QueryMsg::AskSelf { levels } => ask_self(&deps.querier, env, levels),
        QueryMsg::Balance { address, denom } => {
            to_binary(&deps.querier.query_balance(address, denom)?)
        }
        QueryMsg::Crypto {
            message,
            private_key,
        } => crypto(deps, &message, &private_key),
        QueryMsg::Address { text } => {
            let checked = deps.api.addr_validate(&text);
            to_binary(
                &match checked.and_then(|_| deps.api.addr_canonicalize(&text)) {
                    Ok(bytes) => AddressAnswer {
                        bytes: Some(bytes.into()),
                        error: None,
                    },
                    Err(error) => AddressAnswer {
                        bytes: None,
                        error: Some(error.to_string()),
                    },
                },
            )
        }
        QueryMsg::Empty {} => Ok(Binary::default()),
    }
}

fn attribute(asked: EmittedAttribute) -> Attribute {
    // Not by the library's constructors: they check the key in debug builds, and the chain is to judge it.
    Attribute {
        key: asked.key,
        value: asked.value,
        encrypted: !asked.plaintext,
    }
}

fn look(env: Env, info: Option<MessageInfo>) -> Seen {
    let (sender, funds) = match info {
        Some(info) => (Some(info.sender.into_string()), info.funds),
        None => (None, vec![]),
    };
    Seen {
        height: env.block.height,
        time: env.block.time.nanos().to_string(),
        chain_id: env.block.chain_id,
        random: env.block.random,
        address: env.contract.address.into_string(),
        code_hash: env.contract.code_hash,
        transaction_index: env.transaction.as_ref().map(|t| t.index),
        transaction_hash: env.transaction.map(|t| t.hash),
        sender,
        funds,
    }
}

fn spin(rounds: u64) -> u64 {
    (0..rounds).fold(0xcbf2_9ce4_8422_2325, |sum: u64, round| {
        (sum ^ round).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[inline(never)]
fn recurse(depth: u64) -> u64 {
    // The sum is formed on the way back, so that the compiler cannot turn the recursion into a loop.
    let frame = std::hint::black_box([depth; 8]);
    match depth.checked_sub(1) {
        Some(below) => std::hint::black_box(recurse(below)).wrapping_add(frame[0]),
        None => 0,
    }
}

fn grow(kib: u32) -> u64 {
    const PAGE: usize = 1024;
    let mut pages: Vec<Vec<u8>> = Vec::new();
    for number in 0..kib {
        pages.push(vec![number.to_le_bytes()[0]; PAGE]);
    }
    pages.iter().map(|page| u64::from(page[PAGE - 1])).sum()
}

/// Asks without reading the answer, so that any bytes pass.
fn ask(querier: &QuerierWrapper, callee: Callee, msg: Binary) -> StdResult<Binary> {
    let request: QueryRequest<Empty> = QueryRequest::Wasm(WasmQuery::Smart {
        contract_addr: callee.address,
        code_hash: callee.code_hash,
        msg,
    });
    match querier.raw_query(&to_vec(&request)?) {
        SystemResult::Ok(ContractResult::Ok(answer)) => Ok(answer),
        SystemResult::Ok(ContractResult::Err(error)) => Err(StdError::generic_err(format!(
            "the asked contract refused: {error}"
        ))),
        SystemResult::Err(error) => {
            Err(StdError::generic_err(format!("the chain refused: {error}")))
        }
    }
}

fn ask_self(querier: &QuerierWrapper, env: Env, levels: u32) -> StdResult<Binary> {
    let Some(below) = levels.checked_sub(1) else {
        return to_binary(&NestedAnswer { levels });
    };
    let callee = Callee {
        address: env.contract.address.into_string(),
        code_hash: env.contract.code_hash,
    };
    let answer = ask(
        querier,
        callee,
        to_binary(&QueryMsg::AskSelf { levels: below })?,
    )?;
    let answer: NestedAnswer = cosmwasm_std::from_binary(&answer)?;
    to_binary(&NestedAnswer {
        levels: answer.levels + 1,
    })
}

fn crypto(deps: Deps, message: &[u8], private_key: &[u8]) -> StdResult<Binary> {
    use sha2::{Digest, Sha256};

    let hash = Sha256::digest(message);
    let signature = deps
        .api
        .secp256k1_sign(message, private_key)
        .map_err(|e| StdError::generic_err(e.to_string()))?;
    let ed25519 = deps
        .api
        .ed25519_sign(message, private_key)
        .map_err(|e| StdError::generic_err(e.to_string()))?;
    // The signature alone fits two keys, one per parity; the caller knows which is its own.
    let mut keys = Vec::new();
    let mut valid = true;
    for parity in [0, 1] {
        let key = deps
            .api
            .secp256k1_recover_pubkey(&hash, &signature, parity)?;
        valid &= deps.api.secp256k1_verify(&hash, &signature, &key)?;
        keys.push(Binary::from(key));
    }
    to_binary(&CryptoAnswer {
        secp256k1: signature.into(),
        secp256k1_keys: keys,
        secp256k1_valid: valid,
        ed25519: ed25519.into(),
    })
}

#[cfg(target_arch = "wasm32")]
fn write_in_query(key: &str, value: &str) -> StdResult<Binary> {
    use cosmwasm_std::Storage;
    // A query is handed state to read only; the library's own handle to the host goes around that.
    cosmwasm_std::ExternalStorage::new().set(key.as_bytes(), value.as_bytes());
    Ok(Binary::default())
}

#[cfg(not(target_arch = "wasm32"))]
fn write_in_query(_key: &str, _value: &str) -> StdResult<Binary> {
    Err(StdError::generic_err("only on the chain"))
}

#[cfg(test)]
mod tests {
    use cosmwasm_std::from_binary;
    use cosmwasm_std::testing::{mock_dependencies, mock_env, mock_info};

    use super::*;

    #[test]
    fn a_written_value_is_read_until_it_is_removed() {
        let mut deps = mock_dependencies();
        let anyone = mock_info("anyone", &[]);
        let key = || "k".to_string();
        let read = |deps: Deps| {
            let answer = query(deps, mock_env(), QueryMsg::Read { key: key() }).unwrap();
            from_binary::<ReadAnswer>(&answer).unwrap().value
        };
        let write = ExecuteMsg::Write {
            key: key(),
            value: "v".into(),
        };
        execute(deps.as_mut(), mock_env(), anyone.clone(), write).unwrap();
        assert_eq!(read(deps.as_ref()), Some("v".to_string()));
        let remove = ExecuteMsg::Remove { key: key() };
        execute(deps.as_mut(), mock_env(), anyone, remove).unwrap();
        assert_eq!(read(deps.as_ref()), None);
    }

    #[test]
    fn the_chosen_error_text_comes_back() {
        let mut deps = mock_dependencies();
        let fail = ExecuteMsg::Fail {
            message: "as asked".into(),
        };
        let error = execute(deps.as_mut(), mock_env(), mock_info("anyone", &[]), fail).unwrap_err();
        assert_eq!(error.to_string(), "Generic error: as asked");
    }

    #[test]
    fn plaintext_attributes_are_marked_and_the_others_are_not() {
        let mut deps = mock_dependencies();
        let emit = ExecuteMsg::Emit {
            attributes: vec![
                EmittedAttribute {
                    key: "open".into(),
                    value: "1".into(),
                    plaintext: true,
                },
                EmittedAttribute {
                    key: "shut".into(),
                    value: "2".into(),
                    plaintext: false,
                },
            ],
        };
        let response = execute(deps.as_mut(), mock_env(), mock_info("anyone", &[]), emit).unwrap();
        let encrypted: Vec<bool> = response.attributes.iter().map(|a| a.encrypted).collect();
        assert_eq!(encrypted, [false, true]);
    }

    #[test]
    fn signatures_of_the_host_are_accepted_by_the_host() {
        let deps = mock_dependencies();
        let ask = QueryMsg::Crypto {
            message: Binary::from(b"message".to_vec()),
            private_key: Binary::from(vec![7; 32]),
        };
        let answer = query(deps.as_ref(), mock_env(), ask).unwrap();
        let answer: CryptoAnswer = from_binary(&answer).unwrap();
        assert!(answer.secp256k1_valid);
        assert_eq!(answer.ed25519.len(), 64);
    }
}
