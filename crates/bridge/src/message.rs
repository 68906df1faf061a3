//! What is said through the door: one enum per direction, each of two halves.
//!
//! A conversation is one stream: the host's [`Request`], then any number of ([`EnclaveRequest`] of the enclave, [`HostResponse`] of the
//! host), then the enclave's [`Reply`]. Encoding: [`VERSION`], then borsh. Limits: [`crate::spec`].

use crate::error::DoorError;
pub use crate::failure::{Failure, FailureCode, TxAt};
use crate::spec::{self, Spec};
use crate::types::consensus::{ConsensusParams, ConsensusParamsUpdate};
use crate::types::{
    DecidedBlock, Event, ExecTxResult, Hash, Height, Tree, ValidatorUpdate, WriteSet,
};
use borsh::{BorshDeserialize, BorshSerialize};

/// The messages that this build speaks: the first four bytes of SHA-256 over an example and the limit of each one
/// (`tests/it/version.rs` computes it again). It heads every message, so a host and an enclave with different messages refuse each other
/// by name and never take one message for another. It says nothing of what is in their byte fields (proofs, headers, anchors).
pub const VERSION: [u8; 4] = [176, 29, 156, 139];
/// Bytes before the fields of a message: version, half, kind.
pub const HEAD_BYTES: usize = VERSION.len() + 2;

/// Host → enclave.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum FromHost {
    /// Opens a stream.
    Request(Request),
    /// Answers the enclave's ask on an open stream.
    Response(HostResponse),
}

/// Enclave → host.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum FromEnclave {
    /// Needs something to go on.
    Request(EnclaveRequest),
    /// Ends the stream.
    Reply(Reply),
}

/// What the host wants. Nothing in it is believed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Request {
    /// Make a seed in memory and tell its public keys.
    BootstrapBegin,
    /// Seal the seed that was begun to this genesis file, after checking that the file names its keys.
    BootstrapSeal {
        /// The bytes of the genesis file.
        genesis: Vec<u8>,
    },
    /// Open a seal, and stand where the older of the anchors stands.
    Unseal {
        /// What `bootstrap_seal` gave.
        seal: Vec<u8>,
        /// The bytes of the genesis file that the seal is bound to.
        genesis: Vec<u8>,
        /// The last one or two sealed anchors, older first; none before `init_chain`.
        anchors: Vec<Vec<u8>>,
    },
    /// Compute the state of genesis. Needs no seed.
    InitChain {
        /// The bytes of the genesis file.
        genesis: Vec<u8>,
    },
    /// Execute a decided block.
    ExecuteBlock {
        /// The block, whole.
        block: DecidedBlock,
        /// Proven entries of the state before the block that the host guesses will be read; may be empty.
        hints: Vec<Hint>,
        /// Hashes of transactions of this block that are left out: they fail with a code of their own and do nothing. Only a
        /// network that is insecure takes any; at most [`spec::EXCEPTIONS_MAX`].
        exceptions: Vec<Hash>,
    },
    /// The store has made this height durable: queries may read it.
    Committed {
        /// The height.
        height: Height,
    },
    /// A query at the newest committed height.
    Query {
        /// gRPC path, e.g. `/secret.compute.v1beta1.Query/QuerySecretContract`.
        path: String,
        /// The request, protobuf.
        data: Vec<u8>,
    },
    /// Run a transaction that nobody decided, where the policy of genesis allows it, and tell its gas: the response is
    /// `cosmos.tx.v1beta1.SimulateResponse`.
    Simulate {
        /// The raw transaction.
        tx: Vec<u8>,
    },
    /// Evidence of this platform that it holds the network's keys. What the evidence binds is made by the enclave.
    Attest {
        /// The caller's own: makes the evidence fresh.
        nonce: [u8; 32],
    },
    /// Where the enclave stands: keys, heights, failure.
    Status,
    /// Make a one-time key for joining a network, and evidence that it was made here.
    JoinBegin {
        /// The bytes of the network's genesis file.
        genesis: Vec<u8>,
        /// Address of the account that will register the node.
        operator: [u8; 20],
        /// Ed25519 key of the node in the peer-to-peer network.
        node_key: [u8; 32],
        /// Ed25519 key that the node votes with.
        consensus_key: [u8; 32],
    },
    /// Open the share that the network made for this node, and seal the seeds in it.
    JoinOpen {
        /// The bytes of the genesis file that `join_begin` was given.
        genesis: Vec<u8>,
        /// The sealed one-time key that `join_begin` gave.
        one_time: Vec<u8>,
        /// From the genesis to the header that commits to the share: `tendermint.types.LightBlock` each, every one a step of the
        /// skipping light client from the one before.
        light_blocks: Vec<Vec<u8>>,
        /// Proof of the share under the last header; the share is in it.
        share: Share,
    },
    /// Evidence of the enclave that began a seed, for the genesis file that will name its keys.
    BootstrapAttest {
        /// Name of the network.
        chain_id: String,
        /// Ed25519 key of the node in the peer-to-peer network.
        node_key: [u8; 32],
        /// Ed25519 key that the node votes with.
        consensus_key: [u8; 32],
    },
}

