//! What a client pays to believe a node: proofs of a value and of absence, and a step of the skipping light client.

use crate::figures::{Samples, ratio, table, us};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_proof::comet::{Commit, Header, ValidatorSet, raw};
use strongroom_proof::ics23::{self, Present, Side, StoreProof};
use strongroom_proof::light::skipping::{LightBlock, Terms, Trusted};
use strongroom_proof::tree::{Entry, Proof, key_hash, subtree_hash, subtree_prove};
use strongroom_proof::{merkle, tree};
use strongroom_testdata::cometbft;
use strongroom_types::{Hash, Tree, sha256};

/// Entries of the tree.
const ENTRIES: u32 = 100_000;
const VALUE_BYTES: usize = 200;
/// Runs of each; their time is what the table shows.
const RUNS: usize = 300;

/// Prints the table.
pub(crate) fn run() {
    let host = Host::new();
    let app_hash = merkle::app_hash(&host.roots());
    let present = 7_u32.to_be_bytes();
    let value = value(&present);
    let there = StoreProof::new(&host.entry(&present), Tree::Native, &host.roots());
    let nothing = StoreProof::new(&host.entry(b"nothing"), Tree::Native, &host.roots());
    let own = host.path(&key_hash(&present));
    let encoded = own.encode();
    let (from, block) = (trusted(21), light_block(24).encode());
    let measured = [
        (
            "own proof, root only (baseline)",
            encoded.len(),
            measure(|| {
                let proof = Proof::decode(&encoded).expect("a proof");
                proof
                    .verify(&host.root, &present, Some(&value))
                    .expect("true");
            }),
        ),
        (
            "ICS-23, a value",
            bytes(&there),
            measure(|| {
                let verdict = there.verify(&app_hash, Tree::Native, &present, Some(&value));
                verdict.expect("true");
            }),
        ),
        (
            "ICS-23, absence",
            bytes(&nothing),
            measure(|| {
                let verdict = nothing.verify(&app_hash, Tree::Native, b"nothing", None);
                verdict.expect("true");
            }),
        ),
        (
            "light client, a step of four validators",
            block.len(),
            measure(|| {
                let block = LightBlock::decode(&block).expect("a light block");
                from.step(&block, &Terms::WITHOUT_CLOCK).expect("true");
            }),
        ),
    ];
    let baseline = measured[0].2.median();
    let rows = measured.iter().map(|(what, bytes, samples)| {
        let (low, high) = samples.quartiles();
        vec![
            (*what).to_owned(),
            bytes.to_string(),
            us(samples.median()),
            format!("{}–{}", us(low), us(high)),
            format!("{:.1}", ratio(samples.median(), baseline)),
        ]
    });
    let head = ["checked", "bytes", "µs", "quartiles", "ratio"];
    let title =
        format!("Proofs for clients: a tree of {ENTRIES} entries, values of {VALUE_BYTES} bytes");
    table(&title, &head, &rows.collect::<Vec<_>>());
}

fn measure(mut work: impl FnMut()) -> Samples {
    let mut samples = Samples::default();
    for _ in 0..RUNS {
        samples.time(&mut work);
    }
    samples
}

const fn bytes(proof: &StoreProof) -> usize {
    proof.entry.len() + proof.store.len()
}

fn value(key: &[u8]) -> Vec<u8> {
    key.iter().copied().cycle().take(VALUE_BYTES).collect()
}

struct Host {
    keys: Vec<(Hash, [u8; 4])>,
    entries: Vec<Entry>,
    root: Hash,
}

impl Host {
    fn new() -> Self {
        let numbers = (0..ENTRIES).map(u32::to_be_bytes);
        let mut keys: Vec<(Hash, [u8; 4])> = numbers.map(|key| (key_hash(&key), key)).collect();
        keys.sort_unstable();
        let leaf = |(key_hash, key): &(Hash, [u8; 4])| Entry {
            key_hash: *key_hash,
            value_hash: sha256(&value(key)),
        };
        let entries: Vec<Entry> = keys.iter().map(leaf).collect();
        let root = subtree_hash(&entries, 0);
        Self {
            keys,
            entries,
            root,
        }
    }

    const fn roots(&self) -> [(Tree, Hash); 3] {
        [
            (Tree::Contract, tree::EMPTY),
            (Tree::Ibc, tree::EMPTY),
            (Tree::Native, self.root),
        ]
    }

    fn path(&self, place: &Hash) -> Proof {
        let mut proof = Proof::default();
        subtree_prove(&self.entries, 0, place, false, &mut proof);
        proof
    }

    fn present(&self, place: &Hash) -> Option<Present> {
        let at = self.keys.binary_search_by_key(place, |(hash, _)| *hash);
        let (_, key) = self.keys.get(at.ok()?)?;
        Some(Present {
            key: key.to_vec(),
            value: value(key),
            siblings: self.path(place).siblings,
        })
    }

    fn entry(&self, key: &[u8]) -> ics23::Entry {
        let place = key_hash(key);
        if let Some(present) = self.present(&place) {
            return ics23::Entry::Present(present);
        }
        let beside = |side| {
            let path = |place: &Hash| Ok::<_, ()>(self.path(place));
            let (found, _) = ics23::neighbour(&place, side, path).ok()??;
            self.present(&found)
        };
        ics23::Entry::Absent {
            key: key.to_vec(),
            left: beside(Side::Left),
            right: beside(Side::Right),
        }
    }
}

/// A block of the recorded chain of four validators.
fn light_block(height: u64) -> LightBlock {
    let recorded = cometbft(&format!("four/blocks/{height:03}.json"));
    let proto = |name: &str| {
        let text = recorded["proto"][name].as_str().expect("base64 text");
        STANDARD.decode(text).expect("base64")
    };
    let set = proto("validator_set");
    let set = <raw::types::ValidatorSet as prost::Message>::decode(&*set).expect("validators");
    LightBlock {
        header: Header::decode(&proto("header")).expect("a header"),
        commit: Commit::decode(&proto("commit")).expect("a commit"),
        validators: ValidatorSet::from_raw(&set).expect("a set"),
    }
}

fn trusted(height: u64) -> Trusted {
    let block = light_block(height);
    let hash = block.header.hash();
    Trusted::header(&block.header.chain_id, &hash, &block).expect("a recorded header")
}
