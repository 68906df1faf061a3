//! What the chain says of a wasm file: it is uploaded to a network of its own, so that text, code and gas are the chain's.

use crate::genesis::Setup;
use crate::network::Network;
use crate::outcome::Refused;
use strongroom_chain::modules::compute::load_gas;
use strongroom_types::{Gas, Hash, sha256};
use strongroom_vm::{Generation, Import, ModuleInfo, Prepared, prepare};

/// The longest file that is looked at: the chain refuses shorter ones already.
pub const FILE_BYTES_MAX: usize = 16 << 20;

/// What an upload of a file comes to.
#[derive(Clone, Debug)]
pub struct Report {
    /// Bytes of the file.
    pub file_bytes: usize,
    /// Gas of the upload, or what the chain says instead.
    pub upload: Result<Gas, Refused>,
    /// What is known of the module; nothing if it was refused.
    pub module: Option<Module>,
}

/// A module that the chain takes.
#[derive(Clone, Debug)]
pub struct Module {
    /// Bytes of the wasm, unzipped.
    pub bytes: usize,
    /// SHA-256 of the wasm.
    pub hash: Hash,
    /// What it was compiled for.
    pub generation: Generation,
    /// Whether it was written with the ordinary `cosmwasm-std`.
    pub stock: bool,
    /// Its entry points, by the names of their exports.
    pub entry_points: Vec<&'static str>,
    /// The `requires_<x>` that it exports.
    pub capabilities: Vec<String>,
    /// What it imports, in its own order.
    pub imports: Vec<String>,
    /// Whether its keys are kept in order: it imports `db_scan`.
    pub iterates: bool,
    /// Whether a panic tells message and place: it imports `abort`.
    pub tells_panics: bool,
    /// Weight of loading it, in bytes.
    pub weight: usize,
    /// Gas of loading it, at each call.
    pub load_gas: Gas,
}

/// Uploads a file, wasm or gzip, and tells what came of it.
///
/// # Panics
/// If the house itself is broken.
#[must_use]
pub fn check(file: &[u8]) -> Report {
    let mut net = Network::with(&Setup::default());
    let user = net.user("alice");
    let call = crate::call::Call::store(&user, file);
    let upload = net.run(&call).map(|done| done.gas_used);
    let wasm = upload.is_ok().then(|| net.only_code()).flatten();
    let module = wasm.and_then(|wasm| prepare(&wasm).ok().map(|prepared| module(&wasm, &prepared)));
    Report {
        file_bytes: file.len(),
        upload,
        module,
    }
}

fn module(wasm: &[u8], prepared: &Prepared) -> Module {
    let info: &ModuleInfo = prepared.info();
    let imports = imports(wasm);
    let weight = prepared.weight();
    Module {
        bytes: wasm.len(),
        hash: sha256(wasm),
        generation: info.generation,
        stock: info.stock,
        entry_points: info
            .entries
            .iter()
            .filter_map(|entry| Some(info.export(*entry)?.name))
            .collect(),
        capabilities: info.features.clone(),
        iterates: info.iterates,
        tells_panics: imports.iter().any(|name| name == Import::Abort.name()),
        imports,
        weight,
        load_gas: load_gas(u64::try_from(weight).unwrap_or(u64::MAX)),
    }
}

/// The names of what a valid module imports.
fn imports(wasm: &[u8]) -> Vec<String> {
    let sections = wasmparser::Parser::new(0)
        .parse_all(wasm)
        .filter_map(Result::ok);
    let imports = sections.filter_map(|payload| match payload {
        wasmparser::Payload::ImportSection(section) => Some(section),
        _ => None,
    });
    imports
        .flatten()
        .filter_map(Result::ok)
        .map(|import| import.name.to_owned())
        .collect()
}
