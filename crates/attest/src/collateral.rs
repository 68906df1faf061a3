//! What vendors say about platforms that they made: the state of firmware, keys that were taken back. Chain state: anyone
//! may submit it, since the vendor's signature speaks for it.

use crate::claims::{Generation, Kind};
use crate::hex::Hex;
use crate::reason::{Reason, Refusal};
use crate::roots::{PINNED, Roots};
use crate::x509::{Cert, Crl, check_window};
use borsh::{BorshDeserialize, BorshSerialize};
use core::fmt;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use strongroom_types::Timestamp;

/// The most bytes of one encoded item: lists of revoked keys are the largest (some KiB).
pub const COLLATERAL_BYTES_MAX: usize = 64 << 10;

/// The name of the key that Intel signs statements about firmware with.
const TCB_SIGNER: &str = "Intel SGX TCB Signing";

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

impl PckCa {
    /// The authority of this common name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name {
            "Intel SGX PCK Processor CA" => Some(Self::Processor),
            "Intel SGX PCK Platform CA" => Some(Self::Platform),
            _ => None,
        }
    }
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
/// than `old`, the item of the same key that is there. Answers the key, which [`Item::key`] tells before.
///
/// # Errors
///
/// Why it may not.
pub fn admit(new: &Item, old: Option<&Item>, time: u64) -> Result<Key, Refusal> {
    admit_under(new, old, time, &PINNED)
}

pub(crate) fn admit_under(
    new: &Item,
    old: Option<&Item>,
    time: u64,
    roots: &Roots,
) -> Result<Key, Refusal> {
    let read = new.read()?;
    // The cheap question first: nothing that is there already costs a signature.
    if let Some(old) = old {
        let old = old.read()?;
        if old.key != read.key {
            let text = format!("{} cannot take the place of {}", read.key, old.key);
            return Err(Refusal::new(Reason::NotNewer, text));
        }
        if read.from <= old.from || read.evaluation_number < old.evaluation_number {
            let text = format!("{} of {} is there", old.key, old.from);
            return Err(Refusal::new(Reason::NotNewer, text));
        }
    }
    read.check_window(time)?;
    new.check_signatures(time, roots)?;
    Ok(read.key)
}

/// What an item says; nothing of it is believed yet.
struct Read {
    key: Key,
    /// First second at which it is valid.
    from: u64,
    /// Last second at which it is valid.
    until: u64,
    /// Of a table of Intel's; 0 elsewhere.
    evaluation_number: u32,
}

impl Read {
    fn check_window(&self, time: u64) -> Result<(), Refusal> {
        check_window(&self.key.to_string(), self.from, self.until, time)
    }
}

impl Item {
    /// What it is about; `None` if it cannot be read. Nothing is checked beyond that.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        self.read().ok().map(|read| read.key)
    }

    /// First and last second (Unix time) at which it is valid, by its own words.
    #[must_use]
    pub fn window(&self) -> Option<(u64, u64)> {
        self.read().ok().map(|read| (read.from, read.until))
    }

    /// Whether it is valid at `time`; answers its last second.
    pub(crate) fn check_window(&self, time: u64) -> Result<u64, Refusal> {
        let read = self.read()?;
        read.check_window(time)?;
        Ok(read.until)
    }

    fn read(&self) -> Result<Read, Refusal> {
        let of_crl = |key, crl: &Crl| {
            let (from, until) = crl.window();
            Read {
                key,
                from,
                until,
                evaluation_number: 0,
            }
        };
        match self {
            Self::IntelRootCrl(crl) => Ok(of_crl(Key::IntelRootCrl, &Crl::parse(crl)?)),
            Self::PckCrl { crl, .. } => {
                let crl = Crl::parse(crl)?;
                let ca = PckCa::of(&crl.issuer_name())
                    .ok_or_else(|| malformed("the list is not one of platform keys"))?;
                Ok(of_crl(Key::PckCrl(ca), &crl))
            }
            Self::AmdCrl { generation, crl } => {
                Ok(of_crl(Key::AmdCrl(*generation), &Crl::parse(crl)?))
            }
            Self::TcbInfo(signed) => signed.read_tcb_info(),
            Self::QeIdentity(signed) => signed.read_qe_identity(),
        }
    }

    fn check_signatures(&self, time: u64, roots: &Roots) -> Result<(), Refusal> {
        match self {
            Self::IntelRootCrl(crl) => Crl::parse(crl)?.check(&Cert::parse(roots.intel)?, time),
            Self::PckCrl { certificate, crl } => {
                let authority = Cert::parse(certificate)?;
                authority.check(&Cert::parse(roots.intel)?, time)?;
                if !authority.is_authority() {
                    let text = "the certificate beside the list is not an authority's";
                    return Err(Refusal::new(Reason::Forged, text));
                }
                Crl::parse(crl)?.check(&authority, time)
            }
            Self::AmdCrl { generation, crl } => {
                Crl::parse(crl)?.check(&Cert::parse(roots.amd(*generation).ark)?, time)
            }
            Self::TcbInfo(signed) | Self::QeIdentity(signed) => signed.check(time, roots),
        }
    }
}

