//! Sending transactions, and what waits for a block.

use super::{Answer, Context, answer, missing};
use crate::mempool::CheckTx;
use crate::rpc::encode::results::TxResultJson;
use crate::rpc::envelope::RpcError;
use crate::rpc::json::{Base64, Str, UpperHex};
use crate::rpc::params::Params;
use serde::Serialize;
use std::sync::Arc;
use strongroom_types::{ExecTxResult, Hash, Height};
use tokio::runtime::Handle;
use tokio::sync::broadcast::error::RecvError;

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
    fn new(hash: Hash, check: CheckTx) -> Self {
        Self {
            code: check.code,
            data: UpperHex(check.data),
            log: check.log,
            codespace: check.codespace,
            hash: UpperHex(hash.to_vec()),
        }
    }
}

fn refused(error: &dyn core::fmt::Display) -> RpcError {
    RpcError::internal(error.to_string())
}

/// Waits for CheckTx, not for a block.
pub(super) fn broadcast_tx_sync(context: &Context, params: &Params) -> Answer {
    let mempool = context.backend.mempool();
    let admitted = mempool
        .admit(params.bytes("tx").to_vec())
        .map_err(|e| refused(&e))?;
    let hash = admitted.hash();
    let check = mempool.check(admitted).map_err(|e| refused(&e))?;
    answer(&Broadcast::new(hash, check))
}

/// Waits for nothing: CheckTx runs later and nobody hears of it.
pub(super) fn broadcast_tx_async(context: &Context, params: &Params) -> Answer {
    let admitted = context
        .backend
        .mempool()
        .admit(params.bytes("tx").to_vec())
        .map_err(|e| refused(&e))?;
    let hash = admitted.hash();
    let backend = Arc::clone(&context.backend);
    Handle::current().spawn_blocking(move || {
        if let Err(error) = backend.mempool().check(admitted) {
            tracing::debug!(%error, "a transaction sent without waiting found no room");
        }
    });
    answer(&Broadcast::new(hash, CheckTx::default()))
}

#[derive(Serialize)]
struct BroadcastCommit {
    check_tx: TxResultJson,
    tx_result: TxResultJson,
    hash: UpperHex,
    height: Str<Height>,
}

/// Waits for the block that has the transaction.
pub(super) fn broadcast_tx_commit(context: &Context, params: &Params) -> Answer {
    let backend = &context.backend;
    // Listening begins before the transaction can be in any block.
    let mut events = backend.events().subscribe();
    let wrong = |error: &dyn core::fmt::Display| {
        RpcError::internal(format!("error on broadcastTxCommit: {error}"))
    };
    let admitted = backend
        .mempool()
        .admit(params.bytes("tx").to_vec())
        .map_err(|e| wrong(&e))?;
    let hash = admitted.hash();
    let check = backend.mempool().check(admitted).map_err(|e| wrong(&e))?;
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
            match events.recv().await {
                Ok(block) if block.iter().any(|event| event.tx == Some(hash)) => return true,
                Ok(_) => {}
                // Too many blocks at once to keep up; the index knows.
                Err(RecvError::Lagged(_)) => {
                    if matches!(backend.blocks().tx_location(&hash), Ok(Some(_))) {
                        return true;
                    }
                }
                Err(RecvError::Closed) => return false,
            }
        }
    };
    let in_time = Handle::current().block_on(async {
        tokio::time::timeout(context.config.broadcast_tx_commit_timeout, included).await
    });
    if in_time != Ok(true) {
        return Err(RpcError::internal(
            "timed out waiting for tx to be included in a block",
        ));
    }
    let place = backend
        .blocks()
        .tx_location(&hash)?
        .ok_or_else(|| missing("transaction", 0))?;
    let results = backend
        .blocks()
        .results(place.height)?
        .ok_or_else(|| missing("results", place.height))?;
    let at = usize::try_from(place.index).unwrap_or(usize::MAX);
    let result = results
        .tx_results
        .get(at)
        .ok_or_else(|| missing("result", place.height))?;
    outcome.tx_result = result.into();
    outcome.height = Str(place.height);
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

pub(super) fn unconfirmed_txs(context: &Context, params: &Params) -> Answer {
    let limit = match params.int("limit").map(usize::try_from) {
        Some(Ok(limit)) if limit > 0 => limit.min(UNCONFIRMED_MAX),
        _ => UNCONFIRMED,
    };
    // One more than was asked for, as CometBFT gives.
    let txs = context.backend.mempool().peek(limit + 1);
    let size = context.backend.mempool().size();
    answer(&Unconfirmed {
        n_txs: Str(txs.len()),
        total: Str(size.txs),
        total_bytes: Str(size.bytes),
        txs: Some(txs.into_iter().map(Base64).collect()),
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
