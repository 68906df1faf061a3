//! Searching transactions and blocks.

use super::blocks::BlockAnswer;
use super::tx::TxAnswer;
use super::{Answer, Context, answer, page, within_limit};
use crate::envelope::RpcError;
use crate::indexer::{search_blocks, search_txs};
use crate::json::Str;
use crate::params::Params;
use crate::query_lang::Query;
use serde::Serialize;

/// Puts `found`, which ascends, into the order that the params name.
fn order<T>(found: &mut [T], params: &Params, default: &str) -> Result<(), RpcError> {
    let named = match params.text("order_by") {
        "" => default,
        named => named,
    };
    match named {
        "asc" => Ok(()),
        "desc" => {
            found.reverse();
            Ok(())
        }
        _ => Err(RpcError::internal(
            "expected order_by to be either `asc` or `desc` or empty",
        )),
    }
}

fn query(params: &Params) -> Result<Query, RpcError> {
    Query::parse(params.text("query")).map_err(|error| RpcError::internal(error.to_string()))
}

#[derive(Serialize)]
struct TxSearch {
    txs: Vec<TxAnswer>,
    total_count: Str<usize>,
}

pub(super) fn tx_search(context: &Context, params: &Params) -> Answer {
    let query = query(params)?;
    let _pass = context.backend.gate.enter()?;
    let mut found = search_txs(
        &context.backend.blocks,
        &query,
        context.backend.published_height(),
    )?;
    order(&mut found, params, "asc")?;
    let txs = TxAnswer::page(context, page(&found, params)?, params.bool("prove"))?;
    answer(&TxSearch {
        txs,
        total_count: Str(found.len()),
    })
}

#[derive(Serialize)]
struct BlockSearch {
    blocks: Vec<BlockAnswer>,
    total_count: Str<usize>,
}

pub(super) fn block_search(context: &Context, params: &Params) -> Answer {
    let query = query(params)?;
    let _pass = context.backend.gate.enter()?;
    let mut found = search_blocks(
        &context.backend.blocks,
        &query,
        context.backend.published_height(),
    )?;
    order(&mut found, params, "desc")?;
    let mut blocks = Vec::new();
    let mut bytes = 0usize;
    for &height in page(&found, params)? {
        if let Some(meta) = context.backend.blocks.meta(height)? {
            bytes = bytes.saturating_add(usize::try_from(meta.size).unwrap_or(usize::MAX));
            within_limit(bytes)?;
        }
        blocks.push(BlockAnswer::at(context, height)?);
    }
    answer(&BlockSearch {
        blocks,
        total_count: Str(found.len()),
    })
}
