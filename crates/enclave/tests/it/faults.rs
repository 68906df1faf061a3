//! A decided block that faults in spite of everything: which transaction it was, and the way past it.

use crate::node::{Node, failure_of, honest};
use crate::user::User;
use strongroom_bridge::message::TxAt;
use strongroom_bridge::{DoorError, EnclaveRequest, FailureCode, HostResponse, Reply, Request};
use strongroom_types::error::chain::LEFT_OUT;
use strongroom_types::{Address, DecidedBlock, sha256};

/// A chain whose next block faults in its second transaction, as long as the host breaks what that one reads.
fn broken_block() -> (Node, DecidedBlock, Vec<u8>) {
    let mut user = User::new();
    let mut node = Node::begin(|params| user.genesis(params));
    let tx = user.send(&Address::of_module("somebody"), 5);
    let block = node.propose(vec![b"no transaction".to_vec(), tx.clone()]);
    node.restart(1).unwrap();
    node.committed(0).unwrap();
    (node, block, tx)
}

/// Breaks every read of an account, which nothing but that transaction does.
fn breaking() -> impl Fn(&EnclaveRequest, HostResponse) -> HostResponse {
    |ask, answer| match (ask, answer) {
        (EnclaveRequest::Get { key, .. }, HostResponse::Proven(mut entry))
            if key.starts_with(b"auth/account/") =>
        {
            entry.value = Some(b"something else".to_vec());
            HostResponse::Proven(entry)
        }
        (_, answer) => answer,
    }
}

#[test]
fn a_fault_names_height_index_and_hash_of_the_transaction_that_ran() {
    let (node, block, tx) = broken_block();
    let failure = failure_of(node.execute(&block, &breaking()));
    assert_eq!(failure.code, FailureCode::Proof);
    let at = TxAt {
        height: 1,
        index: 1,
        hash: sha256(&tx),
    };
    assert_eq!(failure.tx, Some(at));
    let text = failure.to_string();
    assert!(text.contains("height 1, transaction 1 "), "{text}");
    assert_eq!(node.status().stopped, Some(failure));
    // A failure outside of the transactions names none.
    let (node, mut block, _) = broken_block();
    block.txs.pop();
    assert_eq!(failure_of(node.execute(&block, &honest)).tx, None);
}

#[test]
fn what_the_operator_leaves_out_pays_nothing_and_touches_nothing_and_the_chain_goes_on() {
    let (mut node, block, tx) = broken_block();
    let left_out = vec![sha256(&tx)];
    // The same host as above: nothing of that transaction is read.
    let result = node
        .execute_without(&block, left_out.clone(), &breaking())
        .unwrap();
    let told = &result.tx_results[1];
    assert_eq!(
        (told.codespace.as_str(), told.code),
        (LEFT_OUT.codespace, LEFT_OUT.code)
    );
    assert_eq!((told.gas_used, told.gas_wanted), (0, 0));
    assert!(told.events.is_empty() && result.writes.0.is_empty());
    node.keep(block, &result);
    node.committed(1).unwrap();
    // Its sequence was not used: the same bytes are good in the next block.
    let next = node.block(vec![tx]);
    assert_eq!(next.tx_results[0].code, 0, "{}", next.tx_results[0].log);

    // A replay must leave out the same.
    let replay = |node: &mut Node, exceptions| -> Result<Vec<u8>, DoorError> {
        node.restart_with(Vec::new())?;
        let genesis = node.genesis.clone();
        let reply = node.call(Request::InitChain { genesis }, &honest)?;
        assert!(matches!(reply, Reply::Chain(_)));
        let first = node.execute_without(&node.blocks[0], exceptions, &honest)?;
        node.committed(1)?;
        assert_eq!(first.tx_results[0], result.tx_results[0]);
        Ok(node.execute(&node.blocks[1], &honest)?.anchor)
    };
    assert_eq!(replay(&mut node, left_out), Ok(node.anchors[2].clone()));
    let failure = failure_of(replay(&mut node, Vec::new()));
    assert_eq!(failure.code, FailureCode::Block, "{failure}");
    assert!(failure.text.contains("light.app_hash"), "{failure}");
}
