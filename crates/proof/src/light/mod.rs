//! The sequential light client: what makes a decided block a [`Verified`] one. ([`skipping`]: the one for clients.)
//!
//! Circles: trusted, client. No clock: a header is judged by the one before it, and its time must only grow.
//!
//! Promises: a block that comes out of [`LightState::verify`] continues the chain that the state stands on, is
//! decided by more than 2/3 of the voting power of the validators that the state expects, commits to exactly the
//! results that this machine computed for the blocks before, and carries exactly the transactions, last commit and
//! evidence that its header names. Every signature of its commit was checked, also those beyond 2/3 and those for nil.
//! Refuses: skipping heights, bytes above the limits below, anything that fails a check; then nothing changes, and the
//! error names the check.
//!
//! Why not `tendermint-light-client-verifier`: it looks votes up by address, stops at 2/3, may overflow or panic in
//! places, and brings two dozen crates into the trusted core. It serves the tests as an oracle instead.
//! Architecture, section 2; recorded cases: `testdata/cometbft-v0.38`.

mod error;
mod signatures;
pub mod skipping;
mod state;

pub use error::LightError;
pub use state::{Genesis, LightState};

use crate::Verified;
use crate::comet::{
    self, BLOCK_PROTOCOL, BlockId, Commit, CommitSig, Evidence, Header, Misbehavior,
    ValidatorAddress, ValidatorSet,
};
use strongroom_types::{DecidedBlock, Hash, Height, RawTx, Timestamp, Untrusted};

/// Most bytes of a header (CometBFT's own limit is 626).
pub const HEADER_BYTES_MAX: usize = 1_024;

/// Most bytes of a commit: 1,000 validators with 111 bytes each, and 94 around them, rounded up.
pub const COMMIT_BYTES_MAX: usize = 112 * 1_024;

/// Limits that genesis parameters and proposers hold too.
pub use strongroom_types::block::{BLOCK_BYTES_MAX, BLOCK_TXS_MAX, EVIDENCE_BYTES_MAX};

/// What this machine knows the next header must say, because it computed it from the blocks before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// State root after the block before (at the first height: after genesis).
    pub app_hash: Vec<u8>,
    /// [`comet::results_hash`] over the results of the block before; that of no results at the first height.
    pub last_results_hash: Hash,
    /// [`comet::consensus_hash`] of the parameters in force at this height.
    pub consensus_hash: Hash,
    /// Version of the rules in force at this height.
    pub version_app: u64,
}

/// Vote of one validator on the block before, for rewards and slashing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastVote {
    /// Who.
    pub address: ValidatorAddress,
    /// Its voting power at that height.
    pub power: u64,
    /// Its vote.
    pub flag: VoteFlag,
}

/// Vote of a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoteFlag {
    /// No vote was seen.
    Absent,
    /// It voted for the block.
    Commit,
    /// It voted for no block.
    Nil,
}

/// The content of a verified block, decoded as far as execution needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Chain id.
    pub chain_id: String,
    /// Height.
    pub height: Height,
    /// Block time; grows with every block.
    pub time: Timestamp,
    /// Hash of the header: unknown to anyone before the block was proposed.
    pub header_hash: Hash,
    /// Block id in the commit.
    pub block_id: BlockId,
    /// Proposer.
    pub proposer_address: ValidatorAddress,
    /// The whole header.
    pub header: Header,
    /// The transactions in order.
    pub txs: Vec<RawTx>,
    /// Misbehaviour that the block proves.
    pub misbehavior: Vec<Misbehavior>,
    /// What the validators of the block before did, in the order of their set; empty at the first height.
    pub last_votes: Vec<LastVote>,
}

impl LightState {
    /// Checks a decided block against this state and what this machine expects; gives the block and the state after it.
    ///
    /// The validator set after the next one is not known before the block was executed: continue with
    /// [`LightState::executed`] on the state that comes back.
    ///
    /// # Errors
    /// [`LightError`] names the check that failed. Checks run in this order: sizes; header by itself; chain id, height,
    /// last block id, time, validators, next validators, proposer; commit and its signatures; version, app hash,
    /// results, parameters; transactions, last commit, evidence. So what fails after the signatures was decided by the
    /// validators, and this machine disagrees with them.
    pub fn verify(
        &self,
        untrusted: Untrusted<DecidedBlock>,
        expected: &Expected,
    ) -> Result<(Verified<Block>, Self), LightError> {
        untrusted.verify(|block| {
            check_sizes(&block)?;
            let header = Header::decode(&block.header).map_err(LightError::Header)?;
            let commit = Commit::decode(&block.commit).map_err(LightError::Commit)?;
            let after = self.follow(&header, &commit)?;
            check_expected(&header, expected)?;
            let content = self.open(header, commit.block_id, block)?;
            Ok((Verified::new(content), after))
        })
    }

    /// The pure light client: checks that header and commit continue the chain, nothing of what they commit to.
    /// For clients that hold no content. The machine that executes uses [`LightState::verify`].
    ///
    /// # Errors
    /// [`LightError`] names the check that failed.
    pub fn follow(&self, header: &Header, commit: &Commit) -> Result<Self, LightError> {
        self.check_chaining(header)?;
        signatures::check_decided(header, commit, self.validators())?;
        Ok(self.advanced(header, commit.block_id))
    }

