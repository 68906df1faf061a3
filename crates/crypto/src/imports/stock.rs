//! ECDSA as the ordinary `cosmwasm-std` documents it, where it differs from that of the secret one: high and low s alike, recovered keys
//! uncompressed, no hybrid form of keys, an error of its own for a recovery parameter that there is not.

use super::CallError;
use crate::error::Error;
use crate::{secp256k1, secp256r1};

/// The parts of a verification, of their right sizes.
type Parts<'a> = (&'a [u8; 32], &'a [u8; 64]);

fn sizes<'a>(digest: &'a [u8], signature: &'a [u8]) -> Result<Parts<'a>, CallError> {
    let digest = digest.try_into().map_err(|_| CallError::HashFormat)?;
    let signature = signature
        .try_into()
        .map_err(|_| CallError::SignatureFormat)?;
    Ok((digest, signature))
}

fn check_public(public: &[u8]) -> Result<(), CallError> {
    match (public.len(), public.first()) {
        (33, Some(2 | 3)) | (65, Some(4)) => Ok(()),
        _ => Err(CallError::PublicKeyFormat),
    }
}

/// `secp256k1_verify`: a 32-byte digest, a compact signature, a key of 33 or 65 bytes.
///
/// # Errors
/// [`CallError`] for wrong sizes and for bytes that mean nothing.
pub fn secp256k1_verify(digest: &[u8], signature: &[u8], public: &[u8]) -> Result<bool, CallError> {
    let (digest, signature) = sizes(digest, signature)?;
    check_public(public)?;
    secp256k1::verify_any_s(digest, signature, public).map_err(generic)
}

/// `secp256k1_recover_pubkey`: the uncompressed key; the parameter is 0 or 1.
///
/// # Errors
/// [`CallError`] for wrong sizes, another parameter, and where there is no such key.
pub fn secp256k1_recover_pubkey(
    digest: &[u8],
    signature: &[u8],
    param: u32,
) -> Result<[u8; 65], CallError> {
    let (digest, signature) = sizes(digest, signature)?;
    let param = recovery(param, 1)?;
    secp256k1::recover_uncompressed(digest, signature, param).map_err(generic)
}

/// `secp256r1_verify`: the same over NIST P-256.
///
/// # Errors
/// As [`secp256k1_verify`].
pub fn secp256r1_verify(digest: &[u8], signature: &[u8], public: &[u8]) -> Result<bool, CallError> {
    let (digest, signature) = sizes(digest, signature)?;
    check_public(public)?;
    secp256r1::verify(digest, signature, public).map_err(generic)
}

/// `secp256r1_recover_pubkey`: the uncompressed key; the parameter is 0 to 3.
///
/// # Errors
/// As [`secp256k1_recover_pubkey`].
pub fn secp256r1_recover_pubkey(
    digest: &[u8],
    signature: &[u8],
    param: u32,
) -> Result<[u8; 65], CallError> {
    let (digest, signature) = sizes(digest, signature)?;
    let param = recovery(param, 3)?;
    secp256r1::recover(digest, signature, param).map_err(generic)
}

fn recovery(param: u32, last: u8) -> Result<u8, CallError> {
    let param = u8::try_from(param).ok().filter(|param| *param <= last);
    param.ok_or(CallError::RecoveryParam)
}

