//! AES-128-SIV (RFC 5297): deterministic, 32-byte keys, a vector of associated data, 16 bytes longer than the
//! plaintext (encryption.md 1).
//!
//! The wire of clients uses `AD = [""]` ([`WIRE_AD`]): one empty element, which is not the same as none.

use crate::{error::Error, secret::Secret};
use aes_siv::{KeyInit as _, siv::Aes128Siv};
use zeroize::Zeroizing;

/// Bytes that sealing adds.
pub const OVERHEAD: usize = 16;
/// The associated data of every transaction, query and output: one empty element.
pub const WIRE_AD: &[&[u8]] = &[b""];

/// Seals `plain` with the elements of `ad`; the same input gives the same bytes.
///
/// # Errors
/// [`Error::TooLong`] for more than 126 elements of associated data.
pub fn seal(key: &Secret<32>, ad: &[&[u8]], plain: &[u8]) -> Result<Vec<u8>, Error> {
    Aes128Siv::new(key.expose().into())
        .encrypt(ad, plain)
        .map_err(|_| Error::TooLong)
}

/// Opens what [`seal`] made with the same key and associated data.
///
/// # Errors
/// [`Error::DoesNotOpen`] for everything else.
pub fn open(key: &Secret<32>, ad: &[&[u8]], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let opened = Aes128Siv::new(key.expose().into()).decrypt(ad, sealed);
    opened.map(Zeroizing::new).map_err(|_| Error::DoesNotOpen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn from_hex<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    #[test]
    fn sealing_follows_rfc_5297_a_1() {
        let key = Secret::new(from_hex(
            "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
        ));
        let ad: [u8; 24] = from_hex("101112131415161718191a1b1c1d1e1f2021222324252627");
        let plain: [u8; 14] = from_hex("112233445566778899aabbccddee");
        let sealed = seal(&key, &[&ad], &plain).unwrap();
        assert_eq!(
            hex::encode(&sealed),
            "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c"
        );
        assert_eq!(*open(&key, &[&ad], &sealed).unwrap(), plain);
    }

    #[test]
    fn one_empty_element_is_not_none() {
        let key = Secret::new([7; 32]);
        let sealed = seal(&key, WIRE_AD, b"x").unwrap();
        assert_ne!(sealed, seal(&key, &[], b"x").unwrap());
        assert_eq!(open(&key, &[], &sealed), Err(Error::DoesNotOpen));
    }

    #[test]
    fn too_many_elements_are_refused() {
        assert_eq!(
            seal(&Secret::new([7; 32]), &[b"".as_slice(); 127], b"x"),
            Err(Error::TooLong)
        );
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_and_no_changed_bit_does(
            key in any::<[u8; 32]>(), ad in any::<[u8; 5]>(),
            plain in proptest::collection::vec(any::<u8>(), 0..100), bit in any::<proptest::sample::Index>()
        ) {
            let key = Secret::new(key);
            let mut sealed = seal(&key, &[&ad], &plain).unwrap();
            prop_assert_eq!(sealed.len(), plain.len() + OVERHEAD);
            prop_assert_eq!(&*open(&key, &[&ad], &sealed).unwrap(), &plain);
            prop_assert_eq!(open(&key, &[&ad, b""], &sealed), Err(Error::DoesNotOpen));
            let at = bit.index(sealed.len() * 8);
            sealed[at / 8] ^= 1 << (at % 8);
            prop_assert_eq!(open(&key, &[&ad], &sealed), Err(Error::DoesNotOpen));
        }

        #[test]
        fn no_truncation_opens(len in 0_usize..40) {
            let key = Secret::new([3; 32]);
            let sealed = seal(&key, WIRE_AD, &[9; 24]).unwrap();
            prop_assert_eq!(open(&key, WIRE_AD, &sealed[..len]), Err(Error::DoesNotOpen));
        }
    }
}
