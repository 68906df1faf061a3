//! Validators, keys and consensus parameters.

use crate::json::{Base64, Str, UpperHex};
use serde::Serialize;
use strongroom_store::blocks::Validator;
use strongroom_types::ValidatorUpdate;
use strongroom_types::consensus::{
    AbciParams, BlockParams, ConsensusParams, ConsensusParamsUpdate, EvidenceParams,
    ValidatorParams, VersionParams,
};
use tendermint_proto::v0_38::crypto as pb;

/// A public key with the name of its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PubKeyJson {
    r#type: &'static str,
    value: Base64,
}

impl PubKeyJson {
    /// An Ed25519 key.
    #[must_use]
    pub fn ed25519(key: &[u8]) -> Self {
        Self {
            r#type: "tendermint/PubKeyEd25519",
            value: Base64(key.to_vec()),
        }
    }
}

/// A key as it stands in protobuf.
pub(crate) fn pub_key_of_proto(key: pb::PublicKey) -> Option<PubKeyJson> {
    Some(match key.sum? {
        pb::public_key::Sum::Ed25519(key) => PubKeyJson::ed25519(&key),
        pb::public_key::Sum::Secp256k1(key) => PubKeyJson {
            r#type: "tendermint/PubKeySecp256k1",
            value: Base64(key.to_vec()),
        },
    })
}

/// A validator of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ValidatorJson {
    pub(crate) address: UpperHex,
    pub(crate) pub_key: PubKeyJson,
    pub(crate) voting_power: Str<i64>,
    pub(crate) proposer_priority: Str<i64>,
}

impl From<&Validator> for ValidatorJson {
    fn from(validator: &Validator) -> Self {
        Self {
            address: UpperHex(validator.address.to_vec()),
            pub_key: PubKeyJson::ed25519(&validator.pubkey),
            voting_power: Str(validator.power),
            proposer_priority: Str(validator.proposer_priority),
        }
    }
}

impl From<&ValidatorUpdate> for ValidatorJson {
    /// As in the event `ValidatorSetUpdates`.
    fn from(update: &ValidatorUpdate) -> Self {
        let hash = strongroom_types::sha256(&update.pubkey);
        Self {
            address: UpperHex(hash.iter().take(20).copied().collect()),
            pub_key: PubKeyJson::ed25519(&update.pubkey),
            voting_power: Str(update.power),
            proposer_priority: Str(0),
        }
    }
}

/// A validator update as results print it: the key in a wrapper of its own, no power when removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ValidatorUpdateJson {
    pub_key: SumJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    power: Option<Str<i64>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct SumJson {
    #[serde(rename = "Sum")]
    sum: SumKeyJson,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct SumKeyJson {
    r#type: &'static str,
    value: Ed25519Json,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Ed25519Json {
    ed25519: Base64,
}

impl From<&ValidatorUpdate> for ValidatorUpdateJson {
    fn from(update: &ValidatorUpdate) -> Self {
        let value = Ed25519Json {
            ed25519: Base64(update.pubkey.to_vec()),
        };
        let sum = SumKeyJson {
            r#type: "tendermint.crypto.PublicKey_Ed25519",
            value,
        };
        Self {
            pub_key: SumJson { sum },
            power: (update.power != 0).then_some(Str(update.power)),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct BlockParamsJson {
    max_bytes: Str<i64>,
    max_gas: Str<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct EvidenceParamsJson {
    max_age_num_blocks: Str<i64>,
    max_age_duration: Str<i64>,
    max_bytes: Str<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct ValidatorParamsJson {
    pub_key_types: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct VersionParamsJson {
    app: Str<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct AbciParamsJson {
    vote_extensions_enable_height: Str<i64>,
}

/// Consensus parameters, whole or in part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConsensusParamsJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<BlockParamsJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<EvidenceParamsJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validator: Option<ValidatorParamsJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<VersionParamsJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    abci: Option<AbciParamsJson>,
}

fn block(params: BlockParams) -> BlockParamsJson {
    BlockParamsJson {
        max_bytes: Str(params.max_bytes),
        max_gas: Str(params.max_gas),
    }
}

fn evidence(params: EvidenceParams) -> EvidenceParamsJson {
    EvidenceParamsJson {
        max_age_num_blocks: Str(params.max_age_num_blocks),
        max_age_duration: Str(params.max_age_duration_ns),
        max_bytes: Str(params.max_bytes),
    }
}

fn validator(params: &ValidatorParams) -> ValidatorParamsJson {
    ValidatorParamsJson {
        pub_key_types: params.pub_key_types.clone(),
    }
}

fn version(params: VersionParams) -> VersionParamsJson {
    VersionParamsJson {
        app: Str(params.app),
    }
}

fn abci(params: AbciParams) -> AbciParamsJson {
    AbciParamsJson {
        vote_extensions_enable_height: Str(params.vote_extensions_enable_height),
    }
}

impl From<&ConsensusParams> for ConsensusParamsJson {
    fn from(params: &ConsensusParams) -> Self {
        Self::from(&ConsensusParamsUpdate::from(params.clone()))
    }
}

impl From<&ConsensusParamsUpdate> for ConsensusParamsJson {
    fn from(update: &ConsensusParamsUpdate) -> Self {
        Self {
            block: update.block.map(block),
            evidence: update.evidence.map(evidence),
            validator: update.validator.as_ref().map(validator),
            version: update.version.map(version),
            abci: update.abci.map(abci),
        }
    }
}
