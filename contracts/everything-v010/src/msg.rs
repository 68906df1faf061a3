//! What the contract understands. Each entry makes one kind of thing happen, and nothing else.

use cosmwasm_std::{
    Binary, CosmosMsg, Empty, Env, HumanAddr, LogAttribute, QueryRequest, StdError, Uint128,
};
use imports::Call;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Creates the contract.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub struct InitMsg {
    /// Log to emit.
    pub log: Vec<LogAttribute>,
    /// Messages to send.
    pub messages: Vec<CosmosMsg>,
}

/// Things that need a transaction.
#[derive(Serialize, Deserialize, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HandleMsg {
    /// Does nothing.
    Nothing {},
    /// Sends these messages, emits this log, answers these bytes.
    Respond {
        /// Messages in order.
        messages: Vec<CosmosMsg>,
        /// The log, with the flag `encrypted` as given.
        log: Vec<LogAttribute>,
        /// The data.
        data: Option<Binary>,
    },
    /// Returns this error.
    Fail {
        /// Any error of the library.
        error: StdError,
    },
    /// Panics with this text.
    Panic {
        /// The text.
        message: String,
    },
    /// Answers its whole env.
    Look {},
    /// Stores a value.
    Write {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// Stores a value, then fails: it must not survive.
    WriteAndFail {
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
    /// Asks the chain or a contract during a transaction; the data is what the library decoded: [`Asked`].
    Ask {
        /// The request.
        request: QueryRequest<Empty>,
    },
    /// Calls these imports; the data is a list of [`imports::Answer`].
    Call {
        /// In order.
        #[schemars(with = "Vec<String>")]
        calls: Vec<Call>,
    },
    /// Tokens came (SNIP-20): keeps how many under `received`.
    Receive {
        /// Who sent them.
        sender: HumanAddr,
        /// Whose they were.
        from: HumanAddr,
        /// How many.
        amount: Uint128,
        /// What the sender says.
        msg: Option<Binary>,
    },
}

/// Replaces the code; keeps who asked for it under `migrated_by`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub struct MigrateMsg {}

/// Things that need no transaction.
#[derive(Serialize, Deserialize, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueryMsg {
    /// The value under a key: [`ReadAnswer`].
    Read {
        /// The key.
        key: String,
    },
    /// Returns this error.
    Fail {
        /// Any error of the library.
        error: StdError,
    },
    /// Panics with this text.
    Panic {
        /// The text.
        message: String,
    },
    /// Asks the chain or a contract: [`Asked`].
    Ask {
        /// The request.
        request: QueryRequest<Empty>,
    },
    /// The bytes of an address: a `Binary`.
    Canonicalize {
        /// The address.
        human: HumanAddr,
    },
    /// The address of bytes: a text.
    Humanize {
        /// The bytes.
        canonical: Binary,
    },
    /// Tries to write, which a query may not.
    Write {
        /// The key.
        key: String,
    },
    /// Calls these imports: a list of [`imports::Answer`].
    Call {
        /// In order.
        #[schemars(with = "Vec<String>")]
        calls: Vec<Call>,
    },
}

/// What an answer was, as the library decodes it.
#[derive(Serialize, Deserialize, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// An answer.
    Answer(Binary),
    /// The error of whoever was asked.
    Error(StdError),
    /// The request found nobody.
    System(String),
}

/// A stored value.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
pub struct ReadAnswer {
    /// The value, if there is one.
    pub value: Option<String>,
}

/// The data of [`HandleMsg::Look`].
pub type Seen = Env;
