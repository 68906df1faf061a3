//! Expressions: their text, and what they give when one operator is computed at a time.

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Ty {
    I32,
    I64,
    F64,
}

impl Ty {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F64 => "f64",
        }
    }
}

/// An expression; values are bits, an `i32` in the lower half.
pub(super) enum Expr {
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
pub(super) struct State {
    pub(super) locals: Locals,
    pub(super) memory: [u8; MEMORY],
}

/// Two locals of each type.
pub(super) type Locals = [[u64; 2]; 3];

/// Where loads and stores go: so many addresses, and the reach of the last.
pub(super) const MEMORY_AT: u32 = 70_000;
pub(super) const ADDRESSES: usize = 64;
pub(super) const MEMORY: usize = ADDRESSES + 8;
/// Pages of `executing`'s memory.
pub(super) const MEMORY_PAGES: u64 = 2;
pub(super) fn text(e: &Expr) -> String {
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
pub(super) fn width(op: &str) -> usize {
    match op {
        _ if op.contains('8') => 1,
        _ if op.contains("16") => 2,
        _ if op.starts_with("i32") || op.contains("e32") || op.contains("d32") => 4,
        _ => 8,
    }
}

pub(super) fn place(address: u64) -> usize {
    usize::try_from(address).unwrap() % ADDRESSES
}

pub(super) fn load(op: &str, memory: &[u8]) -> u64 {
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

pub(super) fn value(e: &Expr, state: &mut State) -> u64 {
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

pub(super) fn two(op: &str, a: u64, b: u64) -> u64 {
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

pub(super) fn shift(narrow: bool, op: &str, a: u64, by: u32) -> u64 {
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
