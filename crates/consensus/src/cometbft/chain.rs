//! The chain as CometBFT drives it: one decided block after the other, each checked, kept, executed, committed.
//!
//! Stock ABCI carries neither the header nor the commit of a block. Both are on CometBFT's disk before it asks for execution,
//! and its RPC gives them while it waits: [`Chain::finalize_block`] fetches them there, or finds them among the blocks that
//! were fetched before the start.
//! Promises: a block is on disk, whole and synced, before it is executed, and never executed unverified; a proposal that
//! the enclave would refuse is refused before anyone votes for it.

use super::error::CometError;
use super::rpc::{Rpc, RpcError};
use super::words;
use crate::patience::{Signals, patiently};
use crate::{Application, Blocks, ChainState, FinalizeBlock, GenesisFile};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use strongroom_proof::comet::raw::abci as pb;
use strongroom_proof::comet::{Evidence, Header};
use strongroom_proof::light::BLOCK_BYTES_MAX;
use strongroom_types::block::BLOCK_TXS_MAX;
use strongroom_types::{DecidedBlock, Hash, Height, RawTx, Timestamp};

/// How long CometBFT's RPC may fail to tell a block that CometBFT executes.
const FETCH_WAITS: Duration = Duration::from_secs(4);
const FETCH_RETRY: Duration = Duration::from_millis(20);

/// What the chain works with.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) genesis: Arc<GenesisFile>,
    pub(super) app: Arc<dyn Application>,
    pub(super) blocks: Arc<dyn Blocks>,
    pub(super) rpc: Rpc,
    pub(super) signals: Arc<Signals>,
    /// CometBFT is gone: what waits for it ends.
    pub(super) over: Arc<AtomicBool>,
}

/// See the module.
pub(super) struct Chain {
    parts: Parts,
    /// After the block that was committed last; `None` before the first state.
    state: Option<ChainState>,
    open: Option<Open>,
}

/// A block that is executed and not yet committed.
struct Open {
    after: ChainState,
    /// Transactions that the block had no room for.
    left: Vec<RawTx>,
}

impl Chain {
    /// The chain where the application stands.
    pub(super) fn restore(parts: Parts) -> Result<Self, CometError> {
        let info = parts.app.info()?;
        let state = match info.height {
            0 => None,
            height => {
                let state = ChainState::decode(&info.engine)?;
                if state.genesis_hash() != parts.genesis.hash() {
                    return Err(CometError::OtherGenesis);
                }
                if state.height() != height || state.app_hash() != info.app_hash {
                    return Err(CometError::AppElsewhere);
                }
                Some(state)
            }
        };
        Ok(Self {
            parts,
            state,
            open: None,
        })
    }

    pub(super) fn init_chain(
        &mut self,
        request: &pb::RequestInitChain,
    ) -> Result<pb::ResponseInitChain, CometError> {
        let parts = &self.parts;
        if request.chain_id != parts.genesis.doc.chain_id {
            return Err(CometError::OtherGenesis);
        }
        let init = patiently::<_, CometError>(&parts.signals, || {
            Ok(parts.app.init_chain(&parts.genesis)?)
        })?;
        self.state = Some(ChainState::genesis(&parts.genesis, &init, 0)?);
        Ok(words::init_chain(init))
    }

    /// The transactions of CometBFT's mempool, as many as fit: it has asked for so many already.
    pub(super) fn prepare_proposal(
        request: pb::RequestPrepareProposal,
    ) -> pb::ResponsePrepareProposal {
        let room = u64::try_from(request.max_tx_bytes).unwrap_or(0);
        let mut txs = request.txs;
        let mut bytes = 0_u64;
        let fit = txs
            .iter()
            .take(BLOCK_TXS_MAX)
            .take_while(|tx| {
                let framed = tx.len() + 1 + prost::length_delimiter_len(tx.len());
                bytes = bytes.saturating_add(framed as u64);
                bytes <= room
            })
            .count();
        txs.truncate(fit);
        pb::ResponsePrepareProposal { txs }
    }

    /// Whether the enclave takes a block like this: what it refuses must not be decided. CometBFT checks the header.
    pub(super) fn process_proposal(
        request: &pb::RequestProcessProposal,
    ) -> pb::ResponseProcessProposal {
        use pb::response_process_proposal::ProposalStatus;
        let bytes = request
            .txs
            .iter()
            .fold(0_usize, |sum, tx| sum.saturating_add(tx.len()));
        let time = request.time.as_ref().and_then(|time| {
            let nanos = u32::try_from(time.nanos).ok()?;
            Timestamp::new(time.seconds, nanos).ok()?.nanos_total()
        });
        let fits = request.txs.len() <= BLOCK_TXS_MAX && bytes <= BLOCK_BYTES_MAX && time.is_some();
        let status = if fits {
            ProposalStatus::Accept
        } else {
            ProposalStatus::Reject
        };
        pb::ResponseProcessProposal {
            status: status.into(),
        }
    }

