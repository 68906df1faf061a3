//! Evidence of a simulated platform: the shape of real evidence, under a key that everyone knows. Whoever reads this file
//! can forge it; that is why only a network that says `insecure` of itself takes it.

use crate::evidence::{Claims, Kind, ReportData};
use borsh::{BorshDeserialize, BorshSerialize};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use strongroom_types::Hash;

/// The key of the MAC. Public on purpose.
const KEY: &[u8] = b"strongroom/attest/simulated-platform/v1-insecure";

/// Simulated evidence.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Simulated {
    platform_id: Hash,
    measurement: Hash,
    report_data: ReportData,
    mac: Hash,
}

impl Simulated {
    /// Evidence of the platform `platform_id` that code `measurement` bound `report_data`.
    #[must_use]
    pub fn new(platform_id: Hash, measurement: Hash, report_data: ReportData) -> Self {
        let mut evidence = Self {
            platform_id,
            measurement,
            report_data,
            mac: [0; 32],
        };
        if let Some(mac) = evidence.mac() {
            evidence.mac = mac.finalize().into_bytes().into();
        }
        evidence
    }

    /// What it claims, if its MAC is right.
    #[must_use]
    pub fn check(&self) -> Option<Claims> {
        self.mac()?.verify_slice(&self.mac).ok()?;
        Some(Claims {
            kind: Kind::Simulated,
            platform_id: self.platform_id,
            measurement: self.measurement,
            report_data: self.report_data,
        })
    }

    fn mac(&self) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY).ok()?;
        mac.update(&self.platform_id);
        mac.update(&self.measurement);
        mac.update(&self.report_data);
        Some(mac)
    }
}
