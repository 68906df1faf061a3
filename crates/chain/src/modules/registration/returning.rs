//! A registered node that registers again: it has lost its seal, or moves to another platform.
//!
//! Promises: until it has shown that it holds the seed, it is what it was, with its platform, its evidence and its time; the platform that
//! it returns to is taken as well, by one such node at most. So nobody frees a platform, or prolongs evidence, with evidence of a machine
//! that does not hold the seed.

use super::state::{Node, NodeId, NodeState, PLATFORMS, RETURNING, Return};
use crate::Ctx;
use crate::error::Stop;

/// A registered node, as it goes on until it confirms.
///
/// # Errors
/// Out of gas or a fault.
pub(super) fn begin(ctx: &mut Ctx, id: &NodeId, node: &Node, new: &Return) -> Result<(), Stop> {
    forget(ctx, id, Some(node))?;
    insert(ctx, id, node, new)
}

/// Writes what a node returns with.
///
/// # Errors
/// Out of gas or a fault.
pub(super) fn insert(ctx: &mut Ctx, id: &NodeId, node: &Node, new: &Return) -> Result<(), Stop> {
    let platform = new.claims.platform_id;
    if node.platform() != Some(platform) {
        PLATFORMS.set(ctx, &&platform, id)?;
    }
    RETURNING.set(ctx, &id, new)
}

/// It returns no longer: it has arrived, asks anew, or ends. `node` is what it is now; a platform that it is not on is free.
///
/// # Errors
/// Out of gas or a fault.
pub(super) fn forget(ctx: &mut Ctx, id: &NodeId, node: Option<&Node>) -> Result<(), Stop> {
    let Some(old) = RETURNING.get(ctx, &id)? else {
        return Ok(());
    };
    let platform = old.claims.platform_id;
    if node.and_then(Node::platform) != Some(platform) {
        PLATFORMS.remove(ctx, &&platform)?;
    }
    RETURNING.remove(ctx, &id)
}

/// Whether a node in this state may be on its way back: a registered one, and one that the authority revoked meanwhile.
pub(super) fn may(node: &Node) -> bool {
    node.state == NodeState::Registered || node.is_banned()
}
