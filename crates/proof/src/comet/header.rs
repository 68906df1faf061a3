//! Header and block id: what a block commits to, in 14 leaves.

use super::wire::{
    array, bytes_leaf, decode_canonical, fit, height_leaf, raw_height, raw_time, string_leaf, time,
};
use super::{DecodeError, ValidatorAddress, raw};
use crate::merkle;
use borsh::{BorshDeserialize, BorshSerialize};
use prost::Message;
use strongroom_types::consensus::CHAIN_ID_BYTES_MAX;
use strongroom_types::{Hash, Height, Timestamp};

/// The root over the parts of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PartSetHeader {
    /// Number of parts, at least 1.
    pub total: u32,
    /// Merkle root over the parts.
    pub hash: Hash,
}

/// Block id, for which validators vote: the header's hash and the parts' root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BlockId {
    /// Hash of the header.
    pub hash: Hash,
    /// Root over the parts of the whole block.
    pub parts: PartSetHeader,
}

impl BlockId {
    /// The protobuf message.
    #[must_use]
    pub fn to_raw(&self) -> raw::types::BlockId {
        raw::types::BlockId {
            hash: self.hash.to_vec(),
            part_set_header: Some(raw::types::PartSetHeader {
                total: self.parts.total,
                hash: self.parts.hash.to_vec(),
            }),
        }
    }

    /// The protobuf message of "no block": empty hash, empty but present part set header.
    #[must_use]
    pub fn none_raw() -> raw::types::BlockId {
        raw::types::BlockId {
            hash: Vec::new(),
            part_set_header: Some(raw::types::PartSetHeader::default()),
        }
    }

    /// Checks a raw id that must name a block.
    ///
    /// # Errors
    /// [`DecodeError::Field`] for hashes that are not 32 bytes, or no parts.
    pub fn from_raw(id: &raw::types::BlockId) -> Result<Self, DecodeError> {
        let what = "block id";
        let parts = id.part_set_header.as_ref().ok_or(DecodeError::Field {
            what,
            field: "part_set_header",
        })?;
        if parts.total == 0 {
            return Err(DecodeError::Field {
                what,
                field: "part_set_header.total",
            });
        }
        Ok(Self {
            hash: array(what, "hash", &id.hash)?,
            parts: PartSetHeader {
                total: parts.total,
                hash: array(what, "part_set_header.hash", &parts.hash)?,
            },
        })
    }
}

/// A block header (`tendermint.types.Header`), fields in the order of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Block protocol, [`super::BLOCK_PROTOCOL`].
    pub version_block: u64,
    /// Version of the state machine's rules.
    pub version_app: u64,
    /// Chain id, 1 to [`CHAIN_ID_BYTES_MAX`] bytes.
    pub chain_id: String,
    /// Height, at least 1.
    pub height: Height,
    /// Block time.
    pub time: Timestamp,
    /// The block before; `None` at the first height.
    pub last_block_id: Option<BlockId>,
    /// Over the commit for the block before.
    pub last_commit_hash: Hash,
    /// Over the transactions.
    pub data_hash: Hash,
    /// Over the validators of this height.
    pub validators_hash: Hash,
    /// Over the validators of the next height.
    pub next_validators_hash: Hash,
    /// Over the block parameters of this height.
    pub consensus_hash: Hash,
    /// State root *before* this block; empty only on chains whose genesis has none.
    pub app_hash: Vec<u8>,
    /// Over the results of the block before.
    pub last_results_hash: Hash,
    /// Over the evidence.
    pub evidence_hash: Hash,
    /// Proposer of the block.
    pub proposer_address: ValidatorAddress,
}

/// Longest app hash that is accepted, bytes.
const APP_HASH_BYTES_MAX: usize = 32;

