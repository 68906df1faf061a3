//! Transactions that a block had no room for: nothing was charged for them, so they come back. CometBFT drops from its mempool whatever was in
//! a block; this thread offers them to it again, in order, after each block until it takes them.
//!
//! Promises: at most [`WAITING_MAX`] wait, and each for [`BLOCKS_MAX`] blocks; the log tells what is left out or cannot be executed any more. That is
//! the sender's to send again.

use super::rpc::Rpc;
use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use strongroom_types::error::sdk;
use strongroom_types::{ExecTxResult, RawTx};

/// The most transactions that wait to be given back.
const WAITING_MAX: usize = 1_000;
/// After so many blocks whoever sent it has given up.
const BLOCKS_MAX: u32 = 30;

/// A transaction, and after how many blocks it was offered.
struct Left {
    tx: RawTx,
    blocks: u32,
}

#[derive(Clone, Default)]
struct Waiting(Arc<Mutex<VecDeque<Left>>>);

/// See the module. The thread ends with it, after what it is doing.
pub(super) struct Resubmit {
    waiting: Waiting,
    blocks: SyncSender<()>,
}

impl Resubmit {
    pub(super) fn start(rpc: Rpc) -> io::Result<Self> {
        // A block that ends while one is waited for is the same to the thread.
        let (send, blocks) = sync_channel(1);
        let waiting = Waiting::default();
        let offered = waiting.clone();
        std::thread::Builder::new()
            .name("resubmit".to_owned())
            .spawn(move || blocks.iter().for_each(|()| offered.offer(&rpc)))?;
        Ok(Self {
            waiting,
            blocks: send,
        })
    }

    /// A block is committed that had no room for `txs`. Never waits: CometBFT is in the middle of the commit.
    pub(super) fn add(&self, txs: Vec<RawTx>) {
        let mut waiting = self.waiting.lock();
        let room = WAITING_MAX.saturating_sub(waiting.len());
        if let Some(out) = txs.len().checked_sub(room).filter(|out| *out > 0) {
            tracing::warn!(
                "{out} transactions that had no room in their block are not given back: too many wait"
            );
        }
        let left = txs.into_iter().map(|tx| Left { tx, blocks: 0 });
        waiting.extend(left.take(room));
        if !waiting.is_empty() {
            let _ = self.blocks.try_send(());
        }
    }
}

/// What became of an offer.
enum Offered {
    /// CometBFT has it.
    Taken,
    /// Not now, or not before another one.
    NotNow,
    /// Nobody's now.
    Full,
    /// It is not given back.
    Never(String),
}

