//! Coins and lists of coins, with checked arithmetic only (wire.md 1.12.3). Amounts are u128: every supply is below the
//! largest of them, which therefore stands for all amounts of the wire that are larger: more than anybody has.
//!
//! Promises: a [`Coins`] is always valid (sorted, no duplicates, no zero amounts, well-formed denominations), also
//! when it comes out of the binary codec. Refuses: signs, leading zeros and anything else but plain decimal digits.

use crate::{
    error::{TxError, sdk},
    proto::cosmos::base::v1beta1 as pb,
};
use borsh::{BorshDeserialize, BorshSerialize};
use core::{fmt, str::FromStr};

/// Longest denomination in bytes.
pub const DENOM_LEN_MAX: usize = 128;
/// Most coins in one list; the bank never holds so many denominations, and a message may not try.
pub const COINS_LEN_MAX: usize = 1_024;

/// The largest amount of the wire: 256 bits.
const WIRE_AMOUNT_MAX: &str =
    "115792089237316195423570985008687907853269984665640564039457584007913129639935";

/// Whether a number in decimal digits, without a sign, is an amount of the wire: at most 256 bits.
#[must_use]
pub fn is_wire_amount(digits: &str) -> bool {
    let max = WIRE_AMOUNT_MAX;
    !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits.len() < max.len() || (digits.len() == max.len() && digits <= max))
}

/// Whether `denom` is well formed: `[a-zA-Z][a-zA-Z0-9/:._-]{2,127}`.
#[must_use]
pub fn denom_is_valid(denom: &str) -> bool {
    let mut bytes = denom.bytes();
    (3..=DENOM_LEN_MAX).contains(&denom.len())
        && bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric() || b"/:._-".contains(&b))
}

/// An amount of one denomination.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Coin {
    /// Denomination, `[a-zA-Z][a-zA-Z0-9/:._-]{2,127}`.
    pub denom: String,
    /// Amount in the smallest unit.
    pub amount: u128,
}

impl Coin {
    /// A coin; nothing is checked until it joins a [`Coins`].
    #[must_use]
    pub fn new(amount: u128, denom: impl Into<String>) -> Self {
        Self {
            denom: denom.into(),
            amount,
        }
    }

    /// Reads a protobuf coin: a decimal amount of at most 256 bits (zero is possible) and a well-formed denomination. An
    /// amount above u128 becomes the largest one, which nobody has.
    ///
    /// # Errors
    /// [`CoinsError`] with the coin as given.
    pub fn from_proto(coin: &pb::Coin) -> Result<Self, CoinsError> {
        let amount = wire_amount(&coin.amount);
        match amount.filter(|_| denom_is_valid(&coin.denom)) {
            Some(amount) => Ok(Self {
                denom: coin.denom.clone(),
                amount,
            }),
            None => Err(CoinsError {
                given: text_of(core::slice::from_ref(coin)),
            }),
        }
    }

    /// The protobuf form.
    #[must_use]
    pub fn to_proto(&self) -> pb::Coin {
        pb::Coin {
            denom: self.denom.clone(),
            amount: self.amount.to_string(),
        }
    }
}

impl fmt::Display for Coin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.amount, self.denom)
    }
}

impl FromStr for Coin {
    type Err = CoinsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let err = || CoinsError {
            given: text.to_owned(),
        };
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(err)?;
        let (amount, denom) = text.split_at(split);
        let amount = parse_amount(amount).ok_or_else(err)?;
        if denom_is_valid(denom) {
            Ok(Self::new(amount, denom))
        } else {
            Err(err())
        }
    }
}

/// A list of coins that is not valid; it carries the list as it was given, as text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given}: invalid coins")]
pub struct CoinsError {
    /// The offending list as text, e.g. `5uscrt,1abc`.
    pub given: String,
}

impl From<CoinsError> for TxError {
    fn from(error: CoinsError) -> Self {
        sdk::INVALID_COINS.wrap(error.given)
    }
}

/// A *valid* list of coins: sorted by denomination, no duplicates, no zero amounts, well-formed denominations.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize)]
pub struct Coins(Vec<Coin>);

