//! What anybody asks the RPC: envelopes and the query language.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    use strongroom_comet_rpc::envelope::{read_body, read_one};
    let _ = read_body(data);
    let _ = read_one(data);
    if let Ok(text) = core::str::from_utf8(data) {
        let _ = strongroom_comet_rpc::query_lang::Query::parse(text);
    }
});
