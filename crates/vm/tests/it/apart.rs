//! Where the two tiers could come apart: what each computes at the ends of its numbers, of its memory and of its table, and with what calls
//! wait beside each other. Everything runs on both in step ([`crate::both`]), which compares exits, gas, depth, pages and memory.

use crate::both::Both;
use crate::harness::{PLENTY, contract};
use strongroom_vm::engine::{Guest, GuestExit};
use strongroom_vm::{Engine, Import, Loaded, Trap, prepare};

type Module = Loaded<<Both as Engine>::Module>;

const GAS: i64 = 1_000_000_000;

fn load(imports: &str, rest: &str) -> Module {
    let wasm = wat::parse_str(contract(imports, rest)).expect("sound");
    let loaded = Both.load(&prepare(&wasm).expect("taken")).expect("loaded");
    assert!(loaded.module.1.is_some(), "too much to compile");
    loaded
}

fn guest(module: &Module) -> Box<dyn Guest> {
    let mut guest = Both.instantiate(&module.module).expect("an instance");
    guest.set_gas(GAS);
    guest
}

/// A module whose `execute(n, a, b)` calls function `n` of `functions`, each of type `(i32 i32) -> i32`.
fn one_of(functions: &[String]) -> Module {
    // As many as are compiled.
    assert!(functions.len() <= 1_000);
    let list: String = (0..functions.len()).map(|n| format!("$f{n} ")).collect();
    let bodies: String = (0..)
        .zip(functions)
        .map(|(n, body)| {
            format!("(func $f{n} (type $t) (param $a i32) (param $b i32) (result i32) {body})")
        })
        .collect();
    let rest = format!(
        r#"(type $t (func (param $a i32) (param $b i32) (result i32)))
        (table {} funcref) (elem (i32.const 0) {list})
        {bodies}
        (func (export "instantiate") (param i32 i32 i32) (result i32) (local.get 2))
        (func (export "execute") (param i32 i32 i32) (result i32)
            (call_indirect (type $t) (local.get 1) (local.get 2) (local.get 0)))"#,
        functions.len()
    );
    load("", &rest)
}

/// All exits of one call of each function, in instances of their own.
fn each(module: &Module, count: usize, args: &[(u32, u32)]) -> Vec<GuestExit> {
    let mut exits = Vec::new();
    for n in 0..count {
        for (a, b) in args {
            let args = [u32::try_from(n).expect("few"), *a, *b];
            exits.push(guest(module).call("execute", &args).expect("no fault"));
        }
    }
    exits
}

const INTS: [u64; 12] = [
    0,
    1,
    2,
    31,
    32,
    63,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    u64::MAX,
];

/// Bits of `f64`: zeros, ends, what is next to the ends of integers, infinities, NaNs quiet and signalling with payloads.
const F64S: [u64; 26] = [
    0,
    0x8000_0000_0000_0000,
    1,
    0x8000_0000_0000_0001,
    0x3fe0_0000_0000_0000,
    0xbfe0_0000_0000_0000,
    0x3ff8_0000_0000_0000,
    0x4004_0000_0000_0000,
    0xbfef_ffff_ffff_ffff,
    0xbff0_0000_0000_0000,
    0x41df_ffff_ffc0_0000,
    0x41e0_0000_0000_0000,
    0xc1e0_0000_0020_0000,
    0xc1e0_0000_0000_0000,
    0x41ef_ffff_ffff_ffff,
    0x41f0_0000_0000_0000,
    0x43df_ffff_ffff_ffff,
    0x43e0_0000_0000_0000,
    0xc3e0_0000_0000_0001,
    0x43ef_ffff_ffff_ffff,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0x7ff8_0000_0000_0000,
    0xfff8_0000_dead_beef,
    0x7ff4_0000_0000_0001,
    0xfff0_0000_0000_0001,
];

const F32S: [u64; 22] = [
    0,
    0x8000_0000,
    1,
    0x8000_0001,
    0x3f00_0000,
    0xbf00_0000,
    0x3fc0_0000,
    0x4020_0000,
    0xbf7f_ffff,
    0xbf80_0000,
    0x4eff_ffff,
    0x4f00_0000,
    0xcf00_0001,
    0x4f80_0000,
    0x5eff_ffff,
    0x5f00_0000,
    0x5f80_0000,
    0x7f80_0000,
    0xff80_0000,
    0x7fc0_0000,
    0xffc0_dead,
    0x7fa0_0001,
];

