//! The execution lane: the stages of an enclave's life, and which request leads from which to which.
//!
//! ```text
//! Empty ── bootstrap_begin ──> Begun ── bootstrap_seal(g) ──> Sealed(g) ── init_chain(g) ──> Running(g)
//!   ├──── unseal(g, no anchor), join_open(g) ─────────────────^                                ^
//!   ├──── unseal(g, anchors) ──────────────────────────────────────────────────────────────────┤
//!   └──── init_chain(g), without keys for ever ────────────────────────────────────────────────┘
//! ```
//!
//! There is no other way, and none back: an enclave has one genesis in its life, and its keys belong to it. `join_begin` leaves an
//! empty enclave empty: what it made, the host keeps. `bootstrap_attest` leaves one that has begun as it is.

use crate::bootstrap;
use crate::failure::failure;
use crate::join::{self, Joiner};
use crate::position::ChainPosition;
use crate::secrets::Keys;
use crate::shared::Shared;
use std::sync::Arc;
use strongroom_bridge::lane::HostClient;
use strongroom_bridge::message::{ChainResult, Status};
use strongroom_bridge::{Failure, FailureCode, Reply, Request};
use strongroom_crypto::seed::SeedRing;
use strongroom_types::sha256;

#[cfg(test)]
mod tests;

/// The execution lane.
pub(crate) struct Executor {
    shared: Arc<Shared>,
    stage: Stage,
}

/// Stage of an enclave's life.
#[derive(Clone)]
enum Stage {
    /// No seed, no chain.
    Empty,
    /// A seed in memory that belongs to no chain yet.
    Begun(SeedRing),
    /// A seed that is sealed to a genesis; no state yet.
    Sealed(Arc<Keys>),
    /// The state of a chain.
    Running(Box<ChainPosition>),
}

