//! What signatures in Amino JSON do not cover, and that nobody on the way can use it against the sender (docs/spec/chain.md 2, 8).

use super::{chain, deliver, refused, transfer};
use crate::testing::{Chain, Draft, Group, User, coins, draft, send};
use crate::types::proto::Message;
use crate::types::proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, Output};
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::proto::cosmos::tx::v1beta1::AuthInfo;
use crate::types::proto::google::protobuf::{Duration, Timestamp};
use crate::types::proto::pack;
use crate::types::{Address, tx};

const AMINO: [SignMode; 2] = [SignMode::LegacyAminoJson, SignMode::Eip191];

/// The same with another encoding of body and auth info.
fn rewritten(
    bytes: &[u8],
    body: impl Fn(&mut Vec<u8>),
    info: impl Fn(&mut AuthInfo, &mut Vec<u8>),
) -> Vec<u8> {
    let mut tx = tx::Tx::decode(bytes).unwrap();
    body(&mut tx.body_bytes);
    let mut after = Vec::new();
    info(&mut tx.auth_info, &mut after);
    let info = [tx.auth_info.encode_to_vec(), after].concat();
    tx::encode(tx.body_bytes, info, tx.signatures)
}

#[test]
fn nobody_lengthens_what_another_signed_in_amino_json() {
    let mut chain = chain();
    for mode in AMINO {
        let mut draft = transfer(&chain);
        draft.mode = mode;
        draft.body.memo = "m".into();
        let bytes = draft.signed(&[&chain.users[0]]);
        // A timeout of 0, a body in another order, an empty granter in the fee.
        let zero = rewritten(&bytes, |body| body.extend([0x18, 0]), |_, _| ());
        let turned = rewritten(&bytes, |body| body.rotate_right(3), |_, _| ());
        let granter = |info: &mut AuthInfo, after: &mut Vec<u8>| {
            let fee = [info.fee.take().unwrap().encode_to_vec(), vec![0x22, 0]].concat();
            after.extend([0x12, u8::try_from(fee.len()).unwrap()]);
            after.extend(fee);
        };
        let granter = rewritten(&bytes, |_| (), granter);
        for other in [zero, turned, granter] {
            let (before, after) = (tx::Tx::decode(&bytes), tx::Tx::decode(&other));
            assert_eq!(
                before.unwrap().body,
                after.unwrap().body,
                "it says the same"
            );
            let (code, text) = refused(&mut chain, other.clone());
            assert_eq!(code, 18);
            assert!(text.contains("does not cover another encoding"), "{text}");
            let simulated = format!("{:?}", chain.simulate(&other).map(drop).unwrap_err());
            assert!(simulated.contains("does not cover another"), "{simulated}");
        }
        assert_eq!(deliver(&mut chain, bytes).code, 0);
        chain.users[0].sequence += 1;
    }
}

#[test]
fn who_signs_bytes_may_write_them_as_they_like() {
    let mut chain = chain();
    let draft = transfer(&chain);
    let user = &chain.users[0];
    let bytes = rewritten(
        &draft.signed(&[user]),
        |body| body.extend([0x18, 0]),
        |_, _| (),
    );
    let tx = tx::Tx::decode(&bytes).unwrap();
    let signature = user.sign(&tx.sign_bytes_direct(&draft.chain_id, user.number));
    let bytes = tx::encode(tx.body_bytes, tx.auth_info_bytes, vec![signature]);
    assert_eq!(chain.check(&bytes), None);
    assert_eq!(deliver(&mut chain, bytes).code, 0);
}

#[test]
fn an_allowance_of_an_hour_is_signed_in_one_form_only() {
    use crate::types::proto::cosmos::feegrant::v1beta1 as feegrant;
    let mut chain = chain();
    let grant = |seconds, nanos| {
        let allowance = feegrant::PeriodicAllowance {
            basic: Some(feegrant::BasicAllowance::default()),
            period: Some(Duration { seconds, nanos }),
            period_spend_limit: coins(5),
            period_reset: Some(Timestamp::default()),
            ..feegrant::PeriodicAllowance::default()
        };
        feegrant::MsgGrantAllowance {
            granter: User::new(0).address.to_string(),
            grantee: User::new(2).address.to_string(),
            allowance: Some(pack(&allowance)),
        }
    };
    let mut draft = draft(vec![pack(&grant(3_600, 0))]);
    draft.mode = SignMode::LegacyAminoJson;
    let bytes = draft.signed(&[&chain.users[0]]);
    let signed = tx::Tx::decode(&bytes).unwrap();
    for (seconds, nanos) in [
        (3_599, 1_000_000_000),
        (3_601, -1_000_000_000),
        (3_598, 2_000_000_000),
    ] {
        let mut body = signed.body.clone();
        body.messages = vec![pack(&grant(seconds, nanos))];
        let info = signed.auth_info_bytes.clone();
        let other = tx::encode(body.encode_to_vec(), info, signed.signatures.clone());
        let simulated = format!("{:?}", chain.simulate(&other).map(drop).unwrap_err());
        let (code, text) = refused(&mut chain, other);
        for text in [simulated, text] {
            assert!(text.contains("does not cover another encoding"), "{text}");
        }
        assert_eq!(code, 18);
    }
    assert_eq!(deliver(&mut chain, bytes).log, "");
}

