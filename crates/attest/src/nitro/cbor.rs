//! CBOR (RFC 8949) as far as documents of Nitro use it: numbers, strings, arrays and maps, each read by a caller that knows
//! what must come. Nothing nests deeper than the caller asks, and nothing is allocated by a length that was only claimed.

/// The most entries of one map or array.
const ENTRIES_MAX: usize = 64;

/// What is left to read.
pub(super) struct Reader<'a>(&'a [u8]);

/// Kinds of values (the upper three bits of a head).
const UNSIGNED: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const SIMPLE: u8 = 7;

/// A map or an array without a length begins with this in the lower five bits of its head and ends with [`BREAK`].
const INDEFINITE: u8 = 31;
const BREAK: u8 = 0xff;
/// `null`, in the lower five bits.
const NULL: u64 = 22;

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn unsigned(&mut self) -> Option<u64> {
        self.head_of(UNSIGNED)
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.head_of(BYTES)?;
        self.take(length)
    }

    /// Bytes, or `null`.
    pub(super) fn bytes_or_null(&mut self) -> Option<Option<&'a [u8]>> {
        if self.0.first()? >> 5 == SIMPLE {
            (self.head_of(SIMPLE)? == NULL).then_some(None)
        } else {
            self.bytes().map(Some)
        }
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        let length = self.head_of(TEXT)?;
        core::str::from_utf8(self.take(length)?).ok()
    }

    /// An array; `entry` reads each one.
    pub(super) fn array(&mut self, entry: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.entries(ARRAY, entry)
    }

    /// A map; `entry` reads each key with its value.
    pub(super) fn map(&mut self, entry: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.entries(MAP, entry)
    }

    fn entries(&mut self, kind: u8, mut entry: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if self.0.first()? == &(kind << 5 | INDEFINITE) {
            self.take(1)?;
            for _ in 0..ENTRIES_MAX {
                if self.0.first()? == &BREAK {
                    self.take(1)?;
                    return Some(());
                }
                entry(self)?;
            }
            return None;
        }
        let count = usize::try_from(self.head_of(kind)?).ok()?;
        if count > ENTRIES_MAX {
            return None;
        }
        (0..count).try_for_each(|_| entry(self))
    }

    /// The number in the head of a value of this kind.
    fn head_of(&mut self, kind: u8) -> Option<u64> {
        let first = *self.take(1)?.first()?;
        if first >> 5 != kind {
            return None;
        }
        let length = match first & 0x1f {
            number @ 0..=23 => return Some(u64::from(number)),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return None,
        };
        let bytes = self.take(length)?;
        Some(
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        )
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_in_every_width() {
        for (bytes, number) in [
            (&[0x17][..], 23),
            (&[0x18, 24], 24),
            (&[0x19, 1, 0], 256),
            (&[0x1a, 0, 1, 0, 0], 65_536),
            (&[0x1b, 0, 0, 0, 1, 0, 0, 0, 0], 1 << 32),
        ] {
            assert_eq!(Reader::new(bytes).unsigned(), Some(number));
        }
        assert_eq!(Reader::new(&[0x42, 1, 2]).bytes(), Some(&[1, 2][..]));
        assert_eq!(Reader::new(&[0x61, b'a']).text(), Some("a"));
        assert_eq!(Reader::new(&[0xf6]).bytes_or_null(), Some(None));
    }

    #[test]
    fn lengths_beyond_the_bytes_and_unknown_heads_are_refused() {
        for bytes in [
            &[][..],
            &[0x18],
            &[0x1c],
            &[0x1f],
            &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x42, 1],
            &[0x61, 0xff],
            &[0xf5],
        ] {
            assert_eq!(Reader::new(bytes).unsigned(), None);
            assert_eq!(Reader::new(bytes).bytes(), None);
            assert_eq!(Reader::new(bytes).text(), None);
            assert_eq!(Reader::new(bytes).bytes_or_null(), None);
        }
    }

    #[test]
    fn a_map_holds_as_many_entries_as_its_limit_says() {
        let count = |bytes: &[u8]| {
            let mut entries = 0;
            let read = Reader::new(bytes).map(|reader| {
                entries += 1;
                reader.unsigned()?;
                reader.unsigned().map(|_| ())
            });
            read.map(|()| entries)
        };
        let pairs = |n: usize| [1, 2].repeat(n);
        let definite = |n: u8| [&[0xb8, n][..], &pairs(n.into())].concat();
        let indefinite = |n: usize| [&[0xbf][..], &pairs(n), &[0xff]].concat();
        assert_eq!(count(&definite(64)), Some(ENTRIES_MAX));
        assert_eq!(count(&definite(65)), None);
        assert_eq!(count(&indefinite(63)), Some(63));
        assert_eq!(count(&indefinite(65)), None);
        assert_eq!(count(&[0xbf, 1, 2]), None);
    }
}
