//! The fast tier alone: its stack, what it refuses, when it takes over. That it does what the interpreter does, every other test here says,
//! which runs both in step.

#[cfg(target_os = "linux")]
use std::fs::File;
#[cfg(target_os = "linux")]
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use strongroom_vm::engine::winch::INSTANCES_MAX;
use strongroom_vm::engine::{Guest, GuestExit};
use strongroom_vm::{
    CallMode, Engine, EngineError, Entry, Import, Instance, Outcome, Prepared, Promotion, Step,
    TieredEngine, Trap, WinchEngine, prepare,
};

use crate::both::winch;
use crate::dear;
use crate::harness::{MapHost, PLENTY, contract, executing, instance, run};

#[test]
#[ignore = "a child of the test below"]
fn child_makes_an_engine() {
    match WinchEngine::new() {
        Ok(_) => println!("made"),
        Err(e) => println!("refused: {e}"),
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_machine_without_room_for_the_slots_is_told_what_to_raise_and_one_with_room_nothing() {
    let made = |limit: &str| {
        let this = std::env::current_exe().unwrap();
        let child = "--ignored --exact winch::child_makes_an_engine --nocapture";
        let line = format!("ulimit -v {limit} && exec {} {child}", this.display());
        let output = std::process::Command::new("sh")
            .args(["-c", &line])
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let made_freely = made("unlimited");
    assert!(made_freely.contains("made"), "{made_freely}");
    // 16 GiB, in KiB.
    let refused = made(&(16 << 20).to_string());
    assert!(
        refused.contains("refused: the fast tier failed: no room for its slots: "),
        "{refused}"
    );
    assert!(refused.contains("raise `ulimit -v`"), "{refused}");
}

/// Recursion without end of a function with so many parameters, locals of both widths, results, and operands that live across the call.
fn bottomless(params: usize, locals: usize, results: usize, operands: usize) -> Vec<u8> {
    let values = |n: usize| "(i64.const 7) ".repeat(n);
    let drops = |n: usize| "drop ".repeat(n);
    let signature = |kind: &str, n: usize| format!("({kind} {})", "i64 ".repeat(n));
    let more = format!(
        "(type $f (func {} {}))
         (func $f (type $f) {} {}
            {} {} call $f {} {} {})",
        signature("param", params),
        signature("result", results),
        signature("local", locals / 2),
        format_args!("(local {})", "f64 ".repeat(locals - locals / 2)),
        values(operands),
        values(params),
        drops(results),
        drops(operands),
        values(results),
    );
    let body = format!(
        "{} call $f {} (local.get $msg)",
        values(params),
        drops(results)
    );
    executing("", &more, &body)
}

#[test]
fn frames_of_every_shape_end_with_our_count_and_never_with_the_machines_stack() {
    let (mut shapes, mut compiled) = (0, 0);
    for params in [0, 1, 7, 100] {
        for results in [0, 1, 2, 100] {
            for (locals, operands) in [(0, 0), (1, 1), (1_000, 0), (0, 5_000), (200, 200)] {
                let wasm = bottomless(params, locals, results, operands);
                let prepared = prepare(&wasm).unwrap();
                shapes += 1;
                compiled += usize::from(winch().load(&prepared).is_ok());
                let outcome = run(&wasm, PLENTY);
                assert_eq!(
                    outcome.result,
                    Err(Trap::StackExhausted),
                    "{params} {results} {locals} {operands} {}",
                    prepared.weight()
                );
            }
        }
    }
    assert_eq!(compiled, shapes);
}

#[test]
fn a_call_that_waits_goes_on_in_another_thread() {
    let wasm = executing(
        r#"(import "env" "query_chain" (func $query (param i32) (result i32)))"#,
        "",
        "(call $query (local.get $msg))",
    );
    let prepared = prepare(&wasm).unwrap();
    let mut waiting = instance(&prepared, CallMode::Execute);
    let args: [&[u8]; 3] = [b"e", b"i", b"m"];
    let step = waiting.start(Entry::Execute, &args, PLENTY, &mut MapHost::default());
    assert!(matches!(step, Ok(Step::Query(_))));
    let ended = std::thread::spawn(move || {
        let ended = waiting.resume(b"answer", 0, &mut MapHost::default());
        ended.unwrap()
    });
    let Step::Done(outcome) = ended.join().unwrap() else {
        panic!("ended")
    };
    assert_eq!(outcome.result, Ok(b"answer".to_vec()));
}

/// `instantiate` asks, and so does `execute`, as an allocator may: a wait within a wait.
fn asking() -> Prepared {
    let text = contract(
        r#"(import "env" "check_gas" (func $gas (result i64)))
           (import "env" "db_read" (func $read (param i32) (result i32)))"#,
        r#"(func (export "instantiate") (param i32 i32 i32) (result i32) (call $read (i32.const 8)))
           (func (export "execute") (param i32 i32 i32) (result i32) (drop (call $gas)) (local.get 2))"#,
    );
    prepare(&wat::parse_str(text).unwrap()).unwrap()
}

#[test]
fn thousands_of_calls_that_wait_can_be_dropped_at_any_depth() {
    let module = winch().load(&asking()).unwrap();
    for n in 0..2_000 {
        let mut guest = winch().instantiate(&module.module).unwrap();
        guest.set_gas(1_000_000_000);
        let stop = guest.call("instantiate", &[0, 0, 0]).unwrap();
        assert!(matches!(stop, GuestExit::Import(Import::DbRead, _)));
        if n % 2 == 0 {
            let stop = guest.call("execute", &[0, 0, 5]).unwrap();
            assert!(matches!(stop, GuestExit::Import(Import::CheckGas, _)));
        }
        if n % 4 == 0 {
            assert_eq!(guest.resume(9).unwrap(), GuestExit::Returned(Some(5)));
            assert_eq!(guest.resume(77).unwrap(), GuestExit::Returned(Some(77)));
            assert!(matches!(guest.resume(1), Err(EngineError::Tier(_))));
        }
    }
}

#[test]
fn as_many_instances_as_there_is_room_for_may_each_wait_within_a_wait() {
    let engine = WinchEngine::new().unwrap();
    let module = engine.load(&asking()).unwrap().module;
    for _ in 0..3 {
        let made = (0..INSTANCES_MAX).map(|_| engine.instantiate(&module));
        let mut guests: Vec<Box<dyn Guest>> = made.map(Result::unwrap).collect();
        let Err(EngineError::Tier(full)) = engine.instantiate(&module).map(|_| ()) else {
            panic!("one more")
        };
        assert!(
            full.contains(&format!("limit of {INSTANCES_MAX}")),
            "{full}"
        );
        for guest in &mut guests {
            guest.set_gas(1_000_000_000);
            let stop = guest.call("instantiate", &[0, 0, 0]).unwrap();
            assert!(matches!(stop, GuestExit::Import(Import::DbRead, _)));
        }
        for guest in &mut guests {
            let stop = guest.call("execute", &[0, 0, 5]).unwrap();
            assert!(matches!(stop, GuestExit::Import(Import::CheckGas, _)));
        }
        for guest in &mut guests {
            assert_eq!(guest.resume(9).unwrap(), GuestExit::Returned(Some(5)));
            assert_eq!(guest.resume(77).unwrap(), GuestExit::Returned(Some(77)));
        }
    }
}

#[test]
fn instances_that_find_no_room_are_interpreted_and_come_to_the_same() {
    let engine = TieredEngine::with_winch(Promotion::AtOnce).unwrap();
    let wasm = executing(
        r#"(import "env" "query_chain" (func $query (param i32) (result i32)))"#,
        "",
        "(call $query (local.get $msg))",
    );
    let module = engine.load(&prepare(&wasm).unwrap()).unwrap();
    let counts = engine.counts().unwrap();
    for round in 1..=3 {
        let start = |_| {
            let mut call = Instance::new(&engine, &module, CallMode::Execute).unwrap();
            let args: [&[u8]; 3] = [b"e", b"i", b"m"];
            let step = call.start(Entry::Execute, &args, PLENTY, &mut MapHost::default());
            assert!(matches!(step, Ok(Step::Query(_))));
            call
        };
        let mut calls: Vec<Instance> = (0..INSTANCES_MAX + 9).map(start).collect();
        let compiled = counts.instances.load(Ordering::Relaxed);
        assert_eq!(compiled, u64::from(INSTANCES_MAX) * round);
        let end = |call: &mut Instance| match call.resume(b"yes", 0, &mut MapHost::default()) {
            Ok(Step::Done(outcome)) => outcome,
            other => panic!("{other:?}"),
        };
        let outcomes: Vec<Outcome> = calls.iter_mut().map(end).collect();
        assert_eq!(outcomes[0].result, Ok(b"yes".to_vec()));
        assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]));
    }
}

