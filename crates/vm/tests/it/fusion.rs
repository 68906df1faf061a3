//! wasmi fuses comparisons with what uses them: selects, branches, other comparisons. Random expressions of nothing else,
//! prepared and run, against a model that computes them one operator at a time.
//!
//! `STRONGROOM_FUSION_SEED` and `STRONGROOM_FUSION_MODULES` for others than the usual ones.

use crate::harness::{executing, run};
use std::fmt::Write as _;

const MODULES: u64 = 24;
const FUNCTIONS: usize = 24;
const DEPTH: u32 = 6;
const PLENTY: u64 = 10_000_000_000;

/// splitmix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.next() % choices.len() as u64).unwrap()]
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Ty {
    I32,
    I64,
    F64,
}

impl Ty {
    const fn name(self) -> &'static str {
        match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F64 => "f64",
        }
    }
}

/// An expression; values are bits, an `i32` in the lower half.
enum Expr {
    Const(Ty, u64),
    Get(Ty, usize),
    Tee(Ty, usize, Box<Expr>),
    One(&'static str, Box<Expr>),
    Two(&'static str, Box<Expr>, Box<Expr>),
    Select(Box<Expr>, Box<Expr>, Box<Expr>),
    If(Ty, Box<Expr>, Box<Expr>, Box<Expr>),
    /// A block that is left with the first value if the condition holds.
    BrIf(Ty, Box<Expr>, Box<Expr>, Box<Expr>),
}

/// Two locals of each type.
type Locals = [[u64; 2]; 3];

const I32_TWO: [&str; 19] = [
    "i32.eq", "i32.ne", "i32.lt_s", "i32.lt_u", "i32.gt_s", "i32.gt_u", "i32.le_s", "i32.le_u",
    "i32.ge_s", "i32.ge_u", "i32.and", "i32.or", "i32.xor", "i32.add", "i32.sub", "i32.and",
    "i32.or", "i32.eq", "i32.ne",
];
const I64_CMP: [&str; 10] = [
    "i64.eq", "i64.ne", "i64.lt_s", "i64.lt_u", "i64.gt_s", "i64.gt_u", "i64.le_s", "i64.le_u",
    "i64.ge_s", "i64.ge_u",
];
const I64_TWO: [&str; 5] = ["i64.and", "i64.or", "i64.xor", "i64.add", "i64.sub"];
const F64_CMP: [&str; 6] = ["f64.eq", "f64.ne", "f64.lt", "f64.gt", "f64.le", "f64.ge"];

fn leaf(rng: &mut Rng, ty: Ty) -> Expr {
    if rng.next() % 3 > 0 {
        return Expr::Get(ty, rng.of(&[0, 1]));
    }
    let bits = match ty {
        Ty::I32 => rng.of(&[0, 0, 1, 2, 0xffff_ffff, 0x8000_0000, 0x1_0000]),
        Ty::I64 => rng.of(&[0, 0, 1, u64::MAX, 1 << 63, 1 << 32, 0xffff_ffff]),
        Ty::F64 => rng.of(&[0.0, -0.0, 1.5, f64::NAN, f64::INFINITY]).to_bits(),
    };
    Expr::Const(ty, bits)
}

fn expr(rng: &mut Rng, ty: Ty, depth: u32) -> Expr {
    if depth == 0 {
        return leaf(rng, ty);
    }
    let sub = |rng: &mut Rng, ty| {
        let less = if rng.next() % 4 == 0 { depth } else { 1 };
        Box::new(expr(rng, ty, depth - less))
    };
    match (rng.next() % 12, ty) {
        (0, _) => leaf(rng, ty),
        (1, _) => Expr::Tee(ty, rng.of(&[0, 1]), sub(rng, ty)),
        (2 | 3, _) => Expr::Select(sub(rng, ty), sub(rng, ty), sub(rng, Ty::I32)),
        (4, _) => Expr::If(ty, sub(rng, Ty::I32), sub(rng, ty), sub(rng, ty)),
        (5, _) => Expr::BrIf(ty, sub(rng, ty), sub(rng, Ty::I32), sub(rng, ty)),
        (6, Ty::I32) => Expr::One("i32.eqz", sub(rng, Ty::I32)),
        (7, Ty::I32) => Expr::One("i64.eqz", sub(rng, Ty::I64)),
        (8, Ty::I32) => Expr::One("i32.wrap_i64", sub(rng, Ty::I64)),
        (9, Ty::I32) => Expr::Two(rng.of(&I64_CMP), sub(rng, Ty::I64), sub(rng, Ty::I64)),
        (10, Ty::I32) => Expr::Two(rng.of(&F64_CMP), sub(rng, Ty::F64), sub(rng, Ty::F64)),
        (_, Ty::I32) => Expr::Two(rng.of(&I32_TWO), sub(rng, Ty::I32), sub(rng, Ty::I32)),
        (6 | 7, Ty::I64) => Expr::One("i64.extend_i32_u", sub(rng, Ty::I32)),
        (8, Ty::I64) => Expr::One("i64.extend_i32_s", sub(rng, Ty::I32)),
        (_, Ty::I64) => Expr::Two(rng.of(&I64_TWO), sub(rng, Ty::I64), sub(rng, Ty::I64)),
        (_, Ty::F64) => leaf(rng, ty),
    }
}

fn text(e: &Expr) -> String {
    let local = |ty: Ty, n: usize| format!("${}{n}", ty.name());
    match e {
        Expr::Const(Ty::F64, bits) => {
            let value = f64::from_bits(*bits);
            let value = match value {
                v if v.is_nan() => "nan".to_owned(),
                v if v.is_infinite() => "inf".to_owned(),
                v => format!("{v:?}"),
            };
            format!("(f64.const {value})")
        }
        Expr::Const(ty, bits) => format!("({}.const {bits})", ty.name()),
        Expr::Get(ty, n) => format!("(local.get {})", local(*ty, *n)),
        Expr::Tee(ty, n, e) => format!("(local.tee {} {})", local(*ty, *n), text(e)),
        Expr::One(op, e) => format!("({op} {})", text(e)),
        Expr::Two(op, a, b) => format!("({op} {} {})", text(a), text(b)),
        Expr::Select(a, b, c) => format!("(select {} {} {})", text(a), text(b), text(c)),
        Expr::If(ty, c, a, b) => format!(
            "(if (result {}) {} (then {}) (else {}))",
            ty.name(),
            text(c),
            text(a),
            text(b)
        ),
        Expr::BrIf(ty, a, c, b) => format!(
            "(block (result {}) (drop (br_if 0 {} {})) {})",
            ty.name(),
            text(a),
            text(c),
            text(b)
        ),
    }
}

fn value(e: &Expr, locals: &mut Locals) -> u64 {
    match e {
        Expr::Const(_, bits) => *bits,
        Expr::Get(ty, n) => locals[*ty as usize][*n],
        Expr::Tee(ty, n, e) => {
            let bits = value(e, locals);
            locals[*ty as usize][*n] = bits;
            bits
        }
        Expr::One(op, e) => {
            let x = value(e, locals);
            match *op {
                "i32.wrap_i64" => x & 0xffff_ffff,
                "i64.extend_i32_u" => x,
                "i64.extend_i32_s" => i64::from(x as u32 as i32) as u64,
                _ => u64::from(x == 0),
            }
        }
        Expr::Two(op, a, b) => {
            let (a, b) = (value(a, locals), value(b, locals));
            two(op, a, b)
        }
        Expr::Select(a, b, c) => {
            let (a, b) = (value(a, locals), value(b, locals));
            if value(c, locals) == 0 { b } else { a }
        }
        Expr::If(_, c, a, b) => {
            let chosen = if value(c, locals) == 0 { b } else { a };
            value(chosen, locals)
        }
        Expr::BrIf(_, a, c, b) => {
            let a = value(a, locals);
            if value(c, locals) == 0 {
                value(b, locals)
            } else {
                a
            }
        }
    }
}

fn two(op: &str, a: u64, b: u64) -> u64 {
    let (ty, op) = op.split_once('.').unwrap();
    if ty == "f64" {
        let (a, b) = (f64::from_bits(a), f64::from_bits(b));
        return u64::from(match op {
            "eq" => a == b,
            "ne" => a != b,
            "lt" => a < b,
            "gt" => a > b,
            "le" => a <= b,
            _ => a >= b,
        });
    }
    let signed = |x: u64| {
        if ty == "i32" {
            i64::from(x as u32 as i32)
        } else {
            x as i64
        }
    };
    let cut = |x: u64| if ty == "i32" { x & 0xffff_ffff } else { x };
    match op {
        "and" => a & b,
        "or" => a | b,
        "xor" => a ^ b,
        "add" => cut(a.wrapping_add(b)),
        "sub" => cut(a.wrapping_sub(b)),
        "eq" => u64::from(a == b),
        "ne" => u64::from(a != b),
        "lt_s" => u64::from(signed(a) < signed(b)),
        "lt_u" => u64::from(a < b),
        "gt_s" => u64::from(signed(a) > signed(b)),
        "gt_u" => u64::from(a > b),
        "le_s" => u64::from(signed(a) <= signed(b)),
        "le_u" => u64::from(a <= b),
        "ge_s" => u64::from(signed(a) >= signed(b)),
        _ => u64::from(a >= b),
    }
}

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

#[test]
fn what_is_fused_with_a_comparison_gives_what_the_operators_give_one_by_one() {
    let seed = from_env("STRONGROOM_FUSION_SEED", 6);
    for module in 0..from_env("STRONGROOM_FUSION_MODULES", MODULES) {
        let mut rng = Rng(seed ^ (module << 32));
        let (mut functions, mut body, mut expected) = (String::new(), String::new(), Vec::new());
        let mut sources = Vec::new();
        for n in 0..FUNCTIONS {
            let ty = rng.of(&[Ty::I32, Ty::I32, Ty::I64]);
            let e = expr(&mut rng, ty, DEPTH);
            let widen = if ty == Ty::I32 {
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
                text(&e)
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
                let mut locals = input;
                let own = value(&e, &mut locals);
                let [[a, b], [c, d], _] = locals;
                let sum = [a, b, c, d].into_iter().fold(own, u64::wrapping_add);
                expected.push(sum);
            }
            sources.push(text(&e));
        }
        let bytes = 8 * expected.len();
        write!(body, "(call $region (i32.const 1024) (i32.const {bytes}))").unwrap();
        let outcome = run(&executing("", &functions, &body), PLENTY);
        let found = outcome.result.unwrap();
        for (n, (found, expected)) in found.chunks(8).zip(&expected).enumerate() {
            let found = u64::from_le_bytes(found.try_into().unwrap());
            let (function, input) = (n / INPUTS.len(), n % INPUTS.len());
            assert_eq!(
                found, *expected,
                "seed {seed}, module {module}, input {input}: {}",
                sources[function]
            );
        }
    }
}
