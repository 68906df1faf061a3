//! Decoding and the ante chain (wire.md 1.12.2).

use super::{chain, deliver, refused, refused_with, shown, transfer};
use crate::modules::auth::ante::GAS_WANTED_MAX;
use crate::modules::auth::keeper::account;
use crate::testing::{Chain, Draft, USER_BALANCE, User, coins, draft, send};
use crate::types::proto::cosmos::base::v1beta1::Coin as PbCoin;
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::proto::secret::compute::v1beta1::MsgUpgradeProposalPassed;
use crate::types::proto::{Message, pack};
use crate::types::{Address, PublicKey};

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
fn no_changed_bit_of_a_transaction_passes_in_any_mode() {
    for mode in [
        SignMode::Direct,
        SignMode::LegacyAminoJson,
        SignMode::Eip191,
    ] {
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
    let (code, text) = (30, "block height: 3, timeout height: 1: tx timeout height");
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
        (Some(PublicKey::Secp256k1(chain.users[0].pubkey)), 1)
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
    let unbuilt = MsgUpgradeProposalPassed::default();
    assert_eq!(
        refused_with(|d| d.body.messages = vec![pack(&unbuilt)]),
        (
            6,
            "no message handler found for *types.MsgUpgradeProposalPassed: unknown request".into()
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
    // No message is not the same as no transaction.
    for (bytes, code) in [(vec![], 18), (vec![0xff; 40], 2), (b"{}".to_vec(), 2)] {
        assert_eq!(refused(&mut chain, bytes.clone()).0, code, "{bytes:?}");
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
