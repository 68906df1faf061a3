//! Calls that go wrong, and calls that wait: traps, stack, regions, a lying `allocate`, queries.

use strongroom_vm::{
    CallMode, Engine as _, Entry, Instance, Outcome, Step, Trap, VmFault, gas, limits, prepare,
};

use crate::harness::{MapHost, PLENTY, TestEngine, contract, executing, instance, run, run_with};

const ARGS: [&[u8]; 3] = [b"env", b"info", b"msg"];

#[track_caller]
fn traps(body: &str, trap: Trap) {
    let more = r#"(table 4 funcref) (elem (i32.const 0) $allocate $nothing) (type $t (func (param i32) (result i32))) (func $nothing)"#;
    let outcome = run(&executing("", more, body), PLENTY);
    assert_eq!(outcome.result, Err(trap));
    assert!(outcome.gas_left > 0 && outcome.gas_left < PLENTY);
}

#[test]
fn what_a_contract_does_wrong_is_its_trap() {
    traps("unreachable", Trap::Unreachable);
    traps("(i32.load (i32.const -1))", Trap::MemoryOutOfBounds);
    traps(
        "(memory.fill (i32.const 131072) (i32.const 0) (i32.const 1)) (i32.const 0)",
        Trap::MemoryOutOfBounds,
    );
    traps(
        "(i32.div_s (i32.const 1) (local.get $i))",
        Trap::DivisionByZero,
    );
    traps("(i32.trunc_f64_s (f64.const nan))", Trap::InvalidConversion);
    traps(
        "(i32.trunc_f64_s (f64.const 1e30))",
        Trap::InvalidConversion,
    );
    traps(
        "(call_indirect (type $t) (i32.const 0) (i32.const 9))",
        Trap::TableOutOfBounds,
    );
    traps(
        "(call_indirect (type $t) (i32.const 0) (i32.const 3))",
        Trap::TableOutOfBounds,
    );
    traps(
        "(call_indirect (type $t) (i32.const 0) (i32.const 1))",
        Trap::BadSignature,
    );
}

#[test]
fn trap_texts_are_those_of_the_protocol() {
    assert_eq!(Trap::Unreachable.to_string(), "the contract panicked");
    assert_eq!(
        Trap::StackExhausted.to_string(),
        "the contract has run out of space on the stack"
    );
    let abort = Trap::Abort("secret".into());
    assert_eq!(abort.to_string(), "the contract panicked");
    assert_eq!(abort.abort_text().unwrap(), "the contract panicked: secret");
    assert!(
        !format!("{abort:?}").contains("secret"),
        "a trap can be logged"
    );
}

#[test]
fn a_missing_entry_point_is_a_trap() {
    let prepared = prepare(&executing("", "", "(local.get $msg)")).unwrap();
    let step = instance(&prepared, CallMode::Execute)
        .start(
            Entry::Sudo,
            &[b"env", b"msg"],
            PLENTY,
            &mut MapHost::default(),
        )
        .unwrap();
    let Step::Done(outcome) = step else {
        panic!("no query")
    };
    assert_eq!(outcome.result, Err(Trap::MissingFunction));
    assert_eq!(outcome.gas_left, PLENTY);
}

/// Recursion `n` deep with `locals` locals each: whether it ends well.
fn recursion(locals: usize, n: u32) -> Outcome {
    let locals = "i64 ".repeat(locals);
    let more = format!(
        r#"(func $down (param $n i32) (result i32) (local {locals})
            (if (result i32) (local.get $n)
                (then (call $down (i32.sub (local.get $n) (i32.const 1))))
                (else (i32.const 0))))"#
    );
    let body = format!("(drop (call $down (i32.const {n}))) (local.get $msg)");
    run(&executing("", &more, &body), PLENTY)
}

#[test]
fn recursion_ends_at_the_same_depth_whatever_the_locals() {
    // `execute` has 3 parameters, 4 locals and at most 1 operand; `$down` 1 parameter and at most 2 operands.
    let frame =
        |params: u32, locals: u32, operands: u32| params + locals + operands + limits::FRAME_SLOTS;
    for locals in [0u32, 1, 2, 10, 50, 99, 100] {
        let room = limits::STACK_SLOTS_MAX - frame(3, 4, 1);
        let most = room / frame(1, locals, 2) - 1;
        for n in [most - 1, most] {
            assert_eq!(
                recursion(locals as usize, n).result,
                Ok(b"m".to_vec()),
                "{locals} locals, {n} deep"
            );
        }
        let over = recursion(locals as usize, most + 1);
        assert_eq!(over.result, Err(Trap::StackExhausted), "{locals} locals");
        assert!(over.gas_left > 0);
    }
}

