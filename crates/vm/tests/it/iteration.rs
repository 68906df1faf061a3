//! The imports of iteration: bounds and orders in, keys and values out, each step paid for.

use strongroom_vm::{CallMode, Entry, Outcome, Step, Trap, gas, prepare};

use crate::harness::{MapHost, PLENTY, STORAGE_GAS, contract_v010, executing, instance, run_with};

const IMPORTS: &str = r#"
    (import "env" "db_scan" (func $scan (param i32 i32 i32) (result i32)))
    (import "env" "db_next" (func $next (param i32) (result i32)))
    (import "env" "db_next_key" (func $next_key (param i32) (result i32)))
    (import "env" "db_next_value" (func $next_value (param i32) (result i32)))
"#;

fn host() -> MapHost {
    let mut host = MapHost::default();
    for (key, value) in [("a", "1"), ("bb", "22"), ("c", "")] {
        host.map.insert(key.into(), value.into());
    }
    host
}

/// Opens an iterator from `start` (one byte, 0 for no bound) to `end` and runs `body`.
fn iterate(host: &mut MapHost, start: u8, end: u8, order: i32, body: &str, gas: u64) -> Outcome {
    let bound = |at: u32, byte: u8| match byte {
        0 => "(i32.const 0)".to_owned(),
        _ => format!("(call $region (i32.const {at}) (i32.const 1))"),
    };
    let wasm = executing(
        IMPORTS,
        &format!(r#"(data (i32.const 64) "\{start:02x}\{end:02x}")"#),
        &format!(
            "(drop (call $scan {} {} (i32.const {order}))) {body}",
            bound(64, start),
            bound(65, end)
        ),
    );
    run_with(
        &prepare(&wasm).unwrap(),
        b"m",
        gas,
        host,
        |_| unreachable!(),
    )
}

/// What the n-th step of `import` answers after opening an iterator.
fn step(start: u8, end: u8, order: i32, import: &str, n: usize) -> Vec<u8> {
    let body = format!(
        "{} (call {import} (i32.const 0))",
        format!("(drop (call {import} (i32.const 0)))").repeat(n)
    );
    let outcome = iterate(&mut host(), start, end, order, &body, PLENTY);
    outcome.result.unwrap()
}

#[test]
fn a_step_gives_key_and_value_as_a_list_of_two() {
    let steps = |start, end, order| {
        let mut steps: Vec<Vec<u8>> = Vec::new();
        for n in 0.. {
            steps.push(step(start, end, order, "$next", n));
            if *steps.last().unwrap() == [0; 8] {
                return steps;
            }
        }
        unreachable!()
    };
    let entries = [
        b"a\0\0\0\x011\0\0\0\x01".to_vec(),
        b"bb\0\0\0\x0222\0\0\0\x02".to_vec(),
        b"c\0\0\0\x01\0\0\0\0".to_vec(),
    ];
    let end = vec![0; 8];
    let [a, bb, c] = entries;
    assert_eq!(
        steps(0, 0, 1),
        [a.clone(), bb.clone(), c.clone(), end.clone()]
    );
    assert_eq!(
        steps(0, 0, 2),
        [c.clone(), bb.clone(), a.clone(), end.clone()]
    );
    assert_eq!(steps(b'b', 0, 1), [bb.clone(), c.clone(), end.clone()]);
    assert_eq!(steps(0, b'c', 2), [bb, a, end.clone()]);
    assert_eq!(steps(b'c', b'a', 1), [end]);
}

#[test]
fn keys_and_values_come_alone_and_a_null_pointer_is_the_end() {
    assert_eq!(step(0, 0, 1, "$next_key", 1), b"bb");
    assert_eq!(step(0, 0, 2, "$next_value", 1), b"22");
    for import in ["$next_key", "$next_value"] {
        let body = format!(
            "(i32.store (i32.const 64) (call {import} (i32.const 0))) (call $region (i32.const 64) (i32.const 4))"
        );
        let outcome = iterate(&mut host(), b'x', 0, 1, &body, PLENTY);
        assert_eq!(outcome.result.unwrap(), [0; 4], "{import}");
    }
    // A key is found without reading its value.
    let mut asked = host();
    let body = "(call $next_key (i32.const 0))";
    iterate(&mut asked, 0, 0, 1, body, PLENTY).result.unwrap();
    assert!(!asked.trace.iter().any(|t| t.starts_with("read")));
}

#[test]
fn an_order_that_is_none_and_an_iterator_that_is_not_open_end_the_call_by_name() {
    for order in [0, 3, -1] {
        let outcome = iterate(&mut host(), 0, 0, order, "(i32.const 0)", PLENTY);
        let trap = outcome.result.unwrap_err();
        assert_eq!(trap.code(), 16);
        assert_eq!(trap.to_string(), "an order of iteration is neither 1 nor 2");
    }
    for import in ["$next", "$next_key", "$next_value"] {
        let body = format!("(call {import} (i32.const 1))");
        let outcome = iterate(&mut host(), 0, 0, 1, &body, PLENTY);
        let refused = Trap::Storage("no such iterator");
        assert_eq!(outcome.result.unwrap_err(), refused);
        assert!(outcome.gas_left > 0);
    }
    let outcome = iterate(&mut host(), 0, 0, 1, "(call $next (i32.const -1))", PLENTY);
    assert!(outcome.result.is_err());
}

#[test]
fn each_step_costs_the_call_its_bytes_and_what_the_storage_says() {
    let used = |body: &str| {
        let outcome = iterate(&mut host(), b'a', 0, 1, body, PLENTY);
        outcome.result.unwrap();
        PLENTY - outcome.gas_left
    };
    let (nothing, key, entry) = (
        used("(local.get $msg)"),
        used("(drop (call $next_key (i32.const 0))) (local.get $msg)"),
        used("(drop (call $next (i32.const 0))) (local.get $msg)"),
    );
    assert!(key - nothing >= gas::HOST_CALL + gas::HOST_BYTE + STORAGE_GAS);
    // The value is read like any other.
    assert!(entry - key >= STORAGE_GAS + 9 * gas::HOST_BYTE);
    assert!(nothing >= gas::HOST_CALL + gas::HOST_BYTE + STORAGE_GAS);
    let poor = iterate(&mut host(), 0, 0, 1, "(call $next (i32.const 0))", nothing);
    assert_eq!(poor.result.unwrap_err(), Trap::OutOfGas);
    assert_eq!(poor.gas_left, 0);
}

#[test]
fn a_v010_contract_gets_a_step_in_the_form_of_its_library() {
    let handle = |steps: &str| {
        format!(
            r#"(func (export "init") (param i32 i32) (result i32) (local.get 1))
            (func (export "query") (param i32) (result i32) (local.get 0))
            (func (export "handle") (param i32 i32) (result i32)
                (drop (call $scan (i32.const 0) (i32.const 0) (i32.const 1)))
                {steps} (call $next (i32.const 0)))"#
        )
    };
    let imports = r#"
        (import "env" "db_scan" (func $scan (param i32 i32 i32) (result i32)))
        (import "env" "db_next" (func $next (param i32) (result i32)))"#;
    let step = |n: usize| {
        let steps = "(drop (call $next (i32.const 0)))".repeat(n);
        let wasm = wat::parse_str(contract_v010(imports, &handle(&steps))).unwrap();
        let mut instance = instance(&prepare(&wasm).unwrap(), CallMode::Execute);
        let step = instance.start(Entry::Execute, &[b"env", b"msg"], PLENTY, &mut host());
        let Ok(Step::Done(outcome)) = step else {
            panic!("{step:?}")
        };
        outcome.result.unwrap()
    };
    assert_eq!(step(1), b"22bb\0\0\0\x02");
    assert_eq!(step(3), [0; 4]);
}

#[test]
fn a_module_says_whether_it_iterates() {
    let with = |imports| prepare(&executing(imports, "", "(local.get $msg)")).unwrap();
    assert!(with(IMPORTS).info().iterates);
    assert!(!with("").info().iterates);
}

#[test]
fn a_module_says_which_library_it_was_written_with() {
    let validate = r#"(import "env" "addr_validate" (func (param i32) (result i32)))"#;
    let sign = r#"(import "env" "secp256k1_sign" (func (param i32 i32) (result i64)))"#;
    let stock = |imports: &str| {
        let wasm = executing(imports, "", "(local.get $msg)");
        prepare(&wasm).unwrap().info().stock
    };
    assert!(stock(validate));
    assert!(!stock(&format!("{validate}{sign}")));
    assert!(!stock(""));
}
