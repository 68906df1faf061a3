//! What the token understands and answers.

use cosmwasm_std::{Binary, HumanAddr, Uint128};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A balance to begin with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
pub struct InitialBalance {
    /// Whose.
    pub address: HumanAddr,
    /// How much.
    pub amount: Uint128,
}

/// Creates the token.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
pub struct InitMsg {
    /// Its name.
    pub name: String,
    /// Its symbol.
    pub symbol: String,
    /// Places behind the point.
    pub decimals: u8,
    /// Balances to begin with.
    pub initial_balances: Vec<InitialBalance>,
    /// Entropy for viewing keys.
    pub prng_seed: Binary,
    /// The coin that is taken and given back, one for one; none if absent.
    pub deposit_denom: Option<String>,
}

/// Changes. `padding` is there to hide the length, and ignored.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum HandleMsg {
    /// Coins become tokens.
    Deposit { padding: Option<String> },
    /// Tokens become coins.
    Redeem {
        amount: Uint128,
        padding: Option<String>,
    },
    /// Tokens change hands.
    Transfer {
        recipient: HumanAddr,
        amount: Uint128,
        padding: Option<String>,
    },
    /// Tokens change hands, and the receiver is told if it has registered.
    Send {
        recipient: HumanAddr,
        amount: Uint128,
        msg: Option<Binary>,
        padding: Option<String>,
    },
    /// The sender, a contract, wants to be told of what it is sent.
    RegisterReceive {
        code_hash: String,
        padding: Option<String>,
    },
    /// A new viewing key, made by the contract.
    CreateViewingKey {
        entropy: String,
        padding: Option<String>,
    },
    /// A viewing key of the sender's choice.
    SetViewingKey {
        key: String,
        padding: Option<String>,
    },
}

/// What a registered receiver is told.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ReceiverMsg {
    Receive {
        sender: HumanAddr,
        from: HumanAddr,
        amount: Uint128,
        msg: Option<Binary>,
    },
}

/// Questions.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum QueryMsg {
    /// Name, symbol, places, supply.
    TokenInfo {},
    /// The balance of whoever has the key.
    Balance { address: HumanAddr, key: String },
}

/// Answers to changes.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum HandleAnswer {
    Deposit { status: Status },
    Redeem { status: Status },
    Transfer { status: Status },
    Send { status: Status },
    RegisterReceive { status: Status },
    CreateViewingKey { key: String },
    SetViewingKey { status: Status },
}

/// How it went.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Status {
    Success,
}

/// Answers to questions.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum QueryAnswer {
    TokenInfo {
        name: String,
        symbol: String,
        decimals: u8,
        total_supply: Option<Uint128>,
    },
    Balance {
        amount: Uint128,
    },
    ViewingKeyError {
        msg: String,
    },
}
