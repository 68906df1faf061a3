//! The one implementation of [`Secrets`]: the keys of all live epochs, newest first, derived from a ring of seeds.
//!
//! Promises: new values are sealed under the newest epoch; values of older live epochs are found and opened. The seeds
//! themselves are kept for one purpose, the shares of joining nodes.
//! Refuses: a ring without an epoch.

use crate::Bytes;
use crate::crypto::exchanges::Exchanges;
use crate::crypto::io::Input;
use crate::crypto::random::BlockRandom;
use crate::crypto::schedule::open_input;
use crate::crypto::seal::{Chain, encode};
use crate::crypto::seed::SeedRing;
use crate::crypto::share::{Share, ShareTarget, possession};
use crate::crypto::state::{Header, StateKeys};
use crate::crypto::{self, KeySchedule};
use crate::ports::{Secrets, SecretsError};
use crate::types::{Address, Hash, Height, sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Contracts whose state keys are kept derived; above it all are forgotten and derived again.
const CONTRACTS_DERIVED_MAX: usize = 1024;

/// The keys of the live epochs. Never empty.
pub struct EpochKeys {
    chain: Chain,
    ring: SeedRing,
    newest: KeySchedule,
    schedules: Vec<KeySchedule>,
    derived: Mutex<BTreeMap<Address, Arc<[StateKeys]>>>,
    exchanges: Exchanges,
}

impl EpochKeys {
    /// The keys that a ring of seeds gives to a chain; none without an epoch.
    #[must_use]
    pub fn of(chain: &Chain, ring: &SeedRing) -> Option<Self> {
        let schedules = KeySchedule::of_ring(ring);
        let newest = schedules.first()?.clone();
        Some(Self {
            chain: *chain,
            ring: ring.clone(),
            newest,
            schedules,
            derived: Mutex::default(),
            exchanges: Exchanges::default(),
        })
    }

    /// The keys of the newest epoch.
    #[must_use]
    pub const fn newest(&self) -> &KeySchedule {
        &self.newest
    }

    /// The state keys of a contract, newest epoch first.
    fn of_contract(&self, contract: &Address) -> Arc<[StateKeys]> {
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = derived.get(contract) {
            return Arc::clone(keys);
        }
        let keys: Arc<[StateKeys]> = self
            .schedules
            .iter()
            .map(|schedule| schedule.contract_state_keys(contract))
            .collect();
        if derived.len() >= CONTRACTS_DERIVED_MAX {
            derived.clear();
        }
        derived.insert(contract.clone(), Arc::clone(&keys));
        keys
    }
}

/// The keys as a simulation has them, on a state of which nothing is kept: with a random of its own, and no seed to give away.
pub struct SimulationKeys<'k> {
    keys: &'k EpochKeys,
    random: BlockRandom,
}

impl EpochKeys {
    /// The keys for a simulation of `tx` on the state after the block with this header: its random is another for each of both, and
    /// that of no block.
    #[must_use]
    pub fn for_simulation(&self, header_hash: &Hash, tx: &[u8]) -> SimulationKeys<'_> {
        let domain = sha256(&[header_hash, tx].concat());
        SimulationKeys {
            keys: self,
            random: self.newest.simulation_random(&domain),
        }
    }
}

impl Secrets for SimulationKeys<'_> {
    fn open_input(&self, message: &[u8]) -> Result<Input, SecretsError> {
        self.keys.open_input(message)
    }

    fn storage_keys(&self, contract: &Address, key: &[u8]) -> Result<Vec<Vec<u8>>, SecretsError> {
        self.keys.storage_keys(contract, key)
    }

    fn seal_value(
        &self,
        _: &Address,
        _: &[u8],
        _: Height,
        _: &[u8],
    ) -> Result<Vec<u8>, SecretsError> {
        Err(SecretsError::NotHere)
    }

    fn open_value(
        &self,
        contract: &Address,
        key: &[u8],
        record: &[u8],
    ) -> Result<Bytes, SecretsError> {
        self.keys.open_value(contract, key, record)
    }

    fn random(
        &self,
        _: &Hash,
        contract: &Address,
        tx_index: u32,
        call: u32,
    ) -> Result<[u8; 32], SecretsError> {
        Ok(*self.random.call(contract, tx_index, call).expose())
    }

    fn share_seeds(&self, _: &ShareTarget) -> Result<Vec<u8>, SecretsError> {
        Err(SecretsError::NotHere)
    }

    fn possession(&self, _: &ShareTarget) -> Result<[u8; 32], SecretsError> {
        Err(SecretsError::NotHere)
    }
}

impl Secrets for EpochKeys {
    fn open_input(&self, message: &[u8]) -> Result<Input, SecretsError> {
        open_input(&self.schedules, &self.exchanges, message).map_err(|_| SecretsError::Closed)
    }

    fn storage_keys(&self, contract: &Address, key: &[u8]) -> Result<Vec<Vec<u8>>, SecretsError> {
        Ok(self
            .of_contract(contract)
            .iter()
            .map(|keys| keys.raw_key(&keys.storage_key(key)))
            .collect())
    }

    fn seal_value(
        &self,
        contract: &Address,
        key: &[u8],
        height: Height,
        value: &[u8],
    ) -> Result<Vec<u8>, SecretsError> {
        let keys = self.of_contract(contract);
        let newest = keys.first().ok_or(SecretsError::NotHere)?;
        newest
            .seal(&newest.storage_key(key), height, value)
            .map_err(|_| SecretsError::Corrupt)
    }