#[test]
fn instances_that_are_to_be_interpreted_leave_every_slot_to_others_and_come_to_the_same() {
    let engine = TieredEngine::with_winch(Promotion::AtOnce).unwrap();
    let wasm = executing(
        r#"(import "env" "query_chain" (func $query (param i32) (result i32)))"#,
        "",
        "(call $query (local.get $msg))",
    );
    let module = engine.load(&prepare(&wasm).unwrap()).unwrap();
    let run = |call: &mut Instance| {
        let args: [&[u8]; 3] = [b"e", b"i", b"m"];
        let step = call.start(Entry::Execute, &args, PLENTY, &mut MapHost::default());
        assert!(matches!(step, Ok(Step::Query(_))));
    };
    let interpreted = |_| {
        let mut call = Instance::interpreted(&engine, &module, CallMode::Execute).unwrap();
        run(&mut call);
        call
    };
    let mut calls: Vec<Instance> = (0..INSTANCES_MAX).map(interpreted).collect();
    let compiled = || engine.counts().unwrap().instances.load(Ordering::Relaxed);
    assert_eq!(compiled(), 0);
    // They all wait; the next one finds its slot.
    let mut next = Instance::new(&engine, &module, CallMode::Execute).unwrap();
    assert_eq!(compiled(), 1);
    run(&mut next);
    calls.push(next);
    let ends = calls.iter_mut().map(|call| {
        let end = call.resume(b"yes", 0, &mut MapHost::default());
        end.unwrap()
    });
    let ends: Vec<Step> = ends.collect();
    assert!(matches!(&ends[0], Step::Done(outcome) if outcome.result == Ok(b"yes".to_vec())));
    assert!(ends.iter().all(|end| *end == ends[0]));
}

