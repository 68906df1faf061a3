//! Queries of poa.

use super::keeper;
use super::state::{KEYS, VALIDATORS, Validator};
use crate::Ctx;
use crate::error::{Stop, broken};
use crate::modules::registration;
use crate::query::{Page, QueryError, QueryStop};
use crate::types::proto::strongroom::poa::v1 as pb;

/// Who decides.
pub(super) fn authority(
    ctx: &mut Ctx,
    _: pb::QueryAuthorityRequest,
) -> Result<pb::QueryAuthorityResponse, Stop> {
    Ok(pb::QueryAuthorityResponse {
        authority: keeper::authority(ctx)?.to_string(),
    })
}

/// All validators, in order of consensus key.
pub(super) fn validators(
    ctx: &mut Ctx,
    request: pb::QueryValidatorsRequest,
) -> Result<pb::QueryValidatorsResponse, QueryStop> {
    let page = Page::new(request.pagination)?;
    let (keys, page) = page.of_index(ctx, &KEYS.at(&()))?;
    let mut validators = Vec::new();
    for key in keys {
        let key = key
            .try_into()
            .map_err(|_| broken("a key of other length"))?;
        let validator = VALIDATORS.get(ctx, &&key)?;
        let validator = validator.ok_or_else(|| broken("a listed validator is missing"))?;
        validators.push(shown(&key, &validator));
    }
    Ok(pb::QueryValidatorsResponse {
        validators,
        pagination: Some(page),
    })
}

/// One validator; gRPC 5 if the node is none.
pub(super) fn validator(
    ctx: &mut Ctx,
    request: pb::QueryValidatorRequest,
) -> Result<pb::QueryValidatorResponse, QueryStop> {
    let id = registration::keeper::parse_node_id(&request.node_id)?;
    let unknown = || QueryError::not_found("the node is no validator");
    let key = registration::keeper::registered_key(ctx, &id)?.ok_or_else(unknown)?;
    let validator = VALIDATORS.get(ctx, &&key)?.ok_or_else(unknown)?;
    Ok(pb::QueryValidatorResponse {
        validator: Some(shown(&key, &validator)),
    })
}

fn shown(key: &[u8; 32], validator: &Validator) -> pb::Validator {
    pb::Validator {
        node_id: hex::encode(validator.node_id),
        consensus_key: key.to_vec(),
        power: validator.power,
        moniker: validator.moniker.clone(),
    }
}