    pub(super) fn finalize_block(
        &mut self,
        request: pb::RequestFinalizeBlock,
    ) -> Result<pb::ResponseFinalizeBlock, CometError> {
        let (parts, state) = (&self.parts, self.state.as_ref());
        let state = state.ok_or_else(|| order("a block before the chain began"))?;
        let height = Height::try_from(request.height).unwrap_or(0);
        if state.height().checked_add(1) != Some(height) {
            return Err(order(format!(
                "block {height} after block {}",
                state.height()
            )));
        }
        let block = parts.decided(height, &request)?;
        let (verified, after) = state.verify(&block)?;
        if verified.header_hash.as_slice() != &request.hash[..] {
            return Err(CometError::OtherBlock(height));
        }
        let header = verified.header.clone();
        if parts.blocks.newest()?.is_none_or(|newest| newest < height) {
            patiently::<_, CometError>(&parts.signals, || {
                Ok(parts.blocks.save_decided(&header, &block)?)
            })?;
        }
        let outcome = patiently::<_, CometError>(&parts.signals, || {
            Ok(parts.app.finalize_block(&header, &block)?)
        })?;
        let after = state.executed(&verified, &after, &outcome)?;
        let left = left(&block, &outcome);
        self.open = Some(Open { after, left });
        Ok(words::finalize_block(outcome))
    }

    /// Commits the executed block. Gives its height and the transactions that it had no room for.
    pub(super) fn commit(&mut self) -> Result<(Height, Vec<RawTx>), CometError> {
        let parts = &self.parts;
        let open = self.open.as_ref();
        let Open { after, .. } = open.ok_or_else(|| order("a commit without a block"))?;
        let height = after.height();
        patiently::<_, CometError>(&parts.signals, || Ok(parts.app.commit(height, after)?))?;
        let done = self.open.take();
        let done = done.ok_or_else(|| order("a commit without a block"))?;
        self.state = Some(done.after);
        Ok((height, done.left))
    }

    /// Height after which blocks are missing that CometBFT may have.
    pub(super) fn height(&self) -> Height {
        let before = self.parts.genesis.doc.initial_height.saturating_sub(1);
        self.state.as_ref().map_or(before, ChainState::height)
    }
}

impl Parts {
    /// The decided block that CometBFT asks to execute: known here, or told by its RPC.
    fn decided(
        &self,
        height: Height,
        request: &pb::RequestFinalizeBlock,
    ) -> Result<DecidedBlock, CometError> {
        let kept = patiently::<_, CometError>(&self.signals, || Ok(self.blocks.load(height)?))?;
        if let Some(known) = kept {
            let header = Header::decode(&known.header);
            if header.is_ok_and(|header| header.hash().as_slice() == &request.hash[..]) {
                return Ok(known);
            }
            // Fetched from stores that CometBFT does not have any more.
            patiently::<_, CometError>(&self.signals, || Ok(self.blocks.discard_from(height)?))?;
        }
        let txs = RawTx::list(request.txs.iter().map(|tx| tx.to_vec()));
        self.fetch(height, Some(txs))
    }

    /// Fetches a block, for a while again when CometBFT does not answer. With `txs` the whole block is not asked for
    /// unless it has evidence: the answer for it grows with the block.
    pub(super) fn fetch(
        &self,
        height: Height,
        txs: Option<Vec<RawTx>>,
    ) -> Result<DecidedBlock, CometError> {
        let until = Instant::now() + FETCH_WAITS;
        loop {
            match self.try_fetch(height, txs.clone()) {
                Ok(block) => return Ok(block),
                Err(Fetch::Damaged(error)) => return Err(CometError::Damaged { height, error }),
                Err(Fetch::Rpc(_)) if self.over.load(Ordering::SeqCst) => {
                    return Err(CometError::Stopped);
                }
                Err(Fetch::Rpc(error)) if Instant::now() > until => {
                    return Err(CometError::Fetch { height, error });
                }
                Err(Fetch::Rpc(_)) => {
                    if !self.signals.wait_until(Instant::now() + FETCH_RETRY) {
                        return Err(CometError::Stopped);
                    }
                }
            }
        }
    }

