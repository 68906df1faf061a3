//! The keyring: a directory with one file for each key.
//!
//! Promises: a key is written whole or not at all, for its owner's eyes, and never over another; a name is no path. Each keyring has a
//! directory of its own, so a key that lies there in clear is never taken for one that does not.

mod entry;
mod passphrase;

pub(crate) use entry::{Entry, public_key};
pub(crate) use passphrase::{ask, ask_new, ask_silently};

use crate::{config, given};
use anyhow::{Context as _, bail, ensure};
use clap::{Args as ClapArgs, ValueEnum};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use strongroom_sdk::keys::Account;
use strongroom_store::files::{self, Readers};
use strongroom_types::Address;
use strongroom_types::public_key::Multisig;

const NAME_CHARACTERS_MAX: usize = 64;
const EXTENSION: &str = "json";
const LOCK: &str = "lock";
const PENDING: &str = "pending";
const GAS: &str = "gas";

/// Which keyring.
#[derive(ClapArgs, Clone)]
#[group(skip)]
pub(crate) struct Args {
    /// Where keys are: `file`, each under its passphrase; `test`, in clear, for local networks.
    #[arg(long, global = true, value_enum, default_value = "file")]
    keyring: Kind,
    /// Directory of the keyrings [default: ~/.strongroom/keys].
    #[arg(long, global = true, value_name = "DIR")]
    keyring_dir: Option<PathBuf>,
}

#[cfg(test)]
impl Args {
    /// The keyring `test` of a directory.
    pub(crate) fn at(directory: &std::path::Path) -> Self {
        Self {
            keyring: Kind::Test,
            keyring_dir: Some(directory.to_owned()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    File,
    Test,
}

/// A keyring.
pub(crate) struct Keyring {
    kind: Kind,
    directory: PathBuf,
    pending: PathBuf,
    gas: PathBuf,
}

/// A key and its name.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) entry: Entry,
}

impl Named {
    /// The account; a terminal is asked for the passphrase.
    pub(crate) fn open(&self) -> anyhow::Result<Account> {
        let opened = self.entry.open(|| ask(&format!("key {}", self.name)));
        opened.with_context(|| format!("key {}", self.name))
    }
}

impl Keyring {
    pub(crate) fn new(args: &Args) -> anyhow::Result<Self> {
        let all = match &args.keyring_dir {
            Some(directory) => directory.clone(),
            None => config::directory()?.join("keys"),
        };
        let directory = match args.keyring {
            Kind::File => all.join("file"),
            Kind::Test => all.join("test"),
        };
        Ok(Self {
            kind: args.keyring,
            directory,
            pending: all.join(PENDING),
            gas: all.join(GAS),
        })
    }

    /// Where it is kept which transactions may still be included: in one place for all keyrings, for a key may be in several.
    pub(crate) fn pending(&self) -> PathBuf {
        self.pending.clone()
    }

    /// Where it is kept what calls of contracts have used.
    pub(crate) fn gas(&self) -> PathBuf {
        self.gas.clone()
    }

    /// Puts a new key under a name, under a passphrase that is asked for if this keyring has them.
    pub(crate) fn add(&self, name: &str, account: &Account) -> anyhow::Result<()> {
        self.add_after(name, account, || Ok(()))
    }

    /// As [`Self::add`], but for a step that must succeed before the key is there, and is taken when nothing else is in its way.
    pub(crate) fn add_after(
        &self,
        name: &str,
        account: &Account,
        before: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.free(name)?;
        let entry = match self.kind {
            Kind::File => Entry::sealed(account, &ask_new(&format!("key {name}"))?)?,
            Kind::Test => Entry::plain(account),
        };
        self.put(name, &entry, before)
    }

    /// Puts a multisig under a name.
    pub(crate) fn add_multisig(&self, name: &str, key: Multisig) -> anyhow::Result<()> {
        self.put(name, &Entry::several(key), || Ok(()))
    }

    fn put(
        &self,
        name: &str,
        entry: &Entry,
        before: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.make_directory()?;
        let _lock = self.lock()?;
        // Another process may have been faster.
        self.free(name)?;
        let path = self.path(name)?;
        before()?;
        files::write_new(&path, entry.to_json()?.as_bytes(), Readers::Owner)
            .with_context(|| format!("keyring.write: {}", path.display()))
    }

    /// Refuses a name that is taken, or that is none.
    pub(crate) fn free(&self, name: &str) -> anyhow::Result<()> {
        let taken = self.path(name)?.symlink_metadata().is_ok();
        ensure!(
            !taken,
            "keyring.exists: there is a key {name} already: choose another name, or `strongroom keys delete {name}` first"
        );
        Ok(())
    }

    /// All keys, by name, and what is wrong with the files that are none.
    pub(crate) fn list(&self) -> anyhow::Result<(Vec<Named>, Vec<anyhow::Error>)> {
        let listed = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok((Vec::new(), Vec::new()));
            }
            listed => listed.with_context(|| self.directory.display().to_string())?,
        };
        let mut names = Vec::new();
        for file in listed {
            let path = file?.path();
            let is_key = path.extension().is_some_and(|e| e == EXTENSION);
            let name = path.file_stem().and_then(|name| name.to_str());
            names.extend(name.filter(|_| is_key).map(str::to_owned));
        }
        names.sort();
        let (mut keys, mut broken) = (Vec::new(), Vec::new());
        for name in names {
            match self.get(&name) {
                Ok(key) => keys.push(key),
                Err(error) => broken.push(error),
            }
        }
        Ok((keys, broken))
    }

