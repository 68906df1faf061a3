//! Master seeds and their epochs.
//!
//! A seed is 32 random bytes, born in one enclave. Seeds come in epochs, from 1 at genesis on; a new epoch has fresh
//! randomness and is derived from nothing older. A [`SeedRing`] holds the live ones, newest first.

use crate::{context::Security, error::Error, secret::Secret};
use borsh::{BorshDeserialize, BorshSerialize};
use zeroize::{Zeroize as _, Zeroizing};

/// Most live epochs: one rotation a month keeps five years readable without re-sealing.
pub const EPOCHS_LIVE_MAX: usize = 64;

/// The number of a seed; the first is 1.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Epoch(u32);

impl Epoch {
    /// The epoch of genesis.
    pub const FIRST: Self = Self(1);

    /// An epoch by number; 0 is none.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number == 0 {
            None
        } else {
            Some(Self(number))
        }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The epoch after this one.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl core::fmt::Display for Epoch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

/// One master seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterSeed(Secret<32>);

impl MasterSeed {
    /// Takes 32 bytes of fresh randomness; the caller wipes its copy.
    #[must_use]
    pub const fn new(randomness: [u8; 32]) -> Self {
        Self(Secret::new(randomness))
    }

    pub(crate) const fn secret(&self) -> &Secret<32> {
        &self.0
    }
}

/// The live seeds, newest first; never empty, epochs strictly falling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedRing {
    security: Security,
    seeds: Vec<(Epoch, MasterSeed)>,
}

impl SeedRing {
    /// The ring of a new network: one seed, epoch 1.
    #[must_use]
    pub fn genesis(security: Security, seed: MasterSeed) -> Self {
        Self {
            security,
            seeds: vec![(Epoch::FIRST, seed)],
        }
    }

    /// A ring of these seeds, newest first.
    ///
    /// # Errors
    /// [`Error::Epochs`] if there are none, too many, or they do not fall.
    pub fn new(security: Security, seeds: Vec<(Epoch, MasterSeed)>) -> Result<Self, Error> {
        let falling = seeds
            .iter()
            .zip(seeds.iter().skip(1))
            .all(|((a, _), (b, _))| a > b);
        let sound =
            (1..=EPOCHS_LIVE_MAX).contains(&seeds.len()) && seeds.iter().all(|(e, _)| e.0 > 0);
        if falling && sound {
            Ok(Self { security, seeds })
        } else {
            Err(Error::Epochs)
        }
    }

    /// Whose contexts the keys are derived under.
    #[must_use]
    pub const fn security(&self) -> Security {
        self.security
    }

    /// The live seeds, newest first.
    pub fn iter(&self) -> impl Iterator<Item = (Epoch, &MasterSeed)> {
        self.seeds.iter().map(|(epoch, seed)| (*epoch, seed))
    }

    /// The live epochs, newest first.
    #[must_use]
    pub fn epochs(&self) -> Vec<Epoch> {
        self.seeds.iter().map(|(epoch, _)| *epoch).collect()
    }

    /// The seed of an epoch, if it lives.
    #[must_use]
    pub fn get(&self, epoch: Epoch) -> Option<&MasterSeed> {
        self.seeds
            .iter()
            .find(|(e, _)| *e == epoch)
            .map(|(_, seed)| seed)
    }

    /// A ring with one more seed in front.
    ///
    /// # Errors
    /// [`Error::Epochs`] unless `epoch` is the one after the newest and there is room.
    pub fn with_next(&self, epoch: Epoch, seed: MasterSeed) -> Result<Self, Error> {
        let newest = self.seeds.first().map(|(e, _)| *e).and_then(Epoch::next);
        if newest != Some(epoch) {
            return Err(Error::Epochs);
        }
        let mut seeds = vec![(epoch, seed)];
        seeds.extend(self.seeds.iter().cloned());
        Self::new(self.security, seeds)
    }

    /// A ring without the epochs before `oldest`.
    ///
    /// # Errors
    /// [`Error::Epochs`] if none would be left.
    pub fn retire_before(&self, oldest: Epoch) -> Result<Self, Error> {
        let kept = self
            .seeds
            .iter()
            .filter(|(e, _)| *e >= oldest)
            .cloned()
            .collect();
        Self::new(self.security, kept)
    }

