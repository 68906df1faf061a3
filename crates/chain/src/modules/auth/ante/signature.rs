//! Public keys of signers, and the sign modes DIRECT, LEGACY_AMINO_JSON and EIP_191 (wire.md 1.2 to 1.4).

use super::super::state::Account;
use crate::crypto::{keccak256, secp256k1 as ecdsa};
use crate::types::amino::AminoError;
use crate::types::amino::SignDoc;
use crate::types::error::sdk;
use crate::types::proto::cosmos::crypto::{ed25519, secp256k1};
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::proto::{Any, Name};
use crate::types::tx::{Tx, decode_proto, sign_mode_name};
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

/// Refuses a sign mode that is not ours, by name. A simulation may leave it open.
///
/// # Errors
/// sdk 4 in the form of DIRECT.
pub(super) fn check_mode(
    tx: &Tx,
    index: usize,
    chain_id: &str,
    account: &Account,
    simulate: bool,
) -> Result<(), TxError> {
    let mode = tx.sign_mode(index);
    match mode.and_then(|mode| SignMode::try_from(mode).ok()) {
        Some(SignMode::Direct | SignMode::LegacyAminoJson | SignMode::Eip191) => Ok(()),
        Some(SignMode::Unspecified) if simulate => Ok(()),
        _ => {
            let name = mode.map_or_else(|| "of a multisig".to_owned(), sign_mode_name);
            let why = format!("unsupported sign mode {name}");
            Err(direct(account.number, chain_id, &why))
        }
    }
}

/// Verifies signature `index` of a transaction.
///
/// # Errors
/// sdk 4 with the text of its mode; sdk 18 for what Amino JSON does not cover.
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
    let mode = tx.sign_mode(index).unwrap_or_default();
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
            let why = refused("", signature, &bytes);
            Err(sdk::UNAUTHORIZED.wrap(format!(
                "signature verification failed; please verify account number ({number}), sequence ({sequence}) and \
                 chain-id ({chain_id}): {why}"
            )))
        }
        Ok(SignMode::Eip191) => {
            let bytes = amino(tx, mode, chain_id, account)?;
            if is_signed(key, &keccak256(&bytes), signature) {
                return Ok(());
            }
            let why = refused("eip191 ", signature, &bytes);
            Err(direct(number, chain_id, &why))
        }
        _ => check_mode(tx, index, chain_id, account, false),
    }
}

fn is_signed(key: &[u8; 33], digest: &[u8; 32], signature: &[u8]) -> bool {
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

fn direct(number: u64, chain_id: &str, why: &str) -> TxError {
    sdk::UNAUTHORIZED.wrap(format!(
        "signature verification failed; please verify account number ({number}) and chain-id ({chain_id}): ({why})"
    ))
}
