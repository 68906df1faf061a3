//! Multisigs: what they sign, what it costs, and how what does not hold is refused (docs/spec/chain.md 8).

use super::{deliver, refused, shown};
use crate::genesis::{export, init_chain};
use crate::modules::auth::keeper::account;
use crate::testing::{Chain, Draft, Group, MemoryState, Party, User, draft, send};
use crate::types::multisig::{Signed, combine, member};
use crate::types::proto::cosmos::auth::v1beta1 as auth;
use crate::types::proto::cosmos::crypto::multisig::LegacyAminoPubKey;
use crate::types::proto::cosmos::feegrant::v1beta1 as feegrant;
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::proto::cosmos::tx::v1beta1::mode_info::Sum;
use crate::types::proto::{Message, Name, pack};
use crate::types::public_key::{Multisig, PublicKey};
use crate::types::{ExecTxResult, tx};

/// A chain with a multisig of users 1, 2 and 3 of whom two must sign.
fn two_of_three() -> (Chain, Group) {
    let mut chain = Chain::new(8);
    let group = Group::new(2, &[1, 2, 3]).on(&mut chain);
    (chain, group)
}

/// The group sends 5 to the first user.
fn transfer(chain: &Chain, group: &Group) -> Draft {
    draft(vec![send(&group.address, &chain.users[0].address, 5)])
}

fn good(chain: &mut Chain, bytes: Vec<u8>) -> ExecTxResult {
    assert_eq!(chain.check(&bytes), None);
    let result = deliver(chain, bytes);
    assert_eq!((result.code, result.log.as_str()), (0, ""));
    result
}

#[test]
fn any_two_of_three_send_and_all_three_do_and_the_key_is_known_from_then_on() {
    let (mut chain, mut group) = two_of_three();
    for places in [&[0, 1][..], &[0, 2], &[1, 2], &[0, 1, 2]] {
        let draft = transfer(&chain, &group);
        let (mode, signature) = group.give(&draft, places);
        let bytes = group.raw(&draft, (mode, signature.clone()));
        let result = good(&mut chain, bytes);
        // Events as of the Cosmos SDK: each signature, then all of them.
        let told = result.events.iter().map(shown);
        let told: Vec<_> = told.filter(|e| e.starts_with("tx{signature=")).collect();
        let base64 = |bytes: &[u8]| {
            use base64::Engine as _;
            let text = base64::engine::general_purpose::STANDARD.encode(bytes);
            format!("tx{{signature={text}}}")
        };
        let mut wanted: Vec<_> = places
            .iter()
            .map(|at| base64(&group.signature(&draft, *at)))
            .collect();
        wanted.push(base64(&signature));
        assert_eq!(told, wanted);
        group.sequence += 1;
    }
    let request = auth::QueryAccountRequest {
        address: group.address.to_string(),
    };
    let answer: auth::QueryAccountResponse = chain
        .query("/cosmos.auth.v1beta1.Query/Account", &request)
        .unwrap();
    let found = auth::BaseAccount::decode(answer.account.unwrap().value.as_slice()).unwrap();
    assert_eq!(found.pub_key, Some(group.key.to_any()));
    assert_eq!((found.account_number, found.sequence), (group.number, 4));
    // The key may be left out now.
    let draft = transfer(&chain, &group);
    let bytes = group.raw(&draft, group.give(&draft, &[0, 1]));
    let mut raw = tx::Tx::decode(&bytes).unwrap();
    raw.auth_info.signer_infos[0].public_key = None;
    let bytes = tx::encode(
        raw.body_bytes,
        raw.auth_info.encode_to_vec(),
        raw.signatures,
    );
    good(&mut chain, bytes);
}

