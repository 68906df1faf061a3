//! Reading protobuf fields one by one, without a message type. Bounded by its input; never panics.

/// Bytes that are no protobuf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The input ends within a field.
    #[error("unexpected EOF")]
    Truncated,
    /// A number of more than 64 bits.
    #[error("variable length integer overflow")]
    Overflow,
    /// A field number of 0 or beyond 2^29 - 1.
    #[error("invalid field number")]
    FieldNumber,
    /// A group or an unknown wire type.
    #[error("invalid wire type")]
    WireType,
}

/// The value of a field as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1; the content is not looked at, no message of ours has such a field.
    Fixed64,
    /// Wire type 2.
    Bytes(&'a [u8]),
    /// Wire type 5; as `Fixed64`.
    Fixed32,
}

impl Value<'_> {
    /// The name of the wire type in error texts.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::Varint(_) => "varint",
            Self::Fixed64 => "fixed64",
            Self::Bytes(_) => "bytes",
            Self::Fixed32 => "fixed32",
        }
    }
}

/// One field: number, value, and how many bytes the length or number took (ADR-027 wants the fewest).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    /// Field number, 1 to 2^29 - 1.
    pub(crate) number: u32,
    /// The value.
    pub(crate) value: Value<'a>,
    /// Whether the tag and the length or number were written in the fewest bytes.
    pub(crate) is_minimal: bool,
}

/// Reads fields until the input ends; stops after an error.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Over the encoded fields of one message.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn varint(&mut self) -> Result<(u64, bool), WireError> {
        let mut number = 0_u64;
        for (place, byte) in self.rest.iter().take(10).enumerate() {
            let shift = u32::try_from(place).unwrap_or(10).saturating_mul(7);
            let bits = u64::from(byte & 0x7f);
            if place == 9 && bits > 1 {
                return Err(WireError::Overflow);
            }
            number |= bits.checked_shl(shift).ok_or(WireError::Overflow)?;
            if byte & 0x80 == 0 {
                self.rest = self.rest.get(place.saturating_add(1)..).unwrap_or_default();
                return Ok((number, *byte != 0 || place == 0));
            }
        }
        Err(if self.rest.len() >= 10 {
            WireError::Overflow
        } else {
            WireError::Truncated
        })
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], WireError> {
        let len = usize::try_from(len).map_err(|_| WireError::Truncated)?;
        let (head, tail) = self
            .rest
            .split_at_checked(len)
            .ok_or(WireError::Truncated)?;
        self.rest = tail;
        Ok(head)
    }

    fn field(&mut self) -> Result<Field<'a>, WireError> {
        let (tag, tag_is_minimal) = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| WireError::FieldNumber)?;
        if number == 0 || number > 0x1fff_ffff {
            return Err(WireError::FieldNumber);
        }
        let (value, value_is_minimal) = match tag & 7 {
            0 => {
                let (number, minimal) = self.varint()?;
                (Value::Varint(number), minimal)
            }
            1 => {
                self.take(8)?;
                (Value::Fixed64, true)
            }
            2 => {
                let (len, minimal) = self.varint()?;
                (Value::Bytes(self.take(len)?), minimal)
            }
            5 => {
                self.take(4)?;
                (Value::Fixed32, true)
            }
            _ => return Err(WireError::WireType),
        };
        Ok(Field {
            number,
            value,
            is_minimal: tag_is_minimal && value_is_minimal,
        })
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Field<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<Vec<Field<'_>>, WireError> {
        Reader::new(bytes).collect()
    }

    #[test]
    fn fields_of_every_wire_type_are_read() {
        let bytes = [
            0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i', 0x1d, 0, 0, 0, 0, 0x21, 0, 0, 0, 0, 0, 0, 0,
            0,
        ];
        let fields = read(&bytes).unwrap();
        let values: Vec<_> = fields.iter().map(|f| (f.number, f.value)).collect();
        assert_eq!(
            values,
            [
                (1, Value::Varint(150)),
                (2, Value::Bytes(b"hi")),
                (3, Value::Fixed32),
                (4, Value::Fixed64)
            ]
        );
    }

    #[test]
    fn broken_fields_are_refused_by_name() {
        for (bytes, error) in [
            (&[0x08][..], WireError::Truncated),
            (&[0x12, 0x03, 1, 2], WireError::Truncated),
            (
                &[
                    0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
                ],
                WireError::Truncated,
            ),
            (
                &[
                    0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02,
                ],
                WireError::Overflow,
            ),
            (
                &[
                    0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01,
                ],
                WireError::Overflow,
            ),
            (&[0x00, 0x00], WireError::FieldNumber),
            (&[0x0b], WireError::WireType),
            (&[0x0e], WireError::WireType),
        ] {
            assert_eq!(read(bytes).unwrap_err(), error, "{bytes:x?}");
        }
    }

    #[test]
    fn a_number_in_more_bytes_than_needed_is_noticed() {
        assert!(!read(&[0x08, 0x80, 0x00]).unwrap()[0].is_minimal);
        assert!(!read(&[0x0a, 0x81, 0x00, 7]).unwrap()[0].is_minimal);
        assert!(!read(&[0x8a, 0x00, 0x01, 7]).unwrap()[0].is_minimal);
        assert!(read(&[0x08, 0x00]).unwrap()[0].is_minimal);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_always_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
