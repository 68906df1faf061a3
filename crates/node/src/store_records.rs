//! From the words of the enclave and of the engine to those of the block store.

use strongroom_bridge::message::BlockResult;
use strongroom_proof::comet::ValidatorSet;
use strongroom_proof::comet::validators::{Validator as CometValidator, address};
use strongroom_store::blocks::{BlockResults, Validator};
use strongroom_types::ValidatorUpdate;

/// A value that the block store cannot keep.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RecordError {
    /// A voting power out of range.
    #[error("a voting power is out of range")]
    Power,
}

fn validator(v: &CometValidator) -> Result<Validator, RecordError> {
    Ok(Validator {
        address: v.address(),
        pubkey: v.pubkey,
        power: i64::try_from(v.power).map_err(|_| RecordError::Power)?,
        proposer_priority: 0,
    })
}

/// A set, in its own order. Whose turn it is to propose is not tracked: Solo has one validator.
///
/// # Errors
/// [`RecordError::Power`].
pub(crate) fn validators(set: &ValidatorSet) -> Result<Vec<Validator>, RecordError> {
    set.validators().iter().map(validator).collect()
}

/// The first validators.
///
/// # Errors
/// [`RecordError::Power`].
pub(crate) fn first_validators(updates: &[ValidatorUpdate]) -> Result<Vec<Validator>, RecordError> {
    updates
        .iter()
        .map(|u| {
            let address = address(&u.pubkey);
            Ok(Validator {
                address,
                pubkey: u.pubkey,
                power: u.power,
                proposer_priority: 0,
            })
        })
        .collect()
}

/// The results of a block.
#[must_use]
pub(crate) fn results(result: &BlockResult) -> BlockResults {
    BlockResults {
        tx_results: result.tx_results.clone(),
        events: result.events.clone(),
        validator_updates: result.validator_updates.clone(),
        consensus_param_updates: result.consensus_param_updates.clone(),
        app_hash: result.app_hash,
    }
}
