//! Our values in ABCI's protobuf.

use crate::{FinalizeBlock, InitChain};
use prost::Message as _;
use strongroom_proof::comet::params::encode_update;
use strongroom_proof::comet::raw::abci as pb;
use strongroom_proof::comet::raw::{crypto, types};
#[cfg(test)]
use strongroom_types::Timestamp;
use strongroom_types::consensus::ConsensusParamsUpdate;
use strongroom_types::{Event, ExecTxResult, ValidatorUpdate};

pub(super) fn init_chain(init: InitChain) -> pb::ResponseInitChain {
    pb::ResponseInitChain {
        consensus_params: init.consensus_params.as_ref().map(params),
        validators: init.validators.iter().map(validator_update).collect(),
        app_hash: init.app_hash.into(),
    }
}

pub(super) fn finalize_block(outcome: FinalizeBlock) -> pb::ResponseFinalizeBlock {
    pb::ResponseFinalizeBlock {
        events: outcome.events.into_iter().map(event).collect(),
        tx_results: outcome.tx_results.into_iter().map(tx_result).collect(),
        validator_updates: outcome
            .validator_updates
            .iter()
            .map(validator_update)
            .collect(),
        consensus_param_updates: outcome.consensus_param_updates.as_ref().map(params),
        app_hash: outcome.app_hash.into(),
    }
}

pub(super) fn check_tx(result: ExecTxResult) -> pb::ResponseCheckTx {
    pb::ResponseCheckTx {
        code: result.code,
        data: result.data.into(),
        log: result.log,
        info: result.info,
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
        events: result.events.into_iter().map(event).collect(),
        codespace: result.codespace,
    }
}

fn tx_result(result: ExecTxResult) -> pb::ExecTxResult {
    pb::ExecTxResult {
        code: result.code,
        data: result.data.into(),
        log: result.log,
        info: result.info,
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
        events: result.events.into_iter().map(event).collect(),
        codespace: result.codespace,
    }
}

fn event(event: Event) -> pb::Event {
    let attributes = event.attributes.into_iter();
    let attributes = attributes.map(|a| pb::EventAttribute {
        key: a.key,
        value: a.value,
        index: a.index,
    });
    pb::Event {
        r#type: event.kind,
        attributes: attributes.collect(),
    }
}

fn validator_update(update: &ValidatorUpdate) -> pb::ValidatorUpdate {
    pb::ValidatorUpdate {
        pub_key: Some(crypto::PublicKey {
            sum: Some(crypto::public_key::Sum::Ed25519(update.pubkey.to_vec())),
        }),
        power: update.power,
    }
}

fn params(update: &ConsensusParamsUpdate) -> types::ConsensusParams {
    // Our own bytes of this very message.
    types::ConsensusParams::decode(encode_update(update).as_slice()).unwrap_or_default()
}

#[cfg(test)]
pub(super) fn time(at: Timestamp) -> tendermint_proto::google::protobuf::Timestamp {
    tendermint_proto::google::protobuf::Timestamp {
        seconds: at.seconds,
        nanos: i32::try_from(at.nanos).unwrap_or(0),
    }
}
