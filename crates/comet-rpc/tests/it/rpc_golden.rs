//! Every recorded HTTP exchange of the methods that we offer: status, content type, CORS and caching headers, body.

use crate::chain::{Golden, golden, tx_result};
use crate::http::{Answer, send};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use strongroom_comet_rpc::Config;
use strongroom_comet_rpc::mempool::Limits;

/// Files of which nothing is sent, with the reason.
const SKIPPED_FILES: &[(&str, &str)] = &[("unsafe", "unsafe methods are not offered")];

/// Exchanges that are not sent, with the reason. A name matches if it begins so.
const SKIPPED: &[(&str, &str, &str)] = &[
    (
        "info",
        "consensus_state",
        "times, steps and rounds are volatile; the rest is compared below",
    ),
    (
        "info",
        "dump_consensus_state",
        "times, steps and rounds are volatile; the rest is compared below",
    ),
    (
        "rpc",
        "consensus_state",
        "times, steps and rounds are volatile; the rest is compared below",
    ),
    (
        "rpc",
        "dump_consensus_state",
        "times, steps and rounds are volatile; the rest is compared below",
    ),
    (
        "rpc",
        "net_info",
        "peers are volatile and ours are the engine's",
    ),
    (
        "rpc",
        "status",
        "recorded at height 33, of which no block is recorded",
    ),
    (
        "rpc",
        "validators: plain",
        "recorded at height 33, of which no block is recorded",
    ),
    (
        "broadcast",
        "broadcast_tx_async: refused, again",
        "there its CheckTx had not been answered yet",
    ),
    (
        "broadcast",
        "broadcast_tx_async: no tx",
        "there the CheckTx of the empty one had not been answered yet",
    ),
    (
        "broadcast",
        "broadcast_tx_async: good, 0x",
        "there its CheckTx was not answered when the list was taken",
    ),
    (
        "evidence",
        "broadcast_evidence: good",
        "a chain of one validator takes no evidence, and says so",
    ),
    (
        "evidence",
        "broadcast_evidence: the same again",
        "a chain of one validator takes no evidence, and says so",
    ),
    (
        "pruned",
        "status",
        "recorded at height 31, of which no block is recorded",
    ),
    (
        "pruned",
        "blockchain: from a pruned height",
        "its last_height is 31, of which no block is recorded",
    ),
    (
        "pruned",
        "block_search",
        "there the index counts heights whose blocks are gone",
    ),
    (
        "pruned",
        "tx: in a pruned block",
        "our store keeps transactions with their block, so that none is left without it",
    ),
    (
        "pruned",
        "tx_search: in pruned blocks",
        "our store keeps transactions with their block",
    ),
];

/// Methods that a recorded list of methods has and ours has not (with CORS on the unsafe ones were on, too).
const NOT_OFFERED: [&str; 3] = ["dial_peers", "dial_seeds", "unsafe_flush_mempool"];

/// Texts in `data` that clients read (testdata/cometbft-v0.38/README.md, "Use as tests" 3).
const TEXTS: [&str; 8] = [
    "vidence",
    "not found",
    "must be less than or equal to",
    "lowest height is",
    "already exists in cache",
    "Tx too large",
    "timed out",
    "mempool is full",
];

fn is_skipped(file: &str, name: &str) -> bool {
    SKIPPED
        .iter()
        .any(|(in_file, prefix, _)| *in_file == file && name.starts_with(prefix))
}

/// Takes out of a body what may differ.
fn normalise(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for volatile in ["listen_addr", "rpc_address"] {
                if let Some(member) = members.get_mut(volatile) {
                    *member = Value::Null;
                }
            }
            if members.contains_key("code") && members.contains_key("message") {
                let read = |text: &str| TEXTS.iter().any(|known| text.contains(known));
                if !members
                    .get("data")
                    .and_then(Value::as_str)
                    .is_some_and(read)
                {
                    members.remove("data");
                }
            }
            members.values_mut().for_each(normalise);
        }
        Value::Array(items) => items.iter_mut().for_each(normalise),
        _ => {}
    }
}

fn json(body: &str) -> Option<Value> {
    let mut value: Value = serde_json::from_str(body).ok()?;
    normalise(&mut value);
    Some(value)
}

fn is_error(body: &Option<Value>) -> bool {
    body.as_ref()
        .is_some_and(|body| body.get("error").is_some())
}

