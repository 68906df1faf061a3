//! What the fast tier's compiler takes, time and memory, for modules that are made to be dear: each in a process of its own.
//!
//! `cargo run --release -p strongroom-vm --features winch --example bombs [name|all]`

#![allow(missing_docs, clippy::print_stdout)]

#[path = "../tests/it/dear.rs"]
mod dear;
#[path = "../tests/it/harness.rs"]
#[allow(dead_code, unused_imports, reason = "the tests use the rest")]
mod harness;

use std::process::Command;
use std::time::Instant;
use strongroom_vm::{Engine as _, WinchEngine, prepare};

/// KiB of a field of this process's status.
fn kib(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with(field));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|n| n.parse().ok()).expect("a number")
}

fn measure(name: &str, wasm: &[u8]) {
    let prepared = match prepare(wasm) {
        Ok(prepared) => prepared,
        Err(e) => return println!("| {name} | not admitted: {e} | | | | |"),
    };
    let engine = WinchEngine::new().expect("an engine");
    // The highest water mark begins anew.
    std::fs::write("/proc/self/clear_refs", "5").expect("our own process");
    let (before, began) = (kib("VmRSS:"), Instant::now());
    let loaded = engine.load(&prepared);
    let took = began.elapsed().as_secs_f64() * 1e3;
    let most = kib("VmHWM:").saturating_sub(before) / 1024;
    let said = match &loaded {
        Ok(loaded) => format!("{} KB of code", loaded.bytes / 1000),
        Err(error) => error.to_string(),
    };
    let (bytes, weight) = (wasm.len() / 1000, prepared.weight() / 1000);
    println!("| {name} | {bytes} | {weight} | {said} | {took:.0} | {most} |");
}

fn main() {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_else(|| String::from("all"));
    if let Some(path) = words.next() {
        return measure(&name, &std::fs::read(path).expect("a module"));
    }
    println!(
        "| module | KB | weight, KB | compiled | ms | MiB at most |\n|---|---|---|---|---|---|"
    );
    let path = std::env::temp_dir().join(format!("strongroom-bomb-{}.wasm", std::process::id()));
    for (of, wasm) in dear::modules() {
        if name != "all" && name != of {
            continue;
        }
        std::fs::write(&path, wasm).expect("room for a file");
        let this = std::env::current_exe().expect("this executable");
        let _ = Command::new(this).arg(of).arg(&path).status();
    }
    let _ = std::fs::remove_file(path);
}
