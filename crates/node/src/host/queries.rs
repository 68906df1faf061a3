//! Public queries at any height that is kept, and queries of contracts, which the enclave answers at the newest.

use super::{At, Content, HostChain, busy, internal, not_served};
use crate::chain::query::{self, GrpcCode, QueryError, QueryStop};
use crate::chain::{ExecutionEnv, NoSecrets};
use strongroom_types::Height;

/// Queries of one or a few entries, which are answered at once. Any other may walk a list or give away a whole code, and
/// passes the gate.
pub(crate) const LIGHT: &[&str] = &[
    "/cosmos.auth.v1beta1.Query/Account",
    "/cosmos.auth.v1beta1.Query/AccountInfo",
    "/cosmos.auth.v1beta1.Query/Params",
    "/cosmos.bank.v1beta1.Query/Balance",
    "/cosmos.bank.v1beta1.Query/SpendableBalanceByDenom",
    "/cosmos.bank.v1beta1.Query/SupplyOf",
    "/cosmos.bank.v1beta1.Query/Params",
    "/cosmos.consensus.v1.Query/Params",
    "/secret.registration.v1beta1.Query/TxKey",
    "/secret.registration.v1beta1.Query/RegistrationKey",
    "/secret.compute.v1beta1.Query/ContractInfo",
    "/secret.compute.v1beta1.Query/CodeHashByContractAddress",
    "/secret.compute.v1beta1.Query/CodeHashByCodeId",
    "/secret.compute.v1beta1.Query/LabelByAddress",
    "/secret.compute.v1beta1.Query/AddressByLabel",
    "/secret.compute.v1beta1.Query/Params",
];

impl HostChain {
    /// Answers a query of the full gRPC method `path` at `height` (0: newest). Gives the height that was read.
    ///
    /// # Errors
    /// [`QueryError`] with both faces.
    pub fn query(
        &self,
        path: &str,
        request: &[u8],
        height: Height,
    ) -> Result<(Height, Vec<u8>), QueryError> {
        let block = self.block_at(height)?;
        if query::is_contract_query(path) {
            return self.contract_query(path, request, height, block.height);
        }
        let _pass = if LIGHT.contains(&path) {
            None
        } else {
            Some(self.gate.enter().map_err(busy)?)
        };
        let view = self.state.values(block.height).map_err(|e| internal(&e))?;
        let content = Content(&self.content);
        let env = ExecutionEnv {
            code: &content,
            engine: &self.engine,
        };
        match query::query(&At(&view), &NoSecrets, env, &block, path, request) {
            Ok(response) => Ok((block.height, response)),
            Err(QueryStop::Error(e)) => Err(e),
            Err(QueryStop::Fault(fault)) => Err(internal(&fault)),
        }
    }

    /// Contracts answer at the newest height only, so that nobody can ask them about the past.
    fn contract_query(
        &self,
        path: &str,
        request: &[u8],
        wanted: Height,
        newest: Height,
    ) -> Result<(Height, Vec<u8>), QueryError> {
        if wanted != 0 && wanted != self.head().height {
            return Err(QueryError::Status {
                code: GrpcCode::FailedPrecondition,
                text: format!("contract queries run at the newest height, {newest}"),
            });
        }
        let (height, outcome) = self
            .enclave
            .query(path, request.to_vec())
            .map_err(not_served)?;
        outcome.map(|response| (height, response))
    }
}
