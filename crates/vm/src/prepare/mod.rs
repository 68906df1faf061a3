//! One deterministic, versioned pass from a contract's bytes to the module that engines run.
//!
//! 1. Limits, features and interface are checked (`scan`, `abi`).
//! 2. Each function is validated and planned (`meter`, and `fusion` for what the engine gets wrong).
//! 3. The module is written anew (`rewrite`) with globals for gas and depth, a stack that is cleared before it is used
//!    (`stack`), a memory maximum, and only the exports that we call.
//! 4. The result is validated again and hashed.
//!
//! Engines only ever see the result, so no engine decides what is accepted or what it costs. Spec: `docs/spec/gas.md`,
//! contract-abi.md 6.1.

mod abi;
mod fusion;
mod meter;
mod names;
mod rewrite;
mod scan;
mod stack;

use std::sync::Arc;

use strongroom_types::{Hash, sha256};
use wasmparser::{Validator, WasmFeatures};

use crate::entry::{Entry, EntryExport, Generation, MIGRATE_WITH_INFO};
use crate::error::{Invalid, PrepareError};
use crate::{guard, limits};

/// The version of this pass. It is consensus: stored in each code's record, part of the cache's key. Any change of
/// limits, features, weights or rewriting counts it up.
pub const PREP_VERSION: u32 = 6;

/// What stock `rustc` emits, and no more. (`REFERENCE_TYPES` is there for the long form of `call_indirect`, its other
/// operators and its types are refused one by one; so are the parts of `BULK_MEMORY` beyond copy and fill.)
pub(crate) const FEATURES: WasmFeatures = WasmFeatures::MVP
    .union(WasmFeatures::MUTABLE_GLOBAL)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::REFERENCE_TYPES);

/// The exports of a prepared module besides its entry points.
pub(crate) mod export {
    /// The contract's allocator.
    pub(crate) const ALLOCATE: &str = "allocate";
    /// Its memory.
    pub(crate) const MEMORY: &str = "memory";
    /// Gas left, `i64`; negative after it ran out.
    pub(crate) const GAS: &str = "gas";
    /// Stack slots in use, `i32`; above the limit after it ran out.
    pub(crate) const DEPTH: &str = "depth";
}

/// What a module says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleInfo {
    /// The interface that it was compiled for.
    pub generation: Generation,
    /// The entry points it has, in the order of [`Entry::ALL`].
    pub entries: Vec<Entry>,
    /// The `requires_<x>` it exports, sorted.
    pub features: Vec<String>,
    /// Whether it imports `db_scan`: the keys of its contracts are kept in order.
    pub iterates: bool,
    /// Whether it was written with the ordinary `cosmwasm-std`, which spells the chain's answers in another way. Every contract
    /// imports the whole interface of its library, used or not: that of the secret std signs, the ordinary one does not.
    pub stock: bool,
    /// Whether its `migrate` is [`MIGRATE_WITH_INFO`].
    pub migrate_info: bool,
    /// The version of its state that it names in the custom section `cw_migrate_version`, as the ordinary library writes it.
    pub migrate_version: Option<u64>,
}

impl ModuleInfo {
    /// Whether it wants `env.block.random`, which the older interface does not have.
    #[must_use]
    pub fn requires_random(&self) -> bool {
        self.generation == Generation::V1 && self.features.iter().any(|f| f == "random")
    }

    /// The function behind an entry point; `None` where its generation has no such entry point.
    #[must_use]
    pub fn export(&self, entry: Entry) -> Option<EntryExport> {
        match entry {
            Entry::Migrate if self.migrate_info => Some(MIGRATE_WITH_INFO),
            _ => entry.export(self.generation),
        }
    }

    /// Whether it has all six IBC entry points, hence a port.
    #[must_use]
    pub fn is_ibc(&self) -> bool {
        Entry::IBC.iter().all(|e| self.entries.contains(e))
    }
}

/// A module that engines may load.
#[derive(Clone, PartialEq, Eq)]
pub struct Prepared {
    wasm: Arc<[u8]>,
    code_hash: Hash,
    hash: Hash,
    info: ModuleInfo,
    functions: usize,
    branch_targets: usize,
    /// Bytes of data segments: they are copied, never translated.
    data: usize,
}

// What an engine makes of a module, in bytes, measured on the reference engine and rounded up: contracts take 1.4 to 2.4
// for each byte of prepared wasm, dense code 4.1, empty functions 170 each, targets of branch tables 32 each.
const WEIGHT_OF_BYTE: usize = 4;
const WEIGHT_OF_FUNCTION: usize = 160;
const WEIGHT_OF_BRANCH_TARGET: usize = 32;

