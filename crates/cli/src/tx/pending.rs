//! What an account has signed and nobody has seen in a block yet: kept beside the keys, so that nobody pays twice because a node withholds an
//! answer.
//!
//! Promises: a transaction is marked before it leaves, and marked until it is known how it ended in a block (proven, unless the node is believed), until
//! another of its sequence is in a block, until no block may hold it any more, or until its user says so. Another one with the same effect is not signed meanwhile, unless it has the same
//! sequence: of those, one at most is ever in a block. Refuses: a file that it cannot read, for what it forgets may be paid again.
//! Format: docs/book/cli.md, "The file of pending transactions".

use super::history::{self, Block};
use super::send;
use crate::keyring::Keyring;
use crate::rpc::Client;
use crate::{preflight, verify};
use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use strongroom_sdk::client::{Error, Included, Proven};
use strongroom_store::files::{self, Readers};
use strongroom_types::{Address, Height};

const FORMAT: &str = "strongroom-pending/v1";
const LOCK: &str = "lock";
/// Transactions of one sequence that are looked at; a chain has one that counts.
const FOUND_MAX: usize = 8;
/// Marks of one account on one chain. Whoever has more of them has lost sight of them.
pub(super) const MARKS_MAX: usize = 64;
const BYTES_MAX: usize = 128 << 10;
/// Code of a transaction whose sequence is not the account's.
const WRONG_SEQUENCE: u32 = 32;

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
    /// Blocks of the chain that it was signed on.
    #[serde(default)]
    pub(super) history: Vec<Block>,
}

/// A node, and whether its word counts.
pub(super) struct View<'c> {
    pub(super) client: &'c mut Client,
    pub(super) is_believed: bool,
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
    /// Another transaction of its sequence is in a block.
    Other(Box<Included>),
    /// No block may hold it any more.
    Never,
    /// The chain is not the one that it was signed on, for all that it has its name.
    Elsewhere,
    Open,
}

impl Mark {
    /// Says that it may still come.
    pub(super) fn say(&self) {
        talk!("{} ({})", self.words(), self.txhash);
    }

