//! Private notifications (SNIP-52): a public attribute of a transaction that means something to one account alone. Its key is a number that
//! only this account can foresee, its value what happened, encrypted to it. Whoever waits for it needs no query.
//!
//! An account's seed comes from a secret of the contract, and is told to the account by a query. Salts are hashes of transactions
//! (mode `txhash`).
//!
//! Promises: one notification of a channel to an account in a transaction. A second one would use key and nonce again, which gives both
//! away; it is left out, so a notification means that something happened, and not that nothing else did. Spec: snips.md 7.

use chacha20poly1305::aead::{Aead, KeyInit, Payload as Sealed};
use chacha20poly1305::ChaCha20Poly1305;
use cosmwasm_std::{
    Addr, Api, Attribute, Binary, CanonicalAddr, Env, StdError, StdResult, Storage,
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use storage::{Item, Map};

/// Every notification has this many bytes before it is encrypted, so that its length does not tell its channel.
const PLAINTEXT_BYTES: usize = 48;
const NONCE_BYTES: usize = 12;
const ID_BYTES: usize = 32;
const TAG_BYTES: usize = 16;

/// The contract's secret.
static SECRET: Item<Binary> = Item::new("notification_secret");
/// (channel, account) → hash of the transaction of the last notification.
static LAST: Map<String> = Map::new("last_notification");

/// A kind of notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name.
    pub name: &'static str,
    /// What its notifications hold, in CDDL.
    pub cddl: &'static str,
}

/// What an account's notifications are made with.
pub struct Seed([u8; 32]);

/// A list of values in CBOR.
pub struct Values(Vec<u8>);

impl Values {
    /// A list that is to have this many, at most 23.
    #[must_use]
    pub fn list(length: u8) -> Self {
        Values(vec![0x80 | length.min(23)])
    }

    /// An amount: `biguint .size 8`. More than it can say is the most that it can.
    #[must_use]
    pub fn amount(mut self, amount: u128) -> Self {
        let amount = u64::try_from(amount).unwrap_or(u64::MAX);
        self.0.extend([0xc2, 0x48]);
        self.0.extend(amount.to_be_bytes());
        self
    }

    /// An address: `bstr .size 20`.
    #[must_use]
    pub fn address(mut self, address: &CanonicalAddr) -> Self {
        // Addresses of this chain have 20 bytes; the library's mock has others.
        let bytes: Vec<u8> = address.as_slice().iter().copied().take(20).collect();
        self.0.push(0x40 | bytes.len() as u8);
        self.0.extend(bytes);
        self
    }

    /// A number: `uint .size 8`, in the fewest bytes.
    #[must_use]
    pub fn number(mut self, number: u64) -> Self {
        let bytes = number.to_be_bytes();
        match number {
            0..=0x17 => self.0.push(bytes[7]),
            0x18..=0xff => self.0.extend([0x18, bytes[7]]),
            0x100..=0xffff => {
                self.0.push(0x19);
                self.0.extend(&bytes[6..]);
            }
            0x1_0000..=0xffff_ffff => {
                self.0.push(0x1a);
                self.0.extend(&bytes[4..]);
            }
            _ => {
                self.0.push(0x1b);
                self.0.extend(bytes);
            }
        }
        self
    }
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

/// The seed of an account.
pub fn seed(storage: &dyn Storage, api: &dyn Api, account: &Addr) -> StdResult<Seed> {
    let secret = SECRET.load(storage)?;
    let address = api.addr_canonicalize(account.as_str())?;
    let mut seed = [0; 32];
    Hkdf::<Sha256>::new(None, &secret)
        .expand(&address, &mut seed)
        .map_err(|_| StdError::generic_err("no seed for notifications"))?;
    Ok(Seed(seed))
}

impl Seed {
    /// As queries tell it.
    #[must_use]
    pub fn to_binary(&self) -> Binary {
        Binary::from(self.0)
    }

    /// The id of the notification of a channel in a transaction.
    pub fn id(&self, channel: Channel, tx_hash: &str) -> StdResult<Binary> {
        let mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.0);
        let mut mac = mac.map_err(|_| StdError::generic_err("no id of a notification"))?;
        mac.update(channel.name.as_bytes());
        mac.update(b":");
        mac.update(tx_hash.as_bytes());
        Ok(Binary::from(mac.finalize().into_bytes().as_slice()))
    }

    fn seal(
        &self,
        channel: Channel,
        env: &Env,
        tx_hash: &str,
        values: Values,
    ) -> StdResult<Binary> {
        let refused = || StdError::generic_err("a notification that cannot be sealed");
        let mut plaintext = values.0;
        if plaintext.len() > PLAINTEXT_BYTES {
            return Err(refused());
        }
        plaintext.resize(PLAINTEXT_BYTES, 0);
        let mut nonce = [0; NONCE_BYTES];
        let channel_hash = Sha256::digest(channel.name);
        for ((byte, of_channel), of_hash) in
            nonce.iter_mut().zip(channel_hash).zip(hex_bytes(tx_hash))
        {
            *byte = of_channel ^ of_hash?;
        }
        let aad = format!("{}:{tx_hash}", env.block.height);
        let sealed = Sealed {
            msg: &plaintext,
            aad: aad.as_bytes(),
        };
        let cipher = ChaCha20Poly1305::new(&self.0.into());
        let bytes = cipher.encrypt(&nonce.into(), sealed);
        Ok(Binary::from(bytes.map_err(|_| refused())?))
    }
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
    let place = [channel.name.as_bytes(), account.as_bytes()];
    if LAST.get(storage, &place)?.as_deref() == Some(tx_hash) {
        return Ok(None);
    }
    LAST.set(storage, &place, &tx_hash.to_string())?;
    let seed = seed(storage, api, account)?;
    let key = format!("snip52:{}", seed.id(channel, tx_hash)?);
    let value = seed.seal(channel, env, tx_hash, values)?;
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

/// The bytes of a hash in hex.
fn hex_bytes(hex: &str) -> impl Iterator<Item = StdResult<u8>> + '_ {
    hex.as_bytes().chunks(2).map(|pair| {
        let text = std::str::from_utf8(pair).ok();
        let byte = text.and_then(|text| u8::from_str_radix(text, 16).ok());
        byte.ok_or_else(|| StdError::generic_err("a hash that is not hex"))
    })
}

#[cfg(test)]
mod tests {
    use cosmwasm_std::testing::{mock_env, MockApi, MockStorage};

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
        let id = |account| s.seed(account).id(CHANNEL, &tx_hash).unwrap();
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

    #[test]
    fn values_are_written_in_their_shortest_form() {
        let numbers = [0, 23, 24, 255, 256, 65_535, 65_536, u64::MAX];
        let lengths = numbers.map(|number| Values::list(1).number(number).0.len() - 1);
        assert_eq!(lengths, [1, 1, 2, 2, 3, 3, 5, 9]);
        let most = Values::list(1).amount(u128::MAX).0;
        assert_eq!(most[3..], [0xff; 8]);
    }
}
