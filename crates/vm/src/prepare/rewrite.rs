//! Writes the prepared module: the original's code with gas and depth checks inserted, our exports, a memory maximum.
//!
//! Indices of types, functions and globals stay, ours are appended; operators are copied byte for byte. The body of a
//! function whose frame is counted is wrapped in one more block, which the branches to the function's end now end, so that
//! one place gives the depth back. A small function that calls nothing adds one bounded frame and is not counted. The
//! functions that we export clear the stack first (`stack`).

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, ElementSection, Elements, EntityType,
    ExportKind, ExportSection, Function, FunctionSection, GlobalSection, GlobalType, ImportSection,
    InstructionSink, MemorySection, MemoryType, Module, RefType, TableSection, TableType,
    TypeSection, ValType,
};
use wasmparser::FuncValidatorAllocations;

use super::meter::{self, Insert, Plan, Totals};
use super::scan::{Body, Constant, Header};
use super::stack::{self, Stack};
use super::{export, names, refused};
use crate::entry::{Entry, Generation};
use crate::error::PrepareError;
use crate::{gas, limits};

/// Indices of what we add, and whose entry points we export.
struct Added {
    generation: Generation,
    stack: Stack,
    /// `(count) -> count`, charging per byte.
    charge_bytes: u32,
    /// `(pages) -> pages before, or -1`: `memory.grow`, charged per page.
    grow_memory: u32,
    /// Where the functions begin that the host calls, in the order of the exports.
    exports: u32,
    /// The type `(i32) -> i32`.
    unary: u32,
    /// The type `() -> ()`.
    action: u32,
    /// Where the types `() -> results` of wrapping blocks begin.
    types_next: u32,
}

/// Writes the whole module; also gives what was counted in all functions.
pub(super) fn rewrite(
    wasm: &[u8],
    header: &Header<'_>,
    generation: Generation,
    bodies: Vec<Body<'_>>,
) -> Result<(Vec<u8>, Totals), PrepareError> {
    let types = index(header.types.len())?;
    let functions = index(header.imports.len().saturating_add(header.functions.len()))?;
    let globals = index(header.globals.len())?;
    let mut added = Added {
        generation,
        stack: Stack {
            gas: globals,
            depth: globals.saturating_add(1),
            base: globals.saturating_add(2),
            cleared: globals.saturating_add(3),
            clear: functions.saturating_add(2),
            grow: functions.saturating_add(3),
        },
        charge_bytes: functions,
        grow_memory: functions.saturating_add(1),
        exports: functions.saturating_add(4),
        unary: types,
        action: types.saturating_add(1),
        types_next: types.saturating_add(2),
    };
    let mut block_types: Vec<Vec<ValType>> = Vec::new();
    let mut totals = Totals::default();
    let code = code(
        wasm,
        header,
        bodies,
        &mut added,
        &mut block_types,
        &mut totals,
    )?;

    let mut module = Module::new();
    module.section(&type_section(header, &block_types));
    if !header.imports.is_empty() {
        let mut imports = ImportSection::new();
        for (from, name, ty) in &header.imports {
            imports.import(from, name, EntityType::Function(*ty));
        }
        module.section(&imports);
    }
    let mut section = FunctionSection::new();
    for ty in &header.functions {
        section.function(*ty);
    }
    section
        .function(added.unary)
        .function(added.unary)
        .function(added.action)
        .function(added.action);
    for export in called(header, generation) {
        section.function(export.ty);
    }
    module.section(&section);
    if let Some((minimum, maximum)) = header.table {
        let mut tables = TableSection::new();
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum,
            maximum,
            shared: false,
        });
        module.section(&tables);
    }
    let (minimum, maximum) = header.memory.ok_or(PrepareError::NoMemory)?;
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum,
        maximum: Some(maximum),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    module.section(&memories);
    module.section(&global_section(header)?);
    module.section(&export_section(header, &added));
    if !header.elements.is_empty() {
        let mut elements = ElementSection::new();
        for (offset, functions) in &header.elements {
            elements.active(
                None,
                &ConstExpr::i32_const(*offset),
                Elements::Functions(functions.into()),
            );
        }
        module.section(&elements);
    }
    module.section(&code);
    if !header.data.is_empty() {
        let mut data = DataSection::new();
        for (offset, bytes) in &header.data {
            data.active(0, &ConstExpr::i32_const(*offset), bytes.iter().copied());
        }
        module.section(&data);
    }
    Ok((module.finish(), totals))
}

