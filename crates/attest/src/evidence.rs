//! Evidence as it travels, and the way to what it proves.

use crate::claims::Claims;
use crate::collateral::{Collateral, Key};
use crate::reason::{Reason, Refusal};
use crate::simulated::Simulated;
use borsh::{BorshDeserialize, BorshSerialize};

/// The most bytes of encoded evidence: the largest kinds (a quote with its certificates, a document of Nitro) have about
/// 8 KiB. Checked before anything is parsed.
pub const EVIDENCE_BYTES_MAX: usize = 16 << 10;

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

    /// The collateral that [`Evidence::check`] needs: at most four items. None where the evidence cannot be read, which the
    /// check then says.
    #[must_use]
    pub fn collateral_keys(&self) -> Vec<Key> {
        match self {
            Self::SimulatedV1(_) => Vec::new(),
        }
    }

    /// What it proves at `time` (Unix seconds), whatever a policy says of that.
    ///
    /// # Errors
    ///
    /// Why it proves nothing.
    pub fn check(&self, _collateral: &Collateral, _time: u64) -> Result<Claims, Refusal> {
        match self {
            Self::SimulatedV1(simulated) => simulated
                .check()
                .ok_or_else(|| Refusal::new(Reason::Forged, "the MAC does not belong to it")),
        }
    }
}
