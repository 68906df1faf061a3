//! `cargo xtask golden`: records again what real CometBFT says (testdata/cometbft-v0.38). Needs Go; not part of
//! `cargo xtask test`: a recording takes minutes and real time.

use anyhow::Result;

use crate::command::{command, root, run, works};
use crate::report::{Count, Report};

/// The recorder, a Go module: protobuf, hashes and verdicts come from CometBFT's own types.
const RECORDER: &str = "tools/golden";
/// The version is that of the recorder's go.mod.
const COMETBFT: &str = "github.com/cometbft/cometbft/cmd/cometbft";
const CHAINS: [&str; 2] = ["single", "four"];

/// What is done with a recording after it was made.
enum Then {
    Keep,
    Check,
    Write,
}

/// Records the named chains (all without a name) and then checks or writes the recording.
pub(crate) fn golden(report: &mut Report, arguments: &[String]) {
    report.suite("golden recordings", || {
        let mut then = Then::Keep;
        let mut chains = Vec::new();
        for argument in arguments {
            match argument.as_str() {
                "--check" => then = Then::Check,
                "--write" => then = Then::Write,
                name if CHAINS.contains(&name) => chains.push(name),
                other => anyhow::bail!("{other}: say --check or --write, and which of {CHAINS:?}"),
            }
        }
        if chains.is_empty() {
            chains.extend(CHAINS);
        }
        record(&then, &chains)
    });
}

fn record(then: &Then, chains: &[&str]) -> Result<Count> {
    anyhow::ensure!(
        works(command("go", &["version"], RECORDER)),
        "Go is not installed: the recorder uses CometBFT's own types. Install Go 1.24 or newer (https://go.dev/dl)"
    );
    let out = root().join("target/golden");
    let path = |name: &str| out.join(name).to_string_lossy().into_owned();
    let (recorder, comet) = (path("bin/golden"), path("bin/cometbft"));
    for arguments in [
        &["test", "./..."][..],
        &["build", "-o", &comet, COMETBFT],
        &["build", "-o", &recorder, "."],
    ] {
        anyhow::ensure!(
            run(command("go", arguments, RECORDER))?,
            "go {} failed",
            arguments[0]
        );
    }
    let mut count = Count::default();
    for chain in chains {
        let step = |name: &str| {
            let arguments = [
                name,
                "-chain",
                chain,
                "-out",
                &path(""),
                "-cometbft",
                &comet,
            ];
            run(command(&recorder, &arguments, RECORDER))
        };
        let recorded = step("record")?;
        let done = recorded
            && match then {
                Then::Keep => true,
                Then::Check => step("check")?,
                Then::Write => step("write")?,
            };
        count.add(Count::check(done));
    }
    Ok(count)
}
