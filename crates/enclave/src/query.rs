//! The query lanes: contract queries and public ones at the newest committed height, evidence, status; and those for simulations.
//!
//! A query pins the version that it began with; it never waits for a block and never goes back. Its gas bounds its time,
//! the number of lanes bounds how many run at once, the queue before them how many wait.
//!
//! A simulation runs what nobody has decided, and only where the committed state says that genesis allows it (ADR 27). Nothing of it stays:
//! neither what it wrote nor what was proven for it.

use crate::failure::failure;
use crate::proven_state::ProvenState;
use crate::shared::Shared;
use std::sync::Arc;
use strongroom_attest::Statement;
use strongroom_bridge::lane::HostClient;
use strongroom_bridge::message::{QueryResult, Status};
use strongroom_bridge::{Failure, FailureCode, Reply, Request};
use strongroom_chain::modules::simulates_contracts;
use strongroom_chain::query::{QueryStop, query};
use strongroom_chain::{ExecutionEnv, NoSecrets, Secrets, simulate_sealed};
use strongroom_crypto::Security;
use strongroom_types::proto::Message as _;

/// The query lanes.
pub(crate) struct Queries {
    shared: Arc<Shared>,
}

impl Queries {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Serves one request.
    pub(crate) fn serve(&self, request: Request, host: &dyn HostClient) -> Reply {
        let outcome = match request {
            Request::Status => Ok(Reply::Status(self.shared.status())),
            Request::Query { path, data } => {
                self.shared.latch.run(|| self.query(&path, &data, host))
            }
            Request::Attest { nonce } => self.shared.latch.run(|| self.attest(nonce)),
            Request::Simulate { tx } => self.shared.latch.run(|| self.simulate(&tx, host)),
            _ => Err(failure(FailureCode::Broken, "a request on the wrong lane")),
        };
        outcome.unwrap_or_else(Reply::Failed)
    }

    fn query(&self, path: &str, data: &[u8], host: &dyn HostClient) -> Result<Reply, Failure> {
        let published = self
            .shared
            .published()
            .ok_or_else(|| failure(FailureCode::NotReady, "no height is committed yet"))?;
        let secrets: &dyn Secrets = match &published.keys {
            Some(keys) => keys.asked(&published.genesis_hash)?,
            None => &NoSecrets,
        };
        let height = published.block.height;
        let (forest, pinned) = published.pin();
        let proven = ProvenState::new(forest, height, host);
        let env = ExecutionEnv {
            code: &proven,
            engine: &self.shared.engine,
        };
        let outcome = query(&proven, secrets, env, &published.block, path, data);
        let outcome = told(outcome, &proven)?;
        if let Some(forest) = proven.into_learned() {
            published.learn(pinned, forest);
        }
        Ok(Reply::Query(QueryResult { height, outcome }))
    }

    /// The host is not asked whether it may: the policy is read from the state, and proven like all of it.
    fn simulate(&self, tx: &[u8], host: &dyn HostClient) -> Result<Reply, Failure> {
        let published = self
            .shared
            .published()
            .ok_or_else(|| failure(FailureCode::NotReady, "no height is committed yet"))?;
        let block = &published.block;
        let (forest, _) = published.pin();
        let proven = ProvenState::new(forest, block.height, host);
        let open = simulates_contracts(&proven).map_err(|fault| proven.failure_of(&fault))?;
        let keys = published.keys.as_ref().filter(|keys| {
            // Genesis refuses the policy elsewhere; here it is refused whatever genesis let pass.
            open && keys.security() == Security::Insecure
        });
        let Some(keys) = keys else {
            let text = "no policy of genesis allows contract messages that nobody decided";
            return Err(failure(FailureCode::SimulationRefused, text));
        };
        let keys = keys.asked(&published.genesis_hash)?;
        let secrets = keys.for_simulation(&block.header_hash, tx);
        let env = ExecutionEnv {
            code: &proven,
            engine: &self.shared.engine,
        };
        let outcome = simulate_sealed(&proven, &secrets, env, block, tx);
        let outcome = outcome.map(|done| done.into_response().encode_to_vec());
        Ok(Reply::Query(QueryResult {
            height: block.height,
            outcome: told(outcome, &proven)?,
        }))
    }

