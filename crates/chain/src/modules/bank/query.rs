//! Queries of the bank. Nothing vests yet, so what is spendable is what is there.

use super::state::{
    DENOMS, METADATA, METADATA_SET, Metadata, PARAMS, SEND_ENABLED, SEND_ENABLED_SET, SUPPLIED,
    balance, denom_of, supply,
};
use crate::Ctx;
use crate::error::broken;
use crate::modules::auth::state::{ADDRESSES, NEXT_NUMBER};
use crate::query::{Page, QueryError, QueryStop, decode, encode};
use crate::types::coin::denom_is_valid;
use crate::types::proto::cosmos::bank::v1beta1 as pb;
use crate::types::proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use crate::types::proto::cosmos::base::v1beta1::Coin as PbCoin;
use crate::types::{Address, Coin};

/// The most accounts that one page of owners looks at.
pub const OWNERS_WALK_MAX: usize = 10_000;

/// Answers one method of `cosmos.bank.v1beta1.Query`.
///
/// # Errors
/// gRPC 3 for malformed requests, 5 for what is not there.
pub fn query(ctx: &mut Ctx, method: &str, request: &[u8]) -> Result<Vec<u8>, QueryStop> {
    match method {
        "Balance" => {
            let request: pb::QueryBalanceRequest = decode(request)?;
            let balance = Some(balance_of(ctx, &request.address, &request.denom)?);
            encode(&pb::QueryBalanceResponse { balance })
        }
        "SpendableBalanceByDenom" => {
            let request: pb::QuerySpendableBalanceByDenomRequest = decode(request)?;
            let balance = Some(balance_of(ctx, &request.address, &request.denom)?);
            encode(&pb::QuerySpendableBalanceByDenomResponse { balance })
        }
        "AllBalances" => {
            let request: pb::QueryAllBalancesRequest = decode(request)?;
            let (balances, page) = balances_page(ctx, &request.address, request.pagination)?;
            encode(&pb::QueryAllBalancesResponse {
                balances,
                pagination: Some(page),
            })
        }
        "SpendableBalances" => {
            let request: pb::QuerySpendableBalancesRequest = decode(request)?;
            let (balances, page) = balances_page(ctx, &request.address, request.pagination)?;
            encode(&pb::QuerySpendableBalancesResponse {
                balances,
                pagination: Some(page),
            })
        }
        "TotalSupply" => {
            let request: pb::QueryTotalSupplyRequest = decode(request)?;
            let (denoms, page) = Page::new(request.pagination)?.of_index(ctx, &SUPPLIED.at(&()))?;
            let mut coins = Vec::new();
            for denom in denoms {
                let denom = denom_of(denom)?;
                coins.push(Coin::new(supply(ctx, &denom)?, denom).to_proto());
            }
            encode(&pb::QueryTotalSupplyResponse {
                supply: coins,
                pagination: Some(page),
            })
        }
        "SupplyOf" => {
            let request: pb::QuerySupplyOfRequest = decode(request)?;
            check_denom(&request.denom)?;
            let amount = Some(Coin::new(supply(ctx, &request.denom)?, request.denom).to_proto());
            encode(&pb::QuerySupplyOfResponse { amount })
        }
        "Params" => {
            let default_send_enabled = PARAMS.get(ctx)?.is_none_or(|p| p.default_send_enabled);
            let params = Some(pb::Params {
                send_enabled: Vec::new(),
                default_send_enabled,
            });
            encode(&pb::QueryParamsResponse { params })
        }
        "DenomMetadata" => {
            let request: pb::QueryDenomMetadataRequest = decode(request)?;
            let metadata = Some(metadata_of(ctx, &request.denom)?);
            encode(&pb::QueryDenomMetadataResponse { metadata })
        }
        "DenomMetadataByQueryString" => {
            let request: pb::QueryDenomMetadataByQueryStringRequest = decode(request)?;
            let metadata = Some(metadata_of(ctx, &request.denom)?);
            encode(&pb::QueryDenomMetadataByQueryStringResponse { metadata })
        }
        "DenomsMetadata" => {
            let request: pb::QueryDenomsMetadataRequest = decode(request)?;
            let (denoms, page) =
                Page::new(request.pagination)?.of_index(ctx, &METADATA_SET.at(&()))?;
            let mut metadatas = Vec::new();
            for denom in denoms {
                metadatas.push(metadata_of(ctx, &denom_of(denom)?)?);
            }
            encode(&pb::QueryDenomsMetadataResponse {
                metadatas,
                pagination: Some(page),
            })
        }
        "DenomOwners" => {
            let request: pb::QueryDenomOwnersRequest = decode(request)?;
            let (denom_owners, page) = owners_page(ctx, &request.denom, request.pagination)?;
            encode(&pb::QueryDenomOwnersResponse {
                denom_owners,
                pagination: Some(page),
            })
        }
        "DenomOwnersByQuery" => {
            let request: pb::QueryDenomOwnersByQueryRequest = decode(request)?;
            let (denom_owners, page) = owners_page(ctx, &request.denom, request.pagination)?;
            encode(&pb::QueryDenomOwnersByQueryResponse {
                denom_owners,
                pagination: Some(page),
            })
        }
        "SendEnabled" => send_enabled(ctx, decode(request)?),
        _ => Err(QueryError::UnknownPath.into()),
    }
}

fn check_denom(denom: &str) -> Result<(), QueryStop> {
    if denom_is_valid(denom) {
        Ok(())
    } else {
        Err(QueryError::invalid_argument(format!("invalid denom: {denom}")).into())
    }
}

fn address(text: &str) -> Result<Address, QueryStop> {
    text.parse()
        .map_err(|e| QueryError::invalid_argument(format!("invalid address: {e}")).into())
}

/// An unknown account has 0 of everything.
fn balance_of(ctx: &mut Ctx, holder: &str, denom: &str) -> Result<PbCoin, QueryStop> {
    let holder = address(holder)?;
    check_denom(denom)?;
    Ok(Coin::new(balance(ctx, &holder, denom)?, denom).to_proto())
}

fn balances_page(
    ctx: &mut Ctx,
    holder: &str,
    pagination: Option<PageRequest>,
) -> Result<(Vec<PbCoin>, PageResponse), QueryStop> {
    let holder = address(holder)?;
    let (denoms, page) = Page::new(pagination)?.of_index(ctx, &DENOMS.at(&&holder))?;
    let mut coins = Vec::new();
    for denom in denoms {
        let denom = denom_of(denom)?;
        coins.push(Coin::new(balance(ctx, &holder, &denom)?, denom).to_proto());
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
    let end = NEXT_NUMBER.get(ctx)?.unwrap_or(0);
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
        let holder = ADDRESSES
            .get(ctx, &number)?
            .ok_or_else(|| broken("an account number without address"))?;
        let amount = balance(ctx, &holder, denom)?;
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
fn send_enabled(ctx: &mut Ctx, request: pb::QuerySendEnabledRequest) -> Result<Vec<u8>, QueryStop> {
    let (denoms, pagination) = if request.denoms.is_empty() {
        let (keys, page) =
            Page::new(request.pagination)?.of_index(ctx, &SEND_ENABLED_SET.at(&()))?;
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
    encode(&pb::QuerySendEnabledResponse {
        send_enabled,
        pagination,
    })
}
