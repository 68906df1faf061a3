//! No instruction leaves anything on the machine's stack, however often it runs (ADR 8): loops over every operator, to the end of their
//! gas, on a thread whose whole stack a leak of one byte for each pass would fill. `cargo xtask` looks at the machine code besides.

use strongroom_vm::Trap;

use crate::harness::{executing, run};

/// Wasm gas of one run: a pass through the cheapest loop costs some hundreds.
const GAS: u64 = 400_000_000;
/// What the thread of a loop has. It runs a million passes and more.
const STACK_BYTES: usize = 128 * 1024;

const TYPES: [&str; 4] = ["i32", "i64", "f32", "f64"];

/// Runs `body` for ever, with locals `$i32` to `$f64` and, behind them, some more.
fn runs_to_the_end_of_its_gas(body: &str, more: &str) {
    let looping = format!(
        "(table 4 4 funcref) (elem (i32.const 0) $one $one $one $one) (type $one (func (param i32) (result i32)))
         (global $gi32 (mut i32) (i32.const 7)) (global $gi64 (mut i64) (i64.const 7))
         (global $gf32 (mut f32) (f32.const 7)) (global $gf64 (mut f64) (f64.const 7))
         (func $one (type $one) (local.get 0))
         (func $two (result i32 i64) (i32.const 1) (i64.const 2))
         {more}
         (func $endless (param $i32 i32) (local $i64 i64) (local $f32 f32) (local $f64 f64)
           (local $ai32 i32) (local $ai64 i64) (local $af32 f32) (local $af64 f64) (local $k i32)
           (local.set $ai32 (i32.const 3)) (local.set $ai64 (i64.const 3))
           (local.set $af32 (f32.const 3)) (local.set $af64 (f64.const 3))
           (local.set $i64 (i64.const 5)) (local.set $f32 (f32.const 5)) (local.set $f64 (f64.const 5))
           (loop $l {body} (br $l)))"
    );
    let wasm = executing(
        "",
        &looping,
        "(call $endless (i32.const 9)) (local.get $msg)",
    );
    let ended = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || run(&wasm, GAS))
        .unwrap()
        .join()
        .unwrap();
    assert_eq!(ended.result, Err(Trap::OutOfGas), "{body}");
}

/// A value of a type as a local, as what an instruction has just computed, and as a constant.
fn operands(ty: &str) -> [String; 3] {
    let twice = if ty.starts_with('i') { "add" } else { "mul" };
    [
        format!("(local.get ${ty})"),
        format!("({ty}.{twice} (local.get ${ty}) (local.get $a{ty}))"),
        format!("({ty}.const 3)"),
    ]
}

#[test]
fn loops_over_every_operator_with_two_operands_end_with_their_gas() {
    let common = ["add", "sub", "mul", "eq", "ne"];
    let whole = [
        "div_s", "div_u", "rem_s", "rem_u", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl",
        "rotr", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u",
    ];
    let real = ["div", "min", "max", "copysign", "lt", "gt", "le", "ge"];
    for ty in TYPES {
        let own = if ty.starts_with('i') {
            &whole[..]
        } else {
            &real[..]
        };
        for name in common.iter().chain(own) {
            let compares = ["eq", "ne", "lt", "gt", "le", "ge"]
                .iter()
                .any(|c| name.split('_').next() == Some(c));
            let result = if compares { "i32" } else { ty };
            let mut body = String::new();
            for a in operands(ty) {
                for b in operands(ty) {
                    let value = format!("({ty}.{name} {a} {b})");
                    body += &format!("(local.set $a{result} {value}) (drop {value})");
                    if result == "i32" {
                        // Fused with what they decide.
                        body += &format!(
                            "(block $b (br_if $b {value})) (block $b (br_if $b (i32.eqz {value})))
                             (if {value} (then (local.set $k (i32.const 1))) (else (local.set $k (i32.const 2))))
                             (local.set $k (select (local.get $k) (i32.const 5) {value}))"
                        );
                    }
                }
            }
            // So that nothing becomes zero, or grows for ever.
            body += &format!("(local.set $a{ty} ({ty}.const 3))");
            runs_to_the_end_of_its_gas(&body, "");
        }
    }
}

#[test]
fn loops_over_every_operator_with_one_operand_end_with_their_gas() {
    let mut ops: Vec<(String, &str, &str)> = Vec::new();
    for ty in ["i32", "i64"] {
        for name in ["clz", "ctz", "popcnt", "extend8_s", "extend16_s"] {
            ops.push((format!("{ty}.{name}"), ty, ty));
        }
        ops.push((format!("{ty}.eqz"), ty, "i32"));
        for from in ["f32", "f64"] {
            for sign in ["s", "u"] {
                ops.push((format!("{ty}.trunc_{from}_{sign}"), from, ty));
                ops.push((format!("{ty}.trunc_sat_{from}_{sign}"), from, ty));
                ops.push((format!("{from}.convert_{ty}_{sign}"), ty, from));
            }
        }
    }
    for ty in ["f32", "f64"] {
        for name in ["abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"] {
            ops.push((format!("{ty}.{name}"), ty, ty));
        }
    }
    for (name, from, to) in [
        ("i64.extend32_s", "i64", "i64"),
        ("i32.wrap_i64", "i64", "i32"),
        ("i64.extend_i32_s", "i32", "i64"),
        ("i64.extend_i32_u", "i32", "i64"),
        ("f32.demote_f64", "f64", "f32"),
        ("f64.promote_f32", "f32", "f64"),
        ("i32.reinterpret_f32", "f32", "i32"),
        ("i64.reinterpret_f64", "f64", "i64"),
        ("f32.reinterpret_i32", "i32", "f32"),
        ("f64.reinterpret_i64", "i64", "f64"),
    ] {
        ops.push((name.to_owned(), from, to));
    }
    for (name, from, to) in ops {
        let mut body = String::new();
        for a in operands(from) {
            body += &format!("(local.set $a{to} ({name} {a})) (drop ({name} {a}))");
        }
        body += &format!("(local.set $a{from} ({from}.const 3))");
        runs_to_the_end_of_its_gas(&body, "");
    }
}

