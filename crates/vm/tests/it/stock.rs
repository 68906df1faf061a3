//! The cryptographic imports of the ordinary library: what they answer, where they write it, and what they cost. Vectors of the functions
//! themselves stand in `strongroom_crypto::imports`.

use k256::ecdsa::signature::hazmat::PrehashSigner as _;
use strongroom_crypto::imports::bls12_381 as bls;
use strongroom_vm::{Outcome, Trap, gas, limits, prepare};

use crate::harness::{MapHost, PLENTY, executing, run_with};

/// As a contract of the ordinary library: it does not sign.
const IMPORTS: &str = r#"
    (import "env" "addr_validate" (func $addr_validate (param i32) (result i32)))
    (import "env" "secp256k1_verify" (func $secp256k1_verify (param i32 i32 i32) (result i32)))
    (import "env" "secp256k1_recover_pubkey" (func $secp256k1_recover_pubkey (param i32 i32 i32) (result i64)))
    (import "env" "secp256r1_verify" (func $secp256r1_verify (param i32 i32 i32) (result i32)))
    (import "env" "secp256r1_recover_pubkey" (func $secp256r1_recover_pubkey (param i32 i32 i32) (result i64)))
    (import "env" "bls12_381_aggregate_g1" (func $aggregate_g1 (param i32 i32) (result i32)))
    (import "env" "bls12_381_aggregate_g2" (func $aggregate_g2 (param i32 i32) (result i32)))
    (import "env" "bls12_381_pairing_equality" (func $pairing (param i32 i32 i32 i32) (result i32)))
    (import "env" "bls12_381_hash_to_g1" (func $hash_to_g1 (param i32 i32 i32 i32) (result i32)))
    (import "env" "bls12_381_hash_to_g2" (func $hash_to_g2 (param i32 i32 i32 i32) (result i32)))
"#;

/// Runs `body` with regions of these bytes as `$r0`, `$r1`, …
fn call(regions: &[&[u8]], body: &str, gas: u64) -> Outcome {
    let (mut data, mut setup, mut globals) = (String::new(), String::new(), String::new());
    let mut at = 70_000;
    for (i, bytes) in regions.iter().enumerate() {
        let escaped: String = bytes.iter().map(|b| format!("\\{b:02x}")).collect();
        let length = bytes.len();
        data.push_str(&format!("(data (i32.const {at}) \"{escaped}\")"));
        globals.push_str(&format!("(global $r{i} (mut i32) (i32.const 0))"));
        setup.push_str(&format!(
            "(global.set $r{i} (call $region (i32.const {at}) (i32.const {length})))"
        ));
        at += length + 16;
    }
    let more = format!("{globals}{data}");
    let wasm = executing(IMPORTS, &more, &format!("{setup}{body}"));
    let prepared = prepare(&wasm).unwrap();
    assert!(prepared.info().stock);
    let mut host = MapHost::default();
    run_with(&prepared, b"m", gas, &mut host, |_| unreachable!())
}

/// The number that an import with an `i32` result answers.
fn number(regions: &[&[u8]], import: &str) -> u32 {
    let body = format!(
        "(i32.store (i32.const 64) ({import})) (call $region (i32.const 64) (i32.const 4))"
    );
    let result = call(regions, &body, PLENTY).result.unwrap();
    u32::from_le_bytes(result.try_into().unwrap())
}

/// The bytes of the region, or the error code, of an import with an `i64` result.
fn bytes(regions: &[&[u8]], import: &str) -> Result<Vec<u8>, u32> {
    let code = format!(
        "(i64.store (i32.const 64) ({import})) (call $region (i32.const 64) (i32.const 8))"
    );
    let result = call(regions, &code, PLENTY).result.unwrap();
    let answer = u64::from_le_bytes(result.try_into().unwrap());
    match (answer >> 32) as u32 {
        0 => {
            let body = format!("(i32.wrap_i64 ({import}))");
            Ok(call(regions, &body, PLENTY).result.unwrap())
        }
        code => Err(code),
    }
}

/// What an import writes into the last region, which begins as zeros, or its error code.
fn written(regions: &[&[u8]], import: &str) -> Result<Vec<u8>, u32> {
    match number(regions, import) {
        0 => {
            let last = regions.len() - 1;
            let body = format!("(drop ({import})) (global.get $r{last})");
            Ok(call(regions, &body, PLENTY).result.unwrap())
        }
        code => Err(code),
    }
}

