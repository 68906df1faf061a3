//! The keys of one chain, bound to the hash of its genesis file.

use crate::failure::failure;
use strongroom_bridge::message::PublicKeys;
use strongroom_bridge::{Failure, FailureCode};
use strongroom_chain::EpochKeys;
use strongroom_crypto::Security;
use strongroom_crypto::schedule::KeySchedule;
use strongroom_crypto::seal::Chain;
use strongroom_crypto::seed::SeedRing;
use strongroom_types::Hash;

/// The public keys of a ring's newest epoch.
pub(crate) fn public_keys(ring: &SeedRing) -> Option<PublicKeys> {
    KeySchedule::of_ring(ring).first().map(public_of)
}

fn public_of(newest: &KeySchedule) -> PublicKeys {
    PublicKeys {
        io: *newest.io().public(),
        exchange: *newest.exchange().public(),
    }
}

/// The keys of one chain and of no other.
pub(crate) struct Keys {
    chain: Chain,
    epochs: EpochKeys,
    /// The same keys for queries: what they have worked out and remember is not that of blocks, which nobody shall make slow without paying.
    asked: EpochKeys,
}

impl Keys {
    /// The keys that a ring gives to the chain that it is sealed to.
    pub(crate) fn of(ring: &SeedRing, chain: Chain) -> Option<Self> {
        Some(Self {
            chain,
            epochs: EpochKeys::of(&chain, ring)?,
            asked: EpochKeys::of(&chain, ring)?,
        })
    }

    /// The public keys of the newest epoch.
    pub(crate) fn public(&self) -> PublicKeys {
        public_of(self.epochs.newest())
    }

    /// SHA-256 of the genesis file of the chain that they belong to.
    pub(crate) const fn genesis_hash(&self) -> Hash {
        self.chain.genesis_hash
    }

    /// The security level that the genesis file sets.
    pub(crate) const fn security(&self) -> Security {
        self.chain.security
    }

    /// The keys of all live epochs, for blocks over a state of this genesis: with [`Self::asked`] the only way to them, so they meet the state of
    /// their own chain only.
    ///
    /// # Errors
    /// A failure that stops the enclave.
    pub(crate) fn epochs(&self, genesis_hash: &Hash) -> Result<&EpochKeys, Failure> {
        self.check(genesis_hash).map(|()| &self.epochs)
    }

    /// As [`Self::epochs`], for queries.
    ///
    /// # Errors
    /// A failure that stops the enclave.
    pub(crate) fn asked(&self, genesis_hash: &Hash) -> Result<&EpochKeys, Failure> {
        self.check(genesis_hash).map(|()| &self.asked)
    }

    fn check(&self, genesis_hash: &Hash) -> Result<(), Failure> {
        if self.chain.genesis_hash == *genesis_hash {
            return Ok(());
        }
        Err(failure(
            FailureCode::OtherGenesis,
            "the keys belong to another genesis than the state",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strongroom_crypto::seed::MasterSeed;

    #[test]
    fn keys_never_meet_the_state_of_another_chain() {
        let chain = Chain {
            genesis_hash: [6; 32],
            security: Security::Insecure,
        };
        let ring = SeedRing::genesis(Security::Insecure, MasterSeed::new([1; 32]));
        let keys = Keys::of(&ring, chain).unwrap();
        assert!(keys.epochs(&[6; 32]).is_ok() && keys.asked(&[6; 32]).is_ok());
        assert!(keys.asked(&[7; 32]).is_err());
        let failure = keys.epochs(&[7; 32]).err().unwrap();
        assert!(failure.code == FailureCode::OtherGenesis && failure.code.stops());
    }
}
