//! What an enclave seals for itself: its seeds and its anchor.
//!
//! Both are versioned borsh enums that carry the genesis hash, the security and (seeds) the epochs in the open; all of it
//! is associated data of the ciphertext. Whoever opens says which chain it is on: another genesis hash or security is
//! refused by name before anything is opened, and an altered one does not open.
//!
//! Seals are for the platform that made them: the key is derived from the platform's sealing key, which the caller
//! passes. What goes to other nodes is in [`crate::share`].

use crate::{
    aead,
    context::{self, Purpose, Security},
    error::Error,
    kdf,
    secret::Secret,
    seed::{EPOCHS_LIVE_MAX, Epoch, SeedRing},
    x25519::KeyPair,
};
use borsh::{BorshDeserialize, BorshSerialize};
use strongroom_types::Hash;
use zeroize::{Zeroize as _, Zeroizing};

/// Longest seal or share that is decoded, in bytes; an anchor with a large validator set is the longest.
pub const SEAL_LEN_MAX: usize = 1 << 20;

/// Which chain a seal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Chain {
    /// SHA-256 of the genesis file's bytes.
    pub genesis_hash: Hash,
    /// Security of the network's platforms, from that genesis.
    pub security: Security,
}

impl Chain {
    pub(crate) fn require(&self, ours: &Self) -> Result<(), Error> {
        if self.security != ours.security {
            Err(Error::OtherSecurity)
        } else if self.genesis_hash != ours.genesis_hash {
            Err(Error::OtherGenesis)
        } else {
            Ok(())
        }
    }

    pub(crate) fn ad(&self) -> [u8; 33] {
        let mut ad = [0; 33];
        for (slot, byte) in ad
            .iter_mut()
            .zip(self.genesis_hash.iter().chain(&[self.security as u8]))
        {
            *slot = *byte;
        }
        ad
    }
}

/// The seeds, sealed for this platform.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum SealedSeeds {
    /// AD = [genesis hash ‖ security, epochs BE32 each].
    V1 {
        /// The chain.
        chain: Chain,
        /// Epochs within, newest first.
        epochs: Vec<Epoch>,
        /// Ciphertext.
        sealed: Vec<u8>,
    } = 1,
}

impl SealedSeeds {
    /// Seals the ring for the platform.
    ///
    /// # Errors
    /// [`Error::OtherSecurity`] if the ring is not of this chain's security.
    pub fn seal(platform_key: &Secret<32>, chain: &Chain, ring: &SeedRing) -> Result<Self, Error> {
        if ring.security() != chain.security {
            return Err(Error::OtherSecurity);
        }
        let epochs = ring.epochs();
        let key = platform(platform_key, context::SEAL_SEEDS, chain.security);
        let sealed = aead::seal(&key, &[&chain.ad(), &epochs_ad(&epochs)], &ring.to_bytes())?;
        Ok(Self::V1 {
            chain: *chain,
            epochs,
            sealed,
        })
    }

    /// Opens the seeds on the chain that the caller is on.
    ///
    /// # Errors
    /// [`Error::OtherGenesis`], [`Error::OtherSecurity`], [`Error::DoesNotOpen`] on another platform or for changed
    /// bytes.
    pub fn open(&self, platform_key: &Secret<32>, ours: &Chain) -> Result<SeedRing, Error> {
        let Self::V1 {
            chain,
            epochs,
            sealed,
        } = self;
        chain.require(ours)?;
        let key = platform(platform_key, context::SEAL_SEEDS, chain.security);
        let plain = aead::open(&key, &[&chain.ad(), &epochs_ad(epochs)], sealed)?;
        ring_of(chain, epochs, &plain)
    }
}

/// The enclave's anchor (position, root, next validators: its own encoding), sealed for this platform.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum SealedAnchor {
    /// AD = [genesis hash ‖ security].
    V1 {
        /// The chain.
        chain: Chain,
        /// Ciphertext.
        sealed: Vec<u8>,
    } = 1,
}

impl SealedAnchor {
    /// Seals the anchor for the platform.
    ///
    /// # Errors
    /// [`Error::TooLong`] beyond half of [`SEAL_LEN_MAX`].
    pub fn seal(platform_key: &Secret<32>, chain: &Chain, anchor: &[u8]) -> Result<Self, Error> {
        if anchor.len() > SEAL_LEN_MAX / 2 {
            return Err(Error::TooLong);
        }
        let key = platform(platform_key, context::SEAL_ANCHOR, chain.security);
        Ok(Self::V1 {
            chain: *chain,
            sealed: aead::seal(&key, &[&chain.ad()], anchor)?,
        })
    }

