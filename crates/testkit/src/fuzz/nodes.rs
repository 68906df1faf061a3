//! What operators and the authority say: mostly right, sometimes of another node, owner or key; and what must hold of nodes and
//! validators after every block.

use super::rng::Rng;
use crate::chain::Chain;
use crate::replica::keys;
use std::collections::{BTreeMap, BTreeSet};
use strongroom_attest::simulated::Simulated;
use strongroom_attest::{Code, Evidence, Kind, Policy, Registration, ReportData, Statement};
use strongroom_chain::modules::poa::state::{KEYS, TOTAL_POWER, VALIDATORS};
use strongroom_chain::modules::registration::keeper::{key_proof_bytes, node};
use strongroom_chain::modules::registration::state::{
    NODE_IDS, Node, NodeId, NodeState, PENDING, PLATFORMS, RETURNING, SHARES, node_id,
};
use strongroom_chain::{Ctx, EpochKeys, Secrets as _, ShareTarget, params};
use strongroom_crypto::ed25519::SecretKey;
use strongroom_crypto::{Secret, x25519::KeyPair};
use strongroom_types::proto::secret::registration::v1beta1::RaAuthenticate;
use strongroom_types::proto::strongroom::poa::v1 as poa;
use strongroom_types::proto::strongroom::registration::v1 as pb;
use strongroom_types::proto::{Any, pack};
use strongroom_types::{Address, Hash, sha256};

/// Nodes that come and go.
const NODES: usize = 12;
/// One-time keys: so many that most are new.
const ONE_TIME_KEYS: usize = 5_000;

/// What is known of the network and its nodes.
pub(super) struct Nodes {
    chain_id: String,
    genesis_hash: Hash,
    keys: EpochKeys,
    users: Vec<Address>,
    present: BTreeMap<NodeId, Node>,
}

fn key(what: &str, n: usize) -> Hash {
    sha256(format!("{what} {n}").as_bytes())
}

fn evidence(rng: &mut Rng, n: usize, data: ReportData) -> Vec<u8> {
    // Two nodes want to be on each machine, and sometimes one moves.
    let machine = if rng.once_in(6) { rng.below(NODES) } else { n };
    let simulated = Simulated::new(key("machine", machine / 2), [2; 32], data);
    let mut bytes = Evidence::SimulatedV1(simulated).encode();
    if rng.once_in(12) {
        rng.mutate(&mut bytes);
    }
    bytes
}

fn one_time(n: usize) -> [u8; 32] {
    *KeyPair::from_secret(&Secret::new(key("one-time", n))).public()
}

impl Nodes {
    pub(super) fn of(chain: &Chain, users: &[Address]) -> Self {
        let genesis_hash = chain.genesis().hash();
        Self {
            chain_id: chain.options().chain_id.clone(),
            genesis_hash,
            keys: keys(chain.options().seed, genesis_hash),
            users: users.to_vec(),
            present: BTreeMap::new(),
        }
    }

    /// One message of `from`.
    pub(super) fn message(&self, rng: &mut Rng, from: &Address) -> Any {
        let n = rng.below(NODES);
        // The first user is the authority.
        let decides = self.users.first() == Some(from) && !rng.once_in(3);
        match if decides {
            7 + rng.below(2)
        } else {
            rng.below(9)
        } {
            0..=2 => pack(&self.register(rng, n, from)),
            3 | 4 => pack(&self.confirm(rng, from)),
            5 => pack(&self.renew(rng, from)),
            6 => pack(&pb::MsgRevokeNode {
                sender: from.to_string(),
                node_id: hex::encode(self.own(rng, from)),
            }),
            7 => pack(&poa::MsgSetValidator {
                authority: self.authority(rng, from),
                node_id: hex::encode(self.any(rng)),
                power: rng.pick(&[0, 1, 5, 5, 1_000, 100_000_000_000, u64::MAX / 16, u64::MAX]),
                moniker: "m".repeat(rng.below(80)),
            }),
            _ if rng.once_in(4) => pack(&RaAuthenticate {
                sender: from.as_bytes().to_vec(),
                certificate: certificate(rng),
                ..RaAuthenticate::default()
            }),
            _ if rng.once_in(3) => pack(&pb::MsgUpdatePolicy {
                authority: self.authority(rng, from),
                policy: policy(rng),
            }),
            _ => pack(&poa::MsgRemoveValidator {
                authority: self.authority(rng, from),
                node_id: hex::encode(self.any(rng)),
            }),
        }
    }

