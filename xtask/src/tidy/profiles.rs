//! Profiles that name a package by its version, or at all, name one that there is: cargo only warns otherwise, and what they are for goes silently.

use anyhow::{Context as _, Result};
use std::collections::BTreeSet;

use crate::command::root;

/// Packages in the profiles of each workspace that are not in its lock file.
pub(super) fn broken() -> Result<Vec<String>> {
    let mut broken = Vec::new();
    for directory in [".", "contracts", "fuzz"] {
        let read = |name: &str| {
            let path = root().join(directory).join(name);
            std::fs::read_to_string(&path).with_context(|| path.display().to_string())
        };
        let missing = missing(&read("Cargo.toml")?, &read("Cargo.lock")?);
        broken.extend(missing.into_iter().map(|spec| {
            format!("{directory}/Cargo.toml: a profile is of {spec}, which is not in Cargo.lock")
        }));
    }
    Ok(broken)
}

fn missing(manifest: &str, lock: &str) -> Vec<String> {
    let locked = locked(lock);
    let specs = manifest.lines().filter_map(spec);
    specs
        .filter(|spec| *spec != "*" && !locked.contains(*spec))
        .map(str::to_owned)
        .collect()
}

/// The package that a profile's table is of.
fn spec(line: &str) -> Option<&str> {
    let (_, rest) = line.strip_prefix("[profile.")?.split_once(".package.")?;
    let (spec, _) = rest.split_once(']')?;
    Some(spec.trim_matches('"'))
}

/// Every package as a profile may name it: `name` and `name@version`.
fn locked(lock: &str) -> BTreeSet<String> {
    let value = |line: &str, key: &str| {
        let value = line.strip_prefix(key)?.strip_prefix(" = \"")?;
        value.strip_suffix('"').map(str::to_owned)
    };
    let mut found = BTreeSet::new();
    let mut name = String::new();
    for line in lock.lines() {
        if let Some(of_package) = value(line, "name") {
            found.insert(of_package.clone());
            name = of_package;
        } else if let Some(version) = value(line, "version") {
            found.insert(format!("{name}@{version}"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_of_a_version_that_is_gone_is_told() {
        let lock = "[[package]]\nname = \"sha2\"\nversion = \"0.10.9\"\n\n[[package]]\nname = \"k256\"\nversion = \"0.13.4\"\n";
        let manifest = "[profile.dev.package.\"*\"]  # all\n[profile.release]\n[profile.release.package.k256]\n[profile.release.package.\"sha2@0.10.9\"]\n";
        assert_eq!(missing(manifest, lock), Vec::<String>::new());
        let newer = lock.replace("0.10.9", "0.10.10");
        assert_eq!(missing(manifest, &newer), ["sha2@0.10.9"]);
        let gone = lock.replace("k256", "k257");
        assert_eq!(missing(manifest, &gone), ["k256"]);
    }
}
