//! The fast tier beside the interpreter: what it takes to load, to make an instance, to transfer a token, and to run kernels of plain
//! operators. Both take turns, by processor time; the ratios are medians of ratios of neighbours.
//!
//! `cargo run --release -p strongroom-vm --features winch --example tiers [rounds]`

#![allow(missing_docs, clippy::print_stdout)]

#[path = "../tests/it/harness.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod harness;

use std::collections::BTreeMap;
use std::time::Duration;

use harness::{MapHost, PLENTY, executing};
use strongroom_vm::{
    CallMode, Engine, Entry, Instance, Loaded, Outcome, Prepared, Step, WasmiEngine, WinchEngine,
    prepare,
};

const TOKEN: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../contracts/target/wasm32-unknown-unknown/release/token.wasm"
);
/// Addresses of the human prefix that contracts take.
const OWNER: &str = "secret1ap26qrlp8mcq2pg6r47w43l0y8zkqm8a450s03";
const OTHER: &str = "secret1fc3fzy78ttp0lwuujw7e52rhspxn8uj52zfyne";
const CONTRACT: &str = "secret1ajz54hz8azwuy34qwy9fkjnfcrvf0dzswy0lqq";

/// A loop of 2,000,000 passes over `body`, with locals `$i`, `$j`, `$x`, `$y`.
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

fn kernels() -> Vec<(&'static str, Vec<u8>)> {
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

fn timed<T>(run: impl FnOnce() -> T) -> (T, f64) {
    let before = cpu();
    let value = run();
    (value, (cpu() - before).as_secs_f64() * 1e6)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn env() -> String {
    format!(
        r#"{{"block":{{"height":10,"time":"1700000010000000001","chain_id":"secretdev-1","random":"{}"}},
        "contract":{{"address":"{CONTRACT}","code_hash":"{}"}},"transaction":{{"index":0,"hash":"{}"}}}}"#,
        "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
        "ab".repeat(32),
        "AB".repeat(32),
    )
}

fn call<E: Engine>(
    engine: &E,
    module: &Loaded<E::Module>,
    entry: Entry,
    message: &str,
    host: &mut MapHost,
) -> Outcome {
    let mut instance = Instance::new(engine, module, CallMode::Execute).expect("an instance");
    let info = format!(r#"{{"sender":"{OWNER}","funds":[]}}"#);
    let env = env();
    let args = [env.as_bytes(), info.as_bytes(), message.as_bytes()];
    match instance
        .start(entry, &args, PLENTY, host)
        .expect("no fault")
    {
        Step::Done(outcome) => outcome,
        Step::Query(_) => unreachable!("no query"),
    }
}

/// Medians of both, in µs, and of the ratio.
fn beside(name: &str, rounds: usize, mut slow: impl FnMut(), mut fast: impl FnMut()) -> f64 {
    let (mut slows, mut fasts, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let s = timed(&mut slow).1;
        let f = timed(&mut fast).1;
        slows.push(s);
        fasts.push(f);
        ratios.push(f / s);
    }
    let ratio = median(&mut ratios);
    println!(
        "| {name} | {:.1} | {:.1} | {ratio:.3} ({:.3}–{:.3}) |",
        median(&mut slows),
        median(&mut fasts),
        ratios[ratios.len() / 4],
        ratios[ratios.len() * 3 / 4]
    );
    ratio
}

fn load(
    engine: &WinchEngine,
    prepared: &Prepared,
) -> (
    Loaded<strongroom_vm::engine::wasmi::WasmiModule>,
    Loaded<strongroom_vm::engine::winch::WinchModule>,
) {
    (
        WasmiEngine.load(prepared).expect("it loads"),
        engine.load(prepared).expect("it is compiled"),
    )
}

fn main() {
    let rounds = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(60);
    let winch = WinchEngine::new().expect("an engine");
    let wasm = std::fs::read(TOKEN).expect("contracts are built");
    let prepared = prepare(&wasm).expect("accepted");
    println!("token: {} bytes, weight {}", wasm.len(), prepared.weight());
    println!("| what | interpreter, µs | Winch, µs | ratio (quartiles) |\n|---|---|---|---|");
    beside(
        "load the token",
        rounds.min(15),
        || drop(WasmiEngine.load(&prepared)),
        || drop(winch.load(&prepared)),
    );
    let (slow, fast) = load(&winch, &prepared);
    beside(
        "instance of the token",
        rounds,
        || drop(WasmiEngine.instantiate(&slow.module)),
        || drop(winch.instantiate(&fast.module)),
    );
    let message = format!(
        r#"{{"name":"Token","symbol":"TKN","decimals":6,"prng_seed":"ZGljZQ==","initial_balances":[{{"address":"{OWNER}","amount":"1000000000"}}]}}"#
    );
    let mut host = MapHost::default();
    let made = call(&WasmiEngine, &slow, Entry::Instantiate, &message, &mut host);
    let text = String::from_utf8_lossy(made.result.as_ref().expect("made")).into_owned();
    assert!(text.to_lowercase().starts_with(r#"{"ok""#), "{text}");
    let start: BTreeMap<Vec<u8>, Vec<u8>> = host.map.clone();
    let transfer = format!(r#"{{"transfer":{{"recipient":"{OTHER}","amount":"7"}}}}"#);
    let world = || MapHost {
        map: start.clone(),
        ..MapHost::default()
    };
    let (mut a, mut b) = (world(), world());
    let one = call(&WasmiEngine, &slow, Entry::Execute, &transfer, &mut a);
    let two = call(&winch, &fast, Entry::Execute, &transfer, &mut b);
    assert_eq!(one, two);
    assert_eq!((&a.map, &a.trace), (&b.map, &b.trace));
    println!(
        "a transfer: {} imports of storage, {} wasm gas",
        a.trace.len(),
        PLENTY - one.gas_left
    );
    beside(
        "a transfer, its instance included",
        rounds * 5,
        || {
            a.trace.clear();
            drop(call(&WasmiEngine, &slow, Entry::Execute, &transfer, &mut a));
        },
        || {
            b.trace.clear();
            drop(call(&winch, &fast, Entry::Execute, &transfer, &mut b));
        },
    );
    let mut product = 1.0;
    let kernels = kernels();
    let count = kernels.len();
    for (name, wasm) in kernels {
        let prepared = prepare(&wasm).expect("accepted");
        let (slow, fast) = load(&winch, &prepared);
        let mut host = MapHost::default();
        let one = call(&WasmiEngine, &slow, Entry::Execute, "{}", &mut host);
        assert_eq!(one, call(&winch, &fast, Entry::Execute, "{}", &mut host));
        assert!(one.result.is_ok(), "{name}: {:?}", one.result);
        let mut other = MapHost::default();
        product *= beside(
            name,
            rounds.min(15),
            || drop(call(&WasmiEngine, &slow, Entry::Execute, "{}", &mut host)),
            || drop(call(&winch, &fast, Entry::Execute, "{}", &mut other)),
        );
    }
    let mean = f64::powf(product, 1.0 / f64::from(u32::try_from(count).expect("few")));
    println!("| kernels, geometric mean | | | {mean:.3} |");
}