fn without_key(bytes: &[u8]) -> Vec<u8> {
    let leave_out = |info: &mut AuthInfo, _: &mut Vec<u8>| info.signer_infos[0].public_key = None;
    rewritten(bytes, |_| (), leave_out)
}

/// Gas of the draft with and without the key in it, once the account's is known; the signature as `sign` gives it.
fn gas_with_and_without_key(
    chain: &mut Chain,
    sign: impl Fn(&Chain, u64) -> Vec<u8>,
    leave_out: impl Fn(&[u8]) -> Vec<u8>,
) -> (i64, i64) {
    assert_eq!(deliver(chain, sign(chain, 0)).code, 0);
    let [with, without] = [1, 2].map(|sequence| {
        let mut bytes = sign(chain, sequence);
        if sequence == 2 {
            bytes = leave_out(&bytes);
        }
        let simulated = chain.simulate(&bytes).unwrap().gas_used;
        let result = deliver(chain, bytes);
        assert_eq!((result.code, result.log.as_str()), (0, ""));
        assert_eq!(i64::try_from(simulated).unwrap(), result.gas_used);
        result.gas_used
    });
    (with, without)
}

#[test]
fn a_key_put_in_or_taken_out_on_the_way_costs_the_sender_nothing() {
    for mode in AMINO {
        let mut chain = chain();
        let sign = |chain: &Chain, sequence| {
            let draft = Draft {
                mode,
                ..transfer(chain)
            };
            let mut user = User::new(0);
            user.sequence = sequence;
            draft.signed(&[&user])
        };
        let (with, without) = gas_with_and_without_key(&mut chain, sign, without_key);
        assert_eq!(with, without);
    }
}

#[test]
fn a_simulation_counts_the_key_that_the_first_transaction_will_bring() {
    let mut chain = chain();
    let bytes = transfer(&chain).signed(&[&chain.users[0]]);
    let mut open = tx::Tx::decode(&without_key(&bytes)).unwrap();
    // As wallets estimate: no key, no signature, and no mode, which takes six bytes.
    open.auth_info.signer_infos[0].mode_info = None;
    let open = tx::encode(
        open.body_bytes,
        open.auth_info.encode_to_vec(),
        vec![vec![]],
    );
    let simulated = i64::try_from(chain.simulate(&open).unwrap().gas_used).unwrap();
    let used = deliver(&mut chain, bytes).gas_used;
    assert_eq!(used - simulated, 10 * 6, "{used} against {simulated}");
}

#[test]
fn the_keys_of_a_multisig_put_in_on_the_way_cost_its_members_nothing() {
    let mut chain = Chain::new(8);
    let group = Group::new(2, &[1, 2, 3, 4, 5]).on(&mut chain);
    let (with, without) = gas_with_and_without_key(
        &mut chain,
        |chain, sequence| {
            let mut again = Group::new(2, &[1, 2, 3, 4, 5]);
            (again.number, again.sequence) = (group.number, sequence);
            let group = again;
            let draft = draft(vec![send(&group.address, &chain.users[0].address, 5)]);
            group.raw(&draft, group.give(&draft, &[0, 1]))
        },
        without_key,
    );
    assert_eq!(with, without);
}

/// A message of many small parts: each output is written in six times its bytes when it is indented.
fn to_many(from: &Address, to: &Address, outputs: usize) -> crate::types::proto::Any {
    let coins = |amount: usize| coins(u128::try_from(amount).unwrap());
    let output = Output {
        address: to.to_string(),
        coins: coins(1),
    };
    pack(&MsgMultiSend {
        inputs: vec![Input {
            address: from.to_string(),
            coins: coins(outputs),
        }],
        outputs: vec![output; outputs],
    })
}

#[test]
fn documents_of_a_transaction_are_bounded_by_its_bytes_whoever_signs() {
    let chain = chain();
    let users: Vec<&User> = chain.users.iter().collect();
    let sent = |signers: &[&User], outputs| {
        let to = &users[0].address;
        let messages = signers
            .iter()
            .map(|from| to_many(&from.address, to, outputs));
        let mut draft = draft(messages.collect());
        draft.mode = SignMode::Eip191;
        draft.fee.gas_limit = 50_000_000;
        draft.fee.amount[0].amount = "5000000".into();
        draft.signed(signers)
    };
    let check = |bytes: &[u8]| Chain::new(3).check(bytes);
    assert_eq!(check(&sent(&users[..1], 2_000)), None);
    assert_eq!(check(&sent(&users, 20)), None);
    let (_, code, text) = check(&sent(&users, 1_000)).unwrap();
    assert_eq!(code, 4);
    assert!(text.contains("sign documents of more than"), "{text}");
}
