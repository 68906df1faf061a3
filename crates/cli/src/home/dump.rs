//! One file with all of a network, for another home.
//!
//! The file: the line `strongroom-localnet/v1`, then for each directory and file its kind (`d`, `f`), the length of its path (2 bytes), its path,
//! its permissions (4 bytes; of a file 0600 or 0644), and of a file its length (8 bytes) and its bytes; then `e` and the SHA-256 of everything before. Numbers are
//! big-endian. Keys are in it.
//!
//! Promises: nobody sees half a file; a file is checked to its last byte before anything is made of it. Refuses: paths that lead out, whatever is in no
//! network of one process, and permissions for others to write.

use super::{Home, NEW};
use anyhow::{Context as _, bail, ensure};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Seek as _, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};
use strongroom_store::files::{self, Readers};

const MAGIC: &[u8] = b"strongroom-localnet/v1\n";
const PATH_BYTES_MAX: u16 = 512;
/// Directories and files of a network: a database keeps some hundreds, content one for each code.
const ENTRIES_MAX: usize = 1_000_000;
const HASH_BYTES: u64 = 32;
/// Permissions: for the owner only, for everybody to read.
const MODES: [u32; 2] = [0o600, 0o644];
/// What a network of one process keeps its files in.
const PLACES: [&str; 3] = ["config", "data", "reports"];
const CHUNK: usize = 64 << 10;

impl Home {
    /// Writes the network, of which nothing runs, to a new file.
    pub(crate) fn dump(&self, file: &Path) -> anyhow::Result<()> {
        self.check_dump(file)?;
        let failed = || format!("dump.write: {}", file.display());
        let network = self
            .network()
            .context("localnet.none: there is no network")?;
        let partial = files::partial(file);
        let written =
            write(&network, &partial).and_then(|()| Ok(files::settle_new(&partial, file)?));
        if written.is_err() {
            let _ = fs::remove_file(&partial);
        }
        written.with_context(failed)
    }

    /// Refuses a file that is there already, or that cannot be made.
    pub(crate) fn check_dump(&self, file: &Path) -> anyhow::Result<()> {
        let name = file.display();
        ensure!(
            file.symlink_metadata().is_err(),
            "dump.write: {name}: it is there already: name another file"
        );
        let directory = file.parent().is_none_or(Path::is_dir);
        ensure!(directory, "dump.write: {name}: its directory is not there");
        Ok(())
    }

    /// Makes a network of a file where [`Home::install`] takes it from.
    pub(crate) fn prepare_dump(&self, file: &Path) -> anyhow::Result<()> {
        let name = || file.display().to_string();
        // One handle for all: what was checked is what is read, or nothing is made of it.
        let mut opened = open(file).with_context(name)?;
        let hash = check(&mut opened).with_context(name)?;
        self.remove(NEW)?;
        let made = read(&mut opened, Some(&self.at(NEW))).and_then(|read| {
            ensure!(read == hash, "dump.damaged: it was changed meanwhile");
            Ok(())
        });
        if made.is_err() {
            self.remove(NEW)?;
        }
        made.with_context(name)
    }
}

