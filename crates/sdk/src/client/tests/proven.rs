//! What is proven of transactions and their results, from the recorded chain of CometBFT, and how often a node is asked for it.

use super::super::sending::RESULT_WAITS;
use super::*;

#[test]
fn a_network_key_that_is_not_proven_is_not_used() {
    let file = strongroom_testdata::cometbft("four/config/genesis.json");
    let trusted = light::genesis(&serde_json::to_vec(&file).unwrap()).unwrap();
    // The node would tell one, if it were asked.
    let answer = |method: &str, _: &Value| match method {
        "status" => json!({ "result": { "sync_info": { "latest_block_height": "9" } } }),
        "abci_query" => value(&Key { key: vec![7; 32] }),
        _ => json!({ "error": { "message": "gone" } }),
    };
    let mut client = client(answer).trusting(trusted, Terms::WITHOUT_CLOCK);
    let error = ready(client.network_key()).unwrap_err();
    assert_eq!(error.code(), "verify.node");
    let query = ready(client.sealer(&Account::from_bytes(&[1; 32]).unwrap()));
    assert!(query.is_err());
}

#[test]
fn a_policy_that_is_not_proven_is_none_and_is_asked_for_again() {
    let said = json!({ "code": 0, "height": "10", "value": STANDARD.encode([1, 1]) });
    let silent = json!({ "error": { "message": "gone" } });
    for told in [json!({ "result": { "response": said } }), silent] {
        let (_, mut chain) = recorded("11", |_, _| ());
        let answer = move |method: &str, params: &Value| match method {
            "abci_query" => told.clone(),
            method => chain(method, params),
        };
        let mut client = client(answer).trusting(of_genesis(), Terms::WITHOUT_CLOCK);
        let account = Account::from_bytes(&[1; 32]).unwrap();
        let call = TxBuilder::new("test-1").message(&compute::MsgExecuteContract::default());
        let mut asked = 0;
        for _ in 0..2 {
            let estimate = ready(client.estimate(&account, &call)).unwrap();
            assert_eq!(estimate, Estimate::Guessed { limit: 300_000 });
            let queries = client.transport.asked.iter();
            let queries = queries.filter(|(method, _)| method == "abci_query");
            let paths: Vec<_> = queries
                .map(|(_, params)| params["path"].to_string())
                .collect();
            assert!(paths.len() > asked, "asked again");
            assert!(
                paths.iter().all(|path| path.contains("/store/")),
                "{paths:?}"
            );
            asked = paths.len();
        }
    }
}

#[test]
fn a_transaction_that_is_not_proven_in_its_block_is_in_none() {
    let file = strongroom_testdata::cometbft("four/config/genesis.json");
    let trusted = light::genesis(&serde_json::to_vec(&file).unwrap()).unwrap();
    let told = hex::encode_upper(sha256(b"tx"));
    let hash = told.clone();
    let answer = move |method: &str, _: &Value| match method {
        "tx" => {
            json!({ "result": { "hash": told, "height": "10", "tx": STANDARD.encode(b"tx"), "tx_result": { "code": 0 },
            "proof": { "proof": { "total": "1", "index": "0", "aunts": [] } } } })
        }
        recorded => {
            json!({ "result": strongroom_testdata::cometbft("four/blocks/010.json")[recorded] })
        }
    };
    let mut believing = client(answer.clone());
    assert_eq!(ready(believing.transaction(&hash)).unwrap().height, 10);
    let mut client = client(answer).trusting(trusted, Terms::WITHOUT_CLOCK);
    let error = ready(client.transaction(&hash)).unwrap_err();
    assert!(error.code().starts_with("proof."), "{error}");
}

/// The recorded node at a height, and the hash of a transaction of block 10; `change` has its answers in hand.
pub(super) fn recorded(
    newest: &str,
    change: impl Fn(&str, &mut Value),
) -> (String, impl FnMut(&str, &Value) -> Value) {
    let block = strongroom_testdata::cometbft("four/blocks/010.json");
    let txs = block["block"]["block"]["data"]["txs"].as_array().unwrap();
    let raw = txs
        .iter()
        .map(|tx| STANDARD.decode(tx.as_str().unwrap()).unwrap());
    let raw: Vec<_> = raw.collect();
    let hashes: Vec<Hash> = raw.iter().map(|tx| sha256(tx)).collect();
    let (_, proof) = strongroom_proof::merkle::prove(&hashes, 1).unwrap();
    let aunts: Vec<_> = proof
        .aunts
        .iter()
        .map(|aunt| STANDARD.encode(aunt))
        .collect();
    let hash = hex::encode_upper(hashes[1]);
    let tx = json!({ "hash": hash, "height": "10", "index": 1, "tx": STANDARD.encode(&raw[1]),
        "tx_result": block["block_results"]["txs_results"][1],
        "proof": { "proof": { "total": proof.total.to_string(), "index": "1", "aunts": aunts } } });
    let status = json!({ "sync_info": { "latest_block_height": newest } });
    let answer = move |method: &str, params: &Value| {
        let mut result = match method {
            "tx" => tx.clone(),
            "status" => status.clone(),
            recorded => {
                let height: u64 = params["height"].as_str().unwrap().parse().unwrap();
                strongroom_testdata::cometbft(&format!("four/blocks/{height:03}.json"))[recorded]
                    .clone()
            }
        };
        change(method, &mut result);
        match result {
            Value::Null => json!({ "error": { "data": "not here" } }),
            result => json!({ "result": result }),
        }
    };
    (hash, answer)
}

