//! What the contract understands. What it answers: [`crate::answer`].
//!
//! Every message may also carry `padding`, which is ignored, and `gas_target` (SNIP-50), which [`snip::evaporation`] reads.

mod execute;
mod query;

use cosmwasm_std::Binary;
use serde::{Deserialize, Serialize};

use crate::royalty::RoyaltyInfo;

pub use execute::*;
pub use query::*;

/// A permit. Only the permission `owner` opens something here.
pub type Permit = permit::Permit<permit::TokenPermission>;

/// Creates a contract.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct InstantiateMsg {
    /// Name.
    pub name: String,
    /// Symbol.
    pub symbol: String,
    /// Who administrates; the sender, if absent.
    pub admin: Option<String>,
    /// Mixed into created viewing keys.
    pub entropy: String,
    /// Parts of prices, for tokens that say nothing of it.
    pub royalty_info: Option<RoyaltyInfo>,
    /// What is switched on.
    pub config: Option<Config>,
    /// A message to send when the contract is there.
    pub post_init_callback: Option<Callback>,
}

/// What is switched on. Absent means off, but for `minter_may_update_metadata`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(default)]
pub struct Config {
    /// Whether everybody may list the tokens.
    pub public_token_supply: bool,
    /// Whether owners are public, unless they say otherwise.
    pub public_owner: bool,
    /// Whether private metadata is sealed until the owner reveals it, for the owner too.
    pub enable_sealed_metadata: bool,
    /// Whether it is private still once it is revealed.
    pub unwrapped_metadata_is_private: bool,
    /// Whether minters may change metadata.
    pub minter_may_update_metadata: bool,
    /// Whether owners may change metadata.
    pub owner_may_update_metadata: bool,
    /// Whether tokens can be destroyed.
    pub enable_burn: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            public_token_supply: false,
            public_owner: false,
            enable_sealed_metadata: false,
            unwrapped_metadata_is_private: false,
            minter_may_update_metadata: true,
            owner_may_update_metadata: false,
            enable_burn: false,
        }
    }
}

/// A message to another contract.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The message (JSON).
    pub msg: Binary,
    /// To whom.
    pub contract_address: String,
    /// Hash of its code.
    pub code_hash: String,
    /// Coins to take along.
    pub send: Vec<cosmwasm_std::Coin>,
}

/// How much of the contract may be used.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ContractStatus {
    /// Everything.
    Normal,
    /// No tokens are made, moved or destroyed.
    StopTransactions,
    /// Only the admin may change the status.
    StopAll,
}

/// What is said of a right.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum AccessLevel {
    /// Granted for the named token.
    ApproveToken,
    /// Granted for all tokens of the sender.
    All,
    /// Denied for the named token.
    RevokeToken,
    /// Denied for all tokens of the sender.
    None,
}
