//! Contracts that want the chain to stop: they say too much, answer what no chain can take, ask without end. Each gets an error of the
//! protocol, leaves nothing, and the next call runs as if it had not been.

use super::limits::storage;
use super::puppet::{self, NOTHING};
use super::world::{Code, GAS, World};
use super::{response, smart, two_puppets};
use crate::modules::compute::state::{CONTRACTS, LAST_INSTANCE_ID};
use crate::types::Address;

/// Gas for whatever a message's own bytes cost, and for a call that may use all it is given.
const PLENTY: u64 = 15_000_000;

/// Runs a call that fails, and says how; looks that nothing stays and that another contract still works.
#[track_caller]
fn fails(
    world: &mut World,
    code: &Code,
    contract: &Address,
    msg: &[u8],
    gas: u64,
) -> (String, u32, String) {
    let before = world.state.0.clone();
    let done = world.execute_with(contract, code, msg, gas);
    let (space, number, text) = done.error();
    let failed = (space.to_owned(), number, text.to_owned());
    assert_ne!(number, 0);
    // Two balances for the fee, and the sequence.
    let changed = world
        .state
        .0
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(value));
    assert_eq!(changed.count(), 3, "{failed:?}");
    assert_eq!(world.state.0.len(), before.len());
    let other = world.store(puppet::wasm(&format!(
        "(data (i32.const 0x600000) \"{}\")",
        world.height
    )));
    let other_contract = world.instantiate(&other);
    world.execute(&other_contract, &other, "s").ok();
    failed
}

#[test]
fn a_value_of_a_megabyte_is_refused_and_two_halves_of_it_are_kept_and_paid() {
    let (mut world, code, a, _) = two_puppets();
    let text = "Execution error: Enclave: failed to read memory: execute contract failed";
    let failed = fails(
        &mut world,
        &code,
        &a,
        &storage(b'W', &[1, 1_000_000]),
        PLENTY,
    );
    assert_eq!(failed, ("compute".into(), 3, text.into()));
    let half = |key| storage(b'W', &[key, 500_000]);
    let halves = [half(1), half(2)].map(|msg| world.execution(&a, &code.hash, &msg, 0).any);
    let tx = world.sign(halves.to_vec(), PLENTY);
    let result = world.block(&[tx]).tx_results.remove(0);
    assert_eq!(result.code, 0, "{}", result.log);
    assert!(result.gas_used > 2 * 500_000 * 5);
    // Without the gas for it: nothing.
    let failed = fails(&mut world, &code, &a, &half(3), 1_000_000);
    assert_eq!((failed.0.as_str(), failed.1), ("sdk", 11));
}

#[test]
fn ten_thousand_events_are_refused() {
    let (mut world, code, a, _) = two_puppets();
    let events = vec![r#"{"type":"kind","attributes":[]}"#; 10_000].join(",");
    let msg = response(&[], "", &events);
    let failed = fails(&mut world, &code, &a, msg.as_bytes(), PLENTY);
    let text = "attributes cannot be more than 4096: exceeds limit";
    assert_eq!(failed, ("compute".into(), 12, text.into()));
}

/// A contract whose `execute`, `query`, `migrate` and `reply` answer ten megabytes.
fn long_winded() -> Vec<u8> {
    let wat = r#"(module
        (memory 192)
        (global $top (mut i32) (i32.const 4096))
        (data (i32.const 128) "{\"Ok\":{\"messages\":[],\"attributes\":[],\"events\":[],\"data\":null}}")
        (func (export "interface_version_8"))
        (func (export "deallocate") (param i32))
        (func $region (param $offset i32) (param $length i32) (result i32)
            (local $r i32)
            (local.set $r (global.get $top))
            (global.set $top (i32.add (global.get $top) (i32.const 16)))
            (i32.store (local.get $r) (local.get $offset))
            (i32.store offset=4 (local.get $r) (local.get $length))
            (i32.store offset=8 (local.get $r) (local.get $length))
            (local.get $r))
        (func (export "allocate") (param $length i32) (result i32)
            (local $at i32)
            (local.set $at (global.get $top))
            (global.set $top (i32.add (i32.add (global.get $top) (local.get $length)) (i32.const 16)))
            (call $region (local.get $at) (local.get $length)))
        (func $long (result i32) (call $region (i32.const 65536) (i32.const 10000000)))
        (func (export "instantiate") (param i32 i32 i32) (result i32) (call $region (i32.const 128) (i32.const 62)))
        (func (export "execute") (param i32 i32 i32) (result i32) (call $long))
        (func (export "query") (param i32 i32) (result i32) (call $long))
        (func (export "migrate") (param i32 i32) (result i32) (call $long))
        (func (export "reply") (param i32 i32) (result i32) (call $long))
    )"#;
    wat::parse_str(wat).unwrap()
}

#[test]
fn an_answer_of_ten_megabytes_is_no_answer() {
    let mut world = World::new();
    let code = world.store(long_winded());
    let a = world.instantiate(&code);
    let text =
        |what| format!("Execution error: Enclave: failed to read memory: {what} contract failed");
    let failed = fails(&mut world, &code, &a, b"{}", GAS);
    assert_eq!(failed, ("compute".into(), 3, text("execute")));
    assert_eq!(world.query(&a, &code.hash, b"{}"), Err(text("query")));
}

