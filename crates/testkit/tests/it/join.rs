//! A node joins: two enclaves that exchange nothing but what is on the chain.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use strongroom_attest::{Registration, Statement};
use strongroom_bridge::message::{Joining, Share};
use strongroom_chain::genesis::{LocalnetParams, NetworkKeys, localnet_genesis, parse};
use strongroom_chain::modules::SimulationPolicy;
use strongroom_chain::modules::registration::genesis::Genesis;
use strongroom_chain::modules::registration::keeper::key_proof_bytes;
use strongroom_chain::modules::registration::state::{SHARES, node_id};
use strongroom_crypto::ed25519::SecretKey;
use strongroom_node::app::Stores;
use strongroom_node::enclave::Enclave;
use strongroom_node::node::{Layout, enclave, open_stores};
use strongroom_proof::comet::{Commit, Header};
use strongroom_proof::light::skipping::LightBlock;
use strongroom_store::ExtraKey;
use strongroom_testkit::{Chain, Door, Seeded, User};
use strongroom_types::proto::strongroom::registration::v1 as pb;
use strongroom_types::proto::{Message, Name};
use strongroom_types::{Address, Hash, Height, Timestamp, WriteSet};

/// A machine beside the network: an enclave of its own, stores of its own, no seed.
struct Joiner {
    way: Enclave,
    stores: Stores,
    node_key: SecretKey,
    consensus_key: SecretKey,
    _directory: tempfile::TempDir,
}

impl Joiner {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let stores = open_stores(&Layout(directory.path().to_owned())).unwrap();
        // Another randomness than the network's.
        let way = enclave(Arc::new(Door::open(Seeded(99))), &stores);
        Self {
            way,
            stores,
            node_key: SecretKey::from_seed(&[31; 32]),
            consensus_key: SecretKey::from_seed(&[32; 32]),
            _directory: directory,
        }
    }

    fn id(&self) -> String {
        hex::encode(node_id(&self.node_key.public()))
    }

    fn begin(&self, chain: &Chain, operator: &Address) -> Joining {
        let genesis = chain.genesis().bytes().to_vec();
        let operator = operator.as_bytes().try_into().unwrap();
        let (node, consensus) = (self.node_key.public(), self.consensus_key.public());
        let begun = self.way.join_begin(genesis, operator, node, consensus);
        begun.unwrap()
    }

    fn register(&self, chain: &Chain, operator: &Address, begun: &Joining) -> pb::MsgRegisterNode {
        let statement = Statement::Registration(Registration {
            chain_id: chain.options().chain_id.clone(),
            genesis_hash: chain.genesis().hash(),
            one_time_key: begun.one_time_key,
            node_key: self.node_key.public(),
            consensus_key: self.consensus_key.public(),
            operator: operator.as_bytes().try_into().unwrap(),
            enclave_version: begun.enclave_version,
        });
        let bytes = key_proof_bytes(&statement);
        pb::MsgRegisterNode {
            operator: operator.to_string(),
            evidence: begun.evidence.clone(),
            one_time_key: begun.one_time_key.to_vec(),
            node_key: self.node_key.public().to_vec(),
            consensus_key: self.consensus_key.public().to_vec(),
            enclave_version: begun.enclave_version,
            node_signature: self.node_key.sign(&bytes).to_vec(),
            consensus_signature: self.consensus_key.sign(&bytes).to_vec(),
        }
    }

    /// Executes every block of the chain from genesis; gives the app hash.
    fn follow(&self, chain: &Chain) -> Hash {
        let first = self
            .way
            .init_chain(chain.genesis().bytes().to_vec())
            .unwrap();
        let mut app_hash = self.keep(0, &first.writes, first.anchor);
        for height in 1..=chain.height() {
            let block = chain.decided_block(height);
            let result = self.way.execute_block(height, &block).unwrap();
            app_hash = self.keep(height, &result.writes, result.anchor);
            assert_eq!(app_hash, result.app_hash);
            self.way.committed(height).unwrap();
        }
        app_hash
    }

    fn keep(&self, height: Height, writes: &WriteSet, anchor: Vec<u8>) -> Hash {
        let state = &self.stores.state;
        let prepared = state.prepare(height.saturating_sub(1), height, writes);
        let prepared = prepared.unwrap();
        let app_hash = prepared.app_hash();
        state
            .commit(prepared, &[(ExtraKey::anchor(height), anchor)])
            .unwrap();
        app_hash
    }
}

