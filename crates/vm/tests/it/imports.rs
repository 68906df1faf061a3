//! What imports answer, with vectors made by independent code or published.

use k256::ecdsa::signature::hazmat::PrehashSigner as _;
use strongroom_vm::{Outcome, Trap, gas, limits, prepare};

use crate::harness::{MapHost, PLENTY, executing, run_with};

const IMPORTS: &str = r#"
    (import "env" "addr_canonicalize" (func $addr_canonicalize (param i32 i32) (result i32)))
    (import "env" "addr_humanize" (func $addr_humanize (param i32 i32) (result i32)))
    (import "env" "addr_validate" (func $addr_validate (param i32) (result i32)))
    (import "env" "debug" (func $debug (param i32)))
    (import "env" "secp256k1_verify" (func $secp256k1_verify (param i32 i32 i32) (result i32)))
    (import "env" "secp256k1_recover_pubkey" (func $secp256k1_recover_pubkey (param i32 i32 i32) (result i64)))
    (import "env" "ed25519_verify" (func $ed25519_verify (param i32 i32 i32) (result i32)))
    (import "env" "ed25519_batch_verify" (func $ed25519_batch_verify (param i32 i32 i32) (result i32)))
    (import "env" "secp256k1_sign" (func $secp256k1_sign (param i32 i32) (result i64)))
    (import "env" "ed25519_sign" (func $ed25519_sign (param i32 i32) (result i64)))
    (import "env" "dcap_quote_verify" (func $dcap_quote_verify (param i32 i32) (result i64)))
    (import "env" "gas_evaporate" (func $gas_evaporate (param i32) (result i32)))
    (import "env" "check_gas" (func $check_gas (result i64)))
    (import "env" "abort" (func $abort (param i32)))
    (import "env" "message_bound" (func $message_bound (result i32)))
"#;

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("\\{b:02x}")).collect()
}

/// Runs `body` with regions of these bytes as `$r0`, `$r1`, …
fn call(regions: &[&[u8]], body: &str, gas: u64) -> Outcome {
    let (mut data, mut setup, mut globals) = (String::new(), String::new(), String::new());
    let mut at = 70_000;
    for (i, bytes) in regions.iter().enumerate() {
        data.push_str(&format!("(data (i32.const {at}) \"{}\")", escaped(bytes)));
        globals.push_str(&format!("(global $r{i} (mut i32) (i32.const 0))"));
        setup.push_str(&format!(
            "(global.set $r{i} (call $region (i32.const {at}) (i32.const {})))",
            bytes.len()
        ));
        at += bytes.len() + 16;
    }
    let wasm = executing(
        IMPORTS,
        &format!("{globals}{data}"),
        &format!("{setup}{body}"),
    );
    run_with(
        &prepare(&wasm).unwrap(),
        b"m",
        gas,
        &mut MapHost::default(),
        |_| unreachable!(),
    )
}

/// The number that an import with an `i32` result answers.
fn number(regions: &[&[u8]], import: &str) -> u32 {
    let body = format!(
        "(i32.store (i32.const 64) ({import})) (call $region (i32.const 64) (i32.const 4))"
    );
    u32::from_le_bytes(
        call(regions, &body, PLENTY)
            .result
            .unwrap()
            .try_into()
            .unwrap(),
    )
}

/// The bytes of the region, or the error code, of an import with an `i64` result.
fn bytes(regions: &[&[u8]], import: &str) -> Result<Vec<u8>, u32> {
    let code = format!(
        "(i64.store (i32.const 64) ({import})) (call $region (i32.const 64) (i32.const 8))"
    );
    let answer = u64::from_le_bytes(
        call(regions, &code, PLENTY)
            .result
            .unwrap()
            .try_into()
            .unwrap(),
    );
    if answer >> 32 != 0 {
        assert_eq!(answer & 0xffff_ffff, 0);
        return Err((answer >> 32) as u32);
    }
    Ok(call(regions, &format!("(i32.wrap_i64 ({import}))"), PLENTY)
        .result
        .unwrap())
}

const SECP_VERIFY: &str =
    "call $secp256k1_verify (global.get $r0) (global.get $r1) (global.get $r2)";
