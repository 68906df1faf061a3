//! A hundred tests take no longer than two seconds (docs/benchmarks.md has what they took). Held loosely here: what runs beside decides.

use crate::contract;
use serde_json::{Value, json};
use std::sync::LazyLock;
use std::time::Instant;
use strongroom_kit::{Contract, Network};

/// What one test of a contract does: from a prepared network, three calls and a query.
fn test(n: u32) {
    static BEGUN: LazyLock<(Network, Contract)> = LazyLock::new(|| {
        let mut net = Network::new();
        let alice = net.user("alice");
        let code = net.store(&alice, contract("token")).unwrap();
        let begin = json!({
            "name": "Test token", "symbol": "TEST", "decimals": 6, "prng_seed": "c2VlZA==",
            "initial_balances": [{"address": alice.to_string(), "amount": "1000"}],
        });
        let token = net.instantiate(&alice, &code, "token", &begin).unwrap();
        (net, token)
    });
    let (mut net, token) = BEGUN.clone();
    let (alice, bob) = (net.user("alice"), net.user("bob"));
    let transfer = json!({"transfer": {"recipient": bob.to_string(), "amount": n.to_string()}});
    net.execute(&alice, &token, &transfer).unwrap();
    net.execute(&bob, &token, &json!({"set_viewing_key": {"key": "k"}}))
        .unwrap();
    net.execute(
        &bob,
        &token,
        &json!({"transfer": {"recipient": alice.to_string(), "amount": "1"}}),
    )
    .unwrap();
    let ask = json!({"balance": {"address": bob.to_string(), "key": "k"}});
    let answer: Value = net.query(&token, &ask).unwrap();
    assert_eq!(answer["balance"]["amount"], (n - 1).to_string());
}

#[test]
fn a_hundred_tests_take_seconds_and_not_minutes() {
    let begin = Instant::now();
    for n in 1..=100 {
        test(n);
    }
    let took = begin.elapsed();
    println!("100 tests, each three calls and a query: {took:?}");
    assert!(took.as_secs() < 60, "{took:?}");
}
