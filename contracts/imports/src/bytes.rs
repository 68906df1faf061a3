//! Bytes as both generations and their clients write them alike: hexadecimal digits.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes, in JSON as lower-case hex.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hex(pub Vec<u8>);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digit = |n: u8| char::from(b"0123456789abcdef"[usize::from(n)]);
        let digits = self
            .0
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        serializer.serialize_str(&digits.collect::<String>())
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if !rest.is_empty() {
            return Err(D::Error::custom("half a byte of hex"));
        }
        let digit = |digit: u8| char::from(digit).to_digit(16).map(|n| n as u8);
        let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
        let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        bytes
            .map(Self)
            .ok_or_else(|| D::Error::custom("no digit of hex"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::value::{Error, StrDeserializer};

    #[test]
    fn digits_of_either_case_are_read_and_nothing_else() {
        let read = |text| Hex::deserialize(StrDeserializer::<Error>::new(text)).ok();
        assert_eq!(read("00fFa0"), Some(Hex(vec![0, 255, 160])));
        assert_eq!(read(""), Some(Hex::default()));
        for bad in ["0", "0g", "+1", "0x", "ä"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
