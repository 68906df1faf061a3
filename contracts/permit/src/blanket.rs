//! Revoking all permits at once (SNIP-24.1): an account says that permits of a time are void, and can take it back.
//!
//! The permits that clients sign do not say when they were made. So each revocation takes all of them: whoever revokes what was made before
//! a time wants to be safe, and what cannot be told apart is not safe.

use cosmwasm_std::{Addr, StdError, StdResult, Storage, Uint64};
use serde::{Deserialize, Serialize};
use storage::Map;

/// Revocations that one account has at most. They are read with every permit.
pub const REVOCATIONS_MAX: usize = 10;

/// Account → what it revoked.
static REVOCATIONS: Map<Revocations> = Map::new("permit_revocations");

/// Of what time permits are void. Without bounds, all.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// Those that were made before.
    pub created_before: Option<Uint64>,
    /// Those that were made after.
    pub created_after: Option<Uint64>,
}

/// One revocation.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Its number, by which it can be taken back.
    pub revocation_id: String,
    /// Of what time permits are void.
    pub interval: Interval,
}

#[derive(Serialize, Deserialize, Default)]
struct Revocations {
    made: u64,
    list: Vec<Revocation>,
}

/// Makes permits of an account void, and gives the number of the revocation.
pub fn revoke_all(
    storage: &mut dyn Storage,
    account: &Addr,
    interval: Interval,
) -> StdResult<String> {
    let mut revocations = load(storage, account)?;
    if revocations.list.len() >= REVOCATIONS_MAX {
        let why = format!("There are {REVOCATIONS_MAX} revocations at most: delete another");
        return Err(StdError::generic_err(why));
    }
    revocations.made += 1;
    let revocation_id = revocations.made.to_string();
    revocations.list.push(Revocation {
        revocation_id: revocation_id.clone(),
        interval,
    });
    REVOCATIONS.set(storage, &[account.as_bytes()], &revocations)?;
    Ok(revocation_id)
}

/// Takes a revocation back: permits that no other takes open again.
pub fn delete_revocation(storage: &mut dyn Storage, account: &Addr, id: &str) -> StdResult<()> {
    let mut revocations = load(storage, account)?;
    let known = revocations.list.len();
    revocations.list.retain(|r| r.revocation_id != id);
    if revocations.list.len() == known {
        let why = format!("No revocation found for ID {id}");
        return Err(StdError::generic_err(why));
    }
    REVOCATIONS.set(storage, &[account.as_bytes()], &revocations)
}

/// What an account revoked, oldest first.
pub fn revocations(storage: &dyn Storage, account: &Addr) -> StdResult<Vec<Revocation>> {
    Ok(load(storage, account)?.list)
}

fn load(storage: &dyn Storage, account: &Addr) -> StdResult<Revocations> {
    let revocations = REVOCATIONS.get(storage, &[account.as_bytes()])?;
    Ok(revocations.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use cosmwasm_std::testing::MockStorage;

    use super::*;

    #[test]
    fn revocations_have_numbers_that_never_come_again_and_are_few() {
        let mut storage = MockStorage::new();
        let alice = Addr::unchecked("alice");
        for n in 1..=REVOCATIONS_MAX {
            let id = revoke_all(&mut storage, &alice, Interval::default()).unwrap();
            assert_eq!(id, n.to_string());
        }
        assert!(revoke_all(&mut storage, &alice, Interval::default()).is_err());
        delete_revocation(&mut storage, &alice, "10").unwrap();
        assert!(delete_revocation(&mut storage, &alice, "10").is_err());
        assert!(delete_revocation(&mut storage, &Addr::unchecked("bob"), "1").is_err());
        let id = revoke_all(&mut storage, &alice, Interval::default()).unwrap();
        assert_eq!(id, "11");
        assert_eq!(revocations(&storage, &alice).unwrap().len(), 10);
    }
}
