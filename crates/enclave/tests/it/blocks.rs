//! Honest blocks: bootstrap, execution, queries.

use crate::contract;
use crate::node::{Node, enclave, failure_of, honest};
use crate::user::User;
use prost::Message as _;
use strongroom_attest::{Collateral, Evidence, Policy, Statement, Verdict, judge};
use strongroom_bridge::message::Hint;
use strongroom_bridge::{EnclaveRequest, FailureCode, Proven, Reply, Request};
use strongroom_chain::genesis::LocalnetParams;
use strongroom_chain::modules::SimulationPolicy;
use strongroom_chain::query::QueryError;
use strongroom_crypto::io::TxKey;
use strongroom_types::proto::cosmos::base::abci::v1beta1::TxMsgData;
use strongroom_types::proto::secret::compute::v1beta1::{
    MsgInstantiateContractResponse, QuerySecretContractResponse,
};
use strongroom_types::{Address, Tree};

pub(crate) const SECRET_QUERY: &str = "/secret.compute.v1beta1.Query/QuerySecretContract";

/// A chain with a contract that keeps messages: code stored in block 1, instantiated in block 2.
pub(crate) struct Secret {
    pub(crate) node: Node,
    pub(crate) user: User,
    pub(crate) wasm: Vec<u8>,
    pub(crate) contract: Address,
}

pub(crate) fn with_contract() -> Secret {
    with_contract_where(SimulationPolicy::Off)
}

/// The same on a network with this policy.
pub(crate) fn with_contract_where(simulation: SimulationPolicy) -> Secret {
    let mut user = User::new();
    let mut node = Node::begin(|params| {
        user.genesis(&LocalnetParams {
            simulation,
            ..params.clone()
        })
    });
    let wasm = contract::wasm();
    let stored = node.block(vec![user.store(wasm.clone())]);
    assert_eq!(
        (stored.tx_results[0].code, stored.new_code.len()),
        (0, 1),
        "{}",
        stored.tx_results[0].log
    );
    let begin = user.instantiate(
        &node.keys.io,
        &wasm,
        "keeper",
        &contract::message("YmVnaW4="),
    );
    let made = node.block(vec![begin]);
    assert_eq!(made.tx_results[0].code, 0, "{}", made.tx_results[0].log);
    let data = TxMsgData::decode(made.tx_results[0].data.as_slice()).unwrap();
    let response =
        MsgInstantiateContractResponse::decode(data.msg_responses[0].value.as_slice()).unwrap();
    let contract = response.address.parse().unwrap();
    Secret {
        node,
        user,
        wasm,
        contract,
    }
}

impl Secret {
    /// A transaction that makes the contract keep `base64`.
    pub(crate) fn keep(&mut self, base64: &str) -> Vec<u8> {
        self.user.execute(
            &self.node.keys.io,
            &self.wasm,
            &self.contract,
            &contract::message(base64),
        )
    }

    pub(crate) fn request(&mut self) -> (Vec<u8>, TxKey) {
        self.user
            .query(&self.node.keys.io, &self.wasm, &self.contract)
    }

    /// What the contract answers.
    pub(crate) fn ask(&mut self) -> Vec<u8> {
        let (data, key) = self.request();
        let result = self.node.query(SECRET_QUERY, data, &honest).unwrap();
        assert_eq!(result.height, self.node.height());
        let response =
            QuerySecretContractResponse::decode(result.outcome.unwrap().as_slice()).unwrap();
        key.open_data(&response.data).unwrap().to_vec()
    }
}

