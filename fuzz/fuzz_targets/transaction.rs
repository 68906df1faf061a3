//! What anybody broadcasts: strict decoding, and Amino JSON of what decodes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(tx) = strongroom_types::tx::Tx::decode(data) else { return };
    for message in &tx.body.messages {
        let _ = strongroom_types::amino::message(message);
    }
    // What was accepted has one encoding.
    let again = strongroom_types::tx::encode(tx.body_bytes.clone(), tx.auth_info_bytes.clone(), tx.signatures.clone());
    assert_eq!(again, data);
});
