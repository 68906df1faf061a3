//! Events of poa.

use super::state::Validator;
use crate::ctx::event;
use crate::types::Event;

fn of(kind: &str, validator: &Validator) -> Event {
    let (id, power) = (hex::encode(validator.node_id), validator.power.to_string());
    event(kind, &[("node_id", &id), ("power", &power)])
}

/// It has this power now.
#[must_use]
pub fn set(validator: &Validator) -> Event {
    of("set_validator", validator)
}

/// It had this power.
#[must_use]
pub fn removed(validator: &Validator) -> Event {
    of("remove_validator", validator)
}

/// Its evidence expired: it has this power left.
#[must_use]
pub fn expired(validator: &Validator) -> Event {
    of("expire_validator", validator)
}
