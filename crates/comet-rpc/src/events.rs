//! What listeners are told about each published block (wire.md 4.3).
//!
//! Promises: events of a block are in order; each is printed once, when the first subscription matches it, and shared by
//! all. Refuses: events of the consensus engine's steps (`NewRound`, `Vote`, …): nothing of ours decides by rounds.

use crate::encode::block::{
    BlockIdJson, BlockJson, EvidenceJson, HeaderJson, Undecodable, decode_evidence, decode_header,
};
use crate::encode::results::{FinalizeBlockJson, SparseEventJson, SparseTxResultJson, sparse};
use crate::encode::validators::ValidatorJson;
use crate::envelope::Id;
use crate::json::{Base64, ListOrNull, Str, to_json};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use strongroom_store::blocks::{BlockMeta, BlockResults};
use strongroom_types::{DecidedBlock, Event, ExecTxResult, Hash, Height};

/// One event.
#[derive(Clone, Debug)]
pub struct Published {
    /// `tm.event`.
    pub name: &'static str,
    /// The transaction that it is about.
    pub tx: Option<Hash>,
    /// What queries are matched against: composite keys and values.
    pub attributes: Vec<(String, String)>,
    what: What,
    /// Printed; `None` inside if the block is damaged.
    tail: OnceLock<Option<String>>,
}

/// Part of the block that an event shows.
#[derive(Clone, Copy, Debug)]
enum What {
    NewBlock,
    NewBlockHeader,
    NewBlockEvents,
    Evidence(usize),
    Tx(usize),
    ValidatorSetUpdates,
}

impl Published {
    fn new(name: &'static str, what: What, tx: Option<(Hash, Height)>, events: &[Event]) -> Self {
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
        Self {
            name,
            tx: tx.map(|(hash, _)| hash),
            attributes,
            what,
            tail: OnceLock::new(),
        }
    }

    /// The attributes in the form that [`crate::query_lang::Query::matches`] takes.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.attributes
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    fn print(&self, data: &str) -> String {
        let mut by_key: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (key, value) in &self.attributes {
            by_key.entry(key).or_default().push(value);
        }
        format!(
            "\"data\":{{\"type\":\"tendermint/event/{}\",\"value\":{data}}},\"events\":{}}}}}",
            self.name,
            to_json(&by_key)
        )
    }
}

/// The beginning of every frame of a subscription: [`BlockEvents::tail`] follows.
#[must_use]
pub fn head(id: &Id, query: &str) -> String {
    let (id, query) = (to_json(id), to_json(query));
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"query\":{query},")
}

/// All events of a block, in order.
#[derive(Clone, Debug)]
pub struct BlockEvents {
    meta: BlockMeta,
    block: DecidedBlock,
    results: BlockResults,
    events: Vec<Published>,
}

