//! The ante chain and the messages of the bank, with real signatures, against the texts of wire.md 1.12.

use super::ante::GAS_WANTED_MAX;
use crate::modules::auth::handler::account;
use crate::testing::{Chain, Draft, USER_BALANCE, User, coins, draft, send};
use crate::types::proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, Output};
use crate::types::proto::cosmos::base::abci::v1beta1::TxMsgData;
use crate::types::proto::cosmos::base::v1beta1::Coin as PbCoin;
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::proto::secret::compute::v1beta1::MsgMigrateContract;
use crate::types::proto::{Any, Message, pack};
use crate::types::{Address, Event, ExecTxResult};

fn chain() -> Chain {
    Chain::new(3)
}

/// A transfer of 5 from user 0 to user 1.
fn transfer(chain: &Chain) -> Draft {
    draft(vec![send(
        &chain.users[0].address,
        &chain.users[1].address,
        5,
    )])
}

/// The error of a check, and that delivery says the same and changes nothing.
#[track_caller]
fn refused(chain: &mut Chain, bytes: Vec<u8>) -> (u32, String) {
    let (codespace, code, text) = chain.check(&bytes).expect("it passes");
    let before = chain.state.0.clone();
    let result = chain.block(&[bytes]).tx_results.remove(0);
    assert_eq!(
        (result.codespace, result.code, result.log),
        (codespace.clone(), code, text.clone())
    );
    assert!(result.events.is_empty() && result.data.is_empty());
    assert!(chain.state.0 == before);
    assert_eq!(codespace, if code == 1 { "undefined" } else { "sdk" });
    (code, text)
}

/// Signs a draft of user 0 with a change and tells how it is refused.
#[track_caller]
fn refused_with(change: impl FnOnce(&mut Draft)) -> (u32, String) {
    let mut chain = chain();
    let mut draft = transfer(&chain);
    change(&mut draft);
    let bytes = draft.signed(&[&chain.users[0]]);
    refused(&mut chain, bytes)
}

fn deliver(chain: &mut Chain, bytes: Vec<u8>) -> ExecTxResult {
    chain.block(&[bytes]).tx_results.remove(0)
}

fn shown(event: &Event) -> String {
    let attributes: Vec<String> = event
        .attributes
        .iter()
        .map(|a| format!("{}={}", a.key, a.value))
        .collect();
    format!("{}{{{}}}", event.kind, attributes.join(","))
}

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
fn a_replay_is_refused_with_the_sequence_that_is_next() {
    let mut chain = chain();
    let bytes = transfer(&chain).signed(&[&chain.users[0]]);
    assert_eq!(deliver(&mut chain, bytes.clone()).code, 0);
    let expected = (
        32,
        "account sequence mismatch, expected 1, got 0: incorrect account sequence".to_owned(),
    );
    assert_eq!(refused(&mut chain, bytes.clone()), expected);
    let twice = chain.block(&[bytes.clone(), bytes]).tx_results;
    assert!(twice.iter().all(|r| r.code == 32));
}

#[test]
fn the_same_bytes_twice_in_a_block_count_once() {
    let mut chain = chain();
    let bytes = transfer(&chain).signed(&[&chain.users[0]]);
    let codes: Vec<u32> = chain
        .block(&[bytes.clone(), bytes])
        .tx_results
        .iter()
        .map(|r| r.code)
        .collect();
    assert_eq!(codes, [0, 32]);
    assert_eq!(chain.balance(&chain.users[1].address), USER_BALANCE + 5);
}

#[test]
fn a_wrong_chain_id_or_account_number_fails_with_the_text_of_its_mode() {
    let (code, text) = refused_with(|d| d.chain_id = "other".into());
    assert_eq!(code, 4);
    let start = "signature verification failed; please verify account number (11) and chain-id (secretdev-1): \
                 (unable to verify single signer signature ";
    assert!(
        text.starts_with(start)
            && text.ends_with("): unauthorized")
            && text.contains(" for signBytes "),
        "{text}"
    );
    let (code, text) = refused_with(|d| {
        d.mode = SignMode::LegacyAminoJson;
        d.chain_id = "other".into();
    });
    assert_eq!(code, 4);
    let start = "signature verification failed; please verify account number (11), sequence (0) and chain-id \
                 (secretdev-1): unable to verify single signer signature ";
    assert!(
        text.starts_with(start) && text.ends_with(": unauthorized"),
        "{text}"
    );
    let mut chain = chain();
    chain.users[0].number = 99;
    let bytes = transfer(&chain).signed(&[&chain.users[0]]);
    assert_eq!(refused(&mut chain, bytes).0, 4);
}

