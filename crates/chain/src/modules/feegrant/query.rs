//! Queries of feegrant.

use super::allowance::Allowance;
use super::keeper::{find, not_found};
use super::state::{BY_GRANTEE, BY_GRANTER, address_of};
use crate::Ctx;
use crate::error::broken;
use crate::query::{Page, QueryError, QueryStop};
use crate::tx::signers::address;
use crate::types::Address;
use crate::types::proto::cosmos::feegrant::v1beta1 as pb;

fn grant(granter: &Address, grantee: &Address, allowance: &Allowance) -> pb::Grant {
    pb::Grant {
        granter: granter.to_string(),
        grantee: grantee.to_string(),
        allowance: Some(allowance.to_proto()),
    }
}

fn listed(ctx: &mut Ctx, granter: &Address, grantee: &Address) -> Result<pb::Grant, QueryStop> {
    let allowance = find(ctx, granter, grantee)?;
    let allowance = allowance.ok_or_else(|| broken("a listed allowance is missing"))?;
    Ok(grant(granter, grantee, &allowance))
}

/// One allowance; gRPC 5 if there is none.
pub(super) fn allowance(
    ctx: &mut Ctx,
    request: pb::QueryAllowanceRequest,
) -> Result<pb::QueryAllowanceResponse, QueryStop> {
    let (granter, grantee) = (address(&request.granter)?, address(&request.grantee)?);
    let found = find(ctx, &granter, &grantee)?;
    let found = found.ok_or_else(|| QueryError::not_found(not_found().text))?;
    Ok(pb::QueryAllowanceResponse {
        allowance: Some(grant(&granter, &grantee, &found)),
    })
}

/// Grants of a grantee, in order of granters.
pub(super) fn allowances(
    ctx: &mut Ctx,
    request: pb::QueryAllowancesRequest,
) -> Result<pb::QueryAllowancesResponse, QueryStop> {
    let grantee = address(&request.grantee)?;
    let page = Page::new(request.pagination)?;
    let (granters, page) = page.of_index(ctx, &BY_GRANTEE.at(&&grantee))?;
    let mut allowances = Vec::new();
    for granter in granters {
        allowances.push(listed(ctx, &address_of(&granter)?, &grantee)?);
    }
    Ok(pb::QueryAllowancesResponse {
        allowances,
        pagination: Some(page),
    })
}

/// Grants of a granter, in order of grantees.
pub(super) fn allowances_by_granter(
    ctx: &mut Ctx,
    request: pb::QueryAllowancesByGranterRequest,
) -> Result<pb::QueryAllowancesByGranterResponse, QueryStop> {
    let granter = address(&request.granter)?;
    let page = Page::new(request.pagination)?;
    let (grantees, page) = page.of_index(ctx, &BY_GRANTER.at(&&granter))?;
    let mut allowances = Vec::new();
    for grantee in grantees {
        allowances.push(listed(ctx, &granter, &address_of(&grantee)?)?);
    }
    Ok(pb::QueryAllowancesByGranterResponse {
        allowances,
        pagination: Some(page),
    })
}
