//! Who may change a contract, and to what: migration, its admin, and what the authority allows
//! (contract-abi.md 7.7, docs/spec/contracts.md).
//!
//! Promises: only its admin gives a contract other code or another admin; a contract whose admin has locked it needs the
//! authority's word for each as well, and each word counts once; the lock is never taken off; address, state and keys stay
//! the contract's own; a migration that fails leaves nothing behind.
//! Refuses: everyone else, contracts without an admin, code that is not stored.

mod governance;
mod migrate;
mod msg;

pub(super) use migrate::{Migrate, Migration, migrate, prepare_migrate, record_migration};

use super::gas;
use super::state::{AUTHORIZED_ADMIN, CONTRACTS, Contract, ContractRecord};
use crate::ctx::{Ctx, event};
use crate::error::Stop;
use crate::modules::compute::error as compute;
use crate::types::error::sdk;
use crate::types::{Address, TxError};

/// Gas location of a change of admin (wire.md 1.12.2).
const UPDATE_ADMIN: &str = "Loading CosmWasm module: update-contract-admin";

/// The record of a contract that a message names.
fn known(ctx: &mut Ctx<'_, '_>, contract: &Address) -> Result<Contract, Stop> {
    let unknown = || {
        let inner = compute::NOT_FOUND.wrap("contract").wrap("unknown contract");
        sdk::INVALID_REQUEST.wrap(inner.text)
    };
    let record = CONTRACTS.get(ctx, contract)?.ok_or_else(unknown)?;
    Ok(record.into_contract())
}

/// A migration names a code.
///
/// # Errors
/// sdk 18.
pub(super) fn check_code_id(code_id: u64) -> Result<(), TxError> {
    if code_id == 0 {
        return Err(sdk::INVALID_REQUEST.wrap("code id is required"));
    }
    Ok(())
}

/// An admin does not give its place to itself.
///
/// # Errors
/// compute 10.
pub(super) fn check_new_admin(sender: &Address, new_admin: &Address) -> Result<(), TxError> {
    if sender == new_admin {
        return Err(compute::INVALID_MSG.wrap("new admin is the same as the old"));
    }
    Ok(())
}

/// Gives a contract another admin, or none.
///
/// # Errors
/// As the table of wire.md 1.12.4; out of gas; a fault.
pub(super) fn update_admin(
    ctx: &mut Ctx<'_, '_>,
    sender: &Address,
    address: &Address,
    new_admin: Option<Address>,
) -> Result<(), Stop> {
    ctx.gas.consume(gas::load(0), UPDATE_ADMIN)?;
    let mut contract = known(ctx, address)?;
    if contract.admin.as_ref() != Some(sender) {
        return Err(sdk::UNAUTHORIZED.wrap("caller is not the admin").into());
    }
    if contract.require_governance {
        use_authorized_admin(ctx, address, new_admin.as_ref())?;
    }
    let shown = text(new_admin.as_ref());
    contract.admin = new_admin;
    CONTRACTS.set(ctx, address, &ContractRecord::V1(contract))?;
    ctx.emit(event(
        "update_contract_admin",
        &[
            ("contract_address", &address.to_string()),
            ("new_admin_address", &shown),
        ],
    ));
    Ok(())
}

/// Uses up the authority's word for this admin.
fn use_authorized_admin(
    ctx: &mut Ctx<'_, '_>,
    contract: &Address,
    wanted: Option<&Address>,
) -> Result<(), Stop> {
    let Some(authorized) = AUTHORIZED_ADMIN.get(ctx, contract)? else {
        let why = "requires governance approval for admin change";
        return Err(sdk::UNAUTHORIZED.wrap(why).into());
    };
    if authorized.as_ref() != wanted {
        let (authorized, wanted) = (text(authorized.as_ref()), text(wanted));
        let why =
            format!("admin mismatch: governance authorized '{authorized}', attempting '{wanted}'");
        return Err(sdk::UNAUTHORIZED.wrap(why).into());
    }
    AUTHORIZED_ADMIN.remove(ctx, contract)
}

/// An admin as texts and events have it: empty for none.
fn text(admin: Option<&Address>) -> String {
    admin.map(ToString::to_string).unwrap_or_default()
}