#[test]
fn what_does_not_hold_is_refused_by_name() {
    let (mut chain, group) = two_of_three();
    let draft = transfer(&chain, &group);
    let [a, b, c] = [0, 1, 2].map(|at| Some(member(group.signature(&draft, at))));
    let stranger = User::new(4).sign(&draft.document(group.number, 0).to_bytes().unwrap());
    let mut other = draft.clone();
    other.chain_id = "other".into();
    let elsewhere = Some(member(group.signature(&other, 1)));
    // The document of the member's own account is not that of the multisig's.
    let own = chain.users[1].sign(&draft.document(chain.users[1].number, 0).to_bytes().unwrap());
    let nested = Some(combine(vec![a.clone()]));
    let cases: [(Signed, &str); 10] = [
        (
            combine(vec![a.clone(), None, None]),
            "signature size is incorrect 1",
        ),
        (
            combine(vec![None, None, None]),
            "signature size is incorrect 0",
        ),
        (
            combine(vec![a.clone(), b.clone()]),
            "bit array size is incorrect, expecting: 3",
        ),
        (
            combine(vec![a.clone(), b.clone(), None, None]),
            "bit array size is incorrect, expecting: 3",
        ),
        (
            combine(vec![a.clone(), b.clone(), c.clone(), c.clone()]),
            "bit array size is incorrect, expecting: 3",
        ),
        (
            combine(vec![b.clone(), a.clone(), None]),
            "unable to verify signature at index 0",
        ),
        (
            combine(vec![a.clone(), Some(member(stranger)), None]),
            "unable to verify signature at index 1",
        ),
        (
            combine(vec![a.clone(), elsewhere, None]),
            "unable to verify signature at index 1",
        ),
        (
            combine(vec![Some(member(own)), b.clone(), None]),
            "unable to verify signature at index 0",
        ),
        (
            combine(vec![nested, b.clone(), None]),
            "unable to parse pubkey of index 0",
        ),
    ];
    let number = group.number;
    let start = format!(
        "signature verification failed; please verify account number ({number}), sequence (0) and chain-id \
         (secretdev-1): "
    );
    for (given, why) in cases {
        let text = format!("{start}{why}: unauthorized");
        assert_eq!(refused(&mut chain, group.raw(&draft, given)), (4, text));
    }
    good(&mut chain, group.raw(&draft, combine(vec![a, None, c])));
}

/// The good transaction with its bit array changed.
fn with_bits(group: &Group, draft: &Draft, places: &[usize], extra: u32, elems: &[u8]) -> Vec<u8> {
    let (mut mode, signature) = group.give(draft, places);
    let Some(Sum::Multi(multi)) = &mut mode.sum else {
        panic!("no multisig")
    };
    let array = multi.bitarray.as_mut().unwrap();
    (array.extra_bits_stored, array.elems) = (extra, elems.to_vec());
    group.raw(draft, (mode, signature))
}

#[test]
fn a_bit_array_of_another_length_form_or_number_is_refused() {
    let (mut chain, group) = two_of_three();
    let draft = transfer(&chain, &group);
    let size = "bit array size is incorrect, expecting: 3";
    for (places, extra, elems, why) in [
        (&[0, 1][..], 3, &[][..], size),
        (&[0, 1], 0, &[], size),
        (&[0, 1], 0, &[0xc0], size),
        (&[0, 1], 2, &[0xc0], size),
        (&[0, 1], 3, &[0xc0, 0], size),
        // Bits that are none: a second encoding.
        (&[0, 1], 3, &[0xc1], size),
        (&[0, 1], 11, &[0xc0], size),
        (&[0, 1], u32::MAX, &[0xff; 100], size),
        (
            &[0, 1],
            3,
            &[0x80],
            "not enough signatures set, have 1, expected 2",
        ),
        (
            &[0, 1],
            3,
            &[0],
            "not enough signatures set, have 0, expected 2",
        ),
        // A signature too few, and one too many.
        (&[0, 1], 3, &[0xe0], "signature size is incorrect 2"),
        (&[0, 1, 2], 3, &[0xc0], "signature size is incorrect 3"),
        (&[0, 1], 3, &[0xa0], "unable to verify signature at index 2"),
    ] {
        let bytes = with_bits(&group, &draft, places, extra, elems);
        let (code, text) = refused(&mut chain, bytes);
        assert_eq!(code, 4);
        assert!(text.ends_with(&format!(": {why}: unauthorized")), "{text}");
    }
    let (mut mode, signature) = group.give(&draft, &[0, 1]);
    if let Some(Sum::Multi(multi)) = &mut mode.sum {
        multi.bitarray = None;
    }
    let (_, text) = refused(&mut chain, group.raw(&draft, (mode, signature)));
    assert!(text.contains(size), "{text}");
    let bytes = with_bits(&group, &draft, &[0, 1], 3, &[0xc0]);
    good(&mut chain, bytes);
}

