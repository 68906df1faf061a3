//! What the counter understands and answers, as JSON.

use serde::{Deserialize, Serialize};

/// Creates a counter: `{"count":7}`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct InstantiateMsg {
    /// The number to start from.
    pub count: i32,
}

/// Changes the counter.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ExecuteMsg {
    /// Adds one: `{"increment":{}}`. Open to everyone.
    Increment {},
    /// Starts again from a chosen number: `{"reset":{"count":0}}`. Only for the owner.
    Reset {
        /// The number to start from.
        count: i32,
    },
}

/// Reads the counter.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum QueryMsg {
    /// The present number: `{"get_count":{}}`, answered by [`CountAnswer`].
    GetCount {},
}

/// The present number: `{"count":8}`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct CountAnswer {
    /// Increments since the start, plus the number started from.
    pub count: i32,
}
