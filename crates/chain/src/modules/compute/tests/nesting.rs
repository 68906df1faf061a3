//! Contracts that send messages to contracts.

use super::puppet::{self, NOTHING};
use super::world::{Done, GAS, World, b64};
use super::{call, response, sends, sub, two_puppets};
use crate::modules::accounts;
use crate::modules::compute::limits::CALL_DEPTH_MAX;
use crate::modules::compute::state::{
    CONTRACTS, HISTORY, LABELS, LAST_CODE_ID, LAST_INSTANCE_ID, contract_address,
};
use crate::types::proto::secret::compute::v1beta1 as pb;
use crate::types::proto::{Message as _, pack};
use crate::types::{Address, sha256};

fn prefixed(depth: usize, text: &str) -> String {
    format!("{}{text}", "dispatch: submessages: ".repeat(depth))
}

#[test]
fn a_called_contracts_events_follow_sorted_by_key_and_without_messages() {
    let (mut world, code, a, b) = two_puppets();
    let user = world.users[0].address.clone();
    let clear =
        r#"{"key":"z","value":"1","encrypted":false},{"key":"b","value":"2","encrypted":false}"#;
    let inner = response(
        &[],
        clear,
        r#"{"type":" kind ","attributes":[{"key":"k","value":"v"}]}"#,
    );
    let outer = response(&[sub(&call(&b, &code.hex(), &inner, 3), None)], clear, "");
    let sent = world.execution(&a, &code.hash, outer.as_bytes(), 5);
    let done = world.run(sent, GAS).ok();
    let url = "/secret.compute.v1beta1.MsgExecuteContract";
    let sealed = &done.result.events;
    assert_eq!(
        done.events(),
        [
            format!("message{{action={url},sender={user}}}"),
            format!("message{{module=compute,sender={user},contract_address={a}}}"),
            format!("coin_spent{{spender={user},amount=5uscrt}}"),
            format!("coin_received{{receiver={a},amount=5uscrt}}"),
            format!("transfer{{recipient={a},sender={user},amount=5uscrt}}"),
            format!("message{{sender={user}}}"),
            format!("execute{{contract_address={a}}}"),
            format!("wasm{{contract_address={a},z=1,b=2}}"),
            format!("coin_spent{{amount=3uscrt,spender={a}}}"),
            format!("coin_received{{amount=3uscrt,receiver={b}}}"),
            format!("transfer{{amount=3uscrt,recipient={b},sender={a}}}"),
            format!("execute{{contract_address={b}}}"),
            format!("wasm{{b=2,contract_address={b},z=1}}"),
            // The order is that of the sealed keys, whatever they hide.
            if sealed.last().unwrap().attributes[0].key == "contract_address" {
                format!("wasm-kind{{contract_address={b},k=v}}")
            } else {
                format!("wasm-kind{{k=v,contract_address={b}}}")
            },
        ]
    );
    assert_eq!((world.balance(&a), world.balance(&b)), (2, 3));
}

