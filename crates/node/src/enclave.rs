//! The node's side of the door: sends requests, and answers what the enclave asks from the store and the content.
//!
//! Promises: every answer is what the store holds; whatever cannot be had is answered as unavailable, never guessed.

use crate::chain::query::QueryError;
use crate::exceptions::{self, Exceptions};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use strongroom_bridge::message::{
    BlockResult, ChainResult, EnclaveRequest, HostResponse, Joining, Proven, PublicKeys,
    QueryResult, Reply, Request, Share, Status,
};
use strongroom_bridge::{DoorError, FailureCode, Transport};
use strongroom_store::{ContentStore, Error, StateStore, View};
use strongroom_types::{DecidedBlock, Hash, Height};

/// The enclave as the node sees it.
#[derive(Clone)]
pub struct Enclave {
    transport: Arc<dyn Transport>,
    state: Arc<StateStore>,
    content: Arc<ContentStore>,
    /// Transactions that the operator leaves out.
    exceptions: Arc<Exceptions>,
    /// Directory of reports of blocks that cannot be executed.
    reports: Option<PathBuf>,
}

/// How long an answer waits for the commit of the block that it is about.
const COMMIT_WAITS: Duration = Duration::from_secs(2);

/// A conversation that ended with another reply than its request has.
const OTHER_REPLY: DoorError = DoorError::Turn("the reply does not belong to the request");

/// Height and response, or the error that the client sees.
fn told(result: QueryResult) -> Result<(Height, Result<Vec<u8>, QueryError>), DoorError> {
    let outcome = match result.outcome {
        Ok(response) => Ok(response),
        Err(encoded) => Err(borsh::from_slice(&encoded).map_err(|_| OTHER_REPLY)?),
    };
    Ok((result.height, outcome))
}

impl Enclave {
    /// An enclave behind `transport` that is served from `state` and `content`.
    pub fn new(
        transport: Arc<dyn Transport>,
        state: Arc<StateStore>,
        content: Arc<ContentStore>,
    ) -> Self {
        Self {
            transport,
            state,
            content,
            exceptions: Arc::default(),
            reports: None,
        }
    }

    /// Leaves out these transactions, and reports a block that cannot be executed in the directory `reports`.
    #[must_use]
    pub fn with_operator(self, exceptions: Exceptions, reports: PathBuf) -> Self {
        Self {
            exceptions: Arc::new(exceptions),
            reports: Some(reports),
            ..self
        }
    }

    /// Makes a seed in the enclave's memory and tells the network's public keys.
    ///
    /// # Errors
    /// [`DoorError`]; `Failed` if the enclave refused.
    pub fn bootstrap_begin(&self) -> Result<PublicKeys, DoorError> {
        match self.call(Request::BootstrapBegin)? {
            Reply::Begun(keys) => Ok(keys),
            _ => Err(OTHER_REPLY),
        }
    }

    /// Evidence of the enclave that began the seed, for `app_state.registration` of the genesis file.
    ///
    /// # Errors
    /// As [`Enclave::bootstrap_begin`].
    pub fn bootstrap_attest(
        &self,
        chain_id: String,
        node_key: [u8; 32],
        consensus_key: [u8; 32],
    ) -> Result<Vec<u8>, DoorError> {
        match self.call(Request::BootstrapAttest {
            chain_id,
            node_key,
            consensus_key,
        })? {
            Reply::Evidence { evidence } => Ok(evidence),
            _ => Err(OTHER_REPLY),
        }
    }

    /// Seals the seed that was begun to these bytes of a genesis file.
    ///
    /// # Errors
    /// As [`Enclave::bootstrap_begin`].
    pub fn bootstrap_seal(&self, genesis: Vec<u8>) -> Result<Vec<u8>, DoorError> {
        match self.call(Request::BootstrapSeal { genesis })? {
            Reply::Sealed { seal } => Ok(seal),
            _ => Err(OTHER_REPLY),
        }
    }

    /// Opens a seal and stands where the anchor stands, the older one if there are two.
    ///
    /// # Errors
    /// As [`Enclave::bootstrap_begin`].
    pub fn unseal(
        &self,
        seal: Vec<u8>,
        genesis: Vec<u8>,
        anchors: Vec<Vec<u8>>,
    ) -> Result<Status, DoorError> {
        match self.call(Request::Unseal {
            seal,
            genesis,
            anchors,
        })? {
            Reply::Status(status) => Ok(status),
            _ => Err(OTHER_REPLY),
        }
    }

    /// The state of genesis.
    ///
    /// # Errors
    /// As [`Enclave::bootstrap_begin`].
    pub fn init_chain(&self, genesis: Vec<u8>) -> Result<ChainResult, DoorError> {
        match self.call(Request::InitChain { genesis })? {
            Reply::Chain(chain) => Ok(*chain),
            _ => Err(OTHER_REPLY),
        }
    }

    /// Evidence that this enclave holds the keys of its network, with a nonce of the caller: for renewing the registration of
    /// its node, the challenge that the chain has for it.
    ///
    /// # Errors
    /// As [`Enclave::bootstrap_begin`].
    pub fn attest(&self, nonce: Hash) -> Result<Vec<u8>, DoorError> {
        match self.call(Request::Attest { nonce })? {
            Reply::Evidence { evidence } => Ok(evidence),
            _ => Err(OTHER_REPLY),
        }
    }

    /// Makes a one-time key and its evidence, for joining the network of a genesis file.
    ///
    /// # Errors
    /// As [`Enclave::bootstrap_begin`].
    pub fn join_begin(
        &self,
        genesis: Vec<u8>,
        operator: [u8; 20],
        node_key: [u8; 32],
        consensus_key: [u8; 32],
    ) -> Result<Joining, DoorError> {
        match self.call(Request::JoinBegin {
            genesis,
            operator,
            node_key,
            consensus_key,
        })? {
            Reply::Joining(joining) => Ok(joining),
            _ => Err(OTHER_REPLY),
        }
    }

