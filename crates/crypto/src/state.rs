//! Contract state: storage keys and value records, per contract and epoch (docs/spec/state.md 5).
//!
//! - Storage key (32 bytes) = HMAC-SHA256(PRF key, the contract's own key). Raw key in the `contract` tree:
//!   `0x01 ‖ contract address ‖ storage key`.
//! - Record = header ‖ AES-SIV(value key, AD = [contract, header, storage key], BE32 length ‖ value ‖ zeros).
//!   Header (13 bytes) = version `0x01` ‖ epoch BE32 ‖ height BE64 of the block that sealed it. Value and zeros fill
//!   the size class of the length ([`strongroom_types::size_class`]); a record is 33 bytes longer than the class.
//!
//! Deterministic, no counter: the same write in the same block gives the same bytes on every node and in every order
//! of execution. Promises: equal values under another contract, key, height or epoch give unrelated bytes; a length
//! shows its class only. Refuses to open whatever was not sealed for exactly this contract and key.

use crate::{aead, error::Error, kdf, secret::Secret, seed::Epoch};
use strongroom_types::{Address, Height, size_class};
use zeroize::Zeroizing;

/// Version of the record format.
pub const RECORD_VERSION: u8 = 1;
/// Bytes of a record in front of the ciphertext.
pub const HEADER_LEN: usize = 13;
/// Longest value in bytes: no block's worth of gas writes more.
pub const VALUE_LEN_MAX: usize = 4 << 20;
/// First byte of raw keys of contract data.
pub const RAW_KEY_PREFIX: u8 = 1;
const LENGTH_LEN: usize = 4;

/// Place of a value in the tree: the PRF of the contract's own key. Public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StorageKey([u8; 32]);

impl StorageKey {
    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The open header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Epoch of the keys that sealed it.
    pub epoch: Epoch,
    /// Height of the block that sealed it.
    pub height: Height,
}

impl Header {
    /// Reads the header of a record.
    ///
    /// # Errors
    /// [`Error::TooShort`], [`Error::Version`], [`Error::Content`] for epoch 0.
    pub fn of(record: &[u8]) -> Result<Self, Error> {
        let (head, _) = record
            .split_first_chunk::<HEADER_LEN>()
            .ok_or(Error::TooShort)?;
        let [version, e0, e1, e2, e3, height @ ..] = *head;
        if version != RECORD_VERSION {
            return Err(Error::Version);
        }
        let epoch = Epoch::new(u32::from_be_bytes([e0, e1, e2, e3])).ok_or(Error::Content)?;
        Ok(Self {
            epoch,
            height: u64::from_be_bytes(height),
        })
    }

    fn to_bytes(self) -> Vec<u8> {
        [
            &[RECORD_VERSION][..],
            &self.epoch.number().to_be_bytes(),
            &self.height.to_be_bytes(),
        ]
        .concat()
    }
}

/// The length in bytes of the record of a value of `len` bytes.
#[must_use]
pub fn record_len(len: usize) -> usize {
    class_of(len)
        .saturating_add(HEADER_LEN)
        .saturating_add(aead::OVERHEAD)
        .saturating_add(LENGTH_LEN)
}

fn class_of(len: usize) -> usize {
    usize::try_from(size_class(u64::try_from(len).unwrap_or(u64::MAX))).unwrap_or(usize::MAX)
}

/// The keys of one contract in one epoch.
#[derive(Clone, Debug)]
pub struct StateKeys {
    contract: Address,
    epoch: Epoch,
    keys: Secret<32>,
    values: Secret<32>,
}

impl StateKeys {
    pub(crate) const fn new(
        contract: Address,
        epoch: Epoch,
        keys: Secret<32>,
        values: Secret<32>,
    ) -> Self {
        Self {
            contract,
            epoch,
            keys,
            values,
        }
    }

