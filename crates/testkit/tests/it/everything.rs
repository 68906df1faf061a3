//! Every import of each generation with good and bad input, as a contract sees the answers: `contracts/everything` (v1) and
//! `contracts/everything-v010`. The page about them, docs/book/everything.md, says nothing else than what happens here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use strongroom_crypto::{ed25519, secp256k1};
use strongroom_testkit::call::executed;
use strongroom_testkit::{Chain, Code, Contract, Executed, Refused, User, contract};
use strongroom_types::proto::Message as _;
use strongroom_types::proto::cosmos::bank::v1beta1::MsgSend;
use strongroom_types::proto::cosmos::base::v1beta1::Coin as ProtoCoin;
use strongroom_types::{Coin, sha256};
use strongroom_vm::{Generation, Import};

/// Secret of either kind.
const SECRET: [u8; 32] = [7; 32];
const MESSAGE: &[u8] = b"message";

struct Scene {
    chain: Chain,
    alice: User,
    code: Code,
    contract: Contract,
    generation: Generation,
    /// The imports that were called.
    called: BTreeSet<String>,
}

impl Scene {
    fn new(generation: Generation) -> Self {
        let (name, begin) = match generation {
            Generation::V1 => ("everything", json!({})),
            Generation::V010 => ("everything_v010", json!({"log": [], "messages": []})),
        };
        let mut chain = Chain::new();
        let alice = chain.user("a");
        let code = chain.store_code(&alice, contract(name)).unwrap();
        let contract = chain.instantiate(&alice, &code, name, &begin).unwrap();
        Self {
            chain,
            alice,
            code,
            contract,
            generation,
            called: BTreeSet::new(),
        }
    }

    fn note(&mut self, calls: &Value) {
        let calls = calls.as_array().unwrap().iter();
        let names = calls.map(|call| call.as_object().unwrap().keys().next().unwrap().clone());
        self.called.extend(names);
    }

    fn message(&self, calls: &Value) -> Value {
        match self.generation {
            Generation::V1 => json!({"calls": calls}),
            Generation::V010 => json!({"call": {"calls": calls}}),
        }
    }

    fn execute(&mut self, message: &Value) -> Result<Executed, Refused> {
        self.chain.execute(&self.alice, &self.contract, message)
    }

    /// What the imports answer in a transaction.
    fn call(&mut self, calls: &Value) -> Result<Value, Refused> {
        self.note(calls);
        let message = self.message(calls);
        self.execute(&message).map(|done| done.json())
    }

    /// What the imports answer in a query.
    fn ask(&mut self, calls: &Value) -> Result<Value, Refused> {
        self.note(calls);
        let question = json!({"call": {"calls": calls}});
        self.chain.query(&self.contract, &question)
    }

    /// One answer, which is the same in a transaction and in a query.
    fn one(&mut self, call: &Value) -> Value {
        let calls = json!([call]);
        let answers = self.call(&calls).unwrap();
        assert_eq!(self.ask(&calls).unwrap(), answers, "{call}");
        answers[0].clone()
    }

    /// Nothing is answered: the call fails with this text.
    fn fails(&mut self, calls: &Value, text: &str) {
        let refused = self.call(calls).unwrap_err();
        assert!(refused.text.contains(text), "{calls}: {refused}");
        assert!(["compute", "sdk"].contains(&refused.codespace.as_str()));
    }

    /// Whether every import of the generation was called, and no other is there.
    fn all_called(&self) {
        let all = Import::ALL.into_iter().filter(|i| i.is_of(self.generation));
        let all: BTreeSet<String> = all.map(|i| i.name().to_owned()).collect();
        assert_eq!(self.called, all);
    }
}

fn number(value: u32) -> Value {
    json!({"value": value, "error": 0, "bytes": null})
}

fn error(error: u32) -> Value {
    json!({"value": 0, "error": error, "bytes": null})
}

fn bytes(bytes: impl AsRef<[u8]>) -> Value {
    json!({"value": 0, "error": 0, "bytes": hex::encode(bytes)})
}

