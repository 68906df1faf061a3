//! Results of transactions and blocks, and their events.
//!
//! Two styles live side by side in CometBFT. *Full*: every member prints (results in RPC answers). *Sparse*: zero
//! members are left out (block events, and all of a `Tx` event).

use super::validators::{ConsensusParamsJson, ValidatorUpdateJson};
use crate::json::{Base64, Base64OrNull, ListOrNull, Str};
use serde::Serialize;
use strongroom_store::blocks::BlockResults;
use strongroom_types::{Attribute, Event, ExecTxResult, Height};

#[derive(Clone, Debug, Serialize)]
struct AttributeJson {
    key: String,
    value: String,
    index: bool,
}

fn attributes(list: &[Attribute]) -> Vec<AttributeJson> {
    list.iter()
        .map(|a| AttributeJson {
            key: a.key.clone(),
            value: a.value.clone(),
            index: a.index,
        })
        .collect()
}

/// An event, full.
#[derive(Clone, Debug, Serialize)]
pub struct EventJson {
    r#type: String,
    attributes: Vec<AttributeJson>,
}

impl From<&Event> for EventJson {
    fn from(event: &Event) -> Self {
        Self {
            r#type: event.kind.clone(),
            attributes: attributes(&event.attributes),
        }
    }
}

/// An event, sparse.
#[derive(Clone, Debug, Serialize)]
pub struct SparseEventJson {
    #[serde(skip_serializing_if = "String::is_empty")]
    r#type: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<AttributeJson>,
}

impl From<&Event> for SparseEventJson {
    fn from(event: &Event) -> Self {
        Self {
            r#type: event.kind.clone(),
            attributes: attributes(&event.attributes),
        }
    }
}

/// Events, sparse.
pub(crate) fn sparse(events: &[Event]) -> Vec<SparseEventJson> {
    events.iter().map(Into::into).collect()
}

/// The result of a transaction or of its check, full.
#[derive(Clone, Debug, Serialize)]
pub struct TxResultJson {
    code: u32,
    data: Base64OrNull,
    log: String,
    info: String,
    gas_wanted: Str<i64>,
    gas_used: Str<i64>,
    events: Vec<EventJson>,
    codespace: String,
}

impl From<&ExecTxResult> for TxResultJson {
    fn from(result: &ExecTxResult) -> Self {
        Self {
            code: result.code,
            data: Base64OrNull(result.data.clone()),
            log: result.log.clone(),
            info: result.info.clone(),
            gas_wanted: Str(result.gas_wanted),
            gas_used: Str(result.gas_used),
            events: result.events.iter().map(Into::into).collect(),
            codespace: result.codespace.clone(),
        }
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_zero_text(number: &Str<i64>) -> bool {
    number.0 == 0
}

/// The result of a transaction, sparse.
#[derive(Clone, Debug, Serialize)]
pub struct SparseTxResultJson {
    #[serde(skip_serializing_if = "is_zero")]
    code: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Base64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    log: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    info: String,
    #[serde(skip_serializing_if = "is_zero_text")]
    gas_wanted: Str<i64>,
    #[serde(skip_serializing_if = "is_zero_text")]
    gas_used: Str<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<SparseEventJson>,
    #[serde(skip_serializing_if = "String::is_empty")]
    codespace: String,
}

impl From<&ExecTxResult> for SparseTxResultJson {
    fn from(result: &ExecTxResult) -> Self {
        Self {
            code: result.code,
            data: (!result.data.is_empty()).then(|| Base64(result.data.clone())),
            log: result.log.clone(),
            info: result.info.clone(),
            gas_wanted: Str(result.gas_wanted),
            gas_used: Str(result.gas_used),
            events: sparse(&result.events),
            codespace: result.codespace.clone(),
        }
    }
}

/// The answer of `block_results`.
#[derive(Clone, Debug, Serialize)]
pub struct BlockResultsJson {
    height: Str<Height>,
    txs_results: ListOrNull<TxResultJson>,
    finalize_block_events: ListOrNull<SparseEventJson>,
    validator_updates: ListOrNull<ValidatorUpdateJson>,
    consensus_param_updates: Option<ConsensusParamsJson>,
    app_hash: Base64,
}

impl BlockResultsJson {
    /// For the block at `height`.
    #[must_use]
    pub fn new(height: Height, results: &BlockResults) -> Self {
        Self {
            height: Str(height),
            txs_results: ListOrNull(results.tx_results.iter().map(Into::into).collect()),
            finalize_block_events: ListOrNull(sparse(&results.events)),
            validator_updates: ListOrNull(
                results.validator_updates.iter().map(Into::into).collect(),
            ),
            consensus_param_updates: results.consensus_param_updates.as_ref().map(Into::into),
            app_hash: Base64(results.app_hash.to_vec()),
        }
    }
}

/// The same in the event `NewBlock`, where empty lists are left out except one.
#[derive(Clone, Debug, Serialize)]
pub struct FinalizeBlockJson {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<SparseEventJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tx_results: Vec<TxResultJson>,
    validator_updates: ListOrNull<ValidatorUpdateJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consensus_param_updates: Option<ConsensusParamsJson>,
    app_hash: Base64,
}

impl From<&BlockResults> for FinalizeBlockJson {
    fn from(results: &BlockResults) -> Self {
        Self {
            events: sparse(&results.events),
            tx_results: results.tx_results.iter().map(Into::into).collect(),
            validator_updates: ListOrNull(
                results.validator_updates.iter().map(Into::into).collect(),
            ),
            consensus_param_updates: results.consensus_param_updates.as_ref().map(Into::into),
            app_hash: Base64(results.app_hash.to_vec()),
        }
    }
}
