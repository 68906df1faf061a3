//! Queries of the auth module.

use super::handler::{account, params};
use super::state::{ADDRESSES, Account, NEXT_NUMBER};
use crate::Ctx;
use crate::error::broken;
use crate::modules::accounts::{self, MODULE_ACCOUNTS};
use crate::query::{Page, QueryError, QueryStop, decode, encode};
use crate::types::proto::cosmos::auth::v1beta1 as pb;
use crate::types::proto::cosmos::base::query::v1beta1::PageResponse;
use crate::types::proto::cosmos::crypto::secp256k1::PubKey;
use crate::types::proto::{Any, pack};
use crate::types::{Address, address};

/// Answers one method of `cosmos.auth.v1beta1.Query`.
///
/// # Errors
/// gRPC 3 for malformed requests, 5 for what is not there.
pub fn query(ctx: &mut Ctx, method: &str, request: &[u8]) -> Result<Vec<u8>, QueryStop> {
    match method {
        "Account" => {
            let request: pb::QueryAccountRequest = decode(request)?;
            let (address, account) = find(ctx, &request.address)?;
            encode(&pb::QueryAccountResponse {
                account: Some(any_account(&address, &account)),
            })
        }
        "AccountInfo" => {
            let request: pb::QueryAccountInfoRequest = decode(request)?;
            let (address, account) = find(ctx, &request.address)?;
            encode(&pb::QueryAccountInfoResponse {
                info: Some(base_account(&address, &account)),
            })
        }
        "Accounts" => accounts_page(ctx, request),
        "Params" => {
            let p = params(ctx)?;
            let params = pb::Params {
                max_memo_characters: p.max_memo_characters,
                tx_sig_limit: p.tx_sig_limit,
                tx_size_cost_per_byte: p.tx_size_cost_per_byte,
                sig_verify_cost_ed25519: p.sig_verify_cost_ed25519,
                sig_verify_cost_secp256k1: p.sig_verify_cost_secp256k1,
            };
            encode(&pb::QueryParamsResponse {
                params: Some(params),
            })
        }
        "ModuleAccounts" => module_accounts(ctx),
        "ModuleAccountByName" => {
            let request: pb::QueryModuleAccountByNameRequest = decode(request)?;
            let not_found = || QueryError::not_found(format!("account {} not found", request.name));
            let address = accounts::by_name(&request.name)
                .ok_or_else(not_found)?
                .address();
            let found = account(ctx, &address)?.ok_or_else(not_found)?;
            encode(&pb::QueryModuleAccountByNameResponse {
                account: Some(any_account(&address, &found)),
            })
        }
        "AccountAddressByID" => {
            let request: pb::QueryAccountAddressByIdRequest = decode(request)?;
            // Clients of either age: the old field is signed and came in the path.
            let old = u64::try_from(request.id).unwrap_or(0);
            let number = if request.account_id == 0 {
                old
            } else {
                request.account_id
            };
            let address = ADDRESSES.get(ctx, &number)?.ok_or_else(|| {
                QueryError::not_found(format!(
                    "account address not found with account number {number}"
                ))
            })?;
            encode(&pb::QueryAccountAddressByIdResponse {
                account_address: address.to_string(),
            })
        }
        "Bech32Prefix" => encode(&pb::Bech32PrefixResponse {
            bech32_prefix: address::PREFIX.into(),
        }),
        "AddressBytesToString" => {
            let request: pb::AddressBytesToStringRequest = decode(request)?;
            let address = Address::from_bytes(&request.address_bytes)
                .map_err(|e| QueryError::invalid_argument(e.to_string()))?;
            encode(&pb::AddressBytesToStringResponse {
                address_string: address.to_string(),
            })
        }
        "AddressStringToBytes" => {
            let request: pb::AddressStringToBytesRequest = decode(request)?;
            let address = parse(&request.address_string)?;
            encode(&pb::AddressStringToBytesResponse {
                address_bytes: address.as_bytes().to_vec(),
            })
        }
        _ => Err(QueryError::UnknownPath.into()),
    }
}

fn parse(text: &str) -> Result<Address, QueryStop> {
    text.parse()
        .map_err(|e| QueryError::invalid_argument(format!("{e}")).into())
}

fn find(ctx: &mut Ctx, text: &str) -> Result<(Address, Account), QueryStop> {
    if text.is_empty() {
        return Err(QueryError::invalid_argument("Address cannot be empty").into());
    }
    let address = parse(text)?;
    match account(ctx, &address)? {
        Some(account) => Ok((address, account)),
        None => Err(QueryError::not_found(format!("account {text} not found")).into()),
    }
}

/// In order of number.
fn accounts_page(ctx: &mut Ctx, request: &[u8]) -> Result<Vec<u8>, QueryStop> {
    let request: pb::QueryAccountsRequest = decode(request)?;
    let page = Page::new(request.pagination)?;
    let end = NEXT_NUMBER.get(ctx)?.unwrap_or(0);
    let mut numbers = page.numbers(end)?.skip(page.offset);
    let mut found = Vec::new();
    for number in numbers.by_ref().take(page.limit) {
        let address = ADDRESSES
            .get(ctx, &number)?
            .ok_or_else(|| broken("an account number without address"))?;
        let account =
            account(ctx, &address)?.ok_or_else(|| broken("a numbered address without account"))?;
        found.push(any_account(&address, &account));
    }
    let next_key = numbers
        .next()
        .map(|n| n.to_be_bytes().to_vec())
        .unwrap_or_default();
    let total = if page.count_total { end } else { 0 };
    encode(&pb::QueryAccountsResponse {
        accounts: found,
        pagination: Some(PageResponse { next_key, total }),
    })
}

/// Those that have an account, in order of name.
fn module_accounts(ctx: &mut Ctx) -> Result<Vec<u8>, QueryStop> {
    let mut modules = MODULE_ACCOUNTS;
    modules.sort_by_key(|m| m.name);
    let mut found = Vec::new();
    for module in modules {
        let address = module.address();
        if let Some(account) = account(ctx, &address)? {
            found.push(any_account(&address, &account));
        }
    }
    encode(&pb::QueryModuleAccountsResponse { accounts: found })
}

fn base_account(address: &Address, account: &Account) -> pb::BaseAccount {
    pb::BaseAccount {
        address: address.to_string(),
        pub_key: account
            .pubkey
            .map(|key| pack(&PubKey { key: key.to_vec() })),
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
