//! What evidence proves, once it is checked.

use crate::hex::Hex;
use crate::statement::ReportData;
use borsh::{BorshDeserialize, BorshSerialize};
use core::fmt;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use strongroom_types::{Hash, sha256};

/// Begins the hash of what one machine is known by.
const PLATFORM_ID_DOMAIN: &[u8] = b"strongroom/attest/platform-id/v1";
/// Begins the hash that evidence is told apart by.
const CLAIMS_ID_DOMAIN: &[u8] = b"strongroom/attest/claims-id/v1";

/// A kind of platform. A number never changes its meaning.
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
#[non_exhaustive]
#[repr(u8)]
pub enum Kind {
    /// A process like any other: its operator can read everything.
    Simulated = 0,
    /// Intel SGX, attested by DCAP.
    Sgx = 1,
    /// Intel TDX, attested by DCAP.
    Tdx = 2,
    /// AMD SEV-SNP.
    Snp = 3,
    /// AWS Nitro Enclaves.
    Nitro = 4,
}

impl Kind {
    /// Its name, as in genesis and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Sgx => "sgx",
            Self::Tdx => "tdx",
            Self::Snp => "snp",
            Self::Nitro => "nitro",
        }
    }

    /// What one machine of this kind is known by: a hash, so that the chain does not show numbers of hardware.
    /// SGX and TDX run on one processor, with one number: it is one machine.
    pub(crate) fn platform_id(self, hardware: &[u8]) -> Hash {
        let family = match self {
            Self::Tdx => Self::Sgx,
            other => other,
        };
        sha256(&[PLATFORM_ID_DOMAIN, &[family as u8], hardware].concat())
    }
}

/// What was measured: SHA-256 (simulated, SGX) or SHA-384 (TDX, SNP, Nitro).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(untagged)]
pub enum Measurement {
    /// 32 bytes.
    Short(Hex<32>),
    /// 48 bytes.
    Long(Hex<48>),
}

impl Measurement {
    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short(bytes) => &bytes.0,
            Self::Long(bytes) => &bytes.0,
        }
    }
}

impl From<[u8; 32]> for Measurement {
    fn from(bytes: [u8; 32]) -> Self {
        Self::Short(Hex(bytes))
    }
}

impl From<[u8; 48]> for Measurement {
    fn from(bytes: [u8; 48]) -> Self {
        Self::Long(Hex(bytes))
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&::hex::encode(self.as_bytes()))
    }
}

impl fmt::Debug for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for Measurement {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes = crate::hex::bytes::deserialize(from)?;
        <[u8; 32]>::try_from(bytes.as_slice())
            .map(Self::from)
            .or_else(|_| <[u8; 48]>::try_from(bytes.as_slice()).map(Self::from))
            .map_err(|_| serde::de::Error::custom("not 32 or 48 bytes in hex"))
    }
}

/// What Intel says of the state of a platform: how its firmware compares to what is known to be needed.
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
#[repr(u8)]
pub enum TcbStatus {
    /// Nothing is known to be missing.
    UpToDate = 0,
    /// The code must defend itself against what the advisories name.
    SWHardeningNeeded = 1,
    /// The machine's configuration (BIOS, hyper-threading) leaves a known hole open.
    ConfigurationNeeded = 2,
    /// Both.
    ConfigurationAndSWHardeningNeeded = 3,
    /// Firmware is behind.
    OutOfDate = 4,
    /// Firmware is behind, and the configuration leaves a known hole open.
    OutOfDateConfigurationNeeded = 5,
    /// The domain began on old firmware that has been replaced since: start it again.
    TDRelaunchAdvised = 6,
    /// The same, and the configuration leaves a known hole open.
    TDRelaunchAdvisedConfigurationNeeded = 7,
}

impl TcbStatus {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::UpToDate,
        Self::SWHardeningNeeded,
        Self::ConfigurationNeeded,
        Self::ConfigurationAndSWHardeningNeeded,
        Self::OutOfDate,
        Self::OutOfDateConfigurationNeeded,
        Self::TDRelaunchAdvised,
        Self::TDRelaunchAdvisedConfigurationNeeded,
    ];

    /// Intel's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UpToDate => "UpToDate",
            Self::SWHardeningNeeded => "SWHardeningNeeded",
            Self::ConfigurationNeeded => "ConfigurationNeeded",
            Self::ConfigurationAndSWHardeningNeeded => "ConfigurationAndSWHardeningNeeded",
            Self::OutOfDate => "OutOfDate",
            Self::OutOfDateConfigurationNeeded => "OutOfDateConfigurationNeeded",
            Self::TDRelaunchAdvised => "TDRelaunchAdvised",
            Self::TDRelaunchAdvisedConfigurationNeeded => "TDRelaunchAdvisedConfigurationNeeded",
        }
    }
}

