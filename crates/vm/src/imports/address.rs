//! Addresses as contracts see them: bech32 with the prefix `secret`, any number of bytes, and the error texts that the
//! published std hands on to users (contract-abi.md section 5). A text for each class of bad address is written here: texts
//! of a library would make its update a change of consensus.

use bech32::primitives::decode::CheckedHrpstring;

/// The one prefix that is accepted and written.
const PREFIX: &str = strongroom_types::address::PREFIX;
/// Characters of a checksum.
const CHECKSUM_CHARS: usize = 6;
/// The characters of bech32 behind the separator.
const CHARSET: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

const EMPTY: &str = "Input is empty";
const NO_SEPARATOR: &str = "missing human-readable separator, \"1\"";
const LENGTH: &str = "invalid length";
const MIXED_CASE: &str = "mixed-case strings not allowed";
const CHECKSUM: &str = "invalid checksum";
const PADDING: &str = "invalid padding";

/// What is said of an address over [`crate::limits::ADDRESS_BYTES_MAX`].
pub(crate) const TOO_LONG: &str = "Input is too long";

/// The bytes of a human address, or the text for the error region.
pub(crate) fn canonicalize(human: &[u8]) -> Result<Vec<u8>, String> {
    if human.is_empty() {
        return Err(EMPTY.to_owned());
    }
    let text = core::str::from_utf8(human).map_err(|_| "input is not valid UTF-8".to_owned())?;
    decode(text)
}

/// The same for v0.10 contracts: spaces around the address are nothing.
pub(crate) fn canonicalize_trimmed(human: &[u8]) -> Result<Vec<u8>, String> {
    let human = human.trim_ascii();
    if human.is_empty() {
        return Err("input is empty".to_owned());
    }
    canonicalize(human)
}

/// The human form of canonical bytes, or the text for the error region.
pub(crate) fn humanize(canonical: &[u8]) -> Result<String, String> {
    if canonical.is_empty() {
        return Err(EMPTY.to_owned());
    }
    let hrp = bech32::Hrp::parse(PREFIX).map_err(|_| LENGTH.to_owned())?;
    bech32::encode::<bech32::Bech32>(hrp, canonical).map_err(|_| LENGTH.to_owned())
}

/// Nothing for an address in its normal form, else the text for the error region.
pub(crate) fn validate(human: &[u8]) -> Result<(), String> {
    if human.is_empty() {
        return Err(EMPTY.to_owned());
    }
    let text = core::str::from_utf8(human).map_err(|_| "Input is not valid UTF-8".to_owned())?;
    let bytes = decode(text)?;
    if humanize(&bytes)? == text {
        Ok(())
    } else {
        Err("Address is not normalized".to_owned())
    }
}

/// Decodes bech32 and checks the prefix (in either case: `SECRET1…` is the same address, not normalised).
fn decode(text: &str) -> Result<Vec<u8>, String> {
    let prefix = shape(text)?;
    let checked = CheckedHrpstring::new::<bech32::Bech32>(text).map_err(|_| CHECKSUM.to_owned())?;
    let bytes: Vec<u8> = checked.byte_iter().collect();
    // Bits behind the last whole byte: fewer than five, all zero.
    let again = bech32::encode_lower::<bech32::Bech32>(checked.hrp(), &bytes);
    if again.map_err(|_| LENGTH.to_owned())? != text.to_ascii_lowercase() {
        return Err(PADDING.to_owned());
    }
    if prefix != PREFIX {
        return Err(format!("wrong address prefix: {prefix:?}"));
    }
    Ok(bytes)
}

