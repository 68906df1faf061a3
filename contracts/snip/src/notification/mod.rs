//! Private notifications (SNIP-52): a public attribute of a transaction that means something to one account alone. Its key is a number that
//! only this account can foresee, its value what happened, encrypted to it. Whoever waits for it needs no query.
//!
//! - [`Channel`], [`notify`]: a notification to one account. [`Group`]: one that many are told by.
//! - [`Seed`]: what an account and the contract share; [`update_seed`] sets another. [`ChannelInfo`]: what queries tell of a channel.
//!
//! Salts are hashes of transactions (modes `txhash` and `bloom`).
//!
//! Promises: one notification of a channel to an account in a transaction. A second one would use key and nonce again, which gives both
//! away; it is left out, so a notification means that something happened, and not that nothing else did. Spec: snips.md 7.

mod group;
mod info;
mod seed;
mod values;

use cosmwasm_std::{Addr, Api, Attribute, Binary, Env, StdError, StdResult, Storage};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use storage::{Item, Map};

pub use group::{Group, Member, Packet, Pending, PACKETS};
pub use info::{ChannelInfo, Descriptor, FilterParameters, Layout};
pub use seed::{seed, update_seed, Seed, SeedParams, SignedDoc};
pub use values::Values;

/// Every notification to one account has this many bytes before it is encrypted, so that its length does not tell its channel.
const PLAINTEXT_BYTES: usize = 48;
const NONCE_BYTES: usize = 12;
const SEED_BYTES: usize = 32;
const ID_BYTES: usize = 32;
const TAG_BYTES: usize = 16;

/// The contract's secret.
static SECRET: Item<Binary> = Item::new("notification_secret");
/// (channel, account) → hash of the transaction of the last notification.
static LAST: Map<String> = Map::new("last_notification");

/// A kind of notification to one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name.
    pub name: &'static str,
    /// What its notifications hold, in CDDL.
    pub cddl: &'static str,
}

/// Makes the contract's secret; once, when it begins.
pub fn begin(storage: &mut dyn Storage, env: &Env, entropy: &[u8]) -> StdResult<()> {
    let random = env.block.random.as_ref().map(Binary::as_slice);
    let mut hash = Sha256::new_with_prefix("notifications");
    // The length first, so that the two parts do not run together.
    hash.update((entropy.len() as u64).to_be_bytes());
    hash.update(entropy);
    hash.update(random.unwrap_or_default());
    SECRET.save(storage, &Binary::from(hash.finalize().as_slice()))
}

/// Whether an account is told of a channel for the first time in this transaction; from now on it was.
fn is_first(
    storage: &mut dyn Storage,
    channel: &str,
    account: &Addr,
    tx_hash: &str,
) -> StdResult<bool> {
    let place = [channel.as_bytes(), account.as_bytes()];
    if LAST.get(storage, &place)?.as_deref() == Some(tx_hash) {
        return Ok(false);
    }
    LAST.set(storage, &place, &tx_hash.to_string())?;
    Ok(true)
}

/// The attribute that notifies an account; none outside a transaction, and none if the account was notified of this channel in this
/// transaction already.
pub fn notify(
    storage: &mut dyn Storage,
    api: &dyn Api,
    env: &Env,
    channel: Channel,
    account: &Addr,
    values: Values,
) -> StdResult<Option<Attribute>> {
    let Some(transaction) = &env.transaction else {
        return Ok(None);
    };
    let tx_hash = transaction.hash.as_str();
    if !is_first(storage, channel.name, account, tx_hash)? {
        return Ok(None);
    }
    let seed = seed(storage, api, account)?;
    let key = format!("snip52:{}", seed.id(channel.name, tx_hash)?);
    let value = seed.seal(channel.name, env, tx_hash, values)?;
    Ok(Some(Attribute::new_plaintext(key, value.to_base64())))
}

/// An attribute that looks like a notification and is for nobody, so that calls which notify nobody look like others. `number` tells
/// those of one call apart. None outside a transaction, and none where blocks have no random bytes.
pub fn noise(storage: &dyn Storage, env: &Env, number: u8) -> StdResult<Option<Attribute>> {
    let Some(random) = env
        .block
        .random
        .as_ref()
        .filter(|_| env.transaction.is_some())
    else {
        return Ok(None);
    };
    let mut bytes = [0; ID_BYTES + PLAINTEXT_BYTES + TAG_BYTES];
    Hkdf::<Sha256>::new(None, &SECRET.load(storage)?)
        // No two calls of a chain have the same random bytes. No address is as long, so this is no account's seed.
        .expand_multi_info(&[b"noise", random, &[number]], &mut bytes)
        .map_err(|_| StdError::generic_err("no noise"))?;
    let (id, value) = bytes.split_at(ID_BYTES);
    let key = format!("snip52:{}", Binary::from(id));
    let value = Binary::from(value).to_base64();
    Ok(Some(Attribute::new_plaintext(key, value)))
}

