//! A transaction as it came, with its hash: hashed at most once, however many hands it goes through.
//!
//! Promises: the hash is that of the bytes, always: it is computed from them when it is first asked for, so nobody's word is taken for
//! it, and what is refused for its length was never hashed. A copy shares bytes and hash.

use crate::{Hash, sha256};
use borsh::{BorshDeserialize, BorshSerialize, io};
use core::fmt;
use std::sync::{Arc, OnceLock};

/// The bytes of a `TxRaw` and their SHA-256. As borsh it is its bytes.
#[derive(Clone)]
pub struct RawTx(Arc<Inner>);

struct Inner {
    bytes: Box<[u8]>,
    hash: OnceLock<Hash>,
}

impl RawTx {
    /// Transactions in order.
    pub fn list(txs: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<Self> {
        txs.into_iter().map(|tx| Self::from(tx.as_ref())).collect()
    }

    /// The hash by which clients know it: SHA-256 of its bytes.
    #[must_use]
    pub fn hash(&self) -> &Hash {
        self.0.hash.get_or_init(|| sha256(&self.0.bytes))
    }

    /// The hash as clients write it: 64 upper-case hex characters.
    #[must_use]
    pub fn hash_hex(&self) -> String {
        hex::encode_upper(self.hash())
    }
}

impl From<Box<[u8]>> for RawTx {
    fn from(bytes: Box<[u8]>) -> Self {
        let hash = OnceLock::new();
        Self(Arc::new(Inner { bytes, hash }))
    }
}

impl From<Vec<u8>> for RawTx {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(bytes.into_boxed_slice())
    }
}

impl From<&[u8]> for RawTx {
    fn from(bytes: &[u8]) -> Self {
        Self::from(Box::<[u8]>::from(bytes))
    }
}

impl PartialEq for RawTx {
    fn eq(&self, other: &Self) -> bool {
        self.0.bytes == other.0.bytes
    }
}

impl Eq for RawTx {}

impl core::ops::Deref for RawTx {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl AsRef<[u8]> for RawTx {
    fn as_ref(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl fmt::Debug for RawTx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "RawTx({}, {} bytes)",
            self.hash_hex(),
            self.0.bytes.len()
        )
    }
}

impl BorshSerialize for RawTx {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        self.0.bytes.serialize(writer)
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
            let copy = tx.clone();
            prop_assert_eq!((copy.hash(), &*copy), (&sha256(&bytes), bytes.as_slice()));
            // The first copy knows it too now.
            prop_assert_eq!(tx.0.hash.get(), Some(&sha256(&bytes)));
            let stored = borsh::to_vec(&tx).unwrap();
            prop_assert_eq!(&stored, &borsh::to_vec(&bytes).unwrap());
            prop_assert_eq!(borsh::from_slice::<RawTx>(&stored).unwrap(), tx);
        }
    }
}
