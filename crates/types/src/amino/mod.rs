//! Amino JSON: the sign documents of LEGACY_AMINO_JSON (wire.md 1.3), and of EIP_191 (wire.md 1.4).
//!
//! Canonical by construction: members sorted, compact, integers of 64 bits as strings, bytes in base64, `&`, `<`, `>`
//! escaped, no floats. Messages are written from their wire form along the [`crate::schema`], no code per message.
//! Refuses what has no single reading: a field given twice, text that is not UTF-8, a type without Amino name.

mod json;

use crate::{
    proto::{Any, cosmos::base::v1beta1::Coin, cosmos::tx::v1beta1::Fee},
    schema::{self, Field, Kind, Message},
    time::Timestamp,
    wire::{Reader, Value, WireError},
};
use base64::Engine as _;
use core::fmt::{self, Write as _};
use std::collections::BTreeMap;

pub use json::Json;

/// Deepest nesting of messages in a sign document.
pub const DEPTH_MAX: usize = 32;

/// Most bytes that the documents of a transaction of this many bytes may have together, one for each signer. A field of two bytes, nested deep,
/// is a line of hundreds, and nobody has paid for it when it is written and hashed. A message of many small parts takes six times its own bytes
/// indented, and is small; what is large is code, which takes 4/3 of its bytes in base64, for its signer and one who pays.
#[must_use]
pub const fn documents_len_max(tx_len: usize) -> usize {
    let (parts, code) = (tx_len.saturating_mul(8), tx_len.saturating_mul(3));
    let parts = if parts < PARTS_LEN_MAX {
        parts
    } else {
        PARTS_LEN_MAX
    };
    code.saturating_add(parts).saturating_add(64 << 10)
}

/// Most bytes of indentation and names in sign documents.
const PARTS_LEN_MAX: usize = 1 << 20;

/// Why there is no Amino JSON of a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AminoError {
    /// The type is unknown or has no Amino name.
    #[error("no amino name for type URL {0}")]
    Type(String),
    /// Not the wire form of the type.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// An unknown field, another wire type, or a single field given twice.
    #[error("field {number} of {message} has no amino form")]
    Field {
        /// The type.
        message: &'static str,
        /// The field number.
        number: u32,
    },
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("nested deeper than {DEPTH_MAX}")]
    Depth,
    /// Longer than the caller takes.
    #[error("sign documents of more than {0} bytes")]
    Long(usize),
}

/// What a signature in LEGACY_AMINO_JSON or EIP_191 covers.
#[derive(Clone, Copy, Debug)]
pub struct SignDoc<'a> {
    /// Chain id.
    pub chain_id: &'a str,
    /// Account number of the signer.
    pub account_number: u64,
    /// Sequence of the signer.
    pub sequence: u64,
    /// Fee.
    pub fee: &'a Fee,
    /// Memo.
    pub memo: &'a str,
    /// Timeout height, 0 for none.
    pub timeout_height: u64,
    /// Messages as they stand in the transaction.
    pub messages: &'a [Any],
}

impl SignDoc<'_> {
    /// The document as signed: ECDSA is over its SHA-256.
    ///
    /// # Errors
    /// [`AminoError`] if a message has no Amino JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, AminoError> {
        document(&self.to_json()?, usize::MAX)
    }

    /// The document as Ethereum's wallets sign it: indented, behind their prefix. ECDSA is over its Keccak-256.
    ///
    /// # Errors
    /// As [`SignDoc::to_bytes`].
    pub fn to_eip191_bytes(&self) -> Result<Vec<u8>, AminoError> {
        eip191_document(&self.to_json()?, usize::MAX)
    }

    /// The document as a JSON value.
    ///
    /// # Errors
    /// As [`SignDoc::to_bytes`].
    pub fn to_json(&self) -> Result<Json, AminoError> {
        let messages: Vec<Json> = self
            .messages
            .iter()
            .map(message)
            .collect::<Result<_, _>>()?;
        let mut doc = vec![
            ("account_number", Json::text(self.account_number)),
            ("chain_id", Json::text(self.chain_id)),
            ("fee", fee(self.fee)),
            ("memo", Json::text(self.memo)),
            ("msgs", Json::Array(messages)),
            ("sequence", Json::text(self.sequence)),
        ];
        if self.timeout_height != 0 {
            doc.push(("timeout_height", Json::text(self.timeout_height)));
        }
        Ok(Json::object(doc))
    }
}

/// Writes [`SignDoc::to_json`] as [`SignDoc::to_bytes`] does.
///
/// # Errors
/// [`AminoError::Long`] for one of more than `len_max` bytes.
pub fn document(json: &Json, len_max: usize) -> Result<Vec<u8>, AminoError> {
    Ok(written(json, len_max)?.into_bytes())
}

