//! What a query answers instead of a response, with its two faces (wire.md 1.12.1, 3.2).

use crate::error::{Fault, Stop};
use crate::module::registered;
use crate::types::TxError;
use crate::types::error::sdk;
use borsh::{BorshDeserialize, BorshSerialize};

/// The gRPC codes that we answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[non_exhaustive]
pub enum GrpcCode {
    /// 2: most errors of modules.
    Unknown,
    /// 3: malformed requests.
    InvalidArgument,
    /// 5: nothing there.
    NotFound,
    /// 9: not at this height.
    FailedPrecondition,
    /// 12: no such method.
    Unimplemented,
    /// 13: an error of this node.
    Internal,
    /// 8: no room for it now; may be asked again.
    ResourceExhausted,
    /// 14: busy; the same request may succeed later.
    Unavailable,
}

impl GrpcCode {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Unknown => 2,
            Self::InvalidArgument => 3,
            Self::NotFound => 5,
            Self::ResourceExhausted => 8,
            Self::FailedPrecondition => 9,
            Self::Unimplemented => 12,
            Self::Internal => 13,
            Self::Unavailable => 14,
        }
    }

    /// The HTTP status of the gateway.
    #[must_use]
    pub const fn http(self) -> u16 {
        match self {
            Self::InvalidArgument | Self::FailedPrecondition => 400,
            Self::NotFound => 404,
            Self::ResourceExhausted => 429,
            Self::Unimplemented => 501,
            Self::Unknown | Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    /// The name that gRPC libraries print.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::InvalidArgument => "InvalidArgument",
            Self::NotFound => "NotFound",
            Self::FailedPrecondition => "FailedPrecondition",
            Self::Unimplemented => "Unimplemented",
            Self::Internal => "Internal",
            Self::ResourceExhausted => "ResourceExhausted",
            Self::Unavailable => "Unavailable",
        }
    }
}

/// The error of a query.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[non_exhaustive]
pub enum QueryError {
    /// A gRPC status.
    Status {
        /// Code.
        code: GrpcCode,
        /// Text.
        text: String,
    },
    /// A module's error.
    Module(TxError),
    /// The gas of the query ran out at this location.
    OutOfGas(String),
    /// No such method.
    UnknownPath,
    /// A contract failed: the text is kept as it is, since clients look for patterns in it.
    Contract(TxError),
}

impl QueryError {
    /// gRPC 3.
    pub fn invalid_argument(text: impl Into<String>) -> Self {
        Self::Status {
            code: GrpcCode::InvalidArgument,
            text: text.into(),
        }
    }

    /// gRPC 5.
    pub fn not_found(text: impl Into<String>) -> Self {
        Self::Status {
            code: GrpcCode::NotFound,
            text: text.into(),
        }
    }

    /// The face over gRPC and REST. A registered error is reversed, but for that of a contract.
    #[must_use]
    pub fn grpc(&self) -> (GrpcCode, String) {
        match self {
            Self::Status { code, text } => (*code, text.clone()),
            Self::Module(e) => (GrpcCode::Unknown, reversed(e)),
            Self::Contract(e) => (GrpcCode::Unknown, e.text.clone()),
            Self::OutOfGas(location) => (GrpcCode::Internal, format!("{{{location}}}")),
            Self::UnknownPath => (GrpcCode::Unimplemented, "Not Implemented".into()),
        }
    }

    /// The face over RPC `abci_query`.
    #[must_use]
    pub fn abci(&self) -> TxError {
        match self {
            Self::Status { code, text } => {
                let outer = if *code == GrpcCode::NotFound {
                    sdk::KEY_NOT_FOUND
                } else {
                    sdk::INVALID_REQUEST
                };
                outer.wrap(format!("rpc error: code = {} desc = {text}", code.name()))
            }
            Self::Module(e) | Self::Contract(e) => e.clone().into_abci_query(),
            Self::OutOfGas(location) => {
                TxError::new("undefined", 111_222, format!("{{{location}}}: panic"))
            }
            Self::UnknownPath => sdk::UNKNOWN_REQUEST.wrap("unknown query path"),
        }
    }
}

/// The text of a query's gRPC status over REST (wire.md 1.12.1): a registered error is reversed to
/// `codespace <cs> code <n>: <description>[: <detail>]`, any other keeps its text.
fn reversed(error: &TxError) -> String {
    let Some(known) = registered(&error.codespace, error.code) else {
        return error.text.clone();
    };
    let head = format!(
        "codespace {} code {}: {}",
        known.codespace, known.code, known.description
    );
    match error
        .text
        .strip_suffix(known.description)
        .and_then(|t| t.strip_suffix(": "))
    {
        Some(detail) => format!("{head}: {detail}"),
        None => head,
    }
}

/// Why a query stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryStop {
    /// An error that the client sees.
    Error(QueryError),
    /// The state could not be read: an error of this node.
    Fault(Fault),
}

impl From<QueryError> for QueryStop {
    fn from(e: QueryError) -> Self {
        Self::Error(e)
    }
}

impl From<TxError> for QueryStop {
    fn from(e: TxError) -> Self {
        Self::Error(QueryError::Module(e))
    }
}

impl From<Fault> for QueryStop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Stop> for QueryStop {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Err(e) => e.into(),
            Stop::OutOfGas(location) => Self::Error(QueryError::OutOfGas(location.into())),
            Stop::Fault(fault) => Self::Fault(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::compute::error as compute;

    #[test]
    fn an_absent_account_reads_as_clients_expect_on_both_faces() {
        let e = QueryError::not_found("account x not found");
        assert_eq!(e.grpc(), (GrpcCode::NotFound, "account x not found".into()));
        let abci = e.abci();
        assert_eq!((abci.codespace.as_str(), abci.code), ("sdk", 22));
        assert_eq!(
            abci.text,
            "rpc error: code = NotFound desc = account x not found: key not found"
        );
    }

    #[test]
    fn a_failed_contract_query_keeps_its_text_over_rest_and_others_are_reversed() {
        let failed = QueryError::Contract(compute::QUERY_FAILED.wrap("encrypted: AAAA"));
        assert_eq!(failed.grpc().1, "encrypted: AAAA: query contract failed");
        assert_eq!(
            failed.abci().text,
            "encrypted: AAAA: query contract failed: unknown request"
        );
        let unknown = QueryError::Module(compute::NOT_FOUND.wrap("contract"));
        assert_eq!(
            unknown.grpc(),
            (
                GrpcCode::Unknown,
                "codespace compute code 9: not found: contract".into()
            )
        );
        let bare = QueryError::Module(compute::NOT_FOUND.bare());
        assert_eq!(bare.grpc().1, "codespace compute code 9: not found");
        let plain = QueryError::Module(TxError::plain("as it is"));
        assert_eq!(plain.grpc().1, "as it is");
    }

    #[test]
    fn a_query_out_of_gas_names_its_location_in_braces() {
        let e = QueryError::OutOfGas("wasm contract".into());
        assert_eq!(e.grpc(), (GrpcCode::Internal, "{wasm contract}".into()));
        assert_eq!(
            (e.abci().code, e.abci().text.as_str()),
            (111_222, "{wasm contract}: panic")
        );
    }
}