/// A contract with so many pages, a full table and a global of 7, whose `execute` grows the memory by its first argument, fills all of it, changes the global,
/// and ends as its second says: it returns what the global was, traps, or asks.
fn soiling(pages: u32) -> Prepared {
    let text = contract(
        r#"(import "env" "check_gas" (func $gas (result i64)))"#,
        &format!(
            r#"(type $u (func (param i32) (result i32)))
            (table 2500 funcref) (elem (i32.const 0) {entries}) (elem (i32.const 2000) {entries})
            (global $g (mut i32) (i32.const 7))
            (func $one (type $u) (i32.const 1))
            (func (export "instantiate") (param i32 i32 i32) (result i32) (i32.const 0))
            (func (export "execute") (param i32 i32 i32) (result i32)
                (drop (memory.grow (local.get 0)))
                (local.set 2 (global.get $g))
                (global.set $g (i32.const -1))
                (memory.fill (i32.const 0) (i32.const 0xaa)
                    (i32.mul (memory.size) (i32.const 65536)))
                (if (i32.eq (local.get 1) (i32.const 1)) (then unreachable))
                (if (i32.eq (local.get 1) (i32.const 2)) (then (drop (call $gas))))
                (local.get 2))"#,
            entries = "$one ".repeat(499),
        ),
    );
    let text = text.replace("(memory 2)", &format!("(memory {pages})"));
    prepare(&wat::parse_str(text).unwrap()).unwrap()
}