impl Coins {
    /// The empty list.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Vec::new())
    }

    /// Takes a list that is valid as it stands.
    ///
    /// # Errors
    /// [`CoinsError`] if it is unsorted, holds a denomination twice, a zero amount or a malformed denomination.
    pub fn new(list: Vec<Coin>) -> Result<Self, CoinsError> {
        let sorted = list
            .iter()
            .zip(list.iter().skip(1))
            .all(|(a, b)| a.denom < b.denom);
        let sound = list.len() <= COINS_LEN_MAX
            && list
                .iter()
                .all(|c| c.amount > 0 && denom_is_valid(&c.denom));
        if sorted && sound {
            Ok(Self(list))
        } else {
            Err(CoinsError { given: join(&list) })
        }
    }

    /// Sorts, then as [`Coins::new`].
    ///
    /// # Errors
    /// As [`Coins::new`]; duplicates are refused, not merged.
    pub fn from_unsorted(mut list: Vec<Coin>) -> Result<Self, CoinsError> {
        list.sort_by(|a, b| a.denom.cmp(&b.denom));
        Self::new(list)
    }

    /// One coin; the empty list for a zero amount.
    ///
    /// # Errors
    /// [`CoinsError`] for a malformed denomination.
    pub fn one(amount: u128, denom: &str) -> Result<Self, CoinsError> {
        if amount == 0 {
            Ok(Self::empty())
        } else {
            Self::new(vec![Coin::new(amount, denom)])
        }
    }

    /// Reads a protobuf list as it stands; the empty list is valid (a fee, funds).
    ///
    /// # Errors
    /// [`CoinsError`] for zero, negative, unsorted, duplicate, malformed or oversized coins (wire.md 1.12.3); as a
    /// [`TxError`] it reads `<coins as text>: invalid coins`, sdk 10.
    pub fn from_proto_list(list: &[pb::Coin]) -> Result<Self, CoinsError> {
        let refuse = || CoinsError {
            given: text_of(list),
        };
        if list.len() > COINS_LEN_MAX {
            return Err(refuse());
        }
        let coins: Vec<Coin> = list
            .iter()
            .map(Coin::from_proto)
            .collect::<Result<_, _>>()
            .map_err(|_| refuse())?;
        Self::new(coins).map_err(|_| refuse())
    }

    /// As [`Coins::from_proto_list`], and the empty list is refused too (`: invalid coins`): what a transfer moves.
    ///
    /// # Errors
    /// As [`Coins::from_proto_list`].
    pub fn from_proto_list_nonempty(list: &[pb::Coin]) -> Result<Self, CoinsError> {
        if list.is_empty() {
            return Err(CoinsError {
                given: String::new(),
            });
        }
        Self::from_proto_list(list)
    }

    /// The protobuf form.
    #[must_use]
    pub fn to_proto_list(&self) -> Vec<pb::Coin> {
        self.0.iter().map(Coin::to_proto).collect()
    }

    /// The amount of `denom`, 0 if it is not in the list.
    #[must_use]
    pub fn amount_of(&self, denom: &str) -> u128 {
        self.0
            .binary_search_by(|c| c.denom.as_str().cmp(denom))
            .ok()
            .and_then(|i| self.0.get(i))
            .map_or(0, |c| c.amount)
    }

    /// Whether there are no coins.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many denominations.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The coins in order.
    pub fn iter(&self) -> core::slice::Iter<'_, Coin> {
        self.0.iter()
    }

    /// The coins in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Coin] {
        &self.0
    }

    /// The sum, `None` if an amount would pass u128 or the list [`COINS_LEN_MAX`].
    #[must_use]
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        self.merge(other, u128::checked_add)
    }

    /// The difference, `None` if an amount would fall below zero.
    #[must_use]
    pub fn checked_sub(&self, other: &Self) -> Option<Self> {
        self.merge(other, u128::checked_sub)
    }

    /// Whether each amount of `other` is covered by ours.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.iter().all(|c| self.amount_of(&c.denom) >= c.amount)
    }

    fn merge(&self, other: &Self, op: impl Fn(u128, u128) -> Option<u128>) -> Option<Self> {
        let mut sum = Vec::new();
        let (mut ours, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        loop {
            let order = match (ours.peek(), theirs.peek()) {
                (None, None) => break,
                (Some(_), None) => core::cmp::Ordering::Less,
                (None, Some(_)) => core::cmp::Ordering::Greater,
                (Some(a), Some(b)) => a.denom.cmp(&b.denom),
            };
            let a = if order.is_le() { ours.next() } else { None };
            let b = if order.is_ge() { theirs.next() } else { None };
            let amount = op(a.map_or(0, |c| c.amount), b.map_or(0, |c| c.amount))?;
            if let Some(coin) = a.or(b).filter(|_| amount > 0) {
                sum.push(Coin::new(amount, coin.denom.clone()));
            }
        }
        (sum.len() <= COINS_LEN_MAX).then_some(Self(sum))
    }
}

