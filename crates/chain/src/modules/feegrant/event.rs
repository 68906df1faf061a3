//! Events of feegrant (wire.md 1.13.1).

use crate::ctx::event;
use crate::types::{Address, Event};

fn of_grant(kind: &str, granter: &Address, grantee: &Address) -> Event {
    let (granter, grantee) = (granter.to_string(), grantee.to_string());
    event(kind, &[("granter", &granter), ("grantee", &grantee)])
}

/// An allowance was given.
#[must_use]
pub fn set(granter: &Address, grantee: &Address) -> Event {
    of_grant("set_feegrant", granter, grantee)
}

/// A fee was paid out of it.
#[must_use]
pub fn used(granter: &Address, grantee: &Address) -> Event {
    of_grant("use_feegrant", granter, grantee)
}

/// It is there still, with what is left.
#[must_use]
pub fn updated(granter: &Address, grantee: &Address) -> Event {
    of_grant("update_feegrant", granter, grantee)
}

/// It is gone: taken back, or used up.
#[must_use]
pub fn revoked(granter: &Address, grantee: &Address) -> Event {
    of_grant("revoke_feegrant", granter, grantee)
}

/// Someone asked for expired ones to be removed.
#[must_use]
pub fn pruned(pruner: &Address) -> Event {
    event("prune_feegrant", &[("pruner", &pruner.to_string())])
}
