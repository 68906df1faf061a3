//! Changes: each message has its function, in the module of its kind.

mod admin;
mod approve;
mod mint;
mod transfer;

use cosmwasm_std::{DepsMut, Env, MessageInfo, Response, StdError, StdResult, Storage};
use snip::answer::{answer, padded_json, success};
use snip::history::other_than;
use snip::viewing_key;

use crate::answer::ExecuteAnswer;
use crate::approval::{granted, Right};
use crate::msg::{ContractStatus, ExecuteMsg};
use crate::state::{self, Receiver, Token, CONTRACT, RECEIVERS, STATUS};

/// What every change works on.
pub struct Call<'a> {
    /// State, addresses, other contracts.
    pub deps: DepsMut<'a>,
    /// Block and own address.
    pub env: Env,
    /// Caller and attached coins.
    pub info: MessageInfo,
}

/// Every call ends with so many attributes, those of clones: their number would tell calls apart.
const ATTRIBUTES: usize = 2;

/// Does what the message says.
pub fn run(deps: DepsMut, env: Env, info: MessageInfo, msg: ExecuteMsg) -> StdResult<Response> {
    let response = call(deps, env, info, msg)?;
    let missing = ATTRIBUTES.saturating_sub(response.attributes.len());
    Ok(response.add_attributes(vec![("padding", " "); missing]))
}

/// Finds the function for the message.
fn call(deps: DepsMut, env: Env, info: MessageInfo, msg: ExecuteMsg) -> StdResult<Response> {
    check_status(deps.storage, &msg)?;
    let call = Call { deps, env, info };
    match msg {
        ExecuteMsg::MintNft(mint) => mint::mint(call, mint),
        ExecuteMsg::BatchMintNft { mints } => mint::batch_mint(call, mints),
        ExecuteMsg::MintNftClones(clones) => mint::clones(call, clones),
        ExecuteMsg::SetMetadata {
            token_id,
            public_metadata,
            private_metadata,
        } => mint::set_metadata(call, &token_id, public_metadata, private_metadata),
        ExecuteMsg::Reveal { token_id } => mint::reveal(call, &token_id),
        ExecuteMsg::SetRoyaltyInfo {
            token_id,
            royalty_info,
        } => mint::set_royalty_info(call, token_id, royalty_info),

        ExecuteMsg::TransferNft {
            recipient,
            token_id,
            memo,
        } => transfer::transfer(call, &recipient, token_id, memo),
        ExecuteMsg::BatchTransferNft { transfers } => transfer::batch_transfer(call, transfers),
        ExecuteMsg::SendNft {
            contract,
            receiver_info,
            token_id,
            msg,
            memo,
        } => transfer::send(
            call,
            crate::msg::Send {
                contract,
                receiver_info,
                token_ids: vec![token_id],
                msg,
                memo,
            },
        ),
        ExecuteMsg::BatchSendNft { sends } => transfer::batch_send(call, sends),
        ExecuteMsg::BurnNft { token_id, memo } => transfer::burn(call, &token_id, memo),
        ExecuteMsg::BatchBurnNft { burns } => transfer::batch_burn(call, burns),
        ExecuteMsg::RegisterReceiveNft {
            code_hash,
            also_implements_batch_receive_nft,
        } => register(call, code_hash, also_implements_batch_receive_nft),

        ExecuteMsg::Approve {
            spender,
            token_id,
            expires,
        } => approve::approve(call, &spender, &token_id, expires),
        ExecuteMsg::Revoke { spender, token_id } => approve::revoke(call, &spender, &token_id),
        ExecuteMsg::ApproveAll { operator, expires } => {
            approve::approve_all(call, &operator, expires)
        }
        ExecuteMsg::RevokeAll { operator } => approve::revoke_all(call, &operator),
        ExecuteMsg::SetGlobalApproval {
            token_id,
            view_owner,
            view_private_metadata,
            expires,
        } => {
            let levels = [
                (Right::ViewOwner, view_owner),
                (Right::ViewPrivateMetadata, view_private_metadata),
            ];
            approve::set_global(call, token_id, &levels, expires)
        }
        ExecuteMsg::SetWhitelistedApproval {
            address,
            token_id,
            view_owner,
            view_private_metadata,
            transfer,
            expires,
        } => {
            let levels = [
                (Right::ViewOwner, view_owner),
                (Right::ViewPrivateMetadata, view_private_metadata),
                (Right::Transfer, transfer),
            ];
            approve::set_whitelisted(call, &address, token_id, &levels, expires)
        }
        ExecuteMsg::MakeOwnershipPrivate {} => approve::make_ownership_private(call),

        ExecuteMsg::CreateViewingKey { entropy } => {
            let seed = CONTRACT.load(call.deps.storage)?.entropy;
            let account = call.info.sender;
            let key = viewing_key::create(&call.env, seed.as_bytes(), &account, &entropy);
            viewing_key::set(call.deps.storage, &account, &key)?;
            answer(&ExecuteAnswer::ViewingKey { key })
        }
        ExecuteMsg::SetViewingKey { key } => {
            viewing_key::set(call.deps.storage, &call.info.sender, &key)?;
            answer(&ExecuteAnswer::ViewingKey { key })
        }
        ExecuteMsg::RevokePermit { permit_name } => {
            permit::revoke(call.deps.storage, &call.info.sender, &permit_name)?;
            Ok(success("revoke_permit"))
        }

        ExecuteMsg::AddMinters { minters } => admin::add_minters(call, &minters),
        ExecuteMsg::RemoveMinters { minters } => admin::remove_minters(call, &minters),
        ExecuteMsg::SetMinters { minters } => admin::set_minters(call, &minters),
        ExecuteMsg::ChangeAdmin { address } => admin::change_admin(call, &address),
        ExecuteMsg::SetContractStatus { level } => admin::set_contract_status(call, level),
    }
}