fn values(kind: &str) -> &'static [u64] {
    match kind {
        "f32" => &F32S,
        "f64" => &F64S,
        _ => &INTS,
    }
}

/// A value by its bits: a constant, a local, or out of memory.
fn value(kind: &str, bits: u64, from: usize) -> String {
    let low = bits & 0xffff_ffff;
    let constant = match kind {
        "i32" => format!("(i32.const {low})"),
        "i64" => format!("(i64.const {bits})"),
        "f32" => format!("(f32.reinterpret_i32 (i32.const {low}))"),
        _ => format!("(f64.reinterpret_i64 (i64.const {bits}))"),
    };
    match from {
        0 => constant,
        1 => format!("(local.set ${kind} {constant}) (local.get ${kind})"),
        _ => format!("({kind}.store (i32.const 64) {constant}) ({kind}.load (i32.const 64))"),
    }
}

/// Operators: name, what they take, how many, what they give. None of them traps.
fn operators() -> Vec<(String, &'static str, usize, &'static str)> {
    let mut all = Vec::new();
    for kind in ["i32", "i64"] {
        for name in [
            "add", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr",
        ] {
            all.push((format!("{kind}.{name}"), kind, 2, kind));
        }
        for name in [
            "eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u",
        ] {
            all.push((format!("{kind}.{name}"), kind, 2, "i32"));
        }
        for name in ["clz", "ctz", "popcnt", "extend8_s", "extend16_s"] {
            all.push((format!("{kind}.{name}"), kind, 1, kind));
        }
        all.push((format!("{kind}.eqz"), kind, 1, "i32"));
    }
    all.push(("i64.extend32_s".into(), "i64", 1, "i64"));
    all.push(("i64.extend_i32_s".into(), "i32", 1, "i64"));
    all.push(("i64.extend_i32_u".into(), "i32", 1, "i64"));
    all.push(("i32.wrap_i64".into(), "i64", 1, "i32"));
    for kind in ["f32", "f64"] {
        for name in ["add", "sub", "mul", "div", "min", "max", "copysign"] {
            all.push((format!("{kind}.{name}"), kind, 2, kind));
        }
        for name in ["eq", "ne", "lt", "gt", "le", "ge"] {
            all.push((format!("{kind}.{name}"), kind, 2, "i32"));
        }
        for name in ["abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"] {
            all.push((format!("{kind}.{name}"), kind, 1, kind));
        }
        for int in ["i32", "i64"] {
            for sign in ["s", "u"] {
                all.push((format!("{kind}.convert_{int}_{sign}"), int, 1, kind));
                all.push((format!("{int}.trunc_sat_{kind}_{sign}"), kind, 1, int));
            }
        }
    }
    all.push(("f32.demote_f64".into(), "f64", 1, "f32"));
    all.push(("f64.promote_f32".into(), "f32", 1, "f64"));
    all.push(("f32.reinterpret_i32".into(), "i32", 1, "f32"));
    all.push(("i64.reinterpret_f64".into(), "f64", 1, "i64"));
    all
}

#[test]
fn every_operator_gives_the_same_bits_at_the_ends_of_its_numbers() {
    let mut functions = Vec::new();
    for (name, takes, arity, gives) in operators() {
        for from in 0..3 {
            let mut body =
                String::from("(local $i32 i32) (local $i64 i64) (local $f32 f32) (local $f64 f64)");
            let mut at = 128;
            for a in values(takes) {
                let seconds = if arity == 2 { values(takes) } else { &[0] };
                for b in seconds {
                    let first = value(takes, *a, from);
                    // The second from another place than the first.
                    let second = if arity == 2 {
                        value(takes, *b, (from + 1) % 3)
                    } else {
                        String::new()
                    };
                    body += &format!(
                        "(i32.const 0) {first} {second} {name} {gives}.store offset={at} "
                    );
                    at += 8;
                }
            }
            functions.push(body + "(i32.const 0)");
        }
    }
    // One module for all would be too much to compile.
    for some in functions.chunks(60) {
        let exits = each(&one_of(some), some.len(), &[(0, 0)]);
        assert!(exits.iter().all(|e| *e == GuestExit::Returned(Some(0))));
    }
}

