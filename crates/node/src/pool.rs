//! Where transactions wait for a block: our own mempool behind its queue, or CometBFT's.
//!
//! Promises: at most as many wait for CheckTx as the queue of the engine bounds; each answer has the codes that clients know.

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

/// How long a transaction waits for a CometBFT that is being started.
const START_WAITS: Duration = Duration::from_secs(8);
const START_POLL: Duration = Duration::from_millis(50);

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
    pub async fn submit(&self, tx: RawTx, wait: bool) -> Submitted {
        let checked = match self {
            Self::Own(queue) => match queue.submit(tx) {
                Ok(queued) if wait => queued.answer().await,
                Ok(_) => Ok(ExecTxResult::default()),
                Err(refused) => Err(refused),
            },
            Self::Comet(pool) => pool.submit(tx, wait).await,
        };
        match checked {
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
        }
    }
}

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

    async fn submit(&self, tx: RawTx, wait: bool) -> Result<ExecTxResult, MempoolError> {
        let full = MempoolError::Busy {
            txs: QUEUED_TXS_MAX,
        };
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| full.clone())?;
        // One that is longer than all of it is refused by CometBFT, for its length.
        let length = u32::try_from(tx.len().min(QUEUED_BYTES_MAX)).unwrap_or(u32::MAX);
        let bytes = Arc::clone(&self.bytes).try_acquire_many_owned(length);
        let bytes = bytes.map_err(|_| full.clone())?;
        let rpc = self.rpc.clone();
        let answer = self.threads.queue(move || {
            let answer = broadcast(&rpc, &tx);
            drop((place, bytes));
            answer
        });
        if !wait {
            return Ok(ExecTxResult::default());
        }
        match answer.await {
            Ok(Ok(Ok(checked))) => Ok(checked),
            Ok(Ok(Err(words))) => Err(refusal(&words)),
            // CometBFT is being started again: the client may try later.
            Ok(Err(_)) | Err(_) => Err(full),
        }
    }
}

/// Waits a while for a CometBFT that is being started.
fn broadcast(rpc: &Rpc, tx: &[u8]) -> Result<Result<ExecTxResult, String>, RpcError> {
    let until = Instant::now() + START_WAITS;
    loop {
        match rpc.broadcast(tx) {
            Err(RpcError::Io(_)) if Instant::now() < until => std::thread::sleep(START_POLL),
            answer => return answer,
        }
    }
}

/// What CometBFT's mempool says.
fn refusal(words: &str) -> MempoolError {
    let words = words.to_lowercase();
    if words.contains("already exists in cache") {
        MempoolError::Seen
    } else if words.contains("too large") {
        MempoolError::TooLarge { max: 0, got: 0 }
    } else {
        MempoolError::Busy { txs: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(refusal(words).code(), code, "{words}");
        }
    }
}
