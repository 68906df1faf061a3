//! Lying hosts: each lie stops the enclave, which says what failed, and nothing of the block has left it.

use crate::blocks::{SECRET_QUERY, Secret, with_contract};
use crate::node::{Node, enclave, failure_of, honest, time};
use crate::user::User;
use strongroom_bridge::{
    DoorError, EnclaveRequest, Failure, FailureCode, HostResponse, Proven, Reply, Request,
};
use strongroom_chain::genesis;
use strongroom_consensus::solo::{Content, Proposer};
use strongroom_consensus::{GenesisFile, InitChain, Signer};
use strongroom_proof::comet::{Commit, CommitSig, Header};
use strongroom_types::GenesisValidator;
use strongroom_types::{Address, DecidedBlock, Tree, ValidatorUpdate};

/// The enclave refused with this code and words, and refuses everything else from now on.
fn stopped<T: std::fmt::Debug>(
    node: &Node,
    outcome: Result<T, DoorError>,
    code: FailureCode,
    words: &str,
) -> Failure {
    let failure = failure_of(outcome);
    assert_eq!(failure.code, code, "{failure}");
    assert!(
        failure.text.contains(words),
        "{failure} does not say {words:?}"
    );
    assert_eq!(node.status().stopped, Some(failure.clone()));
    for request in [
        Request::Committed {
            height: node.height() + 1,
        },
        Request::Query {
            path: SECRET_QUERY.to_owned(),
            data: Vec::new(),
        },
        Request::InitChain {
            genesis: node.genesis.clone(),
        },
        Request::Attest { nonce: [0; 32] },
    ] {
        assert_eq!(failure_of(node.call(request, &honest)), failure);
    }
    failure
}

/// A chain with a contract at height 3, whose enclave has just been restarted and knows nothing but the roots, and the
/// next block, which calls the contract.
fn blind() -> (Secret, DecidedBlock) {
    let mut secret = with_contract();
    let tx = secret.keep("b25l");
    secret.node.block(vec![tx]);
    let tx = secret.keep("dHdv");
    let block = secret.node.propose(vec![tx]);
    secret.node.restart(1).unwrap();
    (secret, block)
}

/// A host that answers with `lie` whenever `when` says so.
fn lying(
    when: fn(&EnclaveRequest) -> bool,
    lie: impl Fn(&Node, &EnclaveRequest, HostResponse) -> HostResponse,
    code: FailureCode,
    words: &str,
) {
    let (secret, block) = blind();
    let node = &secret.node;
    let outcome = node.execute(&block, &|ask, answer| {
        if when(ask) {
            lie(node, ask, answer)
        } else {
            answer
        }
    });
    let failure = stopped(node, outcome, code, words);
    assert_eq!(
        failure_of(node.execute(&block, &honest)),
        failure,
        "also the truth comes too late"
    );
}

fn any_get(ask: &EnclaveRequest) -> bool {
    matches!(ask, EnclaveRequest::Get { .. })
}

#[test]
fn a_stale_value_with_its_stale_proof_stops_the_enclave() {
    let stale = |node: &Node, ask: &EnclaveRequest, _| {
        let EnclaveRequest::Get { height, tree, key } = ask else {
            unreachable!()
        };
        let (value, proof) = node
            .store
            .view(height - 1)
            .unwrap()
            .prove(*tree, key)
            .unwrap();
        HostResponse::Proven(Proven {
            value,
            proof: proof.encode(),
        })
    };
    lying(
        any_get,
        stale,
        FailureCode::Proof,
        "at height 3: the proof does not lead to the root",
    );
}

