//! The steps of `cargo xtask test`, in the order in which a mistake shows soonest.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::command::{cargo, command, read, root, run, run_and_read, works};
use crate::jumps;
use crate::report::{Count, Report, count_cargo_test, count_node_test};
use crate::tidy::{self, TRUSTED};

/// Pinned: another release may judge differently.
const CARGO_DENY: &str = "0.20.2";
const SGX_TARGET: &str = "x86_64-fortanix-unknown-sgx";
/// Libraries that a client in a browser uses.
const BROWSER: [&str; 3] = ["strongroom-types", "strongroom-crypto", "strongroom-sdk"];
/// Installs CometBFT, with Go.
const COMETBFT: &str = "scripts/install-cometbft";
/// Where the packages of the clients are.
const DIRECTORY: &str = "tests/e2e";
const CONTRACTS: [&str; 11] = [
    "counter",
    "token",
    "probe",
    "everything",
    "vault",
    "auction",
    "snip721",
    "snip1155",
    "everything_v010",
    "token_v010",
    "leaky",
];
/// Published contracts of other chains, and one with their library.
/// Ours comes last: built as what it depends on, the others have no exports, and cargo takes them for built.
const STOCK_CONTRACTS: [&str; 8] = [
    "cw1-whitelist",
    "cw20-base",
    "cw3-fixed-multisig",
    "cw4-group",
    "cw721-base@0.18.0",
    "cw721-fixed-price",
    "cw721-metadata-onchain",
    "stock",
];
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";
/// The compiler of contracts is built into what is tested, so that the engine's tests run on both of its tiers in step (ADR 21), and is
/// not in what a plain build gives: that one is the release binary, for the tests with real clients.
const COMPILED: &str = "strongroom/winch,strongroom-testkit/winch";

/// Every step.
pub(crate) fn all(report: &mut Report) {
    fmt(report);
    tidy::run(report);
    contracts(report);
    clippy(report);
    unit(report);
    doc(report);
    wasm32(report);
    sgx(report);
    build(report);
    jumps(report);
    e2e(report, &[]);
    deny(report);
}

/// Formatting of every workspace.
pub(crate) fn fmt(report: &mut Report) {
    for (name, directory, more) in [
        ("format", ".", &["--all"][..]),
        ("format of contracts", "contracts", &["--all"]),
        ("format of libFuzzer's binaries", "fuzz", &["--all"]),
        // Of itself alone: for all, cargo fetches what it depends on.
        ("format of the comparison", "benches/compare", &[]),
    ] {
        report.suite(name, || {
            let arguments = [&["fmt", "--check"], more].concat();
            Ok(Count::check(run(cargo(&arguments, directory))?))
        });
    }
}

/// Lints of both workspaces; warnings are errors.
pub(crate) fn clippy(report: &mut Report) {
    for (name, directory, features) in [
        ("clippy", ".", &["--features", COMPILED][..]),
        ("clippy of contracts", "contracts", &[]),
    ] {
        report.suite(name, || {
            let mut clippy = cargo(
                &["clippy", "--locked", "--workspace", "--all-targets"],
                directory,
            );
            clippy.args(features).args(["--", "-D", "warnings"]);
            Ok(Count::check(run(clippy)?))
        });
    }
}

/// Unit, property and integration tests of both workspaces.
pub(crate) fn unit(report: &mut Report) {
    if !works(install_cometbft()) {
        report.skipped(
            "Solo beside CometBFT",
            "CometBFT is not there and could not be installed: scripts/install-cometbft says why",
        );
    }
    for (name, directory, features) in [
        ("unit tests", ".", &["--features", COMPILED][..]),
        ("unit tests of contracts", "contracts", &[]),
    ] {
        report.suite(name, || {
            let mut test = cargo(
                &["test", "--locked", "--workspace", "--no-fail-fast"],
                directory,
            );
            test.args(features);
            let (output, succeeded) = run_and_read(test)?;
            Ok(count_cargo_test(&output, succeeded))
        });
    }
}

/// Documentation of the workspace, private items too; warnings are errors.
pub(crate) fn doc(report: &mut Report) {
    report.suite("documentation", || {
        let mut doc = cargo(
            &[
                "doc",
                "--locked",
                "--workspace",
                "--no-deps",
                "--document-private-items",
            ],
            ".",
        );
        // Those of the lints: what they have checked of other crates is not checked again.
        doc.args(["--features", COMPILED]);
        // It is for those who read the code: links to private items lead somewhere.
        doc.env(
            "RUSTDOCFLAGS",
            "-D warnings -A rustdoc::private_intra_doc_links",
        );
        Ok(Count::check(run(doc)?))
    });
}

