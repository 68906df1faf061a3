//! Who signed: the signatures of a commit against the validator set.

use super::LightError;
use crate::comet::{Commit, CommitSig, Header, ValidatorSet};
use strongroom_types::Hash;

/// Checks that `commit` is of `header` and that more than 2/3 of `set` decided it; gives the hash of the header.
pub(super) fn check_decided(
    header: &Header,
    commit: &Commit,
    set: &ValidatorSet,
) -> Result<Hash, LightError> {
    if commit.height != header.height {
        return Err(LightError::CommitHeight {
            found: commit.height,
            expected: header.height,
        });
    }
    let hash = header.hash();
    if commit.block_id.hash != hash {
        return Err(LightError::CommitBlockId);
    }
    check(&header.chain_id, commit, set)?;
    Ok(hash)
}

/// Checks every vote of `commit` and that more than 2/3 of the power of `set` voted for its block.
///
/// Entry *i* must be of validator *i*: addresses, keys and places are bound to each other, so no vote counts twice.
fn check(chain_id: &str, commit: &Commit, set: &ValidatorSet) -> Result<(), LightError> {
    let validators = set.validators();
    if commit.signatures.len() != validators.len() {
        return Err(LightError::CommitSize {
            found: commit.signatures.len(),
            expected: validators.len(),
        });
    }
    let mut power: u64 = 0;
    for (index, (sig, validator)) in commit.signatures.iter().zip(validators).enumerate() {
        let Some(vote) = sig.vote() else { continue };
        if vote.address != validator.address() {
            return Err(LightError::VoteAddress { index });
        }
        let message = commit
            .sign_bytes(chain_id, index)
            .ok_or(LightError::Signature { index })?;
        if !validator.verifies(&message, &vote.signature) {
            return Err(LightError::Signature { index });
        }
        if matches!(sig, CommitSig::Commit(_)) {
            power = power.saturating_add(validator.power);
        }
    }
    // 3 × power cannot overflow: a set's power is at most i64::MAX / 8.
    let total = set.total_power();
    if power.saturating_mul(3) <= total.saturating_mul(2) {
        return Err(LightError::Power { power, total });
    }
    Ok(())
}
