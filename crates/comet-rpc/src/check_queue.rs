//! The one queue in which transactions wait for CheckTx, whichever way they came.
//!
//! Promises: transactions are checked in the order in which they came, on one thread; an admitted one is checked, also if
//! nobody waits for the answer any more. Refuses: more than [`QUEUED_TXS_MAX`] or [`QUEUED_BYTES_MAX`] at once, and whatever would be checked before the
//! node is ready ([`CheckQueue::only_when`]).

use crate::mempool::{Mempool, MempoolError};
use std::io;
use std::sync::{Arc, OnceLock};
use strongroom_http::workers::Threads;
use strongroom_types::{ExecTxResult, Hash, RawTx};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot};

/// The most transactions that wait for CheckTx: about what is checked between two blocks.
pub const QUEUED_TXS_MAX: usize = 1_000;
/// The most bytes that wait for CheckTx: seven of the largest transactions.
pub const QUEUED_BYTES_MAX: usize = 16 << 20;

type IsReady = Box<dyn Fn() -> bool + Send + Sync>;

/// See the module. Clones share the queue.
#[derive(Clone)]
pub struct CheckQueue {
    mempool: Arc<Mempool>,
    is_ready: Arc<OnceLock<IsReady>>,
    thread: Arc<Threads>,
    txs: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

/// A transaction that will be checked.
pub struct Queued {
    /// SHA-256 of the transaction.
    pub hash: Hash,
    answer: oneshot::Receiver<Result<ExecTxResult, MempoolError>>,
}

impl Queued {
    /// Result of CheckTx.
    ///
    /// # Errors
    /// [`MempoolError`] if it was not checked; [`MempoolError::Unchecked`] if the checker could not tell, or panicked.
    pub async fn answer(self) -> Result<ExecTxResult, MempoolError> {
        self.answer.await.map_err(|_| MempoolError::Unchecked)?
    }
}

impl CheckQueue {
    /// A queue in front of `mempool`.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn new(mempool: Arc<Mempool>) -> io::Result<Self> {
        Ok(Self {
            mempool,
            is_ready: Arc::default(),
            thread: Arc::new(Threads::new("check", 1)?),
            txs: Arc::new(Semaphore::new(QUEUED_TXS_MAX)),
            bytes: Arc::new(Semaphore::new(QUEUED_BYTES_MAX)),
        })
    }

    /// Asks `is_ready` before each check, and refuses what it says no to. It may wait: what comes meanwhile waits in its order. To be called once, before
    /// anything is submitted.
    pub fn only_when(&self, is_ready: impl Fn() -> bool + Send + Sync + 'static) {
        let _ = self.is_ready.set(Box::new(is_ready));
    }

    /// The mempool behind the queue.
    #[must_use]
    pub fn mempool(&self) -> &Mempool {
        &self.mempool
    }

    /// Admits `tx` and queues it.
    ///
    /// # Errors
    /// [`MempoolError`]; it is not checked then.
    pub fn submit(&self, tx: impl Into<RawTx>) -> Result<Queued, MempoolError> {
        let tx = tx.into();
        let places = self.places(tx.len()).map_err(|_| MempoolError::Busy {
            txs: QUEUED_TXS_MAX.saturating_sub(self.txs.available_permits()),
        })?;
        let admitted = self.mempool.admit(tx)?;
        let hash = admitted.hash();
        let (mempool, is_ready) = (Arc::clone(&self.mempool), Arc::clone(&self.is_ready));
        let answer = self.thread.queue(move || {
            let answer = match is_ready.get().is_none_or(|is_ready| is_ready()) {
                true => mempool.check(admitted),
                false => Err(MempoolError::NotReady),
            };
            drop(places);
            answer
        });
        Ok(Queued { hash, answer })
    }

