//! Each kind of leak is found in a contract that has it, and nothing is found where nothing is. The naive token is caught, the token of
//! this repository passes, and what is left of its leaks is named.

use crate::contract;
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::BTreeSet;
use strongroom_kit::leaks::{self, Kind, Leaks};
use strongroom_kit::{Coin, Contract, Network, User};

/// Gas that every call of these contracts stays below.
const LEVEL: &str = "150000";

struct Scene {
    net: Network,
    contract: Contract,
    alice: User,
}

fn leaky() -> Scene {
    let mut net = Network::new();
    let alice = net.user("alice");
    let code = net.store(&alice, contract("leaky")).unwrap();
    let contract = net.instantiate(&alice, &code, "leaky", &json!({})).unwrap();
    net.send(&alice, &contract.address, &[Coin::new(9, "uscrt")])
        .unwrap();
    Scene {
        net,
        contract,
        alice,
    }
}

impl Scene {
    /// What tells 1 and 2 apart in a message, whose gas is levelled.
    fn told_by(&self, message: &str) -> Leaks {
        let [one, two] =
            [1, 2].map(|secret| json!({message: {"secret": secret, "gas_target": LEVEL}}));
        self.between(&one, &two)
    }

    fn between(&self, one: &Value, other: &Value) -> Leaks {
        let send = |message: &Value| {
            let message = message.clone();
            move |net: &mut Network| {
                drop(net.execute(&self.alice, &self.contract, &message).unwrap())
            }
        };
        leaks::between(&self.net, send(one), send(other))
    }

    /// The same of a message that is refused.
    fn told_by_refusals(&self, message: &str) -> Leaks {
        let send = |secret: u32| {
            let message = json!({message: {"secret": secret, "gas_target": LEVEL}});
            move |net: &mut Network| drop(net.execute(&self.alice, &self.contract, &message))
        };
        leaks::between_refused(&self.net, send(1), send(2))
    }
}

fn kinds(kinds: &[Kind]) -> BTreeSet<Kind> {
    kinds.iter().copied().collect()
}

#[test]
fn each_kind_of_leak_is_found_by_itself() {
    let scene = leaky();
    for (message, found) in [
        ("nothing", &[][..]),
        // What leaves the contract, and what it sends, costs gas behind the end of its call: no target levels that.
        ("answer", &[Kind::AnswerLength, Kind::Gas]),
        ("attributes", &[Kind::EventShape, Kind::Gas]),
        ("long_attribute", &[Kind::EventShape, Kind::Gas]),
        ("event", &[Kind::EventShape]),
        ("show", &[Kind::EventText]),
        ("read", &[Kind::ReadCount]),
        ("write", &[Kind::WriteCount]),
        ("write_long", &[Kind::WriteSize]),
        ("touch", &[Kind::StorageKeys]),
        ("order", &[Kind::StorageKeys]),
        ("call", &[Kind::SubMessages, Kind::Gas]),
    ] {
        let told = scene.told_by(message);
        assert_eq!(told.kinds(), kinds(found), "{message}:\n{told}");
    }
    for (message, found) in [
        ("fail", &[Kind::Outcome, Kind::Gas]),
        ("fail_long", &[Kind::AnswerLength, Kind::Gas]),
    ] {
        let told = scene.told_by_refusals(message);
        assert_eq!(told.kinds(), kinds(found), "{message}:\n{told}");
    }
}

#[test]
fn gas_tells_where_no_target_levels_it() {
    let scene = leaky();
    let told = scene.between(
        &json!({"work": {"secret": 1}}),
        &json!({"work": {"secret": 2}}),
    );
    assert_eq!(told.kinds(), kinds(&[Kind::Gas]), "{told}");
    scene.told_by("work").assert_none();
}

#[test]
fn a_longer_message_tells_and_so_do_coins_that_go_elsewhere() {
    let scene = leaky();
    let told = scene.between(
        &json!({"nothing": {"secret": 1, "gas_target": LEVEL}}),
        &json!({"nothing": {"secret": 10, "gas_target": LEVEL}}),
    );
    assert_eq!(
        told.kinds(),
        kinds(&[Kind::MessageLength, Kind::Gas]),
        "{told}"
    );
    let to = ["bob", "carol"].map(|name| scene.net.user(name).to_string());
    let [one, two] =
        [1, 2].map(|secret| json!({"pay": {"secret": secret, "to": to, "gas_target": LEVEL}}));
    let told = scene.between(&one, &two);
    assert!(
        told.kinds()
            .is_superset(&kinds(&[Kind::EventText, Kind::PublicState])),
        "{told}"
    );
}

