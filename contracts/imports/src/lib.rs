//! The imports of a contract as they are: arguments go to the host unchecked, and what it answers comes back uninterpreted. For contracts that
//! show what the host does with good and bad input; any other contract uses the wrappers of its library.
//!
//! [`Call`] says what to ask, [`Answer`] what came of it. The features `v1` and `v010` choose the generation.

mod bytes;
#[cfg(target_arch = "wasm32")]
mod host;

pub use bytes::Hex;

use serde::{Deserialize, Serialize};

/// A call of the import of this name.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// The value under a key.
    DbRead {
        /// The key.
        key: Hex,
    },
    /// Keeps a value.
    DbWrite {
        /// The key.
        key: Hex,
        /// The value.
        value: Hex,
    },
    /// Removes a value.
    DbRemove {
        /// The key.
        key: Hex,
    },
    /// Opens an iterator; its number is the answer.
    DbScan {
        /// The first key; none for all before.
        start: Option<Hex>,
        /// The key behind the last; none for all that follow.
        end: Option<Hex>,
        /// 1 for ascending, 2 for descending.
        order: u32,
    },
    /// The next key and value, in the form of the generation.
    DbNext {
        /// The number of the iterator.
        iterator: u32,
    },
    /// The next key.
    #[cfg(feature = "v1")]
    DbNextKey {
        /// The number of the iterator.
        iterator: u32,
    },
    /// The next value.
    #[cfg(feature = "v1")]
    DbNextValue {
        /// The number of the iterator.
        iterator: u32,
    },
    /// The bytes of an address.
    #[cfg(feature = "v1")]
    AddrCanonicalize {
        /// The text.
        human: Hex,
        /// Bytes that there are for the answer.
        room: u32,
    },
    /// The address of bytes.
    #[cfg(feature = "v1")]
    AddrHumanize {
        /// The bytes.
        canonical: Hex,
        /// Bytes that there are for the answer.
        room: u32,
    },
    /// Whether a text is an address.
    #[cfg(feature = "v1")]
    AddrValidate {
        /// The text.
        human: Hex,
    },
    /// The bytes of an address.
    #[cfg(feature = "v010")]
    CanonicalizeAddress {
        /// The text.
        human: Hex,
        /// Bytes that there are for the answer.
        room: u32,
    },
    /// The address of bytes.
    #[cfg(feature = "v010")]
    HumanizeAddress {
        /// The bytes.
        canonical: Hex,
        /// Bytes that there are for the answer.
        room: u32,
    },
    /// Asks the chain or a contract.
    QueryChain {
        /// The request (JSON).
        request: Hex,
    },
    /// Says something to nobody.
    #[cfg(feature = "v1")]
    Debug {
        /// What.
        message: Hex,
    },
    /// Says something to nobody.
    #[cfg(feature = "v010")]
    DebugPrint {
        /// What.
        message: Hex,
    },
    /// Whether a signature is good.
    Secp256k1Verify {
        /// SHA-256 of the message.
        hash: Hex,
        /// 64 bytes.
        signature: Hex,
        /// 33 or 65 bytes.
        key: Hex,
    },
    /// The key that a signature is of.
    Secp256k1RecoverPubkey {
        /// SHA-256 of the message.
        hash: Hex,
        /// 64 bytes.
        signature: Hex,
        /// 0 or 1.
        parity: u32,
    },
    /// Whether a signature is good.
    Ed25519Verify {
        /// The message.
        message: Hex,
        /// 64 bytes.
        signature: Hex,
        /// 32 bytes.
        key: Hex,
    },
    /// Whether all signatures are good.
    Ed25519BatchVerify {
        /// One for each signature, or one for all.
        messages: Vec<Hex>,
        /// 64 bytes each.
        signatures: Vec<Hex>,
        /// One for each signature, or one for all.
        keys: Vec<Hex>,
    },
    /// Signs the SHA-256 of a message.
    Secp256k1Sign {
        /// The message.
        message: Hex,
        /// 32 bytes.
        key: Hex,
    },
    /// Signs a message.
    Ed25519Sign {
        /// The message.
        message: Hex,
        /// 32 bytes.
        seed: Hex,
    },
    /// Whether a signature is good.
    #[cfg(feature = "v1")]
    Secp256r1Verify {
        /// Hash of the message, 32 bytes.
        hash: Hex,
        /// 64 bytes.
        signature: Hex,
        /// 33 or 65 bytes.
        key: Hex,
    },
    /// The key that a signature is of.
    #[cfg(feature = "v1")]
    Secp256r1RecoverPubkey {
        /// Hash of the message, 32 bytes.
        hash: Hex,
        /// 64 bytes.
        signature: Hex,
        /// 0 to 3.
        parity: u32,
    },
    /// The sum of points.
    #[cfg(feature = "v1")]
    #[serde(rename = "bls12_381_aggregate_g1")]
    Bls12381AggregateG1 {
        /// 48 bytes each, one after the other.
        points: Hex,
        /// Bytes that there are for the answer.
        room: u32,
    },
    /// The sum of points.
    #[cfg(feature = "v1")]
    #[serde(rename = "bls12_381_aggregate_g2")]
    Bls12381AggregateG2 {
        /// 96 bytes each, one after the other.
        points: Hex,
        /// Bytes that there are for the answer.
        room: u32,
    },
    /// Whether a product of pairings is another.
    #[cfg(feature = "v1")]
    #[serde(rename = "bls12_381_pairing_equality")]
    Bls12381PairingEquality {
        /// Points of G1, one after the other.
        ps: Hex,
        /// As many of G2.
        qs: Hex,
        /// A point of G1.
        r: Hex,
        /// A point of G2.
        s: Hex,
    },
    /// A point made of a message.
    #[cfg(feature = "v1")]
    #[serde(rename = "bls12_381_hash_to_g1")]
    Bls12381HashToG1 {
        /// 0 for SHA-256.
        function: u32,
        /// The message.
        message: Hex,
        /// The domain separation tag.
        tag: Hex,
        /// Bytes that there are for the answer.
        room: u32,
    },
    /// A point made of a message.
    #[cfg(feature = "v1")]
    #[serde(rename = "bls12_381_hash_to_g2")]
    Bls12381HashToG2 {
        /// 0 for SHA-256.
        function: u32,
        /// The message.
        message: Hex,
        /// The domain separation tag.
        tag: Hex,
        /// Bytes that there are for the answer.
        room: u32,
    },
    /// Whether a quote of a TEE is good.
    #[cfg(feature = "v1")]
    DcapQuoteVerify {
        /// The quote.
        quote: Hex,
        /// What it is verified with.
        collateral: Hex,
    },
    /// Burns gas.
    #[cfg(feature = "v1")]
    GasEvaporate {
        /// How much, in the chain's units.
        gas: u32,
    },
    /// The gas that was used so far, in the chain's units.
    #[cfg(feature = "v1")]
    CheckGas {},
    /// Fails with a text. There is no answer.
    #[cfg(feature = "v1")]
    Abort {
        /// The text.
        message: Hex,
    },
    /// Whether the message is bound to its sender.
    #[cfg(feature = "v1")]
    MessageBound {},
}

/// What the host answered.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The number, of imports that answer one: the low half if it has 64 bits.
    pub value: u32,
    /// The code of an error: the high half of a number of 64 bits, 1 for an address that was refused.
    pub error: u32,
    /// The bytes, of imports that answer some; the text of the error for an address that was refused.
    pub bytes: Option<Hex>,
}

#[cfg(target_arch = "wasm32")]
impl Call {
    /// Calls, in order.
    #[must_use]
    pub fn all(calls: Vec<Self>) -> Vec<Answer> {
        calls.into_iter().map(host::ask).collect()
    }
}

/// Outside of a chain there is no host.
#[cfg(not(target_arch = "wasm32"))]
impl Call {
    /// No answers, whatever the calls.
    #[must_use]
    pub fn all(_: Vec<Self>) -> Vec<Answer> {
        Vec::new()
    }
}
