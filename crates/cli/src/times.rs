//! Times, as options name them.

use std::time::Duration;
use strongroom_consensus::BlockTiming;

/// The shortest and the longest time between blocks.
const BLOCK_TIMES: [Duration; 2] = [Duration::from_millis(1), Duration::from_secs(86_400)];

/// `instant`, or a number with its unit: `500ms`, `1.5s`, `2m`, `1h`.
pub(crate) fn block_time(text: &str) -> Result<BlockTiming, String> {
    if text == "instant" {
        return Ok(BlockTiming::Instant);
    }
    let [least, most] = BLOCK_TIMES;
    match duration(text) {
        Ok(time) if (least..=most).contains(&time) => Ok(BlockTiming::Every(time)),
        _ => Err("`instant`, or a time of 1ms to 24h such as 500ms, 1.5s, 2m or 1h".to_owned()),
    }
}

/// A number with its unit.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong =
        || "a time is a number with its unit, such as 500ms, 1.5s, 2m, 1h or 30d".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match text.get(digits.len()..) {
        Some("ms") => 1_000_000,
        Some("s") => 1_000_000_000,
        Some("m") => 60_000_000_000,
        Some("h") => 3_600_000_000_000,
        Some("d") => 86_400_000_000_000,
        _ => return Err(wrong()),
    };
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(places) || places.len() > 9 {
        return Err(wrong());
    }
    let whole = whole.parse::<u64>().ok().and_then(|n| n.checked_mul(unit));
    let scale = 10_u64.pow(u32::try_from(places.len()).unwrap_or(0));
    let part = places.parse::<u64>().unwrap_or(0);
    let part = u64::try_from(u128::from(part) * u128::from(unit) / u128::from(scale));
    let nanos = whole.and_then(|whole| whole.checked_add(part.ok()?));
    nanos.map(Duration::from_nanos).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_between_blocks_has_a_unit_and_bounds() {
        let every = |ms| Ok(BlockTiming::Every(Duration::from_millis(ms)));
        for (text, time) in [
            ("instant", Ok(BlockTiming::Instant)),
            ("1ms", every(1)),
            ("10ms", every(10)),
            ("1.5s", every(1_500)),
            ("0.25s", every(250)),
            ("1h", every(3_600_000)),
            ("24h", every(86_400_000)),
            ("1d", every(86_400_000)),
            ("500ms", every(500)),
            ("1s", every(1_000)),
            ("6s", every(6_000)),
            ("60m", every(3_600_000)),
        ] {
            assert_eq!(block_time(text), time, "{text}");
        }
        for bad in [
            "",
            "1",
            "s",
            "0.5ms",
            "25h",
            "-1s",
            "1 s",
            "1.s.",
            ".5s",
            "1.0000000001s",
            "99999999999s",
            "18446744073709551616d",
        ] {
            assert!(block_time(bad).is_err(), "{bad}");
        }
    }
}
