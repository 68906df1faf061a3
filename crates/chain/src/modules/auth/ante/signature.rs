//! The sign modes DIRECT, LEGACY_AMINO_JSON and EIP_191 (wire.md 1.2 to 1.4), and what the members of a multisig sign.

use super::super::state::Account;
use super::multisig;
use crate::crypto::{keccak256, secp256k1 as ecdsa};
use crate::types::amino::AminoError;
use crate::types::amino::SignDoc;
use crate::types::error::sdk;
use crate::types::multisig::SignatureData;
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::proto::cosmos::tx::v1beta1::{ModeInfo, mode_info::Sum};
use crate::types::public_key::PublicKey;
use crate::types::tx::{Tx, sign_mode_name};
use crate::types::{TxError, sha256};

/// Signed bytes that an error shows at most: a megabyte of hex helps nobody.
const SHOWN_BYTES_MAX: usize = 4_096;

/// Refuses a sign mode that is not ours, by name: in a simulation, which may also leave it open. The walk is as deep as a
/// transaction may nest.
///
/// # Errors
/// sdk 4 in the form of DIRECT.
pub(super) fn check_simulated(
    info: Option<&ModeInfo>,
    chain_id: &str,
    account: &Account,
) -> Result<(), TxError> {
    match info.and_then(|i| i.sum.as_ref()) {
        None => Ok(()),
        Some(Sum::Single(single)) => match SignMode::try_from(single.mode) {
            Ok(
                SignMode::Unspecified
                | SignMode::Direct
                | SignMode::LegacyAminoJson
                | SignMode::Eip191,
            ) => Ok(()),
            _ => Err(unsupported(single.mode, chain_id, account)),
        },
        Some(Sum::Multi(multi)) => multi
            .mode_infos
            .iter()
            .try_for_each(|info| check_simulated(Some(info), chain_id, account)),
    }
}

/// Verifies what a signer gave.
///
/// # Errors
/// sdk 4 with the text of its mode; sdk 18 for what Amino JSON does not cover; code 1, `undefined`, for a multisig that gave one signature.
pub(super) fn verify(
    tx: &Tx,
    key: &PublicKey,
    given: &SignatureData<'_>,
    chain_id: &str,
    account: &Account,
) -> Result<(), TxError> {
    let number = account.number;
    match (key, given) {
        (PublicKey::Secp256k1(key), SignatureData::Single { mode, signature }) => {
            verify_one(tx, key, *mode, signature, chain_id, account)
        }
        (PublicKey::Multisig(several), SignatureData::Multi { signed, members }) => {
            let mode = SignMode::LegacyAminoJson.into();
            let document = sha256(&amino(tx, mode, chain_id, account)?);
            multisig::verify(several, signed, members, &document).map_err(|why: String| {
                if given.is_amino() {
                    of_amino(account, chain_id, &why)
                } else {
                    direct(number, chain_id, &why)
                }
            })
        }
        (PublicKey::Multisig(_), SignatureData::Single { .. }) => Err(multisig::not_multi()),
        (_, SignatureData::Multi { .. }) => {
            let why = "expected multisig.PubKey, got *secp256k1.PubKey";
            Err(direct(number, chain_id, why))
        }
        (PublicKey::Ed25519(_), _) => {
            Err(sdk::INVALID_PUBKEY.wrap("ED25519 public keys are unsupported"))
        }
    }
}

fn verify_one(
    tx: &Tx,
    key: &[u8; 33],
    mode: i32,
    signature: &[u8],
    chain_id: &str,
    account: &Account,
) -> Result<(), TxError> {
    let number = account.number;
    match SignMode::try_from(mode) {
        Ok(SignMode::Direct) => {
            let bytes = tx.sign_bytes_direct(chain_id, number);
            if is_signed(key, &sha256(&bytes), signature) {
                return Ok(());
            }
            Err(direct(number, chain_id, &refused("", signature, &bytes)))
        }
        Ok(SignMode::LegacyAminoJson) => {
            let bytes = amino(tx, mode, chain_id, account)?;
            if is_signed(key, &sha256(&bytes), signature) {
                return Ok(());
            }
            Err(of_amino(account, chain_id, &refused("", signature, &bytes)))
        }
        Ok(SignMode::Eip191) => {
            let bytes = amino(tx, mode, chain_id, account)?;
            if is_signed(key, &keccak256(&bytes), signature) {
                return Ok(());
            }
            let why = refused("eip191 ", signature, &bytes);
            Err(direct(number, chain_id, &why))
        }
        _ => Err(unsupported(mode, chain_id, account)),
    }
}

/// Whether this key signed this digest.
pub(super) fn is_signed(key: &[u8; 33], digest: &[u8; 32], signature: &[u8]) -> bool {
    let signature: Option<&[u8; 64]> = signature.try_into().ok();
    signature.is_some_and(|s| ecdsa::verify(digest, s, key).unwrap_or(false))
}

/// The document of a mode that signs Amino JSON. It covers neither unknown fields nor options: they could be changed on the way.
fn amino(tx: &Tx, mode: i32, chain_id: &str, account: &Account) -> Result<Vec<u8>, TxError> {
    let refuse = |what: &str| {
        let name = sign_mode_name(mode);
        Err(sdk::INVALID_REQUEST.wrap(format!("{name} does not {what}")))
    };
    if tx.has_unknown_fields {
        return refuse("cover unknown non-critical fields");
    }
    if !tx.body.non_critical_extension_options.is_empty() || tx.auth_info.tip.is_some() {
        return refuse("support protobuf extension options");
    }
    let doc = SignDoc {
        chain_id,
        account_number: account.number,
        sequence: account.sequence,
        fee: &tx.fee(),
        memo: &tx.body.memo,
        timeout_height: tx.body.timeout_height,
        messages: &tx.body.messages,
    };
    let bytes = if mode == i32::from(SignMode::Eip191) {
        doc.to_eip191_bytes()
    } else {
        doc.to_bytes()
    };
    bytes.map_err(|e: AminoError| direct(account.number, chain_id, &e.to_string()))
}

fn refused(kind: &str, signature: &[u8], bytes: &[u8]) -> String {
    let shown = |bytes: &[u8]| hex::encode(bytes.get(..SHOWN_BYTES_MAX).unwrap_or(bytes));
    format!(
        "unable to verify single signer {kind}signature {} for signBytes {}",
        shown(signature),
        shown(bytes)
    )
}

fn unsupported(mode: i32, chain_id: &str, account: &Account) -> TxError {
    let why = format!("unsupported sign mode {}", sign_mode_name(mode));
    direct(account.number, chain_id, &why)
}

fn of_amino(account: &Account, chain_id: &str, why: &str) -> TxError {
    let (number, sequence) = (account.number, account.sequence);
    sdk::UNAUTHORIZED.wrap(format!(
        "signature verification failed; please verify account number ({number}), sequence ({sequence}) and \
         chain-id ({chain_id}): {why}"
    ))
}

fn direct(number: u64, chain_id: &str, why: &str) -> TxError {
    sdk::UNAUTHORIZED.wrap(format!(
        "signature verification failed; please verify account number ({number}) and chain-id ({chain_id}): ({why})"
    ))
}
