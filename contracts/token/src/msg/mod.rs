//! What the token understands and answers: SNIP-20 with 21 (memos), 22 (batches), 23 (code hash of a receiver),
//! 24 (permits), 26 (allowance lists), 50 (gas) and 52 (notifications).
//!
//! Every message may also carry `padding` (to hide its length), `decoys` and `entropy`: fields that this contract does not know are
//! ignored, so they need no place here. `gas_target` (SNIP-50) is read by [`snip::evaporation`].

mod execute;
mod query;

use cosmwasm_std::{Binary, Uint128};
use serde::{Deserialize, Serialize};

pub use execute::*;
pub use query::*;

/// A permit for a token.
pub type Permit = permit::Permit<permit::TokenPermission>;

/// Creates a token.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct InstantiateMsg {
    /// 3 to 30 bytes.
    pub name: String,
    /// Who administrates the token; the sender, if absent.
    pub admin: Option<String>,
    /// 3 to 20 capital letters.
    pub symbol: String,
    /// How many digits clients show after the point, at most 18.
    pub decimals: u8,
    /// Who starts with how much.
    pub initial_balances: Option<Vec<InitialBalance>>,
    /// Mixed into created viewing keys.
    pub prng_seed: Binary,
    /// What is switched on; nothing, if absent.
    pub config: Option<InitialConfig>,
    /// Coins of the chain that may be deposited and redeemed.
    pub supported_denoms: Option<Vec<String>>,
}

/// Tokens that an account starts with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct InitialBalance {
    /// Whose.
    pub address: String,
    /// How many.
    pub amount: Uint128,
}

/// What is switched on. Absent means off.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(default)]
pub struct InitialConfig {
    /// Whether `token_info` tells the total supply.
    pub public_total_supply: bool,
    /// Whether coins can be turned into tokens.
    pub enable_deposit: bool,
    /// Whether tokens can be turned back into coins.
    pub enable_redeem: bool,
    /// Whether minters can make tokens.
    pub enable_mint: bool,
    /// Whether owners can destroy tokens.
    pub enable_burn: bool,
    /// Whether the admin can change the supported coins.
    pub can_modify_denoms: bool,
}

/// How much of the contract may be used.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ContractStatus {
    /// Everything.
    NormalRun,
    /// `redeem` and what the admin needs.
    StopAllButRedeems,
    /// What the admin needs.
    StopAll,
}
