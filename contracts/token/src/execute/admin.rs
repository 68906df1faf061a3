//! What only the admin may do.

use cosmwasm_std::{Addr, Response, StdError, StdResult};

use super::{success, Call};
use crate::msg::ContractStatus;
use crate::notify::ENABLED;
use crate::state::{ADMIN, DENOMS, MINTERS, STATUS, TOKEN};

/// Names further minters.
pub fn add_minters(call: Call, minters: Vec<String>) -> StdResult<Response> {
    change_minters(
        call,
        |known, validated| {
            for minter in validated {
                if !known.contains(&minter) {
                    known.push(minter);
                }
            }
        },
        minters,
    )?;
    Ok(success("add_minters"))
}

/// Dismisses minters.
pub fn remove_minters(call: Call, minters: Vec<String>) -> StdResult<Response> {
    change_minters(
        call,
        |known, validated| {
            known.retain(|minter| !validated.contains(minter));
        },
        minters,
    )?;
    Ok(success("remove_minters"))
}

/// Names all minters anew.
pub fn set_minters(call: Call, minters: Vec<String>) -> StdResult<Response> {
    change_minters(call, |known, validated| *known = validated, minters)?;
    Ok(success("set_minters"))
}

/// Hands over.
pub fn change_admin(call: Call, address: &str) -> StdResult<Response> {
    check_admin(&call)?;
    let new_admin = call.deps.api.addr_validate(address)?;
    ADMIN.save(call.deps.storage, &new_admin)?;
    Ok(success("change_admin"))
}

/// Stops or restarts the contract.
pub fn set_contract_status(call: Call, level: ContractStatus) -> StdResult<Response> {
    check_admin(&call)?;
    STATUS.save(call.deps.storage, &level)?;
    Ok(success("set_contract_status"))
}

/// Lets accounts be notified, or not.
pub fn set_notifications(call: Call, enabled: bool) -> StdResult<Response> {
    check_admin(&call)?;
    ENABLED.save(call.deps.storage, &enabled)?;
    Ok(success("set_notification_status"))
}

/// Supports further coins.
pub fn add_denoms(call: Call, denoms: Vec<String>) -> StdResult<Response> {
    check_denoms_may_change(&call)?;
    let mut supported = DENOMS.load(call.deps.storage)?;
    for denom in denoms {
        if !supported.contains(&denom) {
            supported.push(denom);
        }
    }
    DENOMS.save(call.deps.storage, &supported)?;
    Ok(success("add_supported_denoms"))
}

/// Supports fewer coins.
pub fn remove_denoms(call: Call, denoms: Vec<String>) -> StdResult<Response> {
    check_denoms_may_change(&call)?;
    let mut supported = DENOMS.load(call.deps.storage)?;
    supported.retain(|denom| !denoms.contains(denom));
    DENOMS.save(call.deps.storage, &supported)?;
    Ok(success("remove_supported_denoms"))
}

fn check_admin(call: &Call) -> StdResult<()> {
    if ADMIN.load(call.deps.storage)? == call.info.sender {
        return Ok(());
    }
    Err(StdError::generic_err(
        "This is an admin command. Admin commands can only be run from admin address",
    ))
}

fn check_denoms_may_change(call: &Call) -> StdResult<()> {
    check_admin(call)?;
    if TOKEN.load(call.deps.storage)?.can_modify_denoms {
        return Ok(());
    }
    Err(StdError::generic_err(
        "Cannot modify denoms for this contract",
    ))
}

fn change_minters(
    call: Call,
    change: impl FnOnce(&mut Vec<Addr>, Vec<Addr>),
    minters: Vec<String>,
) -> StdResult<()> {
    check_admin(&call)?;
    if !TOKEN.load(call.deps.storage)?.mint_enabled {
        return Err(StdError::generic_err(
            "Mint functionality is not enabled for this token.",
        ));
    }
    let validate = |minter: &String| call.deps.api.addr_validate(minter);
    let validated = minters.iter().map(validate).collect::<StdResult<_>>()?;
    let mut known = MINTERS.load(call.deps.storage)?;
    change(&mut known, validated);
    MINTERS.save(call.deps.storage, &known)
}