/// A contract with all the memory that there is and an empty table, whose `execute` calls the entry of its first argument.
fn looking() -> Prepared {
    let text = contract(
        "",
        r#"(type $u (func (param i32) (result i32))) (table 2500 funcref)
        (func (export "instantiate") (param i32 i32 i32) (result i32) (i32.const 0))
        (func (export "execute") (param i32 i32 i32) (result i32)
            (call_indirect (type $u) (i32.const 0) (local.get 0)))"#,
    );
    let text = text.replace("(memory 2)", "(memory 192)");
    prepare(&wat::parse_str(text).unwrap()).unwrap()
}

#[test]
fn an_instance_finds_nothing_of_what_another_left_in_its_place() {
    // One slot, so that each lies where the one before lay.
    let engine = WinchEngine::with_room(1).unwrap();
    let looking = engine.load(&looking()).unwrap().module;
    for (pages, more) in [
        (2, 0),
        (2, 17),
        (17, 1),
        (19, 1),
        (20, 1),
        (2, 190),
        (192, 0),
    ] {
        let soiling = engine.load(&soiling(pages)).unwrap().module;
        for end in 0..3 {
            let mut guest = engine.instantiate(&soiling).unwrap();
            guest.set_gas(PLENTY.cast_signed());
            let stop = guest.call("execute", &[more, end, 0]).unwrap();
            match end {
                0 => assert_eq!(stop, GuestExit::Returned(Some(7))),
                1 => assert_eq!(stop, GuestExit::Trapped(Trap::Unreachable)),
                _ => assert!(matches!(stop, GuestExit::Import(Import::CheckGas, _))),
            }
            assert_eq!(guest.pages(), pages + more);
            assert!(guest.memory().unwrap().iter().all(|byte| *byte == 0xaa));
            drop(guest);

            let mut guest = engine.instantiate(&looking).unwrap();
            assert!(guest.memory().unwrap().iter().all(|byte| *byte == 0));
            guest.set_gas(PLENTY.cast_signed());
            for entry in [0, 1, 498, 499, 1_999, 2_000, 2_498, 2_499] {
                let stop = guest.call("execute", &[entry, 0, 0]).unwrap();
                assert_eq!(stop, GuestExit::Trapped(Trap::TableOutOfBounds), "{entry}");
            }
            drop(guest);
            // And the first one's own begins as at first.
            let mut again = engine.instantiate(&soiling).unwrap();
            assert_eq!((again.pages(), again.depth()), (pages, 0));
            assert!(again.memory().unwrap().iter().all(|byte| *byte == 0));
            again.set_gas(PLENTY.cast_signed());
            let stop = again.call("execute", &[0, 0, 0]).unwrap();
            assert_eq!(stop, GuestExit::Returned(Some(7)));
        }
    }
}

/// A contract whose `execute` goes as deep as its first argument says, with its second twice in a local of each frame, and asks there. Without gas, as it is
/// told, it traps.
#[cfg(target_os = "linux")]
fn descending() -> Prepared {
    let text = contract(
        r#"(import "env" "check_gas" (func $gas (result i64)))"#,
        r#"(func $down (param $n i32) (param $mark i64) (result i64)
                (if (result i64) (local.get $n)
                    (then (i64.add (local.get $mark)
                        (call $down (i32.sub (local.get $n) (i32.const 1)) (local.get $mark))))
                    (else (if (i64.eqz (call $gas)) (then unreachable)) (local.get $mark))))
            (func (export "instantiate") (param i32 i32 i32) (result i32) (i32.const 0))
            (func (export "execute") (param i32 i32 i32) (result i32)
                (drop (call $down (local.get 0)
                    (i64.mul (i64.extend_i32_u (local.get 1)) (i64.const 0x100000001))))
                (i32.const 0))"#,
    );
    prepare(&wat::parse_str(text).unwrap()).unwrap()
}

