//! What the signers of a transaction sign in Amino JSON (LEGACY_AMINO_JSON, EIP_191; wire.md 1.3, 1.4).
//!
//! Promises: the messages are written in JSON once, whoever signs; all documents of a transaction together are bounded by its bytes, since
//! nobody has paid when they are made. Refuses a transaction of which such a signature would not cover all: somebody on the way could change the rest.

use super::super::state::Account;
use super::USUAL_KEY;
use crate::tx::looked::Looked;
use crate::types::TxError;
use crate::types::amino::{self, AminoError, Json, SignDoc};
use crate::types::error::sdk;
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::proto::cosmos::tx::v1beta1::{AuthInfo, ModeInfo, mode_info::Sum};
use crate::types::proto::{Message, length_delimiter_len};
use crate::types::public_key::PublicKey;
use crate::types::tx::{Tx, sign_mode_name};

/// The documents of one transaction.
pub(super) struct Documents<'a> {
    pub(super) tx: &'a Tx,
    pub(super) chain_id: &'a str,
    /// A signature that was looked at, before the transaction ran or by now.
    pub(super) looked: Option<Looked>,
    /// The last that was made: the next differs in two members.
    json: Option<Json>,
    len_max: usize,
    bytes_left: usize,
}

impl<'a> Documents<'a> {
    pub(super) const fn new(tx: &'a Tx, chain_id: &'a str, looked: Option<Looked>) -> Self {
        let len_max = amino::documents_len_max(tx.len);
        Self {
            tx,
            chain_id,
            looked,
            json: None,
            len_max,
            bytes_left: len_max,
        }
    }

    /// The document that this account signs in this mode.
    ///
    /// # Errors
    /// sdk 18 for what the mode does not cover; sdk 4 for a message without Amino JSON, and for documents too long.
    pub(super) fn of(&mut self, mode: SignMode, account: &Account) -> Result<Vec<u8>, TxError> {
        check_covered(self.tx, mode)?;
        self.write(mode, account)
            .map_err(|e: AminoError| direct(account.number, self.chain_id, &e.to_string()))
    }

    fn write(&mut self, mode: SignMode, account: &Account) -> Result<Vec<u8>, AminoError> {
        let mut json = match self.json.take() {
            Some(json) => json,
            None => self.json_of(account)?,
        };
        json.set("account_number", Json::text(account.number));
        json.set("sequence", Json::text(account.sequence));
        let bytes = if mode == SignMode::Eip191 {
            amino::eip191_document(&json, self.bytes_left)
        } else {
            amino::document(&json, self.bytes_left)
        };
        // What is left for this one says nothing to whoever reads it.
        let bytes = bytes.map_err(|_: AminoError| AminoError::Long(self.len_max))?;
        self.bytes_left = self.bytes_left.saturating_sub(bytes.len());
        self.json = Some(json);
        Ok(bytes)
    }

    fn json_of(&self, account: &Account) -> Result<Json, AminoError> {
        SignDoc {
            chain_id: self.chain_id,
            account_number: account.number,
            sequence: account.sequence,
            fee: &self.tx.fee(),
            memo: &self.tx.body.memo,
            timeout_height: self.tx.body.timeout_height,
            messages: &self.tx.body.messages,
        }
        .to_json()
    }
}

/// A signature that does not hold, in the form of DIRECT.
pub(super) fn direct(number: u64, chain_id: &str, why: &str) -> TxError {
    sdk::UNAUTHORIZED.wrap(format!(
        "signature verification failed; please verify account number ({number}) and chain-id ({chain_id}): ({why})"
    ))
}

/// As [`Documents::of`] would, for a simulation: a mode that is open covers all.
///
/// # Errors
/// sdk 18 for what the mode does not cover.
pub(super) fn check_simulated(
    tx: &Tx,
    key: Option<&PublicKey>,
    info: Option<&ModeInfo>,
) -> Result<(), TxError> {
    if matches!(key, Some(PublicKey::Multisig(_))) {
        return check_covered(tx, SignMode::LegacyAminoJson);
    }
    match info.and_then(|i| i.sum.as_ref()) {
        None => Ok(()),
        Some(Sum::Single(single)) => match SignMode::try_from(single.mode) {
            Ok(mode @ (SignMode::LegacyAminoJson | SignMode::Eip191)) => check_covered(tx, mode),
            _ => Ok(()),
        },
        Some(Sum::Multi(_)) => check_covered(tx, SignMode::LegacyAminoJson),
    }
}

/// Amino JSON covers neither unknown fields nor options, and says what was decoded, not how it was written.
fn check_covered(tx: &Tx, mode: SignMode) -> Result<(), TxError> {
    let refuse = |what: &str| {
        let name = sign_mode_name(mode.into());
        Err(sdk::INVALID_REQUEST.wrap(format!("{name} does not {what}")))
    };
    if tx.has_unknown_fields {
        return refuse("cover unknown non-critical fields");
    }
    if !tx.body.non_critical_extension_options.is_empty() || tx.auth_info.tip.is_some() {
        return refuse("support protobuf extension options");
    }
    if !tx.is_canonical {
        return refuse(
            "cover another encoding than the canonical: fields in order, none that holds its default",
        );
    }
    Ok(())
}

/// Bytes that the keys would add which signers left out. Amino JSON covers no keys: who put one in on the way would have the sender pay for it, so it is
/// paid in any case. Beside a signature in DIRECT, which covers the keys of all, only in a simulation, and only what has yet to be brought.
pub(super) fn missing_key_bytes<'a>(
    tx: &Tx,
    keys: impl Iterator<Item = Option<&'a PublicKey>>,
) -> usize {
    let infos = &tx.auth_info.signer_infos;
    if infos.iter().all(|info| info.public_key.is_some()) {
        return 0;
    }
    let is_covered = infos.iter().any(|info| is_direct(info.mode_info.as_ref()));
    let mut whole = tx.auth_info.clone();
    for (info, key) in whole.signer_infos.iter_mut().zip(keys) {
        let will_come = !is_covered || key == Some(&USUAL_KEY);
        if info.public_key.is_none() && will_come {
            info.public_key = key.map(PublicKey::to_any);
        }
    }
    let in_tx = |info: &AuthInfo| {
        let len = info.encoded_len();
        len.saturating_add(length_delimiter_len(len))
    };
    in_tx(&whole).saturating_sub(in_tx(&tx.auth_info))
}

fn is_direct(info: Option<&ModeInfo>) -> bool {
    let mode = info.and_then(|i| i.sum.as_ref());
    matches!(mode, Some(Sum::Single(single)) if single.mode == i32::from(SignMode::Direct))
}
