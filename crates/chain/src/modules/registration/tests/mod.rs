//! Nodes in blocks: how they join, what is refused, how they end.

mod attacks;
mod collateral;
mod end;
mod genesis;
mod life;
mod returning;
mod review;

use super::keeper::{Joining, key_proof_bytes, node};
use super::state::{Node, NodeId, NodeState, SHARES, node_id};
use crate::attest::simulated::Simulated;
use crate::attest::{Evidence, Policy, Registration, ReportData, Security, Statement};
use crate::crypto::ed25519::SecretKey;
use crate::crypto::seal::{self, Chain as SealChain};
use crate::crypto::seed::SeedRing;
use crate::crypto::share::Share;
use crate::crypto::x25519::KeyPair;
use crate::crypto::{MasterSeed, Secret, ShareTarget};
use crate::genesis::Document;
use crate::ports::Secrets;
use crate::secrets::EpochKeys;
use crate::testing::{CHAIN_ID, Chain, GENESIS_HASH, User, document, draft, localnet_params};
use crate::types::proto::strongroom::registration::v1 as pb;
use crate::types::proto::{Any, pack};
use crate::types::{Address, ExecTxResult, Hash, sha256};

/// What genesis of this chain says the enclaves have.
pub(crate) const SEAL_CHAIN: SealChain = SealChain {
    genesis_hash: GENESIS_HASH,
    security: Security::Insecure,
};

pub(crate) fn ring() -> SeedRing {
    SeedRing::genesis(Security::Insecure, MasterSeed::new([1; 32]))
}

fn keys() -> EpochKeys {
    EpochKeys::of(&SEAL_CHAIN, &ring()).unwrap()
}

/// A chain whose enclaves hold a seed, and whose authority is its first user.
pub(crate) fn chain(users: u8) -> Chain {
    chain_of(&document(users), users)
}

/// One of another genesis.
pub(crate) fn chain_of(document: &Document, users: u8) -> Chain {
    let mut chain = Chain::from_document(document, users);
    chain.secrets = Box::new(keys());
    chain
}

/// A machine with an enclave that wants to join.
#[derive(Clone)]
pub(crate) struct Machine {
    platform: Hash,
    node: SecretKey,
    consensus: SecretKey,
    one_time: KeyPair,
}

impl Machine {
    /// The n-th one; all of its keys are its own.
    pub(crate) fn new(n: u16) -> Self {
        let key = |what: &str| sha256(format!("{what} {n}").as_bytes());
        Self {
            platform: key("platform"),
            node: SecretKey::from_seed(&key("node")),
            consensus: SecretKey::from_seed(&key("consensus")),
            one_time: KeyPair::from_secret(&Secret::new(key("one-time"))),
        }
    }

    /// The same one with a new enclave: another one-time key.
    pub(crate) fn again(&self, n: u16) -> Self {
        Self {
            one_time: Self::new(10_000 + n).one_time,
            ..self.clone()
        }
    }

    pub(crate) fn id(&self) -> NodeId {
        node_id(&self.node.public())
    }

    pub(crate) fn id_text(&self) -> String {
        hex::encode(self.id())
    }

    pub(crate) fn consensus_key(&self) -> [u8; 32] {
        self.consensus.public()
    }

    fn target(&self) -> ShareTarget {
        ShareTarget {
            node_id: self.id(),
            one_time_key: *self.one_time.public(),
        }
    }

    /// What its evidence binds.
    fn statement(&self, operator: &Address) -> Registration {
        Registration {
            chain_id: CHAIN_ID.into(),
            genesis_hash: GENESIS_HASH,
            one_time_key: *self.one_time.public(),
            node_key: self.node.public(),
            consensus_key: self.consensus.public(),
            operator: operator.as_bytes().try_into().unwrap(),
            enclave_version: 7,
        }
    }

    fn evidence(&self, data: ReportData) -> Vec<u8> {
        Evidence::SimulatedV1(Simulated::new(self.platform, [2; 32], data)).encode()
    }

