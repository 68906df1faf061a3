//! Refuses what a message type does not know, before anything is decoded (wire.md 1.12.2).
//!
//! Walks the wire form along the schema: unknown fields, other wire types, unknown type URLs in `Any`, too deep
//! nesting, too many fields; and what a decoder would forget: fields that are there twice or beside their alternative, numbers in more bytes than they need.
//! What passes costs the typed decoder memory in proportion to its bytes.
//!
//! Tells besides whether what it walked is the canonical encoding of its values. Where a signature is of the values (Amino), somebody on
//! the way could lengthen another's transaction by any other encoding until its gas is not enough.

use crate::{
    schema::{self, Kind, Message},
    wire::{Field, Reader, Value, WireError},
};

/// Deepest nesting of messages in a transaction; ours need 5, an `Any` within an `Any` two more.
pub const DEPTH_MAX: usize = 32;
/// Most fields in a transaction, all levels together: a two-byte field can cost the decoder a hundred bytes.
pub const FIELDS_MAX: usize = 100_000;
/// Field numbers with this bit may be unknown where the caller allows it (ADR-020).
const NON_CRITICAL: u32 = 1 << 10;

/// Why a message is refused; the texts are those that clients of this protocol know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StrictError {
    /// Not protobuf at all.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A field that the type does not have.
    #[error("errUnknownField \"/{message}\": {{TagNum: {number}, WireType:\"{wire_type}\"}}")]
    UnknownField {
        /// The type.
        message: &'static str,
        /// The field number.
        number: u32,
        /// The wire type found.
        wire_type: &'static str,
    },
    /// A field of another wire type.
    #[error(
        "errMismatchedWireType \"/{message}\": {{TagNum: {number}, GotWireType: \"{got}\" != WantWireType: \"{want}\"}}"
    )]
    WireType {
        /// The type.
        message: &'static str,
        /// The field number.
        number: u32,
        /// Found.
        got: &'static str,
        /// Expected.
        want: &'static str,
    },
    /// An `Any` of a type that we do not have.
    #[error("unable to resolve type URL {0}")]
    TypeUrl(String),
    /// A field twice that there is once: a decoder would take the last.
    #[error("field {number} of \"/{message}\" is there twice")]
    Twice {
        /// The type.
        message: &'static str,
        /// The field number.
        number: u32,
    },
    /// Two of several alternatives: a decoder would take the last.
    #[error("field {number} of \"/{message}\" is there beside an alternative of it")]
    Alternatives {
        /// The type.
        message: &'static str,
        /// The field number.
        number: u32,
    },
    /// A tag, length or number in more bytes than it needs.
    #[error("a number in more bytes than it needs in \"/{message}\"")]
    NotMinimal {
        /// The type.
        message: &'static str,
    },
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("exceeded maximum depth {DEPTH_MAX}")]
    Depth,
    /// More than [`FIELDS_MAX`] fields.
    #[error("exceeded maximum number of fields {FIELDS_MAX}")]
    Fields,
}

/// A walk over one transaction: the budget of fields is shared by its parts.
pub(crate) struct Walk {
    allow_non_critical: bool,
    fields_left: usize,
    /// Whether an unknown field was let pass because it is not critical.
    pub(crate) found_non_critical: bool,
    /// Whether nothing was found that could be written otherwise and still mean the same (docs/spec/chain.md 8): fields in order, none that
    /// holds what its absence means, numbers within their type, a message that Amino JSON always writes is there, type URLs of one slash.
    pub(crate) is_canonical: bool,
}

impl Walk {
    /// A fresh walk; `allow_non_critical` lets unknown fields with bit 11 pass.
    pub(crate) const fn new(allow_non_critical: bool) -> Self {
        Self {
            allow_non_critical,
            fields_left: FIELDS_MAX,
            found_non_critical: false,
            is_canonical: true,
        }
    }

    /// Checks the encoded fields of `message`.
    pub(crate) fn check(
        &mut self,
        message: &'static Message,
        bytes: &[u8],
    ) -> Result<(), StrictError> {
        self.descend(message, bytes, 0)
    }