#[test]
fn messages_go_out_depth_first_and_in_order() {
    let (mut world, code, a, b) = two_puppets();
    let mark = |n: u8| format!(r#"{{"key":"n","value":"{n}","encrypted":false}}"#);
    let leaf = |n| {
        sub(
            &call(&b, &code.hex(), &response(&[], &mark(n), ""), 0),
            None,
        )
    };
    let inner = response(&[leaf(2), leaf(3)], &mark(1), "");
    let outer = response(
        &[sub(&call(&b, &code.hex(), &inner, 0), None), leaf(4)],
        &mark(0),
        "",
    );
    let done = world.execute(&a, &code, &outer).ok();
    let numbers: Vec<String> = done
        .result
        .events
        .iter()
        .filter(|e| e.kind == "wasm")
        .map(|e| {
            e.attributes
                .iter()
                .find(|a| a.key == "n")
                .unwrap()
                .value
                .clone()
        })
        .collect();
    assert_eq!(numbers, ["0", "1", "2", "3", "4"]);
}

/// `msg` for B, in a message of A, `depth` messages deep.
fn nested(world: &mut World, depth: usize, msg: &str) -> (Done, Address) {
    let code = world.store(puppet::wasm(""));
    let (a, b) = (world.instantiate(&code), world.instantiate(&code));
    let mut msg = msg.to_owned();
    for _ in 0..depth {
        msg = sends(&[sub(&call(&b, &code.hex(), &msg, 0), None)]);
    }
    (world.execute(&a, &code, &msg), b)
}

#[test]
fn an_error_gets_one_prefix_for_each_level_that_it_passes() {
    for depth in 0..=3 {
        let (done, _) = nested(&mut World::new(), depth, "p");
        let text = "Execution error: Enclave: the contract panicked: execute contract failed";
        assert_eq!(done.error(), ("compute", 3, prefixed(depth, text).as_str()));

        let (done, _) = nested(&mut World::new(), depth, r#"{"Err":"say \"no\" now"}"#);
        let (space, number, text) = done.error();
        assert_eq!((space, number), ("compute", 3));
        assert!(text.starts_with(&prefixed(depth, "encrypted: ")), "{text}");
        assert!(text.ends_with(": execute contract failed"));
        assert_eq!(done.contract_error(), r#"say \"no\" now"#);
    }
}

#[test]
fn a_hundred_messages_nest_and_the_next_one_is_refused() {
    let (mut world, code, a, _) = two_puppets();
    let again = format!("+{}", sends(&[sub(&call(&a, &code.hex(), "n", 0), None)]));
    world.execute(&a, &code, &again).ok();
    for (depth, fits) in [(CALL_DEPTH_MAX, true), (CALL_DEPTH_MAX + 1, false)] {
        let count = [b'#', u8::try_from(depth).unwrap()];
        world.execute_with(&a, &code, &count, GAS).ok();
        let done = world.execute(&a, &code, "n");
        if fits {
            let calls = done
                .ok()
                .result
                .events
                .iter()
                .filter(|e| e.kind == "execute")
                .count();
            assert_eq!(calls, CALL_DEPTH_MAX + 1);
            assert_eq!(world.kept(&a, "count").unwrap().as_bytes(), [0]);
        } else {
            let text = prefixed(CALL_DEPTH_MAX + 1, "max call depth exceeded");
            assert_eq!(done.error(), ("compute", 30, text.as_str()));
            assert_eq!(world.kept(&a, "count").unwrap().as_bytes(), &count[1..]);
        }
    }
}

#[test]
fn a_sub_message_over_its_own_gas_limit_says_so_and_costs_no_more_than_the_limit() {
    let (mut world, code, a, b) = two_puppets();
    let expected = (
        "sdk",
        11,
        "dispatch: submessages: SubMsg hit gas limit: out of gas",
    );
    let burn = call(&b, &code.hex(), "g", 0);
    let through = call(&b, &code.hex(), &sends(&[sub(&burn, None)]), 0);
    let bank = r#"{"bank":{"send":{"to_address":"secret1ap26qrlp8mcq2pg6r47w43l0y8zkqm8a450s03","amount":[{"denom":"uscrt","amount":"1"}]}}}"#;
    let idle = world.execute(&a, &code, NOTHING).ok().result.gas_used;
    // In the contract, in loading it, in a message of its own, and without a contract.
    for (limit, message) in [
        (60_000, &burn),
        (100, &burn),
        (90_000, &through),
        (50, &bank.to_owned()),
    ] {
        let done = world.execute(&a, &code, &sends(&[sub(message, Some(limit))]));
        assert_eq!(done.error(), expected, "limit {limit}");
        let over = u64::try_from(done.result.gas_used - idle).unwrap();
        // The message itself is longer than an empty one: its bytes cost too.
        assert!(
            (limit..limit + 40_000).contains(&over),
            "{over} for {limit}"
        );
        assert!(done.result.gas_used < done.result.gas_wanted);
    }
}

#[test]
fn without_a_limit_of_its_own_a_sub_message_ends_the_transaction_out_of_gas() {
    let (mut world, code, a, b) = two_puppets();
    let burn = call(&b, &code.hex(), "g", 0);
    // A limit above what is left is none.
    for limit in [None, Some(u64::MAX)] {
        let msg = sends(&[sub(&burn, limit)]);
        let done = world.execute_with(&a, &code, msg.as_bytes(), 200_000);
        let text =
            "out of gas in location: wasm contract; gasWanted: 200000, gasUsed: 200001: out of gas";
        assert_eq!(done.error(), ("sdk", 11, text));
    }
}

#[test]
fn a_limited_sub_message_that_ends_well_is_charged_to_its_sender() {
    let (mut world, code, a, b) = two_puppets();
    let message = call(&b, &code.hex(), NOTHING, 0);
    let mut used = |limit| {
        let done = world
            .execute(&a, &code, &sends(&[sub(&message, limit)]))
            .ok();
        done.result.gas_used
    };
    // The texts differ in length: null and six digits.
    let (free, limited) = (used(None), used(Some(100_000)));
    assert!((free - limited).abs() < 100, "{free} and {limited}");
}

#[test]
fn a_capped_call_is_out_of_gas_though_its_meter_is_not() {
    let (mut world, code, a, _) = two_puppets();
    let done = world.execute_with(&a, &code, b"g", 20_000_000);
    assert_eq!(
        done.error(),
        ("compute", 3, "Out of gas: execute contract failed")
    );
    assert!((10_000_000..10_100_000).contains(&done.result.gas_used));
}

#[test]
fn messages_that_are_not_built_yet_are_refused_by_name() {
    let (mut world, code, a, _) = two_puppets();
    let mut refused = |message: String, space: &str, number: u32, text: &str| {
        let done = world.execute(&a, &code, &sends(&[message]));
        assert_eq!(done.error(), (space, number, prefixed(1, text).as_str()));
    };
    let of = |kind: &str| sub(&format!(r#"{{"{kind}":{{"x":[1]}}}}"#), None);
    let unknown = |kind| {
        format!("Unknown variant of {kind}: not built yet: unknown message from the contract")
    };
    for (kind, name) in [
        ("staking", "Staking"),
        ("distribution", "Distribution"),
        ("gov", "Gov"),
        ("ibc", "IBC"),
    ] {
        refused(of(kind), "compute", 18, &unknown(name));
    }
    refused(
        of("custom"),
        "compute",
        10,
        "Custom variant not supported: invalid CosmosMsg from the contract",
    );
    let burn = sub(r#"{"bank":{"burn":{"amount":[]}}}"#, None);
    refused(
        burn,
        "compute",
        10,
        "Unknown variant of Bank: invalid CosmosMsg from the contract",
    );
}

#[test]
fn a_sub_message_for_another_code_or_without_one_is_not_run() {
    let (mut world, code, a, b) = two_puppets();
    let text = "Execution error: Enclave: failed to validate transaction: execute contract failed";
    for bad in [
        hex::encode([7; 32]),
        String::new(),
        "zz".repeat(32),
        code.hex()[1..].to_owned(),
    ] {
        let done = world.execute(&a, &code, &sends(&[sub(&call(&b, &bad, "s", 0), None)]));
        assert_eq!(
            done.error(),
            ("compute", 3, prefixed(1, text).as_str()),
            "{bad}"
        );
        assert_eq!(world.kept(&b, "last"), None);
    }
    let upper = code.hex().to_uppercase();
    world
        .execute(&a, &code, &sends(&[sub(&call(&b, &upper, "s", 0), None)]))
        .ok();
    assert!(world.kept(&b, "last").is_some());
}

#[test]
fn a_sub_message_to_nobody_is_refused() {
    let (mut world, code, a, _) = two_puppets();
    let user = world.users[0].address.clone();
    let to = |contract: &str| {
        sub(
            &format!(
                r#"{{"wasm":{{"execute":{{"contract_addr":"{contract}","code_hash":"","msg":"","send":[]}}}}}}"#
            ),
            None,
        )
    };
    let done = world.execute(&a, &code, &sends(&[to(&user.to_string())]));
    assert_eq!(
        done.error(),
        ("compute", 9, "dispatch: submessages: contract: not found")
    );
    for bad in ["", "nowhere", "cosmos1xyz", "SECRET"] {
        let done = world.execute(&a, &code, &sends(&[to(bad)]));
        let text = format!("{bad}: invalid address");
        assert_eq!(done.error(), ("sdk", 7, prefixed(1, &text).as_str()));
    }
}

fn instantiate_message(
    code_id: u64,
    code_hash: &str,
    label: &str,
    admin: &str,
    msg: &str,
) -> String {
    format!(
        r#"{{"wasm":{{"instantiate":{{"admin":{admin},"code_id":{code_id},"code_hash":"{code_hash}","msg":"{}","send":[],"label":"{label}"}}}}}}"#,
        b64(msg)
    )
}

#[test]
fn a_contract_makes_a_contract_that_is_its_own() {
    let (mut world, code, a, _) = two_puppets();
    let admin = format!("\"{a}\"");
    let message = instantiate_message(code.id, &code.hex(), "child", &admin, "s");
    let done = world
        .execute(&a, &code, &sends(&[sub(&message, None)]))
        .ok();
    let child = contract_address(code.id, 3, &a).unwrap();
    assert_eq!(
        done.events()[4..],
        [
            format!("instantiate{{code_id=1,contract_address={child}}}"),
            format!("wasm{{contract_address={child}}}"),
        ]
    );
    assert!(world.kept(&child, "last").is_some());
    let (record, label, history) = world.read(|ctx| {
        (
            CONTRACTS.get(ctx, &child).unwrap().unwrap().into_contract(),
            LABELS.get(ctx, &"child").unwrap(),
            HISTORY.get(ctx, &(&child, 0)).unwrap().unwrap(),
        )
    });
    assert_eq!(
        (record.creator, record.admin, label),
        (a.clone(), Some(a), Some(child))
    );
    // Whoever sent the transaction can read how it was made, and nobody else.
    let opened = done.key.open_kept(&history.msg).unwrap();
    assert_eq!(
        String::from_utf8(opened.to_vec()).unwrap().trim_end(),
        format!("{}s", code.hex())
    );
}

#[test]
fn what_the_history_keeps_of_a_made_contract_cannot_be_sent_as_a_message() {
    let (mut world, code, a, _) = two_puppets();
    let message = instantiate_message(code.id, &code.hex(), "child", "null", "s");
    let sent = world.execution(&a, &code.hash, sends(&[sub(&message, None)]).as_bytes(), 0);
    let seen = pb::MsgExecuteContract::decode(sent.any.value.as_slice()).unwrap();
    world.run(sent, GAS).ok();
    let child = contract_address(code.id, 3, &a).unwrap();
    let kept = world.read(|ctx| HISTORY.get(ctx, &(&child, 0)).unwrap().unwrap().msg);
    // Nonce and key of the transaction, which everyone sees, then what the history shows.
    let forged = [&seen.msg[..64], &kept].concat();
    let any = pack(&pb::MsgExecuteContract {
        sender: world.users[0].address.as_bytes().to_vec(),
        contract: a.as_bytes().to_vec(),
        msg: forged.clone(),
        ..Default::default()
    });
    let tx = world.sign(vec![any], GAS);
    let result = world.block(&[tx]).tx_results.remove(0);
    let text = "Execution error: Enclave: failed to decrypt data: execute contract failed";
    assert!(result.log.ends_with(text), "{}", result.log);
    assert_eq!(
        world.query_sealed(&a, forged).unwrap_err(),
        "Execution error: Enclave: failed to decrypt data: query contract failed"
    );
}

#[test]
fn a_contract_that_cannot_be_made_ends_the_transaction() {
    let (mut world, code, a, _) = two_puppets();
    let mut refused = |message: String, space: &str, number: u32, text: &str| {
        let done = world.execute(&a, &code, &sends(&[sub(&message, None)]));
        assert_eq!(done.error(), (space, number, prefixed(1, text).as_str()));
    };
    let hex = code.hex();
    refused(
        instantiate_message(1, &hex, "puppet 0", "null", NOTHING),
        "compute",
        6,
        "puppet 0: contract account already exists",
    );
    refused(
        instantiate_message(1, &hex, "", "null", NOTHING),
        "compute",
        11,
        "is required: empty",
    );
    refused(
        instantiate_message(1, &hex, &"x".repeat(513), "null", NOTHING),
        "compute",
        12,
        "cannot be longer than 128 characters: exceeds limit",
    );
    refused(
        instantiate_message(9, &hex, "x", "null", NOTHING),
        "compute",
        9,
        "code: not found",
    );
    refused(
        instantiate_message(1, &hex, "x", "\"secret1x\"", NOTHING),
        "undefined",
        1,
        "admin: decoding bech32 failed: invalid separator index 6",
    );
    let text =
        "Execution error: Enclave: failed to validate transaction: instantiate contract failed";
    refused(
        instantiate_message(1, "00", "x", "null", NOTHING),
        "compute",
        2,
        text,
    );
    let text = "Execution error: Enclave: the contract panicked: instantiate contract failed";
    refused(
        instantiate_message(1, &hex, "x", "null", "p"),
        "compute",
        2,
        text,
    );
    let last = world.read(|ctx| LAST_INSTANCE_ID.get(ctx).unwrap());
    assert_eq!(last, Some(2));
}

#[test]
fn a_failed_transaction_leaves_its_fee_and_sequence_only() {
    let (mut world, code, a, b) = two_puppets();
    let before = world.balance(&world.users[0].address);
    let state = world.state.0.clone();
    // Funds move, A writes, B writes, a contract is made, code is stored, and then B panics.
    let other = puppet::wasm(r#"(func (export "other"))"#);
    let store = pack(&pb::MsgStoreCode {
        sender: world.users[0].address.as_bytes().to_vec(),
        wasm_byte_code: other.clone(),
        ..Default::default()
    });
    let wrote = world.execution(&a, &code.hash, b"s", 7).any;
    let messages = [
        sub(&call(&b, &code.hex(), "s", 5), None),
        sub(
            &instantiate_message(2, &hex::encode(sha256(&other)), "child", "null", "s"),
            None,
        ),
        sub(&call(&b, &code.hex(), "p", 0), None),
    ];
    let failing = world
        .execution(&a, &code.hash, sends(&messages).as_bytes(), 0)
        .any;
    let tx = world.sign(vec![store, wrote, failing], GAS);
    let outcome = world.block(&[tx]);
    let result = &outcome.tx_results[0];
    assert!(
        result
            .log
            .ends_with("the contract panicked: execute contract failed"),
        "{}",
        result.log
    );
    assert!(
        result.log.starts_with(
            "failed to execute message; message index: 2: dispatch: submessages: Exec"
        )
    );
    assert!(outcome.new_code.is_empty());
    assert!(
        result.data.is_empty()
            && result
                .events
                .iter()
                .all(|e| e.attributes.iter().all(|a| a.key != "msg_index"))
    );
    assert_eq!(world.balance(&world.users[0].address), before - 10_000);
    assert_eq!((world.balance(&a), world.balance(&b)), (0, 0));
    assert_eq!(
        (world.kept(&a, "last"), world.kept(&b, "last")),
        (None, None)
    );
    assert_eq!(world.read(|ctx| LAST_CODE_ID.get(ctx).unwrap()), Some(1));
    // What changed: the fee's two balances and the sequence.
    let changed = world
        .state
        .0
        .iter()
        .filter(|(key, value)| state.get(*key) != Some(value))
        .count();
    assert_eq!(changed, 3);
    // The next one runs as if nothing had been.
    world.execute(&a, &code, "s").ok();
}

#[test]
fn code_runs_in_the_block_and_in_the_transaction_that_stored_it() {
    let mut world = World::new();
    let wasm = puppet::wasm("");
    let code = super::Code {
        id: 1,
        hash: sha256(&wasm),
    };
    let store = pack(&pb::MsgStoreCode {
        sender: world.users[0].address.as_bytes().to_vec(),
        wasm_byte_code: wasm,
        ..Default::default()
    });
    let first = world.instantiation(&code, "first", b"s").any;
    let second = world.instantiation(&code, "second", b"s").any;
    let txs = [
        world.sign(vec![store, first], GAS),
        world.sign(vec![second], GAS),
    ];
    let outcome = world.block(&txs);
    assert!(
        outcome.tx_results.iter().all(|r| r.code == 0),
        "{:?}",
        outcome.tx_results
    );
    assert_eq!(outcome.new_code.keys().collect::<Vec<_>>(), [&code.hash]);
}

#[test]
fn every_call_of_a_block_sees_another_random_and_only_where_it_was_asked_for() {
    let mut world = World::new();
    let code = world.store(puppet::wasm(r#"(func (export "requires_random"))"#));
    let plain = world.store(puppet::wasm(""));
    let (a, b) = (world.instantiate(&code), world.instantiate(&code));
    let c = world.instantiate(&plain);
    let random = |world: &World, contract| {
        let env: serde_json::Value =
            serde_json::from_str(&world.kept(contract, "env").unwrap()).unwrap();
        env["block"]["random"].as_str().map(str::to_owned)
    };
    let mut seen = std::collections::BTreeSet::new();
    // One transaction with two messages of two calls each, a second one with one; each call keeps what it saw.
    let both = sends(&[sub(&call(&b, &code.hex(), "r", 0), None)]);
    for messages in [vec!["r", &both], vec![&both, "r"], vec![&both, "r", "r"]] {
        let calls = messages
            .iter()
            .map(|m| world.execution(&a, &code.hash, m.as_bytes(), 0).any)
            .collect();
        let tx = world.sign(calls, GAS);
        assert_eq!(world.block(&[tx]).tx_results[0].code, 0);
        // The block's header hash is the same in these tests: only the number of the call differs.
        seen.insert(random(&world, &a).unwrap());
        seen.insert(random(&world, &b).unwrap());
    }
    // Calls 0 and 2, then 2 and 1, then 3 and 1: three of A, two of B.
    assert_eq!(seen.len(), 5);
    world.execute(&c, &plain, "r").ok();
    assert_eq!(random(&world, &c), None);
}

#[test]
fn gas_and_results_are_the_same_whatever_is_cached() {
    let (mut world, code, a, b) = two_puppets();
    let msg = sends(&[sub(&call(&b, &code.hex(), "s", 0), None)]);
    let sent = world.execution(&a, &code.hash, msg.as_bytes(), 0);
    let tx = world.sign(vec![sent.any], GAS);
    let before = world.state.clone();
    let warm = world.block(std::slice::from_ref(&tx));
    world.state = before;
    world.height -= 1;
    world.engine = crate::modules::compute::ContractEngine::default();
    let cold = world.block(&[tx]);
    assert_eq!(warm, cold);
}

#[test]
fn no_key_is_here_so_the_host_refuses_to_run_a_contract() {
    let (mut world, code, a, _) = two_puppets();
    let sent = world.execution(&a, &code.hash, b"s", 0);
    let tx = world.sign(vec![sent.any], GAS);
    let block = crate::testing::block_info(world.height);
    let outcome = crate::simulate(
        &world.state,
        crate::overlay::Overlay::default(),
        world.env(),
        &block,
        &tx,
    );
    let crate::query::QueryStop::Error(e) = outcome.unwrap_err() else {
        panic!("a fault")
    };
    let (_, text) = e.grpc();
    assert!(text.contains("Execution error: Enclave: failed to verify transaction signature: execute contract failed"), "{text}");
    assert!(accounts::by_address(&a).is_none());
}
