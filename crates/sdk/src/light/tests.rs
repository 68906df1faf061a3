//! The recorded chain of CometBFT, asked for over its own RPC answers.

use super::*;
use crate::testing::ready;
use strongroom_testdata::cometbft;

const LAST: Height = 32;

/// The node: it has the recorded answers to `commit` and `validators`.
async fn node(call: &Call) -> Result<Value, String> {
    let height: Height = call.params["height"].as_str().unwrap().parse().unwrap();
    let block = cometbft(&format!("four/blocks/{height:03}.json"));
    match call.method {
        "commit" | "validators" => Ok(block[call.method].clone()),
        other => Err(format!("{other} is not recorded")),
    }
}

fn first() -> Trusted {
    let file = strongroom_testdata::cometbft("four/config/genesis.json");
    genesis(&serde_json::to_vec(&file).unwrap()).unwrap()
}

#[test]
fn the_json_of_every_recorded_block_gives_its_header_and_validators() {
    for height in 1..=LAST {
        let block = ready(light_block(height, node)).unwrap();
        let recorded = cometbft(&format!("four/blocks/{height:03}.json"));
        let hash = recorded["commit"]["signed_header"]["commit"]["block_id"]["hash"].as_str();
        assert_eq!(hex::encode_upper(block.header.hash()), hash.unwrap());
        assert_eq!(block.header.validators_hash, block.validators.hash());
        let bytes = recorded["proto"]["commit"].as_str().unwrap();
        assert_eq!(STANDARD.encode(block.commit.encode()), bytes);
    }
}

#[test]
fn a_client_goes_from_the_genesis_file_to_the_last_recorded_header() {
    let path = ready(follow(&first(), LAST, &Terms::WITHOUT_CLOCK, node)).unwrap();
    let last = ready(light_block(LAST, node)).unwrap();
    assert_eq!(path.end.hash(), Some(last.header.hash()));
    // From a header in the middle, too; and not from another one.
    let hash = ready(light_block(20, node)).unwrap().header.hash();
    let middle = ready(header(20, &hash, node)).unwrap();
    let again = ready(follow(&middle, LAST, &Terms::WITHOUT_CLOCK, node)).unwrap();
    assert_eq!(again.end, path.end);
    assert_eq!(
        ready(header(20, &[1; 32], node)).unwrap_err().code(),
        "light.commit_block_id"
    );
}

#[test]
fn a_recording_answers_what_was_asked_and_nothing_else() {
    let mut recording = Recording::default();
    let keeping = async |call: &Call| {
        let result = node(call).await?;
        recording.keep(call, &result);
        Ok(result)
    };
    let online = ready(follow(&first(), LAST, &Terms::WITHOUT_CLOCK, keeping)).unwrap();
    let file = recording.to_json().unwrap();
    let recording = Recording::from_json(&file).unwrap();
    let ask = async |call: &Call| recording.ask(call);
    let offline = ready(follow(&first(), LAST, &Terms::WITHOUT_CLOCK, ask)).unwrap();
    assert_eq!(offline, online);
    let other = ready(follow(&first(), LAST - 1, &Terms::WITHOUT_CLOCK, ask));
    assert_eq!(other.unwrap_err().code(), "verify.node");
    assert!(Recording::from_json(b"[{}]").is_err());
    let long = vec![b' '; recording::RECORDING_BYTES_MAX + 1];
    assert!(Recording::from_json(&long).is_err());
}

/// What comes of the first step where the node's answer to `method` was changed.
fn changed(method: &str, change: impl Fn(&mut Value)) -> &'static str {
    let lying = async |call: &Call| {
        let mut answer = node(call).await?;
        if call.method == method {
            change(&mut answer);
        }
        Ok(answer)
    };
    let path = ready(follow(&first(), LAST, &Terms::WITHOUT_CLOCK, lying));
    path.unwrap_err().code()
}