    fn descend(
        &mut self,
        message: &'static Message,
        bytes: &[u8],
        depth: usize,
    ) -> Result<(), StrictError> {
        if depth >= DEPTH_MAX {
            return Err(StrictError::Depth);
        }
        let below = depth.saturating_add(1);
        // Of a type's own fields, so as short as the type.
        let mut seen = Vec::new();
        let mut before = 0;
        for field in Reader::new(bytes) {
            self.fields_left = self.fields_left.checked_sub(1).ok_or(StrictError::Fields)?;
            let field = field?;
            let (number, is_minimal) = (field.number, field.is_minimal);
            self.field(message, field, below)?;
            if !is_minimal {
                return Err(StrictError::NotMinimal {
                    message: message.name,
                });
            }
            if let Some(known) = message.field(number).filter(|known| !known.repeated) {
                let message = message.name;
                if seen
                    .iter()
                    .any(|before: &&schema::Field| before.number == number)
                {
                    return Err(StrictError::Twice { message, number });
                }
                if known.oneof.is_some() && seen.iter().any(|before| before.oneof == known.oneof) {
                    return Err(StrictError::Alternatives { message, number });
                }
                seen.push(known);
            }
            self.is_canonical &= before <= number;
            before = number;
        }
        let mut always = message.fields.iter().filter(|f| f.is_always_written());
        self.is_canonical &= always.all(|f| seen.iter().any(|found| found.number == f.number));
        match message.name {
            "google.protobuf.Any" => self.any(bytes, below),
            "google.protobuf.Duration" => {
                self.is_canonical &= has_whole_seconds(bytes);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn field(
        &mut self,
        message: &'static Message,
        found: Field<'_>,
        below: usize,
    ) -> Result<(), StrictError> {
        let (number, got) = (found.number, found.value.type_name());
        let Some(known) = message.field(number) else {
            if self.allow_non_critical && number & NON_CRITICAL != 0 {
                self.found_non_critical = true;
                return Ok(());
            }
            return Err(StrictError::UnknownField {
                message: message.name,
                number,
                wire_type: got,
            });
        };
        self.is_canonical &= is_canonical(known, found.value);
        match (found.value, known.kind) {
            (Value::Bytes(inner), Kind::Message(_)) => match known.kind.message() {
                Some(child) => self.descend(child, inner, below),
                None => Ok(()),
            },
            (Value::Bytes(_), Kind::String | Kind::Bytes) => Ok(()),
            (Value::Varint(_), kind) if kind.is_packable() => Ok(()),
            (Value::Bytes(_), kind) if known.repeated && kind.is_packable() => Ok(()),
            (_, kind) => {
                let want = if kind.is_packable() {
                    "varint"
                } else {
                    "bytes"
                };
                Err(StrictError::WireType {
                    message: message.name,
                    number,
                    got,
                    want,
                })
            }
        }
    }

    /// The content of an `Any`, whose own fields are checked already.
    fn any(&mut self, bytes: &[u8], depth: usize) -> Result<(), StrictError> {
        let (mut url, mut value): (&[u8], &[u8]) = (&[], &[]);
        for field in Reader::new(bytes) {
            match field? {
                Field {
                    number: 1,
                    value: Value::Bytes(b),
                    ..
                } => url = b,
                Field {
                    number: 2,
                    value: Value::Bytes(b),
                    ..
                } => value = b,
                _ => {}
            }
        }
        let url = String::from_utf8_lossy(url);
        self.is_canonical &= url.rfind('/') == Some(0);
        let inner =
            schema::by_type_url(&url).ok_or_else(|| StrictError::TypeUrl(url.into_owned()))?;
        self.descend(inner, value, depth)
    }
}

/// Whether a duration that is walked already has 0 to 999,999,999 nanoseconds and no negative seconds: others have the same sum.
fn has_whole_seconds(duration: &[u8]) -> bool {
    Reader::new(duration).flatten().all(|field| {
        let Value::Varint(number) = field.value else {
            return false;
        };
        let most = if field.number == 2 {
            999_999_999
        } else {
            i64::MAX
        };
        (0..=most).contains(&number.cast_signed())
    })
}

/// Whether the value of a field is written as an encoder writes it: what is empty is left out, lists of numbers are packed, numbers have no
/// bits that their type has not.
fn is_canonical(field: &schema::Field, value: Value<'_>) -> bool {
    let may_be_empty = field.repeated || field.oneof.is_some();
    match (value, field.kind) {
        (Value::Bytes(_), Kind::Message(_)) => true,
        (Value::Bytes(bytes), Kind::String | Kind::Bytes) => may_be_empty || !bytes.is_empty(),
        (Value::Varint(number), kind) if !field.repeated => {
            let fits = match kind {
                Kind::Bool => number <= 1,
                Kind::Uint32 => u32::try_from(number).is_ok(),
                Kind::Int32 | Kind::Enum => i32::try_from(number.cast_signed()).is_ok(),
                _ => true,
            };
            fits && (may_be_empty || number != 0)
        }
        // None of our messages has a packed list, and Amino JSON refuses them.
        _ => false,
    }
}
