//! Measures seconds per 10^10 wasm gas (10,000,000 SDK gas) for each class of instruction and import on the reference
//! engine, by processor time. `docs/spec/gas.md` says what the numbers must be.
//!
//! `cargo run --release -p strongroom-vm --example calibrate [filter]`

#![allow(missing_docs, clippy::print_stdout)]

#[path = "../tests/it/harness.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod harness;

use std::time::Instant;

use strongroom_crypto::imports::bls12_381;
use strongroom_vm::{Trap, prepare};

/// Wasm gas each kernel burns; scaled to 10^10 in the report.
const GAS: u64 = 1_000_000_000;

const IMPORTS: &str = r#"
    (import "env" "db_read" (func $db_read (param i32) (result i32)))
    (import "env" "db_write" (func $db_write (param i32 i32)))
    (import "env" "db_remove" (func $db_remove (param i32)))
    (import "env" "addr_canonicalize" (func $addr_canonicalize (param i32 i32) (result i32)))
    (import "env" "addr_humanize" (func $addr_humanize (param i32 i32) (result i32)))
    (import "env" "addr_validate" (func $addr_validate (param i32) (result i32)))
    (import "env" "debug" (func $debug (param i32)))
    (import "env" "check_gas" (func $check_gas (result i64)))
    (import "env" "secp256k1_verify" (func $secp256k1_verify (param i32 i32 i32) (result i32)))
    (import "env" "secp256k1_recover_pubkey" (func $secp256k1_recover (param i32 i32 i32) (result i64)))
    (import "env" "secp256k1_sign" (func $secp256k1_sign (param i32 i32) (result i64)))
    (import "env" "secp256r1_verify" (func $secp256r1_verify (param i32 i32 i32) (result i32)))
    (import "env" "secp256r1_recover_pubkey" (func $secp256r1_recover (param i32 i32 i32) (result i64)))
    (import "env" "bls12_381_aggregate_g1" (func $aggregate_g1 (param i32 i32) (result i32)))
    (import "env" "bls12_381_aggregate_g2" (func $aggregate_g2 (param i32 i32) (result i32)))
    (import "env" "bls12_381_pairing_equality" (func $pairing (param i32 i32 i32 i32) (result i32)))
    (import "env" "bls12_381_hash_to_g1" (func $hash_to_g1 (param i32 i32 i32 i32) (result i32)))
    (import "env" "bls12_381_hash_to_g2" (func $hash_to_g2 (param i32 i32 i32 i32) (result i32)))
    (import "env" "ed25519_verify" (func $ed25519_verify (param i32 i32 i32) (result i32)))
    (import "env" "ed25519_batch_verify" (func $ed25519_batch (param i32 i32 i32) (result i32)))
    (import "env" "ed25519_sign" (func $ed25519_sign (param i32 i32) (result i64)))
"#;

const FUNCTIONS: &str = r#"
    (table funcref (elem $leaf $nonleaf))
    (type $unit (func))
    (type $unary (func (param i32) (result i32)))
    (func $leaf)
    (func $nonleaf (call $leaf))
    (func $id (param i32) (result i32) (local.get 0))
    (func $ten (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (local.get 9))
    (func $locals (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64))
    (func $deep (param i32) (result i32)
        (if (result i32) (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 0))))
"#;

