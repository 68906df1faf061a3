//! Who must sign: the signer fields of the messages in order, each once, then the fee payer (wire.md 1.12.3). Which fields
//! those are, the descriptors say (`cosmos.msg.v1.signer`).

use super::Msg;
use crate::types::address::AddressError;
use crate::types::error::sdk;
use crate::types::proto::Any;
use crate::types::tx::parse_error;
use crate::types::{Address, TxError, signers};
use signers::{Signer, SignersError};

/// The signers of one message.
///
/// # Errors
/// The address errors of signer fields.
pub(super) fn of_message(message: &Any) -> Result<Vec<Address>, TxError> {
    let fields = signers::of(message).map_err(|e: SignersError| parse_error(e.to_string()))?;
    fields.into_iter().map(of_field).collect()
}

fn of_field(field: Signer<'_>) -> Result<Address, TxError> {
    match field {
        Signer::Bytes(bytes) => {
            Address::from_bytes(bytes).map_err(|e: AddressError| sdk::UNKNOWN_ADDRESS.wrap(e))
        }
        Signer::Text(text) => address(text),
    }
}

/// An address as the protocol reads it from text.
///
/// # Errors
/// sdk 35 for another prefix, 9 for another length, no registered error for what is no bech32.
pub(crate) fn address(text: &str) -> Result<Address, TxError> {
    text.parse().map_err(|e: AddressError| match e {
        AddressError::Prefix(_) => sdk::LOGIC.wrap(e),
        AddressError::Length(_) => sdk::UNKNOWN_ADDRESS.wrap(e),
        other => TxError::plain(other.to_string()),
    })
}

/// All signers of a transaction: of the messages, then the fee payer if it is none of them. The first pays the fee
/// unless another payer is named.
///
/// # Errors
/// The address errors of signer fields; sdk 7 for a malformed payer.
pub(crate) fn of_tx(messages: &[Msg], payer: &str) -> Result<Vec<Address>, TxError> {
    let mut signers: Vec<Address> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for message in messages {
        for signer in message.signers()? {
            if seen.insert(signer.clone()) {
                signers.push(signer.clone());
            }
        }
    }
    if !payer.is_empty() {
        let payer = fee_address(payer, "payer")?;
        if seen.insert(payer.clone()) {
            signers.push(payer);
        }
    }
    Ok(signers)
}

/// An address of the fee: payer or granter.
///
/// # Errors
/// sdk 7.
pub(crate) fn fee_address(text: &str, what: &str) -> Result<Address, TxError> {
    text.parse().map_err(|e: AddressError| {
        sdk::INVALID_ADDRESS.wrap(format!("invalid fee {what} address ({e})"))
    })
}