#[test]
fn a_frame_that_is_not_executed_pays_for_the_stack_that_is_cleared_for_it() {
    // 9,000 operands that never run: a cheap call whose frame would make the engine clear 144 KB for nothing.
    let large = |called: &str| {
        let more = format!(
            "(func $large (param i32) (if (local.get 0) (then {} {called} {})))",
            "(i64.const 1)".repeat(9_000),
            "(drop)".repeat(9_000)
        );
        let body = "(call $large (i32.const 0)) (local.get $msg)";
        PLENTY - run(&executing("", &more, body), PLENTY).gas_left
    };
    let small = PLENTY - run(&executing("", "", "(local.get $msg)"), PLENTY).gas_left;
    for called in ["", "(call $large (i32.const 0))"] {
        let paid = large(called) - small;
        assert!(paid > 2 * 9_000 * gas::LOCAL, "{paid}");
        assert!(paid < 2 * 9_100 * gas::LOCAL, "{paid}");
    }
}

#[test]
fn an_allocator_pays_for_its_own_stack_and_not_for_the_one_that_waits() {
    // The import answers with the text of an error, in a region that `allocate` makes.
    let used = |deep: u32, locals: usize| {
        let text = format!(
            r#"(module
            (import "env" "addr_canonicalize" (func $import (param i32 i32) (result i32)))
            (memory 1)
            (func (export "interface_version_8"))
            (func (export "deallocate") (param i32))
            (func $wide (local {locals}) (if (i32.const 0) (then (call $wide))))
            (func (export "allocate") (param $length i32) (result i32)
                (call $wide)
                (i32.store (i32.const 16) (i32.const 1024))
                (i32.store (i32.const 20) (local.get $length))
                (i32.store (i32.const 24) (i32.const 0))
                (i32.const 16))
            (func (export "instantiate") (param i32 i32 i32) (result i32) (local.get 0))
            (func $down (param $n i32)
                (if (local.get $n)
                    (then (call $down (i32.sub (local.get $n) (i32.const 1))))
                    (else (drop (call $import (i32.const 16) (i32.const 16))))))
            (func (export "execute") (param i32 i32 i32) (result i32)
                (call $down (i32.const {deep})) (i32.const 16)))"#,
            locals = "i64 ".repeat(locals)
        );
        let outcome = run(&wat::parse_str(text).unwrap(), PLENTY);
        assert!(outcome.result.is_ok(), "{:?}", outcome.result);
        PLENTY - outcome.gas_left
    };
    for deep in [10, 1_000, 5_000] {
        let (grows, fits) = (used(deep, 400), used(deep, 100));
        assert_eq!(grows - fits, used(0, 400) - used(0, 100), "{deep} deep");
        assert!(grows - fits > 4 * 2 * 400 * gas::LOCAL, "all four grow");
    }
}

#[test]
fn endless_recursion_of_every_kind_meets_our_limit_and_never_the_engines() {
    let kinds = [
        // The smallest frame there is.
        "(func $f (call $f))",
        "(func $f (param i64 f32 i32) (call $f (local.get 0) (local.get 1) (local.get 2)))",
        "(func $f (local i64) (call $g)) (func $g (call $f))",
        "(table 1 funcref) (elem (i32.const 0) $f) (type $t (func)) (func $f (call_indirect (type $t) (i32.const 0)))",
        // Many operands below the call.
        "(func $f (result i32) (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (call $f) (drop) (drop) (drop) (drop))",
    ];
    for kind in kinds {
        let call = if kind.contains("(param i64") {
            "(call $f (i64.const 1) (f32.const 1) (i32.const 1))"
        } else if kind.contains("(result i32)") {
            "(drop (call $f))"
        } else {
            "(call $f)"
        };
        let outcome = run(
            &executing("", kind, &format!("{call} (i32.const 0)")),
            PLENTY,
        );
        assert_eq!(outcome.result, Err(Trap::StackExhausted), "{kind}");
    }
    let wide = format!("(func $f (local {}) (call $f))", "i64 ".repeat(1_000));
    assert_eq!(
        run(&executing("", &wide, "(call $f) (i32.const 0)"), PLENTY).result,
        Err(Trap::StackExhausted)
    );
    let operands = format!(
        "(func $f {} (call $f) {})",
        "(i64.const 1)".repeat(9_900),
        "(drop)".repeat(9_900)
    );
    assert_eq!(
        run(&executing("", &operands, "(call $f) (i32.const 0)"), PLENTY).result,
        Err(Trap::StackExhausted)
    );
}

