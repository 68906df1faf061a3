//! A contract whose messages each tell their secret in one way: what the leak test of the kit has to find. Never an example.

pub mod msg;

use cosmwasm_std::{
    entry_point, to_binary, Attribute, BankMsg, Binary, Coin, Deps, DepsMut, Env, Event,
    MessageInfo, Response, StdError, StdResult, Storage, WasmMsg,
};
use storage::{Item, Map};

use crate::msg::{ExecuteMsg, InstantiateMsg, QueryMsg};

/// Records to read and write.
static RECORDS: Map<String> = Map::new("records");
/// What is written long or short.
static TEXT: Item<String> = Item::new("text");
/// A length that is in another size class than twice that.
const LONG: usize = 100;

/// Called once, when the contract is created.
#[entry_point]
pub fn instantiate(
    deps: DepsMut,
    _env: Env,
    _info: MessageInfo,
    _msg: InstantiateMsg,
) -> StdResult<Response> {
    for number in 1..=2 {
        write(deps.storage, number)?;
    }
    Ok(Response::new())
}

/// Called for every transaction that is sent to the contract.
pub fn execute(
    deps: DepsMut,
    env: Env,
    _info: MessageInfo,
    msg: ExecuteMsg,
) -> StdResult<Response> {
    let done = Response::new();
    let fail = |text: String| Err(StdError::generic_err(text));
    match msg {
        ExecuteMsg::Nothing { .. } => Ok(done),
        ExecuteMsg::Work { secret } => {
            let sum = (0..secret * 1_000).fold(0_u32, |sum, n| std::hint::black_box(sum ^ n));
            std::hint::black_box(sum);
            Ok(done)
        }
        ExecuteMsg::Fail { secret: 1 } => Ok(done),
        ExecuteMsg::Fail { .. } => fail("no".to_owned()),
        ExecuteMsg::FailLong { secret } => fail("x".repeat(300 * (secret as usize - 1))),
        ExecuteMsg::Answer { secret } => Ok(done.set_data(vec![0xff; 10 * secret as usize])),
        ExecuteMsg::Attributes { secret } => {
            Ok(done.add_attributes((0..secret).map(|_| Attribute::new("a", "b"))))
        }
        ExecuteMsg::LongAttribute { secret } => {
            Ok(done.add_attribute("a", "b".repeat(10 * secret as usize)))
        }
        ExecuteMsg::Event { secret } => Ok(done.add_event(Event::new(format!("event{secret}")))),
        ExecuteMsg::Show { secret } => {
            Ok(done.add_attribute_plaintext("number", secret.to_string()))
        }
        ExecuteMsg::Read { secret } => {
            for number in 1..=secret {
                read(deps.storage, number)?;
            }
            Ok(done)
        }
        ExecuteMsg::Write { secret } => {
            for number in 1..=secret {
                write(deps.storage, number)?;
            }
            Ok(done)
        }
        ExecuteMsg::WriteLong { secret } => {
            TEXT.save(deps.storage, &"x".repeat(LONG * secret as usize))?;
            Ok(done)
        }
        ExecuteMsg::ReadLong {} => {
            TEXT.load(deps.storage)?;
            Ok(done)
        }
        ExecuteMsg::Touch { secret } => {
            read(deps.storage, secret)?;
            Ok(done)
        }
        ExecuteMsg::Order { secret } => {
            read(deps.storage, secret)?;
            read(deps.storage, 3 - secret)?;
            Ok(done)
        }
        ExecuteMsg::Call { secret: 1 } => Ok(done),
        ExecuteMsg::Call { .. } => Ok(done.add_message(WasmMsg::Execute {
            contract_addr: env.contract.address.into_string(),
            code_hash: env.contract.code_hash,
            msg: to_binary(&ExecuteMsg::Nothing { secret: 0 })?,
            funds: vec![],
        })),
        ExecuteMsg::Pay {
            secret,
            to: [one, other],
        } => Ok(done.add_message(BankMsg::Send {
            to_address: if secret == 1 { one } else { other },
            amount: vec![Coin::new(1, "uscrt")],
        })),
    }
}
snip::entry_point!(execute);

/// Called to read from the contract.
#[entry_point]
pub fn query(deps: Deps, _env: Env, msg: QueryMsg) -> StdResult<Binary> {
    match msg {
        QueryMsg::Answer { secret } => Ok(Binary(vec![0xff; 10 * secret as usize])),
        QueryMsg::Read { secret } => {
            for number in 1..=secret {
                read(deps.storage, number)?;
            }
            Ok(Binary(Vec::new()))
        }
    }
}

fn read(storage: &dyn Storage, number: u32) -> StdResult<Option<String>> {
    RECORDS.get(storage, &[&number.to_be_bytes()])
}

fn write(storage: &mut dyn Storage, number: u32) -> StdResult<()> {
    RECORDS.set(storage, &[&number.to_be_bytes()], &"x".to_owned())
}
