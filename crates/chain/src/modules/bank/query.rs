//! Queries of the bank.

use super::state::{
    self, DENOMS, METADATA, METADATA_INDEX, Metadata, PARAMS, SEND_ENABLED, SEND_ENABLED_INDEX,
    SUPPLY_DENOMS, denom_of, supply,
};
use crate::Ctx;
use crate::modules::{self, auth};
use crate::query::{Page, QueryError, QueryStop};
use crate::types::address::AddressError;
use crate::types::coin::denom_is_valid;
use crate::types::proto::cosmos::bank::v1beta1 as pb;
use crate::types::proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use crate::types::proto::cosmos::base::v1beta1::Coin as PbCoin;
use crate::types::{Address, Coin};

/// The most accounts that one page of owners looks at.
pub const OWNERS_WALK_MAX: usize = 10_000;

pub(super) fn balance(
    ctx: &mut Ctx,
    request: pb::QueryBalanceRequest,
) -> Result<pb::QueryBalanceResponse, QueryStop> {
    let balance = Some(balance_of(ctx, &request.address, &request.denom)?);
    Ok(pb::QueryBalanceResponse { balance })
}

pub(super) fn spendable_balance_by_denom(
    ctx: &mut Ctx,
    request: pb::QuerySpendableBalanceByDenomRequest,
) -> Result<pb::QuerySpendableBalanceByDenomResponse, QueryStop> {
    let balance = Some(spendable_of(ctx, &request.address, &request.denom)?);
    Ok(pb::QuerySpendableBalanceByDenomResponse { balance })
}

pub(super) fn all_balances(
    ctx: &mut Ctx,
    request: pb::QueryAllBalancesRequest,
) -> Result<pb::QueryAllBalancesResponse, QueryStop> {
    let holder = address(&request.address)?;
    let (coins, page) = balances_page(ctx, &holder, request.pagination)?;
    Ok(pb::QueryAllBalancesResponse {
        balances: coins.iter().map(Coin::to_proto).collect(),
        pagination: Some(page),
    })
}

pub(super) fn spendable_balances(
    ctx: &mut Ctx,
    request: pb::QuerySpendableBalancesRequest,
) -> Result<pb::QuerySpendableBalancesResponse, QueryStop> {
    let holder = address(&request.address)?;
    let (coins, page) = balances_page(ctx, &holder, request.pagination)?;
    let mut balances = Vec::new();
    for mut coin in coins {
        coin.amount = modules::spendable(ctx, &holder, &coin.denom, coin.amount)?;
        balances.push(coin.to_proto());
    }
    Ok(pb::QuerySpendableBalancesResponse {
        balances,
        pagination: Some(page),
    })
}

pub(super) fn total_supply(
    ctx: &mut Ctx,
    request: pb::QueryTotalSupplyRequest,
) -> Result<pb::QueryTotalSupplyResponse, QueryStop> {
    let (denoms, page) = Page::new(request.pagination)?.of_index(ctx, &SUPPLY_DENOMS.at(&()))?;
    let mut coins = Vec::new();
    for denom in denoms {
        let denom = denom_of(denom)?;
        coins.push(Coin::new(supply(ctx, &denom)?, denom).to_proto());
    }
    Ok(pb::QueryTotalSupplyResponse {
        supply: coins,
        pagination: Some(page),
    })
}

pub(super) fn supply_of(
    ctx: &mut Ctx,
    request: pb::QuerySupplyOfRequest,
) -> Result<pb::QuerySupplyOfResponse, QueryStop> {
    check_denom(&request.denom)?;
    let amount = Some(Coin::new(supply(ctx, &request.denom)?, request.denom).to_proto());
    Ok(pb::QuerySupplyOfResponse { amount })
}

pub(super) fn params(
    ctx: &mut Ctx,
    _: pb::QueryParamsRequest,
) -> Result<pb::QueryParamsResponse, QueryStop> {
    let default_send_enabled = PARAMS.get(ctx)?.is_none_or(|p| p.default_send_enabled);
    let params = Some(pb::Params {
        send_enabled: Vec::new(),
        default_send_enabled,
    });
    Ok(pb::QueryParamsResponse { params })
}