    fn try_fetch(&self, height: Height, txs: Option<Vec<RawTx>>) -> Result<DecidedBlock, Fetch> {
        let signed = self.rpc.commit(height)?;
        let header = Header::decode(&signed.header).map_err(Fetch::Damaged)?;
        let plain = header.evidence_hash == no_evidence();
        let first = height == self.genesis.doc.initial_height;
        let (txs, last_commit, evidence) = match txs {
            Some(txs) if plain && first => (txs, Vec::new(), Vec::new()),
            Some(txs) if plain => {
                let last = self.rpc.commit(height.saturating_sub(1))?;
                (txs, last.commit, Vec::new())
            }
            _ => {
                let block = self.rpc.block(height)?;
                (block.txs, block.last_commit, block.evidence)
            }
        };
        Ok(DecidedBlock {
            header: signed.header,
            commit: signed.commit,
            txs,
            last_commit,
            evidence,
        })
    }
}

enum Fetch {
    Rpc(RpcError),
    Damaged(strongroom_proof::comet::DecodeError),
}

impl From<RpcError> for Fetch {
    fn from(error: RpcError) -> Self {
        Self::Rpc(error)
    }
}

fn no_evidence() -> Hash {
    Evidence::default().hash()
}

fn order(text: impl Into<String>) -> CometError {
    CometError::Order(text.into())
}

fn left(block: &DecidedBlock, outcome: &FinalizeBlock) -> Vec<RawTx> {
    let results = block.txs.iter().zip(&outcome.tx_results);
    let left = results.filter(|(_, result)| result.is_left());
    left.map(|(tx, _)| tx.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solo::tests::home::{Home, Step};
    use crate::solo::{BlockTiming, EngineConfig};

    fn prepare(lengths: &[usize], max_tx_bytes: i64) -> usize {
        let request = pb::RequestPrepareProposal {
            txs: lengths.iter().map(|l| vec![0; *l].into()).collect(),
            max_tx_bytes,
            ..Default::default()
        };
        Chain::prepare_proposal(request).txs.len()
    }

    #[test]
    fn a_proposal_has_the_first_transactions_that_fit() {
        // 10 bytes and their frame: 12.
        assert_eq!(prepare(&[10, 10, 10], 36), 3);
        assert_eq!(prepare(&[10, 10, 10], 35), 2);
        assert_eq!(prepare(&[10, 200, 10], 36), 1);
        assert_eq!(prepare(&[10], -1), 0);
        assert_eq!(prepare(&vec![0; BLOCK_TXS_MAX + 1], 1 << 30), BLOCK_TXS_MAX);
    }

    #[test]
    fn a_proposal_that_the_enclave_would_refuse_is_refused() {
        use pb::response_process_proposal::ProposalStatus::{Accept, Reject};
        let good = pb::RequestProcessProposal {
            time: Some(words::time(Timestamp::default())),
            ..Default::default()
        };
        let status = |request: &pb::RequestProcessProposal| Chain::process_proposal(request).status;
        assert_eq!(status(&good), i32::from(Accept));
        let many = pb::RequestProcessProposal {
            txs: vec![Default::default(); BLOCK_TXS_MAX + 1],
            ..good.clone()
        };
        let long = pb::RequestProcessProposal {
            txs: vec![vec![0; BLOCK_BYTES_MAX + 1].into()],
            ..good.clone()
        };
        // Nanoseconds since 1970 end in the year 2554.
        let late = pb::RequestProcessProposal {
            time: Some(words::time(Timestamp::new(20_000_000_000, 0).unwrap())),
            ..good.clone()
        };
        for bad in [many, long, late] {
            assert_eq!(status(&bad), i32::from(Reject));
        }
    }

    #[test]
    fn a_block_that_is_kept_is_read_when_there_are_descriptors_and_forgotten_if_cometbft_decided_another()
     {
        let home = Home::new();
        home.app.put("tx");
        let solo = home.start(BlockTiming::Instant).unwrap();
        home.app.wait_for(2);
        solo.stop().unwrap();
        let EngineConfig {
            genesis,
            app,
            blocks,
            ..
        } = home.parts(BlockTiming::Instant);
        let parts = Parts {
            genesis,
            app,
            blocks,
            rpc: Rpc::new(home.file("no.socket")),
            signals: Arc::default(),
            // What is not here is asked for once.
            over: Arc::new(AtomicBool::new(true)),
        };
        let decided = |hash: &Hash| {
            home.app.0.lock().unwrap().short = Some((Step::Load, 2));
            let request = pb::RequestFinalizeBlock {
                hash: hash.to_vec().into(),
                ..Default::default()
            };
            let block = parts.decided(2, &request);
            assert_eq!(home.app.0.lock().unwrap().short, Some((Step::Load, 0)));
            block
        };
        let kept = home.block(2);
        let hash = Header::decode(&kept.header).unwrap().hash();
        assert_eq!(decided(&hash).unwrap(), kept);
        let asked = decided(&[7; 32]);
        assert!(matches!(asked, Err(CometError::Stopped)));
        assert_eq!(parts.blocks.newest().unwrap(), Some(1));
    }
}
