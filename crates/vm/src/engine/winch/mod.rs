//! The fast engine: wasmtime with its one-pass compiler Winch. It runs the same prepared modules as the interpreter, with the same gas,
//! results, traps and memory (ADR 21).
//!
//! A call that waits for an import waits on a stack of its own, as an `async` host function that has not ended ([`guest`]). So there
//! is no host code on top of the contract's frames here either, and no guest on top of another.
//!
//! What goes wrong in here and not in the contract, a panic included, is [`EngineError::Tier`]: the interpreter would have gone on, so it
//! must never become a result.

mod guest;
mod limits;
mod slots;

use std::sync::Arc;

use wasmtime::{
    Config, FuncType, InstanceAllocationStrategy, InstancePre, Linker, Module, Strategy, ValType,
    WasmFeatures,
};

use super::{Engine, Guest, Loaded};
use crate::error::EngineError;
use crate::imports::{Import, MODULE};
use crate::prepare::Prepared;
use guest::{State, WinchGuest};
pub(crate) use limits::CODE_SLACK_BYTES;
pub use slots::INSTANCES_MAX;

/// The engine: what all its modules share.
#[derive(Clone)]
pub struct WinchEngine {
    linker: Arc<Linker<State>>,
}

/// A compiled module with everything to instantiate it.
pub struct WinchModule {
    instance: InstancePre<State>,
    /// Bytes of machine code and what belongs to it.
    bytes: usize,
}

impl WinchModule {
    /// Bytes of machine code and of what belongs to it.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl core::fmt::Debug for WinchEngine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("WinchEngine")
    }
}

impl WinchEngine {
    /// The engine of this process, with room for [`INSTANCES_MAX`].
    ///
    /// # Errors
    /// [`EngineError::Tier`] if there is none for this processor, or the system does not give the room.
    pub fn new() -> Result<Self, EngineError> {
        Self::with_room(INSTANCES_MAX)
    }

    /// An engine with room for so many instances at one time.
    ///
    /// # Errors
    /// As [`WinchEngine::new`].
    pub fn with_room(instances: u32) -> Result<Self, EngineError> {
        let engine =
            wasmtime::Engine::new(&config(instances)).map_err(|e| no_engine(instances, &e))?;
        let linker = Arc::new(linker(&engine)?);
        Ok(Self { linker })
    }
}

impl Engine for WinchEngine {
    type Module = WinchModule;

    fn fingerprint(&self) -> &'static str {
        "wasmtime-48.0.8-winch"
    }

    /// As [`Engine::load`]; also refuses, with [`EngineError::Tier`], what would take long to compile.
    fn load(&self, prepared: &Prepared) -> Result<Loaded<WinchModule>, EngineError> {
        limits::check(prepared)?;
        let module = Module::new(self.linker.engine(), prepared.wasm()).map_err(|e| tier(&e))?;
        let image = module.image_range();
        let bytes = image.end.addr().saturating_sub(image.start.addr());
        limits::check_code(prepared, bytes)?;
        let instance = self.linker.instantiate_pre(&module).map_err(|e| tier(&e))?;
        Ok(Loaded {
            module: WinchModule { instance, bytes },
            info: prepared.info().clone(),
            weight: prepared.weight(),
            bytes,
        })
    }

    fn instantiate(&self, module: &WinchModule) -> Result<Box<dyn Guest>, EngineError> {
        Ok(Box::new(WinchGuest::new(module.instance.clone())?))
    }
}

/// Why there is no engine: for want of room, if there would be one without slots.
fn no_engine(instances: u32, e: &wasmtime::Error) -> EngineError {
    let mut without = config(instances);
    without.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    if wasmtime::Engine::new(&without).is_err() {
        return tier(e);
    }
    tier(format!(
        "no room for its slots: {e}; each of {instances} takes some 4 GiB of addresses and 18 MiB of stacks: raise `ulimit -v` (and set \
         vm.overcommit_memory to 0 where it is 2), or let contracts be interpreted"
    ))
}

/// What is wrong here and not with a contract.
fn tier(error: impl core::fmt::Display) -> EngineError {
    EngineError::Tier(error.to_string())
}

fn config(instances: u32) -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Winch)
        // What `prepare` lets through, and no more.
        .wasm_features(WasmFeatures::all(), false)
        .wasm_features(
            WasmFeatures::MUTABLE_GLOBAL
                .union(WasmFeatures::FLOATS)
                .union(WasmFeatures::SIGN_EXTENSION)
                .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
                .union(WasmFeatures::MULTI_VALUE)
                .union(WasmFeatures::BULK_MEMORY)
                .union(WasmFeatures::REFERENCE_TYPES),
            true,
        )
        .cranelift_nan_canonicalization(true)
        // Data is copied into a new memory: mapping it would need files, which the sandbox refuses.
        .memory_init_cow(false)
        .memory_may_move(false)
        .native_unwind_info(false)
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .max_wasm_stack(limits::STACK_BYTES)
        .async_stack_size(limits::STACK_BYTES.saturating_add(limits::HOST_STACK_BYTES))
        .async_stack_zeroing(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(slots::config(
            instances,
        )));
    config
}

fn linker(engine: &wasmtime::Engine) -> Result<Linker<State>, EngineError> {
    let mut linker = Linker::new(engine);
    for import in Import::ALL {
        let params = core::iter::repeat_n(ValType::I32, import.params());
        let result = import.result().map(|r| {
            if r == wasmparser::ValType::I64 {
                ValType::I64
            } else {
                ValType::I32
            }
        });
        let ty = FuncType::new(engine, params, result);
        linker
            .func_new_async(MODULE, import.name(), ty, move |caller, params, results| {
                Box::new(guest::import(caller, import, params, results))
            })
            .map_err(|e| tier(&e))?;
    }
    Ok(linker)
}