pub(super) fn denom_metadata(
    ctx: &mut Ctx,
    request: pb::QueryDenomMetadataRequest,
) -> Result<pb::QueryDenomMetadataResponse, QueryStop> {
    let metadata = Some(metadata_of(ctx, &request.denom)?);
    Ok(pb::QueryDenomMetadataResponse { metadata })
}

pub(super) fn denom_metadata_by_query_string(
    ctx: &mut Ctx,
    request: pb::QueryDenomMetadataByQueryStringRequest,
) -> Result<pb::QueryDenomMetadataByQueryStringResponse, QueryStop> {
    let metadata = Some(metadata_of(ctx, &request.denom)?);
    Ok(pb::QueryDenomMetadataByQueryStringResponse { metadata })
}

pub(super) fn denoms_metadata(
    ctx: &mut Ctx,
    request: pb::QueryDenomsMetadataRequest,
) -> Result<pb::QueryDenomsMetadataResponse, QueryStop> {
    let (denoms, page) = Page::new(request.pagination)?.of_index(ctx, &METADATA_INDEX.at(&()))?;
    let mut metadatas = Vec::new();
    for denom in denoms {
        metadatas.push(metadata_of(ctx, &denom_of(denom)?)?);
    }
    Ok(pb::QueryDenomsMetadataResponse {
        metadatas,
        pagination: Some(page),
    })
}

pub(super) fn denom_owners(
    ctx: &mut Ctx,
    request: pb::QueryDenomOwnersRequest,
) -> Result<pb::QueryDenomOwnersResponse, QueryStop> {
    let (denom_owners, page) = owners_page(ctx, &request.denom, request.pagination)?;
    Ok(pb::QueryDenomOwnersResponse {
        denom_owners,
        pagination: Some(page),
    })
}

pub(super) fn denom_owners_by_query(
    ctx: &mut Ctx,
    request: pb::QueryDenomOwnersByQueryRequest,
) -> Result<pb::QueryDenomOwnersByQueryResponse, QueryStop> {
    let (denom_owners, page) = owners_page(ctx, &request.denom, request.pagination)?;
    Ok(pb::QueryDenomOwnersByQueryResponse {
        denom_owners,
        pagination: Some(page),
    })
}

fn check_denom(denom: &str) -> Result<(), QueryStop> {
    if denom_is_valid(denom) {
        Ok(())
    } else {
        Err(QueryError::invalid_argument(format!("invalid denom: {denom}")).into())
    }
}

fn address(text: &str) -> Result<Address, QueryStop> {
    text.parse().map_err(|e: AddressError| {
        QueryError::invalid_argument(format!("invalid address: {e}")).into()
    })
}

/// An unknown account has 0 of everything.
fn balance_of(ctx: &mut Ctx, holder: &str, denom: &str) -> Result<PbCoin, QueryStop> {
    let holder = address(holder)?;
    check_denom(denom)?;
    Ok(Coin::new(state::balance(ctx, &holder, denom)?, denom).to_proto())
}

fn spendable_of(ctx: &mut Ctx, holder: &str, denom: &str) -> Result<PbCoin, QueryStop> {
    let holder = address(holder)?;
    check_denom(denom)?;
    let balance = state::balance(ctx, &holder, denom)?;
    let spendable = modules::spendable(ctx, &holder, denom, balance)?;
    Ok(Coin::new(spendable, denom).to_proto())
}

fn balances_page(
    ctx: &mut Ctx,
    holder: &Address,
    pagination: Option<PageRequest>,
) -> Result<(Vec<Coin>, PageResponse), QueryStop> {
    let (denoms, page) = Page::new(pagination)?.of_index(ctx, &DENOMS.at(&holder))?;
    let mut coins = Vec::new();
    for denom in denoms {
        let denom = denom_of(denom)?;
        coins.push(Coin::new(state::balance(ctx, holder, &denom)?, denom));
    }
    Ok((coins, page))
}

