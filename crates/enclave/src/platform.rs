//! The seam to the machine below: randomness, a sealing key, evidence. Everything that differs between simulated and real
//! hardware is behind it; nothing above asks which it is.

use strongroom_attest::simulated::Simulated as SimulatedEvidence;
use strongroom_attest::{Evidence, ReportData, Security};
use strongroom_types::{Hash, sha256};
use zeroize::Zeroizing;

/// A trusted execution environment.
pub trait Platform: Send + Sync {
    /// The security level of the networks that this platform may serve.
    fn security(&self) -> Security;

    /// Fills `out` with randomness that nobody else knows. Used for seeds only, never for what a chain sees.
    ///
    /// # Errors
    /// [`PlatformError`] if there is none.
    fn random(&self, out: &mut [u8]) -> Result<(), PlatformError>;

    /// The key that this code on this machine always gets, and nobody else.
    ///
    /// # Errors
    /// [`PlatformError`] if the platform does not give it.
    fn sealing_key(&self) -> Result<Zeroizing<[u8; 32]>, PlatformError>;

    /// Evidence that this code runs on this platform and bound `report_data`.
    ///
    /// # Errors
    /// [`PlatformError`] if the platform does not give it.
    fn attest(&self, report_data: &ReportData) -> Result<Evidence, PlatformError>;
}

/// The platform did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("platform: {0}")]
pub struct PlatformError(pub String);

/// Bytes of the name of a simulated machine.
pub const MACHINE_BYTES: usize = 16;

/// The context of the simulated sealing key; the name of the machine follows.
const SEALING_KEY_CONTEXT: &[u8] = b"strongroom/platform/simulated/sealing-key/v1-insecure";
/// The context of the simulated machine's id; its name follows.
const PLATFORM_ID_CONTEXT: &[u8] = b"strongroom/platform/simulated/platform-id/v1-insecure";
/// The context of the simulated measurement; the version of this crate follows.
const MEASUREMENT_CONTEXT: &[u8] = b"strongroom/platform/simulated/measurement/v1-insecure/";

/// A process like any other: the same code and the same checks, and no secrecy from whoever runs the machine. Its sealing
/// key is one that everyone can compute; only its randomness is real. Its host names the machine that it stands for, so that several nodes of
/// one computer are several machines to their network, and none opens the seal of another.
#[derive(Clone, Copy, Debug, Default)]
pub struct Simulated {
    machine: [u8; MACHINE_BYTES],
}

impl Simulated {
    /// The machine of this name.
    #[must_use]
    pub const fn machine(name: [u8; MACHINE_BYTES]) -> Self {
        Self { machine: name }
    }

    fn measurement() -> Hash {
        sha256(&[MEASUREMENT_CONTEXT, env!("CARGO_PKG_VERSION").as_bytes()].concat())
    }
}

impl Platform for Simulated {
    fn security(&self) -> Security {
        Security::Insecure
    }

    #[cfg_attr(
        not(test),
        expect(
            clippy::disallowed_methods,
            reason = "the simulated platform is where randomness comes in"
        )
    )]
    fn random(&self, out: &mut [u8]) -> Result<(), PlatformError> {
        getrandom::fill(out).map_err(|e| PlatformError(e.to_string()))
    }

    fn sealing_key(&self) -> Result<Zeroizing<[u8; 32]>, PlatformError> {
        Ok(Zeroizing::new(sha256(
            &[SEALING_KEY_CONTEXT, &self.machine].concat(),
        )))
    }

    fn attest(&self, report_data: &ReportData) -> Result<Evidence, PlatformError> {
        let id = sha256(&[PLATFORM_ID_CONTEXT, &self.machine].concat());
        Ok(Evidence::SimulatedV1(SimulatedEvidence::new(
            id,
            Self::measurement(),
            *report_data,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strongroom_attest::{Collateral, Policy, Reason, Verdict, judge};

    #[test]
    fn an_attested_network_refuses_the_simulated_platform_and_an_insecure_one_takes_it() {
        let evidence = Simulated::default().attest(&[7; 64]).unwrap();
        let verdict = |security| {
            let policy = Policy::new(security);
            judge(&evidence, &Collateral::new(), &policy, 1, 0)
        };
        let Verdict::Accepted(claims) = verdict(Security::Insecure) else {
            panic!()
        };
        assert_eq!(claims.measurement, Simulated::measurement().into());
        assert_eq!(claims.report_data, [7; 64]);
        assert_eq!(
            verdict(Security::Attested),
            Verdict::Refused(Reason::Simulated)
        );
        assert_eq!(Simulated::default().security(), Security::Insecure);
    }

    #[test]
    fn machines_of_two_names_are_two_platforms_with_two_sealing_keys() {
        let (one, other) = (Simulated::machine([1; 16]), Simulated::machine([2; 16]));
        assert_ne!(
            one.attest(&[7; 64]).unwrap(),
            other.attest(&[7; 64]).unwrap()
        );
        assert_ne!(*one.sealing_key().unwrap(), *other.sealing_key().unwrap());
    }

    #[test]
    fn every_constant_of_the_simulated_platform_says_that_it_is_insecure() {
        for context in [
            SEALING_KEY_CONTEXT,
            PLATFORM_ID_CONTEXT,
            MEASUREMENT_CONTEXT,
        ] {
            assert!(String::from_utf8_lossy(context).contains("-insecure"));
        }
    }
}