    /// Says that a block holds it, and that it stays marked all the same.
    pub(super) fn say_held(&self, height: Height) {
        talk!(
            "the transaction with sequence {} is in block {height}, and stays marked until it is proven how it ended there ({})",
            self.sequence,
            self.txhash
        );
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

    async fn fate(&self, view: &mut View<'_>, address: &Address) -> Result<Fate, Error> {
        let client = &mut *view.client;
        match client.transaction(&self.txhash).await {
            Ok(included) => return Ok(Fate::Included(Box::new(included))),
            Err(Error::NotIncluded { .. }) => {}
            // Whatever cannot be proven is as open as before.
            Err(Error::Light(_)) => return Ok(Fate::Open),
            Err(error) => return Err(error),
        }
        if view.is_believed && history::is_another(client, &self.history).await? {
            return Ok(Fate::Elsewhere);
        }
        let (height, sequence) = match client.settled(address).await {
            Ok(settled) => settled,
            // An account that never was has signed nothing that a block holds.
            Err(Error::Light(_) | Error::NoAccount(_)) => return Ok(Fate::Open),
            Err(error) => return Err(error),
        };
        if sequence > self.sequence {
            // That a node shows no block with this one says nothing: it may hide it. One with another of the sequence does.
            let other = self.other(client, address).await?;
            return Ok(other.map_or(Fate::Open, |other| Fate::Other(Box::new(other))));
        }
        let is_over = self.timeout_height != 0 && height >= self.timeout_height;
        Ok(if is_over { Fate::Never } else { Fate::Open })
    }

    /// Another transaction of the account with this sequence, in a block; as far as the node shows one.
    async fn other(
        &self,
        client: &mut Client,
        address: &Address,
    ) -> Result<Option<Included>, Error> {
        let query = format!("tx.acc_seq='{address}/{}'", self.sequence);
        let params = json!({ "query": query, "prove": false, "page": "1", "per_page": "100", "order_by": "asc" });
        let answer = match client.call("tx_search", &params).await {
            // Not every node has an index.
            Err(Error::Rpc(_)) => return Ok(None),
            answer => answer?,
        };
        let txs = answer["txs"].as_array().map(Vec::as_slice);
        for tx in txs.unwrap_or_default().iter().take(FOUND_MAX) {
            let Some(hash) = tx["hash"].as_str() else {
                continue;
            };
            let included = match client.transaction(hash).await {
                Ok(included) => included,
                Err(Error::NotIncluded { .. } | Error::Light(_)) => continue,
                Err(error) => return Err(error),
            };
            let same = send::signed_by(&included.tx).as_ref() == Some(address)
                && send::sequence(&included.tx) == Some(self.sequence);
            let is_other = !included.hash.eq_ignore_ascii_case(&self.txhash);
            if same && is_other && has_used_sequence(&included) {
                return Ok(Some(included));
            }
        }
        Ok(None)
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
        let lock = lock(
            &directory.join(format!("{address}.{chain_id}.{LOCK}")),
            address,
        );
        let lock = lock.with_context(name)?;
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
        let content = Content {
            format: FORMAT.to_owned(),
            marks: self.marks.clone(),
        };
        let bytes = serde_json::to_vec_pretty(&content)?;
        files::write(&self.path, &bytes, Readers::Owner).with_context(failed)
    }
}

/// Whether no other transaction of its sequence can be in a block: one that failed because its sequence was another's says nothing of that other.
fn has_used_sequence(included: &Included) -> bool {
    included.proven != Proven::Block && included.result.code != WRONG_SEQUENCE
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

    /// An account with a keyring of its own.
    struct Scene {
        keyring: Keyring,
        address: Address,
        _directory: tempfile::TempDir,
    }

    impl Scene {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            Self {
                keyring: Keyring::new(&keyring::Args::at(directory.path())).unwrap(),
                address: Address::from_bytes(&[7; 20]).unwrap(),
                _directory: directory,
            }
        }

        /// What the account has pending on a chain.
        fn on(&self, chain: &str) -> anyhow::Result<Pending> {
            Pending::open(&self.keyring, &self.address, chain)
        }

        /// With these marks on the chain `test-1`.
        fn marked(&self, marks: &[(&str, u64, &str)]) -> Pending {
            let mut pending = self.on("test-1").unwrap();
            for (hash, sequence, effect) in marks {
                pending.mark(mark(hash, *sequence, effect)).unwrap();
            }
            pending
        }
    }

    fn mark(hash: &str, sequence: u64, effect: &str) -> Mark {
        Mark {
            txhash: hash.to_owned(),
            sequence,
            timeout_height: 9,
            effect: effect.to_owned(),
            awaited: true,
            history: vec![Block {
                height: 1,
                hash: "00".repeat(32),
            }],
        }
    }