    /// Opens the anchor on the chain that the caller is on.
    ///
    /// # Errors
    /// As [`SealedSeeds::open`].
    pub fn open(
        &self,
        platform_key: &Secret<32>,
        ours: &Chain,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let Self::V1 { chain, sealed } = self;
        chain.require(ours)?;
        aead::open(
            &platform(platform_key, context::SEAL_ANCHOR, chain.security),
            &[&chain.ad()],
            sealed,
        )
    }
}

/// The one-time key of a joining node, sealed for this platform until its share can be read.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum SealedOneTimeKey {
    /// AD = [genesis hash ‖ security, node id].
    V1 {
        /// The chain.
        chain: Chain,
        /// The node that joins.
        node_id: [u8; 20],
        /// Ciphertext.
        sealed: Vec<u8>,
    } = 1,
}

impl SealedOneTimeKey {
    /// Seals the private key for the platform.
    ///
    /// # Errors
    /// None in practice.
    pub fn seal(
        platform_key: &Secret<32>,
        chain: &Chain,
        node_id: &[u8; 20],
        one_time: &Secret<32>,
    ) -> Result<Self, Error> {
        let key = platform(platform_key, context::SEAL_ONE_TIME, chain.security);
        Ok(Self::V1 {
            chain: *chain,
            node_id: *node_id,
            sealed: aead::seal(&key, &[&chain.ad(), node_id], one_time.expose())?,
        })
    }

    /// Opens it on the chain that the caller is on: which node joins, and its key pair.
    ///
    /// # Errors
    /// As [`SealedSeeds::open`].
    pub fn open(
        &self,
        platform_key: &Secret<32>,
        ours: &Chain,
    ) -> Result<([u8; 20], KeyPair), Error> {
        let Self::V1 {
            chain,
            node_id,
            sealed,
        } = self;
        chain.require(ours)?;
        let key = platform(platform_key, context::SEAL_ONE_TIME, chain.security);
        let plain = aead::open(&key, &[&chain.ad(), node_id], sealed)?;
        let mut bytes: [u8; 32] = plain.as_slice().try_into().map_err(|_| Error::Content)?;
        let secret = Secret::new(bytes);
        bytes.zeroize();
        Ok((*node_id, KeyPair::from_secret(&secret)))
    }
}

/// Decodes a seal or share: bounded, whole input.
///
/// # Errors
/// [`Error::TooLong`], [`Error::Version`] for whatever is no version of it that we know.
pub fn decode<T: BorshDeserialize>(bytes: &[u8]) -> Result<T, Error> {
    if bytes.len() > SEAL_LEN_MAX {
        return Err(Error::TooLong);
    }
    borsh::from_slice(bytes).map_err(|_| Error::Version)
}

/// Encodes a seal or share.
///
/// # Errors
/// None in practice: memory takes all writes.
pub fn encode<T: BorshSerialize>(sealed: &T) -> Result<Vec<u8>, Error> {
    borsh::to_vec(sealed).map_err(|_| Error::Content)
}

fn platform(key: &Secret<32>, purpose: Purpose, security: Security) -> Secret<32> {
    kdf::derive(key, purpose.at(security), &[])
}

pub(crate) fn epochs_ad(epochs: &[Epoch]) -> Vec<u8> {
    epochs
        .iter()
        .flat_map(|e| e.number().to_be_bytes())
        .collect()
}

