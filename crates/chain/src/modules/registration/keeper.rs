//! The life of a node after it has joined (`join`): renewing, revoking, ending; and what the rest of the module stands on.
//!
//! Every change goes through [`put`], which keeps what is listed by platform, key and deadline in step with the node.

use super::evidence::{network_keys, now, verify};
pub use super::join::{Joining, key_proof_bytes};
use super::state::{
    CONSENSUS_KEYS, DEADLINES, ENDING, NODE_IDS, NODES, Node, NodeId, NodeState, ONE_TIME_KEYS,
    PENDING, PLATFORMS, SECURITY, SHARES,
};
use super::{error, event, returning, review};
use crate::Ctx;
use crate::attest::{Claims, Security, Statement};
use crate::error::{Stop, broken};
use crate::modules::poa;
use crate::types::error::sdk;
use crate::types::{Address, Hash, TxError, ValidatorUpdate, sha256};

/// Nodes that may be pending at a time: each holds a share in the state, and ends by itself.
pub const PENDING_MAX: u64 = 256;
/// Nodes that the end of a block ends at most: it costs nobody gas. What is left waits for the next.
pub const ENDED_BLOCK_MAX: usize = 100;
/// The end of the year 9999: evidence beyond it has no end.
const TIME_MAX: u64 = 253_402_300_799;

/// Begins the challenge of a node's next renewal.
const CHALLENGE_DOMAIN: &[u8] = b"strongroom/registration/challenge/v1";

/// A node id: 40 lower-case hexadecimal digits.
///
/// # Errors
/// sdk 18.
pub fn parse_node_id(text: &str) -> Result<NodeId, TxError> {
    let bytes = hex::decode(text).ok().and_then(|b| b.try_into().ok());
    bytes
        .filter(|id: &NodeId| hex::encode(id) == text)
        .ok_or_else(|| sdk::INVALID_REQUEST.wrap("a node id has 40 lower-case hexadecimal digits"))
}

/// What the network demands of its nodes' machines; genesis says it, and nothing changes it.
///
/// # Errors
/// Out of gas or a fault.
pub fn security(ctx: &mut Ctx) -> Result<Option<Security>, Stop> {
    SECURITY.get(ctx)
}

/// The node with this id, if there is one.
///
/// # Errors
/// Out of gas or a fault.
pub fn node(ctx: &mut Ctx, id: &NodeId) -> Result<Option<Node>, Stop> {
    NODES.get(ctx, &id)
}

/// The consensus key of a registered node.
///
/// # Errors
/// Out of gas or a fault.
pub fn registered_key(ctx: &mut Ctx, id: &NodeId) -> Result<Option<[u8; 32]>, Stop> {
    let node = node(ctx, id)?.filter(|node| node.state == NodeState::Registered);
    Ok(node.map(|node| node.consensus_key))
}

/// The id of the live node that votes with this key.
///
/// # Errors
/// Out of gas or a fault.
pub fn node_of_key(ctx: &mut Ctx, consensus_key: &[u8; 32]) -> Result<Option<NodeId>, Stop> {
    CONSENSUS_KEYS.get(ctx, &consensus_key)
}

pub(super) fn found(ctx: &mut Ctx, id: &NodeId) -> Result<Node, Stop> {
    let unknown = || error::NOT_FOUND.wrap(format!("node {}", hex::encode(id)));
    node(ctx, id)?.ok_or_else(|| unknown().into())
}

/// The node, for its owner.
pub(super) fn owned(ctx: &mut Ctx, id: &NodeId, sender: &Address) -> Result<Node, Stop> {
    let node = found(ctx, id)?;
    owner(&node, sender)?;
    Ok(node)
}

pub(super) fn owner(node: &Node, sender: &Address) -> Result<(), TxError> {
    if node.operator == *sender {
        return Ok(());
    }
    Err(sdk::UNAUTHORIZED.wrap(format!("{sender} is not the node's operator")))
}

pub(super) fn state_error(why: &str) -> Stop {
    error::STATE.wrap(why).into()
}

/// One live node per platform. Whoever wanted to be there and did not confirm in time gives way.
pub(super) fn check_platform(ctx: &mut Ctx, id: &NodeId, claims: &Claims) -> Result<(), Stop> {
    let platform = claims.platform_id;
    let other = PLATFORMS.get(ctx, &&platform)?;
    let Some(other) = other.filter(|other| other != id) else {
        return Ok(());
    };
    if returning::lapse(ctx, &other, &platform)? {
        return Ok(());
    }
    let other = format!("node {}", hex::encode(other));
    Err(error::PLATFORM.wrap(other).into())
}

