//! The first block: the network's keys, the mode of security, the policy, collateral, and the nodes that began the network.

use super::state::{
    COLLATERAL, COLLATERAL_IDS, CollateralRecord, NETWORK_KEYS, NODE_IDS, NetworkKeys, Node,
    NodeState, ONE_TIME_KEYS, PLATFORMS, POLICY, RETURNING, REVIEW, Return, Review, SECURITY,
    SHARES, node_id,
};
use super::{evidence, keeper, returning, review};
use crate::Ctx;
use crate::attest::{Claims, Policy, Statement};
use crate::crypto::context::Security;
use crate::error::{Stop, broken};
use crate::genesis::{Document, GenesisError, LOCAL_ACCOUNTS, LocalnetParams};
use crate::module::GenesisState;
use crate::types::address::AddressError;
use crate::types::{Address, Height};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// `app_state.registration`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// Security that the chain requires of its machines.
    pub security: String,
    /// Which evidence is taken; left out: what the security alone says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// Collateral that evidence is checked with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collateral: Vec<GenesisCollateral>,
    /// The nodes from the start.
    pub nodes: Vec<GenesisNode>,
    /// How far the policy was held against the nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// One-time keys that were ever used, each followed by the id of its node, hex.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_time_keys: Vec<String>,
}

/// An item of collateral.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisCollateral {
    /// Encoded item, base64.
    pub item: String,
    /// Height at which it came.
    #[serde(default)]
    pub height: Height,
}

/// A node. Keys are base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisNode {
    /// Ed25519 key of the peer-to-peer network.
    pub node_key: String,
    /// Ed25519 key that it votes with.
    pub consensus_key: String,
    /// Its owner.
    pub operator: String,
    /// Version of its enclave.
    pub enclave_version: u32,
    /// What it binds: chain id, network keys, node key and consensus key ([`Statement::Bootstrap`]). An attested network
    /// takes no node without; base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// What was proven to the chain that this document was exported from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Claims>,
    /// Where it stands; left out: registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
}

/// Where a node of an exported document stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// `pending`, `registered`, `revoked` or `expired`.
    pub state: String,
    /// Who revoked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_by: Option<String>,
    /// The key that its share is sealed to, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_time_key: Option<String>,
    /// Second at which it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<u64>,
    /// Height of the last change.
    pub changed_height: Height,
    /// What the evidence of the next renewal binds, base64.
    pub challenge: String,
    /// What it returns with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returning: Option<Return>,
    /// The share that waits for it, base64. It opens on the chain that made it only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<String>,
}

impl Genesis {
    /// Where the review of the policy goes on: where the document says, or when the policy takes some code no longer.
    fn review(&self, ctx: &mut Ctx, policy: &Policy) -> Result<(), GenesisError> {
        let next = review::next(policy, ctx.block.height);
        let begins = || next.map(|_| Review { from: None, next });
        let Some(review) = self.review.clone().or_else(begins) else {
            return Ok(());
        };
        if review
            .from
            .as_ref()
            .is_some_and(|from| hex::decode(from).is_err())
        {
            return Err(refused("review.from", "not hex"));
        }
        Ok(REVIEW.set(ctx, &review)?)
    }

    fn checked(&self) -> Result<Security, GenesisError> {
        Security::parse(&self.security).ok_or_else(|| {
            let why = "not `insecure` or `attested`";
            GenesisError::field("registration.security", why)
        })
    }
}

fn refused(what: &str, why: impl core::fmt::Display) -> GenesisError {
    GenesisError::field(&format!("registration.{what}"), why.to_string())
}

fn base64(text: &str, what: &str) -> Result<Vec<u8>, GenesisError> {
    let bytes = STANDARD.decode(text);
    bytes.map_err(|_| refused(what, "not base64"))
}

fn key(text: &str, what: &str) -> Result<[u8; 32], GenesisError> {
    let key = base64(text, what)?.try_into();
    key.map_err(|_| refused(what, "not 32 bytes in base64"))
}

fn address(text: &str, what: &str) -> Result<Address, GenesisError> {
    text.parse().map_err(|e: AddressError| refused(what, e))
}

/// An error of a module as that of a field.
fn of_stop(what: &str, stop: Stop) -> GenesisError {
    match stop {
        Stop::Err(e) => refused(what, e),
        other => other.into(),
    }
}

/// Security requirement and network keys of the document.
///
/// # Errors
/// [`GenesisError`] if it does not say it.
pub fn read(document: &Document) -> Result<(Security, NetworkKeys), GenesisError> {
    let keys: Keys = document.app_state.part("register")?;
    let genesis: Genesis = document.app_state.part("registration")?;
    Ok((genesis.checked()?, keys.checked()?))
}

/// `app_state.register`: the shape that clients know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Nodes in the form of the protocol: there are none, ours stand in `app_state.registration`.
    pub reg_info: Vec<String>,
    /// With which nodes exchange the seed.
    pub node_exch_key: Key,
    /// To which clients seal their messages.
    pub io_exch_key: Key,
}

/// A public key, base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// 32 bytes in base64.
    pub bytes: String,
}

