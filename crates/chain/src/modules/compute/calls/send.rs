//! The messages of a contract's response: coins, and calls of other contracts. Messages between contracts are not encrypted; the
//! code hash in each binds it to the code of the called contract.

use super::reply::{Sent, SentResponse};
use super::{Call, Calls, Failure, Next, OnSuccess};
use crate::crypto::io::TxKey;
use crate::error::Stop;
use crate::gas::{GasMeter, TX_SIZE_PER_BYTE};
use crate::modules::compute::admin::{self, Migrate};
use crate::modules::compute::env::JsonCoin;
use crate::modules::compute::error as compute;
use crate::modules::compute::input::CallInput;
use crate::modules::compute::keeper;
use crate::modules::compute::msg::{Instantiate, check_label, check_salt};
use crate::modules::compute::output::{self, EntryPoint, quoted};
use crate::modules::compute::response::{AnyMsg, BankMsg, CosmosMsg, NewContract, SubMsg, WasmMsg};
use crate::modules::compute::state::{Code, Library};
use crate::types::coin::CoinsError;
use crate::types::error::sdk;
use crate::types::proto::cosmos::bank::v1beta1::MsgSend;
use crate::types::proto::{Any, pack};
use crate::types::tx::strict_message;
use crate::types::{Address, Coin, Coins, Hash, TxError};

/// Messages of other modules that a contract may send as they are, by name. Nothing that lets a contract's coins pay a fee: no check can see
/// what a contract will do with them before the fee is due, and a block would fill with transactions that pay nothing.
const ANY_ALLOWED: [Allowed; 2] = [
    Allowed {
        name: "cosmos.bank.v1beta1.MsgMultiSend",
        response: "/cosmos.bank.v1beta1.MsgMultiSendResponse",
    },
    Allowed {
        name: "cosmos.bank.v1beta1.MsgSend",
        response: "/cosmos.bank.v1beta1.MsgSendResponse",
    },
];

/// A message of another module.
struct Allowed {
    /// Its name.
    name: &'static str,
    /// The type of what answers it.
    response: &'static str,
}

