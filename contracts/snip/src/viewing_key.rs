//! Viewing keys: a shared secret between an account and the contract, which opens queries about that account.
//!
//! Only the hash of a key is kept. A wrong key and a missing key take the same way and get the same answer.

use cosmwasm_std::{Addr, Binary, Env, StdResult, Storage};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use storage::Map;

/// Who asks, with the key that shows it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Who.
    pub address: String,
    /// Viewing key of that account.
    pub viewing_key: String,
}

/// What a created key begins with.
const PREFIX: &str = "api_key_";

/// What contracts answer to a wrong key and to a missing one.
pub const WRONG: &str = "Wrong viewing key for this address or viewing key not set";

/// Account → SHA-256 of the key's text.
static HASHES: Map<Binary> = Map::new("viewing_keys");

/// Makes a key that nobody can foresee: the block's random bytes are known only inside the chain.
pub fn create(env: &Env, prng_seed: &[u8], account: &Addr, entropy: &str) -> String {
    let mut hash = Sha256::new();
    let random = env.block.random.as_ref().map(Binary::as_slice);
    let parts: [&[u8]; 6] = [
        prng_seed,
        random.unwrap_or_default(),
        &env.block.height.to_be_bytes(),
        &env.block.time.nanos().to_be_bytes(),
        account.as_bytes(),
        entropy.as_bytes(),
    ];
    for part in parts {
        // The length first, so that no two lists of parts run together to the same bytes.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    format!("{PREFIX}{}", Binary::from(hash.finalize().as_slice()))
}

/// Sets the key of an account.
pub fn set(storage: &mut dyn Storage, account: &Addr, key: &str) -> StdResult<()> {
    let hash = Binary::from(Sha256::digest(key).as_slice());
    HASHES.set(storage, &[account.as_bytes()], &hash)
}

/// Whether this is the account's key.
pub fn is_right(storage: &dyn Storage, account: &Addr, key: &str) -> StdResult<bool> {
    let given = Sha256::digest(key);
    let stored = HASHES.get(storage, &[account.as_bytes()])?;
    let stored = stored.unwrap_or_else(|| Binary::from([0; 32]));
    let mut difference = 0;
    for (a, b) in given.iter().zip(stored.iter()) {
        difference |= a ^ b;
    }
    Ok(std::hint::black_box(difference) == 0)
}

#[cfg(test)]
mod tests {
    use cosmwasm_std::testing::{mock_env, MockStorage};

    use super::*;

    #[test]
    fn only_the_key_that_was_set_is_right() {
        let mut storage = MockStorage::new();
        let (alice, bob) = (Addr::unchecked("alice"), Addr::unchecked("bob"));
        let is_right =
            |storage: &MockStorage, account, key| is_right(storage, account, key).unwrap();
        assert!(!is_right(&storage, &alice, ""));
        set(&mut storage, &alice, "open").unwrap();
        assert!(is_right(&storage, &alice, "open"));
        assert!(!is_right(&storage, &alice, "Open"));
        assert!(!is_right(&storage, &bob, "open"));
    }

    #[test]
    fn a_created_key_has_the_usual_form_and_depends_on_its_sources() {
        let alice = Addr::unchecked("alice");
        let key = create(&mock_env(), b"seed", &alice, "entropy");
        assert!(key.starts_with(PREFIX));
        assert_eq!(key.len(), 52);
        assert_ne!(key, create(&mock_env(), b"seed", &alice, "other"));
        assert_ne!(key, create(&mock_env(), b"other", &alice, "entropy"));
        assert_ne!(key, create(&mock_env(), b"seede", &alice, "ntropy"));
    }
}
