//! What the contract understands: each message has a secret number, 1 or 2, and tells it in one way.

use serde::{Deserialize, Serialize};

/// How to begin.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct InstantiateMsg {}

/// Beside its own fields every message may have a `gas_target` (SNIP-50), so that its gas is not what tells.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ExecuteMsg {
    /// Tells nothing: the same steps for each number.
    Nothing {
        /// 1 or 2.
        secret: u32,
    },
    /// Works so much longer.
    Work {
        /// 1 or 2.
        secret: u32,
    },
    /// Succeeds with 1 only.
    Fail {
        /// 1 or 2.
        secret: u32,
    },
    /// Fails with one text or another, of other lengths.
    FailLong {
        /// 1 or 2.
        secret: u32,
    },
    /// Answers ten times so many bytes, which are no JSON.
    Answer {
        /// 1 or 2.
        secret: u32,
    },
    /// Emits so many sealed attributes.
    Attributes {
        /// 1 or 2.
        secret: u32,
    },
    /// Emits a sealed attribute of ten times this length.
    LongAttribute {
        /// 1 or 2.
        secret: u32,
    },
    /// Emits an event of this name.
    Event {
        /// 1 or 2.
        secret: u32,
    },
    /// Shows the number in an attribute that everybody reads.
    Show {
        /// 1 or 2.
        secret: u32,
    },
    /// Reads so many records.
    Read {
        /// 1 or 2.
        secret: u32,
    },
    /// Writes so many records.
    Write {
        /// 1 or 2.
        secret: u32,
    },
    /// Writes one record, so long.
    WriteLong {
        /// 1 or 2.
        secret: u32,
    },
    /// Reads what [`ExecuteMsg::WriteLong`] wrote.
    ReadLong {},
    /// Reads a record of this name.
    Touch {
        /// 1 or 2.
        secret: u32,
    },
    /// Reads two records, in one order or the other.
    Order {
        /// 1 or 2.
        secret: u32,
    },
    /// Calls itself or does not.
    Call {
        /// 1 or 2.
        secret: u32,
    },
    /// Sends a coin to one or the other.
    Pay {
        /// 1 or 2.
        secret: u32,
        /// Who gets it with 1, who with 2.
        to: [String; 2],
    },
}

/// Questions.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum QueryMsg {
    /// Answers ten times so many bytes.
    Answer {
        /// 1 or 2.
        secret: u32,
    },
    /// Reads so many records.
    Read {
        /// 1 or 2.
        secret: u32,
    },
}
