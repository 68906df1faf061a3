//! Transactions around messages: most signed as they should be, some wrong in one place, some changed anywhere.

use super::Contracts;
use super::messages::message;
use super::rng::Rng;
use crate::user::User;
use strongroom_chain::BlockInfo;
use strongroom_types::proto::cosmos::base::v1beta1::Coin;
use strongroom_types::proto::cosmos::crypto::secp256k1::PubKey;
use strongroom_types::proto::cosmos::tx::signing::v1beta1::SignMode;
use strongroom_types::proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use strongroom_types::proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody};
use strongroom_types::proto::{Message, pack};
use strongroom_types::{Gas, tx};

/// The most gas that a contract is given: it may burn it all in a loop, a thousand instructions for each.
const LOOP_GAS_MAX: Gas = 1_000_000;

/// Somebody who signs, and what the chain expects next.
pub(super) struct Sender {
    pub(super) user: User,
    pub(super) number: u64,
    pub(super) sequence: u64,
}

/// A transaction.
pub(super) struct Made {
    pub(super) bytes: Vec<u8>,
    /// Whose sequence it takes if it is good.
    pub(super) signers: Vec<usize>,
}

pub(super) fn make(
    rng: &mut Rng,
    known: &mut Contracts,
    senders: &[Sender],
    head: &BlockInfo,
) -> Made {
    let from = rng.below(senders.len());
    let mut signers = vec![from];
    let gas = gas(rng);
    let count = if rng.once_in(5) { rng.below(5) } else { 1 };
    let messages = (0..count)
        .map(|_| message(rng, known, senders[from].user.address(), gas > LOOP_GAS_MAX))
        .collect();
    let body = TxBody {
        messages,
        memo: "m".repeat(rng.pick(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 256, 257])),
        timeout_height: match rng.below(20) {
            0 => head.height,
            1 => head.height + 1,
            _ => 0,
        },
        ..TxBody::default()
    };
    let mut fee = Fee {
        amount: vec![Coin {
            denom: String::from("uscrt"),
            amount: fee(rng, gas),
        }],
        gas_limit: gas,
        ..Fee::default()
    };
    if rng.once_in(8) {
        let payer = rng.below(senders.len());
        fee.payer = senders[payer].user.address().to_string();
        if payer != from {
            signers.push(payer);
        }
    }
    if rng.once_in(60) {
        fee.granter = senders[0].user.address().to_string();
    }
    let mut body = body.encode_to_vec();
    if rng.once_in(50) {
        rng.mutate(&mut body);
    }
    let signer_infos = signers.iter().map(|n| info(rng, &senders[*n])).collect();
    let mut auth = AuthInfo {
        signer_infos,
        fee: Some(fee),
        ..AuthInfo::default()
    }
    .encode_to_vec();
    if rng.once_in(50) {
        rng.mutate(&mut auth);
    }
    let signatures = signers
        .iter()
        .map(|n| sign(rng, &senders[*n], &body, &auth, head))
        .collect();
    let mut bytes = tx::encode(body, auth, signatures);
    if rng.once_in(50) {
        rng.mutate(&mut bytes);
    }
    Made { bytes, signers }
}

/// Often what wallets take; often so little that the transaction ends at any point.
fn gas(rng: &mut Rng) -> Gas {
    match rng.below(20) {
        0 => rng.pick(&[0, 1, 100_000_000, 100_000_001, Gas::MAX]),
        1 => rng.below(12_000) as Gas,
        2..=9 => rng.below(400_000) as Gas,
        10 | 11 => 20_000_000,
        12 | 13 => LOOP_GAS_MAX,
        _ => 300_000,
    }
}

fn fee(rng: &mut Rng, gas: Gas) -> String {
    match rng.below(60) {
        0 => String::from("340282366920938463463374607431768211456"),
        1 => String::from("-1"),
        2 => String::new(),
        // Almost all that an account has.
        3 => String::from("700000000000000000"),
        _ => (gas / 50 + 1).to_string(),
    }
}

fn info(rng: &mut Rng, sender: &Sender) -> SignerInfo {
    let mode = if rng.once_in(60) {
        rng.pick(&[SignMode::LegacyAminoJson, SignMode::Unspecified])
    } else {
        SignMode::Direct
    };
    let key = PubKey {
        key: sender.user.account().public_key().to_vec(),
    };
    SignerInfo {
        public_key: (!rng.once_in(20)).then(|| pack(&key)),
        mode_info: Some(ModeInfo {
            sum: Some(Sum::Single(Single { mode: mode.into() })),
        }),
        sequence: if rng.once_in(60) {
            rng.next()
        } else {
            sender.sequence
        },
    }
}

fn sign(rng: &mut Rng, sender: &Sender, body: &[u8], auth: &[u8], head: &BlockInfo) -> Vec<u8> {
    let chain_id = if rng.once_in(40) {
        "other-1"
    } else {
        &head.chain_id
    };
    let document = tx::sign_bytes_direct(body, auth, chain_id, sender.number);
    if rng.once_in(60) {
        return rng.bytes(70);
    }
    let signature = sender.user.account().sign(&document);
    signature.expect("a signature").to_vec()
}
