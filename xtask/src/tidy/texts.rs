//! What enters consensus is our own text. The text of a foreign crate's error changes with the crate, so an update would change
//! what clients match on, and gas where text is paid for. In the crates whose texts reach results, an error is therefore
//! only shown where its type is named and is ours.
//!
//! Refuses: a closure of `map_err` that uses an error without naming its type; a parameter or field whose type is an
//! error of another crate; an arm `Err(e) =>` that shows `e`. Lets through: what becomes a fault (it stops the node and is no
//! result), the place and class of an error in a genesis document's JSON, and test code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::command::root;

/// The crates whose texts reach results. Of a refusal by `attest` only its reason does, which is a word of ours.
const CRATES: [&str; 4] = ["types", "crypto", "vm", "chain"];

/// Files that may show foreign errors, and why.
const EXCEPTIONS: [(&str, &str); 3] = [
    (
        "crates/vm/src/engine/wasmi.rs",
        "EngineError::Broken is for developers: results say Trap::Engine",
    ),
    (
        "crates/vm/src/engine/winch/",
        "a failure of the compiled tier is a fault or goes back to the interpreter, never a result",
    ),
    (
        "crates/vm/src/engine/tiered.rs",
        "a failure of the compiled tier is a fault or goes back to the interpreter, never a result",
    ),
];

/// Where a text ends that stops the node.
const STOPS: [&str; 7] = [
    "broken(",
    "Fault::Broken(",
    "Self::Broken(",
    "GenesisError::json(",
    "GenesisError::Json {",
    "GenesisError::Fault(",
    "HostFault(",
];

pub(super) fn broken() -> Result<Vec<String>> {
    let mut files = Vec::new();
    for name in CRATES {
        collect(&root().join("crates").join(name).join("src"), &mut files)?;
    }
    let sources = files
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path)?;
            let code = without_tests(&text);
            let name = path.strip_prefix(root()).unwrap_or(&path).display();
            Ok((name.to_string(), without_comments(code)))
        })
        .collect::<Result<Vec<_>>>()?;
    let ours: BTreeSet<String> = sources
        .iter()
        .flat_map(|(_, code)| declared(code))
        .collect();
    let mut places = Vec::new();
    for (path, code) in &sources {
        if EXCEPTIONS.iter().any(|(file, _)| path.starts_with(file)) {
            continue;
        }
        for (at, why) in offences(code, &ours) {
            let line = code.get(..at).unwrap_or_default().matches('\n').count() + 1;
            places.push(format!("{path}:{line}: {why}"));
        }
    }
    Ok(places)
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if name == "tests" || name == "testing" {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(())
}