/// Writes [`SignDoc::to_json`] as [`SignDoc::to_eip191_bytes`] does.
///
/// # Errors
/// [`AminoError::Long`] for one of more than `len_max` bytes, without the prefix.
pub fn eip191_document(json: &Json, len_max: usize) -> Result<Vec<u8>, AminoError> {
    let document = written(&json.indented(), len_max)?;
    let prefix = format!("\u{19}Ethereum Signed Message:\n{}", document.len());
    Ok([prefix, document].concat().into_bytes())
}

fn written(value: &impl fmt::Display, len_max: usize) -> Result<String, AminoError> {
    let mut text = Bounded(String::new(), len_max);
    write!(text, "{value}").map_err(|_: fmt::Error| AminoError::Long(len_max))?;
    Ok(text.0)
}

/// A text and its greatest length; writing more fails.
struct Bounded(String, usize);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len().saturating_add(text.len()) > self.1 {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

fn fee(fee: &Fee) -> Json {
    let coin = |c: &Coin| {
        Json::object([
            ("amount", Json::text(&c.amount)),
            ("denom", Json::text(&c.denom)),
        ])
    };
    let mut members = vec![
        ("amount", Json::Array(fee.amount.iter().map(coin).collect())),
        ("gas", Json::text(fee.gas_limit)),
    ];
    for (name, address) in [("granter", &fee.granter), ("payer", &fee.payer)] {
        if !address.is_empty() {
            members.push((name, Json::text(address)));
        }
    }
    Json::object(members)
}

/// A message as `{"type":…,"value":…}`.
///
/// # Errors
/// [`AminoError`] if it has none.
pub fn message(any: &Any) -> Result<Json, AminoError> {
    named(&any.type_url, &any.value, 0)
}

fn named(type_url: &str, value: &[u8], depth: usize) -> Result<Json, AminoError> {
    let known = schema::by_type_url(type_url).filter(|m| !m.amino_name.is_empty());
    let known = known.ok_or_else(|| AminoError::Type(type_url.to_owned()))?;
    Ok(Json::object([
        ("type", Json::text(known.amino_name)),
        ("value", body(known, value, depth)?),
    ]))
}

/// The fields of a message, or what stands for a well-known type.
fn body(message: &'static Message, bytes: &[u8], depth: usize) -> Result<Json, AminoError> {
    if depth >= DEPTH_MAX {
        return Err(AminoError::Depth);
    }
    let below = depth.saturating_add(1);
    let mut found = collect(message, bytes)?;
    match message.name {
        "google.protobuf.Any" => {
            let url = text_of(
                message,
                1,
                found.remove(&1).as_ref().and_then(|l| l.first()).copied(),
            )?;
            let value = bytes_of(found.remove(&2).as_ref().and_then(|l| l.first()).copied());
            named(&url, value, below)
        }
        "google.protobuf.Timestamp" | "google.protobuf.Duration" => {
            well_known_time(message, &found)
        }
        "cosmos.crypto.secp256k1.PubKey" | "cosmos.crypto.ed25519.PubKey" => {
            let key = bytes_of(found.remove(&1).as_ref().and_then(|l| l.first()).copied());
            Ok(Json::text(
                base64::engine::general_purpose::STANDARD.encode(key),
            ))
        }
        // The one number of 32 bits that is text, in a message that has no field left out.
        "cosmos.crypto.multisig.LegacyAminoPubKey" => {
            let threshold = match found.remove(&1).as_ref().and_then(|l| l.first()) {
                Some(Value::Varint(number)) => low_half(*number),
                _ => 0,
            };
            let mut members = fields(message, &found, below)?;
            if !found.contains_key(&2) {
                members.set("pubkeys", Json::Array(Vec::new()));
            }
            members.set("threshold", Json::text(threshold));
            Ok(members)
        }
        _ => fields(message, &found, below),
    }
}

/// The values by field number, in order; every number is known to the type, single fields stand once.
fn collect<'a>(
    message: &'static Message,
    bytes: &'a [u8],
) -> Result<BTreeMap<u32, Vec<Value<'a>>>, AminoError> {
    let mut found: BTreeMap<u32, Vec<Value<'a>>> = BTreeMap::new();
    for field in Reader::new(bytes) {
        let field = field?;
        let number = field.number;
        let refuse = AminoError::Field {
            message: message.name,
            number,
        };
        let Some(known) = message.field(number) else {
            return Err(refuse);
        };
        let list = found.entry(number).or_default();
        list.push(field.value);
        if list.len() > 1 && !known.repeated {
            return Err(refuse);
        }
    }
    Ok(found)
}