/// The same words for a token that is not there and for one that is another's: who asks learns nothing.
fn not_authorized(token_id: &str) -> StdError {
    StdError::generic_err(format!(
        "You are not authorized to perform this action on token {token_id}"
    ))
}

/// The token, if it is the sender's.
fn own_token(call: &Call, token_id: &str) -> StdResult<Token> {
    let token = state::token(call.deps.storage, token_id)?;
    let token = token.filter(|token| token.owner == call.info.sender);
    token.ok_or_else(|| not_authorized(token_id))
}

/// The token, if the sender may move it.
fn movable_token(call: &Call, token_id: &str) -> StdResult<Token> {
    let token = state::token(call.deps.storage, token_id)?;
    let token = token.ok_or_else(|| not_authorized(token_id))?;
    let all = state::inventory(call.deps.storage, &token.owner)?.approvals;
    let sender = &call.info.sender;
    let (right, block) = (Right::Transfer, &call.env.block);
    if token.owner == *sender
        || granted(&token.approvals, &all, Some(sender), right, block).is_some()
    {
        return Ok(token);
    }
    Err(not_authorized(token_id))
}

fn check_status(storage: &dyn Storage, msg: &ExecuteMsg) -> StdResult<()> {
    let is_stopped = match STATUS.load(storage)? {
        ContractStatus::Normal => false,
        ContractStatus::StopTransactions => matches!(
            msg,
            ExecuteMsg::MintNft(_)
                | ExecuteMsg::BatchMintNft { .. }
                | ExecuteMsg::MintNftClones(_)
                | ExecuteMsg::TransferNft { .. }
                | ExecuteMsg::BatchTransferNft { .. }
                | ExecuteMsg::SendNft { .. }
                | ExecuteMsg::BatchSendNft { .. }
                | ExecuteMsg::BurnNft { .. }
                | ExecuteMsg::BatchBurnNft { .. }
        ),
        ContractStatus::StopAll => !matches!(msg, ExecuteMsg::SetContractStatus { .. }),
    };
    if is_stopped {
        return Err(StdError::generic_err(
            "The contract admin has temporarily disabled this action",
        ));
    }
    Ok(())
}

fn register(call: Call, code_hash: String, batch: Option<bool>) -> StdResult<Response> {
    let receiver = Receiver {
        code_hash,
        also_implements_batch_receive_nft: batch.unwrap_or_default(),
    };
    let contract = call.info.sender.as_bytes();
    RECEIVERS.set(call.deps.storage, &[contract], &receiver)?;
    Ok(success("register_receive_nft"))
}