/// Where the memory of this process has a value often: where it has it for itself, it has it a few times.
#[cfg(target_os = "linux")]
fn places(memory: &File, value: u64) -> Vec<u64> {
    const PAGE: usize = 4_096;
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let page_map = File::open("/proc/self/pagemap").unwrap();
    let mut places = Vec::new();
    for map in maps.lines().filter(|map| map.contains(" rw-p ")) {
        let (range, _) = map.split_once(' ').unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let [from, to] = [from, to].map(|n| usize::from_str_radix(n, 16).unwrap());
        // Most of what is reserved was never touched: one of the two upper bits says that there is a page.
        let mut entries = vec![0; (to - from) / PAGE * 8];
        let at = (from / PAGE * 8) as u64;
        page_map.read_exact_at(&mut entries, at).unwrap();
        let pages = (from..to).step_by(PAGE).zip(entries.chunks(8));
        let mut found = Vec::new();
        for (page, _) in pages.filter(|(_, entry)| entry[7] >> 6 != 0) {
            let mut bytes = [0; PAGE];
            // Another test may have given it back meanwhile.
            if memory.read_exact_at(&mut bytes, page as u64).is_ok() {
                let words = (0..PAGE - 7).step_by(4);
                let same = words.filter(|at| bytes[*at..*at + 8] == value.to_le_bytes());
                found.extend(same.map(|at| (page + at) as u64));
            }
        }
        if found.len() > 1_000 {
            places.extend(found);
        }
    }
    places
}

#[cfg(target_os = "linux")]
#[test]
fn a_stack_keeps_nothing_of_a_call_that_has_ended() {
    const FRAMES: u32 = 2_000;
    let engine = WinchEngine::with_room(1).unwrap();
    let module = engine.load(&descending()).unwrap().module;
    let memory = File::open("/proc/self/mem").unwrap();
    for (end, mark) in [(0, 0x5eed_1e55), (1, 0xdeaf_0dd5), (2, 0x0ff5_e7ed)] {
        let mut guest = engine.instantiate(&module).unwrap();
        guest.set_gas(PLENTY.cast_signed());
        let stop = guest.call("execute", &[FRAMES, mark, 0]).unwrap();
        assert!(matches!(stop, GuestExit::Import(Import::CheckGas, _)));
        let left = places(&memory, u64::from(mark) << 32 | u64::from(mark));
        assert!(left.len() > FRAMES as usize);
        // Far more than what is overwritten: the rest goes back to the system.
        assert!(left.last().unwrap() - left[0] > 128 << 10);
        match end {
            0 => assert_eq!(guest.resume(1).unwrap(), GuestExit::Returned(Some(0))),
            1 => {
                let stop = guest.resume(0).unwrap();
                assert_eq!(stop, GuestExit::Trapped(Trap::Unreachable));
            }
            // It waits, and is given up.
            _ => {}
        }
        drop(guest);
        for at in left {
            let mut bytes = [1; 8];
            memory.read_exact_at(&mut bytes, at).unwrap();
            assert_eq!(bytes, [0; 8], "{end}: {at:x}");
        }
    }
}

/// `execute` loops some hundred thousand times.
fn busy() -> Prepared {
    let body = "(loop $l
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $l (i32.lt_u (local.get $i) (i32.const 200000))))
        (local.get $msg)";
    prepare(&executing("", "", body)).unwrap()
}

fn call(
    engine: &TieredEngine,
    module: &strongroom_vm::Loaded<<TieredEngine as Engine>::Module>,
) -> Outcome {
    let mut instance = Instance::new(engine, module, CallMode::Execute).unwrap();
    let args: [&[u8]; 3] = [b"e", b"i", b"m"];
    let step = instance.start(Entry::Execute, &args, PLENTY, &mut MapHost::default());
    match step.unwrap() {
        Step::Done(outcome) => outcome,
        Step::Query(_) => unreachable!("no query"),
    }
}

