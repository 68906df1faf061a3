//! When the same request may succeed, as headers say it.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

/// The time to the millisecond; HTTP's own header knows whole seconds only.
pub const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");
/// The longest that anybody is told to wait.
const LONGEST: Duration = Duration::from_secs(60);

/// Says that the same request may succeed after `again`, which is a minute at most: in whole seconds, one at least, and to the millisecond, both rounded up.
pub fn after(again: Duration, answer: &mut HeaderMap) {
    let again = again.min(LONGEST);
    let seconds = again
        .as_secs()
        .saturating_add(u64::from(again.subsec_nanos() > 0));
    let millis = u64::try_from(millis(again)).unwrap_or(u64::MAX);
    answer.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    answer.insert(RETRY_AFTER_MS, HeaderValue::from(millis));
}

/// Whole milliseconds, rounded up: whoever waits so long has waited long enough.
#[must_use]
pub const fn millis(again: Duration) -> u128 {
    again.as_nanos().div_ceil(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_whole_seconds_and_in_milliseconds() {
        for (again, seconds, millis) in [
            (Duration::ZERO, "1", "0"),
            (Duration::from_micros(145_900), "1", "146"),
            (Duration::from_millis(1_000), "1", "1000"),
            (Duration::from_millis(1_001), "2", "1001"),
            (Duration::MAX, "60", "60000"),
        ] {
            let mut headers = HeaderMap::new();
            after(again, &mut headers);
            assert_eq!(headers["retry-after"], seconds);
            assert_eq!(headers["retry-after-ms"], millis);
        }
    }
}
