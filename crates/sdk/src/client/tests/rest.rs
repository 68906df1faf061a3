//! The client over REST: the recorded chain of CometBFT as the gateway of the Cosmos SDK prints it, with and without the routes of ours.

use super::proven::recorded;
use super::*;
use crate::types::proto::cosmos::auth::v1beta1::BaseAccount;
use crate::types::proto::cosmos::base::abci::v1beta1::GasInfo;

const REST: [Speaks; 2] = [Speaks::Ours, Speaks::Standard];

/// A server that gives these answers one after the other, the last one again and again; and what it was asked.
struct Server {
    answers: Vec<Response>,
    asked: Vec<Request>,
}

impl Transport for Server {
    async fn exchange(&mut self, request: Request) -> Result<Response, Error> {
        let at = self.asked.len().min(self.answers.len() - 1);
        self.asked.push(request);
        Ok(self.answers[at].clone())
    }

    fn now(&self) -> Timestamp {
        START
    }

    async fn pause(&mut self, _: Duration) {}
}

fn json_said(status: u16, body: &Value) -> Response {
    lcd::said(status, body.to_string().as_bytes())
}

/// A server that has said so far what a node's REST says: no RPC, but who it is.
fn server(answers: Vec<Response>) -> Client<Server> {
    let first = [
        json_said(
            501,
            &json!({ "code": 12, "message": "Not Implemented", "details": [] }),
        ),
        json_said(
            200,
            &json!({ "default_node_info": { "network": "test-1" } }),
        ),
    ];
    Client::new(Server {
        answers: first.into_iter().chain(answers).collect(),
        asked: Vec::new(),
    })
}

#[test]
fn the_recorded_chain_is_proven_over_rest_as_over_the_rpc() {
    for speaks in REST {
        for newest in 2..=32_u64 {
            let told = newest.to_string();
            let (_, answer) = recorded(&told, |_, _| ());
            let mut client = client_of(speaks, answer).trusting(of_genesis(), Terms::WITHOUT_CLOCK);
            // The commit of the newest is in the next one.
            let provable = newest - u64::from(speaks == Speaks::Standard);
            assert_eq!(ready(client.height()).unwrap(), provable);
        }
    }
}

#[test]
fn a_transaction_and_its_result_are_proven_over_rest_as_over_the_rpc() {
    let over = |speaks, newest: &str, is_trusting: bool| {
        let (hash, answer) = recorded(newest, |_, _| ());
        let mut client = client_of(speaks, answer);
        if is_trusting {
            client = client.trusting(of_genesis(), Terms::WITHOUT_CLOCK);
        }
        ready(client.transaction(&hash)).unwrap()
    };
    let included = over(Speaks::Rpc, "12", true);
    assert_eq!((included.proven, included.height), (Proven::Result, 10));
    assert!(!included.result.events.is_empty() && !included.result.log.is_empty());
    for speaks in REST {
        assert_eq!(over(speaks, "12", true), included, "{speaks:?}");
        assert_eq!(over(speaks, "12", false).proven, Proven::Nothing);
    }
    assert_eq!(over(Speaks::Ours, "11", true), included);
    assert_eq!(over(Speaks::Ours, "10", true).proven, Proven::Block);
    assert_eq!(over(Speaks::Standard, "11", true).proven, Proven::Block);
}