    #[test]
    fn what_is_marked_is_there_for_the_next_command_and_for_its_owners_eyes() {
        let scene = Scene::new();
        let pending = scene.marked(&[("A", 3, "e"), ("B", 3, "e"), ("C", 4, "e")]);
        let path = pending.path.clone();
        drop(pending);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(scene.on("test-2").unwrap().marks().is_empty());
        let mut pending = scene.on("test-1").unwrap();
        assert_eq!(pending.marks().len(), 3);
        assert_eq!(
            all(&scene.keyring).unwrap().into_values().next(),
            Some((scene.address.clone(), "test-1".to_owned()))
        );
        // One of a sequence is in a block: of the others none can be.
        pending.forget_sequence(3).unwrap();
        assert_eq!(pending.marks(), [mark("C", 4, "e")]);
        pending.forget("C").unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_transaction_that_came_behind_another_of_its_sequence_says_nothing_of_that_one() {
        use strongroom_sdk::keys::Account;
        use strongroom_sdk::tx::TxBuilder;
        use strongroom_types::proto::cosmos::bank::v1beta1::MsgSend;
        let tx = TxBuilder::new("test-1").message(&MsgSend::default());
        let account = Account::from_bytes(&[1; 32]).unwrap();
        let raw = tx.gas(1).sign(&account, 0, 3).unwrap();
        let ended = |code, proven| Included {
            hash: "B".to_owned(),
            height: 5,
            tx: raw.clone(),
            result: strongroom_types::ExecTxResult {
                code,
                ..Default::default()
            },
            proven,
        };
        for (code, left) in [(0, 0), (5, 0), (WRONG_SEQUENCE, 1)] {
            let scene = Scene::new();
            let mut pending = scene.marked(&[("A", 3, "pay"), ("B", 3, "pay")]);
            let included = ended(code, Proven::Result);
            assert_eq!(send::sequence(&included.tx), Some(3));
            pending.ended(&included).unwrap();
            assert_eq!(pending.marks().len(), left, "{code}");
        }
        assert!(!has_used_sequence(&ended(0, Proven::Block)));
    }

    #[test]
    fn the_same_is_not_signed_again_but_with_the_same_sequence() {
        let scene = Scene::new();
        let pending = scene.marked(&[("A", 3, "pay")]);
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
    fn accounts_do_not_wait_for_each_other() {
        let scene = Scene::new();
        let other = Address::from_bytes(&[8; 20]).unwrap();
        let first = scene.on("test-1").unwrap();
        let (opened, opens) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let others = [(&other, "test-1"), (&scene.address, "test-2")];
                let _held =
                    others.map(|(a, chain)| Pending::open(&scene.keyring, a, chain).unwrap());
                opened.send("others").unwrap();
                let _own = scene.on("test-1").unwrap();
                opened.send("own").unwrap();
            });
            let wait = std::time::Duration::from_secs(10);
            assert_eq!(opens.recv_timeout(wait), Ok("others"));
            assert!(opens.try_recv().is_err(), "who signs is alone");
            drop(first);
            assert_eq!(opens.recv_timeout(wait), Ok("own"));
        });
    }

    #[test]
    fn marks_of_before_are_read_and_a_broadcast_is_waited_for() {
        let scene = Scene::new();
        let pending = scene.marked(&[("A", 3, "pay")]);
        let path = pending.path.clone();
        drop(pending);
        fs::write(
            &path,
            r#"{"format":"strongroom-pending/v1","marks":[{"txhash":"B","sequence":4,"timeout_height":0,"effect":"e","awaited":false}]}"#,
        )
        .unwrap();
        let mut pending = scene.on("test-1").unwrap();
        pending.awaited("nothing").unwrap();
        assert!(!pending.marks()[0].awaited);
        pending.awaited("B").unwrap();
        drop(pending);
        let pending = scene.on("test-1").unwrap();
        assert!(pending.marks()[0].awaited && pending.marks()[0].history.is_empty());
    }

    #[test]
    fn a_file_that_cannot_be_read_stops_whoever_would_sign() {
        let scene = Scene::new();
        let pending = scene.marked(&[("A", 3, "pay")]);
        let path = pending.path.clone();
        drop(pending);
        for broken in ["", "{}", r#"{"format":"strongroom-pending/v2","marks":[]}"#] {
            fs::write(&path, broken).unwrap();
            let error = scene.on("test-1").map(|_| ()).unwrap_err();
            assert!(
                crate::in_one_line(&error).contains("tx.pending_file: "),
                "{broken}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), broken);
        }
        for chain in ["", "../x", "a/b", "a\0"] {
            assert!(scene.on(chain).is_err(), "{chain:?}");
        }
    }

    #[test]
    fn there_is_an_end_to_what_may_be_pending() {
        let scene = Scene::new();
        let mut pending = scene.on("test-1").unwrap();
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
