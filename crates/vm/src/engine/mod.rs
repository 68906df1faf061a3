//! The seam to wasm engines: an [`Engine`] loads prepared modules and makes [`Guest`]s. It knows nothing of regions,
//! imports or gas; those live above it, once, in [`crate::Instance`].

#[cfg(feature = "winch")]
pub mod tiered;
pub mod wasmi;
#[cfg(feature = "winch")]
pub mod winch;

use crate::Import;
use crate::error::{EngineError, Trap};
use crate::imports::PARAMS_MAX;
use crate::prepare::{ModuleInfo, Prepared};

/// A module that an engine has translated.
pub struct Loaded<M> {
    /// The engine's own form.
    pub module: M,
    /// What the module says of itself.
    pub info: ModuleInfo,
    /// [`Prepared::weight`]: the chain prices by it, so it is the same on every engine.
    pub weight: usize,
    /// Bytes of memory it takes on this engine, estimated the same for the same module; the cache counts them, and nothing else does.
    pub bytes: usize,
}

/// A wasm engine.
pub trait Engine: Send + Sync {
    /// A translated module.
    type Module: Send + Sync;

    /// Name, version and configuration: part of the cache's key, never of consensus.
    fn fingerprint(&self) -> &'static str;

    /// Translates a prepared module, all of it, now.
    ///
    /// # Errors
    /// [`EngineError`]: no module that was prepared should be refused here. One that is, is refused at upload.
    fn load(&self, prepared: &Prepared) -> Result<Loaded<Self::Module>, EngineError>;

    /// A fresh instance, used for one call.
    ///
    /// # Errors
    /// [`EngineError`] as in [`Engine::load`].
    fn instantiate(&self, module: &Self::Module) -> Result<Box<dyn Guest>, EngineError>;

    /// As [`Engine::instantiate`], and takes nothing of what compiled code has little of: for calls that may take longer.
    ///
    /// # Errors
    /// [`EngineError`] as in [`Engine::load`].
    fn interpret(&self, module: &Self::Module) -> Result<Box<dyn Guest>, EngineError> {
        self.instantiate(module)
    }
}

/// Why a guest stopped running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestExit {
    /// The function returned; its result, if it has one.
    Returned(Option<u32>),
    /// It called an import and waits for [`Guest::resume`]. Unused arguments are 0.
    Import(Import, [u32; PARAMS_MAX]),
    /// It trapped. Running out of gas and stack both come as [`Trap::Unreachable`]: the globals tell.
    Trapped(Trap),
}

/// What a region holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionBytes {
    /// How many bytes.
    pub length: usize,
    /// They, or nothing if they were too many for the budget.
    pub bytes: Vec<u8>,
}

/// One instance of a module. Its memory is copied in and out: while an engine with a stack of its own waits in an import, nobody else can
/// hold on to it.
///
/// Calls nest: while a call waits for an import, another may begin (the guest's `allocate`), and [`Guest::resume`]
/// continues the last one that waits.
pub trait Guest: Send {
    /// Calls an export that takes and gives `i32`s.
    ///
    /// # Errors
    /// [`EngineError`] if the engine did what it must never do.
    fn call(&mut self, export: &'static str, args: &[u32]) -> Result<GuestExit, EngineError>;

    /// Continues after an import with its result (ignored where it has none; truncated where it is an `i32`).
    ///
    /// # Errors
    /// [`EngineError`] as in [`Guest::call`].
    fn resume(&mut self, result: u64) -> Result<GuestExit, EngineError>;

    /// The region at `ptr`: how many bytes it holds, and a copy of them if they are at most `budget`. `None` if it is not sound or holds
    /// more than `max` ([`crate::limits`]).
    ///
    /// # Errors
    /// [`EngineError`] as in [`Guest::call`].
    fn read_region(
        &mut self,
        ptr: u32,
        max: usize,
        budget: usize,
    ) -> Result<Option<RegionBytes>, EngineError>;

    /// Copies `bytes` into the region at `ptr`; `false`, with memory unchanged, if it has no room.
    ///
    /// # Errors
    /// [`EngineError`] as in [`Guest::call`].
    fn write_region(&mut self, ptr: u32, bytes: &[u8]) -> Result<bool, EngineError>;

    /// Pages of memory.
    fn pages(&self) -> u32;

    /// A copy of the whole memory, for comparisons of engines.
    ///
    /// # Errors
    /// [`EngineError`] as in [`Guest::call`].
    fn memory(&mut self) -> Result<Vec<u8>, EngineError>;

    /// Adds 1 to the byte at `at`, if there is one: what imports do in comparisons of engines.
    ///
    /// # Errors
    /// [`EngineError`] as in [`Guest::call`].
    fn touch(&mut self, at: usize) -> Result<(), EngineError>;

    /// Gas left; negative after it ran out.
    fn gas(&self) -> i64;

    /// Sets the gas left.
    fn set_gas(&mut self, gas: i64);

    /// Stack slots in use.
    fn depth(&self) -> u32;
}