#[test]
fn what_is_forged_is_refused_over_rest() {
    type Change = fn(&str, &mut Value);
    let forged: [(Change, &[&str]); 7] = [
        (
            |method, result| {
                if method == "commit" {
                    result["signed_header"]["header"]["data_hash"] = json!("AA".repeat(32));
                }
            },
            &["light.commit_block_id"],
        ),
        (
            |method, result| {
                if method == "commit" {
                    result["signed_header"]["header"]["time"] = json!("2026-11-22T14:50:57.1Z");
                }
            },
            &["light.commit_block_id", "light.header_time", "light.time"],
        ),
        (
            |method, result| match method {
                "commit" => {
                    let sig = &mut result["signed_header"]["commit"]["signatures"][0]["signature"];
                    *sig = json!(STANDARD.encode([7; 64]));
                }
                "block" => {
                    let sig = &mut result["block"]["last_commit"]["signatures"][0]["signature"];
                    *sig = json!(STANDARD.encode([7; 64]));
                }
                _ => {}
            },
            &["light.signature"],
        ),
        (
            |method, result| {
                if method == "validators" {
                    result["validators"][0]["voting_power"] = json!("999");
                }
            },
            &["light.validators"],
        ),
        (
            |method, result| {
                if method == "tx" {
                    result["tx_result"]["code"] = json!(5);
                }
            },
            &["proof.value"],
        ),
        (
            |method, result| {
                if method == "block_results" {
                    result["txs_results"][1]["gas_used"] = json!("4");
                }
            },
            &["proof.root"],
        ),
        (
            |method, result| match method {
                "tx" => result["proof"]["proof"]["index"] = json!("0"),
                "block" => {
                    let txs = result["block"]["data"]["txs"].as_array_mut().unwrap();
                    if txs.len() > 1 {
                        txs.swap(0, 1);
                    }
                }
                _ => {}
            },
            &["proof.root"],
        ),
    ];
    for speaks in REST {
        for (n, (change, codes)) in forged.iter().enumerate() {
            let (hash, answer) = recorded("32", change);
            let mut client = client_of(speaks, answer).trusting(of_genesis(), Terms::WITHOUT_CLOCK);
            let error = ready(client.transaction(&hash)).unwrap_err();
            let code = error.code();
            let is_expected = codes.iter().any(|expected| code.starts_with(expected));
            assert!(is_expected, "{speaks:?} {n}: {code}: {error}");
        }
    }
}

#[test]
fn a_transaction_that_no_block_has_is_told_so_over_rest() {
    for speaks in REST {
        let (hash, answer) = recorded("11", |method, result| {
            if method == "tx" {
                *result = Value::Null;
            }
        });
        let mut answer = answer;
        let answer = move |method: &str, params: &Value| match method {
            "tx" => json!({ "error": { "data": "tx not found: AB" } }),
            _ => answer(method, params),
        };
        let error = ready(client_of(speaks, answer).transaction(&hash)).unwrap_err();
        assert_eq!(error.code(), "client.not_included");
    }
}

#[test]
fn the_first_question_finds_out_what_is_spoken_and_no_other_one_asks_again() {
    let mut client = client(|method, _| match method {
        "status" => json!({ "result": { "node_info": { "network": "test-1" } } }),
        _ => json!({ "error": { "data": "gone" } }),
    });
    assert_eq!(ready(client.chain_id()).unwrap(), "test-1");
    assert_eq!(client.transport.asked.len(), 1);
    let status = json_said(
        200,
        &json!({ "height": "7", "timestamp": "2026-01-01T00:00:00Z", "earliest_store_height": "1" }),
    );
    let none = json_said(501, &json!({ "code": 12, "message": "Not Implemented" }));
    let missing = json_said(
        404,
        &json!({ "code": 5, "message": "no block at height 1" }),
    );
    let mut client = server(vec![status.clone(), none, missing.clone(), status]);
    assert_eq!(ready(client.height()).unwrap(), 6);
    let asked: Vec<_> = client
        .transport
        .asked
        .iter()
        .map(|r| r.path.as_str())
        .collect();
    assert_eq!(asked[0], "");
    assert!(asked[1].ends_with("/node_info") && asked[2].ends_with("/status"));
    assert!(asked[3].ends_with("/light/v1/commits/1") && asked[4].ends_with("/blocks/1"));
    let before = asked.len();
    let _ = ready(client.call("num_unconfirmed_txs", &json!({})));
    assert_eq!(
        client.transport.asked.len(),
        before,
        "no route, no question"
    );
}

