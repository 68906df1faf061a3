//! The file of one key.
//!
//! Promises: what an encrypted file says in clear is bound to what is sealed in it: a file with another address, or other parameters, does not
//! open. Refuses: files of other tools, parameters that cost more than a machine has.
//! Format: docs/book/cli.md, "The file of a key".

use anyhow::{Context as _, bail, ensure};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use strongroom_crypto::secp256k1::is_public;
use strongroom_crypto::{Secret, aead};
use strongroom_sdk::keys::Account;
use strongroom_types::public_key::{Multisig, PublicKey};
use zeroize::Zeroizing;

/// The longest file of a key.
pub(super) const BYTES_MAX: usize = 4_096;
/// What each file says of itself.
const FORMAT: &str = "strongroom-key/v1";
/// Of a multisig, which has no key of its own.
const MULTISIG: &str = "strongroom-multisig/v1";
const KDF: &str = "argon2id";
const CIPHER: &str = "aes-128-siv";
const SALT_BYTES: usize = 16;

/// What makes a guess at a passphrase dear. Those of RFC 9106 for machines without much memory, with one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// Of files that are written.
const COST: Cost = Cost {
    memory_kib: 64 << 10,
    passes: 3,
    lanes: 1,
};
/// Of files that are read: whoever made one could else stop the machine with it.
const COST_MAX: Cost = Cost {
    memory_kib: 1 << 20,
    passes: 16,
    lanes: 16,
};

/// A key in its file.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Address of the account, as the file tells it: proven when it is opened.
    pub(crate) address: String,
    /// Compressed public key, as the file tells it.
    pub(crate) public_key: Vec<u8>,
    /// The keys of a multisig; nothing is secret about it.
    pub(crate) multisig: Option<Multisig>,
    /// `None`: the key lies there in clear.
    encryption: Option<Encryption>,
    secret: Zeroizing<Vec<u8>>,
}

#[derive(Clone, PartialEq, Eq)]
struct Encryption {
    cost: Cost,
    salt: Vec<u8>,
}

impl Entry {
    /// The key of an account under a passphrase.
    pub(crate) fn sealed(account: &Account, passphrase: &str) -> anyhow::Result<Self> {
        Self::sealed_at(account, passphrase, COST)
    }