/// A share as a remote node tells it: the two operations of the ICS-23 proof.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Share {
    /// Data of `ics23:jmt`: the entry, its value included, under the root of its tree.
    pub entry: Vec<u8>,
    /// Data of `ics23:simple`: the root of the tree under the app hash.
    pub store: Vec<u8>,
}

/// What the enclave needs to go on. It names the version of the state that it stands on.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum EnclaveRequest {
    /// A value, or its absence, with a proof.
    Get {
        /// Height of the state.
        height: Height,
        /// Tree.
        tree: Tree,
        /// Raw key.
        key: Vec<u8>,
    },
    /// Proofs of paths that the block's writes touch, by hash of the key; each must allow a removal.
    GetForWrite {
        /// Height of the state.
        height: Height,
        /// Tree and key hash, at most [`spec::PATHS_MAX`].
        paths: Vec<(Tree, Hash)>,
    },
    /// Contract code by its SHA-256.
    GetCode {
        /// The hash.
        hash: Hash,
    },
}

/// The host's answer to an [`EnclaveRequest`]. Believed only as far as it is proven.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum HostResponse {
    /// To `get`.
    Proven(Proven),
    /// To `get_for_write`: one encoded `proof::tree::Proof` for each path, in the same order.
    Paths(Vec<Vec<u8>>),
    /// To `get_code`; `None` if the host has no such content.
    Code(Option<Vec<u8>>),
    /// The host cannot answer (a read failed, a version is gone). The request fails; the enclave goes on.
    Unavailable {
        /// Why.
        text: String,
    },
}

/// A value or its absence, and the encoded proof against the root of its tree.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Proven {
    /// The value; `None` = absent.
    pub value: Option<Vec<u8>>,
    /// `proof::tree::Proof`, encoded.
    pub proof: Vec<u8>,
}

/// An unasked-for [`Proven`] entry.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Hint {
    /// Tree.
    pub tree: Tree,
    /// Raw key.
    pub key: Vec<u8>,
    /// Value and proof.
    pub entry: Proven,
}

/// Result of a request.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Reply {
    /// To `bootstrap_begin`.
    Begun(PublicKeys),
    /// To `bootstrap_seal`.
    Sealed {
        /// The seed, sealed to this platform and bound to the genesis file.
        seal: Vec<u8>,
    },
    /// To `unseal`, and to `status`.
    Status(Status),
    /// To `init_chain`.
    Chain(Box<ChainResult>),
    /// To `execute_block`.
    Block(Box<BlockResult>),
    /// To `committed`.
    Published {
        /// The height that queries read from now on.
        height: Height,
    },
    /// To `query`, and to `simulate`.
    Query(QueryResult),
    /// To `attest`.
    Evidence {
        /// `attest::Evidence`, encoded.
        evidence: Vec<u8>,
    },
    /// To anything: it did not happen.
    Failed(Failure),
    /// To `join_begin`.
    Joining(Joining),
    /// To `join_open`.
    Joined {
        /// The seeds, sealed to this platform and bound to the genesis file.
        seal: Vec<u8>,
        /// What `MsgConfirmNode` says: only a holder of the seeds knows it.
        possession: [u8; 32],
    },
}

