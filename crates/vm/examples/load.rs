//! What it takes to prepare, load and instantiate a module, by its kind: the figures of `docs/spec/gas.md` section 4.
//!
//! `cargo run --release -p strongroom-vm --example load [contract.wasm …]`

#![allow(missing_docs, clippy::print_stdout)]

use std::time::{Duration, Instant};

use strongroom_vm::{Engine as _, WasmiEngine, prepare};

/// What every module here has.
const BASE: &str = r#"(memory 17) (func (export "interface_version_8")) (func (export "allocate") (param i32) (result i32) (i32.const 0))
    (func (export "deallocate") (param i32))
    (func (export "instantiate") (param i32 i32 i32) (result i32) (i32.const 0))"#;

fn module(more: &str) -> Vec<u8> {
    wat::parse_str(format!("(module {BASE} {more})")).expect("a module of ours")
}

fn kinds() -> Vec<(&'static str, Vec<u8>)> {
    let mib = 1 << 20;
    let repeat = |each: &str, times: usize| module(&each.repeat(times));
    let dense =
        "(local.set 0 (i32.add (i32.mul (local.get 0) (i32.const 7)) (i32.load (local.get 0))))";
    let dense = format!("(func (param i32) {})", dense.repeat(200));
    let branchy = "(if (local.get 0) (then (br 0)) (else (nop)))".repeat(200);
    let branchy = format!("(func (param i32) {branchy})");
    let table = format!(
        "(func (param i32) (block (br_table {} (local.get 0))))",
        "0 ".repeat(4_000)
    );
    let zeros = "\\00".repeat(990_000);
    let data = format!(r#"(data (i32.const 0) "{zeros}")"#);
    let mut custom = module("");
    custom.push(0);
    // A custom section of 2^21 - 2^14 bytes, its length in LEB128.
    let length = (2 << 20) - (1 << 14);
    custom.extend([
        (length & 127) as u8 | 128,
        (length >> 7 & 127) as u8 | 128,
        (length >> 14) as u8,
    ]);
    custom.extend([1, b'x']);
    custom.extend(vec![0; length - 2]);
    vec![
        ("empty", module("")),
        ("custom section of 2 MiB", custom),
        ("data of 2 MB", repeat(&data, 2)),
        ("dense code", repeat(&dense, mib / 3_000)),
        ("branches", repeat(&branchy, mib / 2_000)),
        ("empty functions", repeat("(func)", 19_000)),
        ("branch tables", repeat(&table, 100)),
    ]
}

fn median(mut f: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..7)
        .map(|_| {
            let clock = Instant::now();
            f();
            clock.elapsed()
        })
        .collect();
    times.sort();
    times[3]
}

fn main() {
    let mut modules: Vec<(String, Vec<u8>)> = kinds()
        .into_iter()
        .map(|(name, wasm)| (name.to_owned(), wasm))
        .collect();
    for path in std::env::args().skip(1) {
        let wasm = std::fs::read(&path).expect("the file can be read");
        modules.push((path, wasm));
    }
    println!(
        "| module | bytes | prepared | functions | targets | weight | prepare | load | instantiate |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for (name, wasm) in modules {
        let prepared = match prepare(&wasm) {
            Ok(prepared) => prepared,
            Err(refused) => {
                println!("| {name} | refused: {refused} |");
                continue;
            }
        };
        let loaded = WasmiEngine
            .load(&prepared)
            .expect("a prepared module loads");
        let prepare = median(|| drop(prepare(&wasm)));
        let load = median(|| drop(WasmiEngine.load(&prepared)));
        let instantiate = median(|| drop(WasmiEngine.instantiate(&loaded.module)));
        println!(
            "| {name} | {} | {} | {} | {} | {} | {prepare:.1?} | {load:.1?} | {instantiate:.1?} |",
            wasm.len(),
            prepared.wasm().len(),
            prepared.functions(),
            prepared.branch_targets(),
            loaded.bytes,
        );
    }
}
