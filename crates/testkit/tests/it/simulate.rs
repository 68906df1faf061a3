//! Estimates of calls from node to enclave.

use serde_json::json;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::time::Duration;
use strongroom_bridge::{HostResponse, Request, Transport as _};
use strongroom_chain::check::SEQUENCES_AHEAD_MAX;
use strongroom_chain::modules::SimulationPolicy;
use strongroom_chain::modules::compute::state;
use strongroom_chain::query::QueryError;
use strongroom_comet_rpc::mempool::Limits;
use strongroom_http::gate::{RUNNING_MAX, WAITING_MAX};
use strongroom_http::workers::{Progress, SIMULATIONS_MAX};
use strongroom_testkit::call::{Sealed, executed};
use strongroom_testkit::{Chain, Code, Contract, Options, User, contract};
use strongroom_types::Coins;
use strongroom_types::proto::cosmos::bank::v1beta1::{MsgSend, QueryAllBalancesRequest};
use strongroom_types::proto::{Message as _, pack};

fn with(simulation: SimulationPolicy) -> Chain {
    Chain::with(Options {
        simulation,
        ..Options::default()
    })
}

fn token(chain: &mut Chain, user: &User) -> (Code, Contract) {
    let code = chain.store_code(user, contract("token")).unwrap();
    let balances = json!([{ "address": user.address().to_string(), "amount": "1000" }]);
    let init = json!({
        "name": "Secret Example", "symbol": "SEXM", "decimals": 6, "prng_seed": "ZGljZQ==",
        "initial_balances": balances,
    });
    let made = chain.instantiate(user, &code, "token", &init).unwrap();
    (code, made)
}

/// A transfer, with whatever gas limit.
fn transfer(
    chain: &mut Chain,
    user: &User,
    token: &Contract,
) -> (
    Vec<u8>,
    Sealed<strongroom_types::proto::secret::compute::v1beta1::MsgExecuteContract>,
) {
    let to = User::local("b");
    let message = json!({ "transfer": { "recipient": to.address().to_string(), "amount": "5" } });
    let sealed = chain.message(user, token, &message);
    let tx = chain.tx().any(pack(&sealed.message)).gas(400_000);
    (chain.sign(user, &tx), sealed)
}

fn text(error: &QueryError) -> String {
    error.grpc().1
}

#[test]
fn the_first_transfer_of_a_token_is_estimated_within_five_percent_by_the_node() {
    let mut chain = with(SimulationPolicy::Open);
    let a = chain.user("a");
    let (_, token) = token(&mut chain, &a);
    let (tx, sealed) = transfer(&mut chain, &a, &token);
    let before = chain.app_hash();
    let estimate = chain.simulate(&tx).unwrap();
    // Again and again the same, and nothing of it stays.
    assert_eq!(chain.simulate(&tx), Ok(estimate.clone()));
    assert_eq!(chain.app_hash(), before);
    let result = chain.block(vec![tx]).remove(0);
    let done = executed(&result, &sealed.key).unwrap();
    let used = estimate.gas_info.unwrap().gas_used;
    assert!(
        used.abs_diff(done.gas_used) * 20 <= done.gas_used,
        "{used} and {}",
        done.gas_used
    );
    let response = estimate.result.unwrap();
    assert_eq!(response.data, result.data);
    // One that does not fit what waits is refused by the host, with what is expected.
    let (_, late) = (
        transfer(&mut chain, &a, &token),
        transfer(&mut chain, &a, &token).0,
    );
    let refused = text(&chain.simulate(&late).unwrap_err());
    assert!(
        refused.starts_with("account sequence mismatch, expected "),
        "{refused}"
    );
}

#[test]
fn where_genesis_has_no_policy_the_node_fails_estimates_of_calls_as_clients_expect() {
    let mut chain = with(SimulationPolicy::Off);
    let a = chain.user("a");
    let (_, token) = token(&mut chain, &a);
    let (tx, _) = transfer(&mut chain, &a, &token);
    let said = text(&chain.simulate(&tx).unwrap_err());
    let expected = "failed to execute message; message index: 0: Execution error: Enclave: \
        failed to verify transaction signature: execute contract failed with gas used: '";
    assert!(said.starts_with(expected), "{said}");
}

