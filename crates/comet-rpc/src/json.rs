//! JSON as CometBFT prints it: compact; `<`, `>`, `&` escaped; 64-bit integers, hashes and bytes as text.
//!
//! The newtypes here say how a value prints; the structs of `encode` are made of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, Serializer};
use serde_json::ser::Formatter;
use std::io;
use strongroom_types::Timestamp;

/// Prints `value` as the wire has it.
#[must_use]
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, HtmlSafe);
    // Our types have text keys only and write to memory; nothing can fail.
    value.serialize(&mut serializer).expect("answers serialize");
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// Escapes what HTML and JavaScript would misread, as Go's encoder does.
struct HtmlSafe;

impl Formatter for HtmlSafe {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut plain_from = 0;
        for (at, c) in fragment.char_indices() {
            if matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}') {
                writer.write_all(&fragment.as_bytes()[plain_from..at])?;
                write!(writer, "\\u{:04x}", u32::from(c))?;
                plain_from = at + c.len_utf8();
            }
        }
        writer.write_all(&fragment.as_bytes()[plain_from..])
    }
}

/// Prints as text: 64-bit integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Str<T>(pub T);

impl<T: core::fmt::Display> Serialize for Str<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Upper-case hex: hashes and addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpperHex(pub Vec<u8>);

impl Serialize for UpperHex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode_upper(&self.0))
    }
}

/// Standard base64; empty prints as `""`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base64(pub Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

/// Standard base64; empty prints as `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base64OrNull(pub Vec<u8>);

impl Serialize for Base64OrNull {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() {
            serializer.serialize_none()
        } else {
            serializer.serialize_str(&STANDARD.encode(&self.0))
        }
    }
}

/// A list; empty prints as `null`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOrNull<T>(pub Vec<T>);

impl<T: Serialize> Serialize for ListOrNull<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() {
            serializer.serialize_none()
        } else {
            self.0.serialize(serializer)
        }
    }
}

/// RFC 3339 in UTC, up to nine digits of a second, zeros at the end cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Timestamp);

/// The zero time of Go, 0001-01-01T00:00:00Z, in seconds since 1970: the time of an absent signature.
pub const ZERO_TIME_SECONDS: i64 = -62_135_596_800;

impl core::fmt::Display for Time {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let at = time::OffsetDateTime::from_unix_timestamp(self.0.seconds)
            .map_err(|_| core::fmt::Error)?;
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        )?;
        if self.0.nanos > 0 {
            let digits = format!("{:09}", self.0.nanos);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_prints_as_go_prints_it() {
        assert_eq!(
            to_json("<a href=\"x\">&é☃\u{2028}\u{1}"),
            r#""\u003ca href=\"x\"\u003e\u0026é☃\u2028\u0001""#
        );
        assert_eq!(to_json(&Str(i64::MIN)), "\"-9223372036854775808\"");
        assert_eq!(to_json(&Base64OrNull(vec![])), "null");
        assert_eq!(to_json(&UpperHex(vec![0xab, 1])), "\"AB01\"");
    }

    #[test]
    fn times_lose_the_zeros_at_their_end() {
        let time = |seconds, nanos| Time(Timestamp { seconds, nanos }).to_string();
        assert_eq!(
            time(1_767_323_045, 678_901_234),
            "2026-01-02T03:04:05.678901234Z"
        );
        assert_eq!(
            time(1_767_323_045, 678_900_000),
            "2026-01-02T03:04:05.6789Z"
        );
        assert_eq!(time(1_767_323_045, 0), "2026-01-02T03:04:05Z");
        assert_eq!(time(ZERO_TIME_SECONDS, 0), "0001-01-01T00:00:00Z");
    }

    proptest::proptest! {
        #[test]
        fn what_is_printed_reads_back(text in "\\PC{0,40}[<>&\u{0}-\u{1f}\"\\\\]{0,9}") {
            let back: String = serde_json::from_str(&to_json(&text)).unwrap();
            proptest::prop_assert_eq!(back, text);
        }
    }
}
