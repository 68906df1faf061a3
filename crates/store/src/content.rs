//! Content by hash: contract code, one file each, named by its SHA-256.
//!
//! Circle: host. Promises: what [`ContentStore::put`] acknowledged survives a crash, whole; what [`ContentStore::get`]
//! gives has the hash that was asked for. Content is written before the block that refers to it is committed, so a
//! crash in between leaves at most a file that nobody refers to.
//! Refuses: to delete, since any height may be asked for it.

use crate::error::{Error, Result, is_transient};
use crate::files::{self, Readers};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use strongroom_types::{Hash, sha256};

/// A directory of content.
#[derive(Debug)]
pub struct ContentStore {
    directory: PathBuf,
}

impl ContentStore {
    /// Opens or makes the directory.
    ///
    /// # Errors
    /// [`Error::Engine`] if it cannot be made.
    pub fn open(directory: &Path) -> Result<Self> {
        fs::create_dir_all(directory).map_err(|e| failed(directory, &e))?;
        Ok(Self {
            directory: directory.to_owned(),
        })
    }

    /// Keeps `content`, durably, if `check_room` lets its bytes be written. Keeping it again changes nothing, and asks nothing.
    ///
    /// # Errors
    /// That of `check_room`, or [`Error::Engine`] if it cannot be written.
    pub fn put(&self, content: &[u8], check_room: impl FnOnce(u64) -> Result<()>) -> Result<Hash> {
        let hash = sha256(content);
        if self.get(&hash)?.is_some() {
            return Ok(hash);
        }
        check_room(content.len() as u64)?;
        let path = self.path(&hash);
        files::write(&path, content, Readers::Anyone).map_err(|e| failed(&path, &e))?;
        Ok(hash)
    }

    /// The content with this hash. A file that does not match its name counts as absent: it is a torn write.
    ///
    /// # Errors
    /// [`Error::Engine`] if it is there but cannot be read.
    pub fn get(&self, hash: &Hash) -> Result<Option<Vec<u8>>> {
        let path = self.path(hash);
        match fs::read(&path) {
            Ok(content) if sha256(&content) == *hash => Ok(Some(content)),
            Ok(_) => Ok(None),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(failed(&path, &e)),
        }
    }

    fn path(&self, hash: &Hash) -> PathBuf {
        let name: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        self.directory.join(name)
    }
}

fn failed(path: &Path, e: &std::io::Error) -> Error {
    let detail = format!("{}: {e}", path.display());
    if is_transient(e) {
        Error::Short { detail }
    } else {
        Error::Engine { detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(_: u64) -> Result<()> {
        Ok(())
    }

    #[test]
    fn what_was_kept_comes_back_after_a_reopen_and_nothing_else_does() {
        let home = tempfile::tempdir().unwrap();
        let hash = ContentStore::open(home.path())
            .unwrap()
            .put(b"code", room)
            .unwrap();
        let store = ContentStore::open(home.path()).unwrap();
        assert_eq!(
            store.get(&hash).unwrap().as_deref(),
            Some(b"code".as_slice())
        );
        assert_eq!(store.get(&[0; 32]).unwrap(), None);
    }

    #[test]
    fn a_torn_file_counts_as_absent_and_is_written_again() {
        let home = tempfile::tempdir().unwrap();
        let store = ContentStore::open(home.path()).unwrap();
        let hash = store.put(b"code", room).unwrap();
        fs::write(store.path(&hash), b"co").unwrap();
        assert_eq!(store.get(&hash).unwrap(), None);
        store.put(b"code", room).unwrap();
        assert_eq!(
            store.get(&hash).unwrap().as_deref(),
            Some(b"code".as_slice())
        );
    }

    #[test]
    fn what_there_is_no_room_for_is_not_begun_and_what_is_there_needs_none() {
        let home = tempfile::tempdir().unwrap();
        let store = ContentStore::open(home.path()).unwrap();
        let none = |bytes| {
            assert_eq!(bytes, 4);
            let detail = String::new();
            Err(Error::Short { detail })
        };
        let refused = store.put(b"code", none).unwrap_err();
        assert_eq!(refused.code(), "store.short");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
        let hash = store.put(b"code", room).unwrap();
        assert_eq!(store.put(b"code", none).unwrap(), hash);
    }
}
