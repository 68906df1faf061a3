//! Who must sign: the signer fields of the messages in order, each once, then the fee payer (wire.md 1.12.3).

use super::Msg;
use crate::types::address::AddressError;
use crate::types::error::sdk;
use crate::types::{Address, TxError};

impl Msg {
    /// The signers of this message, in order of its fields.
    ///
    /// # Errors
    /// The address errors of signer fields.
    pub fn signers(&self) -> Result<Vec<Address>, TxError> {
        match self {
            Self::Send(m) => Ok(vec![parse(&m.from_address)?]),
            Self::MultiSend(m) => m.inputs.iter().map(|input| parse(&input.address)).collect(),
            Self::StoreCode(m) => Ok(vec![m.sender.clone()]),
            Self::Instantiate(m) => Ok(vec![m.sender.clone()]),
            Self::Execute(m) => Ok(vec![m.sender.clone()]),
        }
    }
}

/// A signer field.
fn parse(text: &str) -> Result<Address, TxError> {
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
pub(super) fn of_tx(messages: &[Msg], payer: &str) -> Result<Vec<Address>, TxError> {
    let mut signers: Vec<Address> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for message in messages {
        for signer in message.signers()? {
            if seen.insert(signer.clone()) {
                signers.push(signer);
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
pub(super) fn fee_address(text: &str, what: &str) -> Result<Address, TxError> {
    text.parse()
        .map_err(|e| sdk::INVALID_ADDRESS.wrap(format!("invalid fee {what} address ({e})")))
}
