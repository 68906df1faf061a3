//! What the jar understands and answers, as JSON.

use cosmwasm_std::{Coin, Uint64};
use serde::{Deserialize, Serialize};

/// Makes a jar: `{"lock_seconds":86400}`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct InstantiateMsg {
    /// How long coins stay in it.
    pub lock_seconds: u64,
}

/// Changes. Every message may have `gas_target` and `padding`: then neither its gas nor its length tells what it was.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ExecuteMsg {
    /// Puts the coins that come along into the sender's jar, for a wish.
    Put {
        /// What they are for, at most 64 bytes.
        wish: String,
        /// Gas that the call uses, whatever it does (SNIP-50).
        gas_target: Option<Uint64>,
        /// Anything, to make messages as long as each other.
        padding: Option<String>,
    },
    /// Takes everything out of the sender's jar.
    TakeOut {},
    /// Sets the key that opens the sender's queries.
    SetViewingKey {
        /// The key.
        key: String,
    },
}

/// Questions.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum QueryMsg {
    /// What is in a jar: answered by [`JarAnswer`].
    Jar {
        /// Whose.
        owner: String,
        /// Their viewing key.
        key: String,
    },
}

/// What is in a jar.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct JarAnswer {
    /// The coins.
    pub coins: Vec<Coin>,
    /// What they are for.
    pub wish: String,
    /// When they may be taken out, in seconds since 1970.
    pub opens_at: u64,
}
