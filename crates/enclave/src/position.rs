//! Where the chain stands, and one block after the other from there.
//!
//! The life of a block: light client and content checks against what this enclave itself expects; hints; execution over
//! proven state; paths of the writes; the new roots; the sealed anchor; only then the reply. A failed check anywhere
//! before it stops the enclave, and nothing of the block has left.

use crate::anchor::Anchor;
use crate::bootstrap;
use crate::exceptions::Transactions;
use crate::failure::failure;
use crate::proven_state::ProvenState;
use crate::secrets::Keys;
use crate::shared::{Published, Shared, TREE_BYTES_MAX};
use std::sync::Arc;
use strongroom_bridge::lane::HostClient;
use strongroom_bridge::message::{BlockResult, Hint, NewCode, Status};
use strongroom_bridge::{Failure, FailureCode};
use strongroom_chain::{BlockInfo, BlockOutcome, EpochKeys, ExecutionEnv, execute_watched};
use strongroom_proof::PartialForest;
use strongroom_proof::comet::{self, results_hash};
use strongroom_proof::light::{Block, LightState};
use strongroom_types::{DecidedBlock, Hash, Height, Untrusted};

/// Position of the chain.
#[derive(Clone)]
pub(crate) struct ChainPosition {
    /// The keys of this chain; without them nothing is executed.
    keys: Option<Arc<Keys>>,
    anchor: Anchor,
    /// The state after the anchor's block, as far as it is proven.
    forest: PartialForest,
    awaits: Awaits,
}

/// What comes next.
#[derive(Clone)]
enum Awaits {
    /// Any decided block.
    Block,
    /// After a restart: the block that gives this anchor.
    Replay(Box<Anchor>),
}

impl ChainPosition {
    /// At the state of genesis.
    pub(crate) const fn at_genesis(
        keys: Option<Arc<Keys>>,
        anchor: Anchor,
        forest: PartialForest,
    ) -> Self {
        Self {
            keys,
            anchor,
            forest,
            awaits: Awaits::Block,
        }
    }

    /// After a restart: at `anchor`, of whose state nothing but the roots is known. With `replay`, the next block must
    /// give that one.
    ///
    /// # Errors
    /// If the two do not follow each other.
    pub(crate) fn resume(
        keys: Arc<Keys>,
        anchor: Anchor,
        replay: Option<Anchor>,
    ) -> Result<Self, Failure> {
        if let Some(last) = &replay
            && anchor.height().checked_add(1) != Some(last.height())
        {
            return Err(failure(
                FailureCode::Anchor,
                "the two anchors are not of blocks that follow each other",
            ));
        }
        Ok(Self {
            keys: Some(keys),
            forest: anchor.roots_only()?,
            anchor,
            awaits: replay.map_or(Awaits::Block, |last| Awaits::Replay(Box::new(last))),
        })
    }

    pub(crate) const fn genesis_hash(&self) -> Hash {
        self.anchor.genesis_hash
    }

    /// All that is here, for the walk over every order of requests.
    #[cfg(test)]
    pub(crate) fn held(&self) -> (Option<&Keys>, Height, &'static str) {
        let Self {
            keys,
            anchor,
            forest,
            awaits,
        } = self;
        assert_eq!(forest.app_hash(), anchor.app_hash());
        let awaits = match awaits {
            Awaits::Block => "block",
            Awaits::Replay(_) => "replay",
        };
        (keys.as_deref(), anchor.height(), awaits)
    }

    pub(crate) fn status(&self) -> Status {
        Status {
            keys: self.keys.as_ref().map(|keys| keys.public()),
            genesis_hash: Some(self.genesis_hash()),
            executed: Some(self.anchor.height()),
            tree_bytes: u64::try_from(self.forest.bytes()).unwrap_or(u64::MAX),
            ..Status::default()
        }
    }

    /// What queries will read once this height is durable; nothing as long as a block must be replayed first.
    pub(crate) fn version(&self) -> Option<Published> {
        match self.awaits {
            Awaits::Replay(_) => None,
            Awaits::Block => Some(Published::new(
                self.anchor.block(),
                self.genesis_hash(),
                self.keys.clone(),
                self.forest.clone(),
            )),
        }
    }

    pub(crate) const fn height(&self) -> Height {
        self.anchor.height()
    }

