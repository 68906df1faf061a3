//! What the auction remembers.
//!
//! A host sees which records a call touches, and how long they are. So no record is filed under an amount: who bids the same as another would
//! touch the same record, and a host that bids could search for the bids of others. Whatever a bid writes has one length.

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
/// Highest bid, and the last of those who made it; the others are found by [`Bid::before`].
pub static HIGHEST: Item<Highest> = Item::new("highest");
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
    /// Where the draw stands, if it needs more than one transaction.
    pub draw: Option<Draw>,
}

/// A draw on its way from the last of the highest bidders to the one who was drawn.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Where it is.
    pub at: String,
    /// How many bidders are to be passed.
    pub left: Uint128,
}

/// The highest bid. Bids only rise, so whoever made it stands in its chain once, and nobody else does.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Highest {
    /// How much; 0 before the first.
    #[serde(with = "number")]
    pub amount: Uint128,
    /// How many made it.
    #[serde(with = "number")]
    pub count: Uint128,
    /// Who made it last.
    #[serde(with = "name")]
    pub last: String,
}

/// One bidder's bid.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Bid {
    /// How much is bid.
    #[serde(with = "number")]
    pub amount: Uint128,
    /// How much was sent.
    #[serde(with = "number")]
    pub deposit: Uint128,
    /// Who had made the same bid before, if it was the highest then; else empty.
    #[serde(with = "name")]
    pub before: String,
}

/// Who won, for how much.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Winner {
    /// Who.
    pub account: Addr,
    /// How much.
    pub price: Uint128,
}

/// Numbers of one length.
mod number {
    use cosmwasm_std::Uint128;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(number: &Uint128, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{:039}", number.u128()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Uint128, D::Error> {
        let text = String::deserialize(from)?;
        let number = text.parse().map_err(|_| D::Error::custom("no number"))?;
        Ok(Uint128::new(number))
    }
}

/// Accounts, or nobody, of one length: that of the longest address.
mod name {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(name: &str, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{name:65}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
        Ok(String::deserialize(from)?.trim_end().to_owned())
    }
}
