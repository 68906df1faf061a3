//! Where transactions wait for a block: our own mempool behind its queue, or CometBFT's.
//!
//! Promises: at most as many wait for CheckTx as the queue of the engine bounds; each answer has the codes that clients know; what was given away and has no
//! answer is never told as refused ([`Lost`]).

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use strongroom_comet_rpc::check_queue::{CheckQueue, QUEUED_BYTES_MAX, QUEUED_TXS_MAX};
use strongroom_comet_rpc::mempool::{MempoolError, SOON, is_full};
use strongroom_consensus::cometbft::Rpc;
use strongroom_consensus::cometbft::rpc::RpcError;
use strongroom_http::workers::Threads;
use strongroom_types::{ExecTxResult, RawTx};
use tokio::sync::Semaphore;

/// Threads that wait for CometBFT's answers: its mempool checks one transaction after the other anyway.
const THREADS: usize = 4;

/// How long a transaction waits for a CometBFT that is being started, from when it came: those behind it wait no longer.
const START_WAITS: Duration = Duration::from_secs(8);
const START_POLL: Duration = Duration::from_millis(50);

/// There is no room, or CometBFT is being started again: the client may try later.
const BUSY: MempoolError = MempoolError::Busy {
    txs: QUEUED_TXS_MAX,
};

/// See the module. Clones share it.
#[derive(Clone)]
pub enum Pool {
    /// Ours.
    Own(CheckQueue),
    /// CometBFT's.
    Comet(CometPool),
}

impl Pool {
    /// Puts a transaction into the pool. With `wait`, CheckTx's result, or else a success that says nothing. What the pool itself
    /// refuses has the code and codespace of the protocol, and no text (wire.md 1.12.2).
    ///
    /// # Errors
    /// [`Lost`].
    pub async fn submit(&self, tx: RawTx, wait: bool) -> Result<Submitted, Lost> {
        let lost = Lost {
            hash: tx.hash_hex(),
        };
        let checked = match self {
            Self::Own(queue) => match queue.submit(tx) {
                // What could not be checked was not taken.
                Ok(queued) if wait => Some(queued.answer().await),
                Ok(_) => Some(Ok(ExecTxResult::default())),
                Err(refused) => Some(Err(refused)),
            },
            Self::Comet(pool) => pool.submit(tx, wait).await,
        };
        Ok(match checked.ok_or(lost)? {
            Ok(check) => Submitted {
                retry_after: is_full(&check).then_some(SOON),
                check,
            },
            Err(refused) => Submitted {
                check: ExecTxResult {
                    code: refused.code(),
                    codespace: "sdk".to_owned(),
                    ..ExecTxResult::default()
                },
                retry_after: refused.retry_after(),
            },
        })
    }
}

/// A transaction was given away, and its check has no answer: whether it waits for a block is not known.
#[derive(Debug, thiserror::Error)]
#[error(
    "the answer to transaction {hash} is lost: a block may hold it yet, ask for it before another one is sent in its place"
)]
pub struct Lost {
    hash: String,
}

/// The result of a check, or why there was none; `None`: the answer is lost.
type Answer = Option<Result<ExecTxResult, MempoolError>>;

/// What became of a transaction.
pub struct Submitted {
    /// Result of CheckTx, or what the pool says in its place.
    pub check: ExecTxResult,
    /// After what time the same transaction may be taken that was refused.
    pub retry_after: Option<Duration>,
}

/// A client of CometBFT's mempool.
#[derive(Clone)]
pub struct CometPool {
    rpc: Rpc,
    threads: Arc<Threads>,
    places: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

impl CometPool {
    /// A client over the private RPC.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub fn new(rpc: Rpc) -> io::Result<Self> {
        Ok(Self {
            rpc,
            threads: Arc::new(Threads::new("broadcast", THREADS)?),
            places: Arc::new(Semaphore::new(QUEUED_TXS_MAX)),
            bytes: Arc::new(Semaphore::new(QUEUED_BYTES_MAX)),
        })
    }

    /// CometBFT's RPC.
    #[must_use]
    pub const fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    async fn submit(&self, tx: RawTx, wait: bool) -> Answer {
        // One that is longer than all of it is refused by CometBFT, for its length.
        let length = u32::try_from(tx.len().min(QUEUED_BYTES_MAX)).unwrap_or(u32::MAX);
        let place = Arc::clone(&self.places).try_acquire_owned();
        let bytes = Arc::clone(&self.bytes).try_acquire_many_owned(length);
        let (Ok(place), Ok(bytes)) = (place, bytes) else {
            return Some(Err(BUSY));
        };
        let (rpc, until) = (self.rpc.clone(), Instant::now() + START_WAITS);
        let answer = self.threads.queue(move || {
            let answer = broadcast(&rpc, &tx, until);
            drop((place, bytes));
            answer
        });
        if !wait {
            return Some(Ok(ExecTxResult::default()));
        }
        answer.await.ok().flatten()
    }
}

