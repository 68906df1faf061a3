//! Each limit that no other test reaches, at it and one beyond.

use strongroom_vm::{Engine as _, PrepareError, Trap, limits, prepare};

use crate::harness::{MapHost, PLENTY, TestEngine, contract, executing, run_with};

const PLAIN: &str =
    r#"(func (export "instantiate") (param i32 i32 i32) (result i32) (local.get 2))"#;

/// `make(limit)` is taken and loads, `make(limit + 1)` is refused over the limit of this name.
#[track_caller]
fn reaches(what: &str, limit: usize, make: impl Fn(usize) -> String) {
    let prepared = prepare(&wat::parse_str(make(limit)).unwrap()).unwrap();
    TestEngine.load(&prepared).unwrap();
    let error = prepare(&wat::parse_str(make(limit + 1)).unwrap()).unwrap_err();
    assert!(
        matches!(&error, PrepareError::Limit { what: w, .. } if *w == what),
        "{error}"
    );
}

fn with(more: &str) -> String {
    contract("", &format!("{PLAIN} {more}"))
}

#[test]
fn imports_exports_and_their_names() {
    let import = r#"(import "env" "debug" (func (param i32)))"#;
    reaches("imports", limits::IMPORTS_MAX, |n| {
        contract(&import.repeat(n), PLAIN)
    });
    reaches("exports", limits::EXPORTS_MAX, |n| {
        // Four come with every contract.
        with(
            &(4..n)
                .map(|i| format!("(export \"e{i}\" (memory 0))"))
                .collect::<String>(),
        )
    });
    reaches("bytes of an export's name", limits::NAME_BYTES_MAX, |n| {
        with(&format!("(export \"{}\" (memory 0))", "n".repeat(n)))
    });
    let long = contract(
        &format!(
            "(import \"env\" \"{}\" (func))",
            "n".repeat(limits::NAME_BYTES_MAX + 1)
        ),
        PLAIN,
    );
    let error = prepare(&wat::parse_str(long).unwrap()).unwrap_err();
    assert!(matches!(
        error,
        PrepareError::Limit {
            what: "bytes of an import's name",
            ..
        }
    ));
}

#[test]
fn parameters_and_results() {
    let function = |params: usize, results: usize| {
        format!(
            "(func (param {}) (result {}) {})",
            "i64 ".repeat(params),
            "i32 ".repeat(results),
            "(i32.const 1)".repeat(results)
        )
    };
    reaches("parameters of a type", limits::PARAMS_MAX, |n| {
        with(&function(n, 0))
    });
    reaches("results of a type", limits::RESULTS_MAX, |n| {
        with(&function(3, n))
    });
    // The contract's own take seven: deallocate 1, $region 2, allocate 1, instantiate 3.
    reaches(
        "parameters of all functions",
        limits::PARAMS_TOTAL_MAX,
        |n| with(&(function(100, 0).repeat((n - 7) / 100) + &function((n - 7) % 100, 0))),
    );
}

#[test]
fn functions_that_return_many_values_run_and_pay() {
    let many = format!(
        "(func $many (result {}) (drop (call $one)) (if (call $one) (then (return {}))) {})",
        "i32 ".repeat(50),
        "(i32.const 7)".repeat(50),
        "(i32.const 1)".repeat(50)
    );
    let body = format!(
        "(call $many) {} (drop) (local.get $msg)",
        "(i32.add)".repeat(49)
    );
    let more = format!("(func $one (result i32) (i32.const 1)) {many}");
    let prepared = prepare(&executing("", &more, &body)).unwrap();
    let outcome = run_with(
        &prepared,
        b"m",
        PLENTY,
        &mut MapHost::default(),
        |_| unreachable!(),
    );
    assert_eq!(outcome.result, Ok(b"m".to_vec()));
}

