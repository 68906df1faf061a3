//! Block time: text forms and total nanoseconds, by integer arithmetic (no clock, no floats).

use borsh::{BorshDeserialize, BorshSerialize};
use core::{fmt, str::FromStr};

/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: u32 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// 0001-01-01T00:00:00Z, the earliest time that protobuf and RFC 3339 know.
const SECONDS_MIN: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z, the latest.
const SECONDS_MAX: i64 = 253_402_300_799;

/// A point in time, UTC, as in `google.protobuf.Timestamp`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize,
)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Nanoseconds within the second, 0 to 999,999,999.
    pub nanos: u32,
}

/// A time that RFC 3339 cannot write or text that it cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time between the years 1 and 9999 in RFC 3339, UTC")]
pub struct TimeError;

impl Timestamp {
    /// A time within the years 1 to 9999.
    ///
    /// # Errors
    /// [`TimeError`] outside of them or if `nanos` is a second or more.
    pub fn new(seconds: i64, nanos: u32) -> Result<Self, TimeError> {
        let known = (SECONDS_MIN..=SECONDS_MAX).contains(&seconds) && nanos < NANOS_PER_SECOND;
        if known {
            Ok(Self { seconds, nanos })
        } else {
            Err(TimeError)
        }
    }

    /// The time this many nanoseconds after 1970.
    #[must_use]
    pub fn from_nanos_total(nanos: u64) -> Self {
        let (seconds, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
        Self {
            seconds: i64::try_from(seconds).unwrap_or(i64::MAX),
            nanos: u32::try_from(rest).unwrap_or(0),
        }
    }

    /// Nanoseconds since 1970; `None` before it or after the year 2554.
    #[must_use]
    pub fn nanos_total(&self) -> Option<u64> {
        u64::try_from(self.seconds)
            .ok()?
            .checked_mul(u64::from(NANOS_PER_SECOND))?
            .checked_add(u64::from(self.nanos))
    }

    /// Reads the protobuf form.
    ///
    /// # Errors
    /// As [`Timestamp::new`].
    pub fn from_proto(time: &crate::proto::google::protobuf::Timestamp) -> Result<Self, TimeError> {
        Self::new(
            time.seconds,
            u32::try_from(time.nanos).map_err(|_| TimeError)?,
        )
    }

    /// The protobuf form.
    #[must_use]
    pub fn to_proto(&self) -> crate::proto::google::protobuf::Timestamp {
        crate::proto::google::protobuf::Timestamp {
            seconds: self.seconds,
            nanos: i32::try_from(self.nanos).unwrap_or(0),
        }
    }

    /// RFC 3339 in whole seconds: `2024-01-02T03:04:05Z` (the time of a `tx_response`).
    #[must_use]
    pub fn to_rfc3339_seconds(&self) -> String {
        self.text("")
    }

    /// RFC 3339 with 0, 3, 6 or 9 fraction digits, as proto JSON writes it (REST).
    #[must_use]
    pub fn to_rfc3339_grouped(&self) -> String {
        let mut digits = format!("{:09}", self.nanos);
        while digits.ends_with("000") {
            digits.truncate(digits.len().saturating_sub(3));
        }
        self.text(&digits)
    }

    fn text(&self, fraction: &str) -> String {
        let (year, month, day) = date_of(self.seconds.div_euclid(SECONDS_PER_DAY));
        let second = self.seconds.rem_euclid(SECONDS_PER_DAY);
        let dot = if fraction.is_empty() { "" } else { "." };
        let (h, m, s) = (second / 3_600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}{dot}{fraction}Z")
    }
}

/// RFC 3339 with as many fraction digits as needed, trailing zeros cut: as CometBFT writes times.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:09}", self.nanos);
        f.write_str(&self.text(digits.trim_end_matches('0')))
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    /// Reads `YYYY-MM-DDThh:mm:ss[.f{1,9}]Z`; UTC only.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let body = text.strip_suffix('Z').ok_or(TimeError)?;
        let (date, clock) = body.split_once('T').ok_or(TimeError)?;
        let (clock, fraction) = clock
            .split_once('.')
            .map_or((clock, None), |(c, f)| (c, Some(f)));
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let [h, m, s] = numbers(clock, ':', [2, 2, 2])?;
        if h > 23 || m > 59 || s > 59 {
            return Err(TimeError);
        }
        let days = days_of(year, month, day).ok_or(TimeError)?;
        let within = h
            .saturating_mul(3_600)
            .saturating_add(m.saturating_mul(60))
            .saturating_add(s);
        let seconds = days
            .checked_mul(SECONDS_PER_DAY)
            .and_then(|d| d.checked_add(within))
            .ok_or(TimeError)?;
        Self::new(seconds, fraction.map_or(Ok(0), parse_fraction)?)
    }
}

fn parse_fraction(digits: &str) -> Result<u32, TimeError> {
    if !(1..=9).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(TimeError);
    }
    format!("{digits:0<9}").parse().map_err(|_| TimeError)
}

fn numbers(text: &str, separator: char, widths: [usize; 3]) -> Result<[i64; 3], TimeError> {
    let mut parts = text.split(separator);
    let mut found = [0; 3];
    for (slot, width) in found.iter_mut().zip(widths) {
        let part = parts.next().ok_or(TimeError)?;
        if part.len() != width || !part.bytes().all(|b| b.is_ascii_digit()) {
            return Err(TimeError);
        }
        *slot = part.parse().map_err(|_| TimeError)?;
    }
    if parts.next().is_some() {
        Err(TimeError)
    } else {
        Ok(found)
    }
}

