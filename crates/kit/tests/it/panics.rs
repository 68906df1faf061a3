//! A panic is shown with its message, file, line and function; other ends are shown as the chain says them.

use crate::contract;
use serde_json::{Value, json};
use strongroom_kit::{Contract, Network, User};

fn probe() -> (Network, User, Contract) {
    let mut net = Network::new();
    let alice = net.user("alice");
    let code = net.store(&alice, contract("probe")).unwrap();
    let probe = net.instantiate(&alice, &code, "probe", &json!({})).unwrap();
    (net, alice, probe)
}

#[test]
fn a_panic_tells_message_function_file_and_line() {
    let (mut net, alice, probe) = probe();
    let refused = net
        .execute(
            &alice,
            &probe,
            &json!({"panic": {"message": "the lamp: is out"}}),
        )
        .unwrap_err();
    let panic = refused.panic.clone().expect("a panic that is told");
    assert_eq!(panic.message, "the lamp: is out");
    assert_eq!(panic.file, "probe/src/lib.rs");
    let source = include_str!("../../../../contracts/probe/src/lib.rs");
    let line = source.lines().nth(panic.line as usize - 1).unwrap();
    assert!(line.contains("ExecuteMsg::Panic"), "{line}");
    // The source of another workspace is not below this directory: the function is not known here, and is in a package's own tests.
    assert!(
        refused.to_string().contains(&format!(
            "at probe/src/lib.rs:{}:{}",
            panic.line, panic.column
        )),
        "{refused}"
    );
}

#[test]
fn a_panic_in_a_query_is_told_as_well() {
    let (mut net, _, probe) = probe();
    let refused = net
        .query::<Value>(&probe, &json!({"panic": {"message": "asked too much"}}))
        .unwrap_err();
    assert_eq!(
        refused.panic.map(|panic| panic.message).as_deref(),
        Some("asked too much")
    );
}

#[test]
fn an_end_without_a_message_says_what_the_chain_says() {
    let (mut net, alice, probe) = probe();
    let refused = net
        .execute(&alice, &probe, &json!({"recurse": {"depth": 10_000_000}}))
        .unwrap_err();
    assert!(
        refused.panic.is_none() && refused.text.contains("run out of space on the stack"),
        "{refused}"
    );
    let refused = net
        .execute(
            &alice,
            &probe,
            &json!({"fail": {"message": "panicked at nothing"}}),
        )
        .unwrap_err();
    assert!(refused.panic.is_none(), "an error is no panic: {refused}");
}
