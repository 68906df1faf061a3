//! Account keys from mnemonics: BIP-39 words, BIP-32 derivation, secp256k1 (wire.md section 5).

use crate::crypto::kdf::hkdf;
use crate::crypto::secp256k1::SecretKey;
use crate::crypto::secret::Secret;
use crate::types::Address;
use bip32::XPrv;

/// The derivation path of the first account of a mnemonic: coin type 529.
pub const HD_PATH: &str = "m/44'/529'/0'/0/0";
/// Under which the seed of an account's encryption key is derived from its signing key.
const ENCRYPTION_CONTEXT: &[u8] = b"strongroom/v1/client-encryption";

/// Under which the fingerprints of an account are derived from its signing key.
const FINGERPRINT_CONTEXT: &[u8] = b"strongroom/v1/client-fingerprint";

/// Why no key can be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not 12 to 24 words of the English list with a right checksum. The words are not repeated.
    #[error("not a BIP-39 mnemonic")]
    Mnemonic,
    /// Not a BIP-32 path such as [`HD_PATH`].
    #[error("not a derivation path: it looks like {HD_PATH}")]
    Path,
    /// The key could not be derived.
    #[error("the key could not be derived")]
    Derivation,
    /// The key did not sign.
    #[error("the key did not sign")]
    Signature,
    /// A message has no Amino form, so no member of a multisig can sign it.
    #[error("a message has no Amino form")]
    NoAminoForm,
}

/// The mnemonic of 24 words for 32 bytes that nobody else knows or can guess.
///
/// # Errors
/// None for 32 bytes; [`KeyError::Mnemonic`] stands for what cannot be.
pub fn mnemonic(entropy: &[u8; 32]) -> Result<zeroize::Zeroizing<String>, KeyError> {
    let mnemonic = bip39::Mnemonic::from_entropy(entropy).map_err(|_| KeyError::Mnemonic)?;
    Ok(zeroize::Zeroizing::new(mnemonic.to_string()))
}

/// A signing account. Its private key is wiped when it is dropped.
pub struct Account {
    key: SecretKey,
    public: [u8; 33],
    bytes: Secret<32>,
}

impl Account {
    /// The account of a mnemonic under [`HD_PATH`], without a passphrase.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_mnemonic(words: &str) -> Result<Self, KeyError> {
        Self::derived(words, HD_PATH)
    }

    /// The account of a mnemonic under a path of BIP-32, without a passphrase.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn derived(words: &str, path: &str) -> Result<Self, KeyError> {
        let path = path.parse().map_err(|_| KeyError::Path)?;
        let mnemonic = bip39::Mnemonic::parse_in(bip39::Language::English, words)
            .map_err(|_| KeyError::Mnemonic)?;
        let seed = zeroize::Zeroizing::new(mnemonic.to_seed(""));
        let key =
            XPrv::derive_from_path(seed.as_slice(), &path).map_err(|_| KeyError::Derivation)?;
        let bytes = zeroize::Zeroizing::new(<[u8; 32]>::from(key.private_key().to_bytes()));
        Self::from_bytes(&bytes)
    }

    /// The account of a private key, 32 bytes.
    ///
    /// # Errors
    /// [`KeyError::Derivation`] for bytes that are no key.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = SecretKey::from_bytes(bytes).map_err(|_| KeyError::Derivation)?;
        let public = key.public().map_err(|_| KeyError::Derivation)?;
        Ok(Self {
            key,
            public,
            bytes: Secret::new(*bytes),
        })
    }

    /// The private key, for who keeps it.
    #[must_use]
    pub const fn expose_secret(&self) -> &[u8; 32] {
        self.bytes.expose()
    }

    /// The seed with which this account seals its messages ([`crate::message::Sealer`]). It follows from the private key, so whatever the
    /// account has sent can be opened again wherever its key is.
    #[must_use]
    pub fn encryption_seed(&self) -> Secret<32> {
        hkdf(&[self.bytes.expose()], &[ENCRYPTION_CONTEXT])
    }

    /// A name for bytes that only this account can make: whoever reads it cannot try which bytes it is of.
    #[must_use]
    pub fn fingerprint(&self, bytes: &[u8]) -> [u8; 32] {
        let name = hkdf(
            &[self.bytes.expose()],
            &[FINGERPRINT_CONTEXT, &crate::types::sha256(bytes)],
        );
        *name.expose()
    }

    /// The compressed public key, 33 bytes.
    #[must_use]
    pub const fn public_key(&self) -> [u8; 33] {
        self.public
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::of_secp256k1(&self.public)
    }

    /// Signs the SHA-256 of `message`: 64 bytes r ‖ s, low s (RFC 6979).
    ///
    /// # Errors
    /// [`KeyError::Signature`], never in practice.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyError> {
        self.sign_digest(&crate::types::sha256(message))
    }

    /// Signs what hashes to `digest` (for EIP-191, by Keccak-256): 64 bytes r ‖ s, low s (RFC 6979).
    ///
    /// # Errors
    /// [`KeyError::Signature`], never in practice.
    pub fn sign_digest(&self, digest: &[u8; 32]) -> Result<[u8; 64], KeyError> {
        self.key.sign(digest).map_err(|_| KeyError::Signature)
    }
}

impl core::fmt::Debug for Account {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Account({})", self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::ACCOUNTS;
    use base64::Engine as _;

    #[test]
    fn the_mnemonics_of_the_local_network_give_its_well_known_addresses_and_keys() {
        for account in &ACCOUNTS {
            let derived = Account::from_mnemonic(account.mnemonic).unwrap();
            assert_eq!(
                derived.address().to_string(),
                account.address,
                "{}",
                account.name
            );
            let key = base64::engine::general_purpose::STANDARD.encode(derived.public_key());
            assert_eq!(key, account.public_key, "{}", account.name);
        }
    }

    #[test]
    fn other_paths_give_other_accounts_and_what_is_no_path_is_refused() {
        let words = ACCOUNTS[1].mnemonic;
        let first = Account::derived(words, HD_PATH).unwrap();
        let second = Account::derived(words, "m/44'/529'/0'/0/1").unwrap();
        assert_ne!(first.address(), second.address());
        for path in ["", "44'/529'", "m/44'/529'/x", "m/4294967296"] {
            assert!(matches!(Account::derived(words, path), Err(KeyError::Path)));
        }
    }

    #[test]
    fn the_encryption_seed_follows_from_the_key_and_is_neither_the_key_nor_that_of_another() {
        let [a, b] = [1, 2].map(|i: usize| Account::from_mnemonic(ACCOUNTS[i].mnemonic).unwrap());
        let again = Account::from_bytes(a.expose_secret()).unwrap();
        assert!(a.encryption_seed() == again.encryption_seed());
        assert!(a.encryption_seed() != b.encryption_seed());
        assert_ne!(a.encryption_seed().expose(), a.expose_secret());
    }

    #[test]
    fn a_wrong_checksum_is_refused_and_the_words_are_not_repeated() {
        let e = Account::from_mnemonic("grant grant grant").unwrap_err();
        assert!(!e.to_string().contains("grant"));
    }
}