/// Name, what is done before, what is repeated, how often in a row.
fn kernels() -> Vec<(&'static str, &'static str, String, usize)> {
    let mut k: Vec<(&str, &str, String, usize)> = Vec::new();
    let mut add = |name, op: &str, times| k.push((name, "", op.to_owned(), times));
    add(
        "simple: i32 add chain",
        "(local.set $i (i32.add (local.get $i) (i32.const 3)))",
        200,
    );
    add(
        "simple: i64 mix",
        "(local.set $x (i64.xor (i64.rotl (i64.mul (local.get $x) (i64.const 31)) (i64.const 7)) (local.get $y)))",
        100,
    );
    add(
        "simple: local to local",
        "(local.set $i (local.get $j)) (local.set $j (local.get $msg))",
        100,
    );
    add(
        "simple: local.tee, drop",
        "(drop (local.tee $i (local.get $j)))",
        200,
    );
    add("simple: const, drop", "(drop (i32.const 77))", 200);
    add(
        "simple: select",
        "(local.set $i (select (local.get $i) (local.get $j) (local.get $msg)))",
        200,
    );
    add(
        "simple: compare",
        "(local.set $i (i64.lt_u (local.get $x) (local.get $y)))",
        200,
    );
    add(
        "simple: popcnt, clz",
        "(local.set $i (i32.popcnt (i32.clz (local.get $i))))",
        200,
    );
    add(
        "simple: deep operands",
        "(i32.add (local.get $i) (i32.add (local.get $j) (i32.add (local.get $msg) (i32.add (local.get $env) (i32.add (local.get $info) (local.get $i)))))) (local.set $j)",
        100,
    );
    add("simple: block", "(block)", 200);
    add(
        "memory: load",
        "(local.set $i (i32.load offset=64 (i32.and (local.get $i) (i32.const 1020))))",
        200,
    );
    add(
        "memory: load only",
        "(drop (i32.load offset=64 (i32.const 128)))",
        200,
    );
    add(
        "memory: load64 chain",
        "(local.set $x (i64.load (i32.const 128)))",
        200,
    );
    add(
        "memory: store",
        "(i64.store offset=64 (i32.const 128) (local.get $x))",
        200,
    );
    add(
        "memory: store8",
        "(i32.store8 offset=64 (local.get $j) (local.get $i))",
        200,
    );
    add("memory: global.get", "(drop (global.get $top))", 200);
    add(
        "memory: global.set",
        "(global.set $other (local.get $i))",
        200,
    );
    add("memory: size", "(local.set $i (memory.size))", 200);
    add(
        "divide: i32",
        "(local.set $i (i32.div_u (i32.const 1234567) (i32.or (local.get $i) (i32.const 1))))",
        200,
    );
    add(
        "divide: i64 rem",
        "(local.set $x (i64.rem_s (i64.const 123456789123456789) (i64.or (local.get $x) (i64.const 1))))",
        200,
    );
    add(
        "float: div",
        "(local.set $x (i64.reinterpret_f64 (f64.div (f64.reinterpret_i64 (local.get $x)) (f64.const 1.7))))",
        100,
    );
    add("float: sqrt", "(drop (f64.sqrt (f64.const 3.3)))", 200);
    add(
        "float: nearest",
        "(drop (f64.nearest (f64.reinterpret_i64 (local.get $x))))",
        200,
    );
    add(
        "float: min NaN",
        "(drop (f64.min (f64.const nan) (f64.reinterpret_i64 (local.get $x))))",
        200,
    );
    add(
        "float: convert",
        "(local.set $i (i32.trunc_sat_f64_s (f64.convert_i64_u (local.get $x))))",
        200,
    );
    add(
        "float: demote",
        "(drop (f32.demote_f64 (f64.reinterpret_i64 (local.get $x))))",
        200,
    );
    add("branch: empty loop", "", 1);
    add(
        "branch: inner loops",
        "(loop (br_if 0 (local.get $j)))",
        100,
    );
    add("branch: if not taken", "(if (local.get $j) (then))", 200);
    add(
        "branch: if taken",
        "(if (local.get $msg) (then (local.set $i (local.get $j))))",
        200,
    );
    add(
        "branch: if else",
        "(if (local.get $msg) (then (local.set $i (local.get $j))) (else (local.set $i (local.get $msg))))",
        200,
    );
    add(
        "branch: br_if out, not taken",
        "(br_if $out (local.get $j))",
        200,
    );
    add(
        "branch: br_if in block, taken",
        "(block (br_if 0 (local.get $msg)) (br $out))",
        200,
    );
    add(
        "branch: br_if in block, alternate",
        "(local.set $j (i32.xor (local.get $j) (i32.const 1))) (block (br_if 0 (local.get $j)) (br_if $out (i32.const 0)))",
        200,
    );
    add("branch: br out of block", "(block (br 0))", 200);
    add(
        "branch table",
        "(block (block (block (br_table 0 1 2 (local.get $i)))))",
        100,
    );
    add("call: leaf", "(call $leaf)", 200);
    add("call: of a caller", "(call $nonleaf)", 200);
    add(
        "call: identity",
        "(local.set $i (call $id (local.get $i)))",
        200,
    );
    add(
        "call: ten params",
        "(drop (call $ten (local.get $i)(local.get $i)(local.get $i)(local.get $i)(local.get $i)(local.get $i)(local.get $i)(local.get $i)(local.get $i)(local.get $i)))",
        100,
    );
    add("call: 100 locals", "(call $locals)", 100);
    add(
        "call: deep recursion",
        "(drop (call $deep (i32.const 2000)))",
        1,
    );
    add(
        "call indirect: leaf",
        "(call_indirect (type $unit) (i32.const 0))",
        200,
    );
    add(
        "call indirect: of a caller",
        "(call_indirect (type $unit) (i32.const 1))",
        200,
    );
    add(
        "bulk: copy 0",
        "(memory.copy (i32.const 0) (i32.const 64) (i32.const 0))",
        200,
    );
    add(
        "bulk: copy 32",
        "(memory.copy (i32.const 0) (i32.const 64) (i32.const 32))",
        200,
    );
    add(
        "bulk: copy 48 KiB",
        "(memory.copy (i32.const 65536) (i32.const 0) (i32.const 49152))",
        10,
    );
    add(
        "bulk: copy 3 MiB",
        "(memory.copy (i32.const 4194304) (i32.const 100000) (i32.const 3145728))",
        10,
    );
    add(
        "bulk: fill 48 KiB",
        "(memory.fill (i32.const 65536) (i32.const 7) (i32.const 49152))",
        10,
    );
    add(
        "bulk: fill 3 MiB",
        "(memory.fill (i32.const 65536) (i32.const 7) (i32.const 3145728))",
        10,
    );
    add("grow: nothing", "(drop (memory.grow (i32.const 0)))", 100);
    add(
        "grow: too much",
        "(drop (memory.grow (i32.const 1000)))",
        100,
    );
    add("host: debug", "(call $debug (local.get $msg))", 10);
    add("host: check_gas", "(drop (call $check_gas))", 10);
    add(
        "host: db_read absent (host gives 100,000)",
        "(drop (call $db_read (local.get $msg)))",
        10,
    );
    add(
        "host: db_read 1 KiB of the map (100,000)",
        "(global.set $top (i32.const 65536)) (drop (call $db_read (local.get $big)))",
        10,
    );
    add(
        "host: addr_validate",
        "(drop (call $addr_validate (local.get $address)))",
        10,
    );
    add(
        "host: addr_canonicalize",
        "(drop (call $addr_canonicalize (local.get $address) (local.get $dest)))",
        10,
    );
    add(
        "host: addr_humanize",
        "(drop (call $addr_humanize (local.get $canon) (local.get $dest)))",
        10,
    );
    add(
        "host: addr_validate, 1 KiB of noise",
        "(global.set $top (i32.const 65536)) (drop (call $addr_validate (local.get $noise)))",
        10,
    );
    add(
        "crypto: secp256k1_verify",
        "(drop (call $secp256k1_verify (local.get $hash) (local.get $sig) (local.get $key)))",
        10,
    );
    add(
        "crypto: secp256k1_verify, uncompressed",
        "(drop (call $secp256k1_verify (local.get $hash) (local.get $sig) (local.get $key65)))",
        10,
    );
    add(
        "crypto: secp256k1_recover",
        "(global.set $top (i32.const 65536)) (drop (call $secp256k1_recover (local.get $hash) (local.get $sig) (i32.const 0)))",
        10,
    );
    add(
        "crypto: secp256k1_sign",
        "(global.set $top (i32.const 65536)) (drop (call $secp256k1_sign (local.get $msg) (local.get $hash)))",
        10,
    );
    add(
        "crypto: secp256k1_sign 60 KiB",
        "(global.set $top (i32.const 65536)) (drop (call $secp256k1_sign (local.get $large) (local.get $hash)))",
        10,
    );
    add(
        "crypto: secp256r1_verify",
        "(drop (call $secp256r1_verify (local.get $hash) (local.get $r1sig) (local.get $r1key)))",
        10,
    );
    add(
        "crypto: secp256r1_recover",
        "(global.set $top (i32.const 65536)) (drop (call $secp256r1_recover (local.get $hash) (local.get $r1sig) (i32.const 0)))",
        10,
    );
    for (name, import, points) in [
        ("crypto: aggregate_g1, 1", "g1", "p1"),
        ("crypto: aggregate_g1, 100", "g1", "p100"),
        ("crypto: aggregate_g2, 1", "g2", "q1"),
        ("crypto: aggregate_g2, 100", "g2", "q100"),
    ] {
        let op =
            format!("(drop (call $aggregate_{import} (local.get ${points}) (local.get $dest)))");
        add(name, &op, 10);
    }
    for (name, count) in [
        ("crypto: pairing, 0", "0"),
        ("crypto: pairing, 1", "1"),
        ("crypto: pairing, 100", "100"),
    ] {
        let op = format!(
            "(drop (call $pairing (local.get $p{count}) (local.get $q{count}) (local.get $p1) (local.get $q1)))"
        );
        add(name, &op, 10);
    }
    for (name, import, message, tag) in [
        ("crypto: hash_to_g1", "g1", "hash", "hash"),
        ("crypto: hash_to_g2", "g2", "hash", "hash"),
        ("crypto: hash_to_g1 60 KiB", "g1", "large", "noise"),
    ] {
        let op = format!(
            "(drop (call $hash_to_{import} (i32.const 0) (local.get ${message}) (local.get ${tag}) (local.get $dest)))"
        );
        add(name, &op, 10);
    }
    add(
        "crypto: ed25519_verify",
        "(drop (call $ed25519_verify (local.get $hash) (local.get $edsig) (local.get $edkey)))",
        10,
    );
    add(
        "crypto: ed25519_verify 60 KiB",
        "(drop (call $ed25519_verify (local.get $large) (local.get $edsig) (local.get $edkey)))",
        10,
    );
    add(
        "crypto: ed25519_batch_verify 3",
        "(drop (call $ed25519_batch (local.get $b1) (local.get $b2) (local.get $b3)))",
        10,
    );
    add(
        "crypto: ed25519_sign",
        "(global.set $top (i32.const 65536)) (drop (call $ed25519_sign (local.get $msg) (local.get $hash)))",
        10,
    );
    k
}

