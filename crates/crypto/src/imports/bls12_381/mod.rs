//! BLS12-381 as contracts of the ordinary library ask for it from 2.1 on: points in the compressed form of Zcash, 48 bytes in G1 and 96 in
//! G2, each on the curve and in its subgroup; the point at infinity is one of them. Hashing is RFC 9380, `XMD:SHA-256_SSWU_RO`.
//!
//! Time grows with the number of points, and with the bytes that are hashed: the caller has charged for both.

use super::CallError;
use ::bls12_381::hash_to_curve::{ExpandMsgXmd, HashToCurve};
use ::bls12_381::{
    G1Affine, G1Projective, G2Affine, G2Prepared, G2Projective, Gt, MillerLoopResult,
    multi_miller_loop,
};
use core::ops::{AddAssign as _, Neg as _};
use sha2::Sha256;

/// Bytes of a point of G1.
pub const G1_BYTES: usize = 48;
/// Bytes of a point of G2.
pub const G2_BYTES: usize = 96;
/// The one hash function that contracts may name.
const SHA_256: u32 = 0;
/// Pairs whose loops run together: each holds 20 KB meanwhile, and more of them save little.
const PAIRS_AT_ONCE: usize = 16;

fn g1(bytes: &[u8; G1_BYTES]) -> Result<G1Affine, CallError> {
    Option::from(G1Affine::from_compressed(bytes)).ok_or(CallError::Point)
}

fn g2(bytes: &[u8; G2_BYTES]) -> Result<G2Affine, CallError> {
    Option::from(G2Affine::from_compressed(bytes)).ok_or(CallError::Point)
}

/// The points of a list, one behind the other.
fn points<const N: usize>(list: &[u8], otherwise: CallError) -> Result<&[[u8; N]], CallError> {
    match list.as_chunks() {
        (points, []) => Ok(points),
        _ => Err(otherwise),
    }
}

/// `bls12_381_aggregate_g1`: the sum of a list of points.
///
/// # Errors
/// [`CallError`] for no points, a broken list, and bytes that are no point.
pub fn bls12_381_aggregate_g1(list: &[u8]) -> Result<[u8; G1_BYTES], CallError> {
    let points = points(list, CallError::PointList)?;
    if points.is_empty() {
        return Err(CallError::NoPoints);
    }
    let sum: Result<G1Projective, _> = points.iter().map(|p| g1(p).map(G1Projective::from)).sum();
    Ok(G1Affine::from(sum?).to_compressed())
}

/// `bls12_381_aggregate_g2`: the sum of a list of points.
///
/// # Errors
/// As [`bls12_381_aggregate_g1`].
pub fn bls12_381_aggregate_g2(list: &[u8]) -> Result<[u8; G2_BYTES], CallError> {
    let points = points(list, CallError::PointList)?;
    if points.is_empty() {
        return Err(CallError::NoPoints);
    }
    let sum: Result<G2Projective, _> = points.iter().map(|p| g2(p).map(G2Projective::from)).sum();
    Ok(G2Affine::from(sum?).to_compressed())
}

/// `bls12_381_pairing_equality`: whether e(p1, q1) · e(p2, q2) · … = e(r, s). Without pairs the left side is 1.
///
/// # Errors
/// [`CallError`] for broken lists, lists of different lengths, and bytes that are no point.
pub fn bls12_381_pairing_equality(
    ps: &[u8],
    qs: &[u8],
    r: &[u8],
    s: &[u8],
) -> Result<bool, CallError> {
    let ps = points(ps, CallError::PointListG1)?;
    let qs = points(qs, CallError::PointListG2)?;
    if ps.len() != qs.len() {
        return Err(CallError::UnequalPoints);
    }
    let r = g1(r.try_into().map_err(|_| CallError::Point)?)?;
    let s = g2(s.try_into().map_err(|_| CallError::Point)?)?;
    // Equal if the product with the inverse of the right side is 1: one final exponentiation for all.
    let mut product = multi_miller_loop(&[(&r.neg(), &G2Prepared::from(s))]);
    for (ps, qs) in ps.chunks(PAIRS_AT_ONCE).zip(qs.chunks(PAIRS_AT_ONCE)) {
        product.add_assign(pairs(ps, qs)?);
    }
    Ok(product.final_exponentiation() == Gt::identity())
}

fn pairs(ps: &[[u8; G1_BYTES]], qs: &[[u8; G2_BYTES]]) -> Result<MillerLoopResult, CallError> {
    let ps: Vec<G1Affine> = ps.iter().map(g1).collect::<Result<_, _>>()?;
    let qs = qs.iter().map(|q| g2(q).map(G2Prepared::from));
    let qs: Vec<G2Prepared> = qs.collect::<Result<_, _>>()?;
    let terms: Vec<_> = ps.iter().zip(&qs).collect();
    Ok(multi_miller_loop(&terms))
}

/// `bls12_381_hash_to_g1`: the point of G1 that a message has under a tag of any length.
///
/// # Errors
/// [`CallError::HashFunction`] for any but SHA-256.
pub fn bls12_381_hash_to_g1(
    hash: u32,
    message: &[u8],
    tag: &[u8],
) -> Result<[u8; G1_BYTES], CallError> {
    check_hash(hash)?;
    let point = <G1Projective as HashToCurve<ExpandMsgXmd<Sha256>>>::hash_to_curve([message], tag);
    Ok(G1Affine::from(point).to_compressed())
}

/// `bls12_381_hash_to_g2`: the same in G2.
///
/// # Errors
/// As [`bls12_381_hash_to_g1`].
pub fn bls12_381_hash_to_g2(
    hash: u32,
    message: &[u8],
    tag: &[u8],
) -> Result<[u8; G2_BYTES], CallError> {
    check_hash(hash)?;
    let point = <G2Projective as HashToCurve<ExpandMsgXmd<Sha256>>>::hash_to_curve([message], tag);
    Ok(G2Affine::from(point).to_compressed())
}

const fn check_hash(hash: u32) -> Result<(), CallError> {
    match hash {
        SHA_256 => Ok(()),
        _ => Err(CallError::HashFunction),
    }
}

#[cfg(test)]
mod tests;
