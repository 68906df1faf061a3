//! The recorded chain as a backend: its blocks in a real block store, its application's answers to checks and queries.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use serde_json::Value;
use std::sync::Arc;
use strongroom_comet_rpc::backend::{AbciInfo, AbciQueryAnswer, NodeInfo, ProofOp};
use strongroom_comet_rpc::check_queue::CheckQueue;
use strongroom_comet_rpc::event_bus::EventBus;
use strongroom_comet_rpc::events::block_events;
use strongroom_comet_rpc::mempool::{CheckKind, Checked, Checker, Limits, Mempool};
use strongroom_comet_rpc::{Application, Backend, Config};
use strongroom_http::Server;
use strongroom_http::workers::Progress;
use strongroom_store::blocks::{
    BlockMeta, BlockResults, BlockStore, BlockStoreError, Executed, Validator,
};
use strongroom_types::consensus::{
    AbciParams, BlockParams, ConsensusParams, ConsensusParamsUpdate, EvidenceParams,
    ValidatorParams, VersionParams,
};
use strongroom_types::{
    Attribute, DecidedBlock, Event, ExecTxResult, Height, RawTx, ValidatorUpdate,
};
use tendermint_proto::v0_38::types::Header;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub(crate) use strongroom_testdata::cometbft as golden;

fn base64(value: &Value) -> Vec<u8> {
    value
        .as_str()
        .map(|text| STANDARD.decode(text).unwrap())
        .unwrap_or_default()
}

fn hex32(value: &Value) -> [u8; 32] {
    hex::decode(value.as_str().unwrap())
        .unwrap()
        .try_into()
        .unwrap()
}

