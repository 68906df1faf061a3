//! Transactions around messages: most signed as they should be, some wrong in one place, some changed anywhere.

use super::contracts::{Known, SPEECH_GAS, rehearsal};
use super::keys::Keys;
use super::messages::message;
use super::rng::Rng;
use super::{SPEECHES, TXS};
use strongroom_chain::BlockInfo;
use strongroom_crypto::keccak256;
use strongroom_types::multisig::Signed;
use strongroom_types::proto::cosmos::base::v1beta1::Coin;
use strongroom_types::proto::cosmos::tx::signing::v1beta1::SignMode;
use strongroom_types::proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use strongroom_types::proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody};
use strongroom_types::proto::secret::compute::v1beta1::MsgExecuteContract;
use strongroom_types::proto::{Message, pack};
use strongroom_types::{Address, Gas, amino, sha256, tx};

/// The most gas that a contract is given: it may burn it all in a loop, a thousand instructions for each.
const LOOP_GAS_MAX: Gas = 1_000_000;

/// What the transactions of a block are after.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scene {
    /// Whatever there is.
    Anything,
    /// As much output as a block may give.
    Speeches,
}

impl Scene {
    /// Transactions that are made for it.
    pub(super) const fn length(self) -> usize {
        match self {
            Self::Anything => TXS,
            Self::Speeches => SPEECHES,
        }
    }
}

/// Somebody who signs, and what the chain expects next.
pub(super) struct Sender {
    pub(super) keys: Keys,
    pub(super) address: Address,
    pub(super) number: u64,
    pub(super) sequence: u64,
}

/// A transaction.
pub(super) struct Made {
    pub(super) bytes: Vec<u8>,
    /// Whose sequence it takes if it is good.
    pub(super) signers: Vec<usize>,
    /// How it was signed.
    pub(super) mode: SignMode,
    /// Whether a multisig signed it.
    pub(super) several: bool,
    /// How many messages it has, before bytes were changed.
    pub(super) messages: u64,
}

/// A transaction of a block of speeches: the first tells the speaker how often to say it, the second may tell it what, the
/// others have it said, most of them with the gas for it and little more: a block's gas buys hardly more than it may give.
pub(super) fn speech(
    rng: &mut Rng,
    known: &Known,
    senders: &[Sender],
    head: &BlockInfo,
    n: usize,
) -> Made {
    let (plain, times, gas) = match n {
        0 => (vec![b'#', u8::MAX], 1, 100_000),
        1 if rng.once_in(3) => (rehearsal(rng), 1, 8_000_000),
        _ => {
            let times: u8 = rng.pick(&[4, 4, 4, 4, 4, 4, 3, 5]);
            let short = if rng.once_in(8) {
                rng.below(300_000) as Gas
            } else {
                0
            };
            (b"n".to_vec(), times, Gas::from(times) * SPEECH_GAS - short)
        }
    };
    let from = rng.below(senders.len());
    let mut call = || {
        let hash = &known.speaker.code_hash;
        pack(&MsgExecuteContract {
            sender: senders[from].address.as_bytes().to_vec(),
            contract: known.speaker.address.as_bytes().to_vec(),
            msg: known.seal_well(rng, hash, &plain),
            ..MsgExecuteContract::default()
        })
    };
    let body = TxBody {
        messages: (0..times).map(|_| call()).collect(),
        ..TxBody::default()
    };
    let fee = Fee {
        amount: uscrt((gas / 50 + 1).to_string()),
        gas_limit: gas,
        ..Fee::default()
    };
    finish(rng, senders, head, vec![from], body, fee)
}

pub(super) fn uscrt(amount: String) -> Vec<Coin> {
    vec![Coin {
        denom: String::from("uscrt"),
        amount,
    }]
}

pub(super) fn make(rng: &mut Rng, known: &Known, senders: &[Sender], head: &BlockInfo) -> Made {
    let from = rng.below(senders.len());
    let mut signers = vec![from];
    let gas = gas(rng);
    let count = if rng.once_in(5) { rng.below(5) } else { 1 };
    let messages = (0..count)
        .map(|_| message(rng, known, &senders[from].address, gas > LOOP_GAS_MAX))
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
        amount: uscrt(fee(rng, gas)),
        gas_limit: gas,
        ..Fee::default()
    };
    if rng.once_in(8) {
        let payer = rng.below(senders.len());
        fee.payer = senders[payer].address.to_string();
        if payer != from {
            signers.push(payer);
        }
    }
    if rng.once_in(60) {
        fee.granter = senders[0].address.to_string();
    }
    finish(rng, senders, head, signers, body, fee)
}

