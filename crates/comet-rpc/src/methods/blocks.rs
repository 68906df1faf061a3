//! Blocks, headers, commits, results.

use super::{Answer, Context, answer, missing};
use crate::backend::signed;
use crate::encode::block::{BlockIdJson, BlockJson, CommitJson, HeaderJson, decode_header};
use crate::encode::results::BlockResultsJson;
use crate::envelope::RpcError;
use crate::json::Str;
use crate::params::Params;
use serde::Serialize;
use strongroom_store::blocks::BlockMeta;
use strongroom_types::Height;

/// The most blocks that `blockchain` lists.
const BLOCKCHAIN_MAX: u64 = 20;

/// A block with its id.
#[derive(Serialize)]
pub(super) struct BlockAnswer {
    block_id: BlockIdJson,
    block: Option<BlockJson>,
}

impl BlockAnswer {
    pub(super) fn at(context: &Context, height: Height) -> Result<Self, RpcError> {
        let blocks = &context.backend.blocks;
        let (Some(meta), Some(block)) = (blocks.meta(height)?, blocks.block(height)?) else {
            return Err(missing("block", height));
        };
        Ok(Self {
            block_id: (&meta).into(),
            block: Some(BlockJson::new(&block)?),
        })
    }
}

pub(super) fn block(context: &Context, params: &Params) -> Answer {
    let height = context.height(params.int("height"), context.backend.published_height())?;
    if height == 0 {
        return answer(&BlockAnswer {
            block_id: BlockIdJson::none(),
            block: None,
        });
    }
    answer(&BlockAnswer::at(context, height)?)
}

/// The published height of the block with this hash.
fn height_of(context: &Context, hash: &[u8]) -> Result<Option<Height>, RpcError> {
    let Ok(hash) = hash.try_into() else {
        return Ok(None);
    };
    let height = context.backend.blocks.height_of(&hash)?;
    Ok(height.filter(|height| *height <= context.backend.published_height()))
}

pub(super) fn block_by_hash(context: &Context, params: &Params) -> Answer {
    match height_of(context, params.bytes("hash"))? {
        Some(height) => answer(&BlockAnswer::at(context, height)?),
        None => answer(&BlockAnswer {
            block_id: BlockIdJson::none(),
            block: None,
        }),
    }
}

#[derive(Serialize)]
struct HeaderAnswer {
    header: Option<HeaderJson>,
}

fn meta(context: &Context, height: Height) -> Result<BlockMeta, RpcError> {
    context
        .backend
        .blocks
        .meta(height)?
        .ok_or_else(|| missing("header", height))
}

pub(super) fn header(context: &Context, params: &Params) -> Answer {
    let height = context.height(params.int("height"), context.backend.published_height())?;
    if height == 0 {
        return answer(&HeaderAnswer { header: None });
    }
    answer(&HeaderAnswer {
        header: Some(decode_header(&meta(context, height)?.header)?.into()),
    })
}

pub(super) fn header_by_hash(context: &Context, params: &Params) -> Answer {
    let header = match height_of(context, params.bytes("hash"))? {
        Some(height) => Some(decode_header(&meta(context, height)?.header)?.into()),
        None => None,
    };
    answer(&HeaderAnswer { header })
}

#[derive(Serialize)]
struct CommitAnswer {
    signed_header: SignedHeader,
    canonical: bool,
}

#[derive(Serialize)]
struct SignedHeader {
    header: HeaderJson,
    commit: CommitJson,
}

pub(super) fn commit(context: &Context, params: &Params) -> Answer {
    let latest = context.backend.published_height();
    let height = context.height(params.int("height"), latest)?;
    let block = signed(&context.backend.blocks, height, latest)?;
    let block = block.ok_or_else(|| missing("block", height))?;
    let signed_header = SignedHeader {
        header: decode_header(&block.header)?.into(),
        commit: CommitJson::decode(&block.commit)?,
    };
    answer(&CommitAnswer {
        signed_header,
        canonical: height < latest,
    })
}

pub(super) fn block_results(context: &Context, params: &Params) -> Answer {
    let height = context.height(params.int("height"), context.backend.published_height())?;
    let results = context
        .backend
        .blocks
        .results(height)?
        .ok_or_else(|| missing("results", height))?;
    answer(&BlockResultsJson::new(height, &results))
}

#[derive(Serialize)]
struct Blockchain {
    last_height: Str<Height>,
    block_metas: Vec<BlockMetaJson>,
}

#[derive(Serialize)]
struct BlockMetaJson {
    block_id: BlockIdJson,
    block_size: Str<u64>,
    header: HeaderJson,
    num_txs: Str<u32>,
}

pub(super) fn blockchain(context: &Context, params: &Params) -> Answer {
    let (low, high) = (
        params.int("minHeight").unwrap_or(0),
        params.int("maxHeight").unwrap_or(0),
    );
    let (Ok(low), Ok(high)) = (u64::try_from(low), u64::try_from(high)) else {
        return Err(RpcError::internal("heights must be non-negative"));
    };
    let last = context.backend.published_height();
    let base = context.backend.blocks.base()?.unwrap_or(1);
    let high = if high == 0 { last } else { high.min(last) };
    let low = low.max(base).max(high.saturating_sub(BLOCKCHAIN_MAX - 1));
    if low > high {
        return Err(RpcError::internal(format!(
            "min height {low} can't be greater than max height {high}"
        )));
    }
    let mut block_metas = Vec::new();
    for height in (low..=high).rev() {
        let meta = meta(context, height)?;
        block_metas.push(BlockMetaJson {
            block_id: (&meta).into(),
            block_size: Str(meta.size),
            header: decode_header(&meta.header)?.into(),
            num_txs: Str(meta.txs),
        });
    }
    answer(&Blockchain {
        last_height: Str(last),
        block_metas,
    })
}
