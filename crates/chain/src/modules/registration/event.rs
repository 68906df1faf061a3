//! Events of registration.

use super::state::{Node, NodeId};
use crate::attest::Kind;
use crate::ctx::event;
use crate::types::{Address, Event};

fn of_node(kind: &str, id: &NodeId, node: &Node) -> Event {
    let (id, operator) = (hex::encode(id), node.operator.to_string());
    event(kind, &[("node_id", &id), ("operator", &operator)])
}

/// A node joins, or asks for a share again, with evidence of this kind of platform.
#[must_use]
pub fn registered(id: &NodeId, node: &Node, kind: Kind) -> Event {
    let key = hex::encode(node.one_time_key.unwrap_or_default());
    event(
        "register_node",
        &[
            ("node_id", &hex::encode(id)),
            ("operator", &node.operator.to_string()),
            ("platform", kind.as_str()),
            ("one_time_key", &key),
        ],
    )
}

/// It holds the seed.
#[must_use]
pub fn confirmed(id: &NodeId, node: &Node) -> Event {
    of_node("confirm_node", id, node)
}

/// Its evidence was renewed.
#[must_use]
pub fn renewed(id: &NodeId, node: &Node) -> Event {
    of_node("renew_node", id, node)
}

/// Its registration was taken away.
#[must_use]
pub fn revoked(id: &NodeId, node: &Node, by: &Address) -> Event {
    let (id, operator, by) = (hex::encode(id), node.operator.to_string(), by.to_string());
    let attributes = [
        ("node_id", id.as_str()),
        ("operator", &operator),
        ("by", &by),
    ];
    event("revoke_node", &attributes)
}

/// The policy takes what it had proven no longer: its evidence ends at this second, unless it renews before.
#[must_use]
pub fn recalled(id: &NodeId, node: &Node, end: u64) -> Event {
    let (id, operator, end) = (hex::encode(id), node.operator.to_string(), end.to_string());
    let attributes = [
        ("node_id", id.as_str()),
        ("operator", &operator),
        ("expires", &end),
    ];
    event("recall_node", &attributes)
}

/// Its evidence expired.
#[must_use]
pub fn expired(id: &NodeId, node: &Node) -> Event {
    of_node("expire_node", id, node)
}

/// It did not confirm in time.
#[must_use]
pub fn dropped(id: &NodeId, node: &Node) -> Event {
    of_node("drop_node", id, node)
}

/// Collateral came.
#[must_use]
pub fn collateral(id: &str, submitter: &str) -> Event {
    let attributes = [("collateral_id", id), ("submitter", submitter)];
    event("submit_collateral", &attributes)
}

/// The policy changed.
#[must_use]
pub fn policy(authority: &str) -> Event {
    event("update_policy", &[("authority", authority)])
}