#[test]
fn a_server_that_does_not_pass_routes_of_ours_on_has_none() {
    let status = json_said(
        200,
        &json!({ "height": "7", "timestamp": "2026-01-01T00:00:00Z", "earliest_store_height": "1" }),
    );
    let block = json_said(
        200,
        &json!({ "block": { "header": { "time": "2025-01-01T00:00:00Z" } } }),
    );
    for refusal in [
        lcd::said(404, b"<html>404"),
        lcd::said(403, br#"{"message":"Forbidden"}"#),
        json_said(
            404,
            &json!({ "code": 5, "message": "Not Found", "details": [] }),
        ),
        json_said(501, &json!({ "code": 12, "message": "Not Implemented" })),
    ] {
        let answers = vec![status.clone(), refusal, block.clone(), status.clone()];
        let mut client = server(answers);
        assert_eq!(ready(client.height()).unwrap(), 6);
        assert_eq!(ready(client.height()).unwrap(), 6);
        assert_eq!(client.transport.asked.len(), 6, "it is not asked for twice");
    }
    // Of a node that has them a block may be missing.
    let gone = json_said(
        404,
        &json!({ "code": 5, "message": "no block at height 1" }),
    );
    let mut client = server(vec![status, gone]);
    assert_eq!(ready(client.height()).unwrap(), 7);
}

#[test]
fn results_of_a_block_that_never_end_are_not_kept() {
    let page = |data: usize| {
        let result =
            json!({ "code": 0, "data": "AB".repeat(data), "gas_wanted": "1", "gas_used": "1" });
        json_said(200, &json!({ "tx_responses": vec![result; 100] }))
    };
    let none = json_said(501, &json!({ "code": 12, "message": "Not Implemented" }));
    let mut long = server(vec![none.clone(), page(100 << 10)]);
    let error = ready(long.call("block_results", &json!({ "height": "5" }))).unwrap_err();
    assert_eq!(error.code(), "client.form");
    assert_eq!(long.transport.asked.len(), 5);
    let mut many = server(vec![none, page(0)]);
    let results = ready(many.call("block_results", &json!({ "height": "5" }))).unwrap();
    assert_eq!(results["txs_results"].as_array().unwrap().len(), 20_000);
}

#[test]
fn what_is_neither_rpc_nor_rest_says_so() {
    for (status, body, code) in [
        (200, "<html>", "client.not_rpc"),
        (404, "404 page not found", "client.not_rpc"),
        (200, r#"{"amount":"1"}"#, "client.not_rpc"),
        (307, "", "client.not_rpc"),
        (503, "<html>", "client.busy"),
        (
            503,
            r#"{"code":14,"message":"no thread is free"}"#,
            "client.busy",
        ),
        (429, "slow down", "client.busy"),
    ] {
        let mut client = Client::new(Server {
            answers: vec![lcd::said(status, body.as_bytes())],
            asked: Vec::new(),
        });
        let error = ready(client.chain_id()).unwrap_err();
        assert_eq!(error.code(), code, "{status} {body}");
    }
}

#[test]
fn whatever_rest_answers_is_a_sentence_with_a_code() {
    let whole = json!({ "code": 0, "value": "", "height": "7" }).to_string();
    for (status, body, code) in [
        (200, "<html><b>\x1b[2J", "client.not_rest"),
        (200, "", "client.not_rest"),
        (200, &whole[..20], "client.not_rest"),
        (200, "[1]", "client.not_rest"),
        (502, "<html>bad gateway", "client.not_rest"),
        (302, r#"{"code":3,"message":"there"}"#, "client.not_rest"),
        (404, "404 page not found", "client.not_rest"),
        (503, "", "client.busy"),
        (
            503,
            r#"{"code":14,"message":"no thread is free"}"#,
            "client.busy",
        ),
        (429, "slow down", "client.busy"),
        (
            429,
            r#"{"code":8,"message":"no gas is left"}"#,
            "client.query",
        ),
        (400, r#"{"code":3,"message":"no such"}"#, "client.query"),
        (404, r#"{"code":5,"message":"no such"}"#, "client.query"),
        (500, r#"{"code":2,"message":"no such"}"#, "client.query"),
        (414, "<html>", "client.too_long"),
        (431, "", "client.too_long"),
        (200, r#"{"code":"none"}"#, "client.form"),
        (200, r#"{"code":0,"value":"*"}"#, "client.form"),
        (200, "{}", "client.form"),
    ] {
        let mut client = server(vec![lcd::said(status, body.as_bytes())]);
        let error =
            ready(client.query_bytes("/cosmos.bank.v1beta1.Query/Params", b"")).unwrap_err();
        assert_eq!(error.code(), code, "{status} {body}: {error}");
        assert!(!error.to_string().contains('\x1b'));
    }
    let mut busy = lcd::said(503, b"");
    busy.retry_after = Some("4".to_owned());
    let error = ready(server(vec![busy]).query_bytes("/a.B/C", b"")).unwrap_err();
    assert!(error.to_string().ends_with("ask again in 4 s"), "{error}");
    // A question that no node would read is not sent.
    let mut client = server(vec![lcd::said(200, b"{}")]);
    let error = ready(client.query_bytes("/a.B/C", &[7; 128 << 10])).unwrap_err();
    assert_eq!(error.code(), "client.too_long");
    assert_eq!(client.transport.asked.len(), 2);
    // No route for it.
    let none = json_said(501, &json!({ "code": 12, "message": "Not Implemented" }));
    for path in ["/a.B/C", "/store/native/key"] {
        let error = ready(server(vec![none.clone()]).query_bytes(path, b"")).unwrap_err();
        assert_eq!(error.code(), "client.no_route");
    }
    let error = ready(server(vec![none]).call("status", &json!({}))).unwrap_err();
    assert_eq!(error.code(), "client.no_route");
}

#[test]
fn numbers_and_names_of_the_wrong_kind_are_refused_where_they_are_read() {
    for (status, field) in [
        (json!({ "height": 7 }), "latest_block_height"),
        (json!({ "height": "-1" }), "latest_block_height"),
        (json!({}), "latest_block_height"),
    ] {
        let refused = json_said(404, &json!({ "code": 5, "message": "no block" }));
        let mut client = server(vec![json_said(200, &status), refused]);
        let error = ready(client.height()).unwrap_err();
        assert_eq!(error.code(), "client.form", "{error}");
        assert!(error.to_string().contains(field), "{error}");
    }
    let header = |change: fn(&mut Value)| {
        let (_, answer) = recorded("11", move |method, result| {
            if method == "commit" {
                change(&mut result["signed_header"]);
            }
        });
        let mut client =
            client_of(Speaks::Ours, answer).trusting(of_genesis(), Terms::WITHOUT_CLOCK);
        ready(client.height()).unwrap_err().code()
    };
    for change in [
        |signed: &mut Value| signed["header"]["height"] = json!("eleven"),
        |signed: &mut Value| signed["header"]["version"]["block"] = json!([]),
        |signed: &mut Value| signed["commit"]["round"] = json!("0"),
        |signed: &mut Value| signed["commit"]["signatures"] = json!([]),
        |signed: &mut Value| signed["header"]["app_hash"] = json!("AA".repeat(100)),
    ] {
        let code = header(change);
        assert!(
            code.starts_with("verify.") || code.starts_with("light."),
            "{code}"
        );
    }
}

#[test]
fn a_node_of_the_cosmos_sdk_is_asked_by_the_routes_that_all_of_them_have() {
    let refused = json_said(
        400,
        &json!({ "code": 3, "message": "unsupported ABCI query path: …" }),
    );
    let over = |answer: Value| server(vec![refused.clone(), json_said(200, &answer)]);
    let address = contract();
    let account = json!({ "info": { "address": address.to_string(), "pub_key": null, "account_number": "7", "sequence": "258" } });
    let mut client = over(account);
    let position = ready(client.position(&address)).unwrap();
    assert_eq!((position.number, position.sequence), (7, 258));
    let route = &client.transport.asked[3];
    assert_eq!(
        route.path,
        format!("/cosmos/auth/v1beta1/account_info/{address}")
    );

    let mut client = over(json!({ "key": STANDARD.encode([7; 32]) }));
    assert_eq!(ready(client.network_key()).unwrap().key, [7; 32]);
    let mut client = over(json!({ "code_hash": "ab".repeat(32) }));
    assert_eq!(ready(client.code_hash(&address)).unwrap(), [0xab; 32]);
    assert_eq!(
        ready(over(json!({ "code_hash": "ab".repeat(32) })).code_hash_of(3)).unwrap(),
        [0xab; 32]
    );
    let unsigned = || TxBuilder::new("test-1").unsigned(&[2; 33], 0);
    let mut client =
        over(json!({ "gas_info": { "gas_wanted": "0", "gas_used": "1000" }, "result": {} }));
    assert_eq!(ready(client.simulate(unsigned())).unwrap(), 1_000);
    assert!(
        client.transport.asked[3]
            .body
            .as_ref()
            .unwrap()
            .contains("tx_bytes")
    );
    // What they refuse is told with its own words.
    let gone = json_said(
        404,
        &json!({ "code": 5, "message": "account secret1x not found: key not found" }),
    );
    let error = ready(server(vec![refused.clone(), gone]).position(&address)).unwrap_err();
    assert_eq!(error.code(), "client.no_account");
    let error = ready(over(json!({ "code_hash": 7 })).code_hash(&address)).unwrap_err();
    assert_eq!(error.code(), "client.form");
    // Another query has no route that is known here.
    let error = ready(over(json!({})).query_bytes("/a.B/C", b"")).unwrap_err();
    assert_eq!(error.code(), "client.no_route");
    assert!(
        error.to_string().contains("cannot answer /a.B/C"),
        "{error}"
    );
}

#[test]
fn a_simulated_upload_does_not_go_into_an_address() {
    let gas = SimulateResponse {
        gas_info: Some(GasInfo {
            gas_used: 1_000,
            ..GasInfo::default()
        }),
        ..SimulateResponse::default()
    };
    let value = json!({ "code": 0, "value": STANDARD.encode(gas.encode_to_vec()), "height": "7" });
    let tx = |memo: usize| {
        TxBuilder::new("test-1")
            .memo("x".repeat(memo))
            .unsigned(&[2; 33], 0)
    };
    let mut client = server(vec![json_said(200, &value)]);
    assert_eq!(ready(client.simulate(tx(10))).unwrap(), 1_000);
    assert_eq!(client.answered_at(), Some(7));
    assert!(client.transport.asked[2].body.is_none());
    let told = json!({ "gas_info": { "gas_wanted": "0", "gas_used": "2000" } });
    let mut client = server(vec![json_said(200, &told)]);
    assert_eq!(ready(client.simulate(tx(200_000))).unwrap(), 2_000);
    assert_eq!(client.transport.asked.len(), 3);
    assert_eq!(
        client.transport.asked[2].path,
        "/cosmos/tx/v1beta1/simulate"
    );
}

#[test]
fn what_the_mempool_refuses_leaves_the_outcome_as_open_as_over_the_rpc() {
    let account = Account::from_mnemonic(ACCOUNTS[1].mnemonic).unwrap();
    let info = QueryAccountInfoResponse {
        info: Some(BaseAccount::default()),
    };
    let tx = TxBuilder::new("chain").message(&MsgSend::default()).gas(1);
    for (code, outcome) in [
        (13, "client.refused"),
        (19, "client.outcome_unknown"),
        (20, "client.outcome_unknown"),
        (21, "client.outcome_unknown"),
    ] {
        let info = value(&info);
        let mut client = client_of(Speaks::Ours, move |method, _| match method {
            "abci_query" => info.clone(),
            "broadcast_tx_sync" => {
                json!({ "result": { "code": code, "codespace": "sdk", "log": "" } })
            }
            other => json!({ "error": { "data": format!("{other} was asked") } }),
        });
        let error = ready(client.send(&account, &tx)).unwrap_err();
        assert_eq!(error.code(), outcome, "{code}: {error}");
    }
    // When to try again is told, and it is tried.
    let mut full = json_said(
        200,
        &json!({ "tx_response": { "code": 20, "codespace": "sdk" } }),
    );
    full.retry_after = Some("1".to_owned());
    let taken = json_said(200, &json!({ "tx_response": { "code": 0 } }));
    let mut client = server(vec![full.clone(), taken]);
    assert_eq!(ready(client.broadcast(b"tx")).unwrap().code, 0);
    let error = ready(server(vec![full]).broadcast(b"tx")).unwrap_err();
    assert_eq!(error.code(), "client.busy");
    assert!(
        error
            .to_string()
            .ends_with("its mempool is full; ask again in 1 s"),
        "{error}"
    );
}