/// The list of methods without those that we do not offer.
fn offered(page: &str) -> String {
    let is_ours = |part: &&str| {
        !NOT_OFFERED
            .iter()
            .any(|name| part.contains(&format!("/{name}?")))
    };
    page.split_inclusive("</br>").filter(is_ours).collect()
}

fn header_of<'a>(response: &'a Value, name: &str) -> Option<&'a str> {
    let headers = response["headers"].as_array().unwrap();
    headers
        .iter()
        .find(|h| h[0].as_str().unwrap().eq_ignore_ascii_case(name))
        .map(|h| h[1].as_str().unwrap())
}

/// Compares; the differences, one a line.
fn differences(file: &str, exchange: &Value, answer: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    let response = &exchange["response"];
    let mut differ = |what: &str, expected: &dyn std::fmt::Debug, got: &dyn std::fmt::Debug| {
        found.push(format!("{what}: expected {expected:?}, got {got:?}"));
    };
    let status: u16 = response["status"]
        .as_str()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    if answer.status != status {
        differ("status", &status, &answer.status);
    }
    let body = response["body"].as_str().unwrap_or_default();
    let expected = json(body);
    let got_text = String::from_utf8_lossy(&answer.body).into_owned();
    let got = json(&got_text);
    let names = [
        "content-type",
        "cache-control",
        "vary",
        "access-control-allow-origin",
        "access-control-allow-methods",
        "access-control-allow-headers",
        "x-content-type-options",
        "sec-websocket-version",
    ];
    for name in names {
        let mut wanted = header_of(response, name);
        // "Better not copied": errors that a cache may keep for a day.
        if name == "cache-control" && is_error(&expected) {
            wanted = None;
        }
        // Recorded before the node was started again with CORS on.
        if name == "vary" && file == "limits" {
            continue;
        }
        if answer.header(name) != wanted {
            differ(name, &wanted, &answer.header(name));
        }
    }
    if expected.is_some() {
        if expected != got {
            differ("body", &body, &got_text);
        }
    } else if offered(body) != got_text {
        differ("body", &body, &got_text);
    }
    found
}

/// The body to send. What was too long to keep is made again.
fn body_of(exchange: &Value) -> Vec<u8> {
    let name = exchange["name"].as_str().unwrap();
    let body = exchange["request"]["body"].as_str().unwrap_or_default();
    if name == "body too long" {
        return format!("{{\"pad\":\"{}\",\"id\":1}}", "x".repeat(1_000_001)).into_bytes();
    }
    if name.contains(": too large") {
        let method = name.split(':').next().unwrap();
        let tx = STANDARD.encode([b"big ".as_slice(), &[b'x'; 150_000]].concat());
        return format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"tx":"{tx}"}}}}"#
        )
        .into_bytes();
    }
    assert!(!body.contains('…'), "{name}: body was not kept");
    body.as_bytes().to_vec()
}

struct Setting {
    chain: &'static str,
    from: u64,
    to: u64,
    limits: Limits,
    config: Config,
}

impl Default for Setting {
    fn default() -> Self {
        let limits = Limits {
            tx_bytes_max: 150_000,
            txs_max: 5_000,
            total_bytes_max: 1_073_741_824,
            seen_max: 10_000,
            ..Limits::default()
        };
        let config = Config {
            cors_allowed_origins: vec![],
            body_bytes_max: 1_000_000,
            broadcast_tx_commit_timeout: Duration::from_millis(1_500),
            ..Config::default()
        };
        Self {
            chain: "single",
            from: 1,
            to: 20,
            limits,
            config,
        }
    }
}

impl Setting {
    fn cors(origins: &[&str]) -> Self {
        let cors_allowed_origins = origins.iter().map(|&o| o.to_owned()).collect();
        Self {
            config: Config {
                cors_allowed_origins,
                ..Self::default().config
            },
            ..Self::default()
        }
    }
}

