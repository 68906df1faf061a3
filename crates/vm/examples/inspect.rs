//! Prepares and loads a contract and calls it, to see what it is and what it costs.
//!
//! `cargo run --release -p strongroom-vm --example inspect contract.wasm [instantiate '{…}' [execute '{…}'] [query '{…}'] …]`
//!
//! Storage is a map in memory that charges 100,000 wasm gas an operation; queries of other contracts answer an error.

#![allow(missing_docs, clippy::print_stdout)]

#[path = "../tests/it/harness.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod harness;

use std::time::Instant;

use strongroom_vm::{
    Argument, CallMode, Engine as _, Entry, Generation, Instance, Step, WasmiEngine, prepare,
};

const ENV: &str = r#"{"block":{"height":12345,"time":"1700000000000000000","chain_id":"test-1","random":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="},"transaction":{"index":0,"hash":"AA"},"contract":{"address":"CONTRACT","code_hash":"HASH"}}"#;
const ENV_V010: &str = r#"{"block":{"height":12345,"time":1700000000,"chain_id":"test-1"},"message":{"sender":"SENDER","sent_funds":[]},"contract":{"address":"CONTRACT"},"contract_key":null,"contract_code_hash":"HASH","transaction":null}"#;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let wasm = std::fs::read(&args[0]).expect("the file can be read");
    let clock = Instant::now();
    let prepared = match prepare(&wasm) {
        Ok(prepared) => prepared,
        Err(refused) => return println!("refused ({}): {refused}", refused.code()),
    };
    println!(
        "prepared in {:?}: {} -> {} bytes ({:.2}x)",
        clock.elapsed(),
        wasm.len(),
        prepared.wasm().len(),
        prepared.wasm().len() as f64 / wasm.len() as f64
    );
    println!("{:?}", prepared.info());
    let clock = Instant::now();
    let module = WasmiEngine
        .load(&prepared)
        .expect("a prepared module loads");
    println!("loaded in {:?}", clock.elapsed());
    let address = |n: u8| {
        strongroom_types::Address::from_bytes(&[n; 20])
            .expect("20 bytes")
            .to_string()
    };
    let env = match prepared.info().generation {
        Generation::V010 => ENV_V010.replace("SENDER", &address(2)),
        Generation::V1 => ENV.to_owned(),
    };
    let env = env
        .replace("CONTRACT", &address(1))
        .replace("HASH", &hex::encode(prepared.code_hash()));
    let info = format!(r#"{{"sender":"{}","funds":[]}}"#, address(2));
    let mut host = harness::MapHost::default();
    for call in args[1..].chunks(2) {
        let [name, message] = call else {
            return println!("an entry point and a message belong together");
        };
        let (entry, function) = Entry::by_name(name, prepared.info().generation)
            .expect("an entry point of this generation");
        let message = message
            .replace("ADDRESS3", &address(3))
            .replace("ADDRESS2", &address(2));
        let mode = if entry == Entry::Query {
            CallMode::Query
        } else {
            CallMode::Execute
        };
        let regions: Vec<&[u8]> = function
            .args
            .iter()
            .map(|argument| match argument {
                Argument::Env => env.as_bytes(),
                Argument::Info => info.as_bytes(),
                Argument::Msg => message.as_bytes(),
                // Of a state whose version is not known.
                Argument::MigrateInfo => &[],
            })
            .collect();
        host.trace.clear();
        let clock = Instant::now();
        let mut instance =
            Instance::new(&WasmiEngine, &module, mode).expect("a loaded module instantiates");
        let made = clock.elapsed();
        let mut step = instance
            .start(entry, &regions, harness::PLENTY, &mut host)
            .expect("no fault");
        let outcome = loop {
            match step {
                Step::Done(outcome) => break outcome,
                Step::Query(_) => {
                    let error = br#"{"Err":{"unknown":{}}}"#;
                    step = instance.resume(error, 0, &mut host).expect("no fault");
                }
            }
        };
        let used = harness::PLENTY - outcome.gas_left;
        let storage = host.trace.len() as u64 * harness::STORAGE_GAS;
        println!(
            "{name}: {:?} (instance {made:?}), {} SDK gas beside storage, {} storage operations, {} pages",
            clock.elapsed(),
            (used - storage) / 1000,
            host.trace.len(),
            outcome.peak_pages
        );
        match &outcome.result {
            Ok(bytes) => println!("  {}", String::from_utf8_lossy(bytes)),
            Err(trap) => println!(
                "  {trap}{}",
                trap.abort_text()
                    .map(|t| format!(" ({t})"))
                    .unwrap_or_default()
            ),
        }
    }
}