    fn open_value(
        &self,
        contract: &Address,
        key: &[u8],
        record: &[u8],
    ) -> Result<Bytes, SecretsError> {
        let epoch = Header::of(record).map_err(|_| SecretsError::Corrupt)?.epoch;
        let keys = self.of_contract(contract);
        let keys = keys
            .iter()
            .find(|keys| keys.epoch() == epoch)
            .ok_or(SecretsError::Corrupt)?;
        let value = keys
            .open(&keys.storage_key(key), record)
            .map_err(|_| SecretsError::Corrupt)?;
        Ok(Bytes::from(value.as_slice()))
    }

    fn random(
        &self,
        header_hash: &Hash,
        contract: &Address,
        tx_index: u32,
        call: u32,
    ) -> Result<[u8; 32], SecretsError> {
        Ok(*self
            .newest
            .block_random(header_hash)
            .call(contract, tx_index, call)
            .expose())
    }

    fn share_seeds(&self, target: &ShareTarget) -> Result<Vec<u8>, SecretsError> {
        let share = Share::seal(self.newest.exchange(), target, &self.chain, &self.ring);
        let share = share.map_err(|e| match e {
            crypto::Error::LowOrder => SecretsError::Key,
            _ => SecretsError::Corrupt,
        })?;
        encode(&share).map_err(|_| SecretsError::Corrupt)
    }

    fn possession(&self, target: &ShareTarget) -> Result<[u8; 32], SecretsError> {
        Ok(possession(&self.newest, &self.chain, target))
    }

    fn shared(&self) -> Option<&(dyn Secrets + Sync)> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::seed::{Epoch, MasterSeed};
    use crate::crypto::{Secret, Security, io, x25519::KeyPair};
    use crate::ports::NoSecrets;

    fn keys(ring: &SeedRing) -> EpochKeys {
        let chain = Chain {
            genesis_hash: [6; 32],
            security: ring.security(),
        };
        EpochKeys::of(&chain, ring).unwrap()
    }

    fn one() -> SeedRing {
        SeedRing::genesis(Security::Insecure, MasterSeed::new([1; 32]))
    }

    fn two() -> SeedRing {
        one()
            .with_next(Epoch::new(2).unwrap(), MasterSeed::new([2; 32]))
            .unwrap()
    }

    fn contract() -> Address {
        Address::of_module("a contract")
    }

    #[test]
    fn a_value_of_an_older_epoch_is_found_and_opened_and_new_ones_go_to_the_newest() {
        let (old, new) = (keys(&one()), keys(&two()));
        let record = old.seal_value(&contract(), b"key", 5, b"value").unwrap();
        let places = new.storage_keys(&contract(), b"key").unwrap();
        assert_eq!(places.len(), 2);
        assert_eq!(places[1..], old.storage_keys(&contract(), b"key").unwrap());
        assert_eq!(
            &*new.open_value(&contract(), b"key", &record).unwrap(),
            b"value"
        );
        let sealed_again = new.seal_value(&contract(), b"key", 5, b"value").unwrap();
        assert_eq!(Header::of(&sealed_again).unwrap().epoch.number(), 2);
        assert_eq!(
            old.open_value(&contract(), b"key", &sealed_again),
            Err(SecretsError::Corrupt)
        );
        assert_eq!(
            new.open_value(&contract(), b"other", &record),
            Err(SecretsError::Corrupt)
        );
    }

    #[test]
    fn messages_for_the_previous_key_still_open() {
        let (old, new) = (keys(&one()), keys(&two()));
        let user = KeyPair::from_secret(&Secret::new([9; 32]));
        let (wire, _) =
            io::seal_input(&user, old.newest().io().public(), &[3; 32], &[4; 32], b"{}").unwrap();
        assert_eq!(new.open_input(&wire).unwrap().message(), b"{}");
        let (wire, _) =
            io::seal_input(&user, new.newest().io().public(), &[3; 32], &[4; 32], b"{}").unwrap();
        assert!(matches!(old.open_input(&wire), Err(SecretsError::Closed)));
    }

    #[test]
    fn a_share_holds_all_live_seeds_and_possession_follows_the_newest() {
        let node = KeyPair::from_secret(&Secret::new([9; 32]));
        let target = ShareTarget {
            node_id: [5; 20],
            one_time_key: *node.public(),
        };
        let keys = keys(&two());
        let share: Share = crypto::seal::decode(&keys.share_seeds(&target).unwrap()).unwrap();
        assert_eq!(share.sender(), keys.newest().exchange().public());
        let ring = share.open(&node, &[5; 20], &keys.chain).unwrap();
        assert_eq!(ring, two());
        let joined = EpochKeys::of(&keys.chain, &ring).unwrap();
        assert_eq!(joined.possession(&target), keys.possession(&target));
        let low = ShareTarget {
            one_time_key: [0; 32],
            ..target
        };
        assert_eq!(keys.share_seeds(&low), Err(SecretsError::Key));
        assert_eq!(NoSecrets.share_seeds(&target), Err(SecretsError::NotHere));
        assert_eq!(NoSecrets.possession(&target), Err(SecretsError::NotHere));
    }

    #[test]
    fn random_differs_by_block_contract_transaction_and_call() {
        let keys = keys(&one());
        let other = Address::of_module("another contract");
        let draws = [
            keys.random(&[1; 32], &contract(), 0, 0).unwrap(),
            keys.random(&[2; 32], &contract(), 0, 0).unwrap(),
            keys.random(&[1; 32], &other, 0, 0).unwrap(),
            keys.random(&[1; 32], &contract(), 1, 0).unwrap(),
            keys.random(&[1; 32], &contract(), 0, 1).unwrap(),
        ];
        assert_eq!(std::collections::BTreeSet::from(draws).len(), draws.len());
        assert_eq!(keys.random(&[1; 32], &contract(), 0, 0).unwrap(), draws[0]);
    }
}