#[test]
fn the_deepest_stack_fits_the_thread_of_a_lane() {
    // The guest's stack is on the heap, and no instruction leaves anything on the machine's.
    let run = || {
        assert_eq!(recursion(0, 9_000).result, Ok(b"m".to_vec()));
        let body = "(local.set $i (i32.const 2000000))
            (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1))))) (local.get $msg)";
        assert!(
            crate::harness::run(&executing("", "", body), PLENTY)
                .result
                .is_ok()
        );
    };
    std::thread::Builder::new()
        .stack_size(256 * 1024)
        .spawn(run)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn branch_tables_that_carry_values_do_not_grow_the_machines_stack() {
    // Under another compiler this one had grown the stack at every pass.
    let more = r#"(func $pick (param i32) (result i32 i32)
        (block (result i32 i32) (block (result i32 i32) (i32.const 1) (i32.const 2) (br_table 0 1 (local.get 0)))))"#;
    let body = "(local.set $i (i32.const 1000000)) (loop $l (call $pick (i32.and (local.get $i) (i32.const 1))) (drop) (drop)
        (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1))))) (local.get $msg)";
    let wasm = executing("", more, body);
    let run = move || assert!(run(&wasm, PLENTY).result.is_ok());
    std::thread::Builder::new()
        .stack_size(256 * 1024)
        .spawn(run)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn garbage_results_are_memory_errors() {
    for body in [
        "(i32.const 0)",
        "(i32.const -4)",
        "(i32.const 131070)",
        // offset 0; offset + capacity overflows; length over capacity; out of memory.
        "(call $region (i32.const 0) (i32.const 5))",
        "(call $region (i32.const -1) (i32.const -1))",
        "(local.set $i (call $region (i32.const 64) (i32.const 5))) (i32.store offset=8 (local.get $i) (i32.const 6)) (local.get $i)",
        "(call $region (i32.const 131000) (i32.const 100))",
    ] {
        assert_eq!(
            run(&executing("", "", body), PLENTY).result,
            Err(Trap::MemoryRead),
            "{body}"
        );
    }
    let big = format!(
        "(drop (memory.grow (i32.const 100))) (call $region (i32.const 4096) (i32.const {}))",
        limits::RESULT_BYTES_MAX + 1
    );
    assert_eq!(
        run(&executing("", "", &big), PLENTY).result,
        Err(Trap::MemoryRead)
    );
}

