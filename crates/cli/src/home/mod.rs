//! The directory of a network: who uses it, and how a new network takes the place of an old one.
//!
//! | name | what |
//! |---|---|
//! | `strongroom-home` | marks the directory as ours: nothing else is ever removed |
//! | `lock` | held by the process that uses the directory |
//! | `network` | the network; whole whenever it is there |
//! | `new` | a network that is being made |
//! | `previous` | the network that a reset put away, until the new one has its first block |
//! | `discarded` | what is being removed |
//! | `snapshots`, `snapshot-new` | copies of the network ([`snapshots`]) |
//! | `admin` | the socket of a network that runs (`localnet::admin`) |
//!
//! Promises: each step is one rename, so a process that ends between any two leaves a directory that [`Home`] brings
//! back to one network: the new one if it had its first block, else the old one. Nothing is changed before the lock is
//! held.
//! Refuses: directories that are not ours.

mod dump;
mod snapshots;

use anyhow::{Context as _, bail, ensure};
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use strongroom_store::files::{self, Readers};

const MARKER: &str = "strongroom-home";
const LOCK: &str = "lock";
const NETWORK: &str = "network";
const NEW: &str = "new";
const PREVIOUS: &str = "previous";
const DISCARDED: &str = "discarded";
/// Directory of the socket of a network that runs.
pub(crate) const ADMIN: &str = "admin";
/// Content of the marker: the format of the directory.
const FORMAT: &str = "6\n";
/// A process that was just stopped may need this long until the system has taken its lock away.
const LOCK_WAIT: Duration = Duration::from_secs(1);
const LOCK_RETRY: Duration = Duration::from_millis(10);

/// A directory of ours, locked, with at most one network.
pub(crate) struct Home {
    path: PathBuf,
    _lock: File,
}

