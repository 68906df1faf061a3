//! The client over REST: the recorded chain of CometBFT as the gateway of the Cosmos SDK prints it, with and without the routes of ours.

use super::proven::recorded;
use super::*;
use crate::types::proto::cosmos::auth::v1beta1::BaseAccount;

const REST: [Speaks; 2] = [Speaks::Ours, Speaks::Standard];

/// A server that gives these answers one after the other, the last one again and again; and what it was asked.
pub(super) struct Server {
    pub(super) answers: Vec<Response>,
    pub(super) asked: Vec<Request>,
    /// How long an answer takes.
    pub(super) slow: Duration,
    /// Time that was waited.
    pub(super) paused: Duration,
}

impl Server {
    pub(super) const fn new(answers: Vec<Response>) -> Self {
        Self {
            answers,
            asked: Vec::new(),
            slow: Duration::ZERO,
            paused: Duration::ZERO,
        }
    }

    /// The paths that were asked for.
    pub(super) fn paths(&self) -> Vec<&str> {
        self.asked.iter().map(|r| r.path.as_str()).collect()
    }
}

impl Transport for Server {
    async fn exchange(&mut self, request: Request) -> Result<Response, Error> {
        let at = self.asked.len().min(self.answers.len() - 1);
        self.asked.push(request);
        Ok(self.answers[at].clone())
    }

    fn now(&self) -> Timestamp {
        let answers = u32::try_from(self.asked.len()).unwrap();
        let passed = (self.slow * answers + self.paused).as_nanos();
        let nanos = START.nanos_total().unwrap() + u64::try_from(passed).unwrap();
        Timestamp::from_nanos_total(nanos)
    }

    async fn pause(&mut self, time: Duration) {
        self.paused += time;
    }
}

pub(super) fn json_said(status: u16, body: &Value) -> Response {
    lcd::said(status, body.to_string().as_bytes())
}

/// A server that has said so far what a node's REST says: no RPC, but who it is.
pub(super) fn server(answers: Vec<Response>) -> Client<Server> {
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
    Client::new(Server::new(first.into_iter().chain(answers).collect()))
}

/// No such route, as the gateway of the Cosmos SDK says it.
pub(super) fn none() -> Response {
    json_said(501, &json!({ "code": 12, "message": "Not Implemented" }))
}