fn fields(
    message: &'static Message,
    found: &BTreeMap<u32, Vec<Value<'_>>>,
    below: usize,
) -> Result<Json, AminoError> {
    let mut members = Vec::new();
    for field in message.fields {
        let values = found
            .get(&field.number)
            .map(Vec::as_slice)
            .unwrap_or_default();
        if field.repeated {
            let list: Vec<Json> = values
                .iter()
                .map(|v| one(message, field, Some(*v), below))
                .collect::<Result<_, _>>()?;
            if !list.is_empty() || field.keep_empty {
                members.push((field.amino_name, Json::Array(list)));
            }
            continue;
        }
        let value = values.first().copied();
        let is_set = match (value, field.kind) {
            (None, _) => false,
            (Some(_), Kind::Message(_)) => true,
            (Some(Value::Bytes(b)), _) => !b.is_empty() || field.oneof.is_some(),
            (Some(Value::Varint(n)), _) => n != 0 || field.oneof.is_some(),
            (Some(_), _) => true,
        };
        if is_set || field.keep_empty {
            members.push((field.amino_name, one(message, field, value, below)?));
        }
    }
    Ok(Json::object(members))
}

/// One value; `None` stands for the empty one.
fn one(
    message: &'static Message,
    field: &'static Field,
    value: Option<Value<'_>>,
    below: usize,
) -> Result<Json, AminoError> {
    let refuse = || AminoError::Field {
        message: message.name,
        number: field.number,
    };
    Ok(match (field.kind, value) {
        (Kind::Message(_), None) => body(field.kind.message().ok_or_else(refuse)?, &[], below)?,
        (Kind::Message(_), Some(Value::Bytes(b))) => {
            body(field.kind.message().ok_or_else(refuse)?, b, below)?
        }
        (Kind::String, value) if field.decimal => {
            Json::text(decimal(&text_of(message, field.number, value)?).ok_or_else(refuse)?)
        }
        (Kind::String, value) => Json::text(text_of(message, field.number, value)?),
        (Kind::Bytes, None | Some(Value::Bytes(_))) => {
            Json::text(base64::engine::general_purpose::STANDARD.encode(bytes_of(value)))
        }
        (kind, value) if kind.is_packable() => {
            let number = match value {
                None => 0,
                Some(Value::Varint(n)) => n,
                Some(_) => return Err(refuse()),
            };
            match kind {
                Kind::Bool => Json::Bool(number != 0),
                // Negative 32-bit numbers travel as 64 bits; the low half is the value.
                Kind::Int32 | Kind::Enum => Json::Number(i64::from(low_half(number).cast_signed())),
                Kind::Uint32 => Json::Number(i64::from(low_half(number))),
                Kind::Int64 => Json::text(number.cast_signed()),
                _ => Json::text(number),
            }
        }
        _ => return Err(refuse()),
    })
}

/// Nanoseconds in a second.
const NANOS: i64 = 1_000_000_000;
/// Decimal places of a `LegacyDec`.
const DECIMALS: usize = 18;

/// Integer text of 10^-18 as decimal text. `None` for what is no such text, or another spelling of one: two messages would have
/// one document.
fn decimal(digits: &str) -> Option<String> {
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !plain || (digits.starts_with('0') && digits.len() > 1) {
        return None;
    }
    let padded = format!("{digits:0>width$}", width = DECIMALS.saturating_add(1));
    let (whole, places) = padded.split_at_checked(padded.len().saturating_sub(DECIMALS))?;
    Some(format!("{whole}.{places}"))
}

fn low_half(number: u64) -> u32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

fn bytes_of<'a>(value: Option<Value<'a>>) -> &'a [u8] {
    match value {
        Some(Value::Bytes(b)) => b,
        _ => &[],
    }
}

fn text_of(
    message: &'static Message,
    number: u32,
    value: Option<Value<'_>>,
) -> Result<String, AminoError> {
    let refuse = || AminoError::Field {
        message: message.name,
        number,
    };
    match value {
        None => Ok(String::new()),
        Some(Value::Bytes(b)) => core::str::from_utf8(b)
            .map(str::to_owned)
            .map_err(|_| refuse()),
        Some(_) => Err(refuse()),
    }
}

/// A timestamp as RFC 3339, a duration as a string of nanoseconds. A duration has one form here: as many whole seconds as there are. Of several
/// with one document somebody on the way could choose.
fn well_known_time(
    message: &'static Message,
    found: &BTreeMap<u32, Vec<Value<'_>>>,
) -> Result<Json, AminoError> {
    let refuse = |number| AminoError::Field {
        message: message.name,
        number,
    };
    let number = |n: u32| match found.get(&n).and_then(|l| l.first()) {
        None => Ok(0),
        Some(Value::Varint(v)) => Ok(v.cast_signed()),
        Some(_) => Err(refuse(n)),
    };
    let (seconds, nanos) = (number(1)?, number(2)?);
    if message.name.ends_with("Timestamp") {
        let nanos = u32::try_from(nanos).map_err(|_| refuse(2))?;
        return Ok(Json::text(
            Timestamp::new(seconds, nanos).map_err(|_| refuse(1))?,
        ));
    }
    if !(0..NANOS).contains(&nanos) {
        return Err(refuse(2));
    }
    let total = seconds
        .checked_mul(NANOS)
        .and_then(|s| s.checked_add(nanos))
        .filter(|total| *total >= 0)
        .ok_or_else(|| refuse(1))?;
    Ok(Json::text(total))
}

#[cfg(test)]
mod tests;
