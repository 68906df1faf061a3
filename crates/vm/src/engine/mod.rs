//! The seam to wasm engines: an [`Engine`] loads prepared modules and makes [`Guest`]s. It knows nothing of regions,
//! imports or gas; those live above it, once, in [`crate::Instance`].

pub mod wasmi;

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
    /// Bytes of memory it takes, estimated the same for the same module; the cache counts them.
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
}

/// Why a guest stopped running.
#[derive(Debug)]
pub enum GuestExit {
    /// The function returned; its result, if it has one.
    Returned(Option<u32>),
    /// It called an import and waits for [`Guest::resume`]. Unused arguments are 0.
    Import(Import, [u32; PARAMS_MAX]),
    /// It trapped. Running out of gas and stack both come as [`Trap::Unreachable`]: the globals tell.
    Trapped(Trap),
}

/// One instance of a module.
///
/// Calls nest: while a call waits for an import, another may begin (the guest's `allocate`), and [`Guest::resume`]
/// continues the last one that waits.
pub trait Guest: Send {
    /// Calls an export that takes and gives `i32`s.
    ///
    /// # Errors
    /// [`EngineError`] if the engine did what it must never do.
    fn call(&mut self, export: &str, args: &[u32]) -> Result<GuestExit, EngineError>;

    /// Continues after an import with its result (ignored where it has none; truncated where it is an `i32`).
    ///
    /// # Errors
    /// [`EngineError`] as in [`Guest::call`].
    fn resume(&mut self, result: u64) -> Result<GuestExit, EngineError>;

    /// The whole memory.
    fn memory(&self) -> &[u8];

    /// The whole memory.
    fn memory_mut(&mut self) -> &mut [u8];

    /// Gas left; negative after it ran out.
    fn gas(&self) -> i64;

    /// Sets the gas left.
    fn set_gas(&mut self, gas: i64);

    /// Stack slots in use.
    fn depth(&self) -> u32;
}
