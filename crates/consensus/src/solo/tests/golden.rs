//! Solo replays `single`, recorded from CometBFT v0.38.25: same key, genesis, transactions, evidence, results and vote
//! times. Everything must be equal byte for byte at all heights.

use crate::solo::{Content, Proposer};
use crate::{FinalizeBlock, GenesisFile, InitChain, Signer};
use base64::Engine as _;
use prost::Message as _;
use serde_json::Value;
use strongroom_proof::comet::{self, Commit, raw};
use strongroom_testdata::{cometbft, cometbft_bytes};
use strongroom_types::consensus::{BlockParams, ConsensusParamsUpdate, VersionParams};
use strongroom_types::{ExecTxResult, RawTx, Timestamp, ValidatorUpdate};

fn json(file: &str) -> Value {
    cometbft(&format!("single/{file}"))
}

fn base64(text: &Value) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD
        .decode(text.as_str().unwrap_or_default())
        .unwrap()
}

fn recorded(height: u64) -> Value {
    json(&format!("blocks/{height:03}.json"))
}

/// Time of the recorded precommit for a block.
fn vote_time(block: &Value) -> Timestamp {
    let sig = &block["commit"]["signed_header"]["commit"]["signatures"][0];
    sig["timestamp"].as_str().unwrap().parse().unwrap()
}

fn number<T: std::str::FromStr>(value: &Value) -> T {
    value
        .as_str()
        .unwrap_or("0")
        .parse()
        .unwrap_or_else(|_| panic!("{value}"))
}

fn outcome(block: &Value) -> FinalizeBlock {
    let results = &block["block_results"];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let params = &results["consensus_param_updates"];
    FinalizeBlock {
        tx_results: list(&results["txs_results"])
            .iter()
            .map(|r| ExecTxResult {
                code: u32::try_from(r["code"].as_u64().unwrap()).unwrap(),
                data: base64(&r["data"]),
                gas_wanted: number(&r["gas_wanted"]),
                gas_used: number(&r["gas_used"]),
                // What does not count for consensus may be anything.
                log: "another log".to_owned(),
                ..ExecTxResult::default()
            })
            .collect(),
        events: Vec::new(),
        validator_updates: list(&results["validator_updates"])
            .iter()
            .map(|u| ValidatorUpdate {
                pubkey: base64(&u["pub_key"]["Sum"]["value"]["ed25519"])
                    .try_into()
                    .unwrap(),
                power: number(&u["power"]),
            })
            .collect(),
        consensus_param_updates: params.is_object().then(|| ConsensusParamsUpdate {
            block: params["block"].is_object().then(|| BlockParams {
                max_bytes: number(&params["block"]["max_bytes"]),
                max_gas: number(&params["block"]["max_gas"]),
            }),
            version: params["version"].is_object().then(|| VersionParams {
                app: number(&params["version"]["app"]),
            }),
            ..ConsensusParamsUpdate::default()
        }),
        app_hash: base64(&results["app_hash"]),
    }
}

/// What the recorded application answered to `info` (app version) and `init_chain` (app hash).
fn first_answers() -> (u64, InitChain) {
    let abci = json("abci.json");
    let response = |method: &str| {
        let messages = abci["messages"].as_array().unwrap();
        let message = messages.iter().find(|m| m["method"] == method).unwrap();
        raw::abci::Response::decode(base64(&message["response"]).as_slice())
            .unwrap()
            .value
            .unwrap()
    };
    let (raw::abci::response::Value::Info(info), raw::abci::response::Value::InitChain(init)) =
        (response("info"), response("init_chain"))
    else {
        panic!("other answers")
    };
    (
        info.app_version,
        InitChain {
            app_hash: init.app_hash.to_vec(),
            ..InitChain::default()
        },
    )
}

