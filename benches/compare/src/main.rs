//! The contract engines beside cosmwasm-vm: cw20-base as it is published, and kernels of plain operators, with a map of plaintext as storage and
//! nothing around them. (Contracts of the ecosystem cannot be compared: cosmwasm-vm frees what they return, which their library gets wrong.) All take turns, by processor time; cosmwasm-vm is the baseline of the ratios.
//!
//! `cargo xtask bench engines` builds the contract without bulk memory, which cosmwasm-vm refuses and rustc emits by itself, and runs this on it:
//! `cargo run --release --manifest-path benches/compare/Cargo.toml [--features portable] -- DIRECTORY [rounds]`.

mod cosmwasm;
#[path = "../../../crates/vm/tests/it/harness.rs"]
#[allow(dead_code, unused_imports, reason = "the tests use the rest")]
mod harness;
mod kernels;
mod ours;
mod rewrite;

use kernels::{OTHER, OWNER, kernels, timed};
use std::collections::BTreeMap;
use std::path::Path;
use strongroom_vm::{WasmiEngine, WinchEngine};

/// Storage of a contract.
type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// An engine with one module loaded.
trait Runner {
    /// Loads the module anew.
    fn load(&self);
    /// Makes an instance.
    fn instance(&self);
    /// Calls an entry point in an instance of its own: what it gave.
    fn call(&self, entry: &'static str, message: &str, storage: &mut Map) -> Vec<u8>;
}

/// A figure of each engine, in turns: ratios to the first with their quartiles, and medians in µs.
fn row(what: &str, rounds: usize, runs: &mut [&mut dyn FnMut(); 3]) -> [f64; 3] {
    let mut times = [(); 3].map(|()| Vec::with_capacity(rounds));
    for _ in 0..rounds {
        for (run, times) in runs.iter_mut().zip(&mut times) {
            times.push(timed(|| run()).1);
        }
    }
    let mut cells = vec![what.to_owned()];
    let ratios = times.each_ref().map(|of| {
        let pairs = of.iter().zip(&times[0]);
        let mut ratios: Vec<f64> = pairs.map(|(one, base)| one / base).collect();
        let ratio = median(&mut ratios);
        let (low, high) = (ratios[ratios.len() / 4], ratios[ratios.len() * 3 / 4]);
        cells.push(format!("**{ratio:.2}** ({low:.2}–{high:.2})"));
        ratio
    });
    // The baseline's ratio to itself says nothing.
    cells.remove(1);
    cells.extend(times.map(|mut of| format!("{:.1}", median(&mut of))));
    println!("| {} |", cells.join(" | "));
    ratios
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The module in all three.
fn runners(wasm: &[u8]) -> [Box<dyn Runner>; 3] {
    [
        Box::new(cosmwasm::Loaded::of(&rewrite::for_cosmwasm_vm(wasm))),
        Box::new(ours::Loaded::of(WasmiEngine, wasm)),
        Box::new(ours::Loaded::of(
            WinchEngine::new().expect("an engine"),
            wasm,
        )),
    ]
}

/// The engines' names, the baseline first.
const INTERPRETER: &str = if cfg!(feature = "portable") {
    "interpreter, in a loop"
} else {
    "interpreter"
};

fn main() {
    let mut words = std::env::args().skip(1);
    let directory = words.next().expect("where the contracts are");
    let rounds: usize = words.next().map_or(40, |n| n.parse().expect("a number"));
    let few = rounds.min(9);
    println!(
        "\n### Engines alone: {INTERPRETER} and Winch beside cosmwasm-vm 3.0.10 (wasmer 7.4.2, Singlepass)\n\n| what | {INTERPRETER}: ratio (quartiles) | Winch: ratio (quartiles) | cosmwasm-vm, µs | {INTERPRETER}, µs | Winch, µs |\n|---|---|---|---|---|---|"
    );
    let token = Path::new(&directory).join("cw20_base.wasm");
    let wasm = std::fs::read(token).expect("the token is built");
    let engines = runners(&wasm);
    let [a, b, c] = &engines;
    row(
        &format!("load the token ({} KB)", wasm.len() / 1_000),
        few,
        &mut [&mut || a.load(), &mut || b.load(), &mut || c.load()],
    );
    row(
        "an instance of the token",
        rounds * 5,
        &mut [&mut || a.instance(), &mut || b.instance(), &mut || {
            c.instance();
        }],
    );
    transfer(&engines, rounds * 10);
    let mut products = [1.0; 3];
    let kernels = kernels();
    let count = kernels.len() as f64;
    for (name, wasm) in kernels {
        let [a, b, c] = runners(&wasm);
        let wanted = b.call("execute", "{}", &mut Map::new());
        let same = |r: &Box<dyn Runner>| r.call("execute", "{}", &mut Map::new()) == wanted;
        assert!(!wanted.is_empty() && same(&a) && same(&c), "{name}");
        let run = |engine: &dyn Runner| drop(engine.call("execute", "{}", &mut Map::new()));
        let ratios = row(
            name,
            few,
            &mut [&mut || run(&*a), &mut || run(&*b), &mut || run(&*c)],
        );
        for (product, ratio) in products.iter_mut().zip(ratios) {
            *product *= ratio;
        }
    }
    let [_, slow, fast] = products.map(|product: f64| product.powf(1.0 / count));
    println!("| kernels, geometric mean | **{slow:.2}** | **{fast:.2}** | | | |");
}

/// The same transfers; results and storage are equal in all three.
fn transfer(engines: &[Box<dyn Runner>; 3], rounds: usize) {
    let begin = format!(
        r#"{{"name":"Token","symbol":"TKN","decimals":6,"initial_balances":[{{"address":"{OWNER}","amount":"1000000000"}}]}}"#
    );
    let transfer = format!(r#"{{"transfer":{{"recipient":"{OTHER}","amount":"7"}}}}"#);
    let mut maps = [Map::new(), Map::new(), Map::new()];
    let mut said = Vec::new();
    for (engine, map) in engines.iter().zip(&mut maps) {
        for (entry, message) in [("instantiate", &begin), ("execute", &transfer)] {
            said.push(engine.call(entry, message, map));
        }
    }
    let ok = |result: &Vec<u8>| {
        String::from_utf8_lossy(result)
            .to_lowercase()
            .starts_with(r#"{"ok""#)
    };
    assert!(said.iter().all(ok), "{}", String::from_utf8_lossy(&said[0]));
    let [first @ .., _, _, _, _] = &said[..] else {
        unreachable!("two calls of three engines")
    };
    assert!(said.chunks(2).all(|of| of == first), "results differ");
    assert!(maps[0] == maps[1] && maps[0] == maps[2], "storage differs");
    let [one, two, three] = &mut maps;
    let run = |engine: &dyn Runner, map: &mut Map| drop(engine.call("execute", &transfer, map));
    let [a, b, c] = engines;
    row(
        "a transfer of the token, its instance included",
        rounds,
        &mut [&mut || run(&**a, one), &mut || run(&**b, two), &mut || {
            run(&**c, three);
        }],
    );
}