impl BlockEvents {
    /// The events, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Published> {
        self.events.iter()
    }

    /// The result of a transaction of this block.
    #[must_use]
    pub fn result_of(&self, tx: &Hash) -> Option<&ExecTxResult> {
        let what = self.events.iter().find(|event| event.tx == Some(*tx))?.what;
        match what {
            What::Tx(index) => self.results.tx_results.get(index),
            _ => None,
        }
    }

    /// The height.
    #[must_use]
    pub fn height(&self) -> Height {
        self.meta.height
    }

    /// What it takes in memory once everything is printed, nearly: transactions and results stand in the event of the
    /// block and in one of their own, and as attributes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let event = |event: &Event| {
            let attributes = event
                .attributes
                .iter()
                .map(|a| a.key.len() + a.value.len() + 32);
            event.kind.len() + attributes.sum::<usize>()
        };
        let events = |events: &[Event]| events.iter().map(event).sum::<usize>();
        let txs: usize = self.block.txs.iter().map(|tx| tx.len()).sum();
        let results = self.results.tx_results.iter();
        let results: usize = results
            .map(|r| r.data.len() + r.log.len() + events(&r.events) + 256)
            .sum();
        let block =
            events(&self.results.events) + self.block.header.len() + self.block.evidence.len();
        (txs + results + block) * 4
    }

    /// The end of every frame of `event`, which is one of these.
    pub fn tail<'e>(&self, event: &'e Published) -> Option<&'e str> {
        let print = || match self.data(event.what) {
            Ok(data) => Some(event.print(&data)),
            Err(error) => {
                tracing::error!(height = self.meta.height, %error, "an event cannot be shown");
                None
            }
        };
        event.tail.get_or_init(print).as_deref()
    }

    fn data(&self, what: What) -> Result<String, Undecodable> {
        let Self {
            meta,
            block,
            results,
            ..
        } = self;
        let height = Str(meta.height);
        Ok(match what {
            What::NewBlock => to_json(&NewBlock {
                block: BlockJson::new(block)?,
                block_id: meta.into(),
                result_finalize_block: results.into(),
            }),
            What::NewBlockHeader => to_json(&NewBlockHeader {
                header: decode_header(&block.header)?.into(),
            }),
            What::NewBlockEvents => to_json(&NewBlockEvents {
                height,
                events: ListOrNull(sparse(&results.events)),
                num_txs: Str(block.txs.len()),
            }),
            What::Evidence(index) => {
                let mut all = decode_evidence(&block.evidence)?;
                let missing = Undecodable("evidence");
                let evidence = (index < all.len()).then(|| all.swap_remove(index));
                to_json(&NewEvidence {
                    height,
                    evidence: evidence.ok_or(missing)?,
                })
            }
            What::Tx(index) => {
                let missing = Undecodable("transaction");
                let tx = block.txs.get(index).ok_or(missing)?;
                let result = results.tx_results.get(index).ok_or(missing)?;
                let tx_result = TxResult {
                    height,
                    index: (index != 0).then_some(index),
                    tx: Base64(tx.to_vec()),
                    result: result.into(),
                };
                to_json(&Tx { tx_result })
            }
            What::ValidatorSetUpdates => to_json(&ValidatorSetUpdates {
                validator_updates: results.validator_updates.iter().map(Into::into).collect(),
            }),
        })
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

/// The events of a block.
///
/// # Errors
/// If the stored block is damaged.
pub fn block_events(
    meta: &BlockMeta,
    block: &DecidedBlock,
    results: &BlockResults,
) -> Result<BlockEvents, Undecodable> {
    let of_block = &results.events;
    let mut events = vec![
        Published::new("NewBlock", What::NewBlock, None, of_block),
        Published::new("NewBlockHeader", What::NewBlockHeader, None, &[]),
        Published::new("NewBlockEvents", What::NewBlockEvents, None, of_block),
    ];
    for index in 0..decode_evidence(&block.evidence)?.len() {
        events.push(Published::new(
            "NewEvidence",
            What::Evidence(index),
            None,
            &[],
        ));
    }
    for (index, (tx, result)) in block.txs.iter().zip(&results.tx_results).enumerate() {
        if result.is_left() {
            continue;
        }
        let of_tx = Some((*tx.hash(), meta.height));
        events.push(Published::new("Tx", What::Tx(index), of_tx, &result.events));
    }
    if !results.validator_updates.is_empty() {
        let what = What::ValidatorSetUpdates;
        events.push(Published::new("ValidatorSetUpdates", what, None, &[]));
    }
    Ok(BlockEvents {
        meta: meta.clone(),
        block: block.clone(),
        results: results.clone(),
        events,
    })
}

#[cfg(test)]
impl BlockEvents {
    /// A block that counts as about `bytes` bytes.
    pub(crate) fn of_bytes(bytes: usize) -> Self {
        let block = DecidedBlock {
            header: Vec::new(),
            commit: Vec::new(),
            txs: strongroom_types::RawTx::list([vec![0; bytes / 4]]),
            last_commit: Vec::new(),
            evidence: Vec::new(),
        };
        Self {
            meta: BlockMeta {
                height: 1,
                hash: [0; 32],
                parts_total: 1,
                parts_hash: [0; 32],
                size: 0,
                txs: 1,
                header: Vec::new(),
            },
            block,
            results: BlockResults {
                tx_results: Vec::new(),
                events: Vec::new(),
                validator_updates: Vec::new(),
                consensus_param_updates: None,
                app_hash: [0; 32],
            },
            events: Vec::new(),
        }
    }
}