    fn check_chaining(&self, header: &Header) -> Result<(), LightError> {
        if header.version_block != BLOCK_PROTOCOL {
            return Err(LightError::BlockProtocol {
                found: header.version_block,
            });
        }
        if header.chain_id != self.chain_id() {
            return Err(LightError::ChainId);
        }
        let expected = self.height().checked_add(1).ok_or(LightError::HeightEnd)?;
        if header.height != expected {
            return Err(LightError::Height {
                found: header.height,
                expected,
            });
        }
        if header.last_block_id != self.block_id() {
            return Err(LightError::LastBlockId);
        }
        check_time(header.time)?;
        // The first block has the time of the genesis, every other one a later time than the block before.
        let first = self.block_id().is_none();
        if (first && header.time != self.time()) || (!first && header.time <= self.time()) {
            return Err(LightError::Time {
                found: header.time,
                before: self.time(),
            });
        }
        if header.validators_hash != self.validators().hash() {
            return Err(LightError::ValidatorsHash);
        }
        if header.next_validators_hash != self.next_validators().hash() {
            return Err(LightError::NextValidatorsHash);
        }
        if !self.validators().contains(&header.proposer_address) {
            return Err(LightError::Proposer);
        }
        Ok(())
    }

    /// Checks what the block carries against its header, which is already trusted.
    fn open(
        &self,
        header: Header,
        block_id: BlockId,
        block: DecidedBlock,
    ) -> Result<Block, LightError> {
        if comet::data_hash(&block.txs) != header.data_hash {
            return Err(LightError::DataHash);
        }
        let last_votes = self.open_last_commit(&header, &block.last_commit)?;
        let evidence = Evidence::decode(&block.evidence).map_err(LightError::Evidence)?;
        if evidence.hash() != header.evidence_hash {
            return Err(LightError::EvidenceHash);
        }
        Ok(Block {
            chain_id: header.chain_id.clone(),
            height: header.height,
            time: header.time,
            header_hash: block_id.hash,
            block_id,
            proposer_address: header.proposer_address,
            txs: block.txs,
            misbehavior: evidence.misbehavior,
            last_votes,
            header,
        })
    }

    fn open_last_commit(&self, header: &Header, bytes: &[u8]) -> Result<Vec<LastVote>, LightError> {
        let (Some(last_block_id), Some(voters)) = (header.last_block_id, self.last_validators())
        else {
            let empty = bytes.is_empty() && header.last_commit_hash == comet::empty_commit_hash();
            return if empty {
                Ok(Vec::new())
            } else {
                Err(LightError::LastCommitHash)
            };
        };
        let commit = Commit::decode(bytes).map_err(LightError::LastCommit)?;
        // The hash covers the entries only; height and block id are ours to check. (The round is covered by nothing;
        // it influences nothing.)
        if commit.hash() != header.last_commit_hash
            || Some(commit.height) != header.height.checked_sub(1)
            || commit.block_id != last_block_id
        {
            return Err(LightError::LastCommitHash);
        }
        last_votes(&commit, voters)
    }
}

fn last_votes(commit: &Commit, voters: &ValidatorSet) -> Result<Vec<LastVote>, LightError> {
    if commit.signatures.len() != voters.validators().len() {
        return Err(LightError::LastCommitSize);
    }
    let mut votes = Vec::with_capacity(commit.signatures.len());
    for (sig, voter) in commit.signatures.iter().zip(voters.validators()) {
        let address = voter.address();
        if sig.vote().is_some_and(|vote| vote.address != address) {
            return Err(LightError::LastCommitSize);
        }
        let flag = match sig {
            CommitSig::Absent => VoteFlag::Absent,
            CommitSig::Commit(_) => VoteFlag::Commit,
            CommitSig::Nil(_) => VoteFlag::Nil,
        };
        votes.push(LastVote {
            address,
            power: voter.power,
            flag,
        });
    }
    Ok(votes)
}

/// Contracts see block time as unsigned nanoseconds since 1970: a time that does not fit is refused where it enters.
pub(crate) fn check_time(time: Timestamp) -> Result<(), LightError> {
    match time.nanos_total() {
        Some(_) => Ok(()),
        None => Err(LightError::TimeRange { found: time }),
    }
}

fn check_sizes(block: &DecidedBlock) -> Result<(), LightError> {
    let too_large = |what, size: usize, limit| {
        if size > limit {
            Err(LightError::Oversized { what, size, limit })
        } else {
            Ok(())
        }
    };
    too_large("header", block.header.len(), HEADER_BYTES_MAX)?;
    too_large("commit", block.commit.len(), COMMIT_BYTES_MAX)?;
    too_large("last commit", block.last_commit.len(), COMMIT_BYTES_MAX)?;
    too_large("evidence", block.evidence.len(), EVIDENCE_BYTES_MAX)?;
    too_large("number of transactions", block.txs.len(), BLOCK_TXS_MAX)?;
    let bytes = block
        .txs
        .iter()
        .fold(0_usize, |sum, tx| sum.saturating_add(tx.len()));
    too_large("transactions", bytes, BLOCK_BYTES_MAX)
}

fn check_expected(header: &Header, expected: &Expected) -> Result<(), LightError> {
    if header.version_app != expected.version_app {
        return Err(LightError::VersionApp {
            found: header.version_app,
            expected: expected.version_app,
        });
    }
    if header.app_hash != expected.app_hash {
        return Err(LightError::AppHash);
    }
    if header.last_results_hash != expected.last_results_hash {
        return Err(LightError::LastResultsHash);
    }
    if header.consensus_hash != expected.consensus_hash {
        return Err(LightError::ConsensusHash);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
