//! Where a contract panicked. The library's panic hook hands message and place to the chain (`abort`), sealed for the sender; the
//! function is found in the source, where that is on this machine.

use crate::outcome::plain;
use crate::source;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// The longest source that is read: a contract names the file, and may name any.
const SOURCE_BYTES_MAX: u64 = 1 << 20;

/// A panic of a contract. Contracts tell of theirs with the feature `abort` of their library; what is told has the file as the compiler
/// saw it, so a panic in a library shows the library's own place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    /// What it said.
    pub message: String,
    /// The file, relative to the package or workspace for the contract's own.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// The function around that line, if the source is on this machine.
    pub function: Option<String>,
}

impl Panic {
    /// Reads `… panicked at FILE:LINE:COLUMN:` and the message on the lines below.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once("panicked at ")?;
        let (place, message) = rest.split_once(":\n").unwrap_or((rest, ""));
        let mut parts = place.trim_end_matches(':').rsplitn(3, ':');
        let column = parts.next()?.parse().ok()?;
        let line = parts.next()?.parse().ok()?;
        let file = parts.next()?.to_owned();
        let source = find(&file).and_then(|path| read(&path));
        Some(Self {
            message: message.to_owned(),
            line,
            column,
            function: source.and_then(|source| source::function_at(&source, line)),
            file,
        })
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            message,
            file,
            line,
            column,
            function,
        } = self;
        let (message, file) = (plain(message), plain(file));
        write!(
            f,
            "  the contract panicked: {message}\n    at {file}:{line}:{column}"
        )?;
        match function {
            Some(name) => write!(f, " in fn {name}"),
            None => Ok(()),
        }
    }
}

/// The file: below the directory of the test or one above it, where its workspace is. A contract names it, so what is no plain path to a
/// Rust file is not looked for.
fn find(file: &str) -> Option<PathBuf> {
    let path = Path::new(file);
    let names = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if !names || path.extension()? != "rs" {
        return None;
    }
    let here = std::env::current_dir().ok()?;
    let all = here.ancestors().map(|directory| directory.join(path));
    all.into_iter().find(|path| path.is_file())
}

/// The text of a source, if it is not too long.
fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = File::open(path).ok()?;
    let read = file
        .take(SOURCE_BYTES_MAX.saturating_add(1))
        .read_to_string(&mut text);
    let bytes = u64::try_from(read.ok()?).ok()?;
    (bytes <= SOURCE_BYTES_MAX).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_read_with_its_place_and_the_function_around_it() {
        let text = format!(
            "the contract panicked: panicked at src/panic.rs:{}:9:\nno\nway",
            line!()
        );
        let panic = Panic::read(&text).unwrap();
        let name = "a_panic_is_read_with_its_place_and_the_function_around_it";
        assert_eq!(
            (panic.message.as_str(), panic.function.as_deref()),
            ("no\nway", Some(name))
        );
        assert_eq!(panic.column, 9);
    }

    #[test]
    fn a_contract_names_no_file_outside_of_the_sources_and_none_without_end() {
        let here = std::env::current_dir().unwrap();
        let absolute = here.join("src/panic.rs");
        let name = here.file_name().unwrap().to_str().unwrap();
        for file in [
            absolute.to_str().unwrap().to_owned(),
            format!("../{name}/src/panic.rs"),
            String::from("src/../src/panic.rs"),
            String::from("./src/panic.rs"),
            String::from("Cargo.toml"),
            String::from("src"),
            String::new(),
        ] {
            assert_eq!(find(&file), None, "{file}");
        }
        assert_eq!(find("src/panic.rs"), Some(absolute));

        let long = std::env::temp_dir().join(format!("strongroom-kit-{}.rs", std::process::id()));
        std::fs::write(&long, "fn a() {}\n").unwrap();
        assert_eq!(read(&long).as_deref(), Some("fn a() {}\n"));
        let file = std::fs::File::create(&long).unwrap();
        file.set_len(SOURCE_BYTES_MAX + 1).unwrap();
        let read = read(&long);
        std::fs::remove_file(&long).unwrap();
        assert_eq!(read, None);
    }

    #[test]
    fn what_a_contract_says_moves_no_cursor() {
        let text = "panicked at src/\u{1b}[2Jno.rs:1:2:\nover\r\u{9b}2K\u{202e}\nand out";
        let panic = Panic::read(text).unwrap();
        assert_eq!(panic.message, "over\r\u{9b}2K\u{202e}\nand out");
        assert_eq!(
            panic.to_string(),
            "  the contract panicked: over\u{fffd}\u{fffd}2K\u{fffd}\n    and out\n    at src/\u{fffd}[2Jno.rs:1:2"
        );
    }

    #[test]
    fn what_names_no_place_is_no_panic_and_a_file_that_is_not_here_has_no_function() {
        for text in [
            "",
            "nothing",
            "panicked at once",
            "panicked at a:b:c:\nx",
            "panicked at :1",
        ] {
            assert_eq!(Panic::read(text), None, "{text}");
        }
        let far = Panic::read("panicked at C:/not/here.rs:1:2:\nx").unwrap();
        assert_eq!(
            (far.file.as_str(), far.line, far.function),
            ("C:/not/here.rs", 1, None)
        );
    }
}
