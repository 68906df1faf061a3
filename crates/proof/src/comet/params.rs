//! Consensus parameters, their updates, and the hash over the two that headers commit to.

use super::{DecodeError, raw};
use borsh::{BorshDeserialize, BorshSerialize};
use prost::Message;
use strongroom_types::{Hash, sha256};

const WHAT: &str = "consensus params";

/// Sizes of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BlockParams {
    /// Most bytes of a block; -1: the engine's own maximum.
    pub max_bytes: i64,
    /// Most gas of a block's transactions; -1: no limit.
    pub max_gas: i64,
}

/// For how long evidence counts, and how much of it a block takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EvidenceParams {
    /// Age in blocks.
    pub max_age_num_blocks: i64,
    /// Age in nanoseconds.
    pub max_age_duration: i64,
    /// Bytes in one block.
    pub max_bytes: i64,
}

/// What validators may be.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ValidatorParams {
    /// Key types, `ed25519`.
    pub pub_key_types: Vec<String>,
}

/// Which rules hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct VersionParams {
    /// Version of the state machine; 0 until an update sets it.
    pub app: u64,
}

/// ABCI's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AbciParams {
    /// Height from which votes carry extensions; 0: never.
    pub vote_extensions_enable_height: i64,
}

/// All parameters at one height.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ConsensusParams {
    /// Sizes of blocks.
    pub block: BlockParams,
    /// Evidence.
    pub evidence: EvidenceParams,
    /// Validators.
    pub validator: ValidatorParams,
    /// Version of the rules.
    pub version: VersionParams,
    /// ABCI.
    pub abci: AbciParams,
}

impl Default for ConsensusParams {
    /// The defaults of CometBFT v0.38 for a new genesis.
    fn default() -> Self {
        Self {
            block: BlockParams {
                max_bytes: 22_020_096,
                max_gas: -1,
            },
            evidence: EvidenceParams {
                max_age_num_blocks: 100_000,
                max_age_duration: 172_800_000_000_000,
                max_bytes: 1_048_576,
            },
            validator: ValidatorParams {
                pub_key_types: vec!["ed25519".to_owned()],
            },
            version: VersionParams::default(),
            abci: AbciParams::default(),
        }
    }
}

/// A change of parameters: sections that are there replace the old ones whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ConsensusParamsUpdate {
    /// Sizes of blocks.
    pub block: Option<BlockParams>,
    /// Evidence.
    pub evidence: Option<EvidenceParams>,
    /// Validators.
    pub validator: Option<ValidatorParams>,
    /// Version of the rules.
    pub version: Option<VersionParams>,
    /// ABCI.
    pub abci: Option<AbciParams>,
}

impl ConsensusParams {
    /// The parameters after `update`; what is not in it stays.
    #[must_use]
    pub fn updated(&self, update: &ConsensusParamsUpdate) -> Self {
        Self {
            block: update.block.unwrap_or(self.block),
            evidence: update.evidence.unwrap_or(self.evidence),
            validator: update
                .validator
                .clone()
                .unwrap_or_else(|| self.validator.clone()),
            version: update.version.unwrap_or(self.version),
            abci: update.abci.unwrap_or(self.abci),
        }
    }

    /// The rules that CometBFT holds parameters to, as far as this house uses them.
    ///
    /// # Errors
    /// [`DecodeError::Field`] names the first parameter out of range.
    pub fn check(&self) -> Result<(), DecodeError> {
        let bad = |field| {
            Err(DecodeError::Field {
                what: "consensus params",
                field,
            })
        };
        let (block, evidence) = (&self.block, &self.evidence);
        if block.max_bytes == 0 || block.max_bytes < -1 || block.max_bytes > BLOCK_BYTES_END {
            return bad("block.max_bytes");
        }
        if block.max_gas < -1 {
            return bad("block.max_gas");
        }
        if evidence.max_age_num_blocks <= 0 {
            return bad("evidence.max_age_num_blocks");
        }
        if evidence.max_age_duration <= 0 {
            return bad("evidence.max_age_duration");
        }
        let room = if block.max_bytes == -1 {
            BLOCK_BYTES_END
        } else {
            block.max_bytes
        };
        if evidence.max_bytes < 0 || evidence.max_bytes > room {
            return bad("evidence.max_bytes");
        }
        if self.validator.pub_key_types != ["ed25519"] {
            return bad("validator.pub_key_types");
        }
        if self.abci.vote_extensions_enable_height != 0 {
            return bad("abci.vote_extensions_enable_height");
        }
        Ok(())
    }

    /// The `consensus_hash` of a header at which these parameters hold.
    #[must_use]
    pub fn hash(&self) -> Hash {
        consensus_hash(self.block.max_bytes, self.block.max_gas)
    }

