//! From the words of the enclave and of the engine to those of the block store.

use strongroom_bridge::message::BlockResult;
use strongroom_proof::comet::validators::{Validator as CometValidator, address};
use strongroom_proof::comet::{ConsensusParams, ConsensusParamsUpdate, ValidatorSet};
use strongroom_store::blocks::{self, BlockResults, Validator};
use strongroom_types::ValidatorUpdate;

/// A value that the block store cannot keep.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RecordError {
    /// A voting power out of range.
    #[error("a voting power is out of range")]
    Power,
    /// Parameters that do not decode.
    #[error("consensus parameters: {0}")]
    Params(#[from] borsh::io::Error),
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

/// Consensus parameters.
#[must_use]
pub(crate) fn params(params: &ConsensusParams) -> blocks::ConsensusParams {
    blocks::ConsensusParams {
        block: blocks::BlockParams {
            max_bytes: params.block.max_bytes,
            max_gas: params.block.max_gas,
        },
        evidence: blocks::EvidenceParams {
            max_age_num_blocks: params.evidence.max_age_num_blocks,
            max_age_duration_ns: params.evidence.max_age_duration,
            max_bytes: params.evidence.max_bytes,
        },
        pub_key_types: params.validator.pub_key_types.clone(),
        app_version: params.version.app,
        abci: blocks::AbciParams {
            vote_extensions_enable_height: params.abci.vote_extensions_enable_height,
        },
    }
}

/// Changed parameters, as the door carries them.
///
/// # Errors
/// [`RecordError::Params`].
pub(crate) fn update(bytes: &[u8]) -> Result<ConsensusParamsUpdate, RecordError> {
    Ok(borsh::from_slice(bytes)?)
}

fn updates(bytes: &[u8]) -> Result<blocks::ConsensusParamUpdates, RecordError> {
    let update = update(bytes)?;
    let full = params(&ConsensusParams::default().updated(&update));
    Ok(blocks::ConsensusParamUpdates {
        block: update.block.map(|_| full.block),
        evidence: update.evidence.map(|_| full.evidence),
        pub_key_types: update.validator.map(|_| full.pub_key_types),
        app_version: update.version.map(|_| full.app_version),
        abci: update.abci.map(|_| full.abci),
    })
}

/// The results of a block.
///
/// # Errors
/// [`RecordError::Params`] if the changed parameters do not decode.
pub(crate) fn results(result: &BlockResult) -> Result<BlockResults, RecordError> {
    Ok(BlockResults {
        tx_results: result.tx_results.clone(),
        events: result.events.clone(),
        validator_updates: result.validator_updates.clone(),
        consensus_param_updates: result
            .consensus_param_updates
            .as_deref()
            .map(updates)
            .transpose()?,
        app_hash: result.app_hash,
    })
}
