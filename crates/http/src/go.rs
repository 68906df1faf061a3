//! How Go reads what clients write: numbers, booleans and base64 as its standard library takes them.
//!
//! The gateway and the RPC that clients know are written in Go; whoever is narrower refuses requests that work elsewhere.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Bits behind the last byte need not be zero.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);
/// The same, without padding.
const BASE64_BARE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// `encoding/base64`, standard alphabet with padding: line breaks anywhere are left out.
pub fn base64(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    BASE64.decode(unbroken(text))
}

/// Base64 of a query string: either alphabet, padded or not; a blank stands for a `+` that was not escaped. More than Go
/// takes, since clients differ (wire.md 3.1).
pub fn base64_of_query(text: &str) -> Option<Vec<u8>> {
    let text = unbroken(text);
    let standard: String = text
        .trim_end_matches('=')
        .chars()
        .map(|c| match c {
            '-' | ' ' => '+',
            '_' => '/',
            c => c,
        })
        .collect();
    BASE64_BARE.decode(standard).ok()
}

fn unbroken(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect()
}

/// `strconv.ParseBool`.
pub fn bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// `strconv.ParseUint(text, 0, 64)`: decimal, or with `0x`, `0b`, `0o` or `0` before it, underscores between digits; no sign.
pub fn uint(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, lower.get(2..)?),
        [b'0', b'b', ..] => (2, lower.get(2..)?),
        [b'0', b'o', ..] => (8, lower.get(2..)?),
        [b'0', _, ..] => (8, lower.get(1..)?),
        _ => (10, lower.as_str()),
    };
    // An underscore may follow a prefix or a digit, and a digit must follow it.
    let prefixed = digits.len() < lower.len();
    if digits.ends_with('_') || digits.contains("__") || (!prefixed && digits.starts_with('_')) {
        return None;
    }
    let digits: String = digits.chars().filter(|c| *c != '_').collect();
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(&digits, radix).ok()
}

/// `strconv.ParseInt(text, 0, 64)`: as [`uint`], with a sign.
pub fn int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let value = i128::from(uint(digits)?);
    i64::try_from(if negative { -value } else { value }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_what_go_takes() {
        for text in ["1", "t", "T", "TRUE", "true", "True"] {
            assert_eq!(bool(text), Some(true), "{text}");
        }
        for text in ["0", "f", "F", "FALSE", "false", "False"] {
            assert_eq!(bool(text), Some(false), "{text}");
        }
        for text in ["", "yes", "tRUE", " true", "2", "no", "on"] {
            assert_eq!(bool(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_what_go_takes() {
        for (text, value) in [
            ("0", 0),
            ("7", 7),
            ("1_000", 1_000),
            ("0x1F", 31),
            ("0X_1f", 31),
            ("0b101", 5),
            ("0o17", 15),
            ("017", 15),
            ("0_17", 15),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(uint(text), Some(value), "{text}");
        }
        for text in [
            "",
            "+7",
            "-7",
            "_7",
            "7_",
            "1__0",
            "0x",
            "09",
            "7.0",
            "1e3",
            " 7",
            "0x+1",
            "18446744073709551616",
        ] {
            assert_eq!(uint(text), None, "{text}");
        }
        assert_eq!(
            (int("+7"), int("-0x10"), int("7")),
            (Some(7), Some(-16), Some(7))
        );
        assert_eq!(int("-9223372036854775808"), Some(i64::MIN));
        for text in ["9223372036854775808", "--7", "+-7", "-", ""] {
            assert_eq!(int(text), None, "{text}");
        }
    }

    #[test]
    fn base64_may_be_broken_into_lines_and_have_bits_to_spare() {
        for text in ["+/8=", "+/\n8=", "+/8=\r\n", "\r+\n/8\n=", "+/9="] {
            assert_eq!(base64(text).ok(), Some(vec![0xfb, 0xff]), "{text:?}");
            assert_eq!(base64_of_query(text), Some(vec![0xfb, 0xff]), "{text:?}");
        }
        for text in ["+/8", "-_8=", "+/8= ", "+/8=\t", "%"] {
            assert!(base64(text).is_err(), "{text:?}");
        }
        assert_eq!(base64_of_query("-_8"), Some(vec![0xfb, 0xff]));
    }
}
