//! Every limit of a call, reached.

use super::puppet::{self, NOTHING};
use super::world::{Code, World, zip};
use super::{call, response, sends, sub, two_puppets};
use crate::block::OUTPUT_BYTES_MAX;
use crate::modules::compute::limits::{
    ATTRIBUTES_MAX, CODE_RUN_BYTES_MAX, MESSAGES_MAX, QUERY_RESULT_BYTES_MAX, QUOTED_BYTES_MAX,
    STORAGE_KEY_BYTES_MAX, STORAGE_VALUE_BYTES_MAX, WAITING_BYTES_MAX,
};
use crate::types::proto::pack;
use crate::types::proto::secret::compute::v1beta1 as pb;

/// A storage message of the puppet.
fn storage(what: u8, lengths: &[usize]) -> Vec<u8> {
    let mut msg = vec![what];
    for length in lengths {
        msg.extend(u32::try_from(*length).unwrap().to_le_bytes());
    }
    msg.resize(9, 0);
    msg
}

const PLENTY: u64 = 15_000_000;

#[test]
fn storage_keys_and_values_fit_up_to_their_limits() {
    let (mut world, code, a, _) = two_puppets();
    let (key, value) = (STORAGE_KEY_BYTES_MAX, STORAGE_VALUE_BYTES_MAX);
    for msg in [
        storage(b'W', &[key, 1]),
        storage(b'W', &[1, value]),
        storage(b'R', &[key]),
        storage(b'R', &[1]),
        storage(b'D', &[key]),
    ] {
        world.execute_with(&a, &code, &msg, PLENTY).ok();
    }
    // The engine holds the same limits: what is longer cannot be read from memory.
    let text = "Execution error: Enclave: failed to read memory: execute contract failed";
    for msg in [
        storage(b'W', &[key + 1, 1]),
        storage(b'W', &[1, value + 1]),
        storage(b'R', &[key + 1]),
        storage(b'D', &[key + 1]),
    ] {
        let done = world.execute_with(&a, &code, &msg, PLENTY);
        assert_eq!(done.error(), ("compute", 3, text));
    }
}

