//! The execution lane: from nothing over a bound genesis to block after block.
//!
//! The life of a block: light client and content checks against what this enclave itself expects; hints; execution over
//! proven state; paths of the writes; the new roots; the sealed anchor; only then the reply. A failed check anywhere
//! before it stops the enclave, and nothing of the block has left.

use crate::anchor::Anchor;
use crate::bootstrap;
use crate::failure::failure;
use crate::proven::Proven;
use crate::secrets::Keys;
use crate::shared::{Published, Shared, TREE_BYTES_MAX};
use std::sync::Arc;
use strongroom_bridge::lane::Asker;
use strongroom_bridge::message::{BlockResult, ChainResult, Hint, NewCode, Status};
use strongroom_bridge::{Failure, FailureCode, Reply, Request};
use strongroom_chain::modules::consensus::state::ConsensusParams;
use strongroom_chain::{BlockInfo, BlockOutcome, Services, execute_block};
use strongroom_crypto::seed::SeedRing;
use strongroom_proof::PartialForest;
use strongroom_proof::comet::{consensus_hash, results_hash};
use strongroom_proof::light::{Block, LightState};
use strongroom_types::{DecidedBlock, Hash, Height, Untrusted, sha256};

/// What the execution lane does.
pub(crate) struct Executor {
    shared: Arc<Shared>,
    /// A seed between `bootstrap_begin` and `bootstrap_seal`.
    begun: Option<SeedRing>,
    /// The genesis file that everything is bound to.
    genesis_hash: Option<Hash>,
    standing: Option<Standing>,
}

/// Where the chain stands.
struct Standing {
    anchor: Anchor,
    /// The state after the anchor's block, as far as it is proven.
    forest: PartialForest,
    /// After a restart: what the replay of the next block must give.
    replay: Option<Anchor>,
    /// A block was executed and the host has not said that it is durable.
    unacknowledged: bool,
}

impl Executor {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            begun: None,
            genesis_hash: None,
            standing: None,
        }
    }

    /// Serves one request.
    pub(crate) fn serve(&mut self, request: Request, asker: &Asker<'_>) -> Reply {
        let shared = Arc::clone(&self.shared);
        let outcome = shared.brake.run(|| match request {
            Request::BootstrapBegin => self.bootstrap_begin(),
            Request::BootstrapSeal { genesis } => self.bootstrap_seal(&genesis),
            Request::Unseal {
                seal,
                genesis,
                anchors,
            } => self.unseal(&seal, &genesis, &anchors),
            Request::InitChain { genesis } => self.init_chain(&genesis),
            Request::ExecuteBlock { block, hints } => self.execute(block, hints, asker),
            Request::Committed { height } => self.committed(height),
            _ => Err(failure(FailureCode::Broken, "a request on the wrong lane")),
        });
        self.shared.set_status(self.status());
        outcome.unwrap_or_else(Reply::Failed)
    }

    fn status(&self) -> Status {
        let bytes = self.standing.as_ref().map_or(0, |s| s.forest.bytes());
        Status {
            genesis_hash: self.genesis_hash,
            executed: self.standing.as_ref().map(|s| s.anchor.height()),
            tree_bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
            ..Status::default()
        }
    }

    fn bootstrap_begin(&mut self) -> Result<Reply, Failure> {
        self.refuse_if_bound()?;
        let (ring, public) = bootstrap::begin(&*self.shared.platform)?;
        self.begun = Some(ring);
        Ok(Reply::Begun(public))
    }

    fn bootstrap_seal(&mut self, genesis: &[u8]) -> Result<Reply, Failure> {
        let ring = self
            .begun
            .as_ref()
            .ok_or_else(|| failure(FailureCode::NotReady, "no seed was begun"))?;
        let (seal, keys) = bootstrap::seal(&*self.shared.platform, ring, genesis)?;
        self.begun = None;
        self.genesis_hash = Some(sha256(genesis));
        self.shared.set_keys(keys);
        Ok(Reply::Sealed { seal })
    }

    fn unseal(
        &mut self,
        seal: &[u8],
        genesis: &[u8],
        anchors: &[Vec<u8>],
    ) -> Result<Reply, Failure> {
        self.refuse_if_bound()?;
        let platform = &*self.shared.platform;
        let keys = bootstrap::unseal(platform, seal, genesis)?;
        let genesis_hash = sha256(genesis);
        let open = |sealed: &Vec<u8>| bootstrap::open_anchor(platform, &genesis_hash, sealed);
        let standing = match anchors {
            [] => None,
            [last] => Some((open(last)?, None)),
            [before, last] => Some((open(before)?, Some(open(last)?))),
            _ => return Err(failure(FailureCode::NotReady, "more than two anchors")),
        };
        if let Some((before, Some(last))) = &standing
            && before.height().checked_add(1) != Some(last.height())
        {
            return Err(failure(
                FailureCode::Anchor,
                "the two anchors are not of blocks that follow each other",
            ));
        }
        self.standing = match standing {
            None => None,
            Some((anchor, replay)) => Some(Standing {
                forest: anchor.blind_forest()?,
                anchor,
                replay,
                unacknowledged: false,
            }),
        };
        self.genesis_hash = Some(genesis_hash);
        self.shared.set_keys(keys);
        let keys = self.shared.keys().map(|keys| keys.public());
        Ok(Reply::Status(Status {
            keys,
            ..self.status()
        }))
    }

    fn refuse_if_bound(&self) -> Result<(), Failure> {
        if self.genesis_hash.is_some() || self.begun.is_some() {
            return Err(failure(
                FailureCode::NotReady,
                "this enclave already has a seed or a genesis",
            ));
        }
        Ok(())
    }

    fn init_chain(&mut self, genesis: &[u8]) -> Result<Reply, Failure> {
        let genesis_hash = sha256(genesis);
        if self.genesis_hash.is_some_and(|bound| bound != genesis_hash) {
            return Err(failure(
                FailureCode::OtherGenesis,
                "init_chain with another genesis file than the sealed one",
            ));
        }
        if self.standing.is_some() {
            return Err(failure(
                FailureCode::NotReady,
                "the chain has begun already",
            ));
        }
        let begin = bootstrap::first_state(&self.shared.machine, genesis, genesis_hash)?;
        let anchor = bootstrap::seal_anchor(&*self.shared.platform, &begin.anchor)?;
        let result = ChainResult {
            genesis_hash,
            initial_height: begin.anchor.height().saturating_add(1),
            app_hash: begin.anchor.app_hash(),
            roots: begin.anchor.roots.to_vec(),
            writes: begin.writes,
            validators: begin.validators,
            consensus_params: begin.consensus_params,
            anchor,
        };
        self.genesis_hash = Some(genesis_hash);
        self.standing = Some(Standing {
            anchor: begin.anchor,
            forest: begin.forest,
            replay: None,
            unacknowledged: false,
        });
        Ok(Reply::Chain(Box::new(result)))
    }

    fn committed(&mut self, height: Height) -> Result<Reply, Failure> {
        let not_ready = |text: &str| Err(failure(FailureCode::NotReady, text));
        let Some(standing) = &mut self.standing else {
            return not_ready("no chain has begun");
        };
        if standing.anchor.height() != height {
            return not_ready("another height than the last executed one");
        }
        if standing.replay.is_some() {
            return not_ready("the last block must be replayed first");
        }
        standing.unacknowledged = false;
        self.shared.publish(Published::new(
            standing.anchor.block(),
            standing.forest.clone(),
        ));
        Ok(Reply::Published { height })
    }

    fn execute(
        &mut self,
        block: DecidedBlock,
        hints: Vec<Hint>,
        asker: &Asker<'_>,
    ) -> Result<Reply, Failure> {
        let keys = self
            .shared
            .keys()
            .ok_or_else(|| failure(FailureCode::NotReady, "no seed is here"))?;
        let standing = self
            .standing
            .as_mut()
            .ok_or_else(|| failure(FailureCode::NotReady, "no chain has begun"))?;
        if standing.unacknowledged {
            return Err(failure(
                FailureCode::NotReady,
                "the block before is not committed",
            ));
        }
        let (result, next) = standing.next(&self.shared, &keys, block, hints, asker)?;
        *standing = next;
        Ok(Reply::Block(Box::new(result)))
    }
}