#[test]
fn loops_over_memory_end_with_their_gas() {
    let mut bodies = Vec::new();
    for ty in TYPES {
        let mut sizes = vec![""];
        if ty.starts_with('i') {
            sizes.extend(["8", "16"]);
        }
        if ty == "i64" {
            sizes.push("32");
        }
        for size in sizes {
            for at in [
                "(local.get $i32)",
                "(i32.add (local.get $i32) (i32.const 4))",
                "(i32.const 64)",
            ] {
                for offset in ["", "offset=8", "offset=66000"] {
                    let signs: &[&str] = if size.is_empty() {
                        &[""]
                    } else {
                        &["_s", "_u"]
                    };
                    for sign in signs {
                        bodies.push(format!(
                            "(local.set $a{ty} ({ty}.load{size}{sign} {offset} {at}))"
                        ));
                    }
                    for value in operands(ty) {
                        bodies.push(format!("({ty}.store{size} {offset} {at} {value})"));
                    }
                }
            }
        }
    }
    bodies.push("(local.set $k (memory.size))".into());
    for n in ["(local.get $i32)", "(i32.const 0)", "(i32.const 70)"] {
        bodies.push(format!("(memory.copy (i32.const 300) (i32.const 9) {n})"));
        bodies.push(format!("(memory.fill (i32.const 300) (i32.const 9) {n})"));
        bodies.push(format!(
            "(memory.copy (local.get $i32) (local.get $i32) {n})"
        ));
    }
    for body in bodies {
        runs_to_the_end_of_its_gas(&body, "");
    }
}

#[test]
fn loops_over_memory_that_does_not_grow_end_with_their_gas() {
    // The engine's own instruction would leave a frame at every pass.
    for pages in [
        "(i32.const 0)",
        "(i32.const 200)",
        "(i32.const -1)",
        "(local.get $k)",
    ] {
        runs_to_the_end_of_its_gas(&format!("(local.set $ai32 (memory.grow {pages}))"), "");
    }
}

#[test]
fn memory_grows_page_by_page_to_its_maximum_without_filling_the_stack() {
    // 190 pages, and many attempts after them.
    runs_to_the_end_of_its_gas("(local.set $ai32 (memory.grow (i32.const 1)))", "");
}

#[test]
fn loops_over_variables_and_selects_end_with_their_gas() {
    for ty in TYPES {
        let mut body = String::new();
        for value in operands(ty) {
            body += &format!(
                "(global.set $g{ty} {value}) (local.set $a{ty} (global.get $g{ty})) (drop (local.tee $a{ty} {value}))
                 (local.set $a{ty} (select {value} (local.get $a{ty}) (local.get $k)))
                 (local.set $a{ty} (select (result {ty}) (local.get $a{ty}) {value} (i32.eqz (local.get $k))))
                 (local.set $k (i32.eqz (local.get $k)))"
            );
        }
        body += &format!("(local.set $a{ty} ({ty}.const 3))");
        runs_to_the_end_of_its_gas(&body, "");
    }
}

#[test]
fn loops_over_branches_and_calls_end_with_their_gas() {
    for body in [
        "(nop)",
        "(block $b (br $b))",
        "(local.set $k (i32.eqz (local.get $k))) (br_if $l (local.get $k))",
        "(block $a (block $b (br_table $a $b $l (local.get $k)))) (local.set $k (i32.and (i32.add (local.get $k) (i32.const 1)) (i32.const 3)))",
        "(local.set $ai32 (block $a (result i32) (block $b (result i32) (br_table $a $b (i32.const 5) (local.get $k))))) (local.set $k (i32.eqz (local.get $k)))",
        "(local.set $k (i32.eqz (local.get $k))) (call $pick (local.get $k)) (drop) (drop)",
        "(local.set $k (call $one (i32.const 3)))",
        "(local.set $k (call $one (local.get $i32)))",
        "(call $two) (drop) (drop)",
        "(local.set $k (call_indirect (type $one) (i32.const 3) (i32.const 1)))",
        "(local.set $k (call_indirect (type $one) (local.get $i32) (i32.and (local.get $i32) (i32.const 3))))",
        "(call $many (i32.const 1) (i64.const 2) (f32.const 3) (f64.const 4) (local.get $i32) (local.get $i64) (local.get $f32) (local.get $f64)) (drop)",
        "(drop (call $deep (i32.const 200)))",
    ] {
        let more = "
            (func $pick (param i32) (result i32 i32)
              (block (result i32 i32) (block (result i32 i32) (i32.const 1) (i32.const 2) (br_table 0 1 (local.get 0)))))
            (func $many (param i32 i64 f32 f64 i32 i64 f32 f64) (result i32) (return (local.get 4)))
            (func $deep (param i32) (result i32)
              (if (result i32) (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 7))))";
        runs_to_the_end_of_its_gas(body, more);
    }
}