#[test]
fn members_sign_amino_json_and_nothing_else() {
    let (mut chain, group) = two_of_three();
    let draft = transfer(&chain, &group);
    for (mode, name) in [
        (1, "SIGN_MODE_DIRECT"),
        (2, "SIGN_MODE_TEXTUAL"),
        (191, "SIGN_MODE_EIP_191"),
        (77, "77"),
    ] {
        let (mut info, signature) = group.give(&draft, &[0, 1]);
        let Some(Sum::Multi(multi)) = &mut info.sum else {
            panic!("no multisig")
        };
        let Some(Sum::Single(first)) = &mut multi.mode_infos[0].sum else {
            panic!("no mode")
        };
        first.mode = mode;
        let (code, text) = refused(&mut chain, group.raw(&draft, (info, signature)));
        let why = format!(
            "chain-id (secretdev-1): (unsupported sign mode {name} in a multisig): unauthorized"
        );
        assert!(code == 4 && text.ends_with(&why), "{text}");
    }
    // One signature is none of several, several are none of one.
    let one = member(group.signature(&draft, 0));
    assert_eq!(
        refused(&mut chain, group.raw(&draft, one)),
        (
            1,
            "expected *signing.MultiSignatureData, got, *signing.SingleSignatureData".into()
        )
    );
    let mut alone = Group::of(
        PublicKey::Secp256k1(User::new(1).pubkey),
        vec![User::new(1)],
    );
    alone.number = chain.users[1].number;
    let draft = transfer(&chain, &alone);
    let (code, text) = refused(&mut chain, alone.raw(&draft, alone.give(&draft, &[0])));
    assert_eq!(code, 4);
    assert!(
        text.contains("expected multisig.PubKey, got *secp256k1.PubKey"),
        "{text}"
    );
}

#[test]
fn a_key_that_nobody_or_everybody_meets_or_that_is_none_is_refused() {
    let (mut chain, group) = two_of_three();
    let draft = transfer(&chain, &group);
    let keys: Vec<_> = group
        .members
        .iter()
        .map(|u| PublicKey::Secp256k1(u.pubkey).to_any())
        .collect();
    let any = |threshold, public_keys| {
        pack(&LegacyAminoPubKey {
            threshold,
            public_keys,
        })
    };
    let mut unknown = keys[0].clone();
    unknown.type_url = "/cosmos.base.v1beta1.Coin".into();
    unknown.value = Vec::new();
    let less = "threshold k of n multisignature: k <= 0: invalid pubkey";
    let more = "threshold k of n multisignature: len(pubKeys) < k: invalid pubkey";
    for (key, text) in [
        (any(0, keys.clone()), less),
        (any(0, vec![]), less),
        (any(4, keys.clone()), more),
        (any(1, vec![]), more),
        (
            any(1, vec![unknown]),
            "unrecognized public key type: cosmos.base.v1beta1.Coin: invalid pubkey",
        ),
        (
            any(1, vec![keys[0].clone(); 65]),
            "multisig of more than 64 keys: invalid pubkey",
        ),
    ] {
        let mut raw = tx::Tx::decode(&group.raw(&draft, group.give(&draft, &[0, 1]))).unwrap();
        raw.auth_info.signer_infos[0].public_key = Some(key);
        let bytes = tx::encode(
            raw.body_bytes,
            raw.auth_info.encode_to_vec(),
            raw.signatures,
        );
        assert_eq!(refused(&mut chain, bytes), (8, text.into()));
    }
    // Another multisig, also one with the same members, is not the signer.
    let mut other = Group::new(1, &[1, 2, 3]);
    other.number = group.number;
    let (code, text) = refused(&mut chain, other.raw(&draft, other.give(&draft, &[0])));
    assert_eq!(code, 8);
    assert!(
        text.starts_with("pubKey does not match signer address"),
        "{text}"
    );
}

#[test]
fn every_signature_costs_its_gas_and_its_bytes() {
    let gas = |places: &[usize]| {
        let (mut chain, group) = two_of_three();
        let draft = transfer(&chain, &group);
        let bytes = group.raw(&draft, group.give(&draft, places));
        let length = i64::try_from(bytes.len()).unwrap();
        (good(&mut chain, bytes).gas_used, length)
    };
    let (two, three) = (gas(&[0, 2]), gas(&[0, 1, 2]));
    assert_eq!(three.0 - two.0, 1_000 + 10 * (three.1 - two.1));
    assert_eq!(gas(&[1, 2]).0, two.0);
}

