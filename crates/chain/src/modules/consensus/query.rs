//! Queries of consensus parameters.

use crate::Ctx;
use crate::error::{Stop, broken};
use crate::params::{ConsensusParams, PARAMS};
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
        seconds: p.evidence_age_ns_max.div_euclid(NS),
        nanos: i32::try_from(p.evidence_age_ns_max.rem_euclid(NS)).unwrap_or(0),
    };
    tm::ConsensusParams {
        block: Some(tm::BlockParams {
            max_bytes: p.block_bytes_max,
            max_gas: p.block_gas_max,
        }),
        evidence: Some(tm::EvidenceParams {
            max_age_num_blocks: p.evidence_age_blocks_max,
            max_age_duration: Some(max_age_duration),
            max_bytes: p.evidence_bytes_max,
        }),
        validator: Some(tm::ValidatorParams {
            pub_key_types: p.pub_key_types.clone(),
        }),
        version: Some(tm::VersionParams { app: p.version_app }),
        abci: Some(tm::AbciParams {
            vote_extensions_enable_height: p.vote_extensions_height,
        }),
    }
}