#[test]
fn every_flipped_bit_of_a_signature_is_refused() {
    let mut chain = chain();
    let bytes = transfer(&chain).signed(&[&chain.users[0]]);
    for bit in 0..512 {
        let mut bad = bytes.clone();
        let at = bytes.len() - 64 + bit / 8;
        bad[at] ^= 1 << (bit % 8);
        assert_eq!(chain.check(&bad).unwrap().1, 4);
    }
    assert_eq!(chain.check(&bytes), None);
}

#[test]
fn no_changed_bit_of_a_transaction_passes_in_either_mode() {
    for mode in [SignMode::Direct, SignMode::LegacyAminoJson] {
        let mut chain = chain();
        let mut draft = transfer(&chain);
        draft.mode = mode;
        draft.body.memo = "hi".into();
        let bytes = draft.signed(&[&chain.users[0]]);
        for at in 0..bytes.len() {
            for bit in [0, 3, 7] {
                let mut bad = bytes.clone();
                bad[at] ^= 1 << bit;
                assert!(
                    chain.check(&bad).is_some(),
                    "byte {at}, bit {bit}, {mode:?}"
                );
            }
        }
        assert_eq!(chain.check(&bytes), None);
    }
}

#[test]
fn gas_limits_are_refused_at_zero_above_the_block_and_above_the_largest_number() {
    assert_eq!(
        refused_with(|d| d.fee.gas_limit = 0),
        (41, "must provide positive gas: invalid gas limit".into())
    );
    assert_eq!(
        refused_with(|d| d.fee.gas_limit = 100_000_001),
        (
            41,
            "tx gas limit 100000001 exceeds block max gas 100000000: invalid gas limit".into()
        )
    );
    assert_eq!(
        refused_with(|d| d.fee.gas_limit = GAS_WANTED_MAX + 1),
        (
            18,
            "invalid gas supplied; 9223372036854775808 > 9223372036854775807: invalid request"
                .into()
        )
    );
}