#[test]
fn segments() {
    let data = |n: usize, bytes: usize| {
        format!("(data (i32.const 0) \"{}\")", "d".repeat(bytes)).repeat(n)
    };
    reaches("data segments", limits::DATA_SEGMENTS_MAX, |n| {
        with(&data(n, 1))
    });
    let element = |n: usize, functions: usize| {
        format!(
            "(elem (i32.const 0) func {})",
            "$allocate ".repeat(functions)
        )
        .repeat(n)
    };
    reaches("element segments", limits::ELEMENT_SEGMENTS_MAX, |n| {
        with(&format!("(table 9 funcref) {}", element(n, 1)))
    });
    reaches(
        "elements of all segments",
        limits::ELEMENTS_TOTAL_MAX as usize,
        |n| {
            with(&format!(
                "(table 2500 funcref) {} {}",
                element(n / 2_500, 2_500),
                element(n % 2_500, 1)
            ))
        },
    );
}

/// Runs a contract with 100 pages whose `execute` is `body`.
fn run(imports: &str, body: &str, message: &[u8]) -> Result<Vec<u8>, Trap> {
    let text = executing(
        imports,
        "",
        &format!("(drop (memory.grow (i32.const 98))) {body}"),
    );
    run_with(
        &prepare(&text).unwrap(),
        message,
        PLENTY,
        &mut MapHost::default(),
        |_| vec![7; limits::ANSWER_BYTES_MAX + 1],
    )
    .result
}

#[test]
fn keys_and_values() {
    let imports = r#"(import "env" "db_write" (func $w (param i32 i32))) (import "env" "db_read" (func $r (param i32) (result i32)))"#;
    let write = |key: usize, value: usize| {
        run(
            imports,
            &format!(
                "(call $w (call $region (i32.const 8192) (i32.const {key})) (call $region (i32.const 8192) (i32.const {value}))) (local.get $msg)"
            ),
            b"m",
        )
    };
    assert!(write(limits::KEY_BYTES_MAX, 1).is_ok());
    assert_eq!(write(limits::KEY_BYTES_MAX + 1, 1), Err(Trap::MemoryRead));
    assert!(write(1, limits::VALUE_BYTES_MAX).is_ok());
    assert_eq!(write(1, limits::VALUE_BYTES_MAX + 1), Err(Trap::MemoryRead));
}

#[test]
fn queries_and_answers() {
    let imports = r#"(import "env" "query_chain" (func $q (param i32) (result i32)))"#;
    let ask = |n: usize| {
        run(
            imports,
            &format!("(call $q (call $region (i32.const 8192) (i32.const {n})))"),
            b"m",
        )
    };
    assert_eq!(
        ask(limits::QUERY_BYTES_MAX),
        Err(Trap::MemoryAllocate),
        "the answer is too long"
    );
    assert_eq!(ask(limits::QUERY_BYTES_MAX + 1), Err(Trap::MemoryRead));
}

#[test]
fn arguments_and_results() {
    let prepared = prepare(&executing("", "", "(local.get $msg)")).unwrap();
    let argument = |n: usize| {
        run_with(
            &prepared,
            &vec![1; n],
            PLENTY,
            &mut MapHost::default(),
            |_| unreachable!(),
        )
        .result
    };
    assert_eq!(
        argument(limits::ARGUMENT_BYTES_MAX + 1),
        Err(Trap::MemoryAllocate)
    );
    let result = |n: usize| {
        run(
            "",
            &format!("(call $region (i32.const 8192) (i32.const {n}))"),
            b"m",
        )
    };
    assert_eq!(
        result(limits::RESULT_BYTES_MAX).unwrap().len(),
        limits::RESULT_BYTES_MAX
    );
    assert_eq!(result(limits::RESULT_BYTES_MAX + 1), Err(Trap::MemoryRead));
}

#[test]
fn messages_to_sign() {
    let imports = r#"(import "env" "ed25519_sign" (func $s (param i32 i32) (result i64)))"#;
    let sign = |n: usize| {
        run(
            imports,
            &format!(
                "(i32.wrap_i64 (call $s (call $region (i32.const 8192) (i32.const {n})) (call $region (i32.const 8192) (i32.const 32))))"
            ),
            b"m",
        )
    };
    assert_eq!(sign(limits::CRYPTO_MESSAGE_BYTES_MAX).unwrap().len(), 64);
    assert_eq!(
        sign(limits::CRYPTO_MESSAGE_BYTES_MAX + 1),
        Err(Trap::MemoryRead)
    );
}