#[test]
fn a_module_is_compiled_when_it_has_used_much_gas_and_does_the_same_after() {
    let engine = TieredEngine::with_winch(Promotion::ByUse).unwrap();
    let module = engine.load(&busy()).unwrap();
    let first = call(&engine, &module);
    let counts = engine.counts().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while counts.instances.load(Ordering::Relaxed) == 0 {
        assert_eq!(call(&engine, &module), first);
        assert!(Instant::now() < until, "it is not compiled");
    }
    assert_eq!(counts.compiled.load(Ordering::Relaxed), 1);
    assert_eq!(call(&engine, &module), first);
    // Not before its time.
    let other = engine.load(&busy()).unwrap();
    let seen = counts.instances.load(Ordering::Relaxed);
    call(&engine, &other);
    assert_eq!(counts.instances.load(Ordering::Relaxed), seen);
}

#[test]
fn what_the_chain_prices_by_is_the_same_with_every_engine() {
    let prepared = busy();
    let interpreter = TieredEngine::interpreter().load(&prepared).unwrap();
    assert_eq!(interpreter.weight, prepared.weight());
    for promotion in [Promotion::ByUse, Promotion::AtOnce] {
        let engine = TieredEngine::with_winch(promotion).unwrap();
        let loaded = engine.load(&prepared).unwrap();
        assert_eq!(loaded.weight, prepared.weight());
        // The cache counts more.
        assert!(loaded.bytes > interpreter.bytes);
    }
    assert_eq!(winch().load(&prepared).unwrap().weight, prepared.weight());
}

#[test]
fn the_interpreter_alone_compiles_nothing() {
    let engine = TieredEngine::interpreter();
    assert!(engine.counts().is_none());
    let module = engine.load(&busy()).unwrap();
    assert_eq!(call(&engine, &module).result, Ok(b"m".to_vec()));
}

/// What takes the compiler long, by what it is: modules that upload takes.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let live = |around: &str, n: usize| {
        let (values, drops) = ("(i64.const 1) ".repeat(9_900), "drop ".repeat(9_900));
        format!("(func {values} {} {drops})", around.repeat(n))
    };
    let functions = |n: usize| "(func)".repeat(n);
    let elements: String = (6..2_400).map(|n| format!("{n} ")).collect();
    let types: String = (0..1_900)
        .map(|n: usize| {
            let params = (0..12).map(|b| if (n >> b) & 1 == 0 { "i64 " } else { "f32 " });
            format!("(type (func (param {})))", params.collect::<String>())
        })
        .collect();
    let table = "(block (br_table ".to_owned() + &"0 ".repeat(4_000) + "(i32.const 0)))";
    let wide = format!("(func (param {}))", "i64 ".repeat(99));
    let modules = [
        ("blocks over many values", live("(block) ", 120_000)),
        ("calls over many values", live("call 0 ", 200_000)),
        (
            "ways in",
            functions(2_400) + &format!("(table 2500 funcref) (elem (i32.const 0) {elements})"),
        ),
        ("types", types),
        ("functions", functions(19_000)),
        ("branch tables", format!("(func {})", table.repeat(100))),
        ("types with many parameters", wide.repeat(99)),
    ];
    modules
        .into_iter()
        .map(|(name, more)| (name, executing("", &more, "(local.get $msg)")))
        .collect()
}

/// A module is compiled soon, or not at all. Here the time is generous: tests share a machine, and debug builds are slow.
pub(crate) fn is_compiled_soon_or_refused(prepared: &Prepared) -> Option<usize> {
    let began = Instant::now();
    let loaded = winch().load(prepared);
    let took = began.elapsed();
    println!(
        "{took:?} for a weight of {}: {:?}",
        prepared.weight(),
        loaded.as_ref().map(|l| l.bytes)
    );
    assert!(took < Duration::from_secs(10), "{took:?}");
    match loaded {
        Ok(loaded) => Some(loaded.bytes),
        Err(EngineError::Tier(text)) => {
            assert!(text.starts_with("too much to compile: "), "{text}");
            None
        }
        Err(fault) => panic!("{fault}"),
    }
}