#[test]
fn an_allocate_that_lies_fails_the_call() {
    let with = |allocate: &str| {
        let wat = contract("(import \"env\" \"db_read\" (func $db_read (param i32) (result i32)))
            (import \"env\" \"query_chain\" (func $query (param i32) (result i32)))
            (import \"env\" \"check_gas\" (func $check_gas (result i64)))", r#"
            (func (export "instantiate") (param i32 i32 i32) (result i32) (local.get 2))
            (func (export "execute") (param i32 i32 i32) (result i32) (local.get 2))"#)
            .replace(r#"(func $allocate (export "allocate") (param $length i32) (result i32)"#, &format!(
                r#"(func (export "allocate") (param $length i32) (result i32) {allocate}) (func $allocate (param $length i32) (result i32)"#));
        let prepared = prepare(&wat::parse_str(wat).unwrap()).unwrap();
        let mut host = MapHost::default();
        host.map.insert(vec![], b"value".to_vec());
        run_with(
            &prepared,
            b"message",
            50_000_000,
            &mut host,
            |_| unreachable!(),
        )
        .result
    };
    assert_eq!(with("(i32.const 0)"), Err(Trap::MemoryAllocate));
    assert_eq!(with("(i32.const -1)"), Err(Trap::MemoryAllocate));
    assert_eq!(
        with("(call $region (i32.const 64) (i32.const 1))"),
        Err(Trap::MemoryAllocate),
        "too small"
    );
    assert_eq!(
        with("(call $region (i32.const 131000) (i32.const 4096))"),
        Err(Trap::MemoryAllocate),
        "outside"
    );
    assert_eq!(with("unreachable"), Err(Trap::Unreachable));
    assert_eq!(with("(loop (br 0)) (i32.const 0)"), Err(Trap::OutOfGas));
    assert_eq!(
        with("(call $query (call $region (i32.const 64) (i32.const 1)))"),
        Err(Trap::MemoryAllocate),
        "a query inside"
    );
    assert_eq!(
        with("(call $db_read (call $region (i32.const 64) (i32.const 0)))"),
        Err(Trap::MemoryAllocate),
        "a read inside"
    );
    assert_eq!(
        with(
            "(call $db_read (call $region (i32.const 64) (i32.const 1))) (drop) (call $check_gas) (drop) (call $allocate (local.get $length))"
        ),
        Ok(b"message".to_vec()),
        "imports that need no region may be called"
    );
}

#[test]
fn all_regions_at_the_same_place_are_the_contracts_own_problem() {
    let wat = contract("", r#"(func (export "instantiate") (param i32 i32 i32) (result i32) (local.get 2))
        (func (export "execute") (param i32 i32 i32) (result i32) (local.get 0))"#)
        .replace("(global.set $top (i32.add (i32.add (global.get $top) (local.get $length)) (i32.const 16)))", "")
        .replace("(global.set $top (i32.add (global.get $top) (i32.const 16)))", "")
        .replace("(local.set $at (global.get $top))", "(local.set $at (i32.const 4112))");
    let prepared = prepare(&wat::parse_str(wat).unwrap()).unwrap();
    let outcome = run_with(
        &prepared,
        b"message",
        PLENTY,
        &mut MapHost::default(),
        |_| unreachable!(),
    );
    assert_eq!(outcome.result, Ok(b"message".to_vec()));
}

#[test]
fn a_query_suspends_deep_in_the_guests_stack_and_comes_back() {
    let imports = r#"(import "env" "query_chain" (func $query (param i32) (result i32)))
        (import "env" "db_write" (func $db_write (param i32 i32)))"#;
    // 500 frames down, each asks on the way back up, and adds one to what it was told by the frame below.
    let more = r#"(func $down (param $n i32) (param $ask i32) (result i32) (local $sum i32)
        (if (local.get $n) (then (local.set $sum (call $down (i32.sub (local.get $n) (i32.const 1)) (local.get $ask)))))
        (if (i32.eqz (i32.rem_u (local.get $n) (i32.const 100))) (then
            (local.set $sum (i32.add (local.get $sum) (i32.load (i32.load (call $query (local.get $ask))))))))
        (i32.add (local.get $sum) (i32.const 1)))"#;
    let body = r#"(i32.store (i32.const 100) (call $down (i32.const 500) (local.get $msg))) (call $region (i32.const 100) (i32.const 4))"#;
    let prepared = prepare(&executing(imports, more, body)).unwrap();
    let mut host = MapHost::default();
    let mut answers = 0u32;
    let outcome = run_with(&prepared, b"what?", PLENTY, &mut host, |request| {
        assert_eq!(request, b"what?");
        answers += 1;
        (answers * 1000).to_le_bytes().to_vec()
    });
    assert_eq!(answers, 6);
    assert_eq!(outcome.result, Ok((501 + 21_000u32).to_le_bytes().to_vec()));
}

#[test]
fn calls_nest_on_the_callers_stack_and_not_on_the_machines() {
    // A hundred instances wait for each other, on a thread with little stack: each is asked by the one before.
    let imports = r#"(import "env" "query_chain" (func $query (param i32) (result i32)))"#;
    let prepared = prepare(&executing(imports, "", "(call $query (local.get $msg))")).unwrap();
    let run = move || {
        let module = TestEngine.load(&prepared).unwrap();
        let mut host = MapHost::default();
        let mut frames: Vec<Instance> = Vec::new();
        for i in 0..100u8 {
            let mut frame = Instance::new(&TestEngine, &module, CallMode::Query).unwrap();
            let step = frame
                .start(Entry::Query, &[b"env", &[i]], PLENTY, &mut host)
                .unwrap();
            assert!(matches!(step, Step::Query(query) if query.request == [i]));
            frames.push(frame);
        }
        let mut answer = b"bottom".to_vec();
        while let Some(mut frame) = frames.pop() {
            let Step::Done(outcome) = frame.resume(&answer, 1_000, &mut host).unwrap() else {
                panic!("one query each")
            };
            answer = outcome.result.unwrap();
            answer.push(b'.');
        }
        assert_eq!(answer.len(), 106);
    };
    std::thread::Builder::new()
        .stack_size(256 * 1024)
        .spawn(run)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn the_gas_of_a_subquery_is_the_callers_loss() {
    let imports = r#"(import "env" "query_chain" (func $query (param i32) (result i32)))"#;
    let prepared = prepare(&executing(imports, "", "(call $query (local.get $msg))")).unwrap();
    let ask = |used: u64| {
        let mut host = MapHost::default();
        let mut instance = instance(&prepared, CallMode::Execute);
        let Step::Query(query) = instance
            .start(Entry::Execute, &ARGS, 1_000_000, &mut host)
            .unwrap()
        else {
            panic!()
        };
        assert!(query.gas_left < 1_000_000);
        let Step::Done(outcome) = instance
            .resume(b"a", query.gas_left.min(used), &mut host)
            .unwrap()
        else {
            panic!()
        };
        outcome
    };
    let (free, dear) = (ask(0), ask(500_000));
    assert_eq!(free.gas_left - dear.gas_left, 500_000);
    assert_eq!(ask(u64::MAX).result, Err(Trap::OutOfGas));
    assert_eq!(ask(u64::MAX).gas_left, 0);
}

#[test]
fn queries_do_not_write() {
    let imports = r#"(import "env" "db_write" (func $db_write (param i32 i32))) (import "env" "db_remove" (func $db_remove (param i32)))"#;
    for body in [
        "(call $db_write (local.get $msg) (local.get $msg))",
        "(call $db_remove (local.get $msg))",
    ] {
        let prepared =
            prepare(&executing(imports, "", &format!("{body} (local.get $msg)"))).unwrap();
        let mut host = MapHost::default();
        let step = instance(&prepared, CallMode::Query)
            .start(Entry::Query, &[b"e", b"m"], PLENTY, &mut host)
            .unwrap();
        assert!(matches!(
            step,
            Step::Done(Outcome {
                result: Err(Trap::WriteInQuery),
                ..
            })
        ));
        assert!(host.trace.is_empty());
    }
}

#[test]
fn a_fault_of_the_host_is_a_fault_and_no_result() {
    let imports = r#"(import "env" "db_read" (func $db_read (param i32) (result i32)))"#;
    let prepared = prepare(&executing(imports, "", "(call $db_read (local.get $msg))")).unwrap();
    let mut host = MapHost {
        broken: true,
        ..MapHost::default()
    };
    let fault = instance(&prepared, CallMode::Execute)
        .start(Entry::Execute, &ARGS, PLENTY, &mut host)
        .unwrap_err();
    assert!(matches!(fault, VmFault::Host(_)), "{fault}");
}

#[test]
fn storage_that_cannot_be_paid_is_not_touched() {
    let imports = r#"(import "env" "db_write" (func $db_write (param i32 i32)))"#;
    let prepared = prepare(&executing(
        imports,
        "",
        "(call $db_write (local.get $msg) (local.get $msg)) (local.get $msg)",
    ))
    .unwrap();
    let mut host = MapHost::default();
    let outcome = run_with(&prepared, b"m", 90_000, &mut host, |_| unreachable!());
    assert_eq!((outcome.result, outcome.gas_left), (Err(Trap::OutOfGas), 0));
    assert!(host.trace.is_empty());
}

#[test]
fn gas_over_the_limit_of_a_call_is_cut_to_it() {
    let outcome = run(&executing("", "", "(local.get $msg)"), u64::MAX);
    assert!(outcome.gas_left < limits::CALL_GAS_MAX);
    assert!(outcome.gas_left > limits::CALL_GAS_MAX - 100_000);
}

#[test]
fn arguments_cost_by_the_byte() {
    let prepared = prepare(&executing("", "", "(i32.const 64)").clone()).unwrap();
    let used = |n: usize| {
        PLENTY
            - run_with(
                &prepared,
                &vec![1; n],
                PLENTY,
                &mut MapHost::default(),
                |_| unreachable!(),
            )
            .gas_left
    };
    assert_eq!(used(1_000) - used(0), 1_000 * gas::HOST_BYTE);
}

#[test]
fn wrong_arguments_are_a_mistake_of_ours() {
    let prepared = prepare(&executing("", "", "(local.get $msg)")).unwrap();
    let mut host = MapHost::default();
    assert!(
        instance(&prepared, CallMode::Execute)
            .start(Entry::Execute, &ARGS[..2], PLENTY, &mut host)
            .is_err()
    );
}
