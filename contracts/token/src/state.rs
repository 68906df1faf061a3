//! What the token remembers about itself. Balances are in [`crate::ledger`], allowances in [`crate::allowance`],
//! histories in [`crate::history`], keys in [`snip::viewing_key`], revoked permits in [`permit`].

use cosmwasm_std::{Addr, Binary};
use serde::{Deserialize, Serialize};
use storage::{Item, Map};

use crate::msg::ContractStatus;

/// Name and switches; fixed at the start.
pub static TOKEN: Item<Token> = Item::new("token");
/// Who administrates.
pub static ADMIN: Item<Addr> = Item::new("admin");
/// What may be used.
pub static STATUS: Item<ContractStatus> = Item::new("status");
/// Who may mint.
pub static MINTERS: Item<Vec<Addr>> = Item::new("minters");
/// Coins that may be deposited and redeemed.
pub static DENOMS: Item<Vec<String>> = Item::new("denoms");
/// Contract → hash of its code, for contracts that asked to be told of tokens sent to them.
pub static RECEIVERS: Map<String> = Map::new("receivers");

/// What the token is called, and what is switched on.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Name.
    pub name: String,
    /// Symbol.
    pub symbol: String,
    /// Digits after the point.
    pub decimals: u8,
    /// Mixed into created viewing keys.
    pub prng_seed: Binary,
    /// Whether `token_info` tells the total supply.
    pub public_total_supply: bool,
    /// Whether coins can be turned into tokens.
    pub deposit_enabled: bool,
    /// Whether tokens can be turned into coins.
    pub redeem_enabled: bool,
    /// Whether minters can make tokens.
    pub mint_enabled: bool,
    /// Whether owners can destroy tokens.
    pub burn_enabled: bool,
    /// Whether the admin can change the supported coins.
    pub can_modify_denoms: bool,
}
