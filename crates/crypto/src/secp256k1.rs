//! ECDSA over secp256k1: compact 64-byte signatures (r ‖ s), low-S only, over 32-byte digests (wire.md 1.1).

use crate::error::Error;
use k256::ecdsa::{
    RecoveryId, Signature, SigningKey, VerifyingKey,
    signature::hazmat::{PrehashSigner as _, PrehashVerifier as _},
};

/// Whether `signature` over `digest` is by `public` (compressed). High-S signatures are never valid.
///
/// # Errors
/// [`Error::PublicKey`] for no point of the curve, [`Error::Signature`] for r or s of zero or beyond the order.
pub fn verify(digest: &[u8; 32], signature: &[u8; 64], public: &[u8; 33]) -> Result<bool, Error> {
    verify_sec1(digest, signature, public)
}

/// As [`verify`], for a key in any SEC 1 form: compressed, uncompressed or hybrid.
pub(crate) fn verify_sec1(
    digest: &[u8; 32],
    signature: &[u8; 64],
    public: &[u8],
) -> Result<bool, Error> {
    let key = parse_public(public)?;
    let signature = Signature::from_slice(signature).map_err(|_| Error::Signature)?;
    if signature.normalize_s().is_some() {
        return Ok(false);
    }
    Ok(key.verify_prehash(digest, &signature).is_ok())
}

/// As [`verify_sec1`], with high s taken too.
pub(crate) fn verify_any_s(
    digest: &[u8; 32],
    signature: &[u8; 64],
    public: &[u8],
) -> Result<bool, Error> {
    let key = parse_public(public)?;
    let signature = Signature::from_slice(signature).map_err(|_| Error::Signature)?;
    // (r, s) and (r, -s) are of the same key; the library only takes the low half.
    let signature = signature.normalize_s().unwrap_or(signature);
    Ok(key.verify_prehash(digest, &signature).is_ok())
}

/// Whether these bytes are a compressed public key.
#[must_use]
pub fn is_public(public: &[u8; 33]) -> bool {
    parse_public(public).is_ok()
}

/// The compressed key whose signature this is; `recovery` is 0 to 3.
///
/// # Errors
/// [`Error::Signature`] if there is none.
pub fn recover(digest: &[u8; 32], signature: &[u8; 64], recovery: u8) -> Result<[u8; 33], Error> {
    compress(&recovered(digest, signature, recovery)?)
}

/// The same key, uncompressed.
pub(crate) fn recover_uncompressed(
    digest: &[u8; 32],
    signature: &[u8; 64],
    recovery: u8,
) -> Result<[u8; 65], Error> {
    let point = recovered(digest, signature, recovery)?.to_encoded_point(false);
    point.as_bytes().try_into().map_err(|_| Error::PublicKey)
}

fn recovered(digest: &[u8; 32], signature: &[u8; 64], recovery: u8) -> Result<VerifyingKey, Error> {
    let mut signature = Signature::from_slice(signature).map_err(|_| Error::Signature)?;
    let mut id = RecoveryId::from_byte(recovery).ok_or(Error::Signature)?;
    // (r, s) with R and (r, -s) with -R recover the same key; the library only takes the low half.
    if let Some(low) = signature.normalize_s() {
        signature = low;
        id = RecoveryId::new(!id.is_y_odd(), id.is_x_reduced());
    }
    VerifyingKey::recover_from_prehash(digest, &signature, id).map_err(|_| Error::Signature)
}

/// A private key; wiped on drop.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// Takes 32 bytes.
    ///
    /// # Errors
    /// [`Error::PrivateKey`] for zero and for the order or more.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Error> {
        SigningKey::from_bytes(bytes.into())
            .map(Self)
            .map_err(|_| Error::PrivateKey)
    }

    /// The compressed public key.
    ///
    /// # Errors
    /// None in practice: a valid private key has a public key.
    pub fn public(&self) -> Result<[u8; 33], Error> {
        compress(self.0.verifying_key())
    }

    /// Signs a digest (RFC 6979, low-S).
    ///
    /// # Errors
    /// None in practice: RFC 6979 tries until it has a signature.
    pub fn sign(&self, digest: &[u8; 32]) -> Result<[u8; 64], Error> {
        let signature: Signature = self.0.sign_prehash(digest).map_err(|_| Error::PrivateKey)?;
        Ok(signature
            .normalize_s()
            .unwrap_or(signature)
            .to_bytes()
            .into())
    }
}

impl core::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

