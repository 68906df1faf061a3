//! Public keys of signers, and the two sign modes: DIRECT and LEGACY_AMINO_JSON (wire.md 1.2, 1.3).

use super::super::state::Account;
use crate::crypto::secp256k1 as ecdsa;
use crate::types::amino::AminoError;
use crate::types::amino::SignDoc;
use crate::types::error::sdk;
use crate::types::proto::cosmos::crypto::{ed25519, secp256k1};
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::proto::{Any, Name};
use crate::types::tx::{Tx, decode_proto};
use crate::types::{Address, TxError, sha256};

/// Signed bytes that an error shows at most: a megabyte of hex helps nobody.
const SHOWN_BYTES_MAX: usize = 4_096;

/// The public key of a signer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Compressed.
    Secp256k1([u8; 33]),
    /// Refused, after its gas.
    Ed25519([u8; 32]),
    /// Refused by name.
    Unknown(String),
}

impl Key {
    /// Reads the key that came with a signature, if one did.
    pub(super) fn of(any: Option<&Any>) -> Result<Option<Self>, TxError> {
        let Some(any) = any else { return Ok(None) };
        if any.type_url == secp256k1::PubKey::type_url() {
            let key = decode_proto::<secp256k1::PubKey>(&any.value)?.key;
            let bytes = key.as_slice().try_into();
            return bytes.map(|b| Some(Self::Secp256k1(b))).map_err(|_| {
                sdk::INVALID_PUBKEY.wrap(format!(
                    "a secp256k1 public key has 33 bytes, got {}",
                    key.len()
                ))
            });
        }
        if any.type_url == ed25519::PubKey::type_url() {
            let key = decode_proto::<ed25519::PubKey>(&any.value)?.key;
            let bytes = key.as_slice().try_into();
            return bytes.map(|b| Some(Self::Ed25519(b))).map_err(|_| {
                sdk::INVALID_PUBKEY.wrap(format!(
                    "an ed25519 public key has 32 bytes, got {}",
                    key.len()
                ))
            });
        }
        Ok(Some(Self::Unknown(
            any.type_url.trim_start_matches('/').to_owned(),
        )))
    }

    /// The address that the key has; `None` for kinds that we do not know.
    pub(super) fn address(&self) -> Option<Address> {
        match self {
            Self::Secp256k1(key) => Some(Address::of_secp256k1(key)),
            Self::Ed25519(key) => Address::from_bytes(sha256(key).get(..20)?).ok(),
            Self::Unknown(_) => None,
        }
    }
}

/// Verifies signature `index` of a transaction.
///
/// # Errors
/// sdk 4 with the text of its mode.
pub(super) fn verify(
    tx: &Tx,
    index: usize,
    key: &[u8; 33],
    chain_id: &str,
    account: &Account,
) -> Result<(), TxError> {
    let signature = tx
        .signatures
        .get(index)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let (number, sequence) = (account.number, account.sequence);
    match tx.sign_mode(index) {
        Some(SignMode::Direct) => {
            let bytes = tx.sign_bytes_direct(chain_id, number);
            if is_signed(key, &bytes, signature) {
                Ok(())
            } else {
                Err(direct(number, chain_id, &refused(signature, &bytes)))
            }
        }
        Some(SignMode::LegacyAminoJson) => {
            check_amino(tx)?;
            let doc = SignDoc {
                chain_id,
                account_number: number,
                sequence,
                fee: &tx.fee(),
                memo: &tx.body.memo,
                timeout_height: tx.body.timeout_height,
                messages: &tx.body.messages,
            };
            let bytes = doc
                .to_bytes()
                .map_err(|e: AminoError| direct(number, chain_id, &e.to_string()))?;
            if is_signed(key, &bytes, signature) {
                return Ok(());
            }
            let why = refused(signature, &bytes);
            Err(sdk::UNAUTHORIZED.wrap(format!(
                "signature verification failed; please verify account number ({number}), sequence ({sequence}) and \
                 chain-id ({chain_id}): {why}"
            )))
        }
        _ => Err(direct(number, chain_id, "sign mode not supported")),
    }
}

fn is_signed(key: &[u8; 33], bytes: &[u8], signature: &[u8]) -> bool {
    let signature: Option<&[u8; 64]> = signature.try_into().ok();
    signature.is_some_and(|s| ecdsa::verify(&sha256(bytes), s, key).unwrap_or(false))
}

/// Amino JSON covers neither unknown fields nor options: they could be changed on the way.
fn check_amino(tx: &Tx) -> Result<(), TxError> {
    if tx.has_unknown_fields {
        let text = "SIGN_MODE_LEGACY_AMINO_JSON does not cover unknown non-critical fields";
        return Err(sdk::INVALID_REQUEST.wrap(text));
    }
    if !tx.body.non_critical_extension_options.is_empty() || tx.auth_info.tip.is_some() {
        let text = "SIGN_MODE_LEGACY_AMINO_JSON does not support protobuf extension options";
        return Err(sdk::INVALID_REQUEST.wrap(text));
    }
    Ok(())
}

fn refused(signature: &[u8], bytes: &[u8]) -> String {
    let shown = bytes.get(..SHOWN_BYTES_MAX).unwrap_or(bytes);
    format!(
        "unable to verify single signer signature {} for signBytes {}",
        hex::encode(signature.get(..SHOWN_BYTES_MAX).unwrap_or(signature)),
        hex::encode(shown)
    )
}

fn direct(number: u64, chain_id: &str, why: &str) -> TxError {
    sdk::UNAUTHORIZED.wrap(format!(
        "signature verification failed; please verify account number ({number}) and chain-id ({chain_id}): ({why})"
    ))
}
