//! The query lanes: contract queries and public ones at the newest committed height, evidence, status.
//!
//! A query pins the version that it began with; it never waits for a block and never goes back. Its gas bounds its time,
//! the number of lanes bounds how many run at once, the queue before them how many wait.

use crate::failure::failure;
use crate::proven::Proven;
use crate::shared::Shared;
use std::sync::Arc;
use strongroom_bridge::lane::Asker;
use strongroom_bridge::message::QueryResult;
use strongroom_bridge::{Failure, FailureCode, Reply, Request};
use strongroom_chain::query::{QueryStop, query};
use strongroom_chain::{NoSecrets, Secrets, Services};

/// What the query lanes do.
pub(crate) struct Queries {
    shared: Arc<Shared>,
}

impl Queries {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Serves one request.
    pub(crate) fn serve(&self, request: Request, asker: &Asker<'_>) -> Reply {
        let outcome = match request {
            Request::Status => Ok(Reply::Status(self.shared.status())),
            Request::Query { path, data } => {
                self.shared.brake.run(|| self.query(&path, &data, asker))
            }
            Request::Attest { report_data } => self.shared.brake.run(|| self.attest(&report_data)),
            Request::Simulate { .. } => self.shared.brake.run(|| {
                let text = "no policy of genesis allows contract messages that nobody decided";
                Err(failure(FailureCode::SimulationRefused, text))
            }),
            _ => Err(failure(FailureCode::Broken, "a request on the wrong lane")),
        };
        outcome.unwrap_or_else(Reply::Failed)
    }

    fn query(&self, path: &str, data: &[u8], asker: &Asker<'_>) -> Result<Reply, Failure> {
        let published = self
            .shared
            .published()
            .ok_or_else(|| failure(FailureCode::NotReady, "no height is committed yet"))?;
        let keys = self.shared.keys();
        let secrets: &dyn Secrets = match &keys {
            Some(keys) => &**keys,
            None => &NoSecrets,
        };
        let height = published.block.height;
        let proven = Proven::new(published.pin(), height, asker);
        let services = Services {
            code: &proven,
            vm: &self.shared.machine,
        };
        let outcome = match query(&proven, secrets, services, &published.block, path, data) {
            Ok(response) => Ok(response),
            Err(QueryStop::Error(error)) => {
                Err(borsh::to_vec(&error).map_err(|e| failure(FailureCode::Broken, e))?)
            }
            Err(QueryStop::Fault(fault)) => return Err(proven.failure_of(&fault)),
        };
        published.learn(proven.into_forest());
        Ok(Reply::Query(QueryResult { height, outcome }))
    }

    fn attest(&self, report_data: &[u8; 64]) -> Result<Reply, Failure> {
        let evidence = self
            .shared
            .platform
            .attest(report_data)
            .map_err(|e| failure(FailureCode::Platform, e))?;
        Ok(Reply::Evidence {
            evidence: evidence.encode(),
        })
    }
}
