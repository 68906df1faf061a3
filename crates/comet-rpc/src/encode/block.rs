//! Headers, commits, evidence and blocks, from the protobuf that is stored.

use super::time;
use super::validators::{ValidatorJson, pub_key_of_proto};
use crate::json::{Base64, Base64OrNull, Str, Time, UpperHex};
use prost::Message as _;
use serde::Serialize;
use strongroom_store::blocks::BlockMeta;
use strongroom_types::DecidedBlock;
use tendermint_proto::v0_38::types as pb;

/// A row of the store is no protobuf of its type. That is damage, not input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stored {0} cannot be decoded")]
pub struct Undecodable(pub &'static str);

/// `block_id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlockIdJson {
    hash: UpperHex,
    parts: PartsJson,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct PartsJson {
    total: u32,
    hash: UpperHex,
}

impl From<Option<pb::BlockId>> for BlockIdJson {
    fn from(id: Option<pb::BlockId>) -> Self {
        let id = id.unwrap_or_default();
        let parts = id.part_set_header.unwrap_or_default();
        Self {
            hash: UpperHex(id.hash),
            parts: PartsJson {
                total: parts.total,
                hash: UpperHex(parts.hash),
            },
        }
    }
}

impl From<&BlockMeta> for BlockIdJson {
    fn from(meta: &BlockMeta) -> Self {
        let parts = PartsJson {
            total: meta.parts_total,
            hash: UpperHex(meta.parts_hash.to_vec()),
        };
        Self {
            hash: UpperHex(meta.hash.to_vec()),
            parts,
        }
    }
}

impl BlockIdJson {
    /// The id of no block.
    pub(crate) fn none() -> Self {
        Self::from(None)
    }
}

#[derive(Clone, Debug, Serialize)]
struct VersionJson {
    block: Str<u64>,
    app: Str<u64>,
}

/// A header.
#[derive(Clone, Debug, Serialize)]
pub struct HeaderJson {
    version: VersionJson,
    chain_id: String,
    height: Str<i64>,
    time: Time,
    last_block_id: BlockIdJson,
    last_commit_hash: UpperHex,
    data_hash: UpperHex,
    validators_hash: UpperHex,
    next_validators_hash: UpperHex,
    consensus_hash: UpperHex,
    app_hash: UpperHex,
    last_results_hash: UpperHex,
    evidence_hash: UpperHex,
    proposer_address: UpperHex,
}

impl From<pb::Header> for HeaderJson {
    fn from(header: pb::Header) -> Self {
        let version = header.version.unwrap_or_default();
        Self {
            version: VersionJson {
                block: Str(version.block),
                app: Str(version.app),
            },
            chain_id: header.chain_id,
            height: Str(header.height),
            time: time(header.time),
            last_block_id: header.last_block_id.into(),
            last_commit_hash: UpperHex(header.last_commit_hash),
            data_hash: UpperHex(header.data_hash),
            validators_hash: UpperHex(header.validators_hash),
            next_validators_hash: UpperHex(header.next_validators_hash),
            consensus_hash: UpperHex(header.consensus_hash),
            app_hash: UpperHex(header.app_hash),
            last_results_hash: UpperHex(header.last_results_hash),
            evidence_hash: UpperHex(header.evidence_hash),
            proposer_address: UpperHex(header.proposer_address),
        }
    }
}

/// The protobuf header of a block.
///
/// # Errors
/// If the stored bytes are damaged.
pub fn decode_header(bytes: &[u8]) -> Result<pb::Header, Undecodable> {
    pb::Header::decode(bytes).map_err(|_| Undecodable("header"))
}

#[derive(Clone, Debug, Serialize)]
struct CommitSigJson {
    block_id_flag: i32,
    validator_address: UpperHex,
    timestamp: Time,
    signature: Base64OrNull,
}

/// A commit.
#[derive(Clone, Debug, Serialize)]
pub struct CommitJson {
    height: Str<i64>,
    round: i32,
    block_id: BlockIdJson,
    signatures: Vec<CommitSigJson>,
}

impl CommitJson {
    /// From protobuf bytes; no bytes are the commit of no block.
    ///
    /// # Errors
    /// If the stored bytes are damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, Undecodable> {
        let commit = pb::Commit::decode(bytes).map_err(|_| Undecodable("commit"))?;
        let signature = |sig: pb::CommitSig| CommitSigJson {
            block_id_flag: sig.block_id_flag,
            validator_address: UpperHex(sig.validator_address),
            timestamp: time(sig.timestamp),
            signature: Base64OrNull(sig.signature),
        };
        Ok(Self {
            height: Str(commit.height),
            round: commit.round,
            block_id: commit.block_id.into(),
            signatures: commit.signatures.into_iter().map(signature).collect(),
        })
    }
}

