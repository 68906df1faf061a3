//! wasmi fuses comparisons with what uses them (selects, branches, other comparisons) and operators with the locals that take
//! their results. Random expressions of such, prepared and run, against a model that computes them one operator at a time.
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
    /// Between these two texts, which change nothing: blocks, operators for which the engine writes no instruction.
    Within(&'static str, Box<Expr>, &'static str),
    /// A global or what is like one: its text and its value.
    Known(&'static str, u64),
    /// A block that is left with the first value if the condition holds.
    BrIf(Ty, Box<Expr>, Box<Expr>, Box<Expr>),
    Load(&'static str, Box<Expr>),
    /// Address, what is stored, and the value of it all.
    Store(Ty, &'static str, Box<Expr>, Box<Expr>, Box<Expr>),
}

/// What expressions read and change.
struct State {
    locals: Locals,
    memory: [u8; MEMORY],
}

/// Two locals of each type.
type Locals = [[u64; 2]; 3];

const I32_TWO: [&str; 26] = [
    "i32.mul",
    "i32.shl",
    "i32.shr_s",
    "i32.shr_u",
    "i32.rotl",
    "i32.rotr",
    "i32.xor",
    "i32.eq",
    "i32.ne",
    "i32.lt_s",
    "i32.lt_u",
    "i32.gt_s",
    "i32.gt_u",
    "i32.le_s",
    "i32.le_u",
    "i32.ge_s",
    "i32.ge_u",
    "i32.and",
    "i32.or",
    "i32.xor",
    "i32.add",
    "i32.sub",
    "i32.and",
    "i32.or",
    "i32.eq",
    "i32.ne",
];
const I64_CMP: [&str; 10] = [
    "i64.eq", "i64.ne", "i64.lt_s", "i64.lt_u", "i64.gt_s", "i64.gt_u", "i64.le_s", "i64.le_u",
    "i64.ge_s", "i64.ge_u",
];
const I64_TWO: [&str; 11] = [
    "i64.and",
    "i64.or",
    "i64.xor",
    "i64.add",
    "i64.sub",
    "i64.mul",
    "i64.shl",
    "i64.shr_s",
    "i64.shr_u",
    "i64.rotl",
    "i64.rotr",
];
const I32_ONE: [&str; 6] = [
    "i32.extend8_s",
    "i32.extend16_s",
    "i32.clz",
    "i32.ctz",
    "i32.popcnt",
    "call $i32",
];
const I64_ONE: [&str; 7] = [
    "i64.extend8_s",
    "i64.extend16_s",
    "i64.extend32_s",
    "i64.clz",
    "i64.ctz",
    "i64.popcnt",
    "call $i64",
];
/// Divisions: the divisor is made odd.
const I32_DIVIDE: [&str; 3] = ["i32.div_u", "i32.rem_u", "i32.rem_s"];
const I64_DIVIDE: [&str; 3] = ["i64.div_u", "i64.rem_u", "i64.rem_s"];
const I32_KNOWN: [(&str, u64); 5] = [
    ("(global.get $five)", 5),
    ("(global.get $zero)", 0),
    ("(global.get $fixed)", 1),
    ("(memory.size)", MEMORY_PAGES),
    ("(memory.grow (i32.const 0))", MEMORY_PAGES),
];
const I64_KNOWN: [(&str, u64); 1] = [("(global.get $wide)", 1 << 32)];
/// For `i32` and for `i64`.
const WITHIN: [[(&str, &str); 9]; 2] = [
    [
        ("", "nop"),
        ("(block (result i32)", ")"),
        ("(loop (result i32)", ")"),
        (
            "(if (result i32) (i32.const 1) (then",
            ") (else i32.const 9))",
        ),
        ("(block (result i32)", "(br_if 0 (i32.const 0)))"),
        ("", "(local.set $i320 (local.get $i320))"),
        ("", "(i32.const 3) drop"),
        ("(i32.reinterpret_f32 (f32.reinterpret_i32", "))"),
        ("", "(i32.const 0) (call_indirect (param i32) (result i32))"),
    ],
    [
        ("", "nop"),
        ("(block (result i64)", ")"),
        ("(loop (result i64)", ")"),
        (
            "(if (result i64) (i32.const 1) (then",
            ") (else i64.const 9))",
        ),
        ("(block (result i64)", "(br_if 0 (i32.const 0)))"),
        ("", "(local.set $i640 (local.get $i640))"),
        ("", "(i32.const 3) drop"),
        ("(i64.reinterpret_f64 (f64.reinterpret_i64", "))"),
        ("", "call $nothing"),
    ],
];
const I32_LOAD: [&str; 5] = [
    "i32.load",
    "i32.load8_s",
    "i32.load8_u",
    "i32.load16_s",
    "i32.load16_u",
];
const I64_LOAD: [&str; 7] = [
    "i64.load",
    "i64.load8_s",
    "i64.load8_u",
    "i64.load16_s",
    "i64.load16_u",
    "i64.load32_s",
    "i64.load32_u",
];
const I32_STORE: [&str; 3] = ["i32.store", "i32.store8", "i32.store16"];
const I64_STORE: [&str; 4] = ["i64.store", "i64.store8", "i64.store16", "i64.store32"];
/// Where loads and stores go: so many addresses, and the reach of the last.
const MEMORY_AT: u32 = 70_000;
const ADDRESSES: usize = 64;
const MEMORY: usize = ADDRESSES + 8;
/// Pages of `executing`'s memory.
const MEMORY_PAGES: u64 = 2;
const F64_CMP: [&str; 6] = ["f64.eq", "f64.ne", "f64.lt", "f64.gt", "f64.le", "f64.ge"];

fn leaf(rng: &mut Rng, ty: Ty) -> Expr {
    if !rng.next().is_multiple_of(3) {
        return Expr::Get(ty, rng.of(&[0, 1]));
    }
    let bits = match ty {
        Ty::I32 => rng.of(&[0, 0, 1, 2, 32, 0xffff_ffff, 0x8000_0000, 0x1_0000]),
        Ty::I64 => rng.of(&[0, 0, 1, 64, u64::MAX, 1 << 63, 1 << 32, 0xffff_ffff]),
        Ty::F64 => rng.of(&[0.0, -0.0, 1.5, f64::NAN, f64::INFINITY]).to_bits(),
    };
    Expr::Const(ty, bits)
}

fn expr(rng: &mut Rng, ty: Ty, depth: u32) -> Expr {
    if depth == 0 {
        return leaf(rng, ty);
    }
    let sub = |rng: &mut Rng, ty| {
        let less = if rng.next().is_multiple_of(4) {
            depth
        } else {
            1
        };
        Box::new(expr(rng, ty, depth - less))
    };
    match (rng.next() % 20, ty) {
        (0, _) => leaf(rng, ty),
        (1, _) => Expr::Tee(ty, rng.of(&[0, 1]), sub(rng, ty)),
        (2 | 3, _) => Expr::Select(sub(rng, ty), sub(rng, ty), sub(rng, Ty::I32)),
        (4, _) => Expr::If(ty, sub(rng, Ty::I32), sub(rng, ty), sub(rng, ty)),
        (5, _) => Expr::BrIf(ty, sub(rng, ty), sub(rng, Ty::I32), sub(rng, ty)),
        (12, _) if rng.next().is_multiple_of(2) => {
            let op = rng.of(&I32_STORE);
            Expr::Store(ty, op, sub(rng, Ty::I32), sub(rng, Ty::I32), sub(rng, ty))
        }
        (12, _) => {
            let op = rng.of(&I64_STORE);
            Expr::Store(ty, op, sub(rng, Ty::I32), sub(rng, Ty::I64), sub(rng, ty))
        }
        (13, Ty::I32) => Expr::Load(rng.of(&I32_LOAD), sub(rng, Ty::I32)),
        (13, Ty::I64) => Expr::Load(rng.of(&I64_LOAD), sub(rng, Ty::I32)),
        (14, Ty::I32) => Expr::One(rng.of(&I32_ONE), sub(rng, Ty::I32)),
        (14, Ty::I64) => Expr::One(rng.of(&I64_ONE), sub(rng, Ty::I64)),
        (15, Ty::I32 | Ty::I64) => {
            let (before, after) = rng.of(&WITHIN[ty as usize]);
            Expr::Within(before, sub(rng, ty), after)
        }
        (16, Ty::I32) => {
            let (text, value) = rng.of(&I32_KNOWN);
            Expr::Known(text, value)
        }
        (16, Ty::I64) => {
            let (text, value) = rng.of(&I64_KNOWN);
            Expr::Known(text, value)
        }
        (17, Ty::I32 | Ty::I64) => {
            let (op, or) = match ty {
                Ty::I32 => (rng.of(&I32_DIVIDE), "i32.or"),
                _ => (rng.of(&I64_DIVIDE), "i64.or"),
            };
            let odd = Expr::Two(or, sub(rng, ty), Box::new(Expr::Const(ty, 1)));
            Expr::Two(op, sub(rng, ty), Box::new(odd))
        }
        (18 | 19, _) => Expr::Select(sub(rng, ty), sub(rng, ty), sub(rng, Ty::I32)),
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
        Expr::Within(before, e, after) => format!("{before} {} {after}", text(e)),
        Expr::Known(text, _) => (*text).to_owned(),
        Expr::Load(op, at) => format!(
            "({op} offset={MEMORY_AT} (i32.and {} (i32.const 63)))",
            text(at)
        ),
        Expr::Store(ty, op, at, what, e) => format!(
            "(block (result {}) ({op} offset={MEMORY_AT} (i32.and {} (i32.const 63)) {}) {})",
            ty.name(),
            text(at),
            text(what),
            text(e)
        ),
        Expr::Select(a, b, c) => format!("(select {} {} {})", text(a), text(b), text(c)),
        Expr::If(ty, c, a, b) => format!(
            "{} (if (result {}) (then {}) (else {}))",
            text(c),
            ty.name(),
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

/// Bytes that a load or store moves.
fn width(op: &str) -> usize {
    match op {
        _ if op.contains('8') => 1,
        _ if op.contains("16") => 2,
        _ if op.starts_with("i32") || op.contains("e32") || op.contains("d32") => 4,
        _ => 8,
    }
}

fn place(address: u64) -> usize {
    usize::try_from(address).unwrap() % ADDRESSES
}

fn load(op: &str, memory: &[u8]) -> u64 {
    let width = width(op);
    let mut bytes = [0; 8];
    bytes[..width].copy_from_slice(&memory[..width]);
    let unused = 64 - 8 * u32::try_from(width).unwrap();
    let bits = u64::from_le_bytes(bytes) << unused;
    let bits = if op.ends_with("_s") {
        ((bits as i64) >> unused) as u64
    } else {
        bits >> unused
    };
    if op.starts_with("i32") {
        bits & 0xffff_ffff
    } else {
        bits
    }
}

fn value(e: &Expr, state: &mut State) -> u64 {
    match e {
        Expr::Const(_, bits) => *bits,
        Expr::Get(ty, n) => state.locals[*ty as usize][*n],
        Expr::Tee(ty, n, e) => {
            let bits = value(e, state);
            state.locals[*ty as usize][*n] = bits;
            bits
        }
        Expr::Load(op, at) => {
            let at = place(value(at, state));
            load(op, &state.memory[at..])
        }
        Expr::Store(_, op, at, what, e) => {
            let at = place(value(at, state));
            let what = value(what, state).to_le_bytes();
            state.memory[at..at + width(op)].copy_from_slice(&what[..width(op)]);
            value(e, state)
        }
        Expr::One(op, e) => {
            let x = value(e, state);
            match *op {
                "i32.wrap_i64" => x & 0xffff_ffff,
                "i32.extend8_s" => i64::from(x as i8) as u64 & 0xffff_ffff,
                "i32.extend16_s" => i64::from(x as i16) as u64 & 0xffff_ffff,
                "i64.extend8_s" => i64::from(x as i8) as u64,
                "i64.extend16_s" => i64::from(x as i16) as u64,
                "i64.extend32_s" => i64::from(x as i32) as u64,
                "i32.clz" => u64::from((x as u32).leading_zeros()),
                "i32.ctz" => u64::from((x as u32).trailing_zeros()),
                "i64.clz" => u64::from(x.leading_zeros()),
                "i64.ctz" => u64::from(x.trailing_zeros()),
                "i32.popcnt" | "i64.popcnt" => u64::from(x.count_ones()),
                // Functions that give back what they are given.
                "call $i32" | "call $i64" => x,
                "i64.extend_i32_u" => x,
                "i64.extend_i32_s" => i64::from(x as u32 as i32) as u64,
                _ => u64::from(x == 0),
            }
        }
        Expr::Within(_, e, _) => value(e, state),
        Expr::Known(_, bits) => *bits,
        Expr::Two(op, a, b) => {
            let (a, b) = (value(a, state), value(b, state));
            two(op, a, b)
        }
        Expr::Select(a, b, c) => {
            let (a, b) = (value(a, state), value(b, state));
            if value(c, state) == 0 { b } else { a }
        }
        Expr::If(_, c, a, b) => {
            let chosen = if value(c, state) == 0 { b } else { a };
            value(chosen, state)
        }
        Expr::BrIf(_, a, c, b) => {
            let a = value(a, state);
            if value(c, state) == 0 {
                value(b, state)
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
        "mul" => cut(a.wrapping_mul(b)),
        "div_u" => a / b,
        "rem_u" => a % b,
        "rem_s" => cut(signed(a).wrapping_rem(signed(b)) as u64),
        _ if "shl shr_s shr_u rotl rotr".contains(op) => shift(ty == "i32", op, a, b as u32),
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

fn shift(narrow: bool, op: &str, a: u64, by: u32) -> u64 {
    if narrow {
        let a = a as u32;
        return u64::from(match op {
            "shl" => a.wrapping_shl(by),
            "shr_s" => (a as i32).wrapping_shr(by) as u32,
            "shr_u" => a.wrapping_shr(by),
            "rotl" => a.rotate_left(by % 32),
            _ => a.rotate_right(by % 32),
        });
    }
    match op {
        "shl" => a.wrapping_shl(by),
        "shr_s" => (a as i64).wrapping_shr(by) as u64,
        "shr_u" => a.wrapping_shr(by),
        "rotl" => a.rotate_left(by % 64),
        _ => a.rotate_right(by % 64),
    }
}

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

#[test]
fn what_is_fused_with_a_comparison_gives_what_the_operators_give_one_by_one() {
    let seed = from_env("STRONGROOM_FUSION_SEED", 6);
    for module in 0..from_env("STRONGROOM_FUSION_MODULES", MODULES) {
        let mut rng = Rng(seed ^ (module << 32));
        let (mut functions, mut body, mut expected) = (SAME.to_owned(), String::new(), Vec::new());
        let mut sources = Vec::new();
        let mut state = State {
            locals: Locals::default(),
            memory: [0; MEMORY],
        };
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
                state.locals = input;
                let own = value(&e, &mut state);
                let [[a, b], [c, d], _] = state.locals;
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
