//! Evidence of misbehaviour: kept raw, read as far as execution needs it.

use super::wire::{array, decode_canonical, fit, time};
use super::{DecodeError, raw};
use crate::merkle;
use prost::Message;
use raw::types::evidence::Sum;
use strongroom_types::Hash;
pub use strongroom_types::consensus::{Misbehavior, MisbehaviorKind};

/// The evidence of one block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The protobuf of each piece without the `Evidence` wrapper: the leaves of the evidence hash.
    pub leaves: Vec<Vec<u8>>,
    /// What the pieces say, in order; one attack may name several validators.
    pub misbehavior: Vec<Misbehavior>,
}

impl Evidence {
    /// Decodes an `EvidenceList`; empty bytes are the empty list.
    ///
    /// # Errors
    /// [`DecodeError`] says which field.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut evidence = Self::default();
        for piece in decode_list(bytes)?.evidence {
            match piece.sum {
                Some(Sum::DuplicateVoteEvidence(e)) => {
                    evidence.leaves.push(e.encode_to_vec());
                    evidence.misbehavior.push(duplicate_vote(&e)?);
                }
                Some(Sum::LightClientAttackEvidence(e)) => {
                    evidence.leaves.push(e.encode_to_vec());
                    evidence.misbehavior.extend(attack(&e)?);
                }
                None => {
                    return Err(DecodeError::Field {
                        what: "evidence",
                        field: "sum",
                    });
                }
            }
        }
        Ok(evidence)
    }

    /// The `evidence_hash` of the header.
    #[must_use]
    pub fn hash(&self) -> Hash {
        merkle::root(&self.leaves)
    }
}

/// Decodes the raw list, canonical only.
pub(super) fn decode_list(bytes: &[u8]) -> Result<raw::types::EvidenceList, DecodeError> {
    decode_canonical("evidence", bytes)
}

fn duplicate_vote(e: &raw::types::DuplicateVoteEvidence) -> Result<Misbehavior, DecodeError> {
    let what = "duplicate vote";
    let vote = e.vote_a.as_ref().ok_or(DecodeError::Field {
        what,
        field: "vote_a",
    })?;
    Ok(Misbehavior {
        kind: MisbehaviorKind::DuplicateVote,
        address: array(what, "validator_address", &vote.validator_address)?,
        power: e.validator_power,
        height: fit(what, "height", vote.height)?,
        time: time(what, "timestamp", e.timestamp.as_ref())?,
        total_power: e.total_voting_power,
    })
}

fn attack(e: &raw::types::LightClientAttackEvidence) -> Result<Vec<Misbehavior>, DecodeError> {
    let what = "light client attack";
    let mut all = Vec::new();
    for validator in &e.byzantine_validators {
        all.push(Misbehavior {
            kind: MisbehaviorKind::LightClientAttack,
            address: array(what, "validator address", &validator.address)?,
            power: validator.voting_power,
            height: fit(what, "common_height", e.common_height)?,
            time: time(what, "timestamp", e.timestamp.as_ref())?,
            total_power: e.total_voting_power,
        });
    }
    Ok(all)
}
