//! Making decided blocks: pure, without threads, clock or store.

use super::EngineError;
use crate::clock::{plus, with_nine_digits};
use crate::{ChainState, FinalizeBlock, GenesisFile, InitChain, Signer};
use std::time::Duration;
use strongroom_proof::Verified;
use strongroom_proof::comet::{self, BLOCK_PROTOCOL, BlockId, Evidence, Header};
use strongroom_proof::light::{
    BLOCK_BYTES_MAX, BLOCK_TXS_MAX, Block, EVIDENCE_BYTES_MAX, LightState,
};
use strongroom_types::{DecidedBlock, RawTx, Timestamp};

/// Content of a block that its proposer chooses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// Transactions in order.
    pub txs: Vec<RawTx>,
    /// Protobuf `EvidenceList`; empty for none, as always on Solo itself.
    pub evidence: Vec<u8>,
}

impl From<Vec<RawTx>> for Content {
    fn from(txs: Vec<RawTx>) -> Self {
        Self {
            txs,
            evidence: Vec::new(),
        }
    }
}

/// A validator that is alone, between two blocks: proposes, signs, and moves on when the block was executed.
#[derive(Debug)]
pub struct Proposer {
    state: ChainState,
    signer: Signer,
    /// The block that was proposed and not yet executed.
    open: Option<(Verified<Block>, LightState)>,
}

impl Proposer {
    /// Stands before the first block.
    ///
    /// # Errors
    /// [`EngineError::State`] for a genesis that no chain can have, [`EngineError::NotAlone`] if `signer` is not the
    /// one validator of it.
    pub fn genesis(
        doc: &GenesisFile,
        init: &InitChain,
        app_version: u64,
        signer: Signer,
    ) -> Result<Self, EngineError> {
        Self::at(ChainState::genesis(doc, init, app_version)?, signer)
    }

    /// Stands where `state` stands.
    ///
    /// # Errors
    /// [`EngineError::NotAlone`].
    pub fn at(state: ChainState, signer: Signer) -> Result<Self, EngineError> {
        let proposer = Self {
            state,
            signer,
            open: None,
        };
        proposer.check_alone(&proposer.state)?;
        Ok(proposer)
    }

    /// The chain after the last executed block.
    #[must_use]
    pub const fn state(&self) -> &ChainState {
        &self.state
    }

    /// The key.
    pub const fn signer(&mut self) -> &mut Signer {
        &mut self.signer
    }

    /// Decides the next block. `block_time` is the time of the block: the precommit of the block before is signed
    /// again with it (not at the first height, whose time is the genesis'); `vote_time` is signed into the commit of
    /// the new block. Both are taken as they are, [`block_time`] makes good ones.
    ///
    /// The block is not executed yet: save it, execute it, then call [`Self::executed`]. Proposing again before that
    /// is refused by the signer unless it gives the same block.
    ///
    /// # Errors
    /// [`EngineError`] if the content does not fit or the signer refuses.
    pub fn propose(
        &mut self,
        content: Content,
        block_time: Timestamp,
        vote_time: Timestamp,
    ) -> Result<DecidedBlock, EngineError> {
        // Before anything is signed: a refused block must not leave a vote behind.
        for (what, is, most) in [
            ("transactions", content.txs.len(), BLOCK_TXS_MAX),
            (
                "bytes of transactions",
                content.txs.iter().map(|tx| tx.len()).sum(),
                BLOCK_BYTES_MAX,
            ),
            (
                "bytes of evidence",
                content.evidence.len(),
                EVIDENCE_BYTES_MAX,
            ),
        ] {
            if is > most {
                return Err(EngineError::TooMuch(what));
            }
        }
        let light = self.state.light();
        let chain_id = light.chain_id().to_owned();
        let last_commit = match light.block_id() {
            Some(id) => Some(
                self.signer
                    .commit(&chain_id, light.height(), id, block_time)?,
            ),
            None => None,
        };
        let light = self.state.light();
        let expected = self.state.expected();
        let evidence = Evidence::decode(&content.evidence).map_err(EngineError::Evidence)?;
        let header = Header {
            version_block: BLOCK_PROTOCOL,
            version_app: expected.version_app,
            height: light.height().saturating_add(1),
            time: if last_commit.is_some() {
                block_time
            } else {
                light.time()
            },
            last_block_id: light.block_id(),
            last_commit_hash: last_commit
                .as_ref()
                .map_or_else(comet::empty_commit_hash, comet::Commit::hash),
            data_hash: comet::data_hash(&content.txs),
            validators_hash: light.validators().hash(),
            next_validators_hash: light.next_validators().hash(),
            consensus_hash: expected.consensus_hash,
            app_hash: expected.app_hash,
            last_results_hash: expected.last_results_hash,
            evidence_hash: evidence.hash(),
            proposer_address: self.signer.address(),
            chain_id,
        };
        let mut block = DecidedBlock {
            header: header.encode(),
            commit: Vec::new(),
            txs: content.txs,
            last_commit: last_commit.map(|c| c.encode()).unwrap_or_default(),
            evidence: content.evidence,
        };
        let bytes = comet::block_bytes(&header, &block).map_err(EngineError::Evidence)?;
        let id = BlockId {
            hash: header.hash(),
            parts: comet::part_set_header(&bytes),
        };
        block.commit = self
            .signer
            .commit(&header.chain_id, header.height, id, vote_time)?
            .encode();
        self.accept(&block)?;
        Ok(block)
    }

