//! A registered node that registers again: it has lost its seal, or moves to another platform.
//!
//! Promises: until it has shown that it holds the seed, it is what it was, with its platform, its evidence and its time; the platform that
//! it returns to is taken as well, by one such node at most, until its time to confirm is over. So nobody frees a platform, or prolongs
//! evidence, with evidence of a machine that does not hold the seed; and nobody keeps a machine from others that he had for a while.

use super::evidence::now;
use super::keeper::{self, end_of};
use super::state::{Node, NodeId, NodeState, PLATFORMS, RETURNING, Return, SHARES};
use crate::Ctx;
use crate::error::Stop;
use crate::types::Hash;

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

/// The first second in which it cannot confirm.
pub(super) fn until(new: &Return) -> u64 {
    end_of(&new.claims).map_or(new.deadline, |end| end.min(new.deadline))
}

/// Forgets that a node returns to this platform if it has not confirmed in time, and says whether the platform is free by that. Nothing else
/// ends a return by time: it is in nobody's way before.
///
/// # Errors
/// Out of gas or a fault.
pub(super) fn lapse(ctx: &mut Ctx, id: &NodeId, platform: &Hash) -> Result<bool, Stop> {
    // Whoever was banned on its way may hold the seed there: that platform stays taken.
    let node = keeper::node(ctx, id)?.filter(Node::is_live);
    let Some(node) = node.filter(|node| node.platform() != Some(*platform)) else {
        return Ok(false);
    };
    let now = now(ctx);
    let over = |new: &Return| new.claims.platform_id == *platform && until(new) <= now;
    if !RETURNING.get(ctx, &id)?.is_some_and(|new| over(&new)) {
        return Ok(false);
    }
    forget(ctx, id, Some(&node))?;
    SHARES.remove(ctx, &id)?;
    Ok(true)
}

/// Whether a node in this state may be on its way back: a registered one, and one that the authority revoked meanwhile.
pub(super) fn may(node: &Node) -> bool {
    node.state == NodeState::Registered || node.is_banned()
}
