//! Revoking all permits at once (SNIP-24.1): an account says that permits of a time are void, and can take it back.
//!
//! Many permits do not say when they were made. Each revocation takes those too: whoever revokes what was made before a time wants to be safe, and
//! what cannot be told apart is not safe.

use cosmwasm_std::{Addr, StdError, StdResult, Storage, Uint64};
use serde::{Deserialize, Serialize};
use storage::Map;

use crate::time::Moment;

/// Revocations that one account has at most. They are read with every permit. The last place is for one that takes all.
pub const REVOCATIONS_MAX: usize = 10;
/// What a revocation is called that takes all permits. There is one.
pub const REVOKED_ALL: &str = "REVOKED_ALL";

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

impl Interval {
    fn is_all(&self) -> bool {
        *self == Interval::default()
    }

    /// Refuses what would answer that permits are void while those of no time are: bounds in a unit that is neither, and bounds with nothing between them.
    fn check(&self) -> StdResult<()> {
        let bounds = [self.created_after, self.created_before];
        let is_wrong = |bound: &Uint64| !Moment::is_number(bound.u64());
        if let Some(wrong) = bounds.into_iter().flatten().find(is_wrong) {
            let why = format!("Not a time in seconds or nanoseconds: {wrong}");
            return Err(StdError::generic_err(why));
        }
        let [after, before] = bounds.map(|bound| bound.map(|b| Moment::of_number(b.u64())));
        let begin = after.unwrap_or(Moment::of_number(0));
        if before.is_some_and(|end| end <= begin) {
            return Err(StdError::generic_err("No permit is of this time"));
        }
        Ok(())
    }

    /// Whether a permit of this time is void. Of which none knows the time, it is.
    pub(crate) fn takes(&self, created: Option<Moment>) -> bool {
        let Some(created) = created else { return true };
        let moment = |bound: Uint64| Moment::of_number(bound.u64());
        let is_before = self.created_before.is_none_or(|end| created < moment(end));
        is_before
            && self
                .created_after
                .is_none_or(|begin| created > moment(begin))
    }
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

/// Makes permits of an account void, and gives the name of the revocation: a number, or [`REVOKED_ALL`].
pub fn revoke_all(
    storage: &mut dyn Storage,
    account: &Addr,
    interval: Interval,
) -> StdResult<String> {
    interval.check()?;
    let mut revocations = load(storage, account)?;
    let revocation_id = if interval.is_all() {
        if revocations.list.iter().any(|r| r.interval.is_all()) {
            return Ok(REVOKED_ALL.into());
        }
        REVOKED_ALL.into()
    } else {
        let of_times = revocations.list.iter().filter(|r| !r.interval.is_all());
        let most = REVOCATIONS_MAX - 1;
        if of_times.count() >= most {
            let why = format!("There are {most} revocations of a time at most: delete another");
            return Err(StdError::generic_err(why));
        }
        revocations.made += 1;
        revocations.made.to_string()
    };
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

    fn before(seconds: u64) -> Interval {
        Interval {
            created_before: Some(seconds.into()),
            created_after: None,
        }
    }

    #[test]
    fn revocations_have_names_that_never_come_again_and_are_few() {
        let mut storage = MockStorage::new();
        let alice = Addr::unchecked("alice");
        for n in 1..REVOCATIONS_MAX {
            let id = revoke_all(&mut storage, &alice, before(9)).unwrap();
            assert_eq!(id, n.to_string());
        }
        assert!(revoke_all(&mut storage, &alice, before(9)).is_err());
        // There is always room for the one that takes all, which is there once.
        for _ in 0..2 {
            let id = revoke_all(&mut storage, &alice, Interval::default()).unwrap();
            assert_eq!(id, REVOKED_ALL);
        }
        let known = revocations(&storage, &alice).unwrap().len();
        assert_eq!(known, REVOCATIONS_MAX);
        delete_revocation(&mut storage, &alice, REVOKED_ALL).unwrap();
        delete_revocation(&mut storage, &alice, "9").unwrap();
        assert!(delete_revocation(&mut storage, &alice, "9").is_err());
        assert!(delete_revocation(&mut storage, &Addr::unchecked("bob"), "1").is_err());
        let id = revoke_all(&mut storage, &alice, before(9)).unwrap();
        assert_eq!(id, "10");
        assert_eq!(revocations(&storage, &alice).unwrap().len(), 9);
    }

    #[test]
    fn a_revocation_that_would_void_nothing_of_any_time_is_refused() {
        let mut storage = MockStorage::new();
        let alice = Addr::unchecked("alice");
        let mut revoke = |after: Option<u64>, before: Option<u64>| {
            let interval = Interval {
                created_before: before.map(Uint64::new),
                created_after: after.map(Uint64::new),
            };
            revoke_all(&mut storage, &alice, interval).map_err(|refused| refused.to_string())
        };
        let (seconds, millis, micros) = (1_764_447_300, 1_764_447_300_000, 1_764_447_300_000_000);
        let nanos = 1_764_447_300_000_000_000;
        for wrong in [1_000_000_000_000, millis, micros, 99_999_999_999_999_999] {
            for refused in [revoke(None, Some(wrong)), revoke(Some(wrong), None)] {
                let refused = refused.unwrap_err();
                assert!(refused.contains("seconds or nanoseconds"), "{refused}");
            }
            assert!(revoke(Some(wrong), Some(nanos)).is_err());
        }
        for (after, before) in [
            (None, Some(0)),
            (Some(seconds), Some(seconds)),
            (Some(nanos), Some(seconds)),
            (Some(u64::MAX), Some(seconds)),
        ] {
            let refused = revoke(after, before).unwrap_err();
            assert!(refused.contains("No permit is of this time"), "{refused}");
        }
        for (n, before) in [1, seconds, nanos, u64::MAX].into_iter().enumerate() {
            assert_eq!(revoke(None, Some(before)).unwrap(), (n + 1).to_string());
        }
    }

    #[test]
    fn a_revocation_takes_the_permits_of_its_time_and_those_that_tell_none() {
        let created = |seconds: u64| Some(Moment::of_number(seconds));
        let interval = |after: Option<u64>, before: Option<u64>| Interval {
            created_before: before.map(Uint64::new),
            created_after: after.map(Uint64::new),
        };
        for (interval, taken) in [
            (interval(None, None), [true, true, true, true]),
            (interval(None, Some(200)), [true, false, false, true]),
            (interval(Some(200), None), [false, false, true, true]),
            (interval(Some(100), Some(300)), [false, true, false, true]),
            (interval(Some(300), Some(100)), [false, false, false, true]),
        ] {
            let permits = [created(100), created(200), created(300), None];
            assert_eq!(permits.map(|p| interval.takes(p)), taken, "{interval:?}");
        }
    }
}
