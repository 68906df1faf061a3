//! Contracts: stored, instantiated, executed and asked as a client does it, messages sealed and answers opened.

use crate::chain::Chain;
use crate::user::User;
use serde::Serialize;
use serde::de::DeserializeOwned;
use strongroom_chain::query::QueryError;
use strongroom_crypto::TxKey;
use strongroom_sdk::message::{Binding, Sealer, Target};
use strongroom_types::proto::Message;
use strongroom_types::proto::cosmos::base::abci::v1beta1::TxMsgData;
use strongroom_types::proto::cosmos::base::v1beta1::Coin as ProtoCoin;
use strongroom_types::proto::secret::compute::v1beta1::{
    MsgExecuteContract, MsgExecuteContractResponse, MsgInstantiateContract,
    MsgInstantiateContractResponse, MsgStoreCode, MsgStoreCodeResponse, QuerySecretContractRequest,
    QuerySecretContractResponse,
};
use strongroom_types::{Address, Coin, Event, ExecTxResult, Gas, Hash};

/// Stored code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Its number.
    pub id: u64,
    /// SHA-256 of the wasm: messages are bound to it.
    pub hash: Hash,
}

/// A contract, as those who call it know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Where it is.
    pub address: Address,
    /// The hash of its code.
    pub code_hash: Hash,
}

/// What a call gave, opened as its sender opens it.
#[derive(Clone, Debug)]
pub struct Executed {
    /// What the contract answered; empty for nothing.
    pub data: Vec<u8>,
    /// The transaction's events; what was sealed to the sender is open.
    pub events: Vec<Event>,
    /// Gas that the whole transaction used.
    pub gas_used: Gas,
}

impl Executed {
    /// The answer as JSON.
    ///
    /// # Panics
    /// If it is not JSON of this form; shows it.
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        json(&self.data)
    }

    /// The first value of an attribute with this key, in any event.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&str> {
        let mut all = self.events.iter().flat_map(|event| &event.attributes);
        all.find(|a| a.key == key).map(|a| a.value.as_str())
    }
}

/// A transaction or query that did not do what it was sent for. Nothing but fee and sequence changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{codespace} {code}: {text}")]
pub struct Refused {
    /// Family of the error, e.g. `compute`; `grpc` for a query that never got to a module.
    pub codespace: String,
    /// Number within it.
    pub code: u32,
    /// The text; the contract's own part is opened as its sender opens it.
    pub text: String,
    /// Gas that was used.
    pub gas_used: Gas,
}

/// A message as it is sent, with the key that opens what comes back.
#[derive(Debug)]
pub struct Sealed<M> {
    /// The message for a transaction.
    pub message: M,
    /// Opens its outputs.
    pub key: TxKey,
}

impl Chain {
    /// Stores a contract's code, plain or gzipped.
    ///
    /// # Errors
    /// [`Refused`]: names function and reason for wasm that cannot run.
    ///
    /// # Panics
    /// As [`Chain::new`].
    pub fn store_code(&mut self, user: &User, wasm: Vec<u8>) -> Result<Code, Refused> {
        let message = MsgStoreCode {
            sender: user.address().as_bytes().to_vec(),
            wasm_byte_code: wasm,
            ..MsgStoreCode::default()
        };
        let result = self.send(user, &message);
        let MsgStoreCodeResponse { code_id } = response(&result, None)?;
        let hash = self.code_hash(code_id);
        Ok(Code { id: code_id, hash })
    }

    fn code_hash(&self, code_id: u64) -> Hash {
        use strongroom_types::proto::secret::compute::v1beta1::{
            QueryByCodeIdRequest, QueryCodeHashResponse,
        };
        let response: QueryCodeHashResponse = self
            .ask(
                "/secret.compute.v1beta1.Query/CodeHashByCodeId",
                &QueryByCodeIdRequest { code_id },
            )
            .expect("stored code has a hash");
        let mut hash = Hash::default();
        hex::decode_to_slice(response.code_hash, &mut hash).expect("a hash in hex");
        hash
    }

    /// Makes a contract.
    ///
    /// # Errors
    /// [`Refused`] with the contract's own text, e.g. for a message that it does not know or a label that is taken.
    ///
    /// # Panics
    /// As [`Chain::new`].
    pub fn instantiate(
        &mut self,
        user: &User,
        code: &Code,
        label: &str,
        message: &impl Serialize,
    ) -> Result<Contract, Refused> {
        self.instantiate_for(user, code, label, message, "")
    }

