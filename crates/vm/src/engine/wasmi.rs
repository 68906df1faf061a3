//! The reference engine: wasmi 2, eager, without fuel (gas is in the module).
//!
//! Every import suspends the call: a host function does nothing but say which import it is, and the call goes on by
//! `resume`. So no host code ever runs on top of a guest's frames, and no guest runs on top of another on the machine's
//! stack. Instructions are jumps, which `cargo xtask jumps` checks, for the same reason (ADR 8). Each module has a wasmi
//! engine of its own, because wasmi frees translated code only with its engine.

use wasmi::errors::{ErrorKind, HostError, InstantiationError, MemoryError, TableError};
use wasmi::{
    CompilationMode, Config, Error, Func, FuncType, Global, Linker, Memory, Module, ResumableCall,
    ResumableCallHostTrap, Store, StoreLimits, StoreLimitsBuilder, TrapCode, Val, ValType,
};

use super::{Engine, Guest, GuestExit, Loaded, RegionBytes};
use crate::error::{EngineError, Trap};
use crate::imports::{Import, MODULE, PARAMS_MAX};
use crate::prepare::{Prepared, export};
use crate::{limits, region};

/// The engine. It holds no state: modules do.
#[derive(Clone, Copy, Debug, Default)]
pub struct WasmiEngine;

/// A translated module with everything to instantiate it.
pub struct WasmiModule {
    engine: wasmi::Engine,
    module: Module,
    linker: Linker<StoreLimits>,
}

impl Engine for WasmiEngine {
    type Module = WasmiModule;

    fn fingerprint(&self) -> &'static str {
        "wasmi-2.0.0-eager-jumps-checked"
    }

    fn load(&self, prepared: &Prepared) -> Result<Loaded<WasmiModule>, EngineError> {
        let engine = wasmi::Engine::new(&config());
        let module = Module::new(&engine, prepared.wasm()).map_err(|e| failure(&e))?;
        let linker = linker(&engine)?;
        Ok(Loaded {
            module: WasmiModule {
                engine,
                module,
                linker,
            },
            info: prepared.info().clone(),
            weight: prepared.weight(),
            bytes: prepared.weight(),
        })
    }

    fn instantiate(&self, module: &WasmiModule) -> Result<Box<dyn Guest>, EngineError> {
        let mut store = Store::new(&module.engine, limiter());
        store.limiter(|limiter| limiter);
        let instance = module
            .linker
            .instantiate_and_start(&mut store, &module.module)
            .map_err(|e| failure(&e))?;
        let missing = || fault("a prepared module lacks our exports");
        let memory = instance
            .get_memory(&store, export::MEMORY)
            .ok_or_else(missing)?;
        let gas = instance
            .get_global(&store, export::GAS)
            .ok_or_else(missing)?;
        let depth = instance
            .get_global(&store, export::DEPTH)
            .ok_or_else(missing)?;
        Ok(Box::new(WasmiGuest {
            store,
            instance,
            memory,
            gas,
            depth,
            waiting: Vec::new(),
        }))
    }
}

fn fault(error: impl core::fmt::Display) -> EngineError {
    EngineError::Broken(error.to_string())
}

/// What wasmi says when the machine has no memory for its code: the type of this error is not public.
const NO_MEMORY_TO_TRANSLATE: &str = "ran out of system memory during translation";

/// An error that no prepared module should cause. Whether it is this machine's lack of memory has to be told apart: that
/// must not become a result.
fn failure(error: &Error) -> EngineError {
    let memory = |e: &MemoryError| {
        // The limiter allows every size that a prepared module can ask for, and speaks up only where memory ends.
        matches!(
            e,
            MemoryError::OutOfSystemMemory | MemoryError::ResourceLimiterDeniedAllocation
        )
    };
    let no_memory = match error.kind() {
        ErrorKind::Memory(e)
        | ErrorKind::Instantiation(InstantiationError::FailedToInstantiateMemory(e)) => memory(e),
        ErrorKind::Table(e)
        | ErrorKind::Instantiation(InstantiationError::FailedToInstantiateTable(e)) => matches!(
            e,
            TableError::OutOfSystemMemory | TableError::ResourceLimiterDeniedAllocation
        ),
        ErrorKind::TrapCode(code) => matches!(
            code,
            TrapCode::OutOfSystemMemory | TrapCode::GrowthOperationLimited
        ),
        ErrorKind::Translation(_) => error.to_string() == NO_MEMORY_TO_TRANSLATE,
        _ => false,
    };
    if no_memory {
        EngineError::NoMemory
    } else {
        fault(error)
    }
}

