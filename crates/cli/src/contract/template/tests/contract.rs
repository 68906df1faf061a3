//! The contract's wasm on the real state machine, as its users meet it.

use std::sync::LazyLock;

use serde_json::{json, Value};
use strongroom_kit::leaks::{self, Kind};
use strongroom_kit::{wasm, Call, Coin, Contract, Network, Tolerance, User};

use {{crate}}::msg::{InstantiateMsg, JarAnswer};

const DAY: u64 = 86_400;

/// A network with the contract on it. Made once: every test begins with a clone, which costs nothing.
fn begin() -> (Network, Contract) {
    static BEGUN: LazyLock<(Network, Contract)> = LazyLock::new(|| {
        let mut net = Network::new();
        let alice = net.user("alice");
        let code = net.store(&alice, wasm!()).unwrap();
        let message = InstantiateMsg { lock_seconds: DAY };
        let jar = net.instantiate(&alice, &code, "jar", &message).unwrap();
        (net, jar)
    });
    BEGUN.clone()
}

/// Puts coins into a user's jar. All of these messages are as long as each other, and use the same gas.
fn put(user: &User, jar: &Contract, amount: u128, wish: &str) -> Call {
    let padding = " ".repeat(64_usize.saturating_sub(wish.len()));
    let message = json!({"put": {"wish": wish, "gas_target": "100000", "padding": padding}});
    Call::execute(user, jar, &message).funds(&[Coin::new(amount, "uscrt")])
}

fn look(net: &mut Network, jar: &Contract, owner: &User, key: &str) -> Option<JarAnswer> {
    let question = json!({"jar": {"owner": owner.to_string(), "key": key}});
    net.query(jar, &question).ok()
}

#[test]
fn a_wish_is_read_with_the_key_of_its_owner_and_with_no_other() {
    let (mut net, jar) = begin();
    let (alice, bob) = (net.user("alice"), net.user("bob"));
    net.run(&put(&alice, &jar, 5, "a boat")).unwrap();
    let set = json!({"set_viewing_key": {"key": "open"}});
    net.execute(&alice, &jar, &set).unwrap();
    let seen = look(&mut net, &jar, &alice, "open").unwrap();
    assert_eq!(seen.wish, "a boat");
    assert_eq!(look(&mut net, &jar, &alice, "Open"), None);
    assert_eq!(look(&mut net, &jar, &bob, "open"), None);
}

#[test]
fn coins_come_back_after_the_time_and_not_before() {
    let (mut net, jar) = begin();
    let alice = net.user("alice");
    let before = net.balance(alice.address(), "uscrt");
    net.run(&put(&alice, &jar, 700, "a boat")).unwrap();
    assert_eq!(net.balance(alice.address(), "uscrt"), before - 700);

    let snapshot = net.clone();
    let take_out = json!({"take_out": {}});
    let early = net.execute(&alice, &jar, &take_out).unwrap_err();
    assert!(early.text.contains("your jar opens at"), "{early}");

    let mut later = snapshot;
    later.wait(DAY);
    later.execute(&alice, &jar, &take_out).unwrap();
    assert_eq!(later.balance(alice.address(), "uscrt"), before);
    let twice = later.execute(&alice, &jar, &take_out).unwrap_err();
    assert!(twice.text.contains("your jar is empty"), "{twice}");
}

#[test]
fn only_the_sender_reads_what_a_call_says() {
    let (mut net, jar) = begin();
    let (alice, bob) = (net.user("alice"), net.user("bob"));
    let done = net.run(&put(&alice, &jar, 1, "a boat")).unwrap();
    assert_eq!(done.seen_by(&alice).attribute("wish"), Some("a boat"));
    assert_eq!(done.seen_by(&bob).attribute("wish"), None);
}

#[test]
fn nobody_can_tell_one_wish_from_another() {
    let (net, jar) = begin();
    let alice = net.user("alice");
    let wish = |wish: &'static str| {
        let call = put(&alice, &jar, 1, wish);
        move |net: &mut Network| drop(net.run(&call).unwrap())
    };
    leaks::between(&net, wish("a boat"), wish("a very small house by the sea")).assert_none();
    // Coins are public on every chain, and so is how many there are.
    let coins = |amount: u128| {
        let call = put(&alice, &jar, amount, "a boat");
        move |net: &mut Network| drop(net.run(&call).unwrap())
    };
    leaks::between(&net, coins(1), coins(2)).assert_only(&[(
        1,
        Kind::EventText,
        "coins are public",
    )]);
}

#[test]
fn what_calls_cost_is_what_was_kept() {
    let (mut net, jar) = begin();
    let alice = net.user("alice");
    let set: Value = json!({"set_viewing_key": {"key": "open"}});
    net.execute(&alice, &jar, &set).unwrap();
    net.run(&put(&alice, &jar, 1, "a boat")).unwrap();
    net.wait(DAY);
    let take_out = json!({"take_out": {}});
    net.execute(&alice, &jar, &take_out).unwrap();
    net.gas_report().assert_kept("tests/gas.txt", Tolerance(5));
}