/// Signs; now and then something is changed before or after.
fn finish(
    rng: &mut Rng,
    senders: &[Sender],
    head: &BlockInfo,
    signers: Vec<usize>,
    body: TxBody,
    fee: Fee,
) -> Made {
    // One mode for all signers. What has no Amino form is signed as it stands.
    let amino = document(&senders[signers[0]], head, &body, &fee).to_bytes();
    let mode = match rng.below(8) {
        0 | 1 if amino.is_ok() => SignMode::LegacyAminoJson,
        2 if amino.is_ok() => SignMode::Eip191,
        _ => SignMode::Direct,
    };
    let mut bytes = body.encode_to_vec();
    if rng.once_in(50) {
        rng.mutate(&mut bytes);
    }
    // The members of a multisig sign Amino JSON, whatever the other signers do.
    let given = signers.iter().map(|n| match &senders[*n].keys {
        Keys::One(_) => None,
        keys => {
            let document = document(&senders[*n], head, &body, &fee).to_bytes();
            Some(keys.give(rng, &sha256(&document.unwrap_or_default())))
        }
    });
    let given: Vec<Option<Signed>> = given.collect();
    let signer_infos = signers.iter().zip(&given).map(|(n, given)| {
        let alone = || ModeInfo {
            sum: Some(Sum::Single(Single { mode: mode.into() })),
        };
        let mode = given.as_ref().map_or_else(alone, |(mode, _)| mode.clone());
        info(rng, &senders[*n], mode)
    });
    let mut auth = AuthInfo {
        signer_infos: signer_infos.collect(),
        fee: Some(fee.clone()),
        ..AuthInfo::default()
    }
    .encode_to_vec();
    if rng.once_in(50) {
        rng.mutate(&mut auth);
    }
    let mut elsewhere = head.clone();
    let several = given.iter().any(Option::is_some);
    let signatures = signers.iter().zip(given).map(|(n, given)| {
        let sender = &senders[*n];
        let user = match &sender.keys {
            Keys::One(user) => user,
            Keys::Several(..) => return given.expect("given above").1,
        };
        head.chain_id.clone_into(&mut elsewhere.chain_id);
        if rng.once_in(40) {
            "other-1".clone_into(&mut elsewhere.chain_id);
        }
        let document = document(sender, &elsewhere, &body, &fee);
        let digest = match mode {
            SignMode::LegacyAminoJson => sha256(&document.to_bytes().unwrap_or_default()),
            SignMode::Eip191 => keccak256(&document.to_eip191_bytes().unwrap_or_default()),
            _ => {
                let chain_id = &elsewhere.chain_id;
                sha256(&tx::sign_bytes_direct(
                    &bytes,
                    &auth,
                    chain_id,
                    sender.number,
                ))
            }
        };
        if rng.once_in(60) {
            return rng.bytes(70);
        }
        let signature = user.account().sign_digest(&digest);
        signature.expect("a signature").to_vec()
    });
    let signatures = signatures.collect();
    let mut bytes = tx::encode(bytes, auth, signatures);
    if rng.once_in(50) {
        rng.mutate(&mut bytes);
    }
    Made {
        bytes,
        signers,
        mode,
        several,
        messages: body.messages.len() as u64,
    }
}

/// What an Amino signature covers.
fn document<'a>(
    sender: &Sender,
    head: &'a BlockInfo,
    body: &'a TxBody,
    fee: &'a Fee,
) -> amino::SignDoc<'a> {
    amino::SignDoc {
        chain_id: &head.chain_id,
        account_number: sender.number,
        sequence: sender.sequence,
        fee,
        memo: &body.memo,
        timeout_height: body.timeout_height,
        messages: &body.messages,
    }
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

fn info(rng: &mut Rng, sender: &Sender, mut mode: ModeInfo) -> SignerInfo {
    if rng.once_in(60) {
        let other = rng.pick(&[
            SignMode::LegacyAminoJson,
            SignMode::Eip191,
            SignMode::Textual,
            SignMode::Unspecified,
        ]);
        let single = Single { mode: other.into() };
        mode.sum = Some(Sum::Single(single));
    }
    SignerInfo {
        public_key: (!rng.once_in(20)).then(|| sender.keys.public().to_any()),
        mode_info: Some(mode),
        sequence: if rng.once_in(60) {
            rng.next()
        } else {
            sender.sequence
        },
    }
}