impl Keys {
    /// The genesis form of two keys.
    #[must_use]
    pub fn new(keys: &NetworkKeys) -> Self {
        let key = |bytes: &[u8; 32]| Key {
            bytes: STANDARD.encode(bytes),
        };
        Self {
            reg_info: Vec::new(),
            node_exch_key: key(&keys.node_exchange),
            io_exch_key: key(&keys.io),
        }
    }

    /// The keys themselves.
    ///
    /// # Errors
    /// [`GenesisError::Document`] for a key that is not 32 bytes in base64.
    pub fn checked(&self) -> Result<NetworkKeys, GenesisError> {
        let key = |key: &Key, what: &str| -> Result<[u8; 32], GenesisError> {
            let bytes = STANDARD
                .decode(&key.bytes)
                .ok()
                .and_then(|b| b.try_into().ok());
            bytes.ok_or_else(|| {
                GenesisError::field(&format!("register.{what}"), "not 32 bytes in base64")
            })
        };
        Ok(NetworkKeys {
            io: key(&self.io_exch_key, "io_exch_key")?,
            node_exchange: key(&self.node_exch_key, "node_exch_key")?,
        })
    }
}

impl GenesisState for Keys {
    fn localnet(params: &LocalnetParams) -> Self {
        Self::new(&params.keys)
    }

    fn init(&self, ctx: &mut Ctx) -> Result<(), GenesisError> {
        if !self.reg_info.is_empty() {
            let why = "nodes of genesis stand in app_state.registration";
            return Err(GenesisError::field("register.reg_info", why));
        }
        Ok(NETWORK_KEYS.set(ctx, &self.checked()?)?)
    }

    fn export(ctx: &mut Ctx) -> Result<Self, Stop> {
        let keys = NETWORK_KEYS.get(ctx)?;
        Ok(Self::new(&keys.ok_or_else(|| broken("no network keys"))?))
    }
}

impl GenesisState for Genesis {
    /// One node, without evidence: what a simulated platform says proves nothing.
    fn localnet(params: &LocalnetParams) -> Self {
        let [validator, ..] = LOCAL_ACCOUNTS;
        Self {
            security: Security::Insecure.as_str().to_owned(),
            policy: None,
            collateral: Vec::new(),
            nodes: vec![GenesisNode {
                node_key: STANDARD.encode(params.node_key),
                consensus_key: STANDARD.encode(params.validator),
                operator: validator.address.to_owned(),
                enclave_version: 1,
                evidence: None,
                claims: None,
                standing: None,
            }],
            review: None,
            one_time_keys: Vec::new(),
        }
    }

    fn init(&self, ctx: &mut Ctx) -> Result<(), GenesisError> {
        let security = self.checked()?;
        SECURITY.set(ctx, &security)?;
        let policy = self.policy.clone();
        let policy = policy.unwrap_or_else(|| Policy::new(security));
        if policy.security != security || !policy.is_bounded() {
            let why = "of another security, or with too long a list";
            return Err(refused("policy", why));
        }
        POLICY.set(ctx, &policy)?;
        self.review(ctx, &policy)?;
        for given in &self.collateral {
            let item = base64(&given.item, "collateral")?;
            let id = evidence::submit(ctx, &item).map_err(|e: Stop| of_stop("collateral", e))?;
            let height = given.height;
            evidence::insert(ctx, &id, &CollateralRecord { item, height })?;
        }
        for node in &self.nodes {
            node.init(ctx, security)?;
        }
        for entry in &self.one_time_keys {
            let bytes = hex::decode(entry).ok().filter(|b| b.len() == 52);
            let bytes = bytes.ok_or_else(|| refused("one_time_keys", "not 52 bytes in hex"))?;
            ONE_TIME_KEYS.at(&()).insert(ctx, &bytes)?;
        }
        Ok(())
    }

    fn export(ctx: &mut Ctx) -> Result<Self, Stop> {
        let security = SECURITY.get(ctx)?;
        let security = security.ok_or_else(|| broken("no mode of security"))?;
        let policy = evidence::policy(ctx)?;
        let mut collateral = Vec::new();
        for id in COLLATERAL_IDS.at(&()).all(ctx)? {
            let id = String::from_utf8(id).map_err(broken)?;
            let record = COLLATERAL.get(ctx, &id.as_str())?;
            let record = record.ok_or_else(|| broken("listed collateral is missing"))?;
            // What is over has no use, and would be refused.
            if !evidence::is_good(ctx, &record)? {
                continue;
            }
            collateral.push(GenesisCollateral {
                item: STANDARD.encode(record.item),
                height: record.height,
            });
        }
        let mut nodes = Vec::new();
        for id in NODE_IDS.at(&()).all(ctx)? {
            let id = id.try_into().map_err(|_| broken("a node without id"))?;
            let node = keeper::node(ctx, &id)?;
            let node = node.ok_or_else(|| broken("a listed node is missing"))?;
            let share = SHARES.get(ctx, &&id)?;
            let returning = RETURNING.get(ctx, &&id)?;
            nodes.push(GenesisNode::of(&node, returning, share));
        }
        let used = ONE_TIME_KEYS.at(&()).all(ctx)?;
        Ok(Self {
            security: security.as_str().to_owned(),
            policy: Some(policy),
            collateral,
            nodes,
            review: REVIEW.get(ctx)?,
            one_time_keys: used.iter().map(hex::encode).collect(),
        })
    }
}

