//! The key schedule: what one master seed gives, per epoch and security.
//!
//! Every key is `derive(seed, context, [epoch BE32])` ([`crate::kdf::derive`]); nothing depends on the genesis, since
//! the genesis names the public keys.

use crate::{
    context::{self, Purpose, Security},
    error::Error,
    exchanges::Exchanges,
    io::{self, Input},
    kdf,
    random::BlockRandom,
    secret::Secret,
    seed::{Epoch, MasterSeed, SeedRing},
    state::StateKeys,
    x25519::KeyPair,
};
use strongroom_types::{Address, Hash};

/// The keys of one epoch.
#[derive(Clone, Debug)]
pub struct KeySchedule {
    epoch: Epoch,
    security: Security,
    io: KeyPair,
    exchange: KeyPair,
    state_root: Secret<32>,
    random_root: Secret<32>,
    simulation_root: Secret<32>,
    possession: Secret<32>,
}

impl KeySchedule {
    /// Derives the keys of `seed`.
    #[must_use]
    pub fn derive(security: Security, epoch: Epoch, seed: &MasterSeed) -> Self {
        let number = epoch.number().to_be_bytes();
        let key = |purpose: Purpose| kdf::derive(seed.secret(), purpose.at(security), &[&number]);
        Self {
            epoch,
            security,
            io: KeyPair::from_secret(&key(context::IO_KEY)),
            exchange: KeyPair::from_secret(&key(context::EXCHANGE_KEY)),
            state_root: key(context::STATE_ROOT),
            random_root: key(context::RANDOM_ROOT),
            simulation_root: key(context::SIMULATION_ROOT),
            possession: key(context::POSSESSION),
        }
    }

    /// The keys of every live epoch, newest first.
    #[must_use]
    pub fn of_ring(ring: &SeedRing) -> Vec<Self> {
        ring.iter()
            .map(|(epoch, seed)| Self::derive(ring.security(), epoch, seed))
            .collect()
    }

    /// The epoch.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The security whose contexts were used.
    #[must_use]
    pub const fn security(&self) -> Security {
        self.security
    }

    /// The network key pair: clients seal messages for its public key (the *tx key*).
    #[must_use]
    pub const fn io(&self) -> &KeyPair {
        &self.io
    }

    /// The seed-exchange key pair: seals shares for joining nodes.
    #[must_use]
    pub const fn exchange(&self) -> &KeyPair {
        &self.exchange
    }

    /// Key of the proofs of possession ([`crate::share::possession`]).
    pub(crate) const fn possession(&self) -> &Secret<32> {
        &self.possession
    }

    /// The state keys of a contract.
    #[must_use]
    pub fn contract_state_keys(&self, contract: &Address) -> StateKeys {
        let key = |purpose: Purpose| {
            kdf::derive(
                &self.state_root,
                purpose.at(self.security),
                &[contract.as_bytes()],
            )
        };
        StateKeys::new(
            contract.clone(),
            self.epoch,
            key(context::STORAGE_KEYS),
            key(context::STORAGE_VALUES),
        )
    }

    /// The random of a decided block.
    #[must_use]
    pub fn block_random(&self, header_hash: &Hash) -> BlockRandom {
        BlockRandom::new(self.security, &self.random_root, header_hash)
    }

    /// The random that a simulation sees: another root, so that it tells nothing of any block's. `domain` is whatever
    /// the simulation rests on: the hash of the newest header and of the request.
    #[must_use]
    pub fn simulation_random(&self, domain: &Hash) -> BlockRandom {
        BlockRandom::new(self.security, &self.simulation_root, domain)
    }
}

/// Opens a message with the keys at hand, newest first.
///
/// # Errors
/// As [`io::open_input`].
pub fn open_input(
    schedules: &[KeySchedule],
    known: &Exchanges,
    wire: &[u8],
) -> Result<Input, Error> {
    io::open_input(schedules.iter().map(KeySchedule::io), known, wire)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn schedule(security: Security, epoch: u32, seed: u8) -> KeySchedule {
        KeySchedule::derive(
            security,
            Epoch::new(epoch).unwrap(),
            &MasterSeed::new([seed; 32]),
        )
    }

    #[test]
    fn security_epoch_and_seed_each_change_every_key() {
        let mut seen = BTreeSet::new();
        let mut count = 0;
        for security in [Security::Insecure, Security::Attested] {
            for epoch in [1, 2] {
                for seed in [1, 2] {
                    let s = schedule(security, epoch, seed);
                    for key in [
                        s.io.public(),
                        s.exchange.public(),
                        s.state_root.expose(),
                        s.random_root.expose(),
                    ] {
                        seen.insert(*key);
                        count += 1;
                    }
                    seen.insert(*s.simulation_root.expose());
                    seen.insert(*s.possession.expose());
                    count += 2;
                }
            }
        }
        assert_eq!(seen.len(), count);
    }

    #[test]
    fn the_keys_of_a_seed_never_change() {
        // Frozen, computed apart in another language: a chain that lives on these keys must find them again with
        // every later build.
        let s = schedule(Security::Attested, 1, 7);
        assert_eq!(hex::encode(s.io.public()), FROZEN_IO);
        assert_eq!(hex::encode(s.exchange.public()), FROZEN_EXCHANGE);
        let keys = s.contract_state_keys(&Address::from_bytes(&[9; 20]).unwrap());
        assert_eq!(
            hex::encode(keys.storage_key(b"balance").as_bytes()),
            FROZEN_STORAGE_KEY
        );
        let random = s
            .block_random(&[5; 32])
            .call(&Address::from_bytes(&[9; 20]).unwrap(), 0, 0);
        assert_eq!(hex::encode(random.expose()), FROZEN_RANDOM);
    }

    const FROZEN_IO: &str = "3a3ac468c7b7929d199f16275782b7110688b01f66803d09b84e562c98486417";
    const FROZEN_EXCHANGE: &str =
        "36b6e50a548909afb747ba55cf4faaef212f4f193f61f161c017ae118d3d414d";
    const FROZEN_STORAGE_KEY: &str =
        "e98d28ac56eca44a58cd68a5b9b6de97a7866b5c2a79f7c0dc0d6a88fe93d0eb";
    const FROZEN_RANDOM: &str = "76a288a411c9fac2f1e4e215ea30c47b5bdd8961625730803ca6fcbc24cb65ee";

    #[test]
    fn a_ring_gives_schedules_newest_first_and_both_open_messages() {
        let ring = SeedRing::genesis(Security::Insecure, MasterSeed::new([1; 32]));
        let ring = ring
            .with_next(Epoch::new(2).unwrap(), MasterSeed::new([2; 32]))
            .unwrap();
        let schedules = KeySchedule::of_ring(&ring);
        assert_eq!(
            schedules
                .iter()
                .map(|s| s.epoch().number())
                .collect::<Vec<_>>(),
            [2, 1]
        );
        let user = KeyPair::from_secret(&Secret::new([3; 32]));
        for schedule in &schedules {
            let (wire, _) =
                io::seal_input(&user, schedule.io().public(), &[4; 32], &[5; 32], b"{}").unwrap();
            let known = Exchanges::default();
            assert_eq!(
                open_input(&schedules, &known, &wire).unwrap().message(),
                b"{}"
            );
        }
    }
}
