//! Queries of the auth module.

use super::keeper;
use super::state::{ADDRESSES, Account, NEXT_NUMBER};
use crate::Ctx;
use crate::error::broken;
use crate::modules::accounts;
use crate::query::{Page, QueryError, QueryStop};
use crate::types::address::AddressError;
use crate::types::proto::cosmos::auth::v1beta1 as pb;
use crate::types::proto::cosmos::base::query::v1beta1::PageResponse;
use crate::types::proto::{Any, pack};
use crate::types::{Address, PublicKey, address};

pub(super) fn account(
    ctx: &mut Ctx,
    request: pb::QueryAccountRequest,
) -> Result<pb::QueryAccountResponse, QueryStop> {
    let (address, account) = find(ctx, &request.address)?;
    let account = Some(any_account(&address, &account));
    Ok(pb::QueryAccountResponse { account })
}

pub(super) fn account_info(
    ctx: &mut Ctx,
    request: pb::QueryAccountInfoRequest,
) -> Result<pb::QueryAccountInfoResponse, QueryStop> {
    let (address, account) = find(ctx, &request.address)?;
    let info = Some(base_account(&address, &account));
    Ok(pb::QueryAccountInfoResponse { info })
}

pub(super) fn params(
    ctx: &mut Ctx,
    _: pb::QueryParamsRequest,
) -> Result<pb::QueryParamsResponse, QueryStop> {
    let p = keeper::params(ctx)?;
    let params = Some(pb::Params {
        max_memo_characters: p.max_memo_characters,
        tx_sig_limit: p.tx_sig_limit,
        tx_size_cost_per_byte: p.tx_size_cost_per_byte,
        sig_verify_cost_ed25519: p.sig_verify_cost_ed25519,
        sig_verify_cost_secp256k1: p.sig_verify_cost_secp256k1,
    });
    Ok(pb::QueryParamsResponse { params })
}

pub(super) fn module_account_by_name(
    ctx: &mut Ctx,
    request: pb::QueryModuleAccountByNameRequest,
) -> Result<pb::QueryModuleAccountByNameResponse, QueryStop> {
    let not_found = || QueryError::not_found(format!("account {} not found", request.name));
    let address = accounts::by_name(&request.name)
        .ok_or_else(not_found)?
        .address();
    let found = keeper::account(ctx, &address)?.ok_or_else(not_found)?;
    let account = Some(any_account(&address, &found));
    Ok(pb::QueryModuleAccountByNameResponse { account })
}

pub(super) fn account_address_by_id(
    ctx: &mut Ctx,
    request: pb::QueryAccountAddressByIdRequest,
) -> Result<pb::QueryAccountAddressByIdResponse, QueryStop> {
    // Clients of either age: the old field is signed and came in the path.
    let old = u64::try_from(request.id).unwrap_or(0);
    let number = if request.account_id == 0 {
        old
    } else {
        request.account_id
    };
    let address = ADDRESSES.get(ctx, &number)?.ok_or_else(|| {
        let text = format!("account address not found with account number {number}");
        QueryError::not_found(text)
    })?;
    Ok(pb::QueryAccountAddressByIdResponse {
        account_address: address.to_string(),
    })
}

pub(super) fn bech32_prefix(
    _: &mut Ctx,
    _: pb::Bech32PrefixRequest,
) -> Result<pb::Bech32PrefixResponse, QueryStop> {
    Ok(pb::Bech32PrefixResponse {
        bech32_prefix: address::PREFIX.into(),
    })
}

pub(super) fn address_bytes_to_string(
    _: &mut Ctx,
    request: pb::AddressBytesToStringRequest,
) -> Result<pb::AddressBytesToStringResponse, QueryStop> {
    let address = Address::from_bytes(&request.address_bytes)
        .map_err(|e: AddressError| QueryError::invalid_argument(e.to_string()))?;
    Ok(pb::AddressBytesToStringResponse {
        address_string: address.to_string(),
    })
}

pub(super) fn address_string_to_bytes(
    _: &mut Ctx,
    request: pb::AddressStringToBytesRequest,
) -> Result<pb::AddressStringToBytesResponse, QueryStop> {
    let address = parse(&request.address_string)?;
    Ok(pb::AddressStringToBytesResponse {
        address_bytes: address.as_bytes().to_vec(),
    })
}

/// In order of number.
pub(super) fn accounts(
    ctx: &mut Ctx,
    request: pb::QueryAccountsRequest,
) -> Result<pb::QueryAccountsResponse, QueryStop> {
    let page = Page::new(request.pagination)?;
    let end = NEXT_NUMBER.get(ctx)?.unwrap_or(0);
    let mut numbers = page.numbers(end)?.skip(page.offset);
    let mut found = Vec::new();
    for number in numbers.by_ref().take(page.limit) {
        let address = ADDRESSES
            .get(ctx, &number)?
            .ok_or_else(|| broken("an account number without address"))?;
        let account = keeper::account(ctx, &address)?
            .ok_or_else(|| broken("a numbered address without account"))?;
        found.push(any_account(&address, &account));
    }
    let next_key = numbers
        .next()
        .map(|n| n.to_be_bytes().to_vec())
        .unwrap_or_default();
    let total = if page.count_total { end } else { 0 };
    Ok(pb::QueryAccountsResponse {
        accounts: found,
        pagination: Some(PageResponse { next_key, total }),
    })
}

/// Those that have an account, in order of name.
pub(super) fn module_accounts(
    ctx: &mut Ctx,
    _: pb::QueryModuleAccountsRequest,
) -> Result<pb::QueryModuleAccountsResponse, QueryStop> {
    let mut modules: Vec<_> = accounts::all().collect();
    modules.sort_by_key(|m| m.name);
    let mut found = Vec::new();
    for module in modules {
        let address = module.address();
        if let Some(account) = keeper::account(ctx, &address)? {
            found.push(any_account(&address, &account));
        }
    }
    Ok(pb::QueryModuleAccountsResponse { accounts: found })
}

fn parse(text: &str) -> Result<Address, QueryStop> {
    text.parse()
        .map_err(|e: AddressError| QueryError::invalid_argument(e.to_string()).into())
}

fn find(ctx: &mut Ctx, text: &str) -> Result<(Address, Account), QueryStop> {
    if text.is_empty() {
        return Err(QueryError::invalid_argument("Address cannot be empty").into());
    }
    let address = parse(text)?;
    match keeper::account(ctx, &address)? {
        Some(account) => Ok((address, account)),
        None => Err(QueryError::not_found(format!("account {text} not found")).into()),
    }
}

fn base_account(address: &Address, account: &Account) -> pb::BaseAccount {
    pb::BaseAccount {
        address: address.to_string(),
        pub_key: account.pubkey.as_ref().map(PublicKey::to_any),
        account_number: account.number,
        sequence: account.sequence,
    }
}

fn any_account(address: &Address, account: &Account) -> Any {
    let base = base_account(address, account);
    match accounts::by_address(address) {
        Some(module) if account.is_module => pack(&pb::ModuleAccount {
            base_account: Some(base),
            name: module.name.to_owned(),
            permissions: module.permissions.iter().map(|&p| p.to_owned()).collect(),
        }),
        _ => pack(&base),
    }
}