#[test]
fn what_would_take_long_to_compile_is_refused_and_the_interpreter_runs_it() {
    let engine = TieredEngine::with_winch(Promotion::AtOnce).unwrap();
    let bombs = bombs();
    for (name, wasm) in &bombs {
        let prepared = prepare(wasm).unwrap();
        let compiled = is_compiled_soon_or_refused(&prepared);
        assert_eq!(
            compiled.is_some(),
            *name == "types with many parameters",
            "{name}"
        );
        let module = engine.load(&prepared).unwrap();
        assert_eq!(call(&engine, &module).result, Ok(b"m".to_vec()), "{name}");
    }
    let counts = engine.counts().unwrap();
    let refused = u64::try_from(bombs.len()).unwrap() - 1;
    assert_eq!(counts.refused.load(Ordering::Relaxed), refused);
    assert_eq!(counts.instances.load(Ordering::Relaxed), 1);
}

#[test]
fn what_is_dear_to_compile_is_refused_before_or_gives_no_more_than_it_is_counted_for() {
    let engine = TieredEngine::with_winch(Promotion::AtOnce).unwrap();
    let mut before = Vec::new();
    for (name, wasm) in dear::modules() {
        let prepared = prepare(&wasm).unwrap_or_else(|e| panic!("{name}: {e}"));
        println!("{name}");
        match winch().load(&prepared) {
            Err(EngineError::Tier(text)) if !text.ends_with("it gave too much code") => {
                before.push(name);
            }
            _ => {
                let Some(code) = is_compiled_soon_or_refused(&prepared) else {
                    continue;
                };
                // What the cache counts is the interpreter's module and the compiler's.
                let counted = engine.load(&prepared).unwrap().bytes;
                assert!(prepared.weight() + code <= counted, "{name}: {code}");
            }
        }
    }
    // Each of them took hundreds of MiB, or more than a second.
    let dearest = [
        "divisions over many values",
        "tables with a hundred results",
        "conversions",
        "rounding",
        "calls with many arguments",
    ];
    for name in dearest {
        assert!(before.contains(&name), "{name}: {before:?}");
    }
}

#[test]
fn every_contract_of_this_repository_is_compiled() {
    let directory = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../contracts/target/wasm32-unknown-unknown/release"
    );
    let mut compiled = 0;
    for file in std::fs::read_dir(directory).expect("contracts are built") {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|e| e == "wasm")
            && let Ok(prepared) = prepare(&std::fs::read(&path).unwrap())
        {
            let loaded = winch().load(&prepared);
            assert!(loaded.is_ok(), "{}: {:?}", path.display(), loaded.err());
            compiled += 1;
        }
    }
    assert!(compiled >= 10, "{compiled}");
}

#[test]
fn contracts_beyond_the_queue_are_compiled_when_they_are_called_again() {
    let engine = TieredEngine::with_winch(Promotion::ByUse).unwrap();
    // Of different code, so that nothing is shared, and more of them than may wait.
    let modules: Vec<_> = (0..100)
        .map(|n| {
            let body = format!(
                "(loop $l (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $l (i32.lt_u (local.get $i) (i32.const {}))))
                (local.get $msg)",
                200_000 + n
            );
            let prepared = prepare(&executing("", "", &body)).unwrap();
            engine.load(&prepared).unwrap()
        })
        .collect();
    let first: Vec<Outcome> = modules.iter().map(|m| call(&engine, m)).collect();
    let counts = engine.counts().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while counts.compiled.load(Ordering::Relaxed) < 100 {
        for (module, first) in modules.iter().zip(&first) {
            assert_eq!(call(&engine, module), *first);
        }
        assert!(Instant::now() < until, "not all are compiled");
    }
    assert_eq!(counts.compiled.load(Ordering::Relaxed), 100);
    assert_eq!(counts.refused.load(Ordering::Relaxed), 0);
    for (module, first) in modules.iter().zip(&first) {
        assert_eq!(call(&engine, module), *first);
    }
}