/// Puts the transaction of a `broadcast_tx_commit` into the block in which it was recorded, once it waits.
fn make_its_block(backend: &Arc<Golden>, exchange: &Value) {
    let body: Value = serde_json::from_str(exchange["response"]["body"].as_str().unwrap()).unwrap();
    let height: u64 = body["result"]["height"]
        .as_str()
        .unwrap_or("0")
        .parse()
        .unwrap();
    if height == 0 {
        return;
    }
    let (backend, result) = (Arc::clone(backend), tx_result(&body["result"]["tx_result"]));
    let hash: [u8; 32] = hex::decode(body["result"]["hash"].as_str().unwrap())
        .unwrap()
        .try_into()
        .unwrap();
    std::thread::spawn(move || {
        for _ in 0..500 {
            let waiting = backend.mempool.peek(100);
            if let Some(tx) = waiting
                .iter()
                .find(|tx| strongroom_types::sha256(tx) == hash)
            {
                return backend.make_blocks(height, tx, &result);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    });
}

/// The files that `check` is called for below.
const CHECKED: [&str; 12] = [
    "info",
    "evidence",
    "blocks",
    "tx",
    "abci",
    "envelope",
    "http",
    "broadcast",
    "cors_any",
    "cors_some",
    "limits",
    "pruned",
];

#[test]
fn every_recorded_exchange_is_checked_or_skipped_with_a_reason() {
    let manifest = golden("manifest.json");
    let paths = manifest["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["path"].as_str().unwrap());
    for path in paths.filter(|path| path.starts_with("single/rpc/")) {
        let file = path
            .trim_start_matches("single/rpc/")
            .trim_end_matches(".json");
        assert!(
            CHECKED.contains(&file) || SKIPPED_FILES.iter().any(|(name, _)| *name == file),
            "{path}"
        );
    }
    for (file, prefix, _) in SKIPPED {
        let path = if *file == "rpc" {
            "four/rpc.json".to_owned()
        } else {
            format!("single/rpc/{file}.json")
        };
        let recorded = golden(&path);
        let mut names = recorded["exchanges"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["name"].as_str().unwrap());
        assert!(
            names.any(|name| name.starts_with(prefix)),
            "{file}: {prefix} skips nothing"
        );
    }
}

fn check(directory: &str, file: &str, setting: Setting) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let backend = Golden::new(setting.chain, setting.from, setting.to, setting.limits);
    let server = runtime.block_on(backend.serve(setting.config));
    let recorded = golden(&format!("{directory}{file}.json"));
    let (mut sent, mut wrong) = (0, Vec::new());
    for exchange in recorded["exchanges"].as_array().unwrap() {
        let name = exchange["name"].as_str().unwrap();
        if is_skipped(file, name) {
            continue;
        }
        if name.starts_with("broadcast_tx_commit") {
            make_its_block(&backend, exchange);
        }
        let answer = send(server.address(), &exchange["request"], &body_of(exchange));
        if name.starts_with("broadcast_tx_async") {
            // What was sent without waiting is checked before the next request, as it was when recorded.
            std::thread::sleep(Duration::from_millis(20));
        }
        sent += 1;
        wrong.extend(
            differences(file, exchange, &answer)
                .into_iter()
                .map(|d| format!("{name}: {d}")),
        );
    }
    runtime.block_on(server.stop());
    assert!(sent > 0);
    assert!(
        wrong.is_empty(),
        "{} of {sent} exchanges differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn node_and_chain_facts_are_as_recorded() {
    check("single/rpc/", "info", Setting::default());
}

#[test]
fn a_node_behind_the_blocks_that_it_has_is_catching_up() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let backend = Golden::new("single", 1, 2, Limits::default());
    let server = runtime.block_on(backend.serve(Config::default()));
    let status = || {
        let request = serde_json::json!({ "method": "GET", "target": "/status", "headers": [] });
        let address = server.address();
        let asked = std::thread::spawn(move || send(address, &request, b""));
        let answer = runtime.block_on(async {
            while !asked.is_finished() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            asked.join().unwrap()
        });
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        let info = &body["result"]["sync_info"];
        (
            info["latest_block_height"].clone(),
            info["catching_up"].clone(),
        )
    };
    // The block that is being made is decided before it is executed.
    for (decided, behind) in [(2, false), (3, false), (4, true)] {
        if decided > 2 {
            backend.decide_recorded(decided);
        }
        assert_eq!(status(), ("2".into(), behind.into()), "{decided}");
    }
    runtime.block_on(server.stop());
}

#[test]
fn evidence_is_read_and_refused_as_recorded() {
    check("single/rpc/", "evidence", Setting::default());
}

/// The answer of ours to an exchange of a recorded file, and the recorded one.
fn both(setting: Setting, path: &str, name: &str) -> (Value, Value) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let backend = Golden::new(setting.chain, setting.from, setting.to, setting.limits);
    let server = runtime.block_on(backend.serve(setting.config));
    let recorded = golden(path);
    let exchanges = recorded["exchanges"].as_array().unwrap();
    let exchange = exchanges.iter().find(|e| e["name"] == name).unwrap();
    let answer = send(server.address(), &exchange["request"], &body_of(exchange));
    runtime.block_on(server.stop());
    let body = exchange["response"]["body"].as_str().unwrap();
    (
        serde_json::from_slice(&answer.body).unwrap(),
        serde_json::from_str(body).unwrap(),
    )
}

#[test]
fn evidence_that_verifies_is_refused_with_the_reason() {
    let name = "broadcast_evidence: good, POST";
    let (ours, recorded) = both(Setting::default(), "single/rpc/evidence.json", name);
    assert!(recorded.get("result").is_some());
    let text = ours["error"]["data"].as_str().unwrap();
    assert!(
        text.starts_with("failed to add evidence: it is valid"),
        "{text}"
    );
}

/// Takes out what depends on the moment: steps, times, and rounds begun.
fn without_the_moment(mut answer: Value) -> Value {
    let state = answer["result"]["round_state"].as_object_mut().unwrap();
    let volatile = ["step", "start_time", "commit_time", "height/round/step"];
    state.retain(|name, _| !volatile.contains(&name.as_str()));
    for votes in ["votes", "height_vote_set"] {
        if let Some(rounds) = state.get_mut(votes) {
            rounds.as_array_mut().unwrap().truncate(1);
        }
    }
    answer
}

#[test]
fn the_state_of_consensus_is_as_recorded_but_for_the_moment() {
    for name in ["consensus_state", "dump_consensus_state"] {
        for way in ["POST", "URI"] {
            let exchange = format!("{name}: plain, {way}");
            let (ours, recorded) = both(Setting::default(), "single/rpc/info.json", &exchange);
            assert_eq!(
                without_the_moment(ours),
                without_the_moment(recorded),
                "{exchange}"
            );
        }
    }
}

#[test]
fn the_state_of_consensus_of_four_has_all_members_that_were_recorded() {
    /// Members and kinds of values, without the values.
    fn shape(value: &Value) -> Value {
        match value {
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), shape(value)))
                .collect(),
            Value::Array(items) => items.iter().map(shape).collect(),
            Value::String(_) => "text".into(),
            Value::Number(_) => 0.into(),
            other => other.clone(),
        }
    }
    let setting = || Setting {
        chain: "four",
        to: 32,
        ..Setting::default()
    };
    for name in [
        "consensus_state: plain, POST",
        "dump_consensus_state: plain, POST",
    ] {
        let (ours, recorded) = both(setting(), "four/rpc.json", name);
        // The peers are the recorded engine's.
        let of = |answer: &Value| shape(&answer["result"]["round_state"]);
        assert_eq!(of(&ours), of(&recorded), "{name}");
        let votes = &ours["result"]["round_state"]["last_commit"]["votes_bit_array"];
        assert!(
            votes.is_null() || votes.as_str().unwrap().starts_with("BA{4:"),
            "{votes}"
        );
    }
}