    /// The message, with evidence that binds `bound` and keys that sign it.
    fn message(&self, operator: &Address, bound: Registration) -> pb::MsgRegisterNode {
        let statement = Statement::Registration(bound);
        let bytes = key_proof_bytes(&statement);
        pb::MsgRegisterNode {
            operator: operator.to_string(),
            evidence: self.evidence(statement.report_data()),
            one_time_key: self.one_time.public().to_vec(),
            node_key: self.node.public().to_vec(),
            consensus_key: self.consensus.public().to_vec(),
            enclave_version: 7,
            node_signature: self.node.sign(&bytes).to_vec(),
            consensus_signature: self.consensus.sign(&bytes).to_vec(),
        }
    }

    pub(crate) fn register(&self, operator: &Address) -> pb::MsgRegisterNode {
        self.message(operator, self.statement(operator))
    }

    /// Opens the share as its enclave does, and says what proves it.
    fn confirm(&self, chain: &Chain, operator: &Address) -> pb::MsgConfirmNode {
        let share = share(chain, &self.id()).unwrap();
        let share: Share = seal::decode(&share).unwrap();
        let ring = share.open(&self.one_time, &self.id(), &SEAL_CHAIN).unwrap();
        let keys = EpochKeys::of(&SEAL_CHAIN, &ring).unwrap();
        pb::MsgConfirmNode {
            operator: operator.to_string(),
            node_id: self.id_text(),
            possession: keys.possession(&self.target()).unwrap().to_vec(),
        }
    }

    /// Fresh evidence of the node as it runs.
    fn renew(&self, chain: &Chain, operator: &Address) -> pb::MsgRenewNode {
        let params = localnet_params();
        let statement = Statement::NetworkKeys {
            genesis_hash: GENESIS_HASH,
            io_key: params.keys.io,
            exchange_key: params.keys.node_exchange,
            nonce: found(chain, &self.id()).challenge,
        };
        pb::MsgRenewNode {
            operator: operator.to_string(),
            node_id: self.id_text(),
            evidence: self.evidence(statement.report_data()),
        }
    }
}

fn share(chain: &Chain, id: &NodeId) -> Option<Vec<u8>> {
    chain.read(|ctx| SHARES.get(ctx, &id).unwrap())
}

fn state_of(chain: &Chain, id: &NodeId) -> Option<NodeState> {
    chain.read(|ctx| node(ctx, id).unwrap()).map(|n| n.state)
}

pub(crate) fn found(chain: &Chain, id: &NodeId) -> Node {
    chain.read(|ctx| node(ctx, id).unwrap()).unwrap()
}

pub(crate) fn user(chain: &Chain, n: usize) -> Address {
    chain.users[n].address.clone()
}

/// Runs a message of user `n`, in a block of its own.
pub(crate) fn run(chain: &mut Chain, n: usize, message: Any) -> ExecTxResult {
    let mut draft = draft(vec![message]);
    draft.fee.gas_limit = 2_000_000;
    let bytes = draft.signed(&[&chain.users[n]]);
    let result = chain.block(&[bytes]).tx_results.remove(0);
    // Whoever passed the ante chain has events.
    if !result.events.is_empty() {
        chain.users[n].sequence += 1;
    }
    result
}

#[track_caller]
pub(crate) fn done(chain: &mut Chain, n: usize, message: Any) -> ExecTxResult {
    let result = run(chain, n, message);
    assert_eq!((result.code, result.log.as_str()), (0, ""));
    result
}

/// The error of a message that fails, and that it changed nothing of the nodes.
#[track_caller]
pub(crate) fn failed(chain: &mut Chain, n: usize, message: Any) -> (String, u32, String) {
    let registered = |chain: &Chain| {
        let state = chain.state.0.clone().into_iter();
        let own = |key: &[u8]| key.starts_with(b"registration/") || key.starts_with(b"poa/");
        state.filter(|((_, key), _)| own(key)).collect::<Vec<_>>()
    };
    let before = registered(chain);
    let result = run(chain, n, message);
    assert!(
        before == registered(chain),
        "a failed message left something"
    );
    let text = result
        .log
        .strip_prefix("failed to execute message; message index: 0: ");
    let text = text.unwrap_or(&result.log).to_owned();
    (result.codespace, result.code, text)
}

