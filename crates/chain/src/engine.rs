//! The contract engine with its cache of loaded modules, shared by the execution lane and the query lanes.

use crate::Bytes;
use crate::block::{Figures, Pace};
use crate::ctx::Ctx;
use crate::error::{Fault, Stop, broken};
use crate::types::{Hash, TxError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
#[cfg(not(feature = "winch"))]
use strongroom_vm::WasmiEngine as Wasm;
use strongroom_vm::{
    Engine, EngineError, Loaded, ModuleCache, PREP_VERSION, PrepareError, Trap, prepare,
};
#[cfg(feature = "winch")]
use strongroom_vm::{Promotion, TieredEngine as Wasm};

/// Weight of the different codes that one transaction, or one query, may run: 20 contracts of one MiB. It is less than
/// [`LOAD_BLOCK_MAX`], so that each transaction fits a block.
pub const LOAD_TX_MAX: u64 = 128 << 20;
/// Weight of the different codes that one block may run: the memory that they take at most, and 16 s to load them all at
/// 60 ns a byte. Each is loaded once.
pub const LOAD_BLOCK_MAX: u64 = 256 << 20;
/// Bytes of loaded modules to keep, as the engine counts them.
pub const CACHE_BYTES: usize = 64 << 20;

type Module = Loaded<<Wasm as Engine>::Module>;

/// What runs contracts. Results and gas are the same with each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineKind {
    /// The interpreter: everywhere.
    #[default]
    Interpreter,
    /// The interpreter, and a compiler for codes that are used much, where memory may be made executable (ADR 21).
    Winch,
    /// Each code is compiled before its first call: for comparisons with the interpreter.
    WinchAtOnce,
}

impl EngineKind {
    /// By its name on command lines.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let all = [Self::Interpreter, Self::Winch, Self::WinchAtOnce];
        all.into_iter().find(|kind| kind.name() == name)
    }

    /// Its name on command lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interpreter => "interpreter",
            Self::Winch => "winch",
            Self::WinchAtOnce => "winch-at-once",
        }
    }

    /// Whether it makes memory executable.
    #[must_use]
    pub const fn compiles(self) -> bool {
        !matches!(self, Self::Interpreter)
    }
}

/// How a machine runs contracts and blocks. Results and gas are the same with any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineSettings {
    /// What runs contracts.
    pub kind: EngineKind,
    /// Threads for transactions of a block that run beside each other; without it they run one after the other.
    pub threads: Option<usize>,
}

/// Engine and cache. What is cached changes neither results nor gas.
pub struct ContractEngine {
    cache: ModuleCache<Wasm>,
    cores: usize,
    pace: Mutex<Pace>,
}

impl Default for ContractEngine {
    fn default() -> Self {
        Self::of(interpreter())
    }
}

#[cfg(feature = "winch")]
const fn interpreter() -> Wasm {
    Wasm::interpreter()
}

#[cfg(not(feature = "winch"))]
const fn interpreter() -> Wasm {
    Wasm
}

impl core::fmt::Debug for ContractEngine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ContractEngine")
    }
}

/// A stored code, as the engine knows it.
#[derive(Clone, Copy, Debug)]
pub struct StoredCode {
    /// SHA-256 of the wasm.
    pub hash: Hash,
    /// Weight of loading it, in bytes (`vm::Prepared::weight`).
    pub weight: u64,
    /// Version of the pass that prepared it.
    pub prep_version: u32,
}

type Modules = BTreeMap<Hash, Arc<Module>>;

/// The codes that ran in a block (or in a query), each loaded once whatever the cache of the machine forgets meanwhile.
///
/// A load costs 20,000 gas, which is the protocol's price, and takes as long as 30 times as much gas elsewhere. So gas does
/// not bound what loads take, and weight does: a transaction that runs more than one may fails, by its own fault; a block
/// that has no room for more ends, and what is left of it waits for the next one (ADR 11).
#[derive(Default)]
pub(crate) struct BlockCodeCache<'b> {
    modules: Modules,
    /// Those of the block, for a transaction that runs beside others.
    below: Option<&'b Modules>,
    weight: u64,
    full: bool,
    /// Of the transaction that runs: its codes, loaded before or not, since that is not its business.
    of_tx: BTreeSet<Hash>,
    weight_of_tx: u64,
    /// Codes for which it made room, with their weight.
    entered: Vec<(Hash, u64)>,
}

