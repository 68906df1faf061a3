//! Errors of transactions and queries as clients see them: (codespace, code, text) (wire.md 1.12).
//!
//! A registered error is a constant ([`Registered`]); wrapping prepends, so its description stays last.

use borsh::{BorshDeserialize, BorshSerialize};

/// The name of a family of error codes, e.g. `sdk`, `compute`.
pub type Codespace = &'static str;

/// An error that a client sees: stable (codespace, code) and the text. Wrapping prepends: `detail: description`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, thiserror::Error)]
#[error("{text}")]
pub struct TxError {
    /// Family, `sdk`, `compute`, …; `undefined` for unregistered errors (code 1).
    pub codespace: String,
    /// Stable within the codespace; never 0.
    pub code: u32,
    /// The text, wrapping included.
    pub text: String,
}

impl TxError {
    /// An error with this text as it is.
    #[must_use]
    pub fn new(codespace: &str, code: u32, text: impl Into<String>) -> Self {
        Self {
            codespace: codespace.to_owned(),
            code,
            text: text.into(),
        }
    }

    /// An error that no family registered: codespace `undefined`, code 1.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self::new(UNDEFINED, 1, text)
    }

    /// `detail: text`, same code.
    #[must_use]
    pub fn wrap(mut self, detail: impl core::fmt::Display) -> Self {
        self.text = format!("{detail}: {}", self.text);
        self
    }

    /// `prefix` directly before the text, same code (`dispatch: submessages: ` and the like).
    #[must_use]
    pub fn prefixed(mut self, prefix: &str) -> Self {
        self.text.insert_str(0, prefix);
        self
    }

    /// Whether it carries this registered code.
    #[must_use]
    pub fn is(&self, error: &Registered) -> bool {
        self.codespace == error.codespace && self.code == error.code
    }

    /// The error of a query over RPC `abci_query` (wire.md 1.12.1): registered → sdk 6, plain → sdk 18.
    #[must_use]
    pub fn into_abci_query(self) -> Self {
        let outer = if self.codespace == UNDEFINED {
            sdk::INVALID_REQUEST
        } else {
            sdk::UNKNOWN_REQUEST
        };
        outer.wrap(self.text)
    }
}

/// A registered error: a constant of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Family.
    pub codespace: Codespace,
    /// Code within it.
    pub code: u32,
    /// The registered description, the last part of every text.
    pub description: &'static str,
}

impl Registered {
    /// The error with its description as the whole text.
    #[must_use]
    pub fn bare(&self) -> TxError {
        TxError::new(self.codespace, self.code, self.description)
    }

    /// The error as `detail: description`.
    #[must_use]
    pub fn wrap(&self, detail: impl core::fmt::Display) -> TxError {
        self.bare().wrap(detail)
    }
}

impl From<Registered> for TxError {
    fn from(error: Registered) -> Self {
        error.bare()
    }
}

/// The codespace of errors that no family registered.
pub const UNDEFINED: Codespace = "undefined";

/// The errors of a codespace: `errors!("codespace" { NAME = code "description", … })` makes a constant of each, and `ALL`.
#[macro_export]
macro_rules! errors {
    ($codespace:literal { $($name:ident = $code:literal $text:literal),* $(,)? }) => {
        /// The name of this family.
        pub const CODESPACE: $crate::Codespace = $codespace;
        $(
            #[doc = concat!("Code ", stringify!($code), ": `", $text, "`.")]
            pub const $name: $crate::error::Registered = $crate::error::Registered {
                codespace: CODESPACE,
                code: $code,
                description: $text,
            };
        )*
        /// All of them.
        pub const ALL: &[$crate::error::Registered] = &[$($name),*];
    };
}

/// Errors of the framework: envelope, ante chain, addresses, coins.
pub mod sdk {
    crate::errors!("sdk" {
        TX_DECODE = 2 "tx parse error",
        INVALID_SEQUENCE = 3 "invalid sequence",
        UNAUTHORIZED = 4 "unauthorized",
        INSUFFICIENT_FUNDS = 5 "insufficient funds",
        UNKNOWN_REQUEST = 6 "unknown request",
        INVALID_ADDRESS = 7 "invalid address",
        INVALID_PUBKEY = 8 "invalid pubkey",
        UNKNOWN_ADDRESS = 9 "unknown address",
        INVALID_COINS = 10 "invalid coins",
        OUT_OF_GAS = 11 "out of gas",
        MEMO_TOO_LARGE = 12 "memo too large",
        INSUFFICIENT_FEE = 13 "insufficient fee",
        TOO_MANY_SIGNATURES = 14 "maximum number of signatures exceeded",
        NO_SIGNATURES = 15 "no signatures supplied",
        JSON_MARSHAL = 16 "failed to marshal JSON bytes",
        JSON_UNMARSHAL = 17 "failed to unmarshal JSON bytes",
        INVALID_REQUEST = 18 "invalid request",
        TX_IN_MEMPOOL_CACHE = 19 "tx already in mempool",
        MEMPOOL_IS_FULL = 20 "mempool is full",
        TX_TOO_LARGE = 21 "tx too large",
        KEY_NOT_FOUND = 22 "key not found",
        INVALID_SIGNER_ORDER = 24 "tx intended signer does not match the given signer",
        INVALID_TYPE = 29 "invalid type",
        TX_TIMEOUT_HEIGHT = 30 "tx timeout height",
        UNKNOWN_EXTENSION_OPTIONS = 31 "unknown extension options",
        WRONG_SEQUENCE = 32 "incorrect account sequence",
        UNPACK_ANY = 34 "failed unpacking protobuf message from Any",
        LOGIC = 35 "internal logic error",
        CONFLICT = 36 "conflict",
        NOT_SUPPORTED = 37 "feature not supported",
        NOT_FOUND = 38 "not found",
        INVALID_GAS_LIMIT = 41 "invalid gas limit",
        LAST_MESSAGE_SENT = 40404 "Cannot send messages after last tx marker was set",
    });
}

/// Errors that only this chain knows.
pub mod chain {
    crate::errors!("strongroom" {
        LEFT_OUT = 1 "left out of its block by an exception of the network",
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_prepends_and_keeps_the_code() {
        let e = sdk::INSUFFICIENT_FUNDS.wrap("spendable balance 0uscrt is smaller than 5uscrt");
        assert_eq!(
            e.text,
            "spendable balance 0uscrt is smaller than 5uscrt: insufficient funds"
        );
        let e = e.wrap("outer");
        assert_eq!((e.codespace.as_str(), e.code), ("sdk", 5));
        assert!(e.is(&sdk::INSUFFICIENT_FUNDS) && e.text.starts_with("outer: spendable"));
    }

    #[test]
    fn a_query_error_over_rpc_is_wrapped_by_its_kind() {
        let e = sdk::UNKNOWN_ADDRESS.wrap("label").into_abci_query();
        assert_eq!(
            (e.code, e.text.as_str()),
            (6, "label: unknown address: unknown request")
        );
        let e = TxError::plain("failed to get code info for code id 7").into_abci_query();
        assert_eq!(
            (e.code, e.text.as_str()),
            (18, "failed to get code info for code id 7: invalid request")
        );
    }
}