impl fmt::Display for Coins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, coin) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            fmt::Display::fmt(coin, f)?;
        }
        Ok(())
    }
}

impl FromStr for Coins {
    type Err = CoinsError;

    /// Reads `1abc,2uscrt` in any order; the empty text is the empty list.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Ok(Self::empty());
        }
        let list: Result<Vec<Coin>, _> = text.split(',').map(|part| part.trim().parse()).collect();
        Self::from_unsorted(list.map_err(|_| CoinsError {
            given: text.to_owned(),
        })?)
    }
}

impl<'a> IntoIterator for &'a Coins {
    type Item = &'a Coin;
    type IntoIter = core::slice::Iter<'a, Coin>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl IntoIterator for Coins {
    type Item = Coin;
    type IntoIter = std::vec::IntoIter<Coin>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl BorshDeserialize for Coins {
    fn deserialize_reader<R: borsh::io::Read>(r: &mut R) -> borsh::io::Result<Self> {
        let list = Vec::<Coin>::deserialize_reader(r)?;
        Self::new(list)
            .map_err(|e: CoinsError| borsh::io::Error::new(borsh::io::ErrorKind::InvalidData, e))
    }
}

/// Plain decimal digits without leading zeros, within u128.
fn parse_amount(text: &str) -> Option<u128> {
    let canonical = text == "0" || (!text.starts_with('0') && !text.is_empty());
    (canonical && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// As [`parse_amount`] within 256 bits: what is above u128 becomes the largest one.
fn wire_amount(text: &str) -> Option<u128> {
    let canonical = text == "0" || !text.starts_with('0');
    (canonical && is_wire_amount(text)).then(|| text.parse().unwrap_or(u128::MAX))
}

fn join(list: &[Coin]) -> String {
    list.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(",")
}

/// A list as given, for error texts; long lists are cut so that an error never outgrows its cause.
fn text_of(list: &[pb::Coin]) -> String {
    let shown = list
        .iter()
        .take(COINS_LEN_MAX)
        .map(|c| format!("{}{}", c.amount, c.denom));
    shown.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn given(list: &[(&str, &str)]) -> Vec<pb::Coin> {
        list.iter()
            .map(|(a, d)| pb::Coin {
                denom: (*d).into(),
                amount: (*a).into(),
            })
            .collect()
    }

    fn refused(list: &[(&str, &str)]) -> TxError {
        Coins::from_proto_list_nonempty(&given(list))
            .unwrap_err()
            .into()
    }

    #[test]
    fn invalid_lists_are_refused_with_the_text_of_the_specification() {
        for (list, text) in [
            (&[("0", "uscrt")][..], "0uscrt: invalid coins"),
            (
                &[("5", "uscrt"), ("1", "abc")],
                "5uscrt,1abc: invalid coins",
            ),
            (&[], ": invalid coins"),
            (&[("-5", "uscrt")], "-5uscrt: invalid coins"),
            (&[("1", "abc"), ("1", "abc")], "1abc,1abc: invalid coins"),
            (&[("1", "a!")], "1a!: invalid coins"),
            (&[("+1", "abc")], "+1abc: invalid coins"),
            (&[("01", "abc")], "01abc: invalid coins"),
            (&[("", "abc")], "abc: invalid coins"),
        ] {
            let e = refused(list);
            assert_eq!(
                (e.codespace.as_str(), e.code, e.text.as_str()),
                ("sdk", 10, text)
            );
        }
    }

    #[test]
    fn an_amount_of_the_wire_has_256_bits_and_what_nobody_can_have_is_the_largest() {
        let read = |amount: &str| Coins::from_proto_list(&given(&[(amount, "uscrt")]));
        let most = Coins::one(u128::MAX, "uscrt");
        for amount in [
            u128::MAX.to_string().as_str(),
            "340282366920938463463374607431768211456",
            WIRE_AMOUNT_MAX,
        ] {
            assert_eq!(read(amount), most, "{amount}");
        }
        let over = "115792089237316195423570985008687907853269984665640564039457584007913129639936";
        for amount in [over, &format!("{WIRE_AMOUNT_MAX}0")] {
            assert!(read(amount).is_err() && !is_wire_amount(amount), "{amount}");
        }
        // A coin that a person writes is not of the wire.
        assert!(
            "340282366920938463463374607431768211456uscrt"
                .parse::<Coin>()
                .is_err()
        );
    }

    #[test]
    fn a_list_beyond_the_limit_is_refused() {
        let list = |n: usize| {
            Coins::from_unsorted((0..n).map(|i| Coin::new(1, format!("d{i:06}"))).collect())
        };
        assert!(list(COINS_LEN_MAX).is_ok());
        assert!(list(COINS_LEN_MAX + 1).is_err());
        assert_eq!(
            list(COINS_LEN_MAX)
                .unwrap()
                .checked_add(&Coins::one(1, "zzz").unwrap()),
            None
        );
    }

    #[test]
    fn denominations_follow_the_pattern_at_its_edges() {
        for good in ["abc", "uscrt", "ibc/0F1E", "A:._-", &"a".repeat(128)] {
            assert!(denom_is_valid(good), "{good}");
        }
        for bad in ["", "ab", "1abc", "a b", "äbc", "abc,", &"a".repeat(129)] {
            assert!(!denom_is_valid(bad), "{bad}");
        }
    }

    #[test]
    fn text_is_read_in_any_order_and_written_sorted() {
        let coins: Coins = "2uscrt, 1abc".parse().unwrap();
        assert_eq!(coins.to_string(), "1abc,2uscrt");
        assert_eq!((coins.amount_of("uscrt"), coins.amount_of("none")), (2, 0));
        assert!("1abc,2abc".parse::<Coins>().is_err());
        assert_eq!("".parse::<Coins>().unwrap(), Coins::empty());
    }

    #[test]
    fn subtraction_below_zero_and_addition_above_the_maximum_are_refused() {
        let one = Coins::one(1, "uscrt").unwrap();
        let max = Coins::one(u128::MAX, "uscrt").unwrap();
        assert_eq!(Coins::empty().checked_sub(&one), None);
        assert_eq!(max.checked_add(&one), None);
        assert_eq!(one.checked_sub(&one), Some(Coins::empty()));
    }

    #[test]
    fn an_invalid_list_does_not_come_out_of_the_binary_codec() {
        let bytes = borsh::to_vec(&vec![Coin::new(1, "b--"), Coin::new(1, "a--")]).unwrap();
        assert!(borsh::from_slice::<Coins>(&bytes).is_err());
        assert!(
            borsh::from_slice::<Coins>(&borsh::to_vec(&vec![Coin::new(0, "abc")]).unwrap())
                .is_err()
        );
    }

    fn any_coins() -> impl Strategy<Value = Coins> {
        proptest::collection::btree_map("[a-d]{3}", 1..u128::MAX / 4, 0..6).prop_map(|m| {
            Coins::new(m.into_iter().map(|(d, a)| Coin::new(a, d)).collect()).unwrap()
        })
    }

    proptest! {
        #[test]
        fn sums_are_valid_and_subtraction_undoes_them(a in any_coins(), b in any_coins()) {
            let sum = a.checked_add(&b).unwrap();
            prop_assert_eq!(&Coins::new(sum.0.clone()).unwrap(), &sum);
            prop_assert_eq!(&b.checked_add(&a).unwrap(), &sum);
            prop_assert!(sum.covers(&a) && sum.covers(&b));
            prop_assert_eq!(sum.checked_sub(&b).unwrap(), a);
        }

        #[test]
        fn text_protobuf_and_binary_forms_return_the_same(a in any_coins()) {
            prop_assert_eq!(&a.to_string().parse::<Coins>().unwrap(), &a);
            prop_assert_eq!(&Coins::from_proto_list(&a.to_proto_list()).unwrap(), &a);
            prop_assert_eq!(&borsh::from_slice::<Coins>(&borsh::to_vec(&a).unwrap()).unwrap(), &a);
        }
    }
}