impl Standing {
    /// One block: what it gives, and where the chain stands after it. Changes nothing here.
    fn next(
        &self,
        shared: &Shared,
        keys: &Keys,
        block: DecidedBlock,
        hints: Vec<Hint>,
        asker: &Asker<'_>,
    ) -> Result<(BlockResult, Self), Failure> {
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
        let info = BlockInfo {
            chain_id: block.chain_id.clone(),
            height: block.height,
            time: block.time,
            header_hash: block.header_hash,
            version_app: block.header.version_app,
        };
        let proven = Proven::new(self.forest.clone(), self.anchor.height(), asker);
        proven.absorb_hints(hints)?;
        let services = Services {
            code: &proven,
            vm: &shared.machine,
        };
        let outcome = execute_block(&proven, keys, services, &info, &block.txs)
            .map_err(|f| proven.failure_of(&f))?;
        proven.prepare_writes(&outcome.writes)?;
        let mut forest = proven.into_forest();
        forest
            .apply(&outcome.writes)
            .map_err(|e| failure(FailureCode::Broken, e))?;
        let anchor = self.anchor.after(&block, &light, &outcome, &forest)?;
        if let Some(replayed) = &self.replay
            && *replayed != anchor
        {
            return Err(failure(
                FailureCode::Anchor,
                "the replay of the last block gave something else than its anchor",
            ));
        }
        let result = block_result(&*shared.platform, &anchor, &block, outcome)?;
        forest.evict(TREE_BYTES_MAX);
        Ok((
            result,
            Self {
                anchor,
                forest,
                replay: None,
                unacknowledged: true,
            },
        ))
    }
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
            consensus_hash: params.map_or(self.consensus_hash, params_hash),
            version_app: block.header.version_app,
            next_version_app: params.map_or(self.next_version_app, |p| p.version_app),
        })
    }
}

fn block_result(
    platform: &dyn crate::platform::Platform,
    anchor: &Anchor,
    block: &Block,
    outcome: BlockOutcome,
) -> Result<BlockResult, Failure> {
    let consensus_param_updates = match &outcome.consensus_param_updates {
        Some(params) => Some(bootstrap::encode_params(params)?),
        None => None,
    };
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
        consensus_param_updates,
        anchor: bootstrap::seal_anchor(platform, anchor)?,
    })
}

/// `consensus_hash` of a header under these parameters.
pub(crate) fn params_hash(params: &ConsensusParams) -> Hash {
    consensus_hash(params.block_bytes_max, params.block_gas_max)
}