#[test]
fn what_may_trap_traps_the_same_at_the_ends_of_its_numbers() {
    let mut functions = Vec::new();
    for kind in ["i32", "i64"] {
        for name in ["div_s", "div_u", "rem_s", "rem_u"] {
            for a in values(kind) {
                for b in values(kind) {
                    let (a, b) = (value(kind, *a, 1), value(kind, *b, 2));
                    functions.push(format!(
                        "(local ${kind} {kind}) (i32.const 0) {a} {b} {kind}.{name} {kind}.store (i32.const 0)"
                    ));
                }
            }
        }
        for float in ["f32", "f64"] {
            for sign in ["s", "u"] {
                for a in values(float) {
                    let a = value(float, *a, 1);
                    functions.push(format!(
                        "(local ${float} {float}) (i32.const 0) {a} {kind}.trunc_{float}_{sign} {kind}.store (i32.const 0)"
                    ));
                }
            }
        }
    }
    let mut traps = Vec::new();
    for some in functions.chunks(200) {
        traps.extend(each(&one_of(some), some.len(), &[(0, 0)]));
    }
    let of = |trap: Trap| {
        let exit = GuestExit::Trapped(trap);
        traps.iter().filter(|e| **e == exit).count()
    };
    // By zero: twelve of each; i32 sees the low halves of two more as zero.
    assert_eq!(of(Trap::DivisionByZero), 4 * 12 + 4 * 12 * 2);
    // At least NaNs and infinities, in each of four operators.
    assert!(of(Trap::InvalidConversion) > 4 * 5 + 4 * 6);
}

#[test]
fn every_access_ends_at_the_same_byte_of_memory() {
    let kinds = [
        "i32.load",
        "i32.load8_s",
        "i32.load8_u",
        "i32.load16_s",
        "i32.load16_u",
        "i64.load",
        "i64.load8_s",
        "i64.load8_u",
        "i64.load16_s",
        "i64.load16_u",
        "i64.load32_s",
        "i64.load32_u",
        "f32.load",
        "f64.load",
        "i32.store",
        "i32.store8",
        "i32.store16",
        "i64.store",
        "i64.store8",
        "i64.store16",
        "i64.store32",
        "f32.store",
        "f64.store",
    ];
    let offsets = [
        0_u32,
        1,
        7,
        65_535,
        65_536,
        0x1_fff8,
        0x1f_ffff,
        0x200_0000,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_0000,
        0xffff_fff8,
        u32::MAX,
    ];
    let mut functions = Vec::new();
    for kind in kinds {
        for offset in offsets {
            let ty = &kind[..3];
            functions.push(if kind.contains("load") {
                format!("({kind} offset={offset} (local.get $a)) drop (local.get $b)")
            } else {
                format!(
                    "({kind} offset={offset} (local.get $a) {}) (local.get $b)",
                    value(ty, u64::MAX, 0)
                )
            });
        }
    }
    // Of two pages: both sides of each end, and of where the address is one that a sum of 32 bits would have.
    let ends = [0x1_fff8, 0x1_fff9, 0x1_fffc, 0x1_fffe, 0x1_ffff, 0x2_0000];
    let mut addresses: Vec<(u32, u32)> = ends.into_iter().map(|a| (a, 5)).collect();
    addresses.extend(
        [
            0,
            1,
            8,
            0x7fff_fff8,
            0x8000_0000,
            0xffff_0008,
            0xffff_fff8,
            u32::MAX,
        ]
        .map(|a| (a, 6)),
    );
    let module = one_of(&functions);
    let exits = each(&module, functions.len(), &addresses);
    for (n, exit) in exits.iter().enumerate() {
        let offset = u64::from(offsets[n / addresses.len() % offsets.len()]);
        let (address, result) = addresses[n % addresses.len()];
        let kind = kinds[n / addresses.len() / offsets.len()];
        let bytes = match kind {
            k if k.contains('8') => 1,
            k if k.contains("16") => 2,
            k if k.contains("load32") || k.contains("store32") => 4,
            k if k.starts_with("i32") || k.starts_with("f32") => 4,
            _ => 8,
        };
        let fits = offset + u64::from(address) + bytes <= 2 << 16;
        let wanted = if fits {
            GuestExit::Returned(Some(result))
        } else {
            GuestExit::Trapped(Trap::MemoryOutOfBounds)
        };
        assert_eq!(*exit, wanted, "{kind} offset={offset} at {address}");
    }
}

