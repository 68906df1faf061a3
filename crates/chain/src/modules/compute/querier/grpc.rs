//! Queries of other modules that contracts ask in protobuf, as clients do (contract-abi.md 7.12).

use super::{Answer, SystemError};
use crate::ctx::Ctx;
use crate::error::Stop;
use crate::module;
use crate::query::{QueryError, QueryStop};

/// Methods that contracts may ask: of those of the protocol, the ones whose modules exist. Each reads a few entries of the state that
/// the call sees.
const ALLOWED: [&str; 12] = [
    "/cosmos.auth.v1beta1.Query/Account",
    "/cosmos.auth.v1beta1.Query/Params",
    "/cosmos.bank.v1beta1.Query/Balance",
    "/cosmos.bank.v1beta1.Query/DenomMetadata",
    "/cosmos.bank.v1beta1.Query/SupplyOf",
    "/cosmos.bank.v1beta1.Query/Params",
    "/cosmos.feegrant.v1beta1.Query/Allowance",
    "/secret.compute.v1beta1.Query/ContractInfo",
    "/secret.compute.v1beta1.Query/CodeHashByContractAddress",
    "/secret.compute.v1beta1.Query/CodeHashByCodeId",
    "/secret.compute.v1beta1.Query/LabelByAddress",
    "/secret.compute.v1beta1.Query/AddressByLabel",
];

/// Answers an encoded request with an encoded response.
///
/// # Errors
/// Out of gas or a fault; a request that is refused is an answer.
pub(super) fn ask(ctx: &mut Ctx<'_, '_>, path: &str, request: &[u8]) -> Result<Answer, Stop> {
    let handler = Some(path)
        .filter(|path| ALLOWED.contains(path))
        .and_then(|path| path.strip_prefix('/')?.split_once('/'))
        .and_then(|(service, method)| module::query(service, method));
    let Some(handler) = handler else {
        let path: String = path.chars().take(PATH_CHARS_MAX).collect();
        return Ok(Answer::System(SystemError::UnsupportedRequest {
            kind: format!("query path '{path}' is not allowed from the contract"),
        }));
    };
    match (handler.run)(ctx, request) {
        Ok(response) => Ok(Answer::Ok(response)),
        Err(QueryStop::Error(QueryError::OutOfGas(_))) => Err(Stop::OutOfGas("Contract query")),
        Err(QueryStop::Error(error)) => Ok(Answer::Error(error.grpc().1)),
        Err(QueryStop::Fault(fault)) => Err(fault.into()),
    }
}

/// Characters of a path that a refusal quotes: more than any method has.
const PATH_CHARS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_that_contracts_may_ask_exists_or_its_module_does_not() {
        for path in ALLOWED {
            let (service, method) = path[1..].split_once('/').unwrap();
            let found = module::query(service, method);
            assert!(found.is_some_and(|q| !q.runs_contract), "{path}");
        }
    }
}