/// Everything below a directory, directories before what is in them.
fn below(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut found, mut open) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(directory) = open.pop() {
        let mut names = Vec::new();
        for entry in fs::read_dir(root.join(&directory))? {
            names.push(entry?.file_name());
        }
        names.sort();
        for name in names {
            let path = directory.join(name);
            if root.join(&path).symlink_metadata()?.is_dir() {
                open.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Counts what goes through it into a hash.
struct Hashed<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Hashed<W> {
    fn put(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.hash.update(bytes);
        Ok(self.inner.write_all(bytes)?)
    }
}

fn write(root: &Path, file: &Path) -> anyhow::Result<()> {
    let mut out = Hashed {
        inner: BufWriter::new(files::create_partial(file, Readers::Owner)?),
        hash: Sha256::new(),
    };
    out.put(MAGIC)?;
    for path in below(root)? {
        let whole = root.join(&path);
        let metadata = whole.symlink_metadata()?;
        let name = path.to_str().context("a name that is no text")?;
        let length = u16::try_from(name.len())?;
        ensure!(length <= PATH_BYTES_MAX, "{name}: a path that is too long");
        let is_file = metadata.is_file();
        ensure!(
            is_file || metadata.is_dir(),
            "{name}: neither file nor directory"
        );
        out.put(if is_file { b"f" } else { b"d" })?;
        out.put(&length.to_be_bytes())?;
        out.put(name.as_bytes())?;
        let is_own = is_file && metadata.permissions().mode() & 0o077 == 0;
        let [own, shared] = MODES;
        out.put(&if is_own { own } else { shared }.to_be_bytes())?;
        if !is_file {
            continue;
        }
        out.put(&metadata.len().to_be_bytes())?;
        let mut content = File::open(&whole)?.take(metadata.len());
        let mut chunk = vec![0; CHUNK];
        let mut left = metadata.len();
        while left > 0 {
            let n = content.read(&mut chunk)?;
            ensure!(n > 0, "{name}: it became shorter");
            out.put(chunk.get(..n).unwrap_or_default())?;
            left = left.saturating_sub(n as u64);
        }
    }
    out.put(b"e")?;
    let hash = out.hash.finalize();
    out.inner.write_all(&hash)?;
    out.inner
        .into_inner()
        .map_err(|e| e.into_error())?
        .sync_all()?;
    Ok(())
}

/// Opens a file that is one: a pipe would have whoever opens it wait for somebody to write.
fn open(file: &Path) -> anyhow::Result<File> {
    let mut options = File::options();
    let flags = rustix::fs::OFlags::NONBLOCK.bits();
    let flags = i32::try_from(flags).unwrap_or_default();
    let opened = options.read(true).custom_flags(flags).open(file);
    let opened = opened.context("dump.read: it cannot be opened")?;
    ensure!(
        opened.metadata()?.is_file(),
        "dump.damaged: this is no file"
    );
    Ok(opened)
}

/// Reads a file to its end, and makes nothing of it. Gives its hash.
fn check(file: &mut File) -> anyhow::Result<[u8; 32]> {
    let length = file.metadata()?.len();
    let broken = "dump.damaged: this is no dump of a local network, or it was changed";
    ensure!(length > HASH_BYTES + MAGIC.len() as u64, broken);
    let mut reader = BufReader::new(&mut *file);
    let mut magic = vec![0; MAGIC.len()];
    reader.read_exact(&mut magic)?;
    ensure!(magic == MAGIC, broken);
    let mut hash = Sha256::new();
    hash.update(MAGIC);
    let mut left = length - HASH_BYTES - MAGIC.len() as u64;
    let mut chunk = vec![0; CHUNK];
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let n = reader.read(chunk.get_mut(..most).unwrap_or_default())?;
        ensure!(n > 0, broken);
        hash.update(chunk.get(..n).unwrap_or_default());
        left = left.saturating_sub(n as u64);
    }
    let mut told = [0; 32];
    reader.read_exact(&mut told)?;
    ensure!(hash.finalize().as_slice() == told, broken);
    // The hash says that nothing was changed on the way; the form is checked before a directory is made.
    ensure!(read(file, None)? == told, broken);
    Ok(told)
}

/// Counts what is read through it into a hash.
struct Hashing<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(bytes)?;
        self.hash.update(bytes.get(..n).unwrap_or_default());
        Ok(n)
    }
}

/// Whether a network of one process has such a file or directory. Another one would be begun as a network of several, whose files say what is run.
fn is_of_a_network(path: &Path) -> bool {
    let mut parts = path.components();
    let Some(Component::Normal(first)) = parts.next() else {
        return false;
    };
    let is_plain = parts.all(|part| matches!(part, Component::Normal(_)));
    is_plain && PLACES.iter().any(|place| first == *place)
}

/// Goes through the entries of a file, and makes them below a new directory, if there is one. Gives the hash of what it has read.
fn read(file: &mut File, root: Option<&Path>) -> anyhow::Result<[u8; 32]> {
    let broken = || "dump.damaged: this is no dump of a local network";
    file.seek(SeekFrom::Start(0))?;
    let length = file.metadata()?.len().saturating_sub(HASH_BYTES);
    let hashing = Hashing {
        inner: BufReader::new(file),
        hash: Sha256::new(),
    };
    let mut reader = hashing.take(length);
    let mut magic = vec![0; MAGIC.len()];
    reader.read_exact(&mut magic).with_context(broken)?;
    if let Some(root) = root {
        fs::create_dir(root)?;
    }
    for _ in 0..ENTRIES_MAX {
        let [kind] = number(&mut reader).with_context(broken)?;
        if kind == b'e' {
            ensure!(reader.limit() == 0, broken());
            if let Some(root) = root {
                sync(root)?;
            }
            return Ok(reader.into_inner().hash.finalize().into());
        }
        let size = u16::from_be_bytes(number(&mut reader).with_context(broken)?);
        ensure!(
            size <= PATH_BYTES_MAX && matches!(kind, b'f' | b'd'),
            broken()
        );
        let mut name = vec![0; usize::from(size)];
        reader.read_exact(&mut name).with_context(broken)?;
        let name = PathBuf::from(String::from_utf8(name).ok().with_context(broken)?);
        ensure!(
            is_of_a_network(&name),
            "dump.damaged: {}: a network of one process has no such file",
            crate::output::plain(&name.display().to_string())
        );
        let mode = u32::from_be_bytes(number(&mut reader).with_context(broken)?);
        ensure!(kind == b'd' || MODES.contains(&mode), broken());
        let at = root.map(|root| root.join(&name));
        if kind == b'd' {
            if let Some(at) = at {
                fs::create_dir(&at)?;
            }
            continue;
        }
        let size = u64::from_be_bytes(number(&mut reader).with_context(broken)?);
        ensure!(size <= reader.limit(), broken());
        let mut content = reader.by_ref().take(size);
        match at {
            None => drop(std::io::copy(&mut content, &mut std::io::sink())?),
            Some(at) => {
                let mut options = File::options();
                let mut file = options.write(true).create_new(true).mode(mode).open(&at)?;
                std::io::copy(&mut content, &mut file)?;
                file.sync_all()?;
            }
        }
    }
    bail!("{}", broken())
}

