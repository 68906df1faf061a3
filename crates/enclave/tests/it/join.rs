//! A second enclave joins: it registers on chain, opens its share, executes the chain from the first block and is confirmed.

use crate::node::{Node, enclave, failure_of, honest};
use crate::user::User;
use std::sync::Arc;
use strongroom_attest::{Registration, Statement};
use strongroom_bridge::message::{Joining, Share};
use strongroom_bridge::{DoorError, EnclaveRequest, FailureCode, Reply, Request, Transport};
use strongroom_chain::modules::registration::keeper::key_proof_bytes;
use strongroom_chain::modules::registration::state::{SHARES, node_id};
use strongroom_crypto::ed25519::SecretKey;
use strongroom_proof::comet::{Commit, Header, ValidatorSet};
use strongroom_proof::ics23::StoreProof;
use strongroom_proof::light::skipping::LightBlock;
use strongroom_types::proto::pack;
use strongroom_types::proto::strongroom::registration::v1::{MsgConfirmNode, MsgRegisterNode};
use strongroom_types::{Height, Tree, sha256};

/// A machine that wants to join.
struct Joiner {
    door: Arc<dyn Transport>,
    node: SecretKey,
    consensus: SecretKey,
    joining: Joining,
}

fn call(door: &Arc<dyn Transport>, request: Request) -> Result<Reply, DoorError> {
    door.call(request, &mut |_: EnclaveRequest| panic!("nothing to ask"))
}

impl Joiner {
    fn begin(network: &Node, operator: &User, name: u8) -> Self {
        let door = enclave();
        let node = SecretKey::from_seed(&[name; 32]);
        let consensus = SecretKey::from_seed(&[name + 100; 32]);
        let request = Request::JoinBegin {
            genesis: network.genesis.clone(),
            operator: operator.address.as_bytes().try_into().unwrap(),
            node_key: node.public(),
            consensus_key: consensus.public(),
        };
        let reply = call(&door, request);
        let Ok(Reply::Joining(joining)) = reply else {
            panic!("{reply:?}")
        };
        Self {
            door,
            node,
            consensus,
            joining,
        }
    }

    fn id(&self) -> [u8; 20] {
        node_id(&self.node.public())
    }

    fn register(&self, network: &Node, operator: &mut User) -> Vec<u8> {
        let statement = Statement::Registration(Registration {
            chain_id: crate::node::CHAIN_ID.to_owned(),
            genesis_hash: sha256(&network.genesis),
            one_time_key: self.joining.one_time_key,
            node_key: self.node.public(),
            consensus_key: self.consensus.public(),
            operator: operator.address.as_bytes().try_into().unwrap(),
            enclave_version: self.joining.enclave_version,
        });
        let bound = key_proof_bytes(&statement);
        operator.sign(pack(&MsgRegisterNode {
            operator: operator.address.to_string(),
            evidence: self.joining.evidence.clone(),
            one_time_key: self.joining.one_time_key.to_vec(),
            node_key: self.node.public().to_vec(),
            consensus_key: self.consensus.public().to_vec(),
            enclave_version: self.joining.enclave_version,
            node_signature: self.node.sign(&bound).to_vec(),
            consensus_signature: self.consensus.sign(&bound).to_vec(),
        }))
    }

    fn confirm(&self, operator: &mut User, possession: [u8; 32]) -> Vec<u8> {
        operator.sign(pack(&MsgConfirmNode {
            operator: operator.address.to_string(),
            node_id: hex(&self.id()),
            possession: possession.to_vec(),
        }))
    }

