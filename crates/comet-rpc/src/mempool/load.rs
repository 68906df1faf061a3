//! What transactions take of a block.

use std::time::Duration;

/// Number, gas limits and bytes of transactions, or what there is room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) txs: u64,
    pub(super) gas: u64,
    pub(super) bytes: u64,
}

impl Load {
    pub(super) const ZERO: Self = Self {
        txs: 0,
        gas: 0,
        bytes: 0,
    };
    pub(super) const MAX: Self = Self {
        txs: u64::MAX,
        gas: u64::MAX,
        bytes: u64::MAX,
    };

    /// What a block may have; `None` is no limit.
    pub(super) fn limits(txs: usize, bytes: Option<u64>, gas: Option<u64>) -> Self {
        Self {
            txs: u64::try_from(txs).unwrap_or(u64::MAX),
            gas: gas.unwrap_or(u64::MAX),
            bytes: bytes.unwrap_or(u64::MAX),
        }
    }

    /// One transaction. What asks for no gas takes some time as well.
    pub(super) fn of(gas_wanted: i64, len: usize) -> Self {
        Self {
            txs: 1,
            gas: u64::try_from(gas_wanted).unwrap_or_default().max(1),
            bytes: framed_len(len),
        }
    }

    /// The most bytes that a transaction may have of which it has room for one, with the framing of one of `len` bytes.
    pub(super) fn tx_bytes_max(self, len: usize) -> usize {
        let framing = framed_len(len).saturating_sub(len as u64);
        usize::try_from(self.bytes.saturating_sub(framing)).unwrap_or(usize::MAX)
    }

    fn with(self, other: Self, f: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            txs: f(self.txs, other.txs),
            gas: f(self.gas, other.gas),
            bytes: f(self.bytes, other.bytes),
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    /// Nothing where more would be taken than is there.
    pub(super) fn minus(self, other: Self) -> Self {
        self.with(other, u64::saturating_sub)
    }

    pub(super) fn max(self, other: Self) -> Self {
        self.with(other, u64::max)
    }

    pub(super) fn min(self, other: Self) -> Self {
        self.with(other, u64::min)
    }

    /// `n` parts of `of`, rounded down.
    pub(super) fn parts(self, n: u64, of: u64) -> Self {
        self.with(Self::default(), |own, _| {
            let part = u128::from(own) * u128::from(n) / u128::from(of.max(1));
            u64::try_from(part).unwrap_or(u64::MAX)
        })
    }

    /// Whether it fits into `room` in each respect.
    pub(super) fn fits(self, room: Self) -> bool {
        self.txs <= room.txs && self.gas <= room.gas && self.bytes <= room.bytes
    }

    /// Whether it leaves something of `room` in each respect.
    pub(super) fn leaves(self, room: Self) -> bool {
        self.txs < room.txs && self.gas < room.gas && self.bytes < room.bytes
    }

    /// How many of these `whole`s it fills.
    pub(super) fn fills(self, whole: Self) -> u64 {
        let ratios = self.ratios(whole).into_iter();
        let full = ratios.map(|(part, whole)| part / whole.max(1));
        full.max().unwrap_or_default()
    }

    /// How long `whole` takes if this took so long: its scarcest part decides.
    pub(super) fn scaled_up(self, took: Duration, whole: Self) -> Duration {
        let ratios = self.ratios(whole).into_iter();
        let times = ratios.filter(|(part, _)| *part > 0);
        let times = times.map(|(part, whole)| scaled(took, whole, part));
        times.min().unwrap_or_default()
    }

    /// How long this takes if `whole` takes so long.
    pub(super) fn scaled_down(self, took: Duration, whole: Self) -> Duration {
        let ratios = self.ratios(whole).into_iter();
        let times = ratios.map(|(part, whole)| scaled(took, part, whole));
        times.max().unwrap_or_default()
    }

    fn ratios(self, whole: Self) -> [(u64, u64); 3] {
        [
            (self.txs, whole.txs),
            (self.gas, whole.gas),
            (self.bytes, whole.bytes),
        ]
    }
}

fn scaled(took: Duration, times: u64, by: u64) -> Duration {
    let nanos = took.as_nanos().saturating_mul(u128::from(times)) / u128::from(by.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Bytes that a transaction of `len` bytes takes in the protobuf `Data` of a block: tag, length, content.
pub(super) fn framed_len(len: usize) -> u64 {
    let mut length_bytes = 1u64;
    let mut rest = len >> 7;
    while rest > 0 {
        length_bytes += 1;
        rest >>= 7;
    }
    (len as u64).saturating_add(1).saturating_add(length_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing_counts_tag_and_length() {
        assert_eq!(framed_len(0), 2);
        assert_eq!(framed_len(127), 129);
        assert_eq!(framed_len(128), 131);
        assert_eq!(framed_len(16_384), 16_388);
    }

    #[test]
    fn the_scarcest_part_of_a_block_says_how_much_of_its_time_is_used() {
        let block = Load {
            gas: 100,
            ..Load::MAX
        };
        let half = Load {
            txs: 5,
            gas: 50,
            bytes: 1_000,
        };
        let (second, two) = (Duration::from_secs(1), Duration::from_secs(2));
        assert_eq!(half.scaled_up(second, block), two);
        assert_eq!(half.scaled_down(two, block), second);
        assert_eq!(Load::default().scaled_down(two, block), Duration::ZERO);
        assert_eq!((half.fills(block), block.fills(half)), (0, u64::MAX / 5));
        // Of nothing nothing can be said, and nothing overflows.
        assert_eq!(Load::default().scaled_up(second, block), Duration::ZERO);
        assert!(half.scaled_up(Duration::MAX, Load::MAX) > Duration::from_secs(500 * 365 * 86_400));
    }
}