/// A contract that asks what it was told last, over and over, whatever the answer: in a call and in a query.
fn curious() -> Vec<u8> {
    let forever = "(loop $again (drop (call $ask (call $read (call $last)))) (br $again))";
    let query = r#"(func (export "query") (param $env i32) (param $msg i32) (result i32)
        (local $a i32)"#;
    let asks = format!("{query} {forever}");
    puppet::changed(&[
        (query, asks.as_str()),
        (
            "(if (call $is (local.get $msg) (i32.const 103)) (then (call $burn))) ;; g",
            &format!("(if (call $is (local.get $msg) (i32.const 103)) (then {forever}))"),
        ),
        // What it is to ask, which the others keep under `reply`.
        (
            r#"(func $last (result i32) (call $region (i32.const 64) (i32.const 4)))"#,
            r#"(func $last (result i32) (call $region (i32.const 80) (i32.const 5)))"#,
        ),
    ])
}

#[test]
fn a_contract_that_asks_itself_for_ever_pays_until_it_has_nothing_left() {
    let mut world = World::new();
    let code = world.store(curious());
    let a = world.instantiate(&code);
    let question = smart(&a, &code.hex(), "{}");
    world.execute(&a, &code, &format!("+{question}")).ok();
    // It asks itself, which asks itself, to the limit of depth; there the answer is an error, and every level asks again.
    let failed = fails(&mut world, &code, &a, b"g", 1_000_000);
    assert_eq!((failed.0.as_str(), failed.1), ("sdk", 11), "{failed:?}");
    assert!(
        failed.2.starts_with("out of gas in location: "),
        "{failed:?}"
    );
    // The question from outside has a limit of its own; its error is the place, as the protocol tells it.
    let error = world.query(&a, &code.hash, b"{}");
    assert_eq!(error, Err("{wasm contract}".into()));
}

#[test]
fn an_ibc_contract_is_stored_without_a_port_and_no_packet_reaches_it() {
    let mut world = World::new();
    let exports = [
        "channel_open",
        "channel_connect",
        "channel_close",
        "packet_receive",
        "packet_ack",
        "packet_timeout",
    ];
    let exports: String = exports
        .iter()
        .map(|name| {
            format!(r#"(func (export "ibc_{name}") (param i32 i32) (result i32) (unreachable))"#)
        })
        .collect();
    let code = world.store(puppet::wasm(&format!(
        r#"{exports}(func (export "requires_ibc3"))"#
    )));
    let a = world.instantiate(&code);
    let request = crate::types::proto::secret::compute::v1beta1::QueryByContractAddressRequest {
        contract_address: a.to_string(),
    };
    let info = world.read(|ctx| super::super::query::contract_info(ctx, request).unwrap());
    assert_eq!(info.contract_info.unwrap().ibc_port_id, "");
    // The messages that would bring packets are none of this chain.
    for name in [
        "RecvPacket",
        "Acknowledgement",
        "Timeout",
        "ChannelOpenInit",
    ] {
        let any = crate::types::proto::Any {
            type_url: format!("/ibc.core.channel.v1.Msg{name}"),
            value: Vec::new(),
        };
        let tx = world.sign(vec![any.clone()], GAS);
        world.users[0].sequence -= 1;
        let result = world.block(&[tx]).tx_results.remove(0);
        assert_eq!(
            (result.codespace.as_str(), result.code),
            ("sdk", 2),
            "{}",
            result.log
        );
        assert!(result.log.contains(&any.type_url), "{}", result.log);
    }
    // Nor can it send any, or ask about channels: by name.
    let ibc = super::sub(
        r#"{"ibc":{"send_packet":{"channel_id":"channel-0","data":"","timeout":{}}}}"#,
        None,
    );
    let failed = fails(&mut world, &code, &a, super::sends(&[ibc]).as_bytes(), GAS);
    let text = "dispatch: submessages: Unknown variant of IBC: not built yet: unknown message from the contract";
    assert_eq!(failed, ("compute".into(), 18, text.into()));
    world.execute(&a, &code, r#"s{"ibc":{"port_id":{}}}"#).ok();
    let answer = world.kept(&a, "answer").unwrap();
    assert_eq!(answer, r#"{"Err":{"unsupported_request":{"kind":"ibc"}}}"#);
}

#[test]
fn a_call_of_whoever_is_no_contract_finds_none() {
    let (mut world, code, a, _) = two_puppets();
    let last = world.read(|ctx| LAST_INSTANCE_ID.get(ctx).unwrap());
    for nobody in [
        world.users[1].address.clone(),
        Address::of_module("compute"),
        Address::from_bytes(&[5; 32]).unwrap(),
    ] {
        let sent = world.execution(&nobody, &code.hash, NOTHING.as_bytes(), 5);
        let before = world.balance(&nobody);
        let done = world.run(sent, GAS);
        assert_ne!(done.result.code, 0);
        assert_eq!(world.balance(&nobody), before);
        assert!(
            world
                .read(|ctx| CONTRACTS.get(ctx, &nobody).unwrap())
                .is_none()
        );
        assert!(world.query(&nobody, &code.hash, b"r").is_err());
    }
    assert_eq!(world.read(|ctx| LAST_INSTANCE_ID.get(ctx).unwrap()), last);
    world.execute(&a, &code, "s").ok();
}