impl Offered {
    /// `behind`: one before it was not taken now.
    fn of(answer: Result<ExecTxResult, String>, behind: bool) -> Self {
        let is = |result: &ExecTxResult, code| result.codespace == "sdk" && result.code == code;
        match answer {
            Ok(result) if result.is_ok() => Self::Taken,
            Ok(result) if is(&result, sdk::MEMPOOL_IS_FULL.code) => Self::NotNow,
            Ok(result) if behind && is(&result, sdk::WRONG_SEQUENCE.code) => Self::NotNow,
            Ok(result) => Self::Never(result.log),
            // Another node was faster.
            Err(words) if words.contains("already exists") => Self::Taken,
            Err(words) if words.contains("mempool is full") => Self::Full,
            Err(words) => Self::Never(words),
        }
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Left>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Offers all once, in order. What comes meanwhile is behind them, and has its turn after the next block.
    fn offer(&self, rpc: &Rpc) {
        self.offer_each(rpc);
        let mut waiting = self.lock();
        waiting.iter_mut().for_each(|left| left.blocks += 1);
        let before = waiting.len();
        waiting.retain(|left| left.blocks < BLOCKS_MAX);
        let out = before.saturating_sub(waiting.len());
        if out > 0 {
            tracing::warn!(
                "{out} transactions that had no room in their block are not given back: nothing took them for {BLOCKS_MAX} blocks"
            );
        }
    }

    fn offer_each(&self, rpc: &Rpc) {
        let (all, mut kept) = (self.lock().len(), 0);
        for _ in 0..all {
            let next = self.lock().get(kept).map(|left| left.tx.clone());
            let Some(tx) = next else { return };
            let Ok(answer) = rpc.broadcast(&tx) else {
                // CometBFT is being started again.
                return;
            };
            match Offered::of(answer, kept > 0) {
                Offered::NotNow => {
                    kept += 1;
                    continue;
                }
                Offered::Full => return,
                Offered::Taken => {}
                Offered::Never(why) => tracing::warn!(
                    "{} had no room in its block and is not given back: {why}",
                    tx.hash_hex()
                ),
            }
            self.lock().remove(kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixListener;
    use std::sync::mpsc::{Receiver, channel};

    const FULL: &str = r#"{"error":{"data":"mempool is full: number of txs 5000 (max: 5000), total txs bytes 1 (max: 2)"}}"#;
    const SHARE: &str = r#"{"result":{"code":20,"codespace":"sdk","log":"1000 txs of this sender wait: mempool is full"}}"#;
    const SEQUENCE: &str =
        r#"{"result":{"code":32,"codespace":"sdk","log":"account sequence mismatch"}}"#;
    const KNOWN: &str = r#"{"error":{"data":"tx already exists in cache"}}"#;
    const TAKEN: &str = r#"{"result":{"code":0}}"#;

    /// A CometBFT that answers so, and tells what it was given; none after the last answer.
    fn cometbft(home: &std::path::Path, answers: &[&'static str]) -> (Rpc, Receiver<String>) {
        let socket = home.join("rpc.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let (tell, told) = channel();
        let answers = answers.to_vec();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                // To the end of the JSON: the other side waits for the answer.
                while !request.ends_with(b"}}") {
                    let mut piece = [0; 4_096];
                    let read = stream.read(&mut piece).unwrap();
                    request.extend(&piece[..read]);
                }
                let body = String::from_utf8(request).unwrap();
                let (_, tx) = body.split_once("\"tx\":\"").unwrap();
                tell.send(tx.split('"').next().unwrap().to_owned()).unwrap();
                write!(stream, "HTTP/1.0 200 OK\r\n\r\n{answer}").unwrap();
            }
        });
        (Rpc::new(socket), told)
    }

    fn txs(names: &[&str]) -> Vec<RawTx> {
        RawTx::list(names.iter().map(|name| name.as_bytes()))
    }

    /// What is offered after each of so many blocks, and what waits after the last.
    fn offers(answers: &[&'static str], blocks: usize) -> (Vec<String>, Vec<String>) {
        let home = tempfile::tempdir().unwrap();
        let (rpc, told) = cometbft(home.path(), answers);
        let waiting = Waiting::default();
        let left = txs(&["one", "two", "six"]).into_iter();
        waiting.lock().extend(left.map(|tx| Left { tx, blocks: 0 }));
        (0..blocks).for_each(|_| waiting.offer(&rpc));
        let kept = waiting.lock();
        let kept = kept
            .iter()
            .map(|left| String::from_utf8(left.tx.to_vec()).unwrap());
        (told.try_iter().collect(), kept.collect())
    }

    // As the RPC has them.
    const ONE: &str = "b25l";
    const TWO: &str = "dHdv";
    const SIX: &str = "c2l4";

    #[test]
    fn what_a_full_mempool_does_not_take_is_offered_again_after_the_next_block_in_order() {
        let (offered, kept) = offers(&[TAKEN, FULL, TAKEN, KNOWN], 2);
        assert_eq!(offered, [ONE, TWO, TWO, SIX]);
        assert!(kept.is_empty(), "{kept:?}");
    }

    #[test]
    fn what_its_sender_has_no_share_for_keeps_its_place_and_so_does_what_builds_on_it() {
        let (offered, kept) = offers(&[SHARE, SEQUENCE, TAKEN, TAKEN, TAKEN], 2);
        assert_eq!(offered, [ONE, TWO, SIX, ONE, TWO]);
        assert!(kept.is_empty(), "{kept:?}");
        // Behind nothing a wrong sequence is one for good.
        let (offered, kept) = offers(&[SEQUENCE, TAKEN, SHARE], 1);
        assert_eq!(offered, [ONE, TWO, SIX]);
        assert_eq!(kept, ["six"]);
    }

    #[test]
    fn what_nothing_takes_waits_no_longer_than_its_sender_does() {
        let blocks = usize::try_from(BLOCKS_MAX).unwrap();
        let (offered, kept) = offers(&vec![FULL; blocks], blocks - 1);
        assert_eq!((offered.len(), kept.len()), (blocks - 1, 3));
        let (offered, kept) = offers(&vec![FULL; blocks], blocks);
        assert_eq!((offered.len(), kept.len()), (blocks, 0));
        // Without a CometBFT nothing is lost that is soon offered.
        assert_eq!(offers(&[], 1).1.len(), 3);
    }

    #[test]
    fn after_each_block_what_it_left_is_offered_and_no_more_than_so_many_wait() {
        let home = tempfile::tempdir().unwrap();
        let (rpc, told) = cometbft(home.path(), &[FULL, TAKEN, TAKEN]);
        let resubmit = Resubmit::start(rpc).unwrap();
        resubmit.add(txs(&["one"]));
        assert_eq!(told.recv().unwrap(), ONE);
        // The thread may not be at rest yet: then the block is told when it is.
        resubmit.add(Vec::new());
        assert_eq!(told.recv().unwrap(), ONE);
        resubmit.add(txs(&["two"]));
        assert_eq!(told.recv().unwrap(), TWO);
        let home = tempfile::tempdir().unwrap();
        let nobody = Resubmit::start(Rpc::new(home.path().join("none"))).unwrap();
        for _ in 0..3 {
            nobody.add(vec![RawTx::from(&b"x"[..]); WAITING_MAX / 2 + 1]);
        }
        assert_eq!(nobody.waiting.lock().len(), WAITING_MAX);
    }
}
