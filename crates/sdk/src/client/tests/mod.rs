//! The client against a node whose answers the test writes: what a real one answers is tested end to end (tests/e2e/cli.test.js).

mod gateways;
mod lcd;
mod mutated;
mod proven;
mod rest;

use super::room::ROOM_WAITS;
use super::sending::BLOCK_WAITS;
use super::*;
use crate::local::ACCOUNTS;
use crate::testing::ready;
use crate::tx::TxBuilder;
use crate::types::proto::cosmos::bank::v1beta1::MsgSend;
use crate::types::proto::cosmos::base::abci::v1beta1::GasInfo;
use crate::types::proto::cosmos::consensus::v1::QueryParamsResponse;
use crate::types::proto::cosmos::tx::v1beta1::{SimulateRequest, SimulateResponse};
use crate::types::proto::secret::compute::v1beta1 as compute;
use crate::types::proto::tendermint::types::{BlockParams, ConsensusParams};
use crate::types::{Timestamp, sha256};

/// When a client begins: twenty seconds before the recorded block 10.
const START: Timestamp = Timestamp {
    seconds: 1_795_359_036,
    nanos: 0,
};

/// A node, and what it was asked.
struct Node<F> {
    answer: F,
    asked: Vec<(String, Value)>,
    waited: Duration,
    /// How long an answer takes, and how long all of them took.
    slow: [Duration; 2],
    speaks: Speaks,
}

/// What a node speaks; it is asked in the words of the RPC always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    Rpc,
    /// REST with the routes of ours.
    Ours,
    /// REST of the Cosmos SDK, which has none of them.
    Standard,
}

impl<F: FnMut(&str, &Value) -> Value> Transport for Node<F> {
    async fn exchange(&mut self, request: Request) -> Result<Response, Error> {
        self.slow[1] += self.slow[0];
        let Self { answer, asked, .. } = self;
        let mut answer = |method: &str, params: &Value| {
            asked.push((method.to_owned(), params.clone()));
            answer(method, params)
        };
        if self.speaks != Speaks::Rpc {
            return Ok(lcd::response(&request, self.speaks == Speaks::Ours, answer));
        }
        let Some(body) = request.body.filter(|_| request.path.is_empty()) else {
            return Ok(lcd::said(404, b"404 page not found"));
        };
        let call: Value = serde_json::from_str(&body).unwrap();
        let answer = answer(call["method"].as_str().unwrap(), &call["params"]);
        Ok(lcd::said(200, answer.to_string().as_bytes()))
    }

    fn now(&self) -> Timestamp {
        let passed = (self.waited + self.slow[1]).as_nanos();
        let nanos = START.nanos_total().unwrap() + u64::try_from(passed).unwrap();
        Timestamp::from_nanos_total(nanos)
    }

    async fn pause(&mut self, time: Duration) {
        self.waited += time;
    }
}

fn client<F: FnMut(&str, &Value) -> Value>(answer: F) -> Client<Node<F>> {
    client_of(Speaks::Rpc, answer)
}

fn client_of<F: FnMut(&str, &Value) -> Value>(speaks: Speaks, answer: F) -> Client<Node<F>> {
    Client::new(Node {
        speaks,
        answer,
        asked: Vec::new(),
        waited: Duration::ZERO,
        slow: [Duration::ZERO; 2],
    })
}

fn value(message: &impl Message) -> Value {
    let bytes = STANDARD.encode(message.encode_to_vec());
    json!({ "result": { "response": { "code": 0, "value": bytes } } })
}

fn refused(log: &str) -> Value {
    json!({ "result": { "response": { "code": 6, "codespace": "sdk", "log": log } } })
}

fn of_genesis() -> Trusted {
    let file = strongroom_testdata::cometbft("four/config/genesis.json");
    light::genesis(&serde_json::to_vec(&file).unwrap()).unwrap()
}

fn contract() -> Address {
    Address::from_bytes(&[9; 20]).unwrap()
}

#[test]
fn a_transaction_that_gets_into_no_block_is_waited_for_a_minute_and_no_longer() {
    let mut client = client(|_, _| json!({ "error": { "data": "tx (AB) not found" } }));
    let error = ready(client.wait("AB")).unwrap_err();
    assert_eq!(error.code(), "client.not_included");
    let waited = client.transport.waited;
    assert!(
        (BLOCK_WAITS..BLOCK_WAITS * 2).contains(&waited),
        "{waited:?}"
    );
    assert!(client.transport.asked.len() < 400);
}

