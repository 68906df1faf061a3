//! What the chain says of a wasm file: it is uploaded to a network of its own, so that text, code and gas are the chain's.

use crate::genesis::Setup;
use crate::network::Network;
use crate::outcome::Refused;
use std::borrow::Cow;
use strongroom_chain::modules::compute::gzip::gunzip;
use strongroom_chain::modules::compute::limits::CODE_BYTES_MAX;
use strongroom_chain::modules::compute::load_gas;
use strongroom_types::{Gas, Hash, sha256};
pub use strongroom_vm::Generation;
use strongroom_vm::imports::MODULE;
use strongroom_vm::limits::{IMPORTS_MAX, NAME_BYTES_MAX};
use strongroom_vm::{Import, ModuleInfo, Prepared, prepare};

/// The longest file that is looked at, in bytes: the chain refuses shorter ones already.
pub const FILE_BYTES_MAX: usize = 16 << 20;
/// The most imports that are told: one more than a module may have, so that it shows.
pub const IMPORTS_TOLD_MAX: usize = IMPORTS_MAX + 1;
/// The most of an import's name that is told, in characters: as many bytes as a name may have.
pub const NAME_TOLD_MAX: usize = NAME_BYTES_MAX;

/// What an upload of a file comes to.
#[derive(Clone, Debug)]
pub struct Report {
    /// Bytes of the file.
    pub file_bytes: usize,
    /// Gas of the upload, or what the chain says instead.
    pub upload: Result<Gas, Refused>,
    /// What it imports, in its own order, as far as it can be read, and [`IMPORTS_TOLD_MAX`] at most.
    pub imports: Vec<Imported>,
    /// What is known of the module; nothing if it was refused.
    pub module: Option<Module>,
}

/// An import of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Its name, with that of its module where it is not `env`; [`NAME_TOLD_MAX`] characters at most.
    pub name: String,
    /// Whether the chain has a function of this name.
    pub known: bool,
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
    /// Whether its keys are kept in order: it imports `db_scan`.
    pub iterates: bool,
    /// Whether a panic tells message and place: it imports `abort`.
    pub tells_panics: bool,
    /// Weight of loading it, in bytes.
    pub weight: usize,
    /// Gas of loading it, at each call.
    pub load_gas: Gas,
}

/// Uploads a file, wasm or gzip, and tells what the chain says.
///
/// Whatever the file is: no more than [`FILE_BYTES_MAX`] bytes of it are looked at (of longer ones the beginning is uploaded, which is refused for its
/// length), no more than a module's most bytes are unzipped, and nothing is prepared or compiled that the chain has refused.
///
/// # Panics
/// If the house itself is broken.
#[must_use]
pub fn check(file: &[u8]) -> Report {
    let mut net = Network::with(&Setup::default());
    let user = net.user("alice");
    let read = file.get(..FILE_BYTES_MAX).unwrap_or(file);
    let call = crate::call::Call::store(&user, read);
    let upload = net.run(&call).map(|done| done.gas_used);
    let wasm = unzipped(read);
    let imports = imports(&wasm);
    let prepared = upload.as_ref().ok().and_then(|_| prepare(&wasm).ok());
    let module = prepared.map(|prepared| module(&wasm, &prepared, &imports));
    Report {
        file_bytes: file.len(),
        upload,
        imports,
        module,
    }
}

/// The wasm, if the file is one that the chain unzips; else the file.
fn unzipped(file: &[u8]) -> Cow<'_, [u8]> {
    match gunzip(file, CODE_BYTES_MAX, |_| Ok(())) {
        Ok(wasm) => Cow::Owned(wasm),
        Err(_) => Cow::Borrowed(file),
    }
}

fn module(wasm: &[u8], prepared: &Prepared, imports: &[Imported]) -> Module {
    let info: &ModuleInfo = prepared.info();
    let entries = info.entries.iter();
    let weight = prepared.weight();
    let abort = Import::Abort.name();
    Module {
        bytes: wasm.len(),
        hash: sha256(wasm),
        generation: info.generation,
        stock: info.stock,
        entry_points: entries
            .filter_map(|entry| Some(info.export(*entry)?.name))
            .collect(),
        capabilities: info.features.clone(),
        iterates: info.iterates,
        tells_panics: imports.iter().any(|import| import.name == abort),
        weight,
        load_gas: load_gas(u64::try_from(weight).unwrap_or(u64::MAX)),
    }
}

/// What a module imports, as far as it can be read.
fn imports(wasm: &[u8]) -> Vec<Imported> {
    let sections = wasmparser::Parser::new(0).parse_all(wasm);
    let sections = sections.map_while(Result::ok);
    let imports = sections.filter_map(|payload| match payload {
        wasmparser::Payload::ImportSection(section) => Some(section),
        _ => None,
    });
    let imports = imports.flatten().map_while(Result::ok);
    imports
        .take(IMPORTS_TOLD_MAX)
        .map(|import| match import.module {
            MODULE => Imported {
                name: import.name.chars().take(NAME_TOLD_MAX).collect(),
                known: Import::by_name(import.name).is_some(),
            },
            other => {
                let name = other.chars().chain(['.']).chain(import.name.chars());
                Imported {
                    name: name.take(NAME_TOLD_MAX).collect(),
                    known: false,
                }
            }
        })
        .collect()
}
