//! ECDSA signatures, and those that were looked at already.

use crate::crypto::secp256k1;
use crate::types::Hash;

/// Whether this key signed this digest.
pub(crate) fn is_signed(key: &[u8; 33], digest: &Hash, signature: &[u8]) -> bool {
    let signature: Option<&[u8; 64]> = signature.try_into().ok();
    signature.is_some_and(|s| secp256k1::verify(digest, s, key).unwrap_or(false))
}

/// An ECDSA signature that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    key: [u8; 33],
    digest: Hash,
    signature: [u8; 64],
    good: bool,
}

impl Looked {
    /// Looks at one; `None` for bytes that are none.
    pub(crate) fn new(key: &[u8; 33], digest: &Hash, signature: &[u8]) -> Option<Self> {
        Some(Self {
            good: is_signed(key, digest, signature),
            ..Self::good(key, digest, signature)?
        })
    }

    /// One that was found good.
    pub(crate) fn good(key: &[u8; 33], digest: &Hash, signature: &[u8]) -> Option<Self> {
        Some(Self {
            key: *key,
            digest: *digest,
            signature: signature.try_into().ok()?,
            good: true,
        })
    }

    /// Whether the signature is good, if it is this one.
    pub(crate) fn at(&self, key: &[u8; 33], digest: &Hash, signature: &[u8]) -> Option<bool> {
        let same = self.key == *key && self.digest == *digest && self.signature == *signature;
        same.then_some(self.good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_at_says_nothing_of_another_key_digest_or_signature() {
        let looked = Looked::good(&[2; 33], &[3; 32], &[4; 64]).unwrap();
        assert_eq!(looked.at(&[2; 33], &[3; 32], &[4; 64]), Some(true));
        assert_eq!(looked.at(&[9; 33], &[3; 32], &[4; 64]), None);
        assert_eq!(looked.at(&[2; 33], &[9; 32], &[4; 64]), None);
        assert_eq!(looked.at(&[2; 33], &[3; 32], &[9; 64]), None);
        assert_eq!(looked.at(&[2; 33], &[3; 32], &[4; 63]), None);
    }

    #[test]
    fn what_is_no_signature_of_this_key_is_found_bad_and_what_is_none_is_not_looked_at() {
        let looked = Looked::new(&[2; 33], &[3; 32], &[4; 64]).unwrap();
        assert_eq!(looked.at(&[2; 33], &[3; 32], &[4; 64]), Some(false));
        assert_eq!(Looked::new(&[2; 33], &[3; 32], &[4; 63]), None);
    }
}
