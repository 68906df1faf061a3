//! Account addresses: 20 bytes (keys, contracts) or 32 bytes (interchain accounts, contracts at predictable addresses), bech32 with prefix `secret`
//! (wire.md 1.1).

use crate::bech32_text;
use crate::error::{TxError, sdk};
use bech32::{Fe32, Fe32IterExt as _, Hrp};
use borsh::{BorshDeserialize, BorshSerialize};
use std::borrow::Cow;

/// The bech32 prefix of account addresses.
pub const PREFIX: &str = "secret";

/// Bytes of the longest address.
const BYTES_MAX: usize = 32;

/// An account address of 20 or 32 bytes. Order is byte order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Zeros behind the address: so the order of these, then of lengths, is the order of the addresses.
    bytes: [u8; BYTES_MAX],
    len: u8,
}

/// Why bytes or text are no address. `Display` is the text that clients see (wire.md 1.12.3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Not 20 or 32 bytes.
    #[error("address length must be 20 or 32 bytes, got {0}")]
    Length(usize),
    /// The empty text.
    #[error("empty address string is not allowed")]
    Empty,
    /// Bad characters, separator or checksum; the text names it.
    #[error("decoding bech32 failed: {0}")]
    Bech32(String),
    /// Another prefix than `secret`.
    #[error("hrp does not match bech32 prefix: expected 'secret' got '{0}'")]
    Prefix(String),
}

impl AddressError {
    /// The error of a string address in a compute message (migrate, admin): `<field>: <bech32 error>`, code 1,
    /// `undefined`; another prefix has its own text there.
    #[must_use]
    pub fn in_field(&self, field: &str) -> TxError {
        match self {
            Self::Prefix(prefix) => TxError::plain(format!(
                "{field}: invalid Bech32 prefix; expected {PREFIX}, got {prefix}"
            )),
            other => TxError::plain(format!("{field}: {other}")),
        }
    }
}

/// As a signer field reports it.
impl From<AddressError> for TxError {
    fn from(error: AddressError) -> Self {
        match error {
            AddressError::Length(_) => sdk::UNKNOWN_ADDRESS.wrap(error),
            AddressError::Prefix(_) => sdk::LOGIC.wrap(error),
            AddressError::Empty | AddressError::Bech32(_) => Self::plain(error.to_string()),
        }
    }
}

impl Address {
    /// Takes 20 or 32 raw bytes.
    ///
    /// # Errors
    /// [`AddressError::Length`] for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AddressError> {
        match bytes.len() {
            20 | 32 => Ok(Self::padded(bytes)),
            n => Err(AddressError::Length(n)),
        }
    }

    /// The address of a compressed secp256k1 key (33 bytes): RIPEMD-160(SHA-256(key)).
    #[must_use]
    pub fn of_secp256k1(pubkey: &[u8; 33]) -> Self {
        use ripemd::Digest as _;
        Self::padded(&ripemd::Ripemd160::digest(crate::sha256(pubkey)))
    }

    /// The address of a module account: the first 20 bytes of SHA-256(name) (wire.md 1.13.3).
    #[must_use]
    pub fn of_module(name: &str) -> Self {
        Self::of_hash(&crate::sha256(name.as_bytes()))
    }

    /// The first 20 bytes of a hash: of a module's name, of an Amino multisig, of an ed25519 key.
    #[must_use]
    pub fn of_hash(hash: &crate::Hash) -> Self {
        Self::padded(hash.get(..20).unwrap_or(hash))
    }

    /// Takes at most 32 bytes.
    fn padded(from: &[u8]) -> Self {
        let mut bytes = [0; BYTES_MAX];
        let mut len = 0_u8;
        for (to, byte) in bytes.iter_mut().zip(from) {
            *to = *byte;
            len = len.saturating_add(1);
        }
        Self { bytes, len }
    }

    /// The raw bytes, 20 or 32.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.len))
            .unwrap_or(&self.bytes)
    }
}

impl core::fmt::Display for Address {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        bech32_text::write(self.as_bytes(), f)
    }
}

impl core::fmt::Debug for Address {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{self}")
    }
}

impl core::str::FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Err(AddressError::Empty);
        }
        let (prefix, bytes) = decode_bech32(text).map_err(AddressError::Bech32)?;
        if prefix != PREFIX {
            return Err(AddressError::Prefix(prefix));
        }
        Self::from_bytes(&bytes)
    }
}

/// Longest bech32 text that is looked at, in bytes.
const BECH32_LEN_MAX: usize = 1_023;
/// Characters of the checksum.
const CHECKSUM_LEN: usize = 6;