#[test]
fn a_contract_keeps_a_secret_from_block_to_block_and_tells_it_to_a_query() {
    let mut secret = with_contract();
    assert_eq!(secret.ask(), b"begin");
    let tx = secret.keep("YSBzZWNyZXQ=");
    let result = secret.node.block(vec![tx]);
    assert_eq!(result.tx_results[0].code, 0, "{}", result.tx_results[0].log);
    assert_eq!(secret.ask(), b"a secret");
    for value in result.writes.0.values() {
        let plain = value
            .as_ref()
            .is_some_and(|v| v.windows(8).any(|w| w == b"YSBzZWNy"));
        assert!(!plain, "contract data leaves sealed");
    }
    let status = secret.node.status();
    assert_eq!(
        (status.executed, status.committed, status.stopped),
        (Some(3), Some(3), None)
    );
}

#[test]
fn a_warm_enclave_asks_for_nothing_and_a_hinted_one_neither() {
    let mut secret = with_contract();
    let tx = secret.keep("YQ==");
    secret.node.asks.set(0);
    secret.node.block(vec![tx]);
    assert_eq!(
        secret.node.asks.get(),
        0,
        "everything was known from the blocks before"
    );

    // After a restart nothing is known; what the first run asked is offered as hints to the second.
    let tx = secret.keep("Yg==");
    let block = secret.node.propose(vec![tx]);
    secret.node.restart(1).unwrap();
    let hints = std::cell::RefCell::new(Vec::new());
    let first = secret.node.execute(&block, &|ask, answer| {
        if let (
            EnclaveRequest::Get { tree, key, .. },
            strongroom_bridge::HostResponse::Proven(entry),
        ) = (ask, &answer)
        {
            hints.borrow_mut().push(Hint {
                tree: *tree,
                key: key.clone(),
                entry: entry.clone(),
            });
        }
        answer
    });
    secret.node.restart(1).unwrap();
    let hints = hints.into_inner();
    assert!(hints.len() > 3);
    let asked_code = std::cell::Cell::new(0);
    let request = Request::ExecuteBlock {
        block,
        hints,
        exceptions: Vec::new(),
    };
    let second = secret.node.call(request, &|ask, answer| {
        assert!(!matches!(ask, EnclaveRequest::Get { .. }), "{ask:?}");
        asked_code.set(asked_code.get() + 1);
        answer
    });
    assert_eq!(second, Ok(Reply::Block(Box::new(first.unwrap()))));
}

#[test]
fn a_query_reads_the_newest_committed_height_and_no_other() {
    let mut secret = with_contract();
    let tx = secret.keep("bmV3");
    let block = secret.node.propose(vec![tx]);
    let result = secret.node.execute(&block, &honest).unwrap();
    assert_eq!(secret.ask(), b"begin", "executed, but not committed");
    secret.node.keep(block, &result);
    secret.node.committed(3).unwrap();
    assert_eq!(secret.ask(), b"new");
    // Said again, it is no news.
    secret.node.committed(3).unwrap();
    assert_eq!(
        failure_of(secret.node.committed(2)).code,
        FailureCode::NotReady
    );
    assert_eq!(
        failure_of(secret.node.committed(4)).code,
        FailureCode::NotReady
    );
}

#[test]
fn a_query_keeps_the_height_that_it_began_with_while_blocks_pass_by() {
    let mut secret = with_contract();
    let txs = ["b25l", "dHdv"].map(|word| secret.keep(word));
    secret.node.restart(1).unwrap();
    secret.node.committed(2).unwrap();
    let (data, key) = secret.request();
    let (began, go) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    let (door, store, content) = (
        secret.node.door.clone(),
        secret.node.store.clone(),
        secret.node.content.clone(),
    );
    let (reply, heights) = std::thread::scope(|scope| {
        let query = scope.spawn(|| {
            let mut heights = Vec::new();
            let reply = door.call(
                Request::Query {
                    path: SECRET_QUERY.to_owned(),
                    data,
                },
                &mut |ask| match ask {
                    EnclaveRequest::Get { height, tree, key } => {
                        if heights.is_empty() {
                            began.wait();
                            go.wait();
                        }
                        heights.push(height);
                        let (value, proof) = store.view(height).unwrap().prove(tree, &key).unwrap();
                        strongroom_bridge::HostResponse::Proven(Proven {
                            value,
                            proof: proof.encode(),
                        })
                    }
                    EnclaveRequest::GetCode { hash } => {
                        strongroom_bridge::HostResponse::Code(content.get(&hash).cloned())
                    }
                    other => panic!("{other:?}"),
                },
            );
            (reply, heights)
        });
        began.wait();
        for tx in txs {
            secret.node.block(vec![tx]);
        }
        go.wait();
        query.join().unwrap()
    });
    let Ok(Reply::Query(result)) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(result.height, 2);
    assert!(
        heights.len() > 2 && heights.iter().all(|h| *h == 2),
        "{heights:?}"
    );
    let response = QuerySecretContractResponse::decode(result.outcome.unwrap().as_slice()).unwrap();
    assert_eq!(*key.open_data(&response.data).unwrap(), b"begin");
    assert_eq!(secret.ask(), b"two");
}

