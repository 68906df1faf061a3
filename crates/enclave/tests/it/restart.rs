//! Restarts: what the enclave stands on again, and what it does not accept to stand on.

use crate::blocks::{Secret, with_contract};
use crate::node::{Node, failure_of, honest, time};
use crate::user::User;
use strongroom_bridge::message::BlockResult;
use strongroom_bridge::{EnclaveRequest, FailureCode, HostResponse, Proven, Reply, Request};
use strongroom_consensus::solo::Content;
use strongroom_types::{Address, RawTx};

/// A chain of four blocks with the result of each but the first two.
fn chain() -> (Secret, Vec<BlockResult>) {
    let mut secret = with_contract();
    let results = ["b25l", "dHdv"].map(|word| {
        let tx = secret.keep(word);
        secret.node.block(vec![tx])
    });
    (secret, results.to_vec())
}

fn execute(node: &Node, height: usize) -> BlockResult {
    node.execute(&node.blocks[height - 1], &honest).unwrap()
}

#[test]
fn the_last_block_is_replayed_to_the_same_bytes_and_the_chain_goes_on() {
    let (mut secret, results) = chain();
    let status = secret.node.restart(2).unwrap();
    assert_eq!((status.executed, status.committed), (Some(3), None));
    assert_eq!(status.keys.as_ref(), Some(&secret.node.keys));
    assert_eq!(
        failure_of(secret.node.committed(3)).code,
        FailureCode::NotReady,
        "queries never go backwards"
    );
    assert_eq!(execute(&secret.node, 4), results[1]);
    secret.node.committed(4).unwrap();
    assert_eq!(secret.ask(), b"two");
    let tx = secret.keep("dGhyZWU=");
    secret.node.block(vec![tx]);
    assert_eq!(secret.ask(), b"three");
}

#[test]
fn a_chain_restarts_at_genesis_and_after_its_first_block() {
    let user = User::new();
    let mut node = Node::begin(|params| user.genesis(params));
    assert_eq!(node.restart(1).unwrap().executed, Some(0));
    node.committed(0).unwrap();
    let first = node.block(Vec::new());
    assert_eq!(node.restart(2).unwrap().executed, Some(0));
    assert_eq!(execute(&node, 1), first);
}

#[test]
fn all_blocks_replay_from_genesis_to_the_same_bytes() {
    let (mut secret, results) = chain();
    secret.node.restart_with(Vec::new()).unwrap();
    let reply = secret.node.call(
        Request::InitChain {
            genesis: secret.node.genesis.clone(),
        },
        &honest,
    );
    assert_eq!(reply, Ok(Reply::Chain(Box::new(secret.node.chain.clone()))));
    for height in 1..=4 {
        let result = execute(&secret.node, height);
        assert_eq!(result.anchor, secret.node.anchors[height]);
        assert!(height < 3 || result == results[height - 3]);
        secret.node.committed(height as u64).unwrap();
    }
}

#[test]
fn a_consistent_older_copy_only_repeats_what_the_chain_already_has() {
    let (mut secret, results) = chain();
    secret
        .node
        .restart_with(secret.node.anchors[1..=2].to_vec())
        .unwrap();
    execute(&secret.node, 2);
    secret.node.committed(2).unwrap();
    assert_eq!(execute(&secret.node, 3), results[0]);
}

#[test]
fn another_block_in_place_of_the_last_one_stops_the_enclave() {
    let mut user = User::new();
    let mut node = Node::begin(|params| user.genesis(params));
    // The operator of a Solo chain can sign two blocks of one height; the anchor remembers which one was executed.
    let there = Content::from(RawTx::list([user.send(&Address::of_module("there"), 5)]));
    let there = node.fork().propose(there, time(1), time(2)).unwrap();
    node.block(Vec::new());
    node.restart(2).unwrap();
    let failure = failure_of(node.execute(&there, &honest));
    assert_eq!(failure.code, FailureCode::Anchor);
    assert!(failure.text.contains("replay"), "{failure}");
    assert_eq!(failure_of(node.execute(&node.blocks[0], &honest)), failure);
}

#[test]
fn an_older_database_beside_a_newer_anchor_stops_the_enclave() {
    let (mut secret, _) = chain();
    secret.node.restart(2).unwrap();
    let old = secret.node.store.view(2).unwrap();
    let old = |ask: &EnclaveRequest, answer| match ask {
        EnclaveRequest::Get { tree, key, .. } => {
            let (value, proof) = old.prove(*tree, key).unwrap();
            HostResponse::Proven(Proven {
                value,
                proof: proof.encode(),
            })
        }
        _ => answer,
    };
    let failure = failure_of(secret.node.execute(&secret.node.blocks[3], &old));
    assert_eq!(failure.code, FailureCode::Proof);
    assert!(
        failure
            .text
            .contains("at height 3: the proof does not lead to the root"),
        "{failure}"
    );
}

#[test]
fn anchors_that_are_not_two_in_a_row_are_refused() {
    let (mut secret, _) = chain();
    let a = secret.node.anchors.clone();
    let mut torn = a[4].clone();
    *torn.last_mut().unwrap() ^= 1;
    for anchors in [
        vec![a[4].clone(), a[3].clone()],
        vec![a[2].clone(), a[4].clone()],
        vec![a[3].clone(), a[3].clone()],
        vec![torn],
        vec![Vec::new()],
        vec![secret.node.seal.clone()],
    ] {
        let failure = failure_of(secret.node.restart_with(anchors));
        assert_eq!(failure.code, FailureCode::Anchor, "{failure}");
    }
}

#[test]
fn a_seal_that_was_changed_does_not_open() {
    let user = User::new();
    let mut node = Node::begin(|params| user.genesis(params));
    *node.seal.last_mut().unwrap() ^= 1;
    assert_eq!(failure_of(node.restart(1)).code, FailureCode::Seal);
    node.seal.clear();
    assert_eq!(failure_of(node.restart(1)).code, FailureCode::Seal);
}

#[test]
fn the_anchor_of_another_chain_is_refused() {
    let user = User::new();
    let mut node = Node::begin(|params| user.genesis(params));
    let other = Node::begin(|params| user.genesis(params));
    let failure = failure_of(node.restart_with(other.anchors.clone()));
    assert_eq!(failure.code, FailureCode::OtherGenesis);
    assert!(
        failure.text.contains("the sealed anchor: another genesis"),
        "{failure}"
    );
}
