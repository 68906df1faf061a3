//! What leaves a contract, sealed to the sender (encryption.md section 5). Between contracts nothing is sealed, since
//! nothing leaves the trusted core.

use super::limits::{OUTPUT_CLASSES, QUOTED_BYTES_MAX};
use super::{gas, response};
use crate::crypto::io::TxKey;
use crate::error::{Stop, broken};
use crate::modules::compute::error as compute;
use crate::types::error::Registered;
use crate::types::{Address, Attribute, Event, Gas, TxError, size_class};
use strongroom_vm::Entry;

/// Which entry point runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryPoint {
    /// `instantiate`.
    Instantiate,
    /// `execute`.
    Execute,
    /// `query`.
    Query,
    /// `migrate`.
    Migrate,
    /// `sudo`.
    Sudo,
    /// `reply`.
    Reply,
}

impl EntryPoint {
    /// The entry point of the contract.
    #[must_use]
    pub const fn entry(self) -> Entry {
        match self {
            Self::Instantiate => Entry::Instantiate,
            Self::Execute => Entry::Execute,
            Self::Query => Entry::Query,
            Self::Migrate => Entry::Migrate,
            Self::Sudo => Entry::Sudo,
            Self::Reply => Entry::Reply,
        }
    }

    /// The registered error of this operation.
    #[must_use]
    pub const fn failed(self) -> Registered {
        match self {
            Self::Instantiate => compute::INSTANTIATE_FAILED,
            // The protocol has no error of its own for `sudo`.
            Self::Execute | Self::Sudo => compute::EXECUTE_FAILED,
            Self::Query => compute::QUERY_FAILED,
            Self::Migrate => compute::MIGRATE_FAILED,
            Self::Reply => compute::REPLY_FAILED,
        }
    }

    /// An error of the engine, in clear: `Execution error: Enclave: <text>: <op> contract failed`.
    #[must_use]
    pub fn enclave_error(self, text: &str) -> TxError {
        self.failed()
            .wrap(format!("Execution error: Enclave: {text}"))
    }

    /// An error of the contract, sealed: `encrypted: <base64>: <op> contract failed`.
    #[must_use]
    pub fn contract_error(self, key: &TxKey, text: &str) -> Stop {
        let mut text = text.to_owned();
        let spaces = class(text.len()).saturating_sub(text.len());
        text.extend(core::iter::repeat_n(' ', spaces));
        match key.seal_text(&text) {
            Ok(sealed) => self.failed().wrap(format!("encrypted: {sealed}")).into(),
            Err(e) => broken(e).into(),
        }
    }
}

/// The length that a sealed text of `bytes` has as it leaves: an error for its sender tells others no more than this.
#[must_use]
pub(super) fn class(bytes: usize) -> usize {
    let fits = OUTPUT_CLASSES.iter().find(|class| bytes <= **class);
    fits.copied().unwrap_or_else(|| {
        let class = size_class(u64::try_from(bytes).unwrap_or(u64::MAX));
        usize::try_from(class).unwrap_or(bytes)
    })
}

/// Spaces behind `bytes` up to the length of their class.
fn padded(mut bytes: Vec<u8>) -> Vec<u8> {
    let class = class(bytes.len());
    bytes.resize(class, b' ');
    bytes
}

/// Data or a query's answer as it leaves. Behind JSON, spaces mean nothing to who reads it, so its length need not be
/// told; anything else is the contract's own to pad.
#[must_use]
pub(super) fn shaped(data: Vec<u8>) -> Vec<u8> {
    if response::is_json(&data) {
        padded(data)
    } else {
        data
    }
}

/// Seals data or a query's answer: base64 text inside, raw bytes outside.
///
/// # Errors
/// A fault, never in practice.
pub fn data(key: &TxKey, data: &[u8]) -> Result<Vec<u8>, Stop> {
    key.seal_data(data).map_err(|e| broken(e).into())
}

/// Seals what the history keeps of a message between contracts, padded: its length was never seen.
///
/// # Errors
/// A fault, never in practice.
pub(super) fn kept(key: &TxKey, plain: &[u8]) -> Result<Vec<u8>, Stop> {
    key.seal_kept(&padded(plain.to_vec()))
        .map_err(|e| broken(e).into())
}

/// As much of a contract's own text as an error shows in clear.
#[must_use]
pub(super) fn quoted(text: &str) -> &str {
    text.get(..text.floor_char_boundary(QUOTED_BYTES_MAX))
        .unwrap_or(text)
}