#[test]
fn a_node_that_takes_its_time_makes_a_minute_no_longer() {
    let mut client = client(|_, _| json!({ "error": { "data": "tx (AB) not found" } }));
    client.transport.slow[0] = Duration::from_secs(9);
    let error = ready(client.wait("AB")).unwrap_err();
    assert_eq!(error.code(), "client.not_included");
    assert!(client.transport.asked.len() <= 7);
}

#[test]
fn another_transaction_than_the_one_that_was_asked_for_is_not_taken_for_it() {
    let body = STANDARD.encode(b"tx");
    let mut hash = hex::encode_upper(sha256(b"tx"));
    let told = hash.clone();
    let mut client = client(
        move |_, _| json!({ "result": { "hash": told, "height": "7", "tx": body, "tx_result": { "code": 0 } } }),
    );
    assert_eq!(ready(client.transaction(&hash)).unwrap().height, 7);
    hash.replace_range(..2, "00");
    let error = ready(client.transaction(&hash)).unwrap_err();
    assert_eq!(error.code(), "client.form");
}

#[test]
fn a_transaction_that_a_full_block_has_not_run_is_waited_for() {
    let body = STANDARD.encode(b"tx");
    let hash = hex::encode_upper(sha256(b"tx"));
    let told = hash.clone();
    let mut looks = 0;
    let mut client = client(move |_, _| {
        looks += 1;
        let (height, result) = match looks {
            0..5 => (
                "7",
                json!({ "code": 11, "gas_wanted": "0", "gas_used": "0" }),
            ),
            _ => (
                "8",
                json!({ "code": 0, "gas_wanted": "9", "gas_used": "8" }),
            ),
        };
        json!({ "result": { "hash": told, "height": height, "tx": body, "tx_result": result } })
    });
    let left = ready(client.transaction(&hash)).unwrap_err();
    assert_eq!(left.code(), "client.not_included");
    assert_eq!(ready(client.wait(&hash)).unwrap().height, 8);
}

#[test]
fn the_hash_that_is_waited_for_is_our_own_and_not_what_the_node_says() {
    let mut client = client(|_, _| json!({ "result": { "code": 0, "hash": "AB" } }));
    let checked = ready(client.broadcast(b"tx")).unwrap();
    assert_eq!(checked.hash, hex::encode_upper(sha256(b"tx")));
}

#[test]
fn a_node_without_room_is_asked_again_when_it_said_and_not_for_ever() {
    let full = json!({ "error": { "data": "mempool is full: 9 txs wait for blocks, try again in 400 ms" } });
    let by_check = json!({ "result": { "code": 20, "codespace": "sdk", "log": "of this sender" } });
    let well = json!({ "result": {} });
    let mut answers = vec![
        json!({ "result": { "code": 0 } }),
        by_check,
        full.clone(),
        well,
    ];
    let mut served = client(move |_, _| answers.pop().unwrap());
    let mut told = Vec::new();
    let taken = ready(served.broadcast_telling(b"tx", |rest| told.push(rest)));
    assert_eq!(taken.unwrap().code, 0);
    let waited = served.transport.waited.as_millis();
    assert!((1_400..1_600).contains(&waited), "{waited}");
    assert_eq!(told.len(), 2);
    assert_eq!(told.into_iter().sum::<Duration>(), served.transport.waited);
    let told = full.clone();
    let mut refused = client(move |_, _| told.clone());
    let checked = ready(refused.broadcast(b"tx")).unwrap();
    assert_eq!((checked.code, checked.codespace.as_str()), (20, "sdk"));
    assert!(checked.log.starts_with("mempool is full"), "{checked:?}");
    let error = refused.passed(checked).unwrap_err();
    assert_eq!(error.code(), "client.refused");
    let (waited, asked) = (refused.transport.waited, refused.transport.asked.len());
    assert_eq!(waited, ROOM_WAITS);
    assert!((60..80).contains(&asked), "{asked}");
    // Also where it says ten seconds each time, which end behind that.
    let long = json!({ "error": { "data": "mempool is full: 9 txs wait for blocks, try again in 9900 ms" } });
    let mut refused = client(move |_, _| long.clone());
    assert_eq!(ready(refused.broadcast(b"tx")).unwrap().code, 20);
    assert_eq!(refused.transport.waited, ROOM_WAITS);
    // The time of the calls counts, too: a node that takes its time and promises room at once does not hold a client for long.
    let mut slow = client(move |_, _| full.clone());
    slow.transport.slow[0] = Duration::from_secs(3);
    assert_eq!(ready(slow.broadcast(b"tx")).unwrap().code, 20);
    let asked = slow.transport.asked.len();
    assert!((8..12).contains(&asked), "{asked}");
    // Who does not want to wait is told at once.
    let error = ready(slow.broadcast_once(b"tx")).unwrap_err();
    assert!(error.to_string().starts_with("mempool is full"), "{error}");
}

