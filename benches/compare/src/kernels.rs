//! What the engines are compared by: a token's transfer, and kernels of plain operators.

use std::time::Duration;

use crate::harness::executing;

/// Addresses of the human prefix that contracts take.
pub(crate) const OWNER: &str = "secret1ap26qrlp8mcq2pg6r47w43l0y8zkqm8a450s03";
pub(crate) const OTHER: &str = "secret1fc3fzy78ttp0lwuujw7e52rhspxn8uj52zfyne";
const CONTRACT: &str = "secret1ajz54hz8azwuy34qwy9fkjnfcrvf0dzswy0lqq";

/// A loop of 200,000 passes over `body`, with locals `$i`, `$j`, `$x`, `$y`.
fn kernel(body: &str) -> Vec<u8> {
    let looping = format!(
        "(loop $l {body} (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $l (i32.lt_u (local.get $i) (i32.const 200000))))"
    );
    let more =
        "(type $u (func (param i32) (result i32))) (table 1 funcref) (elem (i32.const 0) $one)
        (func $one (type $u) (i32.xor (local.get 0) (i32.const 5)))
        (func $deep (param i32) (result i32) (if (result i32) (local.get 0)
            (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 1))))";
    executing("", more, &format!("{looping} (local.get $msg)"))
}

/// Plain operators, by what they are.
pub(crate) fn kernels() -> Vec<(&'static str, Vec<u8>)> {
    let hash = "(local.set $x (i64.xor (i64.rotl (local.get $x) (i64.const 13)) (i64.mul (local.get $y) (i64.const 0x9e3779b97f4a7c15))))
        (local.set $y (i64.add (i64.shr_u (local.get $x) (i64.const 7)) (i64.extend_i32_u (local.get $i))))".repeat(8);
    let memory = "(i32.store offset=65536 (i32.and (local.get $j) (i32.const 0x7ff8))
        (i32.add (i32.load offset=65536 (i32.and (local.get $i) (i32.const 0x7ff8))) (local.get $i)))
        (local.set $j (i32.add (local.get $j) (i32.const 24)))"
        .repeat(8);
    let branches = "(block (block (block (block (br_table 0 1 2 3 (i32.and (local.get $i) (i32.const 3))))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))) (local.set $j (i32.sub (local.get $j) (i32.const 3))))
        (if (i32.and (local.get $j) (i32.const 4)) (then (local.set $j (i32.const 9)))))".repeat(4);
    let calls = "(local.set $j (call $one (call_indirect (type $u) (local.get $j) (i32.const 0))))"
        .repeat(4);
    let recursion = "(drop (call $deep (i32.const 20)))".to_owned();
    let division = "(local.set $j (i32.div_u (i32.add (local.get $j) (i32.const 1000)) (i32.or (local.get $i) (i32.const 1))))".repeat(8);
    vec![
        ("hashing", kernel(&hash)),
        ("memory", kernel(&memory)),
        ("branches", kernel(&branches)),
        ("calls", kernel(&calls)),
        ("recursion", kernel(&recursion)),
        ("division", kernel(&division)),
    ]
}

fn cpu() -> Duration {
    // The system brings its count up to date when a thread yields.
    std::thread::yield_now();
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanos = stat.split_whitespace().next().and_then(|n| n.parse().ok());
    Duration::from_nanos(nanos.expect("a number"))
}

/// What `run` gives, and the microseconds of processor time that this thread used for it.
pub(crate) fn timed<T>(run: impl FnOnce() -> T) -> (T, f64) {
    let before = cpu();
    let value = run();
    (value, (cpu() - before).as_secs_f64() * 1e6)
}

/// The environment of a call.
pub(crate) fn env() -> String {
    format!(
        r#"{{"block":{{"height":10,"time":"1700000010000000001","chain_id":"secretdev-1","random":"{}"}},
        "contract":{{"address":"{CONTRACT}","code_hash":"{}"}},"transaction":{{"index":0,"hash":"{}"}}}}"#,
        "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
        "ab".repeat(32),
        "AB".repeat(32),
    )
}

/// Who calls: [`OWNER`], without coins.
pub(crate) fn info() -> String {
    format!(r#"{{"sender":"{OWNER}","funds":[]}}"#)
}
