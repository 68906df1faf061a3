//! What consensus and the host's store hand in: blocks, the light client, proofs.

use crate::seeds::recorded;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use strongroom_proof::comet::{self, Commit, Evidence, Header};
use strongroom_proof::light::Expected;
use strongroom_proof::light::LightState;
use strongroom_proof::partial::PartialTree;
use strongroom_proof::tree::Proof;
use strongroom_types::{DecidedBlock, Untrusted};

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
