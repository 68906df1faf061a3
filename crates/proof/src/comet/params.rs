//! Protobuf of consensus parameters and of their updates, and the hash over the two that headers commit to.

use super::{DecodeError, raw};
use prost::Message;
use strongroom_types::consensus::{
    AbciParams, BlockParams, ConsensusParams, ConsensusParamsUpdate, EvidenceParams,
    ParamOutOfRange, ValidatorParams, VersionParams,
};
use strongroom_types::{Hash, sha256};

const WHAT: &str = "consensus params";
const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// The `consensus_hash` of a header at which these parameters hold.
#[must_use]
pub fn hash(params: &ConsensusParams) -> Hash {
    consensus_hash(params.block.max_bytes, params.block.max_gas)
}

/// Decodes `tendermint.types.ConsensusParams` with all sections present, and checks them.
///
/// # Errors
/// [`DecodeError`] for other bytes, a missing section or a value out of range.
pub fn decode(bytes: &[u8]) -> Result<ConsensusParams, DecodeError> {
    let missing = |field| DecodeError::Field { what: WHAT, field };
    let all = decode_update(bytes)?;
    let params = ConsensusParams {
        block: all.block.ok_or_else(|| missing("block"))?,
        evidence: all.evidence.ok_or_else(|| missing("evidence"))?,
        validator: all.validator.ok_or_else(|| missing("validator"))?,
        version: all.version.ok_or_else(|| missing("version"))?,
        abci: all.abci.ok_or_else(|| missing("abci"))?,
    };
    let checked = params.check();
    checked.map_err(|ParamOutOfRange(field)| missing(field))?;
    Ok(params)
}

/// The canonical protobuf bytes, all sections present.
#[must_use]
pub fn encode(params: &ConsensusParams) -> Vec<u8> {
    encode_update(&params.clone().into())
}

/// Decodes `tendermint.types.ConsensusParams` with the changed sections only; empty bytes change nothing.
///
/// # Errors
/// [`DecodeError`] for other bytes. Values are checked when they are in force, by [`ConsensusParams::check`].
pub fn decode_update(bytes: &[u8]) -> Result<ConsensusParamsUpdate, DecodeError> {
    let raw = raw::types::ConsensusParams::decode(bytes).map_err(|e| DecodeError::Protobuf {
        what: WHAT,
        reason: e.to_string(),
    })?;
    Ok(ConsensusParamsUpdate {
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

/// The protobuf bytes, absent sections left out; empty if nothing changes.
#[must_use]
pub fn encode_update(update: &ConsensusParamsUpdate) -> Vec<u8> {
    to_raw(update).encode_to_vec()
}

fn to_raw(update: &ConsensusParamsUpdate) -> raw::types::ConsensusParams {
    use tendermint_proto::google::protobuf::Duration;
    raw::types::ConsensusParams {
        block: update.block.map(|b| raw::types::BlockParams {
            max_bytes: b.max_bytes,
            max_gas: b.max_gas,
        }),
        evidence: update.evidence.map(|e| raw::types::EvidenceParams {
            max_age_num_blocks: e.max_age_num_blocks,
            max_age_duration: Some(Duration {
                seconds: e
                    .max_age_duration_ns
                    .checked_div(NANOS_PER_SECOND)
                    .unwrap_or_default(),
                nanos: e
                    .max_age_duration_ns
                    .checked_rem(NANOS_PER_SECOND)
                    .and_then(|n| i32::try_from(n).ok())
                    .unwrap_or_default(),
            }),
            max_bytes: e.max_bytes,
        }),
        validator: update
            .validator
            .as_ref()
            .map(|v| raw::types::ValidatorParams {
                pub_key_types: v.pub_key_types.clone(),
            }),
        version: update
            .version
            .map(|v| raw::types::VersionParams { app: v.app }),
        abci: update.abci.map(|a| raw::types::AbciParams {
            vote_extensions_enable_height: a.vote_extensions_enable_height,
        }),
    }
}

fn evidence_from_raw(e: raw::types::EvidenceParams) -> Result<EvidenceParams, DecodeError> {
    let age = e.max_age_duration.unwrap_or_default();
    let max_age_duration_ns = age
        .seconds
        .checked_mul(NANOS_PER_SECOND)
        .and_then(|n| n.checked_add(i64::from(age.nanos)))
        .ok_or(DecodeError::Field {
            what: WHAT,
            field: "evidence.max_age_duration",
        })?;
    Ok(EvidenceParams {
        max_age_num_blocks: e.max_age_num_blocks,
        max_age_duration_ns,
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
