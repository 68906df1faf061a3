//! The cryptographic imports of contracts over plain slices, with the error codes that contracts know (contract-abi.md 5; those of the
//! ordinary library in [`stock`] and [`bls12_381`]). The engine only moves bytes and charges gas.

pub mod bls12_381;
pub mod stock;

use crate::{ed25519, error::Error, secp256k1, sha256};

/// Why an import refused its input; [`CallError::code`] is what the contract gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The digest is not 32 bytes.
    #[error("invalid hash format")]
    HashFormat,
    /// The signature is not 64 bytes.
    #[error("invalid signature format")]
    SignatureFormat,
    /// The public key has another length or tag.
    #[error("invalid public key format")]
    PublicKeyFormat,
    /// There is no such recovery parameter; of the ordinary library, that of the protocol takes it for [`Self::Generic`].
    #[error("invalid recovery parameter")]
    RecoveryParam,
    /// The lists of a batch do not go together.
    #[error("batch lists do not go together")]
    Batch,
    /// Not the compressed form of a point of the subgroup.
    #[error("invalid point")]
    Point,
    /// A hash function that there is not.
    #[error("unknown hash function")]
    HashFunction,
    /// A list for a pairing whose bytes are not whole points of G1.
    #[error("not whole points of G1")]
    PointListG1,
    /// The same of G2.
    #[error("not whole points of G2")]
    PointListG2,
    /// As many points of G1 as of G2 were expected.
    #[error("lists of points of different lengths")]
    UnequalPoints,
    /// No points to add.
    #[error("no points")]
    NoPoints,
    /// Bytes to add that are not whole points.
    #[error("not whole points")]
    PointList,
    /// Well-sized bytes that mean nothing, a bad recovery parameter included.
    #[error("generic")]
    Generic,
    /// The private key is not 32 bytes or out of range.
    #[error("invalid private key format")]
    PrivateKeyFormat,
}

impl CallError {
    /// The code that the contract sees.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::HashFormat => 3,
            Self::SignatureFormat => 4,
            Self::PublicKeyFormat => 5,
            Self::RecoveryParam => 6,
            Self::Batch => 7,
            Self::Point => 8,
            Self::HashFunction => 9,
            Self::Generic => 10,
            Self::PointListG1 => 11,
            Self::PointListG2 => 12,
            Self::UnequalPoints => 13,
            Self::NoPoints => 14,
            Self::PointList => 15,
            Self::PrivateKeyFormat => 1_000,
        }
    }
}

/// `secp256k1_verify`: a 32-byte digest, a compact signature, a key of 33 or 65 bytes. High-S is invalid.
///
/// # Errors
/// [`CallError`] for wrong sizes and for bytes that mean nothing.
pub fn secp256k1_verify(digest: &[u8], signature: &[u8], public: &[u8]) -> Result<bool, CallError> {
    let digest = digest.try_into().map_err(|_| CallError::HashFormat)?;
    let signature = signature
        .try_into()
        .map_err(|_| CallError::SignatureFormat)?;
    match (public.len(), public.first()) {
        (33, Some(2 | 3)) | (65, Some(4 | 6 | 7)) => {}
        _ => return Err(CallError::PublicKeyFormat),
    }
    secp256k1::verify_sec1(digest, signature, public).map_err(|_| CallError::Generic)
}

/// `secp256k1_recover_pubkey`: the compressed key.
///
/// # Errors
/// [`CallError`] for wrong sizes, a bad parameter, and where there is no such key.
pub fn secp256k1_recover_pubkey(
    digest: &[u8],
    signature: &[u8],
    param: u32,
) -> Result<[u8; 33], CallError> {
    let digest = digest.try_into().map_err(|_| CallError::HashFormat)?;
    let signature = signature
        .try_into()
        .map_err(|_| CallError::SignatureFormat)?;
    let param = u8::try_from(param).map_err(|_| CallError::Generic)?;
    secp256k1::recover(digest, signature, param).map_err(|_| CallError::Generic)
}

/// `secp256k1_sign`: signs SHA-256 of `message` (RFC 6979, low-S).
///
/// # Errors
/// [`CallError::PrivateKeyFormat`].
pub fn secp256k1_sign(message: &[u8], private: &[u8]) -> Result<[u8; 64], CallError> {
    let private = private
        .try_into()
        .map_err(|_| CallError::PrivateKeyFormat)?;
    let key = secp256k1::SecretKey::from_bytes(private).map_err(|_| CallError::PrivateKeyFormat)?;
    key.sign(&sha256(message))
        .map_err(|_: Error| CallError::Generic)
}

/// `ed25519_verify` by the rules of ZIP-215; a key that is no point verifies nothing.
///
/// # Errors
/// [`CallError`] for wrong sizes.
pub fn ed25519_verify(message: &[u8], signature: &[u8], public: &[u8]) -> Result<bool, CallError> {
    let signature = signature
        .try_into()
        .map_err(|_| CallError::SignatureFormat)?;
    let public = public.try_into().map_err(|_| CallError::PublicKeyFormat)?;
    Ok(ed25519::verify(message, signature, public))
}

/// `ed25519_batch_verify`: as many messages, signatures and keys, or one message, or one key for all signatures.
/// True for the empty batch. Each signature is verified on its own: under ZIP-215 the answer is that of a batch, and
/// no random weights are needed.
///
/// # Errors
/// [`CallError::Batch`] for lists that do not go together, and wrong sizes.
pub fn ed25519_batch_verify(
    messages: &[&[u8]],
    signatures: &[&[u8]],
    publics: &[&[u8]],
) -> Result<bool, CallError> {
    let count = signatures.len();
    let fits = (messages.len() == count && (publics.len() == count || publics.len() == 1))
        || (messages.len() == 1 && publics.len() == count);
    if !fits {
        return Err(CallError::Batch);
    }
    let mut all = true;
    for ((message, signature), public) in messages
        .iter()
        .cycle()
        .zip(signatures)
        .zip(publics.iter().cycle())
    {
        // Later sizes are checked after an invalid signature too: the answer must not depend on order.
        all &= ed25519_verify(message, signature, public)?;
    }
    Ok(all)
}

