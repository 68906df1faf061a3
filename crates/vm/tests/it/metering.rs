//! Gas: the prepared module does what the original does, costs what an independent count says, and stops in good order.

use proptest::prelude::*;
use strongroom_vm::engine::{Engine as _, Guest, GuestExit};
use strongroom_vm::{Prepared, Trap, gas, prepare};

use crate::harness::{MapHost, PLENTY, TestEngine, contract, executing, run, run_with};
use crate::naive;

fn guest(prepared: &Prepared) -> Box<dyn Guest> {
    let loaded = TestEngine.load(prepared).unwrap();
    TestEngine.instantiate(&loaded.module).unwrap()
}

/// Runs `execute(1, 2, 3)` of a contract without imports, below the region ABI: result, gas used, memory.
fn run_guest(prepared: &Prepared, limit: i64) -> (Result<u32, Trap>, i64, Vec<u8>) {
    let mut guest = guest(prepared);
    guest.set_gas(limit);
    let result = match guest.call("execute", &[1, 2, 3]).unwrap() {
        GuestExit::Returned(value) => Ok(value.unwrap()),
        GuestExit::Trapped(trap) => Err(trap),
        GuestExit::Import(import, _) => panic!("{import:?}"),
    };
    (result, limit - guest.gas(), guest.memory().unwrap())
}

fn expected_trap(text: &str) -> Option<Trap> {
    Some(match text {
        "wasm `unreachable` instruction executed" => Trap::Unreachable,
        "out of bounds memory access" => Trap::MemoryOutOfBounds,
        "integer divide by zero" => Trap::DivisionByZero,
        "integer overflow" => Trap::InvalidConversion,
        "indirect call type mismatch" => Trap::BadSignature,
        t if t.starts_with("undefined element") || t.starts_with("uninitialized element") => {
            Trap::TableOutOfBounds
        }
        _ => return None,
    })
}

/// The prepared module against the original and against the naive count.
fn check(wat: &str) {
    let original = wat::parse_str(wat).unwrap();
    let prepared = prepare(&original).unwrap();
    let plain = naive::run(&original, [1, 2, 3]);
    let counted = naive::run(&naive::counting(&original), [1, 2, 3])
        .counted
        .unwrap();
    let (result, used, memory) = run_guest(&prepared, i64::MAX / 2);
    assert_eq!(memory, plain.memory);
    let used = u64::try_from(used).unwrap();
    match plain.result {
        Ok(value) => {
            assert_eq!(result, Ok(value));
            assert_eq!(
                used, counted,
                "a call that ends normally pays the exact sum"
            );
        }
        Err(text) => {
            assert_eq!(result.err(), Some(expected_trap(&text).expect(&text)));
            assert!(
                used >= counted,
                "a call that traps pays at least what it ran"
            );
        }
    }
}

/// Writes random, terminating programs: a tape of numbers decides everything.
struct Writer {
    tape: Vec<u8>,
    at: usize,
    labels: Vec<(usize, bool)>,
    next_label: usize,
    budget: usize,
    /// Functions that may be called: those before this one.
    callable: usize,
}

impl Writer {
    fn pick(&mut self, n: u8) -> u8 {
        let value = self
            .tape
            .get(self.at % self.tape.len().max(1))
            .copied()
            .unwrap_or(0);
        self.at += 1;
        value.wrapping_add(((self.at / self.tape.len().max(1)) as u8).wrapping_mul(37)) % n
    }