impl Calls<'_, '_, '_> {
    /// Sends one message of the contract on top.
    pub(super) fn send(&mut self, message: SubMsg) -> Result<Next, Stop> {
        let top = self.dispatching()?;
        let (contract, library) = (top.contract.clone(), top.library);
        let branch = self.ctx.branch();
        // A limit is a meter of its own; what the message uses is charged to the sender's meter afterwards.
        let outer = match message.gas_limit {
            Some(limit) if limit < self.ctx.gas.left() => {
                Some(core::mem::replace(&mut self.ctx.gas, GasMeter::new(limit)))
            }
            _ => None,
        };
        let response_type = match library {
            Library::Stock => response_type(&message.msg),
            Library::V010 | Library::V1 => "",
        };
        self.dispatching()?.sent = Some(Sent {
            id: message.id,
            payload: message.payload.0,
            response_type,
            reply_on: message.reply_on,
            to_contract: matches!(message.msg, CosmosMsg::Wasm(_)),
            branch,
            outer,
        });
        let sent = match message.msg {
            CosmosMsg::Bank(msg) => self.send_bank(&contract, msg).map_err(Failure::from),
            CosmosMsg::Wasm(msg) => match self.send_wasm(&contract, msg) {
                Ok(Some(call)) => match self.enter(call, None) {
                    Ok(next) => return Ok(next),
                    Err(failure) => Err(failure),
                },
                // A change of admin; its response has no fields.
                Ok(None) => Ok(SentResponse::Module(Vec::new())),
                Err(stop) => Err(stop.into()),
            },
            CosmosMsg::Stargate(msg) | CosmosMsg::Any(msg) => {
                self.send_any(&contract, msg).map_err(Failure::from)
            }
            other => Err(not_built(&other).into()),
        };
        match sent {
            Ok(response) => self.sent_well(response),
            Err(failure) => self.sent_badly(failure),
        }
    }

    /// Sends coins.
    fn send_bank(&mut self, contract: &Address, msg: BankMsg) -> Result<SentResponse, Stop> {
        match msg {
            BankMsg::Send { amount, .. } if amount.is_empty() => Ok(SentResponse::Nothing),
            BankMsg::Send { to_address, amount } => {
                let to = address(&to_address)?;
                let amount = coins(&amount)?;
                let send = MsgSend {
                    from_address: contract.to_string(),
                    to_address: to.to_string(),
                    amount: amount.iter().map(Coin::to_proto).collect(),
                };
                let signers = core::slice::from_ref(contract);
                let response = self.ctx.dispatch(&pack(&send), signers)?;
                Ok(SentResponse::Module(response))
            }
            BankMsg::Burn { .. } => {
                Err(compute::INVALID_MSG.wrap("Unknown variant of Bank").into())
            }
        }
    }

    /// Sends a message of another module, in the name of the contract. Calls of contracts have a form of their own: through
    /// this one they would nest on the machine's stack.
    fn send_any(&mut self, contract: &Address, msg: AnyMsg) -> Result<SentResponse, Stop> {
        let Some(Allowed { name, .. }) = allowed(&msg.type_url) else {
            let why = format!(
                "message {} is not allowed from the contract",
                quoted(&msg.type_url)
            );
            return Err(compute::UNKNOWN_MSG.wrap(why).into());
        };
        // As a user's message: paid by its bytes, and walked before anything is made of it.
        let bytes = u64::try_from(msg.value.0.len()).unwrap_or(u64::MAX);
        let price = bytes.saturating_mul(TX_SIZE_PER_BYTE);
        self.ctx.gas.consume(price, "Contract message")?;
        // The contract's own text stands in it: an error in clear quotes little of it.
        let quote = |e: TxError| TxError {
            text: quoted(&e.text).to_owned(),
            ..e
        };
        strict_message(name, &msg.value.0).map_err(quote)?;
        let any = Any {
            type_url: msg.type_url,
            value: msg.value.0,
        };
        let signers = core::slice::from_ref(contract);
        match self.ctx.dispatch(&any, signers) {
            Ok(response) => Ok(SentResponse::Module(response)),
            Err(Stop::Err(e)) => Err(quote(e).into()),
            Err(stop) => Err(stop),
        }
    }

    /// Prepares the call of one contract by another. What needs no call, a change of admin, is done here.
    fn send_wasm(&mut self, contract: &Address, msg: WasmMsg) -> Result<Option<Call>, Stop> {
        match msg {
            WasmMsg::Execute {
                contract_addr,
                code_hash,
                msg,
                funds,
            } => {
                let callee = address(&contract_addr)?;
                let funds = coins(&funds)?;
                let (record, code) = keeper::loaded(self.ctx, &callee, keeper::LOAD_EXECUTE)?;
                keeper::move_funds(self.ctx, contract, &callee, &funds)?;
                Ok(Some(Call {
                    entry_point: EntryPoint::Execute,
                    sender: contract.clone(),
                    contract: callee,
                    storage_layout: record.storage_layout,
                    code_hash: bound(code_hash.as_deref(), &code),
                    code,
                    funds,
                    msg: msg.0,
                    bound: true,
                    on_success: OnSuccess::Executed,
                }))
            }
            WasmMsg::Instantiate(new) => self.make(contract, new, false).map(Some),
            WasmMsg::Instantiate2(new) => self.make(contract, new, true).map(Some),
            WasmMsg::Migrate {
                contract_addr,
                code_hash,
                code_id,
                msg,
            } => {
                admin::check_code_id(code_id)?;
                let message = Migrate {
                    sender: contract.clone(),
                    contract: address(&contract_addr)?,
                    code_id,
                    msg: msg.0,
                };
                let key = self.key;
                let (mut call, ()) = admin::prepare_migrate(self.ctx, message, |_, plain| {
                    sent(key, code_hash.as_deref(), plain)
                })?;
                call.code_hash = bound(code_hash.as_deref(), &call.code);
                Ok(Some(call))
            }
            WasmMsg::UpdateAdmin {
                contract_addr,
                admin,
            } => {
                let callee = address(&contract_addr)?;
                let new_admin = address(&admin)?;
                admin::check_new_admin(contract, &new_admin)?;
                admin::update_admin(self.ctx, contract, &callee, Some(new_admin)).map(|()| None)
            }
            WasmMsg::ClearAdmin { contract_addr } => {
                let callee = address(&contract_addr)?;
                admin::update_admin(self.ctx, contract, &callee, None).map(|()| None)
            }
        }
    }

    /// Prepares the call that makes a contract, at a predictable address or at the chain's next.
    fn make(
        &mut self,
        contract: &Address,
        new: NewContract,
        predictable: bool,
    ) -> Result<Call, Stop> {
        check_label(&new.label)?;
        if predictable {
            check_salt(&new.salt.0)?;
        }
        let message = Instantiate {
            sender: contract.clone(),
            code_id: new.code_id,
            label: new.label,
            msg: new.msg.0,
            funds: coins(&new.funds)?,
            admin: new.admin.unwrap_or_default(),
            salt: predictable.then_some(new.salt.0),
        };
        let (key, code_hash) = (self.key, new.code_hash.as_deref());
        let (mut call, ()) =
            keeper::prepare_instantiate(self.ctx, message, |_, plain| sent(key, code_hash, plain))?;
        call.code_hash = bound(code_hash, &call.code);
        Ok(call)
    }
}