#[test]
fn memory_that_has_grown_to_its_end_ends_there() {
    let functions = [
        "(drop (memory.grow (i32.const 190))) (i32.store8 (local.get $a) (i32.const 7)) (memory.size)",
        "(drop (memory.grow (i32.const 191))) (i32.load8_u (local.get $a)) drop (memory.size)",
        "(memory.fill (local.get $a) (i32.const 1) (local.get $b)) (memory.size)",
        "(memory.copy (local.get $a) (i32.const 3) (local.get $b)) (memory.size)",
        "(memory.copy (i32.const 3) (local.get $a) (local.get $b)) (memory.size)",
        "(drop (memory.grow (local.get $b))) (memory.fill (local.get $a) (i32.const 1) (local.get $b)) (memory.size)",
        "(memory.grow (local.get $a))",
    ]
    .map(String::from);
    let ends = [
        0,
        1,
        2,
        190,
        191,
        65_536,
        0x1_ffff,
        0x2_0000,
        0x2_0001,
        0xbf_ffff,
        0xc0_0000,
        0x7fff_ffff,
        u32::MAX,
    ];
    let args: Vec<(u32, u32)> = ends.iter().flat_map(|a| ends.map(|b| (*a, b))).collect();
    let exits = each(&one_of(&functions), functions.len(), &args);
    let grown = exits[..args.len()]
        .iter()
        .filter(|e| **e == GuestExit::Returned(Some(192)));
    // Every address below 12 MiB, thirteen times.
    assert_eq!(grown.count(), 10 * ends.len());
}

#[test]
fn calls_through_the_table_find_the_same_function_or_the_same_trap() {
    // Two types of one shape, one of another; holes; segments over each other, of which the last stands.
    let rest = r#"
        (type $a (func (result i32))) (type $same (func (result i32))) (type $other (func (result i64)))
        (table 8 20 funcref)
        (elem (i32.const 0) $one $two) (elem (i32.const 1) $three $one) (elem (i32.const 6) $long) (elem (i32.const 7) $long) (elem (i32.const 7) $two)
        (data (i32.const 100) "first first") (data (i32.const 103) "second") (data (i32.const 102) "x") (data (i32.const 131071) "e")
        (func $one (type $a) (i32.const 1)) (func $two (type $same) (i32.const 2)) (func $three (type $a) (i32.const 3))
        (func $long (type $other) (i64.const 4))
        (func (export "instantiate") (param i32 i32 i32) (result i32) (local.get 2))
        (func (export "execute") (param i32 i32 i32) (result i32) (call_indirect (type $same) (local.get 0)))"#;
    let module = load("", rest);
    let mut call = |n| {
        guest(&module)
            .call("execute", &[n, 0, 0])
            .expect("no fault")
    };
    let returned = |n| GuestExit::Returned(Some(n));
    let exits: Vec<GuestExit> = (0..8).map(&mut call).collect();
    let outside = GuestExit::Trapped(Trap::TableOutOfBounds);
    let wanted = [
        returned(1),
        returned(3),
        returned(1),
        outside.clone(),
        outside.clone(),
        outside.clone(),
        GuestExit::Trapped(Trap::BadSignature),
        returned(2),
    ];
    assert_eq!(exits, wanted);
    for n in [8, 19, 20, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
        assert_eq!(call(n), outside);
    }
    let memory = guest(&module).memory().expect("memory");
    assert_eq!(&memory[100..111], b"fixsecondst");
}