fn number<T: std::str::FromStr>(value: &Value) -> T
where
    T::Err: std::fmt::Debug,
{
    match value {
        Value::String(text) => text.parse().unwrap(),
        other => other.to_string().parse().unwrap(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn events(value: &Value) -> Vec<Event> {
    let attribute = |a: &Value| Attribute {
        key: text(&a["key"]),
        value: text(&a["value"]),
        index: a["index"] == Value::Bool(true),
    };
    let event = |e: &Value| Event {
        kind: text(&e["type"]),
        attributes: list(&e["attributes"]).iter().map(attribute).collect(),
    };
    list(value).iter().map(event).collect()
}

pub(crate) fn tx_result(r: &Value) -> ExecTxResult {
    ExecTxResult {
        code: number(&r["code"]),
        data: base64(&r["data"]),
        log: text(&r["log"]),
        info: text(&r["info"]),
        gas_wanted: number(&r["gas_wanted"]),
        gas_used: number(&r["gas_used"]),
        events: events(&r["events"]),
        codespace: text(&r["codespace"]),
    }
}

fn updates(value: &Value) -> Option<ConsensusParamsUpdate> {
    let value = value.as_object()?;
    let part = |name: &str| value.get(name);
    Some(ConsensusParamsUpdate {
        block: part("block").map(|b| BlockParams {
            max_bytes: number(&b["max_bytes"]),
            max_gas: number(&b["max_gas"]),
        }),
        evidence: part("evidence").map(|e| EvidenceParams {
            max_age_num_blocks: number(&e["max_age_num_blocks"]),
            max_age_duration_ns: number(&e["max_age_duration"]),
            max_bytes: number(&e["max_bytes"]),
        }),
        validator: part("validator").map(|v| ValidatorParams {
            pub_key_types: list(&v["pub_key_types"]).iter().map(text).collect(),
        }),
        version: part("version").map(|v| VersionParams {
            app: number(&v["app"]),
        }),
        abci: part("abci").map(|a| AbciParams {
            vote_extensions_enable_height: number(&a["vote_extensions_enable_height"]),
        }),
    })
}

fn params(value: &Value) -> ConsensusParams {
    ConsensusParams::default().updated(&updates(&value["consensus_params"]).unwrap())
}

fn validators(value: &Value) -> Vec<Validator> {
    let validator = |v: &Value| Validator {
        address: hex::decode(v["address"].as_str().unwrap())
            .unwrap()
            .try_into()
            .unwrap(),
        pubkey: base64(&v["pub_key"]["value"]).try_into().unwrap(),
        power: number(&v["voting_power"]),
        proposer_priority: number(&v["proposer_priority"]),
    };
    list(&value["validators"]).iter().map(validator).collect()
}

/// A recorded height, ready for the store.
pub(crate) struct Recorded {
    pub(crate) meta: BlockMeta,
    pub(crate) block: DecidedBlock,
    pub(crate) executed: Executed,
    pub(crate) validators: Vec<Validator>,
    pub(crate) params: ConsensusParams,
}

pub(crate) fn recorded(chain: &str, height: u64) -> Recorded {
    let file = golden(&format!("{chain}/blocks/{height:03}.json"));
    let proto = |name: &str| base64(&file["proto"][name]);
    let txs: Vec<Vec<u8>> = list(&file["block"]["block"]["data"]["txs"])
        .iter()
        .map(base64)
        .collect();
    let block = DecidedBlock {
        header: proto("header"),
        commit: proto("commit"),
        txs: RawTx::list(txs),
        last_commit: proto("last_commit"),
        evidence: proto("evidence_list"),
    };
    let meta = BlockMeta {
        height,
        hash: hex32(&file["hashes"]["header"]),
        parts_total: number(&file["hashes"]["part_set_total"]),
        parts_hash: hex32(&file["hashes"]["part_set_header"]),
        size: proto("block").len() as u64,
        txs: block.txs.len() as u32,
        header: block.header.clone(),
    };
    let results = &file["block_results"];
    let update = |u: &Value| ValidatorUpdate {
        pubkey: base64(&u["pub_key"]["Sum"]["value"]["ed25519"])
            .try_into()
            .unwrap(),
        power: if u["power"].is_null() {
            0
        } else {
            number(&u["power"])
        },
    };
    let results = BlockResults {
        tx_results: list(&results["txs_results"])
            .iter()
            .map(tx_result)
            .collect(),
        events: events(&results["finalize_block_events"]),
        validator_updates: list(&results["validator_updates"])
            .iter()
            .map(update)
            .collect(),
        consensus_param_updates: updates(&results["consensus_param_updates"]),
        app_hash: base64(&results["app_hash"]).try_into().unwrap_or([0; 32]),
    };
    let params = params(&file["consensus_params"]);
    let next = results.consensus_param_updates.clone().unwrap_or_default();
    let executed = Executed {
        validators: Some((height + 1, validators(&file["next_validators"]))),
        params: Some((height + 1, params.clone().updated(&next))),
        results,
    };
    Recorded {
        meta,
        block,
        executed,
        validators: validators(&file["validators"]),
        params,
    }
}

/// The recorded application's CheckTx.
struct Words;

impl Checker for Words {
    fn check_tx(&self, tx: &[u8], _: CheckKind, _: Height) -> Option<Checked> {
        let word = tx.split(|b| *b == b' ').next().unwrap_or_default();
        let answer = match word {
            b"set" | b"fail" | b"empty" | b"full" | b"bin" | b"move" | b"big" | b"val"
            | b"param" | b"retain" => ExecTxResult {
                gas_wanted: tx.len() as i64,
                ..ExecTxResult::default()
            },
            b"reject" => ExecTxResult {
                code: 9,
                codespace: "golden".into(),
                log: "rejected on purpose: <&>".into(),
                info: "check info".into(),
                data: vec![0, 1],
                gas_wanted: 7,
                gas_used: 3,
                events: vec![Event {
                    kind: "checked".into(),
                    attributes: vec![Attribute {
                        key: "word".into(),
                        value: "reject".into(),
                        index: true,
                    }],
                }],
            },
            _ => ExecTxResult {
                code: 1,
                codespace: "golden".into(),
                log: "unknown word".into(),
                ..ExecTxResult::default()
            },
        };
        Some(Checked::from(answer))
    }
}

/// The recorded node.
pub(crate) struct Golden {
    chain: &'static str,
    directory: Arc<tempfile::TempDir>,
    blocks: Arc<BlockStore>,
    pub(crate) mempool: Arc<Mempool>,
    events: EventBus,
    published: watch::Sender<u64>,
}

impl Golden {
    /// With the recorded heights `from` to `to`.
    pub(crate) fn new(chain: &'static str, from: u64, to: u64, limits: Limits) -> Arc<Self> {
        let directory = tempfile::tempdir().unwrap();
        let blocks = Arc::new(BlockStore::open(directory.path()).unwrap());
        let first = recorded(chain, from);
        blocks
            .save_in_force(from, &first.validators, &first.params)
            .unwrap();
        let mempool = Arc::new(Mempool::new(limits, Arc::new(Words)));
        let golden = Self {
            chain,
            directory: Arc::new(directory),
            blocks,
            mempool,
            events: EventBus::default(),
            published: watch::Sender::new(0),
        };
        for height in from..=to {
            golden.publish_recorded(height);
        }
        Arc::new(golden)
    }

    /// The newest height that clients see.
    pub(crate) fn published(&self) -> u64 {
        *self.published.borrow()
    }

    /// Serves it on a free port.
    pub(crate) async fn serve(&self, config: Config) -> Server {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        strongroom_comet_rpc::serve(self.backend(), config, tcp).unwrap()
    }

    fn backend(&self) -> Backend {
        Backend {
            app: Arc::new(App {
                _directory: Arc::clone(&self.directory),
                blocks: Arc::clone(&self.blocks),
                published: self.published.subscribe(),
            }),
            blocks: Arc::clone(&self.blocks),
            published: self.published.subscribe(),
            checks: CheckQueue::new(Arc::clone(&self.mempool)).unwrap(),
            events: self.events.clone(),
            gate: Arc::default(),
            node: self.node_info(),
            genesis: genesis(),
        }
    }

    fn node_info(&self) -> NodeInfo {
        let next = *self.published.borrow() + 1;
        let validator = self.blocks.validators(next).unwrap().unwrap()[0].pubkey;
        let single = self.chain == "single";
        NodeInfo {
            id: if single {
                "e925ddc5ccc221f92392988d3dd2424009cb3b6e"
            } else {
                "d99b8e3b1e8f6fe055fa250bc2a8e4ecc0e2e42b"
            }
            .into(),
            listen_addr: "tcp://127.0.0.1:26656".into(),
            network: format!("golden-{}-1", self.chain),
            version: "0.38.25".into(),
            moniker: "node0".into(),
            app_version: 1,
            rpc_address: "tcp://127.0.0.1:26657".into(),
            validator,
        }
    }

    pub(crate) fn publish_recorded(&self, height: u64) {
        let Recorded {
            meta,
            block,
            executed,
            ..
        } = recorded(self.chain, height);
        self.publish(meta, block, executed);
    }

    /// Saves a recorded block that is decided, and no more.
    pub(crate) fn decide_recorded(&self, height: u64) {
        let Recorded { meta, block, .. } = recorded(self.chain, height);
        self.blocks.save_decided(&meta, &block).unwrap();
    }

    /// The way of every block: saved, executed, acknowledged, published, told.
    fn publish(&self, meta: BlockMeta, block: DecidedBlock, executed: Executed) {
        self.blocks.save_decided(&meta, &block).unwrap();
        self.blocks.save_results(meta.height, &executed).unwrap();
        let included: Vec<_> = block
            .txs
            .iter()
            .zip(&executed.results.tx_results)
            .map(|(tx, result)| (tx, result.is_ok()))
            .collect();
        self.mempool
            .block_committed(meta.height, included, |left| vec![true; left.len()]);
        self.published.send_replace(meta.height);
        let events = || block_events(&meta, &block, &executed.results);
        self.events.publish(events).unwrap();
    }

    /// Makes blocks up to `height`, the last one with `tx` and `result`: the last recorded one with another height.
    pub(crate) fn make_blocks(&self, height: u64, tx: &[u8], result: &ExecTxResult) {
        let last = height;
        for height in self.published() + 1..=last {
            let Recorded {
                mut meta,
                mut block,
                mut executed,
                ..
            } = recorded(self.chain, 20);
            let mut header = Header::decode(block.header.as_slice()).unwrap();
            header.height = height as i64;
            block.header = header.encode_to_vec();
            meta.header = block.header.clone();
            meta.height = height;
            meta.hash = strongroom_types::sha256(&block.header);
            (executed.validators, executed.params) = (None, None);
            if height == last {
                block.txs.push(RawTx::from(tx));
                executed.results.tx_results.push(result.clone());
            }
            self.publish(meta, block, executed);
        }
    }
}

/// The document that the recorded node served, byte for byte.
fn genesis() -> String {
    let file = golden("single/rpc/info.json");
    let exchange = list(&file["exchanges"])
        .iter()
        .find(|e| e["name"] == "genesis: plain, URI")
        .unwrap();
    let body = exchange["response"]["body"].as_str().unwrap();
    body.strip_prefix(r#"{"jsonrpc":"2.0","id":-1,"result":{"genesis":"#)
        .unwrap()
        .strip_suffix("}}")
        .unwrap()
        .to_owned()
}

/// The recorded application's Info and Query.
struct App {
    /// There as long as anybody serves it.
    _directory: Arc<tempfile::TempDir>,
    blocks: Arc<BlockStore>,
    published: watch::Receiver<u64>,
}

impl Application for App {
    fn info(&self) -> Result<AbciInfo, BlockStoreError> {
        Ok(AbciInfo {
            data: "golden".into(),
            version: "1.0.0".into(),
            app_version: 7,
            last_block_height: *self.published.borrow(),
            last_block_app_hash: self
                .blocks
                .results(*self.published.borrow())
                .unwrap()
                .unwrap()
                .app_hash,
        })
    }

    fn query(
        &self,
        path: &str,
        data: &[u8],
        height: i64,
        prove: bool,
    ) -> Progress<AbciQueryAnswer> {
        let height = if height == 0 {
            *self.published.borrow() as i64
        } else {
            height
        };
        Progress::Done(match (path, data) {
            ("/key" | "", b"a") => AbciQueryAnswer {
                log: "found".into(),
                index: 2,
                key: data.to_vec(),
                value: b"2".to_vec(),
                proof_ops: prove
                    .then(|| ProofOp {
                        kind: "golden:proof".into(),
                        key: data.to_vec(),
                        data: vec![10, 1, 2],
                    })
                    .into_iter()
                    .collect(),
                height,
                ..AbciQueryAnswer::default()
            },
            ("/key" | "", _) => AbciQueryAnswer {
                code: 4,
                log: "no such key".into(),
                info: "query info".into(),
                key: data.to_vec(),
                height,
                codespace: "golden".into(),
                ..AbciQueryAnswer::default()
            },
            _ => AbciQueryAnswer {
                code: 6,
                log: format!("unknown query path: {path}"),
                codespace: "sdk".into(),
                ..AbciQueryAnswer::default()
            },
        })
    }
}
