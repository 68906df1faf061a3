//! The contract engine with its cache of loaded modules, shared by the execution lane and the query lanes.

use super::state::Code;
use crate::Bytes;
use crate::ctx::Ctx;
use crate::error::{Fault, broken};
use crate::types::Hash;
use std::sync::Arc;
use strongroom_vm::{
    Engine, EngineFault, Loaded, ModuleCache, PREP_VERSION, PrepareError, Prepared, WasmiEngine,
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

impl From<EngineFault> for Fault {
    fn from(e: EngineFault) -> Self {
        broken(e)
    }
}

impl Machine {
    pub(super) fn engine(&self) -> &WasmiEngine {
        self.cache.engine()
    }

    /// The loaded module of a stored code.
    pub(super) fn load(&self, ctx: &Ctx<'_, '_>, code: &Code) -> Result<Arc<Module>, Fault> {
        if code.prep_version != PREP_VERSION {
            return Err(broken(format!(
                "no preparation of version {}",
                code.prep_version
            )));
        }
        self.cache.get_or_load(&code.hash, || {
            let wasm = wasm(ctx, &code.hash)?;
            prepare(&wasm).map_err(|e| broken(format!("stored code does not prepare: {e}")))
        })
    }
}

/// Whether an upload is accepted: `prepare` decides, the same on every node.
pub(super) fn admit(wasm: &[u8]) -> Result<Prepared, PrepareError> {
    prepare(wasm)
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
