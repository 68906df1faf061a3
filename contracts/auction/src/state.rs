//! What the auction remembers.

use cosmwasm_std::{Addr, Binary, Uint128};
use serde::{Deserialize, Serialize};
use storage::{Item, List, Map};

use crate::msg::Phase;

/// What is sold; fixed at the start.
pub static AUCTION: Item<Auction> = Item::new("auction");
/// How far it is.
pub static PROGRESS: Item<Progress> = Item::new("progress");
/// Bidder → bid.
pub static BIDS: Map<Bid> = Map::new("bids");
/// Under [`EVERYONE`]: bidders, in the order of their first bids.
pub static BIDDERS: List<Addr> = List::new("count_of_bidders", "bidders");
/// The owner of the one list of [`BIDDERS`].
pub const EVERYONE: &[u8] = b"";
/// Highest bid.
pub static HIGHEST: Item<Uint128> = Item::new("highest");
/// Amount → who bid it. Bids only rise, so the list of the highest amount has its bidders, each once, and no others.
pub static BIDDERS_OF: List<Addr> = List::new("count_of_amount", "amounts");
/// Who won.
pub static WINNER: Item<Winner> = Item::new("winner");

/// What is sold, and how.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Auction {
    /// What is sold.
    pub item: String,
    /// Who is paid.
    pub seller: Addr,
    /// The token's address.
    pub token: Addr,
    /// The token's code hash in the beginning.
    pub token_code_hash: String,
    /// In seconds since 1970.
    pub ends_at: u64,
    /// Least bid.
    pub minimum: Uint128,
}

/// How far an auction is.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Its phase.
    pub phase: Phase,
    /// Block in which it was closed.
    pub closed_at: u64,
    /// Random bytes of that block.
    pub random: Binary,
    /// Bidders who were paid back, or won.
    pub paid: u32,
}

/// One bidder's bid.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Bid {
    /// How much is bid.
    pub amount: Uint128,
    /// How much was sent.
    pub deposit: Uint128,
}

/// Who won, for how much.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Winner {
    /// Who.
    pub account: Addr,
    /// How much.
    pub price: Uint128,
}
