//! What a notification to one account holds, in CBOR.

use cosmwasm_std::CanonicalAddr;

/// A list of values in CBOR.
pub struct Values(pub(super) Vec<u8>);

impl Values {
    /// A list that is to have this many, at most 23.
    #[must_use]
    pub fn list(length: u8) -> Self {
        Values(vec![0x80 | length.min(23)])
    }

    /// An amount: `biguint .size 8`. More than it can say is the most that it can.
    #[must_use]
    pub fn amount(mut self, amount: u128) -> Self {
        let amount = u64::try_from(amount).unwrap_or(u64::MAX);
        self.0.extend([0xc2, 0x48]);
        self.0.extend(amount.to_be_bytes());
        self
    }

    /// An address: `bstr .size 20`.
    #[must_use]
    pub fn address(mut self, address: &CanonicalAddr) -> Self {
        // Addresses of this chain have 20 bytes; the library's mock has others.
        let bytes: Vec<u8> = address.as_slice().iter().copied().take(20).collect();
        self.0.push(0x40 | bytes.len() as u8);
        self.0.extend(bytes);
        self
    }

    /// A number: `uint .size 8`, in the fewest bytes.
    #[must_use]
    pub fn number(mut self, number: u64) -> Self {
        let bytes = number.to_be_bytes();
        match number {
            0..=0x17 => self.0.push(bytes[7]),
            0x18..=0xff => self.0.extend([0x18, bytes[7]]),
            0x100..=0xffff => {
                self.0.push(0x19);
                self.0.extend(&bytes[6..]);
            }
            0x1_0000..=0xffff_ffff => {
                self.0.push(0x1a);
                self.0.extend(&bytes[4..]);
            }
            _ => {
                self.0.push(0x1b);
                self.0.extend(bytes);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_in_their_shortest_form() {
        let numbers = [0, 23, 24, 255, 256, 65_535, 65_536, u64::MAX];
        let lengths = numbers.map(|number| Values::list(1).number(number).0.len() - 1);
        assert_eq!(lengths, [1, 1, 2, 2, 3, 3, 5, 9]);
        let most = Values::list(1).amount(u128::MAX).0;
        assert_eq!(most[3..], [0xff; 8]);
    }
}