fn hex_data(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("\\{b:02x}")).collect()
}

/// Regions with useful content, each as a local of its name.
fn regions() -> (String, String) {
    let key = k256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let hash = [0x42u8; 32];
    let (sig, _) = key.sign_prehash_recoverable(&hash).unwrap();
    let compressed = key
        .verifying_key()
        .to_encoded_point(true)
        .as_bytes()
        .to_vec();
    let plain = key
        .verifying_key()
        .to_encoded_point(false)
        .as_bytes()
        .to_vec();
    let ed = ed25519_zebra::SigningKey::from([9; 32]);
    let edkey: [u8; 32] = ed25519_zebra::VerificationKey::from(&ed).into();
    let edsig = ed.sign(&hash).to_bytes().to_vec();
    let section = |item: &[u8], n: usize| {
        let mut all = Vec::new();
        for _ in 0..n {
            all.extend_from_slice(item);
            all.extend_from_slice(&(item.len() as u32).to_be_bytes());
        }
        all
    };
    let r1 = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let (r1sig, _) = r1.sign_prehash_recoverable(&hash);
    let r1key = r1.verifying_key().to_sec1_point(true);
    let p = bls12_381::bls12_381_hash_to_g1(0, &hash, b"tag").unwrap();
    let q = bls12_381::bls12_381_hash_to_g2(0, &hash, b"tag").unwrap();
    let list: Vec<(&str, Vec<u8>)> = vec![
        ("r1sig", r1sig.to_bytes().to_vec()),
        ("r1key", r1key.as_bytes().to_vec()),
        ("p0", Vec::new()),
        ("q0", Vec::new()),
        ("p1", p.to_vec()),
        ("q1", q.to_vec()),
        ("p100", p.repeat(100)),
        ("q100", q.repeat(100)),
        ("hash", hash.to_vec()),
        ("sig", sig.to_bytes().to_vec()),
        ("key", compressed),
        ("key65", plain),
        ("edkey", edkey.to_vec()),
        ("edsig", edsig.clone()),
        ("b1", section(&hash, 1)),
        ("b2", section(&edsig, 3)),
        ("b3", section(&edkey, 1)),
        ("canon", vec![5; 20]),
        (
            "address",
            strongroom_types::Address::from_bytes(&[5; 20])
                .unwrap()
                .to_string()
                .into_bytes(),
        ),
        (
            "noise",
            b"secret1"
                .iter()
                .copied()
                .chain(std::iter::repeat_n(b'q', 1000))
                .collect(),
        ),
        ("dest", vec![0; 96]),
        ("big", b"big".to_vec()),
        ("large", vec![3; 61_440]),
    ];
    let (mut data, mut setup) = (String::new(), String::new());
    let mut at = 1_000_000;
    for (name, bytes) in list {
        data.push_str(&format!("(data (i32.const {at}) \"{}\")", hex_data(&bytes)));
        setup.push_str(&format!(
            "(local.set ${name} (call $region (i32.const {at}) (i32.const {})))",
            bytes.len()
        ));
        at += bytes.len() + 64;
    }
    (data, setup)
}

