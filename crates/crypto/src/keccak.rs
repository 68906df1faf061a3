//! Keccak-256 as Ethereum's wallets use it: the function before SHA-3 got its other padding (wire.md 1.4).

use sha3::Digest as _;

/// Keccak-256 of `bytes`, 32 bytes. Not SHA3-256.
#[must_use]
pub fn keccak256(bytes: &[u8]) -> [u8; 32] {
    sha3::Keccak256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_digests_are_those_of_keccak_and_not_of_sha_3() {
        let of = |bytes: &[u8]| hex::encode(keccak256(bytes));
        assert_eq!(
            of(b""),
            "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
        );
        assert_eq!(
            of(b"abc"),
            "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"
        );
    }
}
