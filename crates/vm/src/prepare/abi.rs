//! Whether a module is a contract that we can serve, and of which generation: marker, exports, imports, features
//! (contract-abi.md 1 and 5).

use wasmparser::{ExternalKind, FuncType, ValType};

use super::scan::Header;
use super::{ModuleInfo, export, names};
use crate::entry::{Entry, Generation, MIGRATE_WITH_INFO};
use crate::error::PrepareError;
use crate::imports::{Import, MODULE};

/// What a feature marker begins with.
const FEATURE_PREFIX: &str = "requires_";
/// The features that we offer, sorted.
const FEATURES: [&str; 13] = [
    "cosmwasm_1_1",
    "cosmwasm_1_2",
    "cosmwasm_1_3",
    "cosmwasm_1_4",
    "cosmwasm_2_0",
    "cosmwasm_2_1",
    "cosmwasm_2_2",
    "cosmwasm_3_0",
    "ibc3",
    "iterator",
    "random",
    "staking",
    "stargate",
];

/// How many missing features a refusal lists.
const QUOTED_FEATURES_MAX: usize = 8;

/// Checks the interface. The first marker in export order decides the generation, which must then be satisfied alone.
pub(super) fn check(header: &Header<'_>) -> Result<ModuleInfo, PrepareError> {
    let marked = |name: &str| Generation::ALL.into_iter().find(|g| g.marker() == name);
    let generation = header.exports.iter().find_map(|e| marked(e.name));
    let generation = generation.ok_or(PrepareError::NotAContract)?;
    if header.memory.is_none() {
        return Err(PrepareError::NoMemory);
    }
    check_imports(header, generation)?;
    required(header, generation.marker(), 0, false)?;
    required(header, export::ALLOCATE, 1, true)?;
    required(header, "deallocate", 1, false)?;
    let (mut entries, mut migrate_info) = (Vec::new(), false);
    for entry in Entry::ALL {
        let Some(function) = entry.export(generation) else {
            continue;
        };
        let exported = header.exports.iter().find(|e| e.name == function.name);
        if entry == Entry::Migrate && generation == Generation::V1 {
            let ty = exported.and_then(|export| header.type_of(export.index));
            migrate_info = ty.is_some_and(|ty| ty.params().len() == MIGRATE_WITH_INFO.args.len());
        }
        if exported.is_some() || generation.required().contains(&entry) {
            let function = match entry {
                Entry::Migrate if migrate_info => MIGRATE_WITH_INFO,
                _ => function,
            };
            required(header, function.name, function.args.len(), true)?;
            entries.push(entry);
        }
    }
    Ok(ModuleInfo {
        generation,
        entries,
        features: features(header)?,
        iterates: imports(header, Import::DbScan),
        stock: generation == Generation::V1
            && imports(header, Import::AddrValidate)
            && !imports(header, Import::Secp256k1Sign),
        migrate_info,
        migrate_version: header.migrate_version,
    })
}

fn imports(header: &Header<'_>, import: Import) -> bool {
    header
        .imports
        .iter()
        .any(|(_, name, _)| *name == import.name())
}

fn check_imports(header: &Header<'_>, generation: Generation) -> Result<(), PrepareError> {
    for (module, name, ty) in &header.imports {
        let refuse = |reason: &str| PrepareError::Import {
            name: names::quotable(&format!("{module}.{name}"), 256),
            reason: reason.to_owned(),
        };
        let import = Import::by_name(name)
            .filter(|_| *module == MODULE)
            .ok_or_else(|| refuse(""))?;
        if !import.is_of(generation) {
            let reason = format!(" (CosmWasm {} has no such import)", generation.name());
            return Err(refuse(&reason));
        }
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
