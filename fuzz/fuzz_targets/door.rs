//! What the host sends through the door: frames, assembly, messages.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    use strongroom_bridge::frame::{Assembler, Frame};
    use strongroom_bridge::message::{FromEnclave, FromHost};
    let (mut from_host, mut from_enclave) = (Assembler::default(), Assembler::default());
    // Lengths of two bytes cut the input into frames.
    let mut rest = data;
    while let Some((length, after)) = rest.split_at_checked(2) {
        let length = usize::from(length[0]) | usize::from(length[1]) << 8;
        let (frame, next) = after.split_at(length.min(after.len()));
        rest = next;
        let Ok(frame) = Frame::decode_rest(frame) else { continue };
        let _ = from_host.push::<FromHost>(frame.clone());
        let _ = from_enclave.push::<FromEnclave>(frame);
    }
});
