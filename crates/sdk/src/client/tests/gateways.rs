//! REST behind servers that answer in its place, or a node that lies without end: what the client takes for what, keeps, and says to whom.

use super::rest::{Server, json_said, node_status, none, server};
use super::*;

/// A page of a search, with so many results like this one, of so many in all.
fn page(result: &Value, count: usize, total: Option<usize>) -> Response {
    let mut page = json!({ "tx_responses": vec![result; count] });
    if let Some(total) = total {
        page["total"] = json!(total.to_string());
    }
    json_said(200, &page)
}

fn result(data: &str) -> Value {
    json!({ "code": 0, "data": data, "gas_wanted": "1", "gas_used": "1" })
}

/// What comes of the results of a block, and how many pages were asked for.
fn results(pages: Vec<Response>, slow: Duration) -> (Result<usize, Error>, usize) {
    let mut client = server([none()].into_iter().chain(pages).collect());
    client.transport.slow = slow;
    let told = ready(client.call("block_results", &json!({ "height": "5" })));
    let told = told.map(|told| told["txs_results"].as_array().unwrap().len());
    (told, client.transport.asked.len() - 3)
}

#[test]
fn results_of_a_block_that_never_end_are_not_kept() {
    let mut long = result("");
    long["gas_used"] = json!("9".repeat(160 << 10));
    let mut listed = result("");
    listed["code"] = json!(vec![json!([]); 1_000]);
    for (page, pages_max) in [
        (page(&result(&"AB".repeat(100 << 10)), 100, None), 2),
        (page(&long, 100, None), 1),
        (page(&listed, 100, None), 1),
        (page(&result(""), 100, None), 201),
        (page(&result(""), 100, Some(20_001)), 1),
        (page(&result(""), 100, Some(90)), 1),
    ] {
        let (told, pages) = results(vec![page], Duration::ZERO);
        assert_eq!(told.unwrap_err().code(), "client.form");
        assert!(pages <= pages_max, "{pages}");
    }
    // What is around the results is not kept, but read.
    let mut around = json!({ "tx_responses": vec![result(""); 100] });
    around["txs"] = json!("x".repeat(15 << 20));
    let (told, pages) = results(vec![json_said(200, &around)], Duration::ZERO);
    assert_eq!((told.unwrap_err().code(), pages), ("client.form", 9));
    let endless = vec![page(&result(""), 100, Some(20_000))];
    let (told, pages) = results(endless.clone(), Duration::from_secs(9));
    assert_eq!(told.unwrap_err().code(), "client.no_answer");
    assert!(pages <= 5, "{pages}");
    let (told, pages) = results(endless, Duration::ZERO);
    assert_eq!((told.unwrap(), pages), (20_000, 200));
}

#[test]
fn no_page_behind_the_last_one_is_needed() {
    let beyond = |text: &str| json_said(500, &json!({ "code": 2, "message": text }));
    let refused = "failed to search for txs: page should be within [1, 1] range, given 2";
    let full = |total| page(&result(""), 100, total);
    let of = |pages| results(pages, Duration::ZERO);
    let (told, pages) = of(vec![full(Some(100)), beyond(refused)]);
    assert_eq!((told.unwrap(), pages), (100, 1));
    // As older ones tell it.
    let mut older = json!({ "tx_responses": vec![result(""); 100] });
    older["pagination"] = json!({ "total": "100" });
    let (told, pages) = of(vec![json_said(200, &older), beyond(refused)]);
    assert_eq!((told.unwrap(), pages), (100, 1));
    // Who does not tell how many there are.
    let (told, pages) = of(vec![full(None), beyond(refused)]);
    assert_eq!((told.unwrap(), pages), (100, 2));
    let (told, _) = of(vec![full(Some(0)), page(&result(""), 3, Some(0))]);
    assert_eq!(told.unwrap(), 103);
    let (told, _) = of(vec![page(&result(""), 0, Some(0))]);
    assert_eq!(told.unwrap(), 0);
    // A list that is cut short is none.
    let (told, _) = of(vec![full(Some(200)), beyond(refused)]);
    assert_eq!(told.unwrap_err().code(), "client.rpc");
    let (told, _) = of(vec![full(None), beyond("the index is closed")]);
    assert_eq!(told.unwrap_err().code(), "client.rpc");
    let (told, _) = of(vec![full(Some(200)), page(&result(""), 0, Some(200))]);
    assert_eq!(told.unwrap_err().code(), "client.form");
}