    /// Mostly the sender; it is the authority if it is the first user.
    fn authority(&self, rng: &mut Rng, from: &Address) -> String {
        if rng.once_in(6) {
            rng.pick(&self.users).to_string()
        } else {
            from.to_string()
        }
    }

    fn any(&self, rng: &mut Rng) -> NodeId {
        let ids: Vec<NodeId> = self.present.keys().copied().collect();
        if ids.is_empty() || rng.once_in(10) {
            return [7; 20];
        }
        rng.pick(&ids)
    }

    /// A node of this operator, if it has one.
    fn own(&self, rng: &mut Rng, operator: &Address) -> NodeId {
        let own = self.present.iter().filter(|(_, n)| n.operator == *operator);
        let own: Vec<NodeId> = own.map(|(id, _)| *id).collect();
        if own.is_empty() || rng.once_in(6) {
            return self.any(rng);
        }
        rng.pick(&own)
    }

    fn register(&self, rng: &mut Rng, n: usize, from: &Address) -> pb::MsgRegisterNode {
        let node_key = SecretKey::from_seed(&key("node", n));
        let voter = if rng.once_in(8) { rng.below(NODES) } else { n };
        let consensus_key = SecretKey::from_seed(&key("consensus", voter));
        let one_time_key = match rng.below(20) {
            0 => [0; 32],
            _ => one_time(rng.below(ONE_TIME_KEYS)),
        };
        let operator = if rng.once_in(10) {
            rng.pick(&self.users)
        } else {
            from.clone()
        };
        let statement = Statement::Registration(Registration {
            chain_id: self.chain_id.clone(),
            genesis_hash: self.genesis_hash,
            one_time_key,
            node_key: node_key.public(),
            consensus_key: consensus_key.public(),
            operator: operator.as_bytes().try_into().expect("an account"),
            enclave_version: 1,
        });
        let bytes = key_proof_bytes(&statement);
        pb::MsgRegisterNode {
            operator: from.to_string(),
            evidence: evidence(rng, n, statement.report_data()),
            one_time_key: one_time_key.to_vec(),
            node_key: node_key.public().to_vec(),
            consensus_key: consensus_key.public().to_vec(),
            enclave_version: 1,
            node_signature: node_key.sign(&bytes).to_vec(),
            consensus_signature: consensus_key.sign(&bytes).to_vec(),
        }
    }

    fn confirm(&self, rng: &mut Rng, from: &Address) -> pb::MsgConfirmNode {
        let id = self.own(rng, from);
        let node = self.present.get(&id);
        let target = ShareTarget {
            node_id: id,
            one_time_key: node.and_then(|n| n.one_time_key).unwrap_or_default(),
        };
        let possession = self.keys.possession(&target).expect("the keys are here");
        pb::MsgConfirmNode {
            operator: from.to_string(),
            node_id: hex::encode(id),
            possession: if rng.once_in(8) {
                rng.bytes(33)
            } else {
                possession.to_vec()
            },
        }
    }

    fn renew(&self, rng: &mut Rng, from: &Address) -> pb::MsgRenewNode {
        let id = self.own(rng, from);
        let node = self.present.get(&id);
        let newest = self.keys.newest();
        let statement = Statement::NetworkKeys {
            genesis_hash: self.genesis_hash,
            io_key: *newest.io().public(),
            exchange_key: *newest.exchange().public(),
            nonce: node.map(|n| n.challenge).unwrap_or_default(),
        };
        let n =
            (0..NODES).find(|n| node_id(&SecretKey::from_seed(&key("node", *n)).public()) == id);
        pb::MsgRenewNode {
            operator: from.to_string(),
            node_id: hex::encode(id),
            evidence: evidence(rng, n.unwrap_or(0), statement.report_data()),
        }
    }

    /// Looks at the state after a block.
    ///
    /// # Panics
    /// If something does not hold that must.
    pub(super) fn look(&mut self, ctx: &mut Ctx<'_, '_>) {
        self.present.clear();
        for id in NODE_IDS.at(&()).all(ctx).expect("readable") {
            let id: NodeId = id.try_into().expect("an id");
            let found = node(ctx, &id).expect("readable").expect("a listed node");
            assert_eq!(id, node_id(&found.node_key));
            self.present.insert(id, found);
        }
        self.check_nodes(ctx);
        self.check_validators(ctx);
    }

