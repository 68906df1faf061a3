//! What an account has signed and nobody has seen in a block yet: kept beside the keys, so that nobody pays twice because a node withholds an
//! answer.
//!
//! Promises: a transaction is marked before it leaves, and marked until it is known how it ended in a block (proven, unless the node is believed), until
//! another of its sequence is in a block, until no block may hold it any more, or until its user says so. Another one with the same effect is not signed meanwhile, unless it has the same
//! sequence: of those, one at most is ever in a block. Refuses: a file that it cannot read, for what it forgets may be paid again.

mod fate;
mod mark;

#[cfg(test)]
mod tests;

pub(super) use fate::View;
pub(super) use mark::Mark;

use super::{history, send};
use crate::keyring::Keyring;
use crate::{given, preflight};
use anyhow::{Context as _, bail, ensure};
use fate::{Fate, has_used_sequence};
use mark::MARKS_MAX;
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use strongroom_sdk::client::{Included, Proven};
use strongroom_store::files::{self, Readers};
use strongroom_types::Address;

const LOCK: &str = "lock";

/// The marks of one account on one chain, locked.
pub(super) struct Pending {
    address: Address,
    path: PathBuf,
    marks: Vec<Mark>,
    _lock: File,
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
        let lock = lock(
            &directory.join(format!("{address}.{chain_id}.{LOCK}")),
            address,
        );
        let lock = lock.with_context(name)?;
        let path = directory.join(format!("{address}.{chain_id}.json"));
        let marks = match path.symlink_metadata() {
            Err(_) => Vec::new(),
            Ok(_) => {
                let bytes = given::read(&path, mark::BYTES_MAX).context("tx.pending_file")?;
                let read = mark::read(&bytes);
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

    /// Asks how the marked transactions ended, says it, and forgets those of which it is known. Refuses to go on to another transaction
    /// with `effect` where one of them has just been found in a block: whoever asks again may not know that it is done.
    pub(super) async fn resolve(
        &mut self,
        mut view: View<'_>,
        effect: Option<&str>,
    ) -> anyhow::Result<()> {
        let (mut done, mut held) = (None, None);
        for mark in self.marks.clone() {
            let Mark {
                sequence, txhash, ..
            } = &mark;
            match mark.fate(&mut view, &self.address).await? {
                // With what a node says of its result, somebody would pay again for what is paid.
                Fate::Included(included) if included.proven == Proven::Block => {
                    mark.say_held(included.height);
                    if effect == Some(mark.effect.as_str()) {
                        held = Some((included.height, txhash.clone()));
                    }
                }
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
                    self.ended(&included)?;
                }
                Fate::Other(other) => {
                    talk!(
                        "another transaction with sequence {sequence} is in block {} ({}): this one can be in none ({txhash})",
                        other.height,
                        other.hash
                    );
                    self.forget_sequence(*sequence)?;
                }
                Fate::Elsewhere => {
                    talk!(
                        "the transaction with sequence {sequence} was signed on another history of this chain, and is no longer marked ({txhash})"
                    );
                    self.forget(txhash)?;
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
        if let Some((height, hash)) = held {
            bail!(
                "tx.pending: block {height} has transaction {hash}, which does the same, and how it ended there is not proven. Nothing was signed: `strongroom tx pending` asks for it, at another node too; --again signs all the same, and may pay twice"
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
                "tx.pending: {}, and does the same ({}). Nothing was signed: `strongroom tx pending` asks for it; --again signs all the same, and may pay twice",
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
            "tx.pending_many: {MARKS_MAX} transactions of this account may still be included: `strongroom tx pending` asks for them; `strongroom tx pending --forget HASH` no longer marks one"
        );
        self.marks.push(mark);
        self.save()
    }

    /// A command waits for a transaction, if it is marked.
    pub(super) fn awaited(&mut self, hash: &str) -> anyhow::Result<()> {
        let Some(mark) = self.marks.iter_mut().find(|mark| mark.txhash == hash) else {
            return Ok(());
        };
        mark.awaited = true;
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

    /// A transaction is in a block, and it is known how it ended.
    pub(super) fn ended(&mut self, included: &Included) -> anyhow::Result<()> {
        match send::sequence(&included.tx) {
            Some(sequence) if has_used_sequence(included) => self.forget_sequence(sequence),
            _ => self.forget(&included.hash),
        }
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
        files::write(&self.path, &mark::written(&self.marks)?, Readers::Owner).with_context(failed)
    }
}

/// The lock of an account on a chain; says who is waited for.
fn lock(path: &Path, address: &Address) -> std::io::Result<File> {
    let mut options = File::options();
    let file = options
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            talk!("waiting for another command that signs for {address}");
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error),
        Ok(()) => {}
    }
    Ok(file)
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
