//! Counts what passed and failed, over suites of very different kinds.

use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The result of one suite, or of one check, which counts as a suite with one test.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed, or did not run although they should have.
    pub(crate) failed: u64,
}

impl Count {
    /// One check.
    pub(crate) fn check(passed: bool) -> Self {
        Count {
            passed: u64::from(passed),
            failed: u64::from(!passed),
        }
    }

    /// Adds the results of another suite.
    pub(crate) fn add(&mut self, other: Count) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Everything that ran.
#[derive(Default)]
pub(crate) struct Report {
    lines: Vec<String>,
    total: Count,
}

impl Report {
    /// Runs a suite, and remembers its count and how long it took.
    pub(crate) fn suite(&mut self, name: &str, run: impl FnOnce() -> anyhow::Result<Count>) {
        println!("\n== {name}");
        let start = Instant::now();
        let count = run().unwrap_or_else(|error| {
            println!("{name}: {error:#}");
            Count::check(false)
        });
        let Count { passed, failed } = count;
        self.total.add(count);
        self.line(
            name,
            &format!("{passed} passed, {failed} failed"),
            start.elapsed(),
        );
    }

    /// Says that something did not run, and why. Counts as nothing.
    pub(crate) fn skipped(&mut self, name: &str, why: &str) {
        println!("\n== {name}\nskipped: {why}");
        self.line(name, &format!("skipped: {why}"), Duration::ZERO);
    }

    fn line(&mut self, name: &str, result: &str, took: Duration) {
        self.lines
            .push(format!("{name:<28} {:>6} s   {result}", took.as_secs()));
    }

    /// Prints the table and, last, the sum.
    pub(crate) fn close(self) -> ExitCode {
        println!("\n== summary");
        for line in &self.lines {
            println!("{line}");
        }
        println!("{} passed, {} failed", self.total.passed, self.total.failed);
        if self.total.failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

/// The sum of all `test result:` lines of a `cargo test` run. A run that failed without a failing test (it did not
/// compile, or a test binary died) counts as one failure.
pub(crate) fn count_cargo_test(output: &str, succeeded: bool) -> Count {
    let mut count = Count::default();
    for line in output.lines() {
        let Some(result) = line.trim().strip_prefix("test result:") else {
            continue;
        };
        count.passed += number_before(result, " passed").unwrap_or(0);
        count.failed += number_before(result, " failed").unwrap_or(0);
    }
    fail_if_silent(count, succeeded)
}

/// The numbers that Node's test runner prints at the end of a run.
pub(crate) fn count_node_test(output: &str, succeeded: bool) -> Count {
    let mut count = Count::default();
    for line in output.lines() {
        let line = line.trim_start_matches(['ℹ', '#', ' ']);
        let number = |word: &str| {
            line.strip_prefix(word)
                .and_then(|rest| rest.trim().parse::<u64>().ok())
        };
        count.passed += number("pass ").unwrap_or(0);
        count.failed += number("fail ")
            .or_else(|| number("cancelled "))
            .unwrap_or(0);
    }
    fail_if_silent(count, succeeded)
}

fn fail_if_silent(count: Count, succeeded: bool) -> Count {
    let ran_nothing = count == Count::default();
    if (!succeeded && count.failed == 0) || ran_nothing {
        return Count {
            failed: count.failed + 1,
            ..count
        };
    }
    count
}

/// The number directly before a word, as in `12 passed`.
fn number_before(text: &str, word: &str) -> Option<u64> {
    let before = &text[..text.find(word)?];
    before
        .rsplit(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_results_of_several_test_binaries_are_added() {
        let output = "running 2 tests\ntest result: ok. 2 passed; 0 failed; 0 ignored\n\
                      noise\ntest result: FAILED. 10 passed; 3 failed; 1 ignored";
        assert_eq!(
            count_cargo_test(output, false),
            Count {
                passed: 12,
                failed: 3
            }
        );
    }

    #[test]
    fn a_run_that_fails_without_a_failing_test_is_one_failure() {
        let output = "test result: ok. 2 passed; 0 failed;\nerror: could not compile";
        assert_eq!(
            count_cargo_test(output, false),
            Count {
                passed: 2,
                failed: 1
            }
        );
        assert_eq!(
            count_node_test("SyntaxError", false),
            Count {
                passed: 0,
                failed: 1
            }
        );
    }

    #[test]
    fn a_run_without_any_test_is_a_failure() {
        assert_eq!(
            count_cargo_test("", true),
            Count {
                passed: 0,
                failed: 1
            }
        );
    }

    #[test]
    fn both_styles_of_nodes_runner_are_understood() {
        let spec = "✔ works (3ms)\nℹ tests 5\nℹ pass 3\nℹ fail 1\nℹ cancelled 1\nℹ skipped 0";
        assert_eq!(
            count_node_test(spec, false),
            Count {
                passed: 3,
                failed: 2
            }
        );
        let tap = "# tests 2\n# pass 2\n# fail 0\n# cancelled 0";
        assert_eq!(
            count_node_test(tap, true),
            Count {
                passed: 2,
                failed: 0
            }
        );
    }
}
