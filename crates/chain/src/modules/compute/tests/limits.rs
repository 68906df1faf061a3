//! Every limit of a call, reached.

use super::puppet::{self, NOTHING};
use super::world::{Code, World, zip};
use super::{call, response, sends, sub, two_puppets};
use crate::block::OUTPUT_BYTES_MAX;
use crate::engine::LOAD_BLOCK_MAX;
use crate::modules::compute::limits::{
    ATTRIBUTES_MAX, MESSAGES_MAX, QUERY_RESULT_BYTES_MAX, QUOTED_BYTES_MAX, STORAGE_KEY_BYTES_MAX,
    STORAGE_VALUE_BYTES_MAX, WAITING_BYTES_MAX,
};
use crate::modules::compute::state::CODES;
use crate::types::proto::pack;
use crate::types::proto::secret::compute::v1beta1 as pb;
use crate::types::{Address, sha256};

/// A storage message of the puppet.
pub(super) fn storage(what: u8, lengths: &[usize]) -> Vec<u8> {
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

/// Lets a puppet say half a megabyte in clear for `n`, which costs little to ask for.
pub(super) fn speech(world: &mut World, code: &Code, contract: &Address) {
    let value = "x".repeat(500_000);
    let attribute = format!(r#"{{"key":"k","value":"{value}","encrypted":false}}"#);
    let keep = format!("+{}", response(&[], &attribute, ""));
    world
        .execute_with(contract, code, keep.as_bytes(), 10_000_000)
        .ok();
    world.execute_with(contract, code, b"#\xff", 100_000).ok();
}

#[test]
fn what_a_block_gives_away_is_bounded_however_it_is_made() {
    let (mut world, code, a, _) = two_puppets();
    speech(&mut world, &code, &a);
    let mut say = |n: usize, gas: u64| {
        let calls = (0..n).map(|_| world.execution(&a, &code.hash, b"n", 0).any);
        let calls = calls.collect();
        world.sign(calls, gas)
    };
    // Three say 1.5 MB: 3 % of the block's output, for which 2 % of its gas is too little.
    let greedy = [say(3, 2_000_000), say(3, 2_000_000)];
    let most: Vec<Vec<u8>> = (0..20).map(|_| say(4, 4_700_000)).collect();
    let txs: Vec<Vec<u8>> = greedy.iter().chain(&most).cloned().collect();
    let outcome = world.block(&txs);
    let (greedy, others) = outcome.tx_results.split_at(2);
    assert!(greedy.iter().all(|r| r.code == 11), "{greedy:?}");
    assert!(
        others.iter().all(|r| r.code == 0),
        "{:?}",
        others.iter().find(|r| r.code != 0)
    );
    let output: usize = outcome
        .tx_results
        .iter()
        .map(crate::block::output::of_result)
        .sum();
    assert!(
        output > OUTPUT_BYTES_MAX * 7 / 10 && output < OUTPUT_BYTES_MAX,
        "{output}"
    );
}

#[test]
fn an_upload_without_the_gas_for_its_part_of_the_block_fails_alone() {
    let mut world = World::new();
    let mut upload = |n: usize, gas: u64| {
        let any = pack(&pb::MsgStoreCode {
            sender: world.users[0].address.as_bytes().to_vec(),
            wasm_byte_code: zip(&huge(n)),
            ..Default::default()
        });
        world.sign(vec![any], gas)
    };
    // Each takes 4 % of the output. Before, 22 of these filled the block for everybody after them.
    let uploads: Vec<Vec<u8>> = (0..24)
        .map(|n| upload(n, if n % 2 == 0 { 3_900_000 } else { 4_100_000 }))
        .collect();
    let outcome = world.block(&uploads);
    for (n, result) in outcome.tx_results.iter().enumerate() {
        let log = &result.log;
        let refused = result.code == 11 && log.contains("location: block output meter");
        assert!(
            if n % 2 == 0 {
                refused
            } else {
                result.code == 0
            },
            "{n}: {log}"
        );
    }
    assert_eq!(outcome.new_code.len(), 12);
}

/// A puppet of almost 2 MiB, most of it zeros, which zip to nothing.
pub(super) fn huge(n: usize) -> Vec<u8> {
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
    for (msg, output) in [
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
        assert!(
            (output..output + 5_000).contains(&more),
            "{more} for {output}"
        );
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

/// A puppet of 32 MiB weight in 1 MB, of branch tables, that differs from others by its number.
pub(super) fn heavy(n: usize) -> Vec<u8> {
    let table = format!(
        "(func (block (br_table {}(i32.const 0))))",
        "0 ".repeat(4_000)
    );
    let number = format!(r#"(data (i32.const 0x400000) "{n:04}")"#);
    puppet::wasm(&format!("{}{number}", table.repeat(250)))
}

/// How many heavy codes a block loads.
pub(super) fn most_heavy(world: &mut World) -> usize {
    let one = world.store(heavy(0));
    let stored = world.read(|ctx| CODES.get(ctx, &one.id).unwrap().unwrap());
    usize::try_from(LOAD_BLOCK_MAX / stored.into_code().weight).unwrap()
}

/// Heavy codes, one more than a block loads.
fn one_too_many(world: &mut World) -> Vec<Code> {
    let most = most_heavy(world);
    (0..=most).map(|n| world.store(heavy(n))).collect()
}

/// Instantiates each of the codes in a transaction of its own, all in one block.
fn prepare_instantiate(world: &mut World, codes: &[Code], round: &str) -> Vec<Vec<u8>> {
    let each = codes.iter().enumerate().map(|(n, code)| {
        let label = format!("{n} {round}");
        let sent = world.instantiation(code, &label, NOTHING.as_bytes());
        world.sign(vec![sent.any], 6_000_000)
    });
    each.collect()
}

#[test]
fn loading_padding_makes_nobody_elses_call_fail() {
    let (mut world, code, a, _) = two_puppets();
    let padded: Vec<Code> = (0..9).map(|n| world.store(huge(n))).collect();
    let mut txs = prepare_instantiate(&mut world, &padded, "padded");
    let call = world.execution(&a, &code.hash, NOTHING.as_bytes(), 0);
    txs.push(world.sign(vec![call.any], 250_000));
    let results = world.block(&txs).tx_results;
    for result in &results {
        assert_eq!(result.code, 0, "{}", result.log);
    }
    // Data is copied, not translated: as cheap as any load.
    assert!(results.iter().all(|r| r.gas_used < 100_000));
}

#[test]
fn a_transaction_that_the_block_has_no_room_to_load_for_is_left_for_the_next_and_charged_nothing() {
    let (mut world, light, a, _) = two_puppets();
    let codes = one_too_many(&mut world);
    let most = codes.len() - 1;
    let before = (world.balance(&world.users[0].address), world.height);
    let mut txs = prepare_instantiate(&mut world, &codes, "first");
    let call = world.execution(&a, &light.hash, NOTHING.as_bytes(), 0);
    txs.push(world.sign(vec![call.any], 250_000));
    let outcome = world.block(&txs);
    let failed: Vec<usize> = (0..txs.len())
        .filter(|n| outcome.tx_results[*n].code != 0)
        .collect();
    assert_eq!(failed, [most, most + 1]);
    for n in failed {
        let result = &outcome.tx_results[n];
        assert_eq!(
            (result.codespace.as_str(), result.code, result.log.as_str()),
            ("sdk", 11, "no block gas left to run tx: out of gas")
        );
        assert_eq!((result.gas_wanted, result.gas_used), (0, 0));
        assert!(result.events.is_empty() && result.data.is_empty());
    }
    // Only those that ran paid.
    let fee = (before.0 - world.balance(&world.users[0].address)) / u128::try_from(most).unwrap();
    // The same bytes, in the next block: their signatures still hold.
    let next = world.block(&txs[most..]);
    assert!(
        next.tx_results.iter().all(|r| r.code == 0),
        "{}",
        next.tx_results[0].log
    );
    assert_eq!(
        before.0 - world.balance(&world.users[0].address),
        fee * u128::try_from(most + 2).unwrap()
    );
}

/// It has done all that a transaction can do before it finds no room: uploads, coins, storage.
#[test]
fn of_a_transaction_that_is_left_nothing_stays_in_its_block_and_all_happens_in_the_next() {
    let (mut world, light, a, _) = two_puppets();
    let codes = one_too_many(&mut world);
    let most = codes.len() - 1;
    let mut txs = prepare_instantiate(&mut world, &codes[..most], "fills");
    let (user, other) = (
        world.users[0].address.clone(),
        world.users[1].address.clone(),
    );
    let upload = puppet::wasm(r#"(data (i32.const 0x400000) "new")"#);
    let uploaded = sha256(&upload);
    let messages = vec![
        pack(&pb::MsgStoreCode {
            sender: user.as_bytes().to_vec(),
            wasm_byte_code: upload,
            ..Default::default()
        }),
        crate::testing::send(&user, &other, 77),
        world.execution(&a, &light.hash, b"s", 5).any,
        world
            .instantiation(&codes[most], "left", NOTHING.as_bytes())
            .any,
    ];
    let before = (
        world.balance(&user),
        world.balance(&other),
        world.balance(&a),
    );
    txs.push(world.sign(messages, 12_000_000));
    let outcome = world.block(&txs);
    assert!(outcome.tx_results[..most].iter().all(|r| r.code == 0));
    assert!(
        outcome.tx_results[most].is_left(),
        "{:?}",
        outcome.tx_results[most]
    );
    assert!(outcome.new_code.is_empty());
    assert!(outcome.access[most].writes.is_empty());
    assert_eq!(world.kept(&a, "last"), None);
    assert_eq!(
        (world.balance(&other), world.balance(&a)),
        (before.1, before.2)
    );
    // Each of the others paid its own fee, and it none.
    let fees = before.0 - world.balance(&user);
    assert_eq!(fees % u128::try_from(most).unwrap(), 0);
    let next = world.block(&txs[most..]);
    assert_eq!(next.tx_results[0].code, 0, "{}", next.tx_results[0].log);
    assert!(next.new_code.contains_key(&uploaded));
    assert!(world.kept(&a, "last").is_some());
    assert_eq!(
        (world.balance(&other), world.balance(&a)),
        (before.1 + 77, before.2 + 5)
    );
}

#[test]
fn a_transaction_that_runs_more_code_than_one_may_fails_alone() {
    let (mut world, light, a, b) = two_puppets();
    let mut contracts = Vec::new();
    for n in 0..5 {
        let code = world.store(heavy(n));
        contracts.push((world.instantiate_with(&code, 6_000_000), code));
    }
    let calls: Vec<String> = contracts
        .iter()
        .map(|(contract, code)| sub(&call(contract, &code.hex(), NOTHING, 0), None))
        .collect();
    let own = world.execution(&a, &light.hash, sends(&calls).as_bytes(), 0);
    let own = world.sign(vec![own.any], 60_000_000);
    let other = world.execution(&b, &light.hash, NOTHING.as_bytes(), 0);
    let other = world.sign(vec![other.any], 250_000);
    let results = world.block(&[own, other]).tx_results;
    let text = "out of gas in location: transaction load meter; ";
    assert!(results[0].log.starts_with(text), "{}", results[0].log);
    assert_eq!(results[1].code, 0);
    // So many fit.
    let fits = world.execution(&a, &light.hash, sends(&calls[..3]).as_bytes(), 0);
    world.run(fits, 60_000_000).ok();
}