    /// Makes a contract with an admin (empty for none), in a block of its own.
    ///
    /// # Errors
    /// As [`Chain::instantiate`].
    ///
    /// # Panics
    /// As [`Chain::new`].
    pub fn instantiate_for(
        &mut self,
        user: &User,
        code: &Code,
        label: &str,
        message: &impl Serialize,
        admin: &str,
    ) -> Result<Contract, Refused> {
        let (init_msg, key) = self.seal(user, &code.hash, message);
        let message = MsgInstantiateContract {
            sender: user.address().as_bytes().to_vec(),
            code_id: code.id,
            label: label.to_owned(),
            init_msg,
            admin: admin.to_owned(),
            ..MsgInstantiateContract::default()
        };
        let result = self.send(user, &message);
        let made: MsgInstantiateContractResponse = response(&result, Some(&key))?;
        let address = made.address.parse().expect("the address of a contract");
        Ok(Contract {
            address,
            code_hash: code.hash,
        })
    }

    /// Calls a contract, in a block of its own.
    ///
    /// # Errors
    /// [`Refused`] with the contract's own text.
    ///
    /// # Panics
    /// As [`Chain::new`].
    pub fn execute(
        &mut self,
        user: &User,
        contract: &Contract,
        message: &impl Serialize,
    ) -> Result<Executed, Refused> {
        self.execute_with(user, contract, message, &[])
    }

    /// Calls a contract and sends coins along.
    ///
    /// # Errors
    /// As [`Chain::execute`].
    ///
    /// # Panics
    /// As [`Chain::new`].
    pub fn execute_with(
        &mut self,
        user: &User,
        contract: &Contract,
        message: &impl Serialize,
        funds: &[Coin],
    ) -> Result<Executed, Refused> {
        let Sealed { mut message, key } = self.message(user, contract, message);
        message.sent_funds = funds
            .iter()
            .map(|coin| ProtoCoin {
                denom: coin.denom.clone(),
                amount: coin.amount.to_string(),
            })
            .collect();
        let result = self.send(user, &message);
        executed(&result, &key)
    }

    /// The message of a call, for transactions and blocks of one's own making: [`Chain::tx`], [`Chain::sign`],
    /// [`Chain::block`], [`executed`].
    ///
    /// # Panics
    /// As [`Chain::new`].
    pub fn message(
        &mut self,
        user: &User,
        contract: &Contract,
        message: &impl Serialize,
    ) -> Sealed<MsgExecuteContract> {
        let (msg, key) = self.seal(user, &contract.code_hash, message);
        let message = MsgExecuteContract {
            sender: user.address().as_bytes().to_vec(),
            contract: contract.address.as_bytes().to_vec(),
            msg,
            ..MsgExecuteContract::default()
        };
        Sealed { message, key }
    }

    /// As [`Chain::message`], bound to the user and the contract (docs/spec/contracts.md, "Bound messages").
    ///
    /// # Panics
    /// As [`Chain::new`].
    pub fn bound_message(
        &mut self,
        user: &User,
        contract: &Contract,
        message: &impl Serialize,
    ) -> Sealed<MsgExecuteContract> {
        let chain_id = self.options().chain_id.clone();
        let binding = Binding {
            chain_id: &chain_id,
            sender: user.address().as_bytes(),
            target: Target::Execute(contract.address.as_bytes()),
        };
        let message = serde_json::to_vec(message).expect("a message that JSON can say");
        let (msg, key) = self.seal_bytes(user, &contract.code_hash, &binding.bind(&message));
        let message = MsgExecuteContract {
            sender: user.address().as_bytes().to_vec(),
            contract: contract.address.as_bytes().to_vec(),
            msg,
            ..MsgExecuteContract::default()
        };
        Sealed { message, key }
    }

    /// Asks a contract, as nobody in particular.
    ///
    /// # Errors
    /// [`Refused`] with the contract's own text.
    ///
    /// # Panics
    /// As [`Chain::new`]; also for an answer that is no JSON of this form.
    pub fn query<T: DeserializeOwned>(
        &mut self,
        contract: &Contract,
        message: &impl Serialize,
    ) -> Result<T, Refused> {
        Ok(json(&self.query_bytes(contract, message)?))
    }

