//! What a platform says of itself, and what is left of it once it is checked.

use crate::simulated::Simulated;
use borsh::{BorshDeserialize, BorshSerialize};
use strongroom_types::Hash;

/// The most bytes of encoded evidence: a quote with its collateral is about 20 KiB.
pub const EVIDENCE_BYTES_MAX: usize = 64 << 10;

/// What evidence binds: 64 bytes chosen by whoever asks for it.
pub type ReportData = [u8; 64];

/// Evidence, as it travels. A variant never changes once it was used; a new layout is a new variant.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Evidence {
    /// From a simulated platform, first layout.
    SimulatedV1(Simulated),
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
}

/// A kind of platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// A process like any other: its operator can read everything.
    Simulated,
}

/// What evidence proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Kind of platform.
    pub kind: Kind,
    /// Which machine.
    pub platform_id: Hash,
    /// Which code.
    pub measurement: Hash,
    /// What it bound.
    pub report_data: ReportData,
}
