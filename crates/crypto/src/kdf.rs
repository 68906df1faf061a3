//! HMAC-SHA256 and HKDF-SHA256 with 32-byte keys and output (encryption.md 1).
//!
//! With a 32-byte output, HKDF is two HMACs (RFC 5869: extract, and one block of expand); written so, no step can
//! fail. The `hkdf` crate is the oracle in the tests.
//!
//! Our own derivations name a context ([`crate::context`]) and length-prefix what follows, so that no two of them
//! share an input: info = BE16(length of the name) ‖ name ‖ for each part BE32(length) ‖ part.

use crate::{context::Context, secret::Secret};
use hmac::Mac as _;
use sha2::Sha256;
use zeroize::Zeroize as _;

/// The fixed salt of every HKDF of this protocol.
pub const SALT: [u8; 32] = [
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x4b, 0xea, 0xd8, 0xdf, 0x69, 0x99,
    0x08, 0x52, 0xc2, 0x02, 0xdb, 0x0e, 0x00, 0x97, 0xc1, 0xa1, 0x2e, 0xa6, 0x37, 0xd7, 0xe9, 0x6d,
];

/// HMAC-SHA256 of the concatenated `parts` under a 32-byte key.
#[must_use]
pub fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // A key shorter than the hash's block is padded with zeros by definition.
    let mut block = [0_u8; 64];
    for (slot, byte) in block.iter_mut().zip(key) {
        *slot = *byte;
    }
    let mut mac = <hmac::Hmac<Sha256> as hmac::Mac>::new(&block.into());
    block.zeroize();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// HKDF-SHA256 with the fixed [`SALT`]: 32 bytes from the concatenated `ikm` and `info`.
#[must_use]
pub fn hkdf(ikm: &[&[u8]], info: &[&[u8]]) -> Secret<32> {
    let mut extracted = hmac(&SALT, ikm);
    let mut expand: Vec<&[u8]> = info.to_vec();
    expand.push(&[1]);
    let key = Secret::new(hmac(&extracted, &expand));
    extracted.zeroize();
    key
}

/// A key derived from `key` under a context, bound to `parts`.
#[must_use]
pub fn derive(key: &Secret<32>, context: Context, parts: &[&[u8]]) -> Secret<32> {
    let name = context.name().as_bytes();
    let mut info = u16::try_from(name.len())
        .unwrap_or(u16::MAX)
        .to_be_bytes()
        .to_vec();
    info.extend_from_slice(name);
    for part in parts {
        // Parts are keys, hashes, addresses and numbers: far below 4 GiB.
        info.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        info.extend_from_slice(part);
    }
    hkdf(&[key.expose()], &[&info])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{self, Security};
    use proptest::prelude::*;

    #[test]
    fn hmac_follows_rfc_4231_case_2() {
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let tag = hmac(&key, &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(
            hex::encode(tag),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let (key, at) = (
            Secret::new([1; 32]),
            context::STATE_ROOT.at(Security::Attested),
        );
        assert_ne!(
            derive(&key, at, &[b"ab", b"c"]),
            derive(&key, at, &[b"a", b"bc"])
        );
        assert_ne!(derive(&key, at, &[b"ab"]), derive(&key, at, &[b"ab", b""]));
        let insecure = context::STATE_ROOT.at(Security::Insecure);
        assert_ne!(derive(&key, at, &[b"ab"]), derive(&key, insecure, &[b"ab"]));
    }

    proptest! {
        #[test]
        fn hkdf_equals_the_library(a in any::<[u8; 40]>(), b in proptest::collection::vec(any::<u8>(), 0..50),
                                   info in proptest::collection::vec(any::<u8>(), 0..99)) {
            let mut expected = [0; 32];
            hkdf::Hkdf::<Sha256>::new(Some(&SALT), &[&a[..], &b].concat()).expand(&info, &mut expected).unwrap();
            prop_assert_eq!(hkdf(&[&a, &b], &[&info]), Secret::new(expected));
        }
    }
}