/// `ed25519_sign` with a 32-byte seed.
///
/// # Errors
/// [`CallError::PrivateKeyFormat`].
pub fn ed25519_sign(message: &[u8], seed: &[u8]) -> Result<[u8; 64], CallError> {
    let seed = seed.try_into().map_err(|_| CallError::PrivateKeyFormat)?;
    Ok(ed25519::SecretKey::from_seed(seed).sign(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_sizes_have_the_codes_that_contracts_know() {
        let code = |r: Result<bool, CallError>| r.unwrap_err().code();
        let key = secp256k1::SecretKey::from_bytes(&[5; 32])
            .unwrap()
            .public()
            .unwrap();
        assert_eq!(code(secp256k1_verify(&[0; 31], &[0; 64], &key)), 3);
        assert_eq!(code(secp256k1_verify(&[0; 32], &[0; 65], &key)), 4);
        assert_eq!(code(secp256k1_verify(&[0; 32], &[1; 64], &key[1..])), 5);
        assert_eq!(code(secp256k1_verify(&[0; 32], &[1; 64], &[4; 33])), 5);
        assert_eq!(code(secp256k1_verify(&[0; 32], &[0; 64], &key)), 10);
        assert_eq!(code(ed25519_verify(b"", &[0; 63], &[0; 32])), 4);
        assert_eq!(code(ed25519_verify(b"", &[0; 64], &[0; 31])), 5);
        assert_eq!(secp256k1_sign(b"", &[0; 32]).unwrap_err().code(), 1_000);
        assert_eq!(secp256k1_sign(b"", &[1; 31]).unwrap_err().code(), 1_000);
        assert_eq!(ed25519_sign(b"", &[1; 33]).unwrap_err().code(), 1_000);
        assert_eq!(
            secp256k1_recover_pubkey(&[0; 32], &[1; 64], 4)
                .unwrap_err()
                .code(),
            10
        );
        assert_eq!(
            secp256k1_recover_pubkey(&[0; 32], &[1; 64], 256)
                .unwrap_err()
                .code(),
            10
        );
        assert_eq!(
            secp256k1_recover_pubkey(&[0; 33], &[1; 64], 0)
                .unwrap_err()
                .code(),
            3
        );
    }

    #[test]
    fn what_is_signed_verifies_and_recovers() {
        let signature = secp256k1_sign(b"message", &[5; 32]).unwrap();
        let key = secp256k1::SecretKey::from_bytes(&[5; 32])
            .unwrap()
            .public()
            .unwrap();
        assert_eq!(
            secp256k1_verify(&sha256(b"message"), &signature, &key),
            Ok(true)
        );
        let digest = sha256(b"message");
        assert!((0..2).any(|v| secp256k1_recover_pubkey(&digest, &signature, v) == Ok(key)));
        let signature = ed25519_sign(b"message", &[6; 32]).unwrap();
        let key = ed25519::SecretKey::from_seed(&[6; 32]).public();
        assert_eq!(ed25519_verify(b"message", &signature, &key), Ok(true));
    }

    #[test]
    fn batches_pair_their_lists_as_specified() {
        let keys: Vec<_> = (1..4)
            .map(|n| ed25519::SecretKey::from_seed(&[n; 32]))
            .collect();
        let publics: Vec<_> = keys.iter().map(ed25519::SecretKey::public).collect();
        let publics: Vec<&[u8]> = publics.iter().map(<[u8; 32]>::as_slice).collect();
        let messages: [&[u8]; 3] = [b"a", b"b", b"c"];
        let each: Vec<_> = keys.iter().zip(messages).map(|(k, m)| k.sign(m)).collect();
        let each: Vec<&[u8]> = each.iter().map(<[u8; 64]>::as_slice).collect();
        assert_eq!(ed25519_batch_verify(&messages, &each, &publics), Ok(true));
        let same: Vec<_> = keys.iter().map(|k| k.sign(b"a")).collect();
        let same: Vec<&[u8]> = same.iter().map(<[u8; 64]>::as_slice).collect();
        assert_eq!(
            ed25519_batch_verify(&messages[..1], &same, &publics),
            Ok(true)
        );
        let one: Vec<_> = messages.iter().map(|m| keys[0].sign(m)).collect();
        let one: Vec<&[u8]> = one.iter().map(<[u8; 64]>::as_slice).collect();
        assert_eq!(
            ed25519_batch_verify(&messages, &one, &publics[..1]),
            Ok(true)
        );
        assert_eq!(
            ed25519_batch_verify(&messages, &each, &publics[..1]),
            Ok(false)
        );
        assert_eq!(ed25519_batch_verify(&[], &[], &[]), Ok(true));
        for (m, s, k) in [
            (2, 3, 3),
            (3, 2, 3),
            (3, 3, 2),
            (1, 3, 1),
            (0, 1, 1),
            (1, 1, 0),
        ] {
            let answer = ed25519_batch_verify(&messages[..m], &each[..s], &publics[..k]);
            assert_eq!(answer.unwrap_err().code(), 7, "{m} {s} {k}");
        }
        assert_eq!(
            ed25519_batch_verify(&[b"a"], &[&[0; 63]], &[&[0; 32]])
                .unwrap_err()
                .code(),
            4
        );
    }
}
