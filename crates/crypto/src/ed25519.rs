//! Ed25519: signing (RFC 8032) and verification by the rules of ZIP-215, which CometBFT's commits follow: cofactored,
//! non-canonical points accepted, s canonical, so that single and batched verification always agree.

use ed25519_dalek::Signer as _;
use ed25519_zebra::{Signature, VerificationKey};

/// Whether `signature` over `message` is by `public`; bytes that are no key verify nothing.
#[must_use]
pub fn verify(message: &[u8], signature: &[u8; 64], public: &[u8; 32]) -> bool {
    VerificationKey::try_from(*public)
        .is_ok_and(|key| key.verify(&Signature::from(*signature), message).is_ok())
}

/// Whether `public` is a key that a signature commits to: no key at all and points of small order are none, since anybody makes
/// signatures that verify under these.
#[must_use]
pub fn is_sound(public: &[u8; 32]) -> bool {
    ed25519_dalek::VerifyingKey::from_bytes(public).is_ok_and(|key| !key.is_weak())
}

/// A signing key; wiped on drop.
#[derive(Clone)]
pub struct SecretKey(ed25519_dalek::SigningKey);

impl SecretKey {
    /// The key of a 32-byte seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Signs a message; the same message gives the same signature.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl core::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn signing_follows_rfc_8032_test_1() {
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let key = SecretKey::from_seed(&hex::decode(seed).unwrap().try_into().unwrap());
        assert_eq!(
            hex::encode(key.public()),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
        assert_eq!(
            hex::encode(key.sign(b"")),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0\
             595bbe24655141438e7a100b"
        );
    }

    #[test]
    fn points_of_small_order_verify_as_zip_215_says() {
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        assert!(verify(b"anything", &signature, &identity));
        // s beyond the order is refused all the same.
        signature[32..].fill(0xff);
        assert!(!verify(b"anything", &signature, &identity));
    }

    #[test]
    fn points_of_small_order_and_bytes_that_are_no_key_are_not_sound() {
        assert!(is_sound(&SecretKey::from_seed(&[1; 32]).public()));
        // The eight points of small order, and two of them in encodings that are not canonical.
        for weak in [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        ] {
            assert!(
                !is_sound(&hex::decode(weak).unwrap().try_into().unwrap()),
                "{weak}"
            );
        }
        let mut no_point = [0; 32];
        no_point[0] = 2;
        assert!(!is_sound(&no_point));
    }

    #[test]
    fn bytes_that_are_no_key_verify_nothing() {
        let signature = SecretKey::from_seed(&[1; 32]).sign(b"m");
        let mut no_point = [0; 32];
        no_point[0] = 2;
        assert!(!verify(b"m", &signature, &no_point));
    }

    proptest! {
        #[test]
        fn signatures_verify_and_no_changed_bit_does(
            seed in any::<[u8; 32]>(), message in any::<[u8; 9]>(), bit in 0_usize..512
        ) {
            let key = SecretKey::from_seed(&seed);
            let mut signature = key.sign(&message);
            prop_assert!(verify(&message, &signature, &key.public()));
            prop_assert!(!verify(b"other", &signature, &key.public()));
            signature[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!verify(&message, &signature, &key.public()));
        }
    }
}
