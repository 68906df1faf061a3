//! Every context under which a key is derived: named once, each with an `-insecure` twin.
//!
//! The twin is used wherever genesis says `security = insecure`, so that a simulated platform and a production chain
//! never share a key, whatever else they share.

use borsh::{BorshDeserialize, BorshSerialize};

/// The security level of a network: which platforms it admits. Genesis decides it (`app_state.registration.security`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Security {
    /// Simulated platforms are admitted: no secrecy from the machine's operator.
    Insecure = 0,
    /// Only attested hardware is admitted.
    Attested = 1,
}

impl Security {
    /// The word in the genesis file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Insecure => "insecure",
            Self::Attested => "attested",
        }
    }

    /// Reads the word of the genesis file.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Insecure, Self::Attested]
            .into_iter()
            .find(|s| s.as_str() == word)
    }
}

/// Both names of a purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    attested: &'static str,
    insecure: &'static str,
}

impl Purpose {
    /// The context of this purpose under `security`.
    #[must_use]
    pub const fn at(self, security: Security) -> Context {
        match security {
            Security::Attested => Context(self.attested),
            Security::Insecure => Context(self.insecure),
        }
    }
}

/// A name to derive under; only [`Purpose::at`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context(&'static str);

impl Context {
    /// The name that enters the derivation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

macro_rules! purposes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $(
            $(#[$doc])*
            pub const $name: Purpose = Purpose { attested: $text, insecure: concat!($text, "-insecure") };
        )*
        /// All of them.
        pub const ALL: &[Purpose] = &[$($name),*];
    };
}

purposes! {
    /// Private key of the network (input) key pair, from the master seed.
    IO_KEY = "strongroom/v1/io-key";
    /// Private key of the seed-exchange key pair, from the master seed.
    EXCHANGE_KEY = "strongroom/v1/exchange-key";
    /// Root of all state keys, from the master seed.
    STATE_ROOT = "strongroom/v1/state-root";
    /// Root of the per-block random, from the master seed.
    RANDOM_ROOT = "strongroom/v1/random-root";
    /// Root of the random that simulations see, from the master seed.
    SIMULATION_ROOT = "strongroom/v1/simulation-root";
    /// Key of a contract's storage keys (PRF), from the state root.
    STORAGE_KEYS = "strongroom/v1/storage-keys";
    /// Key of a contract's values (AEAD), from the state root.
    STORAGE_VALUES = "strongroom/v1/storage-values";
    /// Random of one block, from the random root and the header hash.
    BLOCK_RANDOM = "strongroom/v1/block-random";
    /// Random of one contract call, from the block's.
    CALL_RANDOM = "strongroom/v1/call-random";
    /// Key of sealed seeds, from the platform's sealing key.
    SEAL_SEEDS = "strongroom/v1/seal-seeds";
    /// Key of the sealed anchor, from the platform's sealing key.
    SEAL_ANCHOR = "strongroom/v1/seal-anchor";
    /// Key of the sealed one-time key of a joining node, from the platform's sealing key.
    SEAL_ONE_TIME = "strongroom/v1/seal-one-time";
    /// Key of a share of the seeds, from a Diffie-Hellman secret with the receiving node.
    SHARE = "strongroom/v1/share";
    /// Key of the proofs that a node holds the seeds, from the master seed.
    POSSESSION = "strongroom/v1/possession";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_unique_and_every_twin_says_insecure() {
        let mut names = BTreeSet::new();
        for purpose in ALL {
            let (a, i) = (
                purpose.at(Security::Attested).name(),
                purpose.at(Security::Insecure).name(),
            );
            assert!(!a.ends_with("-insecure") && i == format!("{a}-insecure"));
            assert!(names.insert(a) && names.insert(i), "{a} twice");
        }
    }

    #[test]
    fn the_words_of_the_genesis_file_are_read_exactly() {
        assert_eq!(Security::parse("insecure"), Some(Security::Insecure));
        assert_eq!(Security::parse("attested"), Some(Security::Attested));
        assert_eq!(Security::parse("Attested"), None);
        assert_eq!(Security::parse(""), None);
    }
}
