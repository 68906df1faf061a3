//! What anybody uploads: prepared modules load, and preparing is deterministic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    use strongroom_vm::{Engine as _, WasmiEngine, prepare};
    let Ok(prepared) = prepare(data) else { return };
    assert!(WasmiEngine.load(&prepared).is_ok(), "a prepared module must load");
});