impl Home {
    /// Locks a directory that is ours, and ends what was interrupted there. `None`: it is empty, or not there.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Option<Self>> {
        if !Self::is_ours(path)? {
            return Ok(None);
        }
        let home = Self {
            path: path.to_owned(),
            _lock: lock(path)?,
        };
        home.recover()?;
        // Whoever listened there is gone: this process has the lock.
        home.remove(ADMIN)?;
        Ok(Some(home))
    }

    /// Whether a directory is ours, or empty.
    fn is_ours(path: &Path) -> anyhow::Result<bool> {
        match fs::read_to_string(path.join(MARKER)) {
            Ok(format) => {
                ensure!(
                    format == FORMAT,
                    "{} was made by another version: remove it, or name another --home",
                    path.display()
                );
                Ok(true)
            }
            Err(e) if e.kind() == ErrorKind::NotFound && is_unused(path)? => Ok(false),
            Err(e) if e.kind() == ErrorKind::NotFound => bail!(
                "{} is not empty and not a home of strongroom: name another --home",
                path.display()
            ),
            Err(e) => Err(e).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Makes an empty directory, or one that is not there, ours.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        // Keys are in it; and whoever could open the lock could keep others out.
        let mut builder = fs::DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(path);
        made.with_context(|| format!("cannot make {}", path.display()))?;
        write_file(&path.join(MARKER), FORMAT.as_bytes())?;
        Self::open(path)?.with_context(|| format!("{} was removed meanwhile", path.display()))
    }

    /// The directory itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The network of a directory that another process may use.
    pub(crate) fn peek(path: &Path) -> Option<PathBuf> {
        Some(path.join(NETWORK)).filter(|path| path.exists())
    }

    /// Refuses a directory that is neither ours nor empty, and changes nothing.
    pub(crate) fn check(path: &Path) -> anyhow::Result<()> {
        Self::is_ours(path).map(|_| ())
    }

    /// The network that is there, if one is.
    pub(crate) fn network(&self) -> Option<PathBuf> {
        Some(self.at(NETWORK)).filter(|path| path.exists())
    }

    /// An empty directory to make a network in.
    pub(crate) fn prepare(&self) -> anyhow::Result<PathBuf> {
        self.remove(NEW)?;
        let new = self.at(NEW);
        fs::create_dir(&new).with_context(|| format!("cannot make {}", new.display()))?;
        Ok(new)
    }

    /// The network that was made in [`Self::prepare`]'s directory becomes the network; the one before is put away
    /// until [`Self::keep`].
    pub(crate) fn install(&self) -> anyhow::Result<PathBuf> {
        files::sync_directory(&self.at(NEW))
            .with_context(|| format!("cannot keep {}", self.at(NEW).display()))?;
        if self.network().is_some() {
            self.rename(NETWORK, PREVIOUS)?;
        }
        self.rename(NEW, NETWORK)?;
        Ok(self.at(NETWORK))
    }

    /// The network has its first block: the one before goes.
    pub(crate) fn keep(&self) -> anyhow::Result<()> {
        if self.at(PREVIOUS).exists() {
            self.rename(PREVIOUS, DISCARDED)?;
        }
        self.remove(DISCARDED)
    }

    /// Removes the network, which did not start and has taken no other one's place.
    pub(crate) fn discard(&self) -> anyhow::Result<()> {
        self.rename(NETWORK, DISCARDED)?;
        self.remove(DISCARDED)
    }

    /// Whether a network was put away that is not removed yet: without [`Self::keep`] it comes back.
    pub(crate) fn has_previous(&self) -> bool {
        self.at(PREVIOUS).exists()
    }

    /// Ends what was begun here, by this process or another one, and not brought to an end: a network that was put away
    /// comes back.
    pub(crate) fn recover(&self) -> anyhow::Result<()> {
        if self.has_previous() {
            self.remove(DISCARDED)?;
            if self.network().is_some() {
                self.rename(NETWORK, DISCARDED)?;
            }
            self.rename(PREVIOUS, NETWORK)?;
        }
        self.remove(DISCARDED)?;
        self.recover_snapshots()?;
        self.remove(NEW)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A rename that a power cut does not take back.
    fn rename(&self, from: &str, to: &str) -> anyhow::Result<()> {
        files::rename(&self.at(from), &self.at(to))
            .with_context(|| format!("cannot rename {} to {to}", self.at(from).display()))
    }

    fn remove(&self, name: &str) -> anyhow::Result<()> {
        match fs::remove_dir_all(self.at(name)) {
            Err(e) if e.kind() != ErrorKind::NotFound => {
                Err(e).with_context(|| format!("cannot remove {}", self.at(name).display()))
            }
            _ => Ok(()),
        }
    }
}

/// Whether there is nothing at `path` but what an interrupted [`Home::create`] leaves.
fn is_unused(path: &Path) -> anyhow::Result<bool> {
    let partial = files::partial(Path::new(MARKER));
    let entries = match fs::read_dir(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(true),
        entries => entries.with_context(|| format!("cannot read {}", path.display()))?,
    };
    for entry in entries {
        if entry?.file_name() != partial.as_os_str() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The lock of a directory; the system takes it away from a process that ends, however it ends.
fn lock(path: &Path) -> anyhow::Result<File> {
    let name = path.join(LOCK);
    let mut options = File::options();
    let file = options.create(true).write(true).truncate(false).open(&name);
    let file = file.with_context(|| format!("cannot open {}", name.display()))?;
    let since = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if since.elapsed() < LOCK_WAIT => {
                std::thread::sleep(LOCK_RETRY);
            }
            Err(TryLockError::WouldBlock) => bail!(
                "{} is in use by another process: stop it, or name another --home",
                path.display()
            ),
            Err(TryLockError::Error(e)) => {
                return Err(e).with_context(|| format!("cannot lock {}", name.display()));
            }
        }
    }
}

/// Whether a process uses a directory of ours.
pub(crate) fn is_locked(path: &Path) -> bool {
    let file = File::open(path.join(LOCK));
    file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Writes a file that anyone may read, whole or not at all.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    files::write(path, bytes, Readers::Anyone)
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
