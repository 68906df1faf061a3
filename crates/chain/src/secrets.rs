//! The one implementation of [`Secrets`]: the keys of all live epochs, newest first, derived from a ring of seeds.
//!
//! Promises: new values are sealed under the newest epoch; values of older live epochs are found and opened. The seeds
//! themselves are not kept.
//! Refuses: a ring without an epoch.

use crate::Bytes;
use crate::crypto::KeySchedule;
use crate::crypto::io::Input;
use crate::crypto::schedule::open_input;
use crate::crypto::seed::SeedRing;
use crate::crypto::state::{Header, StateKeys};
use crate::ports::{Secrets, SecretsError};
use crate::types::{Address, Hash, Height};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Contracts whose state keys are kept derived; above it all are forgotten and derived again.
const CONTRACTS_DERIVED_MAX: usize = 1024;

/// The keys of the live epochs. Never empty.
pub struct EpochKeys {
    newest: KeySchedule,
    schedules: Vec<KeySchedule>,
    derived: Mutex<BTreeMap<Address, Arc<[StateKeys]>>>,
}

impl EpochKeys {
    /// The keys that a ring of seeds gives; none without an epoch.
    #[must_use]
    pub fn of(ring: &SeedRing) -> Option<Self> {
        let schedules = KeySchedule::of_ring(ring);
        let newest = schedules.first()?.clone();
        Some(Self {
            newest,
            schedules,
            derived: Mutex::default(),
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

impl Secrets for EpochKeys {
    fn open_input(&self, message: &[u8]) -> Result<Input, SecretsError> {
        open_input(&self.schedules, message).map_err(|_| SecretsError::Closed)
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::seed::{Epoch, MasterSeed};
    use crate::crypto::{Secret, Security, io, x25519::KeyPair};

    fn keys(ring: &SeedRing) -> EpochKeys {
        EpochKeys::of(ring).unwrap()
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
