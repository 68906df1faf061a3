//! More `select`s: wasm-smith seldom uses the result of an operator in the next, and engines fuse just that.

use wasm_encoder::{CodeSection, InstructionSink, RawSection};
use wasmparser::{FunctionBody, Operator, Parser, Payload};

use crate::generate::Random;

/// One in so many `i32` results becomes the condition of a `select`.
const ONE_IN: u64 = 3;

/// `wasm` with some of its `i32` results `r` replaced by `select(a, b, r)`; none if it cannot be read.
pub(crate) fn add(wasm: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut module = wasm_encoder::Module::new();
    let mut code = CodeSection::new();
    let mut left = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.ok()?;
        if let Payload::CodeSectionStart { count, .. } = payload {
            left = count;
        } else if let Payload::CodeSectionEntry(body) = &payload {
            code.raw(&function(wasm, body, random)?);
            left -= 1;
            if left == 0 {
                module.section(&code);
            }
        } else if let Some((id, range)) = payload.as_section() {
            let data = wasm.get(range)?;
            module.section(&RawSection { id, data });
        }
    }
    Some(module.finish())
}

fn function(wasm: &[u8], body: &FunctionBody<'_>, random: &mut Random) -> Option<Vec<u8>> {
    // Where the code of each value on the stack begins, as far as no block stands between.
    let mut starts: Vec<usize> = Vec::new();
    // Bytes to write at an offset.
    let mut inserts: Vec<(usize, Vec<u8>)> = Vec::new();
    let mut operators = body.get_operators_reader().ok()?;
    while !operators.eof() {
        let offset = operators.original_position();
        let operator = operators.read().ok()?;
        let name = name(&operator);
        let Some((pops, pushes)) = arity(&name) else {
            starts.clear();
            continue;
        };
        let start = match starts.len().checked_sub(pops) {
            Some(height) => starts.drain(height..).next().unwrap_or(offset),
            None => {
                starts.clear();
                continue;
            }
        };
        if pushes {
            starts.push(start);
            if is_i32(&name) && random.below(ONE_IN) == 0 {
                inserts.push((start, operands(random)));
                inserts.push((operators.original_position(), select()));
            }
        }
    }
    // Of those at one offset a `select` comes first: the operands of the next value follow it.
    inserts.sort_by_key(|(offset, bytes)| (*offset, *bytes != select()));
    let mut out = Vec::new();
    let mut at = body.range().start;
    for (offset, bytes) in inserts {
        out.extend_from_slice(wasm.get(at..offset)?);
        out.extend(bytes);
        at = offset;
    }
    out.extend_from_slice(wasm.get(at..body.range().end)?);
    Some(out)
}

fn select() -> Vec<u8> {
    let mut bytes = Vec::new();
    InstructionSink::new(&mut bytes).select();
    bytes
}

/// Two different values of `i32`, the first in a register of the engine or not.
fn operands(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut sink = InstructionSink::new(&mut bytes);
    if random.below(2) == 0 {
        sink.memory_size(0);
    } else {
        sink.i32_const(-1);
    }
    sink.i32_const(i32::try_from(random.below(64)).unwrap_or(0) + 10);
    bytes
}

fn name(operator: &Operator<'_>) -> String {
    let mut name = format!("{operator:?}");
    name.truncate(
        name.find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(name.len()),
    );
    name
}

/// How many values an operator takes, and whether it gives one. None for blocks, branches and calls.
fn arity(name: &str) -> Option<(usize, bool)> {
    const UNARY: [&str; 17] = [
        "Load",
        "Eqz",
        "Clz",
        "Ctz",
        "Popcnt",
        "Extend",
        "Wrap",
        "Trunc",
        "Convert",
        "Demote",
        "Promote",
        "Reinterpret",
        "Abs",
        "Neg",
        "Ceil",
        "Floor",
        "Nearest",
    ];
    Some(match name {
        "LocalGet" | "GlobalGet" | "MemorySize" => (0, true),
        "Nop" => (0, false),
        "Drop" | "LocalSet" | "GlobalSet" => (1, false),
        "LocalTee" => (1, true),
        "Select" => (3, true),
        _ if !numeric(name) => return None,
        _ if name.contains("Const") => (0, true),
        _ if name.contains("Store") => (2, false),
        _ if name.contains("Sqrt") || UNARY.iter().any(|part| name.contains(part)) => (1, true),
        _ => (2, true),
    })
}

fn numeric(name: &str) -> bool {
    ["I32", "I64", "F32", "F64"]
        .iter()
        .any(|ty| name.starts_with(ty))
}

/// Whether it gives an `i32`. Not comparisons of floats: wasm-smith makes NaNs canonical by one of them and a `select`.
fn is_i32(name: &str) -> bool {
    const COMPARISONS: [&str; 6] = ["Eq", "Ne", "Lt", "Gt", "Le", "Ge"];
    let operator = name.get(3..).unwrap_or_default();
    let compares = COMPARISONS.iter().any(|part| {
        operator
            .strip_prefix(part)
            .is_some_and(|rest| ["", "z", "S", "U"].contains(&rest))
    });
    name.starts_with("I32") || name.starts_with("I64") && compares
}