const PAIRING: &str =
    "call $pairing (global.get $r0) (global.get $r1) (global.get $r2) (global.get $r3)";
const HASH_G1: &str =
    "call $hash_to_g1 (i32.const 0) (global.get $r0) (global.get $r1) (global.get $r2)";
const HASH_G2: &str =
    "call $hash_to_g2 (i32.const 0) (global.get $r0) (global.get $r1) (global.get $r2)";

#[test]
fn ecdsa_over_both_curves_takes_what_the_ordinary_library_documents() {
    let key = k256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let hash = [0x42; 32];
    let low: k256::ecdsa::Signature = key.sign_prehash(&hash).unwrap();
    let high =
        k256::ecdsa::Signature::from_scalars(low.r().to_bytes(), (-*low.s()).to_bytes()).unwrap();
    let public = key.verifying_key().to_encoded_point(false);
    let k1 = "call $secp256k1_verify (global.get $r0) (global.get $r1) (global.get $r2)";
    let r1 = k1.replace("256k1", "256r1");
    let recover = |curve: &str, param: u32| {
        format!(
            "call $secp256{curve}_recover_pubkey (global.get $r0) (global.get $r1) (i32.const {param})"
        )
    };
    for signature in [low, high] {
        let signature = signature.to_bytes();
        assert_eq!(number(&[&hash, &signature, public.as_bytes()], k1), 0);
        let found = [0, 1].map(|n| bytes(&[&hash, &signature], &recover("k1", n)).unwrap());
        assert!(found.contains(&public.as_bytes().to_vec()));
        assert_eq!(bytes(&[&hash, &signature], &recover("k1", 2)), Err(6));
    }
    // A signature of RFC 6979 over P-256, and whose key is found from it.
    let hash = strongroom_types::sha256(b"sample");
    let signature = hex::decode(concat!(
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    ))
    .unwrap();
    for param in [0, 1] {
        let public = bytes(&[&hash, &signature], &recover("r1", param)).unwrap();
        assert_eq!(public.len(), 65);
        assert_eq!(number(&[&hash, &signature, &public], &r1), 0);
        assert_eq!(number(&[&[0; 32], &signature, &public], &r1), 1);
        assert_eq!(number(&[&hash[1..], &signature, &public], &r1), 3);
        assert_eq!(number(&[&hash, &signature[1..], &public], &r1), 4);
        assert_eq!(number(&[&hash, &signature, &public[1..]], &r1), 5);
        assert_eq!(number(&[&hash, &[0; 64], &public], &r1), 10);
    }
    for param in [4, 256, u32::MAX] {
        assert_eq!(bytes(&[&hash, &signature], &recover("r1", param)), Err(6));
    }
}

#[test]
fn points_are_written_into_the_region_that_the_contract_names() {
    let (message, tag) = (b"message", b"a tag");
    let g1 = bls::bls12_381_hash_to_g1(0, message, tag).unwrap();
    let g2 = bls::bls12_381_hash_to_g2(0, message, tag).unwrap();
    assert_eq!(written(&[message, tag, &[0; 48]], HASH_G1), Ok(g1.to_vec()));
    assert_eq!(written(&[message, tag, &[0; 96]], HASH_G2), Ok(g2.to_vec()));
    // A region that is larger is filled as far as the point goes.
    assert_eq!(written(&[message, tag, &[0; 99]], HASH_G2), Ok(g2.to_vec()));
    let aggregate = "call $aggregate_g1 (global.get $r0) (global.get $r1)";
    assert_eq!(written(&[&g1, &[0; 48]], aggregate), Ok(g1.to_vec()));
    assert_eq!(written(&[&g1[1..], &[0; 48]], aggregate), Err(15));
    assert_eq!(written(&[&[], &[0; 48]], aggregate), Err(14));
    assert_eq!(written(&[&[1; 48], &[0; 48]], aggregate), Err(8));
    let aggregate = "call $aggregate_g2 (global.get $r0) (global.get $r1)";
    assert_eq!(written(&[&g2, &[0; 96]], aggregate), Ok(g2.to_vec()));
    assert_eq!(written(&[&g1, &[0; 96]], aggregate), Err(15));
    // The order of the arguments: e(p, q) = e(p, q), and no other.
    assert_eq!(number(&[&g1, &g2, &g1, &g2], PAIRING), 0);
    let twice = bls::bls12_381_aggregate_g1(&[g1, g1].concat()).unwrap();
    assert_eq!(number(&[&twice, &g2, &g1, &g2], PAIRING), 1);
    for (arguments, code) in [
        ([&g1[1..], &g2, &g1, &g2], 11),
        ([&g1, &g2[1..], &g1, &g2], 12),
        ([&g1, &[], &g1, &g2], 13),
        ([&g1, &g2, &g2, &g1], 8),
    ] {
        assert_eq!(number(&arguments, PAIRING), code);
    }
    let other = HASH_G1.replace("(i32.const 0)", "(i32.const 1)");
    assert_eq!(written(&[message, tag, &[0; 48]], &other), Err(9));
}

