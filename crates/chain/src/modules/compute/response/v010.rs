//! What a v0.10 contract returns, turned into the v1 form: its messages become sub-messages without a number, a limit or a
//! reply, its log the attributes of the `wasm` event (contract-abi.md sections 3, 7.10 and 7.11).

use super::{
    Attribute, Binary, ContractError, CosmosMsg, NewContract, ReplyOn, Response, SubMsg, WasmMsg,
};
use crate::modules::compute::env::JsonCoin;
use crate::types::{Address, TxError};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The response of `init`, `handle` and `migrate`; that of `init` has no data.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Returned {
    messages: Vec<Message>,
    log: Vec<Attribute>,
    data: Option<Binary>,
}

/// Kinds of messages. What is refused is parsed, so that its refusal can name it.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    Bank(Bank),
    Wasm(Wasm),
    Custom(IgnoredAny),
    Staking(IgnoredAny),
    Gov(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Bank {
    Send {
        from_address: String,
        to_address: String,
        amount: Vec<JsonCoin>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wasm {
    Execute {
        contract_addr: String,
        callback_code_hash: String,
        msg: Binary,
        send: Vec<JsonCoin>,
    },
    Instantiate {
        code_id: u64,
        callback_code_hash: String,
        msg: Binary,
        send: Vec<JsonCoin>,
        label: String,
    },
    Migrate(IgnoredAny),
    UpdateAdmin(IgnoredAny),
    ClearAdmin(IgnoredAny),
}

/// Reads the result of `init`, `handle` or `migrate` of `contract`; the inner error is that of the list of messages.
///
/// # Errors
/// `None` if it is no known shape: `failed to deserialize data`.
#[must_use]
pub fn response(
    contract: &Address,
    bytes: &[u8],
) -> Option<Result<Result<Response, TxError>, ContractError>> {
    let returned = super::envelope::<Returned>(bytes)?;
    Some(returned.map(|returned| returned.into_v1(contract)))
}

impl Returned {
    fn into_v1(self, contract: &Address) -> Result<Response, TxError> {
        let mut messages = Vec::with_capacity(self.messages.len());
        for message in self.messages {
            messages.push(SubMsg {
                id: 0,
                payload: Binary::default(),
                msg: message.into_v1(contract)?,
                gas_limit: None,
                reply_on: ReplyOn::Never,
            });
        }
        Ok(Response {
            messages,
            attributes: self.log,
            events: Vec::new(),
            data: self.data,
        })
    }
}

impl Message {
    fn into_v1(self, contract: &Address) -> Result<CosmosMsg, TxError> {
        Ok(match self {
            Self::Bank(Bank::Send {
                from_address,
                to_address,
                amount,
            }) => {
                if from_address.parse::<Address>().as_ref() != Ok(contract) {
                    return Err(not_converted(
                        "contract doesn't have permission to send funds from another account (using BankMsg)",
                    ));
                }
                CosmosMsg::Bank(super::BankMsg::Send { to_address, amount })
            }
            Self::Wasm(message) => CosmosMsg::Wasm(message.into_v1()?),
            Self::Custom(ignored) => CosmosMsg::Custom(ignored),
            Self::Staking(ignored) => CosmosMsg::Staking(ignored),
            Self::Gov(ignored) => CosmosMsg::Gov(ignored),
        })
    }
}

impl Wasm {
    fn into_v1(self) -> Result<WasmMsg, TxError> {
        let refused = |kind: &str| {
            Err(not_converted(&format!(
                "exactly one message type is supported: wasm.{kind}"
            )))
        };
        match self {
            Self::Execute {
                contract_addr,
                callback_code_hash,
                msg,
                send,
            } => Ok(WasmMsg::Execute {
                contract_addr,
                code_hash: Some(callback_code_hash),
                msg,
                funds: send,
            }),
            Self::Instantiate {
                code_id,
                callback_code_hash,
                msg,
                send,
                label,
            } => Ok(WasmMsg::Instantiate(NewContract {
                admin: None,
                code_id,
                code_hash: Some(callback_code_hash),
                msg,
                funds: send,
                label,
                salt: Binary::default(),
            })),
            Self::Migrate(_) => refused("migrate"),
            Self::UpdateAdmin(_) => refused("update_admin"),
            Self::ClearAdmin(_) => refused("clear_admin"),
        }
    }
}

fn not_converted(why: &str) -> TxError {
    TxError::plain(format!(
        "couldn't convert v0.10 messages to v1 messages: {why}"
    ))
}