    /// One block: what it gives, and where the chain stands after it. Changes nothing here.
    ///
    /// # Errors
    /// The check that failed.
    pub(crate) fn next(
        &self,
        shared: &Shared,
        block: DecidedBlock,
        hints: Vec<Hint>,
        exceptions: Vec<Hash>,
        host: &dyn HostClient,
    ) -> Result<(BlockResult, Self), Failure> {
        let Some(keys) = &self.keys else {
            return Err(failure(FailureCode::NotReady, "no seed is here"));
        };
        let epochs = keys.epochs(&self.genesis_hash())?;
        shared.check_durable(self.anchor.height())?;
        let (block, light) = self
            .anchor
            .light
            .verify(Untrusted::new(block), &self.anchor.expected())
            .map_err(|e| failure(FailureCode::Block, format!("{}: {e}", e.code())))?;
        if block.header.app_hash != self.forest.app_hash() {
            return Err(failure(
                FailureCode::Broken,
                "the tree is not at the root that the anchor names",
            ));
        }
        let transactions = Transactions::of(keys, block.height, exceptions)?;
        let proven = ProvenState::new(self.forest.clone(), self.anchor.height(), host);
        proven.absorb_hints(hints)?;
        let outcome = execute(
            shared,
            epochs,
            self.genesis_hash(),
            &proven,
            &block,
            &transactions,
        )?;
        proven.apply(&outcome.writes)?;
        let mut forest = proven.into_forest();
        let anchor = self.anchor.after(&block, &light, &outcome, &forest)?;
        if let Awaits::Replay(replayed) = &self.awaits
            && **replayed != anchor
        {
            return Err(failure(
                FailureCode::Anchor,
                "the replay of the last block gave something else than its anchor",
            ));
        }
        let result = block_result(&*shared.platform, &anchor, &block, outcome)?;
        forest.evict(TREE_BYTES_MAX);
        let next = Self {
            keys: Some(Arc::clone(keys)),
            anchor,
            forest,
            awaits: Awaits::Block,
        };
        Ok((result, next))
    }
}

/// Runs the transactions; a failure names the one that ran.
fn execute(
    shared: &Shared,
    epochs: &EpochKeys,
    genesis_hash: Hash,
    proven: &ProvenState<'_>,
    block: &Block,
    transactions: &Transactions,
) -> Result<BlockOutcome, Failure> {
    let info = BlockInfo {
        chain_id: block.chain_id.clone(),
        genesis_hash,
        height: block.height,
        time: block.time,
        header_hash: block.header_hash,
        version_app: block.header.version_app,
        misbehavior: block.misbehavior.clone(),
    };
    let env = ExecutionEnv {
        code: proven,
        engine: &shared.engine,
    };
    execute_watched(proven, epochs, env, &info, &block.txs, transactions).map_err(|fault| Failure {
        tx: transactions.running(),
        ..proven.failure_of(&fault)
    })
}

impl Anchor {
    /// The anchor after a block.
    fn after(
        &self,
        block: &Block,
        light: &LightState,
        outcome: &BlockOutcome,
        forest: &PartialForest,
    ) -> Result<Self, Failure> {
        let light = light
            .executed(&outcome.validator_updates)
            .map_err(|e| failure(FailureCode::Broken, e))?;
        let params = outcome.consensus_param_updates.as_ref();
        Ok(Self {
            genesis_hash: self.genesis_hash,
            light,
            roots: forest.roots(),
            results_hash: results_hash(&outcome.tx_results),
            consensus_hash: params.map_or(self.consensus_hash, comet::params::hash),
            version_app: block.header.version_app,
            next_version_app: params.map_or(self.next_version_app, |p| p.version.app),
        })
    }
}

fn block_result(
    platform: &dyn crate::platform::Platform,
    anchor: &Anchor,
    block: &Block,
    outcome: BlockOutcome,
) -> Result<BlockResult, Failure> {
    let new_code = outcome.new_code.iter().map(|(hash, wasm)| NewCode {
        hash: *hash,
        wasm: wasm.to_vec(),
    });
    Ok(BlockResult {
        height: block.height,
        header_hash: block.header_hash,
        app_hash: anchor.app_hash(),
        roots: anchor.roots.to_vec(),
        results_hash: anchor.results_hash,
        new_code: new_code.collect(),
        writes: outcome.writes,
        tx_results: outcome.tx_results,
        events: outcome.events,
        validator_updates: outcome.validator_updates,
        consensus_param_updates: outcome.consensus_param_updates.map(Into::into),
        anchor: bootstrap::seal_anchor(platform, anchor)?,
    })
}
