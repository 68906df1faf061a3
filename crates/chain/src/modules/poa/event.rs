//! Events of poa.

use super::state::Validator;
use crate::ctx::event;
use crate::types::Event;
use crate::types::consensus::{Misbehavior, MisbehaviorKind};

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

/// Evidence says that it broke the rules of consensus. `validator`: what it had, if it is one.
#[must_use]
pub fn misbehaved(deed: &Misbehavior, validator: Option<&Validator>) -> Event {
    let kind = match deed.kind {
        MisbehaviorKind::DuplicateVote => "duplicate_vote",
        MisbehaviorKind::LightClientAttack => "light_client_attack",
    };
    let id = validator.map_or(String::new(), |v| hex::encode(v.node_id));
    event(
        "misbehavior",
        &[
            ("kind", kind),
            ("address", &hex::encode_upper(deed.address)),
            ("node_id", &id),
            ("height", &deed.height.to_string()),
            ("power", &deed.power.to_string()),
        ],
    )
}