/// What goes into the registration of a joining node, and what the host keeps until its share is there.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Joining {
    /// X25519 public key that the share is to be sealed to.
    pub one_time_key: [u8; 32],
    /// Version of the enclave's code, as the evidence binds it.
    pub enclave_version: u32,
    /// `attest::Evidence` of the statement of a joining node, encoded.
    pub evidence: Vec<u8>,
    /// The private key, sealed to this platform and bound to the genesis file and the node: for `join_open`.
    pub one_time: Vec<u8>,
}

/// The network's public keys (X25519).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PublicKeys {
    /// Clients encrypt messages to it.
    pub io: [u8; 32],
    /// Joining nodes exchange seeds with it.
    pub exchange: [u8; 32],
}

/// Where the enclave stands: keys, heights, failure.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Status {
    /// The public keys, where a seed is present.
    pub keys: Option<PublicKeys>,
    /// Hash of the genesis file, where one is bound.
    pub genesis_hash: Option<Hash>,
    /// Height of the last executed block; 0 after `init_chain`.
    pub executed: Option<Height>,
    /// Height that queries read.
    pub committed: Option<Height>,
    /// The failed check that stopped it.
    pub stopped: Option<Failure>,
    /// Bytes of proven state held by the execution lane.
    pub tree_bytes: u64,
}

/// The state of genesis.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ChainResult {
    /// SHA-256 of the genesis file.
    pub genesis_hash: Hash,
    /// Height of the first block.
    pub initial_height: Height,
    /// App hash of the genesis state: what the first header must carry.
    pub app_hash: Hash,
    /// Roots of the trees.
    pub roots: Vec<(Tree, Hash)>,
    /// The state itself.
    pub writes: WriteSet,
    /// The first validator set.
    pub validators: Vec<ValidatorUpdate>,
    /// Consensus parameters of genesis.
    pub consensus_params: ConsensusParams,
    /// The sealed anchor at this state.
    pub anchor: Vec<u8>,
}

/// Result of a block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BlockResult {
    /// The height.
    pub height: Height,
    /// Hash of the header that was executed.
    pub header_hash: Hash,
    /// App hash after the block: what the next header must carry.
    pub app_hash: Hash,
    /// Roots of the trees after the block.
    pub roots: Vec<(Tree, Hash)>,
    /// `last_results_hash` of the next header.
    pub results_hash: Hash,
    /// The changes; contract data sealed.
    pub writes: WriteSet,
    /// One per transaction.
    pub tx_results: Vec<ExecTxResult>,
    /// Events of the block itself.
    pub events: Vec<Event>,
    /// Changes of the validator set.
    pub validator_updates: Vec<ValidatorUpdate>,
    /// Changed consensus parameters.
    pub consensus_param_updates: Option<ConsensusParamsUpdate>,
    /// Content first seen in this block, for the host to keep before it commits.
    pub new_code: Vec<NewCode>,
    /// The sealed anchor at this state.
    pub anchor: Vec<u8>,
}

/// Content by hash.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct NewCode {
    /// SHA-256 of the wasm.
    pub hash: Hash,
    /// The wasm.
    pub wasm: Vec<u8>,
}

/// The answer to a query.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct QueryResult {
    /// Height of the state that it read.
    pub height: Height,
    /// Protobuf of the response, or the encoded `chain::query::QueryError` that the client sees.
    pub outcome: Result<Vec<u8>, Vec<u8>>,
}

/// A message of one direction: encodes and decodes within the limit of its kind.
pub trait Message: BorshSerialize + BorshDeserialize {
    /// Name and limit of this message.
    fn spec(&self) -> &'static Spec;

    /// Name and limit of the message that begins with these two bytes after the version.
    fn spec_of(half: u8, kind: u8) -> Option<&'static Spec>;

    /// [`VERSION`] and borsh.
    ///
    /// # Errors
    /// [`DoorError::TooLarge`] above the limit.
    fn encode(&self) -> Result<Vec<u8>, DoorError> {
        let spec = self.spec();
        let mut out = VERSION.to_vec();
        borsh::to_writer(&mut out, self).map_err(|_| DoorError::Message("does not encode"))?;
        if out.len() > spec.limit {
            return Err(DoorError::TooLarge {
                name: spec.name,
                limit: spec.limit,
            });
        }
        Ok(out)
    }

