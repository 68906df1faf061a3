//! Reading: what everybody may know, and what a viewing key or a permit opens.

use cosmwasm_std::{to_binary, Addr, Binary, Deps, Env, StdError, StdResult, Uint128};

use crate::channels::{DIRECT, GROUPS};
use crate::msg::{AllowanceGiven, AllowanceReceived, Permit, PermitQuery, QueryAnswer, QueryMsg};
use crate::state::{DENOMS, MINTERS, STATUS, TOKEN};
use crate::{allowance, history, ledger};
use permit::TokenPermission as Permission;
use snip::{notification, viewing_key};

/// Answers a query.
pub fn run(deps: Deps, env: Env, msg: QueryMsg) -> StdResult<Binary> {
    let account = |address: &str| deps.api.addr_validate(address);
    let answer = match msg {
        QueryMsg::TokenInfo {} => token_info(deps)?,
        QueryMsg::TokenConfig {} => token_config(deps)?,
        QueryMsg::ContractStatus {} => QueryAnswer::ContractStatus {
            status: STATUS.load(deps.storage)?,
        },
        QueryMsg::ExchangeRate {} => exchange_rate(deps)?,
        QueryMsg::Minters {} => QueryAnswer::Minters {
            minters: MINTERS.load(deps.storage)?,
        },

        QueryMsg::ListPermitRevocations { viewer } => {
            let address = account(&viewer.address)?;
            with_key(deps, &[&address], &viewer.viewing_key, || {
                permit_revocations(deps, &address)
            })?
        }
        QueryMsg::ListChannels {} => QueryAnswer::ListChannels {
            channels: channel_names(),
        },
        QueryMsg::ChannelInfo {
            channels,
            txhash,
            viewer,
        } => {
            let address = account(&viewer.address)?;
            with_key(deps, &[&address], &viewer.viewing_key, || {
                channel_info(deps, &env, &address, &channels, txhash)
            })?
        }

        QueryMsg::WithPermit { permit, query } => with_permit(deps, env, permit, query)?,

        QueryMsg::Balance { address, key } => {
            let address = account(&address)?;
            with_key(deps, &[&address], &key, || balance(deps, &address))?
        }
        QueryMsg::Allowance {
            owner,
            spender,
            key,
        } => {
            let (owner, spender) = (account(&owner)?, account(&spender)?);
            with_key(deps, &[&owner, &spender], &key, || {
                allowance_of(deps, &owner, &spender)
            })?
        }
        QueryMsg::AllowancesGiven {
            owner,
            key,
            page,
            page_size,
        } => {
            let owner = account(&owner)?;
            with_key(deps, &[&owner], &key, || {
                allowances_given(deps, &owner, page, page_size)
            })?
        }
        QueryMsg::AllowancesReceived {
            spender,
            key,
            page,
            page_size,
        } => {
            let spender = account(&spender)?;
            with_key(deps, &[&spender], &key, || {
                allowances_received(deps, &spender, page, page_size)
            })?
        }
        QueryMsg::TransferHistory {
            address,
            key,
            page,
            page_size,
        } => {
            let address = account(&address)?;
            with_key(deps, &[&address], &key, || {
                transfer_history(deps, &address, page, page_size)
            })?
        }
        QueryMsg::TransactionHistory {
            address,
            key,
            page,
            page_size,
        } => {
            let address = account(&address)?;
            with_key(deps, &[&address], &key, || {
                transaction_history(deps, &address, page, page_size)
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

fn with_permit(deps: Deps, env: Env, permit: Permit, query: PermitQuery) -> StdResult<QueryAnswer> {
    let permit = permit::verify_for_token(deps, &env, permit)?;
    match query {
        PermitQuery::ListPermitRevocations {} => {
            let account = permit.account_for(Permission::Owner)?;
            permit_revocations(deps, &account)
        }
        PermitQuery::ChannelInfo { channels, txhash } => {
            let account = permit.account_for(Permission::Owner)?;
            channel_info(deps, &env, &account, &channels, txhash)
        }
        PermitQuery::Balance {} => balance(deps, &permit.account_for(Permission::Balance)?),
        PermitQuery::Allowance { owner, spender } => {
            let account = permit.account_for(Permission::Allowance)?;
            if account != owner && account != spender {
                return Err(StdError::generic_err(format!(
                    "Cannot query allowance. Requires permit for either owner \"{owner}\" or \
                     spender \"{spender}\", got permit for \"{account}\""
                )));
            }
            let owner = deps.api.addr_validate(&owner)?;
            let spender = deps.api.addr_validate(&spender)?;
            allowance_of(deps, &owner, &spender)
        }
        PermitQuery::AllowancesGiven { page, page_size } => {
            let owner = permit.account_for(Permission::Allowance)?;
            allowances_given(deps, &owner, page, page_size)
        }
        PermitQuery::AllowancesReceived { page, page_size } => {
            let spender = permit.account_for(Permission::Allowance)?;
            allowances_received(deps, &spender, page, page_size)
        }
        PermitQuery::TransferHistory { page, page_size } => {
            let account = permit.account_for(Permission::History)?;
            transfer_history(deps, &account, page, page_size)
        }
        PermitQuery::TransactionHistory { page, page_size } => {
            let account = permit.account_for(Permission::History)?;
            transaction_history(deps, &account, page, page_size)
        }
    }
}

fn permit_revocations(deps: Deps, account: &Addr) -> StdResult<QueryAnswer> {
    Ok(QueryAnswer::ListPermitRevocations {
        revocations: permit::blanket::revocations(deps.storage, account)?,
    })
}

fn channel_info(
    deps: Deps,
    env: &Env,
    account: &Addr,
    names: &[String],
    tx_hash: Option<String>,
) -> StdResult<QueryAnswer> {
    let seed = notification::seed(deps.storage, deps.api, account)?;
    let tx_hash = tx_hash.as_deref();
    let info = |name: &String| {
        if let Some(channel) = DIRECT.iter().find(|channel| channel.name == name) {
            return channel.info(&seed, tx_hash);
        }
        if let Some(group) = GROUPS.iter().find(|group| group.name == name) {
            return group.info(&seed, tx_hash);
        }
        let why = format!("`{name}` channel is undefined");
        Err(StdError::generic_err(why))
    };
    // A name may stand twice, but not without end.
    let channels = names.iter().take(DIRECT.len() + GROUPS.len()).map(info);
    Ok(QueryAnswer::ChannelInfo {
        as_of_block: env.block.height.into(),
        seed: seed.to_binary(),
        channels: channels.collect::<StdResult<_>>()?,
    })
}

fn channel_names() -> Vec<String> {
    let direct = DIRECT.iter().map(|channel| channel.name);
    let groups = GROUPS.iter().map(|group| group.name);
    direct.chain(groups).map(str::to_string).collect()
}

fn token_info(deps: Deps) -> StdResult<QueryAnswer> {
    let token = TOKEN.load(deps.storage)?;
    let total_supply = if token.public_total_supply {
        Some(ledger::supply(deps.storage)?.into())
    } else {
        None
    };
    Ok(QueryAnswer::TokenInfo {
        name: token.name,
        symbol: token.symbol,
        decimals: token.decimals,
        total_supply,
    })
}

fn token_config(deps: Deps) -> StdResult<QueryAnswer> {
    let token = TOKEN.load(deps.storage)?;
    Ok(QueryAnswer::TokenConfig {
        public_total_supply: token.public_total_supply,
        deposit_enabled: token.deposit_enabled,
        redeem_enabled: token.redeem_enabled,
        mint_enabled: token.mint_enabled,
        burn_enabled: token.burn_enabled,
        supported_denoms: DENOMS.load(deps.storage)?,
    })
}

fn exchange_rate(deps: Deps) -> StdResult<QueryAnswer> {
    let token = TOKEN.load(deps.storage)?;
    let denoms = DENOMS.load(deps.storage)?;
    let can_exchange = (token.deposit_enabled || token.redeem_enabled) && !denoms.is_empty();
    Ok(QueryAnswer::ExchangeRate {
        rate: Uint128::from(u8::from(can_exchange)),
        denom: if can_exchange {
            denoms.join(",")
        } else {
            String::new()
        },
    })
}

fn balance(deps: Deps, account: &Addr) -> StdResult<QueryAnswer> {
    Ok(QueryAnswer::Balance {
        amount: ledger::balance(deps.storage, account)?.into(),
    })
}

fn allowance_of(deps: Deps, owner: &Addr, spender: &Addr) -> StdResult<QueryAnswer> {
    let allowance = allowance::get(deps.storage, owner, spender)?;
    Ok(QueryAnswer::Allowance {
        spender: spender.clone(),
        owner: owner.clone(),
        allowance: allowance.amount,
        expiration: allowance.expiration,
    })
}

fn allowances_given(
    deps: Deps,
    owner: &Addr,
    page: Option<u32>,
    page_size: u32,
) -> StdResult<QueryAnswer> {
    let page = page.unwrap_or_default();
    let (pairs, count) = allowance::given(deps.storage, owner, page, page_size)?;
    let allowances = pairs.into_iter().map(|(spender, a)| AllowanceGiven {
        spender,
        allowance: a.amount,
        expiration: a.expiration,
    });
    Ok(QueryAnswer::AllowancesGiven {
        owner: owner.clone(),
        allowances: allowances.collect(),
        count,
    })
}

fn allowances_received(
    deps: Deps,
    spender: &Addr,
    page: Option<u32>,
    page_size: u32,
) -> StdResult<QueryAnswer> {
    let page = page.unwrap_or_default();
    let (pairs, count) = allowance::received(deps.storage, spender, page, page_size)?;
    let allowances = pairs.into_iter().map(|(owner, a)| AllowanceReceived {
        owner,
        allowance: a.amount,
        expiration: a.expiration,
    });
    Ok(QueryAnswer::AllowancesReceived {
        spender: spender.clone(),
        allowances: allowances.collect(),
        count,
    })
}

fn transfer_history(
    deps: Deps,
    account: &Addr,
    page: Option<u32>,
    page_size: u32,
) -> StdResult<QueryAnswer> {
    let page = page.unwrap_or_default();
    let (txs, total) = history::transfers(deps.storage, account, page, page_size)?;
    Ok(QueryAnswer::TransferHistory {
        txs,
        total: Some(total),
    })
}

fn transaction_history(
    deps: Deps,
    account: &Addr,
    page: Option<u32>,
    page_size: u32,
) -> StdResult<QueryAnswer> {
    let page = page.unwrap_or_default();
    let (txs, total) = history::all(deps.storage, account, page, page_size)?;
    Ok(QueryAnswer::TransactionHistory {
        txs,
        total: Some(total),
    })
}
