//! Whether a network takes what evidence proves.

use crate::evidence::{Claims, Evidence, Kind};
use strongroom_crypto::Security;
use strongroom_types::Hash;

/// What a network takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Level.
    pub security: Security,
    /// Code that is taken; empty = any (only sensible where `security` is insecure).
    pub measurements: Vec<Hash>,
}

/// The end of the check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It proves this, and the policy takes it.
    Accepted(Claims),
    /// It proves nothing, or the policy does not take it.
    Refused(Reason),
}

/// Why evidence is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The evidence is not what it says.
    Forged,
    /// A simulated platform where attested ones are asked for.
    Simulated,
    /// Code that the policy does not name.
    Measurement,
}

impl Reason {
    /// Stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Forged => "attest.forged",
            Self::Simulated => "attest.simulated",
            Self::Measurement => "attest.measurement",
        }
    }
}

/// Checks `evidence` and holds what it proves against `policy`.
#[must_use]
pub fn judge(evidence: &Evidence, policy: &Policy) -> Verdict {
    let Evidence::SimulatedV1(simulated) = evidence;
    let Some(claims) = simulated.check() else {
        return Verdict::Refused(Reason::Forged);
    };
    if claims.kind == Kind::Simulated && policy.security == Security::Attested {
        return Verdict::Refused(Reason::Simulated);
    }
    if !policy.measurements.is_empty() && !policy.measurements.contains(&claims.measurement) {
        return Verdict::Refused(Reason::Measurement);
    }
    Verdict::Accepted(claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulated::Simulated;
    use proptest::prelude::*;

    fn evidence() -> Evidence {
        Evidence::SimulatedV1(Simulated::new([1; 32], [2; 32], [3; 64]))
    }

    fn policy(security: Security) -> Policy {
        Policy {
            security,
            measurements: Vec::new(),
        }
    }

    #[test]
    fn simulated_evidence_is_taken_where_the_network_is_insecure() {
        let Verdict::Accepted(claims) = judge(&evidence(), &policy(Security::Insecure)) else {
            panic!()
        };
        assert_eq!(
            (claims.platform_id, claims.measurement, claims.report_data),
            ([1; 32], [2; 32], [3; 64])
        );
    }

    #[test]
    fn simulated_evidence_is_refused_where_the_network_is_attested() {
        assert_eq!(
            judge(&evidence(), &policy(Security::Attested)),
            Verdict::Refused(Reason::Simulated)
        );
    }

    #[test]
    fn code_that_the_policy_does_not_name_is_refused() {
        let mut policy = policy(Security::Insecure);
        policy.measurements = vec![[9; 32]];
        assert_eq!(
            judge(&evidence(), &policy),
            Verdict::Refused(Reason::Measurement)
        );
        policy.measurements.push([2; 32]);
        assert!(matches!(judge(&evidence(), &policy), Verdict::Accepted(_)));
    }

    proptest! {
        #[test]
        fn a_flipped_bit_is_never_taken(bit in 0usize..8 * 161) {
            let mut bytes = evidence().encode();
            prop_assert_eq!(bytes.len(), 161);
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Some(changed) = Evidence::decode(&bytes) {
                prop_assert_eq!(judge(&changed, &policy(Security::Insecure)), Verdict::Refused(Reason::Forged));
            }
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Some(evidence) = Evidence::decode(&bytes) {
                prop_assert_eq!(evidence.encode(), bytes);
            }
        }
    }
}