impl Header {
    /// Decodes and checks a header by itself: field lengths, ranges and canonical encoding.
    ///
    /// # Errors
    /// [`DecodeError`] says which field.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::from_raw(&decode_canonical("header", bytes)?)
    }

    /// Checks a raw header.
    ///
    /// # Errors
    /// [`DecodeError::Field`] says which field.
    pub fn from_raw(header: &raw::types::Header) -> Result<Self, DecodeError> {
        let what = "header";
        let bad = |field| DecodeError::Field { what, field };
        let version = header.version.as_ref().ok_or_else(|| bad("version"))?;
        if header.chain_id.is_empty() || header.chain_id.len() > CHAIN_ID_BYTES_MAX {
            return Err(bad("chain_id"));
        }
        let height: Height = fit(what, "height", header.height)?;
        if height == 0 {
            return Err(bad("height"));
        }
        let last_block_id = match header
            .last_block_id
            .as_ref()
            .ok_or_else(|| bad("last_block_id"))?
        {
            id if *id == BlockId::none_raw() => None,
            id => Some(BlockId::from_raw(id)?),
        };
        if header.app_hash.len() > APP_HASH_BYTES_MAX {
            return Err(bad("app_hash"));
        }
        Ok(Self {
            version_block: version.block,
            version_app: version.app,
            chain_id: header.chain_id.clone(),
            height,
            time: time(what, "time", header.time.as_ref())?,
            last_block_id,
            last_commit_hash: array(what, "last_commit_hash", &header.last_commit_hash)?,
            data_hash: array(what, "data_hash", &header.data_hash)?,
            validators_hash: array(what, "validators_hash", &header.validators_hash)?,
            next_validators_hash: array(
                what,
                "next_validators_hash",
                &header.next_validators_hash,
            )?,
            consensus_hash: array(what, "consensus_hash", &header.consensus_hash)?,
            app_hash: header.app_hash.clone(),
            last_results_hash: array(what, "last_results_hash", &header.last_results_hash)?,
            evidence_hash: array(what, "evidence_hash", &header.evidence_hash)?,
            proposer_address: array(what, "proposer_address", &header.proposer_address)?,
        })
    }

    /// The protobuf message.
    #[must_use]
    pub fn to_raw(&self) -> raw::types::Header {
        raw::types::Header {
            version: Some(raw::version::Consensus {
                block: self.version_block,
                app: self.version_app,
            }),
            chain_id: self.chain_id.clone(),
            height: raw_height(self.height),
            time: Some(raw_time(self.time)),
            last_block_id: Some(
                self.last_block_id
                    .as_ref()
                    .map_or_else(BlockId::none_raw, BlockId::to_raw),
            ),
            last_commit_hash: self.last_commit_hash.to_vec(),
            data_hash: self.data_hash.to_vec(),
            validators_hash: self.validators_hash.to_vec(),
            next_validators_hash: self.next_validators_hash.to_vec(),
            consensus_hash: self.consensus_hash.to_vec(),
            app_hash: self.app_hash.clone(),
            last_results_hash: self.last_results_hash.to_vec(),
            evidence_hash: self.evidence_hash.to_vec(),
            proposer_address: self.proposer_address.to_vec(),
        }
    }

    /// The canonical protobuf bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_raw().encode_to_vec()
    }

    /// The 14 leaves under the header's hash, in field order.
    #[must_use]
    pub fn leaves(&self) -> Vec<Vec<u8>> {
        let raw = self.to_raw();
        vec![
            raw.version.unwrap_or_default().encode_to_vec(),
            string_leaf(&self.chain_id),
            height_leaf(self.height),
            raw_time(self.time).encode_to_vec(),
            raw.last_block_id.unwrap_or_default().encode_to_vec(),
            bytes_leaf(&self.last_commit_hash),
            bytes_leaf(&self.data_hash),
            bytes_leaf(&self.validators_hash),
            bytes_leaf(&self.next_validators_hash),
            bytes_leaf(&self.consensus_hash),
            bytes_leaf(&self.app_hash),
            bytes_leaf(&self.last_results_hash),
            bytes_leaf(&self.evidence_hash),
            bytes_leaf(&self.proposer_address),
        ]
    }

    /// The hash of the header, which is the hash of the block.
    #[must_use]
    pub fn hash(&self) -> Hash {
        merkle::root(&self.leaves())
    }
}