#[test]
fn every_key_counts_against_the_limit_of_signatures() {
    let mut chain = Chain::new(8);
    let seven = Group::new(7, &[0, 1, 2, 3, 4, 5, 6]).on(&mut chain);
    let mut draft = transfer(&chain, &seven);
    draft.fee.gas_limit = 200_000;
    draft.fee.amount = crate::testing::coins(20_000);
    let bytes = seven.raw(&draft, seven.give(&draft, &[0, 1, 2, 3, 4, 5, 6]));
    good(&mut chain, bytes);
    let too_many = |n| {
        (
            14,
            format!("signatures: {n}, limit: 7: maximum number of signatures exceeded"),
        )
    };

    let eight = Group::new(1, &[0, 1, 2, 3, 4, 5, 6, 7]).on(&mut chain);
    let draft = transfer(&chain, &eight);
    let bytes = eight.raw(&draft, eight.give(&draft, &[0]));
    assert_eq!(refused(&mut chain, bytes), too_many(8));

    // Those of multisigs within it, too: four and four.
    let four = || PublicKey::Multisig(Multisig::new(1, eight_keys(4)).unwrap());
    let key = PublicKey::Multisig(Multisig::new(1, vec![four(), four()]).unwrap());
    let nested = Group::of(key, vec![User::new(1), User::new(2)]).on(&mut chain);
    let draft = transfer(&chain, &nested);
    let bytes = nested.raw(&draft, nested.give(&draft, &[0]));
    assert_eq!(refused(&mut chain, bytes), too_many(8));

    // And those of the other signers.
    let six = Group::new(1, &[0, 1, 2, 3, 4, 5]).on(&mut chain);
    let to = chain.users[7].address.clone();
    let mut draft = crate::testing::draft(vec![
        send(&six.address, &to, 1),
        send(&chain.users[0].address, &to, 1),
        send(&chain.users[1].address, &to, 1),
    ]);
    let parties = |chain: &Chain, draft: &Draft, all: bool| {
        let amino = SignMode::LegacyAminoJson;
        let mut parties = vec![
            Party::Several(&six, &[3]),
            Party::One(&chain.users[0], amino),
        ];
        if all {
            parties.push(Party::One(&chain.users[1], amino));
        }
        draft.signed_by(&parties)
    };
    let bytes = parties(&chain, &draft, true);
    assert_eq!(refused(&mut chain, bytes), too_many(8));
    draft.body.messages.pop();
    let bytes = parties(&chain, &draft, false);
    good(&mut chain, bytes);
}

fn eight_keys(n: u8) -> Vec<PublicKey> {
    (0..n)
        .map(|n| PublicKey::Secp256k1(User::new(n).pubkey))
        .collect()
}

#[test]
fn a_multisig_may_be_a_member_of_another_and_signs_the_same_document() {
    let mut chain = Chain::new(6);
    let inner = Group::new(2, &[1, 2, 3]);
    let keys = vec![
        inner.key.clone(),
        PublicKey::Secp256k1(User::new(4).pubkey),
        PublicKey::Ed25519([9; 32]),
    ];
    let key = PublicKey::Multisig(Multisig::new(2, keys).unwrap());
    let outer = Group::of(key, vec![User::new(0), User::new(4)]).on(&mut chain);
    let draft = transfer(&chain, &outer);
    let document = draft
        .document(outer.number, outer.sequence)
        .to_bytes()
        .unwrap();
    let of = |at: usize| Some(member(inner.members[at].sign(&document)));
    let both = |a, b, c| {
        let own = Some(member(outer.signature(&draft, 1)));
        let given = vec![Some(combine(vec![a, b, c])), own, None];
        outer.raw(&draft, combine(given))
    };
    let (_, text) = refused(&mut chain, both(of(0), None, None));
    assert!(text.contains("signature size is incorrect 1"), "{text}");
    let (_, text) = refused(&mut chain, both(of(0), of(2), None));
    assert!(
        text.contains("unable to verify signature at index 1"),
        "{text}"
    );
    // One where several are needed.
    let own = Some(member(outer.signature(&draft, 1)));
    let one = outer.raw(&draft, combine(vec![of(0), own.clone(), None]));
    let wanted = "expected *signing.MultiSignatureData, got, *signing.SingleSignatureData";
    assert_eq!(refused(&mut chain, one), (1, wanted.into()));
    // An ed25519 key may be there, and signs nothing.
    let strange = outer.raw(&draft, combine(vec![None, own, Some(member(vec![0; 64]))]));
    let wanted = "ED25519 public keys are unsupported: invalid pubkey";
    assert_eq!(refused(&mut chain, strange), (8, wanted.into()));
    let bytes = both(of(0), None, of(2));
    good(&mut chain, bytes);
}

