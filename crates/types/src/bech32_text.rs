//! Bech32 (BIP-173) of addresses, which have one prefix. Each event of a transaction names some of them: written by the library they were 7.6 % of the state
//! machine's time (profile of `benches beside`, docs/optimisations.md).

use crate::address::PREFIX;
use core::fmt;

/// The characters that stand for five bits each.
const CHARSET: [u8; 32] = *b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// Characters of the checksum.
const CHECKSUM_LEN: u32 = 6;
/// Characters of the longest address: prefix, separator, 32 bytes, checksum.
const LEN_MAX: usize = 65;
/// The checksum's state behind the prefix.
const BEHIND_PREFIX: u32 = 0x1f98_5678;

/// The state after five more bits.
const fn step(state: u32, five: u32) -> u32 {
    let top = state >> 25;
    let back = (if top & 1 == 0 { 0 } else { 0x3b6a_57b2 })
        ^ (if top & 2 == 0 { 0 } else { 0x2650_8e6d })
        ^ (if top & 4 == 0 { 0 } else { 0x1ea1_19fa })
        ^ (if top & 8 == 0 { 0 } else { 0x3d42_33dd })
        ^ (if top & 16 == 0 { 0 } else { 0x2a14_62b3 });
    ((state & 0x01ff_ffff) << 5) ^ five ^ back
}

/// Text under way.
struct Text {
    bytes: [u8; LEN_MAX],
    len: usize,
}

impl Text {
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len = self.len.saturating_add(1);
        }
    }

    fn push_five(&mut self, five: u32) {
        let at = usize::try_from(five & 31).unwrap_or(0);
        self.push(CHARSET.get(at).copied().unwrap_or_default());
    }
}

/// Writes an address of at most 32 bytes.
pub(crate) fn write(address: &[u8], out: &mut impl fmt::Write) -> fmt::Result {
    let mut text = Text {
        bytes: [0; LEN_MAX],
        len: 0,
    };
    for byte in PREFIX.bytes().chain([b'1']) {
        text.push(byte);
    }
    let mut state = BEHIND_PREFIX;
    let (mut pending, mut bits) = (0_u32, 0_u32);
    for byte in address {
        pending = (pending << 8) | u32::from(*byte);
        bits = bits.saturating_add(8);
        while bits >= 5 {
            bits = bits.saturating_sub(5);
            let five = (pending >> bits) & 31;
            state = step(state, five);
            text.push_five(five);
        }
        pending &= 31;
    }
    if bits > 0 {
        // Zeros fill the last group.
        let five = (pending << 5_u32.saturating_sub(bits)) & 31;
        state = step(state, five);
        text.push_five(five);
    }
    for _ in 0..CHECKSUM_LEN {
        state = step(state, 0);
    }
    let sum = state ^ 1;
    for place in (0..CHECKSUM_LEN).rev() {
        text.push_five(sum >> place.saturating_mul(5));
    }
    let text = text.bytes.get(..text.len).unwrap_or_default();
    out.write_str(core::str::from_utf8(text).map_err(|_| fmt::Error)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_state_behind_the_prefix_is_that_of_its_expanded_form() {
        let high = PREFIX.bytes().map(|byte| u32::from(byte >> 5));
        let low = PREFIX.bytes().map(|byte| u32::from(byte & 31));
        assert_eq!(high.chain([0]).chain(low).fold(1, step), BEHIND_PREFIX);
    }

    proptest! {
        #[test]
        fn an_address_is_written_as_the_library_writes_it(bytes in proptest::collection::vec(any::<u8>(), 0..=32)) {
            let hrp = bech32::Hrp::parse(PREFIX).unwrap();
            let mut text = String::new();
            write(&bytes, &mut text).unwrap();
            prop_assert_eq!(text, bech32::encode::<bech32::Bech32>(hrp, &bytes).unwrap());
        }
    }
}
