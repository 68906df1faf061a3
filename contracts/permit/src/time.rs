//! When permits are made and end: `YYYY-MM-DDThh:mm:ss`, a fraction of a second if there is one, `Z` (SNIP-24.1).

use cosmwasm_std::{StdError, StdResult, Timestamp};

/// A moment, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u128);

const SECOND: u128 = 1_000_000_000;
/// More seconds than a time of any client has, fewer nanoseconds than any after the first 17 minutes of 1970.
const SECONDS_MAX: u64 = 1_000_000_000_000;
/// Fewer nanoseconds than any after the first days of March 1973. Between the two are milliseconds and microseconds of our days.
const NANOSECONDS_MIN: u64 = 100_000_000_000_000_000;

impl Moment {
    /// The time of a block.
    pub(crate) fn of(time: Timestamp) -> Self {
        Self(time.nanos().into())
    }

    /// A number as clients write it: seconds, or nanoseconds (there are both).
    pub(crate) fn of_number(number: u64) -> Self {
        if number < SECONDS_MAX {
            Self(u128::from(number) * SECOND)
        } else {
            Self(number.into())
        }
    }

    /// Whether a number is one of seconds or nanoseconds: milliseconds, as `Date.now()` has them, would be taken for nanoseconds of 1970.
    pub(crate) fn is_number(number: u64) -> bool {
        !(SECONDS_MAX..NANOSECONDS_MIN).contains(&number)
    }

    /// So many seconds later.
    pub(crate) fn later(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(u128::from(seconds) * SECOND))
    }

    /// Reads the text. Only one form is taken, and only days that there are.
    pub(crate) fn parse(text: &str) -> StdResult<Self> {
        let wrong = || StdError::generic_err(format!("Not a time: {text:?}"));
        read(text).ok_or_else(wrong)
    }
}

fn read(text: &str) -> Option<Moment> {
    let (whole, fraction) = match text.strip_suffix('Z')?.split_once('.') {
        Some((whole, digits)) => (whole, fraction(digits)?),
        None => (text.strip_suffix('Z')?, 0),
    };
    let (date, time) = whole.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = ((days(year, month, day)? * 24 + hour) * 60 + minute) * 60 + second;
    Some(Moment(u128::from(seconds) * SECOND + fraction))
}

/// Numbers of so many digits each.
fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[u64; N]> {
    let mut parts = text.split(between);
    let mut read = [0; N];
    for (number, digits) in read.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(read)
}

/// Digits behind the point, in nanoseconds.
fn fraction(digits: &str) -> Option<u128> {
    let is_short = (1..=9).contains(&digits.len());
    if !is_short || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{digits:0<9}").parse().ok()
}

/// Days since 1970 began.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let of_month = |at: usize| lengths[at] + u64::from(at == 1 && is_leap(year));
    let at = usize::try_from(month).ok()?.checked_sub(1)?;
    if year < 1970 || at > 11 || !(1..=of_month(at)).contains(&day) {
        return None;
    }
    // Leap days of the years before.
    let leaps = |year: u64| year / 4 - year / 100 + year / 400;
    let of_years = (year - 1970) * 365 + leaps(year - 1) - leaps(1969);
    Some(of_years + (0..at).map(of_month).sum::<u64>() + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_nanosecond() {
        for (text, seconds, nanos) in [
            ("1970-01-01T00:00:00Z", 0, 0),
            ("1970-01-01T00:00:01.5Z", 1, 500_000_000),
            ("2000-02-29T12:00:00.000Z", 951_825_600, 0),
            ("2023-11-14T22:13:20.000Z", 1_700_000_000, 0),
            ("2024-12-31T23:59:59.999Z", 1_735_689_599, 999_000_000),
            ("2100-03-01T00:00:00Z", 4_107_542_400, 0),
            ("9999-12-31T23:59:59.000000001Z", 253_402_300_799, 1),
        ] {
            let moment = Moment(seconds * SECOND + nanos);
            assert_eq!(Moment::parse(text).unwrap(), moment, "{text}");
        }
        let block = Timestamp::from_nanos(1_700_000_000_000_000_000);
        for number in [1_700_000_000, 1_700_000_000_000_000_000] {
            assert_eq!(Moment::of_number(number), Moment::of(block));
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "Z",
            "1700000000",
            "2023-11-14",
            "2023-11-14T22:13:20",
            "2023-11-14 22:13:20Z",
            "2023-11-14T22:13:20.Z",
            "2023-11-14T22:13:20.1234567890Z",
            "2023-11-14T22:13:20+01:00",
            "2023-11-14T22:13:20ZZ",
            "2023-11-14T24:00:00Z",
            "2023-11-14T22:60:00Z",
            "2023-11-14T22:13:60Z",
            "2023-11-14T22:13:20:00Z",
            "2023-00-14T22:13:20Z",
            "2023-13-14T22:13:20Z",
            "2023-02-29T22:13:20Z",
            "2100-02-29T22:13:20Z",
            "2023-11-31T22:13:20Z",
            "2023-11-00T22:13:20Z",
            "1969-12-31T23:59:59Z",
            "+023-11-14T22:13:20Z",
            "2023-1-14T22:13:20Z",
            "２０２３-11-14T22:13:20Z",
        ] {
            assert!(Moment::parse(text).is_err(), "{text}");
        }
    }
}
