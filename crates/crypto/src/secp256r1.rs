//! ECDSA over secp256r1 (NIST P-256), for contracts only: compact 64-byte signatures (r ‖ s) over 32-byte digests, high and low s alike.

use crate::error::Error;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::ecdsa::{RecoveryId, Signature, VerifyingKey};

/// Whether `signature` over `digest` is by `public`, in SEC 1 form.
///
/// # Errors
/// [`Error::PublicKey`] for no point of the curve, [`Error::Signature`] for r or s of zero or beyond the order.
pub(crate) fn verify(
    digest: &[u8; 32],
    signature: &[u8; 64],
    public: &[u8],
) -> Result<bool, Error> {
    let key = VerifyingKey::from_sec1_bytes(public).map_err(|_| Error::PublicKey)?;
    let signature = Signature::from_slice(signature).map_err(|_| Error::Signature)?;
    Ok(key.verify_prehash(digest, &signature).is_ok())
}

/// The uncompressed key whose signature this is; `recovery` is 0 to 3.
///
/// # Errors
/// [`Error::Signature`] if there is none.
pub(crate) fn recover(
    digest: &[u8; 32],
    signature: &[u8; 64],
    recovery: u8,
) -> Result<[u8; 65], Error> {
    let signature = Signature::from_slice(signature).map_err(|_| Error::Signature)?;
    let id = RecoveryId::from_byte(recovery).ok_or(Error::Signature)?;
    let key =
        VerifyingKey::recover_from_prehash(digest, &signature, id).map_err(|_| Error::Signature)?;
    let point = key.to_sec1_point(false);
    point.as_bytes().try_into().map_err(|_| Error::Signature)
}
