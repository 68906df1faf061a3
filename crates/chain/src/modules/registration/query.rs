//! Queries of the registration module: ours, and those that clients of the protocol know.

use super::genesis::Key;
use super::state::{
    COLLATERAL, COLLATERAL_IDS, NETWORK_KEYS, NODE_IDS, NetworkKeys, Node, NodeId, NodeState,
    RETURNING, SHARES,
};
use super::{error, evidence, keeper, returning};
use crate::Ctx;
use crate::attest::Claims;
use crate::error::broken;
use crate::query::{Page, QueryError, QueryStop};
use crate::types::Timestamp;
use crate::types::error::sdk;
use crate::types::proto::google::protobuf::Empty;
use crate::types::proto::secret::registration::v1beta1 as legacy;
use crate::types::proto::strongroom::registration::v1 as pb;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// Length of a node's public key in bytes.
const NODE_KEY_BYTES: usize = 32;

/// All nodes, in order of id.
pub(super) fn nodes(
    ctx: &mut Ctx,
    request: pb::QueryNodesRequest,
) -> Result<pb::QueryNodesResponse, QueryStop> {
    let page = Page::new(request.pagination)?;
    let (ids, page) = page.of_index(ctx, &NODE_IDS.at(&()))?;
    let mut nodes = Vec::new();
    for id in ids {
        let id = id.try_into().map_err(|_| broken("a node without id"))?;
        let node = keeper::found(ctx, &id)?;
        nodes.push(shown(ctx, &id, &node)?);
    }
    Ok(pb::QueryNodesResponse {
        nodes,
        pagination: Some(page),
    })
}

/// One node; gRPC 5 if there is none.
pub(super) fn node(
    ctx: &mut Ctx,
    request: pb::QueryNodeRequest,
) -> Result<pb::QueryNodeResponse, QueryStop> {
    let id = keeper::parse_node_id(&request.node_id)?;
    let node = keeper::node(ctx, &id)?;
    let node = node.ok_or_else(|| QueryError::not_found("no such node"))?;
    Ok(pb::QueryNodeResponse {
        node: Some(shown(ctx, &id, &node)?),
    })
}

/// The share of a node that has not confirmed; gRPC 5 if there is none.
pub(super) fn share(
    ctx: &mut Ctx,
    request: pb::QueryShareRequest,
) -> Result<pb::QueryShareResponse, QueryStop> {
    let share = SHARES.get(ctx, &&keeper::parse_node_id(&request.node_id)?)?;
    let share = share.ok_or_else(|| QueryError::not_found("no share waits for this node"))?;
    Ok(pb::QueryShareResponse { share })
}

/// The policy, in the JSON of genesis.
pub(super) fn policy(
    ctx: &mut Ctx,
    _: pb::QueryPolicyRequest,
) -> Result<pb::QueryPolicyResponse, QueryStop> {
    let policy = evidence::policy(ctx)?;
    Ok(pb::QueryPolicyResponse {
        policy: serde_json::to_string(&policy).map_err(broken)?,
    })
}

/// All collateral, in order of id.
pub(super) fn collaterals(
    ctx: &mut Ctx,
    request: pb::QueryCollateralsRequest,
) -> Result<pb::QueryCollateralsResponse, QueryStop> {
    let page = Page::new(request.pagination)?;
    let (ids, page) = page.of_index(ctx, &COLLATERAL_IDS.at(&()))?;
    let mut collaterals = Vec::new();
    for id in ids {
        let id = String::from_utf8(id).map_err(|_| broken("a collateral id"))?;
        let record = COLLATERAL.get(ctx, &id.as_str())?;
        let record = record.ok_or_else(|| broken("listed collateral is missing"))?;
        collaterals.push(pb::Collateral {
            collateral_id: id,
            collateral: record.item,
            height: record.height,
        });
    }
    Ok(pb::QueryCollateralsResponse {
        collaterals,
        pagination: Some(page),
    })
}