fn index(n: usize) -> Result<u32, PrepareError> {
    // Counts are far below: each has a limit.
    u32::try_from(n).map_err(|_| refused("it has too many items"))
}

fn value_type(ty: wasmparser::ValType) -> Result<ValType, PrepareError> {
    match ty {
        wasmparser::ValType::I32 => Ok(ValType::I32),
        wasmparser::ValType::I64 => Ok(ValType::I64),
        wasmparser::ValType::F32 => Ok(ValType::F32),
        wasmparser::ValType::F64 => Ok(ValType::F64),
        _ => Err(refused(
            "it uses a value type other than i32, i64, f32, f64",
        )),
    }
}

fn type_section(header: &Header<'_>, block_types: &[Vec<ValType>]) -> TypeSection {
    let mut section = TypeSection::new();
    for ty in &header.types {
        // `scan` has refused all others.
        let plain = |types: &[wasmparser::ValType]| {
            types
                .iter()
                .filter_map(|t| value_type(*t).ok())
                .collect::<Vec<_>>()
        };
        section
            .ty()
            .function(plain(ty.params()), plain(ty.results()));
    }
    section.ty().function([ValType::I32], [ValType::I32]);
    section.ty().function([], []);
    for results in block_types {
        section.ty().function([], results.iter().copied());
    }
    section
}

fn global_section(header: &Header<'_>) -> Result<GlobalSection, PrepareError> {
    let mut section = GlobalSection::new();
    for global in &header.globals {
        let ty = GlobalType {
            val_type: value_type(global.ty)?,
            mutable: global.mutable,
            shared: false,
        };
        let value = match global.value {
            Constant::I32(v) => ConstExpr::i32_const(v),
            Constant::I64(v) => ConstExpr::i64_const(v),
            // Bits, not numbers: a NaN keeps its payload.
            Constant::F32(bits) => raw_constant(0x43, &bits.to_le_bytes()),
            Constant::F64(bits) => raw_constant(0x44, &bits.to_le_bytes()),
        };
        section.global(ty, &value);
    }
    let ours = |val_type| GlobalType {
        val_type,
        mutable: true,
        shared: false,
    };
    section.global(ours(ValType::I64), &ConstExpr::i64_const(0));
    for _ in ["depth", "base", "cleared"] {
        section.global(ours(ValType::I32), &ConstExpr::i32_const(0));
    }
    Ok(section)
}

fn raw_constant(opcode: u8, bytes: &[u8]) -> ConstExpr {
    ConstExpr::raw(core::iter::once(opcode).chain(bytes.iter().copied()))
}

/// A function of the contract that the host calls.
struct Called<'a> {
    name: &'a str,
    function: u32,
    ty: u32,
    params: usize,
    /// How much of the stack is clear when it begins.
    chunks: u32,
}

/// The functions that the host calls, in the order of the exports. `abi` has seen that they are the contract's own, with
/// parameters and a result of `i32`.
fn called<'a>(header: &'a Header<'_>, generation: Generation) -> impl Iterator<Item = Called<'a>> {
    header.exports.iter().filter_map(move |export| {
        let chunks = if export.name == export::ALLOCATE {
            limits::STACK_CHUNKS_OF_ALLOCATE
        } else {
            Entry::by_name(export.name, generation)?;
            limits::STACK_CHUNKS_OF_ENTRY
        };
        let own = usize::try_from(export.index)
            .ok()?
            .checked_sub(header.imports.len())?;
        Some(Called {
            name: export.name,
            function: export.index,
            ty: *header.functions.get(own)?,
            params: header.type_of(export.index)?.params().len(),
            chunks,
        })
    })
}

/// Only what we call or look at; everything else that the original exports is left out.
fn export_section(header: &Header<'_>, added: &Added) -> ExportSection {
    let mut section = ExportSection::new();
    for (export, wrapper) in called(header, added.generation).zip(added.exports..) {
        section.export(export.name, ExportKind::Func, wrapper);
    }
    section.export(export::MEMORY, ExportKind::Memory, 0);
    section.export(export::GAS, ExportKind::Global, added.stack.gas);
    section.export(export::DEPTH, ExportKind::Global, added.stack.depth);
    section
}

