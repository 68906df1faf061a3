//! What the contract understands.

use cosmwasm_std::{Binary, Reply, SubMsg};
use imports::Call;
use serde::{Deserialize, Serialize};

/// The message of every entry point: what to do, in this order. Each part may be left out.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Act {
    /// Forget what it was told so far.
    pub forget: bool,
    /// Keep this as the note.
    pub note: Option<String>,
    /// What to do when it is told of a message.
    pub when_told: Vec<Planned>,
    /// Call these imports; the answers are a list of [`imports::Answer`], and the data if `data` says nothing else.
    pub calls: Vec<Call>,
    /// Panic with this text.
    pub panic: Option<String>,
    /// Fail with this text.
    pub fail: Option<String>,
    /// Send these.
    pub messages: Vec<SubMsg>,
    /// Answer this.
    pub data: Option<Binary>,
    /// Attributes in clear, key and value.
    pub shows: Vec<(String, String)>,
    /// Sealed attributes, key and value.
    pub says: Vec<(String, String)>,
}

/// What to do when it is told of a message.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Planned {
    /// The number of the message.
    pub id: u64,
    /// What to do.
    pub act: Act,
}

/// What it may be asked.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum QueryMsg {
    /// All that it was told, as [`Told`].
    Told {},
    /// The note, as text.
    Note {},
    /// Calls these imports: a list of [`imports::Answer`].
    Call {
        /// In order.
        calls: Vec<Call>,
    },
}

/// What the contract was told.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// In order.
    pub told: Vec<Reply>,
}