#[test]
fn a_response_sends_so_many_messages_and_no_more() {
    let (mut world, code, a, _) = two_puppets();
    let nothing = sub(r#"{"bank":{"send":{"to_address":"","amount":[]}}}"#, None);
    let msg = |n| sends(&vec![nothing.clone(); n]);
    world.execute(&a, &code, &msg(MESSAGES_MAX)).ok();
    let done = world.execute(&a, &code, &msg(MESSAGES_MAX + 1));
    assert_eq!(
        done.error(),
        (
            "compute",
            12,
            "messages cannot be more than 1024: exceeds limit"
        )
    );
}

#[test]
fn a_response_carries_so_many_attributes_and_no_more() {
    let (mut world, code, a, _) = two_puppets();
    let attributes = |n| vec![r#"{"key":"k","value":"v"}"#; n].join(",");
    world
        .execute(&a, &code, &response(&[], &attributes(ATTRIBUTES_MAX), ""))
        .ok();
    // An event counts as one more.
    let event = format!(r#"{{"type":"kind","attributes":[{}]}}"#, attributes(10));
    let text = "attributes cannot be more than 4096: exceeds limit";
    for (plain, events) in [
        (ATTRIBUTES_MAX + 1, ""),
        (ATTRIBUTES_MAX - 10, event.as_str()),
    ] {
        let done = world.execute(&a, &code, &response(&[], &attributes(plain), events));
        assert_eq!(done.error(), ("compute", 12, text));
    }
}

#[test]
fn an_answer_may_be_as_long_as_a_result() {
    let (mut world, code, a, _) = two_puppets();
    // The result is JSON with base64 inside, so the engine's limit on results is met first.
    let bytes = (QUERY_RESULT_BYTES_MAX - 20) / 4 * 3;
    let msg = |n: usize| format!(r#"{{"Ok":"{}"}}"#, super::b64(vec![0; n]));
    let answer = world.query(&a, &code.hash, msg(bytes).as_bytes());
    assert_eq!(answer.unwrap().len(), bytes);
    let text = "Execution error: Enclave: failed to read memory: query contract failed";
    let answer = world.query(&a, &code.hash, msg(bytes + 60).as_bytes());
    assert_eq!(answer, Err(text.into()));
    world.execute(&a, &code, NOTHING).ok();
}

#[test]
fn what_a_block_gives_away_is_bounded_however_it_is_made() {
    let (mut world, code, a, _) = two_puppets();
    // A response that costs little to say: half a mebibyte in clear.
    let value = "x".repeat(500_000);
    let attribute = format!(r#"{{"key":"k","value":"{value}","encrypted":false}}"#);
    let keep = format!("+{}", response(&[], &attribute, ""));
    world
        .execute_with(&a, &code, keep.as_bytes(), 10_000_000)
        .ok();
    world.execute_with(&a, &code, b"#\xff", 100_000).ok();
    let fitting = OUTPUT_BYTES_MAX / (value.len() + 1_000);
    let mut say = |n: usize| {
        let calls = (0..n).map(|_| world.execution(&a, &code.hash, b"n", 0).any);
        let calls = calls.collect();
        world.sign(calls, 99_000_000)
    };
    let (most, one) = (say(fitting - 1), say(2));
    let (small, last) = (say(1), say(1));
    let outcome = world.block(&[most, one, small, last]);
    let codes: Vec<u32> = outcome.tx_results.iter().map(|r| r.code).collect();
    assert_eq!(codes, [0, 11, 0, 11], "{:?}", outcome.tx_results[1].log);
    assert!(
        outcome.tx_results[1]
            .log
            .contains("location: block output meter")
    );
}

#[test]
fn so_many_uploads_that_the_block_would_not_fit_the_door_are_not_taken() {
    let mut world = World::new();
    // 100,000,000 gas buy 59 of them, 118 MiB.
    let uploads: Vec<Vec<u8>> = (0..22)
        .map(|n| {
            let any = pack(&pb::MsgStoreCode {
                sender: world.users[0].address.as_bytes().to_vec(),
                wasm_byte_code: zip(&huge(n)),
                ..Default::default()
            });
            world.sign(vec![any], 4_000_000)
        })
        .collect();
    let outcome = world.block(&uploads);
    let taken = outcome.tx_results.iter().filter(|r| r.code == 0).count();
    assert_eq!(taken, OUTPUT_BYTES_MAX / 1_984_000);
    assert_eq!(outcome.new_code.len(), taken);
    let bytes: usize = outcome.new_code.values().map(|c| c.len()).sum();
    assert!(bytes < OUTPUT_BYTES_MAX);
}

/// A puppet of almost 2 MiB, most of it zeros, which zip to nothing.
fn huge(n: usize) -> Vec<u8> {
    let zeros = "\\00".repeat(990_000);
    puppet::wasm(&format!(
        r#"(data (i32.const 0x400000) "{n:04}{zeros}") (data (i32.const 0x400000) "{zeros}")"#
    ))
}

#[test]
fn responses_that_wait_are_bounded_over_all_levels_of_a_transaction() {
    let (mut world, code, a, _) = two_puppets();
    let again = sends(&[sub(&call(&a, &code.hex(), "n", 0), None)]);
    let data = format!(r#""data":"{}""#, "AAAA".repeat(125_000));
    let keep = format!("+{}", again.replace(r#""data":null"#, &data));
    world
        .execute_with(&a, &code, keep.as_bytes(), 15_000_000)
        .ok();
    let most = WAITING_BYTES_MAX / (keep.len() - 1);
    for (depth, fits) in [(most, true), (most + 1, false)] {
        let count = [b'#', u8::try_from(depth).unwrap()];
        world.execute_with(&a, &code, &count, 100_000).ok();
        let done = world.execute_with(&a, &code, b"n", 99_000_000);
        if fits {
            done.ok();
        } else {
            let text = "responses that wait cannot be longer than 16777216 bytes: exceeds limit";
            let (space, number, log) = done.error();
            assert_eq!((space, number), ("compute", 12));
            assert_eq!(
                log,
                format!("{}{text}", "dispatch: submessages: ".repeat(most))
            );
        }
    }
}

#[test]
fn what_a_contract_tells_costs_its_bytes() {
    let (mut world, code, a, _) = two_puppets();
    let mut used = |msg: &str| {
        let done = world.execute_with(&a, &code, msg.as_bytes(), PLENTY);
        u64::try_from(done.result.gas_used).unwrap()
    };
    // The transaction's own bytes cost 10 each, its JSON nearly nothing.
    let carried = |msg: &str| u64::try_from(msg.len() - NOTHING.len()).unwrap() * 10;
    let idle = used(NOTHING);
    let long = "x".repeat(30_000);
    let sealed = format!(r#"{{"key":"k","value":"{long}"}}"#);
    let open = format!(r#"{{"key":"k","value":"{long}","encrypted":false}}"#);
    let data = NOTHING.replace("null", &format!("\"{}\"", "AAAA".repeat(10_000)));
    for (msg, told) in [
        (response(&[], &sealed, ""), 40_000),
        (response(&[], &open, ""), 30_000),
        (
            response(
                &[],
                "",
                &format!(r#"{{"type":"kind","attributes":[{open}]}}"#),
            ),
            30_000,
        ),
        (data, 40_000),
        (format!(r#"{{"Err":"{long}"}}"#), 40_000),
        (
            response(&[], &vec![r#"{"key":"","value":""}"#; 1_000].join(","), ""),
            98_000,
        ),
    ] {
        let more = used(&msg) - idle - carried(&msg);
        assert!((told..told + 5_000).contains(&more), "{more} for {told}");
    }
}

#[test]
fn an_error_text_that_cannot_be_paid_for_is_not_told() {
    let (mut world, code, a, b) = two_puppets();
    // Kept before, so that telling it is all that costs.
    let keep = format!(r#"+{{"Err":"{}"}}"#, "x".repeat(100_000));
    world
        .execute_with(&a, &code, keep.as_bytes(), 5_000_000)
        .ok();
    world.execute_with(&a, &code, b"#\x01", 100_000).ok();
    let done = world.execute_with(&a, &code, b"n", 200_000);
    let text = "out of gas in location: Contract output; gasWanted: 200000, gasUsed: ";
    assert!(done.error().2.starts_with(text), "{}", done.result.log);
    let limited = sends(&[sub(&call(&a, &code.hex(), "n", 0), Some(200_000))]);
    let done = world.execute(&b, &code, &limited);
    let text = "dispatch: submessages: SubMsg hit gas limit: out of gas";
    assert_eq!(done.error(), ("sdk", 11, text));
}

#[test]
fn an_error_in_clear_shows_no_more_than_the_beginning_of_a_contracts_text() {
    let (mut world, code, a, _) = two_puppets();
    let long = "ä".repeat(5_000);
    let shown = "ä".repeat(QUOTED_BYTES_MAX / 2);
    let bank = |to: &str, denom: &str| {
        let coin = format!(r#"{{"denom":"{denom}","amount":"1"}}"#);
        let send = format!(r#"{{"bank":{{"send":{{"to_address":"{to}","amount":[{coin}]}}}}}}"#);
        sends(&[sub(&send, None)])
    };
    let attribute = format!(r#"{{"key":"_{long}","value":"v","encrypted":false}}"#);
    let event = format!(r#"{{"type":"kind","attributes":[{attribute}]}}"#);
    for msg in [
        bank(&long, "uscrt"),
        bank(&a.to_string(), &long),
        response(&[], "", &event),
    ] {
        let done = world.execute(&a, &code, &msg);
        let text = done.error().2;
        assert!(text.len() < QUOTED_BYTES_MAX + 100, "{}", text.len());
        assert!(text.contains(&shown[..QUOTED_BYTES_MAX - 2]));
    }
}

#[test]
fn a_long_storage_key_costs_its_bytes_whatever_is_done_with_it() {
    let (mut world, code, a, _) = two_puppets();
    let mut used = |what, key: usize| {
        let done = world.execute_with(&a, &code, &storage(what, &[key, 1]), PLENTY);
        done.ok().result.gas_used
    };
    for what in [b'W', b'R', b'D'] {
        let (short, longer, longest) = (used(what, 1), used(what, 256), used(what, 65_536));
        // The engine's own price: 2 wasm gas a byte.
        assert!((0..=1).contains(&(longer - short)));
        assert!(
            (65_280..65_420).contains(&(longest - longer)),
            "{}",
            longest - longer
        );
    }
}

#[test]
fn so_many_bytes_of_code_run_in_one_block_and_each_is_loaded_once() {
    let mut world = World::new();
    let most = usize::try_from(CODE_RUN_BYTES_MAX).unwrap() / huge(0).len();
    let codes: Vec<Code> = (0..=most).map(|n| world.store(huge(n))).collect();
    let born = |world: &mut World, n: usize, round: usize| {
        let label = format!("{n} of round {round}");
        let sent = world.instantiation(&codes[n], &label, NOTHING.as_bytes());
        world.sign(vec![sent.any], 1_000_000)
    };
    // All codes, then the first ones again: those that ran may run again, the one beyond may not.
    let txs: Vec<Vec<u8>> = (0..=most)
        .chain([0, most])
        .enumerate()
        .map(|(at, n)| born(&mut world, n, at))
        .collect();
    let results = world.block(&txs).tx_results;
    let failed: Vec<usize> = (0..results.len())
        .filter(|n| results[*n].code != 0)
        .collect();
    assert_eq!(failed, [most, most + 2]);
    let text = "out of gas in location: block code meter; ";
    assert!(results[most].log.starts_with(text), "{}", results[most].log);
    // The next block begins anew.
    let tx = born(&mut world, most, 99);
    assert_eq!(world.block(&[tx]).tx_results[0].code, 0);
}
