//! A simulated platform whose randomness is known: the same chain every time.

use strongroom_attest::{Evidence, ReportData, Security};
use strongroom_crypto::{MasterSeed, SeedRing};
use strongroom_enclave::Simulated;
use strongroom_enclave::platform::{Platform, PlatformError};
use strongroom_types::sha256;
use zeroize::Zeroizing;

/// [`Simulated`] with randomness made from a number.
#[derive(Clone, Copy, Debug)]
pub struct Seeded(pub u64);

impl Seeded {
    /// The randomness of this platform: its first bytes become the network's seed.
    fn randomness(self) -> [u8; 32] {
        sha256(format!("the known randomness of test network {}", self.0).as_bytes())
    }

    /// The seeds of the network that an enclave on this platform begins. No secret: everyone can compute them.
    #[must_use]
    pub fn seeds(self) -> SeedRing {
        SeedRing::genesis(Security::Insecure, MasterSeed::new(self.randomness()))
    }
}

impl Platform for Seeded {
    fn security(&self) -> Security {
        Simulated::default().security()
    }

    fn random(&self, out: &mut [u8]) -> Result<(), PlatformError> {
        let bytes = self.randomness();
        for (out, byte) in out.iter_mut().zip(bytes.iter().cycle()) {
            *out = *byte;
        }
        Ok(())
    }

    fn sealing_key(&self) -> Result<Zeroizing<[u8; 32]>, PlatformError> {
        Simulated::default().sealing_key()
    }

    fn attest(&self, report_data: &ReportData) -> Result<Evidence, PlatformError> {
        Simulated::default().attest(report_data)
    }
}
