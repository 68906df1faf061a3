//! Snapshots of a network: whole copies of it beside it, under names.
//!
//! | name | what |
//! |---|---|
//! | `snapshots/NAME` | a network as it was; whole whenever it is there |
//! | `snapshot-new` | a snapshot that is being made |
//!
//! Promises: nobody sees half a snapshot. Refuses: names that are paths.

use super::{Home, NEW};
use anyhow::{Context as _, bail, ensure};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use strongroom_store::files;

const SNAPSHOTS: &str = "snapshots";
const SNAPSHOT_NEW: &str = "snapshot-new";
const NAME_CHARACTERS_MAX: usize = 64;

impl Home {
    /// Copies the network, of which nothing runs, under a name.
    pub(crate) fn snapshot(&self, name: &str) -> anyhow::Result<()> {
        self.check_snapshot(name)?;
        let place = self.snapshot_at(name)?;
        let network = self
            .network()
            .context("localnet.none: there is no network")?;
        self.remove(SNAPSHOT_NEW)?;
        let new = self.at(SNAPSHOT_NEW);
        copy(&network, &new)?;
        fs::create_dir_all(self.at(SNAPSHOTS)).context("snapshot.write")?;
        fs::rename(&new, &place).context("snapshot.write")?;
        files::sync_directory(&self.at(SNAPSHOTS)).context("snapshot.write")
    }

    /// Refuses a name that no new snapshot can have.
    pub(crate) fn check_snapshot(&self, name: &str) -> anyhow::Result<()> {
        ensure!(
            !self.snapshot_at(name)?.exists(),
            "snapshot.exists: there is a snapshot {name} already: choose another name, or `strongroom localnet forget {name}` first"
        );
        Ok(())
    }

    /// Puts a copy of a snapshot where [`Home::install`] takes it from.
    pub(crate) fn prepare_snapshot(&self, name: &str) -> anyhow::Result<()> {
        let place = self.snapshot_at(name)?;
        ensure!(
            place.exists(),
            "snapshot.missing: there is no snapshot {name}: `strongroom localnet snapshots` lists those that there are"
        );
        self.remove(NEW)?;
        copy(&place, &self.at(NEW))
    }

    /// The names of the snapshots.
    pub(crate) fn snapshots(path: &Path) -> anyhow::Result<Vec<String>> {
        let Ok(entries) = fs::read_dir(path.join(SNAPSHOTS)) else {
            return Ok(Vec::new());
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry?.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }

    /// Removes a snapshot.
    pub(crate) fn forget_snapshot(&self, name: &str) -> anyhow::Result<()> {
        let place = self.snapshot_at(name)?;
        ensure!(
            place.exists(),
            "snapshot.missing: there is no snapshot {name}"
        );
        // First out of sight: half of it is no snapshot.
        self.remove(SNAPSHOT_NEW)?;
        fs::rename(&place, self.at(SNAPSHOT_NEW)).context("snapshot.write")?;
        self.remove(SNAPSHOT_NEW)
    }

    fn snapshot_at(&self, name: &str) -> anyhow::Result<PathBuf> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        ensure!(
            (1..=NAME_CHARACTERS_MAX).contains(&name.len()) && name.chars().all(plain),
            "snapshot.name: a snapshot has a name of 1 to {NAME_CHARACTERS_MAX} letters, digits, '-' and '_'"
        );
        Ok(self.at(SNAPSHOTS).join(name))
    }

    /// Removes what an interrupted snapshot has left.
    pub(super) fn recover_snapshots(&self) -> anyhow::Result<()> {
        self.remove(SNAPSHOT_NEW)
    }
}

/// Copies a directory, with everything that is in it, to a new one, durably.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let name = || format!("snapshot.write: {}", to.display());
    fs::create_dir(to).with_context(name)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type()? {
            kind if kind.is_dir() => copy(&source, &target)?,
            kind if kind.is_file() => {
                fs::copy(&source, &target).with_context(name)?;
                File::open(&target)?.sync_all().with_context(name)?;
            }
            _ => bail!(
                "snapshot.link: {}: neither file nor directory",
                source.display()
            ),
        }
    }
    Ok(files::sync_directory(to)?)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{home, state};
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_snapshot_is_put_back_whole_and_as_often_as_it_is_wanted() {
        let directory = tempfile::tempdir().unwrap();
        let home = home(directory.path());
        home.snapshot("before").unwrap();
        assert!(home.snapshot("before").is_err());
        for other in [1, 2] {
            fs::write(home.network().unwrap().join("data/state"), [other]).unwrap();
            fs::write(home.network().unwrap().join("later"), "").unwrap();
            home.prepare_snapshot("before").unwrap();
            home.install().unwrap();
            home.keep().unwrap();
            assert_eq!(state(&home), [7; 100_000]);
            let network = home.network().unwrap();
            assert!(network.join("data/empty").is_dir() && !network.join("later").exists());
            let mode = network
                .join("config/key")
                .metadata()
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(Home::snapshots(directory.path()).unwrap(), ["before"]);
        home.forget_snapshot("before").unwrap();
        assert!(Home::snapshots(directory.path()).unwrap().is_empty());
        assert!(home.prepare_snapshot("before").is_err());
        for name in ["", "..", "../x", "a/b", "a.b", &"x".repeat(65)] {
            let error = home.snapshot(name).unwrap_err().to_string();
            assert!(error.starts_with("snapshot.name:"), "{name:?}: {error}");
        }
    }

    #[test]
    fn what_an_interrupted_snapshot_or_revert_leaves_is_gone_at_the_next_start() {
        let directory = tempfile::tempdir().unwrap();
        let home = home(directory.path());
        home.snapshot("before").unwrap();
        fs::create_dir(home.at(SNAPSHOT_NEW)).unwrap();
        home.prepare_snapshot("before").unwrap();
        fs::write(home.network().unwrap().join("data/state"), [1]).unwrap();
        // Between the two renames of a revert.
        home.rename(super::super::NETWORK, super::super::PREVIOUS)
            .unwrap();
        drop(home);
        let home = Home::open(directory.path()).unwrap().unwrap();
        assert_eq!(state(&home), [1], "the network of before is back");
        assert!(!home.at(SNAPSHOT_NEW).exists() && !home.at(NEW).exists());
        assert_eq!(Home::snapshots(directory.path()).unwrap(), ["before"]);
    }
}
