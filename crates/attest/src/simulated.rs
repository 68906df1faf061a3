//! Evidence of a simulated platform: the shape of real evidence, under a key that everyone knows. Whoever reads this file
//! can forge it; that is why only a network that says `insecure` of itself takes it.

use crate::claims::{Claims, Kind, Tcb};
use crate::statement::ReportData;
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeMap;
use strongroom_crypto::{Secret, kdf};
use strongroom_types::{Hash, sha256};

/// Names the key of the MAC. Public on purpose.
const KEY_CONTEXT: &[u8] = b"strongroom/attest/simulated-platform/v1-insecure";

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
        let mac = mac(&platform_id, &measurement, &report_data);
        Self {
            platform_id,
            measurement,
            report_data,
            mac,
        }
    }

    /// What it claims, if its MAC is right.
    #[must_use]
    pub fn check(&self) -> Option<Claims> {
        let right = mac(&self.platform_id, &self.measurement, &self.report_data);
        (Secret::new(right) == Secret::new(self.mac)).then_some(Claims {
            kind: Kind::Simulated,
            platform_id: self.platform_id,
            measurement: self.measurement.into(),
            registers: BTreeMap::new(),
            report_data: self.report_data,
            tcb: Tcb::Simulated,
            valid_until: u64::MAX,
        })
    }
}

fn mac(platform_id: &Hash, measurement: &Hash, report_data: &ReportData) -> Hash {
    kdf::hmac(
        &sha256(KEY_CONTEXT),
        &[platform_id, measurement, report_data],
    )
}