/// The first second in which evidence is no longer good.
pub(super) fn end_of(claims: &Claims) -> Option<u64> {
    Some(claims.valid_until.saturating_add(1)).filter(|end| *end <= TIME_MAX)
}

/// What the evidence of the next renewal binds: nobody knew it before this block.
pub(super) fn challenge(ctx: &Ctx, id: &NodeId) -> Hash {
    sha256(&[CHALLENGE_DOMAIN, &ctx.block.header_hash, id].concat())
}

/// Which node used this one-time key.
///
/// # Errors
/// Out of gas or a fault.
pub fn node_of_one_time_key(ctx: &mut Ctx, key: &[u8; 32]) -> Result<Option<NodeId>, Stop> {
    let next = ONE_TIME_KEYS.at(&()).range(ctx, Some(key), 1, false)?.pop();
    let id = next.as_deref().and_then(|entry| entry.strip_prefix(key));
    id.map(|id| {
        id.try_into()
            .map_err(|_| broken("a one-time key of no node").into())
    })
    .transpose()
}

/// renew_node: fresh evidence of a node that runs, and so holds the keys of the network.
///
/// # Errors
/// register 7, 101, 103 and 104, sdk 4; out of gas; a fault.
pub(super) fn renew(
    ctx: &mut Ctx,
    sender: &Address,
    id: &NodeId,
    evidence: &[u8],
) -> Result<(), Stop> {
    let before = owned(ctx, id, sender)?;
    if before.state != NodeState::Registered {
        return Err(state_error("only a registered node renews: register it"));
    }
    let keys = network_keys(ctx)?;
    let statement = Statement::NetworkKeys {
        genesis_hash: ctx.block.genesis_hash,
        io_key: keys.io,
        exchange_key: keys.node_exchange,
        nonce: before.challenge,
    };
    let claims = verify(ctx, evidence, &statement)?;
    let platform = before.claims.as_ref().map(|claims| claims.platform_id);
    if platform.is_some_and(|platform| platform != claims.platform_id) {
        let why = "the node has moved to another platform: register it there";
        return Err(state_error(why));
    }
    check_platform(ctx, id, &claims)?;
    let after = Node {
        deadline: end_of(&claims),
        claims: Some(claims),
        changed_height: ctx.block.height,
        challenge: challenge(ctx, id),
        ..before.clone()
    };
    put(ctx, id, Some(&before), Some(&after))?;
    ctx.emit(event::renewed(id, &after));
    Ok(())
}

/// revoke_node: by its owner, or for good by the authority. A validator loses its power with it.
///
/// # Errors
/// register 7 and 104, sdk 4, poa 3 for the last validator; out of gas; a fault.
pub(super) fn revoke(ctx: &mut Ctx, sender: &Address, id: &NodeId) -> Result<(), Stop> {
    let before = found(ctx, id)?;
    let by_owner = before.operator == *sender;
    if !by_owner && poa::keeper::authority(ctx)? != *sender {
        let why = format!("{sender} is neither the node's operator nor the authority");
        return Err(sdk::UNAUTHORIZED.wrap(why).into());
    }
    if before.is_banned() || (by_owner && !before.is_live()) {
        return Err(state_error("it is not live"));
    }
    if before.state == NodeState::Registered {
        poa::keeper::remove_key(ctx, &before.consensus_key)?;
    }
    let mut after = Node {
        state: NodeState::Revoked { by: sender.clone() },
        deadline: None,
        changed_height: ctx.block.height,
        ..before.clone()
    };
    // Since it ended another node may be on its platform: that one stays.
    if let Some(platform) = after.platform()
        && PLATFORMS
            .get(ctx, &&platform)?
            .is_some_and(|other| other != *id)
    {
        after.claims = None;
    }
    put(ctx, id, Some(&before), Some(&after))?;
    // Whoever is banned may hold the seed on the platform that it returned to: that one stays taken as well.
    if !after.is_banned() {
        returning::forget(ctx, id, Some(&after))?;
    }
    SHARES.remove(ctx, &id)?;
    ctx.emit(event::revoked(id, &after, sender));
    Ok(())
}