impl GenesisNode {
    fn init(&self, ctx: &mut Ctx, security: Security) -> Result<(), GenesisError> {
        let node_key = key(&self.node_key, "nodes.node_key")?;
        let consensus_key = key(&self.consensus_key, "nodes.consensus_key")?;
        let operator = address(&self.operator, "nodes.operator")?;
        let id = node_id(&node_key);
        let claims = self.proven(ctx, security, node_key, consensus_key)?;
        let deadline = claims.as_ref().and_then(keeper::end_of);
        let mut node = Node {
            node_key,
            consensus_key,
            operator,
            state: NodeState::Registered,
            enclave_version: self.enclave_version,
            one_time_key: None,
            claims,
            deadline,
            changed_height: ctx.block.height,
            challenge: keeper::challenge(ctx, &id),
        };
        if let Some(standing) = &self.standing {
            standing.apply(&mut node)?;
            if let Some(share) = &standing.share {
                SHARES.set(ctx, &&id, &base64(share, "nodes.standing.share")?)?;
            }
        }
        let twice = node.is_live() && keeper::node_of_key(ctx, &consensus_key)?.is_some();
        if twice || keeper::node(ctx, &id)?.is_some() {
            return Err(refused("nodes", "a key is there twice"));
        }
        let new = self.standing.as_ref().and_then(|s| s.returning.as_ref());
        let new_platform = new.map(|new| new.claims.platform_id);
        for platform in node.platform().into_iter().chain(new_platform) {
            if PLATFORMS.has(ctx, &&platform)? {
                return Err(refused("nodes", "two nodes on one platform"));
            }
        }
        keeper::put(ctx, &id, None, Some(&node)).map_err(|e: Stop| of_stop("nodes", e))?;
        let Some(new) = new else {
            return Ok(());
        };
        if !returning::may(&node) {
            let why = "only a registered node returns";
            return Err(refused("nodes.standing.returning", why));
        }
        Ok(returning::insert(ctx, &id, &node, new)?)
    }

    /// What its evidence proves. Only an insecure network takes a node without.
    fn proven(
        &self,
        ctx: &mut Ctx,
        security: Security,
        node_key: [u8; 32],
        consensus_key: [u8; 32],
    ) -> Result<Option<Claims>, GenesisError> {
        let Some(given) = &self.evidence else {
            if security == Security::Attested {
                return Err(refused("nodes.evidence", "an attested network needs it"));
            }
            return Ok(self.claims.clone());
        };
        let keys = evidence::network_keys(ctx)?;
        let statement = Statement::Bootstrap {
            chain_id: ctx.block.chain_id.clone(),
            io_key: keys.io,
            exchange_key: keys.node_exchange,
            node_key,
            consensus_key,
        };
        let given = base64(given, "nodes.evidence")?;
        let claims = evidence::verify(ctx, &given, &statement);
        claims
            .map(Some)
            .map_err(|e: Stop| of_stop("nodes.evidence", e))
    }

    fn of(node: &Node, returning: Option<Return>, share: Option<Vec<u8>>) -> Self {
        let (state, revoked_by) = match &node.state {
            NodeState::Pending => ("pending", None),
            NodeState::Registered => ("registered", None),
            NodeState::Revoked { by } => ("revoked", Some(by.to_string())),
            NodeState::Expired => ("expired", None),
        };
        Self {
            node_key: STANDARD.encode(node.node_key),
            consensus_key: STANDARD.encode(node.consensus_key),
            operator: node.operator.to_string(),
            enclave_version: node.enclave_version,
            evidence: None,
            claims: node.claims.clone(),
            standing: Some(Standing {
                state: state.to_owned(),
                revoked_by,
                one_time_key: node.one_time_key.map(|key| STANDARD.encode(key)),
                deadline: node.deadline,
                changed_height: node.changed_height,
                challenge: STANDARD.encode(node.challenge),
                returning,
                share: share.map(|share| STANDARD.encode(share)),
            }),
        }
    }
}

impl Standing {
    fn apply(&self, node: &mut Node) -> Result<(), GenesisError> {
        let by = || -> Result<Address, GenesisError> {
            let by = self.revoked_by.as_deref().unwrap_or_default();
            address(by, "nodes.standing.revoked_by")
        };
        node.state = match self.state.as_str() {
            "pending" => NodeState::Pending,
            "registered" => NodeState::Registered,
            "revoked" => NodeState::Revoked { by: by()? },
            "expired" => NodeState::Expired,
            _ => return Err(refused("nodes.standing.state", "no such state")),
        };
        let one_time_key = self.one_time_key.as_deref();
        node.one_time_key = one_time_key
            .map(|text| key(text, "nodes.standing.one_time_key"))
            .transpose()?;
        node.deadline = self.deadline;
        node.changed_height = self.changed_height;
        node.challenge = key(&self.challenge, "nodes.standing.challenge")?;
        Ok(())
    }
}