/// Seconds that this thread has run on a processor; of the wall clock where the system does not tell.
fn cpu_seconds() -> f64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds: Option<f64> = told.and_then(|t| t.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(
        || START.get_or_init(Instant::now).elapsed().as_secs_f64(),
        |ns| ns / 1e9,
    )
}

fn main() {
    let filter = std::env::args().nth(1).unwrap_or_default();
    let (data, setup) = regions();
    println!("{:>9}  {:>9}  kernel", "s/10^10", "gas/round");
    for (name, before, op, times) in kernels()
        .into_iter()
        .filter(|(name, ..)| name.contains(&filter))
    {
        let locals: String = [
            "hash", "sig", "key", "key65", "edkey", "edsig", "b1", "b2", "b3", "canon", "address",
            "noise", "dest", "big", "large", "r1sig", "r1key", "p0", "q0", "p1", "q1", "p100",
            "q100",
        ]
        .iter()
        .map(|l| format!("(local ${l} i32)"))
        .collect();
        let more = format!("(global $other (mut i32) (i32.const 0)) {FUNCTIONS} {data}");
        let repeated = op.repeat(times);
        let body = format!(
            "{setup} {before} (local.set $msg (local.get $hash)) (block $out (loop $again {repeated} (br $again))) (i32.const 0)"
        );
        let rest = format!(
            r#"{more}
            (func (export "instantiate") (param i32 i32 i32) (result i32) (local.get 2))
            (func (export "execute") (param $env i32) (param $info i32) (param $msg i32) (result i32)
                (local $i i32) (local $j i32) (local $x i64) (local $y i64) {locals} {body})"#
        );
        let wat = harness::contract(IMPORTS, &rest).replace("(memory 2)", "(memory 160)");
        let prepared = prepare(&wat::parse_str(&wat).expect(name)).expect(name);
        let mut host = harness::MapHost::default();
        host.map.insert(b"big".to_vec(), vec![1; 1024]);
        let mut best = f64::MAX;
        for _ in 0..3 {
            host.trace.clear();
            let start = cpu_seconds();
            let outcome = harness::run_with(&prepared, b"m", GAS, &mut host, |_| unreachable!());
            best = best.min(cpu_seconds() - start);
            assert_eq!(outcome.result, Err(Trap::OutOfGas), "{name}");
        }
        println!("{:>9.3}  {:>9}  {name}", best * 1e10 / GAS as f64, times);
    }
}