    fn expr(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.pick(4) {
                0 => format!("(i32.const {})", i32::from(self.pick(200)) - 100),
                1 => "(local.get $i)".into(),
                2 => "(local.get $j)".into(),
                _ => "(global.get $g)".into(),
            };
        }
        let (a, b) = (self.expr(depth - 1), self.expr(depth - 1));
        match self.pick(9) {
            0 => format!("(i32.add {a} {b})"),
            1 => format!("(i32.xor {a} {b})"),
            2 => format!("(i32.lt_s {a} {b})"),
            3 => format!("(i32.div_s {a} (i32.or {b} (i32.const 1)))"),
            4 => format!("(i32.load (i32.and {a} (i32.const 1023)))"),
            5 => format!("(select {a} {b} (i32.and {b} (i32.const 1)))"),
            6 => format!("(i32.wrap_i64 (i64.mul (i64.extend_i32_s {a}) (i64.extend_i32_u {b})))"),
            7 => format!(
                "(i32.trunc_sat_f64_s (f64.mul (f64.convert_i32_s {a}) (f64.convert_i32_s {b})))"
            ),
            _ if self.callable > 0 => {
                let f = usize::from(self.pick(8)) % self.callable;
                format!("(call $f{f} {a} {b})")
            }
            _ => format!("(i32.rem_u {a} (i32.or {b} (i32.const 3)))"),
        }
    }

    /// A branch to an enclosing label; to a loop only while the fuel lasts.
    fn branch(&mut self) -> String {
        if self.labels.is_empty() {
            return "(nop)".into();
        }
        let at = usize::from(self.pick(16)) % self.labels.len();
        let (label, is_loop) = self.labels[at];
        if is_loop {
            format!("(br_if $l{label} (call $fuel))")
        } else if self.pick(4) == 0 {
            format!("(br $l{label})")
        } else {
            format!("(br_if $l{label} {})", self.expr(1))
        }
    }

    fn block(&mut self, is_loop: bool) -> String {
        let label = self.next_label;
        self.next_label += 1;
        self.labels.push((label, is_loop));
        let body = self.statements();
        self.labels.pop();
        if is_loop {
            format!("(loop $l{label} {body} (br_if $l{label} (call $fuel)))")
        } else {
            format!("(block $l{label} {body})")
        }
    }

    fn statement(&mut self) -> String {
        self.budget = self.budget.saturating_sub(1);
        match self.pick(16) {
            0 => format!("(local.set $i {})", self.expr(2)),
            1 => format!("(local.set $j {})", self.expr(1)),
            2 => format!("(global.set $g {})", self.expr(1)),
            3 => format!(
                "(i32.store (i32.and {} (i32.const 1023)) {})",
                self.expr(1),
                self.expr(1)
            ),
            4 | 5 => self.block(false),
            6 => self.block(true),
            7 => {
                let label = self.next_label;
                self.next_label += 1;
                let condition = self.expr(1);
                self.labels.push((label, false));
                let then = self.statements();
                let or = if self.pick(2) == 0 {
                    format!("(else {})", self.statements())
                } else {
                    String::new()
                };
                self.labels.pop();
                format!("(if $l{label} {condition} (then {then}) {or})")
            }
            8..=10 => self.branch(),
            11 => {
                let blocks: Vec<usize> = self.labels.iter().filter(|l| !l.1).map(|l| l.0).collect();
                if blocks.is_empty() {
                    return "(nop)".into();
                }
                let targets: String = (0..=self.pick(4))
                    .map(|_| format!(" $l{}", blocks[usize::from(self.pick(16)) % blocks.len()]))
                    .collect();
                format!(
                    "(if {} (then (br_table{targets} {})))",
                    self.expr(1),
                    self.expr(1)
                )
            }
            12 if self.pick(3) == 0 => format!("(return {})", self.expr(1)),
            13 => format!(
                "(memory.{} (i32.const {}) (i32.const 64) (i32.and {} (i32.const 255)))",
                if self.pick(2) == 0 { "copy" } else { "fill" },
                u32::from(self.pick(200)) + 1024,
                self.expr(1)
            ),
            14 if self.pick(4) == 0 => format!(
                "(drop (memory.grow (i32.and {} (i32.const 255))))",
                self.expr(1)
            ),
            15 if self.pick(6) == 0 => format!("(if {} (then unreachable))", self.expr(2)),
            15 if self.pick(6) == 0 => {
                format!("(drop (i32.div_u {} {}))", self.expr(1), self.expr(1))
            }
            // Only from behind what is in the table: programs end.
            15 if self.callable > 1 => format!(
                "(local.set $i (call_indirect (type $binary) {} {} (i32.and {} (i32.const 3))))",
                self.expr(1),
                self.expr(1),
                self.expr(0)
            ),
            _ => "(nop)".into(),
        }
    }

    fn statements(&mut self) -> String {
        let n = if self.labels.len() > 6 || self.budget == 0 {
            1
        } else {
            1 + self.pick(4)
        };
        (0..n)
            .map(|_| {
                if self.budget == 0 {
                    "(nop)".to_owned()
                } else {
                    self.statement()
                }
            })
            .collect()
    }
}

