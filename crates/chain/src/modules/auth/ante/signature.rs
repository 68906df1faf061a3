//! The sign modes DIRECT, LEGACY_AMINO_JSON and EIP_191 (wire.md 1.2 to 1.4), and what the members of a multisig sign.

use super::super::state::Account;
use super::documents::{Documents, direct};
use super::multisig;
use crate::crypto::keccak256;
use crate::tx::looked::{Looked, is_signed};
use crate::types::error::sdk;
use crate::types::multisig::SignatureData;
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::proto::cosmos::tx::v1beta1::{ModeInfo, mode_info::Sum};
use crate::types::public_key::PublicKey;
use crate::types::tx::sign_mode_name;
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

/// Verifies what a signer gave; `documents` are those of its transaction.
///
/// # Errors
/// sdk 4 with the text of its mode; sdk 18 for what Amino JSON does not cover; code 1, `undefined`, for a multisig that gave one signature.
pub(super) fn verify(
    documents: &mut Documents<'_>,
    key: &PublicKey,
    given: &SignatureData<'_>,
    account: &Account,
) -> Result<(), TxError> {
    let (number, chain_id) = (account.number, documents.chain_id);
    match (key, given) {
        (PublicKey::Secp256k1(key), SignatureData::Single { mode, signature }) => {
            verify_one(documents, key, *mode, signature, account)
        }
        (PublicKey::Multisig(several), SignatureData::Multi { signed, members }) => {
            let mode = SignMode::LegacyAminoJson;
            let document = sha256(&documents.of(mode, account)?);
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
    documents: &mut Documents<'_>,
    key: &[u8; 33],
    mode: i32,
    signature: &[u8],
    account: &Account,
) -> Result<(), TxError> {
    let (number, chain_id) = (account.number, documents.chain_id);
    match SignMode::try_from(mode) {
        Ok(SignMode::Direct) => {
            let bytes = documents.tx.sign_bytes_direct(chain_id, number);
            let digest = sha256(&bytes);
            let looked = documents.looked.as_ref();
            let known = looked.and_then(|looked| looked.at(key, &digest, signature));
            if known.unwrap_or_else(|| is_signed(key, &digest, signature)) {
                documents.looked = Looked::good(key, &digest, signature);
                return Ok(());
            }
            Err(direct(number, chain_id, &refused("", signature, &bytes)))
        }
        Ok(mode @ SignMode::LegacyAminoJson) => {
            let bytes = documents.of(mode, account)?;
            if is_signed(key, &sha256(&bytes), signature) {
                return Ok(());
            }
            Err(of_amino(account, chain_id, &refused("", signature, &bytes)))
        }
        Ok(mode @ SignMode::Eip191) => {
            let bytes = documents.of(mode, account)?;
            if is_signed(key, &keccak256(&bytes), signature) {
                return Ok(());
            }
            let why = refused("eip191 ", signature, &bytes);
            Err(direct(number, chain_id, &why))
        }
        _ => Err(unsupported(mode, chain_id, account)),
    }
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
