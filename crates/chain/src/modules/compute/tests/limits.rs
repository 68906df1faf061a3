//! Every limit of a call, reached.

use super::puppet::NOTHING;
use super::{response, sends, sub, two_puppets};
use crate::modules::compute::limits::{
    ATTRIBUTES_MAX, MESSAGES_MAX, QUERY_RESULT_BYTES_MAX, STORAGE_KEY_BYTES_MAX,
    STORAGE_VALUE_BYTES_MAX,
};

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
