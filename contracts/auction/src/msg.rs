//! What the auction understands and answers.

use cosmwasm_std::{Addr, Binary, Uint128};
use serde::{Deserialize, Serialize};

/// How to begin.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct InstantiateMsg {
    /// What is sold, in words.
    pub item: String,
    /// The SNIP-20 token in which bids are made.
    pub token: Token,
    /// Bids are taken before this time, in seconds since 1970.
    pub ends_at: u64,
    /// Least bid.
    pub minimum: Uint128,
}

/// A token contract.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Where it is.
    pub address: String,
    /// Hash of its code, hex.
    pub code_hash: String,
}

/// Changes.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ExecuteMsg {
    /// The token tells that it moved tokens here: a bid.
    Receive {
        /// Who sent them: the bidder, and nobody who may spend the bidder's tokens.
        sender: String,
        /// Whose tokens they were: the bidder.
        from: String,
        /// How many: the deposit.
        amount: Uint128,
        /// The bid, as [`BidMsg`].
        msg: Option<Binary>,
    },
    /// Ends the bidding, once its time is over, and draws what breaks a tie. Anyone may, and is told nothing.
    Close {},
    /// Pays, in a later block: the seller, and the deposits of up to [`crate::PAID_AT_ONCE`] bidders. Anyone may, until all are paid.
    Settle {},

    /// Makes a viewing key.
    CreateViewingKey {
        /// Mixed into the key.
        entropy: Option<String>,
    },
    /// Sets a viewing key.
    SetViewingKey {
        /// The key's text.
        key: String,
    },
    /// Withdraws a permit for good.
    RevokePermit {
        /// Its name.
        permit_name: String,
    },
}

/// What comes along with the tokens of a bid.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum BidMsg {
    /// A bid, at most the deposit. A second one of the same bidder must be higher; its deposit adds to the first.
    Bid {
        /// Who bids. Said here too, where nobody can change it: so a copy of the message in another name is no bid.
        bidder: String,
        /// How much.
        amount: Uint128,
    },
}

/// Questions.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum QueryMsg {
    /// What is sold, until when.
    Auction {},
    /// Who bought it for how much: known when it is settled.
    Result {},
    /// A bid, for its bidder.
    Bid {
        /// Whose.
        address: String,
        /// Viewing key of that account.
        key: String,
    },
    /// A question about the signer of a permit.
    WithPermit {
        /// The permit.
        permit: permit::Permit<Permission>,
        /// The question.
        query: PermittedQuery,
    },
}

/// Questions that a permit opens.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum PermittedQuery {
    /// The signer's bid.
    Bid {},
}

/// What a permit may open.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// The bid.
    Bid,
    /// Everything.
    Owner,
}

impl permit::Permission for Permission {
    const OWNER: Self = Permission::Owner;

    fn name(self) -> &'static str {
        match self {
            Permission::Bid => "bid",
            Permission::Owner => "owner",
        }
    }
}

/// How far an auction is.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Bids are taken, or would be if it were not too late.
    Open,
    /// No more bids; nobody is paid yet.
    Closed,
    /// The seller is paid, and bidders are paid back.
    Settled,
}

/// What execute answers, beside `{"<variant>":{"status":"success"}}`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ExecuteAnswer {
    /// The made key.
    CreateViewingKey {
        /// Its text.
        key: String,
    },
    /// How much is left to do.
    Settle {
        /// Bidders who wait for their deposit.
        left: u32,
    },
}

/// What queries answer.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum QueryAnswer {
    /// What everybody may know.
    Auction {
        /// What is sold.
        item: String,
        /// Who is paid.
        seller: Addr,
        /// The token's address.
        token: Addr,
        /// In seconds since 1970.
        ends_at: u64,
        /// Least bid.
        minimum: Uint128,
        /// How far it is.
        phase: Phase,
    },
    /// How it ended; nobody, if there was no bid or it is not settled.
    Result {
        /// Who bought.
        winner: Option<Addr>,
        /// For how much.
        price: Option<Uint128>,
    },
    /// A bidder's own bid; zeros, if there is none.
    Bid {
        /// How much.
        amount: Uint128,
        /// Tokens that the auction holds for it.
        deposit: Uint128,
    },
    /// The key is wrong, or there is none.
    ViewingKeyError {
        /// The same text in both cases.
        msg: String,
    },
}