/// A node whose newest block is young.
pub(super) fn node_status() -> Response {
    json_said(
        200,
        &json!({ "height": "7", "timestamp": "2026-11-22T14:50:30Z", "earliest_store_height": "1" }),
    )
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
    let status = node_status();
    let missing = json_said(
        404,
        &json!({ "code": 5, "message": "no block at height 1" }),
    );
    let mut client = server(vec![status.clone(), none(), missing.clone(), status]);
    assert_eq!(ready(client.height()).unwrap(), 6);
    let asked = client.transport.paths();
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
    let status = node_status();
    let block = json_said(
        200,
        &json!({ "block": { "header": { "time": "2025-01-01T00:00:00Z" } } }),
    );
    for refusal in [
        lcd::said(404, b"<html>404"),
        lcd::said(403, br#"{"message":"Forbidden"}"#),
        // A gateway's own words, of which none are gRPC's.
        json_said(404, &json!({ "code": 404, "message": "Not Found" })),
        json_said(403, &json!({ "code": 403, "message": "forbidden" })),
        json_said(403, &json!({ "code": 7, "message": "forbidden" })),
        json_said(
            404,
            &json!({ "code": 5, "message": "Not Found", "details": [] }),
        ),
        none(),
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
        (
            429,
            r#"{"message":"API rate limit exceeded"}"#,
            "client.busy",
        ),
        (
            404,
            r#"{"error":{"code":404,"message":"Not found"}}"#,
            "client.not_rpc",
        ),
        (
            404,
            r#"{"message":"Route POST:/ not found","error":"Not Found","statusCode":404}"#,
            "client.not_rpc",
        ),
    ] {
        let mut client = Client::new(Server::new(vec![lcd::said(status, body.as_bytes())]));
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
        (
            429,
            r#"{"message":"API rate limit exceeded"}"#,
            "client.busy",
        ),
        (500, r#"{"code":0,"message":"x"}"#, "client.not_rest"),
        (500, r#"{"code":-1,"message":"x"}"#, "client.not_rest"),
        (500, r#"{"code":17,"message":"x"}"#, "client.not_rest"),
        (
            404,
            r#"{"code":404,"message":"Not Found"}"#,
            "client.not_rest",
        ),
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
    // Who says when to ask again is busy, in whatever words.
    let mut busy = json_said(429, &json!({ "code": 8, "message": "slow down" }));
    busy.retry_after = Some("4".to_owned());
    let error = ready(server(vec![busy]).query_bytes("/a.B/C", b"")).unwrap_err();
    assert_eq!(error.code(), "client.busy");
    // No route for it.
    for path in ["/a.B/C", "/store/native/key"] {
        let error = ready(server(vec![none()]).query_bytes(path, b"")).unwrap_err();
        assert_eq!(error.code(), "client.no_route");
    }
    let error = ready(server(vec![none()]).call("status", &json!({}))).unwrap_err();
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
        let height = ready(client.height());
        height.map_err(|error| (error.code(), error.to_string()))
    };
    assert_eq!(header(|_| ()).unwrap(), 11);
    type Change = fn(&mut Value);
    let changes: [(Change, &str, &str); 5] = [
        (
            |signed| signed["header"]["height"] = json!("eleven"),
            "verify.form",
            "has a bad height",
        ),
        (
            |signed| signed["header"]["version"]["block"] = json!([]),
            "verify.form",
            "has a bad member",
        ),
        (
            |signed| signed["commit"]["round"] = json!("0"),
            "verify.form",
            "has a bad member",
        ),
        (
            |signed| signed["commit"]["signatures"] = json!([]),
            "light.commit",
            "bad signatures",
        ),
        (
            |signed| signed["header"]["app_hash"] = json!("AA".repeat(100)),
            "light.header",
            "bad app_hash",
        ),
    ];
    for (change, code, field) in changes {
        let (told, text) = header(change).unwrap_err();
        assert_eq!(told, code, "{text}");
        assert!(text.contains(field), "{text}");
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
fn what_the_mempool_refuses_leaves_the_outcome_as_open_as_over_the_rpc() {
    let account = Account::from_mnemonic(ACCOUNTS[1].mnemonic).unwrap();
    let info = QueryAccountInfoResponse {
        info: Some(BaseAccount::default()),
    };
    let tx = TxBuilder::new("chain").message(&MsgSend::default()).gas(1);
    for (code, outcome) in [
        (13, "client.refused"),
        (19, "client.outcome_unknown"),
        (20, "client.refused"),
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
    // Nor does a node say more that has lost the answer.
    let lost = json_said(500, &json!({ "code": 2, "message": "the answer is lost" }));
    let error = ready(server(vec![lost]).broadcast(b"tx")).unwrap_err();
    assert_eq!(error.code(), "client.rpc");
    // When to try again is told, and it is tried.
    let mut full = json_said(
        200,
        &json!({ "tx_response": { "code": 20, "codespace": "sdk" } }),
    );
    full.retry_after = Some("1".to_owned());
    let taken = json_said(200, &json!({ "tx_response": { "code": 0 } }));
    let mut client = server(vec![full.clone(), taken]);
    assert_eq!(ready(client.broadcast(b"tx")).unwrap().code, 0);
    assert!(client.transport.paused >= Duration::from_secs(1));
    let refused = |full: &Response| {
        let error = ready(server(vec![full.clone()]).broadcast_once(b"tx")).unwrap_err();
        assert_eq!(error.code(), "client.busy");
        error.to_string()
    };
    let told = refused(&full);
    assert!(
        told.ends_with("its mempool is full; ask again in 1 s"),
        "{told}"
    );
    // Our nodes tell it to the millisecond as well, and so long is the rest.
    full.retry_after_ms = Some("145".to_owned());
    let told = refused(&full);
    assert!(
        told.ends_with("its mempool is full; ask again in 145 ms"),
        "{told}"
    );
    let taken = json_said(200, &json!({ "tx_response": { "code": 0 } }));
    let mut client = server(vec![full, taken]);
    assert_eq!(ready(client.broadcast(b"tx")).unwrap().code, 0);
    let rested = client.transport.paused.as_millis();
    assert!((145..164).contains(&rested), "{rested}");
}