    /// Strict: known version, known kind, within the limit, nothing left over.
    ///
    /// # Errors
    /// [`DoorError::Version`], [`DoorError::Message`] or [`DoorError::TooLarge`].
    fn decode(bytes: &[u8]) -> Result<Self, DoorError> {
        let spec = spec_of_head::<Self>(bytes)?;
        if bytes.len() > spec.limit {
            return Err(DoorError::TooLarge {
                name: spec.name,
                limit: spec.limit,
            });
        }
        let body = bytes.get(VERSION.len()..).unwrap_or_default();
        borsh::from_slice(body).map_err(|_| DoorError::Message("does not decode"))
    }
}

/// Name and limit of a message by its first [`HEAD_BYTES`], so that a limit holds before the message is complete.
///
/// # Errors
/// [`DoorError::Version`]; [`DoorError::Message`] for an unknown kind.
pub fn spec_of_head<M: Message>(bytes: &[u8]) -> Result<&'static Spec, DoorError> {
    let short = DoorError::Message("shorter than its head");
    let Some((version, rest)) = bytes.split_first_chunk() else {
        return Err(short);
    };
    if *version != VERSION {
        return Err(DoorError::Version { theirs: *version });
    }
    let [half, kind, ..] = rest else {
        return Err(short);
    };
    M::spec_of(*half, *kind).ok_or(DoorError::Message("unknown kind"))
}

impl Message for FromHost {
    fn spec(&self) -> &'static Spec {
        match self {
            Self::Request(request) => match request {
                Request::BootstrapBegin => &spec::BOOTSTRAP_BEGIN,
                Request::BootstrapSeal { .. } => &spec::BOOTSTRAP_SEAL,
                Request::Unseal { .. } => &spec::UNSEAL,
                Request::InitChain { .. } => &spec::INIT_CHAIN,
                Request::ExecuteBlock { .. } => &spec::EXECUTE_BLOCK,
                Request::Committed { .. } => &spec::COMMITTED,
                Request::Query { .. } => &spec::QUERY,
                Request::Simulate { .. } => &spec::SIMULATE,
                Request::Attest { .. } => &spec::ATTEST,
                Request::Status => &spec::STATUS,
                Request::JoinBegin { .. } => &spec::JOIN_BEGIN,
                Request::JoinOpen { .. } => &spec::JOIN_OPEN,
                Request::BootstrapAttest { .. } => &spec::BOOTSTRAP_ATTEST,
            },
            Self::Response(response) => match response {
                HostResponse::Proven(_) => &spec::PROVEN,
                HostResponse::Paths(_) => &spec::PATHS,
                HostResponse::Code(_) => &spec::CODE,
                HostResponse::Unavailable { .. } => &spec::UNAVAILABLE,
            },
        }
    }

    fn spec_of(half: u8, kind: u8) -> Option<&'static Spec> {
        spec::FROM_HOST
            .iter()
            .copied()
            .find(|s| s.half == half && s.kind == kind)
    }
}

impl Message for FromEnclave {
    fn spec(&self) -> &'static Spec {
        match self {
            Self::Request(request) => match request {
                EnclaveRequest::Get { .. } => &spec::GET,
                EnclaveRequest::GetForWrite { .. } => &spec::GET_FOR_WRITE,
                EnclaveRequest::GetCode { .. } => &spec::GET_CODE,
            },
            Self::Reply(reply) => match reply {
                Reply::Begun(_) => &spec::BEGUN,
                Reply::Sealed { .. } => &spec::SEALED,
                Reply::Status(_) => &spec::STATUS_REPLY,
                Reply::Chain(_) => &spec::CHAIN,
                Reply::Block(_) => &spec::BLOCK,
                Reply::Published { .. } => &spec::PUBLISHED,
                Reply::Query(_) => &spec::QUERY_REPLY,
                Reply::Evidence { .. } => &spec::EVIDENCE,
                Reply::Failed(_) => &spec::FAILED,
                Reply::Joining(_) => &spec::JOINING,
                Reply::Joined { .. } => &spec::JOINED,
            },
        }
    }

    fn spec_of(half: u8, kind: u8) -> Option<&'static Spec> {
        spec::FROM_ENCLAVE
            .iter()
            .copied()
            .find(|s| s.half == half && s.kind == kind)
    }
}
