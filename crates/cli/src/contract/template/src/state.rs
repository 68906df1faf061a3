//! What the contract remembers. The chain encrypts keys and values; the contract sees them plain.

use cosmwasm_std::Coin;
use serde::{Deserialize, Serialize};
use storage::{Item, Map};

/// How long coins stay, in seconds.
pub static LOCK_SECONDS: Item<u64> = Item::new("lock_seconds");
/// Jars by the address of their owners.
pub static JARS: Map<Jar> = Map::new("jars");

/// What somebody saves.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Jar {
    /// The coins.
    pub coins: Vec<Coin>,
    /// What they are for, filled up to one length: a host sees how long a record is.
    pub wish: String,
    /// When they may be taken out, in seconds since 1970.
    pub opens_at: u64,
}