/// Prefix and bytes of a bech32 text. The error texts are those that clients of this protocol know.
fn decode_bech32(text: &str) -> Result<(String, Vec<u8>), String> {
    if text.len() < 8 || text.len() > BECH32_LEN_MAX {
        return Err(format!("invalid bech32 string length {}", text.len()));
    }
    if let Some(c) = text.chars().find(|c| !('!'..='~').contains(c)) {
        return Err(format!("invalid character in string: '{c}'"));
    }
    let has = |kind: fn(&u8) -> bool| text.as_bytes().iter().any(kind);
    let is_upper = has(u8::is_ascii_uppercase);
    if is_upper && has(u8::is_ascii_lowercase) {
        return Err("string not all lowercase or all uppercase".into());
    }
    let lower = match is_upper {
        true => Cow::Owned(text.to_ascii_lowercase()),
        false => Cow::Borrowed(text),
    };
    let Some((prefix, data)) = lower.rsplit_once('1') else {
        return Err("invalid separator index -1".into());
    };
    if prefix.is_empty() || data.len() < CHECKSUM_LEN {
        return Err(format!("invalid separator index {}", prefix.len()));
    }
    let symbol = |c: char| {
        Fe32::from_char(c)
            .map_err(|_| format!("invalid character not part of charset: {}", u32::from(c)))
    };
    let mut symbols = Vec::with_capacity(data.len());
    for c in data.chars() {
        symbols.push(symbol(c)?);
    }
    let (payload, given) = symbols.split_at(symbols.len().saturating_sub(CHECKSUM_LEN));
    // One that is longer than bech32 allows: its characters have been looked at.
    let hrp = Hrp::parse(prefix).map_err(|_| format!("invalid prefix length {}", prefix.len()))?;
    let full = payload
        .iter()
        .copied()
        .with_checksum::<bech32::Bech32>(&hrp);
    let expected: String = full
        .chars()
        .skip(text.len().saturating_sub(CHECKSUM_LEN))
        .collect();
    let given: String = given.iter().map(|s| s.to_char()).collect();
    if expected != given {
        return Err(format!(
            "invalid checksum (expected {expected} got {given})"
        ));
    }
    Ok((prefix.to_owned(), to_bytes(payload)?))
}

/// Groups of five bits to bytes; the padding must be shorter than a group and zero.
fn to_bytes(symbols: &[Fe32]) -> Result<Vec<u8>, String> {
    let (mut bytes, mut pending, mut bits) = (Vec::with_capacity(symbols.len()), 0_u32, 0_u32);
    for symbol in symbols {
        pending = (pending << 5) | u32::from(symbol.to_u8());
        bits = bits.saturating_add(5);
        if bits >= 8 {
            bits = bits.saturating_sub(8);
            let [byte, ..] = (pending >> bits).to_le_bytes();
            bytes.push(byte);
            pending &= (1_u32 << bits).wrapping_sub(1);
        }
    }
    if bits >= 5 || pending != 0 {
        Err("invalid incomplete group".into())
    } else {
        Ok(bytes)
    }
}

impl BorshSerialize for Address {
    fn serialize<W: borsh::io::Write>(&self, w: &mut W) -> borsh::io::Result<()> {
        self.as_bytes().serialize(w)
    }
}

