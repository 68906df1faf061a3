//! Rules that no compiler checks. Each rule is one check; it prints every place that breaks it.

mod attacks;
mod citations;
mod documents;
mod imports;
mod lints;
mod paths;
mod profiles;
mod texts;

pub(crate) use lints::TRUSTED;

use anyhow::Result;
use serde_json::Value;

use crate::command::{cargo, read};
use crate::report::{Count, Report};

/// Runs all rules.
pub(crate) fn run(report: &mut Report) {
    rule(report, "tidy: lock files", lock_files);
    rule(report, "tidy: profiles", profiles::broken);
    rule(report, "tidy: imports", || {
        Ok(imports::broken(&metadata(".")?))
    });
    rule(report, "tidy: lints of trusted crates", lints::broken);
    rule(report, "tidy: documents", documents::broken);
    rule(report, "tidy: citations", citations::broken);
    rule(report, "tidy: attacks", attacks::broken);
    rule(report, "tidy: own texts", texts::broken);
    rule(report, "tidy: no machine's paths", paths::broken);
}

fn rule(report: &mut Report, name: &str, find: impl FnOnce() -> Result<Vec<String>>) {
    report.suite(name, || {
        let places = find()?;
        for place in &places {
            println!("{place}");
        }
        Ok(Count::check(places.is_empty()))
    });
}

/// What cargo knows of a workspace; fails if its lock file is not up to date.
fn metadata(directory: &str) -> Result<Value> {
    let text = read(cargo(
        &["metadata", "--format-version", "1", "--no-deps", "--locked"],
        directory,
    ))?;
    Ok(serde_json::from_str(&text)?)
}

fn lock_files() -> Result<Vec<String>> {
    let mut broken = Vec::new();
    for directory in [".", "contracts", "fuzz"] {
        // With dependencies this time: only then does cargo compare the lock file with the manifests.
        if let Err(error) = read(cargo(
            &["metadata", "--format-version", "1", "--locked"],
            directory,
        )) {
            broken.push(format!("{directory}: {error:#}"));
        }
    }
    Ok(broken)
}