impl Executor {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            stage: Stage::Empty,
        }
    }

    /// Serves one request.
    pub(crate) fn serve(&mut self, request: Request, host: &dyn HostClient) -> Reply {
        let shared = Arc::clone(&self.shared);
        let outcome = shared.latch.run(|| match request {
            Request::BootstrapBegin => self.bootstrap_begin(),
            Request::BootstrapSeal { genesis } => self.bootstrap_seal(&genesis),
            Request::BootstrapAttest {
                chain_id,
                node_key,
                consensus_key,
            } => {
                let ring = self.begun()?;
                let platform = &*shared.platform;
                let evidence = bootstrap::attest(platform, ring, chain_id, node_key, consensus_key);
                Ok(Reply::Evidence {
                    evidence: evidence?,
                })
            }
            Request::Unseal {
                seal,
                genesis,
                anchors,
            } => self.unseal(&seal, &genesis, &anchors),
            Request::InitChain { genesis } => self.init_chain(&genesis),
            Request::ExecuteBlock {
                block,
                hints,
                exceptions,
            } => {
                let position = self.position()?;
                let (result, next) = position.next(&shared, block, hints, exceptions, host)?;
                *position = next;
                position.version().into_iter().for_each(|v| shared.keep(v));
                Ok(Reply::Block(Box::new(result)))
            }
            Request::JoinBegin {
                genesis,
                operator,
                node_key,
                consensus_key,
            } => {
                self.require_empty()?;
                let joiner = Joiner {
                    operator,
                    node_key,
                    consensus_key,
                };
                join::begin(&*shared.platform, &genesis, &joiner).map(Reply::Joining)
            }
            Request::JoinOpen {
                genesis,
                one_time,
                light_blocks,
                share,
            } => {
                self.require_empty()?;
                let platform = &*shared.platform;
                let joined = join::open(platform, &genesis, &one_time, &light_blocks, share)?;
                self.stage = Stage::Sealed(Arc::new(joined.keys));
                Ok(Reply::Joined {
                    seal: joined.seal,
                    possession: joined.possession,
                })
            }
            _ => Err(failure(FailureCode::Broken, "a request on the wrong lane")),
        });
        self.shared.set_status(self.status());
        outcome.unwrap_or_else(Reply::Failed)
    }

    pub(crate) fn status(&self) -> Status {
        match &self.stage {
            Stage::Empty | Stage::Begun(_) => Status::default(),
            Stage::Sealed(keys) => Status {
                keys: Some(keys.public()),
                genesis_hash: Some(keys.genesis_hash()),
                ..Status::default()
            },
            Stage::Running(position) => position.status(),
        }
    }

    fn position(&mut self) -> Result<&mut ChainPosition, Failure> {
        match &mut self.stage {
            Stage::Running(position) => Ok(position),
            _ => Err(failure(FailureCode::NotReady, "no chain has begun")),
        }
    }

    fn require_empty(&self) -> Result<(), Failure> {
        match &self.stage {
            Stage::Empty => Ok(()),
            _ => Err(failure(
                FailureCode::NotReady,
                "this enclave already has a seed or a genesis",
            )),
        }
    }

    fn bootstrap_begin(&mut self) -> Result<Reply, Failure> {
        self.require_empty()?;
        let (ring, public) = bootstrap::begin(&*self.shared.platform)?;
        self.stage = Stage::Begun(ring);
        Ok(Reply::Begun(public))
    }

    fn begun(&self) -> Result<&SeedRing, Failure> {
        match &self.stage {
            Stage::Begun(ring) => Ok(ring),
            _ => Err(failure(FailureCode::NotReady, "no seed was begun")),
        }
    }

    fn bootstrap_seal(&mut self, genesis: &[u8]) -> Result<Reply, Failure> {
        let ring = self.begun()?;
        let (seal, keys) = bootstrap::seal(&*self.shared.platform, ring, genesis)?;
        self.stage = Stage::Sealed(Arc::new(keys));
        Ok(Reply::Sealed { seal })
    }

    fn unseal(
        &mut self,
        seal: &[u8],
        genesis: &[u8],
        anchors: &[Vec<u8>],
    ) -> Result<Reply, Failure> {
        self.require_empty()?;
        let platform = &*self.shared.platform;
        let keys = Arc::new(bootstrap::unseal(platform, seal, genesis)?);
        let open = |sealed| bootstrap::open_anchor(platform, &keys.genesis_hash(), sealed);
        let (anchor, replay) = match anchors {
            [] => {
                self.stage = Stage::Sealed(keys);
                return Ok(Reply::Status(self.status()));
            }
            [last] => (open(last)?, None),
            [before, last] => (open(before)?, Some(open(last)?)),
            _ => return Err(failure(FailureCode::NotReady, "more than two anchors")),
        };
        let position = ChainPosition::resume(keys, anchor, replay)?;
        self.run_from(position);
        Ok(Reply::Status(self.status()))
    }

    fn init_chain(&mut self, genesis: &[u8]) -> Result<Reply, Failure> {
        let genesis_hash = sha256(genesis);
        let (bound, keys) = match &self.stage {
            Stage::Empty => (None, None),
            Stage::Begun(_) => {
                return Err(failure(
                    FailureCode::NotReady,
                    "the seed that was begun is not sealed yet",
                ));
            }
            Stage::Sealed(keys) => (Some(keys.genesis_hash()), Some(Arc::clone(keys))),
            Stage::Running(position) => (Some(position.genesis_hash()), None),
        };
        if bound.is_some_and(|bound| bound != genesis_hash) {
            return Err(failure(
                FailureCode::OtherGenesis,
                "init_chain with another genesis file than the one this enclave is bound to",
            ));
        }
        if matches!(self.stage, Stage::Running(_)) {
            return Err(failure(
                FailureCode::NotReady,
                "the chain has begun already",
            ));
        }
        let begin = bootstrap::genesis_state(&self.shared.engine, genesis, genesis_hash)?;
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
        let position = ChainPosition::at_genesis(keys, begin.anchor, begin.forest);
        self.run_from(position);
        Ok(Reply::Chain(Box::new(result)))
    }

    /// The chain goes on from here, on what is durable.
    fn run_from(&mut self, position: ChainPosition) {
        self.shared.begin_at(position.height());
        position
            .version()
            .into_iter()
            .for_each(|v| self.shared.keep(v));
        self.stage = Stage::Running(Box::new(position));
    }
}