#[test]
fn out_of_gas_in_the_ante_chain_names_location_and_limit() {
    let (code, text) = refused_with(|d| d.fee.gas_limit = 2_000);
    assert_eq!(code, 11);
    assert!(
        text.starts_with("out of gas in location: txSize; gasWanted: 2000, gasUsed: "),
        "{text}"
    );
    assert!(text.ends_with(": out of gas"));
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

#[test]
fn a_memo_counts_bytes_and_stops_at_256() {
    let (code, text) = refused_with(|d| d.body.memo = "é".repeat(129));
    assert_eq!(code, 12);
    assert_eq!(
        text,
        "maximum number of characters is 256 but received 258 characters: memo too large"
    );
    let mut chain = chain();
    let mut draft = transfer(&chain);
    draft.body.memo = "é".repeat(128);
    let bytes = draft.signed(&[&chain.users[0]]);
    assert_eq!(chain.check(&bytes), None);
}

#[test]
fn a_passed_timeout_height_is_refused_and_the_height_itself_is_not() {
    let mut chain = chain();
    chain.block(&[]);
    chain.block(&[]);
    let mut draft = transfer(&chain);
    draft.body.timeout_height = 1;
    let bytes = draft.signed(&[&chain.users[0]]);
    let (code, text) = (30, "block height: 2, timeout height: 1: tx timeout height");
    assert_eq!(chain.check(&bytes), Some(("sdk".into(), code, text.into())));
    draft.body.timeout_height = 3;
    let bytes = draft.signed(&[&chain.users[0]]);
    assert_eq!(deliver(&mut chain, bytes).code, 0);
}

#[test]
fn the_number_of_signatures_must_be_that_of_the_signers() {
    let mut chain = chain();
    let bytes = transfer(&chain).signed(&[&chain.users[0], &chain.users[1]]);
    assert_eq!(
        refused(&mut chain, bytes),
        (
            4,
            "wrong number of signers; expected 1, got 2: unauthorized".into()
        )
    );
    let bytes = transfer(&chain).signed(&[]);
    assert_eq!(
        refused(&mut chain, bytes),
        (15, "no signatures supplied".into())
    );
}

#[test]
fn two_signers_sign_two_messages_in_their_order() {
    let mut chain = chain();
    let (a, b) = (
        chain.users[0].address.clone(),
        chain.users[1].address.clone(),
    );
    for mode in [SignMode::Direct, SignMode::LegacyAminoJson] {
        let mut draft = draft(vec![send(&a, &b, 1), send(&b, &a, 1), send(&a, &b, 1)]);
        draft.mode = mode;
        let swapped = draft.signed(&[&chain.users[1], &chain.users[0]]);
        let (_, code, text) = chain.check(&swapped).unwrap();
        assert_eq!(code, 8);
        assert_eq!(
            text,
            format!(
                "pubKey does not match signer address {a} with signer index: 0: invalid pubkey"
            )
        );
        let bytes = draft.signed(&[&chain.users[0], &chain.users[1]]);
        let result = deliver(&mut chain, bytes);
        assert_eq!((result.code, result.log.as_str()), (0, ""));
        chain.users[0].sequence += 1;
        chain.users[1].sequence += 1;
    }
    assert_eq!(chain.balance(&a), USER_BALANCE - 20_000 - 2);
}

#[test]
fn more_than_seven_signatures_are_too_many() {
    let mut chain = Chain::new(8);
    let to = chain.users[0].address.clone();
    let messages = chain
        .users
        .iter()
        .map(|u| send(&u.address, &to, 1))
        .collect();
    let mut draft = draft(messages);
    draft.fee.gas_limit = 1_000_000;
    draft.fee.amount = coins(100_000);
    let users: Vec<&User> = chain.users.iter().collect();
    let bytes = draft.signed(&users);
    assert_eq!(
        refused(&mut chain, bytes),
        (
            14,
            "signatures: 8, limit: 7: maximum number of signatures exceeded".into()
        )
    );
}

#[test]
fn another_payer_pays_the_fee_and_signs_too() {
    let mut chain = chain();
    let mut draft = transfer(&chain);
    draft.fee.payer = chain.users[2].address.to_string();
    let bytes = draft.signed(&[&chain.users[0], &chain.users[2]]);
    assert_eq!(deliver(&mut chain, bytes).code, 0);
    assert_eq!(chain.balance(&chain.users[0].address), USER_BALANCE - 5);
    assert_eq!(
        chain.balance(&chain.users[2].address),
        USER_BALANCE - 10_000
    );
}

#[test]
fn a_granter_without_an_allowance_is_refused() {
    let mut chain = chain();
    let mut draft = transfer(&chain);
    let (granter, payer) = (
        chain.users[2].address.to_string(),
        chain.users[0].address.to_string(),
    );
    draft.fee.granter = granter.clone();
    let bytes = draft.signed(&[&chain.users[0]]);
    let text =
        format!("{granter} does not allow to pay fees for {payer}: fee-grant not found: not found");
    assert_eq!(refused(&mut chain, bytes), (38, text));
}

#[test]
fn a_fee_below_the_minimum_is_refused_by_the_mempool_only() {
    let mut chain = chain();
    let mut draft = transfer(&chain);
    draft.fee.amount = coins(1);
    let bytes = draft.signed(&[&chain.users[0]]);
    let text = "insufficient fees; got: 1uscrt required: 1250uscrt: insufficient fee";
    assert_eq!(chain.check(&bytes), Some(("sdk".into(), 13, text.into())));
    assert_eq!(deliver(&mut chain, bytes).code, 0);
}

#[test]
fn a_transaction_without_fee_is_delivered_and_tells_an_empty_fee() {
    for amount in [vec![], coins(0)] {
        let mut chain = chain();
        let mut draft = transfer(&chain);
        draft.fee.amount = amount;
        let bytes = draft.signed(&[&chain.users[0]]);
        assert_eq!(
            chain.check(&bytes).unwrap().2,
            "insufficient fees; got:  required: 1250uscrt: insufficient fee"
        );
        let result = deliver(&mut chain, bytes);
        assert_eq!(result.code, 0);
        let a = chain.users[0].address.to_string();
        assert_eq!(
            shown(&result.events[0]),
            format!("tx{{fee=,fee_payer={a}}}")
        );
        assert_eq!(
            result.events.iter().position(|e| e.kind == "message"),
            Some(3)
        );
    }
}

#[test]
fn fees_that_are_negative_unsorted_or_unpayable_are_refused() {
    let coin = |denom: &str, amount: &str| PbCoin {
        denom: denom.into(),
        amount: amount.into(),
    };
    assert_eq!(
        refused_with(|d| d.fee.amount = vec![coin("uscrt", "-5")]),
        (13, "invalid fee provided: -5uscrt: insufficient fee".into())
    );
    assert_eq!(
        refused_with(|d| d.fee.amount = vec![coin("uscrt", "5000"), coin("abc", "1")]),
        (
            13,
            "invalid fee amount: 5000uscrt,1abc: insufficient fee".into()
        )
    );
    assert_eq!(
        refused_with(|d| d.fee.amount = coins(USER_BALANCE + 1)),
        (
            5,
            "spendable balance 1000000000000uscrt is smaller than 1000000000001uscrt: insufficient funds: \
             insufficient funds"
                .into()
        )
    );
}

#[test]
fn a_signer_without_account_is_unknown() {
    let mut chain = chain();
    let stranger = User::new(200);
    let bytes =
        draft(vec![send(&stranger.address, &chain.users[0].address, 1)]).signed(&[&stranger]);
    let text = format!(
        "fee payer address: {} does not exist: unknown address",
        stranger.address
    );
    assert_eq!(refused(&mut chain, bytes), (9, text));
    let (a, s) = (chain.users[0].address.clone(), stranger.address.clone());
    let bytes = draft(vec![send(&a, &s, 1), send(&s, &a, 1)]).signed(&[&chain.users[0], &stranger]);
    assert_eq!(
        refused(&mut chain, bytes),
        (9, format!("account {s} does not exist: unknown address"))
    );
}

#[test]
fn the_public_key_is_learnt_once_and_may_then_be_left_out() {
    let mut chain = chain();
    let a = chain.users[0].address.clone();
    assert_eq!(
        chain.read(|ctx| account(ctx, &a).unwrap().unwrap().pubkey),
        None
    );
    let mut bytes = transfer(&chain).signed(&[&chain.users[0]]);
    assert_eq!(deliver(&mut chain, bytes).code, 0);
    let known = chain.read(|ctx| account(ctx, &a).unwrap().unwrap());
    assert_eq!(
        (known.pubkey, known.sequence),
        (Some(chain.users[0].pubkey), 1)
    );
    chain.users[0].sequence = 1;
    bytes = without_key(&transfer(&chain), &chain.users[0]);
    assert_eq!(deliver(&mut chain, bytes).code, 0);
    bytes = without_key(
        &draft(vec![send(&chain.users[1].address, &a, 1)]),
        &chain.users[1],
    );
    assert_eq!(
        refused(&mut chain, bytes),
        (8, "pubkey on account is not set: invalid pubkey".into())
    );
}

/// A DIRECT transaction whose signer info carries no key.
fn without_key(draft: &Draft, user: &User) -> Vec<u8> {
    use crate::types::proto::cosmos::tx::v1beta1::AuthInfo;
    let mut info = user.info(SignMode::Direct);
    info.public_key = None;
    let info = AuthInfo {
        signer_infos: vec![info],
        fee: Some(draft.fee.clone()),
        ..AuthInfo::default()
    };
    let (body, info) = (draft.body.encode_to_vec(), info.encode_to_vec());
    let bytes = crate::types::tx::sign_bytes_direct(&body, &info, &draft.chain_id, user.number);
    crate::types::tx::encode(body, info, vec![user.sign(&bytes)])
}

#[test]
fn messages_without_handler_and_extension_options_are_refused() {
    let migrate = MsgMigrateContract::default();
    assert_eq!(
        refused_with(|d| d.body.messages = vec![pack(&migrate)]),
        (
            6,
            "no message handler found for *types.MsgMigrateContract: unknown request".into()
        )
    );
    let option = send(
        &Address::from_bytes(&[1; 20]).unwrap(),
        &Address::from_bytes(&[1; 20]).unwrap(),
        1,
    );
    assert_eq!(
        refused_with(|d| d.body.extension_options = vec![option.clone()]),
        (31, "unknown extension options".into())
    );
    // Amino JSON does not cover them: whoever relays the transaction could add one.
    let (code, text) = refused_with(|d| {
        d.mode = SignMode::LegacyAminoJson;
        d.body.non_critical_extension_options = vec![option];
    });
    assert_eq!(code, 18);
    assert!(text.contains("does not support protobuf extension options"));
}

#[test]
fn garbage_is_refused_and_leaves_nothing() {
    let mut chain = chain();
    for bytes in [vec![], vec![0xff; 40], b"{}".to_vec()] {
        let code = refused(&mut chain, bytes).0;
        assert!(code == 2 || code == 18);
    }
}

#[test]
fn broken_signer_addresses_fail_early_with_their_own_errors() {
    let change = |from: &str| {
        let from = from.to_owned();
        move |d: &mut Draft| {
            use crate::types::proto::cosmos::bank::v1beta1::MsgSend;
            let to = Address::from_bytes(&[1; 20]).unwrap().to_string();
            d.body.messages = vec![pack(&MsgSend {
                from_address: from,
                to_address: to,
                amount: coins(1),
            })];
        }
    };
    assert_eq!(
        refused_with(change("")),
        (1, "empty address string is not allowed".into())
    );
    let (code, text) = refused_with(change("cosmos1fl48vsnmsdzcv85q5d2q4z5ajdha8yu34mf0eh"));
    assert_eq!(code, 35);
    assert_eq!(
        text,
        "hrp does not match bech32 prefix: expected 'secret' got 'cosmos': internal logic error"
    );
    let (code, text) = refused_with(change("secret1fl48vsnmsdzcv85q5d2q4z5ajdha8yu3h7axyx"));
    assert_eq!(code, 1);
    assert!(text.starts_with("decoding bech32 failed: "), "{text}");
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
