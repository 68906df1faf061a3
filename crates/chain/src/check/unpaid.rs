//! Work on a transaction for which nobody has paid yet is in proportion to its bytes, whatever they say (docs/spec/limits.md 1).

use super::outline;
use crate::query::QueryStop;
use crate::testing::{Chain, Draft, User, coins, draft, send};
use crate::types::proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, Output};
use crate::types::proto::cosmos::base::v1beta1::Coin;
use crate::types::proto::cosmos::crypto::multisig::v1beta1::MultiSignature;
use crate::types::proto::cosmos::feegrant::v1beta1 as feegrant;
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::proto::cosmos::tx::v1beta1::mode_info::{Multi, Sum};
use crate::types::proto::cosmos::tx::v1beta1::{AuthInfo, ModeInfo};
use crate::types::proto::secret::compute::v1beta1::MsgStoreCode;
use crate::types::proto::{Any, Message, pack};
use crate::types::tx::{SIGNATURES_MAX, Tx, encode};
use crate::types::{Address, PublicKey, public_key::Multisig};
use core::time::Duration;
#[expect(clippy::disallowed_types, reason = "a ratio of two times is tested")]
use std::time::Instant;

/// Parts of a small transaction.
const PARTS: usize = 1_000;
/// A large one has so many times as many: what is quadratic takes 64 times as long.
const TIMES: usize = 8;
/// More than twice what is in proportion.
const RATIO_MAX: u32 = 20;

fn address(n: usize) -> Address {
    let mut bytes = [0; 20];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    Address::from_bytes(&bytes).unwrap()
}

/// Signed for another chain, by one who could pay: all is looked at, up to the signature.
fn forged(messages: Vec<Any>, mode: SignMode) -> Draft {
    let mut draft = draft(messages);
    draft.chain_id = "another-1".into();
    draft.fee.amount = coins(2_000_000);
    draft.fee.gas_limit = 100_000_000;
    draft.mode = mode;
    draft
}

fn multi_send(inputs: Vec<Address>, outputs: usize) -> Any {
    let input = |from: Address| Input {
        address: from.to_string(),
        ..Input::default()
    };
    let output = |n| Output {
        address: address(n).to_string(),
        coins: coins(1),
    };
    pack(&MsgMultiSend {
        inputs: inputs.into_iter().map(input).collect(),
        outputs: (0..outputs).map(output).collect(),
    })
}

/// Signers of one message, of whom none signed but somebody once.
fn inputs(user: &User, parts: usize) -> Vec<u8> {
    let all = (0..parts * 4).map(address).collect();
    forged(vec![multi_send(all, 0)], SignMode::Direct).signed(&[user])
}

fn senders(user: &User, parts: usize) -> Vec<u8> {
    let all = (0..parts).map(|n| send(&address(n), &user.address, 1));
    forged(all.collect(), SignMode::Direct).signed(&[user])
}

fn outputs(user: &User, parts: usize, mode: SignMode) -> Vec<u8> {
    let one = multi_send(vec![user.address.clone()], parts * 2);
    forged(vec![one], mode).signed(&[user])
}

/// Two bytes each, of which a sign document makes lines.
fn nothings(user: &User, parts: usize) -> Vec<u8> {
    let one = pack(&MsgMultiSend {
        inputs: vec![Input {
            address: user.address.to_string(),
            ..Input::default()
        }],
        outputs: vec![Output::default(); parts * 10],
    });
    forged(vec![one], SignMode::Eip191).signed(&[user])
}

fn denominations(user: &User, parts: usize) -> Vec<u8> {
    let mut draft = forged(
        vec![send(&user.address, &user.address, 1)],
        SignMode::Direct,
    );
    let coin = |n| Coin {
        denom: format!("denom{n:09}"),
        amount: "1".into(),
    };
    draft.fee.amount = (0..parts * 4).map(coin).collect();
    draft.signed(&[user])
}

fn allowed(user: &User, parts: usize) -> Vec<u8> {
    let allowance = feegrant::AllowedMsgAllowance {
        allowance: Some(pack(&feegrant::BasicAllowance::default())),
        allowed_messages: vec!["/a.Msg".into(); parts * 8],
    };
    let grant = pack(&feegrant::MsgGrantAllowance {
        granter: user.address.to_string(),
        grantee: address(1).to_string(),
        allowance: Some(pack(&allowance)),
    });
    forged(vec![grant], SignMode::LegacyAminoJson).signed(&[user])
}

fn code(user: &User, parts: usize) -> Vec<u8> {
    let store = pack(&MsgStoreCode {
        sender: user.address.as_bytes().to_vec(),
        wasm_byte_code: vec![7; parts * 256],
        ..MsgStoreCode::default()
    });
    forged(vec![store], SignMode::LegacyAminoJson).signed(&[user])
}

/// With fields that nobody knows, and nobody has to.
fn unknown(user: &User, parts: usize) -> Vec<u8> {
    let bytes = forged(
        vec![send(&user.address, &user.address, 1)],
        SignMode::Direct,
    );
    let tx = Tx::decode(&bytes.signed(&[user])).unwrap();
    // Field 1024, the number 1.
    let body = [tx.body_bytes, [0x80, 0x40, 1].repeat(parts * 8)].concat();
    encode(body, tx.auth_info_bytes, tx.signatures)
}

/// With another key, mode and signature of the first signer.
fn signed_by(user: &User, key: Any, mode: ModeInfo, signature: Vec<u8>) -> Vec<u8> {
    let draft = forged(
        vec![send(&user.address, &user.address, 1)],
        SignMode::Direct,
    );
    let tx = Tx::decode(&draft.signed(&[user])).unwrap();
    let mut info = AuthInfo::decode(&tx.auth_info_bytes[..]).unwrap();
    info.signer_infos[0].public_key = Some(key);
    info.signer_infos[0].mode_info = Some(mode);
    encode(tx.body_bytes, info.encode_to_vec(), vec![signature])
}