fn refused(text: &str) -> Value {
    json!({"value": 0, "error": 1, "bytes": hex::encode(text)})
}

fn taken(answer: &Value) -> Vec<u8> {
    hex::decode(
        answer["bytes"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}")),
    )
    .unwrap()
}

/// Storage, order, questions: what both generations import.
fn storage(s: &mut Scene) {
    let write = |key: &str, value: &str| json!({"db_write": {"key": hex::encode(key), "value": hex::encode(value)}});
    let read = |key: &str| json!({"db_read": {"key": hex::encode(key)}});
    let remove = |key: &str| json!({"db_remove": {"key": hex::encode(key)}});
    let calls = json!([
        read("n1"),
        write("n1", "one"),
        read("n1"),
        write("n2", ""),
        read("n2"),
        remove("n1"),
        read("n1"),
        remove("n1")
    ]);
    let none = number(0);
    let expected = json!([none, none, bytes("one"), none, bytes(""), none, none, none]);
    assert_eq!(s.call(&calls).unwrap(), expected);
    // It stays, and the next call and a query see it.
    assert_eq!(s.one(&read("n2")), bytes(""));
    assert_eq!(s.one(&read("n1")), none);
    let written = "contract tried to write to storage during a query";
    for call in [write("n1", "x"), remove("n2")] {
        let text = s.ask(&json!([call])).unwrap_err().text;
        assert!(text.contains(written), "{text}");
    }
    let long = "k".repeat(65_537);
    for call in [write(&long, ""), read(&long), remove(&long)] {
        s.fails(&json!([call]), "failed to read memory");
    }
    s.fails(
        &json!([write("n1", "kept?"), {"db_next": {"iterator": 0}}]),
        "there is no iterator of this number",
    );
    assert_eq!(
        s.one(&read("n1")),
        none,
        "a call that failed has written nothing"
    );

    let scan =
        |order: u32| json!({"db_scan": {"start": "6f", "end": hex::encode("o9"), "order": order}});
    let next = json!({"db_next": {"iterator": 0}});
    s.call(&json!([
        write("o1", "a"),
        write("o2", "b"),
        write("o9", "behind")
    ]))
    .unwrap();
    let walked = s
        .ask(&json!([scan(1), next, next, next, scan(2), {"db_next": {"iterator": 1}}]))
        .unwrap();
    let step = |key: &str, value: &str| match s.generation {
        Generation::V1 => bytes(
            [
                key.as_bytes(),
                &[0, 0, 0, 2],
                value.as_bytes(),
                &[0, 0, 0, 1],
            ]
            .concat(),
        ),
        Generation::V010 => bytes([value.as_bytes(), key.as_bytes(), &[0, 0, 0, 2]].concat()),
    };
    let end = match s.generation {
        Generation::V1 => bytes([0; 8]),
        Generation::V010 => bytes([0; 4]),
    };
    let expected = json!([
        number(0),
        step("o1", "a"),
        step("o2", "b"),
        end,
        number(1),
        step("o2", "b")
    ]);
    assert_eq!(walked, expected);
    for order in [0, 3] {
        s.fails(
            &json!([scan(order)]),
            "an order of iteration is neither 1 nor 2",
        );
    }

    let question = |request: &str| json!({"query_chain": {"request": hex::encode(request)}});
    let balance = format!(
        r#"{{"bank":{{"balance":{{"address":"{}","denom":"uscrt"}}}}}}"#,
        s.contract.address
    );
    let answer = String::from_utf8(taken(&s.one(&question(&balance)))).unwrap();
    assert!(answer.starts_with(r#"{"Ok":{"Ok":""#), "{answer}");
    for bad in ["", "{", r#"{"no_such":{}}"#] {
        let answer = String::from_utf8(taken(&s.one(&question(bad)))).unwrap();
        assert!(answer.starts_with(r#"{"Err":{""#), "{bad}: {answer}");
    }
}

/// Signatures: what both generations import.
fn signatures(s: &mut Scene) {
    let hex = |bytes: &[u8]| hex::encode(bytes);
    let hash = sha256(MESSAGE);
    // Against our own implementation outside of the contract.
    let sign = |message: &[u8], key: &[u8]| json!({"secp256k1_sign": {"message": hex(message), "key": hex(key)}});
    let signature = taken(&s.one(&sign(MESSAGE, &SECRET)));
    let key = secp256k1::SecretKey::from_bytes(&SECRET).unwrap();
    assert_eq!(signature, key.sign(&hash).unwrap());
    for bad in [&SECRET[1..], &[0; 32][..], &[0xff; 32][..], &[][..]] {
        assert_eq!(s.one(&sign(MESSAGE, bad)), error(1000), "{bad:?}");
    }

    let public = key.public().unwrap();
    let verify = |hash: &[u8], signature: &[u8], key: &[u8]| json!({"secp256k1_verify": {"hash": hex(hash), "signature": hex(signature), "key": hex(key)}});
    let zeros = [0; 64];
    for (hash, signature, key, code) in [
        (&hash[..], &signature[..], &public[..], 0),
        (&sha256(b"other")[..], &signature[..], &public[..], 1),
        (&hash[1..], &signature[..], &public[..], 3),
        (&hash[..], &signature[1..], &public[..], 4),
        (&hash[..], &signature[..], &public[1..], 5),
        (&hash[..], &zeros[..], &public[..], 10),
    ] {
        assert_eq!(s.one(&verify(hash, signature, key)), number(code));
    }

    let recover = |hash: &[u8], signature: &[u8], parity: u32| json!({"secp256k1_recover_pubkey": {"hash": hex(hash), "signature": hex(signature), "parity": parity}});
    let found = [0, 1].map(|parity| taken(&s.one(&recover(&hash, &signature, parity))));
    assert!(found.contains(&public.to_vec()), "{found:?}");
    for (hash, signature, parity, code) in [
        (&hash[1..], &signature[..], 0, 3),
        (&hash[..], &signature[1..], 0, 4),
        (&hash[..], &signature[..], 9, 10),
        (&hash[..], &zeros[..], 0, 10),
    ] {
        assert_eq!(s.one(&recover(hash, signature, parity)), error(code));
    }

    let sign = |seed: &[u8]| json!({"ed25519_sign": {"message": hex(MESSAGE), "seed": hex(seed)}});
    let key = ed25519::SecretKey::from_seed(&SECRET);
    let (signature, public) = (key.sign(MESSAGE), key.public());
    assert_eq!(s.one(&sign(&SECRET)), bytes(signature));
    assert_eq!(s.one(&sign(&SECRET[1..])), error(1000));
    let verify = |message: &[u8], signature: &[u8], key: &[u8]| json!({"ed25519_verify": {"message": hex(message), "signature": hex(signature), "key": hex(key)}});
    for (message, signature, key, code) in [
        (MESSAGE, &signature[..], &public[..], 0),
        (b"other", &signature[..], &public[..], 1),
        (MESSAGE, &signature[1..], &public[..], 4),
        (MESSAGE, &signature[..], &public[1..], 5),
    ] {
        assert_eq!(s.one(&verify(message, signature, key)), number(code));
    }
    let batch = |messages: &[&[u8]], signatures: &[&[u8]], keys: &[&[u8]]| {
        let list = |items: &[&[u8]]| items.iter().map(|item| hex(item)).collect::<Vec<_>>();
        json!({"ed25519_batch_verify": {"messages": list(messages), "signatures": list(signatures), "keys": list(keys)}})
    };
    let other = key.sign(b"other");
    let (both, keys) = ([&signature[..], &other[..]], [&public[..]]);
    for (call, code) in [
        (batch(&[MESSAGE, b"other"], &both, &keys), 0),
        (batch(&[], &[], &[]), 0),
        (batch(&[MESSAGE, MESSAGE], &both, &keys), 1),
        (batch(&[MESSAGE, b"other", b"more"], &both, &keys), 7),
        (batch(&[MESSAGE], &[&signature[1..]], &keys), 4),
        (batch(&[MESSAGE], &[&signature[..]], &[b"short"]), 5),
    ] {
        assert_eq!(s.one(&call), number(code), "{call}");
    }
}

/// Addresses under the names of a generation: text to bytes, bytes to text.
fn addresses(s: &mut Scene, [to_bytes, to_text]: [&str; 2], empty: &str) {
    let alice = s.alice.address().clone();
    let canonical =
        |human: &str, room: u32| json!({to_bytes: {"human": hex::encode(human), "room": room}});
    let human = |canonical: &[u8], room: u32| json!({to_text: {"canonical": hex::encode(canonical), "room": room}});
    assert_eq!(
        s.one(&canonical(&alice.to_string(), 90)),
        bytes(alice.as_bytes())
    );
    assert_eq!(
        s.one(&human(alice.as_bytes(), 90)),
        bytes(alice.to_string())
    );
    assert_eq!(s.one(&canonical("", 90)), refused(empty));
    let foreign = "cosmos1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnrujsuw";
    for bad in ["nobody", foreign] {
        let answer = s.one(&canonical(bad, 90));
        assert_eq!(answer["error"], 1, "{bad}: {answer}");
    }
    s.fails(
        &json!([canonical(&alice.to_string(), 19)]),
        "failed to write memory",
    );
    s.fails(
        &json!([human(alice.as_bytes(), 44)]),
        "failed to write memory",
    );
}

/// Signatures of other curves, which v1 imports beside. What they compute is tested in crates/vm; here, that it comes back.
fn other_curves(s: &mut Scene) {
    let point = |group: &str, function: u32, room: u32| {
        let tag = hex::encode("a tag of this test");
        let arguments = json!({"function": function, "message": "6d", "tag": tag, "room": room});
        json!({ format!("bls12_381_hash_to_{group}"): arguments })
    };
    let points = ["g1", "g2"].map(|group| hex::encode(taken(&s.one(&point(group, 0, 96)))));
    assert_eq!(points.each_ref().map(String::len), [96, 192]);
    for group in ["g1", "g2"] {
        assert_eq!(s.one(&point(group, 7, 96)), error(9));
        s.fails(&json!([point(group, 0, 47)]), "failed to write memory");
    }
    let [g1, g2] = &points;
    for (group, one) in [("g1", g1), ("g2", g2)] {
        let sum = |points: &str| json!({ format!("bls12_381_aggregate_{group}"): {"points": points, "room": 96} });
        assert_eq!(s.one(&sum(one)), bytes(hex::decode(one).unwrap()));
        let twice = hex::encode(taken(&s.one(&sum(&one.repeat(2)))));
        assert!(twice.len() == one.len() && twice != *one);
        for (bad, code) in [("", 14), (&one[2..], 15), (&"00".repeat(one.len() / 2), 8)] {
            assert_eq!(s.one(&sum(bad)), error(code), "{bad}");
        }
    }
    let pairing = |ps: &str, qs: &str, r: &str| json!({"bls12_381_pairing_equality": {"ps": ps, "qs": qs, "r": r, "s": g2}});
    for (call, code) in [
        (pairing(g1, g2, g1), 0),
        (pairing(&g1.repeat(2), &g2.repeat(2), g1), 1),
        (pairing(&g1[2..], g2, g1), 11),
        (pairing(g1, &g2[2..], g1), 12),
        (pairing(g1, &g2.repeat(2), g1), 13),
    ] {
        assert_eq!(s.one(&call), number(code), "{call}");
    }
    // Nobody signed it, but r = s = 5 has a key like any other signature.
    let (hash, signature) = ("11".repeat(32), format!("{:064x}", 5).repeat(2));
    let recover = |hash: &str, signature: &str, parity: u32| json!({"secp256r1_recover_pubkey": {"hash": hash, "signature": signature, "parity": parity}});
    let key = hex::encode(taken(&s.one(&recover(&hash, &signature, 0))));
    let verify = |hash: &str, signature: &str, key: &str| json!({"secp256r1_verify": {"hash": hash, "signature": signature, "key": key}});
    for (call, code) in [
        (verify(&hash, &signature, &key), 0),
        (verify(&"22".repeat(32), &signature, &key), 1),
        (verify("11", &signature, &key), 3),
        (verify(&hash, "11", &key), 4),
        (verify(&hash, &signature, "11"), 5),
    ] {
        assert_eq!(s.one(&call), number(code), "{call}");
    }
    for (call, code) in [
        (recover("11", &signature, 0), 3),
        (recover(&hash, "11", 0), 4),
        (recover(&hash, &signature, 9), 6),
    ] {
        assert_eq!(s.one(&call), error(code), "{call}");
    }
}

#[test]
fn a_v1_contract_sees_what_every_import_answers_to_good_and_bad_input() {
    let mut s = Scene::new(Generation::V1);
    storage(&mut s);
    signatures(&mut s);
    other_curves(&mut s);
    addresses(
        &mut s,
        ["addr_canonicalize", "addr_humanize"],
        "Input is empty",
    );
    let walked = s.ask(&json!([
        {"db_scan": {"start": "6f", "end": null, "order": 1}},
        {"db_next_key": {"iterator": 0}},
        {"db_next_value": {"iterator": 0}},
        {"db_next_key": {"iterator": 0}},
        {"db_next_key": {"iterator": 0}},
    ]));
    let expected = json!([number(0), bytes("o1"), bytes("b"), bytes("o9"), number(0)]);
    assert_eq!(walked.unwrap(), expected);
    for call in ["db_next_key", "db_next_value"] {
        s.fails(
            &json!([{call: {"iterator": 0}}]),
            "there is no iterator of this number",
        );
    }
    let validate = |text: &str| json!({"addr_validate": {"human": hex::encode(text)}});
    let alice = s.alice.address().to_string();
    assert_eq!(s.one(&validate(&alice)), number(0));
    assert_eq!(
        s.one(&validate(&alice.to_uppercase())),
        refused("Address is not normalized")
    );
    assert_eq!(s.one(&validate("")), refused("Input is empty"));
    assert_eq!(s.one(&json!({"debug": {"message": "ff00"}})), number(0));
    // No quote is verified here yet: whatever it is, the answer is an error.
    for (quote, collateral) in [("00", "00"), ("", "")] {
        let verify = json!({"dcap_quote_verify": {"quote": quote, "collateral": collateral}});
        assert_eq!(s.one(&verify), error(10));
    }
    let answers =
        s.call(&json!([{"check_gas": {}}, {"gas_evaporate": {"gas": 5_000}}, {"check_gas": {}}]));
    let answers = answers.unwrap();
    let used = |n: usize| answers[n]["value"].as_u64().unwrap();
    assert!(used(0) >= 1 && used(2) - used(0) >= 5_000, "{answers}");
    assert_eq!(answers[1], number(0));
    s.fails(&json!([{"gas_evaporate": {"gas": u32::MAX}}]), "ut of gas");
    s.fails(
        &json!([{"abort": {"message": hex::encode("my words")}}]),
        "the contract panicked: my words",
    );
    assert_eq!(s.one(&json!({"message_bound": {}})), number(0));
    let bound = json!({"calls": [{"message_bound": {}}]});
    let sealed = s.chain.bound_message(&s.alice, &s.contract, &bound);
    let tx = s.chain.tx().message(&sealed.message);
    let tx = s.chain.sign(&s.alice, &tx);
    let result = s.chain.block(vec![tx]).remove(0);
    let answers: Value = executed(&result, &sealed.key).unwrap().json();
    assert_eq!(answers, json!([number(1)]));
    s.all_called();
}

#[test]
fn a_v010_contract_sees_what_every_import_answers_to_good_and_bad_input() {
    let mut s = Scene::new(Generation::V010);
    storage(&mut s);
    signatures(&mut s);
    addresses(
        &mut s,
        ["canonicalize_address", "humanize_address"],
        "input is empty",
    );
    let alice = s.alice.address().clone();
    let spaced = hex::encode(format!("  {alice} "));
    let call = json!({"canonicalize_address": {"human": spaced, "room": 90}});
    assert_eq!(s.one(&call), bytes(alice.as_bytes()));
    assert_eq!(
        s.one(&json!({"debug_print": {"message": "ff00"}})),
        number(0)
    );
    s.all_called();
    // An import of the other generation is no message that it knows.
    s.called.clear();
    s.fails(
        &json!([{"addr_validate": {"human": ""}}]),
        "unknown variant",
    );
}

const PAGE: &str = include_str!("../../../../docs/book/everything.md");

/// The fenced blocks of the page: what stands behind `json`, and the content.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let mut blocks = Vec::new();
    let mut rest = PAGE;
    while let Some((_, behind)) = rest.split_once("```json ") {
        let (head, behind) = behind.split_once('\n').unwrap();
        let (content, behind) = behind.split_once("\n```").unwrap();
        blocks.push((head, content));
        rest = behind;
    }
    blocks
}

#[test]
fn the_page_about_them_shows_what_happens() {
    let mut scenes = [Generation::V1, Generation::V010].map(Scene::new);
    let mut last = None;
    let (mut datas, mut errors) = (0, 0);
    for (head, content) in blocks() {
        let (generation, what) = head.split_once(' ').unwrap_or(("", head));
        let scene = &mut scenes[usize::from(generation == "v010")];
        let text = content
            .replace("ALICE", &scene.alice.address().to_string())
            .replace("ONE", &scene.contract.address.to_string())
            .replace("HASH", &hex::encode(scene.contract.code_hash));
        let said =
            || serde_json::from_str::<Value>(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        match what {
            "execute" => last = Some(scene.execute(&said()).map(|done| done.data)),
            "query" => last = Some(scene.chain.query_bytes(&scene.contract, &said())),
            "data" => {
                let data = last.take().expect("a message before it").unwrap();
                assert_eq!(serde_json::from_slice::<Value>(&data).unwrap(), said());
                datas += 1;
            }
            "error" => {
                let refused = last.take().expect("a message before it").unwrap_err();
                assert!(refused.text.contains(&text), "{text}: {refused}");
                errors += 1;
            }
            other => panic!("a block of {other}"),
        }
        // What is not shown has gone well.
        if let Some(Err(refused)) = &last {
            assert!(["execute", "query"].contains(&what), "{refused}");
        }
    }
    assert!(datas >= 5 && errors >= 4);
}

#[test]
fn the_page_about_them_names_every_import_of_each_generation_in_its_column() {
    let rows = PAGE
        .lines()
        .skip_while(|line| !line.starts_with("| imports |"));
    let rows: Vec<Vec<&str>> = rows
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.split('|').collect())
        .collect();
    for (generation, column) in [(Generation::V1, 2), (Generation::V010, 3)] {
        let named: BTreeSet<&str> = rows
            .iter()
            .flat_map(|cells| cells[column].split('`').skip(1).step_by(2))
            .collect();
        let all = Import::ALL.into_iter().filter(|i| i.is_of(generation));
        assert_eq!(named, all.map(Import::name).collect());
    }
}

/// A message of v1 with a reply, and what the contract is told of it.
fn told_of(s: &mut Scene, message: &Value) -> Value {
    let sent = json!({"id": 1, "msg": message, "gas_limit": null, "reply_on": "always"});
    s.execute(&json!({"forget": true, "messages": [sent]}))
        .unwrap();
    let told: Value = s.chain.query(&s.contract, &json!({"told": {}})).unwrap();
    told["told"][0]["result"].clone()
}

#[test]
fn the_page_names_every_kind_of_message_and_each_is_sent_or_refused_as_it_says() {
    let row = |kind: &str| {
        PAGE.lines()
            .find(|l| l.starts_with('|') && l.contains(&format!("`{kind}`")))
    };
    let mut s = Scene::new(Generation::V1);
    let (alice, own) = (
        s.alice.address().to_string(),
        s.contract.address.to_string(),
    );
    let (hash, id) = (hex::encode(s.code.hash), s.code.id);
    let coins = json!([{"denom": "uscrt", "amount": "2"}]);
    let funds = [Coin {
        denom: "uscrt".into(),
        amount: 10,
    }];
    s.chain
        .execute_with(&s.alice, &s.contract, &json!({}), &funds)
        .unwrap();
    let empty = STANDARD.encode("{}");
    let make = |label: &str| {
        json!({"wasm": {"instantiate": {
            "admin": own, "code_id": id, "code_hash": hash, "msg": empty, "send": [], "label": label,
        }}})
    };
    let mut children = ["one", "two"]
        .map(|label| {
            let told = told_of(&mut s, &make(label));
            let events = told["ok"]["events"].as_array().unwrap();
            let made = events
                .iter()
                .find(|event| event["type"] == "instantiate")
                .unwrap();
            let mut attributes = made["attributes"].as_array().unwrap().iter();
            let address = attributes.find(|a| a["key"] == "contract_address").unwrap();
            address["value"].as_str().unwrap().to_owned()
        })
        .into_iter();
    let (one, two) = (children.next().unwrap(), children.next().unwrap());
    let send = MsgSend {
        from_address: own.clone(),
        to_address: alice.clone(),
        amount: vec![ProtoCoin {
            denom: "uscrt".into(),
            amount: "3".into(),
        }],
    };
    let before = s.chain.balance(&s.contract.address, "uscrt");
    for (kind, message) in [
        (
            "bank.send",
            json!({"bank": {"send": {"to_address": alice, "amount": coins}}}),
        ),
        (
            "stargate",
            json!({"stargate": {
                "type_url": "/cosmos.bank.v1beta1.MsgSend", "value": STANDARD.encode(send.encode_to_vec()),
            }}),
        ),
        (
            "wasm.execute",
            json!({"wasm": {"execute": {"contract_addr": one, "code_hash": hash, "msg": empty, "send": []}}}),
        ),
        ("wasm.instantiate", make("three")),
        (
            "wasm.migrate",
            json!({"wasm": {"migrate": {"contract_addr": one, "code_hash": hash, "code_id": id, "msg": empty}}}),
        ),
        (
            "wasm.update_admin",
            json!({"wasm": {"update_admin": {"contract_addr": one, "admin": alice}}}),
        ),
        (
            "wasm.clear_admin",
            json!({"wasm": {"clear_admin": {"contract_addr": two}}}),
        ),
        ("finalize_tx", json!({"finalize_tx": {}})),
    ] {
        assert!(
            row(kind).is_some_and(|row| !row.contains("by name")),
            "{kind}"
        );
        if kind == "finalize_tx" {
            let last = json!({"id": 1, "msg": message, "gas_limit": null, "reply_on": "never"});
            s.execute(&json!({"messages": [last]})).unwrap();
            continue;
        }
        let told = told_of(&mut s, &message);
        assert!(told["ok"].is_object(), "{kind}: {told}");
    }
    assert_eq!(s.chain.balance(&s.contract.address, "uscrt"), before - 5);
    let delegate = json!({"delegate": {"validator": "v", "amount": coins[0]}});
    let transfer = json!({"transfer": {
        "channel_id": "channel-0", "to_address": "x", "amount": coins[0], "timeout": {"block": null, "timestamp": "1"}, "memo": "",
    }});
    for (kind, message) in [
        ("bank.burn", json!({"bank": {"burn": {"amount": coins}}})),
        ("staking", json!({"staking": delegate})),
        (
            "distribution",
            json!({"distribution": {"set_withdraw_address": {"address": alice}}}),
        ),
        (
            "gov",
            json!({"gov": {"vote": {"proposal_id": 1, "vote": "yes"}}}),
        ),
        ("ibc", json!({"ibc": transfer})),
        ("custom", json!({"custom": {}})),
    ] {
        assert!(
            row(kind).is_some_and(|row| row.contains("refused by name")),
            "{kind}"
        );
        let told = told_of(&mut s, &message);
        let error = told["error"].as_str().unwrap_or_default();
        assert!(
            error.starts_with("the error was redacted (codespace: compute, code: 1"),
            "{kind}: {told}"
        );
    }
}
