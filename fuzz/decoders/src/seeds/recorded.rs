//! Seeds out of the recordings of CometBFT (`testdata/`), and the tree that proofs are held against.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use serde_json::Value;
use strongroom_consensus::GenesisFile;
use strongroom_proof::comet::{Commit, Header, ValidatorSet, raw};
use strongroom_proof::ics23::{self, Present, Side, StoreProof};
use strongroom_proof::light::skipping::LightBlock;
use strongroom_proof::light::{Genesis, LightState};
use strongroom_proof::tree::{EMPTY, Entry, Proof, key_hash, subtree_hash, subtree_prove};
use strongroom_testdata::{cometbft, cometbft_bytes};
use strongroom_types::{
    DecidedBlock, ExecTxResult, Hash, RawTx, Tree, Untrusted, ValidatorUpdate, sha256,
};

/// The recorded chains with their number of blocks.
pub const CHAINS: [(&str, u64); 2] = [("single", 20), ("four", 32)];

/// Each block of a chain with the state of the light client before it.
///
/// # Panics
/// If the recordings do not continue each other.
#[must_use]
pub fn states(&(chain, blocks): &(&str, u64)) -> Vec<(LightState, DecidedBlock)> {
    let genesis = GenesisFile::parse(genesis(chain)).expect("a recorded genesis");
    let validators = ValidatorSet::from_updates(&genesis.doc.validator_updates());
    let validators = validators.expect("recorded validators");
    let genesis = Genesis::new(&genesis.doc, validators);
    let mut state = LightState::genesis(&genesis).expect("a recorded genesis");
    let mut all = Vec::new();
    for height in 1..=blocks {
        let recording = cometbft(&format!("{chain}/blocks/{height:03}.json"));
        let block = decided(&recording, height);
        let header = Header::decode(&block.header).expect("a recorded header");
        let expected = crate::consensus::expected_by(&header);
        let (_, after) = state
            .verify(Untrusted::new(block.clone()), &expected)
            .expect("a recorded block");
        all.push((state, block));
        state = after
            .executed(&updates(&recording))
            .expect("recorded validators");
    }
    all
}

/// The blocks of the recorded chain of four, as a light client is told them.
///
/// # Panics
/// If a recording is none.
#[must_use]
pub fn light_blocks() -> Vec<LightBlock> {
    let (chain, blocks) = CHAINS[1];
    let block = |height| {
        let recording = cometbft(&format!("{chain}/blocks/{height:03}.json"));
        let proto = |name: &str| bytes(&recording["proto"][name]);
        let set = raw::types::ValidatorSet::decode(proto("validator_set").as_slice());
        LightBlock {
            header: Header::decode(&proto("header")).expect("a recorded header"),
            commit: Commit::decode(&proto("commit")).expect("a recorded commit"),
            validators: ValidatorSet::from_raw(&set.expect("validators")).expect("a set"),
        }
    };
    (1..=blocks).map(block).collect()
}

/// The genesis document of a recorded chain.
#[must_use]
pub fn genesis(chain: &str) -> Vec<u8> {
    cometbft_bytes(&format!("{chain}/config/genesis.json"))
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("base64 text");
    STANDARD.decode(text).expect("base64")
}

fn decided(recording: &Value, height: u64) -> DecidedBlock {
    let proto = |name: &str| bytes(&recording["proto"][name]);
    let block = raw::types::Block::decode(proto("block").as_slice()).expect("a recorded block");
    DecidedBlock {
        header: proto("header"),
        commit: proto("commit"),
        txs: RawTx::list(block.data.unwrap_or_default().txs),
        last_commit: if height == 1 {
            Vec::new()
        } else {
            proto("last_commit")
        },
        evidence: proto("evidence_list"),
    }
}

fn updates(recording: &Value) -> Vec<ValidatorUpdate> {
    let list = recording["block_results"]["validator_updates"].as_array();
    let update = |update: &Value| ValidatorUpdate {
        pubkey: bytes(&update["pub_key"]["Sum"]["value"]["ed25519"])
            .try_into()
            .expect("an ed25519 key"),
        power: update["power"]
            .as_str()
            .map_or(0, |power| power.parse().expect("a number")),
    };
    list.into_iter().flatten().map(update).collect()
}

/// The results of a recorded block, as far as its next header commits to them.
#[must_use]
pub fn results(chain: &str, height: u64) -> Vec<ExecTxResult> {
    let recording = cometbft(&format!("{chain}/blocks/{height:03}.json"));
    let list = recording["block_results"]["txs_results"].as_array();
    let gas = |value: &Value| value.as_str().map_or(0, |gas| gas.parse().expect("gas"));
    let result = |result: &Value| ExecTxResult {
        code: serde_json::from_value(result["code"].clone()).expect("a code"),
        data: STANDARD
            .decode(result["data"].as_str().unwrap_or_default())
            .expect("base64"),
        gas_wanted: gas(&result["gas_wanted"]),
        gas_used: gas(&result["gas_used"]),
        ..ExecTxResult::default()
    };
    list.into_iter().flatten().map(result).collect()
}

