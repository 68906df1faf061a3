//! Messages whose sender is told how they ended.

use super::limits::speech;
use super::puppet::{self, NOTHING};
use super::world::{Code, Done, GAS, World, b64};
use super::{asked, call, response, sends, sub, two_puppets};
use crate::modules::compute::limits::{CALL_DEPTH_MAX, REPLY_BYTES_MAX, WAITING_BYTES_MAX};
use crate::modules::compute::state::{LABELS, LAST_INSTANCE_ID, contract_address};
use crate::types::Address;
use crate::types::proto::cosmos::base::abci::v1beta1::TxMsgData;
use crate::types::proto::{Message as _, secret::compute::v1beta1 as pb};

const REFUSES: &str = r#"{"Err":"say \"no\" now"}"#;

fn prefixed(depth: usize, text: &str) -> String {
    format!("{}{text}", "dispatch: submessages: ".repeat(depth))
}

/// What an error that no contract may see is told as.
fn redacted(space: &str, code: u32) -> String {
    format!(
        "the error was redacted (codespace: {space}, code: {code}). \
         For more info use latest localsecret and reproduce the issue"
    )
}

/// A response with this data.
fn with_data(response: &str, data: &str) -> String {
    response.replace(r#""data":null"#, &format!(r#""data":"{}""#, b64(data)))
}

/// Lets the puppet do `msg` when it is told of message `id`.
fn on(world: &mut World, contract: &Address, code: &Code, id: u8, msg: &str) {
    world.execute(contract, code, &format!("={id}{msg}")).ok();
}

fn told(world: &World, contract: &Address, id: u8) -> Option<String> {
    world.kept(contract, &format!("told{id}"))
}

/// The data of the first message, opened.
fn data(done: &Done) -> Option<String> {
    let data = TxMsgData::decode(done.result.data.as_slice()).unwrap();
    let response = data.msg_responses[0].value.as_slice();
    let sealed = pb::MsgExecuteContractResponse::decode(response)
        .unwrap()
        .data;
    (!sealed.is_empty())
        .then(|| String::from_utf8(done.key.open_data(&sealed).unwrap().to_vec()).unwrap())
}

fn bank(to: &str, uscrt: &str) -> String {
    let coin = format!(r#"{{"denom":"uscrt","amount":"{uscrt}"}}"#);
    format!(r#"{{"bank":{{"send":{{"to_address":"{to}","amount":[{coin}]}}}}}}"#)
}

#[test]
fn each_mode_is_told_of_what_it_asked_for_and_of_nothing_else() {
    for (mode, success, failure) in [
        ("always", true, true),
        ("error", false, true),
        ("success", true, false),
        ("never", false, false),
    ] {
        for (msg, fails) in [(NOTHING, false), (REFUSES, true)] {
            let (mut world, code, a, b) = two_puppets();
            let message = asked(7, mode, &call(&b, &code.hex(), msg, 0), None);
            let done = world.execute(&a, &code, &sends(&[message]));
            let is_told = if fails { failure } else { success };
            assert_eq!(told(&world, &a, 7).is_some(), is_told, "{mode} {msg}");
            assert_eq!(done.result.code == 0, !fails || failure, "{mode} {msg}");
            if done.result.code != 0 {
                let (space, number, text) = done.error();
                assert_eq!((space, number), ("compute", 3));
                assert!(text.starts_with(&prefixed(1, "encrypted: ")), "{text}");
                assert_eq!(done.contract_error(), r#"say \"no\" now"#);
            }
        }
    }
}

#[test]
fn a_reply_is_the_json_of_the_protocol_with_the_sealed_events_sorted_by_key() {
    let (mut world, code, a, b) = two_puppets();
    let attributes = r#"{"key":"z","value":"\u0001\"","encrypted":false},{"key":"b","value":"2","encrypted":false}"#;
    let inner = with_data(&response(&[], attributes, ""), "hi");
    let message = asked(7, "always", &call(&b, &code.hex(), &inner, 3), None);
    let sent = world.execution(&a, &code.hash, sends(&[message]).as_bytes(), 5);
    world.run(sent, GAS).ok();
    assert_eq!(
        told(&world, &a, 7).unwrap(),
        format!(
            r#"{{"id":7,"result":{{"ok":{{"events":[{{"type":"coin_spent","attributes":[{{"key":"amount","value":"3uscrt"}},{{"key":"spender","value":"{a}"}}]}},{{"type":"coin_received","attributes":[{{"key":"amount","value":"3uscrt"}},{{"key":"receiver","value":"{b}"}}]}},{{"type":"transfer","attributes":[{{"key":"amount","value":"3uscrt"}},{{"key":"recipient","value":"{b}"}},{{"key":"sender","value":"{a}"}}]}},{{"type":"execute","attributes":[{{"key":"contract_address","value":"{b}"}}]}},{{"type":"wasm","attributes":[{{"key":"b","value":"2"}},{{"key":"contract_address","value":"{b}"}},{{"key":"z","value":"\u0001\""}}]}}],"data":"aGk="}}}}}}"#
        )
    );
    // What was sealed to the sender of the transaction is sealed for contracts too.
    let inner = response(&[], r#"{"key":"hidden","value":"hidden"}"#, "");
    let message = asked(6, "success", &call(&b, &code.hex(), &inner, 0), None);
    world.execute(&a, &code, &sends(&[message])).ok();
    let sealed = told(&world, &a, 6).unwrap();
    assert!(
        !sealed.contains("hidden") && sealed.ends_with(r#""data":null}}}"#),
        "{sealed}"
    );
    // The library that contracts are built with writes quotes of an error as they stood in the JSON.
    let message = asked(5, "error", &call(&b, &code.hex(), REFUSES, 0), None);
    world.execute(&a, &code, &sends(&[message])).ok();
    assert_eq!(
        told(&world, &a, 5).unwrap(),
        r#"{"id":5,"result":{"error":"say \\\"no\\\" now"}}"#
    );
}

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
fn messages_and_replies_go_depth_first() {
    let (mut world, code, a, b) = two_puppets();
    let hex = code.hex();
    let mark = |n: u8| format!(r#"{{"key":"n","value":"{n}","encrypted":false}}"#);
    let leaf = |n: u8| call(&b, &hex, &response(&[], &mark(n), ""), 0);
    // B's reply to 2 marks 3 and sends 4, all before A hears of B.
    let of_b = response(&[sub(&leaf(4), None)], &mark(3), "");
    on(&mut world, &b, &code, 1, &of_b);
    on(&mut world, &a, &code, 1, &response(&[], &mark(6), ""));
    let inner = response(
        &[asked(1, "success", &leaf(2), None), sub(&leaf(5), None)],
        &mark(1),
        "",
    );
    let outer = response(
        &[
            asked(1, "always", &call(&b, &hex, &inner, 0), None),
            sub(&leaf(7), None),
        ],
        &mark(0),
        "",
    );
    let done = world.execute(&a, &code, &outer).ok();
    let numbers: Vec<&str> = done
        .result
        .events
        .iter()
        .filter(|e| e.kind == "wasm")
        .flat_map(|e| e.attributes.iter().filter(|a| a.key == "n"))
        .map(|a| a.value.as_str())
        .collect();
    assert_eq!(numbers, ["0", "1", "2", "3", "4", "5", "6", "7"]);
}

#[test]
fn the_last_reply_with_data_says_what_the_sender_gets() {
    let (mut world, code, a, b) = two_puppets();
    on(&mut world, &a, &code, 1, &with_data(NOTHING, "one"));
    on(&mut world, &a, &code, 2, &with_data(NOTHING, "two"));
    on(&mut world, &a, &code, 3, NOTHING);
    on(&mut world, &a, &code, 4, &with_data(NOTHING, ""));
    // The data of a message never becomes its sender's.
    let to_b = call(&b, &code.hex(), &with_data(NOTHING, "B"), 0);
    for (ids, expected) in [
        (&[][..], "own"),
        (&[3], "own"),
        (&[1], "one"),
        (&[1, 2], "two"),
        (&[2, 1, 3], "one"),
        (&[1, 4], ""),
    ] {
        let messages: Vec<String> = ids
            .iter()
            .map(|id| asked(*id, "always", &to_b, None))
            .collect();
        let done = world
            .execute(&a, &code, &with_data(&sends(&messages), "own"))
            .ok();
        assert_eq!(data(&done).as_deref(), Some(expected), "{ids:?}");
    }
    let done = world
        .execute(&a, &code, &sends(&[asked(3, "always", &to_b, None)]))
        .ok();
    assert_eq!(data(&done), None);
    // One level further up: the data that B's reply chose is what A is told.
    on(&mut world, &b, &code, 1, &with_data(NOTHING, "chosen"));
    let inner = with_data(&sends(&[asked(1, "always", &to_b, None)]), "own");
    let outer = sends(&[asked(3, "always", &call(&b, &code.hex(), &inner, 0), None)]);
    world.execute(&a, &code, &outer).ok();
    let end = format!(r#""data":"{}"}}}}}}"#, b64("chosen"));
    assert!(told(&world, &a, 3).unwrap().ends_with(&end));
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

#[test]
fn replies_to_own_replies_nest_to_the_limit_and_not_one_further() {
    let (mut world, code, a, b) = two_puppets();
    let again = asked(1, "always", &call(&b, &code.hex(), NOTHING, 0), None);
    world
        .execute(&a, &code, &format!("+{}", sends(&[again])))
        .ok();
    on(&mut world, &a, &code, 1, "n");
    for (depth, fits) in [(CALL_DEPTH_MAX, true), (CALL_DEPTH_MAX + 1, false)] {
        let count = [b'#', u8::try_from(depth).unwrap()];
        world.execute_with(&a, &code, &count, GAS).ok();
        let done = world.execute_with(&a, &code, b"n", 3 * GAS);
        if fits {
            let events = &done.ok().result.events;
            let replies = events.iter().filter(|e| e.kind == "reply").count();
            assert_eq!(replies, CALL_DEPTH_MAX);
        } else {
            let text = prefixed(CALL_DEPTH_MAX + 1, "max call depth exceeded");
            assert_eq!(done.error(), ("compute", 30, text.as_str()));
            assert_eq!(world.kept(&a, "count").unwrap().as_bytes(), &count[1..]);
        }
    }
}

#[test]
fn calls_that_all_want_a_reply_nest_to_the_limit_and_not_one_further() {
    let (mut world, code, a, _) = two_puppets();
    let again = asked(1, "always", &call(&a, &code.hex(), "n", 0), None);
    world
        .execute(&a, &code, &format!("+{}", sends(&[again])))
        .ok();
    for (depth, fits) in [(CALL_DEPTH_MAX, true), (CALL_DEPTH_MAX + 1, false)] {
        let count = [b'#', u8::try_from(depth).unwrap()];
        world.execute_with(&a, &code, &count, GAS).ok();
        let done = world.execute_with(&a, &code, b"n", 4 * GAS);
        if fits {
            let events = &done.ok().result.events;
            let replies = events.iter().filter(|e| e.kind == "reply").count();
            assert_eq!(replies, CALL_DEPTH_MAX);
        } else {
            // The innermost error, redacted by each level that asked to be told.
            let text = format!(
                "an sdk error occurred while sending a sub-message: {}",
                redacted("undefined", 1)
            );
            assert_eq!(done.error(), ("undefined", 1, prefixed(1, &text).as_str()));
        }
    }
}

#[test]
fn a_reply_costs_a_call_once_and_is_not_under_the_limit_of_its_message() {
    let (mut world, code, a, b) = two_puppets();
    let message = call(&b, &code.hex(), NOTHING, 0);
    let mut used = |mode: &str, limit| {
        let messages = [asked(1, mode, &message, limit)];
        let done = world.execute(&a, &code, &sends(&messages)).ok();
        u64::try_from(done.result.gas_used).unwrap()
    };
    let (without, with) = (used("never", None), used("always", None));
    assert!(
        (20_000..25_000).contains(&(with - without)),
        "{}",
        with - without
    );
    // What the message used fits its limit exactly; the reply takes more than is left of it.
    let (without, with) = (used("never", Some(30_000)), used("always", Some(30_000)));
    assert!(
        (20_000..25_000).contains(&(with - without)),
        "{}",
        with - without
    );
}

#[test]
fn a_caught_message_is_charged_no_more_than_its_limit() {
    let (mut world, code, a, b) = two_puppets();
    let mut used = |message: &str, limit| {
        let messages = [asked(1, "always", message, limit)];
        let done = world.execute(&a, &code, &sends(&messages)).ok();
        u64::try_from(done.result.gas_used).unwrap()
    };
    let none = used(r#"{"bank":{"send":{"to_address":"x","amount":[]}}}"#, None);
    let limited = used(&bank(&b.to_string(), "1"), Some(500));
    // The texts that are sent and kept differ too.
    assert!(
        (none..none + 500 + 4_000).contains(&limited),
        "{none} {limited}"
    );
}

#[test]
fn an_instantiation_is_told_with_the_contracts_data_and_the_address_in_its_events() {
    let (mut world, code, a, _) = two_puppets();
    let child = contract_address(code.id, 3, &a).unwrap();
    let message = format!(
        r#"{{"wasm":{{"instantiate":{{"admin":"{a}","code_id":{},"code_hash":"{}","msg":"{}","send":[],"label":"child"}}}}}}"#,
        code.id,
        code.hex(),
        b64(with_data(NOTHING, "hi"))
    );
    world
        .execute(&a, &code, &sends(&[asked(1, "success", &message, None)]))
        .ok();
    assert_eq!(
        told(&world, &a, 1).unwrap(),
        format!(
            r#"{{"id":1,"result":{{"ok":{{"events":[{{"type":"instantiate","attributes":[{{"key":"code_id","value":"{}"}},{{"key":"contract_address","value":"{child}"}}]}},{{"type":"wasm","attributes":[{{"key":"contract_address","value":"{child}"}}]}}],"data":"aGk="}}}}}}"#,
            code.id
        )
    );
    // A migration is told as an execution is, a change of admin without data.
    let migrate = format!(
        r#"{{"wasm":{{"migrate":{{"contract_addr":"{child}","code_hash":"{}","code_id":{},"msg":"{}"}}}}}}"#,
        code.hex(),
        code.id,
        b64(with_data(NOTHING, "new"))
    );
    let clear = format!(r#"{{"wasm":{{"clear_admin":{{"contract_addr":"{child}"}}}}}}"#);
    let messages = [
        asked(2, "always", &migrate, None),
        asked(3, "always", &clear, None),
    ];
    world.execute(&a, &code, &sends(&messages)).ok();
    let migrated = told(&world, &a, 2).unwrap();
    assert!(
        migrated.contains(r#"{"type":"migrate","attributes":["#),
        "{migrated}"
    );
    assert!(migrated.ends_with(r#""data":"bmV3"}}}"#), "{migrated}");
    let cleared = told(&world, &a, 3).unwrap();
    assert!(
        cleared.contains(r#"{"type":"update_contract_admin""#),
        "{cleared}"
    );
    assert!(cleared.ends_with(r#""data":null}}}"#), "{cleared}");
}

#[test]
fn a_reply_is_for_the_code_that_sent_the_message() {
    let (mut world, code, a, _) = two_puppets();
    let other = world.store(puppet::wasm(r#"(func (export "other"))"#));
    let child = contract_address(code.id, 3, &a).unwrap();
    let make = format!(
        r#"{{"wasm":{{"instantiate":{{"admin":"{child}","code_id":{},"code_hash":"{}","msg":"{}","send":[],"label":"child"}}}}}}"#,
        code.id,
        code.hex(),
        b64(NOTHING)
    );
    world.execute(&a, &code, &sends(&[sub(&make, None)])).ok();
    let migrate = |to: &Code| {
        let migrate = format!(
            r#"{{"wasm":{{"migrate":{{"contract_addr":"{child}","code_hash":"{}","code_id":{},"msg":"{}"}}}}}}"#,
            to.hex(),
            to.id,
            b64(NOTHING)
        );
        sends(&[asked(1, "always", &migrate, None)])
    };
    let done = world.execute(&child, &code, &migrate(&other));
    let text = "Execution error: Enclave: failed to validate transaction: reply to contract failed";
    assert_eq!(done.error(), ("compute", 19, prefixed(1, text).as_str()));
    world.execute(&child, &code, &migrate(&code)).ok();
}

#[test]
fn after_finalize_tx_no_message_is_sent_in_the_transaction() {
    let (mut world, code, a, b) = two_puppets();
    let hex = code.hex();
    let last = sub(r#"{"finalize_tx":{}}"#, None);
    let to_b = |mode: &str| asked(1, mode, &call(&b, &hex, "s", 0), None);
    let error = "Cannot send messages or submessages after last tx marker was set: \
                 Cannot send messages after last tx marker was set";
    // What is before it is sent, what follows it in the same response is not.
    world
        .execute(
            &a,
            &code,
            &sends(&[
                to_b("always"),
                last.clone(),
                sub(&call(&b, &hex, "p", 0), None),
            ]),
        )
        .ok();
    assert!(world.kept(&b, "last").is_some() && told(&world, &a, 1).is_some());
    // A reply still comes, but can send nothing.
    let inner = sends(std::slice::from_ref(&last));
    let outer = [asked(2, "always", &call(&b, &hex, &inner, 0), None)];
    world.execute(&a, &code, &sends(&outer)).ok();
    assert!(told(&world, &a, 2).is_some());
    on(&mut world, &a, &code, 2, &sends(&[to_b("never")]));
    let done = world.execute(&a, &code, &sends(&outer));
    assert_eq!(done.error(), ("sdk", 40404, prefixed(2, error).as_str()));
    // Nor a message of whoever called, nor the next message of the transaction.
    let outer = [sub(&call(&b, &hex, &inner, 0), None), to_b("always")];
    let done = world.execute(&a, &code, &sends(&outer));
    assert_eq!(done.error(), ("sdk", 40404, prefixed(1, error).as_str()));
    let messages =
        [inner.as_str(), NOTHING].map(|m| world.execution(&a, &code.hash, m.as_bytes(), 0).any);
    let tx = world.sign(messages.to_vec(), GAS);
    let result = world.block(&[tx]).tx_results.remove(0);
    assert_eq!((result.codespace.as_str(), result.code), ("sdk", 40404));
    assert_eq!(
        result.log,
        format!("failed to execute message; message index: 1: {error}")
    );
    // It holds for one transaction.
    world.execute(&a, &code, &sends(&[to_b("always")])).ok();
}

#[test]
fn a_reply_tells_so_many_bytes_and_no_more() {
    let (mut world, code, a, b) = two_puppets();
    speech(&mut world, &code, &b);
    let hex = code.hex();
    let most = REPLY_BYTES_MAX / 500_000;
    for (n, fits) in [(most, true), (most + 1, false)] {
        let inner = sends(&vec![sub(&call(&b, &hex, "n", 0), None); n]);
        // Another contract in between, and nothing that is kept: what A is told is longer than a value.
        on(&mut world, &a, &code, 1, NOTHING);
        let outer = sends(&[asked(1, "success", &call(&b, &hex, &inner, 0), None)]);
        let done = world.execute_with(&a, &code, outer.as_bytes(), 40_000_000);
        let limit = format!("a reply cannot be longer than {REPLY_BYTES_MAX} bytes: exceeds limit");
        let (space, number, text) = done.error();
        if fits {
            // The puppet keeps what it is told, and that is more than a value may be: it was told.
            let text_of_vm =
                "Execution error: Enclave: failed to read memory: reply to contract failed";
            assert_eq!(
                (space, number, text),
                ("compute", 19, prefixed(1, text_of_vm).as_str())
            );
        } else {
            assert_eq!(
                (space, number, text),
                ("compute", 12, prefixed(1, &limit).as_str())
            );
        }
    }
}

#[test]
fn data_that_replies_gave_counts_among_what_waits() {
    let (mut world, code, a, b) = two_puppets();
    let hex = code.hex();
    let given = with_data(NOTHING, &"x".repeat(300_000));
    let keep = format!("=1{given}");
    world
        .execute_with(&a, &code, keep.as_bytes(), 15_000_000)
        .ok();
    let again = sends(&[
        asked(1, "always", &call(&b, &hex, NOTHING, 0), None),
        sub(&call(&a, &hex, "n", 0), None),
    ]);
    world.execute(&a, &code, &format!("+{again}")).ok();
    let most = WAITING_BYTES_MAX / 300_000;
    for (depth, fits) in [(most - 2, true), (most + 2, false)] {
        let count = [b'#', u8::try_from(depth).unwrap()];
        world.execute_with(&a, &code, &count, 100_000).ok();
        let done = world.execute_with(&a, &code, b"n", 90_000_000);
        if fits {
            done.ok();
        } else {
            let (space, number, text) = done.error();
            assert_eq!((space, number), ("compute", 12), "{text}");
            assert!(text.ends_with(
                "responses that wait cannot be longer than 16777216 bytes: exceeds limit"
            ));
        }
    }
}

#[test]
fn a_reply_sees_a_random_of_its_own_even_if_the_message_was_taken_back() {
    let mut world = World::new();
    let code = world.store(puppet::wasm(r#"(func (export "requires_random"))"#));
    let (a, b) = (world.instantiate(&code), world.instantiate(&code));
    on(&mut world, &a, &code, 1, "r");
    let random = |world: &World| {
        let env = world.kept(&a, "env").unwrap();
        let env: serde_json::Value = serde_json::from_str(&env).unwrap();
        env["block"]["random"].as_str().unwrap().to_owned()
    };
    let failing = asked(1, "always", &call(&b, &code.hex(), REFUSES, 0), None);
    let mut seen = std::collections::BTreeSet::new();
    for messages in [vec![failing.clone()], vec![failing.clone(), failing]] {
        world.execute(&a, &code, &sends(&messages)).ok();
        seen.insert(random(&world));
    }
    assert_eq!(seen.len(), 2);
}
