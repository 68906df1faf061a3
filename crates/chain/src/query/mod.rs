//! Queries: the full gRPC method name and an encoded request in, an encoded response out (wire.md 4.1, 4.2).
//!
//! The host answers public queries with [`crate::NoSecrets`] at any height that it holds; contract queries run where the
//! secrets are. Errors have two faces, REST or gRPC and `abci_query` ([`QueryError`]).

mod error;
#[cfg(test)]
mod lists;
mod page;
#[cfg(test)]
mod tests;

pub use error::{GrpcCode, QueryError, QueryStop};
pub use page::{LIMIT_DEFAULT, LIMIT_MAX, OFFSET_MAX, Page};

use crate::ctx::{BlockInfo, Ctx, ExecutionEnv, Mode, TxInfo};
use crate::module;
use crate::overlay::Overlay;
use crate::ports::{Secrets, StateRead};
use crate::state::State;
use crate::types::Gas;
use prost::Message;

/// Gas of a query that runs no contract: bounds what is read behind one page, to ten times the costliest page that the
/// limits of [`Page`] allow.
pub const PUBLIC_QUERY_GAS: Gas = 10_000_000;
/// Largest request in bytes: a query message to a contract and its envelope.
pub const REQUEST_BYTES_MAX: usize = 4 << 20;

/// Whether a method runs contract code, and so needs the secrets.
#[must_use]
pub fn is_contract_query(path: &str) -> bool {
    handler(path).is_some_and(|q| q.runs_contract)
}

/// Answers a query against the state below, as of the block that made it.
///
/// # Errors
/// [`QueryStop::Error`] with both faces, or [`QueryStop::Fault`] if the state could not be read.
pub fn query(
    base: &dyn StateRead,
    secrets: &dyn Secrets,
    env: ExecutionEnv<'_>,
    block: &BlockInfo,
    path: &str,
    request: &[u8],
) -> Result<Vec<u8>, QueryStop> {
    if request.len() > REQUEST_BYTES_MAX {
        return Err(QueryError::invalid_argument(format!(
            "request longer than {REQUEST_BYTES_MAX} bytes"
        ))
        .into());
    }
    let handler = handler(path).ok_or(QueryError::UnknownPath)?;
    let gas = if handler.runs_contract {
        crate::gas::QUERY_MAX
    } else {
        PUBLIC_QUERY_GAS
    };
    let mut state = State::new(base, secrets, Overlay::default());
    let mut ctx = Ctx::new(&mut state, block, TxInfo::default(), Mode::Query, env, gas);
    (handler.run)(&mut ctx, request)
}

/// The handler of `/service/method`.
fn handler(path: &str) -> Option<&'static module::QueryHandler> {
    let (service, method) = path.strip_prefix('/')?.split_once('/')?;
    module::query(service, method)
}

/// Decodes a request.
///
/// # Errors
/// gRPC 3 for bytes that are no such message.
pub fn decode<M: Message + Default>(request: &[u8]) -> Result<M, QueryStop> {
    M::decode(request).map_err(|_| QueryError::invalid_argument("malformed request").into())
}