#[test]
fn what_check_tx_refuses_is_in_no_block_on_the_word_of_a_node_that_is_believed() {
    let answer = |_: &str, _: &Value| json!({ "result": { "code": 13, "codespace": "sdk", "log": "insufficient fee" } });
    let mut believing = client(answer);
    let checked = ready(believing.broadcast(b"tx")).unwrap();
    let error = believing.passed(checked.clone()).unwrap_err();
    assert_eq!(error.code(), "client.refused");
    let proving = client(answer).trusting(of_genesis(), Terms::WITHOUT_CLOCK);
    let unknown = proving.passed(checked).unwrap_err();
    assert_eq!(unknown.code(), "client.outcome_unknown");
    assert!(
        unknown.to_string().contains(&error.to_string()),
        "{unknown}"
    );
    assert_eq!(
        error.to_string(),
        "the transaction is refused: insufficient fee (sdk 13)"
    );
}

#[test]
fn an_account_without_coins_is_told_from_a_node_that_refuses() {
    let address = contract();
    let mut without = client(|_, _| refused("account secret1 not found: key not found"));
    let error = ready(without.position(&address)).unwrap_err();
    assert_eq!(error.code(), "client.no_account");
    let mut broken = client(|_, _| refused("busy"));
    let error = ready(broken.position(&address)).unwrap_err();
    assert_eq!(error.code(), "client.query");
}

#[test]
fn a_node_of_another_block_protocol_is_refused_and_one_that_tells_none_is_not() {
    let told = |block: Value| {
        let mut client = client(
            |_, _| json!({ "result": { "node_info": { "network": "test-1", "protocol_version": { "block": block } } } }),
        );
        ready(client.chain_id())
    };
    for block in [json!("11"), Value::Null, json!("eleven")] {
        assert_eq!(told(block).unwrap(), "test-1");
    }
    for other in ["10", "12", "0"] {
        let error = told(json!(other)).unwrap_err();
        assert_eq!(error.code(), "client.other_version");
        assert!(
            error.to_string().contains(&format!("version {other} of")),
            "{error}"
        );
    }
}

#[test]
fn an_estimate_asks_the_node_but_for_contract_messages_which_it_cannot_open() {
    let account = Account::from_mnemonic(ACCOUNTS[1].mnemonic).unwrap();
    let mut client = client(|_, params| match params["path"].as_str().unwrap() {
        "/cosmos.tx.v1beta1.Service/Simulate" => {
            let bytes = hex::decode(params["data"].as_str().unwrap()).unwrap();
            let request = SimulateRequest::decode(bytes.as_slice()).unwrap();
            assert!(
                request.tx_bytes.ends_with(&[0; 64]),
                "no signature leaves for an estimate"
            );
            value(&SimulateResponse {
                gas_info: Some(GasInfo {
                    gas_used: 1_000,
                    ..Default::default()
                }),
                ..Default::default()
            })
        }
        _ => value(&QueryAccountInfoResponse {
            info: Some(Default::default()),
        }),
    });
    let send = TxBuilder::new("test-1").message(&MsgSend::default());
    let estimate = ready(client.estimate(&account, &send)).unwrap();
    let expected = Estimate::Simulated {
        used: 1_000,
        limit: 1_100,
    };
    assert_eq!(estimate, expected);
    let asked = client.transport.asked.len();
    let call = send.message(&compute::MsgExecuteContract::default());
    let estimate = ready(client.estimate(&account, &call)).unwrap();
    assert!(matches!(estimate, Estimate::Guessed { .. }));
    assert_eq!(client.transport.asked.len(), asked);
}