/// Gives a transaction to CometBFT, once at least, and waits `until` then for one that is being started. After a silence it is given again, since a CometBFT that ends forgets
/// what waits; but of one that it may have had already only a success says what became of it.
fn broadcast(rpc: &Rpc, tx: &[u8], until: Instant) -> Answer {
    let mut is_given = false;
    loop {
        match rpc.broadcast(tx) {
            Ok(Ok(checked)) if checked.is_ok() || !is_given => return Some(Ok(checked)),
            Ok(Err(words)) if !is_given => return refusal(&words).map(Err),
            Ok(_) => return None,
            Err(error) => is_given |= !matches!(error, RpcError::Unasked(_)),
        }
        if Instant::now() >= until {
            // Not asked, it may be asked later.
            return (!is_given).then_some(Err(BUSY));
        }
        std::thread::sleep(START_POLL);
    }
}

/// What CometBFT's mempool says that does not take a transaction. Other words are of a check whose end it did not see.
fn refusal(words: &str) -> Option<MempoolError> {
    let words = words.to_lowercase();
    if words.contains("already exists in cache") {
        Some(MempoolError::Seen)
    } else if words.contains("too large") {
        Some(MempoolError::TooLarge { max: 0, got: 0 })
    } else if words.contains("mempool is full") {
        Some(BUSY)
    } else {
        None
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    #[test]
    fn what_the_mempool_of_cometbft_says_has_the_codes_that_clients_know() {
        for (words, code) in [
            ("tx already exists in cache", 19),
            (
                "mempool is full: number of txs 5000 (max: 5000), total txs bytes 1 (max: 2)",
                20,
            ),
            ("Tx too large. Max size is 2162688, but got 2162689", 21),
        ] {
            assert_eq!(refusal(words).unwrap().code(), code, "{words}");
        }
        assert!(refusal("broadcast confirmation not received: context canceled").is_none());
    }

    /// Answers at this socket so to one call after the other, as a CometBFT that then is gone. `None` is the end of a connection on which a whole
    /// request came.
    pub(crate) fn answering(socket: &Path, answers: &'static [Option<&'static str>]) {
        let listener = UnixListener::bind(socket).unwrap();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                read_whole(&mut stream);
                if let Some(answer) = answer {
                    write!(stream, "HTTP/1.0 200 OK\r\n\r\n{answer}").unwrap();
                }
            }
        });
    }

    fn read_whole(stream: &mut impl io::Read) {
        let mut request = BufReader::new(stream);
        let (mut length, mut line) = (0, String::new());
        while line != "\r\n" {
            line.clear();
            request.read_line(&mut line).unwrap();
            if let Some(told) = line.strip_prefix("Content-Length: ") {
                length = told.trim().parse().unwrap();
            }
        }
        request.read_exact(&mut vec![0; length]).unwrap();
    }

    const TAKEN: Option<&str> = Some(r#"{"result":{"code":0,"log":"","codespace":"","data":""}}"#);
    const REFUSED: Option<&str> =
        Some(r#"{"result":{"code":5,"log":"no","codespace":"sdk","data":""}}"#);
    const FULL: Option<&str> = Some(r#"{"error":{"data":"mempool is full: 5000"}}"#);
    const SEEN: Option<&str> = Some(r#"{"error":{"data":"tx already exists in cache"}}"#);
    const UNSEEN: Option<&str> =
        Some(r#"{"error":{"data":"broadcast confirmation not received: context canceled"}}"#);

    #[test]
    fn a_transaction_that_cometbft_may_have_taken_is_not_told_as_refused() {
        let directory = tempfile::tempdir().unwrap();
        let mut calls = 0;
        let mut code = |answers: &'static [Option<&'static str>]| {
            calls += 1;
            let socket = directory.path().join(format!("{calls}"));
            if !answers.is_empty() {
                answering(&socket, answers);
            }
            let until = Instant::now() + Duration::from_millis(500);
            let answer = broadcast(&Rpc::new(socket), b"tx", until)?;
            Some(answer.map_or_else(|refused| refused.code(), |checked| checked.code))
        };
        assert_eq!(code(&[TAKEN]), Some(0));
        assert_eq!(code(&[REFUSED]), Some(5));
        assert_eq!(code(&[FULL]), Some(20));
        assert_eq!(code(&[SEEN]), Some(19));
        // Nobody was there to take it.
        assert_eq!(code(&[]), Some(20));
        for lost in [&[UNSEEN], &[Some("{}")], &[Some("nothing")], &[None]] {
            assert_eq!(code(lost), None, "{lost:?}");
        }
        for after in [
            &[None, REFUSED],
            &[None, FULL],
            &[None, SEEN],
            &[None, UNSEEN],
            &[None, None],
        ] {
            assert_eq!(code(after), None, "{after:?}");
        }
        assert_eq!(code(&[None, TAKEN]), Some(0));
    }

    #[test]
    fn a_transaction_that_waited_long_for_its_turn_is_given_away_once_and_keeps_nobody_behind_it() {
        let directory = tempfile::tempdir().unwrap();
        let long_ago = Instant::now();
        let code = |name: &str| {
            let answer = broadcast(&Rpc::new(directory.path().join(name)), b"tx", long_ago);
            answer.map(|a| a.map_or_else(|refused| refused.code(), |checked| checked.code))
        };
        answering(&directory.path().join("there"), &[TAKEN]);
        assert_eq!(code("there"), Some(0));
        assert_eq!(code("nobody"), Some(20));
        assert!(long_ago.elapsed() < START_WAITS / 2);
    }
}
