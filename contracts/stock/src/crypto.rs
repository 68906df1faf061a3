//! What the library's imports compute, over bytes that whoever asks gives.

use cosmwasm_std::{to_json_binary, Api, Binary, HashFunction, StdResult};
use serde::{Deserialize, Serialize};

/// What to compute.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Whether a signature over secp256k1 is right.
    K1 {
        hash: Binary,
        signature: Binary,
        key: Binary,
    },
    /// Whose signature over secp256k1 it is.
    K1Key {
        hash: Binary,
        signature: Binary,
        param: u8,
    },
    /// Whether a signature over secp256r1 is right.
    R1 {
        hash: Binary,
        signature: Binary,
        key: Binary,
    },
    /// Whose signature over secp256r1 it is.
    R1Key {
        hash: Binary,
        signature: Binary,
        param: u8,
    },
    /// Whether a signature in G2 of BLS12-381 is of all these keys in G1; `generator` is that of G1.
    Bls {
        generator: Binary,
        keys: Binary,
        message: Binary,
        tag: Binary,
        signature: Binary,
    },
    /// The sum of points in G2.
    Sum { points: Binary },
    /// The point of a message in G1.
    Point { message: Binary, tag: Binary },
}

/// Computes it; an error is the library's word for it.
pub fn check(api: &dyn Api, check: Check) -> StdResult<Binary> {
    match check {
        Check::K1 {
            hash,
            signature,
            key,
        } => to_json_binary(&api.secp256k1_verify(&hash, &signature, &key)?),
        Check::K1Key {
            hash,
            signature,
            param,
        } => {
            let key = api.secp256k1_recover_pubkey(&hash, &signature, param)?;
            to_json_binary(&Binary::from(key))
        }
        Check::R1 {
            hash,
            signature,
            key,
        } => to_json_binary(&api.secp256r1_verify(&hash, &signature, &key)?),
        Check::R1Key {
            hash,
            signature,
            param,
        } => {
            let key = api.secp256r1_recover_pubkey(&hash, &signature, param)?;
            to_json_binary(&Binary::from(key))
        }
        Check::Bls {
            generator,
            keys,
            message,
            tag,
            signature,
        } => {
            let key = api.bls12_381_aggregate_g1(&keys)?;
            let point = api.bls12_381_hash_to_g2(HashFunction::Sha256, &message, &tag)?;
            to_json_binary(&api.bls12_381_pairing_equality(&generator, &signature, &key, &point)?)
        }
        Check::Sum { points } => {
            let sum = api.bls12_381_aggregate_g2(&points)?;
            to_json_binary(&Binary::from(sum.to_vec()))
        }
        Check::Point { message, tag } => {
            let point = api.bls12_381_hash_to_g1(HashFunction::Sha256, &message, &tag)?;
            to_json_binary(&Binary::from(point.to_vec()))
        }
    }
}