/// The codes that a transaction beside others loaded.
pub(crate) struct NewCodes {
    modules: Modules,
    entered: Vec<(Hash, u64)>,
    full: bool,
}

impl BlockCodeCache<'_> {
    /// A transaction begins.
    pub(crate) fn begin(&mut self) {
        self.of_tx.clear();
        self.weight_of_tx = 0;
        self.entered.clear();
    }

    /// For one transaction that runs beside others. It costs the same however many codes the block has.
    pub(crate) fn fork(&self) -> BlockCodeCache<'_> {
        BlockCodeCache {
            below: Some(&self.modules),
            weight: self.weight,
            full: self.full,
            ..BlockCodeCache::default()
        }
    }

    /// What the one transaction of a fork loaded.
    pub(crate) fn into_new(self) -> NewCodes {
        NewCodes {
            modules: self.modules,
            entered: self.entered,
            full: self.full,
        }
    }

    /// Takes over what the one transaction of a fork loaded. `false`, with nothing changed, unless each code found its room there, and finds
    /// it here.
    pub(crate) fn adopt(&mut self, fork: NewCodes) -> bool {
        let new = fork.entered.into_iter();
        let new: BTreeMap<Hash, u64> = new.filter(|(h, _)| !self.modules.contains_key(h)).collect();
        let loaded = new.keys().all(|hash| fork.modules.contains_key(hash));
        let weight = new
            .values()
            .fold(self.weight, |sum, w| sum.saturating_add(*w));
        if fork.full || self.full || !loaded || weight > LOAD_BLOCK_MAX {
            return false;
        }
        self.weight = weight;
        let modules = fork.modules.into_iter();
        self.modules
            .extend(modules.filter(|(hash, _)| new.contains_key(hash)));
        true
    }

    fn find(&self, hash: &Hash) -> Option<&Arc<Module>> {
        let own = self.modules.get(hash);
        own.or_else(|| self.below.and_then(|below| below.get(hash)))
    }

    /// Whether the transaction that ran last found no room for its code: it and all behind it wait for the next block.
    pub(crate) const fn is_full(&self) -> bool {
        self.full
    }

    /// Makes room for a code; tells its module if it is there.
    fn enter(&mut self, code: &StoredCode) -> Result<Option<Arc<Module>>, Stop> {
        if self.of_tx.insert(code.hash) {
            self.weight_of_tx = self.weight_of_tx.saturating_add(code.weight);
        }
        if self.weight_of_tx > LOAD_TX_MAX {
            return Err(Stop::OutOfGas("transaction load meter"));
        }
        if let Some(module) = self.find(&code.hash) {
            return Ok(Some(Arc::clone(module)));
        }
        let weight = self.weight.saturating_add(code.weight);
        if weight > LOAD_BLOCK_MAX {
            self.full = true;
            return Err(Stop::OutOfGas("block load meter"));
        }
        self.weight = weight;
        self.entered.push((code.hash, code.weight));
        Ok(None)
    }
}

/// Why a code is not loaded.
enum NotLoaded {
    Fault(Fault),
    Engine(EngineError),
}

impl From<EngineError> for NotLoaded {
    fn from(e: EngineError) -> Self {
        Self::Engine(e)
    }
}

impl ContractEngine {
    fn of(engine: Wasm) -> Self {
        Self {
            cache: ModuleCache::new(engine, CACHE_BYTES),
            cores: 1,
            pace: Mutex::new(Pace::new(1)),
        }
    }

