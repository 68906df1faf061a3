//! Words that do not belong into trusted rooms: they are clocks, floats, unordered maps, operating system, or unsafe.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::source::{code_only, lines_with, without_tests};
use crate::command::root;

const TRUSTED: [&str; 8] = [
    "types", "crypto", "proof", "attest", "vm", "chain", "bridge", "enclave",
];

const FORBIDDEN: [(&str, &str); 16] = [
    ("HashMap", "its order differs from run to run"),
    ("HashSet", "its order differs from run to run"),
    ("SystemTime", "the clock is the block's"),
    ("Instant", "the clock is the block's"),
    ("f32", "floats differ between machines"),
    ("f64", "floats differ between machines"),
    ("unsafe", "trusted code is safe code"),
    ("std::fs", "files come through the platform"),
    ("std::net", "the door is the only way out"),
    ("std::env", "the environment is the host's"),
    ("tokio", "trusted code does not wait for the host"),
    ("getrandom", "randomness comes through the platform"),
    ("OsRng", "randomness comes through the platform"),
    ("thread_rng", "randomness comes through the platform"),
    ("todo", "nothing is left open"),
    ("unimplemented", "nothing is left open"),
];

/// Where a forbidden word is right: file, word, why.
const EXCEPTIONS: [(&str, &str, &str); 4] = [
    (
        "crates/enclave/src/platform.rs",
        "getrandom",
        "the simulated platform is where randomness comes in",
    ),
    (
        "crates/enclave/src/process.rs",
        "std::env",
        "checks that the environment was cleared",
    ),
    (
        "crates/enclave/src/sandbox.rs",
        "std::env",
        "names the processor's architecture, a constant",
    ),
    (
        "crates/bridge/src/link.rs",
        "std::net",
        "only for the word Shutdown of a local socket",
    ),
];

/// Every forbidden word in code that ships, and every exception that is needed no longer.
pub(super) fn broken() -> Result<Vec<String>> {
    let mut broken = Vec::new();
    let mut used = BTreeSet::new();
    for room in TRUSTED {
        let folder = root().join("crates").join(room).join("src");
        for (file, code) in shipped_files(&folder)? {
            let name = file
                .strip_prefix(root())
                .unwrap_or(&file)
                .display()
                .to_string();
            for (word, why) in FORBIDDEN {
                let lines = lines_with(&code, word);
                if lines.is_empty() {
                    continue;
                }
                if let Some(at) = EXCEPTIONS
                    .iter()
                    .position(|(file, known, _)| *file == name && *known == word)
                {
                    used.insert(at);
                    continue;
                }
                broken.extend(
                    lines
                        .iter()
                        .map(|line| format!("{name}:{line}: {word}: {why}")),
                );
            }
        }
        if !lint_block_stands(&folder)? {
            broken.push(format!(
                "crates/{room}/src/lib.rs: the lint block of trusted rooms is missing"
            ));
        }
    }
    for (at, (file, word, _)) in EXCEPTIONS.iter().enumerate() {
        if !used.contains(&at) {
            broken.push(format!(
                "{file}: the exception for {word} is needed no longer"
            ));
        }
    }
    Ok(broken)
}

fn lint_block_stands(folder: &Path) -> Result<bool> {
    let source = std::fs::read_to_string(folder.join("lib.rs"))?;
    let lints = [
        "unwrap_used",
        "expect_used",
        "arithmetic_side_effects",
        "indexing_slicing",
        "float_arithmetic",
    ];
    Ok(lints
        .iter()
        .all(|lint| source.contains(&format!("clippy::{lint}"))))
}

/// Files of a crate and the code in them that ships: without tests, and without modules that are for tests only.
fn shipped_files(folder: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut files = BTreeMap::new();
    let mut tests = BTreeSet::new();
    for file in rust_files(folder)? {
        let source = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let shipped = without_tests(&code_only(&source));
        let children = children_of(&file);
        for module in shipped.test_modules {
            tests.insert(children.join(format!("{module}.rs")));
            tests.insert(children.join(module));
        }
        files.insert(file, shipped.code);
    }
    files.retain(|file, _| !file.ancestors().any(|path| tests.contains(path)));
    Ok(files)
}

/// The folder in which a file's submodules lie.
fn children_of(file: &Path) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    if ["mod", "lib", "main"].contains(&stem.as_ref()) {
        return file.parent().unwrap_or(file).to_path_buf();
    }
    file.with_extension("")
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}
