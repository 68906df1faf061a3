//! The world as it is in the enclave: proven tree, sealed values.

use super::{Bytes, World};
use crate::platform::Seeded;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use strongroom_chain::{Fault, Secrets, SecretsError, StateRead};
use strongroom_crypto::KeySchedule;
use strongroom_crypto::io::Input;
use strongroom_crypto::schedule::open_input;
use strongroom_crypto::state::StateKeys;
use strongroom_proof::{PartialForest, Read};
use strongroom_types::{Address, Hash, Height, Tree, WriteSet};

/// Tree and keys of the enclave of a chain.
pub struct Sealed {
    forest: PartialForest,
    schedule: [KeySchedule; 1],
    derived: Mutex<BTreeMap<Address, Arc<StateKeys>>>,
}

impl Sealed {
    /// The root of the state.
    #[must_use]
    pub fn app_hash(&self) -> Hash {
        self.forest.app_hash()
    }

    /// The tree; a clone costs nothing.
    #[must_use]
    pub const fn forest(&self) -> &PartialForest {
        &self.forest
    }

    fn keys(&self, contract: &Address) -> Arc<StateKeys> {
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        let [schedule] = &self.schedule;
        let keys = derived
            .entry(contract.clone())
            .or_insert_with(|| Arc::new(schedule.contract_state_keys(contract)));
        Arc::clone(keys)
    }
}

impl World for Sealed {
    fn before_genesis(seed: u64) -> Self {
        let schedules = KeySchedule::of_ring(&Seeded(seed).seeds());
        Self {
            forest: PartialForest::empty(),
            schedule: schedules.try_into().expect("one epoch"),
            derived: Mutex::default(),
        }
    }

    fn apply(&mut self, writes: &WriteSet) {
        self.forest
            .apply(writes)
            .expect("a tree that is wholly known");
    }
}

impl StateRead for Sealed {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        match self.forest.read(tree, key) {
            Read::Value(value) => Ok(Some(value)),
            Read::Absent => Ok(None),
            Read::Unknown => Err(Fault::State(String::from("nothing was ever evicted here"))),
        }
    }
}

impl Secrets for Sealed {
    fn open_input(&self, message: &[u8]) -> Result<Input, SecretsError> {
        open_input(&self.schedule, message).map_err(|_| SecretsError::Closed)
    }

    fn storage_keys(&self, contract: &Address, key: &[u8]) -> Result<Vec<Vec<u8>>, SecretsError> {
        let keys = self.keys(contract);
        Ok(vec![keys.raw_key(&keys.storage_key(key))])
    }

    fn seal_value(
        &self,
        contract: &Address,
        key: &[u8],
        height: Height,
        value: &[u8],
    ) -> Result<Vec<u8>, SecretsError> {
        let keys = self.keys(contract);
        let sealed = keys.seal(&keys.storage_key(key), height, value);
        sealed.map_err(|_| SecretsError::Corrupt)
    }

    fn open_value(
        &self,
        contract: &Address,
        key: &[u8],
        record: &[u8],
    ) -> Result<Bytes, SecretsError> {
        let keys = self.keys(contract);
        let value = keys.open(&keys.storage_key(key), record);
        let value = value.map_err(|_| SecretsError::Corrupt)?;
        Ok(Bytes::from(value.as_slice()))
    }

    fn random(
        &self,
        header_hash: &Hash,
        contract: &Address,
        tx_index: u32,
        call: u32,
    ) -> Result<[u8; 32], SecretsError> {
        let [schedule] = &self.schedule;
        let random = schedule.block_random(header_hash);
        Ok(*random.call(contract, tx_index, call).expose())
    }
}
