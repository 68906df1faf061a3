//! Files of ours beside the databases: keys, genesis, seals, lists, contract code.
//!
//! Promises: a file that was written is there whole or as it was before, whatever ends the process or the machine meanwhile; what
//! was acknowledged survives a power cut. Every file of ours that is made or replaced is written here.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Permissions of a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Whoever the umask lets.
    Anyone,
    /// The owner only.
    Owner,
}

/// Makes or replaces the file `path`.
///
/// # Errors
/// What the system says; the file is as it was then.
pub fn write(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let partial = partial(path);
    let written = write_partial(&partial, bytes, readers).and_then(|()| rename(&partial, path));
    if written.is_err() {
        // What stays there in spite of it is overwritten the next time.
        let _ = fs::remove_file(&partial);
    }
    written
}

/// Makes the file `path`, and never writes over one that is there, whoever made it meanwhile.
///
/// # Errors
/// What the system says; [`io::ErrorKind::AlreadyExists`] for a name that is taken.
pub fn write_new(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let partial = partial(path);
    let written = write_partial(&partial, bytes, readers).and_then(|()| settle_new(&partial, path));
    if written.is_err() {
        let _ = fs::remove_file(&partial);
    }
    written
}

/// As [`rename`], to a name that is not there yet.
///
/// # Errors
/// Error of the system; [`io::ErrorKind::AlreadyExists`] for a name that is taken.
pub fn settle_new(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    fs::remove_file(from)?;
    sync_directory(directory_of(to))
}

/// A rename that a power cut does not take back. Both names are in one directory.
///
/// # Errors
/// Error of the system.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_directory(directory_of(to))
}

/// Makes the directory `path`, and those above it that are not there.
///
/// # Errors
/// Error of the system.
pub fn make_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = directory_of(path);
    make_directory(above)?;
    match fs::create_dir(path) {
        // Somebody else was quicker.
        Err(_) if path.is_dir() => Ok(()),
        made => made,
    }?;
    sync_directory(above)
}

/// Makes the names in a directory durable.
///
/// # Errors
/// Error of the system.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Path of a file's new content until it is whole.
#[must_use]
pub fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

/// A new file for the content that comes at `partial`. What a kill, or somebody else, has left there goes: its permissions would stay, and a link
/// would lead to another file.
///
/// # Errors
/// Error of the system.
pub fn create_partial(partial: &Path, readers: Readers) -> io::Result<File> {
    match fs::remove_file(partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if readers == Readers::Owner {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    options.open(partial)
}

fn write_partial(partial: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let mut file = create_partial(partial, readers)?;
    file.write_all(bytes)?;
    // Before it takes its name: never an empty file under that name, also after a power cut.
    file.sync_all()
}

pub(crate) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    const BYTES: usize = 1 << 20;
    /// Names the file for the process that is killed.
    const FILE: &str = "STRONGROOM_TEST_FILE";

    #[test]
    fn what_cannot_be_written_leaves_the_old_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key.json");
        write(&path, b"old", Readers::Owner).unwrap();
        // The place of the new content is taken.
        fs::create_dir(partial(&path)).unwrap();
        assert!(write(&path, b"new", Readers::Owner).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        fs::remove_dir(partial(&path)).unwrap();
        // A kill left half of it, longer than what comes.
        fs::write(partial(&path), b"something longer").unwrap();
        write(&path, b"new", Readers::Owner).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert!(!partial(&path).exists());
        // The name itself is taken: nothing is left beside it.
        let directory = home.path().join("directory");
        fs::create_dir_all(directory.join("inside")).unwrap();
        assert!(write(&directory, b"new", Readers::Anyone).is_err());
        assert!(directory.join("inside").exists() && !partial(&directory).exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_for_its_owner_is_never_readable_for_others() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key.json");
        write(&path, b"secret", Readers::Owner).unwrap();
        write(&path, b"another", Readers::Owner).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn what_lies_where_the_new_content_comes_is_neither_followed_nor_kept() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        type Write = fn(&Path, &[u8], Readers) -> io::Result<()>;
        let writers: [Write; 2] = [write, write_new];
        for (round, write) in writers.into_iter().enumerate() {
            let home = tempfile::tempdir().unwrap();
            let (path, other) = (home.path().join("words"), home.path().join("other"));
            fs::write(&other, "of somebody else").unwrap();
            symlink(&other, partial(&path)).unwrap();
            write(&path, b"secret", Readers::Owner).unwrap();
            assert_eq!(fs::read(&other).unwrap(), b"of somebody else", "{round}");
            let metadata = path.symlink_metadata().unwrap();
            assert!(metadata.is_file() && metadata.permissions().mode() & 0o777 == 0o600);
            let open = home.path().join("open");
            fs::write(partial(&open), "for everybody").unwrap();
            fs::set_permissions(partial(&open), fs::Permissions::from_mode(0o666)).unwrap();
            write(&open, b"secret", Readers::Owner).unwrap();
            let mode = open.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{round}");
        }
    }

    #[test]
    fn a_new_file_is_never_written_over_another() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("words");
        write_new(&path, b"old", Readers::Owner).unwrap();
        let error = write_new(&path, b"new", Readers::Owner).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert!(!partial(&path).exists());
    }

    /// Run by the test below in a process of its own; does nothing otherwise.
    #[test]
    fn writes_until_it_is_killed() {
        let Some(path) = std::env::var_os(FILE) else {
            return;
        };
        loop {
            for byte in *b"ab" {
                write(Path::new(&path), &[byte; BYTES], Readers::Anyone).unwrap();
            }
        }
    }

    #[test]
    fn a_kill_at_any_moment_leaves_the_old_file_or_the_new_one() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        write(&path, &[b'a'; BYTES], Readers::Anyone).unwrap();
        for round in 0..20 {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "files::tests::writes_until_it_is_killed"])
                .env(FILE, &path)
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            while !partial(&path).exists() {
                assert!(child.try_wait().unwrap().is_none(), "it writes");
            }
            std::thread::sleep(Duration::from_millis(round));
            child.kill().unwrap();
            child.wait().unwrap();
            let bytes = fs::read(&path).unwrap();
            assert_eq!(bytes.len(), BYTES);
            assert!(bytes.iter().all(|byte| *byte == bytes[0]));
            let _ = fs::remove_file(partial(&path));
        }
    }
}
