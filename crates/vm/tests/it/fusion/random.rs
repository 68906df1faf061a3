//! Random expressions.

use super::expr::{Expr, MEMORY_PAGES, Ty};

/// splitmix64.
pub(super) struct Rng(pub(super) u64);

impl Rng {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.next() % choices.len() as u64).unwrap()]
    }
}

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
pub(super) const WITHIN: [[(&str, &str); 9]; 2] = [
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
pub(super) const F64_CMP: [&str; 6] = ["f64.eq", "f64.ne", "f64.lt", "f64.gt", "f64.le", "f64.ge"];

pub(super) fn leaf(rng: &mut Rng, ty: Ty) -> Expr {
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

pub(super) fn expr(rng: &mut Rng, ty: Ty, depth: u32) -> Expr {
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
