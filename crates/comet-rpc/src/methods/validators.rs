//! Validators and consensus parameters. Without a height they answer for the next block.

use super::{Answer, Context, answer, missing, page};
use crate::encode::validators::{ConsensusParamsJson, ValidatorJson};
use crate::json::Str;
use crate::params::Params;
use serde::Serialize;
use strongroom_types::Height;

#[derive(Serialize)]
struct Validators {
    block_height: Str<Height>,
    validators: Vec<ValidatorJson>,
    count: Str<usize>,
    total: Str<usize>,
}

pub(super) fn validators(context: &Context, params: &Params) -> Answer {
    let height = context.height(
        params.int("height"),
        context.backend.published_height().saturating_add(1),
    )?;
    let all = context
        .backend
        .blocks
        .validators(height)?
        .ok_or_else(|| missing("validator set", height))?;
    let validators: Vec<ValidatorJson> = page(&all, params)?.iter().map(Into::into).collect();
    answer(&Validators {
        block_height: Str(height),
        count: Str(validators.len()),
        total: Str(all.len()),
        validators,
    })
}

#[derive(Serialize)]
struct ConsensusParamsAnswer {
    block_height: Str<Height>,
    consensus_params: ConsensusParamsJson,
}

pub(super) fn consensus_params(context: &Context, params: &Params) -> Answer {
    let height = context.height(
        params.int("height"),
        context.backend.published_height().saturating_add(1),
    )?;
    let in_force = context
        .backend
        .blocks
        .consensus_params(height)?
        .ok_or_else(|| missing("parameters", height))?;
    answer(&ConsensusParamsAnswer {
        block_height: Str(height),
        consensus_params: (&in_force).into(),
    })
}
