//! The contract of the package whose tests run: built by `cargo` as it is stored on a chain, once for each test process. A test never runs
//! yesterday's wasm.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// What contracts are compiled for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The wasm of the package whose tests run, as [`of`] builds it.
#[macro_export]
macro_rules! wasm {
    () => {
        $crate::wasm::of(env!("CARGO_MANIFEST_DIR"), env!("CARGO_PKG_NAME"))
    };
}

/// Builds the contract `package` of the workspace of `directory`, in release, alone, so that the features of tests do not become its own.
///
/// # Panics
/// If `cargo` cannot be run or the contract does not build (what the compiler says stands above), and if it is no contract: a `cdylib`.
#[must_use]
pub fn of(directory: impl AsRef<Path>, package: &str) -> Arc<[u8]> {
    type Built = BTreeMap<(std::path::PathBuf, String), Arc<[u8]>>;
    static BUILT: LazyLock<Mutex<Built>> = LazyLock::new(Mutex::default);
    // A build that failed leaves nothing behind: the next test tries again, and says so too.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (directory.as_ref().to_owned(), package.to_owned());
    let wasm = built
        .entry(key)
        .or_insert_with(|| build(directory.as_ref(), package));
    Arc::clone(wasm)
}

fn build(directory: &Path, package: &str) -> Arc<[u8]> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(directory)
        .args([
            "build",
            "--release",
            "--lib",
            "--target",
            TARGET,
            "--package",
            package,
        ])
        .arg("--message-format=json-render-diagnostics")
        // What instruments the tests does not belong into a contract.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("cargo cannot be run: {error}"));
    assert!(
        output.status.success(),
        "the contract {package} does not build: see above"
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let file = text
        .lines()
        .filter_map(|line| artifact(line, package))
        .next_back();
    let file = file.unwrap_or_else(|| panic!("{package} is no contract: its Cargo.toml needs [lib] crate-type = [\"cdylib\", \"rlib\"]"));
    let wasm = std::fs::read(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    wasm.into()
}

/// The wasm file of a line that cargo tells of what it built.
fn artifact(line: &str, package: &str) -> Option<String> {
    let told: serde_json::Value = serde_json::from_str(line).ok()?;
    let name = told["target"]["name"].as_str()?;
    if told["reason"] != "compiler-artifact" || name.replace('-', "_") != package.replace('-', "_")
    {
        return None;
    }
    let files = told["filenames"].as_array()?;
    let mut files = files.iter().filter_map(|file| file.as_str());
    files
        .find(|file| file.ends_with(".wasm"))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wasm_of_the_package_is_found_among_what_was_built() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"my_jar"},"filenames":["a/my_jar.wasm","a/libmy_jar.rlib"]}"#;
        assert_eq!(artifact(line, "my-jar").as_deref(), Some("a/my_jar.wasm"));
        assert_eq!(artifact(line, "other"), None);
        assert_eq!(artifact("not json", "my-jar"), None);
        assert_eq!(
            artifact(r#"{"reason":"build-finished","success":true}"#, "my-jar"),
            None
        );
    }
}
