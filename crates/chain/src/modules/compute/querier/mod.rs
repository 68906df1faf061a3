//! What a contract may ask the chain while it runs (contract-abi.md 7.12). Everything but a smart query is answered at
//! once from the state that this call sees; a smart query becomes a frame of its own ([`super::calls`]).

mod answer;
mod grpc;

pub(super) use answer::{Answer, SystemError};

use super::env::{JsonCoin, json_coins};
use super::gas;
use super::response::{self, Binary};
use super::state::{CODES, CONTRACTS, Code, Contract};
use crate::ctx::Ctx;
use crate::error::{Stop, broken};
use crate::modules::bank;
use crate::modules::compute::error as compute;
use crate::types::Address;
use crate::types::address::AddressError;
use crate::types::coin::denom_is_valid;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Bank(BankQuery),
    Wasm(WasmQuery),
    Staking(serde::de::IgnoredAny),
    Dist(serde::de::IgnoredAny),
    Mint(serde::de::IgnoredAny),
    Gov(serde::de::IgnoredAny),
    Ibc(serde::de::IgnoredAny),
    Stargate(GrpcQuery),
    Grpc(GrpcQuery),
    Distribution(serde::de::IgnoredAny),
    Custom(serde::de::IgnoredAny),
}

/// A query of another module in protobuf.
#[derive(Deserialize)]
struct GrpcQuery {
    path: String,
    data: Binary,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum BankQuery {
    Balance { address: String, denom: String },
    AllBalances { address: String },
    Supply { denom: String },
    DenomMetadata(serde::de::IgnoredAny),
    AllDenomMetadata(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WasmQuery {
    Smart {
        contract_addr: String,
        /// The ordinary std has none.
        #[serde(default, rename = "callback_code_hash", alias = "code_hash")]
        code_hash: Option<String>,
        msg: Binary,
    },
    CodeInfo {
        code_id: u64,
    },
    ContractInfo {
        contract_addr: String,
    },
    /// Many keys at once; the ordinary std has it from 3.0 on.
    RawRange(serde::de::IgnoredAny),
    Raw {
        #[serde(rename = "key")]
        _key: serde::de::IgnoredAny,
        #[serde(rename = "contract_addr")]
        _contract_addr: serde::de::IgnoredAny,
    },
}

/// A smart query, to be run as a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SmartQuery {
    /// The contract asked.
    pub contract: Address,
    /// Its code hash as the caller believes it, hex; `None` if the caller does not say.
    pub code_hash: Option<String>,
    /// JSON message.
    pub msg: Vec<u8>,
}

/// Outcome of a contract's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum QueryOutcome {
    /// The answer is known.
    Answer(Answer),
    /// BlockExecutor this first.
    Smart(SmartQuery),
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Stop> {
    serde_json::to_vec(value).map_err(|e| broken(e).into())
}

/// A good answer, as JSON.
fn good(value: &impl Serialize) -> Result<Answer, Stop> {
    json(value).map(Answer::Ok)
}

/// Reads a request and answers it, unless it is a smart query.
///
/// # Errors
/// Out of gas or a fault; a bad request is an answer, not an error.
pub(super) fn ask(ctx: &mut Ctx<'_, '_>, request: &[u8]) -> Result<QueryOutcome, Stop> {
    ctx.gas
        .consume(gas::json(request.len()), "Contract query")?;
    let Ok(parsed) = serde_json::from_slice::<Request>(request) else {
        // Our own words: those of a library would make its update a change of consensus.
        let error = if response::is_json(request) {
            "no query that the chain knows"
        } else {
            "not JSON"
        };
        let error = SystemError::InvalidRequest {
            error,
            request: STANDARD.encode(request),
        };
        return Ok(QueryOutcome::Answer(Answer::System(error)));
    };
    let answer = match parsed {
        Request::Bank(query) => bank_query(ctx, &query)?,
        Request::Wasm(WasmQuery::Smart {
            contract_addr,
            code_hash,
            msg,
        }) => {
            return Ok(match contract_addr.parse() {
                Ok(contract) => QueryOutcome::Smart(SmartQuery {
                    contract,
                    code_hash,
                    msg: msg.0,
                }),
                Err(_) => QueryOutcome::Answer(no_contract()),
            });
        }
        Request::Wasm(WasmQuery::ContractInfo { contract_addr }) => {
            contract_info(ctx, &contract_addr)?
        }
        // Records are sealed and their keys hashed: there is nothing that a raw query may see.
        Request::Wasm(WasmQuery::Raw { .. } | WasmQuery::RawRange(_)) => Answer::Raw,
        Request::Wasm(WasmQuery::CodeInfo { code_id }) => code_info(ctx, code_id)?,
        Request::Staking(_) => unsupported("staking"),
        Request::Dist(_) => unsupported("dist"),
        Request::Mint(_) => unsupported("mint"),
        Request::Gov(_) => unsupported("gov"),
        Request::Ibc(_) => unsupported("ibc"),
        Request::Distribution(_) => unsupported("distribution"),
        Request::Stargate(query) | Request::Grpc(query) => {
            grpc::ask(ctx, &query.path, &query.data.0)?
        }
        Request::Custom(_) => unsupported("custom"),
    };
    Ok(QueryOutcome::Answer(answer))
}

/// There is no contract at the address that was named. As text: callers look for `not found` in it (ADR 2).
pub(super) fn no_contract() -> Answer {
    Answer::Error(compute::NOT_FOUND.wrap("contract").text)
}

fn unsupported(kind: &str) -> Answer {
    Answer::System(SystemError::UnsupportedRequest {
        kind: kind.to_owned(),
    })
}

#[derive(Serialize)]
struct Amount<T> {
    amount: T,
}

fn bad_address(error: &AddressError) -> Answer {
    Answer::Error(error.to_string())
}

fn bank_query(ctx: &mut Ctx<'_, '_>, query: &BankQuery) -> Result<Answer, Stop> {
    let coin = |denom: &str, amount: u128| JsonCoin {
        denom: denom.to_owned(),
        amount: amount.to_string(),
    };
    match query {
        // A key of the state is as long as the denomination; one that cannot be is not looked up.
        BankQuery::Balance { denom, .. } | BankQuery::Supply { denom }
            if !denom_is_valid(denom) =>
        {
            Ok(Answer::Error("invalid denom".to_owned()))
        }
        BankQuery::Balance { address, denom } => match address.parse::<Address>() {
            Ok(address) => {
                let amount = bank::keeper::balance(ctx, &address, denom)?;
                good(&Amount {
                    amount: coin(denom, amount),
                })
            }
            Err(e) => Ok(bad_address(&e)),
        },
        BankQuery::AllBalances { address } => match address.parse::<Address>() {
            Ok(address) => {
                let coins = bank::keeper::balances(ctx, &address)?;
                good(&Amount {
                    amount: json_coins(&coins),
                })
            }
            Err(e) => Ok(bad_address(&e)),
        },
        BankQuery::DenomMetadata(_) | BankQuery::AllDenomMetadata(_) => {
            Ok(unsupported("bank metadata"))
        }
        BankQuery::Supply { denom } => {
            let amount = bank::keeper::supply(ctx, denom)?;
            good(&Amount {
                amount: coin(denom, amount),
            })
        }
    }
}

#[derive(Serialize)]
struct ContractInfo {
    code_id: u64,
    creator: String,
    pinned: bool,
    ibc_port: Option<String>,
}

fn contract_info(ctx: &mut Ctx<'_, '_>, addr: &str) -> Result<Answer, Stop> {
    let contract = match addr.parse::<Address>() {
        Ok(address) => CONTRACTS.get(ctx, &address)?,
        Err(_) => None,
    };
    match contract.map(super::state::ContractRecord::into_contract) {
        Some(c) => {
            let info = ContractInfo {
                code_id: c.code_id,
                creator: c.creator.to_string(),
                pinned: false,
                ibc_port: None,
            };
            good(&info)
        }
        None => Ok(no_contract()),
    }
}

#[derive(Serialize)]
struct CodeInfo {
    code_id: u64,
    creator: String,
    checksum: String,
}

fn code_info(ctx: &mut Ctx<'_, '_>, code_id: u64) -> Result<Answer, Stop> {
    match CODES.get(ctx, &code_id)? {
        Some(code) => {
            let code = code.into_code();
            good(&CodeInfo {
                code_id,
                creator: code.creator.to_string(),
                checksum: hex::encode(code.hash),
            })
        }
        None => Ok(Answer::Error(compute::NOT_FOUND.wrap("code").text)),
    }
}

/// A contract and its code.
///
/// # Errors
/// Out of gas, a fault, or `None` if there is no such contract.
pub(super) fn code_of(
    ctx: &mut Ctx<'_, '_>,
    contract: &Address,
) -> Result<Option<(Contract, Code)>, Stop> {
    let Some(record) = CONTRACTS.get(ctx, contract)? else {
        return Ok(None);
    };
    let record = record.into_contract();
    let id = record.code_id;
    match CODES.get(ctx, &id)? {
        Some(code) => Ok(Some((record, code.into_code()))),
        None => Err(broken(format!(
            "contract {contract} has code {id}, which is not stored"
        ))
        .into()),
    }
}