#[test]
fn solo_replays_the_recorded_chain_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = GenesisFile::parse(cometbft_bytes("single/config/genesis.json")).unwrap();
    let state = dir.path().join("state.json");
    // As CometBFT writes it before anything is signed.
    std::fs::write(&state, r#"{"height":"0","round":0,"step":0}"#).unwrap();
    let key = dir.path().join("key.json");
    std::fs::write(
        &key,
        cometbft_bytes("single/config/priv_validator_key.json"),
    )
    .unwrap();
    let signer = Signer::open(&key, &state).unwrap();
    let (app_version, init) = first_answers();
    let mut proposer = Proposer::genesis(&genesis, &init, app_version, signer).unwrap();
    let mut last_vote = genesis.doc.genesis_time;
    let (mut with_evidence, mut with_parts) = (0, 0);
    for height in 1..=20 {
        let recorded = recorded(height);
        let proto = |name: &str| base64(&recorded["proto"][name]);
        let content = Content {
            txs: recorded["block"]["block"]["data"]["txs"]
                .as_array()
                .unwrap()
                .iter()
                .map(|tx| RawTx::from(base64(tx)))
                .collect(),
            evidence: proto("evidence_list"),
        };
        let block = proposer
            .propose(content, last_vote, vote_time(&recorded))
            .unwrap();
        proposer.signer().persist().unwrap();

        assert_eq!(
            hex::encode(&block.header),
            hex::encode(proto("header")),
            "header {height}"
        );
        assert_eq!(
            hex::encode(&block.commit),
            hex::encode(proto("commit")),
            "commit {height}"
        );
        if height > 1 {
            assert_eq!(
                hex::encode(&block.last_commit),
                hex::encode(proto("last_commit")),
                "last commit {height}"
            );
        }
        let bytes =
            comet::block_bytes(&comet::Header::decode(&block.header).unwrap(), &block).unwrap();
        assert_eq!(
            hex::encode(&bytes),
            hex::encode(proto("block")),
            "block {height}"
        );
        let id = Commit::decode(&block.commit).unwrap().block_id;
        assert_eq!(
            id.to_raw().encode_to_vec(),
            proto("block_id"),
            "block id {height}"
        );
        assert_eq!(id.parts, comet::part_set_header(&bytes));
        with_evidence += u32::from(!block.evidence.is_empty());
        with_parts += u32::from(id.parts.total > 1);

        let after = proposer.executed(&outcome(&recorded)).unwrap();
        assert_eq!(comet::params::encode(after.params()), {
            // Parameters in force at the next height, where that is recorded.
            let next = if height < 20 {
                self::recorded(height + 1)
            } else {
                recorded.clone()
            };
            base64(&next["proto"]["consensus_params"])
        });
        assert_eq!(crate::ChainState::decode(&after.encode()).unwrap(), *after);
        last_vote = vote_time(&recorded);
    }
    assert_eq!((with_evidence, with_parts), (1, 1));
    assert_eq!(proposer.state().light().validators().total_power(), 25);
    assert_eq!(proposer.state().version_app(), 7);
}

#[test]
fn a_block_of_the_recorded_engine_describes_itself_as_the_store_wants_it() {
    let recorded = recorded(7);
    let block: raw::types::Block =
        raw::types::Block::decode(base64(&recorded["proto"]["block"]).as_slice()).unwrap();
    let decided = strongroom_types::DecidedBlock {
        header: base64(&recorded["proto"]["header"]),
        commit: base64(&recorded["proto"]["commit"]),
        txs: RawTx::list(block.data.unwrap().txs),
        last_commit: base64(&recorded["proto"]["last_commit"]),
        evidence: base64(&recorded["proto"]["evidence_list"]),
    };
    let meta =
        crate::block_meta(&comet::Header::decode(&decided.header).unwrap(), &decided).unwrap();
    assert_eq!((meta.height, meta.parts_total, meta.txs), (7, 3, 2));
    assert_eq!(
        hex::encode_upper(meta.hash),
        recorded["hashes"]["header"].as_str().unwrap()
    );
    assert_eq!(meta.size, base64(&recorded["proto"]["block"]).len() as u64);
}
