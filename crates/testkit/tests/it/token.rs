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
        refused
            .text
            .contains("insufficient funds: balance=1000, required=2000"),
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