    /// Opens the share of this node, and gives the seal of the seeds and the proof of their possession.
    ///
    /// # Errors
    /// As [`Enclave::bootstrap_begin`].
    pub fn join_open(
        &self,
        genesis: Vec<u8>,
        one_time: Vec<u8>,
        light_blocks: Vec<Vec<u8>>,
        share: Share,
    ) -> Result<(Vec<u8>, [u8; 32]), DoorError> {
        match self.call(Request::JoinOpen {
            genesis,
            one_time,
            light_blocks,
            share,
        })? {
            Reply::Joined { seal, possession } => Ok((seal, possession)),
            _ => Err(OTHER_REPLY),
        }
    }

    /// Executes the decided block of this height, without the transactions that the operator leaves out.
    ///
    /// # Errors
    /// As [`Enclave::bootstrap_begin`].
    pub fn execute_block(
        &self,
        height: Height,
        block: &DecidedBlock,
    ) -> Result<BlockResult, DoorError> {
        let outcome = self.call(Request::ExecuteBlock {
            block: block.clone(),
            hints: Vec::new(),
            exceptions: self.exceptions.at(height),
        });
        if let (Err(error), Some(reports)) = (&outcome, &self.reports)
            && is_fault(error)
        {
            exceptions::report(reports, block, error);
        }
        match outcome? {
            Reply::Block(result) => Ok(*result),
            _ => Err(OTHER_REPLY),
        }
    }

    /// Tells that a height is durable: queries read it from now on.
    ///
    /// # Errors
    /// As [`Enclave::bootstrap_begin`].
    pub fn committed(&self, height: Height) -> Result<(), DoorError> {
        match self.call(Request::Committed { height })? {
            Reply::Published { height: published } if published == height => Ok(()),
            _ => Err(OTHER_REPLY),
        }
    }

    /// A query that needs the secrets, at the newest committed height: height and encoded response, or its error.
    ///
    /// # Errors
    /// As [`Enclave::bootstrap_begin`].
    pub fn query(
        &self,
        path: &str,
        data: Vec<u8>,
    ) -> Result<(Height, Result<Vec<u8>, QueryError>), DoorError> {
        match self.call(Request::Query {
            path: path.to_owned(),
            data,
        })? {
            Reply::Query(result) => told(result),
            _ => Err(OTHER_REPLY),
        }
    }

    /// The estimate of a transaction with messages to contracts, at the newest committed height: an encoded `SimulateResponse`, or its error.
    ///
    /// # Errors
    /// As [`Enclave::bootstrap_begin`].
    pub fn simulate(
        &self,
        tx: Vec<u8>,
    ) -> Result<(Height, Result<Vec<u8>, QueryError>), DoorError> {
        match self.call(Request::Simulate { tx })? {
            Reply::Query(result) => told(result),
            _ => Err(OTHER_REPLY),
        }
    }

    fn call(&self, request: Request) -> Result<Reply, DoorError> {
        // One view per height and conversation: it pins its version while the enclave reads.
        let mut views = BTreeMap::new();
        let mut short = None;
        let reply = self.transport.call(request, &mut |ask| {
            self.answer(&mut views, ask).unwrap_or_else(|e| {
                let text = e.to_string();
                if e.is_transient() {
                    short = Some(text.clone());
                }
                HostResponse::Unavailable { text }
            })
        });
        match (reply, short) {
            (Err(DoorError::Failed(failure)), Some(text))
                if failure.code == FailureCode::Unavailable =>
            {
                Err(DoorError::Short(text))
            }
            (reply, _) => reply,
        }
    }

    fn answer(
        &self,
        views: &mut BTreeMap<Height, View>,
        ask: EnclaveRequest,
    ) -> Result<HostResponse, Error> {
        match ask {
            EnclaveRequest::Get { height, tree, key } => {
                let (value, proof) = self.view(views, height)?.prove(tree, &key)?;
                Ok(HostResponse::Proven(Proven {
                    value,
                    proof: proof.encode(),
                }))
            }
            EnclaveRequest::GetForWrite { height, paths } => {
                let view = self.view(views, height)?;
                let proofs = paths
                    .iter()
                    .map(|(tree, key)| view.prove_path(*tree, key).map(|p| p.encode()));
                Ok(HostResponse::Paths(proofs.collect::<Result<_, _>>()?))
            }
            EnclaveRequest::GetCode { hash } => Ok(HostResponse::Code(self.content.get(&hash)?)),
        }
    }

    fn view<'v>(
        &self,
        views: &'v mut BTreeMap<Height, View>,
        height: Height,
    ) -> Result<&'v View, Error> {
        match views.entry(height) {
            std::collections::btree_map::Entry::Occupied(known) => Ok(known.into_mut()),
            std::collections::btree_map::Entry::Vacant(new) => {
                // While a block runs, the one before it may still be on its way to the disk. A disk that takes longer is short of
                // something, as one that is full: the block runs again.
                if !self.state.wait_for(height, COMMIT_WAITS) {
                    let detail = format!("height {height} is not committed yet");
                    return Err(Error::Short { detail });
                }
                Ok(new.insert(self.state.view(height)?))
            }
        }
    }
}

/// Whether a block that ended like this may end like this every time.
const fn is_fault(error: &DoorError) -> bool {
    match error {
        DoorError::Failed(failure) => failure.code.stops(),
        DoorError::Closed(_) => true,
        _ => false,
    }
}