fn generic(_: Error) -> CallError {
    CallError::Generic
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sha256;
    use proptest::prelude::*;

    fn bytes(hex: &str) -> Vec<u8> {
        hex::decode(hex).unwrap()
    }

    /// RFC 6979, A.2.5: P-256, SHA-256 of "sample". Its s is a high one.
    fn rfc_6979() -> ([u8; 32], Vec<u8>, Vec<u8>) {
        let public = bytes(concat!(
            "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
            "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
        ));
        let signature = bytes(concat!(
            "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
            "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
        ));
        (sha256(b"sample"), signature, public)
    }

    fn compressed(public: &[u8]) -> Vec<u8> {
        [&[2 + (public[64] & 1)], &public[1..33]].concat()
    }

    /// The signature with the other s, that is n - s.
    fn other_s(signature: &[u8], order: &str) -> Vec<u8> {
        let (mut out, order) = (signature.to_vec(), bytes(order));
        let mut borrow = 0;
        for at in (0..32).rev() {
            let difference = i32::from(order[at]) - i32::from(signature[32 + at]) - borrow;
            borrow = i32::from(difference < 0);
            out[32 + at] = difference.rem_euclid(256) as u8;
        }
        out
    }

    const P256_ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    const SECP256K1_ORDER: &str =
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

    #[test]
    fn a_signature_of_rfc_6979_verifies_over_p_256_with_either_s_and_either_form_of_the_key() {
        let (digest, signature, public) = rfc_6979();
        let low = other_s(&signature, P256_ORDER);
        assert_ne!(low, signature);
        for key in [&public, &compressed(&public)] {
            for signature in [&signature, &low] {
                assert_eq!(secp256r1_verify(&digest, signature, key), Ok(true));
                let other = sha256(b"another");
                assert_eq!(secp256r1_verify(&other, signature, key), Ok(false));
            }
        }
        let swapped = [&signature[32..], &signature[..32]].concat();
        assert_eq!(secp256r1_verify(&digest, &swapped, &public), Ok(false));
    }

    #[test]
    fn a_key_over_p_256_is_recovered_uncompressed() {
        // A vector of the library.
        let digest = bytes("17b03f9f00f6692ccdde485fc63c4530751ef35da6f71336610944b0894fcfb8");
        let signature = bytes(concat!(
            "9886ae46c1415c3bc959e82b760ad760aab66885a84e620aa339fdf102465c42",
            "2bf3a80bc04faa35ebecc0f4864ac02d349f6f126e0f988501b8d3075409a26c"
        ));
        let expected = concat!(
            "0451f99d2d52d4a6e734484a018b7ca2f895c2929b6754a3a03224d07ae61166ce",
            "4737da963c6ef7247fb88d19f9b0c667cac7fe12837fdab88c66f10d3c14cad1"
        );
        let key = |param| secp256r1_recover_pubkey(&digest, &signature, param);
        assert_eq!(key(0).map(hex::encode), Ok(expected.to_owned()));
        let other = key(1).unwrap();
        assert_ne!(hex::encode(other), expected);
        assert_eq!(secp256r1_verify(&digest, &signature, &other), Ok(true));
        // The parameters of an r that was reduced, which this one was not.
        assert_eq!(key(2), Err(CallError::Generic));
        // The high s is of the other parity.
        let (digest, signature, public) = rfc_6979();
        let keys = [0, 1].map(|p| secp256r1_recover_pubkey(&digest, &signature, p).unwrap());
        assert_eq!(keys.iter().filter(|key| key[..] == public).count(), 1);
    }

    #[test]
    fn secp256k1_takes_a_high_s_and_recovers_the_whole_key() {
        let digest = bytes("5ae8317d34d1e595e3fa7247db80c0af4320cce1116de187f8f7e2e099c0d8d0");
        let signature = bytes(concat!(
            "45c0b7f8c09a9e1f1cea0c25785594427b6bf8f9f878a8af0b1abbb48e16d092",
            "0d8becd0c220f67c51217eecfd7184ef0732481c843857e6bc7fc095c4f6b788"
        ));
        let public = bytes(concat!(
            "044a071e8a6e10aada2b8cf39fa3b5fb3400b04e99ea8ae64ceea1a977dbeaf5d5",
            "f8c8fbd10b71ab14cd561f7df8eb6da50f8a8d81ba564342244d26d1d4211595"
        ));
        let high = other_s(&signature, SECP256K1_ORDER);
        assert_eq!(secp256k1_verify(&digest, &signature, &public), Ok(true));
        assert_eq!(secp256k1_verify(&digest, &high, &public), Ok(true));
        assert_eq!(
            secp256k1_verify(&digest, &high, &compressed(&public)),
            Ok(true)
        );
        // The protocol's own does not.
        assert_eq!(
            super::super::secp256k1_verify(&digest, &high, &public),
            Ok(false)
        );
        let key = |signature: &[u8], param| secp256k1_recover_pubkey(&digest, signature, param);
        assert_eq!(key(&signature, 1).unwrap().to_vec(), public);
        assert_eq!(key(&high, 0).unwrap().to_vec(), public);
        assert_ne!(key(&signature, 0).unwrap().to_vec(), public);
    }

    type Verify = fn(&[u8], &[u8], &[u8]) -> Result<bool, CallError>;
    type Recover = fn(&[u8], &[u8], u32) -> Result<[u8; 65], CallError>;

    #[test]
    fn each_class_of_bad_input_has_the_code_that_contracts_know() {
        let (digest, signature, public) = rfc_6979();
        for (verify, recover, params) in [
            (
                secp256k1_verify as Verify,
                secp256k1_recover_pubkey as Recover,
                2,
            ),
            (secp256r1_verify, secp256r1_recover_pubkey, 4),
        ] {
            let code = |d: &[u8], s: &[u8], p: &[u8]| verify(d, s, p).map_err(|e| e.code());
            assert_eq!(code(&digest[1..], &signature, &public), Err(3));
            assert_eq!(code(&[0; 33], &signature, &public), Err(3));
            assert_eq!(code(&digest, &signature[1..], &public), Err(4));
            assert_eq!(code(&digest, &[1; 65], &public), Err(4));
            let hybrid = [&[6 + (public[64] & 1)], &public[1..]].concat();
            for bad in [
                &public[1..],
                &public[..33],
                &[],
                &[2; 65],
                &[4; 33],
                &[5; 33],
                &hybrid,
            ] {
                assert_eq!(code(&digest, &signature, bad), Err(5));
            }
            let good = (1..=u8::MAX).find_map(|n| recover(&digest, &[n; 64], 0).ok());
            let good = good.unwrap();
            // About half of all x are of no point.
            let of_x = |x: u8| code(&digest, &[1; 64], &[&[2][..], &[x; 32]].concat());
            let answers: Vec<_> = (0..32).map(of_x).collect();
            assert!(answers.contains(&Ok(false)) && answers.contains(&Err(10)));
            assert!(answers.iter().all(|a| [Ok(false), Err(10)].contains(a)));
            // x beyond the field, a y that is not its own; r and s of zero, and beyond the order.
            for (signature, public) in [
                (&[1; 64], &[&[2][..], &[0xff; 32]].concat()[..]),
                (&[1; 64], &[&[4][..], &[1; 64]].concat()),
                (&[0; 64], &good),
                (&[0xff; 64], &good),
            ] {
                assert_eq!(code(&digest, signature, public), Err(10));
            }
            let code = |d: &[u8], s: &[u8], p| recover(d, s, p).map_err(|e| e.code());
            assert_eq!(code(&digest[1..], &signature, 0), Err(3));
            assert_eq!(code(&digest, &signature[1..], 0), Err(4));
            for param in [params, 255, 256, u32::MAX] {
                assert_eq!(code(&digest, &signature, param), Err(6), "{param}");
            }
            assert_eq!(code(&digest, &[0; 64], 0), Err(10));
            assert_eq!(code(&digest, &[0xff; 64], 0), Err(10));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_recovered_verifies(digest: [u8; 32], r: [u8; 32], s: [u8; 32], param in 0..4_u32) {
            let signature = [r, s].concat();
            for (verify, recover) in [
                (secp256k1_verify as Verify, secp256k1_recover_pubkey as Recover),
                (secp256r1_verify, secp256r1_recover_pubkey),
            ] {
                if let Ok(key) = recover(&digest, &signature, param) {
                    prop_assert_eq!(verify(&digest, &signature, &key), Ok(true));
                }
            }
        }
    }
}
