//! Calls in the making: who calls what, with which message, coins and gas.

use crate::user::User;
use serde::Serialize;
use std::fmt;
use strongroom_crypto::TxKey;
use strongroom_sdk::message::{Binding, Target};
use strongroom_types::proto::secret::compute::v1beta1::{
    MsgExecuteContract, MsgInstantiateContract, MsgMigrateContract, MsgStoreCode,
};
use strongroom_types::proto::{Any, Message, Name, pack};
use strongroom_types::{Address, Coin, Gas, Hash};

/// Stored code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Its number.
    pub id: u64,
    /// SHA-256 of the wasm: messages are bound to it.
    pub hash: Hash,
}

impl Code {
    /// The hash as contracts write it in their messages.
    #[must_use]
    pub fn hash_hex(&self) -> String {
        hex::encode(self.hash)
    }
}

/// A contract, as those who call it know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Where it is; also what `to_string` gives, for messages.
    pub address: Address,
    /// The hash of its code.
    pub code_hash: Hash,
    /// Its name, in reports.
    pub label: String,
}

impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Store,
    Instantiate {
        code: Code,
        label: String,
        admin: String,
    },
    Execute(Contract),
    Migrate {
        contract: Contract,
        code: Code,
    },
    Other,
}

/// A call that was not sent yet ([`crate::Network::run`], [`crate::Network::block`]).
#[derive(Clone, Debug)]
pub struct Call {
    user: User,
    what: What,
    /// JSON for a contract; else a message of the chain, packed.
    message: Vec<u8>,
    other: Option<Any>,
    funds: Vec<Coin>,
    gas: Option<Gas>,
    bound: bool,
    /// Who sends what the user has sealed.
    thief: Option<User>,
}

/// A call as it is sent.
pub(crate) struct Sealed {
    pub(crate) message: Any,
    pub(crate) opener: Opener,
}

/// What opens the answers of a call: the sealed message and its key. A call that is sealed for nobody has neither.
#[derive(Clone)]
pub(crate) struct Opener(pub(crate) Option<(Vec<u8>, TxKey)>);

impl Opener {
    pub(crate) fn key(&self) -> Option<&TxKey> {
        self.0.as_ref().map(|(_, key)| key)
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opener")
    }
}

impl Call {
    fn new(user: &User, what: What, message: Vec<u8>) -> Self {
        Self {
            user: user.clone(),
            what,
            message,
            other: None,
            funds: Vec::new(),
            gas: None,
            bound: false,
            thief: None,
        }
    }

    /// Makes a contract of a code.
    ///
    /// # Panics
    /// For a message that JSON cannot say.
    #[must_use]
    pub fn instantiate(user: &User, code: &Code, label: &str, message: &impl Serialize) -> Self {
        let what = What::Instantiate {
            code: code.clone(),
            label: label.to_owned(),
            admin: String::new(),
        };
        Self::new(user, what, plain(message))
    }

    /// Calls a contract.
    ///
    /// # Panics
    /// For a message that JSON cannot say.
    #[must_use]
    pub fn execute(user: &User, contract: &Contract, message: &impl Serialize) -> Self {
        Self::new(user, What::Execute(contract.clone()), plain(message))
    }

    /// Gives a contract other code; the user is its admin.
    ///
    /// # Panics
    /// For a message that JSON cannot say.
    #[must_use]
    pub fn migrate(
        user: &User,
        contract: &Contract,
        code: &Code,
        message: &impl Serialize,
    ) -> Self {
        let what = What::Migrate {
            contract: contract.clone(),
            code: code.clone(),
        };
        Self::new(user, what, plain(message))
    }

    pub(crate) fn store(user: &User, wasm: &[u8]) -> Self {
        let message = MsgStoreCode {
            sender: user.address().as_bytes().to_vec(),
            wasm_byte_code: wasm.to_vec(),
            ..MsgStoreCode::default()
        };
        Self {
            other: Some(pack(&message)),
            ..Self::new(user, What::Store, Vec::new())
        }
    }

    pub(crate) fn other<M: Message + Name>(user: &User, message: &M) -> Self {
        Self {
            other: Some(pack(message)),
            ..Self::new(user, What::Other, Vec::new())
        }
    }

    /// Sends coins along: with an instantiation or an execution.
    #[must_use]
    pub fn funds(mut self, coins: &[Coin]) -> Self {
        self.funds = coins.to_vec();
        self
    }

    /// Who may migrate the contract that an instantiation makes.
    #[must_use]
    pub fn admin(mut self, address: &Address) -> Self {
        if let What::Instantiate { admin, .. } = &mut self.what {
            *admin = address.to_string();
        }
        self
    }