#[test]
fn an_estimate_asks_for_no_more_than_a_block_takes_and_for_no_less_than_was_used() {
    let account = Account::from_mnemonic(ACCOUNTS[1].mnemonic).unwrap();
    let upload = TxBuilder::new("test-1").memo("x".repeat(100_000));
    let upload = upload.message(&MsgSend::default());
    for (used, block, limit) in [
        (9_500_000, 10_000_000, 10_000_000),
        (9_500_000, 10_450_000, 10_450_000),
        (9_500_000, 20_000_000, 10_450_000),
        // No limit, and one that nothing could have run under.
        (9_500_000, -1, 10_450_000),
        (9_500_000, 1, 9_500_000),
        // So little is not held against a block, for which the node would have to be asked.
        (1_800_000, 1_800_001, 1_980_000),
    ] {
        let mut client =
            client(
                move |_, params| match params["path"].as_str().unwrap().rsplit('/').next() {
                    Some("Simulate") => value(&SimulateResponse {
                        gas_info: Some(GasInfo {
                            gas_used: used,
                            ..Default::default()
                        }),
                        ..Default::default()
                    }),
                    Some("Params") => value(&QueryParamsResponse {
                        params: Some(ConsensusParams {
                            block: Some(BlockParams {
                                max_gas: block,
                                max_bytes: 1,
                            }),
                            ..Default::default()
                        }),
                    }),
                    _ => value(&QueryAccountInfoResponse {
                        info: Some(Default::default()),
                    }),
                },
            );
        let estimate = ready(client.estimate(&account, &upload)).unwrap();
        assert_eq!(estimate, Estimate::Simulated { used, limit }, "{block}");
    }
}

#[test]
fn a_node_that_has_no_time_is_said_to_be_busy_and_a_call_gets_what_is_usual() {
    for code in ["Unavailable", "ResourceExhausted"] {
        let told = format!("rpc error: code = {code} desc = the node is busy: invalid request");
        let busy = move |path: &str| {
            let (codespace, code) = ("sdk", 18);
            match path.ends_with("Simulate") {
                true => {
                    json!({ "result": { "response": { "code": code, "codespace": codespace, "log": told } } })
                }
                false => value(&QueryAccountInfoResponse {
                    info: Some(Default::default()),
                }),
            }
        };
        let account = Account::from_bytes(&[1; 32]).unwrap();
        let mut client = client(move |_, params| busy(params["path"].as_str().unwrap_or_default()));
        // As if it were proven, and with a key.
        client.simulates = Some(true);
        client.network_key = Some(NetworkKey {
            key: [7; 32],
            proven: None,
        });
        let send = TxBuilder::new("test-1").message(&MsgSend::default());
        let error = ready(client.estimate(&account, &send)).unwrap_err();
        assert_eq!(error.code(), "client.busy");
        assert_eq!(
            error.to_string(),
            "the node has no time now: the node is busy"
        );
        let call = send.message(&compute::MsgExecuteContract::default());
        let error = ready(client.dry_run(&account, &account, &call)).unwrap_err();
        assert_eq!(error.code(), "client.busy");
        let estimate = ready(client.estimate(&account, &call)).unwrap();
        assert_eq!(estimate, Estimate::usual(call.messages()));
    }
}

#[test]
fn an_estimate_that_would_take_all_coins_is_not_believed() {
    let estimate_of = |gas_used: u64, tx: &TxBuilder| {
        let mut client = client(|_, _| {
            value(&SimulateResponse {
                gas_info: Some(GasInfo {
                    gas_used,
                    ..Default::default()
                }),
                ..Default::default()
            })
        });
        let estimated = ready(client.simulate(tx.unsigned(&[2; 33], 0)));
        estimated.map_err(|error| error.code())
    };
    let empty = TxBuilder::new("test-1");
    let estimate = |gas_used: u64, memo: &str| estimate_of(gas_used, &empty.clone().memo(memo));
    assert_eq!(estimate(1_500_000, ""), Ok(1_500_000));
    // What an upload may take is no estimate of a payment.
    for much in [3_000_000, 50_000_000, u64::MAX] {
        assert_eq!(estimate(much, ""), Err("client.form"), "{much}");
    }
    let long = "x".repeat(1 << 20);
    assert_eq!(estimate(50_000_000, &long), Ok(50_000_000));
    assert_eq!(estimate(50_000_001, &long), Err("client.form"));
    // Of a call no length says what it may take; an enclave has a limit.
    let call = empty.message(&compute::MsgExecuteContract::default());
    assert_eq!(estimate_of(10_000_000, &call), Ok(10_000_000));
    assert_eq!(estimate_of(10_000_001, &call), Err("client.form"));
}

#[test]
fn how_old_an_answer_is_can_be_asked_for() {
    let heights = ["7", "0", "x"].map(|height| {
        let mut answer = value(&compute::QueryCodeHashResponse {
            code_hash: "aa".repeat(32),
        });
        answer["result"]["response"]["height"] = height.into();
        let mut client = client(|_, _| answer.clone());
        assert_eq!(client.answered_at(), None);
        ready(client.code_hash_of(1)).unwrap();
        client.answered_at()
    });
    assert_eq!(heights, [Some(7), None, None]);
}

