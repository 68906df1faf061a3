//! Calls that go through to the application.

use super::broadcast::refused;
use super::{Answer, Context, answer};
use crate::backend::{AbciQueryAnswer, ProofOp};
use crate::encode::results::TxResultJson;
use crate::json::{Base64OrNull, Str};
use crate::params::Params;
use serde::Serialize;
use strongroom_http::workers::Progress;
use strongroom_types::Height;

#[derive(Serialize)]
struct Response<T> {
    response: T,
}

#[derive(Serialize)]
struct Info {
    data: String,
    version: String,
    app_version: Str<u64>,
    last_block_height: Str<Height>,
    last_block_app_hash: Base64OrNull,
}

pub(super) fn abci_info(context: &Context, _: &Params) -> Answer {
    let info = context.backend.app.info()?;
    let hash = if info.last_block_height == 0 {
        vec![]
    } else {
        info.last_block_app_hash.to_vec()
    };
    answer(&Response {
        response: Info {
            data: info.data,
            version: info.version,
            app_version: Str(info.app_version),
            last_block_height: Str(info.last_block_height),
            last_block_app_hash: Base64OrNull(hash),
        },
    })
}

#[derive(Serialize)]
struct Query {
    code: u32,
    log: String,
    info: String,
    index: Str<i64>,
    key: Base64OrNull,
    value: Base64OrNull,
    #[serde(rename = "proofOps")]
    proof_ops: Option<ProofOps>,
    height: Str<i64>,
    codespace: String,
}

#[derive(Serialize)]
struct ProofOps {
    ops: Vec<ProofOpJson>,
}

#[derive(Serialize)]
struct ProofOpJson {
    r#type: String,
    key: Base64OrNull,
    data: Base64OrNull,
}

impl From<ProofOp> for ProofOpJson {
    fn from(op: ProofOp) -> Self {
        Self {
            r#type: op.kind,
            key: Base64OrNull(op.key),
            data: Base64OrNull(op.data),
        }
    }
}

pub(super) fn abci_query(context: &Context, params: &Params) -> Progress<Answer> {
    let height = params.int("height").unwrap_or(0);
    let begun = context.backend.app.query(
        params.text("path"),
        params.bytes("data"),
        height,
        params.bool("prove"),
    );
    begun.map(printed)
}

fn printed(answered: AbciQueryAnswer) -> Answer {
    let ops: Vec<ProofOpJson> = answered.proof_ops.into_iter().map(Into::into).collect();
    answer(&Response {
        response: Query {
            code: answered.code,
            log: answered.log,
            info: answered.info,
            index: Str(answered.index),
            key: Base64OrNull(answered.key),
            value: Base64OrNull(answered.value),
            proof_ops: (!ops.is_empty()).then_some(ProofOps { ops }),
            height: Str(answered.height),
            codespace: answered.codespace,
        },
    })
}

pub(super) fn check_tx(context: &Context, params: &Params) -> Answer {
    let checked = context.backend.mempool().check_only(params.bytes("tx"));
    let checked = checked.map_err(|e| refused(&e))?;
    answer(&TxResultJson::from(&checked))
}
