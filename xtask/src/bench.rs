//! `cargo xtask bench`: the benches of the repository, one after the other, and their tables in docs/benchmarks.md where the page has a
//! place for them: what stands between `<!-- measured: NAME -->` and `<!-- end -->` is what a run of that name printed.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use crate::command::{cargo, command, read, root, run, run_and_read};
use crate::report::{Count, Report};

const PAGE: &str = "docs/benchmarks.md";
const END: &str = "<!-- end -->";
/// Names, in the order in which they run: parts of the state machine, load on a localnet with each contract engine.
const NAMES: [&str; 2] = ["parts", "load"];

/// The runs that are named, or all of them. `--before PATH` is a release binary of another commit, the baseline of the loads.
pub(crate) fn bench(report: &mut Report, options: &[String]) {
    let (before, names) = match options {
        [flag, path, names @ ..] if flag == "--before" => (Some(path), names),
        names => (None, names),
    };
    for name in NAMES {
        if names.is_empty() || names.iter().any(|n| n == name) {
            report.suite(&format!("bench {name}"), || measure(name, before));
        }
    }
    report.suite("names of benches", || {
        let unknown = names.iter().find(|n| !NAMES.contains(&n.as_str()));
        ensure!(unknown.is_none(), "no bench {unknown:?}: {NAMES:?}");
        Ok(Count::check(true))
    });
}

fn measure(name: &str, before: Option<&String>) -> Result<Count> {
    let release = target()?.join("release");
    let benches = release.join("benches").to_string_lossy().into_owned();
    let build = |arguments: &[&str]| -> Result<()> {
        let built = run(cargo(
            &[&["build", "--locked", "--release"], arguments].concat(),
            ".",
        ))?;
        ensure!(built, "it does not build");
        Ok(())
    };
    let (printed, succeeded) = match name {
        "parts" => {
            build(&[])?;
            build(&["-p", "benches"])?;
            run_and_read(command(&benches, &[], "."))?
        }
        "load" => {
            build(&["--features", "winch"])?;
            build(&["-p", "benches"])?;
            let binary = release.join("strongroom").to_string_lossy().into_owned();
            let mut arguments = vec!["load", "--rounds", "2"];
            if let Some(before) = before {
                arguments.extend(["--binary", before]);
            }
            for engine in ["interpreter", "winch"] {
                arguments.extend(["--binary", &binary, "--engine", engine]);
            }
            run_and_read(command(&benches, &arguments, "."))?
        }
        other => bail!("no bench {other}"),
    };
    if succeeded {
        let page = root().join(PAGE);
        let text = std::fs::read_to_string(&page)?;
        if let Some(text) = filled(&text, name, &printed)? {
            std::fs::write(&page, text)?;
        }
    }
    Ok(Count::check(succeeded))
}

/// Where cargo builds, whoever said so.
fn target() -> Result<PathBuf> {
    let metadata = read(cargo(
        &["metadata", "--format-version", "1", "--no-deps", "--locked"],
        ".",
    ))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let target = metadata["target_directory"].as_str();
    Ok(PathBuf::from(
        target.context("cargo has no target directory")?,
    ))
}

/// The page with what was printed in the place for it; none if there is no such place.
fn filled(page: &str, name: &str, printed: &str) -> Result<Option<String>> {
    let begin = format!("<!-- measured: {name} -->\n");
    let Some((before, rest)) = page.split_once(&begin) else {
        return Ok(None);
    };
    let (_, after) = rest
        .split_once(END)
        .with_context(|| format!("{PAGE}: no end of {name}"))?;
    let tables = printed.trim();
    Ok(Some(format!("{before}{begin}\n{tables}\n\n{END}{after}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_stands_in_its_place_and_nothing_else_changes() {
        let page = "a\n<!-- measured: load -->\nold\n<!-- end -->\nb\n<!-- measured: compare -->\nother\n<!-- end -->\n";
        let new = filled(page, "load", "| new |\n\n").unwrap().unwrap();
        let wanted = page.replace("\nold\n", "\n\n| new |\n\n");
        assert_eq!(new, wanted);
        // Again, it is the same.
        assert_eq!(filled(&new, "load", "| new |").unwrap().unwrap(), wanted);
        assert_eq!(filled(page, "parts", "x").unwrap(), None);
        assert!(filled("<!-- measured: load -->\nno end", "load", "x").is_err());
    }
}
