//! What `prepare` refuses, with the text that says why, and what it takes.

use strongroom_vm::{Engine as _, Entry, Generation, Import, PrepareError, limits, prepare};

use crate::harness::{PLAIN_V010, TestEngine, contract, contract_v010, executing, refusal};

const PLAIN: &str =
    r#"(func (export "instantiate") (param i32 i32 i32) (result i32) (local.get 2))"#;

fn plain() -> String {
    contract("", PLAIN)
}

#[track_caller]
fn refused(wat: &str, code: u32, text: &str) {
    let error = refusal(wat);
    assert!(error.to_string().contains(text), "{error}");
    assert_eq!(error.code(), code, "{error}");
}

#[test]
fn what_is_not_wasm_is_refused_in_the_protocols_words() {
    let section = [b"\0asm\x01\0\0\0", &b"\xff"[..]].concat();
    // Two results of a type, of a kind that nobody knows.
    let ty = [b"\0asm\x01\0\0\0", &b"\x01\x05\x01\x60\0\x01\x01"[..]].concat();
    let header = "it does not begin with the eight bytes of a wasm module, version 1";
    let not_valid = "a section is malformed or not valid with the accepted features";
    for (bytes, what) in [
        (&b""[..], header),
        (b"\0as", header),
        (b"not wasm at all", header),
        (b"\0asm\x02\0\0\0", header),
        (b"\0asm\x0d\0\x01\0", header),
        (&section, not_valid),
        (&ty, not_valid),
    ] {
        assert_eq!(
            prepare(bytes).unwrap_err().to_string(),
            format!("Wasm bytecode could not be deserialized. Deserialization error: \"{what}\"")
        );
    }
}

#[test]
fn code_that_is_not_valid_is_refused_with_its_function_and_without_the_parsers_words() {
    for body in ["i32.add drop", "(local.get 7) drop", "(call $other) drop"] {
        let wat = contract("", &format!("{PLAIN} (func $other) (func $bad {body})"));
        assert_eq!(
            refusal(&wat).to_string(),
            "Wasm bytecode could not be deserialized. Deserialization error: \"function 'bad' (#6): the code is malformed \
             or not valid with the accepted features\"",
            "{body}"
        );
    }
}

#[test]
fn every_truncation_is_refused_and_none_panics() {
    let whole = executing("", "", "(local.get $msg)");
    prepare(&whole).unwrap();
    for end in 0..whole.len() {
        // Behind the code section only names are missing.
        if let Ok(prepared) = prepare(&whole[..end]) {
            assert!(prepared.info().entries.contains(&Entry::Execute));
            TestEngine.load(&prepared).unwrap();
        }
    }
}

#[test]
fn every_flipped_bit_is_taken_or_refused_and_none_panics() {
    let whole = executing("", "", "(local.get $msg)");
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut wasm = whole.clone();
            wasm[at] ^= 1 << bit;
            if let Ok(prepared) = prepare(&wasm) {
                TestEngine.load(&prepared).expect("what is prepared loads");
            }
        }
    }
}

#[test]
fn the_same_bytes_give_the_same_module() {
    let wasm = executing("", "", "(local.get $msg)");
    let (a, b) = (prepare(&wasm).unwrap(), prepare(&wasm).unwrap());
    assert_eq!(a, b);
    assert_ne!(a.hash(), a.code_hash());
}

