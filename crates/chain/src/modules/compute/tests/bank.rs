//! Contracts that hold and send coins.

use super::puppet::NOTHING;
use super::world::{Done, GAS, World};
use super::{call, sends, sub, two_puppets};
use crate::modules::accounts;
use crate::modules::bank::state::SEND_ENABLED;
use crate::modules::compute::state::contract_address;
use crate::types::Address;

fn send(to: &str, amount: &str) -> String {
    sub(
        &format!(r#"{{"bank":{{"send":{{"to_address":"{to}","amount":[{amount}]}}}}}}"#),
        None,
    )
}

fn coin(amount: &str, denom: &str) -> String {
    format!(r#"{{"denom":"{denom}","amount":"{amount}"}}"#)
}

/// A sends what it was given: 10 uscrt.
fn sent(world: &mut World, a: &Address, hash: &[u8; 32], message: String) -> Done {
    let sent = world.execution(a, hash, sends(&[message]).as_bytes(), 10);
    world.run(sent, GAS)
}

#[test]
fn a_contract_sends_coins_without_an_event_message() {
    let (mut world, code, a, _) = two_puppets();
    let to = Address::from_bytes(&[5; 20]).unwrap();
    let done = sent(
        &mut world,
        &a,
        &code.hash,
        send(&to.to_string(), &coin("4", "uscrt")),
    )
    .ok();
    assert_eq!(
        done.events()[8..],
        [
            format!("coin_spent{{spender={a},amount=4uscrt}}"),
            format!("coin_received{{receiver={to},amount=4uscrt}}"),
            format!("transfer{{recipient={to},sender={a},amount=4uscrt}}"),
        ]
    );
    assert_eq!((world.balance(&a), world.balance(&to)), (6, 4));
    // Nothing to send is no message.
    let events = sent(&mut world, &a, &code.hash, send("anything", ""))
        .ok()
        .events();
    assert_eq!(events.len(), 8);
}

#[test]
fn a_send_that_is_refused_gives_everything_back() {
    let (mut world, code, a, _) = two_puppets();
    let user = world.users[0].address.clone();
    let before = world.balance(&user);
    let to = Address::from_bytes(&[5; 20]).unwrap().to_string();
    let gov = accounts::by_name(accounts::GOV).unwrap().address();
    let cases = [
        (
            send(&gov.to_string(), &coin("1", "uscrt")),
            "sdk",
            4,
            format!("{gov} is not allowed to receive funds: unauthorized"),
        ),
        (
            send(&to, &coin("11", "uscrt")),
            "sdk",
            5,
            "spendable balance 10uscrt is smaller than 11uscrt: insufficient funds".into(),
        ),
        (
            send(&to, &coin("1", "other")),
            "sdk",
            5,
            "spendable balance 0other is smaller than 1other: insufficient funds".into(),
        ),
        (
            send("", &coin("1", "uscrt")),
            "sdk",
            7,
            ": invalid address".into(),
        ),
        (
            send("nowhere", &coin("1", "uscrt")),
            "sdk",
            7,
            "nowhere: invalid address".into(),
        ),
        (
            send("cosmos1xyz", &coin("1", "uscrt")),
            "sdk",
            7,
            "cosmos1xyz: invalid address".into(),
        ),
        (
            send(&to, &coin("1.5", "uscrt")),
            "sdk",
            10,
            "1.5uscrt: invalid coins".into(),
        ),
        (
            send(&to, &coin("-1", "uscrt")),
            "sdk",
            10,
            "-1uscrt: invalid coins".into(),
        ),
        (
            send(&to, &coin("+1", "uscrt")),
            "sdk",
            10,
            "+1uscrt: invalid coins".into(),
        ),
        (
            send(&to, &coin("01", "uscrt")),
            "sdk",
            10,
            "01uscrt: invalid coins".into(),
        ),
        (
            send(&to, &coin("", "uscrt")),
            "sdk",
            10,
            "uscrt: invalid coins".into(),
        ),
        (
            send(
                &to,
                &coin("340282366920938463463374607431768211456", "uscrt"),
            ),
            "sdk",
            5,
            // Shown as the most that can be said: nobody has it.
            "spendable balance 10uscrt is smaller than 340282366920938463463374607431768211455uscrt: insufficient funds"
                .into(),
        ),
        (
            send(&to, &coin("0", "uscrt")),
            "sdk",
            10,
            "0uscrt: invalid coins".into(),
        ),
        (
            send(&to, &coin("1", "x")),
            "sdk",
            10,
            "1x: invalid coins".into(),
        ),
        (
            send(&to, &format!("{},{}", coin("1", "uscrt"), coin("1", "abc"))),
            "sdk",
            10,
            "1uscrt,1abc: invalid coins".into(),
        ),
    ];
    let count = u128::try_from(cases.len()).unwrap();
    for (message, space, number, text) in cases {
        let done = sent(&mut world, &a, &code.hash, message);
        let text = format!("dispatch: submessages: {text}");
        assert_eq!(done.error(), (space, number, text.as_str()));
    }
    assert_eq!(world.balance(&a), 0);
    assert_eq!(world.balance(&user), before - 10_000 * count);
}

#[test]
fn a_contract_cannot_send_what_is_switched_off() {
    let (mut world, code, a, b) = two_puppets();
    let mut writes = crate::types::WriteSet::default();
    let enabled = (crate::types::Tree::Native, SEND_ENABLED.raw_key(&"uscrt"));
    // Format byte, then false.
    writes.0.insert(enabled, Some(vec![1, 0]));
    let to = Address::from_bytes(&[5; 20]).unwrap().to_string();
    let filled = world.execution(&a, &code.hash, NOTHING.as_bytes(), 10);
    world.run(filled, GAS).ok();
    world.state.apply(&writes);
    let done = world.execute(&a, &code, &sends(&[send(&to, &coin("1", "uscrt"))]));
    let text = "dispatch: submessages: uscrt transfers are currently disabled: send transactions are disabled";
    assert_eq!(done.error(), ("bank", 5, text));
    // Funds that come along with a call are no transfer by message.
    world
        .execute(
            &a,
            &code,
            &sends(&[sub(&call(&b, &code.hex(), NOTHING, 1), None)]),
        )
        .ok();
    assert_eq!(world.balance(&b), 1);
}

#[test]
fn funds_that_came_with_a_failing_call_go_back() {
    let (mut world, code, a, b) = two_puppets();
    for message in [
        "p".to_owned(),
        sends(&[sub(&call(&b, &code.hex(), "p", 10), None)]),
    ] {
        let sent = world.execution(&a, &code.hash, message.as_bytes(), 10);
        let done = world.run(sent, GAS);
        assert_eq!(done.error().1, 3);
        assert_eq!((world.balance(&a), world.balance(&b)), (0, 0));
    }
    // More than the contract has.
    let done = world.execute(
        &a,
        &code,
        &sends(&[sub(&call(&b, &code.hex(), "s", 1), None)]),
    );
    let text = "dispatch: submessages: spendable balance 0uscrt is smaller than 1uscrt: insufficient funds";
    assert_eq!(done.error(), ("sdk", 5, text));
    assert_eq!(world.kept(&b, "last"), None);
}

#[test]
fn coins_sent_to_a_predicted_address_do_not_keep_the_contract_from_being_made() {
    let (mut world, code, a, _) = two_puppets();
    let user = world.users[0].address.clone();
    // The next two of this code: one of the user, one of a contract.
    let next = contract_address(code.id, 3, &user).unwrap();
    let of_contract = contract_address(code.id, 4, &a).unwrap();
    let gifts = vec![
        crate::testing::send(&user, &next, 7),
        crate::testing::send(&user, &of_contract, 9),
    ];
    let tx = world.sign(gifts, GAS);
    assert_eq!(world.block(&[tx]).tx_results[0].code, 0);
    assert_eq!(world.instantiate(&code), next);
    let prepare_instantiate = format!(
        r#"{{"wasm":{{"instantiate":{{"admin":null,"code_id":{},"code_hash":"{}","msg":"{}","send":[],"label":"child"}}}}}}"#,
        code.id,
        code.hex(),
        super::world::b64(NOTHING)
    );
    world
        .execute(&a, &code, &sends(&[sub(&prepare_instantiate, None)]))
        .ok();
    assert_eq!((world.balance(&next), world.balance(&of_contract)), (7, 9));
    // They are the contract's own.
    let out = sends(&[send(&user.to_string(), &coin("7", "uscrt"))]);
    world.execute(&next, &code, &out).ok();
    assert_eq!(world.balance(&next), 0);
}