    /// Decodes `tendermint.types.ConsensusParams` with all sections present, and checks them.
    ///
    /// # Errors
    /// [`DecodeError`] for other bytes, a missing section or a value out of range.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let missing = |field| DecodeError::Field { what: WHAT, field };
        let all = ConsensusParamsUpdate::decode(bytes)?;
        let params = Self {
            block: all.block.ok_or_else(|| missing("block"))?,
            evidence: all.evidence.ok_or_else(|| missing("evidence"))?,
            validator: all.validator.ok_or_else(|| missing("validator"))?,
            version: all.version.ok_or_else(|| missing("version"))?,
            abci: all.abci.ok_or_else(|| missing("abci"))?,
        };
        params.check()?;
        Ok(params)
    }

    /// The canonical protobuf bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_raw().encode_to_vec()
    }

    /// The protobuf message, all sections present.
    #[must_use]
    pub fn to_raw(&self) -> raw::types::ConsensusParams {
        ConsensusParamsUpdate {
            block: Some(self.block),
            evidence: Some(self.evidence),
            validator: Some(self.validator.clone()),
            version: Some(self.version),
            abci: Some(self.abci),
        }
        .to_raw()
    }
}

/// The largest block that CometBFT knows (100 MiB), bytes.
const BLOCK_BYTES_END: i64 = 104_857_600;
const NANOS_PER_SECOND: i64 = 1_000_000_000;

impl ConsensusParamsUpdate {
    /// Decodes `tendermint.types.ConsensusParams` with the changed sections only; empty bytes change nothing.
    ///
    /// # Errors
    /// [`DecodeError`] for other bytes. Values are checked when they are in force, by [`ConsensusParams::check`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let raw =
            raw::types::ConsensusParams::decode(bytes).map_err(|e| DecodeError::Protobuf {
                what: WHAT,
                reason: e.to_string(),
            })?;
        Ok(Self {
            block: raw.block.map(|b| BlockParams {
                max_bytes: b.max_bytes,
                max_gas: b.max_gas,
            }),
            evidence: raw.evidence.map(evidence_from_raw).transpose()?,
            validator: raw.validator.map(|v| ValidatorParams {
                pub_key_types: v.pub_key_types,
            }),
            version: raw.version.map(|v| VersionParams { app: v.app }),
            abci: raw.abci.map(|a| AbciParams {
                vote_extensions_enable_height: a.vote_extensions_enable_height,
            }),
        })
    }

    /// The protobuf bytes; empty if nothing changes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_raw().encode_to_vec()
    }

    /// The protobuf message, absent sections left out.
    #[must_use]
    pub fn to_raw(&self) -> raw::types::ConsensusParams {
        use tendermint_proto::google::protobuf::Duration;
        raw::types::ConsensusParams {
            block: self.block.map(|b| raw::types::BlockParams {
                max_bytes: b.max_bytes,
                max_gas: b.max_gas,
            }),
            evidence: self.evidence.map(|e| raw::types::EvidenceParams {
                max_age_num_blocks: e.max_age_num_blocks,
                max_age_duration: Some(Duration {
                    seconds: e
                        .max_age_duration
                        .checked_div(NANOS_PER_SECOND)
                        .unwrap_or_default(),
                    nanos: e
                        .max_age_duration
                        .checked_rem(NANOS_PER_SECOND)
                        .and_then(|n| i32::try_from(n).ok())
                        .unwrap_or_default(),
                }),
                max_bytes: e.max_bytes,
            }),
            validator: self
                .validator
                .as_ref()
                .map(|v| raw::types::ValidatorParams {
                    pub_key_types: v.pub_key_types.clone(),
                }),
            version: self
                .version
                .map(|v| raw::types::VersionParams { app: v.app }),
            abci: self.abci.map(|a| raw::types::AbciParams {
                vote_extensions_enable_height: a.vote_extensions_enable_height,
            }),
        }
    }
}

fn evidence_from_raw(e: raw::types::EvidenceParams) -> Result<EvidenceParams, DecodeError> {
    let age = e.max_age_duration.unwrap_or_default();
    let max_age_duration = age
        .seconds
        .checked_mul(NANOS_PER_SECOND)
        .and_then(|n| n.checked_add(i64::from(age.nanos)))
        .ok_or(DecodeError::Field {
            what: WHAT,
            field: "evidence.max_age_duration",
        })?;
    Ok(EvidenceParams {
        max_age_num_blocks: e.max_age_num_blocks,
        max_age_duration,
        max_bytes: e.max_bytes,
    })
}

/// SHA-256 of `HashedParams {max_bytes, max_gas}`: not a tree.
#[must_use]
pub fn consensus_hash(max_bytes: i64, max_gas: i64) -> Hash {
    sha256(
        &raw::types::HashedParams {
            block_max_bytes: max_bytes,
            block_max_gas: max_gas,
        }
        .encode_to_vec(),
    )
}
