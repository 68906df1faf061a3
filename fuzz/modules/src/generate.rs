//! The modules: wasm-smith's, shaped so that `prepare` takes most of them and that their code runs.

use arbitrary::Unstructured;
use strongroom_vm::Import;
use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection,
    TypeSection, ValType,
};
use wasm_smith::{Config, MemoryOffsetChoices, Module};
use wasmparser::{BlockType, Operator, Parser, Payload};

use crate::selects;

/// The exports of a contract: name, parameters, whether it gives a region.
const EXPORTS: [(&str, usize, bool); 6] = [
    ("interface_version_8", 0, false),
    ("allocate", 1, true),
    ("deallocate", 1, false),
    ("instantiate", 3, true),
    ("execute", 3, true),
    ("query", 2, true),
];

/// Imports of each shape.
const IMPORTS: [Import; 7] = [
    Import::DbRead,
    Import::DbWrite,
    Import::AddrCanonicalize,
    Import::Secp256k1Sign,
    Import::Secp256k1Verify,
    Import::Debug,
    Import::CheckGas,
];

/// Bytes of randomness for one module.
const BYTES_MAX: u64 = 6_000;

/// How often a module that cannot run is drawn anew. The last may have any block, so that they stay rare instead of never.
const ATTEMPTS: u32 = 3;

/// Who makes NaNs canonical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nans {
    /// The module itself, behind each operator: V8 does not, we do, so only what is canonical anyway may be seen.
    OfTheModule,
    /// The engines, which have to agree.
    OfTheEngine,
}

/// Splitmix64: small, well known, and the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0xd134_2543_de82_ef95) ^ number);
        random.next();
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// A module with the exports, for wasm-smith to read their types from.
fn exports() -> Vec<u8> {
    let mut types = TypeSection::new();
    let mut functions = FunctionSection::new();
    let mut exports = ExportSection::new();
    let mut code = CodeSection::new();
    for (at, (name, params, result)) in (0..).zip(EXPORTS) {
        let results = result.then_some(ValType::I32);
        types
            .ty()
            .function(std::iter::repeat_n(ValType::I32, params), results);
        functions.function(at);
        exports.export(name, ExportKind::Func, at);
        let mut body = Function::new([]);
        body.instructions().unreachable().end();
        code.function(&body);
    }
    let mut module = wasm_encoder::Module::new();
    module
        .section(&types)
        .section(&functions)
        .section(&exports)
        .section(&code);
    module.finish()
}

/// A module with the imports.
fn imports() -> Vec<u8> {
    let mut types = TypeSection::new();
    let mut imports = ImportSection::new();
    for (at, import) in (0..).zip(IMPORTS) {
        let result = import.result().map(|r| {
            if r.to_string() == "i64" {
                ValType::I64
            } else {
                ValType::I32
            }
        });
        types
            .ty()
            .function(std::iter::repeat_n(ValType::I32, import.params()), result);
        imports.import("env", import.name(), EntityType::Function(at));
    }
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&imports);
    module.finish()
}

/// Module `number` of `seed`.
pub(crate) fn module(seed: u64, number: u64, nans: Nans) -> Vec<u8> {
    let mut random = Random::new(seed, number);
    // Drawn anew where it cannot run: out of randomness in a place where wasm-smith needs some, or with a block that takes
    // parameters, which upload refuses.
    let wasm = (0..ATTEMPTS)
        .filter_map(|_| smith(&mut random, nans))
        .find(|wasm| !has_block_parameters(wasm))
        .or_else(|| smith(&mut random, nans))
        .unwrap_or_else(|| b"\0asm\x01\0\0\0".to_vec());
    if random.one_in(2) {
        return selects::add(&wasm, &mut random).unwrap_or(wasm);
    }
    wasm
}

fn smith(random: &mut Random, nans: Nans) -> Option<Vec<u8>> {
    let config = config(random, nans);
    let length = 200 + random.below(BYTES_MAX);
    let bytes: Vec<u8> = (0..length.div_ceil(8))
        .flat_map(|_| random.next().to_le_bytes())
        .collect();
    let module = Module::new(config, &mut Unstructured::new(&bytes)).ok()?;
    Some(module.to_bytes())
}

fn has_block_parameters(wasm: &[u8]) -> bool {
    let mut takes = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload {
            Ok(Payload::TypeSection(types)) => takes.extend(
                types
                    .into_iter_err_on_gc_types()
                    .flatten()
                    .map(|ty| !ty.params().is_empty()),
            ),
            Ok(Payload::CodeSectionEntry(body)) => {
                let operators = body.get_operators_reader().into_iter().flatten().flatten();
                for operator in operators {
                    if let Operator::Block { blockty }
                    | Operator::Loop { blockty }
                    | Operator::If { blockty } = operator
                        && let BlockType::FuncType(index) = blockty
                        && usize::try_from(index).is_ok_and(|index| takes.get(index) == Some(&true))
                    {
                        return true;
                    }
                }
            }
            _ => {}
        }
    }
    false
}

/// Whether a difference may be a NaN's payload: wasm-smith makes NaNs canonical behind every operator but these two.
pub(crate) fn may_keep_payloads(wasm: &[u8]) -> bool {
    let bodies = Parser::new(0)
        .parse_all(wasm)
        .filter_map(|payload| match payload {
            Ok(Payload::CodeSectionEntry(body)) => body.get_operators_reader().ok(),
            _ => None,
        });
    bodies.flatten().any(|operator| {
        matches!(
            operator,
            Ok(Operator::F32DemoteF64 | Operator::F64PromoteF32)
        )
    })
}

fn config(random: &mut Random, nans: Nans) -> Config {
    // Passive segments, which we refuse, come with bulk memory: so either copies and fills, or segments and tables.
    let bulk = random.one_in(4);
    let segments = if bulk { 0 } else { 4 };
    Config {
        exports: Some(exports()),
        available_imports: if random.one_in(3) {
            None
        } else {
            Some(imports())
        },
        max_imports: if random.one_in(3) { 0 } else { 7 },
        allow_start_export: false,
        allow_floats: !random.one_in(3),
        canonicalize_nans: nans == Nans::OfTheModule,
        disallow_traps: random.one_in(2),
        bulk_memory_enabled: bulk,
        reference_types_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        simd_enabled: false,
        relaxed_simd_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        memory64_enabled: false,
        extended_const_enabled: false,
        multi_value_enabled: random.one_in(2),
        min_memories: 1,
        max_memories: 1,
        // Large memories are slow to hash, so they are few.
        max_memory32_bytes: if random.one_in(100) {
            192 << 16
        } else {
            4 << 16
        },
        memory_max_size_required: random.one_in(2),
        memory_offset_choices: MemoryOffsetChoices(60, 30, 2),
        max_tables: usize::from(!bulk),
        min_tables: u32::from(!bulk),
        max_table_elements: 64,
        table_max_size_required: true,
        max_data_segments: segments,
        max_element_segments: segments,
        max_elements: 24,
        min_funcs: 7,
        max_funcs: 16,
        max_types: 24,
        max_globals: 12,
        max_instructions: [40, 200, 1_000][usize::try_from(random.below(3)).unwrap_or(0)],
        ..Config::default()
    }
}