const ED_VERIFY: &str = "call $ed25519_verify (global.get $r0) (global.get $r1) (global.get $r2)";
const ED_BATCH: &str =
    "call $ed25519_batch_verify (global.get $r0) (global.get $r1) (global.get $r2)";

fn secp() -> (k256::ecdsa::SigningKey, [u8; 32], Vec<u8>) {
    let key = k256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let hash = [0x42; 32];
    let signature: k256::ecdsa::Signature = key.sign_prehash(&hash).unwrap();
    (key, hash, signature.to_bytes().to_vec())
}

#[test]
fn secp256k1_signatures_are_verified_in_every_form_of_the_key() {
    let (key, hash, signature) = secp();
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
    assert_eq!(number(&[&hash, &signature, &compressed], SECP_VERIFY), 0);
    assert_eq!(number(&[&hash, &signature, &plain], SECP_VERIFY), 0);
    let odd = plain[64] & 1;
    let mut hybrid = plain.clone();
    hybrid[0] = 6 + odd;
    assert_eq!(number(&[&hash, &signature, &hybrid], SECP_VERIFY), 0);
    hybrid[0] = 7 - odd;
    assert_eq!(
        number(&[&hash, &signature, &hybrid], SECP_VERIFY),
        10,
        "the other parity"
    );
    assert_eq!(
        number(&[&[0x43; 32], &signature, &compressed], SECP_VERIFY),
        1
    );
}

#[test]
fn secp256k1_error_codes() {
    let (key, hash, signature) = secp();
    let public = key
        .verifying_key()
        .to_encoded_point(true)
        .as_bytes()
        .to_vec();
    assert_eq!(number(&[&hash[1..], &signature, &public], SECP_VERIFY), 3);
    assert_eq!(number(&[&hash, &signature[1..], &public], SECP_VERIFY), 4);
    for bad in [&public[1..], &[], &[4; 33], &[2; 65], &[5; 33], &[0; 65]] {
        assert_eq!(number(&[&hash, &signature, bad], SECP_VERIFY), 5);
    }
    assert_eq!(
        number(&[&hash, &[0; 64], &public], SECP_VERIFY),
        10,
        "r = s = 0"
    );
    assert_eq!(
        number(&[&hash, &[0xff; 64], &public], SECP_VERIFY),
        10,
        "over the order"
    );
    let mut no_point = [5u8; 33];
    no_point[0] = 2;
    assert_eq!(
        number(&[&hash, &signature, &no_point], SECP_VERIFY),
        10,
        "x of no point"
    );
}

#[test]
fn high_s_is_invalid() {
    let (key, hash, signature) = secp();
    let low = k256::ecdsa::Signature::from_slice(&signature).unwrap();
    let high =
        k256::ecdsa::Signature::from_scalars(low.r().to_bytes(), (-*low.s()).to_bytes()).unwrap();
    let public = key
        .verifying_key()
        .to_encoded_point(true)
        .as_bytes()
        .to_vec();
    assert_eq!(number(&[&hash, &high.to_bytes(), &public], SECP_VERIFY), 1);
}

#[test]
fn secp256k1_keys_are_recovered_compressed() {
    let (key, hash, _) = secp();
    let (signature, id) = key.sign_prehash_recoverable(&hash).unwrap();
    let signature = signature.to_bytes();
    let recover = |param: u32| {
        format!(
            "call $secp256k1_recover_pubkey (global.get $r0) (global.get $r1) (i32.const {param})"
        )
    };
    let public = key
        .verifying_key()
        .to_encoded_point(true)
        .as_bytes()
        .to_vec();
    assert_eq!(
        bytes(&[&hash, &signature], &recover(id.to_byte().into())),
        Ok(public.clone())
    );
    assert_ne!(
        bytes(&[&hash, &signature], &recover((id.to_byte() ^ 1).into())),
        Ok(public)
    );
    assert_eq!(bytes(&[&hash, &signature], &recover(4)), Err(10));
    assert_eq!(
        bytes(
            &[&hash, &signature],
            &recover(256 + u32::from(id.to_byte()))
        ),
        Err(10)
    );
    assert_eq!(bytes(&[&hash[1..], &signature], &recover(0)), Err(3));
    assert_eq!(bytes(&[&hash, &signature[1..]], &recover(0)), Err(4));
    assert_eq!(bytes(&[&hash, &[0; 64]], &recover(0)), Err(10));
}

