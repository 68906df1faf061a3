//! The key by which peers know a node, in CometBFT's file (`node_key.json`).

use super::error::{SignerError, file, io};
use super::files::{PRIVKEY_TYPE, read};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::Path;
use strongroom_proof::comet::validators::address;
use strongroom_store::files::{self, Readers};
use zeroize::Zeroizing;

/// The public half of a node's key, and what it is called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeKey {
    pubkey: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct File {
    priv_key: Key,
}

#[derive(Serialize, Deserialize)]
struct Key {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

impl NodeKey {
    /// Reads the file.
    ///
    /// # Errors
    /// [`SignerError`] names the file and what is wrong with it, never its content.
    pub fn open(path: &Path) -> Result<Self, SignerError> {
        Ok(Self {
            pubkey: secret(path)?.verifying_key().to_bytes(),
        })
    }

    /// Signs bytes with the key in the file: `bytes` begin with a domain of their own.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn sign(path: &Path, bytes: &[u8]) -> Result<[u8; 64], SignerError> {
        Ok(secret(path)?.sign(bytes).to_bytes())
    }

    /// Makes a key and its file.
    ///
    /// # Errors
    /// [`SignerError`] if there is a file already, or none can be written.
    pub fn create(path: &Path) -> Result<Self, SignerError> {
        if path.try_exists().map_err(io(path))? {
            return Err(io(path)(ErrorKind::AlreadyExists.into()));
        }
        let mut seed = Zeroizing::new([0_u8; 32]);
        getrandom::fill(seed.as_mut_slice()).map_err(SignerError::Random)?;
        let pair = Zeroizing::new(SigningKey::from_bytes(&seed).to_keypair_bytes());
        let json = File {
            priv_key: Key {
                kind: PRIVKEY_TYPE.to_owned(),
                value: STANDARD.encode(pair.as_slice()),
            },
        };
        let text = serde_json::to_vec(&json).map(Zeroizing::new);
        let text = text.map_err(|_| file(path, "cannot be encoded"))?;
        let _wipe = Zeroizing::new(json.priv_key.value);
        files::write(path, &text, Readers::Owner).map_err(io(path))?;
        Self::open(path)
    }

    /// The Ed25519 key, 32 bytes.
    #[must_use]
    pub const fn pubkey(&self) -> [u8; 32] {
        self.pubkey
    }

    /// CometBFT's id of the node: 40 lower-case hex digits.
    #[must_use]
    pub fn id(&self) -> String {
        hex::encode(address(&self.pubkey))
    }
}

fn secret(path: &Path) -> Result<SigningKey, SignerError> {
    let json: File =
        serde_json::from_slice(&read(path)?).map_err(|_| file(path, "not a node_key.json"))?;
    let secret = Zeroizing::new(json.priv_key.value);
    let bytes = STANDARD.decode(secret.as_bytes()).map(Zeroizing::new);
    let bytes = bytes.map_err(|_| file(path, "priv_key is not base64"))?;
    let pair: &[u8; 64] = bytes
        .as_slice()
        .try_into()
        .map_err(|_| file(path, "priv_key is not 64 bytes"))?;
    if json.priv_key.kind != PRIVKEY_TYPE {
        return Err(file(path, "priv_key is not Ed25519"));
    }
    SigningKey::from_keypair_bytes(pair).map_err(|_| file(path, "priv_key is no key pair"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_made_and_never_made_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node_key.json");
        let key = NodeKey::create(&path).unwrap();
        assert_eq!(NodeKey::open(&path).unwrap(), key);
        assert_eq!(key.id().len(), 40);
        assert!(NodeKey::create(&path).is_err());
        assert_eq!(NodeKey::open(&path).unwrap(), key);
    }

    #[test]
    fn a_damaged_file_is_refused_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node_key.json");
        NodeKey::create(&path).unwrap();
        let good = std::fs::read_to_string(&path).unwrap();
        let pair: serde_json::Value = serde_json::from_str(&good).unwrap();
        let secret = pair["priv_key"]["value"].as_str().unwrap();
        for bad in [
            "{}".to_owned(),
            good.replace("PrivKeyEd25519", "PrivKeySecp256k1"),
            good.replace(secret, &secret[4..]),
            good.replace(secret, &STANDARD.encode([7; 64])),
        ] {
            std::fs::write(&path, bad).unwrap();
            let error = NodeKey::open(&path).unwrap_err().to_string();
            assert!(error.contains("node_key.json"), "{error}");
            assert!(!error.contains(&secret[4..20]), "{error}");
        }
    }
}
