//! Why evidence or collateral is refused.

use core::fmt;

/// Why, as a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// The bytes are not what they should be.
    Malformed,
    /// A signature or a hash does not belong to what it should prove.
    Forged,
    /// The vendor's rules do not lead to it: a signature, an identity or the state of the firmware does not hold.
    Rejected,
    /// The machine or the domain can be debugged.
    Debug,
    /// The evidence needs collateral that is not there.
    CollateralMissing,
    /// A certificate, a list or a statement of the vendor is not valid yet.
    NotYetValid,
    /// A certificate, a list or a statement of the vendor is no longer valid.
    Expired,
    /// The vendor took a key back.
    Revoked,
    /// Collateral that is not newer than what is there.
    NotNewer,
    /// A simulated platform where attested ones are asked for.
    Simulated,
    /// A kind of platform that the policy does not name.
    Kind,
    /// Code that the policy does not name at this height.
    Measurement,
    /// A state of the firmware that the policy does not take.
    TcbStatus,
    /// An advisory that the policy does not take.
    Advisory,
    /// The vendor's evaluation is older than the policy asks for.
    Evaluation,
    /// A model of processor that the policy does not name.
    Product,
    /// Attributes of a TDX domain that the policy does not take.
    Attributes,
    /// Firmware below what the policy asks for.
    Firmware,
    /// Asked for at a privilege level that the policy does not take.
    Vmpl,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Malformed,
        Self::Forged,
        Self::Rejected,
        Self::Debug,
        Self::CollateralMissing,
        Self::NotYetValid,
        Self::Expired,
        Self::Revoked,
        Self::NotNewer,
        Self::Simulated,
        Self::Kind,
        Self::Measurement,
        Self::TcbStatus,
        Self::Advisory,
        Self::Evaluation,
        Self::Product,
        Self::Attributes,
        Self::Firmware,
        Self::Vmpl,
    ];

    /// Stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "attest.malformed",
            Self::Forged => "attest.forged",
            Self::Rejected => "attest.rejected",
            Self::Debug => "attest.debug",
            Self::CollateralMissing => "attest.collateral_missing",
            Self::NotYetValid => "attest.not_yet_valid",
            Self::Expired => "attest.expired",
            Self::Revoked => "attest.revoked",
            Self::NotNewer => "attest.not_newer",
            Self::Simulated => "attest.simulated",
            Self::Kind => "attest.kind",
            Self::Measurement => "attest.measurement",
            Self::TcbStatus => "attest.tcb_status",
            Self::Advisory => "attest.advisory",
            Self::Evaluation => "attest.evaluation",
            Self::Product => "attest.product",
            Self::Attributes => "attest.attributes",
            Self::Firmware => "attest.firmware",
            Self::Vmpl => "attest.vmpl",
        }
    }

    /// What it means and what to do, in plain words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Malformed => "the bytes are not evidence of this kind: fetch it again",
            Self::Forged => {
                "a signature or a hash is wrong: it does not come from the hardware that it names"
            }
            Self::Rejected => {
                "the vendor's rules do not lead to it: a signature, an identity or the state of the firmware does not hold"
            }
            Self::Debug => {
                "the machine can be debugged, so its operator can read everything: start it without debug mode"
            }
            Self::CollateralMissing => {
                "the vendor's statements about this platform are not there: submit its collateral first"
            }
            Self::NotYetValid => "something that the vendor signed is not valid yet: wait",
            Self::Expired => {
                "something that the vendor signed has expired: submit newer collateral or fetch new evidence"
            }
            Self::Revoked => "the vendor revoked a key of this platform: it cannot be used",
            Self::NotNewer => "what is there is at least as new",
            Self::Simulated => {
                "a simulated platform protects nothing, and this network asks for attested ones"
            }
            Self::Kind => "the policy takes no platform of this kind",
            Self::Measurement => "the policy does not name this code at this height",
            Self::TcbStatus => {
                "the firmware is in a state that the policy does not take: update it and ask for new evidence"
            }
            Self::Advisory => "the platform has a known weakness that the policy does not take",
            Self::Evaluation => {
                "the collateral rests on an older evaluation than the policy asks for: submit newer collateral"
            }
            Self::Product => "the policy does not name this model of processor",
            Self::Attributes => "the domain's attributes are not what the policy asks for",
            Self::Firmware => "the firmware is older than the policy asks for: update it",
            Self::Vmpl => {
                "the report was asked for at a lower privilege level than the policy takes"
            }
        }
    }
}

/// A [`Reason`] with what exactly was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// What was found; for people, not stable.
    pub detail: String,
}

impl Refusal {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.detail, self.reason.code())
    }
}

impl core::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_reason_has_a_code_of_its_own() {
        let codes: BTreeSet<_> = Reason::ALL.map(Reason::code).into();
        assert_eq!(codes.len(), Reason::ALL.len());
    }
}
