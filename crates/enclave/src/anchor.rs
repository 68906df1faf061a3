//! The anchor: where the enclave stands after a block, so that it can stand there again. Sealed, so that only this platform
//! can have written it, and bound to the genesis. The store keeps the last two in the batch of the block.

use crate::failure::failure;
use borsh::{BorshDeserialize, BorshSerialize};
use strongroom_bridge::{Failure, FailureCode};
use strongroom_chain::BlockInfo;
use strongroom_proof::PartialForest;
use strongroom_proof::light::{Expected, LightState};
use strongroom_types::{Hash, Height, Tree};

/// Content of an anchor, as it is sealed. A variant never changes once it was used.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
enum Stored {
    V1(Anchor),
}

/// A point of the chain, and what the next header must say.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Anchor {
    /// SHA-256 of the genesis file.
    pub(crate) genesis_hash: Hash,
    /// Height, header hash, time, validator sets.
    pub(crate) light: LightState,
    /// Roots of the trees after the block.
    pub(crate) roots: [(Tree, Hash); 3],
    /// `last_results_hash` of the next header.
    pub(crate) results_hash: Hash,
    /// `consensus_hash` of the next header.
    pub(crate) consensus_hash: Hash,
    /// `version.app` of the header of this block; 0 before the first.
    pub(crate) version_app: u64,
    /// `version.app` of the next header.
    pub(crate) next_version_app: u64,
}

impl Anchor {
    /// Height of the block that it stands after.
    pub(crate) const fn height(&self) -> Height {
        self.light.height()
    }

    /// App hash that the next header must carry.
    pub(crate) fn app_hash(&self) -> Hash {
        strongroom_proof::merkle::app_hash(&self.roots)
    }

    /// All that the next header must say.
    pub(crate) fn expected(&self) -> Expected {
        Expected {
            app_hash: self.app_hash().to_vec(),
            last_results_hash: self.results_hash,
            consensus_hash: self.consensus_hash,
            version_app: self.next_version_app,
        }
    }

    /// The state here, of which nothing but the roots is known.
    pub(crate) fn roots_only(&self) -> Result<PartialForest, Failure> {
        PartialForest::blind(&self.roots, &self.app_hash())
            .map_err(|e| failure(FailureCode::Broken, e))
    }

    /// The block here, as queries see it.
    pub(crate) fn block(&self) -> BlockInfo {
        BlockInfo {
            chain_id: self.light.chain_id().to_owned(),
            genesis_hash: self.genesis_hash,
            height: self.height(),
            time: self.light.time(),
            header_hash: self.light.header_hash().unwrap_or_default(),
            version_app: self.version_app,
            misbehavior: Vec::new(),
        }
    }

    /// The bytes to seal.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Failure> {
        borsh::to_vec(&Stored::V1(self.clone())).map_err(|e| failure(FailureCode::Broken, e))
    }

    /// Reads what was sealed.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Failure> {
        let Stored::V1(anchor) = borsh::from_slice(bytes)
            .map_err(|e| failure(FailureCode::Anchor, format!("sealed anchor: {e}")))?;
        Ok(anchor)
    }
}