fn parse_public(bytes: &[u8]) -> Result<VerifyingKey, Error> {
    // The hybrid form repeats the parity of y in its tag (06 even, 07 odd); the library knows the plain form only.
    if let ([tag @ (6 | 7), xy @ ..], Some(last)) = (bytes, bytes.last()) {
        if last & 1 != tag & 1 {
            return Err(Error::PublicKey);
        }
        let plain = [&[4], xy].concat();
        return VerifyingKey::from_sec1_bytes(&plain).map_err(|_| Error::PublicKey);
    }
    VerifyingKey::from_sec1_bytes(bytes).map_err(|_| Error::PublicKey)
}

fn compress(key: &VerifyingKey) -> Result<[u8; 33], Error> {
    key.to_encoded_point(true)
        .as_bytes()
        .try_into()
        .map_err(|_| Error::PublicKey)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use strongroom_types::sha256;

    fn high(signature: &[u8; 64]) -> [u8; 64] {
        let s = Signature::from_slice(signature).unwrap();
        let (r, s) = s.split_scalars();
        Signature::from_scalars(r.to_bytes(), (-*s).to_bytes())
            .unwrap()
            .to_bytes()
            .into()
    }

    #[test]
    fn signing_follows_rfc_6979() {
        let mut one = [0; 32];
        one[31] = 1;
        let signature = SecretKey::from_bytes(&one)
            .unwrap()
            .sign(&sha256(b"Satoshi Nakamoto"))
            .unwrap();
        assert_eq!(
            hex::encode(signature),
            "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8\
             2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5"
        );
    }

    #[test]
    fn private_keys_out_of_range_are_refused() {
        let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
        let order: [u8; 32] = hex::decode(order).unwrap().try_into().unwrap();
        for bytes in [[0; 32], order, [0xff; 32]] {
            assert_eq!(
                SecretKey::from_bytes(&bytes).unwrap_err(),
                Error::PrivateKey
            );
        }
    }

    #[test]
    fn keys_and_signatures_of_no_meaning_are_refused() {
        let key = SecretKey::from_bytes(&[5; 32]).unwrap();
        let (digest, public) = (sha256(b"m"), key.public().unwrap());
        let signature = key.sign(&digest).unwrap();
        assert_eq!(verify(&digest, &[0; 64], &public), Err(Error::Signature));
        assert_eq!(verify(&digest, &[0xff; 64], &public), Err(Error::Signature));
        assert_eq!(verify(&digest, &signature, &[0; 33]), Err(Error::PublicKey));
        assert_eq!(verify(&digest, &signature, &[4; 33]), Err(Error::PublicKey));
        assert!(is_public(&public) && !is_public(&[2; 33].map(|b| b ^ 0xfd)));
        assert_eq!(recover(&digest, &signature, 4), Err(Error::Signature));
    }

    #[test]
    fn every_form_of_a_public_key_verifies() {
        let key = SecretKey::from_bytes(&[5; 32]).unwrap();
        let digest = sha256(b"m");
        let signature = key.sign(&digest).unwrap();
        let mut long: [u8; 65] = key
            .0
            .verifying_key()
            .to_encoded_point(false)
            .as_bytes()
            .try_into()
            .unwrap();
        assert_eq!(verify_sec1(&digest, &signature, &long), Ok(true));
        long[0] = 6 | (long[64] & 1);
        assert_eq!(verify_sec1(&digest, &signature, &long), Ok(true));
        long[0] ^= 1;
        assert_eq!(
            verify_sec1(&digest, &signature, &long),
            Err(Error::PublicKey)
        );
    }

    proptest! {
        #[test]
        fn signatures_verify_recover_and_refuse_changes(
            key in any::<[u8; 32]>(), message in any::<[u8; 20]>(), bit in 0_usize..512
        ) {
            let key = SecretKey::from_bytes(&key).unwrap();
            let (digest, public) = (sha256(&message), key.public().unwrap());
            let signature = key.sign(&digest).unwrap();
            prop_assert_eq!(verify(&digest, &signature, &public), Ok(true));
            prop_assert_eq!(verify(&sha256(b"other"), &signature, &public), Ok(false));
            prop_assert_eq!(verify(&digest, &high(&signature), &public), Ok(false));
            let keys: Vec<_> = (0..2).map(|v| recover(&digest, &signature, v).ok()).collect();
            prop_assert!(keys.contains(&Some(public)));
            let of_high: Vec<_> = (0..2).map(|v| recover(&digest, &high(&signature), 1 - v).ok()).collect();
            prop_assert_eq!(keys, of_high);
            let mut changed = signature;
            changed[bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(verify(&digest, &changed, &public), Ok(true));
        }

        #[test]
        fn arbitrary_bytes_never_panic(d in any::<[u8; 32]>(), k in any::<[u8; 33]>(), v in any::<u8>(),
                                       s in proptest::collection::vec(any::<u8>(), 64)) {
            let s: [u8; 64] = s.try_into().unwrap();
            let _ = (verify(&d, &s, &k), recover(&d, &s, v));
        }
    }
}
