//! Changes: each message has its function, in the module of its kind.

mod admin;
mod exchange;
mod spend;
mod supply;
mod transfer;

use cosmwasm_std::{DepsMut, Env, MessageInfo, Response, StdError, StdResult, Storage};

use crate::msg::{ContractStatus, ExecuteAnswer, ExecuteMsg};
use crate::notify::Happened;
use crate::state::{RECEIVERS, STATUS, TOKEN};
use permit::blanket;
use snip::answer::{answer, padded_json, success};
use snip::notification::update_seed;
use snip::viewing_key;

/// What every change works on.
pub struct Call<'a> {
    /// State, addresses, other contracts.
    pub deps: DepsMut<'a>,
    /// Block and own address.
    pub env: Env,
    /// Caller and attached coins.
    pub info: MessageInfo,
    /// What others are to be told.
    pub happened: &'a mut Happened,
}

/// Finds the function for the message.
pub fn run(deps: DepsMut, env: Env, info: MessageInfo, msg: ExecuteMsg) -> StdResult<Response> {
    check_status(deps.storage, &msg)?;
    let mut deps = deps;
    let mut happened = Happened::by(&msg);
    let call = Call {
        deps: deps.branch(),
        env: env.clone(),
        info,
        happened: &mut happened,
    };
    let response = call_function(call, msg)?;
    let told = happened.tell(deps.storage, deps.api, &env)?;
    Ok(response.add_attributes(told))
}

fn call_function(call: Call, msg: ExecuteMsg) -> StdResult<Response> {
    match msg {
        ExecuteMsg::Deposit {} => exchange::deposit(call),
        ExecuteMsg::Redeem { amount, denom } => exchange::redeem(call, amount, denom),

        ExecuteMsg::Transfer(action) => transfer::transfer(call, action),
        ExecuteMsg::Send(action) => transfer::send(call, action),
        ExecuteMsg::BatchTransfer { actions } => transfer::batch_transfer(call, actions),
        ExecuteMsg::BatchSend { actions } => transfer::batch_send(call, actions),
        ExecuteMsg::Burn { amount, memo } => supply::burn(call, amount, memo),
        ExecuteMsg::RegisterReceive { code_hash } => register_receive(call, code_hash),

        ExecuteMsg::CreateViewingKey { entropy } => create_viewing_key(call, entropy),
        ExecuteMsg::SetViewingKey { key } => set_viewing_key(call, &key),
        ExecuteMsg::RevokePermit { permit_name } => revoke_permit(call, &permit_name),
        ExecuteMsg::RevokeAllPermits { interval } => {
            let account = &call.info.sender;
            let revocation_id =
                blanket::revoke_all(call.deps.storage, account, interval.unwrap_or_default())?;
            answer(&ExecuteAnswer::RevokeAllPermits {
                status: "success".to_string(),
                revocation_id,
            })
        }
        ExecuteMsg::DeletePermitRevocation { revocation_id: id } => {
            blanket::delete_revocation(call.deps.storage, &call.info.sender, &id)?;
            Ok(success("delete_permit_revocation"))
        }
        ExecuteMsg::UpdateSeed { signed_doc } => {
            let (api, account) = (call.deps.api, &call.info.sender);
            let seed =
                update_seed(call.deps.storage, api, &call.env, account, &signed_doc)?.to_binary();
            answer(&ExecuteAnswer::UpdateSeed { seed })
        }
        ExecuteMsg::Evaporate {} => Ok(success("evaporate")),

        ExecuteMsg::IncreaseAllowance(change) => spend::increase_allowance(call, change),
        ExecuteMsg::DecreaseAllowance(change) => spend::decrease_allowance(call, change),
        ExecuteMsg::TransferFrom(action) => spend::transfer_from(call, action),
        ExecuteMsg::SendFrom(action) => spend::send_from(call, action),
        ExecuteMsg::BatchTransferFrom { actions } => spend::batch_transfer_from(call, actions),
        ExecuteMsg::BatchSendFrom { actions } => spend::batch_send_from(call, actions),
        ExecuteMsg::BurnFrom(action) => supply::burn_from(call, action),
        ExecuteMsg::BatchBurnFrom { actions } => supply::batch_burn_from(call, actions),

        ExecuteMsg::Mint(action) => supply::mint(call, action),
        ExecuteMsg::BatchMint { actions } => supply::batch_mint(call, actions),
        ExecuteMsg::AddMinters { minters } => admin::add_minters(call, minters),
        ExecuteMsg::RemoveMinters { minters } => admin::remove_minters(call, minters),
        ExecuteMsg::SetMinters { minters } => admin::set_minters(call, minters),

        ExecuteMsg::ChangeAdmin { address } => admin::change_admin(call, &address),
        ExecuteMsg::SetContractStatus { level } => admin::set_contract_status(call, level),
        ExecuteMsg::AddSupportedDenoms { denoms } => admin::add_denoms(call, denoms),
        ExecuteMsg::RemoveSupportedDenoms { denoms } => admin::remove_denoms(call, denoms),
        ExecuteMsg::SetNotificationStatus { enabled } => admin::set_notifications(call, enabled),
    }
}

fn check_status(storage: &dyn Storage, msg: &ExecuteMsg) -> StdResult<()> {
    let is_stopped = match STATUS.load(storage)? {
        ContractStatus::NormalRun => false,
        ContractStatus::StopAllButRedeems => !matches!(
            msg,
            ExecuteMsg::Redeem { .. } | ExecuteMsg::SetContractStatus { .. }
        ),
        ContractStatus::StopAll => !matches!(msg, ExecuteMsg::SetContractStatus { .. }),
    };
    if is_stopped {
        return Err(StdError::generic_err(
            "This contract is stopped and this action is not allowed",
        ));
    }
    Ok(())
}

fn register_receive(call: Call, code_hash: String) -> StdResult<Response> {
    let contract = call.info.sender.as_bytes();
    RECEIVERS.set(call.deps.storage, &[contract], &code_hash)?;
    Ok(success("register_receive"))
}

fn create_viewing_key(call: Call, entropy: Option<String>) -> StdResult<Response> {
    let prng_seed = TOKEN.load(call.deps.storage)?.prng_seed;
    let account = call.info.sender;
    let entropy = entropy.unwrap_or_default();
    let key = viewing_key::create(&call.env, &prng_seed, &account, &entropy);
    viewing_key::set(call.deps.storage, &account, &key)?;
    answer(&ExecuteAnswer::CreateViewingKey { key })
}

fn set_viewing_key(call: Call, key: &str) -> StdResult<Response> {
    viewing_key::set(call.deps.storage, &call.info.sender, key)?;
    Ok(success("set_viewing_key"))
}

fn revoke_permit(call: Call, permit_name: &str) -> StdResult<Response> {
    permit::revoke(call.deps.storage, &call.info.sender, permit_name)?;
    Ok(success("revoke_permit"))
}
