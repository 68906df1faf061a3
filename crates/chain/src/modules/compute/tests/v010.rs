//! Contracts of v0.10: their env, results, messages and errors, and their calls of v1 contracts and back.

use super::puppet::{self, NOTHING_V010};
use super::world::{Code, Done, GAS, World, b64};
use super::{asked, call, response, sends, smart, sub};
use crate::modules::compute::limits::{
    ATTRIBUTES_MAX, CALL_DEPTH_MAX, MESSAGES_MAX, QUERY_DEPTH_MAX,
};
use crate::modules::compute::state::{CODES, contract_address};
use crate::types::Address;
use crate::types::proto::cosmos::base::abci::v1beta1::TxMsgData;
use crate::types::proto::{Message as _, pack, secret::compute::v1beta1 as pb};
use strongroom_vm::Generation;

/// A response of v0.10 with these messages and this log, JSON lists without their brackets.
fn response_v010(messages: &[String], log: &str) -> String {
    let messages = messages.join(",");
    format!(r#"{{"Ok":{{"messages":[{messages}],"log":[{log}],"data":null}}}}"#)
}

/// A response of v0.10 that only sends messages.
fn sends_v010(messages: &[String]) -> String {
    response_v010(messages, "")
}

/// A call of a contract, in the words of v0.10.
fn call_v010(contract: &Address, code_hash: &str, msg: &str) -> String {
    format!(
        r#"{{"wasm":{{"execute":{{"contract_addr":"{contract}","callback_code_hash":"{code_hash}","msg":"{}","send":[],"callback_sig":null}}}}}}"#,
        b64(msg)
    )
}

fn send_v010(from: &str, to: &str, amount: &str) -> String {
    format!(
        r#"{{"bank":{{"send":{{"from_address":"{from}","to_address":"{to}","amount":[{amount}]}}}}}}"#
    )
}

/// A chain with a puppet of each generation.
struct Two {
    world: World,
    old_code: Code,
    new_code: Code,
    old: Address,
    new: Address,
}

fn two() -> Two {
    let mut world = World::new();
    let old_code = world.store(puppet::wasm_v010());
    let new_code = world.store(puppet::wasm(""));
    Two {
        old: world.instantiate_saying(&old_code, GAS, NOTHING_V010),
        new: world.instantiate(&new_code),
        world,
        old_code,
        new_code,
    }
}

impl Two {
    /// Calls the v0.10 contract.
    fn handle(&mut self, msg: &str) -> Done {
        self.world.execute(&self.old, &self.old_code, msg)
    }

    /// Calls the v1 contract.
    fn execute(&mut self, msg: &str) -> Done {
        self.world.execute(&self.new, &self.new_code, msg)
    }
}

#[test]
fn a_v010_contract_is_told_who_calls_and_when_in_its_own_env() {
    let mut two = two();
    let sent = two.world.execution(&two.old, &two.old_code.hash, b"r", 5);
    two.world.run(sent, GAS).ok();
    let block = crate::testing::block_info(two.world.height);
    let expected = format!(
        r#"{{"block":{{"height":{},"time":{},"chain_id":"{}"}},"message":{{"sender":"{}","sent_funds":[{{"denom":"uscrt","amount":"5"}}]}},"contract":{{"address":"{}"}},"contract_key":null,"contract_code_hash":"{}","transaction":null}}"#,
        block.height,
        block.time.seconds,
        block.chain_id,
        two.world.users[0].address,
        two.old,
        two.old_code.hex(),
    );
    assert_eq!(two.world.kept(&two.old, "env"), Some(expected));
    // `init` is told the same.
    let new = two.world.instantiate_saying(&two.old_code, GAS, "r");
    let env = two.world.kept(&new, "env").unwrap();
    assert!(
        env.contains(r#""sent_funds":[]"#) && env.contains(&new.to_string()),
        "{env}"
    );
}

#[test]
fn a_v010_contract_has_a_wasm_event_and_none_for_the_call() {
    let mut two = two();
    let (user, old) = (two.world.users[0].address.clone(), two.old.clone());
    let url = "/secret.compute.v1beta1.MsgExecuteContract";
    let of_message = [
        format!("message{{action={url},sender={user}}}"),
        format!("message{{module=compute,sender={user},contract_address={old}}}"),
    ];
    let done = two.handle(NOTHING_V010).ok();
    assert_eq!(done.events()[..2], of_message);
    assert_eq!(
        done.events()[2..],
        [format!("wasm{{contract_address={old}}}")]
    );
    let log = r#"{"key":"hidden","value":"plaintext"},{"key":"shut","value":"plaintext","encrypted":true},
        {"key":"open","value":"seen","encrypted":false},{"key":"contract_address","value":"forged","encrypted":false}"#;
    let done = two.handle(&response_v010(&[], log)).ok();
    assert_eq!(
        done.events()[2..],
        [format!(
            "wasm{{contract_address={old},hidden=plaintext,shut=plaintext,open=seen}}"
        )]
    );
    let text = format!("{:?}", done.result);
    assert!(!text.contains("plaintext") && !text.contains("hidden") && !text.contains("forged"));
    // Instantiation, too.
    let sent = two
        .world
        .instantiation(&two.old_code, "quiet", NOTHING_V010.as_bytes());
    let done = two.world.run(sent, GAS).ok();
    let made = contract_address(two.old_code.id, 3, &user).unwrap();
    let kinds: Vec<String> = done
        .events()
        .iter()
        .map(|e| e.split('{').next().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["message", "wasm", "message"]);
    assert!(done.events()[1].contains(&made.to_string()));
}

#[test]
fn the_data_of_a_v010_contract_is_sealed_to_the_sender() {
    let mut two = two();
    let done = two
        .handle(&NOTHING_V010.replace("null", r#""c2VjcmV0""#))
        .ok();
    let data = TxMsgData::decode(done.result.data.as_slice()).unwrap();
    let response =
        pb::MsgExecuteContractResponse::decode(data.msg_responses[0].value.as_slice()).unwrap();
    let opened = done.key.open_data(&response.data).unwrap();
    assert_eq!(opened.as_slice(), b"secret");
    // `init` returns none, and need not say so.
    two.handle(r#"{"Ok":{"messages":[],"log":[]}}"#).ok();
}

#[test]
fn an_error_object_of_v010_is_sealed_as_compact_json() {
    let mut two = two();
    for (given, told) in [
        (
            r#"{"Err":{"generic_err":{"msg":"say \"no\""}}}"#,
            r#"{"generic_err":{"msg":"say \"no\""}}"#,
        ),
        (
            r#"{"Err": {"unauthorized": {} } }"#,
            r#"{"unauthorized":{}}"#,
        ),
        (r#"{"Err":"as text"}"#, "as text"),
    ] {
        let done = two.handle(given);
        let (space, number, text) = done.error();
        assert_eq!((space, number), ("compute", 3));
        assert!(text.starts_with("encrypted: ") && text.ends_with(": execute contract failed"));
        assert_eq!(done.contract_error(), told);
        let asked = two
            .world
            .query(&two.old, &two.old_code.hash, given.as_bytes());
        assert_eq!(asked, Err(told.into()));
    }
    let sent = two.world.instantiation(
        &two.old_code,
        "failing",
        br#"{"Err":{"not_found":{"kind":"x"}}}"#,
    );
    let done = two.world.run(sent, GAS);
    assert!(done.error().2.ends_with(": instantiate contract failed"));
    assert_eq!(done.contract_error(), r#"{"not_found":{"kind":"x"}}"#);
    let panicked = two.handle("p");
    let text = "Execution error: Enclave: the contract panicked: execute contract failed";
    assert_eq!(panicked.error(), ("compute", 3, text));
}

#[test]
fn a_plaintext_message_is_refused_before_a_v010_contract_could_err_in_clear() {
    // Ambiguity 8 of contract-abi.md: there is no plaintext execution, hence no error object in clear.
    let mut two = two();
    let any = pack(&pb::MsgExecuteContract {
        sender: two.world.users[0].address.as_bytes().to_vec(),
        contract: two.old.as_bytes().to_vec(),
        msg: br#"{"Err":{"generic_err":{"msg":"in clear"}}}"#.to_vec(),
        ..Default::default()
    });
    let tx = two.world.sign(vec![any], GAS);
    let result = two.world.block(&[tx]).tx_results.remove(0);
    let text = "failed to execute message; message index: 0: Execution error: Enclave: failed to decrypt data: execute contract failed";
    assert_eq!((result.code, result.log.as_str()), (3, text));
}

#[test]
fn each_generation_has_its_own_shape_of_results() {
    let mut two = two();
    let text = "Execution error: Enclave: failed to deserialize data: execute contract failed";
    let sends_in_v1 = sends(&[]);
    for bad in [
        sends_in_v1.as_str(),
        puppet::NOTHING,
        r#"{"Ok":{"messages":[]}}"#,
        r#"{"Ok":{"messages":[],"log":[],"data":null,"events":[]}}"#,
        r#"{"Ok":null}"#,
        "x",
        // A sub-message of v1.
        &sends_v010(&[sub(r#"{"custom":{}}"#, None)]),
        // Kinds that v0.10 does not have.
        &sends_v010(&[r#"{"bank":{"burn":{"amount":[]}}}"#.into()]),
        &sends_v010(&[r#"{"bank":{"send":{"to_address":"x","amount":[]}}}"#.into()]),
        &sends_v010(&[r#"{"distribution":{}}"#.into()]),
        &sends_v010(&[r#"{"ibc":{}}"#.into()]),
        &sends_v010(&[r#"{"stargate":{}}"#.into()]),
        &sends_v010(&[r#"{"finalize_tx":{}}"#.into()]),
        &sends_v010(&[call(&two.new.clone(), "00", "{}", 0)]),
        &sends_v010(&[r#"{"wasm":{"execute":{"contract_addr":"c","callback_code_hash":"h","msg":"!","send":[]}}}"#.into()]),
    ] {
        assert_eq!(two.handle(bad).error(), ("compute", 3, text), "{bad}");
    }
    assert_eq!(two.execute(NOTHING_V010).error(), ("compute", 3, text));
}

#[test]
fn a_v010_contract_sends_its_own_coins_and_nobody_elses() {
    let mut two = two();
    let (old, new) = (two.old.to_string(), two.new.to_string());
    let user = two.world.users[0].address.to_string();
    let coin = r#"{"denom":"uscrt","amount":"4"}"#;
    let mut sent = |message: String| {
        let msg = sends_v010(&[message]);
        let sent = two
            .world
            .execution(&two.old, &two.old_code.hash, msg.as_bytes(), 10);
        let done = two.world.run(sent, GAS);
        (
            done,
            two.world.balance(&two.old),
            two.world.balance(&two.new),
        )
    };
    let (done, left, received) = sent(send_v010(&old, &new, coin));
    done.ok();
    assert_eq!((left, received), (6, 4));
    // The same address in capitals.
    let (done, left, received) = sent(send_v010(&old.to_uppercase(), &new, coin));
    done.ok();
    assert_eq!((left, received), (12, 8));
    let (done, left, _) = sent(send_v010(&old, "anything", ""));
    assert_eq!(left, 22);
    done.ok();
    let text = "couldn't convert v0.10 messages to v1 messages: contract doesn't have permission to send funds from another account (using BankMsg)";
    for from in [new.as_str(), &user, "", "nonsense"] {
        let (done, left, _) = sent(send_v010(from, &new, coin));
        assert_eq!(done.error(), ("undefined", 1, text), "{from}");
        assert_eq!(left, 22);
    }
}

#[test]
fn what_v010_may_not_send_is_refused_by_name_and_nothing_before_it_stays() {
    let mut two = two();
    let first = call_v010(&two.new, &two.new_code.hex(), "s");
    let not_converted = |kind: &str| {
        let text =
            "couldn't convert v0.10 messages to v1 messages: exactly one message type is supported";
        ("undefined", 1, format!("{text}: wasm.{kind}"))
    };
    let sent = "dispatch: submessages: ";
    let unknown = |kind: &str| {
        let text = "not built yet: unknown message from the contract";
        (
            "compute",
            18,
            format!("{sent}Unknown variant of {kind}: {text}"),
        )
    };
    let custom = "Custom variant not supported: invalid CosmosMsg from the contract";
    for (message, expected) in [
        (r#"{"wasm":{"migrate":{}}}"#, not_converted("migrate")),
        (
            r#"{"wasm":{"update_admin":{}}}"#,
            not_converted("update_admin"),
        ),
        (
            r#"{"wasm":{"clear_admin":{}}}"#,
            not_converted("clear_admin"),
        ),
        (
            r#"{"staking":{"withdraw":{"validator":"v","recipient":null}}}"#,
            unknown("Staking"),
        ),
        (
            r#"{"gov":{"vote":{"proposal":1,"vote_option":"Yes"}}}"#,
            unknown("Gov"),
        ),
        (
            r#"{"custom":{"any":1}}"#,
            ("compute", 10, format!("{sent}{custom}")),
        ),
    ] {
        let done = two.handle(&sends_v010(&[first.clone(), message.into()]));
        let (space, number, text) = &expected;
        assert_eq!(done.error(), (*space, *number, text.as_str()));
        assert_eq!(two.world.kept(&two.new, "last"), None, "{message}");
    }
}

#[test]
fn calls_go_from_v010_to_v1_and_back_with_their_events_in_order() {
    let mut two = two();
    let (old, new) = (two.old.clone(), two.new.clone());
    let clear =
        r#"{"key":"z","value":"1","encrypted":false},{"key":"b","value":"2","encrypted":false}"#;
    let leaf = call(&old, &two.old_code.hex(), &response_v010(&[], clear), 0);
    let middle = call_v010(
        &new,
        &two.new_code.hex(),
        &response(&[sub(&leaf, None)], clear, ""),
    );
    let done = two.handle(&response_v010(&[middle], clear)).ok();
    assert_eq!(
        done.events()[2..],
        [
            format!("wasm{{contract_address={old},z=1,b=2}}"),
            format!("execute{{contract_address={new}}}"),
            format!("wasm{{b=2,contract_address={new},z=1}}"),
            format!("wasm{{b=2,contract_address={old},z=1}}"),
        ]
    );
}

#[test]
fn a_v010_contract_makes_contracts_of_either_generation() {
    let mut two = two();
    let make = |code: &Code, label: &str, msg: &str| {
        format!(
            r#"{{"wasm":{{"instantiate":{{"code_id":{},"callback_code_hash":"{}","msg":"{}","send":[],"label":"{label}","callback_sig":null}}}}}}"#,
            code.id,
            code.hex(),
            b64(msg)
        )
    };
    let messages = [
        make(&two.old_code, "old", NOTHING_V010),
        make(&two.new_code, "new", "r"),
    ];
    two.handle(&sends_v010(&messages)).ok();
    let made = contract_address(two.new_code.id, 4, &two.old).unwrap();
    assert!(two.world.kept(&made, "env").is_some());
    let old = contract_address(two.old_code.id, 3, &two.old).unwrap();
    two.world.execute(&old, &two.old_code, "s").ok();
}

#[test]
fn errors_cross_generations_with_a_prefix_for_each_level() {
    let mut two = two();
    let object = r#"{"Err":{"generic_err":{"msg":"no"}}}"#;
    let of_old = call(&two.old, &two.old_code.hex(), object, 0);
    let done = two.execute(&sends(&[sub(&of_old, None)]));
    assert!(
        done.error()
            .2
            .starts_with("dispatch: submessages: encrypted: ")
    );
    assert_eq!(done.contract_error(), r#"{"generic_err":{"msg":"no"}}"#);
    let of_new = call_v010(&two.new, &two.new_code.hex(), r#"{"Err":"no"}"#);
    let done = two.handle(&sends_v010(&[of_new]));
    assert_eq!(done.contract_error(), "no");
    let wrong_hash = call_v010(&two.new, &two.old_code.hex(), NOTHING_V010);
    let text = "dispatch: submessages: Execution error: Enclave: failed to validate transaction: execute contract failed";
    let done = two.handle(&sends_v010(&[wrong_hash]));
    assert_eq!(done.error(), ("compute", 3, text));
}

#[test]
fn a_v1_contract_is_told_how_its_message_to_a_v010_contract_ended() {
    let mut two = two();
    let (old, hex) = (two.old.clone(), two.old_code.hex());
    let log =
        r#"{"key":"z","value":"1","encrypted":false},{"key":"b","value":"2","encrypted":false}"#;
    let good = response_v010(&[], log).replace("null", &format!(r#""{}""#, b64("hi")));
    let message = |id, msg: &str| asked(id, "always", &call(&old, &hex, msg, 0), None);
    let messages = [
        message(7, &good),
        message(8, r#"{"Err": {"generic_err": {"msg": "no"}}}"#),
    ];
    let done = two.execute(&sends(&messages)).ok();
    // No event of the call, and so none in the reply.
    let events = format!(
        r#"[{{"type":"wasm","attributes":[{{"key":"b","value":"2"}},{{"key":"contract_address","value":"{old}"}},{{"key":"z","value":"1"}}]}}]"#
    );
    assert_eq!(
        two.world.kept(&two.new, "told7").unwrap(),
        format!(r#"{{"id":7,"result":{{"ok":{{"events":{events},"data":"aGk="}}}}}}"#)
    );
    assert_eq!(
        two.world.kept(&two.new, "told8").unwrap(),
        r#"{"id":8,"result":{"error":"{\"generic_err\":{\"msg\":\"no\"}}"}}"#
    );
    let executes = done
        .events()
        .iter()
        .filter(|e| e.starts_with("execute"))
        .count();
    assert_eq!(executes, 1);
}

#[test]
fn queries_cross_generations_and_each_reads_errors_in_its_own_form() {
    let mut two = two();
    let good = format!(r#"{{"Ok":{{"Ok":"{}"}}}}"#, b64("hi"));
    let answer = format!(r#"{{"Ok":"{}"}}"#, b64("hi"));
    let of_old = |two: &Two, msg: &str| smart(&two.old, &two.old_code.hex(), msg);
    let of_new = |two: &Two, msg: &str| smart(&two.new, &two.new_code.hex(), msg);
    let no_contract = smart(&two.world.users[0].address, &two.new_code.hex(), "r");
    let told_old =
        |text: &str| format!(r#"{{"Ok":{{"Err":{{"generic_err":{{"msg":"{text}"}}}}}}}}"#);
    let told_new = |text: &str| format!(r#"{{"Ok":{{"Err":"{text}"}}}}"#);
    let trapped = "Execution error: Enclave: the contract panicked: query contract failed";
    let object = r#"{"Err":{"not_found":{"kind":"x"}}}"#;
    let bad_denom = r#"{"bank":{"balance":{"address":"x","denom":"!"}}}"#.to_owned();
    let of_gov = r#"["gov"]"#.to_owned();
    // The request, what v0.10 is told, what v1 is told.
    for (request, old, new) in [
        (of_new(&two, &answer), good.clone(), good.clone()),
        (of_old(&two, &answer), good.clone(), good.clone()),
        (
            of_new(&two, r#"{"Err":"no"}"#),
            told_old("no"),
            told_new("no"),
        ),
        (
            of_old(&two, object),
            r#"{"Ok":{"Err":{"not_found":{"kind":"x"}}}}"#.into(),
            told_new(r#"{\"not_found\":{\"kind\":\"x\"}}"#),
        ),
        (of_old(&two, "p"), told_old(trapped), told_new(trapped)),
        (
            no_contract,
            told_old("contract: not found"),
            told_new("contract: not found"),
        ),
        (
            bad_denom,
            told_old("invalid denom"),
            told_new("invalid denom"),
        ),
    ] {
        two.handle(&request).ok();
        assert_eq!(two.world.kept(&two.old, "answer"), Some(old), "{request}");
        two.execute(&request).ok();
        assert_eq!(two.world.kept(&two.new, "answer"), Some(new), "{request}");
    }
    // No query at all: the same for both.
    two.handle(&of_gov).ok();
    two.execute(&of_gov).ok();
    let answer = two.world.kept(&two.old, "answer").unwrap();
    assert!(answer.contains("invalid_request"), "{answer}");
    assert_eq!(two.world.kept(&two.new, "answer"), Some(answer));
}

#[test]
fn a_query_of_a_v010_contract_is_given_its_message_alone_and_may_not_write() {
    let mut two = two();
    let ask = |two: &mut Two, msg: &str| {
        two.world
            .query(&two.old, &two.old_code.hash, msg.as_bytes())
    };
    assert_eq!(ask(&mut two, r#"{"Ok":"aGk="}"#), Ok(b"hi".to_vec()));
    let text = "Execution error: Enclave: contract tried to write to storage during a query: query contract failed";
    assert_eq!(ask(&mut two, "w"), Err(text.into()));
    two.handle("s").ok();
    assert_eq!(ask(&mut two, "r"), Ok(b"seen".to_vec()));
}

#[test]
fn queries_that_nest_too_deep_are_an_error_of_the_system_in_v010() {
    let mut two = two();
    let (contract, hex) = (two.old.clone(), two.old_code.hex());
    let chained =
        |levels: usize| (0..levels).fold("r".to_owned(), |msg, _| smart(&contract, &hex, &msg));
    two.handle("s").ok();
    two.handle(&chained(QUERY_DEPTH_MAX - 1)).ok();
    let seen = format!(r#"{{"Ok":{{"Ok":"{}"}}}}"#, b64("seen"));
    assert_eq!(two.world.kept(&two.old, "answer"), Some(seen));
    // The puppet in the middle cuts the envelope as if it were `Ok`: what is left is no result.
    two.handle(&chained(QUERY_DEPTH_MAX)).ok();
    let told = two.world.kept(&two.old, "answer").unwrap();
    assert!(told.contains("failed to deserialize data"), "{told}");
    // A v1 contract in the middle, that is told by the deepest.
    let deepest = (1..QUERY_DEPTH_MAX).fold("r".to_owned(), |msg, _| {
        smart(&two.new, &two.new_code.hex(), &msg)
    });
    two.handle(&smart(&two.new, &two.new_code.hex(), &deepest))
        .ok();
    let told = two.world.kept(&two.old, "answer").unwrap();
    assert!(
        told.contains(r#"{"Ok":{"Err":{"generic_err":{"msg":"exceeded_recursion_limit"#),
        "{told}"
    );
}

#[test]
fn the_limits_of_a_response_hold_for_v010() {
    let mut two = two();
    let attribute = r#"{"key":"k","value":"v","encrypted":false}"#;
    let log = |n: usize| response_v010(&[], &vec![attribute; n].join(","));
    let done = two.handle(&log(ATTRIBUTES_MAX)).ok();
    assert_eq!(
        done.result.events.last().unwrap().attributes.len(),
        ATTRIBUTES_MAX + 2
    );
    let text = format!("attributes cannot be more than {ATTRIBUTES_MAX}: exceeds limit");
    let done = two.handle(&log(ATTRIBUTES_MAX + 1));
    assert_eq!(done.error(), ("compute", 12, text.as_str()));

    let nothing = send_v010(&two.old.to_string(), "x", "");
    let messages = |n: usize| sends_v010(&vec![nothing.clone(); n]);
    two.handle(&messages(MESSAGES_MAX)).ok();
    let text = format!("messages cannot be more than {MESSAGES_MAX}: exceeds limit");
    let done = two.handle(&messages(MESSAGES_MAX + 1));
    assert_eq!(done.error(), ("compute", 12, text.as_str()));
}

#[test]
fn messages_between_generations_nest_to_the_limit_and_not_further() {
    let mut two = two();
    // v1 is told `n`: it calls v0.10, which calls v1, and so on, as often as each has counted.
    let (old_hex, new_hex) = (two.old_code.hex(), two.new_code.hex());
    let of_new = sends_v010(&[call_v010(&two.new, &new_hex, "n")]);
    let of_old = sends(&[sub(&call(&two.old, &old_hex, "n", 0), None)]);
    two.handle(&format!("+{of_new}")).ok();
    two.execute(&format!("+{of_old}")).ok();
    let half = CALL_DEPTH_MAX / 2;
    for (more, fits) in [(0, true), (1, false)] {
        let count = |n: usize| [b'#', u8::try_from(n).unwrap()];
        let (old, new) = (two.old.clone(), two.new.clone());
        two.world
            .execute_with(&old, &two.old_code, &count(half), GAS)
            .ok();
        two.world
            .execute_with(&new, &two.new_code, &count(half + more), GAS)
            .ok();
        let done = two.execute("n");
        if fits {
            let told = done
                .ok()
                .events()
                .iter()
                .filter(|e| e.starts_with("wasm"))
                .count();
            assert_eq!(told, CALL_DEPTH_MAX + 1);
        } else {
            let text = "max call depth exceeded";
            assert_eq!((done.error().0, done.error().1), ("compute", 30));
            assert!(done.error().2.ends_with(text));
        }
    }
}

#[test]
fn a_v010_code_is_stored_as_such_and_survives_an_export() {
    let two = two();
    let generation = |world: &World, code: &Code| {
        world
            .read(|ctx| CODES.get(ctx, &code.id).unwrap().unwrap())
            .into_code()
            .generation
    };
    assert_eq!(generation(&two.world, &two.old_code), Generation::V010);
    assert_eq!(generation(&two.world, &two.new_code), Generation::V1);
    let mut world = two.world;
    super::export::reimport(&mut world);
    assert_eq!(generation(&world, &two.old_code), Generation::V010);
    world.execute(&two.old, &two.old_code, NOTHING_V010).ok();
}