    /// The plaintext of seals and shares: count u8, then for each seed epoch BE32 ‖ seed(32).
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(EPOCHS_LIVE_MAX.saturating_mul(36)));
        bytes.push(u8::try_from(self.seeds.len()).unwrap_or(u8::MAX));
        for (epoch, seed) in &self.seeds {
            bytes.extend_from_slice(&epoch.0.to_be_bytes());
            bytes.extend_from_slice(seed.0.expose());
        }
        bytes
    }

    pub(crate) fn from_bytes(security: Security, bytes: &[u8]) -> Result<Self, Error> {
        let (count, rest) = bytes.split_first().ok_or(Error::Content)?;
        if rest.len() != usize::from(*count).saturating_mul(36) {
            return Err(Error::Content);
        }
        let mut seeds = Vec::with_capacity(usize::from(*count));
        for entry in rest.chunks_exact(36) {
            let (epoch, seed) = entry.split_first_chunk::<4>().ok_or(Error::Content)?;
            let mut seed: [u8; 32] = seed.try_into().map_err(|_| Error::Content)?;
            seeds.push((Epoch(u32::from_be_bytes(*epoch)), MasterSeed::new(seed)));
            seed.zeroize();
        }
        Self::new(security, seeds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ring(epochs: &[u32]) -> Result<SeedRing, Error> {
        let seed = |e: u32| MasterSeed::new([u8::try_from(e).unwrap(); 32]);
        SeedRing::new(
            Security::Insecure,
            epochs.iter().map(|e| (Epoch(*e), seed(*e))).collect(),
        )
    }

    #[test]
    fn rings_hold_falling_epochs_only() {
        assert!(ring(&[1]).is_ok() && ring(&[7, 6, 2]).is_ok());
        for bad in [&[][..], &[0], &[1, 2], &[2, 2], &[2, 0]] {
            assert_eq!(ring(bad), Err(Error::Epochs), "{bad:?}");
        }
        let many: Vec<u32> = (1..=65).rev().collect();
        assert_eq!(ring(&many), Err(Error::Epochs));
        assert!(ring(&many[..64]).is_ok());
    }

    #[test]
    fn a_new_epoch_goes_in_front_and_old_ones_retire() {
        let ring = SeedRing::genesis(Security::Insecure, MasterSeed::new([1; 32]));
        assert_eq!(ring.epochs(), [Epoch::FIRST]);
        let two = Epoch::new(2).unwrap();
        let newer = ring.with_next(two, MasterSeed::new([2; 32])).unwrap();
        assert_eq!(newer.epochs(), [two, Epoch::FIRST]);
        assert_eq!(newer.get(two), Some(&MasterSeed::new([2; 32])));
        assert_eq!(
            newer.with_next(two, MasterSeed::new([3; 32])),
            Err(Error::Epochs)
        );
        assert_eq!(
            ring.with_next(Epoch(3), MasterSeed::new([3; 32])),
            Err(Error::Epochs)
        );
        assert_eq!(newer.retire_before(two).unwrap().epochs(), [two]);
        assert_eq!(newer.retire_before(Epoch(3)), Err(Error::Epochs));
    }

    #[test]
    fn bytes_that_are_no_ring_of_seeds_are_refused() {
        let ring = ring(&[2, 1]).unwrap();
        let bytes = ring.to_bytes();
        let read = |bytes: &[u8]| SeedRing::from_bytes(Security::Insecure, bytes).is_ok();
        assert!(read(&bytes));
        // Seeds alone, without a count or without epochs; a count of none, of fewer, of more.
        let seeds: Vec<u8> = bytes[1..]
            .chunks(36)
            .flat_map(|e| e[4..].to_vec())
            .collect();
        let counted = [&[2][..], &seeds].concat();
        let recount = |n: u8| [&[n][..], &bytes[1..]].concat();
        let bad = [
            Vec::new(),
            seeds,
            counted,
            recount(0),
            recount(1),
            recount(3),
            bytes[1..].to_vec(),
        ];
        for bad in &bad {
            assert!(!read(bad));
        }
    }

    #[test]
    fn a_ring_never_prints_its_seeds() {
        let text = format!("{:?}", ring(&[171]).unwrap());
        assert!(
            !text.contains("171, 171") && text.contains("Secret(..)"),
            "{text}"
        );
    }

    proptest! {
        #[test]
        fn rings_return_from_their_bytes(epochs in proptest::collection::btree_set(1_u32..200, 1..9)) {
            let epochs: Vec<u32> = epochs.into_iter().rev().collect();
            let ring = ring(&epochs).unwrap();
            let bytes = ring.to_bytes();
            prop_assert_eq!(SeedRing::from_bytes(Security::Insecure, &bytes).unwrap(), ring);
            prop_assert_eq!(SeedRing::from_bytes(Security::Insecure, &bytes[..bytes.len() - 1]), Err(Error::Content));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = SeedRing::from_bytes(Security::Attested, &bytes);
        }
    }
}