fn config() -> Config {
    let slots = usize::try_from(limits::STACK_SLOTS_MAX).unwrap_or(usize::MAX);
    let frame = usize::try_from(limits::FRAME_SLOTS).unwrap_or(1).max(1);
    let frames = slots.checked_div(frame).unwrap_or(slots);
    let first = limits::STACK_CHUNKS_OF_ENTRY
        .saturating_mul(limits::STACK_CHUNK_SLOTS)
        .saturating_add(limits::STACK_MARGIN_SLOTS);
    let mut config = Config::default();
    config
        .compilation_mode(CompilationMode::Eager)
        .consume_fuel(false)
        .allow_start_fn(false)
        .ignore_custom_sections(true)
        .wasm_multi_memory(false)
        .wasm_tail_call(false)
        .wasm_extended_const(false)
        // What a call clears when it begins fits without growing; and no stack outlives its call: a cached module would hold the
        // largest that it ever had, which its weight does not count.
        .set_min_stack_height(
            usize::try_from(first)
                .unwrap_or(0)
                .saturating_mul(size_of::<u64>()),
        )
        .set_max_cached_stacks(0)
        .set_max_stack_height(
            slots
                .saturating_mul(size_of::<u64>())
                .saturating_mul(limits::ENGINE_STACK_FACTOR),
        )
        .set_max_recursion_depth(frames.saturating_mul(limits::ENGINE_STACK_FACTOR));
    config
}

/// An import was called.
#[derive(Debug)]
struct Called {
    import: Import,
    args: [u32; PARAMS_MAX],
}

impl core::fmt::Display for Called {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.import.name())
    }
}

impl HostError for Called {}

fn linker(engine: &wasmi::Engine) -> Result<Linker<StoreLimits>, EngineError> {
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
        let ty = FuncType::new(params, result);
        let call = move |_: wasmi::Caller<'_, StoreLimits>,
                         params: &[Val],
                         _: &mut [Val]|
              -> Result<(), Error> {
            let mut args = [0; PARAMS_MAX];
            for (arg, param) in args.iter_mut().zip(params) {
                *arg = param.i32().unwrap_or(0).cast_unsigned();
            }
            Err(Error::host(Called { import, args }))
        };
        linker
            .func_new(MODULE, import.name(), ty, call)
            .map_err(|e| fault(&e))?;
    }
    Ok(linker)
}

/// Memory grows up to the module's own maximum; where the machine has none left, the call faults instead of telling
/// the contract.
fn limiter() -> StoreLimits {
    let pages = usize::try_from(limits::MEMORY_PAGES_MAX).unwrap_or(usize::MAX);
    StoreLimitsBuilder::new()
        .memory_size(pages.saturating_mul(limits::PAGE_BYTES))
        .instances(1)
        .tables(1)
        .memories(1)
        .trap_on_grow_failure(true)
        .build()
}

struct WasmiGuest {
    store: Store<StoreLimits>,
    instance: wasmi::Instance,
    memory: Memory,
    gas: Global,
    depth: Global,
    /// Calls that wait for an import, the last one on top, with whether they return something.
    waiting: Vec<(ResumableCallHostTrap, bool)>,
}

impl WasmiGuest {
    fn stop(
        &mut self,
        ended: Result<ResumableCall, Error>,
        returns: bool,
        outputs: &[Val],
    ) -> Result<GuestExit, EngineError> {
        match ended {
            Ok(ResumableCall::Finished) => {
                let value = outputs.first().and_then(Val::i32).map(i32::cast_unsigned);
                Ok(GuestExit::Returned(value.filter(|_| returns)))
            }
            Ok(ResumableCall::HostTrap(waiting)) => {
                let called = waiting.host_error().downcast_ref::<Called>();
                let Called { import, args } =
                    called.ok_or_else(|| fault("an unknown host error"))?;
                let stop = GuestExit::Import(*import, *args);
                self.waiting.push((waiting, returns));
                Ok(stop)
            }
            Ok(ResumableCall::OutOfFuel(_)) => Err(fault("fuel is off, yet it ran out")),
            Err(error) => trap(&error).map(GuestExit::Trapped),
        }
    }
}