/// Civil date of a day number (days since 1970-01-01), proleptic Gregorian.
fn date_of(days: i64) -> (i64, i64, i64) {
    // Count in eras of 400 years that begin on 1 March, so that the leap day is the last of its year.
    let shifted = days.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let leaps = day_of_era / 1_460;
    let centuries = day_of_era / 36_524;
    let last = day_of_era / 146_096;
    let year_of_era = day_of_era
        .saturating_sub(leaps)
        .saturating_add(centuries)
        .saturating_sub(last)
        / 365;
    let start = year_of_era
        .saturating_mul(365)
        .saturating_add(year_of_era / 4)
        .saturating_sub(year_of_era / 100);
    let day_of_year = day_of_era.saturating_sub(start);
    let month_from_march = day_of_year.saturating_mul(5).saturating_add(2) / 153;
    let month_start = month_from_march.saturating_mul(153).saturating_add(2) / 5;
    let day = day_of_year.saturating_sub(month_start).saturating_add(1);
    let (month, carry) = if month_from_march < 10 {
        (month_from_march.saturating_add(3), 0)
    } else {
        (month_from_march.saturating_sub(9), 1)
    };
    (
        era.saturating_mul(400)
            .saturating_add(year_of_era)
            .saturating_add(carry),
        month,
        day,
    )
}

/// Day number of a civil date; `None` if the date does not exist.
fn days_of(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=9_999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let shifted = if month <= 2 {
        year.checked_sub(1)?
    } else {
        year
    };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let month_from_march = month.checked_add(9)?.rem_euclid(12);
    let day_of_year = (month_from_march.checked_mul(153)?.checked_add(2)? / 5)
        .checked_add(day)?
        .checked_sub(1)?;
    let day_of_era = year_of_era
        .checked_mul(365)?
        .checked_add(year_of_era / 4)?
        .checked_sub(year_of_era / 100)?
        .checked_add(day_of_year)?;
    let days = era
        .checked_mul(146_097)?
        .checked_add(day_of_era)?
        .checked_sub(719_468)?;
    // 31 April reads as 1 May above; what does not come back is no date.
    (date_of(days) == (year, month, day)).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_times_are_written_and_read() {
        for (seconds, nanos, text) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (951_782_400, 0, "2000-02-29T00:00:00Z"),
            (1_700_000_000, 120_000_000, "2023-11-14T22:13:20.12Z"),
            (1_704_067_199, 999_999_999, "2023-12-31T23:59:59.999999999Z"),
            (SECONDS_MIN, 0, "0001-01-01T00:00:00Z"),
            (SECONDS_MAX, 1, "9999-12-31T23:59:59.000000001Z"),
        ] {
            let time = Timestamp { seconds, nanos };
            assert_eq!(time.to_string(), text);
            assert_eq!(text.parse::<Timestamp>().unwrap(), time);
        }
        let time = Timestamp {
            seconds: 1_700_000_000,
            nanos: 120_000_000,
        };
        assert_eq!(time.to_rfc3339_grouped(), "2023-11-14T22:13:20.120Z");
        assert_eq!(time.to_rfc3339_seconds(), "2023-11-14T22:13:20Z");
    }

    #[test]
    fn text_that_is_no_time_is_refused() {
        for text in [
            "",
            "Z",
            "2023-02-29T00:00:00Z",
            "2023-04-31T00:00:00Z",
            "2023-00-01T00:00:00Z",
            "2023-01-01T24:00:00Z",
            "2023-01-01T00:00:60Z",
            "2023-01-01T00:00:00",
            "2023-01-01T00:00:00+00:00",
            "2023-01-01T00:00:00.Z",
            "2023-01-01T00:00:00.0000000001Z",
            "2023-1-01T00:00:00Z",
            "+023-01-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(TimeError), "{text}");
        }
    }

    #[test]
    fn total_nanoseconds_are_checked() {
        assert_eq!(
            Timestamp {
                seconds: -1,
                nanos: 0
            }
            .nanos_total(),
            None
        );
        assert_eq!(
            Timestamp {
                seconds: SECONDS_MAX,
                nanos: 0
            }
            .nanos_total(),
            None
        );
        let time = Timestamp {
            seconds: 1_700_000_000,
            nanos: 7,
        };
        assert_eq!(time.nanos_total(), Some(1_700_000_000_000_000_007));
    }

    proptest! {
        #[test]
        fn every_time_returns_from_its_text(seconds in SECONDS_MIN..=SECONDS_MAX, nanos in 0..NANOS_PER_SECOND) {
            let time = Timestamp::new(seconds, nanos).unwrap();
            prop_assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
            prop_assert_eq!(time.to_rfc3339_grouped().parse::<Timestamp>().unwrap(), time);
            prop_assert_eq!(Timestamp::from_proto(&time.to_proto()).unwrap(), time);
        }

        #[test]
        fn total_nanoseconds_return(nanos in any::<u64>()) {
            prop_assert_eq!(Timestamp::from_nanos_total(nanos).nanos_total(), Some(nanos));
        }

        #[test]
        fn order_is_order_of_time(a in any::<u64>(), b in any::<u64>()) {
            prop_assert_eq!(Timestamp::from_nanos_total(a).cmp(&Timestamp::from_nanos_total(b)), a.cmp(&b));
        }
    }
}