    /// The epoch of these keys.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Place of the contract's own key.
    #[must_use]
    pub fn storage_key(&self, own_key: &[u8]) -> StorageKey {
        StorageKey(kdf::hmac(self.keys.expose(), &[own_key]))
    }

    /// The raw key in the `contract` tree.
    #[must_use]
    pub fn raw_key(&self, key: &StorageKey) -> Vec<u8> {
        [&[RAW_KEY_PREFIX], self.contract.as_bytes(), &key.0].concat()
    }

    /// Seals a value for its key at the height of the running block.
    ///
    /// # Errors
    /// [`Error::TooLong`] beyond [`VALUE_LEN_MAX`].
    pub fn seal(&self, key: &StorageKey, height: Height, value: &[u8]) -> Result<Vec<u8>, Error> {
        if value.len() > VALUE_LEN_MAX {
            return Err(Error::TooLong);
        }
        let header = Header {
            epoch: self.epoch,
            height,
        }
        .to_bytes();
        let padded_len = class_of(value.len()).saturating_add(LENGTH_LEN);
        let mut padded = Zeroizing::new(Vec::with_capacity(padded_len));
        padded.extend_from_slice(
            &u32::try_from(value.len())
                .map_err(|_| Error::TooLong)?
                .to_be_bytes(),
        );
        padded.extend_from_slice(value);
        padded.resize(padded_len, 0);
        let sealed = aead::seal(
            &self.values,
            &[self.contract.as_bytes(), &header, &key.0],
            &padded,
        )?;
        Ok([header, sealed].concat())
    }