impl BorshDeserialize for Address {
    fn deserialize_reader<R: borsh::io::Read>(r: &mut R) -> borsh::io::Result<Self> {
        let bytes = Vec::<u8>::deserialize_reader(r)?;
        Self::from_bytes(&bytes)
            .map_err(|e: AddressError| borsh::io::Error::new(borsh::io::ErrorKind::InvalidData, e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: &str = "secret1ap26qrlp8mcq2pg6r47w43l0y8zkqm8a450s03";

    #[test]
    fn the_address_of_a_known_key_is_the_known_one() {
        let key = "034ee8249f67e136139c3ed94ad63288f6c1de45ce66fa883247211a698f440cdf";
        let key: [u8; 33] = hex::decode(key).unwrap().try_into().unwrap();
        assert_eq!(Address::of_secp256k1(&key).to_string(), A);
        assert_eq!(
            Address::of_module("gov").to_string(),
            "secret10d07y265gmmuvt4z0w9aw880jnsr700jc88vt0"
        );
        assert_eq!(
            Address::of_module("distribution").to_string(),
            "secret1jv65s3grqf6v6jl3dp4t6c9t9rk99cd896s45r"
        );
    }

    #[test]
    fn addresses_of_both_lengths_are_in_the_order_of_their_bytes() {
        let mut all = Vec::new();
        for (len, last) in [(20, 0), (20, 1), (32, 0), (32, 1), (32, 7)] {
            for first in [0, 1, 255] {
                let mut bytes = vec![0; len];
                (bytes[0], bytes[len - 1]) = (first, last);
                all.push(bytes);
            }
        }
        for (a, b) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
            let of = |bytes| Address::from_bytes(bytes).unwrap();
            assert_eq!(of(a).as_bytes(), a);
            assert_eq!(of(a).cmp(&of(b)), a.cmp(b), "{a:?} {b:?}");
        }
    }

    #[test]
    fn bad_texts_are_refused_with_the_codes_of_the_specification() {
        let wrong_sum = A.replace("s03", "s04");
        let cases: &[(&str, &str, u32, &str)] = &[
            ("", "undefined", 1, "empty address string is not allowed"),
            (" ", "undefined", 1, "empty address string is not allowed"),
            (
                &wrong_sum,
                "undefined",
                1,
                "decoding bech32 failed: invalid checksum (expected 450s03 got 450s04)",
            ),
            (
                "secretnothing",
                "undefined",
                1,
                "decoding bech32 failed: invalid separator index -1",
            ),
            (
                "1qqqqqqq",
                "undefined",
                1,
                "decoding bech32 failed: invalid separator index 0",
            ),
            (
                "secret1qqq",
                "undefined",
                1,
                "decoding bech32 failed: invalid separator index 6",
            ),
            (
                "secret1bqqqqqq",
                "undefined",
                1,
                "decoding bech32 failed: invalid character not part of charset: 98",
            ),
            (
                "secret1Aqqqqqq",
                "undefined",
                1,
                "decoding bech32 failed: string not all lowercase or all uppercase",
            ),
            (
                "abc",
                "undefined",
                1,
                "decoding bech32 failed: invalid bech32 string length 3",
            ),
            (
                "cosmos10d07y265gmmuvt4z0w9aw880jnsr700j6zn9kn",
                "sdk",
                35,
                "hrp does not match bech32 prefix: expected 'secret' got 'cosmos': internal logic error",
            ),
        ];
        for (text, codespace, code, message) in cases {
            let e: TxError = text.parse::<Address>().unwrap_err().into();
            assert_eq!(
                (e.codespace.as_str(), e.code, e.text.as_str()),
                (*codespace, *code, *message),
                "{text}"
            );
        }
    }

    #[test]
    fn a_prefix_that_bech32_does_not_allow_is_refused_in_our_words() {
        let text = format!("{}1{}", "a".repeat(84), "q".repeat(40));
        let refused = text.parse::<Address>().unwrap_err();
        assert_eq!(
            refused.to_string(),
            "decoding bech32 failed: invalid prefix length 84"
        );
    }

    #[test]
    fn an_address_of_another_length_is_refused() {
        let hrp = Hrp::parse(PREFIX).unwrap();
        let text = bech32::encode::<bech32::Bech32>(hrp, &[7; 21]).unwrap();
        let e: TxError = text.parse::<Address>().unwrap_err().into();
        assert_eq!(
            (e.code, e.text.as_str()),
            (
                9,
                "address length must be 20 or 32 bytes, got 21: unknown address"
            )
        );
    }

    #[test]
    fn a_string_field_of_a_compute_message_names_itself() {
        let e = "cosmos10d07y265gmmuvt4z0w9aw880jnsr700j6zn9kn"
            .parse::<Address>()
            .unwrap_err();
        assert_eq!(
            e.in_field("sender").text,
            "sender: invalid Bech32 prefix; expected secret, got cosmos"
        );
        assert_eq!(
            AddressError::Empty.in_field("admin").text,
            "admin: empty address string is not allowed"
        );
    }

    proptest! {
        #[test]
        fn addresses_return_from_text_and_binary(bytes in prop_oneof![
            proptest::collection::vec(any::<u8>(), 20), proptest::collection::vec(any::<u8>(), 32)
        ]) {
            let address = Address::from_bytes(&bytes).unwrap();
            prop_assert_eq!(&address.to_string().parse::<Address>().unwrap(), &address);
            prop_assert_eq!(&address.to_string().to_uppercase().parse::<Address>().unwrap(), &address);
            prop_assert_eq!(&borsh::from_slice::<Address>(&borsh::to_vec(&address).unwrap()).unwrap(), &address);
        }

        #[test]
        fn a_changed_character_is_refused(bytes in any::<[u8; 20]>(), at in 7_usize..45, to in 0_usize..32) {
            let text = Address::from_bytes(&bytes).unwrap().to_string();
            let mut chars: Vec<char> = text.chars().collect();
            chars[at] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l".chars().nth(to).unwrap();
            let changed: String = chars.into_iter().collect();
            prop_assert_eq!(changed.parse::<Address>().is_ok(), changed == text);
        }

        #[test]
        fn arbitrary_text_never_panics(text in ".{0,80}") {
            let _ = text.parse::<Address>();
        }
    }
}
