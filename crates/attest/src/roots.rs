//! The keys that everything ends at: certificates of the vendors, pinned here and never taken from evidence.

use crate::claims::Generation;

/// Certificates (DER) that are believed.
#[derive(Clone, Copy)]
pub(crate) struct Roots<'a> {
    /// Intel SGX Root CA.
    pub(crate) intel: &'a [u8],
    /// Of AMD, by generation.
    pub(crate) milan: Amd<'a>,
    pub(crate) genoa: Amd<'a>,
    pub(crate) turin: Amd<'a>,
    /// AWS Nitro Enclaves Root-G1.
    pub(crate) nitro: &'a [u8],
}

/// Certificates (DER) of one generation of AMD's.
#[derive(Clone, Copy)]
pub(crate) struct Amd<'a> {
    /// AMD's root key, which signs the other and the list of what was taken back.
    pub(crate) ark: &'a [u8],
    /// The key that signs those of chips.
    pub(crate) ask: &'a [u8],
}

impl<'a> Roots<'a> {
    pub(crate) const fn amd(&self, generation: Generation) -> Amd<'a> {
        match generation {
            Generation::Milan => self.milan,
            Generation::Genoa => self.genoa,
            Generation::Turin => self.turin,
        }
    }
}

/// The vendors' own.
pub(crate) const PINNED: Roots<'static> = Roots {
    intel: include_bytes!("roots/intel-sgx.der"),
    milan: Amd {
        ark: include_bytes!("roots/ark-milan.der"),
        ask: include_bytes!("roots/ask-milan.der"),
    },
    genoa: Amd {
        ark: include_bytes!("roots/ark-genoa.der"),
        ask: include_bytes!("roots/ask-genoa.der"),
    },
    turin: Amd {
        ark: include_bytes!("roots/ark-turin.der"),
        ask: include_bytes!("roots/ask-turin.der"),
    },
    nitro: include_bytes!("roots/aws-nitro-g1.der"),
};