/// A generation of AMD's processors: each has certificates and version numbers of its own.
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
pub enum Generation {
    /// EPYC 7003.
    Milan = 0,
    /// EPYC 9004 and 8004.
    Genoa = 1,
    /// EPYC 9005.
    Turin = 2,
}

impl Generation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Milan, Self::Genoa, Self::Turin];

    /// AMD's name for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Milan => "Milan",
            Self::Genoa => "Genoa",
            Self::Turin => "Turin",
        }
    }
}

/// Version numbers of the firmware of an AMD platform.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(deny_unknown_fields, default)]
pub struct SnpTcb {
    /// Of the first mutable code; 0 before Turin.
    pub fmc: u8,
    /// Of the boot loader.
    pub boot_loader: u8,
    /// Of the secure processor's operating system.
    pub tee: u8,
    /// Of the SNP firmware.
    pub snp: u8,
    /// Of the microcode.
    pub microcode: u8,
}

impl SnpTcb {
    /// Whether no number is below `min`'s.
    #[must_use]
    pub const fn reaches(&self, min: &Self) -> bool {
        self.fmc >= min.fmc
            && self.boot_loader >= min.boot_loader
            && self.tee >= min.tee
            && self.snp >= min.snp
            && self.microcode >= min.microcode
    }
}

/// What is known of the machine's firmware, as its vendor tells it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tcb {
    /// Of a simulated platform: there is none.
    Simulated,
    /// Of SGX and TDX, by the collateral that it was judged with.
    Dcap {
        /// Model and configuration of the processor.
        fmspc: Hex<6>,
        /// Verdict of the collateral.
        status: TcbStatus,
        /// What is known to be wrong, by Intel's names (`INTEL-SA-00615`), in order.
        advisories: Vec<String>,
        /// Which evaluation of Intel's the collateral comes from; counts up.
        evaluation_number: u32,
        /// TDX: attributes of the domain.
        td_attributes: Option<Hex<8>>,
    },
    /// Of SEV-SNP.
    Snp {
        /// Which processors.
        generation: Generation,
        /// Versions that the report was signed under.
        version: SnpTcb,
        /// Privilege level within the machine that asked for the report; 0 is the highest.
        vmpl: u32,
    },
    /// Of Nitro: AWS tells nothing.
    Nitro,
}

/// What evidence proves. Evidence of a machine in debug mode proves nothing, so there is no word for it here.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Claims {
    /// Kind of platform.
    pub kind: Kind,
    /// Which machine.
    #[serde(with = "crate::hex::array")]
    pub platform_id: Hash,
    /// Which code: MRENCLAVE, MRTD, the launch measurement, PCR 0.
    pub measurement: Measurement,
    /// What else was measured, by number, zeros left out: runtime registers (RTMR) of TDX, the other PCRs of Nitro.
    pub registers: BTreeMap<u8, Measurement>,
    /// What it bound.
    #[serde(with = "crate::hex::array")]
    pub report_data: ReportData,
    /// State of the firmware.
    pub tcb: Tcb,
    /// Last second (Unix time) at which all that signs for this is valid; after it new evidence is needed.
    pub valid_until: u64,
}

impl Claims {
    /// Tells evidence apart. Over what is proven and never over bytes that were sent: quotes can be written in several
    /// ways (padding, text of certificates) that prove the same.
    #[must_use]
    pub fn id(&self) -> Hash {
        sha256(
            &[
                CLAIMS_ID_DOMAIN,
                &[self.kind as u8],
                &self.platform_id,
                self.measurement.as_bytes(),
                &self.report_data,
            ]
            .concat(),
        )
    }

    /// The vendor's verdict on the firmware; empty where the vendor gives none.
    #[must_use]
    pub const fn tcb_status(&self) -> &'static str {
        match &self.tcb {
            Tcb::Dcap { status, .. } => status.as_str(),
            Tcb::Simulated | Tcb::Snp { .. } | Tcb::Nitro => "",
        }
    }

    /// What is known to be wrong with the machine.
    #[must_use]
    pub fn advisories(&self) -> &[String] {
        match &self.tcb {
            Tcb::Dcap { advisories, .. } => advisories,
            Tcb::Simulated | Tcb::Snp { .. } | Tcb::Nitro => &[],
        }
    }
}
