//! The recorded blocks of CometBFT v0.38.25, for tests.

use crate::comet::raw;
use base64::Engine as _;
use prost::Message as _;
use serde_json::Value;
use strongroom_types::{DecidedBlock, RawTx, ValidatorUpdate};

pub(crate) use strongroom_testdata::cometbft as json;

pub(crate) fn base64(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap()
}

/// One `blocks/NNN.json`.
pub(crate) struct Recorded {
    pub(crate) name: String,
    chain: &'static str,
    height: u64,
    json: Value,
}

pub(crate) fn block(chain: &'static str, height: u64) -> Recorded {
    let name = format!("{chain}/blocks/{height:03}.json");
    Recorded {
        json: json(&name),
        name,
        chain,
        height,
    }
}

pub(crate) fn blocks(chain: &'static str) -> Vec<Recorded> {
    let last = if chain == "single" { 20 } else { 32 };
    (1..=last).map(|height| block(chain, height)).collect()
}

pub(crate) fn all_blocks() -> Vec<Recorded> {
    let mut all = blocks("single");
    all.extend(blocks("four"));
    assert_eq!(all.len(), 52);
    all
}

impl Recorded {
    pub(crate) fn before(&self) -> Option<Self> {
        (self.height > 1).then(|| block(self.chain, self.height - 1))
    }

    pub(crate) fn value(&self, path: &[&str]) -> &Value {
        path.iter().fold(&self.json, |value, key| &value[*key])
    }

    pub(crate) fn text(&self, path: &[&str]) -> &str {
        self.value(path)
            .as_str()
            .unwrap_or_else(|| panic!("{} {path:?}", self.name))
    }

    pub(crate) fn list(&self, path: &[&str]) -> Vec<Value> {
        self.value(path).as_array().cloned().unwrap_or_default()
    }

    pub(crate) fn proto(&self, name: &str) -> Vec<u8> {
        base64(self.text(&["proto", name]))
    }

    /// The last commit as a decided block has it: nothing at the first height.
    pub(crate) fn last_commit(&self) -> Vec<u8> {
        if self.height == 1 {
            Vec::new()
        } else {
            self.proto("last_commit")
        }
    }

    pub(crate) fn decided(&self) -> DecidedBlock {
        let block = raw::types::Block::decode(self.proto("block").as_slice()).unwrap();
        DecidedBlock {
            header: self.proto("header"),
            commit: self.proto("commit"),
            txs: RawTx::list(block.data.unwrap().txs),
            last_commit: self.last_commit(),
            evidence: self.proto("evidence_list"),
        }
    }

    pub(crate) fn validator_updates(&self) -> Vec<ValidatorUpdate> {
        self.list(&["block_results", "validator_updates"])
            .iter()
            .map(|u| ValidatorUpdate {
                pubkey: base64(u["pub_key"]["Sum"]["value"]["ed25519"].as_str().unwrap())
                    .try_into()
                    .unwrap(),
                power: u["power"].as_str().map_or(0, |p| p.parse().unwrap()),
            })
            .collect()
    }
}
