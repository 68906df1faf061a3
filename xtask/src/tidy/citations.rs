//! Whoever is sent to a document finds it: every cited `NAME.md` is in the repository, and its section too.

use anyhow::Result;
use std::collections::BTreeMap;

use crate::command::{command, read, root};

/// This file cites on purpose what is not there.
const SELF: &str = "xtask/src/tidy/citations.rs";
/// Which files cite: text that we write.
const CITING: [&str; 7] = ["rs", "md", "js", "proto", "toml", "sh", "wat"];

/// Every citation of a document or section that is not there.
pub(super) fn broken() -> Result<Vec<String>> {
    let names = read(command(
        "git",
        &["ls-files", "--cached", "--others", "--exclude-standard"],
        ".",
    ))?;
    let mut texts = Vec::new();
    for name in names.lines() {
        let citing = name.rsplit('.').next().is_some_and(|e| CITING.contains(&e));
        if citing
            && name != SELF
            && let Ok(text) = std::fs::read_to_string(root().join(name))
        {
            texts.push((name.to_owned(), text));
        }
    }
    Ok(unknown(&texts))
}

fn unknown(texts: &[(String, String)]) -> Vec<String> {
    let documents: BTreeMap<&str, Vec<&str>> = texts
        .iter()
        .filter(|(name, _)| name.ends_with(".md"))
        .map(|(name, text)| (name.as_str(), headings(text)))
        .collect();
    let mut broken = Vec::new();
    for (name, text) in texts {
        for (number, line) in text.lines().enumerate() {
            for (at, _) in line.match_indices(".md") {
                let Some(path) = cited(line, at) else {
                    continue;
                };
                let place = format!("{name}:{}", number + 1);
                let found: Vec<_> = documents
                    .iter()
                    .filter(|(document, _)| is_named(document, path))
                    .collect();
                if found.is_empty() {
                    broken.push(format!("{place}: there is no {path}"));
                }
                let rest = line.get(at + 3..).unwrap_or_default();
                for section in sections(rest) {
                    if !found.is_empty() && !found.iter().any(|(_, h)| h.contains(&section)) {
                        broken.push(format!("{place}: {path} has no section {section}"));
                    }
                }
            }
        }
    }
    broken
}

/// The path before `.md` at `at`, without `./` and `../`; none for a pattern such as `*.md`.
fn cited(line: &str, at: usize) -> Option<&str> {
    let end = at + 3;
    if line
        .get(end..)?
        .starts_with(|c: char| c.is_ascii_alphanumeric())
    {
        return None;
    }
    let before = line.get(..at)?;
    let start = before
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || "._-/".contains(c)))
        .map_or(0, |i| {
            i + before
                .get(i..)
                .and_then(|r| r.chars().next())
                .map_or(1, char::len_utf8)
        });
    let path = line.get(start..end)?.trim_start_matches(['.', '/']);
    (path.len() > 3 && !line.get(..start)?.ends_with('*')).then_some(path)
}

/// Whether `path` means `document`: the whole path, or its end from a folder's name on.
fn is_named(document: &str, path: &str) -> bool {
    document
        .strip_suffix(path)
        .is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// The numbers of a document's headings: `## 1.2 Sign modes` has `1.2`.
fn headings(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .filter_map(|line| number(line.trim_start_matches('#').trim_start()))
        .collect()
}

/// The section numbers that follow a citation: ` 1.2, 3.3`, ` section 5`, ` sections 1, 4 and 6`, ` 7.4 to 7.6`.
fn sections(rest: &str) -> Vec<&str> {
    const BETWEEN: [&str; 9] = [
        "`",
        " sections",
        " section",
        ",",
        " and",
        " to",
        "–",
        "-",
        " ",
    ];
    let (mut rest, mut found) = (rest, Vec::new());
    loop {
        if let Some(section) = number(rest) {
            found.push(section);
            rest = rest.get(section.len()..).unwrap_or_default();
        } else if let Some(next) = BETWEEN.iter().find_map(|word| rest.strip_prefix(word)) {
            rest = next;
        } else {
            return found;
        }
    }
}

/// A number with dots at the start of a text, without a dot that ends a sentence; not the begin of a word.
fn number(text: &str) -> Option<&str> {
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let digits = text.get(..end)?.trim_end_matches('.');
    let word = text.get(end..)?.starts_with(|c: char| c.is_alphanumeric());
    (!digits.is_empty() && !word).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(citation: &str) -> Vec<String> {
        let document = "# Wire\n## 1. Bytes\n### 1.2 Sign modes\n## Appendix A. More\n";
        unknown(&[
            ("docs/spec/protocol/wire.md".into(), document.into()),
            ("src/lib.rs".into(), citation.into()),
        ])
    }

    #[test]
    fn a_cited_document_or_section_that_is_not_there_is_found() {
        for right in [
            "see wire.md 1.2, then",
            "(docs/spec/protocol/wire.md section 1).",
            "../protocol/wire.md sections 1 and 1.2 say 3 things",
            "`wire.md`",
            "all *.md files",
            "x.mdx",
        ] {
            assert!(of(right).is_empty(), "{right}: {:?}", of(right));
        }
        for wrong in [
            "wires.md",
            "wire.md 2",
            "wire.md 1.2, 1.3",
            "spec/wire.md",
            "`wire.md` section 7",
        ] {
            assert_eq!(of(wrong).len(), 1, "{wrong}: {:?}", of(wrong));
        }
    }
}
