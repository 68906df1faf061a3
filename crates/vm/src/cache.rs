//! Loaded modules, least recently used out first, counted by bytes. What is in it can be seen in time only: gas and
//! results are the same with any content.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use strongroom_types::Hash;

use crate::engine::{Engine, Loaded};
use crate::error::{EngineError, PrepareError, VmFault};
use crate::guard;
use crate::prepare::{PREP_VERSION, Prepared, prepare};

/// What a loaded module is filed under. An entry made by another pass or engine is never found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ModuleKey {
    /// SHA-256 of the original module.
    pub code_hash: Hash,
    /// [`PREP_VERSION`] at the time.
    pub prep_version: u32,
    /// [`Engine::fingerprint`].
    pub engine: &'static str,
}

/// Why code is not validated.
enum Refusal {
    Prepare(PrepareError),
    Engine(EngineError),
}

impl From<EngineError> for Refusal {
    fn from(fault: EngineError) -> Self {
        Self::Engine(fault)
    }
}

struct Slot<M> {
    module: Arc<Loaded<M>>,
    used: u64,
}

struct Slots<M> {
    by_key: BTreeMap<ModuleKey, Slot<M>>,
    bytes: usize,
    clock: u64,
}

/// The cache of one engine, shared by its lanes.
pub struct ModuleCache<E: Engine> {
    engine: E,
    bytes_max: usize,
    slots: Mutex<Slots<E::Module>>,
}

impl<E: Engine> ModuleCache<E> {
    /// An empty cache for at most `bytes_max` bytes. A module larger than that is loaded each time.
    pub fn new(engine: E, bytes_max: usize) -> Self {
        Self {
            engine,
            bytes_max,
            slots: Mutex::new(Slots {
                by_key: BTreeMap::new(),
                bytes: 0,
                clock: 0,
            }),
        }
    }

    /// The engine whose modules these are.
    pub fn engine(&self) -> &E {
        &self.engine
    }

    /// Bytes of the modules held, as their engine counts them.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// The module with `code_hash`, if it is here.
    pub fn get(&self, code_hash: &Hash) -> Option<Arc<Loaded<E::Module>>> {
        let key = self.key(code_hash);
        let mut slots = self.lock();
        slots.clock = slots.clock.saturating_add(1);
        let now = slots.clock;
        let slot = slots.by_key.get_mut(&key)?;
        slot.used = now;
        Some(slot.module.clone())
    }

    /// The module with `code_hash`; where it is not here, `prepared` makes it. Two lanes may do so at once; one wins.
    ///
    /// # Errors
    /// Whatever `prepared` gives, or [`EngineError`] from loading: the caller makes it [`crate::Trap::Engine`] or, where
    /// memory ends, stops.
    pub fn get_or_load<F: From<EngineError>>(
        &self,
        code_hash: &Hash,
        prepared: impl FnOnce() -> Result<Prepared, F>,
    ) -> Result<Arc<Loaded<E::Module>>, F> {
        if let Some(module) = self.get(code_hash) {
            return Ok(module);
        }
        let prepared = prepared()?;
        if prepared.code_hash() != code_hash {
            let text = "the cache was given another module than it asked for";
            return Err(EngineError::Broken(text.to_owned()).into());
        }
        let loaded = guard::caught(|| self.engine.load(&prepared)).and_then(|loaded| loaded);
        let module = Arc::new(loaded?);
        self.insert(self.key(code_hash), module.clone());
        Ok(module)
    }

    /// Whether `wasm`, whose hash is `code_hash`, is accepted: it prepares, loads and instantiates. What is accepted here
    /// does so in every later call; what does not is refused now, where someone can read why.
    ///
    /// # Errors
    /// [`VmFault::NoMemory`]; why it is refused is the inner result.
    #[allow(clippy::type_complexity)] // Two ways to fail: the node's, and the module's.
    pub fn validate_upload(
        &self,
        code_hash: &Hash,
        wasm: &[u8],
    ) -> Result<Result<Arc<Loaded<E::Module>>, PrepareError>, VmFault> {
        let validated = self
            .get_or_load(code_hash, || prepare(wasm).map_err(Refusal::Prepare))
            .and_then(|module| {
                guard::caught(|| self.engine.instantiate(&module.module).map(drop))
                    .and_then(|made| made)?;
                Ok(module)
            });
        match validated {
            Ok(module) => Ok(Ok(module)),
            Err(Refusal::Prepare(refused)) => Ok(Err(refused)),
            Err(Refusal::Engine(EngineError::Broken(_))) => Ok(Err(PrepareError::Engine)),
            Err(Refusal::Engine(EngineError::NoMemory)) => Err(VmFault::NoMemory),
            Err(Refusal::Engine(EngineError::Tier(_))) => Err(VmFault::Tier),
        }
    }

    fn key(&self, code_hash: &Hash) -> ModuleKey {
        ModuleKey {
            code_hash: *code_hash,
            prep_version: PREP_VERSION,
            engine: self.engine.fingerprint(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Slots<E::Module>> {
        // Each change below leaves the slots consistent, so a lane that died in between does no harm.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn insert(&self, key: ModuleKey, module: Arc<Loaded<E::Module>>) {
        if module.bytes > self.bytes_max {
            return;
        }
        let mut slots = self.lock();
        slots.clock = slots.clock.saturating_add(1);
        let (used, bytes) = (slots.clock, module.bytes);
        if let Some(old) = slots.by_key.insert(key, Slot { module, used }) {
            slots.bytes = slots.bytes.saturating_sub(old.module.bytes);
        }
        slots.bytes = slots.bytes.saturating_add(bytes);
        while slots.bytes > self.bytes_max {
            // A few hundred modules at most: looking through all of them costs less than a second index.
            let oldest = slots
                .by_key
                .iter()
                .min_by_key(|(_, slot)| slot.used)
                .map(|(key, _)| key.clone());
            let Some(slot) = oldest.and_then(|key| slots.by_key.remove(&key)) else {
                break;
            };
            slots.bytes = slots.bytes.saturating_sub(slot.module.bytes);
        }
    }
}