#[test]
fn secp256k1_signing_is_rfc_6979_over_sha_256() {
    let sign = "call $secp256k1_sign (global.get $r0) (global.get $r1)";
    // Published for RFC 6979 on secp256k1: key 1, "Satoshi Nakamoto" (low S).
    let mut one = [0; 32];
    one[31] = 1;
    let expected = "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8\
                    2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5";
    assert_eq!(
        bytes(&[b"Satoshi Nakamoto", &one], sign).map(hex::encode),
        Ok(expected.to_owned())
    );
    assert_eq!(bytes(&[b"m", &[1; 31]], sign), Err(1000));
    assert_eq!(bytes(&[b"m", &[0; 32]], sign), Err(1000), "zero is no key");
    assert_eq!(bytes(&[b"m", &[0xff; 32]], sign), Err(1000));
}

#[test]
fn ed25519_is_rfc_8032() {
    // RFC 8032, 7.1, test 2.
    let seed =
        hex::decode("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").unwrap();
    let public =
        hex::decode("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c").unwrap();
    let signature = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
    let sign = "call $ed25519_sign (global.get $r0) (global.get $r1)";
    assert_eq!(
        bytes(&[&[0x72], &seed], sign).map(hex::encode),
        Ok(signature.to_owned())
    );
    assert_eq!(bytes(&[&[0x72], &seed[1..]], sign), Err(1000));
    let signature = hex::decode(signature).unwrap();
    assert_eq!(number(&[&[0x72], &signature, &public], ED_VERIFY), 0);
    assert_eq!(number(&[&[0x73], &signature, &public], ED_VERIFY), 1);
    assert_eq!(number(&[&[0x72], &signature[1..], &public], ED_VERIFY), 4);
    assert_eq!(number(&[&[0x72], &signature, &public[1..]], ED_VERIFY), 5);
    let mut no_point = [0xff; 32];
    no_point[0] = 2;
    assert_eq!(number(&[&[0x72], &signature, &no_point], ED_VERIFY), 1);
}

#[test]
fn ed25519_follows_zip_215() {
    // Small-order key and R, S = 0: ZIP-215 takes it for every message, RFC 8032 implementations may not.
    let mut identity = [0u8; 32];
    identity[0] = 1;
    let mut signature = [0u8; 64];
    signature[0] = 1;
    assert_eq!(number(&[b"any", &signature, &identity], ED_VERIFY), 0);
}