    /// The key with this name, or of this address.
    pub(crate) fn get(&self, key: &str) -> anyhow::Result<Named> {
        if key.parse::<Address>().is_ok() {
            let (keys, broken) = self.list()?;
            let found = keys.into_iter().find(|k| k.entry.address == key);
            return found.with_context(|| match broken.first() {
                None => self.missing(key),
                // It may be the one.
                Some(error) => format!(
                    "{}. A file there cannot be read: {}",
                    self.missing(key),
                    crate::output::in_one_line(error)
                ),
            });
        }
        let path = self.path(key)?;
        if path.symlink_metadata().is_err() {
            bail!("{}", self.missing(key));
        }
        let bytes = given::read(&path, entry::BYTES_MAX).context("keyring.read")?;
        let entry = Entry::from_json(&bytes).with_context(|| path.display().to_string())?;
        ensure!(
            entry.multisig.is_some() || entry.is_sealed() == (self.kind == Kind::File),
            "keyring.damaged: {}: a key of the other keyring (`--keyring`)",
            path.display()
        );
        let name = key.to_owned();
        Ok(Named { name, entry })
    }

    /// Removes a key.
    pub(crate) fn delete(&self, name: &str) -> anyhow::Result<()> {
        let path = self.path(name)?;
        let _lock = self.lock()?;
        fs::remove_file(&path).with_context(|| format!("keyring.write: {}", path.display()))?;
        Ok(files::sync_directory(&self.directory)?)
    }

    fn missing(&self, key: &str) -> String {
        let (other, place) = match self.kind {
            Kind::File => ("test", self.directory.display()),
            Kind::Test => ("file", self.directory.display()),
        };
        format!(
            "keyring.missing: there is no key {key} in {place}: `strongroom keys list` shows those that are there, `--keyring {other}` is the other keyring"
        )
    }