    fn places(
        &self,
        bytes: usize,
    ) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), TryAcquireError> {
        // One that is longer than the whole queue is refused by the mempool, for its length.
        let bytes = u32::try_from(bytes.min(QUEUED_BYTES_MAX)).unwrap_or(u32::MAX);
        Ok((
            Arc::clone(&self.txs).try_acquire_owned()?,
            Arc::clone(&self.bytes).try_acquire_many_owned(bytes)?,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mempool::{CheckKind, Checked, Checker, Limits, SOON};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use strongroom_types::Height;

    /// Checks one transaction for each word that it is told.
    struct OnTheWord(Mutex<Receiver<()>>);

    impl Checker for OnTheWord {
        fn check_tx(&self, _: &[u8], _: CheckKind, _: Height) -> Option<Checked> {
            let _ = self.0.lock().unwrap().recv();
            Some(Checked::default())
        }
    }

    fn queue() -> (CheckQueue, Sender<()>) {
        let (word, words) = channel();
        let checker = Arc::new(OnTheWord(Mutex::new(words)));
        let mempool = Arc::new(Mempool::new(Limits::default(), checker));
        (CheckQueue::new(mempool).unwrap(), word)
    }

    #[tokio::test]
    async fn what_comes_before_the_queue_begins_is_checked_then_in_its_order() {
        let (queue, word) = queue();
        let (begin, begins) = channel::<()>();
        let begins = Mutex::new(begins);
        queue.only_when(move || {
            let _ = begins.lock().unwrap().recv();
            true
        });
        let first = queue.submit(tx(1, 8)).unwrap();
        let second = queue.submit(tx(2, 8)).unwrap();
        (0..2).for_each(|_| word.send(()).unwrap());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert_eq!(queue.mempool.size().txs, 0);
        drop(begin);
        assert!(second.answer().await.unwrap().is_ok());
        assert!(first.answer().await.unwrap().is_ok());
        assert_eq!(queue.mempool.size().txs, 2);
    }

    #[tokio::test]
    async fn what_comes_before_the_node_is_ready_is_refused_and_may_come_again() {
        let (queue, word) = queue();
        let ready = Arc::new(AtomicBool::new(false));
        let is_ready = Arc::clone(&ready);
        queue.only_when(move || is_ready.load(Relaxed));
        word.send(()).unwrap();
        let refused = queue.submit(tx(1, 8)).unwrap().answer().await;
        let refused = refused.unwrap_err();
        assert_eq!(refused, MempoolError::NotReady);
        assert_eq!((refused.code(), refused.retry_after()), (20, Some(SOON)));
        assert_eq!(queue.mempool.size().txs, 0);
        ready.store(true, Relaxed);
        let taken = queue.submit(tx(1, 8)).unwrap().answer().await;
        assert!(taken.unwrap().is_ok());
        assert_eq!(queue.mempool.size().txs, 1);
    }

    fn tx(number: usize, bytes: usize) -> Vec<u8> {
        let mut tx = number.to_be_bytes().to_vec();
        tx.resize(bytes, 0);
        tx
    }

    #[tokio::test]
    async fn a_transaction_over_the_limit_of_the_queue_is_refused_and_may_come_again() {
        for (bytes, fit) in [(8, QUEUED_TXS_MAX), (2 << 20, QUEUED_BYTES_MAX >> 21)] {
            let (queue, word) = queue();
            let queued: Vec<_> = (0..fit)
                .map(|number| queue.submit(tx(number, bytes)).unwrap())
                .collect();
            let refused = queue.submit(tx(fit, bytes)).map(|_| ()).unwrap_err();
            assert_eq!(refused, MempoolError::Busy { txs: fit });
            assert_eq!(refused.code(), 20);
            assert!(refused.to_string().starts_with("mempool is full"));
            let mut queued = queued.into_iter();
            word.send(()).unwrap();
            assert!(queued.next().unwrap().answer().await.unwrap().is_ok());
            let last = queue.submit(tx(fit, bytes)).unwrap();
            // Nobody waits for these any more; they are checked all the same, and the last one after them.
            drop(queued);
            drop(word);
            assert!(last.answer().await.unwrap().is_ok());
            assert_eq!(queue.mempool.size().txs, fit + 1);
        }
    }
}