/// Asks twice, traps by a signal where its message is odd, asks the allocator, which asks as well.
const ASKING: &str = r#"
    (func (export "instantiate") (param i32 i32 i32) (result i32)
        (i32.store (i32.const 200) (call $read (i32.const 8)))
        (if (i32.and (local.get 0) (i32.const 1)) (then (drop (i32.load (i32.const -9)))))
        (i32.store (i32.const 204) (call $read (i32.load (i32.const 200))))
        (i32.add (i32.load (i32.const 204)) (local.get 0)))
    (func (export "execute") (param i32 i32 i32) (result i32)
        (drop (call $gas))
        (if (i32.and (local.get 0) (i32.const 1)) (then (drop (i32.div_u (i32.const 1) (i32.const 0)))))
        (if (i32.and (local.get 0) (i32.const 2)) (then unreachable))
        (local.get 0))"#;
const ASKED: &str = r#"(import "env" "check_gas" (func $gas (result i64))) (import "env" "db_read" (func $read (param i32) (result i32)))"#;

#[test]
fn calls_that_wait_beside_each_other_go_on_in_any_order_and_on_any_thread() {
    let module = load(ASKED, ASKING);
    // A generator of numbers: small, and the same everywhere.
    let mut state = 7_u64;
    let mut random = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    // Guest, number, what waits: instantiate (1, 2), execute above it.
    let mut waiting: Vec<(Box<dyn Guest>, u32, u32, bool)> = Vec::new();
    let (mut ended, mut trapped) = (0, 0);
    for n in 0..4_000_u32 {
        if waiting.len() < 40 {
            let mut new = guest(&module);
            let exit = new.call("instantiate", &[n, 0, 0]).expect("no fault");
            assert!(matches!(exit, GuestExit::Import(Import::DbRead, _)));
            waiting.push((new, n, 1, false));
        }
        let at = usize::try_from(random(waiting.len() as u64)).expect("few");
        let (mut guest, of, asked, above) = waiting.swap_remove(at);
        let (how, thread) = (random(4), random(5) == 0);
        let step = move || {
            let exit = match (above, how) {
                (false, 0) => guest.call("execute", &[of / 2, 0, 0]),
                _ => guest.resume(1_000),
            };
            (guest, exit.expect("no fault"))
        };
        let (guest, exit) = if thread {
            std::thread::spawn(step).join().expect("no panic")
        } else {
            step()
        };
        match exit {
            GuestExit::Import(Import::CheckGas, _) => waiting.push((guest, of, asked, true)),
            GuestExit::Import(..) => waiting.push((guest, of, asked + 1, false)),
            GuestExit::Returned(Some(n)) if above => {
                assert_eq!(n, of / 2);
                waiting.push((guest, of, asked, false));
            }
            GuestExit::Returned(n) => {
                assert_eq!(n, Some(1_000 + of));
                ended += 1;
            }
            // What waits below goes on all the same: nobody asks for it on a node, where the call is over.
            GuestExit::Trapped(_) if above && random(2) == 0 => {
                waiting.push((guest, of, asked, false))
            }
            GuestExit::Trapped(_) => trapped += 1,
        }
    }
    assert!(ended > 100 && trapped > 100, "{ended} {trapped}");
}

#[test]
fn gas_ends_at_the_same_instruction_wherever_it_ends() {
    let functions = ["(local $i i32)
        (loop $l (i32.store (i32.const 300) (i32.add (i32.load (i32.const 300)) (i32.const 1)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (if (i32.and (local.get $i) (i32.const 1)) (then (drop (memory.grow (i32.const 0)))))
            (memory.fill (i32.const 400) (local.get $i) (local.get $i))
            (br_if $l (i32.lt_u (local.get $i) (i32.const 40))))
        (local.get $i)"]
    .map(String::from);
    let module = one_of(&functions);
    let mut whole = guest(&module);
    assert_eq!(
        whole.call("execute", &[0, 0, 0]),
        Ok(GuestExit::Returned(Some(40)))
    );
    let used = GAS - whole.gas();
    for gas in 0..used {
        let mut guest = guest(&module);
        guest.set_gas(gas);
        guest.call("execute", &[0, 0, 0]).expect("no fault");
        assert!(guest.gas() < 0);
    }
    assert!(used > 1_000 && u64::try_from(used).is_ok_and(|used| used < PLENTY));
}