#[test]
fn versions_are_told_by_the_first_marker() {
    refused("(module (memory 1))", 10, "interface_version_8");
    let generation = |wat: &str| {
        let wasm = wat::parse_str(wat).unwrap();
        prepare(&wasm).unwrap().info().generation
    };
    assert_eq!(generation(&plain()), Generation::V1);
    let both = |first: &str, second: &str| {
        let mark = |name| format!(r#"(func (export "{name}"))"#);
        contract_v010("", PLAIN_V010).replace(
            &mark("cosmwasm_vm_version_3"),
            &format!("{}{}{PLAIN}", mark(first), mark(second)),
        )
    };
    let (old, new) = ("cosmwasm_vm_version_3", "interface_version_8");
    assert_eq!(generation(&both(old, new)), Generation::V010);
    // As v1, whose `query` takes an env.
    let text = "\"query\" (it has another signature than ours)";
    refused(&both(new, old), 8, text);
}

#[test]
fn the_generation_that_is_marked_must_be_satisfied_alone() {
    let marked_v1 =
        contract_v010("", PLAIN_V010).replace("cosmwasm_vm_version_3", "interface_version_8");
    refused(&marked_v1, 8, "required export: \"instantiate\"");
    let marked_v010 = plain().replace("interface_version_8", "cosmwasm_vm_version_3");
    refused(&marked_v010, 8, "required export: \"init\"");
}

#[test]
fn a_missing_or_misshapen_export_is_named() {
    for name in ["allocate", "deallocate", "instantiate"] {
        refused(
            &plain().replace(&format!("\"{name}\""), "\"other\""),
            8,
            &format!("required export: \"{name}\""),
        );
    }
    let shape = plain().replace(
        "(param i32 i32 i32) (result i32) (local.get 2)",
        "(param i32 i32) (result i32) (local.get 1)",
    );
    refused(
        &shape,
        8,
        "\"instantiate\" (it has another signature than ours)",
    );
    for name in ["allocate", "deallocate", "init", "handle", "query"] {
        refused(
            &contract_v010("", PLAIN_V010).replace(&format!("\"{name}\""), "\"other\""),
            8,
            &format!("required export: \"{name}\""),
        );
    }
    let entry = contract(
        "",
        &format!(r#"{PLAIN} (func (export "query") (param i32))"#),
    );
    refused(&entry, 8, "\"query\" (it has another signature than ours)");
    let memory = contract("", &format!(r#"{PLAIN} (export "execute" (memory 0))"#));
    refused(&memory, 8, "\"execute\" (it is not a function)");
    let import = contract(
        r#"(import "env" "db_read" (func $r (param i32) (result i32)))"#,
        &format!(r#"{PLAIN} (export "migrate" (func $r))"#),
    );
    refused(&import, 8, "\"migrate\" (it is an import)");
}

#[test]
fn imports_are_ours_or_refused_by_name() {
    for (module, name, ty, text) in [
        ("env", "nothing", "", "\"env.nothing\""),
        (
            "env",
            "canonicalize_address",
            "(param i32 i32) (result i32)",
            "\"env.canonicalize_address\" (CosmWasm v1 has no such import)",
        ),
        (
            "env",
            "debug_print",
            "(param i32)",
            "\"env.debug_print\" (CosmWasm v1 has no such import)",
        ),
        (
            "wasi_snapshot_preview1",
            "fd_write",
            "(param i32 i32 i32 i32) (result i32)",
            "\"wasi_snapshot_preview1.fd_write\"",
        ),
        (
            "other",
            "db_read",
            "(param i32) (result i32)",
            "\"other.db_read\"",
        ),
        (
            "env",
            "db_read",
            "(param i64) (result i32)",
            "\"env.db_read\" (with another signature than ours)",
        ),
        (
            "env",
            "check_gas",
            "(result i32)",
            "\"env.check_gas\" (with another signature than ours)",
        ),
        (
            "env",
            "abort",
            "(param i32) (result i32)",
            "\"env.abort\" (with another signature than ours)",
        ),
    ] {
        refused(
            &contract(
                &format!("(import \"{module}\" \"{name}\" (func {ty}))"),
                PLAIN,
            ),
            7,
            text,
        );
    }
    refused(
        &contract("(import \"env\" \"g\" (global i32))", PLAIN),
        7,
        "only functions can be imported",
    );
}

#[test]
fn every_import_of_ours_is_taken_with_its_signature() {
    let all = |generation: Generation| -> String {
        let of = Import::ALL.iter().filter(|i| i.is_of(generation));
        of.map(|i| import(*i)).collect()
    };
    prepare(&wat::parse_str(contract(&all(Generation::V1), PLAIN)).unwrap()).unwrap();
    let v010 = contract_v010(&all(Generation::V010), PLAIN_V010);
    prepare(&wat::parse_str(v010).unwrap()).unwrap();
}

/// The text of an import with our signature.
fn import(import: Import) -> String {
    let result = import.result().map(|r| format!("(result {r})"));
    format!(
        "(import \"env\" \"{}\" (func (param {}) {}))",
        import.name(),
        "i32 ".repeat(import.params()),
        result.unwrap_or_default()
    )
}

#[test]
fn an_import_of_the_other_generation_is_refused_by_name() {
    let reason = |i: Import, version: &str| {
        format!(
            "unsupported import: \"env.{}\" (CosmWasm {version} has no such import)",
            i.name()
        )
    };
    for i in Import::ALL {
        if !i.is_of(Generation::V1) {
            refused(&contract(&import(i), PLAIN), 7, &reason(i, "v1"));
        }
        if !i.is_of(Generation::V010) {
            let wat = contract_v010(&import(i), PLAIN_V010);
            refused(&wat, 7, &reason(i, "v0.10"));
        }
    }
    let names = |only: Generation, other: Generation| -> Vec<&str> {
        let of = Import::ALL
            .into_iter()
            .filter(|i| i.is_of(only) && !i.is_of(other));
        of.map(Import::name).collect()
    };
    assert_eq!(
        names(Generation::V010, Generation::V1),
        ["canonicalize_address", "humanize_address", "debug_print"]
    );
    assert_eq!(
        names(Generation::V1, Generation::V010),
        [
            "db_next_key",
            "db_next_value",
            "addr_canonicalize",
            "addr_humanize",
            "addr_validate",
            "debug",
            "secp256r1_verify",
            "secp256r1_recover_pubkey",
            "bls12_381_aggregate_g1",
            "bls12_381_aggregate_g2",
            "bls12_381_pairing_equality",
            "bls12_381_hash_to_g1",
            "bls12_381_hash_to_g2",
            "dcap_quote_verify",
            "gas_evaporate",
            "check_gas",
            "abort",
            "message_bound"
        ]
    );
}

#[test]
fn features_are_offered_or_listed() {
    let with = |names: &[&str]| {
        let exports: String = names
            .iter()
            .map(|n| format!("(func (export \"requires_{n}\"))"))
            .collect();
        contract("", &format!("{PLAIN} {exports}"))
    };
    let offered = [
        "cosmwasm_1_1",
        "cosmwasm_1_2",
        "cosmwasm_1_3",
        "cosmwasm_1_4",
        "cosmwasm_2_0",
        "cosmwasm_2_1",
        "cosmwasm_2_2",
        "cosmwasm_3_0",
        "ibc3",
        "iterator",
        "random",
        "staking",
        "stargate",
    ];
    let info = prepare(&wat::parse_str(with(&offered)).unwrap()).unwrap();
    assert_eq!(info.info().features, offered);
    assert!(info.info().requires_random());
    assert!(!info.info().is_ibc());
    refused(
        &with(&["random", "neutron", "cosmwasm_9_1"]),
        9,
        "requires unsupported features: {\"cosmwasm_9_1\", \"neutron\"}",
    );
}

#[test]
fn memory_rules() {
    refused(
        &plain().replace("(memory 2)", ""),
        4,
        "Wasm contract doesn't have a memory section",
    );
    refused(
        r#"(module (func (export "interface_version_8")))"#,
        4,
        "Wasm contract doesn't have a memory section",
    );
    refused(
        &plain().replace("(memory 2)", "(memory 193)"),
        6,
        "must not exceed 192 pages",
    );
    refused(
        &plain().replace("(memory 2)", "(memory 2) (memory 2)"),
        5,
        "exactly one memory",
    );
    refused(
        &contract("(import \"env\" \"memory\" (memory 1))", PLAIN).replace("(memory 2)", ""),
        5,
        "exactly one memory",
    );
    for memory in ["(memory 192)", "(memory 2 65536)", "(memory 2 2)"] {
        prepare(&wat::parse_str(plain().replace("(memory 2)", memory)).unwrap()).unwrap();
    }
}

#[test]
fn a_start_function_is_refused() {
    refused(
        &contract("", &format!("{PLAIN} (func $s) (start $s)")),
        3,
        "start function",
    );
}

#[test]
fn instructions_beyond_stock_rustc_are_refused_with_function_and_reason() {
    let with = |code: &str| {
        contract(
            "",
            &format!("{PLAIN} (table 3 funcref) (elem declare func $bad) (func $bad {code})"),
        )
    };
    for (code, reason) in [
        ("(drop (ref.func $bad))", ""),
        ("(drop (table.get 0 (i32.const 0)))", ""),
        ("(drop (table.grow 0 (ref.null func) (i32.const 1)))", ""),
    ] {
        let error = refusal(&with(code)).to_string();
        assert!(
            error.contains("passive element segment") || error.contains(reason),
            "{error}"
        );
    }
    let with = |code: &str| contract("", &format!("{PLAIN} (table 3 funcref) (func $bad {code})"));
    for (code, reason) in [
        (
            "(drop (table.get 0 (i32.const 0)))",
            "function \"bad\" (#5): it uses the instruction table.get",
        ),
        (
            "(drop (table.size 0))",
            "function \"bad\" (#5): it uses the instruction table.size",
        ),
        (
            "(table.copy 0 0 (i32.const 0) (i32.const 0) (i32.const 0))",
            "the instruction table.copy",
        ),
        (
            "(drop (ref.is_null (ref.null func)))",
            "the instruction ref.null",
        ),
    ] {
        refused(&with(code), 3, reason);
    }
    for code in [
        "(drop (i32x4.splat (i32.const 1)))",
        "(return_call $bad)",
        "(atomic.fence)",
        "(local externref)",
        "(drop (i32.atomic.load (i32.const 0)))",
    ] {
        let error = refusal(&with(code));
        assert!(
            error.to_string().contains("bad\" (#5)") || error.to_string().contains("function"),
            "{error}"
        );
    }
}

#[test]
fn an_invalid_function_is_named() {
    // Hand-made: `wat` writes no ill-typed code on purpose, but takes it.
    refused(
        &contract("", &format!("{PLAIN} (func $wrong (result i32))")),
        1,
        "function 'wrong' (#5): ",
    );
}

#[test]
fn one_data_segment_may_be_as_long_as_the_module() {
    // 1,161,412 bytes in one segment: a test contract that many use.
    for bytes in [1_161_412, limits::MODULE_BYTES_MAX - 1_000] {
        let data = "x".repeat(bytes);
        let wat = contract("", &format!(r#"{PLAIN} (data (i32.const 0) "{data}")"#));
        let wat = wat.replace("(memory 2)", "(memory 40)");
        prepare(&wat::parse_str(wat).unwrap()).unwrap();
    }
}

#[test]
fn references_as_values_are_refused() {
    refused(
        &contract("", &format!("{PLAIN} (func (param externref))")),
        3,
        "value type",
    );
    refused(
        &contract("", &format!("{PLAIN} (global funcref (ref.null func))")),
        3,
        "value type",
    );
    refused(
        &contract("", &format!("{PLAIN} (table 1 externref)")),
        3,
        "something else than functions",
    );
}

#[test]
fn segments_must_fit_where_they_go() {
    let with = |more: &str| contract("", &format!("{PLAIN} {more}"));
    refused(
        &with(r#"(data (i32.const 131071) "ab")"#),
        3,
        "data segment outside",
    );
    refused(
        &with(r#"(data (i32.const -1) "a")"#),
        3,
        "data segment outside",
    );
    prepare(&wat::parse_str(with(r#"(data (i32.const 131070) "ab")"#)).unwrap()).unwrap();
    refused(&with(r#"(data "passive")"#), 3, "passive data segment");
    refused(
        &with("(table 1 funcref) (elem (i32.const 1) $allocate)"),
        3,
        "element segment outside",
    );
    refused(
        &with("(table 1 funcref) (elem func $allocate)"),
        3,
        "passive element segment",
    );
}

#[test]
fn floats_are_taken() {
    prepare(&executing(
        "",
        "",
        "(i32.trunc_sat_f64_s (f64.sqrt (f64.const 16)))",
    ))
    .unwrap();
}

#[test]
fn only_what_is_called_stays_exported_and_custom_sections_go() {
    let wat = contract(
        "",
        &format!(
            r#"{PLAIN} (@custom "notes" "secret plans") (func (export "backdoor") (result i32) (i32.const 1))"#
        ),
    );
    let prepared = prepare(&wat::parse_str(wat).unwrap()).unwrap();
    let text = String::from_utf8_lossy(prepared.wasm()).into_owned();
    assert!(!text.contains("backdoor") && !text.contains("secret plans"));
    assert_eq!(prepared.info().entries, [Entry::Instantiate]);
}

#[test]
fn errors_are_equal_to_themselves() {
    // Refusals are part of the chain's result, so they compare.
    assert_eq!(prepare(b"").unwrap_err(), prepare(b"").unwrap_err());
    assert_eq!(refusal("(module)"), PrepareError::NotAContract);
}
