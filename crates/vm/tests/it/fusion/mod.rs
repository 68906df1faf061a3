//! wasmi fuses comparisons with what uses them (selects, branches, other comparisons) and operators with the locals that take
//! their results. Random expressions of such, prepared and run, against a model that computes them one operator at a time.
//!
//! `STRONGROOM_FUSION_SEED` and `STRONGROOM_FUSION_MODULES` for others than the usual ones.

mod chains;
mod expr;
mod random;

use std::fmt::Write as _;

use crate::harness::{executing, run};
use expr::{Expr, Locals, MEMORY, State, Ty, text, value};
use random::{Rng, expr};

const MODULES: u64 = 24;
const FUNCTIONS: usize = 24;
const DEPTH: u32 = 6;
const PLENTY: u64 = 10_000_000_000;

const SAME: &str = "(global $five (mut i32) (i32.const 5)) (global $zero (mut i32) (i32.const 0))
    (global $fixed i32 (i32.const 1)) (global $wide (mut i64) (i64.const 0x100000000))
    (table funcref (elem $i32)) (func $nothing)
    (func $i32 (param i32) (result i32) (local.get 0))
    (func $i64 (param i64) (result i64) (local.get 0))\n";

const INPUTS: [Locals; 5] = [
    [[0, 0], [0, 0], [0, 0x7ff8_0000_0000_0000]],
    [[1, 0], [1 << 32, 0], [0x8000_0000_0000_0000, 0]],
    [[0, 1], [0, u64::MAX], [0x3ff8_0000_0000_0000, 0]],
    [[0xffff_ffff, 2], [1 << 63, 1], [0x7ff8_0000_0000_0000, 1]],
    [
        [0x8000_0000, 0xffff_ffff],
        [0xffff_ffff, 0xffff_ffff],
        [0x3ff8_0000_0000_0000, 0x3ff8_0000_0000_0000],
    ],
];

fn from_env(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// Random numbers for each module.
fn modules() -> impl Iterator<Item = (String, Rng)> {
    let seed = from_env("STRONGROOM_FUSION_SEED", 6);
    (0..from_env("STRONGROOM_FUSION_MODULES", MODULES)).map(move |module| {
        let label = format!("seed {seed}, module {module}");
        (label, Rng(seed ^ (module << 32)))
    })
}

/// Runs a module of a function for each expression, with each input, against the model.
fn check(label: &str, expressions: &[(Ty, Expr)]) {
    let (mut functions, mut body, mut expected) = (SAME.to_owned(), String::new(), Vec::new());
    let mut state = State {
        locals: Locals::default(),
        memory: [0; MEMORY],
    };
    for (n, (ty, e)) in expressions.iter().enumerate() {
        let widen = if *ty == Ty::I32 {
            "i64.extend_i32_u"
        } else {
            ""
        };
        // The locals are part of the result, so that a wrong write to one is seen.
        write!(
            functions,
            "(func $f{n} (param $i320 i32) (param $i321 i32) (param $i640 i64) (param $i641 i64)
                (param $f640 i64) (param $f641 i64) (result i64) (local $d f64)
                (call $g{n} (local.get $i320) (local.get $i321) (local.get $i640) (local.get $i641)
                    (f64.reinterpret_i64 (local.get $f640)) (f64.reinterpret_i64 (local.get $f641))))
             (func $g{n} (param $i320 i32) (param $i321 i32) (param $i640 i64) (param $i641 i64)
                (param $f640 f64) (param $f641 f64) (result i64)
                {} {widen}
                (i64.add (i64.add (i64.extend_i32_u (local.get $i320)) (i64.extend_i32_u (local.get $i321)))
                    (i64.add (local.get $i640) (local.get $i641)))
                i64.add)\n",
            text(e)
        )
        .unwrap();
        for input in INPUTS {
            let at = 1_024 + 8 * expected.len();
            let [[a, b], [c, d], [f, g]] = input;
            write!(
                body,
                "(i64.store (i32.const {at}) (call $f{n} (i32.const {a}) (i32.const {b})
                    (i64.const {c}) (i64.const {d}) (i64.const {f}) (i64.const {g})))\n"
            )
            .unwrap();
            state.locals = input;
            let own = value(e, &mut state);
            let [[a, b], [c, d], _] = state.locals;
            expected.push([a, b, c, d].into_iter().fold(own, u64::wrapping_add));
        }
    }
    let bytes = 8 * expected.len();
    write!(body, "(call $region (i32.const 1024) (i32.const {bytes}))").unwrap();
    let outcome = run(&executing("", &functions, &body), PLENTY);
    let found = outcome.result.unwrap();
    for (n, (found, expected)) in found.chunks(8).zip(&expected).enumerate() {
        let found = u64::from_le_bytes(found.try_into().unwrap());
        let (function, input) = (n / INPUTS.len(), n % INPUTS.len());
        let source = text(&expressions[function].1);
        assert_eq!(found, *expected, "{label}, input {input}: {source}");
    }
}

#[test]
fn what_is_fused_with_a_comparison_gives_what_the_operators_give_one_by_one() {
    for (label, mut rng) in modules() {
        let expressions: Vec<_> = (0..FUNCTIONS)
            .map(|_| {
                let ty = rng.of(&[Ty::I32, Ty::I32, Ty::I64]);
                (ty, expr(&mut rng, ty, DEPTH))
            })
            .collect();
        check(&label, &expressions);
    }
}

#[test]
fn no_operator_between_a_comparison_and_its_select_makes_it_choose_wrongly() {
    let all: Vec<_> = (0..chains::COMPARISONS)
        .flat_map(|comparison| (0..chains::STEPS).map(move |step| (comparison, step)))
        .flat_map(|(comparison, step)| {
            [Ty::I32, Ty::I64].map(|ty| (ty, chains::select(ty, comparison, &[step])))
        })
        .collect();
    for expressions in all.chunks(FUNCTIONS) {
        check("one step", expressions);
    }
    for (label, mut rng) in modules() {
        let expressions: Vec<_> = (0..FUNCTIONS)
            .map(|_| {
                let ty = rng.of(&[Ty::I32, Ty::I64]);
                (ty, chains::random(&mut rng, ty))
            })
            .collect();
        check(&label, &expressions);
    }
}

/// What `prepare` writes before a `select` to keep it apart from a comparison (`i32.const 0`, `i32.or`), and the `select`.
const REWRITTEN: [u8; 4] = [0x41, 0x00, 0x72, 0x1b];

#[test]
fn a_select_by_what_is_surely_no_comparison_with_zero_stays_as_it_is() {
    for (condition, rewritten) in [
        ("(i32.eqz (local.get $i))", true),
        ("(i32.and (local.get $i) (i32.const 1))", false),
        ("(local.tee $j (i32.eqz (local.get $i)))", false),
        ("(i32.eq (local.get $i) (i32.const 3))", false),
        ("(i64.eqz (local.get $x))", false),
        ("(i32.load (local.get $i))", false),
        ("(local.get $i)", false),
    ] {
        let body = format!("(select (i32.const 1) (i32.const 2) {condition})");
        let prepared = strongroom_vm::prepare(&executing("", "", &body)).unwrap();
        let found = prepared.wasm().windows(4).any(|bytes| bytes == REWRITTEN);
        assert_eq!(found, rewritten, "{condition}");
    }
}