/// What a contract can do wrong; everything else is ours.
fn trap(error: &Error) -> Result<Trap, EngineError> {
    match error.as_trap_code() {
        Some(TrapCode::UnreachableCodeReached) => Ok(Trap::Unreachable),
        Some(TrapCode::MemoryOutOfBounds) => Ok(Trap::MemoryOutOfBounds),
        Some(TrapCode::TableOutOfBounds | TrapCode::IndirectCallToNull) => {
            Ok(Trap::TableOutOfBounds)
        }
        Some(TrapCode::IntegerDivisionByZero) => Ok(Trap::DivisionByZero),
        Some(TrapCode::IntegerOverflow | TrapCode::BadConversionToInteger) => {
            Ok(Trap::InvalidConversion)
        }
        Some(TrapCode::BadSignature) => Ok(Trap::BadSignature),
        // Stack, memory of the machine, fuel, limiter: none should be reached.
        _ => Err(failure(error)),
    }
}

impl Guest for WasmiGuest {
    fn call(&mut self, export: &'static str, args: &[u32]) -> Result<GuestExit, EngineError> {
        let func: Func = self
            .instance
            .get_func(&self.store, export)
            .ok_or_else(|| fault("no such export"))?;
        let returns = !func.ty(&self.store).results().is_empty();
        let inputs: Vec<Val> = args.iter().map(|a| Val::I32(a.cast_signed())).collect();
        let mut outputs = [Val::I32(0)];
        let outputs = if returns { &mut outputs[..] } else { &mut [] };
        let ended = func.call_resumable(&mut self.store, &inputs, outputs);
        self.stop(ended, returns, outputs)
    }

    fn resume(&mut self, result: u64) -> Result<GuestExit, EngineError> {
        let (waiting, returns) = self.waiting.pop().ok_or_else(|| fault("nothing waits"))?;
        let called = waiting
            .host_error()
            .downcast_ref::<Called>()
            .ok_or_else(|| fault("an unknown host error"))?;
        let inputs: &[Val] = match called.import.result() {
            None => &[],
            Some(wasmparser::ValType::I64) => &[Val::I64(result.cast_signed())],
            Some(_) => {
                let low = u32::try_from(result & u64::from(u32::MAX)).unwrap_or(0);
                &[Val::I32(low.cast_signed())]
            }
        };
        let mut outputs = [Val::I32(0)];
        let outputs = if returns { &mut outputs[..] } else { &mut [] };
        let ended = waiting.resume(&mut self.store, inputs, outputs);
        self.stop(ended, returns, outputs)
    }

    fn read_region(
        &mut self,
        ptr: u32,
        max: usize,
        budget: usize,
    ) -> Result<Option<RegionBytes>, EngineError> {
        Ok(region::copy(
            self.memory.data(&self.store),
            ptr,
            max,
            budget,
        ))
    }

    fn write_region(&mut self, ptr: u32, bytes: &[u8]) -> Result<bool, EngineError> {
        let memory = self.memory.data_mut(&mut self.store);
        Ok(region::write(memory, ptr, bytes).is_some())
    }

    fn pages(&self) -> u32 {
        // At most 192.
        u32::try_from(self.memory.size(&self.store)).unwrap_or(u32::MAX)
    }

    fn memory(&mut self) -> Result<Vec<u8>, EngineError> {
        Ok(self.memory.data(&self.store).to_vec())
    }

    fn touch(&mut self, at: usize) -> Result<(), EngineError> {
        if let Some(byte) = self.memory.data_mut(&mut self.store).get_mut(at) {
            *byte = byte.wrapping_add(1);
        }
        Ok(())
    }

    fn gas(&self) -> i64 {
        // Our own global: an i64, always.
        self.gas.get(&self.store).i64().unwrap_or(-1)
    }

    fn set_gas(&mut self, gas: i64) {
        // Cannot fail for the same reason; if it did, gas would not change, which the caller reads back.
        let _ = self.gas.set(&mut self.store, Val::I64(gas));
    }

    fn depth(&self) -> u32 {
        self.depth
            .get(&self.store)
            .i32()
            .unwrap_or(i32::MAX)
            .cast_unsigned()
    }
}
