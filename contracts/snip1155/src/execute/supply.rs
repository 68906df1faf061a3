//! Making token ids, making and destroying tokens, and what tokens say of themselves.

use cosmwasm_std::{Addr, DepsMut, Env, Response, StdResult, Uint128};
use snip::metadata::Metadata;

use super::{refused, success, Call};
use crate::msg::{Action, InitialToken, TokenAmount, TokenConfig};
use crate::state::{self, Token, CURATORS, EVERYONE, HISTORY, IDS};

/// Longest id of a token, in bytes.
const ID_BYTES_MAX: usize = 128;
/// Most digits after the point.
const DECIMALS_MAX: u8 = 18;

/// A curator makes token ids.
pub fn curate_ids(
    mut call: Call,
    tokens: Vec<InitialToken>,
    memo: Option<String>,
) -> StdResult<Response> {
    let curator = call.info.sender;
    if !CURATORS.load(call.deps.storage)?.contains(&curator) {
        return Err(refused("Only curators are allowed to curate token_ids"));
    }
    for token in tokens {
        curate(call.deps.branch(), &call.env, &curator, token, memo.clone())?;
    }
    Ok(success("curate_token_ids"))
}

/// Makes a token id with its first tokens.
pub fn curate(
    deps: DepsMut,
    env: &Env,
    curator: &Addr,
    new: InitialToken,
    memo: Option<String>,
) -> StdResult<()> {
    let InitialToken {
        token_info,
        balances,
    } = new;
    let id = token_info.token_id.clone();
    if id.is_empty() || id.len() > ID_BYTES_MAX {
        return Err(refused("A token_id has 1 to 128 bytes"));
    }
    if state::find(deps.storage, &id)?.is_some() {
        return Err(refused("The token_id already exists. Try a different id"));
    }
    let metadata = [&token_info.public_metadata, &token_info.private_metadata];
    for metadata in metadata.into_iter().flatten() {
        metadata.check()?;
    }
    let mut owner = None;
    match &token_info.token_config {
        TokenConfig::Fungible {
            minters, decimals, ..
        } => {
            check_accounts(&deps, minters)?;
            if *decimals > DECIMALS_MAX {
                return Err(refused("There can be at most 18 decimals"));
            }
        }
        TokenConfig::Nft { minters, .. } => {
            check_accounts(&deps, minters)?;
            let [only] = balances.as_slice() else {
                return Err(refused("A token of a kind has one owner"));
            };
            if only.amount != Uint128::one() {
                return Err(refused("There is 1 of a token of a kind"));
            }
            owner = Some(deps.api.addr_validate(&only.address)?);
        }
    }
    let mut token = Token {
        info: token_info,
        curator: curator.clone(),
        supply: Uint128::zero(),
        owner,
        moves: 0,
    };
    IDS.push(deps.storage, EVERYONE, &id)?;
    for balance in balances {
        let recipient = deps.api.addr_validate(&balance.address)?;
        state::create(deps.storage, &mut token, &recipient, balance.amount)?;
        let action = Action::Mint {
            minter: curator.clone(),
            recipient: recipient.clone(),
            amount: balance.amount,
        };
        let participants = [curator, &recipient];
        HISTORY.append(deps.storage, env, &participants, &id, action, memo.clone())?;
    }
    state::save(deps.storage, &token)
}

/// The configuration is JSON of whoever makes the id: its addresses are not checked yet.
fn check_accounts(deps: &DepsMut, accounts: &[Addr]) -> StdResult<()> {
    for account in accounts {
        deps.api.addr_validate(account.as_str())?;
    }
    Ok(())
}

/// Minters make tokens.
pub fn mint(call: Call, mints: Vec<TokenAmount>, memo: Option<String>) -> StdResult<Response> {
    let minter = &call.info.sender;
    let storage = call.deps.storage;
    for mint in mints {
        let mut token = state::token(storage, &mint.token_id)?;
        match &token.info.token_config {
            TokenConfig::Fungible {
                enable_mint: true,
                minters,
                ..
            } if minters.contains(minter) => {}
            TokenConfig::Fungible {
                enable_mint: true, ..
            } => {
                return Err(refused(
                    "Only minters are allowed to mint additional tokens",
                ))
            }
            _ => return Err(refused("minting is not enabled for this token")),
        }
        for balance in mint.balances {
            let recipient = call.deps.api.addr_validate(&balance.address)?;
            state::create(storage, &mut token, &recipient, balance.amount)?;
            let action = Action::Mint {
                minter: minter.clone(),
                recipient: recipient.clone(),
                amount: balance.amount,
            };
            let (participants, id) = ([minter, &recipient], &mint.token_id);
            HISTORY.append(storage, &call.env, &participants, id, action, memo.clone())?;
        }
        state::save(storage, &token)?;
    }
    Ok(success("mint_tokens"))
}

/// Owners destroy tokens.
pub fn burn(call: Call, burns: Vec<TokenAmount>, memo: Option<String>) -> StdResult<Response> {
    let owner = &call.info.sender;
    let storage = call.deps.storage;
    for burn in burns {
        let mut token = state::token(storage, &burn.token_id)?;
        let (TokenConfig::Fungible { enable_burn, .. } | TokenConfig::Nft { enable_burn, .. }) =
            token.info.token_config;
        if !enable_burn {
            return Err(refused("burning is not enabled for this token"));
        }
        for balance in burn.balances {
            if *owner != balance.address {
                return Err(refused(
                    "you do not have permission to burn another's tokens",
                ));
            }
            state::destroy(storage, &mut token, owner, balance.amount)?;
            let action = Action::Burn {
                burner: None,
                owner: owner.clone(),
                amount: balance.amount,
            };
            HISTORY.append(
                storage,
                &call.env,
                &[owner],
                &burn.token_id,
                action,
                memo.clone(),
            )?;
        }
        if token.supply.is_zero() {
            token.owner = None;
        }
        state::save(storage, &token)?;
    }
    Ok(success("burn_tokens"))
}

/// Changes metadata.
pub fn change_metadata(
    call: Call,
    token_id: &str,
    public: Option<Metadata>,
    private: Option<Metadata>,
) -> StdResult<Response> {
    let sender = &call.info.sender;
    let mut token = state::token(call.deps.storage, token_id)?;
    let may = match &token.info.token_config {
        TokenConfig::Fungible {
            minters,
            minter_may_update_metadata,
            ..
        } => *minter_may_update_metadata && minters.contains(sender),
        TokenConfig::Nft {
            minters,
            minter_may_update_metadata,
            owner_may_update_metadata,
            ..
        } => {
            *minter_may_update_metadata && minters.contains(sender)
                || *owner_may_update_metadata && token.owner.as_ref() == Some(sender)
        }
    };
    if !may {
        return Err(refused("unable to change the metadata for this token_id"));
    }
    for metadata in [&public, &private].into_iter().flatten() {
        metadata.check()?;
    }
    let info = &mut token.info;
    info.public_metadata = public.or(info.public_metadata.take());
    info.private_metadata = private.or(info.private_metadata.take());
    state::save(call.deps.storage, &token)?;
    Ok(success("change_metadata"))
}
