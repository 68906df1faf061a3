//! Which check of the light client failed.

use crate::comet::DecodeError;
use crate::comet::validators::ValidatorSetError;
use strongroom_types::{Height, Timestamp};

/// Why a block is refused: one variant for each check. Nothing was changed by the call that returned it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LightError {
    /// A part of the block is above its limit.
    #[error("{what}: {size} is more than {limit}")]
    Oversized {
        /// Which part.
        what: &'static str,
        /// Its bytes or count.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// The header does not decode, or not canonically.
    #[error("header: {0}")]
    Header(DecodeError),
    /// Another block protocol than ours.
    #[error("block protocol {found} is not known")]
    BlockProtocol {
        /// Value in the header.
        found: u64,
    },
    /// The header is of another chain.
    #[error("the header is of another chain")]
    ChainId,
    /// The header is not of the next height.
    #[error("the header has height {found}, the next one is {expected}")]
    Height {
        /// Value in the header.
        found: Height,
        /// The next height.
        expected: Height,
    },
    /// There is no next height.
    #[error("there is no height above this one")]
    HeightEnd,
    /// The header does not stand on the block before.
    #[error("the header does not name the block before")]
    LastBlockId,
    /// Time does not grow; or the first block has not the time of the genesis.
    #[error("the block time {found:?} does not follow {before:?}")]
    Time {
        /// Value in the header.
        found: Timestamp,
        /// Time of the block before, or of the genesis.
        before: Timestamp,
    },
    /// The block time is before 1970 or after the year 2554.
    #[error("the block time {found:?} does not fit nanoseconds since 1970 in 64 bits")]
    TimeRange {
        /// Value in the header or the genesis.
        found: Timestamp,
    },
    /// The header commits to another validator set.
    #[error("the validators hash is not that of the expected validators")]
    ValidatorsHash,
    /// The header commits to another next validator set.
    #[error("the next validators hash is not that of the expected next validators")]
    NextValidatorsHash,
    /// The proposer is no validator.
    #[error("the proposer is not in the validator set")]
    Proposer,
    /// The header says another version of the rules.
    #[error("the header has app version {found}, expected {expected}")]
    VersionApp {
        /// Value in the header.
        found: u64,
        /// Value in force.
        expected: u64,
    },
    /// The header's state root is not ours.
    #[error("the app hash is not the root of our state")]
    AppHash,
    /// The header's results are not ours.
    #[error("the last results hash is not that of our results")]
    LastResultsHash,
    /// The header's parameters are not ours.
    #[error("the consensus hash is not that of our parameters")]
    ConsensusHash,
    /// The transactions are not those that were decided.
    #[error("the transactions are not those of the data hash")]
    DataHash,
    /// The last commit does not decode, or not canonically.
    #[error("last commit: {0}")]
    LastCommit(DecodeError),
    /// The last commit is not the one that was decided, or not of the block before.
    #[error("the last commit is not that of the last commit hash")]
    LastCommitHash,
    /// The last commit does not go with the validators of the block before.
    #[error("the last commit does not fit the last validators")]
    LastCommitSize,
    /// The evidence does not decode, or not canonically.
    #[error("evidence: {0}")]
    Evidence(DecodeError),
    /// The evidence is not what was decided.
    #[error("the evidence is not that of the evidence hash")]
    EvidenceHash,
    /// The commit does not decode, or not canonically.
    #[error("commit: {0}")]
    Commit(DecodeError),
    /// The commit is of another height than the header.
    #[error("the commit is for height {found}, the header for {expected}")]
    CommitHeight {
        /// Value in the commit.
        found: Height,
        /// Value in the header.
        expected: Height,
    },
    /// The commit is for another block.
    #[error("the commit is for another block than the header")]
    CommitBlockId,
    /// The commit has not one entry for each validator.
    #[error("the commit has {found} entries for {expected} validators")]
    CommitSize {
        /// Entries.
        found: usize,
        /// Validators.
        expected: usize,
    },
    /// An entry carries the address of another validator, or of none.
    #[error("entry {index} of the commit is not of validator {index}")]
    VoteAddress {
        /// Place in the set.
        index: usize,
    },
    /// A signature does not verify.
    #[error("entry {index} of the commit has a bad signature")]
    Signature {
        /// Place in the set.
        index: usize,
    },
    /// Not more than 2/3 of the voting power decided this block.
    #[error("{power} of {total} voting power is not more than 2/3")]
    Power {
        /// Power that voted for the block.
        power: u64,
        /// Power of the whole set.
        total: u64,
    },
    /// Not enough of the trusted validators signed a header whose own validators are not known: a header between is needed.
    #[error("{power} of {total} trusted voting power signed, not enough to trust other validators")]
    Trust {
        /// Trusted power that voted for the block.
        power: u64,
        /// Power of the trusted set.
        total: u64,
    },
    /// The trusted header is older than the trusting period: one must be had anew from somebody who is trusted.
    #[error("the trusted header of {time} has expired at {now}")]
    Expired {
        /// Of the trusted header.
        time: Timestamp,
        /// By the caller's clock.
        now: Timestamp,
    },
    /// The header is from the future.
    #[error("the header of {time} is ahead of the clock, {now}")]
    Future {
        /// Of the header.
        time: Timestamp,
        /// By the caller's clock.
        now: Timestamp,
    },
    /// A bisection came to no end.
    #[error("too many headers are needed between the trusted one and the target")]
    Steps,
    /// Updates make no validator set.
    #[error("validators: {0}")]
    Validators(#[from] ValidatorSetError),
}

impl LightError {
    /// A stable name for logs, metrics and the door.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Oversized { .. } => "light.oversized",
            Self::Header(_) => "light.header",
            Self::BlockProtocol { .. } => "light.block_protocol",
            Self::ChainId => "light.chain_id",
            Self::Height { .. } => "light.height",
            Self::HeightEnd => "light.height_end",
            Self::LastBlockId => "light.last_block_id",
            Self::Time { .. } => "light.time",
            Self::TimeRange { .. } => "light.time_range",
            Self::ValidatorsHash => "light.validators_hash",
            Self::NextValidatorsHash => "light.next_validators_hash",
            Self::Proposer => "light.proposer",
            Self::VersionApp { .. } => "light.version_app",
            Self::AppHash => "light.app_hash",
            Self::LastResultsHash => "light.last_results_hash",
            Self::ConsensusHash => "light.consensus_hash",
            Self::DataHash => "light.data_hash",
            Self::LastCommit(_) => "light.last_commit",
            Self::LastCommitHash => "light.last_commit_hash",
            Self::LastCommitSize => "light.last_commit_size",
            Self::Evidence(_) => "light.evidence",
            Self::EvidenceHash => "light.evidence_hash",
            Self::Commit(_) => "light.commit",
            Self::CommitHeight { .. } => "light.commit_height",
            Self::CommitBlockId => "light.commit_block_id",
            Self::CommitSize { .. } => "light.commit_size",
            Self::VoteAddress { .. } => "light.vote_address",
            Self::Signature { .. } => "light.signature",
            Self::Power { .. } => "light.power",
            Self::Trust { .. } => "light.trust",
            Self::Expired { .. } => "light.expired",
            Self::Future { .. } => "light.future",
            Self::Steps => "light.steps",
            Self::Validators(_) => "light.validators",
        }
    }
}
