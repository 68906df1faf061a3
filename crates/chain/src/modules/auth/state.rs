//! Keys and stored records of the auth module.

use crate::collections::{Item, Map};
use crate::types::{Address, Gas};
use borsh::{BorshDeserialize, BorshSerialize};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Account {
    /// Number, given once in order of creation.
    pub number: u64,
    /// Number of transactions it has signed: its next signature must name it.
    pub sequence: u64,
    /// Compressed secp256k1 key, known from its first transaction on.
    pub pubkey: Option<[u8; 33]>,
    /// Whether it belongs to a module: then name and permissions are those of [`crate::modules::accounts`].
    pub is_module: bool,
}

/// Parameters of the ante chain: exactly the five that clients read.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Params {
    /// Longest memo, in bytes.
    pub max_memo_characters: u64,
    /// The most signatures of one transaction.
    pub tx_sig_limit: u64,
    /// Gas per byte of a transaction.
    pub tx_size_cost_per_byte: Gas,
    /// Gas of an ed25519 signature (such signers are refused).
    pub sig_verify_cost_ed25519: Gas,
    /// Gas of a secp256k1 signature.
    pub sig_verify_cost_secp256k1: Gas,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            max_memo_characters: 256,
            tx_sig_limit: 7,
            tx_size_cost_per_byte: crate::gas::TX_SIZE_PER_BYTE,
            sig_verify_cost_ed25519: crate::gas::SIG_VERIFY_ED25519,
            sig_verify_cost_secp256k1: crate::gas::SIG_VERIFY_SECP256K1,
        }
    }
}

/// Parameters of the module.
pub const PARAMS: Item<Params> = Item::new("auth/params");
/// The number of the next new account.
pub const NEXT_NUMBER: Item<u64> = Item::new("auth/next");
/// Accounts by address.
pub const ACCOUNTS: Map<&Address, Account> = Map::new("auth/account/");
/// Addresses by account number: numbers are dense, so this lists all accounts in order.
pub const ADDRESSES: Map<u64, Address> = Map::new("auth/number/");

/// The names of all collections.
pub const NAMES: &[&str] = &[
    PARAMS.name(),
    NEXT_NUMBER.name(),
    ACCOUNTS.name(),
    ADDRESSES.name(),
];
