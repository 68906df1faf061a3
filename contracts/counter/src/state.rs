//! What the counter remembers. The chain encrypts it; the contract reads and writes plain values.

use cosmwasm_std::Addr;
use serde::{Deserialize, Serialize};
use storage::Item;

/// The counter and who may reset it, under one key.
pub static COUNTER: Item<Counter> = Item::new("counter");

/// The only record of this contract.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// The present number.
    pub count: i32,
    /// Who instantiated the contract.
    pub owner: Addr,
}