    /// Takes a decided block that is already there (after a crash) as the next one: checked as the enclave will.
    ///
    /// # Errors
    /// [`EngineError::State`] names the check that failed.
    pub fn accept(&mut self, block: &DecidedBlock) -> Result<(), EngineError> {
        self.open = Some(self.state.verify(block)?);
        Ok(())
    }

    /// The block that was proposed or accepted last and is not executed yet.
    #[must_use]
    pub fn open(&self) -> Option<&Block> {
        self.open.as_ref().map(|(block, _)| &**block)
    }

    /// Moves on: the block that was proposed or accepted last was executed with this outcome.
    ///
    /// # Errors
    /// [`EngineError::State`] for an outcome that no chain can have, [`EngineError::NotAlone`] if it puts others into
    /// the validator set, [`EngineError::NothingOpen`] without a block.
    pub fn executed(&mut self, outcome: &FinalizeBlock) -> Result<&ChainState, EngineError> {
        let (block, after) = self.open.as_ref().ok_or(EngineError::NothingOpen)?;
        let state = self.state.executed(block, after, outcome)?;
        self.check_alone(&state)?;
        self.state = state;
        self.open = None;
        Ok(&self.state)
    }

    fn check_alone(&self, state: &ChainState) -> Result<(), EngineError> {
        let own = self.signer.pubkey();
        let light = state.light();
        for set in [light.validators(), light.next_validators()] {
            if set.validators().len() != 1 || set.validators().iter().any(|v| v.pubkey != own) {
                return Err(EngineError::NotAlone);
            }
        }
        Ok(())
    }
}

/// A block time for `now` after a block of time `previous`: `now` as it is, but later by a millisecond at least, as a vote of
/// CometBFT is, also if the clock went back.
#[must_use]
pub fn block_time(now: Timestamp, previous: Timestamp) -> Timestamp {
    let earliest = plus(previous, Duration::from_millis(1));
    if now >= earliest {
        now
    } else {
        with_nine_digits(earliest)
    }
}

/// Bytes of a header at most, as CometBFT counts them.
const HEADER_BYTES: u64 = 626;
/// Bytes of a commit with one signature at most.
const COMMIT_BYTES: u64 = 94 + 111;
/// Frames of a block's four parts.
const FRAME_BYTES: u64 = 11;

/// Bytes of transactions that the next block can hold, each counted with its protobuf frame.
#[must_use]
pub fn room_for_txs(state: &ChainState) -> u64 {
    let most = BLOCK_BYTES_MAX as u64;
    // -1 stands for the engine's own maximum.
    let block = u64::try_from(state.params().block.max_bytes).map_or(most, |bytes| bytes.min(most));
    block.saturating_sub(HEADER_BYTES + COMMIT_BYTES + FRAME_BYTES)
}

/// The first of `txs` that fit into `room`: an application that hands out too much loses only time.
pub(super) fn fitting(mut txs: Vec<RawTx>, room: u64) -> Vec<RawTx> {
    let mut bytes = 0_u64;
    let fit = txs
        .iter()
        .take(BLOCK_TXS_MAX)
        .take_while(|tx| {
            let length = tx.len() as u64;
            bytes = bytes.saturating_add(length + 1 + prost::length_delimiter_len(tx.len()) as u64);
            bytes <= room
        })
        .count();
    txs.truncate(fit);
    txs
}
