//! The private token on the whole machine: what an author of a contract writes.

use serde_json::{Value, json};
use strongroom_testkit::{Chain, Contract, Refused, User, contract};

struct Token {
    chain: Chain,
    token: Contract,
    alice: User,
    bob: User,
}

/// A token of which Alice has 1,000.
fn token() -> Token {
    let mut chain = Chain::new();
    let (alice, bob) = (chain.user("a"), chain.user("b"));
    let code = chain.store_code(&alice, contract("token")).unwrap();
    let begin = json!({
        "name": "Test token",
        "symbol": "TEST",
        "decimals": 6,
        "prng_seed": "c2VlZA==",
        "initial_balances": [{"address": alice.address().to_string(), "amount": "1000"}],
    });
    let token = chain.instantiate(&alice, &code, "token", &begin).unwrap();
    Token {
        chain,
        token,
        alice,
        bob,
    }
}

fn transfer(to: &User, amount: u32) -> Value {
    json!({"transfer": {"recipient": to.address().to_string(), "amount": amount.to_string()}})
}

impl Token {
    fn balance(&mut self, user: &User, key: &str) -> Result<Value, Refused> {
        let question = json!({"balance": {"address": user.address().to_string(), "key": key}});
        self.chain.query(&self.token, &question)
    }

    fn set_key(&mut self, user: &User, key: &str) {
        let message = json!({"set_viewing_key": {"key": key}});
        self.chain.execute(user, &self.token, &message).unwrap();
    }
}

#[test]
fn tokens_move_and_only_the_holder_of_a_key_sees_the_balance() {
    let mut t = token();
    let (alice, bob) = (t.alice.clone(), t.bob.clone());
    let moved = t
        .chain
        .execute(&alice, &t.token, &transfer(&bob, 300))
        .unwrap();
    assert_eq!(
        moved.json::<Value>(),
        json!({"transfer": {"status": "success"}})
    );
    assert!(moved.gas_used > 20_000);
    t.set_key(&alice, "open");
    t.set_key(&bob, "sesame");
    assert_eq!(
        t.balance(&alice, "open").unwrap(),
        json!({"balance": {"amount": "700"}})
    );
    assert_eq!(
        t.balance(&bob, "sesame").unwrap(),
        json!({"balance": {"amount": "300"}})
    );
    let wrong = t.balance(&bob, "open").unwrap();
    assert!(wrong.to_string().contains("viewing_key_error"), "{wrong}");
}

#[test]
fn a_refusal_tells_the_contracts_own_words_and_changes_nothing_but_the_fee() {
    let mut t = token();
    let (alice, bob) = (t.alice.clone(), t.bob.clone());
    let coins = t.chain.balance(alice.address(), "uscrt");
    let refused = t
        .chain
        .execute(&alice, &t.token, &transfer(&bob, 2_000))
        .unwrap_err();
    assert_eq!((refused.codespace.as_str(), refused.code), ("compute", 3));
    assert!(
        refused.text.contains("insufficient funds: required=2000"),
        "{refused}"
    );
    let fee = u128::from(t.chain.options().gas / 10);
    assert_eq!(t.chain.balance(alice.address(), "uscrt"), coins - fee);
    t.set_key(&alice, "open");
    assert_eq!(
        t.balance(&alice, "open").unwrap(),
        json!({"balance": {"amount": "1000"}})
    );
}

#[test]
fn several_transfers_of_one_user_fit_into_one_block() {
    let mut t = token();
    let (alice, bob) = (t.alice.clone(), t.bob.clone());
    let mut block = Vec::new();
    for amount in [1, 2, 3] {
        let call = t.chain.message(&alice, &t.token, &transfer(&bob, amount));
        let tx = t.chain.tx().message(&call.message);
        block.push((t.chain.sign(&alice, &tx), call.key));
    }
    let (txs, keys): (Vec<_>, Vec<_>) = block.into_iter().unzip();
    let results = t.chain.block(txs);
    for (result, key) in results.iter().zip(&keys) {
        strongroom_testkit::call::executed(result, key).unwrap();
    }
    t.set_key(&bob, "sesame");
    assert_eq!(
        t.balance(&bob, "sesame").unwrap(),
        json!({"balance": {"amount": "6"}})
    );
}