#[test]
fn what_was_written_longer_is_read_longer_and_a_query_is_seen_too() {
    let scene = leaky();
    let run = |secret: u32| {
        let Scene {
            contract, alice, ..
        } = &scene;
        move |net: &mut Network| {
            net.execute(
                alice,
                contract,
                &json!({"write_long": {"secret": secret, "gas_target": LEVEL}}),
            )
            .unwrap();
            net.execute(
                alice,
                contract,
                &json!({"read_long": {"gas_target": LEVEL}}),
            )
            .unwrap();
            net.query_bytes(contract, &json!({"answer": {"secret": secret}}))
                .unwrap();
            net.query_bytes(contract, &json!({"read": {"secret": secret}}))
                .unwrap();
        }
    };
    let told = leaks::between(&scene.net, run(1), run(2));
    let found: Vec<(usize, Kind)> = told.iter().map(|leak| (leak.step, leak.kind)).collect();
    assert_eq!(
        found,
        [
            (1, Kind::WriteSize),
            (2, Kind::ReadSize),
            (3, Kind::AnswerLength),
            (4, Kind::ReadCount)
        ],
        "{told}"
    );
}

#[test]
fn an_assertion_tells_every_leak_and_a_known_one_that_is_gone() {
    let scene = leaky();
    let told = scene.told_by("show");
    let fails = |known: &[(usize, Kind, &str)]| {
        let failed = std::panic::catch_unwind(|| told.assert_only(known)).unwrap_err();
        failed.downcast_ref::<String>().cloned().unwrap_or_default()
    };
    let text = fails(&[]);
    assert!(
        text.contains("1. leaky: execute show: EventText: wasm, number: 1 | wasm, number: 2"),
        "{text}"
    );
    assert!(text.contains("add_attribute_plaintext"), "{text}");
    told.assert_only(&[(1, Kind::EventText, "it is a fixture")]);
    let text = fails(&[
        (1, Kind::EventText, "it is a fixture"),
        (1, Kind::Gas, "was dear once"),
    ]);
    assert!(
        text.contains("not there any more: 1. Gas (was dear once)"),
        "{text}"
    );
    // What is known of one step excuses no other.
    let text = fails(&[(2, Kind::EventText, "it is a fixture")]);
    assert!(
        text.contains("1. leaky: execute show: EventText: ")
            && text.contains("not there any more: 2. EventText"),
        "{text}"
    );
    assert!(told.iter().count() == 1);
}

#[test]
#[should_panic(expected = "a leak test without calls compares nothing")]
fn runs_without_calls_are_refused() {
    let _ = leaks::between(&leaky().net, |net| net.wait(6), |_| ());
}

#[test]
fn a_call_or_query_that_both_runs_refuse_compares_nothing() {
    let scene = leaky();
    let wrong = json!({"shwo": {"secret": 1}});
    let call = |net: &mut Network| drop(net.execute(&scene.alice, &scene.contract, &wrong));
    let query = |net: &mut Network| drop(net.query_bytes(&scene.contract, &wrong));
    let fails = |run: &dyn Fn(&mut Network)| {
        let both = std::panic::AssertUnwindSafe(|| leaks::between(&scene.net, run, run));
        let failed = std::panic::catch_unwind(both).unwrap_err();
        failed.downcast_ref::<String>().cloned().unwrap_or_default()
    };
    for text in [fails(&call), fails(&query)] {
        assert!(
            text.contains("both runs are refused at 1. leaky: "),
            "{text}"
        );
        assert!(text.contains("unknown variant `shwo`"), "{text}");
    }
}

#[test]
fn a_block_without_calls_hides_nothing_of_the_one_before() {
    let scene = leaky();
    let run = |secret: u32| {
        let message = json!({"show": {"secret": secret, "gas_target": LEVEL}});
        let (alice, contract) = (&scene.alice, &scene.contract);
        move |net: &mut Network| {
            net.execute(alice, contract, &message).unwrap();
            net.block(&[]);
        }
    };
    let told = leaks::between(&scene.net, run(1), run(2));
    assert_eq!(told.kinds(), kinds(&[Kind::EventText]), "{told}");
}

