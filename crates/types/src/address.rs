//! Account addresses: 20 bytes (keys, contracts) or 32 bytes (interchain accounts), bech32 with prefix `secret`
//! (wire.md 1.1).

use borsh::{BorshDeserialize, BorshSerialize};

/// The bech32 prefix of account addresses.
pub const PREFIX: &str = "secret";

/// An account address of 20 or 32 bytes. Order is byte order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Vec<u8>);

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

impl Address {
    /// Takes 20 or 32 raw bytes.
    ///
    /// # Errors
    /// [`AddressError::Length`] for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AddressError> {
        match bytes.len() {
            20 | 32 => Ok(Self(bytes.to_vec())),
            n => Err(AddressError::Length(n)),
        }
    }

    /// The address of a compressed secp256k1 key (33 bytes): RIPEMD-160(SHA-256(key)).
    #[must_use]
    pub fn of_secp256k1(pubkey: &[u8; 33]) -> Self {
        use ripemd::Digest as _;
        Self(ripemd::Ripemd160::digest(crate::sha256(pubkey)).to_vec())
    }

    /// The address of a module account: the first 20 bytes of SHA-256(name) (wire.md 1.13.3).
    #[must_use]
    pub fn of_module(name: &str) -> Self {
        Self(
            crate::sha256(name.as_bytes())
                .iter()
                .take(20)
                .copied()
                .collect(),
        )
    }

    /// The raw bytes, 20 or 32.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl core::fmt::Display for Address {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let hrp = bech32::Hrp::parse(PREFIX).map_err(|_| core::fmt::Error)?;
        f.write_str(&bech32::encode::<bech32::Bech32>(hrp, &self.0).map_err(|_| core::fmt::Error)?)
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
        let checked = bech32::primitives::decode::CheckedHrpstring::new::<bech32::Bech32>(text)
            .map_err(|e| AddressError::Bech32(e.to_string()))?;
        if checked.hrp().as_str() != PREFIX {
            return Err(AddressError::Prefix(checked.hrp().to_string()));
        }
        Self::from_bytes(&checked.byte_iter().collect::<Vec<_>>())
    }
}

impl BorshSerialize for Address {
    fn serialize<W: borsh::io::Write>(&self, w: &mut W) -> borsh::io::Result<()> {
        self.0.serialize(w)
    }
}

impl BorshDeserialize for Address {
    fn deserialize_reader<R: borsh::io::Read>(r: &mut R) -> borsh::io::Result<Self> {
        let bytes = Vec::<u8>::deserialize_reader(r)?;
        Self::from_bytes(&bytes)
            .map_err(|e| borsh::io::Error::new(borsh::io::ErrorKind::InvalidData, e))
    }
}
