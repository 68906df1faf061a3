//! What the contract understands and answers.
//!
//! Every message may also carry `padding`, which is ignored, and `gas_target` (SNIP-50), which [`snip::evaporation`] reads.

mod execute;
mod query;

use cosmwasm_std::{Addr, Uint128};
use serde::{Deserialize, Serialize};
use snip::metadata::Metadata;

pub use execute::*;
pub use query::*;

/// A permit: `balance` opens balances, `history` the history, `owner` everything.
pub type Permit = permit::Permit<permit::TokenPermission>;

/// Creates a contract.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct InstantiateMsg {
    /// Whether there is an admin.
    pub has_admin: bool,
    /// Who; the sender, if absent.
    pub admin: Option<String>,
    /// Who may make token ids.
    pub curators: Vec<String>,
    /// Tokens to begin with.
    pub initial_tokens: Vec<InitialToken>,
    /// Mixed into created viewing keys.
    pub entropy: String,
}

/// A token id to be made.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct InitialToken {
    /// What it is.
    pub token_info: TokenInfo,
    /// Who starts with how much.
    pub balances: Vec<Balance>,
}

/// What a token is.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// Its id.
    pub token_id: String,
    /// Its name.
    pub name: String,
    /// Its symbol.
    pub symbol: String,
    /// What is switched on.
    pub token_config: TokenConfig,
    /// What everybody sees.
    pub public_metadata: Option<Metadata>,
    /// What owners see.
    pub private_metadata: Option<Metadata>,
}

/// What is switched on.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum TokenConfig {
    /// Of a token of which there are many.
    Fungible {
        /// Who may make tokens.
        minters: Vec<Addr>,
        /// Digits after the point.
        decimals: u8,
        /// Whether everybody may know how many there are.
        public_total_supply: bool,
        /// Whether minters can make tokens.
        enable_mint: bool,
        /// Whether owners can destroy tokens.
        enable_burn: bool,
        /// Whether minters may change metadata.
        minter_may_update_metadata: bool,
    },
    /// Of one of a kind.
    Nft {
        /// Who may change metadata, if minters may.
        minters: Vec<Addr>,
        /// Whether everybody may know whether it is still there.
        public_total_supply: bool,
        /// Whether everybody may know whose it is.
        owner_is_public: bool,
        /// Whether its owner can destroy it.
        enable_burn: bool,
        /// Whether its owner may change metadata.
        owner_may_update_metadata: bool,
        /// Whether minters may change metadata.
        minter_may_update_metadata: bool,
    },
}

/// Tokens of an account.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Whose.
    pub address: String,
    /// How many.
    pub amount: Uint128,
}

/// Tokens of several accounts.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct TokenAmount {
    /// Which.
    pub token_id: String,
    /// Whose, and how many.
    pub balances: Vec<Balance>,
}
