//! What an account has signed and nobody has seen in a block yet: kept beside the keys, so that nobody pays twice because a node withholds an
//! answer.
//!
//! Promises: a transaction is marked before it leaves, and marked until a block holds it, until another of its sequence is in a block, or until
//! no block may hold it any more. Another one with the same effect is not signed meanwhile, unless it has the same sequence: of those, one at
//! most is ever in a block. Refuses: a file that it cannot read, for what it forgets may be paid again.
//! Format: docs/book/cli.md, "The file of pending transactions".

use crate::keyring::Keyring;
use crate::rpc::Client;
use crate::{preflight, verify};
use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use strongroom_sdk::client::{Error, Included};
use strongroom_store::files::{self, Readers};
use strongroom_types::{Address, Height};

const FORMAT: &str = "strongroom-pending/v1";
const LOCK: &str = "lock";
/// Marks of one account on one chain. Whoever has more of them has lost sight of them.
pub(super) const MARKS_MAX: usize = 64;
const BYTES_MAX: usize = 64 << 10;

/// A transaction that a block may still hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    /// Upper-case hex.
    pub(super) txhash: String,
    pub(super) sequence: u64,
    /// The last block that may hold it; 0: any may.
    pub(super) timeout_height: Height,
    /// What it does, in hex ([`strongroom_sdk::client::Client::effect`]).
    pub(super) effect: String,
    /// Whether a command waits for it, or has waited in vain.
    pub(super) awaited: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    format: String,
    marks: Vec<Mark>,
}

/// The marks of one account on one chain, locked.
pub(super) struct Pending {
    address: Address,
    path: PathBuf,
    marks: Vec<Mark>,
    _lock: File,
}

/// What is known of a marked transaction.
enum Fate {
    Included(Box<Included>),
    /// No block may hold it any more.
    Never,
    Open,
}

impl Mark {
    /// Says that it may still come.
    pub(super) fn say(&self) {
        talk!("{} ({})", self.words(), self.txhash);
    }

    pub(super) fn words(&self) -> String {
        let sequence = self.sequence;
        match self.timeout_height {
            0 => format!(
                "a transaction with sequence {sequence} may still be included at any height"
            ),
            height => {
                format!(
                    "a transaction with sequence {sequence} may still be included until height {height}"
                )
            }
        }
    }

    async fn fate(&self, client: &mut Client, address: &Address) -> Result<Fate, Error> {
        match client.transaction(&self.txhash).await {
            Ok(included) => return Ok(Fate::Included(Box::new(included))),
            Err(Error::NotIncluded { .. }) => {}
            // Whatever cannot be proven is as open as before.
            Err(Error::Light(_)) => return Ok(Fate::Open),
            Err(error) => return Err(error),
        }
        if self.timeout_height == 0 {
            return Ok(Fate::Open);
        }
        Ok(match client.settled(address).await {
            Ok((height, sequence))
                if height >= self.timeout_height && sequence <= self.sequence =>
            {
                Fate::Never
            }
            Ok(_) | Err(Error::Light(_)) => Fate::Open,
            Err(error) => return Err(error),
        })
    }
}

impl Pending {
    /// The marks of an account on a chain. Who holds them is the only one who signs for the account there.
    pub(super) fn open(
        keyring: &Keyring,
        address: &Address,
        chain_id: &str,
    ) -> anyhow::Result<Self> {
        // It becomes part of a name of a file, and may be a node's.
        preflight::chain_id(chain_id)
            .map_err(|text| anyhow::anyhow!("tx.chain_id: {text}, and not {chain_id:?}"))?;
        let directory = keyring.pending();
        let name = || format!("tx.pending_file: {}", directory.display());
        let mut builder = fs::DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(&directory);
        made.with_context(name)?;
        let mut options = File::options();
        let lock = directory.join(LOCK);
        let lock = options.create(true).truncate(false).write(true).open(lock);
        let lock = lock.with_context(name)?;
        lock.lock().with_context(name)?;
        let path = directory.join(format!("{address}.{chain_id}.json"));
        let marks = match path.symlink_metadata() {
            Err(_) => Vec::new(),
            Ok(_) => {
                let bytes = verify::read(&path, BYTES_MAX).context("tx.pending_file")?;
                let read = read(&bytes);
                read.with_context(|| path.display().to_string())?
            }
        };
        Ok(Self {
            address: address.clone(),
            path,
            marks,
            _lock: lock,
        })
    }