    fn path(&self, name: &str) -> anyhow::Result<PathBuf> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        ensure!(
            (1..=NAME_CHARACTERS_MAX).contains(&name.len()) && name.chars().all(plain),
            "keyring.name: a key has a name of 1 to {NAME_CHARACTERS_MAX} letters, digits, '-' and '_'"
        );
        // Else it would be taken for an address.
        ensure!(
            name.parse::<Address>().is_err(),
            "keyring.name: the name of a key is no address"
        );
        Ok(self.directory.join(name).with_extension(EXTENSION))
    }

    fn make_directory(&self) -> anyhow::Result<()> {
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory);
        made.with_context(|| format!("keyring.write: {}", self.directory.display()))
    }

    /// Held while something is changed.
    fn lock(&self) -> anyhow::Result<File> {
        let path = self.directory.join(LOCK);
        let name = || format!("keyring.write: {}", path.display());
        let mut options = File::options();
        let file = options.create(true).truncate(false).write(true).open(&path);
        let file = file.with_context(name)?;
        file.lock().with_context(name)?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn keyring(directory: &std::path::Path) -> Keyring {
        Keyring::new(&Args::at(directory)).unwrap()
    }

    fn account(byte: u8) -> Account {
        Account::from_bytes(&[byte; 32]).unwrap()
    }

    #[test]
    fn a_key_is_found_by_its_name_and_by_its_address_and_is_for_its_owners_eyes() {
        let directory = tempfile::tempdir().unwrap();
        let keyring = keyring(directory.path());
        assert!(keyring.list().unwrap().0.is_empty());
        for (name, byte) in [("bob", 2), ("alice", 1)] {
            keyring.add(name, &account(byte)).unwrap();
        }
        let names = keyring.list().unwrap().0.into_iter().map(|key| key.name);
        assert_eq!(names.collect::<Vec<_>>(), ["alice", "bob"]);
        let address = account(2).address();
        for key in ["bob", &address.to_string()] {
            assert_eq!(keyring.get(key).unwrap().open().unwrap().address(), address);
        }
        let path = directory.path().join("test/bob.json");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let place = path.parent().unwrap().metadata().unwrap();
        assert_eq!(place.permissions().mode() & 0o777, 0o700);
        keyring.delete("bob").unwrap();
        assert!(keyring.get("bob").is_err() && keyring.delete("bob").is_err());
    }

    #[test]
    fn a_name_is_never_given_twice_and_never_leads_out_of_the_keyring() {
        let directory = tempfile::tempdir().unwrap();
        let keyring = keyring(directory.path());
        keyring.add("alice", &account(1)).unwrap();
        assert!(keyring.add("alice", &account(2)).is_err());
        let kept = keyring.get("alice").unwrap().open().unwrap();
        assert_eq!(kept.address(), account(1).address());
        let address = account(3).address().to_string();
        for name in [
            "",
            "..",
            "../x",
            "a/b",
            "/etc/passwd",
            "a.json",
            "a b",
            "ä",
            "a\0",
            &address,
            &"x".repeat(65),
        ] {
            let error = keyring.add(name, &account(3)).unwrap_err().to_string();
            assert!(error.starts_with("keyring.name:"), "{name:?}: {error}");
        }
        assert_eq!(keyring.list().unwrap().0.len(), 1);
    }

    #[test]
    fn a_broken_file_is_named_and_hides_no_other_key() {
        let directory = tempfile::tempdir().unwrap();
        let keyring = keyring(directory.path());
        for (name, byte) in [("alice", 1), ("carol", 3)] {
            keyring.add(name, &account(byte)).unwrap();
        }
        let file = directory.path().join("test/bob.json");
        fs::write(&file, "{").unwrap();
        let (keys, broken) = keyring.list().unwrap();
        let names: Vec<_> = keys.iter().map(|key| key.name.as_str()).collect();
        assert_eq!(names, ["alice", "carol"]);
        let [error] = broken.as_slice() else {
            panic!("{broken:?}")
        };
        assert!(crate::output::in_one_line(error).contains(&file.display().to_string()));
        let address = account(3).address().to_string();
        assert_eq!(keyring.get(&address).unwrap().name, "carol");
        let unknown = account(4).address().to_string();
        let error = keyring.get(&unknown).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("bob.json"), "{error}");
    }

    #[test]
    fn a_key_in_clear_is_not_taken_where_keys_have_passphrases() {
        let directory = tempfile::tempdir().unwrap();
        keyring(directory.path()).add("alice", &account(1)).unwrap();
        fs::rename(directory.path().join("test"), directory.path().join("file")).unwrap();
        let sealed = Keyring {
            kind: Kind::File,
            directory: directory.path().join("file"),
            pending: directory.path().join(PENDING),
            gas: directory.path().join(GAS),
        };
        let error = sealed.get("alice").map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with("keyring.damaged:"), "{error}");
    }
}
