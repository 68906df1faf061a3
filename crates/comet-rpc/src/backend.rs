//! What the RPC asks of the node behind it.

use crate::check_queue::CheckQueue;
use crate::event_bus::EventBus;
use crate::mempool::Mempool;
use strongroom_http::gate::Gate;
use strongroom_store::blocks::{BlockStore, Validator};
use strongroom_types::{Hash, Height};

/// The answer to an ABCI query (wire.md 4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AbciQueryAnswer {
    /// 0 for success.
    pub code: u32,
    /// Empty on success, the error text on failure.
    pub log: String,
    /// Usually empty.
    pub info: String,
    /// Usually 0.
    pub index: i64,
    /// The key, for store queries.
    pub key: Vec<u8>,
    /// The encoded response.
    pub value: Vec<u8>,
    /// Proof steps, for store queries with `prove`.
    pub proof_ops: Vec<ProofOp>,
    /// The height that was read.
    pub height: i64,
    /// Empty on success.
    pub codespace: String,
}

/// A step of a Merkle proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofOp {
    /// Names the kind of proof.
    pub kind: String,
    /// What it proves.
    pub key: Vec<u8>,
    /// The proof, encoded.
    pub data: Vec<u8>,
}

/// The answer to ABCI Info.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbciInfo {
    /// Name of the application.
    pub data: String,
    /// Its version as text.
    pub version: String,
    /// Its version as number.
    pub app_version: u64,
    /// The last height that it committed.
    pub last_block_height: Height,
    /// The app hash after it; all zero before the first block prints as none.
    pub last_block_app_hash: Hash,
}

/// Who this node is, as `status` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    /// Lower-case hex of 20 bytes.
    pub id: String,
    /// Where it listens for peers.
    pub listen_addr: String,
    /// The chain id.
    pub network: String,
    /// Clients choose their dialect by it: it must begin with `0.38.`.
    pub version: String,
    /// The operator's name for it.
    pub moniker: String,
    /// The application's version when the node started.
    pub app_version: u64,
    /// Where the RPC listens.
    pub rpc_address: String,
}

/// The node behind the RPC. The real one is `node::Node`; tests of the RPC put the recorded application here.
///
/// Methods may block for the time of a disk read or of one query; the server calls them on threads made for that.
pub trait RpcBackend: Send + Sync + 'static {
    /// All blocks.
    fn blocks(&self) -> &BlockStore;
    /// The newest height that clients may see: committed in the store and acknowledged by the enclave. 0: none yet.
    fn published_height(&self) -> Height;
    /// What waits for a block.
    fn mempool(&self) -> &Mempool;
    /// Where transactions wait for CheckTx.
    fn checks(&self) -> &CheckQueue;
    /// The gate before heavy work.
    fn gate(&self) -> &Gate;
    /// What is told to subscribers.
    fn events(&self) -> &EventBus;
    /// Who this node is.
    fn node_info(&self) -> NodeInfo;
    /// The validator of this node: with its power in the newest set, 0 if it is not in it.
    fn validator(&self) -> Validator;
    /// Whether blocks are still being fetched.
    fn catching_up(&self) -> bool;
    /// The genesis document, JSON.
    fn genesis(&self) -> &str;
    /// ABCI Info.
    fn abci_info(&self) -> AbciInfo;
    /// ABCI Query. `height` 0 means the newest.
    fn abci_query(&self, path: &str, data: &[u8], height: i64, prove: bool) -> AbciQueryAnswer;
}
