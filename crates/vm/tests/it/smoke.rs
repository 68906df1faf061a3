//! The plain way through.

use strongroom_vm::{CallMode, Trap, prepare};

use crate::harness::{MapHost, PLENTY, executing, instance, run, run_with};

#[test]
fn a_contract_gets_its_message_and_returns_a_region() {
    let wasm = executing("", "", "(local.get $msg)");
    let outcome = run(&wasm, PLENTY);
    assert_eq!(outcome.result, Ok(b"m".to_vec()));
    assert_eq!(outcome.peak_pages, 2);
    assert!(outcome.gas_left < PLENTY);
}

#[test]
fn storage_is_written_read_and_removed() {
    let imports = r#"(import "env" "db_read" (func $db_read (param i32) (result i32)))
        (import "env" "db_write" (func $db_write (param i32 i32)))
        (import "env" "db_remove" (func $db_remove (param i32)))"#;
    let body = r#"
        (call $db_write (local.get $msg) (local.get $info))
        (local.set $i (call $db_read (local.get $msg)))
        (call $db_remove (local.get $msg))
        (if (call $db_read (local.get $msg)) (then unreachable))
        (local.get $i)"#;
    let mut host = MapHost::default();
    let prepared = prepare(&executing(imports, "", body)).unwrap();
    let outcome = run_with(&prepared, b"key", PLENTY, &mut host, |_| unreachable!());
    assert_eq!(outcome.result, Ok(b"info".to_vec()));
    assert!(host.map.is_empty());
    assert_eq!(host.trace.len(), 4);
}

#[test]
fn an_endless_loop_runs_out_of_gas_and_keeps_nothing() {
    let outcome = run(
        &executing("", "", "(loop $l (br $l)) (i32.const 0)"),
        1_000_000,
    );
    assert_eq!(outcome.result, Err(Trap::OutOfGas));
    assert_eq!(outcome.gas_left, 0);
}

#[test]
fn an_instance_serves_one_call() {
    let prepared = prepare(&executing("", "", "(local.get $msg)")).unwrap();
    let mut instance = instance(&prepared, CallMode::Execute);
    let mut host = MapHost::default();
    let args: [&[u8]; 3] = [b"e", b"i", b"m"];
    instance
        .start(strongroom_vm::Entry::Execute, &args, PLENTY, &mut host)
        .unwrap();
    assert!(
        instance
            .start(strongroom_vm::Entry::Execute, &args, PLENTY, &mut host)
            .is_err()
    );
    assert!(instance.resume(b"", 0, &mut host).is_err());
}
