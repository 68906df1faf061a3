//! Whether a network takes what evidence proves. Policy is chain state; genesis holds the first one.

use crate::claims::{Claims, Generation, Kind, Measurement, SnpTcb, Tcb, TcbStatus};
use crate::collateral::Collateral;
use crate::evidence::Evidence;
use crate::hex::Hex;
use crate::reason::Reason;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use strongroom_crypto::Security;

/// The most entries of one list of a policy: judging walks through them for each piece of evidence.
pub const POLICY_ENTRIES_MAX: usize = 256;

/// What a network takes. A kind of hardware whose part is missing is not taken at all.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Level: `insecure` takes simulated platforms too.
    #[serde(with = "security")]
    pub security: Security,
    /// Code that is taken. Empty: any code of a simulated platform, none of hardware.
    #[serde(default)]
    pub code: Vec<Code>,
    /// Terms for SGX and TDX.
    #[serde(default)]
    pub dcap: Option<DcapTerms>,
    /// Terms for SEV-SNP.
    #[serde(default)]
    pub snp: Option<SnpTerms>,
    /// Whether Nitro is taken: there are no terms, since AWS tells nothing about the machine.
    #[serde(default)]
    pub nitro: bool,
    /// The most seconds that evidence is good for, whatever its certificates say.
    #[serde(default)]
    pub validity_seconds_max: Option<u64>,
}

/// Code that is taken for some heights: two versions overlap while nodes move from one to the next.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// On which platforms.
    pub kind: Kind,
    /// What was measured.
    pub measurement: Measurement,
    /// What these registers must hold: RTMR of TDX, PCR of Nitro. Others may hold anything.
    #[serde(default)]
    pub registers: BTreeMap<u8, Measurement>,
    /// First height at which it is taken.
    #[serde(default)]
    pub from_height: u64,
    /// First height at which it is no longer taken.
    #[serde(default)]
    pub until_height: Option<u64>,
}

/// Terms for SGX and TDX.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DcapTerms {
    /// States of the firmware that are taken.
    pub statuses: Vec<TcbStatus>,
    /// The only advisories that are taken; missing: all but those refused.
    #[serde(default)]
    pub advisories_allowed: Option<Vec<String>>,
    /// Advisories that are never taken.
    #[serde(default)]
    pub advisories_refused: Vec<String>,
    /// Collateral of an older evaluation is not taken: who submits it could choose the time before a weakness was known.
    #[serde(default)]
    pub evaluation_number_min: u32,
    /// The only models that are taken; missing: all.
    #[serde(default)]
    pub fmspcs: Option<Vec<Hex<6>>>,
    /// What the attributes of a TDX domain must be.
    #[serde(default)]
    pub td_attributes: Option<TdAttributes>,
}

/// Bits of the attributes of a TDX domain.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct TdAttributes {
    /// The bits that are looked at.
    pub mask: Hex<8>,
    /// What they must be.
    pub value: Hex<8>,
}

/// Terms for SEV-SNP.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnpTerms {
    /// The only generations that are taken, each from a version on.
    pub products: Vec<SnpProduct>,
    /// The lowest privilege (highest number) at which a report may be asked for.
    #[serde(default)]
    pub vmpl_max: u32,
}

/// A generation that is taken.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct SnpProduct {
    /// Which.
    pub generation: Generation,
    /// The lowest versions.
    pub version_min: SnpTcb,
}

/// The end of the check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is taken apart at once"
)]
pub enum Verdict {
    /// It proves this, and the policy takes it.
    Accepted(Claims),
    /// It proves nothing, or the policy does not take it.
    Refused(Reason),
}

/// Checks `evidence` with `collateral` at `time` (Unix seconds) and holds what it proves against `policy` at `height`. The
/// claims' `valid_until` respects the policy's `validity_seconds_max`.
#[must_use]
pub fn judge(
    evidence: &Evidence,
    collateral: &Collateral,
    policy: &Policy,
    height: u64,
    time: u64,
) -> Verdict {
    // Before any signature: a network does no work for kinds that it does not take.
    if let Err(reason) = policy.takes(evidence) {
        return Verdict::Refused(reason);
    }
    match evidence.check(collateral, time) {
        Ok(claims) => policy.judge(claims, height, time),
        Err(refusal) => Verdict::Refused(refusal.reason),
    }
}

impl Policy {
    /// Takes any simulated platform and no other: what a local network has.
    #[must_use]
    pub const fn insecure() -> Self {
        Self::new(Security::Insecure)
    }

    /// Takes nothing but what its level takes: the parts for hardware and code are missing.
    #[must_use]
    pub const fn new(security: Security) -> Self {
        Self {
            security,
            code: Vec::new(),
            dcap: None,
            snp: None,
            nitro: false,
            validity_seconds_max: None,
        }
    }

