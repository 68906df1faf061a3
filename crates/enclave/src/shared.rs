//! What the lanes share: the latch, the engine, and the version that queries read, with its keys.

use crate::failure::FailureLatch;
use crate::platform::Platform;
use crate::secrets::Keys;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use strongroom_bridge::message::Status;
use strongroom_chain::BlockInfo;
use strongroom_chain::modules::compute::ContractEngine;
use strongroom_proof::PartialForest;
use strongroom_types::Hash;

/// The most bytes of proven state that the execution lane keeps between two blocks, and so each published version.
pub const TREE_BYTES_MAX: usize = 64 << 20;

/// The newest committed version.
pub(crate) struct Published {
    /// Its block.
    pub(crate) block: BlockInfo,
    /// The genesis of its chain.
    pub(crate) genesis_hash: Hash,
    /// The keys that queries of it use, where a seed is present.
    pub(crate) keys: Option<Arc<Keys>>,
    /// Its state as far as it is proven: a query takes a clone and gives back what it learned.
    forest: Mutex<PartialForest>,
}

impl Published {
    pub(crate) fn new(
        block: BlockInfo,
        genesis_hash: Hash,
        keys: Option<Arc<Keys>>,
        forest: PartialForest,
    ) -> Self {
        Self {
            block,
            genesis_hash,
            keys,
            forest: Mutex::new(forest),
        }
    }

    /// A version of its own for one query.
    pub(crate) fn pin(&self) -> PartialForest {
        lock(&self.forest).clone()
    }

    /// Keeps what a query learned, if that is more than what is here: both are proven against the same roots.
    pub(crate) fn learn(&self, forest: PartialForest) {
        let mut mine = lock(&self.forest);
        if (mine.bytes()..=TREE_BYTES_MAX).contains(&forest.bytes()) {
            *mine = forest;
        }
    }
}

/// Shared by all lanes.
pub(crate) struct Shared {
    pub(crate) platform: Box<dyn Platform>,
    pub(crate) latch: FailureLatch,
    pub(crate) engine: ContractEngine,
    published: Mutex<Option<Arc<Published>>>,
    status: Mutex<Status>,
}

impl Shared {
    pub(crate) fn new(platform: impl Platform + 'static, engine: ContractEngine) -> Self {
        Self {
            platform: Box::new(platform),
            latch: FailureLatch::default(),
            engine,
            published: Mutex::default(),
            status: Mutex::default(),
        }
    }

    /// The version that queries read.
    pub(crate) fn published(&self) -> Option<Arc<Published>> {
        lock(&self.published).clone()
    }

    pub(crate) fn publish(&self, version: Published) {
        *lock(&self.published) = Some(Arc::new(version));
    }

    /// Answer to `status`.
    pub(crate) fn status(&self) -> Status {
        Status {
            committed: self.published().map(|version| version.block.height),
            stopped: self.latch.stopped(),
            ..lock(&self.status).clone()
        }
    }

    /// Where the execution lane stands, for `status`.
    pub(crate) fn set_status(&self, status: Status) {
        *lock(&self.status) = status;
    }
}

/// Every critical section here replaces or copies one value: a lane that panicked left nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
