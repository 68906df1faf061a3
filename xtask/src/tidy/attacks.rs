//! The page of attacks names a test for each attack, that of ambiguities one for each decision, and the test is there: a promise without its
//! proof is found.

use anyhow::Result;
use std::path::Path;

use crate::command::root;

/// Pages with such tables: from this heading on (from the top where there is none), with a first cell of this name at their head. The cells
/// of a row: name, what it is about, what is done, tests.
const PAGES: [(&str, &str, &str); 2] = [
    ("docs/attacks.md", "", "attack"),
    ("docs/spec/contracts.md", "## Ambiguities", "item"),
];
/// Where tests are.
const FOLDERS: [&str; 3] = ["crates", "contracts", "tests/e2e"];
const CELLS: usize = 4;

/// Every row without a test, and every test that is named and not there.
pub(super) fn broken() -> Result<Vec<String>> {
    let mut sources = String::new();
    for folder in FOLDERS {
        collect(&root().join(folder), &mut sources)?;
    }
    let mut broken = Vec::new();
    for (path, heading, head) in PAGES {
        let page = std::fs::read_to_string(root().join(path))?;
        broken.extend(missing(path, &page, heading, head, &sources));
    }
    Ok(broken)
}

fn missing(path: &str, page: &str, heading: &str, head: &str, sources: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let mut rows = 0;
    let begin = page.lines().position(|line| line.starts_with(heading));
    let lines = page.lines().enumerate().skip(begin.unwrap_or(usize::MAX));
    for (index, line) in lines {
        let Some(row) = line.strip_prefix("| ").and_then(|l| l.strip_suffix(" |")) else {
            continue;
        };
        let cells: Vec<&str> = row.split(" | ").collect();
        if cells.first() == Some(&head) {
            continue;
        }
        rows += 1;
        let place = format!("{path}:{}", index + 1);
        let names: Vec<&str> = cells.last().map_or("", |cell| cell).split('`').collect();
        if cells.len() != CELLS || names.len() < 3 {
            broken.push(format!(
                "{place}: not {CELLS} cells with a test in the last"
            ));
            continue;
        }
        for name in names.iter().skip(1).step_by(2) {
            if !is_test(name, sources) {
                broken.push(format!("{place}: no test is named {name:?}"));
            }
        }
    }
    if rows == 0 {
        broken.push(format!("{path}: no {head}"));
    }
    broken
}

/// A function of Rust that is a test, or the title of a test in JavaScript.
fn is_test(name: &str, sources: &str) -> bool {
    let function = format!("fn {name}(");
    let is_function = sources.match_indices(&function).any(|(at, _)| {
        let before = sources.get(..at).unwrap_or_default();
        let item = before.rsplit("\n\n").next().unwrap_or_default();
        item.contains("#[test]") || item.contains("#[tokio::test") || item.contains("proptest!")
    });
    is_function
        || ["\"", "`"]
            .iter()
            .any(|q| sources.contains(&format!("test({q}{name}{q}")))
}

fn collect(folder: &Path, into: &mut String) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            // What is fetched and what is built has tests of others.
            let ours = |name: &std::ffi::OsStr| name != "node_modules" && name != "target";
            if path.file_name().is_some_and(ours) {
                collect(&path, into)?;
            }
        } else if path.extension().is_some_and(|e| e == "rs" || e == "js") {
            into.push_str(&std::fs::read_to_string(&path)?);
            into.push_str("\n\n");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_an_existing_test_is_found() {
        let sources =
            "#[test]\nfn a_lie_is_noticed() {\n\nfn helper() {\n\ntest(\"it is told\", async";
        let page = |tests: &str| {
            format!("| attack | a | b | test |\n|---|---|---|---|\n| x | y | z | {tests} |")
        };
        let missing = |page: &str, heading| missing("page", page, heading, "attack", sources);
        assert!(missing(&page("`a_lie_is_noticed`, `it is told`"), "").is_empty());
        for wrong in ["`a_lie`", "`helper`", "`it is`", "none", "a | `it is told`"] {
            assert_eq!(missing(&page(wrong), "").len(), 1, "{wrong}");
        }
        assert_eq!(missing("no table", "").len(), 1);
        // What stands before the heading is another table's.
        let later = format!("{}\n\n## Later\n\n{}", page("none"), page("`it is told`"));
        assert!(missing(&later, "## Later").is_empty());
        assert_eq!(missing(&later, "## Never"), ["page: no attack"]);
    }
}
