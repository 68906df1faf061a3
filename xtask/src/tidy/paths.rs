//! Nothing that is committed may name the machine that it was made on.

use anyhow::Result;

use crate::command::{command, read, root};

/// Every committed line that names a folder of the machine.
pub(super) fn broken() -> Result<Vec<String>> {
    // Put together here, so that this file does not break its own rule.
    let folders: Vec<String> = ["work", "root", "home"]
        .iter()
        .map(|name| format!("/{name}/"))
        .collect();
    let begins_a_path = |line: &str, at: usize| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !".*-_{}$)/".contains(c))
    };
    let mut broken = Vec::new();
    for name in read(command("git", &["ls-files"], "."))?.lines() {
        if name.ends_with(".lock") || name.ends_with("package-lock.json") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(root().join(name)) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            let names = |folder: &String| {
                line.match_indices(folder.as_str())
                    .any(|(at, _)| begins_a_path(line, at))
            };
            if folders.iter().any(names) {
                broken.push(format!(
                    "{name}:{}: names a folder of the machine",
                    number + 1
                ));
            }
        }
    }
    Ok(broken)
}
