//! Sending transactions, and what waits for a block.

use super::{Answer, Context, Later, answer};
use crate::encode::results::TxResultJson;
use crate::envelope::RpcError;
use crate::event_bus::Ended;
use crate::json::{Base64, Str, UpperHex};
use crate::mempool::MempoolError;
use crate::params::Params;
use serde::Serialize;
use strongroom_types::{ExecTxResult, Hash, Height};

/// The answer of `broadcast_tx_sync` and `broadcast_tx_async`.
#[derive(Serialize)]
struct Broadcast {
    code: u32,
    data: UpperHex,
    log: String,
    codespace: String,
    hash: UpperHex,
}

impl Broadcast {
    fn new(hash: Hash, check: ExecTxResult) -> Self {
        Self {
            code: check.code,
            data: UpperHex(check.data),
            log: check.log,
            codespace: check.codespace,
            hash: UpperHex(hash.to_vec()),
        }
    }
}

/// What the mempool says in the place of a check.
pub(super) fn refused(error: &MempoolError) -> RpcError {
    RpcError::for_now(error.to_string(), error.retry_after())
}

/// Waits for CheckTx, not for a block.
pub(super) fn broadcast_tx_sync(context: Context, params: Params) -> Later {
    Box::pin(async move {
        let queue = &context.backend.checks;
        let queued = queue.submit(params.bytes("tx")).map_err(|e| refused(&e))?;
        let hash = queued.hash;
        let check = queued.answer().await.map_err(|e| refused(&e))?;
        answer(&Broadcast::new(hash, check))
    })
}

/// Waits for nothing: CheckTx runs later and nobody hears of it.
pub(super) fn broadcast_tx_async(context: Context, params: Params) -> Later {
    Box::pin(async move {
        let queue = &context.backend.checks;
        let queued = queue.submit(params.bytes("tx")).map_err(|e| refused(&e))?;
        answer(&Broadcast::new(queued.hash, ExecTxResult::default()))
    })
}

#[derive(Serialize)]
struct BroadcastCommit {
    check_tx: TxResultJson,
    tx_result: TxResultJson,
    hash: UpperHex,
    height: Str<Height>,
}

/// Waits for the block that has the transaction.
pub(super) fn broadcast_tx_commit(context: Context, params: Params) -> Later {
    Box::pin(commit(context, params))
}

async fn commit(context: Context, params: Params) -> Answer {
    let backend = &context.backend;
    // Listening begins before the transaction can be in any block.
    let mut feed = backend.events.subscribe();
    let wrong = |error: &MempoolError| {
        let text = format!("error on broadcastTxCommit: {error}");
        RpcError::for_now(text, error.retry_after())
    };
    let queued = backend
        .checks
        .submit(params.bytes("tx"))
        .map_err(|e| wrong(&e))?;
    drop(params);
    let hash = queued.hash;
    let check = queued.answer().await.map_err(|e| wrong(&e))?;
    let mut outcome = BroadcastCommit {
        check_tx: (&check).into(),
        tx_result: (&ExecTxResult::default()).into(),
        hash: UpperHex(hash.to_vec()),
        height: Str(0),
    };
    if !check.is_ok() {
        return answer(&outcome);
    }
    let included = async {
        loop {
            match feed.next().await {
                Ok(block) => {
                    if let Some(result) = block.result_of(&hash) {
                        return Some((block.height(), result.into()));
                    }
                }
                // Too many blocks at once to keep up: as if it had not come in time.
                Err(Ended::TooSlow | Ended::Stopped) => return None,
            }
        }
    };
    let in_time = tokio::time::timeout(context.config.broadcast_tx_commit_timeout, included).await;
    let Ok(Some((height, result))) = in_time else {
        return Err(RpcError::internal(
            "timed out waiting for tx to be included in a block",
        ));
    };
    outcome.tx_result = result;
    outcome.height = Str(height);
    answer(&outcome)
}

#[derive(Serialize)]
struct Unconfirmed {
    n_txs: Str<usize>,
    total: Str<usize>,
    total_bytes: Str<usize>,
    txs: Option<Vec<Base64>>,
}

/// Transactions listed, if nothing is said.
const UNCONFIRMED: usize = 30;
/// Transactions listed, whatever is said.
const UNCONFIRMED_MAX: usize = 100;
/// Their bytes: a block's worth, and more than the longest transaction has. What waits may have 64 MiB.
const UNCONFIRMED_BYTES_MAX: usize = 4 << 20;

pub(super) fn unconfirmed_txs(context: &Context, params: &Params) -> Answer {
    let limit = match params.int("limit").map(usize::try_from) {
        Some(Ok(limit)) if limit > 0 => limit.min(UNCONFIRMED_MAX),
        _ => UNCONFIRMED,
    };
    // One more than was asked for, as CometBFT gives.
    let mut txs = context.backend.mempool().peek(limit + 1);
    let mut bytes = 0_usize;
    let fit = txs.iter().take_while(|tx| {
        bytes = bytes.saturating_add(tx.len());
        bytes <= UNCONFIRMED_BYTES_MAX
    });
    txs.truncate(fit.count());
    let size = context.backend.mempool().size();
    answer(&Unconfirmed {
        n_txs: Str(txs.len()),
        total: Str(size.txs),
        total_bytes: Str(size.bytes),
        txs: Some(txs.iter().map(|tx| Base64(tx.to_vec())).collect()),
    })
}

pub(super) fn num_unconfirmed_txs(context: &Context, _: &Params) -> Answer {
    let size = context.backend.mempool().size();
    answer(&Unconfirmed {
        n_txs: Str(size.txs),
        total: Str(size.txs),
        total_bytes: Str(size.bytes),
        txs: None,
    })
}
