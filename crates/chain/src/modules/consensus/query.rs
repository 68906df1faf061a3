//! Queries of consensus parameters.

use crate::Ctx;
use crate::error::{Stop, broken};
use crate::params::PARAMS;
use crate::types::consensus::ConsensusParams;
use crate::types::proto::cosmos::consensus::v1 as pb;
use crate::types::proto::google::protobuf::Duration;
use crate::types::proto::tendermint::types as tm;

/// Nanoseconds of a second.
const NS: i64 = 1_000_000_000;

/// The parameters.
///
/// # Errors
/// Faults.
pub(super) fn params(
    ctx: &mut Ctx,
    _: pb::QueryParamsRequest,
) -> Result<pb::QueryParamsResponse, Stop> {
    let params = PARAMS.get(ctx)?;
    let params = params.ok_or_else(|| broken("no consensus parameters"))?;
    Ok(pb::QueryParamsResponse {
        params: Some(to_proto(&params)),
    })
}

/// The protobuf form.
fn to_proto(p: &ConsensusParams) -> tm::ConsensusParams {
    let max_age_duration = Duration {
        seconds: p.evidence.max_age_duration_ns.div_euclid(NS),
        nanos: i32::try_from(p.evidence.max_age_duration_ns.rem_euclid(NS)).unwrap_or(0),
    };
    tm::ConsensusParams {
        block: Some(tm::BlockParams {
            max_bytes: p.block.max_bytes,
            max_gas: p.block.max_gas,
        }),
        evidence: Some(tm::EvidenceParams {
            max_age_num_blocks: p.evidence.max_age_num_blocks,
            max_age_duration: Some(max_age_duration),
            max_bytes: p.evidence.max_bytes,
        }),
        validator: Some(tm::ValidatorParams {
            pub_key_types: p.validator.pub_key_types.clone(),
        }),
        version: Some(tm::VersionParams { app: p.version.app }),
        abci: Some(tm::AbciParams {
            vote_extensions_enable_height: p.abci.vote_extensions_enable_height,
        }),
    }
}
