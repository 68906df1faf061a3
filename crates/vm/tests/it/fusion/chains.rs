//! A comparison, some operators after it, and a `select` by the result.

use super::expr::{Expr, Ty};
use super::random::Rng;

/// How many there are for [`comparison`].
pub(super) const COMPARISONS: usize = 14;
/// How many there are for [`step`].
pub(super) const STEPS: usize = 64;
const LONGEST: usize = 4;

/// `select(i + 1, 7, condition)`, where the condition is a comparison and `steps` behind it.
pub(super) fn select(ty: Ty, comparison: usize, steps: &[usize]) -> Expr {
    let condition = steps
        .iter()
        .fold(self::comparison(comparison), |e, number| step(*number, e));
    let add = if ty == Ty::I32 { "i32.add" } else { "i64.add" };
    Expr::Select(
        two(add, Expr::Get(ty, 1), constant(ty, 1)).into(),
        constant(ty, 7).into(),
        condition.into(),
    )
}

/// The same with random steps.
pub(super) fn random(rng: &mut Rng, ty: Ty) -> Expr {
    let mut below = |end: usize| usize::try_from(rng.next()).unwrap() % end;
    let comparison = below(COMPARISONS);
    let steps: Vec<_> = (0..below(LONGEST + 1)).map(|_| below(STEPS)).collect();
    select(ty, comparison, &steps)
}

fn constant(ty: Ty, value: u64) -> Expr {
    Expr::Const(ty, value)
}

fn one(op: &'static str, e: Expr) -> Expr {
    Expr::One(op, e.into())
}

fn two(op: &'static str, a: Expr, b: Expr) -> Expr {
    Expr::Two(op, a.into(), b.into())
}

fn comparison(number: usize) -> Expr {
    let x = Expr::Get(Ty::I32, 0);
    let wide = Expr::Get(Ty::I64, 0);
    let zero = constant(Ty::I32, 0);
    match number {
        0 => one("i32.eqz", x),
        1 => two("i32.eq", x, zero),
        2 => two("i32.ne", x, zero),
        3 => two("i32.eq", zero, x),
        4 => two("i32.ne", zero, x),
        5 => two("i32.xor", x, zero),
        6 => two("i32.eq", x, constant(Ty::I32, 1)),
        7 => two("i32.eq", x, Expr::Get(Ty::I32, 1)),
        8 => one("i32.eqz", one("call $i32", x)),
        9 => one("i32.eqz", Expr::Load("i32.load", x.into())),
        10 => one("i32.eqz", Expr::Tee(Ty::I32, 1, x.into())),
        11 => one("i32.eqz", two("i32.and", x, Expr::Get(Ty::I32, 1))),
        12 => one("i64.eqz", wide),
        _ => two("i64.ne", wide, constant(Ty::I64, 0)),
    }
}

fn step(number: usize, e: Expr) -> Expr {
    /// With a constant on the right: operators that may do nothing, and others.
    const WITH: [(&str, u64); 26] = [
        ("i32.add", 0),
        ("i32.add", 1),
        ("i32.sub", 0),
        ("i32.mul", 1),
        ("i32.mul", 3),
        ("i32.and", 1),
        ("i32.and", 0xffff_ffff),
        ("i32.or", 0),
        ("i32.xor", 0),
        ("i32.xor", 1),
        ("i32.shl", 0),
        ("i32.shl", 32),
        ("i32.shr_u", 0),
        ("i32.shr_u", 1),
        ("i32.shr_s", 32),
        ("i32.rotl", 0),
        ("i32.rotr", 32),
        ("i32.div_u", 1),
        ("i32.rem_u", 7),
        ("i32.rem_s", 7),
        ("i32.eq", 0),
        ("i32.ne", 0),
        ("i32.eq", 1),
        ("i32.ne", 1),
        ("i32.lt_u", 1),
        ("i32.ge_s", 1),
    ];
    const AFTER: [&str; 5] = ["i32.eq", "i32.ne", "i32.add", "i32.or", "i32.shl"];
    const WITHIN: [(&str, &str); 9] = super::random::WITHIN[0];
    const ONE: [&str; 7] = [
        "i32.eqz",
        "i32.extend8_s",
        "i32.extend16_s",
        "i32.clz",
        "i32.ctz",
        "i32.popcnt",
        "call $i32",
    ];
    let narrow = |value| constant(Ty::I32, value);
    let long = |value| constant(Ty::I64, value);
    let mut number = number;
    let mut of = |count: usize| {
        let found = (number < count).then_some(number);
        number = number.wrapping_sub(count);
        found
    };
    if let Some(n) = of(WITH.len()) {
        return two(WITH[n].0, e, narrow(WITH[n].1));
    }
    if let Some(n) = of(AFTER.len()) {
        return two(AFTER[n], narrow(0), e);
    }
    if let Some(n) = of(WITHIN.len()) {
        return Expr::Within(WITHIN[n].0, e.into(), WITHIN[n].1);
    }
    if let Some(n) = of(ONE.len()) {
        return one(ONE[n], e);
    }
    let wide = "i64.extend_i32_u";
    match number {
        0 => Expr::Tee(Ty::I32, 0, e.into()),
        1 => Expr::Tee(Ty::I32, 1, e.into()),
        2 => Expr::Select(e.into(), narrow(9).into(), narrow(1).into()),
        3 => Expr::Select(narrow(9).into(), e.into(), narrow(0).into()),
        4 => Expr::Select(e.into(), narrow(9).into(), Expr::Get(Ty::I32, 1).into()),
        5 => Expr::If(Ty::I32, narrow(1).into(), e.into(), narrow(9).into()),
        6 => Expr::BrIf(Ty::I32, e.into(), narrow(1).into(), narrow(9).into()),
        7 => Expr::Load("i32.load8_u", e.into()),
        8 => one("i32.wrap_i64", one(wide, e)),
        9 => one("i64.eqz", one(wide, e)),
        10 => one("i64.eqz", one("i64.extend_i32_s", e)),
        11 => two("i64.ne", one(wide, e), long(0)),
        12 => two("i64.eq", one(wide, e), long(0)),
        13 => two("i64.eq", long(0), one(wide, e)),
        14 => two("i64.eq", one(wide, e), long(1)),
        15 => one("i64.eqz", Expr::Tee(Ty::I64, 1, one(wide, e).into())),
        _ => one("i64.eqz", two("i64.shl", one(wide, e), long(64))),
    }
}