/// Checks all but checksum, padding and prefix, the first mistake from the left; gives the prefix in lower case.
fn shape(text: &str) -> Result<String, String> {
    let (prefix, data) = text.rsplit_once('1').ok_or(NO_SEPARATOR)?;
    if prefix.is_empty() || data.chars().count() < CHECKSUM_CHARS {
        return Err(LENGTH.to_owned());
    }
    let bad = |c: char| Err(format!("invalid character (code={c})"));
    let (mut lower, mut upper) = (false, false);
    for (part, allowed) in [(prefix, None), (data, Some(CHARSET))] {
        for c in part.chars() {
            lower |= c.is_ascii_lowercase();
            upper |= c.is_ascii_uppercase();
            let known = match allowed {
                None => c.is_ascii_graphic(),
                Some(charset) => charset.contains(c.to_ascii_lowercase()),
            };
            if !known {
                return bad(c);
            }
            if lower && upper {
                return Err(MIXED_CASE.to_owned());
            }
        }
    }
    Ok(prefix.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_goes_both_ways() {
        let human = humanize(&[7; 20]).unwrap();
        assert!(human.starts_with("secret1"));
        assert_eq!(canonicalize(human.as_bytes()).unwrap(), vec![7; 20]);
        assert_eq!(validate(human.as_bytes()), Ok(()));
    }

    #[test]
    fn any_length_can_be_written_and_read() {
        for n in [1, 19, 32, 50, 255] {
            let human = humanize(&vec![9; n]).unwrap();
            assert_eq!(canonicalize(human.as_bytes()).unwrap(), vec![9; n]);
        }
    }

    #[test]
    fn the_error_texts_are_those_of_the_protocol() {
        assert_eq!(canonicalize(b"").unwrap_err(), "Input is empty");
        assert_eq!(humanize(b"").unwrap_err(), "Input is empty");
        assert_eq!(validate(b"").unwrap_err(), "Input is empty");
        assert_eq!(
            canonicalize(&[0xff]).unwrap_err(),
            "input is not valid UTF-8"
        );
        assert_eq!(validate(&[0xff]).unwrap_err(), "Input is not valid UTF-8");
        let other = bech32::encode::<bech32::Bech32>(
            bech32::Hrp::parse("secretvaloper").unwrap(),
            &[1; 20],
        )
        .unwrap();
        assert_eq!(
            canonicalize(other.as_bytes()).unwrap_err(),
            "wrong address prefix: \"secretvaloper\""
        );
        let upper = humanize(&[7; 20]).unwrap().to_uppercase();
        assert_eq!(
            validate(upper.as_bytes()).unwrap_err(),
            "Address is not normalized"
        );
        assert_eq!(canonicalize(upper.as_bytes()).unwrap(), vec![7; 20]);
    }

    #[test]
    fn v010_contracts_may_write_spaces_around_an_address() {
        let human = humanize(&[7; 20]).unwrap();
        let spaced = format!(" \t{human}\r\n");
        assert_eq!(canonicalize_trimmed(spaced.as_bytes()).unwrap(), [7; 20]);
        assert!(canonicalize(spaced.as_bytes()).is_err());
        for nothing in ["", "   "] {
            assert_eq!(
                canonicalize_trimmed(nothing.as_bytes()).unwrap_err(),
                "input is empty"
            );
        }
        assert_eq!(
            canonicalize_trimmed(&[0xff]).unwrap_err(),
            "input is not valid UTF-8"
        );
        let inner = human.replacen('1', "1 ", 1);
        assert!(canonicalize_trimmed(inner.as_bytes()).is_err());
    }

    #[test]
    fn each_class_of_bad_address_has_a_text_of_ours() {
        let good = humanize(&[7; 20]).unwrap();
        let data = good.strip_prefix("secret1").unwrap();
        let changed = format!(
            "{}{}",
            &good[..44],
            if good.ends_with('q') { 'p' } else { 'q' }
        );
        let separator = "missing human-readable separator, \"1\"";
        let cases = [
            (" ", separator),
            ("   ", separator),
            ("no separator", separator),
            (data, separator),
            ("1", "invalid length"),
            ("1qqqqqq", "invalid length"),
            ("secret1", "invalid length"),
            ("secret1qqqqq", "invalid length"),
            (&format!(" {good}"), "invalid character (code= )"),
            (&format!("{good} "), "invalid character (code= )"),
            (&format!("{good}\n"), "invalid character (code=\n)"),
            ("sécret1qqqqqq", "invalid character (code=é)"),
            ("secret1bqqqqqq", "invalid character (code=b)"),
            ("Secret1qqqqqq", "mixed-case strings not allowed"),
            ("secret1qqqqqQ", "mixed-case strings not allowed"),
            (&changed, "invalid checksum"),
            (&good[..44], "invalid checksum"),
            (&format!("{}1qqqqqq", "s".repeat(90)), "invalid checksum"),
        ];
        for (address, text) in cases {
            assert_eq!(
                canonicalize(address.as_bytes()).unwrap_err(),
                text,
                "{address:?}"
            );
            assert_eq!(
                validate(address.as_bytes()).unwrap_err(),
                text,
                "{address:?}"
            );
        }
    }

    #[test]
    fn bits_that_are_no_byte_are_refused() {
        use bech32::primitives::iter::{ByteIterExt as _, Fe32IterExt as _};
        let hrp = bech32::Hrp::parse(PREFIX).unwrap();
        let one = bech32::Fe32::try_from(1_u8).unwrap();
        let fives = || [7_u8; 20].iter().copied().bytes_to_fes();
        // 20 bytes are 32 groups of five bits: one more group is padding of five bits.
        let more: String = fives()
            .chain([one])
            .with_checksum::<bech32::Bech32>(&hrp)
            .chars()
            .collect();
        assert_eq!(
            canonicalize(more.as_bytes()).unwrap_err(),
            "invalid padding"
        );
        // 1 byte is two groups, whose last two bits must be zero.
        let set: String = [one, one]
            .into_iter()
            .with_checksum::<bech32::Bech32>(&hrp)
            .chars()
            .collect();
        assert_eq!(canonicalize(set.as_bytes()).unwrap_err(), "invalid padding");
    }

    #[test]
    fn a_broken_checksum_is_an_error_text_and_not_a_trap() {
        let mut human = humanize(&[7; 20]).unwrap().into_bytes();
        let last = human.len() - 1;
        human[last] = if human[last] == b'q' { b'p' } else { b'q' };
        assert!(!canonicalize(&human).unwrap_err().is_empty());
        assert!(!validate(b"no separator").unwrap_err().is_empty());
    }
}
