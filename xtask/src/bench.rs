//! `cargo xtask bench`: the benches of the repository, one after the other, and their tables in docs/benchmarks.md: what stands between
//! `<!-- measured: NAME -->` and `<!-- end -->` is what the last run of that name printed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::command::{cargo, command, read, root, run, run_and_read};
use crate::report::{Count, Report};
use crate::steps::WASM_TARGET;

const PAGE: &str = "docs/benchmarks.md";
const END: &str = "<!-- end -->";
/// Names in the order in which they run: the engines alone, what the program `benches` has, and last its load on a localnet.
const NAMES: [&str; 15] = [
    ENGINES,
    "transfer",
    "empty",
    "replies",
    "iteration",
    "tokens",
    "blocks",
    "holders",
    "beside",
    "start",
    "state",
    "proofs",
    "evidence",
    "network",
    LOAD,
];
const LOAD: &str = "load";
/// A workspace of its own: the contract engines beside cosmwasm-vm.
const ENGINES: &str = "engines";
const COMPARE: &str = "benches/compare/Cargo.toml";

/// From the command line.
struct Options {
    /// A release binary of another commit, the baseline of the loads.
    before: Option<String>,
    /// How often each candidate of the loads has its turn.
    rounds: String,
    /// What runs; all if nothing is named.
    names: Vec<String>,
}

impl Options {
    fn of(words: &[String]) -> Result<Self> {
        let mut options = Self {
            before: None,
            rounds: "2".to_owned(),
            names: Vec::new(),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().cloned().context("a value is missing");
            match word.as_str() {
                "--before" => options.before = Some(value()?),
                "--rounds" => options.rounds = value()?,
                name if NAMES.contains(&name) => options.names.push(name.to_owned()),
                other => bail!("no bench {other}: {}", NAMES.join(", ")),
            }
        }
        Ok(options)
    }
}

/// Runs what is named, or all.
pub(crate) fn bench(report: &mut Report, words: &[String]) {
    let options = match Options::of(words) {
        Ok(options) => options,
        Err(error) => return report.suite("bench", || Err(error)),
    };
    for name in NAMES {
        if options.names.is_empty() || options.names.iter().any(|n| n == name) {
            report.suite(&format!("bench {name}"), || measure(name, &options));
        }
    }
}

fn measure(name: &str, options: &Options) -> Result<Count> {
    let release = target()?.join("release");
    let (printed, succeeded) = run_and_read(prepared(name, options, &release)?)?;
    if !succeeded {
        return Ok(Count::check(false));
    }
    ensure!(printed.contains("\n|"), "{name} printed no table");
    let page = root().join(PAGE);
    let text = filled(&std::fs::read_to_string(&page)?, name, &printed)?;
    std::fs::write(&page, text)?;
    Ok(Count::check(true))
}

/// Builds what the bench needs, and gives the command that prints its tables.
fn prepared(name: &str, options: &Options, release: &Path) -> Result<Command> {
    let program = |name: &str| release.join(name).to_string_lossy().into_owned();
    let build = |arguments: &[&str]| {
        let built = run(cargo(
            &[&["build", "--locked", "--release"], arguments].concat(),
            ".",
        ))?;
        ensure!(built, "it does not build");
        Ok(())
    };
    match name {
        ENGINES => {
            let built = without_bulk_memory(release)?;
            let run = [
                "run",
                "--locked",
                "--release",
                "--manifest-path",
                COMPARE,
                "--",
            ];
            let mut run = cargo(&run, ".");
            run.arg(built);
            Ok(run)
        }
        LOAD => {
            build(&["--features", "winch"])?;
            build(&["-p", "benches"])?;
            let binary = program("strongroom");
            let mut arguments = vec!["load", "--rounds", &options.rounds];
            if let Some(before) = &options.before {
                arguments.extend(["--binary", before, "--as", "before"]);
            }
            for how in [
                &["--as", "interpreter"][..],
                &[
                    "--execution-threads",
                    "2",
                    "--as",
                    "interpreter, two threads",
                ],
                &["--engine", "winch", "--as", "winch"],
            ] {
                arguments.extend(["--binary", &binary]);
                arguments.extend(how);
            }
            Ok(command(&program("benches"), &arguments, "."))
        }
        // What a node does, with the node's allocator.
        "state" => {
            build(&["-p", "benches", "--features", "benches/jemalloc"])?;
            Ok(command(&program("benches"), &[name], "."))
        }
        part => {
            build(&[])?;
            build(&["-p", "benches"])?;
            Ok(command(&program("benches"), &[part], "."))
        }
    }
}

/// Builds the contract of the comparison for the first version of wasm, which the standard library has to be built for as well: cosmwasm-vm
/// refuses the operators of bulk memory that rustc emits otherwise. Gives where it is.
fn without_bulk_memory(release: &Path) -> Result<PathBuf> {
    let directory = release.with_file_name("mvp");
    let stock = "contracts/stock";
    let mut build = command("rustup", &["run", "nightly", "cargo", "build"], stock);
    build.args(["--locked", "--release", "--lib", "-p", "cw20-base"]);
    build.args(["-Zbuild-std=std,panic_abort", "--target", WASM_TARGET]);
    build.arg("--target-dir").arg(&directory);
    let flags = "-C target-cpu=mvp -C link-arg=--allow-undefined";
    build.env("RUSTFLAGS", flags);
    ensure!(
        run(build)?,
        "it does not build; it needs a nightly toolchain with rust-src"
    );
    Ok(directory.join(WASM_TARGET).join("release"))
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

/// The page with what was printed in the place for it.
fn filled(page: &str, name: &str, printed: &str) -> Result<String> {
    let begin = format!("<!-- measured: {name} -->\n");
    let (before, rest) = page
        .split_once(&begin)
        .with_context(|| format!("{PAGE} has no place for {name}"))?;
    let (_, after) = rest
        .split_once(END)
        .with_context(|| format!("{PAGE}: no end of {name}"))?;
    let tables = printed.trim();
    Ok(format!("{before}{begin}\n{tables}\n\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_stands_in_its_place_and_nothing_else_changes() {
        let page = "a\n<!-- measured: load -->\nold\n<!-- end -->\nb\n<!-- measured: compare -->\nother\n<!-- end -->\n";
        let new = filled(page, "load", "| new |\n\n").unwrap();
        let wanted = page.replace("\nold\n", "\n\n| new |\n\n");
        assert_eq!(new, wanted);
        // Again, it is the same.
        assert_eq!(filled(&new, "load", "| new |").unwrap(), wanted);
        assert!(filled(page, "state", "x").is_err());
        assert!(filled("<!-- measured: load -->\nno end", "load", "x").is_err());
    }

    #[test]
    fn the_page_has_a_place_for_every_bench_and_for_nothing_else() {
        let page = std::fs::read_to_string(root().join(PAGE)).unwrap();
        for name in NAMES {
            filled(&page, name, "x").unwrap();
        }
        assert_eq!(page.matches("<!-- measured: ").count(), NAMES.len());
        assert_eq!(page.matches(END).count(), NAMES.len());
    }

    #[test]
    fn options_are_values_and_names_of_benches() {
        let of = |words: &[&str]| {
            Options::of(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>())
        };
        let options = of(&["--before", "old", "load", "--rounds", "1"]).unwrap();
        assert_eq!(options.before.as_deref(), Some("old"));
        assert_eq!(
            (options.rounds.as_str(), options.names),
            ("1", vec!["load".to_owned()])
        );
        for wrong in [&["lode"][..], &["--rounds"], &["--after", "x"]] {
            assert!(of(wrong).is_err());
        }
    }
}
