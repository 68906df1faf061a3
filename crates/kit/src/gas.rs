//! What calls cost, against a file that is kept with the contract: a change that makes a call dearer, or that levels what was level, is seen.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use strongroom_types::Gas;

/// If this variable of the environment is set, the kept file is written anew.
const KEEP: &str = "STRONGROOM_KEEP_GAS";
const HEAD: &str = "# Gas of each call, the highest of the tests. Written by the test kit: STRONGROOM_KEEP_GAS=1 cargo test\n";

/// Gas by call. The network notes every call to a contract by itself: the highest of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GasReport {
    rows: BTreeMap<String, Gas>,
}

/// By how much a call may differ from what was kept: this many per cent. Another compiler changes a little; gas itself never varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance(pub u64);

impl GasReport {
    /// Notes what a call cost; of several with one name the highest counts.
    pub fn note(&mut self, name: &str, gas: Gas) {
        let row = self.rows.entry(name.to_owned()).or_default();
        *row = gas.max(*row);
    }

    /// Adds another report, e.g. of another test.
    pub fn add(&mut self, other: &Self) {
        for (name, gas) in &other.rows {
            self.note(name, *gas);
        }
    }

    /// What a call cost.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Gas> {
        self.rows.get(name).copied()
    }

    /// Compares with a kept file; with `STRONGROOM_KEEP_GAS` in the environment it writes the file instead.
    ///
    /// # Panics
    /// With a table of all differences, if a call is off by more than the tolerance, is new or is gone; if there is no such file, or none
    /// of this form.
    #[track_caller]
    pub fn assert_kept(&self, file: impl AsRef<Path>, tolerance: Tolerance) {
        let file = file.as_ref();
        if std::env::var_os(KEEP).is_some_and(|value| !value.is_empty()) {
            std::fs::write(file, self.to_string())
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            return;
        }
        let kept = std::fs::read_to_string(file).unwrap_or_else(|error| {
            panic!(
                "{}: {error}. To keep the gas of today: {KEEP}=1 cargo test",
                file.display()
            )
        });
        let kept = Self::parse(&kept).unwrap_or_else(|line| {
            panic!("{}: not a line of a gas report: {line}", file.display())
        });
        let differences = self.differences(&kept, tolerance);
        assert!(
            differences.is_empty(),
            "gas differs from {} by more than {} %:\n{differences}If that is meant: {KEEP}=1 cargo test",
            file.display(),
            tolerance.0
        );
    }

    /// A table of what differs by more than the tolerance, a line each; empty if nothing does.
    #[must_use]
    pub fn differences(&self, kept: &Self, tolerance: Tolerance) -> String {
        let mut table = String::new();
        let names: std::collections::BTreeSet<&String> =
            self.rows.keys().chain(kept.rows.keys()).collect();
        for name in names {
            let line = match (kept.get(name), self.get(name)) {
                (Some(then), Some(now)) if !tolerance.allows(then, now) => {
                    format!("{name}: {then} -> {now} ({})", change(then, now))
                }
                (Some(then), None) => format!("{name}: {then} -> not called any more"),
                (None, Some(now)) => format!("{name}: new, {now}"),
                _ => continue,
            };
            table.push_str("  ");
            table.push_str(&line);
            table.push('\n');
        }
        table
    }

    /// Reads what [`GasReport`] writes.
    ///
    /// # Errors
    /// The first line that is none of a report.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut report = Self::default();
        let lines = text.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let row = line
                .rsplit_once(' ')
                .and_then(|(name, gas)| Some((name.trim_end(), gas.parse().ok()?)));
            let (name, gas) = row.ok_or_else(|| line.to_owned())?;
            report.note(name, gas);
        }
        Ok(report)
    }
}

impl Tolerance {
    fn allows(self, then: Gas, now: Gas) -> bool {
        u128::from(then.abs_diff(now)) * 100 <= u128::from(then) * u128::from(self.0)
    }
}

/// The change in per cent with one digit behind the point.
fn change(then: Gas, now: Gas) -> String {
    let sign = if now < then { '-' } else { '+' };
    let per_mille = u128::from(then.abs_diff(now)) * 1000 / u128::from(then.max(1));
    format!("{sign}{}.{} %", per_mille / 10, per_mille % 10)
}

impl fmt::Display for GasReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        let wide = self
            .rows
            .keys()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0);
        for (name, gas) in &self.rows {
            writeln!(f, "{name:wide$} {gas:>10}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rows: &[(&str, Gas)]) -> GasReport {
        let mut report = GasReport::default();
        for (name, gas) in rows {
            report.note(name, *gas);
        }
        report
    }

    #[test]
    fn a_report_returns_from_its_text_and_keeps_the_highest() {
        let noted = report(&[
            ("a: execute put it", 7),
            ("b", 12_345_678_901),
            ("a: execute put it", 5),
        ]);
        assert_eq!(noted.get("a: execute put it"), Some(7));
        assert_eq!(GasReport::parse(&noted.to_string()), Ok(noted));
        assert_eq!(GasReport::parse("a 1\nb x"), Err("b x".to_owned()));
        assert_eq!(GasReport::parse("alone"), Err("alone".to_owned()));
    }

    #[test]
    fn what_is_off_new_or_gone_is_told_and_what_is_within_the_tolerance_is_not() {
        let kept = report(&[
            ("gone", 9),
            ("less", 1_000),
            ("more", 1_000),
            ("same", 1_000),
        ]);
        let now = report(&[("less", 979), ("more", 1_021), ("new", 5), ("same", 1_020)]);
        assert_eq!(
            now.differences(&kept, Tolerance(2)),
            "  gone: 9 -> not called any more\n  less: 1000 -> 979 (-2.1 %)\n  more: 1000 -> 1021 (+2.1 %)\n  new: new, 5\n"
        );
        assert_eq!(kept.differences(&kept, Tolerance(0)), "");
    }
}
