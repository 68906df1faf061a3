//! Delivery of the messages of the bank (wire.md 1.12.3, 1.13.2).

use super::{chain, deliver, shown, transfer};
use crate::modules::auth::keeper::account;
use crate::testing::{USER_BALANCE, User, coins, draft, send};
use crate::types::Address;
use crate::types::proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, Output};
use crate::types::proto::cosmos::base::abci::v1beta1::TxMsgData;
use crate::types::proto::cosmos::base::v1beta1::Coin as PbCoin;
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::proto::{Any, Message, pack};

#[test]
fn a_transfer_is_delivered_in_both_sign_modes_with_the_events_of_the_specification() {
    for mode in [SignMode::Direct, SignMode::LegacyAminoJson] {
        let mut chain = chain();
        let mut draft = transfer(&chain);
        draft.mode = mode;
        let bytes = draft.signed(&[&chain.users[0]]);
        assert_eq!(chain.check(&bytes), None);
        let result = deliver(&mut chain, bytes);
        assert_eq!(
            (result.code, result.log.as_str(), result.gas_wanted),
            (0, "", 100_000)
        );
        let (a, b) = (
            chain.users[0].address.to_string(),
            chain.users[1].address.to_string(),
        );
        let collector = "secret17xpfvakm2amg962yls6f84z3kell8c5ljuhfkp";
        let shown: Vec<String> = result.events.iter().map(shown).collect();
        let signature = shown[6].clone();
        let expected = [
            format!("coin_spent{{spender={a},amount=10000uscrt}}"),
            format!("coin_received{{receiver={collector},amount=10000uscrt}}"),
            format!("transfer{{recipient={collector},sender={a},amount=10000uscrt}}"),
            format!("message{{sender={a}}}"),
            format!("tx{{fee=10000uscrt,fee_payer={a}}}"),
            format!("tx{{acc_seq={a}/0}}"),
            signature.clone(),
            format!(
                "message{{action=/cosmos.bank.v1beta1.MsgSend,sender={a},module=bank,msg_index=0}}"
            ),
            format!("coin_spent{{spender={a},amount=5uscrt,msg_index=0}}"),
            format!("coin_received{{receiver={b},amount=5uscrt,msg_index=0}}"),
            format!("transfer{{recipient={b},sender={a},amount=5uscrt,msg_index=0}}"),
            format!("message{{sender={a},msg_index=0}}"),
        ];
        assert_eq!(shown, expected);
        assert!(signature.starts_with("tx{signature="));
        assert!(
            result
                .events
                .iter()
                .flat_map(|e| &e.attributes)
                .all(|a| a.index)
        );
        let data = TxMsgData::decode(result.data.as_slice()).unwrap();
        assert!(data.data.is_empty());
        assert_eq!(
            data.msg_responses[0].type_url,
            "/cosmos.bank.v1beta1.MsgSendResponse"
        );
        assert_eq!(
            chain.balance(&chain.users[0].address),
            USER_BALANCE - 10_005
        );
        assert_eq!(chain.balance(&chain.users[1].address), USER_BALANCE + 5);
    }
}

#[test]
fn an_ordinary_transfer_fits_into_25000_gas_even_to_a_new_account() {
    let mut chain = chain();
    let new = Address::from_bytes(&[9; 20]).unwrap();
    let mut draft = draft(vec![send(&chain.users[0].address, &new, 5)]);
    draft.fee.gas_limit = 25_000;
    let bytes = draft.signed(&[&chain.users[0]]);
    let result = deliver(&mut chain, bytes);
    assert_eq!((result.code, result.log.as_str()), (0, ""));
    assert!(result.gas_used < 20_000, "{}", result.gas_used);
    assert_eq!(chain.balance(&new), 5);
}