/// A contract whose `execute` answers with 735,000 bytes of data.
fn telling() -> Vec<u8> {
    let begin = r#"{\"Ok\":{\"messages\":[],\"attributes\":[],\"events\":[],\"data\":\""#;
    let told = begin.replace('\\', "").len();
    let text = format!(
        r#"(module
            (memory 40)
            (data (i32.const 64) "{begin}")
            (data (i32.const 256) "\"}}}}")
            (data (i32.const 512) "{{\"Ok\":{{\"messages\":[],\"attributes\":[],\"events\":[],\"data\":null}}}}")
            (global $top (mut i32) (i32.const 1500000))
            (func (export "interface_version_8"))
            (func (export "deallocate") (param i32))
            (func $region (param $at i32) (param $from i32) (param $length i32) (result i32)
                (i32.store (local.get $at) (local.get $from))
                (i32.store offset=4 (local.get $at) (local.get $length))
                (i32.store offset=8 (local.get $at) (local.get $length))
                (local.get $at))
            (func (export "allocate") (param $length i32) (result i32)
                (local $at i32)
                (local.set $at (global.get $top))
                (global.set $top (i32.add (i32.add (local.get $at) (local.get $length)) (i32.const 16)))
                (call $region (local.get $at) (i32.add (local.get $at) (i32.const 16)) (local.get $length)))
            (func (export "instantiate") (param i32 i32 i32) (result i32)
                (call $region (i32.const 900) (i32.const 512) (i32.const 62)))
            (func (export "execute") (param i32 i32 i32) (result i32)
                (memory.copy (i32.const 1024) (i32.const 64) (i32.const {told}))
                (memory.fill (i32.const {data}) (i32.const 65) (i32.const {length}))
                (memory.copy (i32.const {end}) (i32.const 256) (i32.const 3))
                (call $region (i32.const 900) (i32.const 1024) (i32.const {whole}))))"#,
        data = 1024 + told,
        length = 980_000,
        end = 1024 + told + 980_000,
        whole = told + 980_000 + 3,
    );
    wat::parse_str(text).unwrap()
}

#[test]
fn the_longest_answer_that_the_gas_of_a_simulation_allows_comes_whole() {
    let mut chain = with(SimulationPolicy::Open);
    let a = chain.user("a");
    let code = chain.store_code(&a, telling()).unwrap();
    let contract = chain.instantiate(&a, &code, "telling", &json!({})).unwrap();
    let (mut calls, mut longest) = (1, None);
    let refused = loop {
        let messages: Vec<_> = (0..calls)
            .map(|_| pack(&chain.message(&a, &contract, &json!({})).message))
            .collect();
        let tx = messages.into_iter().fold(chain.tx(), |tx, m| tx.any(m));
        // For this block alone.
        chain.block(Vec::new());
        let tx = chain.sign(&a, &tx);
        match chain.simulate(&tx) {
            Ok(answer) => longest = Some((answer, tx)),
            Err(error) => break text(&error),
        }
        calls += 1;
    };
    assert!(
        refused.contains("a simulation has at most 10000000 gas"),
        "{refused}"
    );
    let (answer, tx) = longest.unwrap();
    let answer = answer.result.unwrap();
    let responses = answer.msg_responses.iter().map(|r| r.value.len());
    // Each response is there twice, and so the door would not have taken it.
    let once: usize = responses.sum();
    assert!(once + answer.data.len() > 8 << 20, "{once}");
    assert_eq!(answer.data, chain.block(vec![tx]).remove(0).data);
}

#[test]
fn a_simulation_finds_a_lane_while_queries_hold_all_of_theirs() {
    let mut chain = with(SimulationPolicy::Open);
    let a = chain.user("a");
    let (_, token) = token(&mut chain, &a);
    let (tx, _) = transfer(&mut chain, &a, &token);
    // The enclave knows nothing of the state, so that each query asks; its host keeps it waiting.
    chain.restart();
    let (asked, at_work) = channel();
    let chain = &chain;
    std::thread::scope(|scope| {
        let held: Vec<_> = (0..strongroom_enclave::QUERY_LANES)
            .map(|n| {
                let (release, wait) = channel::<()>();
                let asked = asked.clone();
                scope.spawn(move || {
                    let request = Request::Query {
                        path: String::from("/cosmos.bank.v1beta1.Query/AllBalances"),
                        data: strongroom_types::proto::Message::encode_to_vec(
                            &QueryAllBalancesRequest {
                                address: User::numbered(n).address().to_string(),
                                ..Default::default()
                            },
                        ),
                    };
                    chain.door().call(request, &mut |_| {
                        asked.send(()).unwrap();
                        let _ = wait.recv();
                        let text = String::from("let go");
                        HostResponse::Unavailable { text }
                    })
                });
                release
            })
            .collect();
        for _ in &held {
            at_work.recv_timeout(Duration::from_secs(60)).unwrap();
        }
        // In a thread of its own: without a lane it would wait for ever.
        let (tell, told) = channel();
        scope.spawn(move || tell.send(chain.simulate(&tx).is_ok()));
        let answered = told.recv_timeout(Duration::from_secs(60));
        drop(held);
        assert_eq!(answered, Ok(true));
    });
}

