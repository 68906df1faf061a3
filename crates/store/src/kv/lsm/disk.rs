//! What the database asks of the machine beside what the trees do themselves. A seam: tests put a machine in its place that fails.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, Write as _};
use std::panic::RefUnwindSafe;
use std::path::Path;

pub(super) trait Disk: Send + Sync + RefUnwindSafe {
    /// Bytes that can still be written where `path` is.
    fn free(&self, path: &Path) -> io::Result<u64>;

    /// An empty file, whatever was there.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Log>>;
}

/// A file that grows at its end.
pub(super) trait Log: Send {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn sync(&mut self) -> io::Result<()>;
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

pub(super) struct Machine;

impl Disk for Machine {
    fn free(&self, path: &Path) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(path)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Log>> {
        let file = File::options().append(true).create(true).open(path)?;
        file.set_len(0)?;
        Ok(Box::new(file))
    }
}

impl Log for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// Refuses unless so many bytes are free.
pub(super) fn check_room(disk: &dyn Disk, path: &Path, wanted: u64) -> Result<()> {
    let free = disk.free(path).map_err(Error::engine)?;
    if free >= wanted {
        return Ok(());
    }
    let (path, free, wanted) = (path.display(), free >> 20, wanted.div_ceil(1 << 20));
    Err(Error::Short {
        detail: format!("{path} has {free} MiB free and needs {wanted} MiB"),
    })
}
