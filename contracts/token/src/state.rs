//! What the token remembers about itself. Balances are in [`crate::ledger`], allowances in [`crate::allowance`],
//! histories in [`crate::history`], keys and revoked permits in [`crate::viewing_key`] and [`crate::permit`].

use cosmwasm_std::Addr;
use secret_toolkit::serialization::Bincode2;
use secret_toolkit::storage::{Item, Keymap, KeymapBuilder, WithoutIter};
use serde::{Deserialize, Serialize};

use crate::msg::ContractStatus;

/// Name and switches; fixed at the start.
pub static TOKEN: Item<Token> = Item::new(b"token");
/// Who administrates.
pub static ADMIN: Item<Addr> = Item::new(b"admin");
/// What may be used.
pub static STATUS: Item<ContractStatus> = Item::new(b"status");
/// Who may mint.
pub static MINTERS: Item<Vec<Addr>> = Item::new(b"minters");
/// Coins that may be deposited and redeemed.
pub static DENOMS: Item<Vec<String>> = Item::new(b"denoms");
/// Contract → hash of its code, for contracts that asked to be told of tokens sent to them.
pub static RECEIVERS: Keymap<Addr, String, Bincode2, WithoutIter> =
    KeymapBuilder::new(b"receivers").without_iter().build();

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
    pub prng_seed: Vec<u8>,
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
