//! What stays of messages that fail, and what is told of them.

use super::super::puppet::{self, NOTHING};
use super::super::world::{GAS, World, b64};
use super::super::{asked, call, response, sends, sub, two_puppets};
use super::{REFUSES, bank, on, prefixed, redacted, told};
use crate::modules::compute::state::{LABELS, LAST_INSTANCE_ID, contract_address};

#[test]
fn what_a_failed_message_did_is_taken_back_and_the_others_stay() {
    let (mut world, code, a, b) = two_puppets();
    let hex = code.hex();
    let mark = r#"{"key":"n","value":"1","encrypted":false}"#;
    let child = format!(
        r#"{{"wasm":{{"instantiate":{{"admin":null,"code_id":{},"code_hash":"{hex}","msg":"{}","send":[{{"denom":"uscrt","amount":"1"}}],"label":"child"}}}}}}"#,
        code.id,
        b64(format!("f{REFUSES}"))
    );
    let messages = [
        asked(1, "error", &call(&b, &hex, &format!("f{REFUSES}"), 5), None),
        asked(2, "always", &child, None),
        asked(
            3,
            "always",
            &call(&b, &hex, &response(&[], mark, ""), 2),
            None,
        ),
    ];
    let sent = world.execution(&a, &code.hash, sends(&messages).as_bytes(), 10);
    let done = world.run(sent, GAS).ok();
    assert_eq!((world.balance(&a), world.balance(&b)), (8, 2));
    assert_eq!(world.kept(&b, "last"), None);
    let (label, last) = world.read(|ctx| {
        (
            LABELS.get(ctx, &"child").unwrap(),
            LAST_INSTANCE_ID.get(ctx).unwrap(),
        )
    });
    assert_eq!((label, last), (None, Some(2)));
    assert_eq!(world.balance(&contract_address(code.id, 3, &a).unwrap()), 0);
    // Of the failed ones only the replies are seen, each where its message was.
    assert_eq!(
        done.events()[7..],
        [
            format!("wasm{{contract_address={a}}}"),
            format!("reply{{contract_address={a}}}"),
            format!("wasm{{contract_address={a}}}"),
            format!("reply{{contract_address={a}}}"),
            format!("wasm{{contract_address={a}}}"),
            format!("coin_spent{{amount=2uscrt,spender={a}}}"),
            format!("coin_received{{amount=2uscrt,receiver={b}}}"),
            format!("transfer{{amount=2uscrt,recipient={b},sender={a}}}"),
            format!("execute{{contract_address={b}}}"),
            format!("wasm{{contract_address={b},n=1}}"),
            format!("reply{{contract_address={a}}}"),
            format!("wasm{{contract_address={a}}}"),
        ]
    );
}

