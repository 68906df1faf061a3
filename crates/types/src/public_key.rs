//! Public keys of accounts: secp256k1, and Amino multisigs of such keys and of each other.
//!
//! Promises: a multisig needs at least one of its members and no more than it has; keys and nesting are bounded; a key has one address.
//! Refuses whatever else a signer may name as its key, with texts that clients know.
//! Spec: wire.md 1.1, encryption.md 9.6; limits: docs/spec/chain.md 8.

use crate::error::{TxError, sdk};
use crate::proto::cosmos::crypto::{ed25519, multisig, secp256k1};
use crate::proto::{Any, Name as _, pack};
use crate::tx::decode_proto;
use crate::{Address, sha256};
use borsh::{BorshDeserialize, BorshSerialize, io};

/// Multisigs within each other at most. Wallets make one.
pub const NESTED_MAX: usize = 4;
/// Keys of one account at most, those of the multisigs within it included; a transaction takes far fewer signatures (`tx_sig_limit`).
pub const KEYS_MAX: usize = 64;

/// What stands before a key in Amino's binary form: the kind, and for keys of one length that length.
const AMINO_SECP256K1: [u8; 5] = [0xeb, 0x5a, 0xe9, 0x87, 33];
const AMINO_ED25519: [u8; 5] = [0x16, 0x24, 0xde, 0x64, 32];
const AMINO_MULTISIG: [u8; 4] = [0x22, 0xc1, 0xf7, 0xe2];

/// A public key. The numbers are those of stored records, where 0 is no key.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum PublicKey {
    /// Compressed, 33 bytes.
    Secp256k1([u8; 33]) = 1,
    /// Several keys, some of which sign together.
    Multisig(Multisig) = 2,
    /// Signs nothing here; a multisig may have such a member.
    Ed25519([u8; 32]) = 3,
}

/// Keys of which `threshold` must sign. The same key may be there more than once and counts as often, as in the Cosmos SDK.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct Multisig {
    threshold: u32,
    keys: Vec<PublicKey>,
}

fn refused(detail: impl core::fmt::Display) -> TxError {
    sdk::INVALID_PUBKEY.wrap(detail)
}

impl Multisig {
    /// Takes members in their order, which is part of the address.
    ///
    /// # Errors
    /// sdk 8 for a threshold of 0 or above the number of members, for more than [`KEYS_MAX`] keys or [`NESTED_MAX`] levels.
    pub fn new(threshold: u32, keys: Vec<PublicKey>) -> Result<Self, TxError> {
        if threshold == 0 {
            return Err(refused("threshold k of n multisignature: k <= 0"));
        }
        if usize::try_from(threshold).map_or(true, |k| k > keys.len()) {
            return Err(refused("threshold k of n multisignature: len(pubKeys) < k"));
        }
        let made = Self { threshold, keys };
        if made.leaves() > KEYS_MAX {
            return Err(refused(format!("multisig of more than {KEYS_MAX} keys")));
        }
        if made.levels() > NESTED_MAX {
            return Err(too_deep());
        }
        Ok(made)
    }

    /// How many members must sign.
    #[must_use]
    pub const fn threshold(&self) -> u32 {
        self.threshold
    }

    /// The members.
    #[must_use]
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// Keys that are no multisigs, of all levels: the most signatures that it can give.
    #[must_use]
    pub fn leaves(&self) -> usize {
        self.keys
            .iter()
            .fold(0, |n, key| key.leaves().saturating_add(n))
    }

    fn levels(&self) -> usize {
        let below = self.keys.iter().map(|key| match key {
            PublicKey::Multisig(inner) => inner.levels(),
            _ => 0,
        });
        below.max().unwrap_or(0).saturating_add(1)
    }
}

fn too_deep() -> TxError {
    refused(format!("multisigs nested deeper than {NESTED_MAX}"))
}

