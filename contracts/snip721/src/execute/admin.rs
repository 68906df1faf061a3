//! What only the admin may do.

use cosmwasm_std::{Addr, Response, StdError, StdResult};

use super::{success, Call};
use crate::msg::ContractStatus;
use crate::state::{ADMIN, MINTERS, STATUS};

/// Names further minters.
pub fn add_minters(call: Call, minters: &[String]) -> StdResult<Response> {
    change_minters(call, minters, |known, named| {
        for minter in named {
            if !known.contains(&minter) {
                known.push(minter);
            }
        }
    })?;
    Ok(success("add_minters"))
}

/// Dismisses minters.
pub fn remove_minters(call: Call, minters: &[String]) -> StdResult<Response> {
    change_minters(call, minters, |known, named| {
        known.retain(|minter| !named.contains(minter));
    })?;
    Ok(success("remove_minters"))
}

/// Names all minters anew.
pub fn set_minters(call: Call, minters: &[String]) -> StdResult<Response> {
    change_minters(call, minters, |known, named| *known = named)?;
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

fn check_admin(call: &Call) -> StdResult<()> {
    if ADMIN.load(call.deps.storage)? == call.info.sender {
        return Ok(());
    }
    Err(StdError::generic_err(
        "This is an admin command and can only be run from the admin address",
    ))
}

fn change_minters(
    call: Call,
    minters: &[String],
    change: impl FnOnce(&mut Vec<Addr>, Vec<Addr>),
) -> StdResult<()> {
    check_admin(&call)?;
    let validate = |minter: &String| call.deps.api.addr_validate(minter);
    let named = minters.iter().map(validate).collect::<StdResult<_>>()?;
    let mut known = MINTERS.load(call.deps.storage)?;
    change(&mut known, named);
    MINTERS.save(call.deps.storage, &known)
}