#[derive(Clone, Debug, Serialize)]
struct VoteJson {
    r#type: i32,
    height: Str<i64>,
    round: i32,
    block_id: BlockIdJson,
    timestamp: Time,
    validator_address: UpperHex,
    validator_index: i32,
    signature: Base64OrNull,
    extension: Base64OrNull,
    extension_signature: Base64OrNull,
}

impl From<pb::Vote> for VoteJson {
    fn from(vote: pb::Vote) -> Self {
        Self {
            r#type: vote.r#type,
            height: Str(vote.height),
            round: vote.round,
            block_id: vote.block_id.into(),
            timestamp: time(vote.timestamp),
            validator_address: UpperHex(vote.validator_address),
            validator_index: vote.validator_index,
            signature: Base64OrNull(vote.signature),
            extension: Base64OrNull(vote.extension),
            extension_signature: Base64OrNull(vote.extension_signature),
        }
    }
}

/// A piece of evidence.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", content = "value")]
pub enum EvidenceJson {
    /// One validator signed two blocks.
    #[serde(rename = "tendermint/DuplicateVoteEvidence")]
    DuplicateVote {
        /// The vote with the smaller block id.
        vote_a: Option<VoteBox>,
        /// The other one.
        vote_b: Option<VoteBox>,
        /// Of the set then.
        #[serde(rename = "TotalVotingPower")]
        total_voting_power: Str<i64>,
        /// Of the culprit then.
        #[serde(rename = "ValidatorPower")]
        validator_power: Str<i64>,
        /// Time of the block of that height.
        #[serde(rename = "Timestamp")]
        timestamp: Time,
    },
    /// A light client was shown a block that the chain does not have.
    #[serde(rename = "tendermint/LightClientAttackEvidence")]
    LightClientAttack {
        /// The last height that both share.
        #[serde(rename = "CommonHeight")]
        common_height: Str<i64>,
        /// Address of the signer.
        #[serde(rename = "ByzantineValidators")]
        byzantine_validators: Vec<ValidatorJson>,
        /// Of the set then.
        #[serde(rename = "TotalVotingPower")]
        total_voting_power: Str<i64>,
        /// Time of the block of that height.
        #[serde(rename = "Timestamp")]
        timestamp: Time,
    },
}

/// A vote, on the heap: votes are much larger than anything else here.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct VoteBox(Box<VoteJson>);

impl From<pb::Vote> for VoteBox {
    fn from(vote: pb::Vote) -> Self {
        Self(Box::new(vote.into()))
    }
}

/// The evidence of a block.
///
/// # Errors
/// If the stored bytes are damaged.
pub fn decode_evidence(bytes: &[u8]) -> Result<Vec<EvidenceJson>, Undecodable> {
    let list = pb::EvidenceList::decode(bytes).map_err(|_| Undecodable("evidence"))?;
    let piece = |evidence: pb::Evidence| match evidence.sum? {
        pb::evidence::Sum::DuplicateVoteEvidence(e) => Some(EvidenceJson::DuplicateVote {
            vote_a: e.vote_a.map(Into::into),
            vote_b: e.vote_b.map(Into::into),
            total_voting_power: Str(e.total_voting_power),
            validator_power: Str(e.validator_power),
            timestamp: time(e.timestamp),
        }),
        pb::evidence::Sum::LightClientAttackEvidence(e) => Some(EvidenceJson::LightClientAttack {
            common_height: Str(e.common_height),
            byzantine_validators: e
                .byzantine_validators
                .into_iter()
                .filter_map(light_validator)
                .collect(),
            total_voting_power: Str(e.total_voting_power),
            timestamp: time(e.timestamp),
        }),
    };
    Ok(list.evidence.into_iter().filter_map(piece).collect())
}

fn light_validator(validator: pb::Validator) -> Option<ValidatorJson> {
    Some(ValidatorJson {
        address: UpperHex(validator.address),
        pub_key: pub_key_of_proto(validator.pub_key?)?,
        voting_power: Str(validator.voting_power),
        proposer_priority: Str(validator.proposer_priority),
    })
}

#[derive(Clone, Debug, Serialize)]
struct DataJson {
    txs: Vec<Base64>,
}

#[derive(Clone, Debug, Serialize)]
struct EvidenceListJson {
    evidence: Vec<EvidenceJson>,
}

/// A block.
#[derive(Clone, Debug, Serialize)]
pub struct BlockJson {
    header: HeaderJson,
    data: DataJson,
    evidence: EvidenceListJson,
    last_commit: CommitJson,
}

impl BlockJson {
    /// From what is stored.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn new(block: &DecidedBlock) -> Result<Self, Undecodable> {
        Ok(Self {
            header: decode_header(&block.header)?.into(),
            data: DataJson {
                txs: block.txs.iter().map(|tx| Base64(tx.to_vec())).collect(),
            },
            evidence: EvidenceListJson {
                evidence: decode_evidence(&block.evidence)?,
            },
            last_commit: CommitJson::decode(&block.last_commit)?,
        })
    }
}
