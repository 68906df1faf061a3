//! Transactions that a block had no room for: nothing was charged for them, so they come back. CometBFT drops from its
//! mempool whatever was in a block; this thread gives them to it again.
//!
//! Promises: at most [`WAITING_MAX`] wait; the rest is the sender's to send again.

use super::rpc::Rpc;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use strongroom_types::RawTx;

/// The most transactions that wait to be given back.
const WAITING_MAX: usize = 1_000;

/// See the module. The thread ends with it, after what it is doing.
pub(super) struct Resubmit(SyncSender<RawTx>);

impl Resubmit {
    pub(super) fn start(rpc: Rpc) -> io::Result<Self> {
        let (send, waiting) = sync_channel(WAITING_MAX);
        std::thread::Builder::new()
            .name("resubmit".to_owned())
            .spawn(move || run(&rpc, &waiting))?;
        Ok(Self(send))
    }

    /// Never waits: CometBFT is in the middle of a commit.
    pub(super) fn add(&self, txs: Vec<RawTx>) {
        for tx in txs {
            if self.0.try_send(tx).is_err() {
                tracing::warn!(
                    "a transaction that had no room in its block is not given back: too many wait"
                );
            }
        }
    }
}

fn run(rpc: &Rpc, waiting: &Receiver<RawTx>) {
    for tx in waiting {
        match rpc.broadcast(&tx) {
            // Another node was faster, or it cannot be executed any more.
            Ok(Err(why)) => tracing::debug!("not given back: {why}"),
            Ok(Ok(_)) => {}
            Err(error) => tracing::warn!("a transaction may not be given back: {error}"),
        }
    }
}