impl Signed {
    fn read_tcb_info(&self) -> Result<Read, Refusal> {
        let info: dcap_qvl::TcbInfo = serde_json::from_str(&self.text)
            .map_err(|_| malformed("the table of firmware cannot be read"))?;
        let kind = match info.id.as_str() {
            "SGX" => Kind::Sgx,
            "TDX" => Kind::Tdx,
            _ => return Err(malformed("a table of firmware of an unknown kind")),
        };
        let mut fmspc = [0; 6];
        ::hex::decode_to_slice(&info.fmspc, &mut fmspc)
            .map_err(|_| malformed("the table of firmware has no FMSPC"))?;
        Ok(Read {
            key: Key::TcbInfo(kind, Hex(fmspc)),
            from: seconds(&info.issue_date)?,
            until: seconds(&info.next_update)?,
            evaluation_number: info.tcb_evaluation_data_number,
        })
    }

    fn read_qe_identity(&self) -> Result<Read, Refusal> {
        let identity: dcap_qvl::QeIdentity = serde_json::from_str(&self.text)
            .map_err(|_| malformed("the identity of a quoting enclave cannot be read"))?;
        let kind = match identity.id.as_str() {
            "QE" => Kind::Sgx,
            "TD_QE" => Kind::Tdx,
            _ => return Err(malformed("the identity of an unknown enclave")),
        };
        Ok(Read {
            key: Key::QeIdentity(kind),
            from: seconds(&identity.issue_date)?,
            until: seconds(&identity.next_update)?,
            evaluation_number: identity.tcb_evaluation_data_number,
        })
    }

    fn check(&self, time: u64, roots: &Roots) -> Result<(), Refusal> {
        let signer = Cert::parse(&self.certificate)?;
        signer.check(&Cert::parse(roots.intel)?, time)?;
        let forged = |text: &str| Refusal::new(Reason::Forged, text);
        // Intel's root also signs authorities whose keys sign certificates of platforms.
        if signer.is_authority() || signer.name() != TCB_SIGNER {
            return Err(forged("the signer is not Intel's for such statements"));
        }
        let signature = p256::ecdsa::Signature::from_slice(&self.signature.0);
        let holds = signature.is_ok_and(|s| signer.signed_p256(self.text.as_bytes(), &s));
        if holds {
            Ok(())
        } else {
            Err(forged("the statement is not signed by its signer"))
        }
    }
}

fn malformed(text: &str) -> Refusal {
    Refusal::new(Reason::Malformed, text)
}

/// Seconds of a time in Intel's text.
fn seconds(text: &str) -> Result<u64, Refusal> {
    text.parse::<Timestamp>()
        .ok()
        .and_then(|time| u64::try_from(time.seconds).ok())
        .ok_or_else(|| malformed("a time that cannot be read"))
}