    /// Whether no list is longer than [`POLICY_ENTRIES_MAX`]. Whoever puts a policy into state asks this first.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        let dcap = self.dcap.iter().flat_map(|terms| {
            [
                terms.statuses.len(),
                terms.advisories_allowed.as_ref().map_or(0, Vec::len),
                terms.advisories_refused.len(),
                terms.fmspcs.as_ref().map_or(0, Vec::len),
            ]
        });
        let snp = self.snp.iter().map(|terms| terms.products.len());
        // Registers are told apart by one byte: no list of them is longer.
        dcap.chain(snp)
            .chain([self.code.len()])
            .all(|length| length <= POLICY_ENTRIES_MAX)
    }

    /// Holds claims that were checked at `time` against this policy at `height`.
    #[must_use]
    pub fn judge(&self, mut claims: Claims, height: u64, time: u64) -> Verdict {
        if let Err(reason) = self.allows(&claims, height) {
            return Verdict::Refused(reason);
        }
        if let Some(most) = self.validity_seconds_max {
            claims.valid_until = claims.valid_until.min(time.saturating_add(most));
        }
        Verdict::Accepted(claims)
    }

    /// Whether the kind is taken at all.
    fn takes(&self, evidence: &Evidence) -> Result<(), Reason> {
        match evidence {
            Evidence::SimulatedV1(_) => {
                ensure(self.security == Security::Insecure, Reason::Simulated)
            }
            Evidence::DcapV1(_) => ensure(self.dcap.is_some(), Reason::Kind),
            Evidence::SnpV1 { .. } => ensure(self.snp.is_some(), Reason::Kind),
            Evidence::NitroV1(_) => ensure(self.nitro, Reason::Kind),
        }
    }

    fn allows(&self, claims: &Claims, height: u64) -> Result<(), Reason> {
        match &claims.tcb {
            Tcb::Simulated => ensure(self.security == Security::Insecure, Reason::Simulated)?,
            Tcb::Dcap { .. } => self.dcap.as_ref().ok_or(Reason::Kind)?.allow(&claims.tcb)?,
            Tcb::Snp {
                generation,
                version,
                vmpl,
            } => {
                let terms = self.snp.as_ref().ok_or(Reason::Kind)?;
                terms.allow(*generation, version, *vmpl)?;
            }
            Tcb::Nitro => ensure(self.nitro, Reason::Kind)?,
        }
        let any = claims.kind == Kind::Simulated && self.code.is_empty();
        let named = self.code.iter().any(|code| code.is(claims, height));
        ensure(any || named, Reason::Measurement)
    }
}

impl Code {
    fn is(&self, claims: &Claims, height: u64) -> bool {
        self.kind == claims.kind
            && self.measurement == claims.measurement
            && self.from_height <= height
            && self.until_height.is_none_or(|until| height < until)
            // Claims leave out registers that hold zeros.
            && self.registers.iter().all(|(number, value)| {
                match claims.registers.get(number) {
                    Some(held) => held == value,
                    None => value.as_bytes().iter().all(|byte| *byte == 0),
                }
            })
    }
}

impl DcapTerms {
    fn allow(&self, tcb: &Tcb) -> Result<(), Reason> {
        let Tcb::Dcap {
            fmspc,
            status,
            advisories,
            evaluation_number,
            td_attributes,
        } = tcb
        else {
            return Err(Reason::Kind);
        };
        ensure(self.statuses.contains(status), Reason::TcbStatus)?;
        let allowed = |advisory: &String| {
            !self.advisories_refused.contains(advisory)
                && self
                    .advisories_allowed
                    .as_ref()
                    .is_none_or(|list| list.contains(advisory))
        };
        ensure(advisories.iter().all(allowed), Reason::Advisory)?;
        ensure(
            *evaluation_number >= self.evaluation_number_min,
            Reason::Evaluation,
        )?;
        let named = |list: &Vec<_>| list.contains(fmspc);
        ensure(self.fmspcs.as_ref().is_none_or(named), Reason::Product)?;
        match (td_attributes, self.td_attributes) {
            (Some(attributes), Some(terms)) => ensure(terms.allow(attributes), Reason::Attributes),
            _ => Ok(()),
        }
    }
}

impl TdAttributes {
    fn allow(&self, attributes: &Hex<8>) -> bool {
        let masked = |bytes: &Hex<8>| u64::from_le_bytes(bytes.0) & u64::from_le_bytes(self.mask.0);
        masked(attributes) == masked(&self.value)
    }
}

impl SnpTerms {
    fn allow(&self, generation: Generation, version: &SnpTcb, vmpl: u32) -> Result<(), Reason> {
        let product = self.products.iter().find(|p| p.generation == generation);
        let product = product.ok_or(Reason::Product)?;
        ensure(version.reaches(&product.version_min), Reason::Firmware)?;
        ensure(vmpl <= self.vmpl_max, Reason::Vmpl)
    }
}

fn ensure(holds: bool, reason: Reason) -> Result<(), Reason> {
    if holds { Ok(()) } else { Err(reason) }
}

/// [`Security`] as its word.
mod security {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};
    use std::borrow::Cow;
    use strongroom_crypto::Security;

    pub(super) fn serialize<S: Serializer>(level: &Security, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(level.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Security, D::Error> {
        let word = Cow::<'de, str>::deserialize(from)?;
        Security::parse(&word).ok_or_else(|| D::Error::custom("neither insecure nor attested"))
    }
}

#[cfg(test)]
mod tests;
