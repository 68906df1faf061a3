//! Modules made to be expensive: each is taken or refused, and what is taken loads and has bounded size.

use strongroom_vm::{Engine as _, PrepareError, WasmiEngine, limits, prepare};
use wasm_encoder::{
    BlockType, CodeSection, ExportKind, ExportSection, Function, FunctionSection, GlobalSection,
    GlobalType, Instruction, MemorySection, MemoryType, Module, TableSection, TableType,
    TypeSection, ValType,
};

/// A contract with these functions of type `() -> ()` besides the interface.
struct Bomb {
    functions: Vec<Function>,
    more_types: usize,
    globals: usize,
    table: u64,
}

impl Bomb {
    fn of(functions: Vec<Function>) -> Self {
        Self {
            functions,
            more_types: 0,
            globals: 0,
            table: 0,
        }
    }

    fn wasm(&self) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        types.ty().function([ValType::I32], []);
        types.ty().function([ValType::I32], [ValType::I32]);
        types.ty().function([ValType::I32; 3], [ValType::I32]);
        for n in 0..self.more_types {
            types.ty().function(
                (0..n % 100).map(|i| {
                    if (n >> (i % 8)) & 1 == 0 {
                        ValType::I64
                    } else {
                        ValType::F32
                    }
                }),
                [],
            );
        }
        let mut functions = FunctionSection::new();
        let mut code = CodeSection::new();
        for (ty, result) in [(0, false), (1, false), (2, true), (3, true)] {
            functions.function(ty);
            let mut f = Function::new([]);
            if result {
                f.instruction(&Instruction::LocalGet(0));
            }
            f.instruction(&Instruction::End);
            code.function(&f);
        }
        for f in &self.functions {
            functions.function(0);
            code.function(f);
        }
        let mut exports = ExportSection::new();
        for (i, name) in [
            "interface_version_8",
            "deallocate",
            "allocate",
            "instantiate",
        ]
        .into_iter()
        .enumerate()
        {
            exports.export(name, ExportKind::Func, i as u32);
        }
        let mut tables = TableSection::new();
        tables.table(TableType {
            element_type: wasm_encoder::RefType::FUNCREF,
            table64: false,
            minimum: self.table,
            maximum: None,
            shared: false,
        });
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: 1,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut globals = GlobalSection::new();
        for _ in 0..self.globals {
            let ty = GlobalType {
                val_type: ValType::I64,
                mutable: true,
                shared: false,
            };
            globals.global(ty, &wasm_encoder::ConstExpr::i64_const(0));
        }
        let mut module = Module::new();
        module
            .section(&types)
            .section(&functions)
            .section(&tables)
            .section(&memories)
            .section(&globals);
        module.section(&exports).section(&code);
        module.finish()
    }

    /// Taken: it loads, and its size is within the promise.
    #[track_caller]
    fn taken(&self) {
        let wasm = self.wasm();
        let prepared = prepare(&wasm).unwrap();
        assert!(
            prepared.wasm().len()
                <= wasm.len() * limits::REWRITTEN_FACTOR + limits::REWRITTEN_SLACK_BYTES
        );
        WasmiEngine.load(&prepared).unwrap();
        #[cfg(feature = "winch")]
        crate::winch::is_compiled_soon_or_refused(&prepared);
    }

    /// Refused over this limit.
    #[track_caller]
    fn refused(&self, over: &str) {
        let error = prepare(&self.wasm()).unwrap_err();
        assert!(
            matches!(&error, PrepareError::Limit { what, .. } if *what == over),
            "{error}"
        );
    }
}

fn function(locals: u32, ops: impl IntoIterator<Item = Instruction<'static>>) -> Function {
    let mut f = Function::new([(locals, ValType::I64)]);
    for op in ops {
        f.instruction(&op);
    }
    f.instruction(&Instruction::End);
    f
}

