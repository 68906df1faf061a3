//! Keys and stored records of poa. A validator is known by its consensus key; its node's registration says whose that is.

use crate::collections::{Item, Map, OrderedIndex};
use crate::types::Address;
use borsh::{BorshDeserialize, BorshSerialize};

/// A validator.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Validator {
    /// Its node.
    pub node_id: [u8; 20],
    /// Voting power, at least 1.
    pub power: u64,
    /// What people call it.
    pub moniker: String,
}

/// What expiry has taken lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Window {
    /// Second in which it began.
    pub from: u64,
    /// The power of all validators then.
    pub total: u64,
    /// Power that expiry has taken since.
    pub lost: u64,
    /// Power that it took in the window before.
    pub before: u64,
}

/// Who decides.
pub const AUTHORITY: Item<Address> = Item::new("poa/authority");
/// Validators by consensus key.
pub const VALIDATORS: Map<&[u8; 32], Validator> = Map::new("poa/validators/");
/// All keys in `VALIDATORS`.
pub const KEYS: OrderedIndex<()> = OrderedIndex::new("poa/keys/");
/// Their power together.
pub const TOTAL_POWER: Item<u64> = Item::new("poa/total_power");
/// Consensus keys that changed in this block.
pub const CHANGED: OrderedIndex<()> = OrderedIndex::new("poa/changed/");
/// Addresses of consensus keys that may never vote again.
pub const BANNED: OrderedIndex<()> = OrderedIndex::new("poa/banned/");
/// See [`Window`].
pub const EXPIRY_WINDOW: Item<Window> = Item::new("poa/expiry_window");

/// The names of all collections.
pub const NAMES: &[&str] = &[
    AUTHORITY.name(),
    VALIDATORS.name(),
    KEYS.name(),
    TOTAL_POWER.name(),
    CHANGED.name(),
    BANNED.name(),
    EXPIRY_WINDOW.name(),
];
