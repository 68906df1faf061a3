//! Balances and the supply: the supply is the sum of all balances, before and after every function here.

use cosmwasm_std::{Addr, StdError, StdResult, Storage, Uint128};
use storage::{Item, Map};

/// Account → balance.
static BALANCES: Map<Uint128> = Map::new("balances");
/// All tokens there are.
static SUPPLY: Item<Uint128> = Item::new("supply");

/// An account's balance; 0 for an account never seen.
pub fn balance(storage: &dyn Storage, account: &Addr) -> StdResult<u128> {
    let balance = BALANCES.get(storage, &[account.as_bytes()])?;
    Ok(balance.unwrap_or_default().u128())
}

/// All tokens there are.
pub fn supply(storage: &dyn Storage) -> StdResult<u128> {
    Ok(SUPPLY.may_load(storage)?.unwrap_or_default().u128())
}

/// Makes tokens for an account. Refused if the supply would not fit 128 bits.
pub fn create(storage: &mut dyn Storage, account: &Addr, amount: u128) -> StdResult<()> {
    let Some(new_supply) = supply(storage)?.checked_add(amount) else {
        return Err(StdError::generic_err(
            "this would make more tokens than can be counted",
        ));
    };
    SUPPLY.save(storage, &new_supply.into())?;
    credit(storage, account, amount)
}

/// Destroys tokens of an account.
pub fn destroy(storage: &mut dyn Storage, account: &Addr, amount: u128) -> StdResult<()> {
    debit(storage, account, amount)?;
    let left = supply(storage)?.checked_sub(amount);
    let left = left.ok_or_else(|| StdError::generic_err("more tokens than the supply"))?;
    SUPPLY.save(storage, &left.into())
}

/// Moves tokens. An account may send to itself.
pub fn move_tokens(
    storage: &mut dyn Storage,
    from: &Addr,
    to: &Addr,
    amount: u128,
) -> StdResult<()> {
    debit(storage, from, amount)?;
    credit(storage, to, amount)
}

fn debit(storage: &mut dyn Storage, account: &Addr, amount: u128) -> StdResult<()> {
    let held = balance(storage, account)?;
    // Not what there is: a spender is told of this too, and whoever calls a contract that has tokens.
    let Some(left) = held.checked_sub(amount) else {
        let why = format!("insufficient funds: required={amount}");
        return Err(StdError::generic_err(why));
    };
    BALANCES.set(storage, &[account.as_bytes()], &left.into())
}

fn credit(storage: &mut dyn Storage, account: &Addr, amount: u128) -> StdResult<()> {
    let sum = balance(storage, account)?.checked_add(amount);
    let sum = sum.ok_or_else(|| StdError::generic_err("more tokens than the supply"))?;
    BALANCES.set(storage, &[account.as_bytes()], &sum.into())
}
