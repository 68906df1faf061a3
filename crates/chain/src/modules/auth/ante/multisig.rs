//! Multisigs: what their signatures cost, which hold, and what a simulation takes for them (docs/spec/chain.md 8).
//!
//! Work is bounded by what was paid: each signature costs its gas before it is looked at, and there are no more than
//! `tx_sig_limit` keys to look at them with.

use super::super::state::Params;
use crate::Ctx;
use crate::error::Stop;
use crate::tx::looked::is_signed;
use crate::types::error::sdk;
use crate::types::multisig::{self, SignatureData, Signed};
use crate::types::proto::Message;
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::proto::cosmos::tx::v1beta1::{ModeInfo, mode_info::Sum};
use crate::types::public_key::{Multisig, PublicKey};
use crate::types::tx::sign_mode_name;
use crate::types::{Hash, TxError};

/// Takes the gas of verifying what a signer gave, before anything is verified.
///
/// # Errors
/// Out of gas; sdk 8 for a signature by an ed25519 key; code 1, `undefined`, for a multisig that gave one signature.
pub(super) fn charge(
    ctx: &mut Ctx,
    key: &PublicKey,
    given: &SignatureData<'_>,
    params: &Params,
) -> Result<(), Stop> {
    match (key, given) {
        (PublicKey::Ed25519(_), _) => {
            ctx.gas
                .consume(params.sig_verify_cost_ed25519, "ante verify: ed25519")?;
            Err(sdk::INVALID_PUBKEY
                .wrap("ED25519 public keys are unsupported")
                .into())
        }
        (PublicKey::Secp256k1(_), _) => charge_one(ctx, params),
        (PublicKey::Multisig(_), SignatureData::Single { .. }) => Err(not_multi().into()),
        (PublicKey::Multisig(several), SignatureData::Multi { signed, members }) => {
            for (key, given) in by_key(several, signed).zip(members) {
                charge(ctx, key, given, params)?;
            }
            Ok(())
        }
    }
}

/// Takes the gas of one signature of the usual kind.
pub(super) fn charge_one(ctx: &mut Ctx, params: &Params) -> Result<(), Stop> {
    ctx.gas
        .consume(params.sig_verify_cost_secp256k1, "ante verify: secp256k1")
}

pub(super) fn not_multi() -> TxError {
    TxError::plain("expected *signing.MultiSignatureData, got, *signing.SingleSignatureData")
}

/// The members that signed.
fn by_key<'a>(several: &'a Multisig, signed: &'a [bool]) -> impl Iterator<Item = &'a PublicKey> {
    let members = several.keys().iter().zip(signed);
    members.filter_map(|(key, signed)| signed.then_some(key))
}

/// Verifies what the members of a multisig gave for the document with this digest.
///
/// # Errors
/// Why it does not hold.
pub(super) fn verify(
    several: &Multisig,
    signed: &[bool],
    members: &[SignatureData<'_>],
    document: &Hash,
) -> Result<(), String> {
    let keys = several.keys().len();
    if signed.len() != keys {
        return Err(format!("bit array size is incorrect, expecting: {keys}"));
    }
    let threshold = several.threshold();
    let needed = usize::try_from(threshold).unwrap_or(usize::MAX);
    if members.len() < needed || members.len() > keys {
        return Err(format!("signature size is incorrect {}", members.len()));
    }
    let set = signed.iter().filter(|signed| **signed).count();
    if set < needed {
        return Err(format!(
            "not enough signatures set, have {set}, expected {threshold}"
        ));
    }
    // A signature that belongs to nobody could be changed on the way.
    if set != members.len() {
        return Err(format!("signature size is incorrect {}", members.len()));
    }
    let places = (0..keys).filter(|at| signed.get(*at) == Some(&true));
    for ((at, key), given) in places.zip(by_key(several, signed)).zip(members) {
        match (key, given) {
            (PublicKey::Multisig(inner), SignatureData::Multi { signed, members }) => {
                verify(inner, signed, members, document)?;
            }
            (PublicKey::Multisig(_), SignatureData::Single { .. }) => return Err(not_multi().text),
            (_, SignatureData::Multi { .. }) => {
                return Err(format!("unable to parse pubkey of index {at}"));
            }
            (PublicKey::Secp256k1(key), SignatureData::Single { mode, signature }) => {
                if *mode != i32::from(SignMode::LegacyAminoJson) {
                    let name = sign_mode_name(*mode);
                    return Err(format!("unsupported sign mode {name} in a multisig"));
                }
                if !is_signed(key, document, signature) {
                    return Err(format!("unable to verify signature at index {at}"));
                }
            }
            (PublicKey::Ed25519(_), SignatureData::Single { .. }) => {
                return Err(format!("unable to verify signature at index {at}"));
            }
        }
    }
    Ok(())
}

/// A signature as a key would give it: for a multisig, its first members that can sign, as many as it needs or as are named.
fn sample(key: Option<&PublicKey>, info: Option<&ModeInfo>) -> Signed {
    let Some(PublicKey::Multisig(several)) = key else {
        return multisig::member(vec![0; super::SIGNATURE_BYTES]);
    };
    let named = match info.and_then(|i| i.sum.as_ref()) {
        Some(Sum::Multi(multi)) => multi.mode_infos.len(),
        _ => 0,
    };
    let mut left = usize::try_from(several.threshold())
        .unwrap_or(usize::MAX)
        .max(named);
    let members = several.keys().iter().map(|key| {
        if matches!(key, PublicKey::Ed25519(_)) {
            return None;
        }
        left = left.checked_sub(1)?;
        Some(sample(Some(key), None))
    });
    multisig::combine(members.collect())
}

/// What the signature of a simulated transaction will cost, and how many bytes the transaction lacks of it.
pub(super) fn estimate(
    key: Option<&PublicKey>,
    info: Option<&ModeInfo>,
    signature: &[u8],
) -> (usize, usize) {
    let (mode, full) = sample(key, info);
    let data = SignatureData::read(Some(&mode), &full);
    let signatures = data.map_or(1, |data| data.leaves().len());
    let mut missing = full.len().saturating_sub(signature.len());
    if matches!(key, Some(PublicKey::Multisig(_))) {
        let named = info.map_or(0, Message::encoded_len);
        missing = missing.saturating_add(mode.encoded_len().saturating_sub(named));
    }
    (signatures, missing)
}
