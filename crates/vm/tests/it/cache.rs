//! The module cache: by bytes, least recently used first, never another module.

use std::cell::Cell;

use strongroom_vm::{
    CallMode, EngineError, Entry, Instance, ModuleCache, Outcome, Prepared, Step, WasmiEngine,
    prepare,
};

use crate::harness::{MapHost, PLENTY, executing};

fn module(n: u32) -> Prepared {
    prepare(&executing("", "", &format!("(i32.const {n})"))).unwrap()
}

#[test]
fn a_module_is_loaded_once_and_the_oldest_goes_first() {
    let modules: Vec<Prepared> = (0..3).map(module).collect();
    let each = {
        let cache = ModuleCache::new(WasmiEngine, usize::MAX);
        cache
            .get_or_load::<EngineError>(modules[0].code_hash(), || Ok(modules[0].clone()))
            .unwrap();
        cache.bytes()
    };
    let cache = ModuleCache::new(WasmiEngine, 2 * each + each / 2);
    let loads = Cell::new(0);
    let get = |n: usize| {
        cache
            .get_or_load::<EngineError>(modules[n].code_hash(), || {
                loads.set(loads.get() + 1);
                Ok(modules[n].clone())
            })
            .unwrap();
        loads.get()
    };
    assert_eq!((get(0), get(0), get(1), get(0)), (1, 1, 2, 2));
    assert_eq!(get(2), 3, "1 is the oldest now and goes");
    assert_eq!((get(0), get(2)), (3, 3));
    assert_eq!(get(1), 4);
    assert!(cache.bytes() <= 2 * each + each / 2);
}

#[test]
fn a_module_larger_than_the_cache_is_loaded_each_time() {
    let cache = ModuleCache::new(WasmiEngine, 10);
    let m = module(7);
    for _ in 0..2 {
        cache
            .get_or_load::<EngineError>(m.code_hash(), || Ok(m.clone()))
            .unwrap();
        assert_eq!(cache.bytes(), 0);
        assert!(cache.get(m.code_hash()).is_none());
    }
}

#[test]
fn another_module_than_asked_for_is_a_fault() {
    let cache = ModuleCache::new(WasmiEngine, usize::MAX);
    let (a, b) = (module(1), module(2));
    assert!(
        cache
            .get_or_load::<EngineError>(a.code_hash(), || Ok(b.clone()))
            .is_err()
    );
    assert!(cache.get(a.code_hash()).is_none() && cache.get(b.code_hash()).is_none());
}

/// Bytes of memory that this process holds.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

#[test]
fn modules_that_were_called_deep_keep_no_stack() {
    // Deep enough that the last growth is the largest there is: more than 1.5 MB of stack.
    const MODULES: u32 = 300;
    let down = "(func $down (param $n i32) (result i32)
        (if (result i32) (local.get $n)
            (then (call $down (i32.sub (local.get $n) (i32.const 1))))
            (else (i32.const 0))))";
    let cache = ModuleCache::new(WasmiEngine, usize::MAX);
    let before = resident();
    for n in 0..MODULES {
        let body =
            format!("(drop (call $down (i32.const 9300))) (drop (i32.const {n})) (local.get $msg)");
        let prepared = prepare(&executing("", down, &body)).unwrap();
        let module = cache
            .get_or_load::<EngineError>(prepared.code_hash(), || Ok(prepared.clone()))
            .unwrap();
        let mut instance = Instance::new(&WasmiEngine, &module, CallMode::Execute).unwrap();
        let args: [&[u8]; 3] = [b"env", b"info", b"msg"];
        let ended = instance
            .start(Entry::Execute, &args, PLENTY, &mut MapHost::default())
            .unwrap();
        assert!(matches!(ended, Step::Done(Outcome { result: Ok(_), .. })));
    }
    // Tests beside this one take some memory, too.
    let held = resident().saturating_sub(before);
    assert!(held < 150 << 20, "{held} bytes for {MODULES} small modules");
}
