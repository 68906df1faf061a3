//! Reading: what everybody may know, and what a viewing key or a permit opens.

use cosmwasm_std::{to_binary, Addr, Binary, BlockInfo, Deps, Env, StdError, StdResult};
use permit::TokenPermission;
use snip::viewing_key;

use crate::msg::{
    CuratedToken, OwnBalance, PermittedQuery, QueryAnswer, QueryMsg, TokenConfig, TokenIdInfo,
};
use crate::state::{self, Token, ADMIN, CURATORS, EVERYONE, HELD, HISTORY, IDS, RECEIVERS};

/// Tokens on a page, if the query does not say.
const PAGE_SIZE: u32 = 30;
/// Most tokens on a page.
const PAGE_SIZE_MAX: u32 = 100;
/// Most token ids that the contract's info lists, oldest first.
const IDS_MAX: u32 = 1_000;

/// Answers a query.
pub fn run(deps: Deps, env: Env, msg: QueryMsg) -> StdResult<Binary> {
    let account = |address: &str| deps.api.addr_validate(address);
    let block = &env.block;
    let answer = match msg {
        QueryMsg::ContractInfo {} => contract_info(deps)?,
        QueryMsg::RegisteredCodeHash { contract } => {
            let contract = account(&contract)?;
            QueryAnswer::RegisteredCodeHash {
                code_hash: RECEIVERS.get(deps.storage, &[contract.as_bytes()])?,
            }
        }
        QueryMsg::TokenIdPublicInfo { token_id } => {
            let token = state::token(deps.storage, &token_id)?;
            QueryAnswer::TokenIdPublicInfo(info(token, false))
        }

        QueryMsg::WithPermit { permit, query } => {
            let permit = permit::verify(deps, &env, permit)?;
            match query {
                PermittedQuery::TokenIdPrivateInfo { token_id } => {
                    let viewer = permit.account_for(TokenPermission::Owner)?;
                    private_info(deps, block, &token_id, &viewer)?
                }
                PermittedQuery::Balance { token_id, owner } => {
                    let viewer = permit.account_for(TokenPermission::Balance)?;
                    balance(deps, block, &token_id, &account(&owner)?, &viewer)?
                }
                PermittedQuery::AllBalances {
                    tx_history_page: page,
                    tx_history_page_size: size,
                } => {
                    let owner = permit.account_for(TokenPermission::Balance)?;
                    all_balances(deps, &owner, page, size)?
                }
                PermittedQuery::TransactionHistory { page, page_size } => {
                    let owner = permit.account_for(TokenPermission::History)?;
                    history(deps, &owner, page, page_size)?
                }
                PermittedQuery::Permission {
                    owner,
                    allowed_address,
                    token_id,
                } => {
                    let viewer = permit.account_for(TokenPermission::Owner)?;
                    let (owner, allowed) = (account(&owner)?, account(&allowed_address)?);
                    if viewer != owner && viewer != allowed {
                        return Err(StdError::generic_err(
                            "The permit is of neither side of the permission",
                        ));
                    }
                    permission(deps, &token_id, &owner, &allowed)?
                }
            }
        }

        QueryMsg::TokenIdPrivateInfo {
            token_id,
            address,
            key,
        } => {
            let viewer = account(&address)?;
            with_key(deps, &[&viewer], &key, || {
                private_info(deps, block, &token_id, &viewer)
            })?
        }
        QueryMsg::Balance {
            token_id,
            owner,
            viewer,
            key,
        } => {
            let (owner, viewer) = (account(&owner)?, account(&viewer)?);
            with_key(deps, &[&viewer], &key, || {
                balance(deps, block, &token_id, &owner, &viewer)
            })?
        }
        QueryMsg::AllBalances {
            owner,
            key,
            tx_history_page: page,
            tx_history_page_size: size,
        } => {
            let owner = account(&owner)?;
            with_key(deps, &[&owner], &key, || {
                all_balances(deps, &owner, page, size)
            })?
        }
        QueryMsg::TransactionHistory {
            address,
            key,
            page,
            page_size,
        } => {
            let owner = account(&address)?;
            with_key(deps, &[&owner], &key, || {
                history(deps, &owner, page, page_size)
            })?
        }
        QueryMsg::Permission {
            owner,
            allowed_address,
            key,
            token_id,
        } => {
            let (owner, allowed) = (account(&owner)?, account(&allowed_address)?);
            with_key(deps, &[&owner, &allowed], &key, || {
                permission(deps, &token_id, &owner, &allowed)
            })?
        }
    };
    to_binary(&answer)
}