/// Ends what is over, up to [`ENDED_BLOCK_MAX`].
pub(super) fn end_block(ctx: &mut Ctx) -> Result<Vec<ValidatorUpdate>, Stop> {
    review::go_on(ctx)?;
    let now = now(ctx);
    let mut left = ENDED_BLOCK_MAX;
    while left > 0 {
        let Some(first) = DEADLINES.at(&()).range(ctx, None, 1, false)?.pop() else {
            break;
        };
        let first = first.try_into();
        let second = u64::from_be_bytes(first.map_err(|_| broken("a deadline of other length"))?);
        if second > now {
            break;
        }
        let due = ENDING.at(&second).range(ctx, None, left, false)?;
        if due.is_empty() {
            return Err(broken("a deadline of nothing").into());
        }
        for id in due {
            let id = id.try_into();
            end(ctx, &id.map_err(|_| broken("a deadline of no node"))?)?;
            left = left.saturating_sub(1);
        }
    }
    Ok(Vec::new())
}

fn end(ctx: &mut Ctx, id: &NodeId) -> Result<(), Stop> {
    let before = node(ctx, id)?.ok_or_else(|| broken("a deadline of no node"))?;
    if before.state == NodeState::Pending {
        put(ctx, id, Some(&before), None)?;
        SHARES.remove(ctx, &id)?;
        ctx.emit(event::dropped(id, &before));
        return Ok(());
    }
    let again = poa::keeper::expire(ctx, &before.consensus_key)?;
    let after = match again {
        // The network cannot lose it now. It keeps the registration as long as it has power.
        Some(second) => Node {
            deadline: Some(second),
            ..before.clone()
        },
        None => Node {
            state: NodeState::Expired,
            deadline: None,
            changed_height: ctx.block.height,
            ..before.clone()
        },
    };
    put(ctx, id, Some(&before), Some(&after))?;
    if again.is_none() {
        returning::forget(ctx, id, Some(&after))?;
        SHARES.remove(ctx, &id)?;
        ctx.emit(event::expired(id, &after));
    }
    Ok(())
}

/// Replaces a node, and what is listed of it.
///
/// # Errors
/// register 106; out of gas; a fault.
pub(super) fn put(
    ctx: &mut Ctx,
    id: &NodeId,
    before: Option<&Node>,
    after: Option<&Node>,
) -> Result<(), Stop> {
    let pending = |node: Option<&Node>| node.is_some_and(|n| n.state == NodeState::Pending);
    count_pending(ctx, pending(before), pending(after))?;
    let platform = |node: Option<&Node>| node.and_then(Node::platform);
    if platform(before) != platform(after) {
        if let Some(old) = platform(before) {
            PLATFORMS.remove(ctx, &&old)?;
        }
        if let Some(new) = platform(after) {
            PLATFORMS.set(ctx, &&new, id)?;
        }
    }
    let key = |node: Option<&Node>| node.filter(|n| n.is_live()).map(|n| n.consensus_key);
    if key(before) != key(after) {
        if let Some(old) = key(before) {
            CONSENSUS_KEYS.remove(ctx, &&old)?;
        }
        if let Some(new) = key(after) {
            CONSENSUS_KEYS.set(ctx, &&new, id)?;
        }
    }
    let deadline = |node: Option<&Node>| node.and_then(|n| n.deadline);
    if deadline(before) != deadline(after) {
        if let Some(old) = deadline(before) {
            let ending = ENDING.at(&old);
            ending.remove(ctx, id)?;
            if ending.is_empty(ctx)? {
                DEADLINES.at(&()).remove(ctx, &old.to_be_bytes())?;
            }
        }
        if let Some(new) = deadline(after) {
            DEADLINES.at(&()).insert(ctx, &new.to_be_bytes())?;
            ENDING.at(&new).insert(ctx, id)?;
        }
    }
    match after {
        Some(node) => {
            NODES.set(ctx, &id, node)?;
            if before.is_none() {
                NODE_IDS.at(&()).insert(ctx, id)?;
            }
        }
        None => {
            NODES.remove(ctx, &id)?;
            NODE_IDS.at(&()).remove(ctx, id)?;
        }
    }
    Ok(())
}

fn count_pending(ctx: &mut Ctx, before: bool, after: bool) -> Result<(), Stop> {
    if before == after {
        return Ok(());
    }
    let count = PENDING.get(ctx)?.unwrap_or(0);
    if after && count >= PENDING_MAX {
        let why = format!("{PENDING_MAX} are, try again later");
        return Err(error::FULL.wrap(why).into());
    }
    let count = if after {
        count.checked_add(1)
    } else {
        count.checked_sub(1)
    };
    PENDING.set(
        ctx,
        &count.ok_or_else(|| broken("pending nodes miscounted"))?,
    )
}
