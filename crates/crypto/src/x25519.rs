//! X25519 key pairs (RFC 7748). Private keys are stored unclamped and clamped at use, as clients do.

use crate::{error::Error, secret::Secret};
use x25519_dalek::{PublicKey, StaticSecret};

/// An X25519 key pair.
#[derive(Clone)]
pub struct KeyPair {
    secret: StaticSecret,
    public: [u8; 32],
}

impl KeyPair {
    /// The pair of a private key; every 32 bytes are one.
    #[must_use]
    pub fn from_secret(secret: &Secret<32>) -> Self {
        let secret = StaticSecret::from(*secret.expose());
        let public = PublicKey::from(&secret).to_bytes();
        Self { secret, public }
    }

    /// The public key.
    #[must_use]
    pub const fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// The raw shared secret with `theirs`, without a hash.
    ///
    /// # Errors
    /// [`Error::LowOrder`] if `theirs` is of low order: the result would be zero whatever the private key.
    pub fn shared(&self, theirs: &[u8; 32]) -> Result<Secret<32>, Error> {
        let shared = self.secret.diffie_hellman(&PublicKey::from(*theirs));
        if shared.was_contributory() {
            Ok(Secret::new(shared.to_bytes()))
        } else {
            Err(Error::LowOrder)
        }
    }
}

impl core::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "KeyPair(public {})", hex::encode(self.public))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The points of low order, all encodings below 2^255 and one above the prime (RFC 7748, section 7).
    pub(crate) const LOW_ORDER: [&str; 7] = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];

    fn from_hex(text: &str) -> [u8; 32] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    #[test]
    fn a_shared_secret_follows_rfc_7748() {
        let pair = KeyPair::from_secret(&Secret::new(from_hex(
            "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        )));
        let theirs = from_hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
        let shared = pair.shared(&theirs).unwrap();
        assert_eq!(
            hex::encode(shared.expose()),
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"
        );
    }

    #[test]
    fn keys_of_low_order_are_refused() {
        let pair = KeyPair::from_secret(&Secret::new([9; 32]));
        for text in LOW_ORDER {
            assert_eq!(pair.shared(&from_hex(text)), Err(Error::LowOrder), "{text}");
        }
    }

    #[test]
    fn a_key_pair_prints_its_public_key_only() {
        let text = format!("{:?}", KeyPair::from_secret(&Secret::new([9; 32])));
        assert!(!text.contains("0909") && text.starts_with("KeyPair(public "));
    }

    proptest! {
        #[test]
        fn both_sides_agree(a in any::<[u8; 32]>(), b in any::<[u8; 32]>()) {
            let (a, b) = (KeyPair::from_secret(&Secret::new(a)), KeyPair::from_secret(&Secret::new(b)));
            prop_assert_eq!(a.shared(b.public()).unwrap(), b.shared(a.public()).unwrap());
        }
    }
}