#[test]
fn eight_estimates_of_calls_at_one_time_are_all_answered() {
    let mut chain = with(SimulationPolicy::Open);
    let a = chain.user("a");
    let (_, token) = token(&mut chain, &a);
    let (call, _) = transfer(&mut chain, &a, &token);
    // The first ones have to load its code, too.
    chain.restart();
    let (chain, together) = (&chain, &Barrier::new(8));
    std::thread::scope(|scope| {
        let estimates: Vec<_> = (0..8)
            .map(|_| {
                let call = &call;
                scope.spawn(move || {
                    together.wait();
                    chain.simulate(call)
                })
            })
            .collect();
        for estimate in estimates {
            let estimate = estimate.join().unwrap();
            assert!(estimate.is_ok(), "{estimate:?}");
        }
    });
}

#[test]
fn an_estimate_of_a_call_that_waits_for_its_turn_holds_no_pass_and_no_view_of_the_state() {
    let mut chain = with(SimulationPolicy::Open);
    let a = chain.user("a");
    let (_, token) = token(&mut chain, &a);
    let (call, _) = transfer(&mut chain, &a, &token);
    let b = chain.user("b");
    let send = MsgSend {
        from_address: b.address().to_string(),
        to_address: a.address().to_string(),
        amount: "5uscrt".parse::<Coins>().unwrap().to_proto_list(),
    };
    let tx = chain.tx().any(pack(&send)).gas(400_000);
    let public = chain.sign(&b, &tx);
    let waiting: Vec<_> = (0..100).map(|_| chain.host().simulate(&call)).collect();
    assert!(
        waiting
            .iter()
            .all(|one| matches!(one, Progress::Simulates(_)))
    );
    assert!(chain.simulate(&public).is_ok());
    let list = QueryAllBalancesRequest {
        address: a.address().to_string(),
        ..QueryAllBalancesRequest::default()
    };
    let path = "/cosmos.bank.v1beta1.Query/AllBalances";
    assert!(chain.host().query(path, &list.encode_to_vec(), 0).is_ok());
    let gate = Arc::clone(chain.host().gate());
    let passes: Vec<_> = (0..RUNNING_MAX).map(|_| gate.enter().unwrap()).collect();
    // On the state that is the newest when it has its turn.
    chain.block(vec![public]);
    let height = chain.height();
    let ends: Vec<_> = waiting.into_iter().map(Progress::finish).collect();
    drop(passes);
    for end in ends {
        assert_eq!(end.unwrap().0, height);
    }
}

#[test]
fn every_pass_of_the_gate_before_the_enclave_has_a_lane_for_its_simulation() {
    assert_eq!(strongroom_enclave::SIMULATION_LANES, RUNNING_MAX);
}

#[test]
fn whoever_has_a_thread_for_a_simulation_may_wait_at_the_gate_before_the_enclave() {
    // REST, the RPC, and CometBFT, which asks for one query at a time.
    const { assert!(2 * SIMULATIONS_MAX < RUNNING_MAX + WAITING_MAX) };
    // And leaves others some of those that may take long.
    let workers = strongroom_comet_rpc::Config::default().workers;
    assert!(SIMULATIONS_MAX < workers / 2);
}

#[test]
fn a_sequence_may_be_as_far_ahead_as_a_mempool_holds_transactions() {
    let held = u64::try_from(Limits::default().txs_max);
    assert_eq!(held, Ok(SEQUENCES_AHEAD_MAX));
}

#[test]
fn clients_believe_the_estimates_that_an_enclave_can_give() {
    assert_eq!(
        strongroom_chain::gas::SIMULATION_MAX,
        strongroom_sdk::client::CALL_ESTIMATE_MAX
    );
}

#[test]
fn clients_have_the_policy_proven_under_the_key_where_it_lies() {
    assert_eq!(state::SIMULATION.name(), strongroom_sdk::client::SIMULATION);
}
