//! Errors of transactions and queries as clients see them: (codespace, code, text) (wire.md 1.12).

use borsh::{BorshDeserialize, BorshSerialize};

/// The name of a family of error codes, e.g. `sdk`, `compute`.
pub type Codespace = &'static str;

/// An error that a client sees: stable (codespace, code) and the text. Wrapping prepends: `detail: description`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TxError {
    /// Family, `sdk`, `compute`, …; `undefined` for unregistered errors (code 1).
    pub codespace: String,
    /// Stable within the codespace; never 0.
    pub code: u32,
    /// The text, wrapping included.
    pub text: String,
}