#[test]
fn public_queries_and_their_errors_pass_through_the_door() {
    let secret = with_contract();
    let keys = secret
        .node
        .query(
            "/secret.registration.v1beta1.Query/TxKey",
            Vec::new(),
            &honest,
        )
        .unwrap();
    assert_eq!(keys.outcome.unwrap()[2..], secret.node.keys.io);
    let unknown = secret
        .node
        .query("/no.such.Query/Method", Vec::new(), &honest)
        .unwrap();
    let error: QueryError = borsh::from_slice(&unknown.outcome.unwrap_err()).unwrap();
    assert_eq!(error, QueryError::UnknownPath);
}

#[test]
fn a_block_runs_before_the_one_before_it_is_durable_and_no_further() {
    let mut user = User::new();
    let mut node = Node::begin(|params| user.genesis(params));
    let to = Address::of_module("somebody");
    let block = node.propose(vec![user.send(&to, 5)]);
    let result = node.execute(&block, &honest).unwrap();
    assert_eq!(result.tx_results[0].code, 0, "{}", result.tx_results[0].log);
    node.keep(block, &result);
    let next = node.propose(Vec::new());
    let result = node.execute(&next, &honest).unwrap();
    node.keep(next, &result);
    let third = node.propose(Vec::new());
    let refused = failure_of(node.execute(&third, &honest));
    assert_eq!(refused.code, FailureCode::NotReady);
    assert_eq!(node.status().committed, Some(0));
    node.committed(1).unwrap();
    assert_eq!(node.status().committed, Some(1));
    node.execute(&third, &honest).unwrap();
    // The host may say less often that blocks are durable than it makes them so, and never that they are not.
    node.committed(3).unwrap();
    assert_eq!(failure_of(node.committed(2)).code, FailureCode::NotReady);
    assert_eq!(node.status().committed, Some(3));
}

#[test]
fn an_enclave_that_cannot_be_answered_fails_the_request_and_can_be_asked_again() {
    let mut secret = with_contract();
    let tx = secret.keep("YQ==");
    let block = secret.node.propose(vec![tx]);
    secret.node.restart(1).unwrap();
    let unavailable = |_: &EnclaveRequest, _| strongroom_bridge::HostResponse::Unavailable {
        text: String::from("disk on fire"),
    };
    let failure = failure_of(secret.node.execute(&block, &unavailable));
    assert_eq!(failure.code, FailureCode::Unavailable);
    assert!(failure.text.contains("disk on fire"));
    secret.node.execute(&block, &honest).unwrap();
}