#[test]
fn a_secret_beside_chance_is_told_and_chance_alone_is_not() {
    let scene = token("everything", &json!({}));
    let sent = Cell::new(0_u64);
    let run = |amount: &'static str| {
        let Scene {
            contract, alice, ..
        } = &scene;
        let sent = &sent;
        move |net: &mut Network| {
            sent.set(sent.get() + 1);
            let chance = strongroom_types::sha256(&sent.get().to_be_bytes());
            let chance: String = chance.iter().map(|b| format!("{b:02x}")).collect();
            let message = json!({"shows": [["id", format!("{amount}-{chance}")], ["of", "7"]]});
            net.execute(alice, contract, &message).unwrap();
        }
    };
    let told = leaks::between(&scene.net, run("5"), run("9"));
    assert_eq!(told.kinds(), kinds(&[Kind::EventText]), "{told}");
    assert!(told.to_string().contains("wasm, id: 5-**"), "{told}");
    leaks::between(&scene.net, run("5"), run("5")).assert_none();
}

#[test]
#[should_panic(expected = "a leak test compares the same calls")]
fn runs_of_other_lengths_are_refused() {
    let scene = leaky();
    let message = json!({"nothing": {"secret": 1}});
    let once = |net: &mut Network| drop(net.execute(&scene.alice, &scene.contract, &message));
    let _ = leaks::between(&scene.net, once, |_| ());
}

/// A token of which Alice has a million. Its messages as long as each other.
fn token(name: &str, begin: &Value) -> Scene {
    let mut net = Network::new();
    let alice = net.user("alice");
    let code = net.store(&alice, contract(name)).unwrap();
    let contract = net.instantiate(&alice, &code, name, begin).unwrap();
    Scene {
        net,
        contract,
        alice,
    }
}

fn beginning(net: &Network) -> Value {
    json!({
        "name": "Test token", "symbol": "TEST", "decimals": 6, "prng_seed": "c2VlZA==",
        "initial_balances": [
            {"address": net.user("alice").to_string(), "amount": "1000000"},
            {"address": net.user("bob").to_string(), "amount": "1000000"},
            {"address": net.user("carol").to_string(), "amount": "1000000"},
        ],
    })
}

/// A transfer of 300 bytes.
fn transfer(to: &User, amount: &str, target: Option<&str>) -> Value {
    let fields =
        json!({"recipient": to.to_string(), "amount": amount, "gas_target": target, "padding": ""});
    let mut message = json!({ "transfer": fields });
    let missing = 300 - message.to_string().len();
    message["transfer"]["padding"] = " ".repeat(missing).into();
    message
}

#[test]
fn a_naive_token_tells_how_much_was_sent() {
    let net = Network::new();
    let scene = token("token_v010", &beginning(&net));
    let bob = scene.net.user("bob");
    let told = scene.between(&transfer(&bob, "5", None), &transfer(&bob, "700000", None));
    assert!(!told.kinds().is_empty(), "a naive token tells nothing?");
    assert!(told.kinds().contains(&Kind::Gas), "{told}");
}

#[test]
fn the_hardened_token_tells_nothing_of_amounts_and_of_whom_only_which_records_are_touched() {
    let net = Network::new();
    let scene = token("token", &beginning(&net));
    let (bob, carol) = (scene.net.user("bob"), scene.net.user("carol"));
    let level = Some(LEVEL);
    for (one, other) in [("5", "700000"), ("1", "1000000"), ("0", "999999")] {
        let [one, other] = [one, other].map(|amount| transfer(&bob, amount, level));
        scene.between(&one, &other).assert_none();
    }
    let told = scene.between(&transfer(&bob, "5", level), &transfer(&carol, "5", level));
    told.assert_only(&[(
        1,
        Kind::StorageKeys,
        "a host sees that two transfers touch the same records, though not whose",
    )]);
    // Without a target gas tells, as the standard says.
    let told = scene.between(&transfer(&bob, "5", None), &transfer(&bob, "700000", None));
    assert_eq!(told.kinds(), kinds(&[Kind::Gas]), "{told}");
}
