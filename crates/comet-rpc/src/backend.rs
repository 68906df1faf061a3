//! What the RPC serves: the chain as its engine leaves it, and the application behind it.
//!
//! The seam to a node is ABCI's: [`crate::mempool::Checker`] is CheckTx, [`Application`] is Info and Query. The rest is
//! handed over: stores, queues and facts.

use crate::check_queue::CheckQueue;
use crate::event_bus::EventBus;
use crate::mempool::Mempool;
use std::sync::Arc;
use strongroom_http::gate::Gate;
use strongroom_http::workers::Progress;
use strongroom_proof::comet::validators::address;
use strongroom_store::blocks::{BlockStore, BlockStoreError, Validator};
use strongroom_types::{DecidedBlock, Hash, Height};
use tokio::sync::watch;

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
    /// Key of the entry that it proves.
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

/// Identity of this node, as `status` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    /// Lower-case hex of 20 bytes.
    pub id: String,
    /// Address on which it listens for peers.
    pub listen_addr: String,
    /// The chain id.
    pub network: String,
    /// Clients choose their dialect by it: it must begin with `0.38.`.
    pub version: String,
    /// The operator's name for it.
    pub moniker: String,
    /// The application's version when the node started, as CometBFT tells it.
    pub app_version: u64,
    /// Address of the RPC.
    pub rpc_address: String,
    /// The Ed25519 key with which this node votes.
    pub validator: [u8; 32],
}

/// The application, as ABCI has it. The real one is a node's; tests of the RPC put the recorded application here.
///
/// Methods may block for the time of a disk read or of one query; the server calls them on threads made for that.
pub trait Application: Send + Sync + 'static {
    /// ABCI Info.
    ///
    /// # Errors
    /// If the store fails.
    fn info(&self) -> Result<AbciInfo, BlockStoreError>;
    /// ABCI Query. `height` 0 means the newest. A part of the work may be left to wait for its turn: that needs no thread meanwhile.
    fn query(&self, path: &str, data: &[u8], height: i64, prove: bool)
    -> Progress<AbciQueryAnswer>;
}

/// Everything behind the RPC.
#[derive(Clone)]
pub struct Backend {
    /// The application.
    pub app: Arc<dyn Application>,
    /// All blocks, with their results and the index of their events.
    pub blocks: Arc<BlockStore>,
    /// The newest height that clients may see: committed in the store and acknowledged by the enclave. 0: none yet.
    pub published: watch::Receiver<Height>,
    /// Queue of transactions in front of the mempool.
    pub checks: CheckQueue,
    /// Events for subscribers.
    pub events: EventBus,
    /// The gate before heavy work.
    pub gate: Arc<Gate>,
    /// Identity of this node.
    pub node: NodeInfo,
    /// The genesis document, JSON.
    pub genesis: String,
}

impl Backend {
    /// See [`Backend::published`].
    #[must_use]
    pub fn published_height(&self) -> Height {
        *self.published.borrow()
    }

    /// Transactions that wait for a block.
    #[must_use]
    pub fn mempool(&self) -> &Mempool {
        self.checks.mempool()
    }

    /// The validator of this node: with its power in the newest set, 0 if it is not in it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn validator(&self) -> Result<Validator, BlockStoreError> {
        let pubkey = self.node.validator;
        let address = address(&pubkey);
        let next = self.published_height().saturating_add(1);
        let set = self.blocks.validators(next)?.unwrap_or_default();
        let known = set.into_iter().find(|v| v.address == address);
        Ok(known.unwrap_or(Validator {
            address,
            pubkey,
            power: 0,
            proposer_priority: 0,
        }))
    }

    /// Whether this node is behind the blocks that it has.
    ///
    /// # Errors
    /// If the store fails.
    pub fn catching_up(&self) -> Result<bool, BlockStoreError> {
        catching_up(&self.blocks, self.published_height())
    }
}

/// Whether decided blocks wait to be executed, beyond the one that is being made; also that one, if it was decided before the process began: what it
/// changes was told to clients, who do not find it yet.
///
/// # Errors
/// If the store fails.
pub fn catching_up(blocks: &BlockStore, published: Height) -> Result<bool, BlockStoreError> {
    let decided = blocks.decided_height()?.unwrap_or(0);
    Ok(published < blocks.found_height() || published.saturating_add(1) < decided)
}

/// The decided block at a height with the commit that clients are told: the canonical one, which the next header commits to, and for the newest block its own,
/// whose signatures may be renewed until then. `None` if a block for that is not there.
///
/// # Errors
/// If the store fails.
pub fn signed(
    blocks: &BlockStore,
    height: Height,
    newest: Height,
) -> Result<Option<DecidedBlock>, BlockStoreError> {
    let block = blocks.block(height)?;
    if height >= newest {
        return Ok(block);
    }
    let next = blocks.block(height.saturating_add(1))?;
    Ok(block.zip(next).map(|(block, next)| DecidedBlock {
        commit: next.last_commit,
        ..block
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use strongroom_store::blocks::BlockMeta;

    fn decide(blocks: &BlockStore, height: Height) {
        let meta = BlockMeta {
            height,
            hash: strongroom_types::sha256(&height.to_be_bytes()),
            parts_total: 1,
            parts_hash: [0; 32],
            size: 0,
            txs: 0,
            header: Vec::new(),
        };
        blocks
            .save_decided(&meta, &DecidedBlock::default())
            .unwrap();
    }

    #[test]
    fn a_node_catches_up_until_what_was_decided_before_it_began_is_told() {
        let home = tempfile::tempdir().unwrap();
        let open = || BlockStore::open(home.path()).unwrap();
        let blocks = open();
        assert!(!catching_up(&blocks, 0).unwrap());
        (1..=2).for_each(|height| decide(&blocks, height));
        // The second is being made.
        assert!(!catching_up(&blocks, 1).unwrap());
        assert!(catching_up(&blocks, 0).unwrap());
        drop(blocks);
        let blocks = open();
        assert!(catching_up(&blocks, 1).unwrap());
        assert!(!catching_up(&blocks, 2).unwrap());
        decide(&blocks, 3);
        assert!(!catching_up(&blocks, 2).unwrap());
        // What was given up is not waited for.
        drop(blocks);
        let blocks = open();
        assert!(catching_up(&blocks, 2).unwrap());
        blocks.discard_decided(3).unwrap();
        assert!(!catching_up(&blocks, 2).unwrap());
    }
}
