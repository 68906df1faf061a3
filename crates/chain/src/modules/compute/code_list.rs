//! The contracts of each code, as a list without holes: whoever enters stands last, and the last one takes the place of whoever
//! leaves, so that both cost the same however long the list is.

use super::state::{CODE_CONTRACT, CODE_CONTRACTS, CONTRACTS, Contract, ContractRecord};
use crate::ctx::Ctx;
use crate::error::{Stop, broken};
use crate::types::Address;

/// Puts a contract at the end of its code's list; the caller stores the record with its new place.
pub(super) fn enter(
    ctx: &mut Ctx<'_, '_>,
    address: &Address,
    contract: &mut Contract,
) -> Result<(), Stop> {
    let code_id = contract.code_id;
    let place = CODE_CONTRACTS.get(ctx, &code_id)?.unwrap_or(0);
    CODE_CONTRACT.set(ctx, &(code_id, place), address)?;
    CODE_CONTRACTS.set(ctx, &code_id, &place.saturating_add(1))?;
    contract.place = place;
    Ok(())
}

/// Takes a contract out of its code's list.
pub(super) fn leave(ctx: &mut Ctx<'_, '_>, contract: &Contract) -> Result<(), Stop> {
    let code_id = contract.code_id;
    let length = CODE_CONTRACTS.get(ctx, &code_id)?.unwrap_or(0);
    let last = length
        .checked_sub(1)
        .ok_or_else(|| broken("a contract is not in its code's list"))?;
    if contract.place != last {
        let moved = CODE_CONTRACT.get(ctx, &(code_id, last))?;
        let moved = moved.ok_or_else(|| broken("contract of a code is missing"))?;
        let record = CONTRACTS.get(ctx, &moved)?;
        let mut record = record
            .ok_or_else(|| broken("a listed contract is missing"))?
            .into_contract();
        record.place = contract.place;
        CODE_CONTRACT.set(ctx, &(code_id, contract.place), &moved)?;
        CONTRACTS.set(ctx, &moved, &ContractRecord::V1(record))?;
    }
    CODE_CONTRACT.remove(ctx, &(code_id, last))?;
    if last == 0 {
        CODE_CONTRACTS.remove(ctx, &code_id)
    } else {
        CODE_CONTRACTS.set(ctx, &code_id, &last)
    }
}
