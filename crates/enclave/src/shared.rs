//! What the lanes share: the latch, the engine, the version that queries read, with its keys, and those that will be read once they are
//! durable.
//!
//! Promises: queries read no height before the host said that it is durable, and never go back; a block is executed while at most the one
//! before it is not yet durable.

use crate::failure::{FailureLatch, failure};
use crate::platform::Platform;
use crate::secrets::Keys;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use strongroom_bridge::message::Status;
use strongroom_bridge::{Failure, FailureCode};
use strongroom_chain::BlockInfo;
use strongroom_chain::modules::compute::ContractEngine;
use strongroom_proof::PartialForest;
use strongroom_types::{Hash, Height};

/// The most bytes of proven state that the execution lane keeps between two blocks, and so each published version.
pub const TREE_BYTES_MAX: usize = 32 << 20;

/// The newest committed version.
pub(crate) struct Published {
    /// Its block.
    pub(crate) block: BlockInfo,
    /// The genesis of its chain.
    pub(crate) genesis_hash: Hash,
    /// The keys that queries of it use, where a seed is present.
    pub(crate) keys: Option<Arc<Keys>>,
    /// A query takes a clone and gives back what it learned.
    learned: Mutex<Learned>,
}

/// The state of a version as far as it is proven.
struct Learned {
    forest: PartialForest,
    /// How often queries added to it.
    times: u64,
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
            learned: Mutex::new(Learned { forest, times: 0 }),
        }
    }

    /// A version of its own for one query, and what [`Published::learn`] wants to know of it.
    pub(crate) fn pin(&self) -> (PartialForest, u64) {
        let learned = lock(&self.learned);
        (learned.forest.clone(), learned.times)
    }

    /// Keeps `forest`, in which a query that had to ask learned something beyond what it pinned. Bytes do not measure knowledge: where
    /// leaves come to lie in one page, or something was evicted, less is held than before. They only choose between queries that ran
    /// at the same time, whose forests are proven against the same roots.
    pub(crate) fn learn(&self, pinned: u64, mut forest: PartialForest) {
        // It may walk over everything: before anybody has to wait.
        forest.evict(TREE_BYTES_MAX);
        let mut mine = lock(&self.learned);
        if mine.times == pinned || mine.forest.bytes() < forest.bytes() {
            let times = mine.times.wrapping_add(1);
            let old = std::mem::replace(&mut *mine, Learned { forest, times });
            // What only this version had takes time to drop: nobody waits for it.
            drop(mine);
            drop(old);
        }
    }
}

/// The versions of the chain that are here beside that of the execution lane.
#[derive(Default)]
struct Versions {
    published: Option<Arc<Published>>,
    /// Not known to be durable, by height.
    waiting: BTreeMap<Height, Arc<Published>>,
    /// The newest height that is durable, as far as is known.
    durable: Height,
}

/// Shared by all lanes.
pub(crate) struct Shared {
    pub(crate) platform: Box<dyn Platform>,
    pub(crate) latch: FailureLatch,
    pub(crate) engine: ContractEngine,
    versions: Mutex<Versions>,
    status: Mutex<Status>,
}

impl Shared {
    pub(crate) fn new(platform: impl Platform + 'static, engine: ContractEngine) -> Self {
        Self {
            platform: Box::new(platform),
            latch: FailureLatch::default(),
            engine: engine.with_cores(cores()),
            versions: Mutex::default(),
            status: Mutex::default(),
        }
    }

    /// The version that queries read.
    pub(crate) fn published(&self) -> Option<Arc<Published>> {
        lock(&self.versions).published.clone()
    }

    /// The chain begins, or begins again, on top of a height that is durable.
    pub(crate) fn begin_at(&self, height: Height) {
        lock(&self.versions).durable = height;
    }

    /// Keeps a version until the host says that it is durable.
    pub(crate) fn keep(&self, version: Published) {
        let height = version.block.height;
        lock(&self.versions)
            .waiting
            .insert(height, Arc::new(version));
    }

    /// Whether the block after `executed` may be executed.
    ///
    /// # Errors
    /// If the block before `executed` is not durable either: what is lost in a crash is bounded.
    pub(crate) fn check_durable(&self, executed: Height) -> Result<(), Failure> {
        if executed > lock(&self.versions).durable.saturating_add(1) {
            let text = "two blocks before it are not committed";
            return Err(failure(FailureCode::NotReady, text));
        }
        Ok(())
    }

    /// The host has made `height` durable: queries read it from now on.
    ///
    /// # Errors
    /// If it is neither a version that waits for this nor the one that is read already.
    pub(crate) fn acknowledge(&self, height: Height) -> Result<(), Failure> {
        let mut versions = lock(&self.versions);
        let published = versions.published.as_ref();
        if published.is_some_and(|version| version.block.height == height) {
            return Ok(());
        }
        let Some(version) = versions.waiting.remove(&height) else {
            let text = "no block of this height waits to be committed";
            return Err(failure(FailureCode::NotReady, text));
        };
        let waiting = versions.waiting.split_off(&height);
        let passed = std::mem::replace(&mut versions.waiting, waiting);
        versions.durable = versions.durable.max(height);
        let before = versions.published.replace(version);
        // Of a full block it takes milliseconds to drop what only the version before had: no query waits for it.
        drop(versions);
        drop((passed, before));
        Ok(())
    }

    /// Heights: durable, those that wait. For the walk over every order of requests.
    #[cfg(test)]
    pub(crate) fn versions(&self) -> (Height, Vec<Height>) {
        let versions = lock(&self.versions);
        (versions.durable, versions.waiting.keys().copied().collect())
    }

    /// As it is, for the same walk.
    #[cfg(test)]
    pub(crate) fn copy_versions(&self, from: &Self) {
        let from = lock(&from.versions);
        *lock(&self.versions) = Versions {
            published: from.published.clone(),
            waiting: from.waiting.clone(),
            durable: from.durable,
        };
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

/// Cores of this process, as the host gives them: it decides how fast the enclave is, in any case.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, core::num::NonZeroUsize::get)
}

/// Every critical section here replaces or copies one value: a lane that panicked left nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