/// Answers if the key is that of one of the accounts. All of them are tried, so that the time tells nothing.
fn with_key(
    deps: Deps,
    accounts: &[&Addr],
    key: &str,
    answer: impl FnOnce() -> StdResult<QueryAnswer>,
) -> StdResult<QueryAnswer> {
    let mut is_right = false;
    for account in accounts {
        is_right |= viewing_key::is_right(deps.storage, account, key)?;
    }
    if is_right {
        return answer();
    }
    Ok(QueryAnswer::ViewingKeyError {
        msg: viewing_key::WRONG.to_string(),
    })
}

fn contract_info(deps: Deps) -> StdResult<QueryAnswer> {
    let end = IDS.len(deps.storage, EVERYONE)?.min(IDS_MAX);
    let ids = (0..end).map(|position| IDS.at(deps.storage, EVERYONE, position));
    Ok(QueryAnswer::ContractInfo {
        admin: ADMIN.load(deps.storage)?,
        curators: CURATORS.load(deps.storage)?,
        all_token_ids: ids.collect::<StdResult<_>>()?,
    })
}

/// What everybody may know of a token, or with what is private.
fn info(token: Token, with_private: bool) -> TokenIdInfo {
    let (supply_is_public, owner_is_public) = match token.info.token_config {
        TokenConfig::Fungible {
            public_total_supply,
            ..
        } => (public_total_supply, false),
        TokenConfig::Nft {
            public_total_supply,
            owner_is_public,
            ..
        } => (public_total_supply, owner_is_public),
    };
    let private = token.info.private_metadata;
    TokenIdInfo {
        total_supply: Some(token.supply).filter(|_| supply_is_public),
        owner: token.owner.filter(|_| owner_is_public),
        token_id_info: CuratedToken {
            token_id: token.info.token_id,
            name: token.info.name,
            symbol: token.info.symbol,
            token_config: token.info.token_config,
            public_metadata: token.info.public_metadata,
            private_metadata: private.filter(|_| with_private),
            curator: token.curator,
        },
    }
}

/// For who has such tokens, and whom the owner of one of a kind lets.
fn private_info(
    deps: Deps,
    block: &BlockInfo,
    token_id: &str,
    viewer: &Addr,
) -> StdResult<QueryAnswer> {
    let token = state::token(deps.storage, token_id)?;
    let has = state::balance(deps.storage, token_id, viewer)? > 0;
    let is_let = match &token.owner {
        Some(owner) => {
            let permission = state::permission(deps.storage, token_id, owner, viewer)?;
            permission
                .is_some_and(|p| p.view_pr_metadata_perm && !p.view_pr_metadata_exp.has_come(block))
        }
        None => false,
    };
    if !has && !is_let {
        return Err(StdError::generic_err(
            "you do not have permission to view private token info",
        ));
    }
    Ok(QueryAnswer::TokenIdPrivateInfo(info(token, true)))
}

fn balance(
    deps: Deps,
    block: &BlockInfo,
    token_id: &str,
    owner: &Addr,
    viewer: &Addr,
) -> StdResult<QueryAnswer> {
    let permission = state::permission(deps.storage, token_id, owner, viewer)?;
    let is_let =
        permission.is_some_and(|p| p.view_balance_perm && !p.view_balance_exp.has_come(block));
    if owner != viewer && !is_let {
        return Err(StdError::generic_err(
            "you do not have permission to view this balance",
        ));
    }
    Ok(QueryAnswer::Balance {
        amount: state::balance(deps.storage, token_id, owner)?.into(),
    })
}

fn all_balances(
    deps: Deps,
    owner: &Addr,
    page: Option<u32>,
    size: Option<u32>,
) -> StdResult<QueryAnswer> {
    let size = size.unwrap_or(PAGE_SIZE).min(PAGE_SIZE_MAX);
    let page = page.unwrap_or_default();
    let ids = HELD.newest(deps.storage, owner.as_bytes(), page, size)?;
    let mut balances = Vec::new();
    for token_id in ids {
        let amount = state::balance(deps.storage, &token_id, owner)?.into();
        balances.push(OwnBalance { token_id, amount });
    }
    balances.retain(|balance| !balance.amount.is_zero());
    Ok(QueryAnswer::AllBalances(balances))
}

fn history(
    deps: Deps,
    account: &Addr,
    page: Option<u32>,
    page_size: u32,
) -> StdResult<QueryAnswer> {
    let page = page.unwrap_or_default();
    let (txs, total) = HISTORY.page(deps.storage, account, page, page_size)?;
    Ok(QueryAnswer::TransactionHistory { txs, total })
}

fn permission(deps: Deps, token_id: &str, owner: &Addr, allowed: &Addr) -> StdResult<QueryAnswer> {
    let permission = state::permission(deps.storage, token_id, owner, allowed)?;
    Ok(QueryAnswer::Permission(permission))
}
