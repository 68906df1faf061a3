//! What the state machine stands on here: records as a host has them, sealed, in a map without a tree.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use strongroom_chain::engine::ContractEngine;
use strongroom_chain::{Bytes, CodeRead, EpochKeys, ExecutionEnv, Fault, StateRead};
use strongroom_types::{Hash, Tree, WriteSet};

/// One engine for all networks of this process: a contract is prepared and loaded once, however many tests run it. Neither results nor
/// gas depend on what it holds.
static ENGINE: LazyLock<ContractEngine> = LazyLock::new(ContractEngine::default);

/// Records by tree and raw key, and code by hash. Cheap to clone: what two clones have in common they share.
#[derive(Clone)]
pub(crate) struct World {
    records: Arc<BTreeMap<(Tree, Vec<u8>), Bytes>>,
    code: Arc<BTreeMap<Hash, Bytes>>,
    pub(crate) keys: Arc<EpochKeys>,
}

impl World {
    pub(crate) fn new(keys: EpochKeys) -> Self {
        Self {
            records: Arc::default(),
            code: Arc::default(),
            keys: Arc::new(keys),
        }
    }

    pub(crate) fn env<'w>(code: &'w dyn CodeRead) -> ExecutionEnv<'w> {
        ExecutionEnv {
            code,
            engine: &ENGINE,
        }
    }

    /// Takes over what a block changed.
    pub(crate) fn apply(&mut self, writes: &WriteSet, new_code: &BTreeMap<Hash, Bytes>) {
        if !writes.0.is_empty() {
            let records = Arc::make_mut(&mut self.records);
            for (key, value) in &writes.0 {
                match value {
                    Some(value) => records.insert(key.clone(), Bytes::from(value.as_slice())),
                    None => records.remove(key),
                };
            }
        }
        if !new_code.is_empty() {
            let new = new_code.iter().map(|(hash, wasm)| (*hash, wasm.clone()));
            Arc::make_mut(&mut self.code).extend(new);
        }
    }

    pub(crate) fn record(&self, tree: Tree, key: &[u8]) -> Option<Bytes> {
        self.records.get(&(tree, key.to_vec())).cloned()
    }
}

impl CodeRead for World {
    fn code(&self, hash: &Hash) -> Result<Bytes, Fault> {
        let code = self.code.get(hash).cloned();
        code.ok_or_else(|| Fault::Content(String::from("no such code")))
    }
}

/// A read as the host sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) tree: Tree,
    pub(crate) key: Vec<u8>,
    /// Bytes of the record; `None`: there is none.
    pub(crate) bytes: Option<usize>,
}

/// A world whose reads are noted, in the order in which an enclave that remembers nothing would ask its host.
pub(crate) struct Watched<'w> {
    world: &'w World,
    reads: RefCell<Vec<Read>>,
}

impl<'w> Watched<'w> {
    pub(crate) const fn new(world: &'w World) -> Self {
        Self {
            world,
            reads: RefCell::new(Vec::new()),
        }
    }

    pub(crate) fn reads(self) -> Vec<Read> {
        self.reads.into_inner()
    }
}

impl StateRead for Watched<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        let record = self.world.record(tree, key);
        self.reads.borrow_mut().push(Read {
            tree,
            key: key.to_vec(),
            bytes: record.as_ref().map(|r| r.len()),
        });
        Ok(record)
    }
}
