//! Documents that a reader looks for must be there and say something; so must the first words of each crate.

use anyhow::Result;

use crate::command::root;

const DOCUMENTS: [&str; 7] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "LICENSE",
    "docs/spec/door.md",
    "docs/spec/state.md",
    "docs/spec/gas.md",
];
/// Less than this is a heading without a text.
const BYTES_MIN: u64 = 200;

/// Every document that is missing, and every crate without a first word.
pub(super) fn broken() -> Result<Vec<String>> {
    let mut broken = Vec::new();
    for name in DOCUMENTS {
        let length = std::fs::metadata(root().join(name)).map_or(0, |file| file.len());
        if length < BYTES_MIN {
            broken.push(format!("{name} is missing or empty"));
        }
    }
    let decisions = std::fs::read_dir(root().join("docs/adr")).map_or(0, Iterator::count);
    if decisions == 0 {
        broken.push("docs/adr has no decision".to_string());
    }
    for entry in std::fs::read_dir(root().join("crates"))? {
        let folder = entry?.path().join("src");
        for name in ["lib.rs", "main.rs"] {
            let Ok(source) = std::fs::read_to_string(folder.join(name)) else {
                continue;
            };
            if !source.starts_with("//! ") {
                broken.push(format!(
                    "{}: does not begin with what it is",
                    folder.join(name).display()
                ));
            }
        }
    }
    Ok(broken)
}