#[test]
fn how_much_of_a_result_is_proven_is_said() {
    for (newest, without, proven) in [
        ("11", "", Proven::Result),
        ("10", "", Proven::Block),
        // A node may keep no results, or no index of them.
        ("11", "block_results", Proven::Block),
    ] {
        let (hash, answer) = recorded(newest, |method, result| {
            if method == without {
                *result = Value::Null;
            }
        });
        let mut client = client(answer).trusting(of_genesis(), Terms::WITHOUT_CLOCK);
        let included = ready(client.transaction(&hash)).unwrap();
        assert_eq!((included.proven, included.result.code), (proven, 0));
    }
    let (hash, answer) = recorded("11", |_, _| ());
    let included = ready(client(answer).transaction(&hash)).unwrap();
    assert_eq!(included.proven, Proven::Nothing);
}

#[test]
fn a_node_that_lies_about_a_result_is_not_heard() {
    let lie = |result: &mut Value| result["code"] = json!(5);
    for told in [["tx", ""], ["tx", "block_results"], ["", "block_results"]] {
        let (hash, answer) = recorded("32", move |method, result| match method {
            "tx" if told[0] == "tx" => lie(&mut result["tx_result"]),
            "block_results" if told[1] == "block_results" => lie(&mut result["txs_results"][1]),
            _ => {}
        });
        let mut client = client(answer).trusting(of_genesis(), Terms::WITHOUT_CLOCK);
        let error = ready(client.transaction(&hash)).unwrap_err();
        assert!(error.code().starts_with("proof."), "{error}");
        let error = ready(client.wait(&hash)).unwrap_err();
        assert_eq!(error.code(), "client.outcome_unknown", "{error}");
    }
}

fn no_result(error: &Error) {
    assert!(
        matches!(error, Error::Unknown { why, .. } if matches!(**why, Error::NoResult { height: 10 })),
        "{error}"
    );
}

#[test]
fn what_is_told_of_a_result_that_is_not_proven_is_neither_success_nor_failure() {
    // The node proves the block, and keeps the results or the next header to itself.
    for (newest, withheld) in [("32", "block_results"), ("32", "next"), ("10", "")] {
        for code in [0, 5] {
            let (hash, answer) = recorded(newest, move |method, result| match method {
                "tx" => result["tx_result"]["code"] = json!(code),
                "commit"
                    if withheld == "next"
                        && result["signed_header"]["header"]["height"] == "11" =>
                {
                    *result = Value::Null;
                }
                method if method == withheld => *result = Value::Null,
                _ => {}
            });
            let mut client = client(answer).trusting(of_genesis(), Terms::WITHOUT_CLOCK);
            let included = ready(client.transaction(&hash)).unwrap();
            assert_eq!(included.proven, Proven::Block);
            no_result(&included.succeeded().unwrap_err());
            no_result(&ready(client.wait(&hash)).unwrap_err());
        }
    }
}

#[test]
fn a_node_that_hides_again_what_it_has_proven_is_not_told_to_have_no_block_with_it() {
    let looks = core::cell::Cell::new(0);
    let (hash, answer) = recorded("10", move |method, result| {
        if method == "tx" && looks.replace(looks.get() + 1) > 3 {
            *result = Value::Null;
        }
    });
    let mut client = client(answer).trusting(of_genesis(), Terms::WITHOUT_CLOCK);
    no_result(&ready(client.wait(&hash)).unwrap_err());
}

#[test]
fn a_block_that_is_made_while_a_client_waits_is_not_ahead_of_its_clock() {
    let terms = Terms {
        clock: Some(light::Clock {
            now: START,
            trusting_period_seconds: 1_000_000_000,
            drift_seconds: 10,
        }),
        ..Terms::WITHOUT_CLOCK
    };
    let (hash, answer) = recorded("11", |_, _| ());
    let mut client = client(answer).trusting(of_genesis(), terms);
    let early = ready(client.transaction(&hash)).unwrap_err();
    assert_eq!(early.code(), "light.future");
    assert_eq!(ready(client.wait(&hash)).unwrap().proven, Proven::Result);
    assert!(client.transport.waited < Duration::from_secs(15));
    // So with whatever else is proven.
    assert_eq!(ready(client.height()).unwrap(), 11);
}

