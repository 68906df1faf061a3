//! What an operator has when no enclave can execute a decided block: a report of the failure, and a list of exceptions,
//! transactions that the enclave does not execute. ADR 12; docs/spec/door.md.
//!
//! Promises: a report holds the block's bytes, which are public, and the failure, which contains no plaintext; the list is
//! stored in the home, so that a restart and a replay use the same exceptions.
//! Refuses: a list that it cannot read, because without an exception the same blocks give another app hash.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::str::FromStr;
use std::{fs, io};
use strongroom_bridge::DoorError;
use strongroom_proof::comet::Header;
use strongroom_store::files::{self, Readers};
use strongroom_types::{DecidedBlock, Hash, Height};

/// A transaction that is not executed: `HEIGHT:HASH`, the hash in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exception {
    /// Height of its block.
    pub height: Height,
    /// SHA-256 of its bytes.
    pub tx: Hash,
}

/// Text that is no [`Exception`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not HEIGHT:HASH, with the 64 hex digits of a transaction's hash")]
pub struct NotAnException(String);

impl FromStr for Exception {
    type Err = NotAnException;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || NotAnException(text.to_owned());
        let (height, tx) = text.split_once(':').ok_or_else(refused)?;
        let tx = hex::decode(tx).ok().and_then(|bytes| bytes.try_into().ok());
        Ok(Self {
            height: height.parse().map_err(|_| refused())?,
            tx: tx.ok_or_else(refused)?,
        })
    }
}

impl core::fmt::Display for Exception {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}:{}", self.height, hex::encode_upper(self.tx))
    }
}

/// The list in a home: one exception per line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exceptions(BTreeMap<Height, BTreeSet<Hash>>);

impl Exceptions {
    /// Reads the list at `path`; without a file it is empty.
    ///
    /// # Errors
    /// If the file cannot be read, or a line is not an exception.
    pub fn load(path: &Path) -> io::Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(e),
        };
        let mut list = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            list.insert(line.parse().map_err(|e: NotAnException| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("{}: {e}", path.display()),
                )
            })?);
        }
        Ok(list)
    }

    /// Adds exceptions to the list at `path`, durably.
    ///
    /// # Errors
    /// As [`Exceptions::load`], or if the file cannot be written; the file is then unchanged.
    pub fn add(path: &Path, more: &[Exception]) -> io::Result<()> {
        let mut list = Self::load(path)?;
        for exception in more {
            list.insert(*exception);
        }
        let lines = list.0.iter().flat_map(|(height, txs)| {
            txs.iter().map(|tx| {
                let height = *height;
                format!("{}\n", Exception { height, tx: *tx })
            })
        });
        files::write(path, lines.collect::<String>().as_bytes(), Readers::Anyone)
    }

    fn insert(&mut self, exception: Exception) {
        self.0
            .entry(exception.height)
            .or_default()
            .insert(exception.tx);
    }

    /// Hashes of the transactions of the block at `height` that are not executed.
    #[must_use]
    pub fn at(&self, height: Height) -> Vec<Hash> {
        self.0.get(&height).into_iter().flatten().copied().collect()
    }
}

/// Writes the report of a block that cannot be executed, and logs what the operator can do.
pub(crate) fn report(directory: &Path, block: &DecidedBlock, error: &DoorError) {
    let height = Header::decode(&block.header).map_or(0, |header| header.height);
    let tx = match error {
        DoorError::Failed(failure) => failure.tx,
        _ => None,
    };
    let path = directory.join(format!("block-{height}.json"));
    let written = write_report(&path, block, error, height);
    match &written {
        Ok(()) => tracing::error!(
            "{error}. {} has the block and the failure, no secrets: report it",
            path.display()
        ),
        Err(e) => tracing::error!("{error}. {} cannot be written: {e}", path.display()),
    }
    if let Some(tx) = tx {
        let exception = Exception {
            height: tx.height,
            tx: tx.hash,
        };
        tracing::error!(
            "if it happens again, `--skip-tx {exception}` leaves this transaction out of its block"
        );
    }
}