impl PublicKey {
    /// Reads the key that comes with a signature.
    ///
    /// # Errors
    /// sdk 8 for a key of another kind or length, or a multisig that cannot be; sdk 2 for what is no protobuf.
    pub fn from_any(any: &Any) -> Result<Self, TxError> {
        Self::read(any, 0)
    }

    fn read(any: &Any, level: usize) -> Result<Self, TxError> {
        if any.type_url == multisig::LegacyAminoPubKey::type_url() {
            if level >= NESTED_MAX {
                return Err(too_deep());
            }
            let several = decode_proto::<multisig::LegacyAminoPubKey>(&any.value)?;
            let below = level.saturating_add(1);
            let keys = several.public_keys.iter();
            let keys = keys.map(|key| Self::read(key, below));
            return Multisig::new(several.threshold, keys.collect::<Result<_, _>>()?)
                .map(Self::Multisig);
        }
        if any.type_url == secp256k1::PubKey::type_url() {
            let key = decode_proto::<secp256k1::PubKey>(&any.value)?.key;
            return of_length("a secp256k1", &key).map(Self::Secp256k1);
        }
        if any.type_url == ed25519::PubKey::type_url() {
            let key = decode_proto::<ed25519::PubKey>(&any.value)?.key;
            return of_length("an ed25519", &key).map(Self::Ed25519);
        }
        let name = any.type_url.trim_start_matches('/');
        Err(refused(format!("unrecognized public key type: {name}")))
    }

    /// Reads the record of a key of this kind, whose first byte was read.
    ///
    /// # Errors
    /// Another kind; a multisig that [`Multisig::new`] refuses; no more levels are read than it allows.
    pub fn read_record<R: io::Read>(kind: u8, reader: &mut R) -> io::Result<Self> {
        Self::record_at(kind, reader, 0)
    }

    fn record_at<R: io::Read>(kind: u8, reader: &mut R, level: usize) -> io::Result<Self> {
        let refuse = |e: TxError| io::Error::new(io::ErrorKind::InvalidData, e.text);
        match kind {
            1 => BorshDeserialize::deserialize_reader(reader).map(Self::Secp256k1),
            2 if level < NESTED_MAX => {
                let threshold = u32::deserialize_reader(reader)?;
                let mut keys = Vec::new();
                for _ in 0..u32::deserialize_reader(reader)? {
                    let kind = u8::deserialize_reader(reader)?;
                    keys.push(Self::record_at(kind, reader, level.saturating_add(1))?);
                    if keys.len() > KEYS_MAX {
                        break; // refused below, by its number of keys
                    }
                }
                Multisig::new(threshold, keys)
                    .map(Self::Multisig)
                    .map_err(refuse)
            }
            2 => Err(refuse(too_deep())),
            3 => BorshDeserialize::deserialize_reader(reader).map(Self::Ed25519),
            _ => Err(refuse(refused(format!("no kind of key: {kind}")))),
        }
    }

    /// The key under its type URL.
    #[must_use]
    pub fn to_any(&self) -> Any {
        match self {
            Self::Secp256k1(key) => pack(&secp256k1::PubKey { key: key.to_vec() }),
            Self::Ed25519(key) => pack(&ed25519::PubKey { key: key.to_vec() }),
            Self::Multisig(several) => pack(&multisig::LegacyAminoPubKey {
                threshold: several.threshold,
                public_keys: several.keys.iter().map(Self::to_any).collect(),
            }),
        }
    }

    /// The address of the account that has this key.
    #[must_use]
    pub fn address(&self) -> Address {
        match self {
            Self::Secp256k1(key) => Address::of_secp256k1(key),
            Self::Ed25519(key) => Address::of_hash(&sha256(key)),
            Self::Multisig(_) => Address::of_hash(&sha256(&self.amino_bytes())),
        }
    }

    /// The most signatures that it can give: 1, or one for each key of a multisig.
    #[must_use]
    pub fn leaves(&self) -> usize {
        match self {
            Self::Multisig(several) => several.leaves(),
            _ => 1,
        }
    }

