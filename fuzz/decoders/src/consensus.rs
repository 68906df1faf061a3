//! What consensus and the host's store hand in: blocks, the light client, proofs.

use crate::seeds::recorded;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use strongroom_proof::comet::{self, Commit, Evidence, Header};
use strongroom_proof::ics23::{Entry, StoreProof};
use strongroom_proof::light::skipping::{LightBlock, Terms, Trusted};
use strongroom_proof::light::{Expected, LightState};
use strongroom_proof::partial::PartialTree;
use strongroom_proof::tree::Proof;
use strongroom_types::{DecidedBlock, Tree, Untrusted};

/// Headers and commits have one encoding; evidence and parameters decode or are refused.
pub fn block(data: &[u8]) -> bool {
    let mut accepted = false;
    if let Ok(header) = Header::decode(data) {
        assert_eq!(header.encode(), data);
        let _ = header.hash();
        accepted = true;
    }
    if let Ok(commit) = Commit::decode(data) {
        assert_eq!(commit.encode(), data);
        let _ = commit.hash();
        accepted = true;
    }
    let params = comet::params::decode(data);
    if let Ok(params) = &params {
        assert_eq!(
            comet::params::decode(&comet::params::encode(params)).as_ref(),
            Ok(params)
        );
    }
    let update = comet::params::decode_update(data);
    accepted | Evidence::decode(data).is_ok() | params.is_ok() | update.is_ok()
}

/// The recorded blocks by chain and height, each with the state of the light client before it.
static BLOCKS: LazyLock<BTreeMap<(String, u64), (LightState, DecidedBlock)>> =
    LazyLock::new(|| {
        let chains = recorded::CHAINS.iter().flat_map(recorded::states);
        chains
            .map(|(state, block)| {
                let header = Header::decode(&block.header).expect("a recorded header");
                ((header.chain_id, header.height), (state, block))
            })
            .collect()
    });

/// A decided block, in the encoding of the door, for a light client that stands before it: only what was decided is taken.
pub fn light_client(data: &[u8]) -> bool {
    let Ok(block) = borsh::from_slice::<DecidedBlock>(data) else {
        return false;
    };
    let Ok(header) = Header::decode(&block.header) else {
        return false;
    };
    let expected = expected_by(&header);
    let Some((state, decided)) = BLOCKS.get(&(header.chain_id, header.height)) else {
        return false;
    };
    let verified = state.verify(Untrusted::new(block.clone()), &expected);
    if verified.is_ok() {
        assert_eq!((&block.header, &block.txs), (&decided.header, &decided.txs));
        assert_eq!(block.evidence, decided.evidence);
    }
    verified.is_ok()
}

/// What a machine that computed what this header says expects of it.
pub(crate) fn expected_by(header: &Header) -> Expected {
    Expected {
        app_hash: header.app_hash.clone(),
        last_results_hash: header.last_results_hash,
        consensus_hash: header.consensus_hash,
        version_app: header.version_app,
    }
}

/// What the host proves: a proof has one encoding, and only a true one is taken by a tree of three entries.
pub fn proof(data: &[u8]) -> bool {
    let Ok(proof) = Proof::decode(data) else {
        return false;
    };
    assert_eq!(proof.encode(), data);
    let blind = || PartialTree::blind(recorded::tree_root());
    let mut accepted = false;
    for (key, value) in recorded::ENTRIES {
        assert!(blind().absorb(key, None, &proof).is_err());
        assert!(blind().absorb(key, Some(b"another"), &proof).is_err());
        accepted |= blind().absorb(key, Some(value), &proof).is_ok();
    }
    assert!(blind().absorb(b"absent", Some(b"value"), &proof).is_err());
    accepted | blind().absorb(b"absent", None, &proof).is_ok()
}

/// What a remote node proves to a client: an entry behind its length in two bytes, then the step to the app hash. An entry has one
/// encoding, and only the truth is taken under the app hash of a tree of three entries.
pub fn client_proof(data: &[u8]) -> bool {
    let Some((length, rest)) = data.split_at_checked(2) else {
        return false;
    };
    let length = usize::from(length[0]) | usize::from(length[1]) << 8;
    let (entry, store) = rest.split_at(length.min(rest.len()));
    if let Ok(decoded) = Entry::decode(entry) {
        assert_eq!(decoded.encode(), entry);
    }
    let proof = StoreProof {
        entry: entry.to_vec(),
        store: store.to_vec(),
    };
    let app_hash = strongroom_proof::merkle::app_hash(&recorded::roots());
    let takes = |tree, key: &[u8], value| proof.verify(&app_hash, tree, key, value).is_ok();
    let mut accepted = false;
    for (key, value) in recorded::ENTRIES {
        assert!(!takes(Tree::Native, key, None));
        assert!(!takes(Tree::Native, key, Some(b"another")));
        assert!(!takes(Tree::Contract, key, Some(value)));
        accepted |= takes(Tree::Native, key, Some(value)) | takes(Tree::Contract, key, None);
    }
    assert!(!takes(Tree::Native, b"absent", Some(b"value")));
    accepted | takes(Tree::Native, b"absent", None)
}

/// A light block for a client that trusts the recorded block of height 20: what it takes is a recorded block.
pub fn light_block(data: &[u8]) -> bool {
    static HASHES: LazyLock<BTreeMap<u64, strongroom_types::Hash>> = LazyLock::new(|| {
        let blocks = recorded::light_blocks().into_iter();
        blocks.map(|b| (b.header.height, b.header.hash())).collect()
    });
    static TRUSTED: LazyLock<Trusted> = LazyLock::new(|| {
        let blocks = recorded::light_blocks();
        let block = blocks.iter().find(|b| b.header.height == 20);
        let block = block.expect("a recorded block");
        Trusted::header(&block.header.chain_id, &block.header.hash(), block).expect("trusted")
    });
    let Ok(block) = LightBlock::decode(data) else {
        return false;
    };
    assert_eq!(LightBlock::decode(&block.encode()).as_ref(), Ok(&block));
    match TRUSTED.step(&block, &Terms::WITHOUT_CLOCK) {
        Ok(next) => {
            assert_eq!(next.hash().as_ref(), HASHES.get(&next.height()));
            true
        }
        Err(_) => false,
    }
}