#[test]
fn a_seed_is_begun_once_and_sealed_only_to_a_genesis_that_names_its_keys() {
    let user = User::new();
    let node = Node::begin(|params| user.genesis(params));
    assert_eq!(
        failure_of(node.call(Request::BootstrapBegin, &honest)).code,
        FailureCode::NotReady
    );
    assert_eq!(
        failure_of(node.call(
            Request::InitChain {
                genesis: node.genesis.clone()
            },
            &honest
        ))
        .code,
        FailureCode::NotReady
    );

    let door = enclave();
    let mut no_asks = |_: EnclaveRequest| panic!();
    let request = Request::BootstrapSeal {
        genesis: node.genesis.clone(),
    };
    assert_eq!(
        failure_of(door.call(request.clone(), &mut no_asks)).code,
        FailureCode::NotReady,
        "nothing begun"
    );
    door.call(Request::BootstrapBegin, &mut no_asks).unwrap();
    let failure = failure_of(door.call(request, &mut no_asks));
    assert_eq!(failure.code, FailureCode::Genesis);
    assert!(failure.text.starts_with("genesis.keys: "), "{failure}");
    let garbage = Request::BootstrapSeal {
        genesis: b"{}".to_vec(),
    };
    let failure = failure_of(door.call(garbage, &mut no_asks));
    assert_eq!(failure.code, FailureCode::Genesis);
    assert!(failure.text.starts_with("genesis.json: "), "{failure}");
}

#[test]
fn an_enclave_without_a_seed_computes_genesis_and_executes_nothing() {
    let user = User::new();
    let mut node = Node::begin(|params| user.genesis(params));
    let block = node.propose(Vec::new());
    let door = enclave();
    let mut no_asks = |_: EnclaveRequest| panic!();
    let reply = door.call(
        Request::InitChain {
            genesis: node.genesis.clone(),
        },
        &mut no_asks,
    );
    assert_eq!(reply, Ok(Reply::Chain(Box::new(node.chain.clone()))));
    let failure = failure_of(door.call(
        Request::ExecuteBlock {
            block,
            hints: Vec::new(),
            exceptions: Vec::new(),
        },
        &mut no_asks,
    ));
    assert_eq!(failure.code, FailureCode::NotReady);
}

#[test]
fn evidence_binds_the_enclaves_own_genesis_and_keys_and_never_bytes_of_the_host() {
    let user = User::new();
    let node = Node::begin(|params| user.genesis(params));
    let nonce = [4; 32];
    let Ok(Reply::Evidence { evidence }) = node.call(Request::Attest { nonce }, &honest) else {
        panic!()
    };
    let evidence = Evidence::decode(&evidence).unwrap();
    let (collateral, policy) = (Collateral::new(), Policy::insecure());
    let Verdict::Accepted(claims) = judge(&evidence, &collateral, &policy, 1, 0) else {
        panic!()
    };
    let statement = Statement::NetworkKeys {
        genesis_hash: strongroom_types::sha256(&node.genesis),
        io_key: node.keys.io,
        exchange_key: node.keys.exchange,
        nonce,
    };
    assert_eq!(claims.report_data, statement.report_data());
}

#[test]
fn an_enclave_without_keys_attests_nothing() {
    let attest = Request::Attest { nonce: [4; 32] };
    let failure = failure_of(enclave().call(attest, &mut |_| panic!()));
    assert_eq!(failure.code, FailureCode::NotReady);
}

#[test]
fn hints_that_prove_nothing_stop_the_enclave() {
    let mut secret = with_contract();
    let tx = secret.keep("YQ==");
    let block = secret.node.propose(vec![tx]);
    secret.node.restart(1).unwrap();
    let entry = Proven {
        value: Some(vec![1]),
        proof: vec![0; 40],
    };
    let hints = vec![Hint {
        tree: Tree::Native,
        key: vec![1],
        entry,
    }];
    let failure = failure_of(secret.node.call(
        Request::ExecuteBlock {
            block: block.clone(),
            hints,
            exceptions: Vec::new(),
        },
        &honest,
    ));
    assert_eq!(failure.code, FailureCode::Proof);
    assert!(
        failure.text.starts_with("hint native 01 at height 2"),
        "{failure}"
    );
    assert_eq!(failure_of(secret.node.execute(&block, &honest)), failure);
}
