//! Commits and the votes in them.

use super::wire::{TIME_ZERO_SECONDS, array, decode_canonical, fit, raw_height, raw_time, time};
use super::{BlockId, DecodeError, ValidatorAddress, raw};
use crate::merkle;
use borsh::{BorshDeserialize, BorshSerialize};
use prost::Message;
use raw::types::BlockIdFlag;
use strongroom_types::{Hash, Height, Timestamp};

/// A signed precommit as a commit keeps it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Vote {
    /// Address of the voter.
    pub address: ValidatorAddress,
    /// When, by its own clock; signed.
    pub time: Timestamp,
    /// Ed25519 over [`sign_bytes`].
    pub signature: [u8; 64],
}

/// Entry of one validator, by its place in the set, in the deciding round.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum CommitSig {
    /// No vote was seen.
    Absent,
    /// It voted for the block.
    Commit(Vote),
    /// It voted for no block.
    Nil(Vote),
}

impl CommitSig {
    /// The vote, if there was one.
    #[must_use]
    pub const fn vote(&self) -> Option<&Vote> {
        match self {
            Self::Absent => None,
            Self::Commit(vote) | Self::Nil(vote) => Some(vote),
        }
    }

    fn to_raw(&self) -> raw::types::CommitSig {
        let flag = match self {
            Self::Absent => BlockIdFlag::Absent,
            Self::Commit(_) => BlockIdFlag::Commit,
            Self::Nil(_) => BlockIdFlag::Nil,
        };
        let zero = Timestamp {
            seconds: TIME_ZERO_SECONDS,
            nanos: 0,
        };
        let vote = self.vote();
        raw::types::CommitSig {
            block_id_flag: flag.into(),
            validator_address: vote.map(|v| v.address.to_vec()).unwrap_or_default(),
            timestamp: Some(raw_time(vote.map_or(zero, |v| v.time))),
            signature: vote.map(|v| v.signature.to_vec()).unwrap_or_default(),
        }
    }

    fn from_raw(sig: &raw::types::CommitSig) -> Result<Self, DecodeError> {
        let what = "commit signature";
        let flag = BlockIdFlag::try_from(sig.block_id_flag).map_err(|_| DecodeError::Field {
            what,
            field: "block_id_flag",
        })?;
        let vote = || {
            Ok(Vote {
                address: array(what, "validator_address", &sig.validator_address)?,
                time: time(what, "timestamp", sig.timestamp.as_ref())?,
                signature: array(what, "signature", &sig.signature)?,
            })
        };
        match flag {
            BlockIdFlag::Absent if *sig == Self::Absent.to_raw() => Ok(Self::Absent),
            BlockIdFlag::Absent => Err(DecodeError::Field {
                what,
                field: "absent entry",
            }),
            BlockIdFlag::Commit => vote().map(Self::Commit),
            BlockIdFlag::Nil => vote().map(Self::Nil),
            BlockIdFlag::Unknown => Err(DecodeError::Field {
                what,
                field: "block_id_flag",
            }),
        }
    }
}

/// The precommits that decided a block, one entry for each validator in the order of the set.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Commit {
    /// Height of the block.
    pub height: Height,
    /// Round in which it was decided.
    pub round: u32,
    /// The block.
    pub block_id: BlockId,
    /// One entry for each validator.
    pub signatures: Vec<CommitSig>,
}

impl Commit {
    /// Decodes and checks a commit by itself: lengths, ranges, flags and canonical encoding, at least one entry.
    ///
    /// # Errors
    /// [`DecodeError`] says which field.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::from_raw(&decode_canonical("commit", bytes)?)
    }

    /// Checks a raw commit.
    ///
    /// # Errors
    /// [`DecodeError::Field`] says which field.
    pub fn from_raw(commit: &raw::types::Commit) -> Result<Self, DecodeError> {
        let what = "commit";
        let height: Height = fit(what, "height", commit.height)?;
        if height == 0 {
            return Err(DecodeError::Field {
                what,
                field: "height",
            });
        }
        // Protobuf has a signed round; negative ones are no rounds.
        let round = u32::try_from(commit.round).map_err(|_| DecodeError::Field {
            what,
            field: "round",
        })?;
        let block_id = commit.block_id.as_ref().ok_or(DecodeError::Field {
            what,
            field: "block_id",
        })?;
        if commit.signatures.is_empty() {
            return Err(DecodeError::Field {
                what,
                field: "signatures",
            });
        }
        Ok(Self {
            height,
            round,
            block_id: BlockId::from_raw(block_id)?,
            signatures: commit
                .signatures
                .iter()
                .map(CommitSig::from_raw)
                .collect::<Result<_, _>>()?,
        })
    }

    /// The protobuf message.
    #[must_use]
    pub fn to_raw(&self) -> raw::types::Commit {
        raw::types::Commit {
            height: raw_height(self.height),
            round: i32::try_from(self.round).unwrap_or(i32::MAX),
            block_id: Some(self.block_id.to_raw()),
            signatures: self.signatures.iter().map(CommitSig::to_raw).collect(),
        }
    }

    /// The canonical protobuf bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_raw().encode_to_vec()
    }

    /// The leaves under the commit's hash: one for each entry.
    #[must_use]
    pub fn leaves(&self) -> Vec<Vec<u8>> {
        self.signatures
            .iter()
            .map(|s| s.to_raw().encode_to_vec())
            .collect()
    }

    /// The `last_commit_hash` of the header above. It covers neither height nor round nor block id.
    #[must_use]
    pub fn hash(&self) -> Hash {
        merkle::root(&self.leaves())
    }

    /// What the validator at `index` signed; `None` if it is absent or out of range.
    #[must_use]
    pub fn sign_bytes(&self, chain_id: &str, index: usize) -> Option<Vec<u8>> {
        let (block_id, vote) = match self.signatures.get(index)? {
            CommitSig::Absent => return None,
            CommitSig::Commit(vote) => (Some(&self.block_id), vote),
            CommitSig::Nil(vote) => (None, vote),
        };
        Some(sign_bytes(
            chain_id,
            self.height,
            self.round,
            block_id,
            vote.time,
        ))
    }
}

/// The `last_commit_hash` of the first block: that of an empty list.
#[must_use]
pub fn empty_commit_hash() -> Hash {
    merkle::root::<[u8; 0]>(&[])
}

/// What a validator signs for a precommit: the canonical vote with its length in front. `block_id` is `None` for nil.
#[must_use]
pub fn sign_bytes(
    chain_id: &str,
    height: Height,
    round: u32,
    block_id: Option<&BlockId>,
    time: Timestamp,
) -> Vec<u8> {
    raw::types::CanonicalVote {
        r#type: raw::types::SignedMsgType::Precommit.into(),
        height: raw_height(height),
        round: i64::from(round),
        block_id: block_id.map(|id| raw::types::CanonicalBlockId {
            hash: id.hash.to_vec(),
            part_set_header: Some(raw::types::CanonicalPartSetHeader {
                total: id.parts.total,
                hash: id.parts.hash.to_vec(),
            }),
        }),
        timestamp: Some(raw_time(time)),
        chain_id: chain_id.to_owned(),
    }
    .encode_length_delimited_to_vec()
}