#[test]
fn a_node_that_lies_or_speaks_another_language_is_found_out() {
    let header = |name: &'static str, value: Value| {
        changed("commit", |answer| {
            answer["signed_header"]["header"][name] = value.clone();
        })
    };
    let hash = json!("AA".repeat(32));
    for name in [
        "app_hash",
        "data_hash",
        "last_results_hash",
        "next_validators_hash",
    ] {
        assert_eq!(
            header(name, hash.clone()),
            "light.commit_block_id",
            "{name}"
        );
    }
    assert_eq!(header("validators_hash", hash), "light.validators_hash");
    assert_eq!(header("chain_id", json!("other")), "light.chain_id");
    assert_eq!(header("chain_id", json!("")), "light.header");
    assert_eq!(header("height", json!("31")), "light.height");
    assert_eq!(header("height", json!(32)), "verify.form");
    assert_eq!(header("time", json!("yesterday")), "verify.form");
    assert_eq!(header("app_hash", json!("AA".repeat(33))), "light.header");
    assert_eq!(header("proposer_address", json!("AA")), "verify.form");
    let signature = changed("commit", |answer| {
        let sigs = &mut answer["signed_header"]["commit"]["signatures"];
        sigs[0]["signature"] = json!(STANDARD.encode([7; 64]));
    });
    assert_eq!(signature, "light.signature");
    let power = changed("validators", |answer| {
        answer["validators"][0]["voting_power"] = json!("99");
    });
    assert_eq!(power, "light.validators_hash");
    let none = changed("validators", |answer| answer["validators"] = json!([]));
    assert_eq!(none, "light.validators");
    let missing = changed("validators", |answer| answer["total"] = json!("500"));
    assert_eq!(missing, "light.validators");
    let gone = async |_: &Call| Err("gone".into());
    let silent = ready(follow(&first(), LAST, &Terms::WITHOUT_CLOCK, gone));
    assert_eq!(silent.unwrap_err().code(), "verify.node");
}

proptest::proptest! {
    #[test]
    fn no_answer_makes_the_client_panic(text in "[\\[\\]{}:,\"a-z0-9]{0,60}") {
        let answer = serde_json::from_str(&text).unwrap_or(Value::Null);
        let node = async |_: &Call| Ok(answer.clone());
        proptest::prop_assert!(ready(light_block(1, node)).is_err());
        let question = Question { tree: Tree::Native, key: vec![1], height: Some(1) };
        proptest::prop_assert!(ready(value(&first(), &Terms::WITHOUT_CLOCK, &question, node)).is_err());
        proptest::prop_assert!(proven(&answer).is_err());
    }
}

/// The recorded node's answer to `tx` with a proof, of the transaction at this place of a block.
fn proof_of(height: Height, index: usize) -> (Vec<u8>, Value) {
    let block = cometbft(&format!("four/blocks/{height:03}.json"));
    let txs = block["block"]["block"]["data"]["txs"].as_array().unwrap();
    let txs: Vec<_> = txs
        .iter()
        .map(|tx| STANDARD.decode(tx.as_str().unwrap()).unwrap())
        .collect();
    let hashes: Vec<Hash> = txs.iter().map(|tx| crate::types::sha256(tx)).collect();
    let (_, proof) = strongroom_proof::merkle::prove(&hashes, index).unwrap();
    let aunts: Vec<_> = proof
        .aunts
        .iter()
        .map(|aunt| STANDARD.encode(aunt))
        .collect();
    let (total, index) = (proof.total.to_string(), proof.index.to_string());
    let proof = json!({ "proof": { "total": total, "index": index, "aunts": aunts } });
    (txs[index.parse::<usize>().unwrap()].clone(), proof)
}