#[test]
fn batches_are_equal_lists_or_one_for_all() {
    let list = |items: &[&[u8]]| -> Vec<u8> {
        items
            .iter()
            .flat_map(|i| {
                i.iter()
                    .copied()
                    .chain((i.len() as u32).to_be_bytes())
                    .collect::<Vec<u8>>()
            })
            .collect()
    };
    let keys: Vec<ed25519_zebra::SigningKey> = [[1; 32], [2; 32]]
        .map(ed25519_zebra::SigningKey::from)
        .into();
    let public: Vec<[u8; 32]> = keys
        .iter()
        .map(|k| ed25519_zebra::VerificationKey::from(k).into())
        .collect();
    let signed = |k: usize, m: &[u8]| keys[k].sign(m).to_bytes().to_vec();
    let (a, b) = (signed(0, b"a"), signed(1, b"bb"));
    let public = [&public[0][..], &public[1][..]];
    assert_eq!(
        number(
            &[&list(&[b"a", b"bb"]), &list(&[&a, &b]), &list(&public)],
            ED_BATCH
        ),
        0
    );
    assert_eq!(
        number(
            &[&list(&[b"a", b"cc"]), &list(&[&a, &b]), &list(&public)],
            ED_BATCH
        ),
        1
    );
    let c = signed(1, b"a");
    assert_eq!(
        number(
            &[&list(&[b"a"]), &list(&[&a, &c]), &list(&public)],
            ED_BATCH
        ),
        0,
        "one message"
    );
    let d = signed(0, b"bb");
    assert_eq!(
        number(
            &[&list(&[b"a", b"bb"]), &list(&[&a, &d]), &list(&public[..1])],
            ED_BATCH
        ),
        0,
        "one key"
    );
    assert_eq!(
        number(&[&list(&[]), &list(&[]), &list(&[])], ED_BATCH),
        0,
        "nothing"
    );
    assert_eq!(
        number(
            &[&list(&[b"a", b"b", b"c"]), &list(&[&a, &b]), &list(&public)],
            ED_BATCH
        ),
        7
    );
    assert_eq!(
        number(
            &[&list(&[b"a", b"bb"]), &list(&[&a]), &list(&public)],
            ED_BATCH
        ),
        7
    );
    assert_eq!(
        number(
            &[&list(&[b"a"]), &list(&[&a[1..]]), &list(&public[..1])],
            ED_BATCH
        ),
        4
    );
    assert_eq!(
        number(
            &[&list(&[b"a"]), &list(&[&a]), &list(&[b"short"])],
            ED_BATCH
        ),
        5
    );
    let garbage = call(&[&[9, 9], &[], &[]], &format!("({ED_BATCH})"), PLENTY);
    assert_eq!(garbage.result, Err(Trap::MemoryRead), "no list of sections");
    let many = list(&vec![&b""[..]; limits::BATCH_MAX + 1]);
    assert_eq!(
        call(&[&many, &many, &many], &format!("({ED_BATCH})"), PLENTY).result,
        Err(Trap::MemoryRead)
    );
}

#[test]
fn quotes_are_never_verified_yet() {
    let verify = "call $dcap_quote_verify (global.get $r0) (global.get $r1)";
    assert_eq!(bytes(&[b"quote", b"collateral"], verify), Err(10));
    assert_eq!(bytes(&[b"", b""], verify), Err(10));
}

#[test]
fn addresses_are_converted_into_the_given_region() {
    let human = strongroom_types::Address::from_bytes(&[5; 20])
        .unwrap()
        .to_string();
    let room = [0; 90];
    let canonical = call(
        &[human.as_bytes(), &room],
        "(drop (call $addr_canonicalize (global.get $r0) (global.get $r1))) (global.get $r1)",
        PLENTY,
    );
    assert_eq!(canonical.result, Ok(vec![5; 20]));
    let humanized = call(
        &[&[5; 20], &room],
        "(drop (call $addr_humanize (global.get $r0) (global.get $r1))) (global.get $r1)",
        PLENTY,
    );
    assert_eq!(humanized.result, Ok(human.clone().into_bytes()));
    assert_eq!(
        number(&[human.as_bytes()], "call $addr_validate (global.get $r0)"),
        0
    );
}

#[test]
fn address_errors_come_as_text_and_small_regions_are_fatal() {
    let text = |regions: &[&[u8]], import: &str| {
        String::from_utf8(
            call(regions, &format!("(call {import})"), PLENTY)
                .result
                .unwrap(),
        )
        .unwrap()
    };
    assert_eq!(
        text(
            &[b"", &[0; 90]],
            "$addr_canonicalize (global.get $r0) (global.get $r1)"
        ),
        "Input is empty"
    );
    assert_eq!(
        text(
            &[b"", &[0; 90]],
            "$addr_humanize (global.get $r0) (global.get $r1)"
        ),
        "Input is empty"
    );
    assert_eq!(
        text(&[&[0xff]], "$addr_validate (global.get $r0)"),
        "Input is not valid UTF-8"
    );
    assert_eq!(
        text(&[&[b'x'; 257]], "$addr_validate (global.get $r0)"),
        "Input is too long"
    );
    let small = call(
        &[&[5; 20], &[0; 20]],
        "(call $addr_humanize (global.get $r0) (global.get $r1))",
        PLENTY,
    );
    assert_eq!(small.result, Err(Trap::MemoryWrite));
}

