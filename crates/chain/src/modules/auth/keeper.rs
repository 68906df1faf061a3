//! What other modules do with accounts.

pub use super::state::Account;
use super::state::{ACCOUNTS, ADDRESSES, NEXT_NUMBER, PARAMS, Params};
use crate::Ctx;
use crate::error::{Stop, broken};
use crate::modules::accounts;
use crate::types::Address;

/// The account at `address`, if any.
///
/// # Errors
/// Out of gas or a fault.
pub fn account(ctx: &mut Ctx, address: &Address) -> Result<Option<Account>, Stop> {
    ACCOUNTS.get(ctx, &address)
}

/// Whether there is an account at `address`.
///
/// # Errors
/// Out of gas or a fault.
pub fn has_account(ctx: &mut Ctx, address: &Address) -> Result<bool, Stop> {
    ACCOUNTS.has(ctx, &address)
}

/// Makes an account with the next number, without key, sequence 0, unless there is one. The address of a module becomes
/// that module's account. Tells whether it is new.
///
/// # Errors
/// Out of gas or a fault.
pub fn ensure_account(ctx: &mut Ctx, address: &Address) -> Result<bool, Stop> {
    if has_account(ctx, address)? {
        return Ok(false);
    }
    let number = accounts_len(ctx)?;
    NEXT_NUMBER.set(
        ctx,
        &number
            .checked_add(1)
            .ok_or_else(|| broken("out of account numbers"))?,
    )?;
    let is_module = accounts::by_address(address).is_some();
    ACCOUNTS.set(
        ctx,
        &address,
        &Account {
            number,
            sequence: 0,
            pubkey: None,
            is_module,
        },
    )?;
    ADDRESSES.set(ctx, &number, address)?;
    Ok(true)
}

/// Makes the account at `address` for whoever is about to own that address without ever signing for it (a contract). An
/// account that coins sent ahead have made is adopted: it has no key, has signed nothing, and belongs to no module. Tells
/// whether the address may be owned; if not, nothing is written.
///
/// # Errors
/// Out of gas or a fault.
pub fn adopt_account(ctx: &mut Ctx, address: &Address) -> Result<bool, Stop> {
    if accounts::by_address(address).is_some() {
        return Ok(false);
    }
    if ensure_account(ctx, address)? {
        return Ok(true);
    }
    let account = account(ctx, address)?.ok_or_else(|| broken("an account went away"))?;
    Ok(account.pubkey.is_none() && account.sequence == 0)
}

/// Number of accounts; account numbers are those below it.
///
/// # Errors
/// Out of gas or a fault.
pub fn accounts_len(ctx: &mut Ctx) -> Result<u64, Stop> {
    Ok(NEXT_NUMBER.get(ctx)?.unwrap_or(0))
}

/// The address of the account with this number, which is below [`accounts_len`].
///
/// # Errors
/// Out of gas or a fault.
pub fn address_of(ctx: &mut Ctx, number: u64) -> Result<Address, Stop> {
    let address = ADDRESSES.get(ctx, &number)?;
    Ok(address.ok_or_else(|| broken("an account number without address"))?)
}

/// Parameters of the ante chain.
///
/// # Errors
/// Out of gas or a fault.
pub(super) fn params(ctx: &mut Ctx) -> Result<Params, Stop> {
    Ok(PARAMS.get(ctx)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_ctx;
    use crate::types::PublicKey;

    #[test]
    fn only_an_account_that_nobody_can_sign_for_yet_is_adopted() {
        with_ctx(|ctx| {
            let mut number = 0;
            let mut adopted = |ctx: &mut Ctx, sequence, pubkey| {
                number += 1;
                let address = Address::from_bytes(&[number; 20]).unwrap();
                let account = Account {
                    number: number.into(),
                    sequence,
                    pubkey,
                    is_module: false,
                };
                ACCOUNTS.set(ctx, &&address, &account).unwrap();
                let adopted = adopt_account(ctx, &address).unwrap();
                // Whatever it was, it is still that.
                assert_eq!(ACCOUNTS.get(ctx, &&address).unwrap(), Some(account));
                adopted
            };
            assert!(adopted(ctx, 0, None));
            assert!(!adopted(ctx, 1, None));
            assert!(!adopted(ctx, 0, Some(PublicKey::Secp256k1([2; 33]))));
            let new = Address::from_bytes(&[99; 20]).unwrap();
            assert!(adopt_account(ctx, &new).unwrap());
            assert!(has_account(ctx, &new).unwrap());
            let gov = accounts::by_name(accounts::GOV).unwrap().address();
            assert!(!adopt_account(ctx, &gov).unwrap());
            assert!(!has_account(ctx, &gov).unwrap());
        });
    }
}