pub(crate) fn ring_of(chain: &Chain, epochs: &[Epoch], plain: &[u8]) -> Result<SeedRing, Error> {
    let ring = SeedRing::from_bytes(chain.security, plain)?;
    if epochs.len() > EPOCHS_LIVE_MAX || ring.epochs() != epochs {
        Err(Error::Epochs)
    } else {
        Ok(ring)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MasterSeed;
    use proptest::prelude::*;

    const CHAIN: Chain = Chain {
        genesis_hash: [7; 32],
        security: Security::Insecure,
    };

    fn platform_key() -> Secret<32> {
        Secret::new([1; 32])
    }

    fn ring() -> SeedRing {
        SeedRing::genesis(Security::Insecure, MasterSeed::new([2; 32]))
            .with_next(Epoch::new(2).unwrap(), MasterSeed::new([3; 32]))
            .unwrap()
    }

    #[test]
    fn seeds_return_on_the_same_platform_and_chain() {
        let sealed = SealedSeeds::seal(&platform_key(), &CHAIN, &ring()).unwrap();
        let back: SealedSeeds = decode(&encode(&sealed).unwrap()).unwrap();
        assert_eq!(back.open(&platform_key(), &CHAIN).unwrap(), ring());
        assert_eq!(
            back.open(&Secret::new([2; 32]), &CHAIN),
            Err(Error::DoesNotOpen)
        );
    }

    #[test]
    fn another_genesis_is_refused_by_name_for_every_kind() {
        let other = Chain {
            genesis_hash: [8; 32],
            ..CHAIN
        };
        let seeds = SealedSeeds::seal(&platform_key(), &CHAIN, &ring()).unwrap();
        let anchor = SealedAnchor::seal(&platform_key(), &CHAIN, b"anchor").unwrap();
        assert_eq!(
            seeds.open(&platform_key(), &other),
            Err(Error::OtherGenesis)
        );
        assert_eq!(
            anchor.open(&platform_key(), &other),
            Err(Error::OtherGenesis)
        );
        let attested = Chain {
            security: Security::Attested,
            ..CHAIN
        };
        assert_eq!(
            seeds.open(&platform_key(), &attested),
            Err(Error::OtherSecurity)
        );
        assert_eq!(
            SealedSeeds::seal(&platform_key(), &attested, &ring()),
            Err(Error::OtherSecurity)
        );
    }

    #[test]
    fn a_rewritten_genesis_hash_or_epoch_does_not_open() {
        let SealedSeeds::V1 { sealed, .. } =
            SealedSeeds::seal(&platform_key(), &CHAIN, &ring()).unwrap();
        let other = Chain {
            genesis_hash: [8; 32],
            ..CHAIN
        };
        let forged = SealedSeeds::V1 {
            chain: other,
            epochs: ring().epochs(),
            sealed: sealed.clone(),
        };
        assert_eq!(
            forged.open(&platform_key(), &other),
            Err(Error::DoesNotOpen)
        );
        let forged = SealedSeeds::V1 {
            chain: CHAIN,
            epochs: vec![Epoch::FIRST],
            sealed,
        };
        assert_eq!(
            forged.open(&platform_key(), &CHAIN),
            Err(Error::DoesNotOpen)
        );
    }

    #[test]
    fn kinds_do_not_stand_in_for_each_other() {
        let SealedSeeds::V1 { sealed, .. } =
            SealedSeeds::seal(&platform_key(), &CHAIN, &ring()).unwrap();
        let as_anchor = SealedAnchor::V1 {
            chain: CHAIN,
            sealed,
        };
        assert_eq!(
            as_anchor.open(&platform_key(), &CHAIN),
            Err(Error::DoesNotOpen)
        );
    }

    #[test]
    fn unknown_versions_and_oversized_bytes_are_refused() {
        let mut bytes =
            encode(&SealedAnchor::seal(&platform_key(), &CHAIN, b"a").unwrap()).unwrap();
        bytes[0] = 2;
        assert_eq!(decode::<SealedAnchor>(&bytes), Err(Error::Version));
        assert_eq!(
            decode::<SealedAnchor>(&vec![1; SEAL_LEN_MAX + 1]),
            Err(Error::TooLong)
        );
        let long = vec![0; SEAL_LEN_MAX / 2 + 1];
        assert_eq!(
            SealedAnchor::seal(&platform_key(), &CHAIN, &long),
            Err(Error::TooLong)
        );
    }

    proptest! {
        #[test]
        fn no_changed_bit_opens(bit in any::<proptest::sample::Index>()) {
            let refused = |mut bytes: Vec<u8>, open: &dyn Fn(&[u8]) -> bool| {
                let at = bit.index(bytes.len() * 8);
                bytes[at / 8] ^= 1 << (at % 8);
                !open(&bytes)
            };
            let seeds = encode(&SealedSeeds::seal(&platform_key(), &CHAIN, &ring()).unwrap()).unwrap();
            let opens = |b: &[u8]| decode::<SealedSeeds>(b).is_ok_and(|s| s.open(&platform_key(), &CHAIN).is_ok());
            prop_assert!(refused(seeds, &opens));
            let anchor = encode(&SealedAnchor::seal(&platform_key(), &CHAIN, b"anchor").unwrap()).unwrap();
            let opens = |b: &[u8]| decode::<SealedAnchor>(b).is_ok_and(|s| s.open(&platform_key(), &CHAIN).is_ok());
            prop_assert!(refused(anchor, &opens));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (decode::<SealedSeeds>(&bytes), decode::<SealedAnchor>(&bytes));
        }
    }
}
