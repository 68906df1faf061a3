//! The state machine's ports with a stopwatch in front: where the time of a block goes, without a clock in trusted code.

use crate::replica::Bytes;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use strongroom_chain::{CodeRead, Fault, Secrets, SecretsError, ShareTarget, StateRead};
use strongroom_crypto::io::Input;
use strongroom_types::{Address, Hash, Height, Tree};

/// Processor time of this process so far, all threads together: on a busy machine it tells more than a clock does.
#[must_use]
pub fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let (seconds, nanos) = (time.tv_sec.try_into(), time.tv_nsec.try_into());
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}

/// What the state machine asks of what is below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Port {
    /// A user's message is opened.
    OpenInput,
    /// Where a contract's own key lies.
    StorageKeys,
    /// A contract's value is opened.
    OpenValue,
    /// A contract's value is sealed, at block end.
    SealValue,
    /// The random of a call.
    Random,
    /// The seeds are sealed for a node.
    ShareSeeds,
    /// A node's proof of possession is made, to compare.
    Possession,
    /// A read of contract data in the tree.
    ReadContract,
    /// Any other read in the tree.
    ReadNative,
    /// Code that is not loaded yet.
    Code,
}

/// How often, and how long together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Calls.
    pub calls: u64,
    /// Their time.
    pub time: Duration,
}

/// A stopwatch for each port.
#[derive(Debug, Default)]
pub struct Watch(RefCell<BTreeMap<Port, Spent>>);

impl Watch {
    /// What a port took so far.
    #[must_use]
    pub fn spent(&self, port: Port) -> Spent {
        self.0.borrow().get(&port).copied().unwrap_or_default()
    }

    fn time<T>(&self, port: Port, work: impl FnOnce() -> T) -> T {
        let begin = Instant::now();
        let done = work();
        let took = begin.elapsed();
        let mut all = self.0.borrow_mut();
        let spent = all.entry(port).or_default();
        spent.calls += 1;
        spent.time += took;
        done
    }
}

/// Ports behind a stopwatch.
pub(crate) struct Watched<'w> {
    pub(crate) watch: &'w Watch,
    pub(crate) state: &'w dyn StateRead,
    pub(crate) secrets: &'w dyn Secrets,
    pub(crate) code: &'w dyn CodeRead,
}

impl StateRead for Watched<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        let port = if tree == Tree::Contract {
            Port::ReadContract
        } else {
            Port::ReadNative
        };
        self.watch.time(port, || self.state.get(tree, key))
    }
}

impl CodeRead for Watched<'_> {
    fn code(&self, hash: &Hash) -> Result<Bytes, Fault> {
        self.watch.time(Port::Code, || self.code.code(hash))
    }
}

impl Secrets for Watched<'_> {
    fn open_input(&self, message: &[u8]) -> Result<Input, SecretsError> {
        self.watch
            .time(Port::OpenInput, || self.secrets.open_input(message))
    }

    fn storage_keys(&self, contract: &Address, key: &[u8]) -> Result<Vec<Vec<u8>>, SecretsError> {
        self.watch.time(Port::StorageKeys, || {
            self.secrets.storage_keys(contract, key)
        })
    }

    fn seal_value(
        &self,
        contract: &Address,
        key: &[u8],
        height: Height,
        value: &[u8],
    ) -> Result<Vec<u8>, SecretsError> {
        self.watch.time(Port::SealValue, || {
            self.secrets.seal_value(contract, key, height, value)
        })
    }

    fn open_value(
        &self,
        contract: &Address,
        key: &[u8],
        record: &[u8],
    ) -> Result<Bytes, SecretsError> {
        self.watch.time(Port::OpenValue, || {
            self.secrets.open_value(contract, key, record)
        })
    }

    fn random(
        &self,
        header_hash: &Hash,
        contract: &Address,
        tx_index: u32,
        call: u32,
    ) -> Result<[u8; 32], SecretsError> {
        self.watch.time(Port::Random, || {
            self.secrets.random(header_hash, contract, tx_index, call)
        })
    }

    fn share_seeds(&self, target: &ShareTarget) -> Result<Vec<u8>, SecretsError> {
        self.watch
            .time(Port::ShareSeeds, || self.secrets.share_seeds(target))
    }

    fn possession(&self, target: &ShareTarget) -> Result<[u8; 32], SecretsError> {
        self.watch
            .time(Port::Possession, || self.secrets.possession(target))
    }
}