    /// Sets the gas limit of the transaction.
    #[must_use]
    pub const fn gas(mut self, limit: Gas) -> Self {
        self.gas = Some(limit);
        self
    }

    /// Binds the message to who sends it to what (docs/spec/contracts.md, "Bound messages").
    #[must_use]
    pub const fn bound(mut self) -> Self {
        self.bound = true;
        self
    }

    /// The message as its user has sealed it, in the transaction of somebody else: whoever sees a ciphertext in the mempool can do that,
    /// and the contract takes the thief for the sender. A bound message is refused.
    #[must_use]
    pub fn stolen_by(mut self, thief: &User) -> Self {
        self.thief = Some(thief.clone());
        self
    }

    /// Who signs.
    #[must_use]
    pub fn user(&self) -> &User {
        self.thief.as_ref().unwrap_or(&self.user)
    }

    pub(crate) const fn what(&self) -> &What {
        &self.what
    }

    pub(crate) const fn gas_limit(&self) -> Option<Gas> {
        self.gas
    }

    /// What the call is, in reports: contract, entry point, and the message's variant.
    pub(crate) fn name(&self) -> String {
        match &self.what {
            What::Store => String::from("store code"),
            What::Instantiate { label, .. } => format!("{label}: instantiate"),
            What::Execute(contract) => {
                format!("{}: execute {}", contract.label, variant(&self.message))
            }
            What::Migrate { contract, .. } => format!("{}: migrate", contract.label),
            What::Other => String::from("message"),
        }
    }

    /// The name under which its gas is noted; nothing for what runs no contract.
    pub(crate) fn gas_name(&self) -> Option<String> {
        match self.what {
            What::Store | What::Other => None,
            _ => Some(self.name()),
        }
    }

    /// The message as it is sent.
    pub(crate) fn seal(&self, chain_id: &str, network_key: &[u8; 32], nonce: &Hash) -> Sealed {
        let sender = self.user().address().as_bytes();
        let author = self.user.address().as_bytes();
        let seal = |target: Target<'_>, code_hash: &Hash| {
            let binding = Binding {
                chain_id,
                sender: author,
                target,
            };
            let plain = if self.bound {
                binding.bind(&self.message)
            } else {
                self.message.clone()
            };
            let sealer = self.user.sealer(network_key);
            let sealed = sealer
                .seal_with(nonce, code_hash, &plain)
                .expect("a network key");
            (sealed.wire.clone(), Opener(Some((sealed.wire, sealed.key))))
        };
        let funds = self.funds.iter().map(Coin::to_proto).collect();
        let (message, opener) = match &self.what {
            What::Store | What::Other => (self.other.clone().unwrap_or_default(), Opener(None)),
            What::Instantiate { code, label, admin } => {
                let target = Target::Instantiate {
                    code_id: code.id,
                    label,
                };
                let (init_msg, opener) = seal(target, &code.hash);
                let message = MsgInstantiateContract {
                    sender: sender.to_vec(),
                    code_id: code.id,
                    label: label.clone(),
                    init_msg,
                    init_funds: funds,
                    admin: admin.clone(),
                    ..MsgInstantiateContract::default()
                };
                (pack(&message), opener)
            }
            What::Execute(contract) => {
                let (msg, opener) = seal(
                    Target::Execute(contract.address.as_bytes()),
                    &contract.code_hash,
                );
                let message = MsgExecuteContract {
                    sender: sender.to_vec(),
                    contract: contract.address.as_bytes().to_vec(),
                    msg,
                    sent_funds: funds,
                    ..MsgExecuteContract::default()
                };
                (pack(&message), opener)
            }
            What::Migrate { contract, code } => {
                let target = Target::Migrate {
                    contract: contract.address.as_bytes(),
                    code_id: code.id,
                };
                let (msg, opener) = seal(target, &code.hash);
                let message = MsgMigrateContract {
                    sender: self.user().address().to_string(),
                    contract: contract.address.to_string(),
                    code_id: code.id,
                    msg,
                    ..MsgMigrateContract::default()
                };
                (pack(&message), opener)
            }
        };
        Sealed { message, opener }
    }
}

/// A message in JSON.
pub(crate) fn plain(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("a message that JSON can say")
}

/// What a query is, in reports.
pub(crate) fn query_name(contract: &Contract, message: &[u8]) -> String {
    format!("{}: query {}", contract.label, variant(message))
}

/// The name of a message's variant.
fn variant(message: &[u8]) -> String {
    match serde_json::from_slice(message) {
        Ok(serde_json::Value::Object(members)) if members.len() == 1 => {
            members.keys().next().cloned().unwrap_or_default()
        }
        Ok(serde_json::Value::String(name)) => name,
        _ => String::from("message"),
    }
}
