//! The world as it is in the enclave: proven tree, sealed values.

use super::{Bytes, Replica, World};
use strongroom_chain::query::QueryStop;
use strongroom_chain::{BlockInfo, EpochKeys, Fault, Secrets, StateRead, simulate_sealed};
use strongroom_proof::{PartialForest, Read};
use strongroom_types::{Gas, Hash, Tree, WriteSet};

/// Tree and keys of the enclave of a chain.
pub struct Sealed {
    forest: PartialForest,
    keys: EpochKeys,
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
}

impl Replica<Sealed> {
    /// Simulates a transaction as the enclave does where genesis lets it. Gives the gas, if it would succeed.
    ///
    /// # Panics
    /// If it faults: no transaction may.
    #[must_use]
    pub fn simulate(&self, head: &BlockInfo, tx: &[u8]) -> Option<Gas> {
        let keys = self.world.keys.for_simulation(&head.header_hash, tx);
        match simulate_sealed(&self.world, &keys, self.env(), head, tx) {
            Ok(done) => Some(done.gas_used),
            Err(QueryStop::Error(_)) => None,
            Err(QueryStop::Fault(fault)) => panic!("a simulation faults: {fault}"),
        }
    }
}

impl World for Sealed {
    fn before_genesis(seed: u64, genesis_hash: Hash) -> Self {
        Self {
            forest: PartialForest::empty(),
            keys: super::keys(seed, genesis_hash),
        }
    }

    fn secrets(&self) -> &dyn Secrets {
        &self.keys
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

    fn shared(&self) -> Option<Box<dyn StateRead + Sync + '_>> {
        Some(Box::new(self))
    }
}