#[test]
fn blocks_headers_commits_and_results_are_as_recorded() {
    check("single/rpc/", "blocks", Setting::default());
}

#[test]
fn transactions_and_searches_are_as_recorded() {
    check("single/rpc/", "tx", Setting::default());
}

#[test]
fn queries_and_checks_are_as_recorded() {
    check("single/rpc/", "abci", Setting::default());
}

#[test]
fn envelopes_are_as_recorded() {
    check("single/rpc/", "envelope", Setting::default());
}

#[test]
fn http_is_as_recorded() {
    check("single/rpc/", "http", Setting::default());
}

#[test]
fn broadcasts_are_as_recorded() {
    check("single/rpc/", "broadcast", Setting::default());
}

#[test]
fn cors_for_anyone_is_as_recorded() {
    check("single/rpc/", "cors_any", Setting::cors(&["*"]));
}

#[test]
fn cors_for_some_is_as_recorded() {
    check(
        "single/rpc/",
        "cors_some",
        Setting::cors(&["http://localhost:3000", "https://*.example.com"]),
    );
}

#[test]
fn limits_are_as_recorded() {
    let mut setting = Setting::cors(&["*"]);
    setting.limits.txs_max = 2;
    setting.config.batch_requests_max = 2;
    check("single/rpc/", "limits", setting);
}

#[test]
fn heights_below_the_lowest_are_as_recorded() {
    check(
        "single/rpc/",
        "pruned",
        Setting {
            from: 4,
            ..Setting::cors(&["*"])
        },
    );
}

#[test]
fn four_validators_are_as_recorded() {
    check(
        "four/",
        "rpc",
        Setting {
            chain: "four",
            to: 32,
            ..Setting::default()
        },
    );
}