/// The libraries of clients build for browsers.
pub(crate) fn wasm32(report: &mut Report) {
    report.suite("client libraries for browsers", || {
        ensure_wasm_target()?;
        let mut arguments = vec!["check", "--locked", "--lib", "--target", WASM_TARGET];
        for package in BROWSER {
            arguments.extend(["-p", package]);
        }
        Ok(Count::check(run(cargo(&arguments, "."))?))
    });
}

/// Coverage of the tests, as a table and as HTML in `target/llvm-cov`.
pub(crate) fn coverage(report: &mut Report) {
    const NAME: &str = "coverage";
    if !works(cargo(&["llvm-cov", "--version"], ".")) {
        return report.skipped(
            NAME,
            "cargo-llvm-cov is not installed: cargo install cargo-llvm-cov --locked && rustup component add llvm-tools",
        );
    }
    report.suite(NAME, || {
        let test = cargo(&["llvm-cov", "--locked", "--workspace", "--html"], ".");
        let table = cargo(&["llvm-cov", "report", "--summary-only"], ".");
        Ok(Count::check(run(test)? && run(table)?))
    });
}

/// Random contracts on our engine and on V8 (docs/fuzzing.md), as many as the options say. The unit tests have a few of them, and
/// the corpora of the decoders.
pub(crate) fn fuzz(report: &mut Report, options: &[String]) {
    report.suite("random contracts", || {
        let mut arguments = vec!["run", "--locked", "--release", "--quiet"];
        arguments.extend(["-p", "strongroom-fuzz-modules", "--"]);
        arguments.extend(options.iter().map(String::as_str));
        Ok(Count::check(run(cargo(&arguments, "."))?))
    });
}

/// Random blocks on the whole machine (docs/fuzzing.md), as many as the options say. The unit tests have a few of them.
pub(crate) fn fuzz_blocks(report: &mut Report, options: &[String]) {
    report.suite("random blocks", || {
        let mut arguments = vec!["run", "--locked", "--release", "--quiet"];
        arguments.extend(["-p", "strongroom-testkit", "--bin", "fuzz-blocks", "--"]);
        arguments.extend(options.iter().map(String::as_str));
        Ok(Count::check(run(cargo(&arguments, "."))?))
    });
}

/// Licences, banned crates and sources of dependencies.
pub(crate) fn deny(report: &mut Report) {
    report.suite("cargo deny", || {
        let version = read(cargo(&["deny", "--version"], ".")).unwrap_or_default();
        if version.trim() != format!("cargo-deny {CARGO_DENY}") {
            println!(
                "cargo-deny {CARGO_DENY} is not installed: building it takes some minutes, once"
            );
            // Without its default features: they serve the advisory database, which is not asked here. As a debug build: it runs for a second.
            let install = [
                "install",
                "--debug",
                "cargo-deny",
                "--version",
                CARGO_DENY,
                "--locked",
                "--no-default-features",
            ];
            anyhow::ensure!(
                run(cargo(&install, "."))?,
                "cargo-deny could not be installed"
            );
        }
        let mut count = Count::default();
        for (directory, config) in [
            (".", "deny.toml"),
            ("contracts", "../deny.toml"),
            ("contracts/stock", "../../deny.toml"),
            ("fuzz", "../deny.toml"),
        ] {
            let mut check = cargo(&["deny", "--locked", "--config", config], directory);
            // Not every workspace has all that is excepted.
            check.args(["check", "--allow", "license-exception-not-encountered"]);
            check.args(["--allow", "unused-wrapper"]);
            check.args(["bans", "licenses", "sources"]);
            count.add(Count::check(run(check)?));
        }
        Ok(count)
    });
}