/// What was recorded of a block in protobuf, by its name.
#[must_use]
pub fn proto<M: prost::Message + Default>(chain: &str, height: u64, name: &str) -> M {
    let recording = cometbft(&format!("{chain}/blocks/{height:03}.json"));
    M::decode(bytes(&recording["proto"][name]).as_slice()).expect("a recorded message")
}

/// Bodies and query strings that were sent to the recorded node.
#[must_use]
pub fn requests() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for name in [
        "abci",
        "blocks",
        "broadcast",
        "envelope",
        "http",
        "info",
        "tx",
    ] {
        let recording = cometbft(&format!("single/rpc/{name}.json"));
        for exchange in recording["exchanges"].as_array().into_iter().flatten() {
            let request = &exchange["request"];
            if let Some(body) = request["body"].as_str() {
                all.push(body.as_bytes().to_vec());
            }
            let target = request["target"].as_str().unwrap_or_default();
            if let Some((_, query)) = target.split_once('?') {
                all.push(query.as_bytes().to_vec());
            }
        }
    }
    all
}

/// Frames that were sent to the recorded node's websocket.
#[must_use]
pub fn frames() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for name in ["errors", "events", "steps", "tx_conditions"] {
        let recording = cometbft(&format!("single/ws/{name}.json"));
        let frames = recording["frames"].as_array();
        let sent = frames
            .into_iter()
            .flatten()
            .filter(|f| f["from"] == "client");
        all.extend(sent.filter_map(|f| Some(f["data"].as_str()?.as_bytes().to_vec())));
    }
    all
}

/// What is in the tree that proofs are held against.
pub const ENTRIES: [(&[u8], &[u8]); 3] = [(b"key", b"value"), (b"other", b""), (b"third", b"3")];

fn entries() -> Vec<Entry> {
    let mut entries: Vec<Entry> = ENTRIES
        .iter()
        .map(|(key, value)| Entry {
            key_hash: key_hash(key),
            value_hash: sha256(value),
        })
        .collect();
    entries.sort();
    entries
}

/// The root of that tree.
#[must_use]
pub fn tree_root() -> Hash {
    subtree_hash(&entries(), 0)
}

/// Proofs of its entries and of an absence, for reading and for writing.
#[must_use]
pub fn proofs() -> Vec<Vec<u8>> {
    let keys = ENTRIES
        .iter()
        .map(|(key, _)| *key)
        .chain([b"absent".as_slice()]);
    let both = keys.flat_map(|key| [(key, false), (key, true)]);
    let proofs = both.map(|(key, for_write)| {
        let mut proof = Proof::default();
        subtree_prove(&entries(), 0, &key_hash(key), for_write, &mut proof);
        proof.encode()
    });
    proofs.collect()
}

/// The roots that clients' proofs are held against: the tree is `native`, the others are empty.
#[must_use]
pub fn roots() -> [(Tree, Hash); 3] {
    [
        (Tree::Contract, EMPTY),
        (Tree::Ibc, EMPTY),
        (Tree::Native, tree_root()),
    ]
}

/// Clients' proofs of its entries, of an absence, and of one in an empty tree.
#[must_use]
pub fn client_proofs() -> Vec<Vec<u8>> {
    let path = |place: &Hash| {
        let mut proof = Proof::default();
        subtree_prove(&entries(), 0, place, false, &mut proof);
        proof
    };
    let present = |place: &Hash| {
        let (key, value) = ENTRIES.iter().find(|(key, _)| key_hash(key) == *place)?;
        Some(Present {
            key: key.to_vec(),
            value: value.to_vec(),
            siblings: path(place).siblings,
        })
    };
    let beside = |side| {
        let found = ics23::neighbour(&key_hash(b"absent"), side, |place| Ok::<_, ()>(path(place)));
        found.ok()?.and_then(|(place, _)| present(&place))
    };
    let absent = |key: &[u8], left, right| ics23::Entry::Absent {
        key: key.to_vec(),
        left,
        right,
    };
    let there = ENTRIES
        .iter()
        .filter_map(|(key, _)| present(&key_hash(key)));
    let mut all: Vec<(Tree, ics23::Entry)> = there
        .map(|entry| (Tree::Native, ics23::Entry::Present(entry)))
        .collect();
    all.push((
        Tree::Native,
        absent(b"absent", beside(Side::Left), beside(Side::Right)),
    ));
    all.push((Tree::Contract, absent(b"key", None, None)));
    let encoded = all.iter().map(|(tree, entry)| {
        let proof = StoreProof::new(entry, *tree, &roots());
        let length = u16::try_from(proof.entry.len()).unwrap_or(u16::MAX);
        [&length.to_le_bytes(), &*proof.entry, &*proof.store].concat()
    });
    encoded.collect()
}