fn write_report(
    path: &Path,
    block: &DecidedBlock,
    error: &DoorError,
    height: Height,
) -> io::Result<()> {
    let tx = match error {
        DoorError::Failed(failure) => failure.tx,
        _ => None,
    };
    let report = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "height": height,
        "code": error.code(),
        "failure": error.to_string(),
        "tx": tx.map(|tx| serde_json::json!({
            "index": tx.index,
            "hash": hex::encode_upper(tx.hash),
        })),
        "block": {
            "header": hex::encode(&block.header),
            "commit": hex::encode(&block.commit),
            "txs": block.txs.iter().map(hex::encode).collect::<Vec<_>>(),
            "last_commit": hex::encode(&block.last_commit),
            "evidence": hex::encode(&block.evidence),
        },
    });
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    files::write(path, &serde_json::to_vec_pretty(&report)?, Readers::Anyone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enclave::Enclave;
    use std::path::PathBuf;
    use std::sync::Arc;
    use strongroom_bridge::message::{EnclaveRequest, Failure, HostResponse, Reply, Request, TxAt};
    use strongroom_bridge::{FailureCode, Transport};
    use strongroom_store::state::TABLES;
    use strongroom_store::{ContentStore, KvLimits, Limits, LsmKv, StateStore};

    #[test]
    fn the_list_of_a_home_survives_and_a_line_that_is_none_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("exceptions");
        assert_eq!(Exceptions::load(&path).unwrap(), Exceptions::default());
        let text = format!("7:{}", "AB".repeat(32));
        let exception: Exception = text.parse().unwrap();
        assert_eq!(exception.to_string(), text);
        let other = Exception {
            height: 7,
            tx: [1; 32],
        };
        Exceptions::add(&path, &[exception]).unwrap();
        Exceptions::add(&path, &[exception, other]).unwrap();
        let list = Exceptions::load(&path).unwrap();
        assert_eq!(list.at(7), [[1; 32], [0xab; 32]]);
        assert!(list.at(8).is_empty());
        for bad in [
            "7",
            "7:",
            "7:zz",
            "x:00",
            ":",
            &format!("-1:{}", "00".repeat(32)),
        ] {
            assert!(bad.parse::<Exception>().is_err(), "{bad}");
            fs::write(&path, bad).unwrap();
            assert!(Exceptions::load(&path).is_err(), "{bad}");
        }
    }

    /// An enclave whose every call ends like this.
    struct Ends(DoorError);

    impl Transport for Ends {
        fn call(
            &self,
            _: Request,
            _: &mut dyn FnMut(EnclaveRequest) -> HostResponse,
        ) -> Result<Reply, DoorError> {
            Err(self.0.clone())
        }
    }

    fn executes(home: &Path, reports: PathBuf, error: &DoorError) -> DoorError {
        let kv = LsmKv::open(home.join("state"), TABLES, KvLimits::default()).unwrap();
        let enclave = Enclave::new(
            Arc::new(Ends(error.clone())),
            Arc::new(StateStore::open(Arc::new(kv), Limits::default()).unwrap()),
            Arc::new(ContentStore::open(&home.join("content")).unwrap()),
        );
        let block = DecidedBlock {
            txs: strongroom_types::RawTx::list(["one", "two"]),
            ..DecidedBlock::default()
        };
        enclave
            .with_operator(Exceptions::default(), reports)
            .execute_block(0, &block)
            .unwrap_err()
    }

    fn failed(code: FailureCode, tx: Option<TxAt>) -> DoorError {
        DoorError::Failed(Failure {
            code,
            text: "an invariant does not hold".into(),
            tx,
        })
    }

    #[test]
    fn a_block_that_faults_leaves_a_report_that_names_the_transaction_and_holds_the_block() {
        let home = tempfile::tempdir().unwrap();
        let reports = home.path().join("reports");
        let tx = TxAt {
            height: 7,
            index: 1,
            hash: [0xab; 32],
        };
        let error = failed(FailureCode::Broken, Some(tx));
        assert_eq!(executes(home.path(), reports.clone(), &error), error);
        let text = fs::read(reports.join("block-0.json")).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(report["code"], error.code());
        assert_eq!(report["failure"], error.to_string());
        let hash = "AB".repeat(32);
        assert_eq!(
            report["tx"],
            serde_json::json!({ "index": 1, "hash": hash })
        );
        let txs = ["one", "two"].map(hex::encode);
        assert_eq!(report["block"]["txs"], serde_json::json!(txs));
        // What the log tells the operator to type is what the option takes.
        assert_eq!(
            format!("7:{hash}").parse(),
            Ok(Exception {
                height: 7,
                tx: tx.hash
            })
        );
    }

    #[test]
    fn what_passes_by_itself_leaves_no_report_and_a_report_that_cannot_be_written_hides_no_error() {
        for (error, written) in [
            (DoorError::Busy("all lanes are taken"), false),
            (DoorError::Short("no descriptors".into()), false),
            (failed(FailureCode::Unavailable, None), false),
            (DoorError::Closed("the process died".into()), true),
            (failed(FailureCode::Proof, None), true),
        ] {
            let home = tempfile::tempdir().unwrap();
            let reports = home.path().join("reports");
            assert_eq!(executes(home.path(), reports.clone(), &error), error);
            assert_eq!(reports.join("block-0.json").exists(), written, "{error}");
            // Its place is taken by a file.
            let file = home.path().join("file");
            fs::write(&file, "").unwrap();
            let again = home.path().join("again");
            assert_eq!(executes(&again, file, &error), error);
        }
    }
}
