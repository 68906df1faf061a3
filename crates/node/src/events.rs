//! The event bus: what subscribers of the websocket are told about each published block (wire.md 4.3).
//!
//! Promises: events of a height are published together, in order, after the enclave acknowledged `committed(H)`
//! (the caller sees to that); a publisher never waits for a subscriber; a subscriber that is too slow is told so.
//! Refuses: events of the consensus engine's steps (`NewRound`, `Vote`, …): nothing of ours decides by rounds.

use crate::rpc::encode::block::{
    BlockIdJson, BlockJson, EvidenceJson, HeaderJson, Undecodable, decode_evidence, decode_header,
};
use crate::rpc::encode::results::{FinalizeBlockJson, SparseEventJson, SparseTxResultJson, sparse};
use crate::rpc::encode::validators::ValidatorJson;
use crate::rpc::json::{Base64, ListOrNull, Str, to_json};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use strongroom_store::blocks::{BlockMeta, BlockResults};
use strongroom_types::{DecidedBlock, Event, Hash, Height, sha256};
use tokio::sync::broadcast;

/// How many blocks a subscriber may lag behind before it is cut off.
pub const LAG_BLOCKS_MAX: usize = 128;

/// One event, printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// `tm.event`.
    pub name: &'static str,
    /// The transaction that it is about.
    pub tx: Option<Hash>,
    /// What queries are matched against: composite keys and values.
    pub attributes: Vec<(String, String)>,
    data: String,
    events: String,
}

impl Published {
    fn new<T: Serialize>(
        name: &'static str,
        value: &T,
        tx: Option<(Hash, Height)>,
        events: &[Event],
    ) -> Self {
        let mut attributes = Vec::new();
        for event in events.iter().filter(|event| !event.kind.is_empty()) {
            for attribute in event.attributes.iter().filter(|a| !a.key.is_empty()) {
                let key = format!("{}.{}", event.kind, attribute.key);
                // Keys of the node itself: an event that imitates one would answer for another transaction.
                if !matches!(key.as_str(), "tm.event" | "tx.hash" | "tx.height") {
                    attributes.push((key, attribute.value.clone()));
                }
            }
        }
        attributes.push(("tm.event".to_owned(), name.to_owned()));
        if let Some((hash, height)) = tx {
            attributes.push(("tx.hash".to_owned(), hex::encode_upper(hash)));
            attributes.push(("tx.height".to_owned(), height.to_string()));
        }
        let mut by_key: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (key, value) in &attributes {
            by_key.entry(key).or_default().push(value);
        }
        let events = to_json(&by_key);
        let data = format!(
            "{{\"type\":\"tendermint/event/{name}\",\"value\":{}}}",
            to_json(value)
        );
        Self {
            name,
            tx: tx.map(|(hash, _)| hash),
            attributes,
            data,
            events,
        }
    }

    /// The attributes in the form that [`crate::query_lang::Query::matches`] takes.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.attributes
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The `result` of a frame for whoever subscribed with `query`.
    #[must_use]
    pub fn result(&self, query: &str) -> String {
        format!(
            "{{\"query\":{},\"data\":{},\"events\":{}}}",
            to_json(query),
            self.data,
            self.events
        )
    }
}

/// All events of a block, in order.
pub type BlockEvents = Arc<Vec<Published>>;

/// See the module.
#[derive(Clone, Debug)]
pub struct EventBus(broadcast::Sender<BlockEvents>);

impl Default for EventBus {
    fn default() -> Self {
        Self(broadcast::Sender::new(LAG_BLOCKS_MAX))
    }
}

impl EventBus {
    /// Tells all subscribers. Call it once per height, after the height is published.
    pub fn publish(&self, events: BlockEvents) {
        // Nobody listening is no failure.
        let _ = self.0.send(events);
    }

    /// Everything that is published from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<BlockEvents> {
        self.0.subscribe()
    }
}

#[derive(Serialize)]
struct NewBlock {
    block: BlockJson,
    block_id: BlockIdJson,
    result_finalize_block: FinalizeBlockJson,
}

#[derive(Serialize)]
struct NewBlockHeader {
    header: HeaderJson,
}

#[derive(Serialize)]
struct NewBlockEvents {
    height: Str<Height>,
    events: ListOrNull<SparseEventJson>,
    num_txs: Str<usize>,
}

#[derive(Serialize)]
struct NewEvidence {
    height: Str<Height>,
    evidence: EvidenceJson,
}

#[derive(Serialize)]
struct Tx {
    #[serde(rename = "TxResult")]
    tx_result: TxResult,
}

#[derive(Serialize)]
struct TxResult {
    height: Str<Height>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    tx: Base64,
    result: SparseTxResultJson,
}

#[derive(Serialize)]
struct ValidatorSetUpdates {
    validator_updates: Vec<ValidatorJson>,
}

/// Prints the events of a block.
///
/// # Errors
/// If the stored block is damaged.
pub fn block_events(
    meta: &BlockMeta,
    block: &DecidedBlock,
    results: &BlockResults,
) -> Result<BlockEvents, Undecodable> {
    let height = meta.height;
    let new_block = NewBlock {
        block: BlockJson::new(block)?,
        block_id: meta.into(),
        result_finalize_block: results.into(),
    };
    let header = NewBlockHeader {
        header: decode_header(&block.header)?.into(),
    };
    let block_level = NewBlockEvents {
        height: Str(height),
        events: ListOrNull(sparse(&results.events)),
        num_txs: Str(block.txs.len()),
    };
    let mut published = vec![
        Published::new("NewBlock", &new_block, None, &results.events),
        Published::new("NewBlockHeader", &header, None, &[]),
        Published::new("NewBlockEvents", &block_level, None, &results.events),
    ];
    for evidence in decode_evidence(&block.evidence)? {
        let value = NewEvidence {
            height: Str(height),
            evidence,
        };
        published.push(Published::new("NewEvidence", &value, None, &[]));
    }
    for (index, (tx, result)) in block.txs.iter().zip(&results.tx_results).enumerate() {
        if result.is_left() {
            continue;
        }
        let tx_result = TxResult {
            height: Str(height),
            index: (index != 0).then_some(index),
            tx: Base64(tx.clone()),
            result: result.into(),
        };
        published.push(Published::new(
            "Tx",
            &Tx { tx_result },
            Some((sha256(tx), height)),
            &result.events,
        ));
    }
    if !results.validator_updates.is_empty() {
        let validator_updates = results.validator_updates.iter().map(Into::into).collect();
        published.push(Published::new(
            "ValidatorSetUpdates",
            &ValidatorSetUpdates { validator_updates },
            None,
            &[],
        ));
    }
    Ok(Arc::new(published))
}