/// Price of the events of a response, before anything is sealed.
#[must_use]
pub(super) fn price(attributes: &[response::Attribute], custom: &[response::Event]) -> Gas {
    let all = |attributes: &[response::Attribute]| {
        let prices = attributes
            .iter()
            .map(|a| gas::item(&[&a.key, &a.value], a.encrypted));
        prices.fold(0, Gas::saturating_add)
    };
    let events = custom
        .iter()
        .map(|e| gas::item(&[&e.kind], false).saturating_add(all(&e.attributes)));
    events.fold(all(attributes), Gas::saturating_add)
}

const CONTRACT_ADDRESS: &str = "contract_address";

/// The `wasm` event and the custom events of a response, in order; `contract_address` first in each.
///
/// # Errors
/// compute 21 for a custom event that breaks the rules of contract-abi.md 7.9.
pub(super) fn events(
    key: &TxKey,
    contract: &Address,
    attributes: Vec<response::Attribute>,
    custom: Vec<response::Event>,
) -> Result<Vec<Event>, Stop> {
    let mut out = vec![event(key, contract, "wasm".to_owned(), attributes)?];
    for e in custom {
        let kind = e.kind.trim();
        if kind.chars().count() <= 2 {
            return Err(compute::INVALID_EVENT
                .wrap(format!("Event type too short: '{kind}'"))
                .into());
        }
        let attributes = e
            .attributes
            .into_iter()
            .map(check_custom)
            .collect::<Result<_, _>>()?;
        out.push(event(key, contract, format!("wasm-{kind}"), attributes)?);
    }
    Ok(out)
}

fn check_custom(a: response::Attribute) -> Result<response::Attribute, TxError> {
    let (key, value) = (a.key.trim(), a.value.trim());
    // The text may hold what the contract meant to be sealed: it names a clear attribute only.
    let shown = |text: &str| {
        if a.encrypted {
            "<sealed>".to_owned()
        } else {
            quoted(text).to_owned()
        }
    };
    if key.is_empty() {
        return Err(
            compute::INVALID_EVENT.wrap(format!("Empty attribute key. Value: {}", shown(value)))
        );
    }
    if value.is_empty() {
        return Err(
            compute::INVALID_EVENT.wrap(format!("Empty attribute value. Key: {}", shown(key)))
        );
    }
    if key.starts_with('_') {
        let text = format!(
            "Attribute key starts with reserved prefix _: '{}'",
            shown(key)
        );
        return Err(compute::INVALID_EVENT.wrap(text));
    }
    Ok(response::Attribute {
        key: key.to_owned(),
        value: value.to_owned(),
        encrypted: a.encrypted,
    })
}

fn event(
    key: &TxKey,
    contract: &Address,
    kind: String,
    attributes: Vec<response::Attribute>,
) -> Result<Event, Stop> {
    let seal = |text: &str| key.seal_text(text).map_err(broken);
    let mut out = vec![Attribute {
        key: CONTRACT_ADDRESS.to_owned(),
        value: contract.to_string(),
        index: true,
    }];
    for a in attributes.into_iter().filter(|a| a.key != CONTRACT_ADDRESS) {
        let (key, value) = if a.encrypted {
            (seal(&a.key)?, seal(&a.value)?)
        } else {
            (a.key, a.value)
        };
        out.push(Attribute {
            key,
            value,
            index: true,
        });
    }
    Ok(Event {
        kind,
        attributes: out,
    })
}

/// What of a sub-message's events the transaction shows: none of type `message`, and of one to a contract the attributes
/// sorted by key (stable), as in wire.md 1.13.2.
#[must_use]
pub fn of_sub_message(events: Vec<Event>, to_contract: bool) -> Vec<Event> {
    let mut events: Vec<Event> = events.into_iter().filter(|e| e.kind != "message").collect();
    if to_contract {
        for event in &mut events {
            event
                .attributes
                .sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()));
        }
    }
    events
}

/// Puts one `dispatch: submessages: ` in front of a failing message's text; code and codespace stay.
#[must_use]
pub fn dispatched(e: TxError) -> TxError {
    e.prefixed("dispatch: submessages: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_leave_in_few_classes_that_cover_them() {
        for (bytes, leaves) in [
            (0, 256),
            (256, 256),
            (257, 1_024),
            (1_025, 4_096),
            (4_096, 4_096),
            (4_097, 4_352),
            (1 << 20, 1 << 20),
        ] {
            assert_eq!(class(bytes), leaves);
            assert_eq!(class(leaves), leaves);
        }
    }

    #[test]
    fn only_json_is_padded() {
        assert_eq!(
            shaped(b"{}".to_vec()),
            [b"{}".as_slice(), &[b' '; 254]].concat()
        );
        for as_it_is in [&b""[..], b"plain", b"{", b"\xff\x00", b"{} {}"] {
            assert_eq!(shaped(as_it_is.to_vec()), as_it_is);
        }
    }
}
