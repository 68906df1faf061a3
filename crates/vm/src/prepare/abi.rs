//! Whether a module is a v1 contract that we can serve: marker, exports, imports, features (contract-abi.md 1 and 5).

use wasmparser::{ExternalKind, FuncType, ValType};

use super::scan::Header;
use super::{Entry, ModuleInfo, export, names};
use crate::error::PrepareError;
use crate::imports::{Import, MODULE};

/// The marker of the interface that we serve.
const MARKER_V1: &str = "interface_version_8";
/// The marker of the older interface.
const MARKER_V010: &str = "cosmwasm_vm_version_3";
/// What a feature marker begins with.
const FEATURE_PREFIX: &str = "requires_";
/// The features that we offer, sorted.
const FEATURES: [&str; 4] = ["ibc3", "random", "staking", "stargate"];

/// How many missing features a refusal lists.
const QUOTED_FEATURES_MAX: usize = 8;

/// Checks the interface. The first marker in export order decides the version.
pub(super) fn check(header: &Header<'_>) -> Result<ModuleInfo, PrepareError> {
    let marker = header
        .exports
        .iter()
        .map(|e| e.name)
        .find(|n| [MARKER_V1, MARKER_V010].contains(n));
    match marker {
        Some(MARKER_V1) => {}
        Some(_) => return Err(PrepareError::NotSupportedYet),
        None => return Err(PrepareError::NotAContract),
    }
    if header.memory.is_none() {
        return Err(PrepareError::NoMemory);
    }
    check_imports(header)?;
    required(header, MARKER_V1, 0, false)?;
    required(header, export::ALLOCATE, 1, true)?;
    required(header, "deallocate", 1, false)?;
    required(
        header,
        Entry::Instantiate.name(),
        Entry::Instantiate.params(),
        true,
    )?;
    let mut entries = Vec::new();
    for entry in Entry::ALL {
        if header.exports.iter().any(|e| e.name == entry.name()) {
            required(header, entry.name(), entry.params(), true)?;
            entries.push(entry);
        }
    }
    Ok(ModuleInfo {
        entries,
        features: features(header)?,
    })
}

fn check_imports(header: &Header<'_>) -> Result<(), PrepareError> {
    for (module, name, ty) in &header.imports {
        let refuse = |reason: &str| PrepareError::Import {
            name: names::quotable(&format!("{module}.{name}"), 256),
            reason: reason.to_owned(),
        };
        let import = Import::by_name(name)
            .filter(|_| *module == MODULE)
            .ok_or_else(|| refuse(Import::why_not(name)))?;
        let ty = usize::try_from(*ty)
            .ok()
            .and_then(|at| header.types.get(at));
        let fits = ty.is_some_and(|t| {
            all_i32(t.params(), import.params()) && t.results() == import.result().as_slice()
        });
        if !fits {
            return Err(refuse(" (with another signature than ours)"));
        }
    }
    Ok(())
}

/// Refuses a module without the export `name`, or where it is no function of its own with `params` regions and a region
/// as result (or none).
fn required(
    header: &Header<'_>,
    name: &str,
    params: usize,
    result: bool,
) -> Result<(), PrepareError> {
    let missing = |reason: &str| PrepareError::Export {
        name: name.to_owned(),
        reason: reason.to_owned(),
    };
    let found = header
        .exports
        .iter()
        .find(|e| e.name == name)
        .ok_or_else(|| missing(""))?;
    if found.kind != ExternalKind::Func {
        return Err(missing(" (it is not a function)"));
    }
    if usize::try_from(found.index).is_ok_and(|at| at < header.imports.len()) {
        return Err(missing(" (it is an import)"));
    }
    let fits = |ty: &FuncType| {
        let results: &[ValType] = if result { &[ValType::I32] } else { &[] };
        all_i32(ty.params(), params) && ty.results() == results
    };
    if !header.type_of(found.index).is_some_and(fits) {
        return Err(missing(" (it has another signature than ours)"));
    }
    Ok(())
}

fn all_i32(types: &[ValType], count: usize) -> bool {
    types.len() == count && types.iter().all(|t| *t == ValType::I32)
}

/// The features a module asks for, sorted, or the refusal that lists those we do not offer.
fn features(header: &Header<'_>) -> Result<Vec<String>, PrepareError> {
    let functions = header
        .exports
        .iter()
        .filter(|e| e.kind == ExternalKind::Func);
    let mut wanted: Vec<&str> = functions
        .filter_map(|e| e.name.strip_prefix(FEATURE_PREFIX))
        .collect();
    wanted.sort_unstable();
    let missing: Vec<String> = wanted
        .iter()
        .filter(|f| !FEATURES.contains(f))
        .take(QUOTED_FEATURES_MAX)
        .map(|f| format!("\"{}\"", names::quotable(f, 64)))
        .collect();
    if !missing.is_empty() {
        return Err(PrepareError::Features {
            features: missing.join(", "),
        });
    }
    Ok(wanted.into_iter().map(str::to_owned).collect())
}