#[test]
fn the_same_key_twice_counts_twice() {
    let mut chain = Chain::new(3);
    let group = Group::new(2, &[1, 1, 2]).on(&mut chain);
    let draft = transfer(&chain, &group);
    good(&mut chain, group.raw(&draft, group.give(&draft, &[0, 1])));
}

#[test]
fn a_simulation_of_a_multisig_holds_whatever_is_left_out() {
    let (mut chain, group) = two_of_three();
    let draft = transfer(&chain, &group);
    let full = group.give(&draft, &[0, 2]);
    let mut unnamed = member(Vec::new()).0;
    if let Some(Sum::Single(single)) = &mut unnamed.sum {
        single.mode = 0;
    }
    let zeros = combine(vec![
        Some(member(vec![0; 64])),
        Some(member(vec![0; 64])),
        None,
    ]);
    let empty = combine(vec![Some(member(vec![])), Some(member(vec![])), None]);
    let estimates: Vec<u64> = [
        full.clone(),
        (unnamed, vec![]),
        zeros,
        (empty.0.clone(), vec![]),
        empty,
    ]
    .into_iter()
    .map(|given| chain.simulate(&group.raw(&draft, given)).unwrap().gas_used)
    .collect();
    // More signatures than are needed, if so many are named.
    let all = combine(vec![Some(member(vec![])); 3]);
    let more = chain.simulate(&group.raw(&draft, all)).unwrap().gas_used;
    let used = good(&mut chain, group.raw(&draft, full));
    let used = used.gas_used.unsigned_abs();
    for estimate in &estimates {
        assert!(estimate.abs_diff(used) <= 60, "{estimates:?} and {used}");
    }
    // 1,000 for the signature, 10 for each of its 64 bytes and of the 8 around it.
    assert!(more.abs_diff(used + 1_720) <= 60, "{more} and {used}");
}

#[test]
fn signers_of_one_transaction_sign_each_in_its_own_mode() {
    let (mut chain, group) = two_of_three();
    let to = User::new(7).address;
    let users = &chain.users;
    let mut draft = draft(vec![
        send(&users[4].address, &to, 1),
        send(&group.address, &to, 2),
        send(&users[5].address, &to, 3),
        send(&users[6].address, &to, 4),
    ]);
    draft.fee.gas_limit = 200_000;
    draft.fee.amount = crate::testing::coins(20_000);
    let parties = |places| {
        [
            Party::One(&users[4], SignMode::Direct),
            Party::Several(&group, places),
            Party::One(&users[5], SignMode::LegacyAminoJson),
            Party::One(&users[6], SignMode::Eip191),
        ]
    };
    let bytes = draft.signed_by(&parties(&[0, 2]));
    let before = chain.balance(&to);
    let (few, other) = (
        draft.signed_by(&parties(&[1])),
        draft.signed_by(&parties(&[1, 2])),
    );
    // Who signs directly signs who else signs: another pair of the multisig is another transaction.
    let mut raw = tx::Tx::decode(&other).unwrap();
    raw.signatures[0] = tx::Tx::decode(&bytes).unwrap().signatures[0].clone();
    let exchanged = tx::encode(raw.body_bytes, raw.auth_info_bytes, raw.signatures);
    assert!(
        refused(&mut chain, few)
            .1
            .contains("signature size is incorrect 1")
    );
    assert!(
        refused(&mut chain, exchanged)
            .1
            .contains("unable to verify single signer signature")
    );
    good(&mut chain, bytes);
    assert_eq!(chain.balance(&to), before + 10);
}

