//! What a contract and a user may ask, and what the answer rests on.

use super::puppet;
use super::world::{GAS, World, b64};
use super::{smart, two_puppets};
use crate::modules::compute::limits::{LIVE_INSTANCES_MAX, QUERY_DEPTH_MAX};

/// What a contract keeps that was given this answer.
fn good(answer: &str) -> String {
    format!(r#"{{"Ok":{{"Ok":"{}"}}}}"#, b64(answer))
}

fn bad(text: &str) -> String {
    format!(r#"{{"Ok":{{"Err":"{text}"}}}}"#)
}

#[test]
fn a_query_during_a_call_sees_what_the_call_has_written_so_far() {
    let (mut world, code, a, b) = two_puppets();
    let own = format!("s{}", smart(&a, &code.hex(), "r"));
    world.execute(&a, &code, &own).ok();
    assert_eq!(world.kept(&a, "answer"), Some(good("seen")));
    // Through another contract, too.
    let detour = format!("s{}", smart(&b, &code.hex(), &smart(&a, &code.hex(), "r")));
    world.execute(&a, &code, &detour).ok();
    assert_eq!(world.kept(&a, "answer"), Some(good("seen")));
    // From outside: what is committed.
    assert_eq!(world.query(&a, &code.hash, b"r"), Ok(b"seen".to_vec()));
    // The other contract has nothing under the same key: reading what is absent gives no region.
    let done = world.execute(&a, &code, &smart(&b, &code.hex(), "r"));
    done.ok();
    let text = "Execution error: Enclave: failed to read memory: query contract failed";
    assert_eq!(world.kept(&a, "answer"), Some(bad(text)));
}

#[test]
fn a_query_changes_nothing_even_where_its_caller_may_write() {
    let (mut world, code, a, b) = two_puppets();
    let text = "Execution error: Enclave: contract tried to write to storage during a query: query contract failed";
    assert_eq!(world.query(&b, &code.hash, b"w"), Err(text.into()));
    for target in [&a, &b] {
        world
            .execute(&a, &code, &smart(target, &code.hex(), "w"))
            .ok();
        assert_eq!(world.kept(&a, "answer"), Some(bad(text)));
        assert_eq!(world.kept(target, "last"), None);
    }
}

/// `r` of `contract`, asked through `levels` queries.
fn chained(contract: &crate::types::Address, hex: &str, levels: usize) -> String {
    (0..levels).fold("r".to_owned(), |msg, _| smart(contract, hex, &msg))
}

#[test]
fn calls_nest_ten_deep_in_queries_whether_a_query_or_a_call_is_outermost() {
    let (mut world, code, a, _) = two_puppets();
    world.execute(&a, &code, "s").ok();
    // Below the outermost. So many instances live at one time, and no more.
    let most = QUERY_DEPTH_MAX - 1;
    assert_eq!(most + 1, LIVE_INSTANCES_MAX);
    let too_deep = "exceeded_recursion_limit: calls nest 10 deep at most in queries";
    let ask = |world: &mut World, levels| {
        let msg = chained(&a, &code.hex(), levels);
        world.query(&a, &code.hash, msg.as_bytes())
    };
    assert_eq!(ask(&mut world, most), Ok(b"seen".to_vec()));
    assert_eq!(ask(&mut world, most + 1), Err(too_deep.into()));
    world
        .execute(&a, &code, &chained(&a, &code.hex(), most))
        .ok();
    assert_eq!(world.kept(&a, "answer"), Some(good("seen")));
    world
        .execute(&a, &code, &chained(&a, &code.hex(), most + 1))
        .ok();
    assert_eq!(world.kept(&a, "answer"), Some(bad(too_deep)));
}

#[test]
fn a_query_for_another_code_is_answered_with_the_reason() {
    let (mut world, code, a, b) = two_puppets();
    let text = "Execution error: Enclave: failed to validate transaction: query contract failed";
    for hash in [hex::encode([7; 32]), String::new()] {
        world.execute(&a, &code, &smart(&b, &hash, "r")).ok();
        assert_eq!(world.kept(&a, "answer"), Some(bad(text)));
    }
    assert_eq!(world.query(&a, &[7; 32], b"r"), Err(text.into()));
}

#[test]
fn the_error_of_a_query_reaches_its_caller_as_text() {
    let (mut world, code, a, b) = two_puppets();
    let panicked = "Execution error: Enclave: the contract panicked: query contract failed";
    let garbage = "Execution error: Enclave: failed to deserialize data: query contract failed";
    for (msg, text) in [(r#"{"Err":"no"}"#, "no"), ("p", panicked), ("x", garbage)] {
        world.execute(&a, &code, &smart(&b, &code.hex(), msg)).ok();
        assert_eq!(world.kept(&a, "answer"), Some(bad(text)));
        assert_eq!(
            world.query(&b, &code.hash, msg.as_bytes()),
            Err(text.into())
        );
    }
}

#[test]
fn a_query_that_runs_out_of_gas_ends_its_caller_out_of_gas() {
    let (mut world, code, a, b) = two_puppets();
    let through = smart(&a, &code.hex(), &smart(&b, &code.hex(), "g"));
    for msg in [smart(&b, &code.hex(), "g"), through] {
        let done = world.execute_with(&a, &code, msg.as_bytes(), 300_000);
        let text =
            "out of gas in location: wasm contract; gasWanted: 300000, gasUsed: 300001: out of gas";
        assert_eq!(done.error(), ("sdk", 11, text));
        assert_eq!(world.kept(&a, "answer"), None);
    }
    // In loading the contract already.
    let done = world.execute_with(&a, &code, smart(&b, &code.hex(), "r").as_bytes(), 40_000);
    assert_eq!((done.error().0, done.error().1), ("sdk", 11));
    assert_eq!(
        world.query(&b, &code.hash, b"g"),
        Err("{wasm contract}".into())
    );
}

#[test]
fn a_query_that_runs_out_of_gas_under_a_limited_sub_message_hits_the_limit_of_that() {
    let (mut world, code, a, b) = two_puppets();
    let burning = smart(&b, &code.hex(), "g");
    let message = super::sub(&super::call(&b, &code.hex(), &burning, 0), Some(150_000));
    let done = world.execute(&a, &code, &super::sends(&[message]));
    let text = "dispatch: submessages: SubMsg hit gas limit: out of gas";
    assert_eq!(done.error(), ("sdk", 11, text));
    assert!((170_000..220_000).contains(&done.result.gas_used));
}

#[test]
fn what_a_query_costs_is_paid_by_whoever_asks() {
    let (mut world, code, a, b) = two_puppets();
    let mut used = |msg: &str| {
        world
            .execute_with(&a, &code, msg.as_bytes(), GAS)
            .ok()
            .result
            .gas_used
    };
    let (idle, once) = (
        used("s"),
        used(&format!("s{}", smart(&b, &code.hex(), r#"{"Ok":""}"#))),
    );
    assert!((20_000..30_000).contains(&(once - idle)), "{idle} {once}");
}

#[test]
fn the_chain_answers_what_it_knows_and_names_what_it_does_not() {
    let (mut world, code, a, b) = two_puppets();
    let user = world.users[1].address.clone();
    let mut asked = |request: String| {
        world.execute(&a, &code, &request).ok();
        world.kept(&a, "answer").unwrap()
    };
    let bank = |query: String| format!(r#"{{"bank":{query}}}"#);
    let coin = r#"{"denom":"uscrt","amount":"1000000000000"}"#;
    let balance = |denom: &str| {
        bank(format!(
            r#"{{"balance":{{"address":"{user}","denom":"{denom}"}}}}"#
        ))
    };
    assert_eq!(
        asked(balance("uscrt")),
        good(&format!(r#"{{"amount":{coin}}}"#))
    );
    assert_eq!(
        asked(balance("other")),
        good(r#"{"amount":{"denom":"other","amount":"0"}}"#)
    );
    assert_eq!(
        asked(bank(format!(
            r#"{{"all_balances":{{"address":"{user}"}}}}"#
        ))),
        good(&format!(r#"{{"amount":[{coin}]}}"#))
    );
    let supply = asked(bank(r#"{"supply":{"denom":"uscrt"}}"#.into()));
    assert_eq!(
        supply,
        good(r#"{"amount":{"denom":"uscrt","amount":"5000003000000000000"}}"#)
    );
    assert_eq!(
        asked(bank(
            r#"{"balance":{"address":"x","denom":"uscrt"}}"#.into()
        )),
        bad("decoding bech32 failed: invalid bech32 string length 1")
    );
    let wasm = |query: String| format!(r#"{{"wasm":{query}}}"#);
    let info = asked(wasm(format!(
        r#"{{"contract_info":{{"contract_addr":"{b}"}}}}"#
    )));
    let creator = crate::testing::User::new(0).address;
    assert_eq!(
        info,
        good(&format!(
            r#"{{"code_id":1,"creator":"{creator}","pinned":false,"ibc_port":null}}"#
        ))
    );
    let raw = wasm(format!(
        r#"{{"raw":{{"contract_addr":"{b}","key":"bGFzdA=="}}}}"#
    ));
    assert_eq!(asked(raw), good("[]"));
    for nobody in [user.to_string(), "nobody".to_owned()] {
        let missing = bad("contract: not found");
        assert_eq!(
            asked(wasm(format!(
                r#"{{"contract_info":{{"contract_addr":"{nobody}"}}}}"#
            ))),
            missing
        );
        let smart = format!(
            r#"{{"smart":{{"contract_addr":"{nobody}","callback_code_hash":"","msg":""}}}}"#
        );
        assert_eq!(asked(wasm(smart)), missing);
    }
    // Our own words, whatever a library says about it.
    for (request, why) in [
        (
            r#"{"bank":{"nonsense":{}}}"#,
            "no query that the chain knows",
        ),
        (
            r#"{"bank":{"balance":{"denom":1}}}"#,
            "no query that the chain knows",
        ),
        ("[1]", "no query that the chain knows"),
        ("[1", "not JSON"),
        (r#"{"bank":"#, "not JSON"),
    ] {
        let invalid = format!(
            r#"{{"Err":{{"invalid_request":{{"error":"{why}","request":"{}"}}}}}}"#,
            b64(request)
        );
        assert_eq!(asked(request.into()), invalid);
    }
}

#[test]
fn a_query_sees_no_random_and_no_transaction() {
    let mut world = World::new();
    let code = world.store(puppet::wasm(r#"(func (export "requires_random"))"#));
    let a = world.instantiate(&code);
    assert_eq!(
        world.query(&a, &code.hash, br#"{"Ok":"aGk="}"#),
        Ok(b"hi".to_vec())
    );
}

#[test]
fn a_query_sees_one_zero_byte_for_a_random_whatever_it_asked_for() {
    let mut world = World::new();
    for asks in ["", r#"(func (export "requires_random"))"#] {
        let code = world.store(puppet::wasm_that_shows_env(asks));
        let a = world.instantiate(&code);
        let env = world.query(&a, &code.hash, b"p").unwrap_err();
        assert!(env.contains("AA=="), "{env}");
        // A transaction sees a random of its own, and only where it was asked for.
        let env = world.execute(&a, &code, "p").contract_error();
        assert!(!env.contains("AA=="), "{env}");
        assert_eq!(env.contains("random"), !asks.is_empty(), "{env}");
    }
}

#[test]
fn a_denomination_that_cannot_be_is_not_looked_up() {
    let (mut world, code, a, _) = two_puppets();
    let user = world.users[1].address.clone();
    for denom in [
        "x".repeat(129),
        "x".repeat(100_000),
        String::new(),
        "1abc".into(),
    ] {
        let queries = [
            format!(r#"{{"bank":{{"balance":{{"address":"{user}","denom":"{denom}"}}}}}}"#),
            format!(r#"{{"bank":{{"supply":{{"denom":"{denom}"}}}}}}"#),
        ];
        for query in queries {
            world.execute(&a, &code, &query).ok();
            assert_eq!(world.kept(&a, "answer"), Some(bad("invalid denom")));
        }
    }
}

#[test]
fn answers_and_errors_that_differ_in_length_are_sealed_to_one_length() {
    let (mut world, code, a, _) = two_puppets();
    let mut sealed = |msg: String| {
        let (query, _) = world.seal(&code.hash, msg.as_bytes());
        match world.query_sealed(&a, query) {
            Ok(data) => (true, data.len()),
            Err(text) => (false, text.len()),
        }
    };
    let ok = |json: &str| format!(r#"{{"Ok":"{}"}}"#, b64(json));
    let err = |text: &str| format!(r#"{{"Err":"{text}"}}"#);
    let variant = |name: &str| {
        let known = "balance, allowance, token_info, transfer_history, minters, with_permit";
        err(&format!(
            "unknown variant `{name}`, expected one of {known}"
        ))
    };
    assert_eq!(
        sealed(variant("transfer")),
        sealed(variant("set_viewing_key"))
    );
    assert_eq!(sealed(ok("true")), sealed(ok(r#"{"amount":"12345"}"#)));
    assert_eq!(sealed(err("no")), sealed(err(&"n".repeat(256))));
    assert_eq!(
        sealed(err(&"n".repeat(257))),
        sealed(err(&"n".repeat(1_024)))
    );
    assert_ne!(sealed(err(&"n".repeat(256))), sealed(err(&"n".repeat(257))));
    // What is no JSON keeps its length: a space more would be meant.
    assert_ne!(sealed(ok("plain")), sealed(ok("plain words")));
    let answer = world.query(&a, &code.hash, ok("plain words").as_bytes());
    assert_eq!(answer.unwrap(), b"plain words");
}

#[test]
fn an_error_between_contracts_is_as_long_as_it_is() {
    let (mut world, code, a, b) = two_puppets();
    let msg = smart(&b, &code.hex(), r#"{"Err":"no"}"#);
    world.execute(&a, &code, &msg).ok();
    assert_eq!(world.kept(&a, "answer"), Some(bad("no")));
}