/// A node of user `n` that has come all the way.
#[track_caller]
pub(crate) fn registered(chain: &mut Chain, n: usize, machine: &Machine) {
    let operator = user(chain, n);
    done(chain, n, pack(&machine.register(&operator)));
    let confirm = machine.confirm(chain, &operator);
    done(chain, n, pack(&confirm));
}

/// The authority asks for fresh evidence after so many seconds.
#[track_caller]
pub(crate) fn evidence_lasts(chain: &mut Chain, seconds: u64) {
    let policy = Policy {
        validity_seconds_max: Some(seconds),
        ..Policy::insecure()
    };
    update_policy(chain, &policy);
}

#[track_caller]
fn update_policy(chain: &mut Chain, policy: &Policy) -> ExecTxResult {
    let message = pb::MsgUpdatePolicy {
        authority: user(chain, 0).to_string(),
        policy: serde_json::to_string(policy).unwrap(),
    };
    done(chain, 0, pack(&message))
}

pub(crate) fn revoke(sender: &Address, machine: &Machine) -> Any {
    pack(&pb::MsgRevokeNode {
        sender: sender.to_string(),
        node_id: machine.id_text(),
    })
}

/// The kinds of the events that end with the attribute `node_id` of a machine.
fn kinds(result: &ExecTxResult, machine: &Machine) -> Vec<String> {
    let of = |e: &&crate::types::Event| {
        e.attributes
            .iter()
            .any(|a| a.key == "node_id" && a.value == machine.id_text())
    };
    result
        .events
        .iter()
        .filter(of)
        .map(|e| e.kind.clone())
        .collect()
}

/// The cell of a table's row that begins with these cells.
fn cell<'p>(page: &'p str, begins: &str) -> &'p str {
    let row = page.lines().find_map(|line| line.strip_prefix(begins));
    let row = row.unwrap_or_else(|| panic!("no row {begins}"));
    row.trim_start_matches([' ', '|'])
        .split(" |")
        .next()
        .unwrap()
}

#[test]
fn the_page_says_the_limits_the_errors_and_the_collections_of_the_code() {
    use super::{error, evidence, join, keeper, msg, review, state};
    use crate::modules::poa;
    let page = include_str!("../../../../../../docs/spec/registration.md");
    let limits: [(&str, u64); 12] = [
        ("pending nodes", keeper::PENDING_MAX),
        ("seconds to confirm", join::PENDING_S),
        (
            "nodes that the end of a block ends",
            keeper::ENDED_BLOCK_MAX as u64,
        ),
        ("gas of verifying evidence", evidence::EVIDENCE_GAS),
        ("gas of verifying collateral", evidence::COLLATERAL_GAS),
        ("gas of a share, of a possession", join::SECRETS_GAS),
        ("bytes of a policy", msg::POLICY_BYTES_MAX as u64),
        ("validators", poa::keeper::VALIDATORS_MAX),
        ("bytes of a moniker", poa::keeper::MONIKER_BYTES_MAX as u64),
        (
            "seconds to renew under a policy that refuses",
            review::RECALL_S,
        ),
        (
            "nodes that a block holds against a new policy",
            review::REVIEWED_BLOCK_MAX as u64,
        ),
        (
            "seconds in which expiry takes a third at most",
            poa::keeper::WINDOW_S,
        ),
    ];
    for (name, value) in limits {
        assert_eq!(
            cell(page, &format!("| {name} |")),
            value.to_string(),
            "{name}"
        );
    }
    let ours = error::ALL.iter().filter(|e| e.code > 100);
    for e in ours.chain(poa::error::ALL) {
        let begins = format!("| {} {} |", e.codespace, e.code);
        assert_eq!(cell(page, &begins), format!("`{}`", e.description));
    }
    for name in state::NAMES.iter().chain(poa::state::NAMES) {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}
