//! The baseline's world: plaintext in a map.

use super::{Bytes, World};
use std::cell::RefCell;
use std::collections::BTreeMap;
use strongroom_chain::{EpochKeys, Fault, Secrets, SecretsError, ShareTarget, StateRead};
use strongroom_crypto::io::Input;
use strongroom_types::{Address, Hash, Height, Tree, WriteSet};

/// A map of plaintext, and messages that were opened the first time they were seen.
pub struct Plain {
    values: BTreeMap<(Tree, Vec<u8>), Bytes>,
    opened: RefCell<BTreeMap<Vec<u8>, Input>>,
    keys: EpochKeys,
}

impl Plain {
    /// What a contract keeps, by its own keys.
    #[must_use]
    pub fn contract(&self, contract: &Address) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let own = |key: &[u8]| Some(key.strip_prefix(contract.as_bytes())?.to_vec());
        let values = self
            .values
            .iter()
            .filter(|((tree, _), _)| *tree == Tree::Contract);
        values
            .filter_map(|((_, key), value)| Some((own(key)?, value.to_vec())))
            .collect()
    }
}

impl World for Plain {
    fn before_genesis(seed: u64, genesis_hash: Hash) -> Self {
        Self {
            values: BTreeMap::new(),
            opened: RefCell::default(),
            keys: super::keys(seed, genesis_hash),
        }
    }

    fn secrets(&self) -> &dyn Secrets {
        self
    }

    fn apply(&mut self, writes: &WriteSet) {
        for (key, value) in &writes.0 {
            match value {
                Some(value) => self
                    .values
                    .insert(key.clone(), Bytes::from(value.as_slice())),
                None => self.values.remove(key),
            };
        }
        self.opened.borrow_mut().clear();
    }
}

impl StateRead for Plain {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        Ok(self.values.get(&(tree, key.to_vec())).cloned())
    }
}

impl Secrets for Plain {
    fn open_input(&self, message: &[u8]) -> Result<Input, SecretsError> {
        if let Some(known) = self.opened.borrow().get(message) {
            return Ok(known.clone());
        }
        let input = self.keys.open_input(message)?;
        self.opened
            .borrow_mut()
            .insert(message.to_vec(), input.clone());
        Ok(input)
    }

    fn storage_keys(&self, contract: &Address, key: &[u8]) -> Result<Vec<Vec<u8>>, SecretsError> {
        Ok(vec![[contract.as_bytes(), key].concat()])
    }

    fn seal_value(
        &self,
        _: &Address,
        _: &[u8],
        _: Height,
        value: &[u8],
    ) -> Result<Vec<u8>, SecretsError> {
        Ok(value.to_vec())
    }

    fn open_value(&self, _: &Address, _: &[u8], record: &[u8]) -> Result<Bytes, SecretsError> {
        Ok(Bytes::from(record))
    }

    fn random(
        &self,
        header_hash: &Hash,
        contract: &Address,
        tx_index: u32,
        call: u32,
    ) -> Result<[u8; 32], SecretsError> {
        self.keys.random(header_hash, contract, tx_index, call)
    }

    fn share_seeds(&self, target: &ShareTarget) -> Result<Vec<u8>, SecretsError> {
        self.keys.share_seeds(target)
    }

    fn possession(&self, target: &ShareTarget) -> Result<[u8; 32], SecretsError> {
        self.keys.possession(target)
    }
}
