//! Key encoding: prefix-free, so that no key of a collection is the beginning of another.

use crate::types::Address;

/// A key that follows a collection's name. Encodings of one type are prefix-free.
pub trait Key {
    /// Appends the encoding.
    fn write(&self, out: &mut Vec<u8>);
}

impl<K: Key + ?Sized> Key for &K {
    fn write(&self, out: &mut Vec<u8>) {
        (**self).write(out);
    }
}

impl Key for () {
    fn write(&self, _: &mut Vec<u8>) {}
}

impl Key for u64 {
    /// Eight bytes, big-endian.
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }
}

impl Key for [u8; 32] {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

impl Key for [u8; 20] {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

impl Key for [u8] {
    /// Length as base-128 varint, then the bytes.
    fn write(&self, out: &mut Vec<u8>) {
        let mut rest = self.len();
        while rest >= 0x80 {
            // The low seven bits always fit.
            out.push(u8::try_from(rest & 0x7f).unwrap_or(0) | 0x80);
            rest >>= 7;
        }
        out.push(u8::try_from(rest).unwrap_or(0));
        out.extend_from_slice(self);
    }
}

impl Key for str {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_bytes().write(out);
    }
}

impl Key for String {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_bytes().write(out);
    }
}

impl Key for Address {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_bytes().write(out);
    }
}

impl<A: Key, B: Key> Key for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(key: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        key.write(&mut out);
        out
    }

    proptest! {
        #[test]
        fn no_encoded_byte_string_is_the_beginning_of_another(
            a in proptest::collection::vec(any::<u8>(), 0..200),
            b in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            prop_assume!(a != b);
            prop_assert!(!encoded(&a).starts_with(&encoded(&b)));
            prop_assert!(!encoded(&b).starts_with(&encoded(&a)));
        }
    }
}
