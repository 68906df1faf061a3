//! What the probe understands. Each entry makes one kind of thing happen, and nothing else.

use cosmwasm_std::{Binary, Coin};
use serde::{Deserialize, Serialize};

/// Creates a probe, or fails to.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct InstantiateMsg {
    /// Fail with this text instead.
    pub fail: Option<String>,
}

/// Takes over a contract, or fails to.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct MigrateMsg {
    /// Is written under `migrated`, emitted and answered.
    pub note: String,
    /// Fail with this text, after writing.
    pub fail: Option<String>,
}

/// One attribute to emit.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct EmittedAttribute {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Whether everyone may read it.
    pub plaintext: bool,
}

/// Another contract, as callers name it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Callee {
    /// Its address.
    pub address: String,
    /// The hash of its code, 64 hex characters.
    pub code_hash: String,
}

/// Things that need a transaction.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ExecuteMsg {
    /// Does nothing: no attribute, no data, no state.
    Nothing {},
    /// Returns an error with this text.
    Fail {
        /// The text of the error.
        message: String,
    },
    /// Writes `key`, then returns an error: the write must not survive.
    WriteAndFail {
        /// The key to write.
        key: String,
        /// The value that must not be found later.
        value: String,
    },
    /// Emits attributes of the `wasm` event.
    Emit {
        /// In this order.
        attributes: Vec<EmittedAttribute>,
    },
    /// Emits an event of its own, which the chain calls `wasm-<name>`.
    EmitEvent {
        /// The event's name without the prefix.
        name: String,
        /// Its attributes, in this order.
        attributes: Vec<EmittedAttribute>,
    },
    /// Answers these bytes as the transaction's data.
    SetData {
        /// The bytes.
        data: Binary,
    },
    /// Answers what the contract sees of its environment, as [`Seen`].
    Look {},
    /// Stores a value.
    Write {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// Removes a value.
    Remove {
        /// The key.
        key: String,
    },
    /// Spins the processor this many times; the data is a checksum, so that the loop is not optimised away.
    Spin {
        /// How often.
        rounds: u64,
    },
    /// Panics with this text.
    Panic {
        /// The text of the panic.
        message: String,
    },
    /// Calls itself inside the contract, so deep that the stack limit is reached if `depth` is large.
    Recurse {
        /// How deep.
        depth: u64,
    },
    /// Stores a value of this many bytes under `long`.
    WriteLong {
        /// How many.
        bytes: u32,
    },
    /// Emits this many events of its own.
    EmitMany {
        /// How many.
        events: u32,
    },
    /// Answers this many bytes.
    SayMuch {
        /// How many.
        bytes: u32,
    },
    /// Takes this many KiB of memory and touches each.
    Grow {
        /// How much, in KiB.
        kib: u32,
    },
    /// Asks the chain to burn gas.
    Evaporate {
        /// How much, in units of the chain's gas.
        gas: u32,
    },
    /// Calls another contract, without asking for its reply.
    Call {
        /// Whom.
        callee: Callee,
        /// With what message (JSON).
        msg: Binary,
        /// Coins to take along.
        funds: Vec<Coin>,
    },
    /// Calls itself by message until `levels` is zero; each level adds an attribute `level`.
    CallSelf {
        /// How many more levels.
        levels: u32,
    },
    /// Asks another contract during a transaction; the data is the answer.
    Ask {
        /// Whom.
        callee: Callee,
        /// With what query (JSON).
        msg: Binary,
    },
    /// Gives a contract other code.
    Migrate {
        /// Which contract, with the hash of the new code.
        callee: Callee,
        /// The new code.
        code_id: u64,
        /// The message to its `migrate` (JSON).
        msg: Binary,
    },
    /// Gives a contract another admin, or none.
    SetAdmin {
        /// Its address.
        contract: String,
        /// The new admin.
        admin: Option<String>,
    },
    /// Sends coins of the contract.
    Send {
        /// To whom.
        to_address: String,
        /// How much.
        amount: Vec<Coin>,
    },
}

/// Things that need no transaction.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum QueryMsg {
    /// Answers this many bytes.
    SayMuch {
        /// How many.
        bytes: u32,
    },
    /// The value under a key: [`ReadAnswer`].
    Read {
        /// The key.
        key: String,
    },
    /// What the contract sees of its environment: [`Seen`].
    Look {},
    /// Returns an error with this text.
    Fail {
        /// The text of the error.
        message: String,
    },
    /// Panics with this text.
    Panic {
        /// The text of the panic.
        message: String,
    },
    /// Spins the processor this many times and answers a checksum.
    Spin {
        /// How often.
        rounds: u64,
    },
    /// Tries to write state, which a query may not.
    Write {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// Asks another contract and answers what it answered.
    Ask {
        /// Whom.
        callee: Callee,
        /// With what query (JSON).
        msg: Binary,
    },
    /// Asks itself through the chain until `levels` is zero: [`NestedAnswer`].
    AskSelf {
        /// How many more levels.
        levels: u32,
    },
    /// The balance of an account, as the chain's bank knows it: a `Coin`.
    Balance {
        /// Whose.
        address: String,
        /// Of which coin.
        denom: String,
    },
    /// Signs a message with both kinds of key and checks the signatures: [`CryptoAnswer`].
    Crypto {
        /// What to sign.
        message: Binary,
        /// 32 bytes, used as secret of either kind.
        private_key: Binary,
    },
    /// Whether the chain takes this text for an address, and its bytes: [`AddressAnswer`].
    Address {
        /// The text.
        text: String,
    },
    /// Answers no bytes at all.
    Empty {},
}

/// What the contract sees of its environment.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Height of the block.
    pub height: u64,
    /// Time of the block, nanoseconds since 1970, decimal.
    pub time: String,
    /// The chain's name.
    pub chain_id: String,
    /// The block's random bytes for this contract.
    pub random: Option<Binary>,
    /// Own address.
    pub address: String,
    /// Own code hash.
    pub code_hash: String,
    /// Position of the transaction in the block.
    pub transaction_index: Option<u32>,
    /// Hash of the transaction, upper-case hex.
    pub transaction_hash: Option<String>,
    /// Who called; absent in a query.
    pub sender: Option<String>,
    /// Coins that came along.
    pub funds: Vec<Coin>,
}

/// A stored value.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct ReadAnswer {
    /// The value, if there is one.
    pub value: Option<String>,
}

/// How deep a nested query went.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct NestedAnswer {
    /// Levels below this one.
    pub levels: u32,
}

/// Signatures by the chain's own functions.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct CryptoAnswer {
    /// ECDSA over the SHA-256 of the message, 64 bytes.
    pub secp256k1: Binary,
    /// The two public keys that the signature gives back, 33 bytes each, one per parity.
    pub secp256k1_keys: Vec<Binary>,
    /// Whether the chain accepts the signature under both.
    pub secp256k1_valid: bool,
    /// Ed25519 over the message, 64 bytes.
    pub ed25519: Binary,
}

/// An address, checked by the chain.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct AddressAnswer {
    /// Its bytes, if the text is an address.
    pub bytes: Option<Binary>,
    /// The chain's objection otherwise.
    pub error: Option<String>,
}