#[test]
fn a_stale_value_with_a_fresh_proof_stops_the_enclave() {
    let when = |ask: &EnclaveRequest| {
        matches!(
            ask,
            EnclaveRequest::Get {
                tree: Tree::Contract,
                ..
            } | EnclaveRequest::Get {
                tree: Tree::Native,
                ..
            }
        )
    };
    let stale = |node: &Node, ask: &EnclaveRequest, answer| {
        let (EnclaveRequest::Get { height, tree, key }, HostResponse::Proven(fresh)) =
            (ask, &answer)
        else {
            unreachable!()
        };
        let value = node
            .store
            .view(height - 1)
            .unwrap()
            .get(*tree, key)
            .unwrap();
        if value == fresh.value {
            answer
        } else {
            HostResponse::Proven(Proven {
                value,
                proof: fresh.proof.clone(),
            })
        }
    };
    lying(
        when,
        stale,
        FailureCode::Proof,
        "the value is not the proven one",
    );
}

#[test]
fn absent_for_a_present_key_stops_the_enclave() {
    let absent = |_: &Node, _: &EnclaveRequest, answer| match answer {
        HostResponse::Proven(entry) => HostResponse::Proven(Proven {
            value: None,
            ..entry
        }),
        _ => unreachable!(),
    };
    lying(
        any_get,
        absent,
        FailureCode::Proof,
        "the value is not the proven one",
    );
}

#[test]
fn the_proof_of_another_keys_absence_stops_the_enclave() {
    let absent = |node: &Node, ask: &EnclaveRequest, _| {
        let EnclaveRequest::Get { height, tree, .. } = ask else {
            unreachable!()
        };
        let (value, proof) = node
            .store
            .view(*height)
            .unwrap()
            .prove(*tree, b"nothing is here")
            .unwrap();
        assert_eq!(value, None);
        HostResponse::Proven(Proven {
            value,
            proof: proof.encode(),
        })
    };
    lying(any_get, absent, FailureCode::Proof, "get native");
}

#[test]
fn a_wrong_proof_stops_the_enclave() {
    let wrong = |_: &Node, _: &EnclaveRequest, answer| match answer {
        HostResponse::Proven(mut entry) => {
            let last = entry.proof.len() - 1;
            entry.proof[last] ^= 1;
            HostResponse::Proven(entry)
        }
        _ => unreachable!(),
    };
    lying(any_get, wrong, FailureCode::Proof, "proof");
}

#[test]
fn a_proof_that_is_no_proof_stops_the_enclave() {
    let garbage = |_: &Node, _: &EnclaveRequest, _| {
        HostResponse::Proven(Proven {
            value: None,
            proof: vec![9; 9],
        })
    };
    lying(any_get, garbage, FailureCode::Proof, "malformed");
}

#[test]
fn wrong_paths_for_the_writes_stop_the_enclave() {
    let when = |ask: &EnclaveRequest| matches!(ask, EnclaveRequest::GetForWrite { .. });
    let wrong = |node: &Node, ask: &EnclaveRequest, _| {
        let EnclaveRequest::GetForWrite { height, paths } = ask else {
            unreachable!()
        };
        let old = node.store.view(height - 1).unwrap();
        HostResponse::Paths(
            paths
                .iter()
                .map(|(t, k)| old.prove_path(*t, k).unwrap().encode())
                .collect(),
        )
    };
    lying(when, wrong, FailureCode::Proof, "get_for_write contract");
    let fewer = |_: &Node, _: &EnclaveRequest, _| HostResponse::Paths(Vec::new());
    lying(when, fewer, FailureCode::Answer, "another number of proofs");
}

#[test]
fn wrong_code_bytes_stop_the_enclave() {
    let when = |ask: &EnclaveRequest| matches!(ask, EnclaveRequest::GetCode { .. });
    let wrong = |node: &Node, _: &EnclaveRequest, _| {
        let mut wasm = node.content.values().next().unwrap().clone();
        *wasm.last_mut().unwrap() ^= 1;
        HostResponse::Code(Some(wasm))
    };
    lying(when, wrong, FailureCode::Content, "other bytes");
}

#[test]
fn an_answer_to_another_question_stops_the_enclave() {
    lying(
        any_get,
        |_, _, _| HostResponse::Code(None),
        FailureCode::Answer,
        "get was answered with something else",
    );
}

