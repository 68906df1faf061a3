//! `strongroom contract new NAME`: a project for a contract, in a directory of its own.
//!
//! Promises: nothing that is there is written over; what could not be written whole is taken away again.

use crate::output::Output;
use crate::output::say;
use anyhow::{Context as _, bail, ensure};
use clap::Args as ClapArgs;
use serde_json::json;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Characters of a name, at most: it becomes a directory, a crate and a file.
const NAME_MAX: usize = 64;
/// Names that cargo or the project itself needs for something else.
const TAKEN: [&str; 14] = [
    "test",
    "core",
    "std",
    "alloc",
    "proc_macro",
    "storage",
    "snip",
    "permit",
    "bound",
    "serde",
    "serde_json",
    "cosmwasm_std",
    "strongroom_kit",
    "build",
];
/// Words of the language.
const KEYWORDS: [&str; 40] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "type",
];
const MORE_KEYWORDS: [&str; 13] = [
    "trait", "true", "try", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while",
    "yield", "union", "raw",
];
/// Where the kit is in a checkout.
const KIT: &str = "crates/kit/Cargo.toml";

/// The files of a project. A manifest of another name, because cargo looks for manifests in whole repositories.
const FILES: [(&str, &str); 9] = [
    ("Cargo.toml", include_str!("template/manifest.toml")),
    ("README.md", include_str!("template/README.md")),
    (".gitignore", "/target\n"),
    (
        "rust-toolchain.toml",
        include_str!("../../../../rust-toolchain.toml"),
    ),
    ("src/lib.rs", include_str!("template/src/lib.rs")),
    ("src/msg.rs", include_str!("template/src/msg.rs")),
    ("src/state.rs", include_str!("template/src/state.rs")),
    (
        "tests/contract.rs",
        include_str!("template/tests/contract.rs"),
    ),
    ("tests/gas.txt", include_str!("template/tests/gas.txt")),
];

#[derive(ClapArgs)]
#[command(after_help = "Example:\n  strongroom contract new my-jar")]
pub(crate) struct Args {
    /// Name of the contract, and of the directory that is made for it.
    name: String,
    /// Where strongroom's sources are: a checkout, or the URL of a git repository [default: the checkout that this program was built in, or
    /// the one around the current directory].
    #[arg(long, value_name = "PATH|URL")]
    kit: Option<String>,
    /// Commit, branch or tag of that repository.
    #[arg(long, value_name = "REV", requires = "kit")]
    rev: Option<String>,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    check_name(&args.name)?;
    let source = match &args.kit {
        Some(named) => Source::named(named, args.rev.as_deref())?,
        None => Source::around()?,
    };
    let directory = Path::new(&args.name);
    make(directory, &args.name, &source)?;
    match args.output {
        Output::Json => say(json!({"directory": args.name, "kit": source.place()})),
        Output::Text => say(&args.name),
    }
    talk!("made: cd {} && cargo test", args.name);
    Ok(())
}

fn check_name(name: &str) -> anyhow::Result<()> {
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    let rest = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
    ensure!(
        first && rest && name.len() <= NAME_MAX,
        "contract.name: a name has 1 to {NAME_MAX} small letters, digits, - and _, and begins with a letter"
    );
    let krate = name.replace('-', "_");
    let mut taken = TAKEN.iter().chain(&KEYWORDS).chain(&MORE_KEYWORDS);
    let taken = taken.any(|word| *word == krate);
    ensure!(
        !taken,
        "contract.name: {name} means something else in a Rust project: choose another name"
    );
    Ok(())
}

/// Where strongroom's sources are.
enum Source {
    Checkout(PathBuf),
    Git { url: String, rev: Option<String> },
}

impl Source {
    fn named(named: &str, rev: Option<&str>) -> anyhow::Result<Self> {
        if named.contains("://") || named.starts_with("git@") {
            for text in [Some(named), rev].into_iter().flatten() {
                let is_plain = !text.is_empty()
                    && text
                        .bytes()
                        .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
                ensure!(
                    is_plain,
                    "contract.kit: no URL or revision of git: {text:?}"
                );
            }
            let url = named.to_owned();
            return Ok(Self::Git {
                url,
                rev: rev.map(str::to_owned),
            });
        }
        ensure!(
            rev.is_none(),
            "contract.kit: --rev is for the URL of a repository: a checkout is used as it is"
        );
        Self::checkout(Path::new(named))
    }

    fn checkout(path: &Path) -> anyhow::Result<Self> {
        ensure!(
            path.join(KIT).is_file(),
            "contract.kit: {} is no checkout of strongroom: it has no {KIT}",
            path.display()
        );
        let path = path.canonicalize().context("contract.kit")?;
        ensure!(
            path.to_str().is_some(),
            "contract.kit: {} is no text, as Cargo.toml needs it",
            path.display()
        );
        Ok(Self::Checkout(path))
    }

    /// The checkout of this program, or that around the current directory.
    fn around() -> anyhow::Result<Self> {
        let places = [std::env::current_exe(), std::env::current_dir()];
        for place in places.into_iter().flatten() {
            let place = place.canonicalize().unwrap_or(place);
            if let Some(checkout) = place.ancestors().find(|above| above.join(KIT).is_file()) {
                return Self::checkout(checkout);
            }
        }
        bail!(
            "contract.no_kit: no sources of strongroom are near: name a checkout, or the URL of its repository, with --kit"
        )
    }