    /// Opens the record under `key`.
    ///
    /// # Errors
    /// [`Error::OtherEpoch`] if other keys sealed it, [`Error::DoesNotOpen`] if it is not this contract's or key's or
    /// was changed, [`Error::Content`] if its padding is not what the format says; the errors of [`Header::of`].
    pub fn open(&self, key: &StorageKey, record: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        if Header::of(record)?.epoch != self.epoch {
            return Err(Error::OtherEpoch);
        }
        let (header, sealed) = record.split_at_checked(HEADER_LEN).ok_or(Error::TooShort)?;
        let padded = aead::open(
            &self.values,
            &[self.contract.as_bytes(), header, &key.0],
            sealed,
        )?;
        let (len, rest) = padded
            .split_first_chunk::<LENGTH_LEN>()
            .ok_or(Error::Content)?;
        let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| Error::Content)?;
        let (value, padding) = rest.split_at_checked(len).ok_or(Error::Content)?;
        if rest.len() != class_of(len) || padding.iter().any(|b| *b != 0) {
            return Err(Error::Content);
        }
        Ok(Zeroizing::new(value.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeySchedule, MasterSeed, Security};
    use proptest::prelude::*;

    fn keys_of(epoch: u32, contract: u8) -> StateKeys {
        KeySchedule::derive(
            Security::Insecure,
            Epoch::new(epoch).unwrap(),
            &MasterSeed::new([1; 32]),
        )
        .contract_state_keys(&Address::from_bytes(&[contract; 20]).unwrap())
    }

    #[test]
    fn the_layout_of_keys_and_records_is_as_written() {
        let keys = keys_of(1, 9);
        let at = keys.storage_key(b"balance");
        let raw = keys.raw_key(&at);
        assert_eq!(
            (raw[0], &raw[1..21], &raw[21..]),
            (1, &[9; 20][..], &at.as_bytes()[..])
        );
        let record = keys.seal(&at, 258, b"42").unwrap();
        assert_eq!(record[..13], [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!((record.len(), record_len(2)), (64 + 33, 64 + 33));
        assert_eq!(
            Header::of(&record).unwrap(),
            Header {
                epoch: Epoch::FIRST,
                height: 258
            }
        );
    }

    #[test]
    fn equal_values_do_not_show() {
        let value = b"the same";
        let keys = keys_of(1, 9);
        let (a, b) = (keys.storage_key(b"a"), keys.storage_key(b"b"));
        let records = [
            keys.seal(&a, 1, value).unwrap(),
            keys.seal(&b, 1, value).unwrap(),
            keys.seal(&a, 2, value).unwrap(),
            keys_of(2, 9).seal(&a, 1, value).unwrap(),
            keys_of(1, 8).seal(&a, 1, value).unwrap(),
        ];
        for (i, x) in records.iter().enumerate() {
            for y in &records[..i] {
                assert_ne!(x[13..], y[13..]);
                assert_ne!(x[29..45], y[29..45]);
            }
        }
        assert_eq!(records[0], keys.seal(&a, 1, value).unwrap());
    }

    #[test]
    fn a_record_opens_only_where_it_was_sealed() {
        let keys = keys_of(1, 9);
        let (a, b) = (keys.storage_key(b"a"), keys.storage_key(b"b"));
        let record = keys.seal(&a, 1, b"v").unwrap();
        assert_eq!(keys.open(&b, &record), Err(Error::DoesNotOpen));
        assert_eq!(keys_of(1, 8).open(&a, &record), Err(Error::DoesNotOpen));
        assert_eq!(keys_of(2, 9).open(&a, &record), Err(Error::OtherEpoch));
        assert_eq!(keys.open(&a, &record[..12]), Err(Error::TooShort));
        let mut other = record.clone();
        other[0] = 2;
        assert_eq!(keys.open(&a, &other), Err(Error::Version));
    }

    #[test]
    fn a_value_beyond_the_limit_is_refused() {
        let keys = keys_of(1, 9);
        let at = keys.storage_key(b"a");
        assert_eq!(
            keys.seal(&at, 1, &vec![0; VALUE_LEN_MAX + 1]),
            Err(Error::TooLong)
        );
        assert_eq!(
            keys.open(&at, &keys.seal(&at, 1, &vec![7; VALUE_LEN_MAX]).unwrap())
                .unwrap()
                .len(),
            VALUE_LEN_MAX
        );
    }

    #[test]
    fn bytes_under_the_right_key_but_of_another_format_are_refused() {
        let keys = keys_of(1, 9);
        let at = keys.storage_key(b"a");
        let header = Header {
            epoch: Epoch::FIRST,
            height: 1,
        }
        .to_bytes();
        let ad: [&[u8]; 3] = [keys.contract.as_bytes(), &header, &at.0];
        let mut dirty = vec![0; 68];
        dirty[67] = 1;
        for plain in [
            vec![],
            vec![0; 3],
            vec![0; 67],
            vec![0; 69],
            vec![0xff; 68],
            dirty,
        ] {
            let record = [
                header.clone(),
                aead::seal(&keys.values, &ad, &plain).unwrap(),
            ]
            .concat();
            assert_eq!(keys.open(&at, &record), Err(Error::Content));
        }
    }

    proptest! {
        #[test]
        fn values_return_and_no_changed_bit_opens(
            own in proptest::collection::vec(any::<u8>(), 0..40), height in any::<u64>(),
            value in proptest::collection::vec(any::<u8>(), 0..300), bit in any::<proptest::sample::Index>()
        ) {
            let keys = keys_of(1, 9);
            let at = keys.storage_key(&own);
            let mut record = keys.seal(&at, height, &value).unwrap();
            prop_assert_eq!(record.len(), record_len(value.len()));
            prop_assert_eq!(&*keys.open(&at, &record).unwrap(), &value);
            let flip = bit.index(record.len() * 8);
            record[flip / 8] ^= 1 << (flip % 8);
            prop_assert!(keys.open(&at, &record).is_err());
        }

        #[test]
        fn arbitrary_records_never_open(record in proptest::collection::vec(any::<u8>(), 0..200)) {
            let keys = keys_of(1, 9);
            prop_assert!(keys.open(&keys.storage_key(b"a"), &record).is_err());
        }
    }
}