#[cfg(test)]
mod tests {
    use cosmwasm_std::testing::{mock_env, MockApi, MockStorage};

    use chacha20poly1305::aead::{Aead, KeyInit, Payload as Sealed};
    use chacha20poly1305::ChaCha20Poly1305;
    use cosmwasm_std::Binary;

    use super::*;

    const CHANNEL: Channel = Channel {
        name: "recvd",
        cddl: "recvd=[amount:biguint .size 8]",
    };

    struct Scene {
        storage: MockStorage,
        env: Env,
    }

    impl Scene {
        fn new() -> Self {
            let mut storage = MockStorage::new();
            begin(&mut storage, &mock_env(), b"entropy").unwrap();
            Scene {
                storage,
                env: mock_env(),
            }
        }

        fn seed(&self, account: &str) -> Seed {
            seed(
                &self.storage,
                &MockApi::default(),
                &Addr::unchecked(account),
            )
            .unwrap()
        }

        fn notify(&mut self, account: &str, amount: u128) -> Option<Attribute> {
            let values = Values::list(1).amount(amount);
            let account = Addr::unchecked(account);
            let api = MockApi::default();
            notify(
                &mut self.storage,
                &api,
                &self.env,
                CHANNEL,
                &account,
                values,
            )
            .unwrap()
        }
    }

    /// As a client opens it.
    fn open(seed: &Seed, env: &Env, attribute: &Attribute) -> Vec<u8> {
        let tx_hash = &env.transaction.as_ref().unwrap().hash;
        let channel = Sha256::digest("recvd");
        let nonce: Vec<u8> = (0..12)
            .map(|n| channel[n] ^ u8::from_str_radix(&tx_hash[2 * n..2 * n + 2], 16).unwrap())
            .collect();
        let sealed = Binary::from_base64(&attribute.value).unwrap();
        let aad = format!("{}:{tx_hash}", env.block.height);
        let payload = Sealed {
            msg: &sealed,
            aad: aad.as_bytes(),
        };
        let cipher = ChaCha20Poly1305::new(&seed.0.into());
        cipher.decrypt(nonce.as_slice().into(), payload).unwrap()
    }

    #[test]
    fn an_account_finds_and_opens_its_notification_and_others_do_not() {
        let mut s = Scene::new();
        let attribute = s.notify("alice", 5).unwrap();
        assert!(!attribute.encrypted);
        let tx_hash = s.env.transaction.clone().unwrap().hash;
        let id = |account| s.seed(account).id(CHANNEL.name, &tx_hash).unwrap();
        assert_eq!(attribute.key, format!("snip52:{}", id("alice")));
        assert_ne!(attribute.key, format!("snip52:{}", id("bob")));
        let plaintext = open(&s.seed("alice"), &s.env, &attribute);
        assert_eq!(plaintext.len(), PLAINTEXT_BYTES);
        assert_eq!(&plaintext[..12], b"\x81\xc2\x48\0\0\0\0\0\0\0\x05\0");
    }

    #[test]
    fn key_and_nonce_are_used_once() {
        let mut s = Scene::new();
        let first = s.notify("alice", 5).unwrap();
        assert_eq!(s.notify("alice", 6), None, "the same transaction");
        assert!(s.notify("bob", 6).is_some());
        let mut next = s.env.transaction.clone().unwrap();
        next.hash = "F".repeat(64);
        s.env.transaction = Some(next);
        assert_ne!(s.notify("alice", 5).unwrap().key, first.key);
        s.env.transaction = None;
        assert_eq!(s.notify("alice", 5), None, "no transaction");
    }

    #[test]
    fn noise_looks_like_a_notification_and_never_comes_again() {
        let mut s = Scene::new();
        let real = s.notify("alice", 5).unwrap();
        let lengths = |a: &Attribute| (a.key.len(), a.value.len(), a.encrypted);
        let mut seen = vec![real.key.clone()];
        for number in 0..3 {
            let noise = noise(&s.storage, &s.env, number).unwrap().unwrap();
            assert_eq!(lengths(&noise), lengths(&real));
            assert!(!seen.contains(&noise.key));
            seen.push(noise.key);
        }
        s.env.transaction = None;
        assert_eq!(noise(&s.storage, &s.env, 0).unwrap(), None);
    }
}