#[test]
fn abort_carries_its_message_up_to_its_limit() {
    let abort = |message: &[u8]| {
        call(
            &[message],
            "(call $abort (global.get $r0)) (i32.const 0)",
            PLENTY,
        )
        .result
    };
    assert_eq!(
        abort(b"panicked at src/contract.rs"),
        Err(Trap::Abort("panicked at src/contract.rs".into()))
    );
    assert_eq!(abort(b""), Err(Trap::Abort(String::new())));
    assert_eq!(
        abort(&[b'a'; 9_000]),
        Err(Trap::Abort("a".repeat(limits::ABORT_BYTES_MAX)))
    );
    assert_eq!(abort(b"good\xffbad"), Err(Trap::Abort("good".into())));
}

#[test]
fn gas_can_be_asked_for_and_burnt() {
    let used = |body: &str| PLENTY - call(&[], &format!("{body} (i32.const 0)"), PLENTY).gas_left;
    let nothing = used("(drop (i32.const 1))");
    let burn = |n: u32| {
        used(&format!("(drop (call $gas_evaporate (i32.const {n})))")) - nothing - gas::CALL
    };
    // And the rest of the SDK gas that had begun.
    for (wish, at_least) in [
        (0, 8_000),
        (8, 8_000),
        (9, 9_000),
        (1_000_000, 1_000_000_000),
    ] {
        let burnt = burn(wish);
        assert!((at_least..at_least + 1_000).contains(&burnt), "{burnt}");
    }
    assert_eq!(burn(9), burn(8) + 1_000);
    let minus_one = call(
        &[],
        "(drop (call $gas_evaporate (i32.const -1))) (i32.const 0)",
        PLENTY,
    );
    assert_eq!(
        minus_one.result,
        Err(Trap::OutOfGas),
        "unsigned: 4,294,967,295 SDK gas"
    );
    let check = |gas| {
        let body = "(i64.store (i32.const 64) (call $check_gas)) (call $region (i32.const 64) (i32.const 8))";
        u64::from_le_bytes(call(&[], body, gas).result.unwrap().try_into().unwrap())
    };
    assert!(check(PLENTY) >= 8, "its own price at least");
    assert_eq!(check(PLENTY), check(PLENTY / 2), "used, not left");
}

#[test]
fn calls_that_evaporate_to_one_target_use_the_same_gas_whatever_they_did_before() {
    let used = |work: &str| {
        let level = "(drop (call $gas_evaporate (i32.const 0)))
            (drop (call $gas_evaporate (i32.sub (i32.const 500) (i32.wrap_i64 (call $check_gas)))))";
        PLENTY - call(&[], &format!("{work} {level} (i32.const 0)"), PLENTY).gas_left
    };
    let nothing = used("");
    assert!((500_000..502_000).contains(&nothing), "{nothing}");
    for units in [1, 7, 16, 333] {
        let work = "(drop (i32.const 1))".repeat(units);
        assert_eq!(used(&work), nothing, "{units} constants before");
    }
    assert_eq!(used("(drop (call $check_gas))"), nothing);
}

#[test]
fn a_message_is_not_bound_unless_the_caller_says_so() {
    assert_eq!(number(&[], "call $message_bound"), 0);
}

#[test]
fn debug_does_nothing_and_costs() {
    let outcome = call(
        &[b"secret"],
        "(call $debug (global.get $r0)) (call $debug (i32.const -1)) (i32.const 64)",
        PLENTY,
    );
    assert_eq!(
        outcome.result,
        Err(Trap::MemoryRead),
        "the result, not debug"
    );
    assert!(PLENTY - outcome.gas_left >= 2 * gas::HOST_CALL);
}

#[test]
fn unreadable_regions_are_memory_errors_in_every_import() {
    for import in [
        "(drop (call $addr_validate (i32.const 0)))",
        "(drop (call $addr_validate (i32.const -1)))",
        "(drop (call $secp256k1_verify (i32.const 0) (i32.const 0) (i32.const 0)))",
        "(drop (call $ed25519_sign (i32.const 131071) (i32.const 0)))",
        "(call $abort (i32.const 0))",
    ] {
        assert_eq!(
            call(&[], &format!("{import} (i32.const 0)"), PLENTY).result,
            Err(Trap::MemoryRead),
            "{import}"
        );
    }
}