fn repeat(n: usize, ops: &[Instruction<'static>]) -> Vec<Instruction<'static>> {
    std::iter::repeat_n(ops, n).flatten().cloned().collect()
}

#[test]
fn fifty_thousand_chained_blocks() {
    let ops = repeat(
        50_000,
        &[
            Instruction::Block(BlockType::Empty),
            Instruction::I32Const(0),
            Instruction::BrIf(0),
            Instruction::End,
        ],
    );
    Bomb::of(vec![function(0, ops)]).taken();
}

#[test]
fn fifty_thousand_live_values_are_too_many_operands() {
    let mut ops = repeat(50_000, &[Instruction::I64Const(1)]);
    ops.extend(repeat(50_000, &[Instruction::Drop]));
    Bomb::of(vec![function(0, ops)]).refused("values on the operand stack");
}

#[test]
fn as_many_live_values_as_there_may_be() {
    let n = limits::OPERANDS_MAX as usize;
    let mut ops = repeat(n, &[Instruction::I64Const(1)]);
    ops.extend(repeat(n, &[Instruction::Drop]));
    Bomb::of(vec![function(limits::LOCALS_MAX as u32, ops.clone())]).taken();
    ops.insert(0, Instruction::I64Const(1));
    ops.push(Instruction::Drop);
    Bomb::of(vec![function(0, ops)]).refused("values on the operand stack");
}

#[test]
fn many_locals_and_many_ifs() {
    let ops = repeat(
        20_000,
        &[
            Instruction::LocalGet(999),
            Instruction::I32WrapI64,
            Instruction::If(BlockType::Empty),
            Instruction::End,
        ],
    );
    Bomb::of(vec![function(1_000, ops.clone())]).taken();
    Bomb::of(vec![function(1_001, ops)]).refused("locals of a function");
}

#[test]
fn locals_of_all_functions_are_counted() {
    let functions = |n| (0..n).map(|_| function(1_000, [])).collect();
    Bomb::of(functions(10)).taken();
    Bomb::of(functions(11)).refused("locals of all functions");
    Bomb::of((0..2_000).map(|_| function(50_000, [])).collect()).refused("locals of a function");
}

#[test]
fn branch_tables() {
    let table = |n: usize| {
        let targets: Vec<u32> = (0..n).map(|i| (i % 2) as u32).collect();
        [
            Instruction::Block(BlockType::Empty),
            Instruction::I32Const(1),
            Instruction::BrTable(targets.into(), 0),
            Instruction::End,
        ]
    };
    Bomb::of(vec![function(0, repeat(120, &table(4_096)))]).taken();
    let prepared =
        prepare(&Bomb::of(vec![function(0, repeat(120, &table(4_096)))]).wasm()).unwrap();
    assert_eq!(prepared.branch_targets(), 120 * 4_096);
    // 32 bytes each in the reference engine: the cache must see them.
    assert!(WasmiEngine.load(&prepared).unwrap().bytes > 120 * 4_096 * 32);
    Bomb::of(vec![function(0, table(4_097))]).refused("targets of a br_table");
}

#[test]
fn a_hundred_thousand_empty_functions_are_too_many_and_twenty_thousand_are_not() {
    Bomb::of((0..100_000).map(|_| function(0, [])).collect()).refused("functions");
    Bomb::of((0..19_996).map(|_| function(0, [])).collect()).taken();
}

#[test]
fn nesting_has_an_end() {
    let nest = |n: usize| {
        let mut ops = repeat(n, &[Instruction::Block(BlockType::Empty)]);
        ops.extend(repeat(n, &[Instruction::End]));
        Bomb::of(vec![function(0, ops)])
    };
    nest(512).taken();
    nest(513).refused("nesting of blocks");
    nest(100_000).refused("nesting of blocks");
}

#[test]
fn bodies_types_globals_tables_have_limits() {
    let long = |n| Bomb::of(vec![function(0, repeat(n, &[Instruction::Nop]))]);
    long(limits::BODY_BYTES_MAX - 4).taken();
    long(limits::BODY_BYTES_MAX).refused("bytes of a function");
    Bomb {
        more_types: limits::TYPES_MAX - 4,
        ..Bomb::of(vec![])
    }
    .taken();
    Bomb {
        more_types: limits::TYPES_MAX - 3,
        ..Bomb::of(vec![])
    }
    .refused("types");
    Bomb {
        globals: limits::GLOBALS_MAX,
        ..Bomb::of(vec![])
    }
    .taken();
    Bomb {
        globals: limits::GLOBALS_MAX + 1,
        ..Bomb::of(vec![])
    }
    .refused("global variables");
    Bomb {
        table: limits::TABLE_ENTRIES_MAX,
        ..Bomb::of(vec![])
    }
    .taken();
    Bomb {
        table: limits::TABLE_ENTRIES_MAX + 1,
        ..Bomb::of(vec![])
    }
    .refused("table entries");
}

#[test]
fn a_module_may_have_two_mebibytes_and_not_one_byte_more() {
    let padded = |n: usize| {
        let mut wasm = Bomb::of(vec![]).wasm();
        let rest = n - wasm.len() - 5;
        wasm.push(0);
        // A custom section: its length in four bytes of LEB128, an empty name, padding.
        let length = rest;
        wasm.extend(
            (0..4).map(|i| ((length >> (7 * i)) & 0x7f) as u8 | if i < 3 { 0x80 } else { 0 }),
        );
        wasm.resize(n, 0);
        wasm
    };
    prepare(&padded(limits::MODULE_BYTES_MAX)).unwrap();
    let error = prepare(&padded(limits::MODULE_BYTES_MAX + 1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Wasm contract exceeds a limit: module bytes 2097153, at most 2097152"
    );
}

#[test]
fn branches_out_of_deep_nesting_are_cheap_to_plan() {
    let mut ops = repeat(500, &[Instruction::Block(BlockType::Empty)]);
    ops.extend(repeat(
        100_000,
        &[Instruction::I32Const(0), Instruction::BrIf(499)],
    ));
    ops.extend(repeat(500, &[Instruction::End]));
    Bomb::of(vec![function(0, ops)]).taken();
}

#[test]
fn an_over_limit_function_is_named_in_the_refusal() {
    let error = prepare(&Bomb::of(vec![function(1_001, [])]).wasm()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Wasm contract exceeds a limit: function #4: locals of a function 1001, at most 1000"
    );
}

#[test]
fn code_that_metering_swells_too_much_is_refused() {
    // One loop head in four bytes, each with a check of its own.
    let ops = repeat(
        100_000,
        &[Instruction::Loop(BlockType::Empty), Instruction::End],
    );
    Bomb::of(vec![function(0, ops)]).refused("bytes after metering");
}
