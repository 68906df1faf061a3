//! Evidence as it travels, and the way to what it proves.

use crate::claims::Claims;
use crate::collateral::{Collateral, Key};
use crate::reason::{Reason, Refusal};
use crate::roots::{PINNED, Roots};
use crate::simulated::Simulated;
use crate::x509::Cert;
use crate::{dcap, nitro, snp};
use borsh::{BorshDeserialize, BorshSerialize};

/// The most bytes of encoded evidence: the largest kinds (a quote with its certificates, a document of Nitro) have about
/// 8 KiB. Checked before anything is parsed.
pub const EVIDENCE_BYTES_MAX: usize = 16 << 10;

/// Evidence, as it travels. A variant never changes once it was used; a new layout is a new variant.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Evidence {
    /// From a simulated platform, first layout.
    SimulatedV1(Simulated),
    /// A quote of SGX (version 3) or TDX (versions 4 and 5) with its certificates.
    DcapV1(Vec<u8>),
    /// A report of SEV-SNP.
    SnpV1 {
        /// The report.
        report: Vec<u8>,
        /// Certificate (DER) of the chip's key (VCEK).
        vcek: Vec<u8>,
    },
    /// An attestation document of Nitro Enclaves, with the 64 bytes that it binds as its user data.
    NitroV1(Vec<u8>),
}

/// What a certificate says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is.
    pub name: String,
    /// Who it says that signed it.
    pub issuer: String,
    /// First second (Unix time) at which it is valid.
    pub valid_from: u64,
    /// Last second at which it is valid.
    pub valid_until: u64,
}

impl Certificate {
    fn of(cert: &Cert) -> Self {
        let (valid_from, valid_until) = cert.window();
        Self {
            name: cert.name(),
            issuer: cert.issuer_name(),
            valid_from,
            valid_until,
        }
    }
}

impl Evidence {
    /// The bytes that travel.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).unwrap_or_default()
    }

    /// Exactly one known evidence within [`EVIDENCE_BYTES_MAX`]; nothing is checked beyond that.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > EVIDENCE_BYTES_MAX {
            None
        } else {
            borsh::from_slice(bytes).ok()
        }
    }

    /// The collateral that [`Evidence::check`] looks at: at most four items, of which only AMD's list may be missing. None where the evidence cannot be read, which the
    /// check then says.
    #[must_use]
    pub fn collateral_keys(&self) -> Vec<Key> {
        match self {
            Self::SimulatedV1(_) | Self::NitroV1(_) => Vec::new(),
            Self::DcapV1(quote) => dcap::keys(quote),
            Self::SnpV1 { vcek, .. } => snp::keys(vcek),
        }
    }

    /// The certificates that it stands on, the last signer first: those that it carries and the pinned ones. For people:
    /// nothing is checked, and what cannot be read is left out.
    #[must_use]
    pub fn certificates(&self) -> Vec<Certificate> {
        let read = match self {
            Self::SimulatedV1(_) => Vec::new(),
            Self::DcapV1(quote) => dcap::certificates(quote),
            Self::SnpV1 { vcek, .. } => snp::certificates(vcek, &PINNED),
            Self::NitroV1(document) => nitro::certificates(document),
        };
        read.iter().map(Certificate::of).collect()
    }

    /// What it proves at `time` (Unix seconds), whatever a policy says of that.
    ///
    /// # Errors
    ///
    /// Why it proves nothing.
    pub fn check(&self, collateral: &Collateral, time: u64) -> Result<Claims, Refusal> {
        self.check_under(collateral, time, &PINNED)
    }

    pub(crate) fn check_under(
        &self,
        collateral: &Collateral,
        time: u64,
        roots: &Roots,
    ) -> Result<Claims, Refusal> {
        match self {
            Self::SimulatedV1(simulated) => simulated
                .check()
                .ok_or_else(|| Refusal::new(Reason::Forged, "the MAC does not belong to it")),
            Self::DcapV1(quote) => dcap::check(quote, collateral, time, roots.intel),
            Self::SnpV1 { report, vcek } => snp::check(report, vcek, collateral, time, roots),
            Self::NitroV1(document) => nitro::check(document, time, roots.nitro),
        }
    }
}