    fn sealed_at(account: &Account, passphrase: &str, cost: Cost) -> anyhow::Result<Self> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|e| anyhow::anyhow!("no randomness: {e}"))?;
        let mut entry = Self {
            encryption: Some(Encryption {
                cost,
                salt: salt.to_vec(),
            }),
            ..Self::plain(account)
        };
        let key = derive(passphrase, &salt, cost)?;
        let sealed = aead::seal(&key, &[entry.head().as_bytes()], account.expose_secret());
        entry.secret = Zeroizing::new(sealed.context("the key cannot be sealed")?);
        Ok(entry)
    }

    /// The key of an account in clear.
    pub(crate) fn plain(account: &Account) -> Self {
        Self {
            address: account.address().to_string(),
            public_key: account.public_key().to_vec(),
            multisig: None,
            encryption: None,
            secret: Zeroizing::new(account.expose_secret().to_vec()),
        }
    }

    /// A multisig of single keys, in their order.
    pub(crate) fn several(key: Multisig) -> Self {
        Self {
            address: PublicKey::Multisig(key.clone()).address().to_string(),
            public_key: Vec::new(),
            multisig: Some(key),
            encryption: None,
            secret: Zeroizing::default(),
        }
    }

    /// The public keys of a multisig.
    pub(crate) fn members(&self) -> Vec<[u8; 33]> {
        let keys = self.multisig.iter().flat_map(Multisig::keys);
        keys.filter_map(|key| match key {
            PublicKey::Secp256k1(key) => Some(*key),
            _ => None,
        })
        .collect()
    }

    /// Whether a passphrase is needed.
    pub(crate) const fn is_sealed(&self) -> bool {
        self.encryption.is_some()
    }

    /// The account. `passphrase` is asked for if one is needed.
    pub(crate) fn open(
        &self,
        passphrase: impl FnOnce() -> anyhow::Result<Zeroizing<String>>,
    ) -> anyhow::Result<Account> {
        ensure!(
            self.multisig.is_none(),
            "keyring.multisig: a multisig has no key: its members sign (`strongroom tx sign --multisig`)"
        );
        let bytes = match &self.encryption {
            None => self.secret.clone(),
            Some(encryption) => {
                let key = derive(&passphrase()?, &encryption.salt, encryption.cost)?;
                let opened = aead::open(&key, &[self.head().as_bytes()], &self.secret);
                opened.map_err(|_| {
                    anyhow::anyhow!(
                        "keyring.passphrase: the passphrase is wrong, or the file was changed"
                    )
                })?
            }
        };
        let bytes = <&[u8; 32]>::try_from(bytes.as_slice()).ok();
        let account = bytes.and_then(|bytes| Account::from_bytes(bytes).ok());
        let account = account.context("keyring.damaged: the file holds no key")?;
        let same = account.public_key().as_slice() == self.public_key
            && account.address().to_string() == self.address;
        ensure!(
            same,
            "keyring.damaged: the file tells the address of another key"
        );
        Ok(account)
    }

    /// What the sealed key is bound to.
    fn head(&self) -> String {
        Value::from(self.shown()).to_string()
    }

    /// What the file says in clear. The order of members is that of their names: `serde_json` keeps maps sorted.
    fn shown(&self) -> Map<String, Value> {
        let encryption = self.encryption.as_ref().map(|encryption| {
            json!({
                "kdf": KDF,
                "memory_kib": encryption.cost.memory_kib,
                "passes": encryption.cost.passes,
                "lanes": encryption.cost.lanes,
                "salt": hex::encode(&encryption.salt),
                "cipher": CIPHER,
            })
        });
        let mut shown = Map::new();
        shown.insert("format".to_owned(), FORMAT.into());
        shown.insert("address".to_owned(), self.address.as_str().into());
        let public_key = STANDARD.encode(&self.public_key);
        shown.insert("public_key".to_owned(), public_key.into());
        shown.insert("encryption".to_owned(), encryption.unwrap_or(Value::Null));
        shown
    }

    /// The bytes of the file.
    pub(crate) fn to_json(&self) -> anyhow::Result<Zeroizing<String>> {
        if let Some(multisig) = &self.multisig {
            let keys = self.members().into_iter().map(|key| STANDARD.encode(key));
            let file = json!({
                "format": MULTISIG,
                "address": self.address,
                "threshold": multisig.threshold(),
                "public_keys": keys.collect::<Vec<_>>(),
            });
            return Ok(Zeroizing::new(file.to_string()));
        }
        let mut file = self.shown();
        file.insert("secret".to_owned(), hex::encode(&*self.secret).into());
        // In one line: a terminal that a file is pasted to takes no more.
        Ok(Zeroizing::new(serde_json::to_string(&file)?))
    }

    /// Reads the bytes of a file.
    pub(crate) fn from_json(bytes: &[u8]) -> anyhow::Result<Self> {
        let foreign = "keyring.foreign: this is no key file of strongroom. Another tool's key comes here by its words (`strongroom keys \
                       recover`) or by its private key in hex (`strongroom keys import --hex`)";
        let file: Option<Value> = serde_json::from_slice(bytes).ok();
        let Some(file) = file.filter(|file| file["format"].is_string()) else {
            bail!("{foreign}");
        };
        let format = file["format"].as_str().unwrap_or_default();
        if format == MULTISIG {
            let key = read_multisig(&file);
            let entry = Self::several(key.context("keyring.damaged: the file holds no multisig")?);
            ensure!(
                file["address"] == entry.address.as_str(),
                "keyring.damaged: the file tells the address of another multisig"
            );
            return Ok(entry);
        }
        if format != FORMAT {
            ensure!(
                !format.starts_with("strongroom-key/"),
                "keyring.version: the file is of a newer strongroom"
            );
            bail!("{foreign}");
        }
        let read = || {
            let encryption = match &file["encryption"] {
                Value::Null => None,
                some => Some(Encryption::read(some)?),
            };
            Some(Self {
                address: file["address"].as_str()?.to_owned(),
                public_key: STANDARD.decode(file["public_key"].as_str()?).ok()?,
                multisig: None,
                encryption,
                secret: Zeroizing::new(hex::decode(file["secret"].as_str()?).ok()?),
            })
        };
        let entry = read().context("keyring.damaged: the file has not the form that it says")?;
        // Nothing beside it: what is not read would not be bound either.
        let members = file.as_object().map_or(0, Map::len);
        ensure!(
            members == 5,
            "keyring.damaged: the file says more than a key file does"
        );
        Ok(entry)
    }
}

