//! Keys and stored records of feegrant.
//!
//! What expires stands in a queue of two levels: the seconds in which something expires, in order, and for each of them what
//! does. A grant writes small pages so, however many there are.

use super::allowance::Allowance;
use crate::collections::{Key, Map, OrderedIndex};
use crate::error::{Stop, broken};
use crate::types::{Address, Timestamp};

/// Allowances by granter and grantee.
pub const GRANTS: Map<(&Address, &Address), Allowance> = Map::new("feegrant/grant/");
/// The grantees of a granter, as the bytes of their addresses.
pub const BY_GRANTER: OrderedIndex<&Address> = OrderedIndex::new("feegrant/by_granter/");
/// The granters of a grantee.
pub const BY_GRANTEE: OrderedIndex<&Address> = OrderedIndex::new("feegrant/by_grantee/");
/// The seconds in which something expires, each as eight bytes, big-endian.
pub const EXPIRIES: OrderedIndex<()> = OrderedIndex::new("feegrant/expiries/");
/// Grants that expire in a second: [`pair`]s.
pub const EXPIRING: OrderedIndex<u64> = OrderedIndex::new("feegrant/expiring/");

/// The names of all collections.
pub const NAMES: &[&str] = &[
    GRANTS.name(),
    BY_GRANTER.name(),
    BY_GRANTEE.name(),
    EXPIRIES.name(),
    EXPIRING.name(),
];

/// The first full second in which what expires at `time` is expired.
#[must_use]
pub fn second(time: Timestamp) -> u64 {
    let seconds = time.seconds.saturating_add(i64::from(time.nanos > 0));
    u64::try_from(seconds).unwrap_or(0)
}

/// Granter and grantee as one key.
#[must_use]
pub fn pair(granter: &Address, grantee: &Address) -> Vec<u8> {
    let mut key = Vec::new();
    (granter, grantee).write(&mut key);
    key
}

/// Granter and grantee of a key.
///
/// # Errors
/// A fault if it is none of [`pair`].
pub fn of_pair(key: &[u8]) -> Result<(Address, Address), Stop> {
    let read = |bytes: &[u8]| -> Option<(Address, Address)> {
        let (len, rest) = bytes.split_first()?;
        let (granter, rest) = rest.split_at_checked(usize::from(*len))?;
        let (_, grantee) = rest.split_first()?;
        let granter = Address::from_bytes(granter).ok()?;
        Some((granter, Address::from_bytes(grantee).ok()?))
    };
    read(key).ok_or_else(|| broken("a pair that is no two addresses").into())
}

/// An address as an index holds it.
///
/// # Errors
/// A fault if it is none.
pub fn address_of(bytes: &[u8]) -> Result<Address, Stop> {
    Address::from_bytes(bytes).map_err(|e| broken(e).into())
}
