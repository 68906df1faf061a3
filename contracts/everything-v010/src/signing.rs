//! The imports for signatures, which the published library of v0.10 does not wrap.
#![allow(unsafe_code, reason = "imports of the host are C functions")]

use cosmwasm_std::{Binary, StdError, StdResult};

use crate::msg::Signed;

extern "C" {
    fn secp256k1_sign(message: u32, key: u32) -> u64;
    fn secp256k1_verify(hash: u32, signature: u32, key: u32) -> u32;
    fn secp256k1_recover_pubkey(hash: u32, signature: u32, param: u32) -> u64;
    fn ed25519_sign(message: u32, seed: u32) -> u64;
    fn ed25519_verify(message: u32, signature: u32, key: u32) -> u32;
    fn ed25519_batch_verify(messages: u32, signatures: u32, keys: u32) -> u32;
}

/// A piece of memory as the host reads it.
#[repr(C)]
struct Region {
    offset: u32,
    capacity: u32,
    length: u32,
}

impl Region {
    fn of(bytes: &[u8]) -> Self {
        let length = bytes.len() as u32;
        Self {
            offset: bytes.as_ptr() as u32,
            capacity: length,
            length,
        }
    }

    fn at(&self) -> u32 {
        core::ptr::from_ref(self) as u32
    }
}

/// The bytes behind a region that the host has made, or its error code.
fn taken(what: &str, result: u64) -> StdResult<Vec<u8>> {
    if result >> 32 != 0 {
        let text = format!("{what}: error {}", result >> 32);
        return Err(StdError::generic_err(text));
    }
    // SAFETY: without an error, the low half is a region that the host filled by `allocate`; it is never freed.
    let bytes = unsafe {
        let region = &*(result as u32 as *const Region);
        core::slice::from_raw_parts(region.offset as *const u8, region.length as usize)
    };
    Ok(bytes.to_vec())
}

/// Items as a batch carries them: each followed by its length, big-endian.
fn section(item: &[u8]) -> Vec<u8> {
    [item, &(item.len() as u32).to_be_bytes()].concat()
}

/// Signs with both kinds of keys and verifies all of it.
///
/// # Errors
/// The host's, by import and code.
pub(crate) fn all(message: &[u8], hash: &[u8], secret: &[u8], key: &[u8]) -> StdResult<Signed> {
    let (m, h) = (Region::of(message), Region::of(hash));
    let (s, k) = (Region::of(secret), Region::of(key));
    // SAFETY: here and below, each argument is a region that lives until the call returns.
    let secp256k1 = taken("secp256k1_sign", unsafe { secp256k1_sign(m.at(), s.at()) })?;
    let ed25519 = taken("ed25519_sign", unsafe { ed25519_sign(m.at(), s.at()) })?;
    let signature = Region::of(&secp256k1);
    let mut valid = true;
    for parity in [0, 1] {
        // SAFETY: see above.
        let found = unsafe { secp256k1_recover_pubkey(h.at(), signature.at(), parity) };
        let found = taken("secp256k1_recover_pubkey", found)?;
        let found = Region::of(&found);
        // SAFETY: see above.
        valid &= unsafe { secp256k1_verify(h.at(), signature.at(), found.at()) } == 0;
    }
    let signature = Region::of(&ed25519);
    // SAFETY: see above.
    valid &= unsafe { ed25519_verify(m.at(), signature.at(), k.at()) } == 0;
    let batch = [message, &ed25519, key].map(section);
    let [m, signature, k] = [0, 1, 2].map(|at: usize| Region::of(&batch[at]));
    // SAFETY: see above.
    valid &= unsafe { ed25519_batch_verify(m.at(), signature.at(), k.at()) } == 0;
    Ok(Signed {
        secp256k1: Binary(secp256k1),
        ed25519: Binary(ed25519),
        valid,
    })
}