/// Walks the accounts by number: every holder has one. A page may hold less than its limit and still go on. The total
/// takes a walk over all of them: on a chain with more than [`OWNERS_WALK_MAX`] accounts whoever asks for it is refused.
fn owners_page(
    ctx: &mut Ctx,
    denom: &str,
    pagination: Option<PageRequest>,
) -> Result<(Vec<pb::DenomOwner>, PageResponse), QueryStop> {
    check_denom(denom)?;
    let asked = pagination.as_ref().is_some_and(|p| p.count_total);
    let page = Page::new(pagination)?;
    let end = auth::keeper::accounts_len(ctx)?;
    let countable = usize::try_from(end).is_ok_and(|end| end <= OWNERS_WALK_MAX);
    if asked && page.count_total && !countable {
        let text = format!(
            "count_total is not offered here: there are more than {OWNERS_WALK_MAX} accounts"
        );
        return Err(QueryError::invalid_argument(text).into());
    }
    let counting = page.count_total && countable;
    let mut owners = Vec::new();
    let mut skip = page.offset;
    let mut next_key = Vec::new();
    let mut total: u64 = 0;
    for (walked, number) in page.numbers(end)?.enumerate() {
        let full = owners.len() == page.limit || walked == OWNERS_WALK_MAX;
        if full && next_key.is_empty() {
            next_key = number.to_be_bytes().to_vec();
        }
        if full && !counting {
            break;
        }
        let holder = auth::keeper::address_of(ctx, number)?;
        let amount = state::balance(ctx, &holder, denom)?;
        if amount == 0 {
            continue;
        }
        total = total.saturating_add(1);
        if full {
            continue;
        }
        if skip > 0 {
            skip = skip.saturating_sub(1);
            continue;
        }
        let balance = Some(Coin::new(amount, denom).to_proto());
        owners.push(pb::DenomOwner {
            address: holder.to_string(),
            balance,
        });
    }
    let total = if counting { total } else { 0 };
    Ok((owners, PageResponse { next_key, total }))
}

fn metadata_of(ctx: &mut Ctx, denom: &str) -> Result<pb::Metadata, QueryStop> {
    let Some(m) = METADATA.get(ctx, &denom)? else {
        return Err(QueryError::not_found(format!("client metadata for denom {denom}")).into());
    };
    let Metadata {
        description,
        denom_units,
        base,
        display,
        name,
        symbol,
        uri,
        uri_hash,
    } = m;
    let units = denom_units.into_iter();
    let denom_units = units
        .map(|u| pb::DenomUnit {
            denom: u.denom,
            exponent: u.exponent,
            aliases: u.aliases,
        })
        .collect();
    Ok(pb::Metadata {
        description,
        denom_units,
        base,
        display,
        name,
        symbol,
        uri,
        uri_hash,
    })
}

/// With denominations: those of them that have an entry. Without: a page of all entries.
pub(super) fn send_enabled(
    ctx: &mut Ctx,
    request: pb::QuerySendEnabledRequest,
) -> Result<pb::QuerySendEnabledResponse, QueryStop> {
    let (denoms, pagination) = if request.denoms.is_empty() {
        let (keys, page) =
            Page::new(request.pagination)?.of_index(ctx, &SEND_ENABLED_INDEX.at(&()))?;
        let denoms = keys
            .into_iter()
            .map(denom_of)
            .collect::<Result<Vec<_>, _>>()?;
        (denoms, Some(page))
    } else if request.denoms.len() > crate::query::LIMIT_MAX {
        return Err(QueryError::invalid_argument("too many denoms").into());
    } else {
        (request.denoms, None)
    };
    let mut send_enabled = Vec::new();
    for denom in denoms {
        if let Some(enabled) = SEND_ENABLED.get(ctx, &denom.as_str())? {
            send_enabled.push(pb::SendEnabled { denom, enabled });
        }
    }
    Ok(pb::QuerySendEnabledResponse {
        send_enabled,
        pagination,
    })
}
