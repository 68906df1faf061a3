//! Keys and stored records of the registration module.
//!
//! Whatever ends at a time stands in a queue of two levels, as in feegrant: the seconds in which something ends, in order, and
//! for each of them which nodes.

use crate::attest::{Claims, Policy};
use crate::collections::{Item, Map, OrderedIndex};
use crate::crypto::context::Security;
pub use crate::genesis::NetworkKeys;
use crate::types::consensus::validator_address;
use crate::types::{Address, Hash, Height};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// A node, as CometBFT names it: the first 20 bytes of SHA-256 of its Ed25519 key.
pub type NodeId = [u8; 20];

/// The node with this key.
#[must_use]
pub fn node_id(node_key: &[u8; 32]) -> NodeId {
    validator_address(node_key)
}

/// Where a node stands (docs/spec/registration.md 2).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum NodeState {
    /// Its evidence is accepted and a share is made.
    Pending,
    /// It has shown that it holds the seed.
    Registered,
    /// The registration was taken away.
    Revoked {
        /// By its owner or the authority.
        by: Address,
    },
    /// Its evidence expired.
    Expired,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Node {
    /// Ed25519 key of the peer-to-peer network.
    pub node_key: [u8; 32],
    /// Ed25519 key that it votes with.
    pub consensus_key: [u8; 32],
    /// Its owner, for good.
    pub operator: Address,
    /// Where it stands.
    pub state: NodeState,
    /// Version of its enclave when it registered.
    pub enclave_version: u32,
    /// What its share is, or was, sealed to. A node of genesis has none.
    pub one_time_key: Option<[u8; 32]>,
    /// What its evidence proved; none for a node of an insecure genesis without evidence.
    pub claims: Option<Claims>,
    /// The first second in which it is no longer what it is: of a pending node the end of its time to confirm, of a
    /// registered one that of its evidence, or when it is looked at again.
    pub deadline: Option<u64>,
    /// Height of the last change of its state.
    pub changed_height: Height,
    /// What the evidence of the next renewal binds.
    pub challenge: Hash,
}

impl Node {
    /// Pending or registered: it has a platform and keys that no other node may have.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        matches!(self.state, NodeState::Pending | NodeState::Registered)
    }

    /// Taken away by somebody else than its owner: for good, with its platform.
    #[must_use]
    pub fn is_banned(&self) -> bool {
        matches!(&self.state, NodeState::Revoked { by } if *by != self.operator)
    }

    /// The platform that no other node may be on.
    #[must_use]
    pub fn platform(&self) -> Option<Hash> {
        let claims = self.claims.as_ref();
        let claims = claims.filter(|_| self.is_live() || self.is_banned());
        claims.map(|claims| claims.platform_id)
    }
}

/// A registered node on its way back, because it has lost its seal or moves to another platform: until it confirms it is what it was.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Return {
    /// What its new evidence proved. No other node may be on that platform.
    pub claims: Claims,
    /// Version of its new enclave.
    pub enclave_version: u32,
    /// The first second in which it is too late to confirm, unless the evidence ends before.
    pub deadline: u64,
}

/// How far a new policy was held against the nodes that there are.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// It goes on with the first node id from here on, hex; none: all were looked at.
    pub from: Option<String>,
    /// The height at which it begins again, since the policy takes some code no longer.
    pub next: Option<Height>,
}

/// A vendor's signed statements.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CollateralRecord {
    /// Encoded item.
    pub item: Vec<u8>,
    /// Height at which it came.
    pub height: Height,
}

/// Security that the chain requires of its machines.
pub const SECURITY: Item<Security> = Item::new("registration/security");
/// The network's public keys.
pub const NETWORK_KEYS: Item<NetworkKeys> = Item::new("registration/keys");
/// Which evidence is taken.
pub const POLICY: Item<Policy> = Item::new("registration/policy");
/// Nodes by id.
pub const NODES: Map<&NodeId, Node> = Map::new("registration/nodes/");
/// All ids in `NODES`.
pub const NODE_IDS: OrderedIndex<()> = OrderedIndex::new("registration/node_ids/");
/// The share of a node, until it has confirmed.
pub const SHARES: Map<&NodeId, Vec<u8>> = Map::new("registration/shares/");
/// Registered nodes on their way back, and those that the authority revoked then.
pub const RETURNING: Map<&NodeId, Return> = Map::new("registration/returning/");
/// How far the policy was held against the nodes.
pub const REVIEW: Item<Review> = Item::new("registration/review");
/// Which node is on a platform or returns to it: live ones, and those that the authority revoked.
pub const PLATFORMS: Map<&Hash, NodeId> = Map::new("registration/platforms/");
/// Which live node votes with a key.
pub const CONSENSUS_KEYS: Map<&[u8; 32], NodeId> = Map::new("registration/consensus_keys/");
/// One-time keys that were ever used, each followed by the id of its node.
pub const ONE_TIME_KEYS: OrderedIndex<()> = OrderedIndex::new("registration/one_time_keys/");
/// Number of pending nodes.
pub const PENDING: Item<u64> = Item::new("registration/pending");
/// The seconds in which something ends, each as eight bytes, big-endian.
pub const DEADLINES: OrderedIndex<()> = OrderedIndex::new("registration/deadlines/");
/// The nodes whose deadline is this second.
pub const ENDING: OrderedIndex<u64> = OrderedIndex::new("registration/ending/");
/// Collateral by its id.
pub const COLLATERAL: Map<&str, CollateralRecord> = Map::new("registration/collateral/");
/// All ids in `COLLATERAL`.
pub const COLLATERAL_IDS: OrderedIndex<()> = OrderedIndex::new("registration/collateral_ids/");

/// The names of all collections.
pub const NAMES: &[&str] = &[
    SECURITY.name(),
    NETWORK_KEYS.name(),
    POLICY.name(),
    NODES.name(),
    NODE_IDS.name(),
    SHARES.name(),
    RETURNING.name(),
    REVIEW.name(),
    PLATFORMS.name(),
    CONSENSUS_KEYS.name(),
    ONE_TIME_KEYS.name(),
    PENDING.name(),
    DEADLINES.name(),
    ENDING.name(),
    COLLATERAL.name(),
    COLLATERAL_IDS.name(),
];

/// The share in the value that the state has under `SHARES.raw_key`: for whoever reads it with a proof.
#[must_use]
pub fn share_of(value: &[u8]) -> Option<Vec<u8>> {
    SHARES.value(value).ok()
}