fn read_multisig(file: &Value) -> Option<Multisig> {
    let members = file.as_object().map_or(0, Map::len);
    let keys = file["public_keys"].as_array()?.iter();
    let keys = keys.map(|key| public_key(key.as_str()?));
    let threshold = file["threshold"].as_u64()?.try_into().ok()?;
    let key = Multisig::new(threshold, keys.collect::<Option<_>>()?).ok()?;
    (members == 4).then_some(key)
}

/// A compressed secp256k1 key in base64.
pub(crate) fn public_key(text: &str) -> Option<PublicKey> {
    let bytes: [u8; 33] = STANDARD.decode(text).ok()?.try_into().ok()?;
    is_public(&bytes).then_some(PublicKey::Secp256k1(bytes))
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({})", self.address)
    }
}

impl Encryption {
    fn read(value: &Value) -> Option<Self> {
        let number = |name: &str| u32::try_from(value[name].as_u64()?).ok();
        let cost = Cost {
            memory_kib: number("memory_kib")?,
            passes: number("passes")?,
            lanes: number("lanes")?,
        };
        let fits = cost.memory_kib <= COST_MAX.memory_kib
            && cost.passes <= COST_MAX.passes
            && cost.lanes <= COST_MAX.lanes;
        let known = value["kdf"] == KDF && value["cipher"] == CIPHER;
        (fits && known).then_some(())?;
        let salt = hex::decode(value["salt"].as_str()?).ok()?;
        (salt.len() == SALT_BYTES).then_some(Self { cost, salt })
    }
}