fn number<const N: usize>(reader: &mut impl Read) -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn sync(root: &Path) -> anyhow::Result<()> {
    for path in below(root)? {
        let path = root.join(path);
        if path.is_dir() {
            files::sync_directory(&path)?;
        }
    }
    Ok(files::sync_directory(root)?)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{home, state};
    use super::*;

    #[test]
    fn a_dump_makes_the_same_network_elsewhere_and_a_changed_one_makes_nothing() {
        let [from, to, files] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let first = home(from.path());
        let file = files.path().join("dump");
        first.dump(&file).unwrap();
        assert!(first.dump(&file).is_err(), "nothing is written over");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let second = Home::create(to.path()).unwrap();
        second.prepare_dump(&file).unwrap();
        second.install().unwrap();
        assert_eq!(state(&second), state(&first));
        assert!(second.network().unwrap().join("data/empty").is_dir());
        let good = fs::read(&file).unwrap();
        let bad = files.path().join("bad");
        let step = good.len() / 200;
        for place in (0..good.len()).step_by(step) {
            let mut changed = good.clone();
            changed[place] ^= 1;
            fs::write(&bad, changed).unwrap();
            assert!(second.prepare_dump(&bad).is_err(), "{place}");
            fs::write(&bad, &good[..place]).unwrap();
            assert!(second.prepare_dump(&bad).is_err(), "{place} bytes");
            assert!(!second.at(NEW).exists());
        }
    }

    /// A dump with one empty file in it.
    fn dump_of(name: &str, mode: u32) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for directory in PLACES {
            bytes.push(b'd');
            bytes.extend_from_slice(&u16::try_from(directory.len()).unwrap().to_be_bytes());
            bytes.extend_from_slice(directory.as_bytes());
            bytes.extend_from_slice(&0o644_u32.to_be_bytes());
        }
        bytes.push(b'f');
        bytes.extend_from_slice(&u16::try_from(name.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(&mode.to_be_bytes());
        bytes.extend_from_slice(&0_u64.to_be_bytes());
        bytes.push(b'e');
        let hash = Sha256::digest(&bytes);
        bytes.extend_from_slice(&hash);
        bytes
    }

    #[test]
    fn a_dump_of_anything_but_a_network_of_one_process_makes_nothing() {
        let [to, files] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let home = Home::create(to.path()).unwrap();
        let file = files.path().join("dump");
        let loaded = |name: &str, mode| {
            fs::write(&file, dump_of(name, mode)).unwrap();
            let done = home.prepare_dump(&file);
            assert!(done.is_ok() || !home.at(NEW).exists(), "{name:?}");
            done.is_ok()
        };
        assert!(loaded("config/genesis.json", 0o644));
        assert!(loaded("data/state", 0o600));
        home.remove(NEW).unwrap();
        for name in [
            "../evil",
            "/config/evil",
            "config/../../evil",
            "",
            ".",
            "./config/x",
            "node0/arguments",
            "node0/pid",
            "arguments",
            "key",
        ] {
            assert!(!loaded(name, 0o600), "{name:?}");
        }
        for mode in [0o666, 0o777, 0o4644, 0, u32::MAX] {
            assert!(!loaded("config/genesis.json", mode), "{mode:o}");
        }
    }

    #[test]
    fn a_pipe_in_place_of_a_dump_stops_nobody() {
        let [to, files] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let home = Home::create(to.path()).unwrap();
        let pipe = files.path().join("pipe");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).unwrap();
        let (ended, ends) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let _to = to;
            let refused = [pipe, files.path().to_owned(), "/dev/null".into()]
                .map(|path| home.prepare_dump(&path).is_err());
            let _ = ended.send(refused);
        });
        let refused = ends.recv_timeout(std::time::Duration::from_secs(10));
        assert_eq!(refused, Ok([true; 3]));
    }

    #[test]
    fn a_dump_follows_no_link_and_takes_no_permissions_of_what_lies_in_its_way() {
        let [from, place] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let home = home(from.path());
        let (file, other) = (place.path().join("x.dump"), place.path().join("other"));
        fs::write(&other, "of somebody else").unwrap();
        std::os::unix::fs::symlink(&other, files::partial(&file)).unwrap();
        home.dump(&file).unwrap();
        assert_eq!(fs::read(&other).unwrap(), b"of somebody else");
        assert!(file.symlink_metadata().unwrap().is_file());
        let open = place.path().join("y.dump");
        fs::write(files::partial(&open), "").unwrap();
        fs::set_permissions(files::partial(&open), fs::Permissions::from_mode(0o666)).unwrap();
        home.dump(&open).unwrap();
        let mode = open.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!files::partial(&open).exists());
    }
}
