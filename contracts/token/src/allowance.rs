//! Who may spend how much of whose tokens, until when; and the lists of both sides (SNIP-26).

use cosmwasm_std::{Addr, Env, StdError, StdResult, Storage, Uint128};
use serde::{Deserialize, Serialize};
use storage::{List, Map};

use crate::history::page_of;

/// (owner, spender) → allowance.
static ALLOWANCES: Map<Allowance> = Map::new("allowances");
/// Per owner: spenders, in the order of their first allowance.
static GIVEN: List<Addr> = List::new("count_of_given", "given");
/// Per spender: owners, in the order of their first allowance.
static RECEIVED: List<Addr> = List::new("count_of_received", "received");

/// What a spender may still spend.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// How many tokens.
    pub amount: Uint128,
    /// Until when, in seconds since 1970.
    pub expiration: Option<u64>,
}

impl Allowance {
    fn has_expired(&self, env: &Env) -> bool {
        let now = env.block.time.seconds();
        self.expiration.is_some_and(|end| end <= now)
    }
}

/// What was last agreed, expired or not.
pub fn get(storage: &dyn Storage, owner: &Addr, spender: &Addr) -> StdResult<Allowance> {
    let stored = ALLOWANCES.get(storage, &pair(owner, spender))?;
    Ok(stored.unwrap_or_default())
}

/// Changes an allowance. One that has expired counts as nothing, and its end is forgotten.
pub fn change(
    storage: &mut dyn Storage,
    env: &Env,
    owner: &Addr,
    spender: &Addr,
    expiration: Option<u64>,
    amount: impl FnOnce(u128) -> u128,
) -> StdResult<Allowance> {
    let stored = ALLOWANCES.get(storage, &pair(owner, spender))?;
    if stored.is_none() {
        GIVEN.push(storage, owner.as_bytes(), spender)?;
        RECEIVED.push(storage, spender.as_bytes(), owner)?;
    }
    let held = stored.filter(|a| !a.has_expired(env)).unwrap_or_default();
    let changed = Allowance {
        amount: amount(held.amount.u128()).into(),
        expiration: expiration.or(held.expiration),
    };
    ALLOWANCES.set(storage, &pair(owner, spender), &changed)?;
    Ok(changed)
}

/// Takes from an allowance what is about to be spent.
pub fn spend(
    storage: &mut dyn Storage,
    env: &Env,
    owner: &Addr,
    spender: &Addr,
    amount: u128,
) -> StdResult<()> {
    let stored = ALLOWANCES.get(storage, &pair(owner, spender))?;
    let mut held = stored.filter(|a| !a.has_expired(env)).unwrap_or_default();
    let usable = held.amount.u128();
    // Who is allowed nothing moves nothing, not even 0: a receiver would be told that the owner sent it something.
    let Some(left) = usable.checked_sub(amount).filter(|_| usable > 0) else {
        return Err(StdError::generic_err(format!(
            "insufficient allowance: allowance={usable}, required={amount}"
        )));
    };
    held.amount = left.into();
    ALLOWANCES.set(storage, &pair(owner, spender), &held)
}

/// One page of those whom an owner gave an allowance, newest first, and how many they are.
pub fn given(
    storage: &dyn Storage,
    owner: &Addr,
    page: u32,
    page_size: u32,
) -> StdResult<(Vec<(Addr, Allowance)>, u32)> {
    let (spenders, count) = page_of(&GIVEN, storage, owner, page, page_size)?;
    let with_allowance = |spender: Addr| Ok((spender.clone(), get(storage, owner, &spender)?));
    let pairs = spenders.into_iter().map(with_allowance);
    Ok((pairs.collect::<StdResult<_>>()?, count))
}

/// One page of those who gave a spender an allowance, newest first, and how many they are.
pub fn received(
    storage: &dyn Storage,
    spender: &Addr,
    page: u32,
    page_size: u32,
) -> StdResult<(Vec<(Addr, Allowance)>, u32)> {
    let (owners, count) = page_of(&RECEIVED, storage, spender, page, page_size)?;
    let with_allowance = |owner: Addr| Ok((owner.clone(), get(storage, &owner, spender)?));
    let pairs = owners.into_iter().map(with_allowance);
    Ok((pairs.collect::<StdResult<_>>()?, count))
}

fn pair<'a>(owner: &'a Addr, spender: &'a Addr) -> [&'a [u8]; 2] {
    [owner.as_bytes(), spender.as_bytes()]
}