#[test]
fn a_transaction_is_proven_in_its_block_and_in_no_other() {
    let (tx, proof) = proof_of(10, 1);
    let terms = Terms::WITHOUT_CLOCK;
    let check = |height, tx: &[u8], proof: &Value| {
        ready(included(
            &mut Headers::new(first()),
            &terms,
            height,
            tx,
            proof,
            node,
        ))
    };
    check(10, &tx, &proof).unwrap();
    // From the header of the block itself, too.
    let hash = ready(light_block(10, node)).unwrap().header.hash();
    let at = ready(header(10, &hash, node)).unwrap();
    ready(included(
        &mut Headers::new(at),
        &terms,
        10,
        &tx,
        &proof,
        node,
    ))
    .unwrap();
    let other = proof_of(10, 0);
    for (height, tx, proof) in [
        (11, tx.as_slice(), &proof),
        (10, b"another", &proof),
        (10, &tx, &other.1),
        (10, &other.0, &proof),
    ] {
        let error = check(height, tx, proof).unwrap_err();
        assert!(matches!(error, Error::Proof(_)), "{error}");
    }
    for broken in [
        json!(null),
        json!({ "proof": { "total": "2", "index": "9", "aunts": proof["proof"]["aunts"] } }),
        json!({ "proof": { "total": "2", "index": "1", "aunts": [] } }),
        json!({ "proof": { "total": "2", "index": "1", "aunts": vec!["AA=="; 65] } }),
    ] {
        assert!(check(10, &tx, &broken).is_err(), "{broken}");
    }
}

/// As [`node`], at this newest height, and with the recorded results where they are not changed.
async fn with_results(
    call: &Call,
    newest: &str,
    change: impl Fn(&mut Value),
) -> Result<Value, String> {
    match call.method {
        "status" => Ok(json!({ "sync_info": { "latest_block_height": newest } })),
        "block_results" => {
            let mut results = cometbft("four/blocks/010.json")["block_results"].clone();
            change(&mut results["txs_results"]);
            Ok(results)
        }
        _ => node(call).await,
    }
}

#[test]
fn a_result_is_proven_by_the_header_of_the_next_block_and_a_changed_one_is_not() {
    let (tx, proof) = proof_of(10, 1);
    let terms = Terms::WITHOUT_CLOCK;
    let mut headers = Headers::new(first());
    let found = ready(included(&mut headers, &terms, 10, &tx, &proof, node)).unwrap();
    let asked = |newest: &str, change: &dyn Fn(&mut Value)| {
        let ask = async |call: &Call| with_results(call, newest, change).await;
        ready(result(&mut headers.clone(), &found, &terms, ask))
    };
    let proven = asked("32", &|_| ()).unwrap();
    let told = (proven.code, proven.data, proven.gas_wanted, proven.gas_used);
    assert_eq!(told, (0, b"2".to_vec(), 7, 3));
    assert_eq!((proven.log, proven.events), (String::new(), Vec::new()));
    // No header commits to these.
    asked("11", &|results| results[1]["log"] = json!("lost")).unwrap();
    asked("11", &|results| results[1]["events"] = json!([])).unwrap();
    let none = asked("10", &|_| ()).unwrap_err();
    assert!(matches!(none, Error::TooNew(10)), "{none}");
    for change in [
        |results: &mut Value| results[1]["code"] = json!(1),
        |results: &mut Value| results[0]["code"] = json!(1),
        |results: &mut Value| results[1]["data"] = json!("Mw=="),
        |results: &mut Value| results[1]["data"] = Value::Null,
        |results: &mut Value| results[1]["gas_used"] = json!("4"),
        |results: &mut Value| results[1]["gas_wanted"] = json!("8"),
        |results: &mut Value| results.as_array_mut().unwrap().swap(0, 1),
        |results: &mut Value| results.as_array_mut().unwrap().truncate(1),
        |results: &mut Value| *results = Value::Null,
    ] {
        let error = asked("32", &change).unwrap_err();
        assert!(matches!(error, Error::Proof(_)), "{error}");
    }
    for change in [
        |results: &mut Value| results[1]["code"] = json!(-1),
        |results: &mut Value| results[1]["code"] = json!("0"),
        |results: &mut Value| results[1]["gas_used"] = json!(3),
        |results: &mut Value| results[1]["data"] = json!("?"),
        |results: &mut Value| results[1] = Value::Null,
    ] {
        assert_eq!(asked("32", &change).unwrap_err().code(), "verify.form");
    }
}
