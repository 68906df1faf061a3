//! The contract engine with its cache of loaded modules, shared by the execution lane and the query lanes.

use super::limits::CODE_RUN_BYTES_MAX;
use super::output::Op;
use super::state::Code;
use crate::Bytes;
use crate::ctx::Ctx;
use crate::error::{Fault, Stop, broken};
use crate::types::Hash;
use std::collections::BTreeMap;
use std::sync::Arc;
use strongroom_vm::{
    Engine, EngineFault, Loaded, ModuleCache, PREP_VERSION, PrepareError, Trap, WasmiEngine,
    prepare,
};

/// Bytes of loaded modules to keep, as the engine counts them.
const CACHE_BYTES: usize = 64 << 20;

type Module = Loaded<<WasmiEngine as Engine>::Module>;

/// Engine and cache. What is cached changes neither results nor gas.
pub struct Machine {
    cache: ModuleCache<WasmiEngine>,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            cache: ModuleCache::new(WasmiEngine, CACHE_BYTES),
        }
    }
}

impl core::fmt::Debug for Machine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Machine")
    }
}

/// The codes that ran in a block (or in a query), each loaded once whatever the cache of the machine forgets meanwhile.
///
/// To load two mebibytes takes a tenth of a second and more, and costs 30,000 gas, cached or not. So what one block may
/// run is bounded in bytes, and nothing is loaded twice in it: else a block that goes round a few large codes would take
/// minutes.
#[derive(Default)]
pub(crate) struct Running {
    modules: BTreeMap<Hash, Arc<Module>>,
    bytes: u64,
}

/// Why a code is not loaded.
enum NotLoaded {
    Fault(Fault),
    Engine(EngineFault),
}

impl From<EngineFault> for NotLoaded {
    fn from(e: EngineFault) -> Self {
        Self::Engine(e)
    }
}

impl Machine {
    pub(super) fn engine(&self) -> &WasmiEngine {
        self.cache.engine()
    }

    /// Whether an upload is accepted: it must prepare, load and instantiate, the same on every node.
    ///
    /// # Errors
    /// A fault; why it is refused is the inner result.
    pub(super) fn admit(
        &self,
        hash: &Hash,
        wasm: &[u8],
    ) -> Result<Result<Arc<Module>, PrepareError>, Fault> {
        self.cache.admit(hash, wasm).map_err(broken)
    }

    /// The loaded module of a stored code, to run `op`.
    ///
    /// # Errors
    /// Out of gas, location `block code meter`, if the block has run [`CODE_RUN_BYTES_MAX`] of other codes; an error of
    /// `op` if the engine fails on it; a fault.
    pub(super) fn load(
        &self,
        ctx: &mut Ctx<'_, '_>,
        code: &Code,
        op: Op,
    ) -> Result<Arc<Module>, Stop> {
        if code.prep_version != PREP_VERSION {
            let text = format!("no preparation of version {}", code.prep_version);
            return Err(broken(text).into());
        }
        if let Some(module) = ctx.state.running.modules.get(&code.hash) {
            return Ok(Arc::clone(module));
        }
        let bytes = ctx.state.running.bytes.saturating_add(code.bytes);
        if bytes > CODE_RUN_BYTES_MAX {
            return Err(Stop::OutOfGas("block code meter"));
        }
        let loaded = self.cache.get_or_load(&code.hash, || {
            let wasm = wasm(ctx, &code.hash).map_err(NotLoaded::Fault)?;
            prepare(&wasm)
                .map_err(|e| NotLoaded::Fault(broken(format!("stored code does not prepare: {e}"))))
        });
        let module = loaded.map_err(|e| match e {
            NotLoaded::Fault(fault) => fault.into(),
            NotLoaded::Engine(EngineFault::NoMemory) => broken(EngineFault::NoMemory).into(),
            // Upload has loaded it once, so this never happens; if it does, it is the same everywhere.
            NotLoaded::Engine(_) => Stop::from(op.enclave_error(&Trap::Engine.to_string())),
        })?;
        let running = &mut ctx.state.running;
        running.bytes = bytes;
        running.modules.insert(code.hash, Arc::clone(&module));
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
    ctx.services.code.code(hash)
}
