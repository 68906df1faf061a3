//! Balances and the token's constants, under the canonical addresses of their owners.

use cosmwasm_std::{CanonicalAddr, ReadonlyStorage, StdError, StdResult, Storage, Uint128};
use cosmwasm_storage::{
    prefixed, prefixed_read, singleton, singleton_read, typed, typed_read, ReadonlySingleton,
    Singleton,
};
use serde::{Deserialize, Serialize};

/// What the token is.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its name.
    pub name: String,
    /// Its symbol.
    pub symbol: String,
    /// Places behind the point.
    pub decimals: u8,
    /// All tokens.
    pub total_supply: Uint128,
    /// The coin that is taken and given back.
    pub deposit_denom: Option<String>,
}

const TOKEN: &[u8] = b"token";
const BALANCES: &[u8] = b"balances";
const RECEIVERS: &[u8] = b"receivers";

/// The token, to change.
pub fn token<S: Storage>(storage: &mut S) -> Singleton<'_, S, Token> {
    singleton(storage, TOKEN)
}

/// The token, to read.
pub fn token_read<S: ReadonlyStorage>(storage: &S) -> ReadonlySingleton<'_, S, Token> {
    singleton_read(storage, TOKEN)
}

/// The balance of an account.
///
/// # Errors
/// If the stored number is none.
pub fn balance<S: ReadonlyStorage>(storage: &S, owner: &CanonicalAddr) -> StdResult<u128> {
    let balances = prefixed_read(BALANCES, storage);
    let found: Option<Uint128> = typed_read(&balances).may_load(owner.as_slice())?;
    Ok(found.unwrap_or_default().u128())
}

/// Sets the balance of an account.
///
/// # Errors
/// Never in practice.
pub fn set_balance<S: Storage>(
    storage: &mut S,
    owner: &CanonicalAddr,
    amount: u128,
) -> StdResult<()> {
    let mut balances = prefixed(BALANCES, storage);
    typed(&mut balances).save(owner.as_slice(), &Uint128(amount))
}

/// Adds to the balance of an account.
///
/// # Errors
/// If it would have more than there can be.
pub fn add<S: Storage>(storage: &mut S, owner: &CanonicalAddr, amount: u128) -> StdResult<()> {
    let sum = balance(storage, owner)?.checked_add(amount);
    let sum = sum.ok_or_else(|| StdError::generic_err("too many tokens"))?;
    set_balance(storage, owner, sum)
}

/// Takes from the balance of an account.
///
/// # Errors
/// If it has less.
pub fn take<S: Storage>(storage: &mut S, owner: &CanonicalAddr, amount: u128) -> StdResult<()> {
    let held = balance(storage, owner)?;
    // Not what there is: whoever calls a contract that has tokens is told of this too.
    let Some(left) = held.checked_sub(amount) else {
        let why = format!("insufficient funds: required={amount}");
        return Err(StdError::generic_err(why));
    };
    set_balance(storage, owner, left)
}

/// The code hash of a contract that wants to be told.
pub fn receiver<S: ReadonlyStorage>(storage: &S, contract: &CanonicalAddr) -> Option<String> {
    let found = prefixed_read(RECEIVERS, storage).get(contract.as_slice())?;
    String::from_utf8(found).ok()
}

/// Keeps the code hash of a contract that wants to be told.
pub fn set_receiver<S: Storage>(storage: &mut S, contract: &CanonicalAddr, code_hash: &str) {
    prefixed(RECEIVERS, storage).set(contract.as_slice(), code_hash.as_bytes());
}