#[test]
fn a_node_that_stays_at_a_block_that_was_proven_is_not_believed_for_longer_than_the_trusting_period()
 {
    let terms = Terms {
        clock: Some(light::Clock {
            now: START,
            trusting_period_seconds: 1_000_000_000,
            drift_seconds: 100,
        }),
        ..Terms::WITHOUT_CLOCK
    };
    let (_, answer) = recorded("11", |_, _| ());
    let mut client = client(answer).trusting(of_genesis(), terms);
    assert_eq!(ready(client.height()).unwrap(), 11);
    client.transport.waited = Duration::from_secs(2_000_000_000);
    assert_eq!(ready(client.height()).unwrap_err().code(), "light.expired");
}

#[test]
fn a_result_is_waited_for_until_the_next_block_and_some_seconds_at_most() {
    let (hash, answer) = recorded("10", |_, _| ());
    let mut stuck = client(answer).trusting(of_genesis(), Terms::WITHOUT_CLOCK);
    no_result(&ready(stuck.wait(&hash)).unwrap_err());
    assert!((RESULT_WAITS..RESULT_WAITS * 2).contains(&stuck.transport.waited));
    let looks = core::cell::Cell::new(0);
    let (hash, answer) = recorded("11", move |method, result| {
        if method == "status" && looks.replace(looks.get() + 1) < 5 {
            result["sync_info"]["latest_block_height"] = json!("10");
        }
    });
    let mut goes_on = client(answer).trusting(of_genesis(), Terms::WITHOUT_CLOCK);
    assert_eq!(ready(goes_on.wait(&hash)).unwrap().proven, Proven::Result);
    assert!(goes_on.transport.waited < RESULT_WAITS);
}

/// How often this was asked for; `commit` asks for a header.
fn times<F>(node: &Node<F>, method: &str) -> usize {
    node.asked
        .iter()
        .filter(|(asked, _)| asked == method)
        .count()
}

#[test]
fn looks_for_a_transaction_ask_for_no_header_twice() {
    // The next block does not come: half a minute of looks.
    let (hash, answer) = recorded("10", |_, _| ());
    let mut stuck = client(answer).trusting(of_genesis(), Terms::WITHOUT_CLOCK);
    no_result(&ready(stuck.wait(&hash)).unwrap_err());
    assert!(times(&stuck.transport, "tx") > 100);
    assert_eq!(times(&stuck.transport, "commit"), 1);
    // It comes, and its results do not.
    let (hash, answer) = recorded("11", |method, result| {
        if method == "block_results" {
            *result = Value::Null;
        }
    });
    let mut without = client(answer).trusting(of_genesis(), Terms::WITHOUT_CLOCK);
    no_result(&ready(without.wait(&hash)).unwrap_err());
    assert!(times(&without.transport, "tx") > 100);
    assert_eq!(times(&without.transport, "commit"), 2);
    // What comes after goes on from there: not even the first one is asked for again.
    ready(without.height()).unwrap();
    assert_eq!(times(&without.transport, "commit"), 2);
}

#[test]
fn a_client_goes_on_from_what_it_has_proven_whatever_it_is_asked_next() {
    let newest = core::cell::Cell::new(1);
    let newest = &newest;
    let (_, mut answer) = recorded("1", |_, _| ());
    let answer = move |method: &str, params: &Value| match method {
        "status" => {
            json!({ "result": { "sync_info": { "latest_block_height": newest.get().to_string() } } })
        }
        _ => answer(method, params),
    };
    let mut client = client(answer).trusting(of_genesis(), Terms::WITHOUT_CLOCK);
    let mut asked = Vec::new();
    for height in (1..=32).chain([30, 32, 20, 3, 32]) {
        newest.set(height);
        assert_eq!(ready(client.height()).unwrap(), height);
        asked.push(times(&client.transport, "commit"));
    }
    // Each once, the newest ones never again, and old ones from the point that is trusted.
    assert_eq!(asked[..34], (1..=32).chain([32, 32]).collect::<Vec<_>>());
    assert!(asked[36] < 40 && asked[36] == asked[35], "{asked:?}");
}

#[test]
fn a_node_that_shows_another_header_than_one_that_was_proven_is_refused() {
    let lies = core::cell::Cell::new(false);
    let lies = &lies;
    let (hash, answer) = recorded("11", move |method, result| {
        if method == "commit" && lies.get() {
            result["signed_header"]["header"]["data_hash"] = json!("AA".repeat(32));
        }
    });
    let mut client = client(answer).trusting(of_genesis(), Terms::WITHOUT_CLOCK);
    assert_eq!(ready(client.height()).unwrap(), 11);
    lies.set(true);
    // The header of the transaction's block is older, and asked for.
    let error = ready(client.transaction(&hash)).unwrap_err();
    assert_eq!(error.code(), "light.commit_block_id");
    lies.set(false);
    let included = ready(client.transaction(&hash)).unwrap();
    assert_eq!(included.proven, Proven::Result);
}
