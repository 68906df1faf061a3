//! The cryptographic imports: k256 and ed25519-zebra, directly (contract-abi.md section 5).
//!
//! Answers are the numbers that contracts see: 0 valid, 1 invalid, and the error codes below. High-S signatures are
//! invalid; keys are recovered to 33 bytes; ed25519 follows ZIP-215.

use k256::ecdsa::signature::hazmat::PrehashVerifier as _;
use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};

/// The signature is valid.
const VALID: u32 = 0;
/// The signature is not valid.
const INVALID: u32 = 1;

/// What an import answers instead of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Code {
    /// The hash has not 32 bytes.
    HashFormat = 3,
    /// The signature has not 64 bytes.
    SignatureFormat = 4,
    /// The key has no known length and form.
    PublicKeyFormat = 5,
    /// The lists of a batch do not fit together.
    Batch = 7,
    /// Everything else.
    Generic = 10,
    /// The private key has not 32 bytes.
    PrivateKeyFormat = 1_000,
}

impl Code {
    /// The number.
    pub(crate) fn number(self) -> u32 {
        // The discriminants are the protocol's numbers.
        self as u32
    }
}

/// `secp256k1_verify`: a compact signature of a 32-byte hash.
pub(crate) fn secp256k1_verify(hash: &[u8], signature: &[u8], key: &[u8]) -> u32 {
    let verified = || -> Result<bool, Code> {
        if hash.len() != 32 {
            return Err(Code::HashFormat);
        }
        let signature = compact_signature(signature)?;
        let key = public_key(key)?;
        Ok(key.verify_prehash(hash, &signature).is_ok())
    };
    answer(verified())
}

/// `secp256k1_recover_pubkey`: the 33-byte key that signed.
pub(crate) fn secp256k1_recover(
    hash: &[u8],
    signature: &[u8],
    param: u32,
) -> Result<Vec<u8>, Code> {
    if hash.len() != 32 {
        return Err(Code::HashFormat);
    }
    let signature = compact_signature(signature)?;
    let id = u8::try_from(param)
        .ok()
        .and_then(RecoveryId::from_byte)
        .ok_or(Code::Generic)?;
    let key =
        VerifyingKey::recover_from_prehash(hash, &signature, id).map_err(|_| Code::Generic)?;
    Ok(key.to_encoded_point(true).as_bytes().to_vec())
}

/// `secp256k1_sign`: a compact signature of SHA-256(message), RFC 6979, low S.
pub(crate) fn secp256k1_sign(message: &[u8], key: &[u8]) -> Result<Vec<u8>, Code> {
    use k256::ecdsa::signature::hazmat::PrehashSigner as _;
    if key.len() != 32 {
        return Err(Code::PrivateKeyFormat);
    }
    let key = SigningKey::from_slice(key).map_err(|_| Code::Generic)?;
    let signature: Signature = key
        .sign_prehash(&strongroom_types::sha256(message))
        .map_err(|_| Code::Generic)?;
    let signature = signature.normalize_s().unwrap_or(signature);
    Ok(signature.to_bytes().to_vec())
}

/// `ed25519_verify`, ZIP-215.
pub(crate) fn ed25519_verify(message: &[u8], signature: &[u8], key: &[u8]) -> u32 {
    answer(zip215(message, signature, key))
}

/// `ed25519_batch_verify`: counts equal, or one message for all, or one key for all.
///
/// Each signature is verified on its own: under ZIP-215 a batch is valid exactly if each of its members is, so no
/// randomness is needed and the answer is the same.
pub(crate) fn ed25519_batch_verify(
    messages: &[&[u8]],
    signatures: &[&[u8]],
    keys: &[&[u8]],
) -> u32 {
    let verified = || -> Result<bool, Code> {
        let mut all = true;
        for (i, signature) in signatures.iter().enumerate() {
            // One item stands for all.
            let message = if messages.len() == 1 {
                messages.first()
            } else {
                messages.get(i)
            };
            let key = if keys.len() == 1 {
                keys.first()
            } else {
                keys.get(i)
            };
            let (message, key) = (message.ok_or(Code::Batch)?, key.ok_or(Code::Batch)?);
            all &= zip215(message, signature, key)?;
        }
        Ok(all)
    };
    answer(verified())
}

/// Whether the lists of a batch fit together.
pub(crate) fn batch_fits(messages: usize, signatures: usize, keys: usize) -> bool {
    (messages == signatures || messages == 1) && (keys == signatures || keys == 1)
}

/// `ed25519_sign`: a 64-byte signature under a 32-byte seed.
pub(crate) fn ed25519_sign(message: &[u8], seed: &[u8]) -> Result<Vec<u8>, Code> {
    let seed: [u8; 32] = seed.try_into().map_err(|_| Code::PrivateKeyFormat)?;
    let signature = ed25519_zebra::SigningKey::from(seed).sign(message);
    Ok(signature.to_bytes().to_vec())
}

/// Takes a list of "sections" apart: items, each followed by its length as big-endian u32, parsed from the end.
pub(crate) fn sections(mut bytes: &[u8], max: usize) -> Option<Vec<&[u8]>> {
    let mut items = Vec::new();
    while !bytes.is_empty() {
        let (rest, length) = bytes.split_last_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (rest, item) = rest.split_at_checked(rest.len().checked_sub(length)?)?;
        if items.len() >= max {
            return None;
        }
        items.push(item);
        bytes = rest;
    }
    items.reverse();
    Some(items)
}

fn answer(verified: Result<bool, Code>) -> u32 {
    match verified {
        Ok(true) => VALID,
        Ok(false) => INVALID,
        Err(code) => code.number(),
    }
}

fn zip215(message: &[u8], signature: &[u8], key: &[u8]) -> Result<bool, Code> {
    let signature: [u8; 64] = signature.try_into().map_err(|_| Code::SignatureFormat)?;
    let key: [u8; 32] = key.try_into().map_err(|_| Code::PublicKeyFormat)?;
    let verified = ed25519_zebra::VerificationKey::try_from(key)
        .and_then(|key| key.verify(&ed25519_zebra::Signature::from(signature), message));
    Ok(verified.is_ok())
}

fn compact_signature(bytes: &[u8]) -> Result<Signature, Code> {
    if bytes.len() != 64 {
        return Err(Code::SignatureFormat);
    }
    Signature::from_slice(bytes).map_err(|_| Code::Generic)
}

/// 33 bytes that begin with 02 or 03, or 65 that begin with 04, or with 06 or 07 and the parity that these say.
fn public_key(bytes: &[u8]) -> Result<VerifyingKey, Code> {
    match (bytes.first(), bytes.len()) {
        (Some(2 | 3), 33) | (Some(4), 65) => {
            VerifyingKey::from_sec1_bytes(bytes).map_err(|_| Code::Generic)
        }
        (Some(tag @ (6 | 7)), 65) => {
            let odd = bytes.last().is_some_and(|b| b & 1 == 1);
            if odd != (*tag == 7) {
                return Err(Code::Generic);
            }
            let mut plain = bytes.to_vec();
            if let Some(first) = plain.first_mut() {
                *first = 4;
            }
            VerifyingKey::from_sec1_bytes(&plain).map_err(|_| Code::Generic)
        }
        _ => Err(Code::PublicKeyFormat),
    }
}
