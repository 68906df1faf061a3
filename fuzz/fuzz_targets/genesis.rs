//! The genesis document.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = strongroom_chain::genesis::Document::parse(data);
});