#[test]
fn a_multisig_grants_fees_and_is_granted_them() {
    let (mut chain, mut group) = two_of_three();
    let user = chain.users[5].address.clone();
    let allowance = Some(pack(&feegrant::BasicAllowance::default()));
    let grant = feegrant::MsgGrantAllowance {
        granter: group.address.to_string(),
        grantee: user.to_string(),
        allowance: allowance.clone(),
    };
    let granting = draft(vec![pack(&grant)]);
    good(
        &mut chain,
        group.raw(&granting, group.give(&granting, &[0, 1])),
    );
    group.sequence += 1;
    let before = chain.balance(&group.address);
    let mut spending = draft(vec![send(&user, &group.address, 1)]);
    spending.fee.granter = group.address.to_string();
    let bytes = spending.signed(&[&chain.users[5]]);
    good(&mut chain, bytes);
    assert_eq!(chain.balance(&group.address), before - 10_000 + 1);

    let granter = &chain.users[6];
    let grant = feegrant::MsgGrantAllowance {
        granter: granter.address.to_string(),
        grantee: group.address.to_string(),
        allowance,
    };
    let bytes = draft(vec![pack(&grant)]).signed(&[granter]);
    let granter = granter.address.to_string();
    good(&mut chain, bytes);
    let mut spending = transfer(&chain, &group);
    spending.fee.granter = granter;
    let before = chain.balance(&group.address);
    good(
        &mut chain,
        group.raw(&spending, group.give(&spending, &[1, 2])),
    );
    assert_eq!(chain.balance(&group.address), before - 5);
}

#[test]
fn no_changed_bit_of_a_multisigs_transaction_passes() {
    let (mut chain, group) = two_of_three();
    let mut draft = transfer(&chain, &group);
    draft.body.memo = "hi".into();
    let bytes = group.raw(&draft, group.give(&draft, &[0, 2]));
    for at in 0..bytes.len() {
        for bit in [0, 3, 7] {
            let mut bad = bytes.clone();
            bad[at] ^= 1 << bit;
            assert!(chain.check(&bad).is_some(), "byte {at}, bit {bit}");
        }
    }
    good(&mut chain, bytes);
}

#[test]
fn nothing_can_be_added_to_a_multisigs_signatures_on_the_way() {
    let (mut chain, group) = two_of_three();
    let draft = transfer(&chain, &group);
    let (mode, signature) = group.give(&draft, &[0, 1]);
    let added = [&signature[..], &[0x12, 1, 7]].concat();
    assert_eq!(
        refused(&mut chain, group.raw(&draft, (mode.clone(), added))),
        (
            1,
            "rejecting unrecognized fields found in MultiSignature".into()
        )
    );
    let added = [&signature[..], &[0x0a, 0]].concat();
    assert_eq!(
        refused(&mut chain, group.raw(&draft, (mode, added))),
        (1, "multisignature of 3 signatures with 2 modes".into())
    );
    assert_eq!(LegacyAminoPubKey::type_url(), group.key.to_any().type_url);
    let unknown = chain.read(|ctx| account(ctx, &group.address).unwrap().unwrap());
    assert_eq!(unknown.pubkey, None, "what is refused teaches nothing");
}

#[test]
fn the_key_of_a_multisig_stands_in_an_exported_genesis_and_must_be_its_accounts() {
    let (mut chain, group) = two_of_three();
    let draft = transfer(&chain, &group);
    good(&mut chain, group.raw(&draft, group.give(&draft, &[0, 1])));
    let document = export(&chain.state, [], chain.env(), &chain.info()).unwrap();
    let init = init_chain(&document.to_bytes().unwrap(), chain.env()).unwrap();
    let mut state = MemoryState::default();
    state.apply(&init.writes);
    assert!(state.0 == chain.state.0, "another root");
    let text = document.app_state.raw("auth").unwrap().get();
    let threshold = r#"LegacyAminoPubKey","threshold":2,"#;
    assert!(text.contains(threshold), "{text}");
    // Another threshold is another account; one above the number of keys is none.
    for other in [1, 3, 4] {
        let changed = text.replace("\"threshold\":2", &format!("\"threshold\":{other}"));
        let mut document = document.clone();
        let part: crate::modules::auth::genesis::Genesis = serde_json::from_str(&changed).unwrap();
        document.app_state.set("auth", &part).unwrap();
        let refused = init_chain(&document.to_bytes().unwrap(), chain.env());
        assert!(refused.unwrap_err().to_string().contains("not the key of"));
    }
}