    /// The same for an answer that is no JSON.
    ///
    /// # Errors
    /// As [`Chain::query`].
    ///
    /// # Panics
    /// As [`Chain::new`].
    pub fn query_bytes(
        &mut self,
        contract: &Contract,
        message: &impl Serialize,
    ) -> Result<Vec<u8>, Refused> {
        let (query, key) = self.seal(&User::numbered(0), &contract.code_hash, message);
        let request = QuerySecretContractRequest {
            contract_address: contract.address.to_string(),
            query,
        };
        let answer: QuerySecretContractResponse = self
            .ask(
                "/secret.compute.v1beta1.Query/QuerySecretContract",
                &request,
            )
            .map_err(|error| query_refused(error, &key))?;
        let plain = key
            .open_data(&answer.data)
            .expect("an answer to this question");
        Ok(plain.to_vec())
    }

    /// Seals a message for a code.
    ///
    /// # Panics
    /// As [`Chain::new`].
    pub fn seal(
        &mut self,
        user: &User,
        code_hash: &Hash,
        message: &impl Serialize,
    ) -> (Vec<u8>, TxKey) {
        let plain = serde_json::to_vec(message).expect("a message that JSON can say");
        self.seal_bytes(user, code_hash, &plain)
    }

    fn seal_bytes(&mut self, user: &User, code_hash: &Hash, plain: &[u8]) -> (Vec<u8>, TxKey) {
        let nonce = self.nonce();
        let sealer = Sealer::new(user.sealing_seed(), *self.network_key());
        let sealed = sealer
            .seal_with(&nonce, code_hash, plain)
            .expect("a network key");
        (sealed.wire, sealed.key)
    }

    /// One message in a transaction in a block.
    fn send<M: Message + strongroom_types::proto::Name>(
        &mut self,
        user: &User,
        message: &M,
    ) -> ExecTxResult {
        let tx = self.tx().message(message);
        let tx = self.sign(user, &tx);
        self.block(vec![tx])
            .pop()
            .expect("a result for the transaction")
    }
}

/// What the result of a transaction with one call says to who sent it.
///
/// # Errors
/// [`Refused`] if it failed.
///
/// # Panics
/// If the result is of another transaction.
pub fn executed(result: &ExecTxResult, key: &TxKey) -> Result<Executed, Refused> {
    let answer: MsgExecuteContractResponse = response(result, Some(key))?;
    let data = if answer.data.is_empty() {
        Vec::new()
    } else {
        key.open_data(&answer.data)
            .expect("data of this call")
            .to_vec()
    };
    let mut events = result.events.clone();
    for attribute in events.iter_mut().flat_map(|event| &mut event.attributes) {
        for text in [&mut attribute.key, &mut attribute.value] {
            if let Ok(open) = key.open_text(text) {
                *text = open;
            }
        }
    }
    Ok(Executed {
        data,
        events,
        gas_used: gas_used(result),
    })
}

/// The response of the first message.
fn response<R: Message + Default>(
    result: &ExecTxResult,
    key: Option<&TxKey>,
) -> Result<R, Refused> {
    if result.code != 0 {
        return Err(Refused {
            codespace: result.codespace.clone(),
            code: result.code,
            text: opened(&result.log, key),
            gas_used: gas_used(result),
        });
    }
    let data = TxMsgData::decode(result.data.as_slice()).expect("the data of a transaction");
    let first = data
        .msg_responses
        .first()
        .expect("a response to the message");
    Ok(R::decode(first.value.as_slice()).expect("the response of this message"))
}

fn query_refused(error: QueryError, key: &TxKey) -> Refused {
    let (codespace, code, text) = match error {
        QueryError::Module(e) | QueryError::Contract(e) => (e.codespace, e.code, e.text),
        other => {
            let (code, text) = other.grpc();
            (String::from("grpc"), code.number(), text)
        }
    };
    Refused {
        codespace,
        code,
        text: opened(&text, Some(key)),
        gas_used: 0,
    }
}

/// An error's text with the contract's own part open.
fn opened(text: &str, key: Option<&TxKey>) -> String {
    const MARK: &str = "encrypted: ";
    let sealed = text.split_once(MARK).and_then(|(before, rest)| {
        let (sealed, after) = rest.split_at(rest.find(": ").unwrap_or(rest.len()));
        let open = key?.open_text(sealed).ok()?;
        // Errors leave padded with spaces.
        Some(format!("{before}{}{after}", open.trim_end()))
    });
    sealed.unwrap_or_else(|| text.to_owned())
}

fn gas_used(result: &ExecTxResult) -> Gas {
    u64::try_from(result.gas_used).unwrap_or_default()
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> T {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(bytes)))
}