    /// Amino's binary form, of which a multisig's address is the hash.
    fn amino_bytes(&self) -> Vec<u8> {
        match self {
            Self::Secp256k1(key) => [&AMINO_SECP256K1[..], key].concat(),
            Self::Ed25519(key) => [&AMINO_ED25519[..], key].concat(),
            Self::Multisig(several) => {
                let mut bytes = AMINO_MULTISIG.to_vec();
                bytes.push(0x08);
                varint(&mut bytes, u64::from(several.threshold));
                for key in several.keys.iter().map(Self::amino_bytes) {
                    bytes.push(0x12);
                    varint(&mut bytes, u64::try_from(key.len()).unwrap_or(u64::MAX));
                    bytes.extend(key);
                }
                bytes
            }
        }
    }
}

impl BorshDeserialize for PublicKey {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        Self::read_record(u8::deserialize_reader(reader)?, reader)
    }
}

fn of_length<const N: usize>(kind: &str, key: &[u8]) -> Result<[u8; N], TxError> {
    key.try_into().map_err(|_| {
        let got = key.len();
        refused(format!("{kind} public key has {N} bytes, got {got}"))
    })
}

fn varint(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(n: u8) -> PublicKey {
        PublicKey::Secp256k1([n; 33])
    }

    fn several(threshold: u32, keys: Vec<PublicKey>) -> PublicKey {
        PublicKey::Multisig(Multisig::new(threshold, keys).unwrap())
    }

    #[test]
    fn the_amino_form_of_a_multisig_is_that_of_the_specification() {
        let inner = several(1, vec![key(3)]);
        let bytes = several(2, vec![key(2), PublicKey::Ed25519([4; 32]), inner]).amino_bytes();
        let wanted = format!(
            "22c1f7e2080212{}eb5ae98721{}12{}1624de6420{}12{}22c1f7e2080112{}eb5ae98721{}",
            "26",
            "02".repeat(33),
            "25",
            "04".repeat(32),
            "2e",
            "26",
            "03".repeat(33)
        );
        assert_eq!(hex::encode(bytes), wanted);
    }

    #[test]
    fn order_and_threshold_are_part_of_the_address() {
        let one = several(1, vec![key(2), key(3)]).address();
        assert_ne!(one, several(2, vec![key(2), key(3)]).address());
        assert_ne!(one, several(1, vec![key(3), key(2)]).address());
        assert_eq!(one, several(1, vec![key(2), key(3)]).address());
    }

    #[test]
    fn a_multisig_that_nobody_or_everybody_meets_is_refused() {
        let refused = |threshold, keys| Multisig::new(threshold, keys).unwrap_err();
        for (threshold, keys, text) in [
            (0, vec![key(2)], "k <= 0"),
            (0, vec![], "k <= 0"),
            (2, vec![key(2)], "len(pubKeys) < k"),
            (1, vec![], "len(pubKeys) < k"),
            (u32::MAX, vec![key(2)], "len(pubKeys) < k"),
        ] {
            let error = refused(threshold, keys);
            let wanted = format!("threshold k of n multisignature: {text}: invalid pubkey");
            assert_eq!((error.code, error.text), (8, wanted));
        }
        // The same key twice counts twice.
        assert!(Multisig::new(2, vec![key(2), key(2)]).is_ok());
    }

    #[test]
    fn keys_and_levels_are_bounded_when_read_and_when_made() {
        let most = several(1, vec![key(2); KEYS_MAX]);
        assert_eq!(PublicKey::from_any(&most.to_any()).unwrap(), most);
        let mut any = most.to_any();
        let more = multisig::LegacyAminoPubKey {
            threshold: 1,
            public_keys: vec![key(2).to_any(); KEYS_MAX + 1],
        };
        any.value = crate::proto::Message::encode_to_vec(&more);
        let error = PublicKey::from_any(&any).unwrap_err();
        assert_eq!(error.text, "multisig of more than 64 keys: invalid pubkey");

        let mut deep = key(2);
        for _ in 0..NESTED_MAX {
            deep = several(1, vec![deep]);
        }
        assert_eq!(PublicKey::from_any(&deep.to_any()).unwrap(), deep);
        let error = Multisig::new(1, vec![deep.clone()]).unwrap_err();
        assert_eq!(error.text, "multisigs nested deeper than 4: invalid pubkey");
        let deeper = pack(&multisig::LegacyAminoPubKey {
            threshold: 1,
            public_keys: vec![deep.to_any()],
        });
        assert_eq!(PublicKey::from_any(&deeper).unwrap_err(), error);
    }

    #[test]
    fn the_record_of_a_key_is_read_no_deeper_and_no_longer_than_a_key_may_be() {
        // A threshold of 1 and one member, which is such a multisig: as deep as the bytes go.
        let level = [2, 1, 0, 0, 0, 1, 0, 0, 0];
        let read = |bytes: &[u8]| {
            borsh::from_slice::<PublicKey>(bytes)
                .unwrap_err()
                .to_string()
        };
        let deep = "multisigs nested deeper than 4: invalid pubkey";
        assert_eq!(read(&level.repeat(100_000)), deep);
        let many = [&[2, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff][..], &[1; 34 * 100]].concat();
        assert_eq!(read(&many), "multisig of more than 64 keys: invalid pubkey");
        assert!(read(&[2, 0, 0, 0, 0, 0, 0, 0, 0]).contains("k <= 0"));
        assert!(read(&[4; 34]).contains("no kind of key: 4"));
    }

    #[test]
    fn keys_of_other_kinds_and_lengths_are_refused_by_name() {
        let url = |url: &str, value: Vec<u8>| {
            let type_url = url.to_owned();
            PublicKey::from_any(&Any { type_url, value }).unwrap_err()
        };
        let short = pack(&secp256k1::PubKey { key: vec![2; 32] });
        for (error, text) in [
            (
                url(&short.type_url, short.value),
                "a secp256k1 public key has 33 bytes, got 32",
            ),
            (
                url("/cosmos.base.v1beta1.Coin", vec![]),
                "unrecognized public key type: cosmos.base.v1beta1.Coin",
            ),
        ] {
            assert_eq!(
                (error.code, error.text),
                (8, format!("{text}: invalid pubkey"))
            );
        }
        assert_eq!(url(&secp256k1::PubKey::type_url(), vec![0x0a]).code, 2);
    }

    fn any_key() -> impl Strategy<Value = PublicKey> {
        let leaf = prop_oneof![
            any::<[u8; 32]>().prop_map(PublicKey::Ed25519),
            (any::<[u8; 32]>(), 2_u8..4).prop_map(|(rest, tag)| {
                let mut key = [tag; 33];
                key[1..].copy_from_slice(&rest);
                PublicKey::Secp256k1(key)
            }),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            (proptest::collection::vec(inner, 1..4), any::<u32>()).prop_map(|(keys, k)| {
                let threshold = k % u32::try_from(keys.len()).unwrap() + 1;
                PublicKey::Multisig(Multisig::new(threshold, keys).unwrap())
            })
        })
    }

    proptest! {
        #[test]
        fn a_key_returns_from_the_wire_and_from_the_state(key in any_key()) {
            prop_assert_eq!(&PublicKey::from_any(&key.to_any()).unwrap(), &key);
            prop_assert_eq!(&borsh::from_slice::<PublicKey>(&borsh::to_vec(&key).unwrap()).unwrap(), &key);
            prop_assert_eq!(key.address().as_bytes().len(), 20);
        }

        #[test]
        fn arbitrary_keys_never_panic(value in proptest::collection::vec(any::<u8>(), 0..200)) {
            for type_url in [multisig::LegacyAminoPubKey::type_url(), secp256k1::PubKey::type_url()] {
                let _ = PublicKey::from_any(&Any { type_url, value: value.clone() });
            }
        }
    }
}
