//! The fast tier beside the interpreter: what it takes to load, to make an instance, to transfer a token, and to run kernels of plain
//! operators. Both take turns, by processor time; the ratios are medians of ratios of neighbours.
//!
//! `cargo run --release -p strongroom-vm --features winch --example tiers [rounds]`

#![allow(missing_docs, clippy::print_stdout)]

#[path = "../tests/it/harness.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod harness;
mod kernels;

use std::collections::BTreeMap;

use harness::{MapHost, PLENTY};
use kernels::{OTHER, OWNER, TOKEN, env, info, kernels, timed};
use strongroom_vm::{
    CallMode, Engine, Entry, Instance, Loaded, Outcome, Prepared, Step, WasmiEngine, WinchEngine,
    prepare,
};

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn call<E: Engine>(
    engine: &E,
    module: &Loaded<E::Module>,
    entry: Entry,
    message: &str,
    host: &mut MapHost,
) -> Outcome {
    let mut instance = Instance::new(engine, module, CallMode::Execute).expect("an instance");
    let (env, info) = (env(), info());
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
