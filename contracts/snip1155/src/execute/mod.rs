//! Changes: each message has its function, in the module of its kind.

mod admin;
mod permission;
mod supply;
mod transfer;

use cosmwasm_std::{Addr, Api, DepsMut, Env, MessageInfo, Response, StdError, StdResult};
use snip::answer::{padded_json, success};
use snip::history::other_than;
use snip::viewing_key;

pub use supply::curate;

use crate::msg::{ExecuteAnswer, ExecuteMsg};
use crate::state::{ENTROPY, RECEIVERS};

/// What every change works on.
pub struct Call<'a> {
    /// State, addresses, other contracts.
    pub deps: DepsMut<'a>,
    /// Block and own address.
    pub env: Env,
    /// Caller and attached coins.
    pub info: MessageInfo,
}

/// Finds the function for the message.
pub fn run(deps: DepsMut, env: Env, info: MessageInfo, msg: ExecuteMsg) -> StdResult<Response> {
    let call = Call { deps, env, info };
    match msg {
        ExecuteMsg::CurateTokenIds {
            initial_tokens,
            memo,
        } => supply::curate_ids(call, initial_tokens, memo),
        ExecuteMsg::MintTokens { mint_tokens, memo } => supply::mint(call, mint_tokens, memo),
        ExecuteMsg::BurnTokens { burn_tokens, memo } => supply::burn(call, burn_tokens, memo),
        ExecuteMsg::ChangeMetadata {
            token_id,
            public_metadata,
            private_metadata,
        } => supply::change_metadata(call, &token_id, public_metadata, private_metadata),

        ExecuteMsg::Transfer(action) => transfer::transfer(call, action),
        ExecuteMsg::BatchTransfer { actions } => transfer::batch_transfer(call, actions),
        ExecuteMsg::Send(action) => transfer::send(call, action),
        ExecuteMsg::BatchSend { actions } => transfer::batch_send(call, actions),
        ExecuteMsg::RegisterReceive { code_hash } => {
            let contract = call.info.sender.as_bytes();
            RECEIVERS.set(call.deps.storage, &[contract], &code_hash)?;
            Ok(success("register_receive"))
        }

        ExecuteMsg::GivePermission {
            allowed_address,
            token_id,
            view_balance,
            view_balance_expiry,
            view_private_metadata,
            view_private_metadata_expiry,
            transfer,
            transfer_expiry,
        } => permission::give(
            call,
            &allowed_address,
            &token_id,
            permission::Given {
                view_balance: (view_balance, view_balance_expiry),
                view_private_metadata: (view_private_metadata, view_private_metadata_expiry),
                transfer: (transfer, transfer_expiry),
            },
        ),
        ExecuteMsg::RevokePermission {
            token_id,
            owner,
            allowed_address,
        } => permission::revoke(call, &token_id, &owner, &allowed_address),

        ExecuteMsg::CreateViewingKey { entropy } => {
            let seed = ENTROPY.load(call.deps.storage)?;
            let account = call.info.sender;
            let key = viewing_key::create(&call.env, seed.as_bytes(), &account, &entropy);
            viewing_key::set(call.deps.storage, &account, &key)?;
            let answer = ExecuteAnswer::CreateViewingKey { key };
            Ok(Response::new().set_data(cosmwasm_std::to_binary(&answer)?))
        }
        ExecuteMsg::SetViewingKey { key } => {
            viewing_key::set(call.deps.storage, &call.info.sender, &key)?;
            Ok(success("set_viewing_key"))
        }
        ExecuteMsg::RevokePermit { permit_name } => {
            permit::revoke(call.deps.storage, &call.info.sender, &permit_name)?;
            Ok(success("revoke_permit"))
        }

        ExecuteMsg::AddCurators { add_curators } => admin::add_curators(call, &add_curators),
        ExecuteMsg::RemoveCurators { remove_curators } => {
            admin::remove_curators(call, &remove_curators)
        }
        ExecuteMsg::AddMinters {
            token_id,
            add_minters,
        } => admin::add_minters(call, &token_id, &add_minters),
        ExecuteMsg::RemoveMinters {
            token_id,
            remove_minters,
        } => admin::remove_minters(call, &token_id, &remove_minters),
        ExecuteMsg::ChangeAdmin { new_admin } => admin::change_admin(call, &new_admin),
        ExecuteMsg::RemoveAdmin {
            current_admin,
            contract_address,
        } => admin::remove_admin(call, &current_admin, &contract_address),
    }
}

/// Addresses, checked.
pub fn accounts(api: &dyn Api, texts: &[String]) -> StdResult<Vec<Addr>> {
    texts.iter().map(|text| api.addr_validate(text)).collect()
}

fn refused(text: &str) -> StdError {
    StdError::generic_err(text)
}
