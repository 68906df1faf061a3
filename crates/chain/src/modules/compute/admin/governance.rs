//! What the authority decides: parameters, and what locked contracts may do.

use super::{known, text};
use crate::ctx::{Ctx, event};
use crate::error::Stop;
use crate::modules::compute::error as compute;
use crate::modules::compute::state::{
    AUTHORIZED_ADMIN, AUTHORIZED_MIGRATION, CODES, CONTRACTS, ContractRecord, PARAMS, Params,
};
use crate::modules::poa;
use crate::types::error::sdk;
use crate::types::{Address, TxError};

const EVENT: &str = "contract_governance_proposal";

/// Refuses everyone but the authority: the one of poa, as long as there is no gov.
pub(super) fn require_authority(ctx: &mut Ctx<'_, '_>, sender: &Address) -> Result<(), Stop> {
    let authority = poa::keeper::authority(ctx)?;
    if authority == *sender {
        return Ok(());
    }
    let why = format!("invalid authority; expected {authority}, got {sender}");
    Err(compute::INVALID_SIGNER.wrap(why).into())
}

/// Sets the parameters.
pub(super) fn update_params(
    ctx: &mut Ctx<'_, '_>,
    authority: &Address,
    params: &Params,
) -> Result<(), Stop> {
    require_authority(ctx, authority)?;
    PARAMS.set(ctx, params)
}

/// Locks a contract: from now on the authority must allow each migration and each other admin.
pub(super) fn lock(ctx: &mut Ctx<'_, '_>, sender: &Address, address: &Address) -> Result<(), Stop> {
    let mut contract = known(ctx, address)?;
    if contract.admin.as_ref() != Some(sender) {
        let why = "only contract admin can change governance requirement";
        return Err(sdk::UNAUTHORIZED.wrap(why).into());
    }
    contract.require_governance = true;
    CONTRACTS.set(ctx, address, &ContractRecord::V1(contract))
}

/// Lets a contract migrate to this code, once; a later word takes the place of an earlier one.
pub(super) fn authorize_migration(
    ctx: &mut Ctx<'_, '_>,
    authority: &Address,
    contract: &Address,
    code_id: u64,
) -> Result<(), Stop> {
    known(ctx, contract)?;
    if !CODES.has(ctx, &code_id)? {
        return Err(unknown_code(code_id).into());
    }
    AUTHORIZED_MIGRATION.set(ctx, contract, &code_id)?;
    told(ctx, authority, contract, "code_id", &code_id.to_string());
    Ok(())
}

/// Lets a contract be given this admin (or none), once; a later word takes the place of an earlier one.
pub(super) fn authorize_admin(
    ctx: &mut Ctx<'_, '_>,
    authority: &Address,
    contract: &Address,
    admin: Option<Address>,
) -> Result<(), Stop> {
    known(ctx, contract)?;
    AUTHORIZED_ADMIN.set(ctx, contract, &admin)?;
    told(ctx, authority, contract, "new_admin", &text(admin.as_ref()));
    Ok(())
}

fn told(ctx: &mut Ctx<'_, '_>, authority: &Address, contract: &Address, key: &str, value: &str) {
    ctx.emit(event(
        EVENT,
        &[
            ("contract_address", &contract.to_string()),
            (key, value),
            ("sender", &authority.to_string()),
        ],
    ));
}

/// A code that a migration names and that is not stored.
pub(super) fn unknown_code(code_id: u64) -> TxError {
    let why = format!("unknown code: failed to get code info for code id {code_id}");
    sdk::INVALID_REQUEST.wrap(why)
}
