//! Results of execution in ABCI's words (CometBFT v0.38).

use borsh::{BorshDeserialize, BorshSerialize};

/// One attribute of an event.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Attribute {
    /// Key, plain text.
    pub key: String,
    /// Value, plain text.
    pub value: String,
    /// Whether the search index holds it; true everywhere on our chain.
    pub index: bool,
}

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Event {
    /// Type, e.g. `transfer`.
    pub kind: String,
    /// Attributes in order.
    pub attributes: Vec<Attribute>,
}

/// The result of one transaction: of its execution in a block, or of CheckTx, which has the same fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ExecTxResult {
    /// 0 for success.
    pub code: u32,
    /// Encoded `TxMsgData`; empty on failure.
    pub data: Vec<u8>,
    /// Empty on success, the error text on failure.
    pub log: String,
    /// Unused, always empty on our chain.
    pub info: String,
    /// The gas limit that the transaction asked for.
    pub gas_wanted: i64,
    /// The gas that it used.
    pub gas_used: i64,
    /// Events in order.
    pub events: Vec<Event>,
    /// Empty on success.
    pub codespace: String,
}

/// Why a transaction of a block did not run: the words that clients know.
pub const LEFT: &str = "no block gas left to run tx";

impl ExecTxResult {
    /// Whether it succeeded; of CheckTx: whether the transaction may wait for a block.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        self.code == 0
    }

    /// Whether the block had no room for the transaction: nothing happened, nothing was charged, and the same bytes are
    /// proposed again.
    #[must_use]
    pub fn is_left(&self) -> bool {
        self.code != 0 && (self.gas_wanted, self.gas_used) == (0, 0) && self.log.starts_with(LEFT)
    }
}

/// A change of the validator set.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ValidatorUpdate {
    /// Ed25519 public key, 32 bytes.
    pub pubkey: [u8; 32],
    /// New voting power; 0 removes.
    pub power: i64,
}
