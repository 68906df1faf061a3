//! What is said through the door: one enum per direction, each of two halves.
//!
//! A conversation is one stream: the host's [`Request`], then any number of ([`EnclaveRequest`] of the enclave, [`HostResponse`] of the
//! host), then the enclave's [`Reply`]. Encoding: [`VERSION`], then borsh. Limits: [`crate::spec`].

use crate::error::DoorError;
use crate::spec::{self, Spec};
use crate::types::consensus::{ConsensusParams, ConsensusParamsUpdate};
use crate::types::{
    DecidedBlock, Event, ExecTxResult, Hash, Height, Tree, ValidatorUpdate, WriteSet,
};
use borsh::{BorshDeserialize, BorshSerialize};

/// The messages that this build speaks: the first four bytes of SHA-256 over an example and the limit of each one
/// (`tests/it/version.rs` computes it again). It heads every message, so a host and an enclave with different messages refuse each other
/// by name and never take one message for another. It says nothing of what is in their byte fields (proofs, headers, anchors).
pub const VERSION: [u8; 4] = [241, 27, 46, 129];
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
    /// Run a transaction that nobody decided, as far as the policy of genesis allows, and tell its gas.
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
    /// To `query`.
    Query(QueryResult),
    /// To `attest`.
    Evidence {
        /// `attest::Evidence`, encoded.
        evidence: Vec<u8>,
    },
    /// To anything: it did not happen.
    Failed(Failure),
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

/// Why a request did not happen: a stable code and a text that names the check.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Failure {
    /// Stable.
    pub code: FailureCode,
    /// For people; never holds a secret.
    pub text: String,
    /// The transaction that was executed when a block failed, where it was one.
    pub tx: Option<TxAt>,
}

/// A transaction of a decided block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TxAt {
    /// Height of the block.
    pub height: Height,
    /// Its place in the block, from 0.
    pub index: u32,
    /// SHA-256 of its bytes.
    pub hash: Hash,
}

impl core::fmt::Display for TxAt {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "height {}, transaction {} ", self.height, self.index)?;
        self.hash.iter().try_for_each(|b| write!(f, "{b:02X}"))
    }
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.text)?;
        self.tx.map_or(Ok(()), |tx| write!(f, " ({tx})"))
    }
}

/// Stable codes of [`Failure`]. Those of [`FailureCode::stops`] end the enclave's work: every later request of any
/// kind but `status` gets the same failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
#[non_exhaustive]
pub enum FailureCode {
    /// The request makes no sense in the state that the enclave is in.
    NotReady = 1,
    /// The reply would be above its byte limit.
    TooLarge = 3,
    /// The host could not answer what the enclave asked.
    Unavailable = 4,
    /// The genesis file does not parse, or names keys that are not ours.
    Genesis = 5,
    /// The seal does not open on this platform.
    Seal = 6,
    /// The platform refused (randomness, evidence).
    Platform = 8,
    /// The policy of genesis refuses the simulation.
    SimulationRefused = 9,
    /// Transactions are left out of this network's blocks by releases of the enclave only; or too many.
    ExceptionRefused = 10,
    /// A genesis file, a seal or an anchor of another network than the one this enclave holds.
    OtherGenesis = 31,
    /// Header, commit, transactions, last commit or evidence are not those of the decided block.
    Block = 32,
    /// A proof does not fit the root.
    Proof = 33,
    /// Content does not have its hash.
    Content = 34,
    /// The anchor and what was executed differ.
    Anchor = 35,
    /// An answer of another kind than what was asked.
    Answer = 36,
    /// An invariant of ours does not hold.
    Broken = 37,
}

impl FailureCode {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::NotReady,
        Self::TooLarge,
        Self::Unavailable,
        Self::Genesis,
        Self::Seal,
        Self::Platform,
        Self::SimulationRefused,
        Self::ExceptionRefused,
        Self::OtherGenesis,
        Self::Block,
        Self::Proof,
        Self::Content,
        Self::Anchor,
        Self::Answer,
        Self::Broken,
    ];

    /// The code as text; never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotReady => "enclave.not_ready",
            Self::TooLarge => "enclave.too_large",
            Self::Unavailable => "enclave.unavailable",
            Self::Genesis => "enclave.genesis",
            Self::Seal => "enclave.seal",
            Self::OtherGenesis => "enclave.other_genesis",
            Self::Platform => "enclave.platform",
            Self::SimulationRefused => "enclave.simulation_refused",
            Self::ExceptionRefused => "enclave.exception_refused",
            Self::Block => "enclave.block",
            Self::Proof => "enclave.proof",
            Self::Content => "enclave.content",
            Self::Anchor => "enclave.anchor",
            Self::Answer => "enclave.answer",
            Self::Broken => "enclave.broken",
        }
    }

    /// Whether the enclave does nothing any more after this failure.
    #[must_use]
    pub const fn stops(self) -> bool {
        matches!(
            self,
            Self::OtherGenesis
                | Self::Block
                | Self::Proof
                | Self::Content
                | Self::Anchor
                | Self::Answer
                | Self::Broken
        )
    }
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