    pub(super) fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// Asks what came of the marked transactions, says it, and forgets those of which it is known. Refuses to go on to another transaction
    /// with `effect` where one of them has just been found in a block: whoever asks again may not know that it is done.
    pub(super) async fn resolve(
        &mut self,
        client: &mut Client,
        effect: Option<&str>,
    ) -> anyhow::Result<()> {
        let mut done = None;
        for mark in self.marks.clone() {
            let Mark {
                sequence, txhash, ..
            } = &mark;
            match mark.fate(client, &self.address).await? {
                Fate::Included(included) => {
                    let height = included.height;
                    let how = if included.result.is_ok() {
                        ""
                    } else {
                        ", and failed there"
                    };
                    talk!(
                        "the transaction with sequence {sequence} is in block {height}{how} ({txhash})"
                    );
                    let same = effect == Some(mark.effect.as_str());
                    if mark.awaited && same && included.result.is_ok() {
                        done = Some((height, txhash.clone()));
                    }
                    self.forget_sequence(*sequence)?;
                }
                Fate::Never => {
                    talk!(
                        "the transaction with sequence {sequence} is in no block, and can be in none any more ({txhash})"
                    );
                    self.forget(txhash)?;
                }
                Fate::Open => {}
            }
        }
        if let Some((height, hash)) = done {
            bail!(
                "tx.done: it is done: block {height} has transaction {hash}, which does the same. Nothing was sent; the same command sends it once more"
            );
        }
        Ok(())
    }

    /// Says which transactions may still come. Refuses to sign another one with the effect of one of them and a later sequence, unless it is to
    /// be done again.
    pub(super) fn check(&self, effect: &str, sequence: u64, again: bool) -> anyhow::Result<()> {
        for mark in &self.marks {
            mark.say();
            let twice = mark.effect == effect && mark.sequence != sequence;
            ensure!(
                !twice || again,
                "tx.pending: {}, and does the same ({}). Nothing was signed: `strongroom tx pending` tells what came of it; --again signs all the same, and may pay twice",
                mark.words(),
                mark.txhash
            );
        }
        Ok(())
    }

    /// Marks a transaction that is signed, before anybody else has it.
    pub(super) fn mark(&mut self, mark: Mark) -> anyhow::Result<()> {
        self.marks.retain(|known| known.txhash != mark.txhash);
        ensure!(
            self.marks.len() < MARKS_MAX,
            "tx.pending_many: {MARKS_MAX} transactions of this account may still be included: `strongroom tx pending` asks what came of them; {} keeps them",
            self.path.display()
        );
        self.marks.push(mark);
        self.save()
    }

    /// A transaction is in no block, and will be in none.
    pub(super) fn forget(&mut self, hash: &str) -> anyhow::Result<()> {
        self.marks.retain(|mark| mark.txhash != hash);
        self.save()
    }

    /// A transaction with this sequence is in a block: no other one of it can be.
    pub(super) fn forget_sequence(&mut self, sequence: u64) -> anyhow::Result<()> {
        self.marks.retain(|mark| mark.sequence != sequence);
        self.save()
    }

    fn save(&self) -> anyhow::Result<()> {
        let failed = || format!("tx.pending_file: {}", self.path.display());
        if self.marks.is_empty() {
            return match fs::remove_file(&self.path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(error).with_context(failed)
                }
                _ => Ok(()),
            };
        }
        let content = Content {
            format: FORMAT.to_owned(),
            marks: self.marks.clone(),
        };
        let bytes = serde_json::to_vec_pretty(&content)?;
        files::write(&self.path, &bytes, Readers::Owner).with_context(failed)
    }
}

/// All accounts and chains of which a keyring has marks, in the order of their names.
pub(super) fn all(keyring: &Keyring) -> anyhow::Result<BTreeMap<String, (Address, String)>> {
    let mut found = BTreeMap::new();
    let Ok(entries) = fs::read_dir(keyring.pending()) else {
        return Ok(found);
    };
    for entry in entries {
        let name = entry?.file_name();
        let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".json")) else {
            continue;
        };
        let Some((address, chain)) = name.split_once('.') else {
            continue;
        };
        if let Ok(parsed) = address.parse() {
            found.insert(name.to_owned(), (parsed, chain.to_owned()));
        }
    }
    Ok(found)
}