    fn open(&self, network: &Node, height: Height, id: [u8; 20]) -> Request {
        Request::JoinOpen {
            genesis: network.genesis.clone(),
            one_time: self.joining.one_time.clone(),
            light_blocks: vec![light_block(network, height + 1)],
            share: share(network, height, id),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a remote node answers to `commit` and `validators`.
fn light_block(network: &Node, height: Height) -> Vec<u8> {
    let block = &network.blocks[usize::try_from(height - 1).unwrap()];
    LightBlock {
        header: Header::decode(&block.header).unwrap(),
        commit: Commit::decode(&block.commit).unwrap(),
        validators: ValidatorSet::from_updates(&network.chain.validators).unwrap(),
    }
    .encode()
}

/// What a remote node answers to `abci_query` of a share.
fn share(network: &Node, height: Height, id: [u8; 20]) -> Share {
    let view = network.store.view(height).unwrap();
    let entry = view.prove_to_clients(Tree::Native, &SHARES.raw_key(&&id));
    let proof = StoreProof::new(&entry.unwrap(), Tree::Native, &view.roots());
    Share {
        entry: proof.entry,
        store: proof.store,
    }
}

fn succeeded(network: &mut Node, tx: Vec<u8>) {
    let result = network.block(vec![tx]).tx_results.remove(0);
    assert_eq!(result.code, 0, "{}", result.log);
}

#[test]
fn a_node_registers_opens_its_share_executes_the_chain_and_is_confirmed() {
    let mut user = User::new();
    let mut network = Node::begin(|params| user.genesis(params));
    let joiner = Joiner::begin(&network, &user, 40);
    let register = joiner.register(&network, &mut user);
    succeeded(&mut network, register);
    let height = network.height();
    network.block(Vec::new());
    let reply = call(&joiner.door, joiner.open(&network, height, joiner.id()));
    let Ok(Reply::Joined { seal, possession }) = reply else {
        panic!("{reply:?}")
    };
    // From genesis on it executes what was decided, and reaches the same states.
    let (door, genesis) = (Arc::clone(&joiner.door), network.genesis.clone());
    let mut second = Node::at_genesis(door, genesis, seal, network.keys.clone());
    for block in network.blocks.clone() {
        second.follow(block);
    }
    assert_eq!(second.anchors, network.anchors);
    // Confirmed by what only a holder of the seed can say, and by nothing else.
    let guessed = joiner.confirm(&mut user, [1; 32]);
    let result = network.block(vec![guessed]).tx_results.remove(0);
    assert_ne!(result.code, 0);
    second.follow(network.blocks.last().unwrap().clone());
    let confirm = joiner.confirm(&mut user, possession);
    succeeded(&mut network, confirm);
    second.follow(network.blocks.last().unwrap().clone());
    assert_eq!(second.anchors, network.anchors);
    // It comes back from its own seal.
    second.restart(2).unwrap();
    let last = network.blocks.last().unwrap();
    let again = second.execute(last, &honest).unwrap();
    assert_eq!(again.anchor, *network.anchors.last().unwrap());
}

#[test]
fn the_share_of_one_node_opens_for_no_other_and_not_for_a_later_registration() {
    let mut user = User::new();
    let mut network = Node::begin(|params| user.genesis(params));
    let joiner = Joiner::begin(&network, &user, 40);
    let register = joiner.register(&network, &mut user);
    succeeded(&mut network, register);
    let height = network.height();
    network.block(Vec::new());
    let refused = |joiner: &Joiner, id: [u8; 20]| {
        let failure = failure_of(call(&joiner.door, joiner.open(&network, height, id)));
        assert_eq!(failure.code, FailureCode::Join, "{failure}");
        failure.text
    };
    let other = Joiner::begin(&network, &user, 41);
    assert!(refused(&other, joiner.id()).starts_with("proof.key"));
    assert!(refused(&other, other.id()).starts_with("share.absent"));
    let again = Joiner::begin(&network, &user, 40);
    assert!(refused(&again, again.id()).starts_with("share.closed"));
    // The one that it was made for still takes it.
    let reply = call(&joiner.door, joiner.open(&network, height, joiner.id()));
    assert!(matches!(reply, Ok(Reply::Joined { .. })), "{reply:?}");
}
