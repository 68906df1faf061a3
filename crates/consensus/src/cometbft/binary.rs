//! Which `cometbft` is run: found beside this project or on the PATH, and of the one version that we know.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The version of CometBFT that is run, unmodified.
pub const VERSION: &str = "0.38.25";
/// What installs it, from the root of the project.
pub const INSTALL: &str = "scripts/install-cometbft";
/// Where [`INSTALL`] puts it, below the root of the project.
const INSTALLED: &str = "tools/bin/cometbft";

/// Why there is no CometBFT to run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BinaryError {
    /// It is nowhere.
    #[error(
        "engine.cometbft_missing: no `cometbft` was found in tools/bin of the project or on the PATH: run {INSTALL}, or name one \
         with --cometbft"
    )]
    Missing,
    /// It cannot be run.
    #[error("engine.cometbft_unusable: {path} cannot be run: {error}")]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is another version.
    #[error(
        "engine.cometbft_version: {path} is version {found}, and {VERSION} is needed: run {INSTALL}, or name another with --cometbft"
    )]
    Version {
        /// Which.
        path: PathBuf,
        /// Its answer to `version`.
        found: String,
    },
}

/// The CometBFT to run: `named` if the operator named one, else the one of this project (above this executable or the
/// current directory), else the first on the PATH. Its version is asked for.
///
/// # Errors
/// [`BinaryError`] says what to do.
pub fn find(named: Option<&Path>) -> Result<PathBuf, BinaryError> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => candidates()
            .into_iter()
            .find(|path| path.is_file())
            .ok_or(BinaryError::Missing)?,
    };
    let path = std::path::absolute(&path).unwrap_or(path);
    let output = Command::new(&path).arg("version").output();
    let output = output.map_err(|error| BinaryError::Unusable {
        path: path.clone(),
        error,
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let found = text.trim().trim_start_matches('v').to_owned();
    // A build from a checkout appends its commit.
    if found.split(['+', '-']).next() == Some(VERSION) {
        Ok(path)
    } else {
        Err(BinaryError::Version { path, found })
    }
}

fn candidates() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let starts = [std::env::current_exe(), std::env::current_dir()];
    for start in starts.into_iter().flatten() {
        found.extend(start.ancestors().map(|above| above.join(INSTALLED)));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    found.extend(std::env::split_paths(&path).map(|folder| folder.join("cometbft")));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn script(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cometbft");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        (folder, path)
    }

    #[test]
    fn only_the_version_that_we_know_is_run_and_the_error_says_what_to_do() {
        let (_folder, path) = script("#!/bin/sh\necho 0.38.25\n");
        assert_eq!(find(Some(&path)).unwrap(), path);
        for other in ["0.38.24", "1.0.1", "", "0.38.255"] {
            let (_folder, path) = script(&format!("#!/bin/sh\necho {other}\n"));
            let error = find(Some(&path)).unwrap_err().to_string();
            assert!(error.contains("engine.cometbft_version"), "{error}");
            assert!(error.contains(INSTALL), "{error}");
        }
    }

    #[test]
    fn one_that_is_not_there_is_told_by_name() {
        let error = find(Some(Path::new("/nowhere/cometbft"))).unwrap_err();
        assert!(error.to_string().contains("/nowhere/cometbft"), "{error}");
    }
}
