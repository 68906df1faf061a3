//! What a node has of a height, and whether two have the same.

use strongroom_node::app::Stores;
use strongroom_proof::comet::{BlockId, Commit};
use strongroom_store::blocks::{BlockResults, Validator};
use strongroom_types::consensus::ConsensusParams;
use strongroom_types::{Event, ExecTxResult, Height, RawTx};

/// All that both engines have to have alike.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AtHeight {
    /// Protobuf; names app hash and results of the height before, time, validators, and the last commit.
    pub(crate) header: Vec<u8>,
    /// Of the whole block, as it was decided.
    pub(crate) id: BlockId,
    pub(crate) txs: Vec<RawTx>,
    pub(crate) last_commit: Vec<u8>,
    pub(crate) evidence: Vec<u8>,
    /// Results with events, changes of validators and parameters, and the app hash.
    pub(crate) results: BlockResults,
    /// In force at this height.
    pub(crate) validators: Vec<Validator>,
    pub(crate) params: ConsensusParams,
}

impl AtHeight {
    pub(crate) fn of(stores: &Stores, height: Height) -> Self {
        let blocks = &stores.blocks;
        let block = blocks.block(height).unwrap().expect("a decided block");
        Self {
            id: Commit::decode(&block.commit).unwrap().block_id,
            header: block.header,
            txs: block.txs,
            last_commit: block.last_commit,
            evidence: block.evidence,
            results: blocks.results(height).unwrap().expect("results"),
            validators: blocks.validators(height).unwrap().expect("validators"),
            params: blocks.consensus_params(height).unwrap().expect("params"),
        }
    }
}

/// The first difference of two chains from height 1 on, by its height.
pub(crate) fn compare(one: &[AtHeight], other: &[AtHeight]) -> Result<(), String> {
    for (height, (one, other)) in (1..).zip(one.iter().zip(other)) {
        at_height(one, other).map_err(|what| format!("height {height}: {what}"))?;
    }
    same("number of blocks", &one.len(), &other.len())
}

/// The most telling difference first: what came of a transaction, before the hashes over all of them.
fn at_height(one: &AtHeight, other: &AtHeight) -> Result<(), String> {
    same("transactions", &one.txs, &other.txs)?;
    let (results, others) = (&one.results, &other.results);
    same(
        "results",
        &results.tx_results.len(),
        &others.tx_results.len(),
    )?;
    let txs = results.tx_results.iter().zip(&others.tx_results);
    for (index, (one, other)) in txs.enumerate() {
        result(one, other).map_err(|what| format!("transaction {index}: {what}"))?;
    }
    events(&results.events, &others.events)?;
    same(
        "validator updates",
        &results.validator_updates,
        &others.validator_updates,
    )?;
    same(
        "parameter updates",
        &results.consensus_param_updates,
        &others.consensus_param_updates,
    )?;
    same(
        "app hash",
        &hex::encode(results.app_hash),
        &hex::encode(others.app_hash),
    )?;
    same("validators", &one.validators, &other.validators)?;
    same("parameters", &one.params, &other.params)?;
    same(
        "header",
        &hex::encode(&one.header),
        &hex::encode(&other.header),
    )?;
    same("last commit", &one.last_commit, &other.last_commit)?;
    same("evidence", &one.evidence, &other.evidence)?;
    same("block id", &one.id, &other.id)
}

fn result(one: &ExecTxResult, other: &ExecTxResult) -> Result<(), String> {
    same("code", &one.code, &other.code)?;
    same("codespace", &one.codespace, &other.codespace)?;
    same("log", &one.log, &other.log)?;
    same("data", &one.data, &other.data)?;
    same("gas wanted", &one.gas_wanted, &other.gas_wanted)?;
    same("gas used", &one.gas_used, &other.gas_used)?;
    events(&one.events, &other.events)?;
    // What else may be in it one day.
    same("result", one, other)
}

fn events(one: &[Event], other: &[Event]) -> Result<(), String> {
    for (one, other) in one.iter().zip(other) {
        same("event", one, other)?;
    }
    same("number of events", &one.len(), &other.len())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, one: &T, other: &T) -> Result<(), String> {
    if one == other {
        return Ok(());
    }
    // A transaction may say half a megabyte.
    let [one, other] = [one, other].map(|value| {
        let mut text = format!("{value:?}");
        text.truncate(text.floor_char_boundary(2_000));
        text
    });
    Err(format!(
        "{what}: {one}
  and {other}"
    ))
}