impl core::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Not the bytes: there may be millions.
        f.debug_struct("Prepared")
            .field("bytes", &self.wasm.len())
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

impl Prepared {
    /// The rewritten module.
    #[must_use]
    pub fn wasm(&self) -> &[u8] {
        &self.wasm
    }

    /// SHA-256 of the original, unzipped bytes: the code hash that clients bind their messages to.
    #[must_use]
    pub fn code_hash(&self) -> &Hash {
        &self.code_hash
    }

    /// SHA-256 of the rewritten module.
    #[must_use]
    pub fn hash(&self) -> &Hash {
        &self.hash
    }

    /// How many functions it has of its own.
    #[must_use]
    pub fn functions(&self) -> usize {
        self.functions
    }

    /// How many targets its branch tables have together.
    #[must_use]
    pub fn branch_targets(&self) -> usize {
        self.branch_targets
    }

    /// What loading it takes: bytes of memory at most, and time in proportion (docs/spec/gas.md section 4). The same
    /// everywhere: the chain prices loads by it. Custom sections weigh nothing, data what it is long.
    #[must_use]
    pub fn weight(&self) -> usize {
        let translated = self.wasm.len().saturating_sub(self.data);
        [
            (translated, WEIGHT_OF_BYTE),
            (self.data, 1),
            (self.functions, WEIGHT_OF_FUNCTION),
            (self.branch_targets, WEIGHT_OF_BRANCH_TARGET),
        ]
        .into_iter()
        .map(|(n, each)| n.saturating_mul(each))
        .fold(0, usize::saturating_add)
    }

    /// What the module says of itself.
    #[must_use]
    pub fn info(&self) -> &ModuleInfo {
        &self.info
    }
}

/// Checks and rewrites a contract's unzipped wasm.
///
/// # Errors
/// [`PrepareError`], whose text names the function and the reason. The same bytes give the same answer everywhere.
///
/// ```
/// let refused = strongroom_vm::prepare(b"\0asm\x01\0\0\0").unwrap_err();
/// assert_eq!(refused.to_string(), "Contract is not CosmWasm v0.10 or v1: \
///     it exports neither `cosmwasm_vm_version_3` nor `interface_version_8`");
/// ```
pub fn prepare(wasm: &[u8]) -> Result<Prepared, PrepareError> {
    guard::caught(|| pass(wasm)).unwrap_or(Err(PrepareError::Engine))
}

fn pass(wasm: &[u8]) -> Result<Prepared, PrepareError> {
    limit("", "module bytes", wasm.len(), limits::MODULE_BYTES_MAX)?;
    let mut header = scan::scan(wasm)?;
    let info = abi::check(&header)?;
    let bodies = core::mem::take(&mut header.bodies);
    let (rewritten, totals) = rewrite::rewrite(wasm, &header, info.generation, bodies)?;
    let most = wasm
        .len()
        .saturating_mul(limits::REWRITTEN_FACTOR)
        .saturating_add(limits::REWRITTEN_SLACK_BYTES);
    limit("", "bytes after metering", rewritten.len(), most)?;
    // A mistake of ours must not reach an engine: what we wrote has to be valid by the same rules.
    Validator::new_with_features(FEATURES)
        .validate_all(&rewritten)
        .map_err(|_| invalid(Invalid::Metered))?;
    let hash = sha256(&rewritten);
    Ok(Prepared {
        wasm: rewritten.into(),
        code_hash: sha256(wasm),
        hash,
        info,
        functions: header.functions.len(),
        branch_targets: totals.targets,
        data: header.data.iter().map(|(_, bytes)| bytes.len()).sum(),
    })
}

/// Refuses `found > limit`.
fn limit(
    function: &str,
    what: &'static str,
    found: impl TryInto<u64>,
    limit: impl TryInto<u64>,
) -> Result<(), PrepareError> {
    // A number that is not a u64 is larger than any limit.
    let found = found.try_into().unwrap_or(u64::MAX);
    let limit = limit.try_into().unwrap_or(u64::MAX);
    if found > limit {
        return Err(PrepareError::Limit {
            function: function.to_owned(),
            what,
            found,
            limit,
        });
    }
    Ok(())
}

/// Refuses, for `reason`.
fn refused(reason: impl Into<String>) -> PrepareError {
    PrepareError::Refused {
        function: String::new(),
        reason: reason.into(),
    }
}

/// Refuses what the parser or validator refuses. Its text is left out: it changes with its version.
fn invalid(what: Invalid) -> PrepareError {
    PrepareError::Invalid {
        function: String::new(),
        what,
    }
}