fn code(
    wasm: &[u8],
    header: &Header<'_>,
    bodies: Vec<Body<'_>>,
    added: &mut Added,
    block_types: &mut Vec<Vec<ValType>>,
    totals: &mut Totals,
) -> Result<CodeSection, PrepareError> {
    let mut section = CodeSection::new();
    let mut allocations = FuncValidatorAllocations::default();
    let mut out = Vec::new();
    for (at, body) in bodies.into_iter().enumerate() {
        let function = index(header.imports.len().saturating_add(at))?;
        let here = |e: PrepareError| locate(wasm, function, e);
        let ty = header
            .type_of(function)
            .ok_or_else(|| here(refused("it has no type")))?;
        let range = body.1.range();
        let (plan, reused) =
            meter::plan(body, ty.params(), ty.results(), totals, allocations).map_err(here)?;
        allocations = reused;
        out.clear();
        let wrapper = wrapper(&plan, added, block_types)?;
        let bytes = |from: usize, to: usize| {
            wasm.get(from..to)
                .ok_or_else(|| here(refused("its body is cut")))
        };
        write_body(&plan, added, wrapper, range, bytes, &mut out)?;
        section.raw(&out);
    }
    let (_, pages_max) = header.memory.ok_or(PrepareError::NoMemory)?;
    section.function(&charge_bytes(added.stack.gas));
    // `scan` has held it against the limit.
    let pages_max = i32::try_from(pages_max).map_err(|_| refused("its memory is too large"))?;
    section.function(&grow_memory(added.stack.gas, pages_max));
    section.function(&stack::write_clear(added.stack));
    section.function(&stack::write_grow(added.stack));
    for export in called(header, added.generation) {
        let params = index(export.params)?;
        section.function(&stack::write_export(
            added.stack,
            params,
            export.function,
            export.chunks,
        ));
    }
    Ok(section)
}

/// Says in which function it happened.
fn locate(wasm: &[u8], function: u32, error: PrepareError) -> PrepareError {
    let label = names::function_label(wasm, function);
    match error {
        PrepareError::Invalid { what, .. } => PrepareError::Invalid {
            function: label.replace('"', "'"),
            what,
        },
        PrepareError::Limit {
            what, found, limit, ..
        } => PrepareError::Limit {
            function: label,
            what,
            found,
            limit,
        },
        PrepareError::Refused { reason, .. } => PrepareError::Refused {
            function: label,
            reason,
        },
        other => other,
    }
}

/// The type of the block that wraps the body of a function whose frame is counted.
fn wrapper(
    plan: &Plan,
    added: &mut Added,
    block_types: &mut Vec<Vec<ValType>>,
) -> Result<Option<wasm_encoder::BlockType>, PrepareError> {
    if !plan.counted {
        return Ok(None);
    }
    let results: Result<Vec<ValType>, _> = plan.results.iter().map(|t| value_type(*t)).collect();
    let results = results?;
    Ok(Some(match results.as_slice() {
        [] => wasm_encoder::BlockType::Empty,
        [one] => wasm_encoder::BlockType::Result(*one),
        many => {
            let at = block_types
                .iter()
                .position(|t| t == many)
                .unwrap_or_else(|| {
                    block_types.push(many.to_vec());
                    block_types.len().saturating_sub(1)
                });
            wasm_encoder::BlockType::FunctionType(added.types_next.saturating_add(index(at)?))
        }
    }))
}