/// The trusted crates check for SGX, where the nightly toolchain with rust-src is there or can be had.
pub(crate) fn sgx(report: &mut Report) {
    const NAME: &str = "check for SGX";
    let has_sources = || {
        let Ok(sysroot) = read(command(
            "rustup",
            &["run", "nightly", "rustc", "--print", "sysroot"],
            ".",
        )) else {
            return false;
        };
        PathBuf::from(sysroot.trim())
            .join("lib/rustlib/src/rust/library/std/Cargo.toml")
            .exists()
    };
    if !has_sources() {
        let install = [
            "toolchain",
            "install",
            "nightly",
            "--profile",
            "minimal",
            "--component",
            "rust-src",
        ];
        works(command("rustup", &install, "."));
    }
    if !has_sources() {
        return report.skipped(
            NAME,
            "no nightly toolchain with rust-src, and rustup could not install one",
        );
    }
    report.suite(NAME, || {
        let mut arguments = vec![
            "run",
            "nightly",
            "cargo",
            "check",
            "--locked",
            "--lib",
            "-Zbuild-std=std,panic_unwind",
        ];
        arguments.extend(["--target", SGX_TARGET, "--target-dir", "target/sgx"]);
        let packages: Vec<String> = TRUSTED
            .iter()
            .map(|name| format!("strongroom-{name}"))
            .collect();
        for package in &packages {
            arguments.extend(["-p", package]);
        }
        Ok(Count::check(run(command("rustup", &arguments, "."))?))
    });
}

/// Builds the contracts, one at a time, so that features do not unify.
pub(crate) fn contracts(report: &mut Report) {
    report.suite("build of contracts", || {
        ensure_wasm_target()?;
        let mut count = Count::default();
        for contract in CONTRACTS {
            let built = run(cargo(
                &[
                    "build",
                    "--locked",
                    "--release",
                    "--target",
                    WASM_TARGET,
                    "-p",
                    contract,
                ],
                "contracts",
            ))?;
            count.add(Count::check(built));
        }
        for contract in STOCK_CONTRACTS {
            let built = run(cargo(
                &[
                    "build",
                    "--locked",
                    "--release",
                    "--lib",
                    "--target",
                    WASM_TARGET,
                    "--target-dir",
                    "../target",
                    "-p",
                    contract,
                ],
                "contracts/stock",
            ))?;
            count.add(Count::check(built));
        }
        Ok(count)
    });
}

fn ensure_wasm_target() -> Result<()> {
    // Old releases of rustup install the toolchain of `rust-toolchain.toml` by themselves, but not its targets.
    let sysroot = read(command("rustc", &["--print", "sysroot"], "."))?;
    if PathBuf::from(sysroot.trim())
        .join("lib/rustlib")
        .join(WASM_TARGET)
        .exists()
    {
        return Ok(());
    }
    anyhow::ensure!(
        run(command("rustup", &["target", "add", WASM_TARGET], "."))?,
        "rustup could not add {WASM_TARGET}"
    );
    Ok(())
}

/// The release binary.
pub(crate) fn build(report: &mut Report) {
    report.suite("release build", || {
        Ok(Count::check(run(cargo(
            &["build", "--locked", "--release"],
            ".",
        ))?))
    });
}

/// What the compiler made of the interpreter in the release binary.
pub(crate) fn jumps(report: &mut Report) {
    const NAME: &str = "the interpreter's instructions are jumps";
    if !cfg!(target_arch = "x86_64") {
        return report.skipped(NAME, "this machine is no x86-64");
    }
    report.suite(NAME, jumps::check);
}

/// Unmodified clients against the release binary.
pub(crate) fn e2e(report: &mut Report, files: &[String]) {
    clients(report);
    report.suite("end to end", || {
        anyhow::ensure!(
            root().join("target/release/strongroom").exists(),
            "no release binary: cargo xtask build"
        );
        // Two files at a time, each with networks of its own: most of their time they wait for blocks.
        let mut arguments = vec!["--test", "--test-concurrency=2", "--test-reporter=spec"];
        // Clients leave timers of up to a minute behind, for transactions that have long been found.
        arguments.push("--test-force-exit");
        arguments.extend(files.iter().map(String::as_str));
        let (output, succeeded) = run_and_read(command("node", &arguments, DIRECTORY))?;
        Ok(count_node_test(&output, succeeded))
    });
}

/// A network whose nodes and links fail, as long as the options say.
pub(crate) fn faults(report: &mut Report, options: &[String]) {
    clients(report);
    report.suite("faults", || {
        let mut arguments = vec!["../faults/main.js"];
        arguments.extend(options.iter().map(String::as_str));
        Ok(Count::check(run(command("node", &arguments, DIRECTORY))?))
    });
}

/// What the tests in JavaScript need.
fn clients(report: &mut Report) {
    report.suite("client packages", || {
        // The clients' own install scripts patch and compile for browsers; nothing here needs them.
        Ok(Count::check(run(command(
            "npm",
            &["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            DIRECTORY,
        ))?))
    });
    report.suite("CometBFT", || Ok(Count::check(run(install_cometbft())?)));
}

fn install_cometbft() -> Command {
    command(&root().join(COMETBFT).to_string_lossy(), &[], ".")
}
