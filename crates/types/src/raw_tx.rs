//! A transaction as it came, with its hash: hashed once, wherever it goes afterwards.
//!
//! Promises: the hash is that of the bytes, always: it is computed where the bytes enter, also when they are read from a message or a
//! record, so nobody's word is taken for it. A copy shares the bytes.

use crate::{Hash, sha256};
use borsh::{BorshDeserialize, BorshSerialize, io};
use core::fmt;
use std::sync::Arc;

/// The bytes of a `TxRaw` and their SHA-256. As borsh it is its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct RawTx {
    bytes: Arc<[u8]>,
    hash: Hash,
}

impl RawTx {
    /// Transactions in order, hashed.
    pub fn list(txs: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<Self> {
        txs.into_iter().map(|tx| Self::from(tx.as_ref())).collect()
    }

    /// The hash by which clients know it: SHA-256 of its bytes.
    #[must_use]
    pub const fn hash(&self) -> &Hash {
        &self.hash
    }

    /// The hash as clients write it: 64 upper-case hex characters.
    #[must_use]
    pub fn hash_hex(&self) -> String {
        hex::encode_upper(self.hash)
    }
}

impl From<Arc<[u8]>> for RawTx {
    fn from(bytes: Arc<[u8]>) -> Self {
        let hash = sha256(&bytes);
        Self { bytes, hash }
    }
}

impl From<Vec<u8>> for RawTx {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(Arc::<[u8]>::from(bytes))
    }
}

impl From<&[u8]> for RawTx {
    fn from(bytes: &[u8]) -> Self {
        Self::from(Arc::<[u8]>::from(bytes))
    }
}

impl core::ops::Deref for RawTx {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AsRef<[u8]> for RawTx {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for RawTx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawTx({}, {} bytes)", self.hash_hex(), self.bytes.len())
    }
}

impl BorshSerialize for RawTx {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        self.bytes.serialize(writer)
    }
}

impl BorshDeserialize for RawTx {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        Vec::deserialize_reader(reader).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_transaction_is_stored_as_its_bytes_and_always_has_their_hash(bytes: Vec<u8>) {
            let tx = RawTx::from(bytes.clone());
            prop_assert_eq!((tx.hash(), &*tx), (&sha256(&bytes), bytes.as_slice()));
            let stored = borsh::to_vec(&tx).unwrap();
            prop_assert_eq!(&stored, &borsh::to_vec(&bytes).unwrap());
            prop_assert_eq!(borsh::from_slice::<RawTx>(&stored).unwrap(), tx);
        }
    }
}