    /// The dependency of a manifest on the package at `path` of the sources.
    fn dependency(&self, path: &str) -> String {
        match self {
            Self::Checkout(checkout) => {
                format!("path = {}", quoted(&checkout.join(path).to_string_lossy()))
            }
            Self::Git {
                url,
                rev: Some(rev),
            } => format!("git = {}, rev = {}", quoted(url), quoted(rev)),
            Self::Git { url, rev: None } => format!("git = {}", quoted(url)),
        }
    }

    fn place(&self) -> String {
        match self {
            Self::Checkout(path) => path.to_string_lossy().into_owned(),
            Self::Git { url, .. } => url.clone(),
        }
    }
}

/// A text of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Makes the directory, which must not be there, and the files in it.
fn make(directory: &Path, name: &str, source: &Source) -> anyhow::Result<()> {
    let shown = directory.display();
    fs::create_dir(directory).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            anyhow::anyhow!("contract.exists: {shown} is there already: choose another name")
        }
        _ => anyhow::Error::from(error).context(format!("contract.file: {shown}")),
    })?;
    let made = FILES
        .iter()
        .try_for_each(|(file, text)| write(&directory.join(file), &filled(text, name, source)));
    if made.is_err() {
        // It was not there before, so all that is in it is ours.
        let _ = fs::remove_dir_all(directory);
    }
    made
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    let name = || format!("contract.file: {}", file.display());
    if let Some(above) = file.parent() {
        fs::create_dir_all(above).with_context(name)?;
    }
    let mut open = fs::File::create_new(file).with_context(name)?;
    open.write_all(text.as_bytes()).with_context(name)
}

fn filled(text: &str, name: &str, source: &Source) -> String {
    let krate = name.replace('-', "_");
    let places = [
        ("{{name}}", name.to_owned()),
        ("{{crate}}", krate),
        ("{{kit}}", source.dependency("crates/kit")),
        ("{{storage}}", source.dependency("contracts/storage")),
        ("{{snip}}", source.dependency("contracts/snip")),
    ];
    places.iter().fold(text.to_owned(), |text, (place, value)| {
        text.replace(place, value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git() -> Source {
        Source::named("https://example.org/strongroom", Some("v1"))
            .unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn names_that_no_crate_or_directory_can_have_are_refused() {
        for good in ["a", "my-jar", "jar_2", "x9"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        let long = "a".repeat(65);
        for bad in [
            "",
            "-a",
            "9a",
            "A",
            "my jar",
            "../a",
            "a/b",
            ".",
            "ä",
            "a.b",
            "fn",
            "self",
            "test",
            "serde",
            "cosmwasm-std",
            &long,
        ] {
            let error = check_name(bad).unwrap_err().to_string();
            assert!(error.starts_with("contract.name: "), "{error}");
        }
    }

    #[test]
    fn a_project_is_made_whole_and_nothing_is_written_over() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("my-jar");
        make(&directory, "my-jar", &git()).unwrap();
        for (file, _) in FILES {
            let text = fs::read_to_string(directory.join(file)).unwrap();
            assert!(!text.contains("{{"), "{file}");
        }
        let manifest = fs::read_to_string(directory.join("Cargo.toml")).unwrap();
        assert!(
            manifest.contains(
                "strongroom-kit = { git = \"https://example.org/strongroom\", rev = \"v1\" }"
            ),
            "{manifest}"
        );
        let begun = fs::read_to_string(directory.join("tests/contract.rs")).unwrap();
        assert!(begun.contains("use my_jar::msg::"), "{begun}");
        fs::write(directory.join("README.md"), "mine").unwrap();
        let error = make(&directory, "my-jar", &git()).unwrap_err().to_string();
        assert!(error.starts_with("contract.exists: "), "{error}");
        assert_eq!(
            fs::read_to_string(directory.join("README.md")).unwrap(),
            "mine"
        );
        // A file, and a link to nowhere, are there as well.
        let file = place.path().join("file");
        fs::write(&file, "mine").unwrap();
        assert!(make(&file, "file", &git()).is_err());
        let link = place.path().join("link");
        std::os::unix::fs::symlink(place.path().join("nowhere"), &link).unwrap();
        assert!(make(&link, "link", &git()).is_err());
        assert!(!place.path().join("nowhere").exists());
    }

    #[test]
    fn what_is_no_source_of_strongroom_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().to_str().unwrap();
        for (kit, rev) in [
            (path, None),
            ("/no/such/place", None),
            ("https://a b", None),
            ("https://a\"", None),
            (path, Some("v1")),
            ("https://a", Some("")),
        ] {
            let error = Source::named(kit, rev).err().unwrap().to_string();
            assert!(error.starts_with("contract.kit: "), "{error}");
        }
        fs::create_dir_all(place.path().join("crates/kit")).unwrap();
        fs::write(place.path().join(KIT), "").unwrap();
        let source = Source::named(path, None).unwrap_or_else(|e| panic!("{e}"));
        let dependency = source.dependency("crates/kit");
        assert!(
            dependency.starts_with("path = \"/") && dependency.ends_with("crates/kit\""),
            "{dependency}"
        );
    }

    #[test]
    fn a_text_of_toml_keeps_its_quotes() {
        assert_eq!(quoted("a \"b\" \\ \u{7}"), r#""a \"b\" \\ \u0007""#);
    }
}
