//! Keys with which owners read. Only their hashes are kept.

use cosmwasm_std::{CanonicalAddr, Env, ReadonlyStorage, Storage};
use cosmwasm_storage::{prefixed, prefixed_read};
use sha2::{Digest, Sha256};

const KEYS: &[u8] = b"viewing_keys";
const SEED: &[u8] = b"prng_seed";

/// Keeps the seed of all keys that the contract makes.
pub fn set_seed<S: Storage>(storage: &mut S, seed: &[u8]) {
    storage.set(SEED, &Sha256::digest(seed));
}

/// Makes a key from the seed, the caller's entropy and the block; the seed goes on.
pub fn create<S: Storage>(
    storage: &mut S,
    env: &Env,
    owner: &CanonicalAddr,
    entropy: &str,
) -> String {
    let seed = storage.get(SEED).unwrap_or_default();
    let mut hash = Sha256::new();
    for part in [
        seed.as_slice(),
        entropy.as_bytes(),
        owner.as_slice(),
        &env.block.height.to_be_bytes(),
        &env.block.time.to_be_bytes(),
    ] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let secret = hash.finalize();
    storage.set(SEED, &Sha256::digest([b"next", secret.as_slice()].concat()));
    let key = format!(
        "api_key_{}",
        cosmwasm_std::Binary(Sha256::digest(secret).to_vec()).to_base64()
    );
    set(storage, owner, &key);
    key
}

/// Keeps the hash of a key.
pub fn set<S: Storage>(storage: &mut S, owner: &CanonicalAddr, key: &str) {
    prefixed(KEYS, storage).set(owner.as_slice(), &Sha256::digest(key));
}

/// Whether this is the owner's key. An owner without one costs as much and answers the same.
pub fn check<S: ReadonlyStorage>(storage: &S, owner: &CanonicalAddr, key: &str) -> bool {
    let kept = prefixed_read(KEYS, storage).get(owner.as_slice());
    let kept = kept.unwrap_or_else(|| vec![0; 32]);
    let given = Sha256::digest(key);
    let differing = kept.iter().zip(given).fold(0, |all, (a, b)| all | (a ^ b));
    kept.len() == given.len() && differing == 0
}
