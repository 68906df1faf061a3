//! `abci_query`: the full gRPC method as path, an encoded request in, an encoded response out (wire.md 4.2).

use crate::rpc::backend::AbciQueryAnswer;
use crate::services::Services;

/// Answers a query of CometBFT's RPC. Errors are in the answer, in the face that the RPC shows.
pub(crate) fn query(services: &Services, path: &str, data: &[u8], height: i64) -> AbciQueryAnswer {
    let wanted = u64::try_from(height).unwrap_or(0);
    match services.call(path, data, wanted) {
        Ok((height, value)) => AbciQueryAnswer {
            value,
            height: i64::try_from(height).unwrap_or(i64::MAX),
            ..AbciQueryAnswer::default()
        },
        Err(e) => {
            let error = e.abci();
            AbciQueryAnswer {
                code: error.code,
                codespace: error.codespace,
                log: error.text,
                height,
                ..AbciQueryAnswer::default()
            }
        }
    }
}