fn derive(passphrase: &str, salt: &[u8], cost: Cost) -> anyhow::Result<Secret<32>> {
    let unusable = "keyring.damaged: the parameters of the key derivation cannot be used";
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32));
    let params = params.map_err(|_| anyhow::anyhow!(unusable))?;
    let mut key = Zeroizing::new([0; 32]);
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let filled = argon.hash_password_into(passphrase.as_bytes(), salt, key.as_mut());
    filled.map_err(|_| anyhow::anyhow!(unusable))?;
    Ok(Secret::new(*key))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Enough for a test.
    const CHEAP: Cost = Cost {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };

    fn account() -> Account {
        Account::from_bytes(&[7; 32]).unwrap()
    }

    fn given(text: &str) -> anyhow::Result<Zeroizing<String>> {
        Ok(Zeroizing::new(text.to_owned()))
    }

    fn code(error: &anyhow::Error) -> String {
        let text = error.to_string();
        text.split(':').next().unwrap().to_owned()
    }

    #[test]
    fn a_sealed_key_opens_under_its_passphrase_alone_and_shows_nothing_of_itself() {
        let entry = Entry::sealed_at(&account(), "correct horse", CHEAP).unwrap();
        let file = entry.to_json().unwrap();
        assert!(!file.contains(&hex::encode([7_u8; 32])));
        let read = Entry::from_json(file.as_bytes()).unwrap();
        assert_eq!(read, entry);
        let opened = read.open(|| given("correct horse")).unwrap();
        assert_eq!(opened.address(), account().address());
        for wrong in ["", "correct horsf", "correct horse "] {
            let error = read.open(|| given(wrong)).unwrap_err();
            assert_eq!(code(&error), "keyring.passphrase", "{wrong:?}");
        }
        // The same key twice: nobody sees that it is the same.
        let again = Entry::sealed_at(&account(), "correct horse", CHEAP).unwrap();
        assert_ne!(again.secret, entry.secret);
    }

    #[test]
    fn whatever_a_file_says_in_clear_is_bound_to_its_key() {
        let entry = Entry::sealed_at(&account(), "correct horse", CHEAP).unwrap();
        let file: Value = serde_json::from_str(&entry.to_json().unwrap()).unwrap();
        let other = Account::from_bytes(&[8; 32]).unwrap();
        let changes: [(&str, Value); 2] = [
            ("address", other.address().to_string().into()),
            ("public_key", STANDARD.encode(other.public_key()).into()),
        ];
        for (name, value) in changes {
            let mut changed = file.clone();
            changed[name] = value.clone();
            let read = Entry::from_json(changed.to_string().as_bytes()).unwrap();
            assert!(read.open(|| given("correct horse")).is_err(), "{name}");
            // In a file that is not sealed, too.
            let mut plain: Value =
                serde_json::from_str(&Entry::plain(&account()).to_json().unwrap()).unwrap();
            plain[name] = value;
            let read = Entry::from_json(plain.to_string().as_bytes()).unwrap();
            let error = read.open(|| given("")).unwrap_err();
            assert_eq!(code(&error), "keyring.damaged", "{name}");
        }
    }

    #[test]
    fn files_of_others_of_later_versions_and_damaged_ones_are_told_apart() {
        let keystore = br#"{"version":3,"crypto":{"kdf":"scrypt"}}"#;
        let armor = b"-----BEGIN TENDERMINT PRIVATE KEY-----\nkdf: bcrypt\n";
        for foreign in [keystore.as_slice(), armor, b"", b"{}", b"\xff"] {
            assert_eq!(
                code(&Entry::from_json(foreign).unwrap_err()),
                "keyring.foreign"
            );
        }
        let later = br#"{"format":"strongroom-key/v2"}"#;
        assert_eq!(
            code(&Entry::from_json(later).unwrap_err()),
            "keyring.version"
        );
        let entry = Entry::sealed_at(&account(), "p", CHEAP).unwrap();
        let file: Value = serde_json::from_str(&entry.to_json().unwrap()).unwrap();
        for (name, value) in [
            ("/secret", json!("zz")),
            ("/address", Value::Null),
            ("/encryption/memory_kib", json!(u32::MAX)),
            ("/encryption/passes", json!(17)),
            ("/encryption/lanes", json!(-1)),
            ("/encryption/kdf", json!("md5")),
            ("/encryption/cipher", json!("rot13")),
            ("/encryption/salt", json!("")),
        ] {
            let mut changed = file.clone();
            *changed.pointer_mut(name).unwrap() = value;
            let error = Entry::from_json(changed.to_string().as_bytes()).unwrap_err();
            assert_eq!(code(&error), "keyring.damaged", "{name}");
        }
        let mut more = file;
        more["comment"] = json!("hello");
        assert!(Entry::from_json(more.to_string().as_bytes()).is_err());
    }

    #[test]
    fn a_multisig_keeps_the_order_of_its_keys_and_signs_nothing_by_itself() {
        let keys = [3, 1, 2].map(|n| Account::from_bytes(&[n; 32]).unwrap().public_key());
        let key = |keys: &[[u8; 33]]| {
            let keys = keys.iter().copied().map(PublicKey::Secp256k1);
            Multisig::new(2, keys.collect()).unwrap()
        };
        let entry = Entry::several(key(&keys));
        let file = entry.to_json().unwrap();
        let read = Entry::from_json(file.as_bytes()).unwrap();
        assert_eq!(read, entry);
        assert_eq!(read.members(), keys);
        let error = read.open(|| given("")).unwrap_err();
        assert_eq!(code(&error), "keyring.multisig");
        let other = Entry::several(key(&[keys[1], keys[0], keys[2]]));
        assert_ne!(other.address, entry.address);
        let file: Value = serde_json::from_str(&file).unwrap();
        for (name, value) in [
            ("address", json!(other.address)),
            ("threshold", json!(4)),
            ("threshold", json!(1)),
            ("public_keys", json!(["AAAA"])),
            ("secret", json!("")),
        ] {
            let mut changed = file.clone();
            changed[name] = value;
            let error = Entry::from_json(changed.to_string().as_bytes()).unwrap_err();
            assert_eq!(code(&error), "keyring.damaged", "{name}");
        }
    }

    #[test]
    fn the_parameters_of_a_file_are_those_of_the_book() {
        let text = include_str!("../../../../docs/book/cli.md");
        assert!(text.contains(&format!(
            "{} MiB, {} passes, {} lane",
            COST.memory_kib >> 10,
            COST.passes,
            COST.lanes
        )));
    }
}
