//! What a contract is told of a message, and what the reply makes of it.

use super::super::puppet::{self, NOTHING};
use super::super::world::{Code, GAS, World, b64};
use super::super::{asked, call, response, sends, sub, two_puppets};
use super::{REFUSES, bank, data, on, prefixed, told, with_data};
use crate::modules::compute::state::{contract_address, predictable_address};
use crate::types::Address;
use crate::types::proto::cosmos::bank::v1beta1::MsgSend;
use crate::types::proto::secret::compute::v1beta1 as pb;
use crate::types::proto::{Message as _, pack};

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
fn a_contract_of_the_ordinary_library_is_told_the_response_in_protobuf() {
    let mut world = World::new();
    let validate = r#"(import "env" "addr_validate" (func (param i32) (result i32)))"#;
    let (stock, secret) = (
        world.store(puppet::importing(validate)),
        world.store(puppet::wasm("")),
    );
    let (a, b) = (world.instantiate(&stock), world.instantiate(&secret));
    let child = contract_address(stock.id, 3, &a).unwrap();
    let second = predictable_address(&stock.hash, &a, b"salt").unwrap();
    let new = |kind: &str, more: &str| {
        format!(
            r#"{{"wasm":{{"{kind}":{{"admin":"{a}","code_id":{},"msg":"{}","funds":[],"label":"{kind}"{more}}}}}}}"#,
            stock.id,
            b64(with_data(NOTHING, "hi"))
        )
    };
    let migrate = format!(
        r#"{{"wasm":{{"migrate":{{"contract_addr":"{child}","new_code_id":{},"msg":"{}"}}}}}}"#,
        stock.id,
        b64(with_data(NOTHING, "new"))
    );
    let made = |address: &Address| pb::MsgInstantiateContractResponse {
        address: address.to_string(),
        data: b"hi".to_vec(),
    };
    let migrated = pb::MsgMigrateContractResponse {
        data: b"new".to_vec(),
    };
    let executed = |data: &[u8]| pb::MsgExecuteContractResponse {
        data: data.to_vec(),
    };
    let wasm = |name: &str| format!("/cosmwasm.wasm.v1.{name}Response");
    let call = |response: &str| call(&b, &secret.hex(), response, 0);
    let nothing = bank(&b.to_string(), "0").replace(r#"{"denom":"uscrt","amount":"0"}"#, "");
    let pay = bank(&b.to_string(), "1");
    let send = pack(&MsgSend {
        from_address: a.to_string(),
        to_address: b.to_string(),
        amount: crate::testing::coins(1),
    });
    let any = format!(
        r#"{{"any":{{"type_url":"{}","value":"{}"}}}}"#,
        send.type_url,
        b64(&send.value)
    );
    let clear = format!(r#"{{"wasm":{{"clear_admin":{{"contract_addr":"{child}"}}}}}}"#);
    let cases = [
        (
            new("instantiate", ""),
            Some((wasm("MsgInstantiateContract"), made(&child).encode_to_vec())),
        ),
        (
            new("instantiate2", r#","salt":"c2FsdA==""#),
            Some((
                wasm("MsgInstantiateContract2"),
                made(&second).encode_to_vec(),
            )),
        ),
        (
            migrate,
            Some((wasm("MsgMigrateContract"), migrated.encode_to_vec())),
        ),
        (
            call(&with_data(NOTHING, "yes")),
            Some((wasm("MsgExecuteContract"), executed(b"yes").encode_to_vec())),
        ),
        (
            call(NOTHING),
            Some((wasm("MsgExecuteContract"), Vec::new())),
        ),
        (clear, Some((wasm("MsgClearAdmin"), Vec::new()))),
        (
            pay,
            Some((
                "/cosmos.bank.v1beta1.MsgSendResponse".to_owned(),
                Vec::new(),
            )),
        ),
        (
            any,
            Some((
                "/cosmos.bank.v1beta1.MsgSendResponse".to_owned(),
                Vec::new(),
            )),
        ),
        (nothing, None),
    ];
    let fund = world.execution(&a, &stock.hash, NOTHING.as_bytes(), 10);
    world.run(fund, GAS).ok();
    for (message, response) in cases {
        world
            .execute(&a, &stock, &sends(&[asked(1, "success", &message, None)]))
            .ok();
        let reply = told(&world, &a, 1).unwrap();
        let reply: serde_json::Value = serde_json::from_str(&reply).unwrap();
        let ok = &reply["result"]["ok"];
        let (data, responses) = match &response {
            None => (serde_json::Value::Null, serde_json::Value::Null),
            Some((type_url, bytes)) => (
                if bytes.is_empty() {
                    serde_json::Value::Null
                } else {
                    b64(bytes).into()
                },
                serde_json::json!([{"type_url": type_url, "value": b64(bytes)}]),
            ),
        };
        assert_eq!(
            (&ok["data"], &ok["msg_responses"]),
            (&data, &responses),
            "{message}"
        );
    }
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

#[test]
fn a_message_to_the_bank_within_a_chain_of_replies_changes_nothing_of_what_the_outer_ones_are_told()
{
    let (mut world, code, a, b) = two_puppets();
    let hex = code.hex();
    // B pays, is told of that, and answers; A is told B's answer.
    on(&mut world, &b, &code, 1, &with_data(NOTHING, "paid"));
    let pays = sends(&[asked(1, "always", &bank(&a.to_string(), "3"), None)]);
    let outer = sends(&[asked(2, "always", &call(&b, &hex, &pays, 5), None)]);
    let sent = world.execution(&a, &code.hash, outer.as_bytes(), 5);
    world.run(sent, GAS).ok();
    let empty = r#"{"id":1,"result":{"ok":{"events":[],"data":null}}}"#;
    assert_eq!(told(&world, &b, 1).unwrap(), empty);
    let outer = told(&world, &a, 2).unwrap();
    assert!(
        outer.ends_with(&format!(r#""data":"{}"}}}}}}"#, b64("paid"))),
        "{outer}"
    );
    assert_eq!((world.balance(&a), world.balance(&b)), (3, 2));
}
