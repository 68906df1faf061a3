//! Contracts whose address is known before they are there: `instantiate2`.

use super::puppet::{self, NOTHING, SEEN};
use super::world::{Code, Done, GAS, World, b64};
use super::{asked, call, sends, sub, two_puppets};
use crate::modules::compute::state::{LAST_INSTANCE_ID, contract_address, predictable_address};
use crate::types::Address;

/// A message that makes a contract with this salt; it says `msg` to it.
fn instantiate2(code: &Code, label: &str, salt: &[u8], msg: &str, funds: &str) -> String {
    format!(
        r#"{{"wasm":{{"instantiate2":{{"admin":null,"code_id":{},"label":"{label}","msg":"{}","funds":[{funds}],"salt":"{}"}}}}}}"#,
        code.id,
        b64(msg),
        b64(salt)
    )
}

fn make(world: &mut World, by: &Address, code: &Code, label: &str, salt: &[u8]) -> Done {
    let message = instantiate2(code, label, salt, "s", "");
    world.execute(by, code, &sends(&[sub(&message, None)]))
}

#[test]
fn a_contract_makes_another_at_the_address_that_code_creator_and_salt_give() {
    let (mut world, code, a, b) = two_puppets();
    let numbers = world.read(|ctx| LAST_INSTANCE_ID.get(ctx).unwrap());
    let child = predictable_address(&code.hash, &a, b"salt").unwrap();
    assert_eq!(child.as_bytes().len(), 32);
    // Coins that were sent ahead are the contract's, and do not keep it from being made.
    let user = world.users[0].address.clone();
    let ahead = crate::testing::send(&user, &child, 7);
    let tx = world.sign(vec![ahead], GAS);
    assert_eq!(world.block(&[tx]).tx_results[0].code, 0);
    let sent = world.execution(&a, &code.hash, b"s", 100);
    world.run(sent, GAS).ok();
    let coin = r#"{"denom":"uscrt","amount":"5"}"#;
    let message = instantiate2(&code, "child", b"salt", "s", coin);
    // Whoever makes it may speak to it at once, and asked for a reply is told of it.
    let messages = [
        asked(7, "success", &message, None),
        sub(&call(&child, &code.hex(), "r", 0), None),
    ];
    let done = world.execute(&a, &code, &sends(&messages)).ok();
    // As of any sub-message: attributes in order of their keys.
    let event = format!(
        "instantiate{{code_id={},contract_address={child}}}",
        code.id
    );
    assert!(done.events().contains(&event), "{:?}", done.events());
    assert!(
        world
            .kept(&a, "told7")
            .unwrap()
            .contains(&child.to_string())
    );
    assert_eq!(world.kept(&child, "last").as_deref(), Some(SEEN));
    let env = world.kept(&child, "env").unwrap();
    assert!(env.contains(&format!(r#""address":"{child}""#)), "{env}");
    assert_eq!((world.balance(&child), world.balance(&a)), (12, 95));
    // Users reach it like any other, and the chain's own numbers have not moved.
    world.execute(&child, &code, "s").ok();
    assert_eq!(world.query(&child, &code.hash, b"r"), Ok(b"seen".to_vec()));
    assert_eq!(
        world.read(|ctx| LAST_INSTANCE_ID.get(ctx).unwrap()),
        numbers
    );

    // Another creator, another salt, another code: another address each.
    let other_code = world.store(puppet::wasm("(data (i32.const 0x600000) \"2\")"));
    make(&mut world, &b, &code, "of another", b"salt").ok();
    make(&mut world, &a, &code, "with another salt", b"salu").ok();
    let message = instantiate2(&other_code, "of another code", b"salt", NOTHING, "");
    world
        .execute(&a, &code, &sends(&[sub(&message, None)]))
        .ok();
    for (code, creator, salt) in [
        (&code, &b, b"salt"),
        (&code, &a, b"salu"),
        (&other_code, &a, b"salt"),
    ] {
        let address = predictable_address(&code.hash, creator, salt).unwrap();
        assert_ne!(address, child);
        world.execute(&address, code, NOTHING).ok();
    }
}

#[test]
fn the_same_salt_makes_no_second_contract_of_the_same_code_and_creator() {
    let (mut world, code, a, _) = two_puppets();
    make(&mut world, &a, &code, "first", b"salt").ok();
    let child = predictable_address(&code.hash, &a, b"salt").unwrap();
    let again = make(&mut world, &a, &code, "second", b"salt");
    let text = format!("dispatch: submessages: {child}: contract account already exists");
    assert_eq!(again.error(), ("compute", 6, text.as_str()));
    // The code by another number is the same code.
    let twin = world.store(puppet::wasm(""));
    assert_eq!(twin.hash, code.hash);
    let again = make(&mut world, &a, &twin, "second", b"salt");
    assert_eq!(again.error(), ("compute", 6, text.as_str()));
    // A label is one contract's, here as elsewhere.
    let taken = make(&mut world, &a, &code, "first", b"salu");
    let text = "dispatch: submessages: first: contract account already exists";
    assert_eq!(taken.error(), ("compute", 6, text));
    // One whose `instantiate` fails was never there, and its salt is free.
    let fails = instantiate2(&code, "third", b"third", r#"f{"Err":"no"}"#, "");
    let message = asked(7, "error", &fails, None);
    world.execute(&a, &code, &sends(&[message])).ok();
    let third = predictable_address(&code.hash, &a, b"third").unwrap();
    assert_eq!(world.kept(&third, "last"), None);
    make(&mut world, &a, &code, "third", b"third").ok();
    assert_eq!(world.kept(&third, "last").as_deref(), Some(SEEN));
}

#[test]
fn a_salt_has_1_to_64_bytes_and_an_unknown_code_makes_nothing() {
    let (mut world, code, a, _) = two_puppets();
    for (salt, text) in [
        (vec![], "salt is required: empty"),
        (
            vec![0; 65],
            "salt cannot be longer than 64 bytes: exceeds limit",
        ),
    ] {
        let refused = make(&mut world, &a, &code, "child", &salt);
        assert_eq!(refused.error().2, format!("dispatch: submessages: {text}"));
    }
    let without =
        instantiate2(&code, "child", b"salt", NOTHING, "").replace(r#","salt":"c2FsdA==""#, "");
    assert!(!without.contains("salt"));
    let refused = world.execute(&a, &code, &sends(&[sub(&without, None)]));
    assert_eq!(
        refused.error().2,
        "dispatch: submessages: salt is required: empty"
    );
    for (n, salt) in [vec![0; 1], vec![0; 64]].into_iter().enumerate() {
        make(&mut world, &a, &code, &n.to_string(), &salt).ok();
    }
    let missing = Code { id: 99, ..code };
    let refused = make(&mut world, &a, &missing, "child", b"salt");
    let text = "dispatch: submessages: code: not found";
    assert_eq!(refused.error(), ("compute", 9, text));
    // Bound to another code, it is refused before the code is called.
    let bound = instantiate2(&code, "child", b"salt", NOTHING, "").replace(
        r#""label""#,
        &format!(r#""code_hash":"{}","label""#, "00".repeat(32)),
    );
    let refused = world.execute(&a, &code, &sends(&[sub(&bound, None)]));
    let text = "dispatch: submessages: Execution error: Enclave: failed to validate transaction: instantiate contract failed";
    assert_eq!(refused.error(), ("compute", 2, text));
    // An ordinary instantiation reads no salt.
    let plain =
        instantiate2(&code, "plain", b"salt", "s", "").replace("instantiate2", "instantiate");
    world.execute(&a, &code, &sends(&[sub(&plain, None)])).ok();
    let made = contract_address(code.id, 3, &a).unwrap();
    assert_eq!(world.kept(&made, "last").as_deref(), Some(SEEN));
}