fn read(bytes: &[u8]) -> anyhow::Result<Vec<Mark>> {
    let broken = "tx.pending_file: it does not say which transactions may still be included: look whether they are in blocks, then remove it";
    let content: Content = serde_json::from_slice(bytes).context(broken)?;
    ensure!(
        content.format == FORMAT && content.marks.len() <= MARKS_MAX,
        broken
    );
    Ok(content.marks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring;
    use std::os::unix::fs::PermissionsExt as _;

    fn scene(directory: &std::path::Path) -> (Keyring, Address) {
        let keyring = Keyring::new(&keyring::Args::at(directory)).unwrap();
        (keyring, Address::from_bytes(&[7; 20]).unwrap())
    }

    fn mark(hash: &str, sequence: u64, effect: &str) -> Mark {
        Mark {
            txhash: hash.to_owned(),
            sequence,
            timeout_height: 9,
            effect: effect.to_owned(),
            awaited: true,
        }
    }

    #[test]
    fn what_is_marked_is_there_for_the_next_command_and_for_its_owners_eyes() {
        let directory = tempfile::tempdir().unwrap();
        let (keyring, address) = scene(directory.path());
        let mut pending = Pending::open(&keyring, &address, "test-1").unwrap();
        for (hash, sequence) in [("A", 3), ("B", 3), ("C", 4)] {
            pending.mark(mark(hash, sequence, "e")).unwrap();
        }
        let path = pending.path.clone();
        drop(pending);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(
            Pending::open(&keyring, &address, "test-2")
                .unwrap()
                .marks()
                .is_empty()
        );
        let mut pending = Pending::open(&keyring, &address, "test-1").unwrap();
        assert_eq!(pending.marks().len(), 3);
        assert_eq!(
            all(&keyring).unwrap().into_values().next(),
            Some((address, "test-1".to_owned()))
        );
        // One of a sequence is in a block: of the others none can be.
        pending.forget_sequence(3).unwrap();
        assert_eq!(pending.marks(), [mark("C", 4, "e")]);
        pending.forget("C").unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn the_same_is_not_signed_again_but_with_the_same_sequence() {
        let directory = tempfile::tempdir().unwrap();
        let (keyring, address) = scene(directory.path());
        let mut pending = Pending::open(&keyring, &address, "test-1").unwrap();
        pending.mark(mark("A", 3, "pay")).unwrap();
        pending.check("pay", 3, false).unwrap();
        pending.check("other", 4, false).unwrap();
        pending.check("pay", 4, true).unwrap();
        let error = pending.check("pay", 4, false).unwrap_err().to_string();
        assert!(
            error.starts_with("tx.pending: a transaction with sequence 3 may still be included until height 9, and does the same (A)"),
            "{error}"
        );
    }

    #[test]
    fn a_file_that_cannot_be_read_stops_whoever_would_sign() {
        let directory = tempfile::tempdir().unwrap();
        let (keyring, address) = scene(directory.path());
        let mut pending = Pending::open(&keyring, &address, "test-1").unwrap();
        pending.mark(mark("A", 3, "pay")).unwrap();
        let path = pending.path.clone();
        drop(pending);
        for broken in ["", "{}", r#"{"format":"strongroom-pending/v2","marks":[]}"#] {
            fs::write(&path, broken).unwrap();
            let error = Pending::open(&keyring, &address, "test-1")
                .map(|_| ())
                .unwrap_err();
            assert!(
                crate::in_one_line(&error).contains("tx.pending_file: "),
                "{broken}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), broken);
        }
        for chain in ["", "../x", "a/b", "a\0"] {
            assert!(
                Pending::open(&keyring, &address, chain).is_err(),
                "{chain:?}"
            );
        }
    }

    #[test]
    fn there_is_an_end_to_what_may_be_pending() {
        let directory = tempfile::tempdir().unwrap();
        let (keyring, address) = scene(directory.path());
        let mut pending = Pending::open(&keyring, &address, "test-1").unwrap();
        for n in 0..MARKS_MAX as u64 {
            pending.mark(mark(&n.to_string(), n, "e")).unwrap();
        }
        let error = pending
            .mark(mark("one more", 99, "e"))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("tx.pending_many:"), "{error}");
        assert_eq!(pending.marks().len(), MARKS_MAX);
    }
}