#[test]
fn keys_and_code_hashes_are_asked_for_once_until_a_contract_has_other_code() {
    let mut hash = 1_u8;
    let network = [7; 32];
    let mut client = client(move |_, params| match params["path"].as_str().unwrap() {
        path if path.ends_with("TxKey") => value(&Key {
            key: network.to_vec(),
        }),
        path if path.ends_with("CodeHashByContractAddress") => {
            hash += 1;
            value(&compute::QueryCodeHashResponse {
                code_hash: hex::encode([hash / 2; 32]),
            })
        }
        _ => refused("failed to validate transaction: query contract failed"),
    });
    let query = json!({ "get": {} });
    let count = |client: &Client<Node<_>>, what: &str| {
        let asked = client.transport.asked.iter();
        let paths = asked.filter_map(|(_, params)| params["path"].as_str());
        paths.filter(|path| path.ends_with(what)).count()
    };
    // Asked for once, and again after a refusal: it is another one then, so the query is repeated; then it is the same.
    assert!(ready(client.query_contract(&contract(), &query)).is_err());
    assert_eq!(count(&client, "CodeHashByContractAddress"), 1);
    assert!(ready(client.query_contract(&contract(), &query)).is_err());
    assert_eq!(count(&client, "CodeHashByContractAddress"), 2);
    assert_eq!(count(&client, "QuerySecretContract"), 2);
    assert!(ready(client.query_contract(&contract(), &query)).is_err());
    assert_eq!(count(&client, "QuerySecretContract"), 4);
    assert_eq!(count(&client, "TxKey"), 1);
}

#[test]
fn a_height_of_the_future_follows_from_the_pace_of_blocks_within_bounds() {
    let status = |height: &str, first: &str, last: &str| {
        json!({ "result": { "sync_info": { "latest_block_height": height, "earliest_block_height": "1",
            "earliest_block_time": first, "latest_block_time": last } } })
    };
    let ahead = |height, first, last| {
        let mut client = client(move |_, _| status(height, first, last));
        ready(client.height_in(Duration::from_secs(120)))
    };
    let (from, later) = ("2026-01-01T00:00:00Z", "2026-01-01T00:10:00Z");
    // A block each second, each minute, each nanosecond, all at once.
    assert_eq!(ahead("600", from, later).unwrap(), 720);
    assert_eq!(ahead("10", from, later).unwrap(), 60);
    assert_eq!(ahead("9999999999", from, later).unwrap(), 10_000_009_999);
    assert_eq!(ahead("3", from, from).unwrap(), 10_003);
    assert_eq!(ahead("3", later, from).unwrap(), 10_003);
    assert_eq!(ahead("x", from, later).unwrap_err().code(), "client.form");
}

#[test]
fn whatever_goes_wrong_once_it_is_sent_says_that_the_outcome_is_unknown() {
    let account = Account::from_mnemonic(ACCOUNTS[1].mnemonic).unwrap();
    let info = QueryAccountInfoResponse {
        info: Some(crate::types::proto::cosmos::auth::v1beta1::BaseAccount::default()),
    };
    let tx = TxBuilder::new("chain").message(&MsgSend::default()).gas(1);
    let send = |broadcast: Value, found: Value| {
        let account_info = value(&info);
        let mut client = client(move |method, _| match method {
            "abci_query" => account_info.clone(),
            "broadcast_tx_sync" => broadcast.clone(),
            _ => found.clone(),
        });
        ready(client.send(&account, &tx)).unwrap_err()
    };
    let taken = json!({ "result": { "code": 0 } });
    let absent = json!({ "error": { "data": "tx (AB) not found" } });
    for (broadcast, found, code) in [
        (json!("<html>"), absent.clone(), "client.outcome_unknown"),
        (
            json!({ "error": { "data": "tx already exists in cache" } }),
            absent.clone(),
            "client.outcome_unknown",
        ),
        (
            json!({ "result": {} }),
            absent.clone(),
            "client.outcome_unknown",
        ),
        (
            taken.clone(),
            json!({ "error": { "data": "busy" } }),
            "client.outcome_unknown",
        ),
        (taken, absent.clone(), "client.not_included"),
        (json!({ "result": { "code": 5 } }), absent, "client.refused"),
    ] {
        let error = send(broadcast, found);
        assert_eq!(error.code(), code, "{error}");
    }
}
