//! The query lanes: contract queries and public ones at the newest committed height, evidence, status; and those for simulations.
//!
//! A query pins the version that it began with; it never waits for a block and never goes back. Its gas bounds its time,
//! the number of lanes bounds how many run at once, the queue before them how many wait.
//!
//! A simulation runs what nobody has decided, and only where the committed state says that genesis allows it (ADR 27). Nothing of it stays:
//! neither what it wrote nor what was proven for it.
//!
//! What is thrown away fails alone: whoever asks has it run what stopped a block, too. A panic or a fault ends one query, unless the host has lied.

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
use strongroom_vm::guard;

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
            Request::Query { path, data } => self.alone(|| self.query(&path, &data, host)),
            Request::Attest { nonce } => self.shared.latch.run(|| self.attest(nonce)),
            Request::Simulate { tx } => self.alone(|| self.simulate(&tx, host)),
            _ => Err(failure(FailureCode::Broken, "a request on the wrong lane")),
        };
        outcome.unwrap_or_else(Reply::Failed)
    }

    /// Runs what leaves nothing behind, so that what goes wrong in it is its own. The transaction that was left out of a block (ADR 12) can be asked for again
    /// here, by anybody, and a machine without memory for a query may have it for a block. What other requests see is whole at every moment of it: versions,
    /// keys and modules are replaced in one step.
    fn alone(&self, work: impl FnOnce() -> Result<Reply, Failure>) -> Result<Reply, Failure> {
        self.shared.latch.run(|| {
            let panicked = || Err(failure(FailureCode::Broken, "a panic"));
            guard::attempt(work)
                .unwrap_or_else(panicked)
                .map_err(|failure| match failure.code {
                    FailureCode::Broken => Failure {
                        code: FailureCode::QueryFailed,
                        ..failure
                    },
                    _ => failure,
                })
        })
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
        let keys = published.keys.as_ref();
        // Genesis refuses the policy elsewhere; here it is refused whatever genesis let pass.
        if !open || keys.is_some_and(|keys| keys.security() != Security::Insecure) {
            let text = "no policy of genesis allows contract messages that nobody decided";
            return Err(failure(FailureCode::SimulationRefused, text));
        }
        let keys = keys.ok_or_else(|| {
            let text = "this node has no keys of the network yet, so it runs no contracts";
            failure(FailureCode::NotReady, text)
        })?;
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

    /// Where a mistake of ours, wherever it is, would panic: whatever is read here panics first.
    struct Panics;

    impl HostClient for Panics {
        fn request(&self, _: EnclaveRequest) -> Result<HostResponse, DoorError> {
            // What the hook of the process asks before it ends it.
            assert!(guard::inside());
            panic!("a mistake of ours")
        }
    }

    struct Lies;

    impl HostClient for Lies {
        fn request(&self, _: EnclaveRequest) -> Result<HostResponse, DoorError> {
            Ok(HostResponse::Code(None))
        }
    }

    const POLICY: &[u8] = b"compute/simulation";
    const OPEN: &[u8] = &[1, 1];
    const PARAMS: &[u8] = b"compute/params";

    /// The lanes at height 1, on a state of these rows. `None` knows its roots alone.
    fn lanes(keys: Option<Security>, rows: Option<&[(&[u8], &[u8])]>) -> Queries {
        let genesis_hash = [6; 32];
        let mut forest = PartialForest::empty();
        let written = rows.unwrap_or(&[(POLICY, OPEN)]).iter();
        let written = written.map(|(k, v)| ((Tree::Native, k.to_vec()), Some(v.to_vec())));
        forest.apply(&WriteSet(written.collect())).unwrap();
        if rows.is_none() {
            forest = PartialForest::blind(&forest.roots(), &forest.app_hash()).unwrap();
        }
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
        Queries::new(Arc::new(shared))
    }

    fn simulation() -> Request {
        Request::Simulate { tx: vec![0xff] }
    }

    fn query() -> Request {
        Request::Query {
            path: String::from("/secret.compute.v1beta1.Query/Params"),
            data: Vec::new(),
        }
    }

    /// What is said to bytes that are no transaction, on a state that has the policy, however it came there.
    fn said(keys: Option<Security>) -> Reply {
        lanes(keys, Some(&[(POLICY, OPEN)])).serve(simulation(), &Nobody)
    }

    #[test]
    fn a_policy_that_lies_in_the_state_opens_no_simulation_to_keys_that_are_to_be_secret() {
        let insecure = said(Some(Security::Insecure));
        assert!(
            matches!(&insecure, Reply::Query(told) if told.outcome.is_err()),
            "{insecure:?}"
        );
        for (keys, code) in [
            (Some(Security::Attested), FailureCode::SimulationRefused),
            // The network may; this node cannot yet.
            (None, FailureCode::NotReady),
        ] {
            let refused = said(keys);
            assert!(
                matches!(&refused, Reply::Failed(f) if f.code == code),
                "{refused:?}"
            );
        }
    }

    /// How a request failed, and what stopped the lanes.
    fn failed(lanes: &Queries, request: Request, host: &dyn HostClient) -> (FailureCode, bool) {
        match lanes.serve(request, host) {
            Reply::Failed(failure) => (failure.code, lanes.shared.latch.stopped().is_some()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_query_or_simulation_that_faults_or_panics_fails_alone_and_the_next_one_is_answered() {
        let keys = Some(Security::Insecure);
        for (request, key) in [(simulation(), POLICY), (query(), PARAMS)] {
            // A fault: a value that nobody of us wrote.
            let broken = lanes(keys, Some(&[(key, &[9_u8; 9][..])]));
            let told = failed(&broken, request.clone(), &Nobody);
            assert_eq!(told, (FailureCode::QueryFailed, false));
            let path = String::from("/no.such.Service/Method");
            let other = Request::Query {
                path,
                data: Vec::new(),
            };
            assert!(matches!(broken.serve(other, &Nobody), Reply::Query(_)));
            // A panic.
            let blind = lanes(keys, None);
            let told = failed(&blind, request.clone(), &Panics);
            assert_eq!(told, (FailureCode::QueryFailed, false));
            let told = failed(&blind, request, &Nobody);
            assert_eq!(told, (FailureCode::Unavailable, false));
        }
    }

    #[test]
    fn a_lie_of_the_host_stops_the_enclave_whatever_it_was_asked_for() {
        for request in [simulation(), query()] {
            let lanes = lanes(Some(Security::Insecure), None);
            let told = failed(&lanes, request, &Lies);
            assert_eq!(told, (FailureCode::Answer, true));
        }
    }
}