    /// The enclave says what is bound, the caller only makes it fresh: evidence can never be asked for over bytes that
    /// somebody else chose.
    fn attest(&self, nonce: [u8; 32]) -> Result<Reply, Failure> {
        let Status {
            keys: Some(keys),
            genesis_hash: Some(genesis_hash),
            ..
        } = self.shared.status()
        else {
            let text = "there are no keys of a network to attest";
            return Err(failure(FailureCode::NotReady, text));
        };
        let statement = Statement::NetworkKeys {
            genesis_hash,
            io_key: keys.io,
            exchange_key: keys.exchange,
            nonce,
        };
        let evidence = self
            .shared
            .platform
            .attest(&statement.report_data())
            .map_err(|e| failure(FailureCode::Platform, e))?;
        Ok(Reply::Evidence {
            evidence: evidence.encode(),
        })
    }
}

/// What a client is told: a response, or an encoded error. A fault is the enclave's.
fn told(
    outcome: Result<Vec<u8>, QueryStop>,
    proven: &ProvenState<'_>,
) -> Result<Result<Vec<u8>, Vec<u8>>, Failure> {
    match outcome {
        Ok(response) => Ok(Ok(response)),
        Err(QueryStop::Error(error)) => borsh::to_vec(&error)
            .map(Err)
            .map_err(|e| failure(FailureCode::Broken, e)),
        Err(QueryStop::Fault(fault)) => Err(proven.failure_of(&fault)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Simulated;
    use crate::secrets::Keys;
    use crate::shared::Published;
    use strongroom_bridge::{DoorError, EnclaveRequest, HostResponse};
    use strongroom_chain::BlockInfo;
    use strongroom_crypto::seal::Chain;
    use strongroom_crypto::seed::{MasterSeed, SeedRing};
    use strongroom_proof::PartialForest;
    use strongroom_types::{Timestamp, Tree, WriteSet};

    struct Nobody;

    impl HostClient for Nobody {
        fn request(&self, _: EnclaveRequest) -> Result<HostResponse, DoorError> {
            Err(DoorError::Turn("nobody is to be asked"))
        }
    }

    /// What is said to bytes that are no transaction, on a state that has the policy, however it came there.
    fn said(keys: Option<Security>) -> Reply {
        let genesis_hash = [6; 32];
        let mut forest = PartialForest::empty();
        let policy = (Tree::Native, b"compute/simulation".to_vec());
        let writes = WriteSet([(policy, Some(vec![1, 1]))].into());
        forest.apply(&writes).unwrap();
        let keys = keys.map(|security| {
            let chain = Chain {
                genesis_hash,
                security,
            };
            let ring = SeedRing::genesis(security, MasterSeed::new([1; 32]));
            Arc::new(Keys::of(&ring, chain).unwrap())
        });
        let block = BlockInfo {
            chain_id: String::from("test-1"),
            genesis_hash,
            height: 1,
            time: Timestamp::default(),
            header_hash: [7; 32],
            version_app: 1,
            misbehavior: Vec::new(),
        };
        let shared = Shared::new(Simulated::default(), Default::default());
        shared.keep(Published::new(block, genesis_hash, keys, forest));
        shared.acknowledge(1).unwrap();
        let tx = vec![0xff];
        Queries::new(Arc::new(shared)).serve(Request::Simulate { tx }, &Nobody)
    }

    #[test]
    fn a_policy_that_lies_in_the_state_opens_no_simulation_to_keys_that_are_to_be_secret() {
        let insecure = said(Some(Security::Insecure));
        assert!(
            matches!(&insecure, Reply::Query(told) if told.outcome.is_err()),
            "{insecure:?}"
        );
        for keys in [Some(Security::Attested), None] {
            let refused = said(keys);
            assert!(
                matches!(&refused, Reply::Failed(f) if f.code == FailureCode::SimulationRefused),
                "{refused:?}"
            );
        }
    }
}
