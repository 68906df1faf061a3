//! The JSON form of the genesis document: numbers are text, bytes hex or base64, as CometBFT writes them.

use super::{GenesisDoc, GenesisError, GenesisMember, GenesisValidator, address_text};
use crate::consensus::{
    AbciParams, BlockParams, ConsensusParams, EvidenceParams, ValidatorParams, VersionParams,
};
use crate::{Height, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// The one type of validator key that is taken.
const ED25519: &str = "tendermint/PubKeyEd25519";

#[derive(Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    bound(deserialize = "S: Deserialize<'de> + Default")
)]
pub(super) struct Document<S> {
    genesis_time: String,
    chain_id: String,
    initial_height: Option<String>,
    consensus_params: Option<Params>,
    validators: Option<Vec<Validator>>,
    #[serde(default)]
    app_hash: String,
    #[serde(default)]
    app_state: S,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    block: Block,
    evidence: Evidence,
    validator: ValidatorKinds,
    #[serde(default)]
    version: Version,
    #[serde(default)]
    abci: Abci,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    max_bytes: String,
    max_gas: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Evidence {
    max_age_num_blocks: String,
    /// Nanoseconds.
    max_age_duration: String,
    max_bytes: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ValidatorKinds {
    pub_key_types: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Version {
    app: String,
}

impl Default for Version {
    fn default() -> Self {
        Self { app: "0".into() }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Abci {
    vote_extensions_enable_height: String,
}

impl Default for Abci {
    fn default() -> Self {
        Self {
            vote_extensions_enable_height: "0".into(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Validator {
    /// Empty, or that of the key.
    #[serde(default)]
    address: String,
    pub_key: Key,
    power: String,
    #[serde(default)]
    name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

impl<S> Document<S> {
    /// The values of the members.
    pub(super) fn checked(self) -> Result<GenesisDoc<S>, GenesisError> {
        use GenesisMember as M;
        let refused = |member, field: &str, why: &str| GenesisError::field(member, field, why);
        let time = self.genesis_time.parse::<Timestamp>().map_err(|_| {
            let why = "not a time between the years 1 and 9999 in RFC 3339, UTC";
            refused(M::GenesisTime, "genesis_time", why)
        })?;
        let height = self.initial_height.as_deref().unwrap_or("0");
        let initial_height = match number::<i64>(M::InitialHeight, "initial_height", height)? {
            0 => 1,
            height => Height::try_from(height)
                .map_err(|_| refused(M::InitialHeight, "initial_height", "below 0"))?,
        };
        let params = self.consensus_params;
        let params = params.map_or_else(|| Ok(ConsensusParams::default()), Params::checked)?;
        let validators = self.validators.unwrap_or_default().into_iter();
        let app_hash =
            hex::decode(&self.app_hash).map_err(|_| refused(M::AppHash, "app_hash", "not hex"))?;
        Ok(GenesisDoc {
            genesis_time: time,
            chain_id: self.chain_id,
            initial_height,
            consensus_params: params,
            validators: validators
                .map(Validator::checked)
                .collect::<Result<_, _>>()?,
            app_hash,
            app_state: self.app_state,
        })
    }
}

impl<'a, S> Document<&'a S> {
    /// The form of a document.
    pub(super) fn of(document: &'a GenesisDoc<S>) -> Self {
        Self {
            genesis_time: document.genesis_time.to_string(),
            chain_id: document.chain_id.clone(),
            initial_height: Some(document.initial_height.to_string()),
            consensus_params: Some(Params::of(&document.consensus_params)),
            validators: Some(document.validators.iter().map(Validator::of).collect()),
            app_hash: hex::encode_upper(&document.app_hash),
            app_state: &document.app_state,
        }
    }
}

fn number<T: core::str::FromStr>(
    member: GenesisMember,
    field: &str,
    text: &str,
) -> Result<T, GenesisError> {
    text.parse()
        .map_err(|_| GenesisError::field(member, field, "not a number within its range"))
}

impl Params {
    fn checked(self) -> Result<ConsensusParams, GenesisError> {
        fn param<T: core::str::FromStr>(name: &str, text: &str) -> Result<T, GenesisError> {
            let field = format!("consensus_params.{name}");
            number(GenesisMember::ConsensusParams, &field, text)
        }
        let (block, evidence, abci) = (self.block, self.evidence, self.abci);
        Ok(ConsensusParams {
            block: BlockParams {
                max_bytes: param("block.max_bytes", &block.max_bytes)?,
                max_gas: param("block.max_gas", &block.max_gas)?,
            },
            evidence: EvidenceParams {
                max_age_num_blocks: param(
                    "evidence.max_age_num_blocks",
                    &evidence.max_age_num_blocks,
                )?,
                max_age_duration_ns: param(
                    "evidence.max_age_duration",
                    &evidence.max_age_duration,
                )?,
                max_bytes: param("evidence.max_bytes", &evidence.max_bytes)?,
            },
            validator: ValidatorParams {
                pub_key_types: self.validator.pub_key_types,
            },
            version: VersionParams {
                app: param("version.app", &self.version.app)?,
            },
            abci: AbciParams {
                vote_extensions_enable_height: param(
                    "abci.vote_extensions_enable_height",
                    &abci.vote_extensions_enable_height,
                )?,
            },
        })
    }

    fn of(params: &ConsensusParams) -> Self {
        let (block, evidence) = (&params.block, &params.evidence);
        Self {
            block: Block {
                max_bytes: block.max_bytes.to_string(),
                max_gas: block.max_gas.to_string(),
            },
            evidence: Evidence {
                max_age_num_blocks: evidence.max_age_num_blocks.to_string(),
                max_age_duration: evidence.max_age_duration_ns.to_string(),
                max_bytes: evidence.max_bytes.to_string(),
            },
            validator: ValidatorKinds {
                pub_key_types: params.validator.pub_key_types.clone(),
            },
            version: Version {
                app: params.version.app.to_string(),
            },
            abci: Abci {
                vote_extensions_enable_height: params
                    .abci
                    .vote_extensions_enable_height
                    .to_string(),
            },
        }
    }
}

impl Validator {
    fn checked(self) -> Result<GenesisValidator, GenesisError> {
        let member = GenesisMember::Validators;
        let key = STANDARD.decode(&self.pub_key.value).ok();
        let key = key.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let Some(pubkey) = key.filter(|_| self.pub_key.kind == ED25519) else {
            let why = format!("not 32 bytes of {ED25519} in base64");
            return Err(GenesisError::field(member, "validators.pub_key", why));
        };
        let address = address_text(&pubkey);
        if !self.address.is_empty() && self.address != address {
            let why = format!("that of the key is {address}");
            return Err(GenesisError::field(member, "validators.address", why));
        }
        Ok(GenesisValidator {
            pubkey,
            power: number(member, "validators.power", &self.power)?,
            name: self.name,
        })
    }

    fn of(validator: &GenesisValidator) -> Self {
        Self {
            address: address_text(&validator.pubkey),
            pub_key: Key {
                kind: ED25519.into(),
                value: STANDARD.encode(validator.pubkey),
            },
            power: validator.power.to_string(),
            name: validator.name.clone(),
        }
    }
}
