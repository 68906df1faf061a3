//! The network below the contracts.

use serde_json::json;
use std::time::Duration;
use strongroom_consensus::Clock as _;
use strongroom_testkit::{Chain, Options, User, contract};
use strongroom_types::Timestamp;
use strongroom_types::proto::cosmos::bank::v1beta1::MsgSend;
use strongroom_types::proto::cosmos::base::v1beta1::Coin;

fn send(from: &User, to: &User, amount: u128) -> MsgSend {
    let coin = Coin {
        denom: String::from("uscrt"),
        amount: amount.to_string(),
    };
    MsgSend {
        from_address: from.address().to_string(),
        to_address: to.address().to_string(),
        amount: vec![coin],
    }
}

#[test]
fn a_chain_begins_with_its_first_block_and_coins_move() {
    let mut chain = Chain::new();
    assert_eq!(chain.height(), 1);
    let (a, b) = (chain.user("a"), chain.user("b"));
    let before = chain.balance(b.address(), "uscrt");
    let tx = chain.tx().message(&send(&a, &b, 7)).gas(100_000);
    let tx = chain.sign(&a, &tx);
    let results = chain.block(vec![tx]);
    assert_eq!(results[0].code, 0, "{}", results[0].log);
    assert_eq!(chain.balance(b.address(), "uscrt"), before + 7);
    assert_eq!(chain.height(), 2);
}

#[test]
fn two_chains_of_the_same_making_are_the_same_and_another_seed_makes_another() {
    let run = |seed| {
        let mut chain = Chain::with(Options {
            seed,
            ..Options::default()
        });
        let a = chain.user("a");
        let code = chain.store_code(&a, contract("counter")).unwrap();
        chain
            .instantiate(&a, &code, "counter", &json!({"count": 1}))
            .unwrap();
        chain.app_hash()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn further_accounts_have_coins_and_can_sign() {
    let mut chain = Chain::with(Options {
        accounts: 3,
        ..Options::default()
    });
    let (first, last) = (User::numbered(0), User::numbered(2));
    let tx = chain.tx().message(&send(&last, &first, 5));
    let tx = chain.sign(&last, &tx);
    assert_eq!(chain.block(vec![tx])[0].code, 0);
    let coins = strongroom_testkit::genesis::ACCOUNT_BALANCE;
    assert_eq!(chain.balance(first.address(), "uscrt"), coins + 5);
    assert_eq!(chain.account(User::numbered(3).address()), None);
}

#[test]
fn the_limit_of_a_block_is_the_one_that_was_chosen() {
    let mut chain = Chain::with(Options {
        block_gas: Some(150_000),
        ..Options::default()
    });
    let (a, b) = (chain.user("a"), chain.user("b"));
    let mut pay = |gas| {
        let tx = chain.tx().message(&send(&a, &b, 1)).gas(gas);
        let tx = chain.sign(&a, &tx);
        chain.block(vec![tx]).remove(0)
    };
    let refused = pay(150_001);
    assert!(
        refused.log.contains("exceeds block max gas 150000"),
        "{}",
        refused.log
    );
    assert_eq!(pay(150_000).code, 0);
}

#[test]
fn time_is_what_the_clock_says() {
    let mut chain = Chain::with(Options {
        block_seconds: 6,
        ..Options::default()
    });
    let first = chain.clock().now();
    let second = chain.clock().now();
    assert_eq!(
        second.seconds - first.seconds,
        Duration::from_secs(6).as_secs() as i64
    );
    let later = Timestamp {
        seconds: first.seconds + 1_000_000,
        nanos: 1,
    };
    chain.clock().set(later);
    chain.block(Vec::new());
    let header = chain.decided_block(chain.height()).header;
    let header = strongroom_proof::comet::Header::decode(&header).unwrap();
    assert_eq!(header.time, later);
}

#[test]
fn a_restarted_enclave_goes_on_from_what_its_host_kept() {
    let mut chain = Chain::new();
    let (a, b) = (chain.user("a"), chain.user("b"));
    chain.restart();
    for _ in 0..3 {
        let tx = chain.tx().message(&send(&a, &b, 1));
        let tx = chain.sign(&a, &tx);
        assert_eq!(chain.block(vec![tx])[0].code, 0);
        chain.restart();
    }
    assert_eq!(chain.height(), 4);
}
