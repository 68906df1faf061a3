//! What vendors say about platforms that they made: the state of firmware, keys that were taken back. Chain state: anyone
//! may submit it, since the vendor's signature speaks for it.

use crate::claims::{Generation, Kind};
use crate::hex::Hex;
use crate::reason::{Reason, Refusal};
use borsh::{BorshDeserialize, BorshSerialize};
use core::fmt;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most bytes of one encoded item: lists of revoked keys are the largest (some KiB).
pub const COLLATERAL_BYTES_MAX: usize = 64 << 10;

/// The authority that signs the keys of Intel's platforms.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[borsh(use_discriminant = true)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum PckCa {
    /// For machines of one processor.
    Processor = 0,
    /// For machines of several.
    Platform = 1,
}

/// Something that the vendor signed as text (JSON).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// Certificate of the signer (DER), issued by the pinned root.
    #[serde(with = "crate::hex::bytes")]
    pub certificate: Vec<u8>,
    /// The very text.
    pub text: String,
    /// ECDSA P-256 signature, r and s.
    pub signature: Hex<64>,
}

/// One item of collateral.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// Intel's list of authorities that it took back (DER).
    IntelRootCrl(#[serde(with = "crate::hex::bytes")] Vec<u8>),
    /// The list of platform keys that an authority of Intel's took back.
    PckCrl {
        /// Certificate of that authority (DER), issued by the pinned root.
        #[serde(with = "crate::hex::bytes")]
        certificate: Vec<u8>,
        /// The list (DER).
        #[serde(with = "crate::hex::bytes")]
        crl: Vec<u8>,
    },
    /// Intel's table of firmware versions of one FMSPC.
    TcbInfo(Signed),
    /// What Intel's quoting enclave must be.
    QeIdentity(Signed),
    /// AMD's list of keys of one generation that it took back (DER).
    AmdCrl {
        /// Which processors.
        generation: Generation,
        /// The list (DER).
        #[serde(with = "crate::hex::bytes")]
        crl: Vec<u8>,
    },
}

/// What an item is about: there is one item of each key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Key {
    /// [`Item::IntelRootCrl`]
    IntelRootCrl,
    /// [`Item::PckCrl`]
    PckCrl(PckCa),
    /// [`Item::TcbInfo`] of SGX or TDX, by FMSPC
    TcbInfo(Kind, Hex<6>),
    /// [`Item::QeIdentity`] of SGX or TDX
    QeIdentity(Kind),
    /// [`Item::AmdCrl`]
    AmdCrl(Generation),
}

impl fmt::Display for Key {
    /// The key in chain state.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IntelRootCrl => f.write_str("intel/root_crl"),
            Self::PckCrl(PckCa::Processor) => f.write_str("intel/pck_crl/processor"),
            Self::PckCrl(PckCa::Platform) => f.write_str("intel/pck_crl/platform"),
            Self::TcbInfo(kind, fmspc) => write!(f, "intel/tcb_info/{}/{fmspc}", kind.as_str()),
            Self::QeIdentity(kind) => write!(f, "intel/qe_identity/{}", kind.as_str()),
            Self::AmdCrl(generation) => {
                write!(f, "amd/crl/{}", generation.as_str().to_ascii_lowercase())
            }
        }
    }
}

/// The items that evidence is judged with: [`crate::Evidence::collateral_keys`] says which ones it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collateral(BTreeMap<Key, Item>);

impl Collateral {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Puts in an item that [`admit`] said is `key`.
    pub fn insert(&mut self, key: Key, item: Item) {
        self.0.insert(key, item);
    }

    /// The item of `key`.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Item> {
        self.0.get(key)
    }
}

impl Item {
    /// The bytes that travel and that chain state holds.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).unwrap_or_default()
    }

    /// Exactly one item within [`COLLATERAL_BYTES_MAX`]; nothing is checked beyond that.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > COLLATERAL_BYTES_MAX {
            None
        } else {
            borsh::from_slice(bytes).ok()
        }
    }
}

/// Whether `new` may take the place of `old`: the vendor signed it, it is valid at `time` (Unix seconds), and it is newer
/// than `old`, the item of the same key that is there. Answers its key; ask with `old` = `None` to learn the key first.
///
/// # Errors
///
/// Why it may not.
pub fn admit(new: &Item, old: Option<&Item>, time: u64) -> Result<Key, Refusal> {
    let _ = (new, old, time);
    Err(Refusal::new(
        Reason::Malformed,
        "no kind of collateral is known yet",
    ))
}