fn shown(ctx: &mut Ctx, id: &NodeId, node: &Node) -> Result<pb::Node, QueryStop> {
    let new = RETURNING.get(ctx, &id)?;
    let (state, revoked_by) = match &node.state {
        NodeState::Pending => (pb::NodeState::Pending, String::new()),
        NodeState::Registered => (pb::NodeState::Registered, String::new()),
        NodeState::Revoked { by } => (pb::NodeState::Revoked, by.to_string()),
        NodeState::Expired => (pb::NodeState::Expired, String::new()),
    };
    let of_evidence = || node.claims.as_ref().and_then(keeper::end_of);
    let expires = match node.state {
        NodeState::Pending => node.deadline,
        _ => of_evidence(),
    };
    let time = |seconds: u64| {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        Timestamp { seconds, nanos: 0 }.to_proto()
    };
    Ok(pb::Node {
        node_id: hex::encode(id),
        node_key: node.node_key.to_vec(),
        consensus_key: node.consensus_key.to_vec(),
        operator: node.operator.to_string(),
        state: state.into(),
        enclave_version: node.enclave_version,
        one_time_key: node.one_time_key.map(Vec::from).unwrap_or_default(),
        platform: node.claims.as_ref().map(platform),
        expires: expires.map(time),
        changed_height: node.changed_height,
        challenge: node.challenge.to_vec(),
        revoked_by,
        returns_to: new.as_ref().map(|new| platform(&new.claims)),
        returns_until: new.as_ref().map(|new| time(returning::until(new))),
    })
}

fn platform(claims: &Claims) -> pb::Platform {
    pb::Platform {
        kind: claims.kind.as_str().to_owned(),
        platform_id: claims.platform_id.to_vec(),
        measurement: claims.measurement.as_bytes().to_vec(),
        tcb_status: claims.tcb_status().to_owned(),
        advisories: claims.advisories().to_vec(),
    }
}

pub(super) fn tx_key(ctx: &mut Ctx, _: Empty) -> Result<legacy::Key, QueryStop> {
    Ok(legacy::Key {
        key: keys(ctx)?.io.to_vec(),
    })
}

pub(super) fn registration_key(ctx: &mut Ctx, _: Empty) -> Result<legacy::Key, QueryStop> {
    Ok(legacy::Key {
        key: key_form(&keys(ctx)?)?,
    })
}

/// The share of the node with this one-time key, as long as it waits.
pub(super) fn encrypted_seed(
    ctx: &mut Ctx,
    request: legacy::QueryEncryptedSeedRequest,
) -> Result<legacy::QueryEncryptedSeedResponse, QueryStop> {
    let key: Option<[u8; NODE_KEY_BYTES]> = request.pub_key.try_into().ok();
    let key = key.ok_or_else(|| error::INVALID.wrap("public key"))?;
    if let Some(id) = keeper::node_of_one_time_key(ctx, &key)?
        && keeper::node(ctx, &id)?.is_some_and(|node| node.one_time_key == Some(key))
        && let Some(encrypted_seed) = SHARES.get(ctx, &&id)?
    {
        return Ok(legacy::QueryEncryptedSeedResponse { encrypted_seed });
    }
    Err(sdk::UNKNOWN_ADDRESS
        .wrap("Node has not been authenticated yet")
        .into())
}

fn keys(ctx: &mut Ctx) -> Result<NetworkKeys, QueryStop> {
    let unset = || sdk::UNKNOWN_ADDRESS.wrap("Chain has not been initialized yet");
    Ok(NETWORK_KEYS.get(ctx)?.ok_or_else(unset)?)
}

/// The JSON that stands in `RegistrationKey.key` (wire.md 2.5).
fn key_form(keys: &NetworkKeys) -> Result<Vec<u8>, QueryStop> {
    #[derive(Serialize)]
    struct Form {
        reg_info: Option<()>,
        node_exch_key: Key,
        io_exch_key: Key,
    }
    let key = |bytes: &[u8; 32]| Key {
        bytes: STANDARD.encode(bytes),
    };
    let form = Form {
        reg_info: None,
        node_exch_key: key(&keys.node_exchange),
        io_exch_key: key(&keys.io),
    };
    serde_json::to_vec(&form).map_err(|e| broken(e).into())
}