fn write_body<'a>(
    plan: &Plan,
    added: &Added,
    wrapper: Option<wasm_encoder::BlockType>,
    range: core::ops::Range<usize>,
    bytes: impl Fn(usize, usize) -> Result<&'a [u8], PrepareError>,
    out: &mut Vec<u8>,
) -> Result<(), PrepareError> {
    // The declarations of locals stay as they are.
    out.extend_from_slice(bytes(range.start, plan.code_start)?);
    let mut at = plan.code_start;
    let mut inserts = plan.inserts.iter();
    // The first insert is the charge of the function's entry: it comes before the frame is built.
    if let Some((_, Insert::ChargeAndCheck(segment))) = inserts.next() {
        write_charge(plan, added, *segment, true, out);
    }
    if let Some(ty) = wrapper {
        let mut sink = InstructionSink::new(out);
        stack::write_enter(&mut sink, added.stack, plan.slots);
        sink.block(ty);
    }
    for (offset, insert) in inserts {
        out.extend_from_slice(bytes(at, *offset)?);
        at = *offset;
        match insert {
            Insert::Charge(segment) => write_charge(plan, added, *segment, false, out),
            Insert::ChargeAndCheck(segment) => write_charge(plan, added, *segment, true, out),
            Insert::Bulk => {
                InstructionSink::new(out).call(added.charge_bytes);
            }
            Insert::Grow(length) => {
                InstructionSink::new(out).call(added.grow_memory);
                at = at.saturating_add(*length);
            }
            Insert::RecomputeI32 => {
                InstructionSink::new(out).i32_const(0).i32_or();
            }
            Insert::RecomputeI64 => {
                InstructionSink::new(out).i64_const(0).i64_or();
            }
            Insert::Return(depth) => {
                if wrapper.is_some() {
                    // One byte of `return` is left out.
                    InstructionSink::new(out).br(*depth);
                    at = at.saturating_add(1);
                }
            }
        }
    }
    // The original's last `end` closes the wrapping block.
    out.extend_from_slice(bytes(at, range.end)?);
    if wrapper.is_some() {
        let mut sink = InstructionSink::new(out);
        stack::write_leave(&mut sink, added.stack, plan.slots);
        sink.end();
    }
    Ok(())
}

fn write_charge(plan: &Plan, added: &Added, segment: usize, check: bool, out: &mut Vec<u8>) {
    let cost = plan.costs.get(segment).copied().unwrap_or(0);
    let mut sink = InstructionSink::new(out);
    if cost != 0 {
        // No body is long enough to come near i64's ends from a limit below 2^34.
        let cost = i64::try_from(cost).unwrap_or(i64::MAX);
        sink.global_get(added.stack.gas)
            .i64_const(cost)
            .i64_sub()
            .global_set(added.stack.gas);
    }
    if check {
        stop_if_out_of_gas(&mut sink, added.stack.gas);
    }
}

/// Gas below zero is the mark of having run out; nothing runs after it.
pub(super) fn stop_if_out_of_gas(sink: &mut InstructionSink<'_>, gas: u32) {
    sink.global_get(gas)
        .i64_const(0)
        .i64_lt_s()
        .if_(BlockType::Empty)
        .unreachable()
        .end();
}

/// `(count) -> count`: charges for each byte of the count, before whatever it is counts for.
fn charge_bytes(gas: u32) -> Function {
    let mut function = Function::new([]);
    let mut sink = function.instructions();
    write_charge_by_size(&mut sink, gas, gas::BULK_BYTE);
    sink.local_get(0).end();
    function
}

/// `(pages) -> pages before, or -1`: what `memory.grow` does, charged for each page before. The engine's own instruction is reached only
/// where the memory does grow, so at most [`limits::MEMORY_PAGES_MAX`] times in the life of an instance: it is the one instruction that
/// leaves something on the machine's stack (ADR 8).
fn grow_memory(gas: u32, pages_max: i32) -> Function {
    let before = 1;
    let mut function = Function::new([(1, ValType::I32)]);
    let mut sink = function.instructions();
    write_charge_by_size(&mut sink, gas, gas::GROW_PAGE);
    sink.memory_size(0).local_set(before);
    // The size is at most the maximum.
    sink.local_get(0)
        .i32_const(pages_max)
        .local_get(before)
        .i32_sub()
        .i32_gt_u()
        .if_(BlockType::Empty)
        .i32_const(-1)
        .return_()
        .end();
    sink.local_get(0)
        .i32_eqz()
        .if_(BlockType::Empty)
        .local_get(before)
        .return_()
        .end();
    sink.local_get(0).memory_grow(0).end();
    function
}

/// Charges `each` for each unit of the first parameter; stops where there is not as much gas.
fn write_charge_by_size(sink: &mut InstructionSink<'_>, gas: u32, each: u64) {
    sink.global_get(gas).local_get(0).i64_extend_i32_u();
    if each != 1 {
        // The count is below 2^32 and the price far below 2^31.
        sink.i64_const(i64::try_from(each).unwrap_or(i64::MAX))
            .i64_mul();
    }
    sink.i64_sub().global_set(gas);
    stop_if_out_of_gas(sink, gas);
}
