//! What benches measure is what the enclave does.

use serde_json::json;
use strongroom_testkit::replica::{Plain, Replica, Sealed};
use strongroom_testkit::watch::{Port, Watch};
use strongroom_testkit::{Chain, Contract, User, contract};

fn token() -> (Chain, User, Contract) {
    let mut chain = Chain::new();
    let alice = chain.user("a");
    let code = chain.store_code(&alice, contract("token")).unwrap();
    let begin = json!({
        "name": "Test token",
        "symbol": "TEST",
        "decimals": 6,
        "prng_seed": "c2VlZA==",
        "initial_balances": [{"address": alice.address().to_string(), "amount": "1000"}],
    });
    let token = chain.instantiate(&alice, &code, "token", &begin).unwrap();
    (chain, alice, token)
}

fn transfer(chain: &mut Chain, from: &User, token: &Contract) -> Vec<u8> {
    let to = chain.user("b").address().to_string();
    let message = json!({"transfer": {"recipient": to, "amount": "1"}});
    let call = chain.message(from, token, &message);
    let tx = chain.tx().message(&call.message);
    chain.sign(from, &tx)
}

#[test]
fn the_sealed_replica_reaches_the_app_hash_of_the_enclave() {
    let (mut chain, alice, token) = token();
    let mut replica = Replica::<Sealed>::of(&chain);
    assert_eq!(replica.world().app_hash().to_vec(), chain.app_hash());
    let tx = transfer(&mut chain, &alice, &token);
    let block = chain.propose(vec![tx]);
    let watch = Watch::default();
    replica.ante(&block, &watch);
    let (once, again) = (replica.execute(&block), replica.watched(&block, &watch));
    assert_eq!(once, again);
    assert_eq!(once.tx_results, chain.decided(&block));
    replica.keep(&once);
    assert_eq!(replica.world().app_hash().to_vec(), chain.app_hash());
    for (port, calls) in [
        (Port::OpenInput, 1),
        (Port::OpenValue, 1),
        (Port::SealValue, 5),
    ] {
        assert!(watch.spent(port).calls >= calls, "{port:?}");
    }
    assert_eq!(watch.spent(Port::Code).calls, 0, "the module is loaded");
}

#[test]
fn the_plain_replica_gives_the_same_results_and_keeps_plaintext() {
    let (mut chain, alice, token) = token();
    let mut replica = Replica::<Plain>::of(&chain);
    let tx = transfer(&mut chain, &alice, &token);
    let block = chain.propose(vec![tx]);
    let outcome = replica.execute(&block);
    assert_eq!(outcome.tx_results, chain.decided(&block));
    replica.follow(&chain);
    let kept = replica.world().contract(&token.address);
    assert!(kept.values().any(|value| value == br#""999""#));
}