fn keys(user: &User, parts: usize) -> Vec<u8> {
    let one = PublicKey::Secp256k1(user.pubkey);
    let several = PublicKey::Multisig(Multisig::new(1, vec![one.clone()]).unwrap());
    let mut any = several.to_any();
    let mut key =
        crate::types::proto::cosmos::crypto::multisig::LegacyAminoPubKey::decode(&any.value[..])
            .unwrap();
    key.public_keys = vec![one.to_any(); parts];
    any.value = key.encode_to_vec();
    signed_by(user, any, ModeInfo::default(), Vec::new())
}

fn members(user: &User, parts: usize) -> Vec<u8> {
    let mode = ModeInfo {
        sum: Some(Sum::Multi(Multi {
            bitarray: None,
            mode_infos: vec![ModeInfo::default(); parts * 4],
        })),
    };
    let signatures = MultiSignature {
        signatures: vec![vec![7; 8]; parts * 4],
    };
    let key = PublicKey::Secp256k1(user.pubkey).to_any();
    signed_by(user, key, mode, signatures.encode_to_vec())
}

type Shape = fn(&User, usize) -> Vec<u8>;

const SHAPES: [(&str, Shape); 12] = [
    ("inputs", inputs),
    ("senders", senders),
    ("outputs", |user, parts| {
        outputs(user, parts, SignMode::Direct)
    }),
    ("outputs in Amino JSON", |user, parts| {
        outputs(user, parts, SignMode::LegacyAminoJson)
    }),
    ("outputs in EIP-191", |user, parts| {
        outputs(user, parts, SignMode::Eip191)
    }),
    ("nothings", nothings),
    ("denominations", denominations),
    ("allowed messages", allowed),
    ("code", code),
    ("unknown fields", unknown),
    ("keys", keys),
    ("members of a multisig", members),
];

/// How often each is measured at most: the machine may do something else meanwhile, but not each time.
const ROUNDS: usize = 20;

#[expect(clippy::disallowed_types, reason = "a ratio of two times is tested")]
fn took(work: impl FnOnce()) -> Duration {
    let at = Instant::now();
    work();
    at.elapsed()
}

/// Whether `work` takes less than so many times as long on the second as on the first, by the shortest of their times.
fn is_within(times: u32, mut work: impl FnMut(&[u8]), small: &[u8], large: &[u8]) -> bool {
    let (mut one, mut more) = (Duration::MAX, Duration::MAX);
    (0..ROUNDS).any(|_| {
        one = one.min(took(|| work(small)));
        more = more.min(took(|| work(large)));
        println!(
            "{one:?}, {more:?} for {} and {} bytes",
            small.len(),
            large.len()
        );
        more < one.saturating_mul(times)
    })
}

#[test]
fn no_shape_of_a_transaction_takes_more_than_in_proportion_to_its_bytes() {
    let mut chain = Chain::new(1);
    let user = User::new(0);
    for (name, shape) in SHAPES {
        let [small, large] = [PARTS, PARTS * TIMES].map(|parts| shape(&user, parts));
        assert!(
            large.len() > small.len() * (TIMES - 1) && large.len() < 2 << 20,
            "{name}"
        );
        println!("{name}");
        let work = |bytes: &[u8]| {
            let _ = outline(bytes);
            assert!(chain.check(bytes).is_some(), "{name} passes");
        };
        assert!(is_within(RATIO_MAX, work, &small, &large), "{name}");
    }
}

#[test]
fn what_names_more_signers_than_signatures_says_nothing_of_itself() {
    let user = User::new(0);
    let of = |signers: usize, signatures: usize| {
        let all = (0..signers).map(address).collect();
        let bytes = draft(vec![multi_send(all, 0)]).signed(&[&user]);
        let tx = Tx::decode(&bytes).unwrap();
        encode(
            tx.body_bytes,
            tx.auth_info_bytes,
            vec![vec![7; 64]; signatures],
        )
    };
    let most = outline(&of(SIGNATURES_MAX, SIGNATURES_MAX)).unwrap();
    assert_eq!(most.parties.len(), SIGNATURES_MAX);
    for (signers, signatures) in [(2, 1), (65, 1), (65, 64), (1, 2)] {
        assert_eq!(outline(&of(signers, signatures)), None, "{signers}");
    }
}

#[test]
fn a_simulated_payment_to_many_costs_no_more_for_its_denominations() {
    const OUTPUTS: usize = PARTS * TIMES;
    let (chain, user) = (Chain::new(1), User::new(0));
    let of = |denominations: usize| {
        let coin = |n: usize, amount: usize| Coin {
            denom: format!("denom{n:09}"),
            amount: amount.to_string(),
        };
        let output = |n| Output {
            address: address(n).to_string(),
            coins: vec![coin(n % denominations, 1)],
        };
        let of_each = OUTPUTS / denominations;
        let input = Input {
            address: user.address.to_string(),
            coins: (0..denominations).map(|n| coin(n, of_each)).collect(),
        };
        let message = pack(&MsgMultiSend {
            inputs: vec![input],
            outputs: (0..OUTPUTS).map(output).collect(),
        });
        forged(vec![message], SignMode::Direct).signed(&[&user])
    };
    let work = |bytes: &[u8]| {
        let Err(QueryStop::Error(refused)) = chain.simulate(bytes) else {
            panic!("it has no such coins")
        };
        assert!(refused.grpc().1.contains("is smaller than"), "{refused:?}");
    };
    assert!(is_within(4, work, &of(1), &of(PARTS)));
}