#[test]
fn a_multi_send_to_thirty_new_accounts_fits_into_200000_gas() {
    let mut chain = chain();
    let input = Input {
        address: chain.users[0].address.to_string(),
        coins: coins(30),
    };
    let output = |n: u8| Output {
        address: Address::from_bytes(&[n; 20]).unwrap().to_string(),
        coins: coins(1),
    };
    let msg = MsgMultiSend {
        inputs: vec![input],
        outputs: (100..130).map(output).collect(),
    };
    let mut draft = draft(vec![pack(&msg)]);
    draft.fee.gas_limit = 200_000;
    let bytes = draft.signed(&[&chain.users[0]]);
    let result = deliver(&mut chain, bytes);
    assert_eq!((result.code, result.log.as_str()), (0, ""));
    assert!(result.gas_used < 150_000, "{}", result.gas_used);
    let kinds: Vec<&str> = result
        .events
        .iter()
        .skip(7)
        .map(|e| e.kind.as_str())
        .collect();
    assert_eq!(
        kinds[..5],
        [
            "message",
            "coin_spent",
            "message",
            "coin_received",
            "transfer"
        ]
    );
    assert_eq!(kinds.len(), 3 + 60);
}

#[test]
fn out_of_gas_in_a_message_has_no_prefix_and_keeps_the_fee() {
    let mut chain = chain();
    let mut draft = transfer(&chain);
    let needed = chain
        .simulate(&draft.signed(&[&chain.users[0]]))
        .unwrap()
        .gas_used;
    draft.fee.gas_limit = needed - 300;
    let bytes = draft.signed(&[&chain.users[0]]);
    assert_eq!(chain.check(&bytes), None);
    let result = deliver(&mut chain, bytes);
    assert_eq!((result.code, result.codespace.as_str()), (11, "sdk"));
    assert!(
        result.log.starts_with("out of gas in location: "),
        "{}",
        result.log
    );
    assert!(result.gas_used > result.gas_wanted && result.data.is_empty());
    assert!(
        result
            .events
            .iter()
            .all(|e| e.attributes.iter().all(|a| a.key != "msg_index"))
    );
    assert_eq!(result.events.len(), 7);
    assert_eq!(
        chain.balance(&chain.users[0].address),
        USER_BALANCE - 10_000
    );
}

#[track_caller]
fn fails(message: Any, expected: (&str, u32, &str)) {
    let mut chain = chain();
    let bytes = draft(vec![message]).signed(&[&chain.users[0]]);
    assert_eq!(chain.check(&bytes), None);
    let result = deliver(&mut chain, bytes);
    let text = format!(
        "failed to execute message; message index: 0: {}",
        expected.2
    );
    assert_eq!(
        (result.codespace.as_str(), result.code, result.log),
        (expected.0, expected.1, text)
    );
    assert_eq!(result.events.len(), 7);
    assert_eq!(
        chain.balance(&chain.users[0].address),
        USER_BALANCE - 10_000
    );
    assert_eq!(
        chain.read(|ctx| account(ctx, &User::new(0).address)
            .unwrap()
            .unwrap()
            .sequence),
        1
    );
}