/// A block that the host changed after it was decided.
fn tampered(change: fn(&mut DecidedBlock), words: &str) {
    let (secret, mut block) = blind();
    change(&mut block);
    let untouched =
        |_: &EnclaveRequest, _| panic!("nothing is asked for a block that was not decided");
    stopped(
        &secret.node,
        secret.node.execute(&block, &untouched),
        FailureCode::Block,
        words,
    );
}

#[test]
fn a_forged_header_stops_the_enclave() {
    tampered(
        |block| {
            let mut header = Header::decode(&block.header).unwrap();
            header.time.nanos += 1;
            block.header = header.encode();
        },
        "light.commit_block_id",
    );
    tampered(
        |block| {
            let mut header = Header::decode(&block.header).unwrap();
            header.height += 1;
            block.header = header.encode();
        },
        "light.height",
    );
    tampered(|block| block.header.truncate(20), "light.header");
}

#[test]
fn a_commit_below_two_thirds_stops_the_enclave() {
    tampered(
        |block| {
            let mut commit = Commit::decode(&block.commit).unwrap();
            commit.signatures = vec![CommitSig::Absent];
            block.commit = commit.encode();
        },
        "light.power",
    );
}

#[test]
fn a_forged_signature_stops_the_enclave() {
    tampered(
        |block| {
            let mut commit = Commit::decode(&block.commit).unwrap();
            let CommitSig::Commit(vote) = &mut commit.signatures[0] else {
                panic!()
            };
            vote.signature[3] ^= 1;
            block.commit = commit.encode();
        },
        "light.signature",
    );
}

#[test]
fn other_transactions_than_decided_stop_the_enclave() {
    tampered(|block| block.txs.clear(), "light.data_hash");
    tampered(
        |block| block.txs.push(b"one more".to_vec().into()),
        "light.data_hash",
    );
    let one_bit = |block: &mut DecidedBlock| {
        let mut tx = block.txs[0].to_vec();
        tx[30] ^= 1;
        block.txs[0] = tx.into();
    };
    tampered(one_bit, "light.data_hash");
}

#[test]
fn another_last_commit_or_evidence_than_decided_stops_the_enclave() {
    tampered(
        |block| block.last_commit.clone_from(&block.commit),
        "light.last_commit_hash",
    );
    tampered(|block| block.last_commit.clear(), "light.last_commit");
    tampered(|block| block.evidence = vec![10, 0], "light.evidence");
}

#[test]
fn a_decided_header_with_another_state_than_ours_stops_the_enclave() {
    let user = User::new();
    let node = Node::begin(|params| user.genesis(params));
    let document = GenesisFile::parse(node.genesis.clone()).unwrap();
    let params = node.chain.consensus_params.clone().into();
    let decided = |app_hash: Vec<u8>, params| {
        let init = InitChain {
            app_hash,
            validators: Vec::new(),
            consensus_params: Some(params),
        };
        let mut other =
            Proposer::genesis(&document, &init, 0, Signer::in_memory(&[5; 32])).unwrap();
        other.propose(Content::default(), time(1), time(2)).unwrap()
    };
    let block = decided(vec![7; 32], params);
    stopped(
        &node,
        node.execute(&block, &honest),
        FailureCode::Block,
        "light.app_hash",
    );
}

#[test]
fn a_block_of_other_validators_stops_the_enclave() {
    let user = User::new();
    let node = Node::begin(|params| user.genesis(params));
    let intruder = Signer::in_memory(&[6; 32]);
    let validator = ValidatorUpdate {
        pubkey: intruder.pubkey(),
        power: 100_000_000_000,
    };
    let mut genesis = genesis::parse(&node.genesis).unwrap();
    genesis.validators = vec![GenesisValidator::new(&validator, "intruder")];
    let document = GenesisFile::parse(genesis.to_bytes().unwrap()).unwrap();
    let params = node.chain.consensus_params.clone().into();
    let init = InitChain {
        app_hash: node.chain.app_hash.to_vec(),
        validators: Vec::new(),
        consensus_params: Some(params),
    };
    let mut other = Proposer::genesis(&document, &init, 0, intruder).unwrap();
    let block = other.propose(Content::default(), time(1), time(2)).unwrap();
    stopped(
        &node,
        node.execute(&block, &honest),
        FailureCode::Block,
        "light.validators_hash",
    );
}