#[test]
fn a_warm_enclave_asks_its_host_for_nothing_and_a_new_one_for_what_it_needs() {
    let mut t = token();
    let (alice, bob) = (t.alice.clone(), t.bob.clone());
    t.chain
        .execute(&alice, &t.token, &transfer(&bob, 1))
        .unwrap();
    t.chain.door().take_traffic();
    t.chain
        .execute(&alice, &t.token, &transfer(&bob, 1))
        .unwrap();
    assert_eq!(t.chain.door().take_traffic().asks, 0);
    t.chain.restart();
    t.chain
        .execute(&alice, &t.token, &transfer(&bob, 1))
        .unwrap();
    assert!(t.chain.door().take_traffic().asks > 10);
    t.set_key(&bob, "sesame");
    assert_eq!(
        t.balance(&bob, "sesame").unwrap(),
        json!({"balance": {"amount": "3"}})
    );
}

/// Room for the longest of these messages.
const MESSAGE_BYTES: usize = 400;

/// A message with this target (SNIP-50), as long as all of them.
fn with_target(variant: &str, mut fields: Value, target: Option<u32>) -> Value {
    fields["gas_target"] = target.map_or(Value::Null, |target| target.to_string().into());
    fields["padding"] = "".into();
    let message = json!({ variant: fields });
    let missing = MESSAGE_BYTES - message.to_string().len();
    let mut message = message;
    message[variant]["padding"] = " ".repeat(missing).into();
    message
}

#[test]
fn calls_with_one_gas_target_use_the_same_gas_whatever_they_did() {
    let mut t = token();
    let (alice, bob) = (t.alice.clone(), t.bob.clone());
    let carol = t.chain.user("c");
    let transfer =
        |to: &User, amount: &str| json!({"recipient": to.address().to_string(), "amount": amount});
    let long_memo =
        json!({"recipient": bob.address().to_string(), "amount": "1", "memo": "x".repeat(90)});
    let calls = [
        ("transfer", transfer(&bob, "1")),
        ("transfer", transfer(&bob, "7")),
        ("transfer", transfer(&carol, "123")),
        ("transfer", transfer(&alice, "123")),
        ("transfer", long_memo),
        ("set_viewing_key", json!({"key": "k"})),
        ("create_viewing_key", json!({"entropy": "dice"})),
        (
            "increase_allowance",
            json!({"spender": bob.address().to_string(), "amount": "5"}),
        ),
        ("evaporate", json!({})),
    ];
    let mut gas = |target: Option<u32>| -> Vec<u64> {
        let used = calls.iter().map(|(variant, fields)| {
            let message = with_target(variant, fields.clone(), target);
            let done = t.chain.execute(&alice, &t.token, &message);
            done.unwrap_or_else(|refused| panic!("{variant}: {refused}"))
                .gas_used
        });
        used.collect()
    };
    let open = gas(None);
    let levelled = gas(Some(150_000));
    assert!(
        open.iter().any(|gas| *gas != open[0]),
        "without a target gas tells: {open:?}"
    );
    assert!(
        levelled.iter().all(|gas| *gas == levelled[0]),
        "with a target it does not: {levelled:?}"
    );
    assert!(levelled[0] > 150_000);
}

#[test]
fn a_failed_call_uses_its_gas_target_too_and_one_that_used_more_is_as_without() {
    let mut t = token();
    let (alice, bob) = (t.alice.clone(), t.bob.clone());
    let mut refused = |amount: &str, target: Option<u32>| {
        let fields = json!({"recipient": bob.address().to_string(), "amount": amount});
        let message = with_target("transfer", fields, target);
        t.chain
            .execute(&alice, &t.token, &message)
            .unwrap_err()
            .gas_used
    };
    assert_eq!(
        refused("1001", Some(100_000)),
        refused("99999", Some(100_000))
    );
    let without = refused("1001", None);
    let too_small = refused("1001", Some(1));
    assert!(
        too_small.abs_diff(without) < 500,
        "{too_small} and {without}"
    );
}
