//! The life of a node: joining, confirming, renewing, revoking, ending.
//!
//! Every change goes through [`put`], which keeps what is listed by platform, key and deadline in step with the node.

use super::evidence::{network_keys, now, verify};
use super::state::{
    CONSENSUS_KEYS, DEADLINES, ENDING, NODE_IDS, NODES, Node, NodeId, NodeState, ONE_TIME_KEYS,
    PENDING, PLATFORMS, SHARES, node_id,
};
use super::{error, event};
use crate::Ctx;
use crate::attest::{Claims, Registration, Statement};
use crate::crypto::{Secret, ShareTarget, ed25519};
use crate::ctx::Mode;
use crate::error::{Stop, broken};
use crate::gas::SIG_VERIFY_ED25519;
use crate::modules::poa;
use crate::ports::SecretsError;
use crate::types::error::sdk;
use crate::types::{Address, Gas, Hash, TxError, ValidatorUpdate, sha256};

/// Nodes that may be pending at a time: each holds a share in the state, and ends by itself.
pub const PENDING_MAX: u64 = 256;
/// Seconds that a node has to confirm: it needs a few blocks, its operator may need a look.
pub const PENDING_S: u64 = 3_600;
/// Nodes that the end of a block ends at most: it costs nobody gas. What is left waits for the next.
pub const ENDED_BLOCK_MAX: usize = 100;
/// Gas of sealing the seeds, and of making a proof of possession: 0.1 ms each at 10 gas for each microsecond.
pub const SECRETS_GAS: Gas = 1_000;
/// Bytes of a share of one epoch: what an estimate of gas stands on, since the host makes none.
pub const SHARE_BYTES: usize = 183;
/// The end of the year 9999: evidence beyond it has no end.
const TIME_MAX: u64 = 253_402_300_799;

/// Begins what the keys of a joining node sign.
const KEY_PROOF_DOMAIN: &[u8] = b"strongroom/registration/key-proof/v1";
/// Begins the challenge of a node's next renewal.
const CHALLENGE_DOMAIN: &[u8] = b"strongroom/registration/challenge/v1";

/// What a node's p2p key and its consensus key sign when it joins: nobody can register a key of another.
#[must_use]
pub fn key_proof_bytes(statement: &Statement) -> Vec<u8> {
    [KEY_PROOF_DOMAIN, &statement.report_data()].concat()
}

/// A request to join.
#[derive(Clone, Debug)]
pub struct Joining {
    /// Who will own it.
    pub operator: Address,
    /// Its evidence, encoded.
    pub evidence: Vec<u8>,
    /// Where its share shall be sealed to.
    pub one_time_key: [u8; 32],
    /// Key of the peer-to-peer network.
    pub node_key: [u8; 32],
    /// Key that it votes with.
    pub consensus_key: [u8; 32],
    /// Version of its enclave.
    pub enclave_version: u32,
    /// Of the node key over [`key_proof_bytes`].
    pub node_signature: [u8; 64],
    /// Of the consensus key.
    pub consensus_signature: [u8; 64],
}

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
fn owned(ctx: &mut Ctx, id: &NodeId, sender: &Address) -> Result<Node, Stop> {
    let node = found(ctx, id)?;
    owner(&node, sender)?;
    Ok(node)
}

fn owner(node: &Node, sender: &Address) -> Result<(), TxError> {
    if node.operator == *sender {
        return Ok(());
    }
    Err(sdk::UNAUTHORIZED.wrap(format!("{sender} is not the node's operator")))
}

fn state_error(why: &str) -> Stop {
    error::STATE.wrap(why).into()
}

/// register_node: verifies the evidence and makes the share.
///
/// # Errors
/// sdk 4 for another's node, register 101 to 106; out of gas; a fault.
pub(super) fn register(ctx: &mut Ctx, given: &Joining) -> Result<NodeId, Stop> {
    let id = node_id(&given.node_key);
    let before = node(ctx, &id)?;
    check_keys(ctx, &id, before.as_ref(), given)?;
    let claims = check_evidence(ctx, given)?;
    check_platform(ctx, &id, &claims)?;
    let target = ShareTarget {
        node_id: id,
        one_time_key: given.one_time_key,
    };
    let share = share(ctx, &target)?;
    // A registered node that has lost its seal gets a new share and stays what it is.
    let stays = before
        .as_ref()
        .is_some_and(|n| n.state == NodeState::Registered);
    let deadline = end_of(&claims);
    let after = Node {
        node_key: given.node_key,
        consensus_key: given.consensus_key,
        operator: given.operator.clone(),
        state: if stays {
            NodeState::Registered
        } else {
            NodeState::Pending
        },
        enclave_version: given.enclave_version,
        one_time_key: Some(given.one_time_key),
        claims: Some(claims),
        deadline: if stays {
            deadline
        } else {
            let confirm = now(ctx).saturating_add(PENDING_S);
            Some(deadline.map_or(confirm, |end| end.min(confirm)))
        },
        changed_height: ctx.block.height,
        challenge: challenge(ctx, &id),
    };
    put(ctx, &id, before.as_ref(), Some(&after))?;
    SHARES.set(ctx, &&id, &share)?;
    let used = [given.one_time_key.as_slice(), &id].concat();
    ONE_TIME_KEYS.at(&()).insert(ctx, &used)?;
    ctx.emit(event::registered(&id, &after));
    Ok(id)
}