/// A message of a user in a block of its own.
fn said<M: Message + Name>(chain: &mut Chain, user: &User, message: &M) {
    let tx = chain.tx().message(message).gas(1_000_000);
    let tx = chain.sign(user, &tx);
    let result = chain.block(vec![tx]).remove(0);
    assert_eq!(result.code, 0, "{}", result.log);
}

fn node(chain: &Chain, id: &str) -> pb::Node {
    let request = pb::QueryNodeRequest { node_id: id.into() };
    let answer: pb::QueryNodeResponse = chain
        .ask("/strongroom.registration.v1.Query/Node", &request)
        .unwrap();
    answer.node.unwrap()
}

#[test]
fn a_second_enclave_gets_the_seed_over_the_chain_and_executes_every_block_alike() {
    let mut chain = Chain::new();
    let operator = chain.user("b");
    let joiner = Joiner::new();
    let begun = joiner.begin(&chain, operator.address());
    let register = joiner.register(&chain, operator.address(), &begun);
    said(&mut chain, &operator, &register);
    assert_eq!(node(&chain, &joiner.id()).state(), pb::NodeState::Pending);

    // What any remote node tells: the proof of the share, and the block after it.
    let proof = chain.proof(&SHARES.raw_key(&&node_id(&joiner.node_key.public())));
    let validators = chain.state().light().validators().clone();
    chain.block(Vec::new());
    let block = chain.decided_block(chain.height());
    let light_block = LightBlock {
        header: Header::decode(&block.header).unwrap(),
        commit: Commit::decode(&block.commit).unwrap(),
        validators,
    };
    let genesis = chain.genesis().bytes().to_vec();
    let share = Share {
        entry: proof.entry,
        store: proof.store,
    };
    let opened = joiner.way.join_open(
        genesis.clone(),
        begun.one_time,
        vec![light_block.encode()],
        share,
    );
    let (seal, possession) = opened.unwrap();
    let confirm = pb::MsgConfirmNode {
        operator: operator.address().to_string(),
        node_id: joiner.id(),
        possession: possession.to_vec(),
    };
    said(&mut chain, &operator, &confirm);
    assert_eq!(
        node(&chain, &joiner.id()).state(),
        pb::NodeState::Registered
    );

    // It has the same seed: it executes the whole chain, its own registration too, to the same root.
    assert_eq!(joiner.follow(&chain).to_vec(), chain.app_hash());
    // Its running enclave gives the evidence of a renewal.
    let nonce = node(&chain, &joiner.id()).challenge.try_into().unwrap();
    let renew = pb::MsgRenewNode {
        operator: operator.address().to_string(),
        node_id: joiner.id(),
        evidence: joiner.way.attest(nonce).unwrap(),
    };
    said(&mut chain, &operator, &renew);
    assert_eq!(node(&chain, &joiner.id()).changed_height, chain.height());
    // After a restart its seal is enough.
    let again = enclave(Arc::new(Door::open(Seeded(98))), &joiner.stores);
    again.unseal(seal, genesis, Vec::new()).unwrap();
}

#[test]
fn the_enclave_that_begins_a_network_gives_the_evidence_for_its_genesis() {
    let begin = |told: &str| {
        let directory = tempfile::tempdir().unwrap();
        let stores = open_stores(&Layout(directory.path().to_owned())).unwrap();
        let way = enclave(Arc::new(Door::open(Seeded(5))), &stores);
        let keys = way.bootstrap_begin().unwrap();
        let (node_key, validator) = ([6; 32], [7; 32]);
        let evidence = way.bootstrap_attest(told.to_owned(), node_key, validator);
        let params = LocalnetParams {
            chain_id: "new-1".to_owned(),
            time: Timestamp {
                seconds: 1_700_000_000,
                nanos: 0,
            },
            validator,
            node_key,
            authority: Address::of_module("authority"),
            keys: NetworkKeys {
                io: keys.io,
                node_exchange: keys.exchange,
            },
            simulation: SimulationPolicy::Off,
        };
        let mut document = parse(&localnet_genesis(&params).unwrap()).unwrap();
        let evidence = STANDARD.encode(evidence.unwrap());
        let with = |genesis: &mut Genesis| genesis.nodes[0].evidence = Some(evidence);
        document.app_state.edit("registration", with).unwrap();
        let genesis = document.to_bytes().unwrap();
        way.bootstrap_seal(genesis.clone()).unwrap();
        way.init_chain(genesis).map(drop).map_err(|e| e.to_string())
    };
    assert_eq!(begin("new-1"), Ok(()));
    let other = begin("another-1").unwrap_err();
    assert!(other.contains("registration.nodes.evidence"), "{other}");
}