    fn check_nodes(&self, ctx: &mut Ctx<'_, '_>) {
        let is_pending = |n: &&Node| n.state == NodeState::Pending;
        let pending = self.present.values().filter(is_pending).count();
        let counted = PENDING.get(ctx).expect("readable").unwrap_or(0);
        assert_eq!(pending as u64, counted, "pending nodes");
        let mut voting = BTreeSet::new();
        for (id, node) in &self.present {
            if let Some(platform) = node.platform() {
                let holder = PLATFORMS.get(ctx, &&platform).expect("readable");
                assert_eq!(holder, Some(*id), "one live node on a platform");
            }
            if let Some(new) = RETURNING.get(ctx, &id).expect("readable") {
                assert!(node.state == NodeState::Registered || node.is_banned());
                let holder = PLATFORMS.get(ctx, &&new.claims.platform_id);
                assert_eq!(holder.expect("readable"), Some(*id), "it returns to it");
            }
            let has_share = SHARES.has(ctx, &id).expect("readable");
            match node.state {
                NodeState::Pending => assert!(has_share && node.deadline.is_some()),
                NodeState::Registered => {}
                NodeState::Revoked { .. } | NodeState::Expired => {
                    assert!(!has_share && node.deadline.is_none());
                }
            }
            assert!(!node.is_live() || voting.insert(node.consensus_key));
        }
    }

    fn check_validators(&self, ctx: &mut Ctx<'_, '_>) {
        let mut set: Vec<([u8; 32], i64)> = Vec::new();
        let mut sum = 0;
        for key in KEYS.at(&()).all(ctx).expect("readable") {
            let key: [u8; 32] = key.try_into().expect("a key");
            let validator = VALIDATORS.get(ctx, &&key).expect("readable");
            let validator = validator.expect("a listed validator");
            let node = &self.present[&validator.node_id];
            assert_eq!(node.state, NodeState::Registered, "a validator");
            assert_eq!(node.consensus_key, key);
            sum += validator.power;
            set.push((key, validator.power.try_into().expect("a power")));
        }
        assert_eq!(TOTAL_POWER.get(ctx).expect("readable"), Some(sum));
        let consensus = params::VALIDATORS.get(ctx).expect("readable");
        let mut consensus: Vec<([u8; 32], i64)> = consensus
            .expect("a set")
            .iter()
            .map(|v| (v.pubkey, v.power))
            .collect();
        consensus.sort_unstable();
        assert!(!set.is_empty(), "the last validator stays");
        assert_eq!(set, consensus, "what consensus has");
    }
}

/// One of the protocol's two forms, or bytes.
fn certificate(rng: &mut Rng) -> Vec<u8> {
    let value = rng.bytes(9);
    let length = u32::try_from(value.len()).unwrap_or(0).to_le_bytes();
    let mut bytes = match rng.below(3) {
        0 => [&[0; 4], length.as_slice(), &[0; 4], &value].concat(),
        1 => [&[rng.pick(&[2, 3, 4, 9])], length.as_slice(), &value].concat(),
        _ => rng.bytes(40),
    };
    if rng.once_in(3) {
        rng.mutate(&mut bytes);
    }
    bytes
}

fn policy(rng: &mut Rng) -> String {
    let code = Code {
        kind: Kind::Simulated,
        measurement: [2; 32].into(),
        registers: BTreeMap::new(),
        from_height: 0,
        until_height: rng.pick(&[None, Some(0), Some(40), Some(80), Some(u64::MAX)]),
    };
    let policy = Policy {
        code: if rng.once_in(2) {
            vec![code]
        } else {
            Vec::new()
        },
        validity_seconds_max: rng.pick(&[None, Some(0), Some(100), Some(3_000), Some(u64::MAX)]),
        ..Policy::insecure()
    };
    let mut json = serde_json::to_vec(&policy).expect("JSON of our own types");
    if rng.once_in(5) {
        rng.mutate(&mut json);
    }
    String::from_utf8(json).unwrap_or_default()
}