#[test]
fn a_failure_of_a_module_is_told_by_its_code_alone() {
    let (mut world, code, a, b) = two_puppets();
    let to = b.to_string();
    for (message, gas, space, number) in [
        (bank(&to, "11"), None, "sdk", 5),
        (bank("nowhere", "1"), None, "sdk", 7),
        (bank(&to, "1.5"), None, "sdk", 10),
        (bank(&to, "1"), Some(50), "sdk", 11),
        (r#"{"staking":{}}"#.into(), None, "compute", 18),
        (r#"{"custom":{}}"#.into(), None, "compute", 10),
    ] {
        for mode in ["always", "error"] {
            let messages = [asked(1, mode, &message, gas)];
            world.execute(&a, &code, &sends(&messages)).ok();
            let expected = format!(
                r#"{{"id":1,"result":{{"error":"{}"}}}}"#,
                redacted(space, number)
            );
            assert_eq!(told(&world, &a, 1).unwrap(), expected);
        }
        let done = world.execute(&a, &code, &sends(&[asked(1, "success", &message, gas)]));
        let (in_space, code, text) = done.error();
        assert_eq!((in_space, code), (space, number));
        assert!(text.starts_with("dispatch: submessages: ") && !text.contains("redacted"));
    }
    // Success has neither events nor data.
    let message = asked(2, "success", &bank(&to, "4"), None);
    let sent = world.execution(&a, &code.hash, sends(&[message]).as_bytes(), 10);
    world.run(sent, GAS).ok();
    let empty = r#"{"id":2,"result":{"ok":{"events":[],"data":null}}}"#;
    assert_eq!(told(&world, &a, 2).unwrap(), empty);
    assert_eq!((world.balance(&a), world.balance(&b)), (6, 4));
    // Nothing to send is no message, and no failure.
    let none = r#"{"bank":{"send":{"to_address":"x","amount":[]}}}"#;
    world
        .execute(&a, &code, &sends(&[asked(3, "always", none, None)]))
        .ok();
    assert_eq!(told(&world, &a, 3).unwrap(), empty.replace('2', "3"));
}

#[test]
fn what_goes_wrong_around_a_called_contract_ends_the_transaction_whoever_asked_for_it() {
    let (mut world, code, a, b) = two_puppets();
    let hex = code.hex();
    let nobody = world.users[1].address.clone();
    // B calls itself, and that call fails with its own error: it is no longer B's.
    let through = sends(&[sub(&call(&b, &hex, REFUSES, 0), None)]);
    for (message, gas, space, number) in [
        (call(&b, &hex, "p", 0), None, "compute", 3),
        (call(&b, &hex, "x", 0), None, "compute", 3),
        (call(&b, &"00".repeat(32), NOTHING, 0), None, "compute", 3),
        (call(&nobody, &hex, NOTHING, 0), None, "compute", 9),
        (call(&b, &hex, NOTHING, 5), None, "sdk", 5),
        (call(&b, &hex, "g", 0), Some(60_000), "sdk", 11),
        (call(&b, &hex, NOTHING, 0), Some(50), "sdk", 11),
        (call(&b, &hex, &through, 0), None, "compute", 3),
    ] {
        for mode in ["always", "error"] {
            let done = world.execute(&a, &code, &sends(&[asked(1, mode, &message, gas)]));
            let text = format!(
                "an sdk error occurred while sending a sub-message: {}",
                redacted(space, number)
            );
            assert_eq!(
                done.error(),
                ("undefined", 1, prefixed(1, &text).as_str()),
                "{message}"
            );
        }
    }
    assert_eq!(told(&world, &a, 1), None);
    // Each level that asked for it redacts what is left.
    let inner = sends(&[asked(1, "always", &call(&b, &hex, "p", 0), None)]);
    let done = world.execute(
        &a,
        &code,
        &sends(&[asked(1, "error", &call(&b, &hex, &inner, 0), None)]),
    );
    let text = format!(
        "an sdk error occurred while sending a sub-message: {}",
        redacted("undefined", 1)
    );
    assert_eq!(done.error(), ("undefined", 1, prefixed(1, &text).as_str()));
    // Its own error is told to the one that called it.
    let inner = sends(&[asked(2, "error", &call(&b, &hex, REFUSES, 0), None)]);
    world
        .execute(
            &a,
            &code,
            &sends(&[asked(1, "error", &call(&b, &hex, &inner, 0), None)]),
        )
        .ok();
    assert!(told(&world, &b, 2).is_some() && told(&world, &a, 1).is_none());
}

#[test]
fn a_reply_that_fails_ends_the_transaction_with_one_prefix_for_each_level() {
    let (mut world, code, a, b) = two_puppets();
    let hex = code.hex();
    let good = call(&b, &hex, NOTHING, 0);
    on(&mut world, &a, &code, 1, REFUSES);
    on(&mut world, &a, &code, 2, "p");
    let done = world.execute(&a, &code, &sends(&[asked(1, "always", &good, None)]));
    let (space, number, text) = done.error();
    assert_eq!((space, number), ("compute", 19));
    assert!(text.starts_with(&prefixed(1, "encrypted: ")), "{text}");
    assert!(text.ends_with(": reply to contract failed"), "{text}");
    assert_eq!(done.contract_error(), r#"say \"no\" now"#);
    let done = world.execute(&a, &code, &sends(&[asked(2, "always", &good, None)]));
    let panicked = "Execution error: Enclave: the contract panicked: reply to contract failed";
    assert_eq!(
        done.error(),
        ("compute", 19, prefixed(1, panicked).as_str())
    );
    // In a call of another, which asked for nothing.
    let inner = sends(&[asked(2, "always", &good, None)]);
    let done = world.execute(&b, &code, &sends(&[sub(&call(&a, &hex, &inner, 0), None)]));
    assert_eq!(
        done.error(),
        ("compute", 19, prefixed(2, panicked).as_str())
    );
    // A message that the reply sends fails as it would elsewhere, one level further down; clients find the sealed text.
    let refused = sends(&[sub(&call(&b, &hex, REFUSES, 0), None)]);
    on(&mut world, &a, &code, 3, &refused);
    let done = world.execute(&a, &code, &sends(&[asked(3, "always", &good, None)]));
    let (space, number, text) = done.error();
    assert_eq!((space, number), ("compute", 3));
    assert!(text.starts_with(&prefixed(2, "encrypted: ")), "{text}");
    assert_eq!(done.contract_error(), r#"say \"no\" now"#);
    // Nothing of all that stays.
    assert_eq!([1, 2, 3].map(|id| told(&world, &a, id)), [None, None, None]);
}

#[test]
fn a_contract_without_a_reply_cannot_be_told() {
    let mut world = World::new();
    let code = world.store(puppet::wasm_without_reply());
    let (a, b) = (world.instantiate(&code), world.instantiate(&code));
    let message = asked(1, "always", &call(&b, &code.hex(), NOTHING, 0), None);
    let done = world.execute(&a, &code, &sends(&[message]));
    let text = "Execution error: Enclave: calling a function in the contract failed for an unexpected reason: reply to contract failed";
    assert_eq!(done.error(), ("compute", 19, prefixed(1, text).as_str()));
}
