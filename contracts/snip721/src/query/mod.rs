//! Reading: what everybody may know, and what the owner's word, a viewing key or a permit opens.

mod question;

use cosmwasm_std::{to_binary, Addr, Binary, Deps, Env, StdError, StdResult};
use permit::TokenPermission;
use snip::viewing_key::{self, Viewer};

use crate::answer::QueryAnswer;
use crate::msg::{Permit, PermittedQuery, QueryMsg};
use crate::state::{self, CONTRACT};
use question::Question;

/// Answers a query.
pub fn run(deps: Deps, env: Env, msg: QueryMsg) -> StdResult<Binary> {
    let question = |viewer: Option<Addr>| -> StdResult<Question> {
        Ok(Question {
            deps,
            block: env.block.clone(),
            contract: CONTRACT.load(deps.storage)?,
            viewer,
        })
    };
    let ask = |viewer: Option<Viewer>| {
        let viewer = viewer.map(|v| with_key(deps, &v.address, &v.viewing_key));
        question(viewer.transpose()?)
    };
    let ask_as = |address: &str, key: &str| question(Some(with_key(deps, address, key)?));
    let answer = match msg {
        QueryMsg::WithPermit { permit, query } => {
            let viewer = with_permit(deps, &env, permit)?;
            permitted(question(Some(viewer))?, query)
        }

        QueryMsg::NumTokens { viewer } => ask(viewer)?.num_tokens(),
        QueryMsg::AllTokens {
            viewer,
            start_after,
            limit,
        } => ask(viewer)?.all_tokens(start_after, limit),
        QueryMsg::OwnerOf {
            token_id,
            viewer,
            include_expired,
        } => ask(viewer)?.owner_of(&token_id, include_expired),
        QueryMsg::PrivateMetadata { token_id, viewer } => ask(viewer)?.private_metadata(&token_id),
        QueryMsg::AllNftInfo {
            token_id,
            viewer,
            include_expired,
        } => ask(viewer)?.all_nft_info(&token_id, include_expired),
        QueryMsg::RoyaltyInfo { token_id, viewer } => ask(viewer)?.royalty_info(token_id),
        QueryMsg::NftDossier {
            token_id,
            viewer,
            include_expired,
        } => ask(viewer)?.nft_dossier(&token_id, include_expired),
        QueryMsg::BatchNftDossier {
            token_ids,
            viewer,
            include_expired,
        } => ask(viewer)?.batch_nft_dossier(token_ids, include_expired),
        QueryMsg::Tokens {
            owner,
            viewer,
            viewing_key,
            start_after,
            limit,
        } => {
            question(key_of(deps, &owner, viewer, viewing_key)?)?.tokens(&owner, start_after, limit)
        }
        QueryMsg::NumTokensOfOwner {
            owner,
            viewer,
            viewing_key,
        } => question(key_of(deps, &owner, viewer, viewing_key)?)?.num_tokens_of_owner(&owner),
        QueryMsg::TokenApprovals {
            token_id,
            viewing_key,
            include_expired,
        } => {
            // The key is the owner's, whoever that is: the same words for a wrong key and for no such token.
            let token = state::token(deps.storage, &token_id)?;
            let owner = token.map_or_else(|| Addr::unchecked(""), |token| token.owner);
            if !viewing_key::is_right(deps.storage, &owner, &viewing_key)? {
                return Err(wrong_key());
            }
            question(Some(owner))?.token_approvals(&token_id, include_expired)
        }
        QueryMsg::InventoryApprovals {
            address,
            viewing_key,
            include_expired,
        } => ask_as(&address, &viewing_key)?.inventory_approvals(include_expired),
        QueryMsg::ApprovedForAll {
            owner,
            viewing_key,
            include_expired,
        } => match viewing_key {
            Some(key) => ask_as(&owner, &key)?.approved_for_all(include_expired),
            // Others are told of nobody.
            None => Ok(QueryAnswer::ApprovedForAll { operators: vec![] }),
        },
        QueryMsg::VerifyTransferApproval {
            token_ids,
            address,
            viewing_key,
        } => ask_as(&address, &viewing_key)?.verify_transfer_approval(token_ids),
        QueryMsg::TransactionHistory {
            address,
            viewing_key,
            page,
            page_size,
        } => ask_as(&address, &viewing_key)?.transaction_history(page, page_size),

        public => question(None)?.public(public),
    };
    to_binary(&answer?)
}

fn permitted(ask: Question, query: PermittedQuery) -> StdResult<QueryAnswer> {
    match query {
        PermittedQuery::NumTokens {} => ask.num_tokens(),
        PermittedQuery::AllTokens { start_after, limit } => ask.all_tokens(start_after, limit),
        PermittedQuery::OwnerOf {
            token_id,
            include_expired,
        } => ask.owner_of(&token_id, include_expired),
        PermittedQuery::PrivateMetadata { token_id } => ask.private_metadata(&token_id),
        PermittedQuery::AllNftInfo {
            token_id,
            include_expired,
        } => ask.all_nft_info(&token_id, include_expired),
        PermittedQuery::RoyaltyInfo { token_id } => ask.royalty_info(token_id),
        PermittedQuery::NftDossier {
            token_id,
            include_expired,
        } => ask.nft_dossier(&token_id, include_expired),
        PermittedQuery::BatchNftDossier {
            token_ids,
            include_expired,
        } => ask.batch_nft_dossier(token_ids, include_expired),
        PermittedQuery::Tokens {
            owner,
            start_after,
            limit,
        } => ask.tokens(&owner, start_after, limit),
        PermittedQuery::NumTokensOfOwner { owner } => ask.num_tokens_of_owner(&owner),
        PermittedQuery::TokenApprovals {
            token_id,
            include_expired,
        } => ask.token_approvals(&token_id, include_expired),
        PermittedQuery::InventoryApprovals { include_expired } => {
            ask.inventory_approvals(include_expired)
        }
        PermittedQuery::ApprovedForAll { include_expired } => ask.approved_for_all(include_expired),
        PermittedQuery::VerifyTransferApproval { token_ids } => {
            ask.verify_transfer_approval(token_ids)
        }
        PermittedQuery::TransactionHistory { page, page_size } => {
            ask.transaction_history(page, page_size)
        }
    }
}

fn wrong_key() -> StdError {
    StdError::generic_err(viewing_key::WRONG)
}

fn with_key(deps: Deps, address: &str, key: &str) -> StdResult<Addr> {
    let address = deps.api.addr_validate(address)?;
    if viewing_key::is_right(deps.storage, &address, key)? {
        return Ok(address);
    }
    Err(wrong_key())
}

/// Who asks about an owner's tokens: the viewer, or else the owner, if a key comes along; else nobody.
fn key_of(
    deps: Deps,
    owner: &str,
    viewer: Option<String>,
    key: Option<String>,
) -> StdResult<Option<Addr>> {
    let Some(key) = key else { return Ok(None) };
    with_key(deps, viewer.as_deref().unwrap_or(owner), &key).map(Some)
}

fn with_permit(deps: Deps, env: &Env, permit: Permit) -> StdResult<Addr> {
    let permit = permit::verify(deps, env, permit)?;
    permit.account_for(TokenPermission::Owner)
}