/// What needs no evidence: owner, keys, state.
fn check_keys(
    ctx: &mut Ctx,
    id: &NodeId,
    before: Option<&Node>,
    given: &Joining,
) -> Result<(), Stop> {
    if let Some(node) = before {
        owner(node, &given.operator)?;
        if node.is_banned() {
            return Err(state_error("the authority revoked this node"));
        }
        if node.is_live() && node.consensus_key != given.consensus_key {
            return Err(state_error(
                "a live node keeps its consensus key: revoke it first",
            ));
        }
    }
    let refused = |why: &str| Stop::from(error::KEY.wrap(why));
    if given.node_key == given.consensus_key || given.node_key == given.one_time_key {
        return Err(refused("one key for two purposes"));
    }
    if !ed25519::is_sound(&given.node_key) || !ed25519::is_sound(&given.consensus_key) {
        return Err(refused("a key of small order: anybody signs for it"));
    }
    if node_of_one_time_key(ctx, &given.one_time_key)?.is_some() {
        return Err(refused("the one-time key was used before"));
    }
    if node_of_key(ctx, &given.consensus_key)?.is_some_and(|other| other != *id) {
        return Err(refused("another node votes with this consensus key"));
    }
    ctx.gas
        .consume(SIG_VERIFY_ED25519.saturating_mul(2), "Verifying keys")?;
    let bytes = key_proof_bytes(&statement(ctx, given)?);
    if !ed25519::verify(&bytes, &given.node_signature, &given.node_key) {
        return Err(refused("the node key has not signed"));
    }
    if !ed25519::verify(&bytes, &given.consensus_signature, &given.consensus_key) {
        return Err(refused("the consensus key has not signed"));
    }
    Ok(())
}

/// What the evidence of a joining node binds.
fn statement(ctx: &Ctx, given: &Joining) -> Result<Statement, Stop> {
    let operator = given.operator.as_bytes().try_into();
    let operator = operator
        .map_err(|_| sdk::INVALID_ADDRESS.wrap("an operator has an address of 20 bytes"))?;
    Ok(Statement::Registration(Registration {
        chain_id: ctx.block.chain_id.clone(),
        genesis_hash: ctx.block.genesis_hash,
        one_time_key: given.one_time_key,
        node_key: given.node_key,
        consensus_key: given.consensus_key,
        operator,
        enclave_version: given.enclave_version,
    }))
}

fn check_evidence(ctx: &mut Ctx, given: &Joining) -> Result<Claims, Stop> {
    let statement = statement(ctx, given)?;
    verify(ctx, &given.evidence, &statement)
}

/// One live node per platform.
fn check_platform(ctx: &mut Ctx, id: &NodeId, claims: &Claims) -> Result<(), Stop> {
    match PLATFORMS.get(ctx, &&claims.platform_id)? {
        Some(other) if other != *id => Err(error::PLATFORM
            .wrap(format!("node {}", hex::encode(other)))
            .into()),
        _ => Ok(()),
    }
}

/// The share of a joining node. The host makes none: its estimate counts one of one epoch.
fn share(ctx: &mut Ctx, target: &ShareTarget) -> Result<Vec<u8>, Stop> {
    ctx.gas.consume(SECRETS_GAS, "Sealing the seeds")?;
    match ctx.state.secrets().share_seeds(target) {
        Ok(share) => Ok(share),
        Err(SecretsError::NotHere) if ctx.mode == Mode::Simulate => Ok(vec![0; SHARE_BYTES]),
        Err(e @ SecretsError::Key) => Err(error::KEY.wrap(e).into()),
        Err(e) => Err(broken(e).into()),
    }
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

/// confirm_node: the node holds the seed; its share is no longer needed.
///
/// # Errors
/// register 7, 104 and 105, sdk 4; out of gas; a fault.
pub(super) fn confirm(
    ctx: &mut Ctx,
    sender: &Address,
    id: &NodeId,
    possession: [u8; 32],
) -> Result<(), Stop> {
    let before = owned(ctx, id, sender)?;
    let one_time_key = before.one_time_key.filter(|_| before.is_live());
    let one_time_key = one_time_key.ok_or_else(|| state_error("nothing to confirm"))?;
    if !SHARES.has(ctx, &id)? {
        return Err(state_error("nothing to confirm"));
    }
    let target = ShareTarget {
        node_id: *id,
        one_time_key,
    };
    ctx.gas.consume(SECRETS_GAS, "Proof of possession")?;
    match ctx.state.secrets().possession(&target) {
        Ok(right) if Secret::new(right) == Secret::new(possession) => {}
        Ok(_) => return Err(error::POSSESSION.bare().into()),
        Err(SecretsError::NotHere) if ctx.mode == Mode::Simulate => {}
        Err(e) => return Err(broken(e).into()),
    }
    let after = Node {
        state: NodeState::Registered,
        deadline: before.claims.as_ref().and_then(end_of),
        changed_height: ctx.block.height,
        ..before.clone()
    };
    put(ctx, id, Some(&before), Some(&after))?;
    SHARES.remove(ctx, &id)?;
    ctx.emit(event::confirmed(id, &after));
    Ok(())
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
    SHARES.remove(ctx, &id)?;
    ctx.emit(event::revoked(id, &after, sender));
    Ok(())
}

/// Ends what is over, up to [`ENDED_BLOCK_MAX`].
pub(super) fn end_block(ctx: &mut Ctx) -> Result<Vec<ValidatorUpdate>, Stop> {
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