#[test]
fn the_same_block_twice_stops_the_enclave() {
    let user = User::new();
    let mut node = Node::begin(|params| user.genesis(params));
    node.block(Vec::new());
    let again = node.blocks[0].clone();
    stopped(
        &node,
        node.execute(&again, &honest),
        FailureCode::Block,
        "light.height",
    );
}

#[test]
fn another_genesis_with_the_same_seal_stops_the_enclave() {
    let user = User::new();
    let mut node = Node::begin(|params| user.genesis(params));
    node.block(Vec::new());
    let mut other = node.genesis.clone();
    other.push(b'\n');
    node.door = enclave();
    let request = Request::Unseal {
        seal: node.seal.clone(),
        genesis: other.clone(),
        anchors: Vec::new(),
    };
    stopped(
        &node,
        node.call(request, &honest),
        FailureCode::OtherGenesis,
        "the seal of the seed: another genesis",
    );

    // Nor by the back door: the right file to unseal, another one to begin the chain.
    node.restart_with(Vec::new()).unwrap();
    let outcome = node.call(Request::InitChain { genesis: other }, &honest);
    stopped(
        &node,
        outcome,
        FailureCode::OtherGenesis,
        "another genesis file",
    );
}

#[test]
fn a_lie_to_a_query_stops_the_enclave_and_answers_nothing() {
    let (mut secret, _) = blind();
    secret.node.committed(3).unwrap();
    let (data, _) = secret.request();
    let absent = |_: &EnclaveRequest, answer| match answer {
        HostResponse::Proven(entry) => HostResponse::Proven(Proven {
            value: None,
            ..entry
        }),
        other => other,
    };
    let outcome = secret.node.query(SECRET_QUERY, data, &absent);
    stopped(
        &secret.node,
        outcome,
        FailureCode::Proof,
        "the value is not the proven one",
    );
}

#[test]
fn an_older_database_under_a_running_enclave_stops_it() {
    let mut user = User::new();
    let mut node = Node::begin(|params| user.genesis(params));
    node.block(vec![user.send(&Address::of_module("first"), 1)]);
    node.block(vec![user.send(&Address::of_module("second"), 1)]);
    let block = node.propose(vec![user.send(&Address::of_module("third"), 1)]);
    node.restart(1).unwrap();
    node.execute(&block, &honest).unwrap();
    // The enclave is warm; the host puts yesterday's database under it.
    let yesterday = node.store.view(1).unwrap();
    node.committed(3).unwrap();
    let data = balance_request(&Address::of_module("first"));
    let old = |ask: &EnclaveRequest, _| {
        let EnclaveRequest::Get { tree, key, .. } = ask else {
            unreachable!()
        };
        let (value, proof) = yesterday.prove(*tree, key).unwrap();
        HostResponse::Proven(Proven {
            value,
            proof: proof.encode(),
        })
    };
    let outcome = node.query("/cosmos.bank.v1beta1.Query/AllBalances", data, &old);
    stopped(
        &node,
        outcome,
        FailureCode::Proof,
        "the proof does not lead to the root",
    );
}

pub(crate) fn balance_request(address: &Address) -> Vec<u8> {
    use prost::Message as _;
    use strongroom_types::proto::cosmos::bank::v1beta1::QueryAllBalancesRequest;
    QueryAllBalancesRequest {
        address: address.to_string(),
        ..Default::default()
    }
    .encode_to_vec()
}

#[test]
fn an_honest_host_is_served_whatever_came_before_its_block() {
    let (secret, block) = blind();
    let Ok(Reply::Block(result)) = secret.node.call(
        Request::ExecuteBlock {
            block,
            hints: Vec::new(),
            exceptions: Vec::new(),
        },
        &honest,
    ) else {
        panic!()
    };
    assert_eq!(result.tx_results[0].code, 0);
    assert_eq!(secret.node.status().stopped, None);
}
