//! How a node joins: its evidence, its keys, its share; and the proof that it has opened it.

use super::evidence::{now, verify};
use super::keeper::{
    challenge, check_platform, end_of, node, node_of_key, node_of_one_time_key, owned, owner, put,
    state_error,
};
use super::state::{Node, NodeId, NodeState, ONE_TIME_KEYS, RETURNING, Return, SHARES, node_id};
use super::{error, event, returning};
use crate::Ctx;
use crate::attest::{Claims, Registration, Statement};
use crate::crypto::{Secret, ShareTarget, ed25519};
use crate::ctx::Mode;
use crate::error::{Stop, broken};
use crate::gas::SIG_VERIFY_ED25519;
use crate::ports::SecretsError;
use crate::types::error::sdk;
use crate::types::{Address, Gas};

/// Seconds that a node has to confirm: it needs a few blocks, its operator may need a look.
pub(super) const PENDING_S: u64 = 3_600;
/// Gas of sealing the seeds, and of making a proof of possession: 0.1 ms each at 10 gas for each microsecond.
pub(super) const SECRETS_GAS: Gas = 1_000;
/// Bytes of a share of one epoch: what an estimate of gas stands on, since the host makes none.
pub(super) const SHARE_BYTES: usize = 183;
/// Begins what the keys of a joining node sign.
const KEY_PROOF_DOMAIN: &[u8] = b"strongroom/registration/key-proof/v1";

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
    let kind = claims.kind;
    let after = match before.as_ref().filter(|n| n.state == NodeState::Registered) {
        // Evidence of a machine says nothing of the seed: it stays what it is until it confirms.
        Some(node) => {
            let enclave_version = given.enclave_version;
            let new = Return {
                claims,
                enclave_version,
                deadline: now(ctx).saturating_add(PENDING_S),
            };
            returning::begin(ctx, &id, node, &new)?;
            Node {
                one_time_key: Some(given.one_time_key),
                changed_height: ctx.block.height,
                challenge: challenge(ctx, &id),
                ..node.clone()
            }
        }
        None => pending(ctx, &id, given, claims),
    };
    put(ctx, &id, before.as_ref(), Some(&after))?;
    SHARES.set(ctx, &&id, &share)?;
    let used = [given.one_time_key.as_slice(), &id].concat();
    ONE_TIME_KEYS.at(&()).insert(ctx, &used)?;
    ctx.emit(event::registered(&id, &after, kind));
    Ok(id)
}

/// A node that has an hour to confirm, or less if its evidence ends before.
fn pending(ctx: &Ctx, id: &NodeId, given: &Joining, claims: Claims) -> Node {
    let hour = Some(now(ctx).saturating_add(PENDING_S));
    Node {
        node_key: given.node_key,
        consensus_key: given.consensus_key,
        operator: given.operator.clone(),
        state: NodeState::Pending,
        enclave_version: given.enclave_version,
        one_time_key: Some(given.one_time_key),
        deadline: [hour, end_of(&claims)].into_iter().flatten().min(),
        claims: Some(claims),
        changed_height: ctx.block.height,
        challenge: challenge(ctx, id),
    }
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
    let new = RETURNING.get(ctx, &id)?;
    let late = new.as_ref().is_some_and(|new| new.deadline <= now(ctx));
    let (claims, enclave_version) = match new {
        Some(new) => (Some(new.claims), new.enclave_version),
        None => (before.claims.clone(), before.enclave_version),
    };
    let deadline = claims.as_ref().and_then(end_of);
    if deadline.is_some_and(|end| end <= now(ctx)) {
        return Err(state_error("its evidence is over: register again"));
    }
    if late {
        let why = "its hour to confirm is over: register again";
        return Err(state_error(why));
    }
    let after = Node {
        state: NodeState::Registered,
        enclave_version,
        claims,
        deadline,
        changed_height: ctx.block.height,
        ..before.clone()
    };
    put(ctx, id, Some(&before), Some(&after))?;
    returning::forget(ctx, id, Some(&after))?;
    SHARES.remove(ctx, &id)?;
    ctx.emit(event::confirmed(id, &after));
    Ok(())
}
