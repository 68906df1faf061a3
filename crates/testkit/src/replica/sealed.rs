//! The world as it is in the enclave: proven tree, sealed values.

use super::{Bytes, World};
use strongroom_chain::{EpochKeys, Fault, Secrets, StateRead};
use strongroom_proof::{PartialForest, Read};
use strongroom_types::{Hash, Tree, WriteSet};

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