#[test]
fn what_cannot_be_read_or_written_ends_the_call() {
    let most = vec![1; limits::HASH_TAG_BYTES_MAX];
    assert!(written(&[b"m", &most, &[0; 48]], HASH_G1).is_ok());
    let body = |import: &str| format!("(drop ({import})) (global.get $r0)");
    let failed = |regions: &[&[u8]], import: &str| call(regions, &body(import), PLENTY).result;
    let over = vec![1; limits::HASH_TAG_BYTES_MAX + 1];
    assert_eq!(
        failed(&[b"m", &over, &[0; 48]], HASH_G1),
        Err(Trap::MemoryRead)
    );
    assert_eq!(
        failed(&[b"m", b"t", &[0; 47]], HASH_G1),
        Err(Trap::MemoryWrite)
    );
    assert_eq!(
        failed(&[b"m", b"t", &[0; 95]], HASH_G2),
        Err(Trap::MemoryWrite)
    );
    let nowhere = HASH_G2.replace("(global.get $r1)", "(i32.const 0x7fffffff)");
    assert_eq!(
        failed(&[b"m", b"t", &[0; 96]], &nowhere),
        Err(Trap::MemoryRead)
    );
}

#[test]
fn each_point_and_each_pair_is_paid_for_before_the_work() {
    let g1 = bls::bls12_381_hash_to_g1(0, b"m", b"t").unwrap();
    let g2 = bls::bls12_381_hash_to_g2(0, b"m", b"t").unwrap();
    let used = |regions: &[&[u8]], import: &str| {
        let outcome = call(
            regions,
            &format!("(drop ({import})) (global.get $r0)"),
            PLENTY,
        );
        assert!(outcome.result.is_ok());
        PLENTY - outcome.gas_left
    };
    let aggregate = |n: &str, point: &[u8]| {
        let import = format!("call $aggregate_{n} (global.get $r0) (global.get $r1)");
        let times = |n| used(&[&point.repeat(n), &vec![0; point.len()]], &import);
        // The list is read, and once more as the result of the test's contract.
        times(7) - times(2) - 5 * 2 * (point.len() as u64) * gas::HOST_BYTE
    };
    assert_eq!(aggregate("g1", &g1), 5 * gas::BLS12_381_AGGREGATE_G1_EACH);
    assert_eq!(aggregate("g2", &g2), 5 * gas::BLS12_381_AGGREGATE_G2_EACH);
    let pairs = |n| used(&[&g1.repeat(n), &g2.repeat(n), &g1, &g2], PAIRING);
    assert_eq!(
        pairs(4) - pairs(1),
        3 * (gas::BLS12_381_PAIRING_EACH + (48 + 96 + 48) * gas::HOST_BYTE)
    );
    assert!(pairs(0) > gas::BLS12_381_PAIRING);
    let hash = |n: usize| used(&[b"", &vec![0; n], &[0; 96]], HASH_G2);
    assert!(hash(0) > gas::BLS12_381_HASH_TO_G2);
    assert_eq!(hash(100) - hash(0), 100 * (gas::HASH_BYTE + gas::HOST_BYTE));
    // Of what cannot be paid nothing is done.
    let limit = gas::BLS12_381_PAIRING + 3 * gas::BLS12_381_PAIRING_EACH;
    let regions: [&[u8]; 4] = [&g1.repeat(4), &g2.repeat(4), &g1, &g2];
    let outcome = call(
        &regions,
        &format!("(drop ({PAIRING})) (global.get $r0)"),
        limit,
    );
    assert_eq!((outcome.result, outcome.gas_left), (Err(Trap::OutOfGas), 0));
}
