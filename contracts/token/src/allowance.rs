//! Who may spend how much of whose tokens, until when; and the lists of both sides (SNIP-26).

use cosmwasm_std::{Addr, Env, StdError, StdResult, Storage};
use secret_toolkit::serialization::Bincode2;
use secret_toolkit::storage::{AppendStore, Keymap, KeymapBuilder, WithoutIter};
use serde::{Deserialize, Serialize};

use crate::history::page_of;

/// (owner, spender) → allowance.
static ALLOWANCES: Keymap<(Addr, Addr), Allowance, Bincode2, WithoutIter> =
    KeymapBuilder::new(b"allowances").without_iter().build();
/// Per owner: spenders, in the order of their first allowance.
static GIVEN: AppendStore<Addr> = AppendStore::new(b"allowances_given");
/// Per spender: owners, in the order of their first allowance.
static RECEIVED: AppendStore<Addr> = AppendStore::new(b"allowances_received");

/// What a spender may still spend.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// How many tokens.
    pub amount: u128,
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
pub fn get(storage: &dyn Storage, owner: &Addr, spender: &Addr) -> Allowance {
    let pair = (owner.clone(), spender.clone());
    ALLOWANCES.get(storage, &pair).unwrap_or_default()
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
    let pair = (owner.clone(), spender.clone());
    let stored = ALLOWANCES.get(storage, &pair);
    if stored.is_none() {
        GIVEN.add_suffix(owner.as_bytes()).push(storage, spender)?;
        RECEIVED
            .add_suffix(spender.as_bytes())
            .push(storage, owner)?;
    }
    let held = stored.filter(|a| !a.has_expired(env)).unwrap_or_default();
    let changed = Allowance {
        amount: amount(held.amount),
        expiration: expiration.or(held.expiration),
    };
    ALLOWANCES.insert(storage, &pair, &changed)?;
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
    let mut held = get(storage, owner, spender);
    let usable = if held.has_expired(env) {
        0
    } else {
        held.amount
    };
    let Some(left) = usable.checked_sub(amount) else {
        return Err(StdError::generic_err(format!(
            "insufficient allowance: allowance={usable}, required={amount}"
        )));
    };
    held.amount = left;
    ALLOWANCES.insert(storage, &(owner.clone(), spender.clone()), &held)
}

/// One page of those whom an owner gave an allowance, newest first, and how many they are.
pub fn given(
    storage: &dyn Storage,
    owner: &Addr,
    page: u32,
    page_size: u32,
) -> StdResult<(Vec<(Addr, Allowance)>, u32)> {
    let spenders = GIVEN.add_suffix(owner.as_bytes());
    let (spenders, count) = page_of(&spenders, storage, page, page_size)?;
    let with_allowance = |spender| {
        let allowance = get(storage, owner, &spender);
        (spender, allowance)
    };
    Ok((spenders.into_iter().map(with_allowance).collect(), count))
}

/// One page of those who gave a spender an allowance, newest first, and how many they are.
pub fn received(
    storage: &dyn Storage,
    spender: &Addr,
    page: u32,
    page_size: u32,
) -> StdResult<(Vec<(Addr, Allowance)>, u32)> {
    let owners = RECEIVED.add_suffix(spender.as_bytes());
    let (owners, count) = page_of(&owners, storage, page, page_size)?;
    let with_allowance = |owner| {
        let allowance = get(storage, &owner, spender);
        (owner, allowance)
    };
    Ok((owners.into_iter().map(with_allowance).collect(), count))
}
