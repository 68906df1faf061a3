//! How deep replies nest, how much they tell, what they cost.

use super::super::limits::speech;
use super::super::puppet::NOTHING;
use super::super::world::GAS;
use super::super::{asked, call, sends, sub, two_puppets};
use super::{bank, on, prefixed, redacted, with_data};
use crate::modules::compute::limits::{CALL_DEPTH_MAX, REPLY_BYTES_MAX, WAITING_BYTES_MAX};

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