/// Unit tests stand at the end of a file, where they are not in one of their own.
fn without_tests(text: &str) -> &str {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// Comments become blanks, so that lines keep their numbers.
fn without_comments(code: &str) -> String {
    let lines = code.lines().map(|line| {
        if line.trim_start().starts_with("//") {
            ""
        } else {
            line
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The names of types that a file declares.
fn declared(code: &str) -> Vec<String> {
    ["enum ", "struct ", "type "]
        .iter()
        .flat_map(|keyword| code.split(keyword).skip(1))
        .map(|rest| word(rest).to_owned())
        .collect()
}

fn word(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn offences(code: &str, ours: &BTreeSet<String>) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("map_err(|") {
        let rest = code.get(at + "map_err(|".len()..).unwrap_or_default();
        let Some((parameter, body)) = rest.split_once('|') else {
            continue;
        };
        let body = argument(body);
        let (name, ty) = parameter.split_once(": ").unwrap_or((parameter, ""));
        let used = body.replacen(&format!("match {name} "), "", 1);
        if !mentions(&used, name) || stops(body) {
            continue;
        }
        if ty.is_empty() {
            found.push((at, format!("name the type of the error `{name}`")));
        } else if !is_ours(ty, ours) {
            found.push((
                at,
                format!("`{ty}` is not ours: no text of it may be shown"),
            ));
        }
    }
    for (at, _) in code.match_indices("map_err(ToString::to_string)") {
        found.push((at, "name the type of the error".to_owned()));
    }
    for (at, _) in code.match_indices("Error") {
        let (start, path) = path_around(code, at);
        let foreign = path.contains("::") && path.ends_with("Error") && !is_ours(path, ours);
        let before = code.get(..start).unwrap_or_default().trim_end_matches('&');
        let parameter = before.strip_suffix(": ").map(last_word);
        let parameter = parameter.or_else(|| before.ends_with("#[from] ").then_some("#[from]"));
        // A conversion may make a fault of it.
        let end = code.get(at..).and_then(|rest| rest.find("\n    }"));
        let body = end
            .and_then(|end| code.get(at..at + end))
            .unwrap_or_default();
        if foreign && parameter.is_some_and(|name| name != "_") && !stops(body) {
            found.push((at, format!("`{path}` is not ours: take it as `_`")));
        }
    }
    for (at, _) in code.match_indices("Err(") {
        let rest = code.get(at + "Err(".len()..).unwrap_or_default();
        let name = word(rest);
        let Some(arm) = rest.strip_prefix(name).and_then(|r| r.strip_prefix(") =>")) else {
            continue;
        };
        let arm = arm.split(",\n").next().unwrap_or_default();
        let shown = [format!("{{{name}}}"), format!("{name}.to_string()")];
        if shown.iter().any(|show| arm.contains(show)) && !stops(arm) {
            found.push((at, format!("`{name}` has no type here: use map_err")));
        }
    }
    found
}

/// The rest of an argument list, up to its closing parenthesis.
fn argument(text: &str) -> &str {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return text.get(..at).unwrap_or_default(),
            ')' => depth -= 1,
            _ => {}
        }
    }
    text
}

fn mentions(code: &str, name: &str) -> bool {
    name != "_"
        && code.match_indices(name).any(|(at, _)| {
            let before = code.get(..at).and_then(|t| t.chars().next_back());
            let after = code.get(at + name.len()..).and_then(|t| t.chars().next());
            let part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
            !part(before) && !part(after)
        })
}

fn stops(body: &str) -> bool {
    STOPS.iter().any(|stop| body.contains(stop))
}

fn is_ours(ty: &str, ours: &BTreeSet<String>) -> bool {
    let path = ty.trim_start_matches('&');
    let (modules, name) = path.rsplit_once("::").unwrap_or(("", path));
    let root = modules.split("::").next().unwrap_or_default();
    let near = ["", "crate", "super", "self"].contains(&root) || root.starts_with("strongroom_");
    name == "String" || near && ours.contains(word(name))
}

/// The path that `at` lies in, and where it begins.
fn path_around(code: &str, at: usize) -> (usize, &str) {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let head = code.get(..at).unwrap_or_default();
    // Not the colon of `name: path`, which a blank follows.
    let start = head.trim_end_matches(part).len();
    let rest = code.get(start..).unwrap_or_default();
    let end = rest.find(|c| !part(c)).unwrap_or(rest.len());
    (start, rest.get(..end).unwrap_or_default())
}

fn last_word(text: &str) -> &str {
    let start = text
        .rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .map_or(0, |at| at + 1);
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_to_its_tests_also_when_they_are_declared_at_its_head() {
        let head = "#[cfg(test)]\nmod tests;\nfn code() {}\n";
        assert_eq!(without_tests(head), head);
        let end = "fn code() {}\n#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(without_tests(end), "fn code() {}\n");
    }

    #[test]
    fn only_our_own_errors_may_be_shown_and_only_by_name() {
        let ours = BTreeSet::from(["AddressError".to_owned()]);
        for (code, refused) in [
            ("x.map_err(|e| e.to_string())?;", true),
            (r#"x.map_err(|e| wrap(format!("bad: {e}")))?;"#, true),
            ("x.map_err(ToString::to_string)?;", true),
            ("x.map_err(|_| wrap(TEXT))?;", false),
            ("x.map_err(|e: AddressError| wrap(e))?;", false),
            ("x.map_err(|e: serde_json::Error| wrap(e))?;", true),
            ("x.map_err(|e: prost::AddressError| wrap(e))?;", true),
            ("x.map_err(|e| broken(e).into())?;", false),
            ("x.map_err(|e| match e { A => B, C => D })?;", false),
            (
                "enum Own {\n    #[error(transparent)]\n    Json(#[from] serde_json::Error),\n}",
                true,
            ),
            (
                "enum Own {\n    #[error(transparent)]\n    Address(#[from] AddressError),\n}",
                false,
            ),
            ("let json = |e: serde_json::Error| wrap(e);", true),
            ("fn bad(_: wasmparser::BinaryReaderError) -> Own {}", false),
            ("fn bad(e: &wasmparser::BinaryReaderError) -> Own {}", true),
            (
                "match x { Ok(v) => v, Err(e) => answer(&e.to_string()),\n}",
                true,
            ),
            (
                "match x { Ok(v) => v, Err(e) => return e.answer(),\n}",
                false,
            ),
        ] {
            assert_eq!(!offences(code, &ours).is_empty(), refused, "{code}");
        }
    }
}