fn program(tape: &[u8]) -> String {
    let mut functions = String::new();
    let mut writer = Writer {
        tape: tape.to_vec(),
        at: 0,
        labels: vec![],
        next_label: 0,
        budget: 0,
        callable: 0,
    };
    for f in 0..4 {
        writer.callable = f;
        writer.budget = 25;
        let body = writer.statements();
        let result = writer.expr(2);
        functions.push_str(&format!(
            "(func $f{f} (param $i i32) (param $j i32) (result i32) (local i64 f32) {body} {result})"
        ));
    }
    format!(
        r#"(module
        (memory (export "memory") 1 20)
        (type $binary (func (param i32 i32) (result i32)))
        (table 3 funcref) (elem (i32.const 0) $f0 $f1)
        (global $g (mut i32) (i32.const 5)) (global $fuel (mut i32) (i32.const 300))
        (func (export "interface_version_8"))
        (func (export "allocate") (param i32) (result i32) (local.get 0))
        (func (export "deallocate") (param i32))
        (func (export "instantiate") (param i32 i32 i32) (result i32) (local.get 0))
        (func $fuel (result i32)
            (global.set $fuel (i32.sub (global.get $fuel) (i32.const 1)))
            (i32.gt_s (global.get $fuel) (i32.const 0)))
        {functions}
        (func (export "execute") (param i32 i32 i32) (result i32)
            (i32.add (call $f3 (local.get 0) (local.get 1)) (call $f2 (local.get 2) (i32.const 7)))))"#
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn prepared_programs_do_the_same_and_cost_the_exact_sum(tape in proptest::collection::vec(any::<u8>(), 20..400)) {
        check(&program(&tape));
    }

    #[test]
    fn a_smaller_limit_never_gives_another_result(
        tape in proptest::collection::vec(any::<u8>(), 20..200), part in 0u64..1000,
    ) {
        let prepared = prepare(&wat::parse_str(program(&tape)).unwrap()).unwrap();
        let (result, used, memory) = run_guest(&prepared, i64::MAX / 2);
        let limit = i64::try_from(u128::from(used.unsigned_abs()) * u128::from(part) / 1000).unwrap();
        let mut cut = guest(&prepared);
        cut.set_gas(limit);
        let stop = cut.call("execute", &[1, 2, 3]).unwrap();
        if limit >= used {
            prop_assert_eq!(cut.memory().unwrap(), memory.clone());
            prop_assert!(matches!(stop, GuestExit::Returned(v) if Ok(v.unwrap()) == result) || result.is_err());
        } else {
            prop_assert!(cut.gas() < 0, "gas ran out, so it is below zero whatever stopped the call");
        }
    }
}

#[test]
fn straight_lines_cost_the_sum_of_their_operators() {
    let wat = contract(
        "",
        r#"(func (export "instantiate") (param i32 i32 i32) (result i32) (local.get 2))
        (func (export "execute") (param i32 i32 i32) (result i32) (local i64 i64)
            (drop (i32.div_u (i32.const 6) (i32.load (i32.const 8))))
            (i32.const 9))"#,
    )
    .replace(
        "(memory 2)",
        "(memory (export \"memory\") 2) (data (i32.const 8) \"\\01\")",
    );
    let prepared = prepare(&wat::parse_str(&wat).unwrap()).unwrap();
    let (result, used, _) = run_guest(&prepared, 1_000_000);
    assert_eq!(result, Ok(9));
    let sum = 5 * gas::LOCAL + 4 * gas::SIMPLE + gas::MEMORY + gas::DIVIDE;
    assert_eq!(used, i64::try_from(sum).unwrap());
}

/// A contract that writes in loops, branches and calls, so that its trace tells where it stopped.
fn writer() -> Prepared {
    let imports = r#"(import "env" "db_write" (func $db_write (param i32 i32)))"#;
    let more = r#"(func $note (param $k i32) (param $n i32)
        (i32.store8 (i32.const 100) (local.get $n))
        (if (i32.and (local.get $n) (i32.const 1)) (then (call $db_write (local.get $k) (call $region (i32.const 100) (i32.const 1))))
            (else (call $db_write (call $region (i32.const 100) (i32.const 1)) (local.get $k)))))"#;
    let body = r#"(local.set $i (i32.const 0))
        (block $out (loop $l
            (call $note (local.get $msg) (local.get $i))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $out (i32.ge_u (local.get $i) (i32.const 6)))
            (if (i32.eq (local.get $i) (i32.const 3)) (then (memory.fill (i32.const 8192) (i32.const 1) (i32.const 5000))))
            (br $l)))
        (local.get $msg)"#;
    prepare(&executing(imports, more, body)).unwrap()
}

#[test]
fn every_limit_stops_at_a_prefix_of_the_same_trace() {
    let prepared = writer();
    let mut whole = MapHost::default();
    let outcome = run_with(&prepared, b"key", PLENTY, &mut whole, |_| unreachable!());
    assert!(outcome.result.is_ok());
    let used = PLENTY - outcome.gas_left;
    let mut seen = 0;
    for limit in (0..=used).step_by(97).chain([used - 1, used, used + 1]) {
        let mut host = MapHost::default();
        let cut = run_with(&prepared, b"key", limit, &mut host, |_| unreachable!());
        assert!(whole.trace.starts_with(&host.trace), "limit {limit}");
        if limit < used {
            assert_eq!(
                (cut.result, cut.gas_left),
                (Err(Trap::OutOfGas), 0),
                "limit {limit}"
            );
            assert!(
                host.trace.len() >= seen || limit == used - 1,
                "more gas gets further"
            );
            seen = host.trace.len();
        } else {
            assert_eq!(cut.result, outcome.result);
            assert_eq!(
                limit - cut.gas_left,
                used,
                "the price does not depend on the limit"
            );
        }
    }
    assert_eq!(seen, whole.trace.len());
}