#[test]
fn failing_transfers_keep_the_fee_and_say_why() {
    use crate::types::proto::cosmos::bank::v1beta1::MsgSend;
    let (a, b) = (User::new(0).address, User::new(1).address);
    fails(
        send(&a, &b, USER_BALANCE),
        (
            "sdk",
            5,
            "spendable balance 999999990000uscrt is smaller than 1000000000000uscrt: insufficient funds",
        ),
    );
    let gov: Address = "secret10d07y265gmmuvt4z0w9aw880jnsr700jc88vt0"
        .parse()
        .unwrap();
    fails(
        send(&a, &gov, 1),
        (
            "sdk",
            4,
            &format!("{gov} is not allowed to receive funds: unauthorized"),
        ),
    );
    let coin = |denom: &str, amount: &str| PbCoin {
        denom: denom.into(),
        amount: amount.into(),
    };
    for (amount, text) in [
        (vec![], ": invalid coins"),
        (vec![coin("uscrt", "0")], "0uscrt: invalid coins"),
        (vec![coin("uscrt", "-1")], "-1uscrt: invalid coins"),
        (
            vec![coin("uscrt", "5"), coin("abc", "1")],
            "5uscrt,1abc: invalid coins",
        ),
    ] {
        let msg = MsgSend {
            from_address: a.to_string(),
            to_address: b.to_string(),
            amount,
        };
        fails(pack(&msg), ("sdk", 10, text));
    }
    let msg = MsgSend {
        from_address: a.to_string(),
        to_address: String::new(),
        amount: coins(1),
    };
    fails(
        pack(&msg),
        (
            "sdk",
            7,
            "invalid to address: empty address string is not allowed: invalid address",
        ),
    );
    let msg = MsgSend {
        from_address: a.to_string(),
        to_address: b.to_string(),
        amount: vec![coin("abc", "1")],
    };
    fails(
        pack(&msg),
        (
            "sdk",
            5,
            "spendable balance 0abc is smaller than 1abc: insufficient funds",
        ),
    );
}

#[test]
fn failing_multi_sends_say_why() {
    let (a, b) = (
        User::new(0).address.to_string(),
        User::new(1).address.to_string(),
    );
    let input = |n| Input {
        address: a.clone(),
        coins: coins(n),
    };
    let output = |n| Output {
        address: b.clone(),
        coins: coins(n),
    };
    let msg = |inputs, outputs| pack(&MsgMultiSend { inputs, outputs });
    fails(
        msg(vec![input(1), input(1)], vec![output(2)]),
        ("bank", 9, "multiple senders not allowed"),
    );
    fails(
        msg(vec![input(1)], vec![]),
        ("bank", 3, "no outputs to send transaction"),
    );
    fails(
        msg(vec![input(1)], vec![output(2)]),
        ("bank", 4, "sum inputs != sum outputs"),
    );
}

#[test]
fn the_second_message_that_fails_takes_back_the_first() {
    let mut chain = chain();
    let (a, b) = (
        chain.users[0].address.clone(),
        chain.users[1].address.clone(),
    );
    let bytes = draft(vec![send(&a, &b, 7), send(&a, &b, USER_BALANCE)]).signed(&[&chain.users[0]]);
    let result = deliver(&mut chain, bytes);
    assert!(
        result
            .log
            .starts_with("failed to execute message; message index: 1: spendable balance")
    );
    assert_eq!(chain.balance(&b), USER_BALANCE);
}

#[test]
fn an_amount_has_256_bits_and_more_than_anybody_has_is_too_much() {
    let send_text = |chain: &crate::testing::Chain, amount: &str| {
        let mut message = crate::types::proto::cosmos::bank::v1beta1::MsgSend {
            from_address: chain.users[0].address.to_string(),
            to_address: chain.users[1].address.to_string(),
            amount: coins(1),
        };
        message.amount[0].amount = amount.to_owned();
        draft(vec![pack(&message)]).signed(&[&chain.users[0]])
    };
    let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    for (amount, code) in [
        ("340282366920938463463374607431768211455", 5),
        ("340282366920938463463374607431768211456", 5),
        (most, 5),
        (&most.replace("9935", "9936"), 2),
    ] {
        let mut chain = chain();
        let bytes = send_text(&chain, amount);
        let result = deliver(&mut chain, bytes);
        assert_eq!(
            (result.code, result.codespace.as_str()),
            (code, "sdk"),
            "{amount}"
        );
        // The fee as well.
        let mut draft = transfer(&chain);
        chain.users[0].sequence = u64::from(code == 5);
        draft.fee.amount[0].amount = amount.to_owned();
        let bytes = draft.signed(&[&chain.users[0]]);
        let code = if code == 5 { 5 } else { 13 };
        assert_eq!(deliver(&mut chain, bytes).code, code, "{amount}");
    }
}