#[test]
fn a_moment_without_an_answer_does_not_say_that_there_are_no_routes_of_ours() {
    let block = json_said(
        200,
        &json!({ "block": { "header": { "time": "2025-01-01T00:00:00Z" } } }),
    );
    let gone = json_said(
        404,
        &json!({ "code": 5, "message": "no block at height 1" }),
    );
    for moment in [
        lcd::said(502, b"<html>"),
        lcd::said(500, br#"{"message":"oh"}"#),
        lcd::said(200, b"{\"signed"),
    ] {
        let mut client = server(vec![
            node_status(),
            moment,
            block.clone(),
            node_status(),
            gone.clone(),
            node_status(),
        ]);
        // Until it is known, no more is promised than all nodes can prove.
        assert_eq!(ready(client.height()).unwrap(), 6);
        assert_eq!(ready(client.height()).unwrap(), 7);
        assert_eq!(ready(client.height()).unwrap(), 7);
        let asked = client.transport.paths();
        let ours = asked.iter().filter(|path| path.starts_with("/strongroom/"));
        assert_eq!(ours.count(), 2, "{asked:?}");
    }
    // What it says itself is an error, and says nothing of its routes either.
    for code in [2, 13] {
        let broken = json_said(500, &json!({ "code": code, "message": "broken" }));
        let mut client = server(vec![broken, gone.clone()]);
        let ask = |client: &mut Client<Server>| {
            ready(client.call("commit", &json!({ "height": "1" }))).unwrap_err()
        };
        assert_eq!(ask(&mut client).to_string(), "broken");
        assert_eq!(ask(&mut client).to_string(), "no block at height 1");
        assert!(client.transport.paths()[3].starts_with("/strongroom/"));
    }
    // Of a node that has them, they do not vanish.
    let mut client = server(vec![
        node_status(),
        gone,
        node_status(),
        lcd::said(404, b"<html>"),
    ]);
    assert_eq!(ready(client.height()).unwrap(), 7);
    assert_eq!(ready(client.height()).unwrap(), 7);
    let error = ready(client.call("commit", &json!({ "height": "7" }))).unwrap_err();
    assert_eq!(error.code(), "client.not_rest");
}

#[test]
fn an_early_block_that_is_gone_is_asked_for_once() {
    let gone = json_said(
        404,
        &json!({ "code": 5, "message": "no block at height 1" }),
    );
    let mut client = server(vec![node_status(), gone, node_status()]);
    for _ in 0..4 {
        assert_eq!(ready(client.height()).unwrap(), 7);
    }
    assert_eq!(client.transport.asked.len(), 2 + 2 + 3);
}

#[test]
fn only_the_route_of_a_transaction_says_that_no_block_has_it() {
    let hash = "AB".repeat(32);
    let look = |answers: Vec<Response>| {
        let error = ready(server(answers).transaction(&hash)).unwrap_err();
        (error.code(), error.to_string())
    };
    let missing = |code: u64, text: &str| json_said(404, &json!({ "code": code, "message": text }));
    let absent = missing(5, "tx not found: AB");
    let found = json_said(200, &json!({ "tx_response": { "height": "5" } }));
    // Routes of ours, and those of all.
    assert_eq!(look(vec![absent.clone()]).0, "client.not_included");
    assert_eq!(look(vec![none(), absent.clone()]).0, "client.not_included");
    for answers in [
        vec![missing(404, "page not found")],
        vec![none(), missing(404, "page not found")],
        vec![none(), missing(2, "upstream not found")],
        vec![none(), missing(5, "Not Found")],
        vec![none(), lcd::said(404, b"page not found")],
        vec![none(), found.clone(), missing(5, "block not found")],
        vec![none(), found, missing(3, "height 5 not found")],
    ] {
        let (code, text) = look(answers);
        assert_ne!(code, "client.not_included", "{text}");
    }
    // Nor is an account missing because something else is.
    let address = contract();
    let mut client = server(vec![missing(2, "upstream not found")]);
    assert_eq!(
        ready(client.position(&address)).unwrap_err().code(),
        "client.query"
    );
    let mut client = server(vec![missing(5, "account secret1x not found")]);
    assert_eq!(
        ready(client.position(&address)).unwrap_err().code(),
        "client.no_account"
    );
    // Over the RPC the words of a web server are not those of a node.
    let mut client = Client::new(Server::new(vec![
        json_said(200, &json!({ "result": {} })),
        json_said(
            404,
            &json!({ "error": { "code": 404, "message": "page not found" } }),
        ),
    ]));
    ready(client.call("status", &json!({}))).unwrap();
    let error = ready(client.transaction(&hash)).unwrap_err();
    assert_eq!(error.code(), "client.not_rpc");
}

#[test]
fn a_web_server_at_the_root_does_not_hide_rest() {
    let node_info = json_said(
        200,
        &json!({ "default_node_info": { "network": "test-1" } }),
    );
    for root in [
        r#"{"message":"Route POST:/ not found","error":"Not Found","statusCode":404}"#,
        r#"{"error":{"code":404,"message":"Not found","status":"NOT_FOUND"}}"#,
        r#"{"error":true}"#,
    ] {
        let root = lcd::said(404, root.as_bytes());
        let mut client = Client::new(Server::new(vec![root, node_info.clone(), node_status()]));
        assert_eq!(ready(client.chain_id()).unwrap(), "test-1");
    }
}

#[test]
fn who_has_no_time_at_first_is_busy_and_nobody_else() {
    let root = || lcd::said(404, b"404 page not found");
    let mut later = lcd::said(503, b"");
    later.retry_after = Some("24".to_owned());
    let mut client = Client::new(Server::new(vec![root(), later]));
    let error = ready(client.chain_id()).unwrap_err();
    assert_eq!(error.code(), "client.busy");
    assert!(error.to_string().ends_with("ask again in 24 s"), "{error}");
    let mut client = Client::new(Server::new(vec![root(), lcd::said(302, b"")]));
    let error = ready(client.chain_id()).unwrap_err();
    assert_eq!(error.code(), "client.not_rpc");
    // Where nothing is said its status is told.
    let mut client = Client::new(Server::new(vec![lcd::said(302, b"")]));
    let error = ready(client.chain_id()).unwrap_err().to_string();
    assert!(error.contains("nothing, with status 302"), "{error}");
}

#[test]
fn who_has_no_time_is_left_alone_as_long_as_it_says_and_no_longer_than_is_promised() {
    let hash = "AB".repeat(32);
    let looks = |retry_after: &str| {
        let mut limit = json_said(429, &json!({ "message": "API rate limit exceeded" }));
        limit.retry_after = Some(retry_after.to_owned());
        let mut client = server(vec![limit]);
        let error = ready(client.wait(&hash)).unwrap_err();
        assert_eq!(error.code(), "client.outcome_unknown");
        let waited = client.transport.paused;
        assert!(
            waited >= BLOCK_WAITS && waited < BLOCK_WAITS + Duration::from_secs(1),
            "{waited:?}"
        );
        client.transport.asked.len() - 2
    };
    assert!((3..=5).contains(&looks("24")));
    assert!((2..=4).contains(&looks("99999")));
    assert!((10..=30).contains(&looks("0")));
}

#[test]
fn no_transaction_that_may_not_be_sent_goes_into_an_address() {
    let unsupported = json_said(
        400,
        &json!({ "code": 3, "message": "unsupported ABCI query path: …" }),
    );
    let told = json!({ "gas_info": { "gas_wanted": "0", "gas_used": "2000" } });
    for memo in [0, 10, 40_000, 60_000, 90_000, 200_000] {
        let tx = TxBuilder::new("test-1").memo("x".repeat(memo));
        let mut client = server(vec![json_said(200, &told)]);
        assert_eq!(
            ready(client.simulate(tx.unsigned(&[2; 33], 0))).unwrap(),
            2_000
        );
        let asked = &client.transport.asked;
        assert_eq!(asked.len(), 3, "{memo}");
        assert_eq!(asked[2].path, "/cosmos/tx/v1beta1/simulate");
        assert!(asked[2].body.as_ref().unwrap().len() > memo);
    }
    // Nor by whoever asks as he likes.
    for method in ["Simulate", "TxDecode"] {
        let mut client = server(vec![unsupported.clone()]);
        let path = format!("/cosmos.tx.v1beta1.Service/{method}");
        let error = ready(client.query_bytes(&path, b"tx")).unwrap_err();
        assert_eq!(error.code(), "client.no_route");
        assert_eq!(client.transport.asked.len(), 2);
    }
    // A node without that route says so.
    let tx = TxBuilder::new("test-1").unsigned(&[2; 33], 0);
    let error = ready(server(vec![none()]).simulate(tx)).unwrap_err();
    assert_eq!(error.code(), "client.no_route");
    let mut old = server(vec![unsupported, none()]);
    let error = ready(old.position(&contract())).unwrap_err();
    assert_eq!(error.code(), "client.no_route");
}

#[test]
fn a_question_that_no_address_holds_is_not_sent_and_says_the_limit() {
    let answer = json_said(200, &json!({ "code": 0, "value": "", "height": "7" }));
    let asked = |bytes: usize| {
        let mut client = server(vec![answer.clone()]);
        let told = ready(client.query_bytes("/a.B/C", &vec![0; bytes]));
        let longest = client
            .transport
            .paths()
            .iter()
            .map(|p| p.len())
            .max()
            .unwrap();
        (told, longest, client.transport.asked.len())
    };
    let (told, longest, _) = asked(49_000);
    assert!(told.is_ok() && longest <= TARGET_BYTES_MAX && longest > 65_000);
    for bytes in [49_200, 60_000, 90_000, 200_000] {
        let (told, _, questions) = asked(bytes);
        let error = told.unwrap_err();
        assert_eq!((error.code(), questions), ("client.too_long", 2), "{bytes}");
        assert!(error.to_string().contains("65,534 bytes"), "{error}");
    }
}

#[test]
fn a_broadcast_that_comes_first_is_sent_once() {
    let node_info = json_said(
        200,
        &json!({ "default_node_info": { "network": "test-1" } }),
    );
    let taken = json_said(
        200,
        &json!({ "tx_response": { "code": 0, "txhash": "AB" } }),
    );
    let mut client = Client::new(Server::new(vec![
        lcd::said(502, b"<html>"),
        node_info,
        taken,
    ]));
    let checked = ready(client.broadcast(b"tx")).unwrap();
    assert_eq!(checked.code, 0);
    let base64 = STANDARD.encode(b"tx");
    let with_tx = client.transport.asked.iter().filter(|request| {
        let body = request.body.as_deref().unwrap_or_default();
        body.contains(&base64) || request.path.contains(&base64)
    });
    assert_eq!(with_tx.count(), 1);
}

#[test]
fn status_over_rest_has_what_is_read_of_it() {
    let old = json_said(
        200,
        &json!({ "height": "7", "timestamp": "2026-11-20T00:00:00Z", "earliest_store_height": "1" }),
    );
    let block = json_said(
        200,
        &json!({ "block": { "header": { "time": "2025-01-01T00:00:00Z" } } }),
    );
    let told = |status: Response, syncing: Response| {
        let mut client = server(vec![status, none(), block.clone(), syncing]);
        let status = ready(client.call("status", &json!({}))).unwrap();
        (status, client.transport.asked.len())
    };
    for syncing in [true, false] {
        let said = json_said(200, &json!({ "syncing": syncing }));
        let (status, asked) = told(old.clone(), said);
        assert_eq!(status["sync_info"]["catching_up"], syncing);
        for (of, name) in [
            ("node_info", "network"),
            ("sync_info", "latest_block_height"),
            ("sync_info", "latest_block_time"),
            ("sync_info", "earliest_block_height"),
            ("sync_info", "earliest_block_time"),
        ] {
            assert!(status[of][name].is_string(), "{name}");
        }
        assert_eq!(asked, 2 + 4);
    }
    // Whoever does not tell leaves it open; who has a young block is not asked.
    let (status, _) = told(old, none());
    assert!(status["sync_info"]["catching_up"].is_null());
    let (_, asked) = told(node_status(), none());
    assert_eq!(asked, 2 + 3);
}

#[test]
fn a_question_of_the_wrong_form_is_not_asked_as_another_one() {
    for params in [
        json!({ "path": "/a.B/C", "data": "xyz" }),
        json!({ "path": "/a.B/C", "data": "", "height": 7 }),
        json!({ "path": "/a.B/C", "data": "", "height": "-1" }),
    ] {
        let mut client = server(vec![json_said(200, &json!({ "code": 0 }))]);
        let error = ready(client.call("abci_query", &params)).unwrap_err();
        assert_eq!(error.code(), "client.form", "{params}");
        assert_eq!(client.transport.asked.len(), 2);
    }
}

#[test]
fn what_is_asked_for_stands_in_the_address() {
    let asked = |method: &str, params: Value, answer: Value| {
        let mut client = server(vec![json_said(200, &answer)]);
        let told = ready(client.call(method, &params)).unwrap();
        (client.transport.paths()[2].to_owned(), told)
    };
    let params =
        json!({ "path": "/store/native/key", "data": "0102ff", "height": "7", "prove": true });
    let (path, _) = asked("abci_query", params, json!({ "code": 0 }));
    assert_eq!(
        path,
        "/cosmos/base/tendermint/v1beta1/abci_query?path=%2Fstore%2Fnative%2Fkey&data=AQL%5F&height=7&prove=true"
    );
    // The third hundred of more than two, of a node that tells their number, and of one that does not.
    let one = json!({ "pub_key": { "@type": "/cosmos.crypto.ed25519.PubKey", "key": "AA==" }, "voting_power": "1" });
    for (count, told, total) in [(100, "250", "250"), (50, "0", "250"), (100, "0", "301")] {
        let answer =
            json!({ "validators": vec![one.clone(); count], "pagination": { "total": told } });
        let params = json!({ "height": "5", "page": "3", "per_page": "100" });
        let (path, told) = asked("validators", params, answer);
        assert_eq!(
            path,
            "/cosmos/base/tendermint/v1beta1/validatorsets/5?pagination.offset=200&pagination.limit=100&pagination.count_total=true"
        );
        assert_eq!(told["total"], total);
        assert_eq!(told["validators"].as_array().unwrap().len(), count);
    }
    let params =
        json!({ "query": "tx.acc_seq='a/1'", "page": "2", "per_page": "30", "order_by": "desc" });
    let found = json!({ "tx_responses": [{ "txhash": "AB", "height": "5" }], "total": "31" });
    let (path, told) = asked("tx_search", params, found);
    assert_eq!(
        path,
        "/cosmos/tx/v1beta1/txs?query=tx%2Eacc%5Fseq%3D%27a%2F1%27&page=2&limit=30&order_by=ORDER_BY_DESC"
    );
    assert_eq!(
        told,
        json!({ "txs": [{ "hash": "AB", "height": "5" }], "total_count": "31" })
    );
}

#[test]
fn of_the_same_bytes_twice_in_a_block_the_one_with_the_result_is_proven() {
    let twice = json!({ "block": { "data": { "txs": [STANDARD.encode(b"a"), STANDARD.encode(b"b"), STANDARD.encode(b"a")] } } });
    let failed = json!({ "code": 32, "data": "", "gas_wanted": "1", "gas_used": "1" });
    let place = |results: [&Value; 3]| {
        let mut tx = result("");
        tx["height"] = json!("5");
        let results = json!({ "tx_responses": results, "total": "3" });
        let mut client = server(vec![
            none(),
            json_said(200, &json!({ "tx_response": tx })),
            json_said(200, &twice),
            json_said(200, &results),
        ]);
        let params = json!({ "hash": STANDARD.encode(sha256(b"a")), "prove": true });
        let told = ready(client.call("tx", &params)).map_err(|error| error.code());
        told.map(|told| told["proof"]["proof"]["index"].clone())
    };
    let well = result("");
    assert_eq!(place([&well, &well, &failed]).unwrap(), "0");
    assert_eq!(place([&failed, &well, &well]).unwrap(), "2");
    assert_eq!(place([&failed, &well, &failed]), Err("client.form"));
}