#[test]
fn a_contract_that_burns_and_traps_has_paid() {
    let body = "(local.set $i (i32.const 1000)) (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1))))) unreachable";
    let outcome = run_with(
        &prepare(&executing("", "", body)).unwrap(),
        b"",
        PLENTY,
        &mut MapHost::default(),
        |_| unreachable!(),
    );
    assert_eq!(outcome.result, Err(Trap::Unreachable));
    assert!(PLENTY - outcome.gas_left > 1000 * (2 * gas::BRANCH));
}

#[test]
fn out_of_gas_wins_over_a_trap_behind_the_limit() {
    // The block is charged whole; the trap inside it comes when gas is already below zero.
    let body = "(drop (i32.div_u (i32.const 1) (i32.load (i32.const 8)))) (i32.const 0)";
    let prepared = prepare(&executing("", "", body)).unwrap();
    let mut limits = std::collections::BTreeSet::new();
    for limit in (0..10_000).step_by(10) {
        let outcome = run_with(
            &prepared,
            b"",
            limit,
            &mut MapHost::default(),
            |_| unreachable!(),
        );
        limits.insert(format!("{:?}", outcome.result));
        assert!(
            outcome.result == Err(Trap::OutOfGas) || outcome.result == Err(Trap::DivisionByZero)
        );
    }
    assert_eq!(limits.len(), 2);
}

#[test]
fn bulk_operators_pay_for_their_bytes_before_they_run() {
    let body = "(memory.fill (i32.const 8192) (i32.const 1) (i32.const 100000)) (i32.const 0)";
    let prepared = prepare(&executing("", "", body)).unwrap();
    let mut guest = guest(&prepared);
    guest.set_gas(50_000);
    assert!(matches!(
        guest.call("execute", &[0, 0, 0]).unwrap(),
        GuestExit::Trapped(Trap::Unreachable)
    ));
    assert!(guest.gas() < 0);
    assert!(
        guest.memory().unwrap()[8192..].iter().all(|b| *b == 0),
        "nothing was filled"
    );
}

#[test]
fn memory_grows_to_its_maximum_pays_for_pages_and_then_answers_minus_one() {
    let grow = |n: u32| {
        let body = format!(
            "(i32.store (i32.const 64) (memory.grow (i32.const {n}))) (call $region (i32.const 64) (i32.const 4))"
        );
        let prepared = prepare(&executing("", "", &body)).unwrap();
        let outcome = run_with(
            &prepared,
            b"",
            PLENTY,
            &mut MapHost::default(),
            |_| unreachable!(),
        );
        (
            outcome.result.unwrap(),
            PLENTY - outcome.gas_left,
            outcome.peak_pages,
        )
    };
    let (nothing, base, pages) = grow(0);
    assert_eq!((nothing, pages), (2u32.to_le_bytes().to_vec(), 2));
    assert_eq!(
        grow(190),
        (
            2u32.to_le_bytes().to_vec(),
            base + 190 * gas::GROW_PAGE,
            192
        )
    );
    assert_eq!(
        grow(191),
        (
            u32::MAX.to_le_bytes().to_vec(),
            base + 191 * gas::GROW_PAGE,
            2
        )
    );
    // What can never be had is paid for as well: else want of gas would look like want of memory.
    assert_eq!(
        grow(1_000),
        (
            u32::MAX.to_le_bytes().to_vec(),
            base + 1_000 * gas::GROW_PAGE,
            2
        )
    );
}

#[test]
fn a_wish_for_memory_that_gas_cannot_pay_is_out_of_gas_and_never_a_panic() {
    // As allocators do it: no memory, so panic.
    let body = |n: u32| {
        format!(
            "(if (i32.eq (memory.grow (i32.const {n})) (i32.const -1)) (then unreachable)) (i32.const 0)"
        )
    };
    for pages in [191, 192, 193, 65_535, 65_536, u32::MAX] {
        let outcome = run(&executing("", "", &body(pages)), 5_000_000);
        assert_eq!(outcome.result, Err(Trap::OutOfGas), "{pages}");
        assert_eq!(outcome.gas_left, 0);
    }
    let outcome = run(&executing("", "", &body(193)), PLENTY);
    assert_eq!(outcome.result, Err(Trap::Unreachable));
}