/// The type of what answers a message, as contracts of the ordinary library look for it: they know the contract module of other chains by its name there.
/// None of a message that no module is asked to take: nothing that a contract wrote stands in it.
fn response_type(msg: &CosmosMsg) -> &'static str {
    match msg {
        CosmosMsg::Wasm(msg) => match msg {
            WasmMsg::Execute { .. } => "/cosmwasm.wasm.v1.MsgExecuteContractResponse",
            WasmMsg::Instantiate(_) => "/cosmwasm.wasm.v1.MsgInstantiateContractResponse",
            WasmMsg::Instantiate2(_) => "/cosmwasm.wasm.v1.MsgInstantiateContract2Response",
            WasmMsg::Migrate { .. } => "/cosmwasm.wasm.v1.MsgMigrateContractResponse",
            WasmMsg::UpdateAdmin { .. } => "/cosmwasm.wasm.v1.MsgUpdateAdminResponse",
            WasmMsg::ClearAdmin { .. } => "/cosmwasm.wasm.v1.MsgClearAdminResponse",
        },
        CosmosMsg::Stargate(msg) | CosmosMsg::Any(msg) => {
            allowed(&msg.type_url).map_or("", |known| known.response)
        }
        CosmosMsg::Bank(_) => "/cosmos.bank.v1beta1.MsgSendResponse",
        // Refused.
        _ => "",
    }
}

/// The message of another module that has this type, if contracts may send it.
fn allowed(type_url: &str) -> Option<&'static Allowed> {
    let name = type_url.strip_prefix('/')?;
    ANY_ALLOWED.iter().find(|known| known.name == name)
}

/// The message of one contract to another. The history keeps it sealed to the sender of the transaction.
/// Its code hash is the caller's to find.
fn sent(key: &TxKey, code_hash: Option<&str>, message: Vec<u8>) -> Result<CallInput<()>, Stop> {
    let hash = code_hash.unwrap_or_default();
    let kept = output::kept(key, &[hash.as_bytes(), &message].concat())?;
    Ok(CallInput {
        code_hash: None,
        message,
        bound: true,
        key: (),
        kept,
    })
}

fn address(text: &str) -> Result<Address, TxError> {
    text.parse()
        .map_err(|_| sdk::INVALID_ADDRESS.wrap(quoted(text)))
}

fn coins(list: &[JsonCoin]) -> Result<Coins, TxError> {
    let refuse = |e: CoinsError| sdk::INVALID_COINS.wrap(quoted(&e.given));
    let mut out = Vec::with_capacity(list.len());
    for coin in list {
        // As strict as a user's coins: plain digits, no sign, no leading zeros.
        out.push(Coin::from_proto(&coin.to_proto()).map_err(refuse)?);
    }
    Coins::new(out).map_err(refuse)
}

/// The code hash to which a contract binds a message. One that names none, as the ordinary std has none, is bound to the code that
/// the called contract has: proven state says which.
pub(super) fn bound(text: Option<&str>, code: &Code) -> Option<Hash> {
    match text {
        Some(text) => hash(text),
        None => Some(code.hash),
    }
}

/// A code hash as a contract writes it, in either case.
fn hash(text: &str) -> Option<Hash> {
    let mut bytes = Hash::default();
    hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
}

/// Messages that are not supported yet, refused by name.
fn not_built(msg: &CosmosMsg) -> TxError {
    let kind = match msg {
        CosmosMsg::Custom(_) => return compute::INVALID_MSG.wrap("Custom variant not supported"),
        CosmosMsg::Staking(_) => "Staking",
        CosmosMsg::Distribution(_) => "Distribution",
        CosmosMsg::Gov(_) => "Gov",
        CosmosMsg::Ibc(_) => "IBC",
        CosmosMsg::Stargate(_) | CosmosMsg::Any(_) => "Any",
        CosmosMsg::FinalizeTx(_) => "FinalizeTx",
        CosmosMsg::Bank(_) => "Bank",
        CosmosMsg::Wasm(_) => "Wasm",
    };
    compute::UNKNOWN_MSG.wrap(format!("Unknown variant of {kind}: not built yet"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::compute::response::Binary;

    #[test]
    fn the_type_of_a_response_is_one_of_ours_whatever_a_contract_calls_its_message() {
        let type_of = |type_url: String| {
            let value = Binary(Vec::new());
            response_type(&CosmosMsg::Any(AnyMsg { type_url, value }))
        };
        for known in &ANY_ALLOWED {
            let type_url = format!("/{}", known.name);
            assert_eq!(type_of(type_url.clone()), format!("{type_url}Response"));
            for wrong in [
                known.name.to_owned(),
                format!("/{type_url}"),
                type_url + "x",
            ] {
                assert_eq!(type_of(wrong), "");
            }
        }
        for wrong in ["", "/", "/cosmos.gov.v1.MsgVote"] {
            assert_eq!(type_of(wrong.to_owned()), "");
        }
        assert_eq!(type_of("x".repeat(1 << 20)), "");
    }
}