    /// Runs transactions of a block beside each other on so many threads, at most [`crate::block::THREADS_MAX`], where that pays; results
    /// are the same with any number.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        let pace = Mutex::new(Pace::new(threads));
        Self { pace, ..self }
    }

    /// What became of transactions that ran beside others.
    pub fn beside(&self) -> Figures {
        self.pace().figures()
    }

    pub(crate) fn pace(&self) -> Pace {
        *self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn keep_pace(&self, pace: Pace) {
        *self.pace.lock().unwrap_or_else(PoisonError::into_inner) = pace;
    }

    /// Uses so many cores for what can be done before transactions run; results are the same with any number.
    #[must_use]
    pub fn with_cores(self, cores: usize) -> Self {
        Self { cores, ..self }
    }

    pub(crate) const fn cores(&self) -> usize {
        self.cores
    }

    /// The engine of this kind.
    ///
    /// # Errors
    /// [`EngineError::Tier`] if this executable, or this machine, does not have it.
    pub fn new(kind: EngineKind) -> Result<Self, EngineError> {
        match kind {
            EngineKind::Interpreter => Ok(Self::default()),
            #[cfg(feature = "winch")]
            EngineKind::Winch => Wasm::with_winch(Promotion::ByUse).map(Self::of),
            #[cfg(feature = "winch")]
            EngineKind::WinchAtOnce => Wasm::with_winch(Promotion::AtOnce).map(Self::of),
            #[cfg(not(feature = "winch"))]
            EngineKind::Winch | EngineKind::WinchAtOnce => Err(EngineError::Tier(
                "this executable was built without it: cargo build --features winch".to_owned(),
            )),
        }
    }

    pub(crate) fn wasm(&self) -> &Wasm {
        self.cache.engine()
    }

    /// Whether an upload is accepted: it must prepare, load and instantiate, the same on every node.
    ///
    /// # Errors
    /// A fault; why it is refused is the inner result.
    pub(crate) fn validate_upload(
        &self,
        hash: &Hash,
        wasm: &[u8],
    ) -> Result<Result<Arc<Module>, PrepareError>, Fault> {
        self.cache.validate_upload(hash, wasm).map_err(broken)
    }

    /// The loaded module of a stored code.
    ///
    /// # Errors
    /// Out of gas, location `transaction load meter` or `block load meter`, see [`BlockCodeCache`]; what `failed` makes of it if the
    /// engine fails on it; a fault.
    pub(crate) fn load(
        &self,
        ctx: &mut Ctx<'_, '_>,
        code: &StoredCode,
        failed: impl FnOnce(&Trap) -> TxError,
    ) -> Result<Arc<Module>, Stop> {
        if code.prep_version != PREP_VERSION {
            let text = format!("no preparation of version {}", code.prep_version);
            return Err(broken(text).into());
        }
        if let Some(module) = ctx.state.code_cache.enter(code)? {
            return Ok(module);
        }
        let loaded = self.cache.get_or_load(&code.hash, || {
            let wasm = wasm(ctx, &code.hash).map_err(NotLoaded::Fault)?;
            prepare(&wasm)
                .map_err(|e| NotLoaded::Fault(broken(format!("stored code does not prepare: {e}"))))
        });
        let module = loaded.map_err(|e| match e {
            NotLoaded::Fault(fault) => fault.into(),
            NotLoaded::Engine(fault @ (EngineError::NoMemory | EngineError::Tier(_))) => {
                broken(fault).into()
            }
            // Upload has loaded it once, so this never happens; if it does, it is the same everywhere.
            NotLoaded::Engine(_) => Stop::from(failed(&Trap::Engine)),
        })?;
        let loaded = Arc::clone(&module);
        ctx.state.code_cache.modules.insert(code.hash, loaded);
        Ok(module)
    }
}

/// Code by hash: of this transaction, of this block, or the host's content, which is checked against the hash.
fn wasm(ctx: &Ctx<'_, '_>, hash: &Hash) -> Result<Bytes, Fault> {
    if let Some(wasm) = ctx
        .new_code
        .get(hash)
        .or_else(|| ctx.state.content.get(hash))
    {
        return Ok(wasm.clone());
    }
    ctx.env.code.code(hash)
}
