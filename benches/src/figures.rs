//! Samples and how they are shown.

use std::time::Duration;
use strongroom_testkit::watch::processor_time;

/// Measurements of one thing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    pub(crate) fn push(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    /// Measures `work` once.
    pub(crate) fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (done, took) = timed(work);
        self.push(took);
        done
    }

    /// Each sample, in the order in which they came.
    pub(crate) fn each(&self) -> impl Iterator<Item = Duration> {
        self.0.iter().copied()
    }

    /// The value in the middle; zero without samples.
    pub(crate) fn median(&self) -> Duration {
        self.at(1, 2)
    }

    /// First and third quartile.
    pub(crate) fn quartiles(&self) -> (Duration, Duration) {
        (self.at(1, 4), self.at(3, 4))
    }

    /// The value below which `part` of `of` lie.
    pub(crate) fn at(&self, part: usize, of: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let index = sorted.len().saturating_sub(1) * part / of;
        sorted.get(index).copied().unwrap_or_default()
    }
}

/// What `work` gives, and the processor time that it took: others share the machine, a clock would count them too.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begin = processor_time();
    let done = std::hint::black_box(work());
    (done, processor_time().saturating_sub(begin))
}

/// `a / b`.
pub(crate) fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// Microseconds with one digit.
pub(crate) fn us(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e6)
}

/// Milliseconds with one digit.
pub(crate) fn ms(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}

/// What was measured, its ratio to `base`, its median in microseconds, its quartiles: a row of most tables.
pub(crate) fn row(what: &str, samples: &Samples, base: Duration) -> Vec<String> {
    let (low, high) = samples.quartiles();
    vec![
        what.to_owned(),
        format!("{:.2}", ratio(samples.median(), base)),
        us(samples.median()),
        format!("{}–{}", us(low), us(high)),
    ]
}

/// Prints a heading and a table in Markdown.
pub(crate) fn table(title: &str, head: &[&str], rows: &[Vec<String>]) {
    println!("\n### {title}\n");
    println!("| {} |", head.join(" | "));
    println!("|{}", "---|".repeat(head.len()));
    for row in rows {
        println!("| {} |", row.join(" | "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_value_in_the_middle_and_quartiles_lie_around_it() {
        let samples = Samples([5, 1, 4, 2, 3].map(Duration::from_secs).to_vec());
        assert_eq!(samples.median(), Duration::from_secs(3));
        let (low, high) = samples.quartiles();
        assert_eq!((low.as_secs(), high.as_secs()), (2, 4));
        assert_eq!(Samples::default().median(), Duration::ZERO);
    }
}
