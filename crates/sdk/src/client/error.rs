//! What may be wrong when a client talks to a network.

use super::rest;
use crate::keys::KeyError;
use crate::light;
use crate::message::SealError;
use crate::types::{Address, Height};
use core::time::Duration;
use strongroom_proof::comet::BLOCK_PROTOCOL;

/// Why there is no answer, or not the one that was hoped for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The transport has no answer.
    #[error("the node does not answer: {0}")]
    NoAnswer(String),
    /// There is no TLS with the node that holds.
    #[cfg(all(feature = "net", not(target_arch = "wasm32")))]
    #[error(transparent)]
    Tls(#[from] crate::net::TlsError),
    /// The answer is no JSON-RPC, and there is no REST either.
    #[error("this is neither the RPC of a node nor its REST: it says {0:?}")]
    NotRpc(String),
    /// The answer is none of REST, which was there before.
    #[error("this is not the REST of a node: it says {0:?}")]
    NotRest(String),
    /// Whoever answers has no time now. Whether a transaction was taken that was sent with the question nobody knows.
    #[error("the node has no time now: {why}")]
    Busy {
        /// Its words, and when to ask again.
        why: String,
        /// When to ask again, if it says so.
        again: Option<Duration>,
    },
    /// The node's REST has no route for this.
    #[error("the REST of this node cannot answer {0}: name the address of its RPC (port 26657)")]
    NoRoute(String),
    /// REST has a question in its address, which has bounds.
    #[error(
        "the question is too long for an address of REST (65,534 bytes at a node, often 8 KiB at a proxy): name the address of the node's RPC (port 26657)"
    )]
    TooLong,
    /// The RPC refused the call, or a route of REST.
    #[error("{0}")]
    Rpc(String),
    /// An answer has not the form of CometBFT's.
    #[error("the answer to {method} has a bad {field}")]
    Form {
        /// What was asked.
        method: &'static str,
        /// Where its answer is wrong.
        field: &'static str,
    },
    /// The node speaks of blocks as another version of the protocol has them: nothing of it can be checked.
    #[error(
        "the node speaks version {found} of the block protocol, and this client version {BLOCK_PROTOCOL}: use the client that came with the node"
    )]
    OtherVersion {
        /// The node's version.
        found: u64,
    },
    /// The chain refused a query.
    #[error("{log}")]
    Query {
        /// Family of the code; `grpc` where REST has refused, which names no other.
        codespace: String,
        /// Code.
        code: u64,
        /// Its text.
        log: String,
    },
    /// The contract answered a query with an error of its own, opened.
    #[error("the contract says: {0}")]
    Contract(String),
    /// What is to be sent to a contract cannot be written as JSON.
    #[error("the message cannot be written as JSON")]
    NoJson,
    /// The answer of a contract is no JSON, or does not open.
    #[error("the contract's answer cannot be read: {0}")]
    Answer(&'static str),
    /// An account that the chain does not know.
    #[error("{0} has no account: it needs coins first")]
    NoAccount(Address),
    /// The node says that CheckTx refused the transaction. That no block holds it, and nothing was paid, is the node's word: one that lies may
    /// have passed it on. [`Client::send`](super::Client::send) ends so only where the node is believed.
    #[error("the transaction is refused: {log} ({codespace} {code})")]
    Refused {
        /// Family of the code.
        codespace: String,
        /// Code.
        code: u64,
        /// Its text.
        log: String,
        /// Hash of the transaction, upper-case hex.
        hash: String,
    },
    /// The transaction is in a block, and failed there: proven, or the node's word where nothing is trusted
    /// ([`Included::proven`](super::Included::proven)). The text is the node's word always.
    #[error("the transaction failed: {log} ({codespace} {code})")]
    Failed {
        /// Family of the code.
        codespace: String,
        /// Code.
        code: u32,
        /// Its text.
        log: String,
        /// Hash of the transaction, upper-case hex.
        hash: String,
    },
    /// No block has the transaction; it may still get into one.
    #[error("transaction {hash} is in no block yet: ask for it later")]
    NotIncluded {
        /// Hash of the transaction, upper-case hex.
        hash: String,
    },
    /// The transaction was sent, or may have been, and nobody says how it ended: it may be in a block, or still get into one. Ask with
    /// [`Client::wait`](super::Client::wait) or [`Client::settled`](super::Client::settled) before anything is sent in its place.
    #[error(
        "transaction {hash} was sent, and how it ended is unknown ({why}): ask for it later, at another node too"
    )]
    Unknown {
        /// Hash of the transaction, upper-case hex.
        hash: String,
        /// What went wrong.
        why: Box<Error>,
    },
    /// It is proven that a block holds the transaction, and not how it ended there: the reason of an [`Error::Unknown`].
    #[error("block {height} holds it, and whether it succeeded there is not proven")]
    NoResult {
        /// Height of the block.
        height: Height,
    },
    /// What the node tells of the state does not follow from what the caller trusts.
    #[error(transparent)]
    Light(#[from] light::Error),
    /// A message cannot be sealed, or an answer not be opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The key did not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Error {
    /// Whether the chain says that what a query asks for is not there. REST says it with a code of gRPC; with another one the words are of something else.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Query {
                codespace,
                code,
                log,
            } => log.contains("not found") && (codespace != rest::GRPC || *code == rest::NOT_FOUND),
            _ => false,
        }
    }

    /// A stable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoAnswer(_) => "client.no_answer",
            #[cfg(all(feature = "net", not(target_arch = "wasm32")))]
            Self::Tls(e) => e.code(),
            Self::NotRpc(_) => "client.not_rpc",
            Self::NotRest(_) => "client.not_rest",
            Self::Busy { .. } => "client.busy",
            Self::NoRoute(_) => "client.no_route",
            Self::TooLong => "client.too_long",
            Self::Rpc(_) => "client.rpc",
            Self::Form { .. } => "client.form",
            Self::OtherVersion { .. } => "client.other_version",
            Self::Query { .. } => "client.query",
            Self::Contract(_) => "client.contract",
            Self::NoJson => "client.no_json",
            Self::Answer(_) => "client.answer",
            Self::NoAccount(_) => "client.no_account",
            Self::Refused { .. } => "client.refused",
            Self::Failed { .. } => "client.failed",
            Self::NotIncluded { .. } => "client.not_included",
            Self::Unknown { .. } => "client.outcome_unknown",
            Self::NoResult { .. } => "client.no_result",
            Self::Light(e) => e.code(),
            Self::Seal(_) => "client.seal",
            Self::Key(_) => "client.key",
        }
    }
}
